//! What an invocation has taken on already.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use flow_log::{AccountId, RegionId};
use openapi::Session;

/// Resources, by their ids, and whole regions that are handled in this invocation already. Several targets may lead to
/// one of them, and it is changed once.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeSet<(AccountId, RegionId, String)>>);

impl Claims {
    /// Claims a resource. False if that was done before.
    pub(crate) fn claim(&self, session: &Session<'_>, id: &str) -> bool {
        let key = (session.account().clone(), session.region().clone(), id.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// Claims the whole region of the session. False if that was done before.
    pub(crate) fn claim_region(&self, session: &Session<'_>) -> bool {
        const WHOLE: &str = "";
        self.claim(session, WHOLE)
    }
}
