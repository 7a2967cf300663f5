//! Who watches the work while it is done.

use flow_log::{AccountId, RegionId};
use openapi::PageObserver;

use crate::{Item, Summary};

/// Learns what a sweep reads and writes while it does so: for progress, and for evidence of what was read.
pub trait Observer: PageObserver {
    /// An account is swept, in this many parts: its regions, and its Express Connect Routers as another.
    fn account_begun(&self, _account: &AccountId, _parts: usize) {}

    /// The sweep of a region has begun.
    fn region_begun(&self, _account: &AccountId, _region: &RegionId) {}

    /// The sweep of a region has ended, with these results.
    fn region_done(&self, _account: &AccountId, _region: &RegionId, _summary: &Summary) {}

    /// A write is about to be made.
    fn write_begun(&self, _item: &Item) {}

    /// A write was made, or failed.
    fn write_done(&self, _item: &Item) {}
}
