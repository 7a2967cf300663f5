//! Sweeps of whole regions: read everything, judge it, and bring it to its desired state within the limits.

mod ecr;
mod orphans;
mod replacements;
mod resources;
mod superfluous;

use jiff::{SignedDuration, Timestamp};

use flow_log::{FlowLog, Status};

pub(crate) use ecr::sweep as sweep_ecr;
pub(crate) use orphans::{delete_for_resource, sweep as sweep_orphans};
pub(crate) use resources::sweep as sweep_resources;

/// How many targets, and how many resources of each, are processed concurrently.
pub(crate) const CONCURRENCY: usize = 8;

/// A younger flow log is never an orphan: its resource may not be visible everywhere yet.
const GRACE_PERIOD: SignedDuration = SignedDuration::from_mins(15);

/// A flow log created longer ago than this should not be `Activating` or `Modifying` any more.
const MAX_PENDING: SignedDuration = SignedDuration::from_hours(1);

/// Whether a flow log should have left a transitional state long ago. One of unknown age counts as young.
fn is_stuck(status: &Status, creation_time: Option<Timestamp>, now: Timestamp) -> bool {
    matches!(status, Status::Activating | Status::Modifying)
        && creation_time.is_some_and(|made| now.duration_since(made) > MAX_PENDING)
}

/// Whether a flow log is too young to conclude anything from a missing resource. A flow log of unknown age counts as
/// young.
fn within_grace_period(flow_log: &FlowLog, now: Timestamp) -> bool {
    flow_log.creation_time.is_none_or(|made| now.duration_since(made) < GRACE_PERIOD)
}
