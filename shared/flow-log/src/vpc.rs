//! Flow logs on VPCs, vSwitches and network interfaces.

pub(crate) mod change;
pub(crate) mod desired;
pub(crate) mod diff;
pub(crate) mod observed;
pub(crate) mod plan;
pub(crate) mod replacement;
pub(crate) mod spec;
