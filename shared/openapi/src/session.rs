//! One piece of work: the client with credentials, an account, a region and a deadline.

use std::{borrow::Cow, fmt, time::Duration};

use flow_log::{AccountId, RegionId};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use signing::Credentials;

use crate::{AssumeRole, AssumedRole, CallError, Client, Role, credentials::Bought, limits::rate_limiter::Place};

/// Under which name other accounts see who is at work.
pub const ROLE_SESSION_NAME: &str = "flowkeeper";

/// The client with the credentials, the account, the region and the end of one piece of work. The calls that read are its methods.
#[derive(Debug)]
pub struct Session<'a> {
    pub(crate) client: &'a Client,
    key: Key,
    pub(crate) place: Place,
    pub(crate) stop_at: Option<Timestamp>,
    is_thrifty: bool,
}

/// Where a session's credentials come from.
enum Key {
    /// It was given them.
    Own(Credentials),
    /// From a role, which `by` assumes.
    OfRole { bought: Bought, by: AccountId },
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(credentials) => credentials.fmt(f),
            Self::OfRole { bought, .. } => bought.role.arn.fmt(f),
        }
    }
}

/// The calls of a session that change something, or ask whether they could.
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
        Self { client, key: Key::Own(credentials), place, stop_at, is_thrifty: false }
    }
}

impl Session<'_> {
    /// The calls that change something.
    #[must_use]
    pub const fn writes(&self) -> Writes<'_> {
        Writes { session: self }
    }

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

    /// Whether it is [`Self::thrifty`].
    #[must_use]
    pub const fn is_thrifty(&self) -> bool {
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
    pub(crate) async fn credentials(&self) -> Result<Cow<'_, Credentials>, CallError> {
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
                policy: role.session_policy.as_deref(),
                ..AssumeRole::new(&role.arn, ROLE_SESSION_NAME)
            };
            buyer.assume_role(&asked).await
        })
    }

    /// Throws away credentials that have expired, where there are others to be had.
    pub(crate) async fn renew(&self, expired: &Credentials) -> bool {
        let Key::OfRole { bought, .. } = &self.key else { return false };
        self.client.tokens.forget(bought, self.client.server_time(), expired).await;
        true
    }
}

/// There was less time left than the wait would have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time left")]
pub struct NoTimeLeft;
