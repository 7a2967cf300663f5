//! The life of a call: signing, sending, reading the response, and retrying where that helps.

use std::{sync::atomic::Ordering, time::Duration};

use jiff::Timestamp;
use signing::{Call, Credentials, acs3, hex, rpc, sls, unsigned_post};

use super::{
    counter::CallCounter,
    redact::{id_without_secrets, without_secrets},
    request::{Request, Rest},
    response::{Exhausted, parse_response},
    response_object::ResponseObject,
    site::Site,
    transport::SignedCall,
};
use crate::{
    CallError, Cause, Client, ErrorKind, Product, Remedy, SignatureMethod,
    endpoints::Target,
    limits::{
        circuit_breaker::Open,
        rate_limiter::{QuotaKey, QuotaScope},
    },
};

/// How long to wait for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads a successful response, which borrows its texts from the body.
pub(crate) type Reader<'r> = dyn FnMut(&ResponseObject<'_>, &Credentials) -> Result<(), String> + Send + 'r;

/// What the calls of a session go through: the client, for one account and region, until the deadline.
#[derive(Debug)]
pub(crate) struct Pipeline<'a> {
    pub(crate) client: &'a Client,
    pub(crate) scope: QuotaScope,
    pub(crate) stop_at: Option<Timestamp>,
    /// Counts the calls, if somebody asks for that.
    pub(crate) counter: Option<CallCounter>,
}

/// The deadline would have passed during the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time left")]
pub struct NoTimeLeft;

