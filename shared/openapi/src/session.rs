//! One unit of work: the client with credentials, an account, a region and a deadline.

use std::{borrow::Cow, fmt, time::Duration};

use flow_log::{AccountId, RegionId};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use signing::Credentials;

use crate::{
    AssumeRole, AssumedRole, CallCounter, CallError, CallRead, Cause, Client, NoTimeLeft, PageRead, Remedy, Role,
    call::{
        pipeline::{Pipeline, Reader},
        redact::id_without_secrets,
        request::Request,
        response_object::ResponseObject,
    },
    credentials::AssumeRoleKey,
    limits::rate_limiter::QuotaScope,
};

/// The role session name, under which the other account's logs show Flowkeeper.
pub const ROLE_SESSION_NAME: &str = "flowkeeper";

/// The client with the credentials, account, region and deadline of one unit of work. Read calls are its methods.
#[derive(Debug)]
pub struct Session<'a> {
    pipeline: Pipeline<'a>,
    source: CredentialSource,
    is_best_effort: bool,
}

/// Where a session's credentials come from.
enum CredentialSource {
    /// Passed in by the caller.
    Own(Credentials),
    /// From a role that the account `by` assumes.
    Role { key: AssumeRoleKey, by: AccountId },
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(credentials) => credentials.fmt(f),
            Self::Role { key, .. } => key.role.arn.fmt(f),
        }
    }
}

/// The session's calls that change something, or check with a dry run whether they could.
#[derive(Debug, Clone, Copy)]
pub struct Writes<'s> {
    pub(crate) session: &'s Session<'s>,
}

impl Client {
    /// Starts a session for one account in one region, with `stop_at` as its deadline.
    #[must_use]
    pub const fn session(
        &self,
        credentials: Credentials,
        account: AccountId,
        region: RegionId,
        stop_at: Option<Timestamp>,
    ) -> Session<'_> {
        let pipeline = Pipeline { client: self, scope: QuotaScope { account, region }, stop_at, counter: None };
        Session { pipeline, source: CredentialSource::Own(credentials), is_best_effort: false }
    }
}

