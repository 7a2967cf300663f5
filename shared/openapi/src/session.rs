//! One unit of work: the client with credentials, an account, a region and a deadline.

use std::{borrow::Cow, fmt, time::Duration};

use flow_log::{AccountId, RegionId};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use signing::Credentials;

use crate::{
    AssumeRole, AssumedRole, CallError, Client, Role, credentials::AssumeRoleKey, limits::rate_limiter::Place,
};

/// The role session name, under which the other account's logs show Flowkeeper.
pub const ROLE_SESSION_NAME: &str = "flowkeeper";

/// The client with the credentials, account, region and deadline of one unit of work. Read calls are its methods.
#[derive(Debug)]
pub struct Session<'a> {
    pub(crate) client: &'a Client,
    key: Key,
    pub(crate) place: Place,
    pub(crate) stop_at: Option<Timestamp>,
    is_best_effort: bool,
}

/// Where a session's credentials come from.
enum Key {
    /// Passed in by the caller.
    Own(Credentials),
    /// From a role that the account `by` assumes.
    OfRole { bought: AssumeRoleKey, by: AccountId },
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(credentials) => credentials.fmt(f),
            Self::OfRole { bought, .. } => bought.role.arn.fmt(f),
        }
    }
}

/// The session's calls that change something, or check with a dry run whether they could.
#[derive(Debug, Clone, Copy)]
pub struct Writes<'s> {
    pub(crate) session: &'s Session<'s>,
}

impl<'a> Session<'a> {
    pub(crate) const fn new(
        client: &'a Client,
        credentials: Credentials,
        place: Place,
        stop_at: Option<Timestamp>,
    ) -> Self {
        Self { client, key: Key::Own(credentials), place, stop_at, is_best_effort: false }
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
        &self.place.account
    }

    /// Returns the region that the calls are made in.
    #[must_use]
    pub const fn region(&self) -> &RegionId {
        &self.place.region
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.client.clock.now()
    }

    /// Returns the time left until the deadline, or `None` if there is no deadline.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.stop_at?.duration_since(self.client.clock.now());
        Some(left.try_into().unwrap_or(Duration::ZERO))
    }

    /// Sleeps for `duration`, or fails at once if the deadline would pass first.
    ///
    /// # Errors
    /// Less time is left than `duration`.
    pub async fn wait(&self, duration: Duration) -> Result<(), NoTimeLeft> {
        if self.time_left().is_some_and(|left| left <= duration) {
            return Err(NoTimeLeft);
        }
        self.client.clock.sleep(duration).await;
        Ok(())
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

    /// Works in the role's account. The role is assumed with the session's own credentials at the first call, and its
    /// token is renewed before it expires.
    #[must_use]
    pub fn in_role(self, role: Role) -> Self {
        let Key::Own(with) = self.key else { return self };
        let place = Place { account: role.arn.account().clone(), region: self.place.region };
        Self { key: Key::OfRole { bought: AssumeRoleKey { with, role }, by: self.place.account }, place, ..self }
    }

    /// Returns the credentials to sign with.
    pub(crate) async fn credentials(&self) -> Result<Cow<'_, Credentials>, CallError> {
        let (bought, by) = match &self.key {
            Key::Own(credentials) => return Ok(Cow::Borrowed(credentials)),
            Key::OfRole { bought, by } => (bought, by),
        };
        self.client.tokens.get(bought, self.client.server_time(), || self.assume(bought, by)).await.map(Cow::Owned)
    }

    /// Assumes the role. Boxed because the call that needs the token makes this call, so the future is recursive.
    fn assume<'s>(
        &'s self,
        bought: &'s AssumeRoleKey,
        by: &AccountId,
    ) -> BoxFuture<'s, Result<AssumedRole, CallError>> {
        let AssumeRoleKey { with, role } = bought;
        let buyer = self.client.session(with.clone(), by.clone(), self.region().clone(), self.stop_at);
        Box::pin(async move {
            let asked = AssumeRole {
                external_id: role.external_id.as_deref(),
                policy: role.session_policy.as_deref(),
                ..AssumeRole::new(&role.arn, ROLE_SESSION_NAME)
            };
            buyer.assume_role(&asked).await
        })
    }

    /// Discards expired credentials. Returns whether new ones can be obtained.
    pub(crate) async fn renew(&self, expired: &Credentials) -> bool {
        let Key::OfRole { bought, .. } = &self.key else { return false };
        self.client.tokens.forget(bought, self.client.server_time(), expired).await;
        true
    }
}

/// The deadline would have passed during the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time left")]
pub struct NoTimeLeft;