impl Pipeline<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.client.clock.now()
    }

    /// Returns the time left until the deadline, or `None` if there is no deadline.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.time_left_at(self.now())
    }

    fn time_left_at(&self, now: Timestamp) -> Option<Duration> {
        self.stop_at.map(|stop_at| clock::until(now, stop_at))
    }

    /// Sleeps for `duration`, or fails at once if the deadline would pass first.
    pub(crate) async fn wait(&self, duration: Duration) -> Result<(), NoTimeLeft> {
        if self.time_left().is_some_and(|left| left <= duration) {
            return Err(NoTimeLeft);
        }
        self.client.clock.sleep(duration).await;
        self.count(|counter| counter.count_wait(duration));
        Ok(())
    }

    fn count(&self, count: impl FnOnce(&CallCounter)) {
        if let Some(counter) = &self.counter {
            count(counter);
        }
    }

    /// Makes a call, and retries it if the error's remedy says so. `read` receives the response. Fresh credentials are up
    /// to the caller. Returns the request id of an operation with a path, which is not in the response itself.
    pub(crate) async fn call(
        &self,
        request: &Request,
        credentials: &Credentials,
        read: &mut Reader<'_>,
    ) -> Result<Option<String>, CallError> {
        if let Some(error) = request.invalid() {
            return Err(error);
        }
        if let Some(part) = credentials.malformed_part() {
            return Err(request.failed(Cause::MalformedKey { part }));
        }
        if self.client.is_read_only && !request.is_read() {
            return Err(request.failed(Cause::ReadOnly));
        }
        let mut clock_was_corrected = false;
        let mut tries = 0;
        let mut answered = None;
        let began = self.now();
        let mut site = Site::first(self.client.is_at_other_site.load(Ordering::Relaxed));
        loop {
            self.acquire_quota(request).await?;
            // Boxed to keep the futures of all callers small, because they are moved.
            let (error, date) = match Box::pin(self.try_once(request, credentials, site, read)).await {
                Ok(request_id) => {
                    self.client.budget.earn();
                    if site.is_second() {
                        self.client.is_at_other_site.store(site.is_other(), Ordering::Relaxed);
                    }
                    return Ok(request_id);
                }
                Err(failed) => failed,
            };
            if error.kind() == ErrorKind::Throttled {
                self.count(CallCounter::count_throttle);
            }
            match (error.remedy(), date) {
                // Waiting for the service to recover would use up all the time. The last response says more than the
                // open circuit.
                _ if error.kind() == ErrorKind::CircuitOpen => return Err(answered.unwrap_or(error)),
                (Remedy::SlowDown | Remedy::TryAgain, _) => {}
                (Remedy::CorrectClock, Some(date)) if !clock_was_corrected => {
                    clock_was_corrected = true;
                    self.correct_clock(date);
                    continue;
                }
                _ if let Some(other) = self.other_site(request, site, &error) => {
                    site = other;
                    answered = Some(error);
                    continue;
                }
                // The site that was asked first is the more likely one, so its refusal says more.
                _ if site.is_second() => return Err(answered.unwrap_or(error)),
                _ => return Err(error),
            }
            tries += 1;
            let chance = self.client.rng.random() as u64;
            let Some(delay) = self.client.retry.delay(tries, error.kind(), error.retry_after, chance) else {
                return Err(error);
            };
            if self.stop_at.is_none() && clock::until(began, self.now()) + delay > self.client.retry.give_up_after {
                return Err(error);
            }
            if !self.client.budget.spend() {
                tracing::warn!("{error} is not tried again: too many calls fail");
                return Err(error);
            }
            tracing::info!(wait_ms = delay.as_millis() as u64, tries, "{error}: {}; it is tried again", error.cause);
            if self.wait(delay).await.is_err() {
                return Err(error);
            }
            self.count(CallCounter::count_retry);
            answered = Some(error);
        }
    }

    /// Returns the site to ask next if this one may be the wrong one.
    fn other_site(&self, request: &Request, site: Site, error: &CallError) -> Option<Site> {
        if self.client.endpoints.has_other_site(request.product) { site.after(error.kind()) } else { None }
    }

    fn correct_clock(&self, server: Timestamp) {
        let offset = server.duration_since(self.now());
        let offset = i64::try_from(offset.as_millis()).unwrap_or_default();
        tracing::warn!(offset_ms = offset, "the clock of this machine is off; the server's time is used");
        self.client.clock_offset.store(offset, Ordering::Relaxed);
    }

    /// Waits until the quota has room for the call.
    async fn acquire_quota(&self, request: &Request) -> Result<(), CallError> {
        let now = self.now();
        let wait = self.client.rate_limiter.acquire(&self.scope, request.into(), now, self.time_left_at(now));
        match wait {
            Some(Duration::ZERO) => Ok(()),
            Some(wait) => self.wait(wait).await.map_err(|NoTimeLeft| request.failed(Cause::OutOfTime)),
            None => Err(request.failed(Cause::OutOfTime)),
        }
    }

    /// Makes one attempt. An error comes with the server's time, if the response gave it.
    async fn try_once(
        &self,
        request: &Request,
        credentials: &Credentials,
        site: Site,
        read: &mut Reader<'_>,
    ) -> Result<Option<String>, (CallError, Option<Timestamp>)> {
        let client = self.client;
        let (product, region) = (request.product, &self.scope.region);
        let now = self.now();
        let timeout = match self.time_left_at(now) {
            Some(Duration::ZERO) => return Err((request.failed(Cause::OutOfTime), None)),
            Some(left) => left.min(RESPONSE_TIMEOUT),
            None => RESPONSE_TIMEOUT,
        };
        client.circuit_breakers.admit(product, region, now).map_err(|Open { failures, retry_in, last }| {
            let region = region.clone();
            (request.failed(Cause::CircuitOpen { product, region, failures, retry_in, last }), None)
        })?;

        let rest = request.rest.as_deref();
        let project = rest.map_or("", |rest| &rest.project);
        let to = Target { product, account: &self.scope.account, region, project, at_other_site: site.is_other() };
        let url = client.endpoints.url(to);
        let signed = match rest {
            None => self.sign(request, credentials, url.authority()),
            Some(rest) if product == Product::Sls => {
                self.sign_with_path(request, rest, credentials, &client.endpoints.host(to))
            }
            Some(rest) => self.sign_with_path(request, rest, credentials, url.authority()),
        };
        self.count(|counter| counter.count_call(request.is_read()));
        let sent = client.page_observer.as_ref().map(|observer| (observer, self.now()));
        let outcome = match client.transport.send(url, signed, timeout).await {
            Ok(mut response) => {
                if let (Some((observer, sent)), Some(date)) = (sent, response.date) {
                    observer.answered(sent, self.now(), date);
                }
                self.block_exhausted(request, response.exhausted);
                let read = parse_response(&response, request.answer()).and_then(|whole| {
                    let (whole, status) = (ResponseObject::whole(&whole), response.status);
                    read(&whole, credentials)
                        .map_err(|reason| (Cause::Unreadable { status, reason }, whole.text("RequestId")))
                });
                let in_header = response.request_id.take();
                match read {
                    Ok(()) => Ok(id_without_secrets(in_header, credentials)),
                    Err((cause, request_id)) => {
                        let (cause, request_id) = without_secrets(cause, request_id.or(in_header), credentials);
                        let (retry_after, date) = (response.retry_after, response.date);
                        Err((CallError { request_id, retry_after, ..request.failed(cause) }, date))
                    }
                }
            }
            // The service was not slow: the deadline cut the call off.
            Err(Cause::NoResponse { host, .. }) if self.time_left() == Some(Duration::ZERO) => {
                Err((request.failed(Cause::DeadlineExceeded { host }), None))
            }
            Err(cause) => Err((request.failed(without_secrets(cause, None, credentials).0), None)),
        };
        match &outcome {
            Err((error, _)) if error.means_service_down() => {
                // If there was no time for a complete response, its absence says nothing about the service.
                if timeout == RESPONSE_TIMEOUT || !matches!(error.cause, Cause::NoResponse { .. }) {
                    client.circuit_breakers.record_failure(product, region, self.now(), error.cause.to_string());
                }
            }
            _ => client.circuit_breakers.record_success(product, region),
        }
        outcome
    }

    fn sign(&self, request: &Request, credentials: &Credentials, host: &str) -> SignedCall {
        let client = self.client;
        let mut query = Vec::with_capacity(request.parameters.len() + 1);
        let mut form = Vec::new();
        if request.product.takes_region() {
            query.push(("RegionId", self.scope.region.as_str()));
        }
        for (key, value) in &request.parameters {
            if request.belongs_in_form(key) { &mut form } else { &mut query }.push((&**key, value.as_str()));
        }
        let call = Call { action: request.action, version: request.product.version(), query: &query, form: &form };
        let nonce = hex(&client.rng.random().to_be_bytes());
        let time = client.server_time();
        if !request.is_signed {
            return SignedCall::InHeaders(unsigned_post(call, time));
        }
        match client.signature {
            SignatureMethod::HmacSha1 => SignedCall::InForm(rpc::signed_form(call, credentials, time, &nonce)),
            SignatureMethod::Acs3HmacSha256 => {
                SignedCall::InHeaders(acs3::signed_post(call, host, credentials, time, &nonce))
            }
        }
    }

    /// Signs a call of an operation that has a path. Each product takes one method for it, whatever the settings say.
    fn sign_with_path(&self, request: &Request, rest: &Rest, credentials: &Credentials, host: &str) -> SignedCall {
        let Rest { path, content_type, body, .. } = rest;
        let query: Vec<_> = request.parameters.iter().map(|(key, value)| (&**key, value.as_str())).collect();
        let (method, time) = (rest.method.as_str(), self.client.server_time());
        let (headers, query) = if request.product == Product::Sls {
            let region = self.scope.region.as_str();
            let signed =
                sls::signed(&sls::Request { method, host, region, path, query: &query, body }, credentials, time);
            (signed.headers, signed.query)
        } else {
            let headers: Vec<_> = rest.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let call = acs3::RestCall {
                action: request.action,
                version: request.product.version(),
                method,
                path,
                query: &query,
                headers: &headers,
                content_type: *content_type,
                body,
            };
            let nonce = hex(&self.client.rng.random().to_be_bytes());
            let signed = acs3::signed_request(&call, host, credentials, time, &nonce);
            (signed.headers, signed.query)
        };
        SignedCall::WithPath { method: rest.method.clone(), path: path.clone(), headers, query, body: body.clone() }
    }

    /// Holds calls back for as long as the server says that it accepts none.
    fn block_exhausted(&self, request: &Request, exhausted: Exhausted) {
        let key = QuotaKey::from(request);
        if let Some(wait) = exhausted.all {
            self.client.rate_limiter.block_for(&self.scope, key.of_the_whole_product(), self.now(), wait);
        }
        if let Some(wait) = exhausted.operation {
            self.client.rate_limiter.block_for(&self.scope, key, self.now(), wait);
        }
    }
}
