//! The life of a call: signing, sending, reading the response, and retrying where that helps.

use std::{sync::atomic::Ordering, time::Duration};

use jiff::Timestamp;
use signing::{Call, Credentials, acs3, rpc};

use super::{
    redact::{parse_response, without_secrets},
    request::Request,
    response::Object,
    transport::{Exhausted, SignedCall},
};
use crate::{
    CallError, Cause, ErrorKind, NoTimeLeft, Remedy, Session, SignatureMethod,
    limits::{circuit_breaker::Open, rate_limiter::QuotaKey},
};

/// How long to wait for a response.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Reads a successful response, which borrows its texts from the body.
type Reader<'r> = dyn FnMut(&Object<'_>, &Credentials) -> Result<(), String> + Send + 'r;

impl Session<'_> {
    /// Makes a call in the session's region, and retries it if the error's remedy says so. `read` receives the
    /// response.
    async fn call(&self, request: &Request, read: &mut Reader<'_>) -> Result<(), CallError> {
        if let Some(error) = request.is_invalid() {
            return Err(error);
        }
        let mut clock_was_corrected = false;
        let mut credentials_were_renewed = false;
        let mut tries = 0;
        let mut answered = None;
        let began = self.now();
        loop {
            let credentials = self.credentials().await?;
            if let Some(part) = odd_part(&credentials) {
                return Err(request.failed(Cause::MalformedKey { part }));
            }
            self.keep_pace(request).await?;
            // Boxed to keep the futures of all callers small, because they are moved.
            let (error, date) = match Box::pin(self.try_once(request, &credentials, read)).await {
                Ok(()) => {
                    self.client.budget.earn();
                    return Ok(());
                }
                Err(failed) => failed,
            };
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
                (Remedy::RefreshCredentials, _) if !credentials_were_renewed && self.renew(&credentials).await => {
                    credentials_were_renewed = true;
                    continue;
                }
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
            answered = Some(error);
        }
    }

    fn correct_clock(&self, server: Timestamp) {
        let offset = server.duration_since(self.client.clock.now());
        let offset = i64::try_from(offset.as_millis()).unwrap_or_default();
        tracing::warn!(offset_ms = offset, "the clock of this machine is off; the server's time is used");
        self.client.clock_offset.store(offset, Ordering::Relaxed);
    }

    /// Waits until the quota has room for the call.
    async fn keep_pace(&self, request: &Request) -> Result<(), CallError> {
        let wait = self.client.pace.claim(&self.place, request.into(), self.now(), self.time_left());
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
        read: &mut Reader<'_>,
    ) -> Result<(), (CallError, Option<Timestamp>)> {
        let client = self.client;
        let (product, region) = (request.product, self.region());
        let timeout = match self.time_left() {
            Some(Duration::ZERO) => return Err((request.failed(Cause::OutOfTime), None)),
            Some(left) => left.min(ANSWER_TIMEOUT),
            None => ANSWER_TIMEOUT,
        };
        client.circuits.admit(product, region, self.now()).map_err(|Open { failures, retry_in, last }| {
            let region = region.clone();
            (request.failed(Cause::CircuitOpen { product, region, failures, retry_in, last }), None)
        })?;

        let url = client.endpoints.url(product, region);
        let signed = self.sign(request, credentials, url.authority());
        let outcome = match client.transport.post(url, signed, timeout).await {
            Ok(answer) => {
                self.leave_alone(request, answer.exhausted);
                let read = parse_response(&answer).and_then(|whole| {
                    let (whole, status) = (Object::whole(&whole), answer.status);
                    read(&whole, credentials)
                        .map_err(|reason| (Cause::Unreadable { status, reason }, whole.text("RequestId")))
                });
                read.map_err(|(cause, request_id)| {
                    let (cause, request_id) = without_secrets(cause, request_id, credentials);
                    (CallError { request_id, retry_after: answer.retry_after, ..request.failed(cause) }, answer.date)
                })
            }
            // The service was not slow: the deadline cut the call off.
            Err(Cause::Unanswered { host, .. }) if self.time_left() == Some(Duration::ZERO) => {
                Err((request.failed(Cause::CutOff { host }), None))
            }
            Err(cause) => Err((request.failed(without_secrets(cause, None, credentials).0), None)),
        };
        match &outcome {
            Err((error, _)) if error.is_of_a_service_that_is_down() => {
                // If there was no time for a complete response, its absence says nothing about the service.
                if timeout == ANSWER_TIMEOUT || !matches!(error.cause, Cause::Unanswered { .. }) {
                    client.circuits.failed(product, region, self.now(), error.cause.to_string());
                }
            }
            _ => client.circuits.answered(product, region),
        }
        outcome
    }

    fn sign(&self, request: &Request, credentials: &Credentials, host: &str) -> SignedCall {
        let client = self.client;
        let mut query = Vec::with_capacity(request.parameters.len() + 1);
        let mut form = Vec::new();
        if request.product.takes_region() {
            query.push(("RegionId", self.region().as_str()));
        }
        for (key, value) in &request.parameters {
            if request.has_in_form(key) { &mut form } else { &mut query }.push((&**key, value.as_str()));
        }
        let call = Call { action: request.action, version: request.product.version(), query: &query, form: &form };
        let nonce = format!("{:032x}", client.rng.random());
        let time = client.server_time();
        match client.signature {
            SignatureMethod::HmacSha1 => SignedCall::InForm(rpc::signed_form(call, credentials, time, &nonce)),
            SignatureMethod::Acs3HmacSha256 => {
                SignedCall::InHeaders(acs3::signed_post(call, host, credentials, time, &nonce))
            }
        }
    }

    /// Holds calls back for as long as the server says that it accepts none.
    fn leave_alone(&self, request: &Request, exhausted: Exhausted) {
        let lane = QuotaKey::from(request);
        if let Some(wait) = exhausted.all {
            self.client.pace.hold(&self.place, lane.of_the_whole_product(), self.now(), wait);
        }
        if let Some(wait) = exhausted.operation {
            self.client.pace.hold(&self.place, lane, self.now(), wait);
        }
    }

    /// Returns a token by which the API recognizes a repeated call.
    pub(crate) fn client_token(&self) -> String {
        format!("{:032x}", self.client.rng.random())
    }

    /// Makes a call and reads its response.
    pub(crate) async fn call_and_read<T: Send>(
        &self,
        request: Request,
        mut read: impl FnMut(&Object<'_>) -> Result<T, String> + Send,
    ) -> Result<T, CallError> {
        self.call_and_read_items(request, |answer, _| read(answer)).await
    }

    /// The same, for a `read` that keeps why an item cannot be read. It gets the credentials so that it can remove
    /// their secrets from that.
    pub(crate) async fn call_and_read_items<T>(
        &self,
        request: Request,
        mut read: impl FnMut(&Object<'_>, &Credentials) -> Result<T, String> + Send,
    ) -> Result<T, CallError>
    where
        T: Send,
    {
        let mut found = None;
        let mut read_it = |answer: &Object<'_>, credentials: &Credentials| {
            found = Some(read(answer, credentials)?);
            Ok(())
        };
        self.call(&request, &mut read_it).await?;
        found.ok_or_else(|| request.failed(Cause::Unreadable { status: 200, reason: "it was not read".to_owned() }))
    }

    /// Makes a call whose response carries nothing but success.
    pub(crate) async fn call_and_done(&self, request: Request) -> Result<(), CallError> {
        self.call_and_read(request, |_| Ok(())).await
    }
}

/// Returns which part of a key contains a character that no key has, such as a line break copied with it.
fn odd_part(credentials: &Credentials) -> Option<&'static str> {
    let is_odd = |text: &str| !text.bytes().all(|byte| byte.is_ascii_graphic());
    let parts = [
        ("access key id", Some(credentials.access_key_id())),
        ("access key secret", Some(credentials.access_key_secret())),
        ("security token", credentials.security_token()),
    ];
    parts.into_iter().find(|(_, text)| text.is_some_and(is_odd)).map(|(part, _)| part)
}
