//! Sweeps of whole regions: read everything, judge it, and bring it to its desired state within the limits.

mod age;
mod destinations_in_use;
mod ecr;
mod evidence;
mod inventory;
mod judge;
mod orphans;
mod own;
mod queue;
mod removals;
mod replacements;
mod resources;
mod routers;
mod run;
mod sorted;
mod superfluous;
mod work;

pub(crate) use ecr::sweep as sweep_ecr;
pub(crate) use orphans::{sweep as sweep_orphans, sweep_among as sweep_orphans_among};
pub(crate) use queue::{Joined, SweepQueue};
pub(crate) use removals::{sweep as sweep_removals, sweep_routers as sweep_router_removals};
pub(crate) use resources::sweep as sweep_resources;
pub(crate) use run::MAX_CONCURRENT;
