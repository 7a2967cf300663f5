//! Where the function runs.

use fc_runtime::Invocation;
use flow_log::{AccountId, RegionId};

/// Where the function runs. It is the default for an event that names no account or region.
#[derive(Debug, Clone, Default)]
pub struct Location {
    /// The account, if it is known.
    pub account: Option<AccountId>,
    /// The region, if it is known.
    pub region: Option<RegionId>,
}

impl Location {
    /// Returns where the function of this invocation runs.
    #[must_use]
    pub fn of(invocation: &Invocation) -> Self {
        Self {
            account: invocation.account_id.as_deref().and_then(|id| id.parse().ok()),
            region: invocation.region.as_deref().and_then(|id| id.parse().ok()),
        }
    }
}
