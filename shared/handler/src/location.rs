//! Where the function runs.

use fc_runtime::Invocation;
use flow_log::{AccountId, RegionId};

/// Where the function runs: where something is that does not say where it is.
#[derive(Debug, Clone, Default)]
pub struct Location {
    /// The account, where somebody said.
    pub account: Option<AccountId>,
    /// The region, where somebody said.
    pub region: Option<RegionId>,
}

impl Location {
    /// Where the function of this invocation runs.
    #[must_use]
    pub fn of(invocation: &Invocation) -> Self {
        Self {
            account: invocation.account_id.as_deref().and_then(|id| id.parse().ok()),
            region: invocation.region.as_deref().and_then(|id| id.parse().ok()),
        }
    }
}
