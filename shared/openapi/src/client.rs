//! One call: signed, sent, understood, and tried again where that helps.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use flow_log::{AccountId, RegionId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use signing::{Call, Credentials, rpc};

use crate::{
    CallError, Cause, ClientSettings, Endpoints, Product, Remedy, Retry, System,
    answer::Object,
    retry::Budget,
    transport::{Answer, Transport},
};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a list is read anew that changes while its pages are read.
const READINGS: usize = 3;

/// The client. Lives as long as the process, keeps connections, holds no key.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    endpoints: Endpoints,
    retry: Retry,
    budget: Budget,
    system: Arc<dyn System>,
    /// How far the server's clock is ahead of ours, in milliseconds, once it had to say so.
    clock_offset: AtomicI64,
}

impl Client {
    /// A client that reaches the cloud as `settings` say.
    #[must_use]
    pub fn new(settings: ClientSettings, system: Arc<dyn System>) -> Self {
        Self {
            transport: Transport::new(),
            endpoints: settings.endpoints,
            retry: Retry::default(),
            budget: Budget::new(),
            system,
            clock_offset: AtomicI64::new(0),
        }
    }

    /// The same client, as patient as `retry` says.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// The client at work for one account in one region, until `stop_at`.
    #[must_use]
    pub const fn session(
        &self,
        credentials: Credentials,
        account: AccountId,
        region: RegionId,
        stop_at: Option<Timestamp>,
    ) -> Session<'_> {
        Session { client: self, credentials, account, region, stop_at }
    }

    fn server_time(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.clock_offset.load(Ordering::Relaxed));
        let now = self.system.now();
        now.checked_add(offset).unwrap_or(now)
    }
}

/// The client with the credentials, the account, the region and the end of one piece of work. The calls are its methods.
#[derive(Debug)]
pub struct Session<'a> {
    client: &'a Client,
    credentials: Credentials,
    account: AccountId,
    region: RegionId,
    stop_at: Option<Timestamp>,
}

/// A call to be made.
pub(crate) struct Request {
    product: Product,
    action: &'static str,
    is_write: bool,
    resource: String,
    parameters: Vec<(Cow<'static, str>, String)>,
}

impl Request {
    /// A call that changes nothing.
    pub(crate) fn read(product: Product, action: &'static str) -> Self {
        Self { product, action, is_write: false, resource: String::new(), parameters: Vec::new() }
    }

    /// A call that changes something.
    pub(crate) fn write(product: Product, action: &'static str) -> Self {
        Self { is_write: true, ..Self::read(product, action) }
    }

    /// Names what the call is about, for its errors.
    pub(crate) fn of(mut self, resource: impl Into<String>) -> Self {
        self.resource = resource.into();
        self
    }

    pub(crate) fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.parameters.push((key.into(), value.into()));
        self
    }

    pub(crate) fn with_some(self, key: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// A list, flattened as the wire wants it: `Key.1`, `Key.2`, …
    pub(crate) fn with_list(self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        values.into_iter().zip(1..).fold(self, |request, (value, nth)| request.with(format!("{key}.{nth}"), value))
    }

    /// Tags, flattened as the wire wants them: `Key.1.Key`, `Key.1.Value`, …
    pub(crate) fn with_tags<'t>(self, key: &str, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        tags.into_iter().zip(1..).fold(self, |request, ((name, value), nth)| {
            request.with(format!("{key}.{nth}.Key"), name).with(format!("{key}.{nth}.Value"), value)
        })
    }

    fn failed(&self, cause: Cause) -> CallError {
        CallError {
            action: self.action,
            resource: self.resource.clone(),
            request_id: None,
            is_write: self.is_write,
            retry_after: None,
            cause,
        }
    }
}

