//! Credentials for other accounts: assumes a role in each, and caches the token until shortly before it expires.
//!
//! The cache key is the caller's credentials, the role, the external id and the session policy, all of them. So a
//! caller that has lost the right to assume a role does not get a token that another caller obtained, no session gets
//! the rights of another session policy, and accounts never share a token, because a role's ARN names its account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use flow_log::RoleArn;
use jiff::Timestamp;
use signing::Credentials;
use tokio::sync;

use crate::{AssumedRole, CallError};

/// A token that is valid for no longer than this is renewed.
const MIN_LEFT: Duration = Duration::from_mins(5);
/// How many tokens are kept at most while nobody waits for them. An instance that sweeps the accounts of an organization
/// one after the other needs each token for a few seconds only.
const MAX_IDLE: usize = 32;

/// A role to assume, for work in the role's account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Role {
    /// The ARN of the role.
    pub arn: RoleArn,
    /// The external id that the role's trust policy may require.
    pub external_id: Option<String>,
    /// A policy that restricts the session to less than the role allows.
    pub session_policy: Option<Arc<str>>,
}

/// The cache key of a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct AssumeRoleKey {
    pub(crate) with: Credentials,
    pub(crate) role: Role,
}

/// A cached token, locked while it is being obtained.
type Slot = Arc<sync::Mutex<Option<AssumedRole>>>;

/// The slot of a key.
struct Entry {
    slot: Slot,
    /// When it was asked for last, as a count of all questions.
    used: u64,
}

/// The role tokens of all sessions of a client.
#[derive(Default)]
pub(crate) struct CredentialCache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    by_key: HashMap<AssumeRoleKey, Entry>,
    /// How often a slot was asked for.
    questions: u64,
}

impl std::fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialCache").finish_non_exhaustive()
    }
}

impl CredentialCache {
    /// Returns the cached token, or the one that `assume` obtains. Concurrent callers wait for one `AssumeRole`.
    pub(crate) async fn get(
        &self,
        key: &AssumeRoleKey,
        now: Timestamp,
        assume: impl AsyncFnOnce() -> Result<AssumedRole, CallError>,
    ) -> Result<Credentials, CallError> {
        let slot = self.slot(key, now);
        let mut token = slot.lock().await;
        let left = token.as_ref().map_or(Duration::ZERO, |token| clock::until(now, token.expiration));
        if let Some(token) = token.as_ref().filter(|_| left > MIN_LEFT) {
            return Ok(token.credentials.clone());
        }
        match (assume().await, &*token) {
            (Ok(new), _) => Ok(token.insert(new).credentials.clone()),
            // The old token is still valid, and STS may have recovered before it expires.
            (Err(error), Some(old)) if !left.is_zero() => {
                tracing::warn!(left_s = left.as_secs(), "{error}: {}; the token at hand is used on", error.cause);
                Ok(old.credentials.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Discards a token that the cloud rejects, unless it has been replaced since.
    pub(crate) async fn forget(&self, key: &AssumeRoleKey, now: Timestamp, credentials: &Credentials) {
        let slot = self.slot(key, now);
        slot.lock().await.take_if(|token| token.credentials == *credentials);
    }

    /// Returns the slot of this key. Makes room for a new one by removing slots that are not in use: those that hold no
    /// valid token, and of the others those that were asked for the longest ago.
    fn slot(&self, key: &AssumeRoleKey, now: Timestamp) -> Slot {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.questions += 1;
        let used = entries.questions;
        if let Some(entry) = entries.by_key.get_mut(key) {
            entry.used = used;
            return Arc::clone(&entry.slot);
        }
        entries.by_key.retain(|_, entry| entry.is_in_use() || entry.holds_token(now));
        while entries.by_key.len() >= MAX_IDLE {
            let idle = entries.by_key.iter().filter(|(_, entry)| !entry.is_in_use());
            let Some(oldest) = idle.min_by_key(|(_, entry)| entry.used).map(|(oldest, _)| oldest.clone()) else {
                break;
            };
            entries.by_key.remove(&oldest);
        }
        let slot = Slot::default();
        entries.by_key.insert(key.clone(), Entry { slot: Arc::clone(&slot), used });
        slot
    }
}

impl Entry {
    /// Whether somebody waits for the token or obtains it.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.slot) > 1
    }

    /// Whether it holds a token that is still valid.
    fn holds_token(&self, now: Timestamp) -> bool {
        self.slot.try_lock().is_ok_and(|token| token.as_ref().is_some_and(|token| token.expiration > now))
    }
}
