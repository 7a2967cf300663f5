//! What this invocation handles already.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use flow_log::{AccountId, RegionId};
use openapi::Session;

/// The resources and regions that this invocation handles already. Several targets may lead to the same resource, and
/// it must be changed only once.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeSet<(AccountId, RegionId, String)>>);

impl Claims {
    /// Claims a resource. Returns false if it is already claimed.
    pub(crate) fn claim(&self, session: &Session<'_>, id: &str) -> bool {
        let key = (session.account().clone(), session.region().clone(), id.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// Claims the whole region of the session. Returns false if it is already claimed.
    pub(crate) fn claim_region(&self, session: &Session<'_>) -> bool {
        const WHOLE: &str = "";
        self.claim(session, WHOLE)
    }
}
