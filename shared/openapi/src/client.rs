//! One call: signed, sent, understood, and tried again where that helps.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use flow_log::{AccountId, RegionId};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use signing::{Call, Credentials, acs3, rpc};

use crate::{
    AssumeRole, AssumedRole, CallError, Cause, ClientSettings, Endpoints, Remedy, Retry, Role, SignatureMethod, System,
    accounts::{Bought, Tokens},
    answer::Object,
    circuit::{Circuits, Open},
    pace::{Lane, Pace, Place},
    refusal::{understand, without_secrets},
    request::Request,
    retry::Budget,
    transport::{Exhausted, SignedCall, Transport},
};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Under which name other accounts see who is at work.
pub const ROLE_SESSION_NAME: &str = "flowkeeper";

/// The client. Lives as long as the process, keeps connections, holds no key but the tokens of the roles it assumed.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    endpoints: Endpoints,
    signature: SignatureMethod,
    retry: Retry,
    budget: Budget,
    pace: Pace,
    circuits: Circuits,
    tokens: Tokens,
    system: Arc<dyn System>,
    /// How far the server's clock is ahead of ours, in milliseconds, once it had to say so.
    clock_offset: AtomicI64,
}

impl Client {
    /// A client that reaches the cloud as `settings` say.
    #[must_use]
    pub fn new(settings: ClientSettings, system: Arc<dyn System>) -> Self {
        Self {
            transport: Transport::new(settings.extra_roots),
            endpoints: settings.endpoints,
            signature: settings.signature,
            retry: Retry::default(),
            budget: Budget::new(),
            pace: Pace::new(settings.quotas),
            circuits: Circuits::default(),
            tokens: Tokens::default(),
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
        Session {
            client: self,
            key: Key::Own(credentials),
            place: Place { account, region },
            stop_at,
            is_thrifty: false,
        }
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
    key: Key,
    place: Place,
    stop_at: Option<Timestamp>,
    is_thrifty: bool,
}

/// Where a session's credentials come from.
enum Key {
    /// It was given them.
    Own(Credentials),
    /// From a role, which `by` assumes.
    OfRole { bought: Bought, by: AccountId },
}

/// What is shown an answer that is no refusal, for as long as it is there: its texts are those of the body.
type Reader<'r> = dyn FnMut(&Object<'_>) -> Result<(), String> + Send + 'r;

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(credentials) => credentials.fmt(f),
            Self::OfRole { bought, .. } => bought.role.arn.fmt(f),
        }
    }
}