impl Session<'_> {
    /// Returns the calls that change something.
    #[must_use]
    pub const fn writes(&self) -> Writes<'_> {
        Writes { session: self }
    }

    /// Returns the account that the calls are made for.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.pipeline.scope.account
    }

    /// Returns the region that the calls are made in.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        &self.pipeline.scope.region
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.pipeline.now()
    }

    /// Returns the time left until the deadline, or `None` if there is no deadline.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.pipeline.time_left()
    }

    /// Sleeps for `duration`, or fails at once if the deadline would pass first.
    ///
    /// # Errors
    /// Less time is left than `duration`.
    pub async fn wait(&self, duration: Duration) -> Result<(), NoTimeLeft> {
        self.pipeline.wait(duration).await
    }

    /// For work that is repeated soon anyway, such as a sweep. Long lists are read with as few calls as they have pages:
    /// if a list changes while it is read, an item may be missed, as the paging module describes. Callers use it to keep
    /// one resource from taking all the time.
    #[must_use]
    pub fn best_effort(self) -> Self {
        Self { is_best_effort: true, ..self }
    }

    /// Returns whether the session is [`Self::best_effort`].
    #[must_use]
    pub const fn is_best_effort(&self) -> bool {
        self.is_best_effort
    }

    /// Returns how many pages of a long list are asked for together.
    pub(crate) const fn pages_at_once(&self) -> usize {
        self.pipeline.client.pages_at_once
    }

    /// Counts the calls of the session, those to assume its role included.
    #[must_use]
    pub fn counted_by(mut self, counter: CallCounter) -> Self {
        self.pipeline.counter = Some(counter);
        self
    }

    /// Works in the role's account. The role is assumed with the session's own credentials at the first call, and its
    /// token is renewed before it expires.
    #[must_use]
    pub fn in_role(self, role: Role) -> Self {
        let CredentialSource::Own(with) = self.source else { return self };
        let Pipeline { client, scope, stop_at, counter } = self.pipeline;
        let other = QuotaScope { account: role.arn.account().clone(), region: scope.region };
        Self {
            pipeline: Pipeline { client, scope: other, stop_at, counter },
            source: CredentialSource::Role { key: AssumeRoleKey { with, role }, by: scope.account },
            ..self
        }
    }

    /// Assumes the role of the session, unless that was done before. Does nothing for a session without one. Calls do
    /// this by themselves: it is for callers who want to know whether the role can be assumed.
    ///
    /// # Errors
    /// The role could not be assumed.
    pub async fn obtain_credentials(&self) -> Result<(), CallError> {
        self.credentials().await.map(drop)
    }

    /// Returns the credentials to sign with.
    async fn credentials(&self) -> Result<Cow<'_, Credentials>, CallError> {
        let (key, by) = match &self.source {
            CredentialSource::Own(credentials) => return Ok(Cow::Borrowed(credentials)),
            CredentialSource::Role { key, by } => (key, by),
        };
        let client = self.pipeline.client;
        client.credential_cache.get(key, client.server_time(), || self.assume(key, by)).await.map(Cow::Owned)
    }

    /// Assumes the role. Boxed because it is rare, and would make the future of every call larger.
    fn assume<'s>(&'s self, key: &'s AssumeRoleKey, by: &AccountId) -> BoxFuture<'s, Result<AssumedRole, CallError>> {
        let AssumeRoleKey { with, role } = key;
        let Pipeline { client, scope, stop_at, counter } = &self.pipeline;
        let scope = QuotaScope { account: by.clone(), region: scope.region.clone() };
        let pipeline = Pipeline { client, scope, stop_at: *stop_at, counter: counter.clone() };
        Box::pin(async move {
            let asked = AssumeRole {
                external_id: role.external_id.as_deref(),
                policy: role.session_policy.as_deref(),
                ..AssumeRole::new(&role.arn, ROLE_SESSION_NAME)
            };
            let request = asked.request();
            let mut assumed = None;
            let mut read = |response: &ResponseObject<'_>, _: &Credentials| {
                assumed = Some(AssumedRole::read(response)?);
                Ok(())
            };
            pipeline.call(&request, with, &mut read).await?;
            assumed.ok_or_else(|| not_read(&request))
        })
    }

    /// Discards expired credentials. Returns whether new ones can be obtained.
    async fn renew(&self, expired: &Credentials) -> bool {
        let CredentialSource::Role { key, .. } = &self.source else { return false };
        let client = self.pipeline.client;
        client.credential_cache.forget(key, client.server_time(), expired).await;
        true
    }

    /// Makes a call, once more with new credentials if those at hand have expired.
    /// Returns the request id of an operation with a path.
    async fn call(&self, request: &Request, read: &mut Reader<'_>) -> Result<Option<String>, CallError> {
        // Before a role is assumed for it.
        if let Some(error) = request.invalid() {
            return Err(error);
        }
        let mut were_renewed = false;
        loop {
            let credentials = self.credentials().await?;
            match self.pipeline.call(request, &credentials, read).await {
                Err(error)
                    if !were_renewed
                        && error.remedy() == Remedy::RefreshCredentials
                        && self.renew(&credentials).await =>
                {
                    were_renewed = true;
                }
                outcome => return outcome,
            }
        }
    }

    /// Tells the client's observer that a page of the list that `request` asks for was read.
    pub(crate) fn report_page(&self, request: &Request, items: usize, total: Option<u32>, request_id: Option<String>) {
        let Some(observer) = &self.pipeline.client.page_observer else { return };
        let (about, is_filtered) = (request.resource.clone(), request.is_filtered());
        let page = PageRead { action: request.action, about, is_filtered, items, total, request_id };
        observer.page_read(self.account(), self.region(), &page);
    }

    /// Tells the client's observer that something other than a list was read.
    fn report_call(&self, request: &Request, rows: Option<usize>, request_id: Option<String>) {
        let Some(observer) = &self.pipeline.client.page_observer else { return };
        let call = CallRead { action: request.action, about: request.resource.clone(), rows, request_id };
        observer.call_read(self.account(), self.region(), &call);
    }

    /// Returns a token by which the API recognizes a repeated call.
    pub(crate) fn client_token(&self) -> String {
        format!("{:032x}", self.pipeline.client.rng.random())
    }

    /// Makes a call and reads its response.
    pub(crate) async fn call_and_read<T: Send>(
        &self,
        request: Request,
        mut read: impl FnMut(&ResponseObject<'_>) -> Result<T, String> + Send,
    ) -> Result<T, CallError> {
        self.call_and_read_items(&request, |response, _| read(response)).await
    }

    /// The same, for a `read` that keeps why an item cannot be read. It gets the credentials so that it can remove
    /// their secrets from that.
    pub(crate) async fn call_and_read_items<T>(
        &self,
        request: &Request,
        mut read: impl FnMut(&ResponseObject<'_>, &Credentials) -> Result<T, String> + Send,
    ) -> Result<T, CallError>
    where
        T: Send,
    {
        let mut found = None;
        let mut read_it = |response: &ResponseObject<'_>, credentials: &Credentials| {
            found = Some(read(response, credentials)?);
            Ok(())
        };
        self.call(request, &mut read_it).await?;
        found.ok_or_else(|| not_read(request))
    }

    /// Makes a call and reads its response, and tells the client's observer so. `rows` counts the rows of what was read, if
    /// it consists of rows.
    pub(crate) async fn call_and_tell<T: Send>(
        &self,
        request: &Request,
        mut read: impl FnMut(&ResponseObject<'_>) -> Result<T, String> + Send,
        rows: impl FnOnce(&T) -> Option<usize> + Send,
    ) -> Result<T, CallError> {
        let (mut found, mut in_body) = (None, None);
        let mut read_it = |response: &ResponseObject<'_>, credentials: &Credentials| {
            found = Some(read(response)?);
            in_body = id_without_secrets(response.text("RequestId"), credentials);
            Ok(())
        };
        let in_header = self.call(request, &mut read_it).await?;
        let found = found.ok_or_else(|| not_read(request))?;
        self.report_call(request, rows(&found), in_header.or(in_body));
        Ok(found)
    }

    /// Makes a call whose response carries nothing but success.
    pub(crate) async fn call_and_done(&self, request: Request) -> Result<(), CallError> {
        self.call_and_read(request, |_| Ok(())).await
    }
}

fn not_read(request: &Request) -> CallError {
    request.failed(Cause::Unreadable { status: 200, reason: "it was not read".to_owned() })
}
