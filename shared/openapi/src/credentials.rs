//! Work in other accounts: a role is assumed in each, and the token that this buys is kept until it is about to expire.
//!
//! A token is kept under the credentials that bought it, the role, the external id and the session policy, all of them:
//! who has lost the right to assume a role does not get the token that somebody else bought, none gets the rights of
//! another session policy, and no two accounts share one, as the ARN of a role names its account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use flow_log::RoleArn;
use jiff::Timestamp;
use signing::Credentials;
use tokio::sync;

use crate::{AssumedRole, CallError, limits::rate_limiter::between};

/// How long before a token expires another one is bought.
const EARLY: Duration = Duration::from_mins(5);

/// A role that is assumed, for work in the account that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Role {
    /// The role.
    pub arn: RoleArn,
    /// What its trust policy may ask for.
    pub external_id: Option<String>,
    /// A policy that leaves the session less than the role may do.
    pub session_policy: Option<String>,
}

/// What a token is kept under.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Bought {
    pub(crate) with: Credentials,
    pub(crate) role: Role,
}

/// A token, locked while it is bought.
type Slot = Arc<sync::Mutex<Option<AssumedRole>>>;

/// The tokens of all sessions of a client.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Bought, Slot>>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// The token that is kept, or the one that `buy` buys. Who comes while it is bought waits for that one.
    pub(crate) async fn get(
        &self,
        key: &Bought,
        now: Timestamp,
        buy: impl AsyncFnOnce() -> Result<AssumedRole, CallError>,
    ) -> Result<Credentials, CallError> {
        let slot = self.slot(key, now);
        let mut token = slot.lock().await;
        let left = token.as_ref().map_or(Duration::ZERO, |token| between(now, token.expiration));
        if let Some(token) = token.as_ref().filter(|_| left > EARLY) {
            return Ok(token.credentials.clone());
        }
        match (buy().await, &*token) {
            (Ok(new), _) => Ok(token.insert(new).credentials.clone()),
            // The old one is good for a while yet, and STS may be back by then.
            (Err(error), Some(old)) if !left.is_zero() => {
                tracing::warn!(left_s = left.as_secs(), "{error}: {}; the token at hand is used on", error.cause);
                Ok(old.credentials.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Throws away a token that the cloud no longer takes, unless another one has been bought since.
    pub(crate) async fn forget(&self, key: &Bought, now: Timestamp, credentials: &Credentials) {
        let slot = self.slot(key, now);
        slot.lock().await.take_if(|token| token.credentials == *credentials);
    }

    /// The slot of this key. Those that nobody uses and that hold nothing of use are thrown away.
    fn slot(&self, key: &Bought, now: Timestamp) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        slots.retain(|_, slot| match slot.try_lock() {
            Ok(token) => token.as_ref().is_some_and(|token| token.expiration > now) || Arc::strong_count(slot) > 1,
            Err(_) => true,
        });
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}