impl Session<'_> {
    /// The account that the calls are made for.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.place.account
    }

    /// The region that the calls are made in.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        &self.place.region
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

    /// The same work, reading long lists in as few calls as they have pages. What that costs is said in the module on
    /// paging: of a list that changes meanwhile an item may be missed.
    #[must_use]
    pub fn thrifty(self) -> Self {
        Self { is_thrifty: true, ..self }
    }

    pub(crate) const fn is_thrifty(&self) -> bool {
        self.is_thrifty
    }

    /// The same work in the account that the role is in, as somebody who has assumed it. Its token is bought with the
    /// session's own credentials, when the first call is made, and renewed in time.
    #[must_use]
    pub fn in_role(self, role: Role) -> Self {
        let Key::Own(with) = self.key else { return self };
        let place = Place { account: role.arn.account().clone(), region: self.place.region };
        Self { key: Key::OfRole { bought: Bought { with, role }, by: self.place.account }, place, ..self }
    }

    /// What to sign with.
    async fn credentials(&self) -> Result<Cow<'_, Credentials>, CallError> {
        let (bought, by) = match &self.key {
            Key::Own(credentials) => return Ok(Cow::Borrowed(credentials)),
            Key::OfRole { bought, by } => (bought, by),
        };
        self.client.tokens.get(bought, self.client.server_time(), || self.buy(bought, by)).await.map(Cow::Owned)
    }

    /// Assumes the role. In a box, as the call that needs the token makes this call.
    fn buy<'s>(&'s self, bought: &'s Bought, by: &AccountId) -> BoxFuture<'s, Result<AssumedRole, CallError>> {
        let Bought { with, role } = bought;
        let buyer = self.client.session(with.clone(), by.clone(), self.region().clone(), self.stop_at);
        Box::pin(async move {
            let asked = AssumeRole {
                external_id: role.external_id.as_deref(),
                ..AssumeRole::new(&role.arn, ROLE_SESSION_NAME)
            };
            buyer.assume_role(&asked).await
        })
    }

    /// Throws away credentials that have expired, where there are others to be had.
    async fn renew(&self, expired: &Credentials) -> bool {
        let Key::OfRole { bought, .. } = &self.key else { return false };
        self.client.tokens.forget(bought, self.client.server_time(), expired).await;
        true
    }

    /// Makes a call, in the session's region, and tries it again where its error's remedy is to do so. `read` is shown
    /// the answer.
    async fn call(&self, request: &Request, read: &mut Reader<'_>) -> Result<(), CallError> {
        if let Some(error) = request.is_invalid() {
            return Err(error);
        }
        let mut clock_was_corrected = false;
        let mut credentials_were_renewed = false;
        let mut tries = 0;
        loop {
            let credentials = self.credentials().await?;
            self.keep_pace(request).await?;
            // On the heap, so that the futures of all that make calls stay small: they are moved about.
            let (error, date) = match Box::pin(self.try_once(request, &credentials, read)).await {
                Ok(()) => {
                    self.client.budget.earn();
                    return Ok(());
                }
                Err(failed) => failed,
            };
            match (error.remedy(), date) {
                // To wait until the service is back would take all the time there is.
                _ if matches!(error.cause, Cause::CircuitOpen { .. }) => return Err(error),
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
    }

    fn correct_clock(&self, server: Timestamp) {
        let offset = server.duration_since(self.client.system.now());
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

    /// One try. With its error comes the server's time, where it gave it.
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
                let read = understand(&answer).and_then(|whole| {
                    let (whole, status) = (Object::whole(&whole), answer.status);
                    read(&whole).map_err(|reason| (Cause::Unreadable { status, reason }, whole.text("RequestId")))
                });
                read.map_err(|(cause, request_id)| {
                    let (cause, request_id) = without_secrets(cause, request_id, credentials);
                    (CallError { request_id, retry_after: answer.retry_after, ..request.failed(cause) }, answer.date)
                })
            }
            // Not the service was slow: the work had to end.
            Err(Cause::Unanswered { host, .. }) if self.time_left() == Some(Duration::ZERO) => {
                Err((request.failed(Cause::CutOff { host }), None))
            }
            Err(cause) => Err((request.failed(without_secrets(cause, None, credentials).0), None)),
        };
        match &outcome {
            Err((error, _)) if error.is_of_a_service_that_is_down() => {
                // Where there was no time for a whole answer, its absence says nothing.
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
        let nonce = format!("{:032x}", client.system.random());
        let time = client.server_time();
        match client.signature {
            SignatureMethod::HmacSha1 => SignedCall::InForm(rpc::signed_form(call, credentials, time, &nonce)),
            SignatureMethod::Acs3HmacSha256 => {
                SignedCall::InHeaders(acs3::signed_post(call, host, credentials, time, &nonce))
            }
        }
    }

    /// Makes no call for as long as the server says that it would take none.
    fn leave_alone(&self, request: &Request, exhausted: Exhausted) {
        let lane = Lane::from(request);
        if let Some(wait) = exhausted.all {
            self.client.pace.hold(&self.place, lane.of_the_whole_product(), self.now(), wait);
        }
        if let Some(wait) = exhausted.operation {
            self.client.pace.hold(&self.place, lane, self.now(), wait);
        }
    }

    /// A token by which the API knows a call that is made again.
    pub(crate) fn client_token(&self) -> String {
        format!("{:032x}", self.client.system.random())
    }

    /// Makes a call and reads its answer.
    pub(crate) async fn call_and_read<T>(
        &self,
        request: Request,
        mut read: impl FnMut(&Object<'_>) -> Result<T, String> + Send,
    ) -> Result<T, CallError>
    where
        T: Send,
    {
        let mut found = None;
        let mut read_it = |answer: &Object<'_>| {
            found = Some(read(answer)?);
            Ok(())
        };
        self.call(&request, &mut read_it).await?;
        found.ok_or_else(|| request.failed(Cause::Unreadable { status: 200, reason: "it was not read".to_owned() }))
    }

    /// Makes a call whose answer says no more than that it was done.
    pub(crate) async fn call_and_done(&self, request: Request) -> Result<(), CallError> {
        self.call_and_read(request, |_| Ok(())).await
    }
}

/// There was less time left than the wait would have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time left")]
pub struct NoTimeLeft;