impl Session<'_> {
    /// The account that the calls are made for.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The region that the calls are made in.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        &self.region
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.client.system.now()
    }

    /// How long there is left; `None` where there is no end to it.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.stop_at?.duration_since(self.client.system.now());
        Some(left.try_into().unwrap_or(Duration::ZERO))
    }

    /// Waits, unless there is less time left than that: then it says so at once.
    ///
    /// # Errors
    /// There is not that much time left.
    pub async fn wait(&self, duration: Duration) -> Result<(), NoTimeLeft> {
        if self.time_left().is_some_and(|left| left <= duration) {
            return Err(NoTimeLeft);
        }
        self.client.system.sleep(duration).await;
        Ok(())
    }

    /// Makes a call, in the session's region, and tries it again where its error's remedy is to do so.
    async fn call(&self, request: &Request) -> Result<Value, CallError> {
        let mut clock_was_corrected = false;
        for tries in 1.. {
            let error = match self.try_once(request).await {
                Ok(answer) => {
                    self.client.budget.earn();
                    return Ok(answer);
                }
                Err((error, date)) => match (error.remedy(), date) {
                    (Remedy::SlowDown | Remedy::TryAgain, _) => error,
                    (Remedy::CorrectClock, Some(date)) if !clock_was_corrected => {
                        clock_was_corrected = true;
                        self.correct_clock(date);
                        continue;
                    }
                    _ => return Err(error),
                },
            };
            let chance = self.client.system.random() as u64;
            let Some(delay) = self.client.retry.delay(tries, error.remedy(), error.retry_after, chance) else {
                return Err(error);
            };
            if !self.client.budget.spend() {
                tracing::warn!("{error} is not tried again: too many calls fail");
                return Err(error);
            }
            tracing::info!(wait_ms = delay.as_millis() as u64, tries, "{error}: {}; it is tried again", error.cause);
            if self.wait(delay).await.is_err() {
                return Err(error);
            }
        }
        unreachable!("the loop ends with the retries")
    }

    fn correct_clock(&self, server: Timestamp) {
        let offset = server.duration_since(self.client.system.now());
        let offset = i64::try_from(offset.as_millis()).unwrap_or_default();
        tracing::warn!(offset_ms = offset, "the clock of this machine is off; the server's time is used");
        self.client.clock_offset.store(offset, Ordering::Relaxed);
    }

    /// One try. With its error comes the server's time, where it gave it.
    async fn try_once(&self, request: &Request) -> Result<Value, (CallError, Option<Timestamp>)> {
        let timeout = match self.time_left() {
            Some(Duration::ZERO) => return Err((request.failed(Cause::OutOfTime), None)),
            Some(left) => left.min(ANSWER_TIMEOUT),
            None => ANSWER_TIMEOUT,
        };
        let mut parameters = vec![("RegionId", self.region.as_str())];
        parameters.extend(request.parameters.iter().map(|(key, value)| (&**key, value.as_str())));
        let call = Call { action: request.action, version: request.product.version(), parameters: &parameters };
        let nonce = format!("{:032x}", self.client.system.random());
        let form = rpc::signed_form(call, &self.credentials, self.client.server_time(), &nonce);

        let url = self.client.endpoints.url(request.product, &self.region);
        let answer =
            self.client.transport.post(url, form, timeout).await.map_err(|cause| (request.failed(cause), None))?;
        understand(&answer).map_err(|(cause, request_id)| {
            let cause = without_secrets(cause, &self.credentials);
            (CallError { request_id, retry_after: answer.retry_after, ..request.failed(cause) }, answer.date)
        })
    }

    /// Makes a call and reads its answer.
    pub(crate) async fn call_and_read<T>(
        &self,
        request: Request,
        read: impl FnOnce(&Object<'_>) -> Result<T, String>,
    ) -> Result<T, CallError> {
        let answer = self.call(&request).await?;
        let whole = Object::whole(&answer);
        read(&whole).map_err(|reason| CallError {
            request_id: whole.text("RequestId"),
            ..request.failed(Cause::Unreadable { status: 200, reason })
        })
    }

    /// Reads a numbered list to its end. One that changes meanwhile is read anew, so that nothing is lost where an
    /// item moved to a page that had been read.
    pub(crate) async fn pages<T>(
        &self,
        request: impl Fn() -> Request,
        size: u32,
        read: impl Fn(&Object<'_>) -> Result<Vec<T>, String>,
        id: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, CallError> {
        let mut items = Vec::new();
        for _ in 0..READINGS {
            items.clear();
            let mut seen = BTreeSet::new();
            let mut totals = BTreeSet::new();
            for page in 1.. {
                let request = request().with("PageNumber", page.to_string()).with("PageSize", size.to_string());
                let (found, total) =
                    self.call_and_read(request, |answer| Ok((read(answer)?, answer.number("TotalCount")))).await?;
                let was_full = found.len() >= size as usize;
                items.extend(found.into_iter().filter(|item| seen.insert(id(item))));
                totals.extend(total);
                if !was_full || total.is_some_and(|total| page * size >= total) {
                    break;
                }
            }
            if totals.len() <= 1 {
                break;
            }
        }
        Ok(items)
    }
}

/// There was less time left than the wait would have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time left")]
pub struct NoTimeLeft;

/// Tells an answer from a refusal.
fn understand(answer: &Answer) -> Result<Value, (Cause, Option<String>)> {
    let status = answer.status;
    let value: Value = match serde_json::from_slice(&answer.body) {
        Ok(value @ Value::Object(_)) => value,
        Ok(_) => return Err((Cause::Unreadable { status, reason: "it is no JSON object".to_owned() }, None)),
        Err(error) => return Err((Cause::Unreadable { status, reason: format!("it is no JSON: {error}") }, None)),
    };
    if (200..300).contains(&status) {
        return Ok(value);
    }
    let whole = Object::whole(&value);
    let text = |upper: &str, lower: &str| whole.text(upper).or_else(|| whole.text(lower));
    let request_id = text("RequestId", "requestId");
    let cause = match text("Code", "code") {
        Some(code) => Cause::Refused { status, code, message: text("Message", "message").unwrap_or_default() },
        None => Cause::Unreadable { status, reason: "it has no Code".to_owned() },
    };
    Err((cause, request_id))
}

/// A refused signature is answered with the text that the server signed, the security token in it.
fn without_secrets(cause: Cause, credentials: &Credentials) -> Cause {
    let Cause::Refused { status, code, message } = cause else { return cause };
    let mut message = match message.find("string to sign is") {
        Some(at) => format!("{}string to sign is (left out here)", &message[..at]),
        None => message,
    };
    for secret in [Some(credentials.access_key_secret()), credentials.security_token()].into_iter().flatten() {
        if !secret.is_empty() {
            message = message.replace(secret, "***").replace(&signing::percent_encode(secret), "***");
        }
    }
    Cause::Refused { status, code, message }
}
