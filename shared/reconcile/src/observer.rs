//! Who watches the work while it is done.

use flow_log::{AccountId, FlowLog, RegionId, Resource};
use openapi::PageObserver;

use crate::{Item, Summary, Target};

/// Learns what a sweep reads and writes while it does so: for progress, and for evidence of what was read.
pub trait Observer: PageObserver {
    /// An account is swept, in these parts: its regions, and its Express Connect Routers as another.
    fn account_begun(&self, _account: &AccountId, _parts: &[Target]) {}

    /// A sweep has read a resource. It reads VPCs for their tags as well, where the policy's levels are below them.
    fn resource_read(&self, _account: &AccountId, _region: &RegionId, _resource: &Resource) {}

    /// A sweep has read a flow log of a VPC, vSwitch or network interface. Others may have made it.
    fn flow_log_read(&self, _account: &AccountId, _region: &RegionId, _flow_log: &FlowLog) {}

    /// The sweep of a region has begun.
    fn region_begun(&self, _account: &AccountId, _region: &RegionId) {}

    /// The sweep of a region has ended, with these results.
    fn region_done(&self, _account: &AccountId, _region: &RegionId, _summary: &Summary) {}

    /// A write is about to be made.
    fn write_begun(&self, _item: &Item) {}

    /// A write was made, or failed.
    fn write_done(&self, _item: &Item) {}
}
