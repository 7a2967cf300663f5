//! When a flow log is switched next.

use jiff::Timestamp;

use crate::{Desired, DesiredFlowLog, Policy, Resource, desired, directive::expiry, names::TagWord};

/// Returns when the flow log of `resource` is next switched on or off, after `now` and before `until`, and the desired
/// flow log from then on. For `vpc`, see [`crate::level`].
#[must_use]
pub fn next_change(
    resource: &Resource,
    vpc: Option<&Resource>,
    policy: &Policy,
    now: Timestamp,
    until: Timestamp,
) -> Option<(Timestamp, Box<DesiredFlowLog>)> {
    let Desired::FlowLog(present) = desired(resource, vpc, policy, now) else { return None };
    // Only schedules and the tag's expiry change with time, and `desired` decides which of them matter.
    let edges = policy.schedules.values().flat_map(|schedule| schedule.transitions(now, until)).map(|edge| edge.at);
    let expiry = resource.tags.as_ref().and_then(|tags| tags.get(TagWord::KEY)).and_then(|value| expiry(value));
    let mut moments: Vec<_> = edges.chain(expiry).filter(|at| now < *at && *at < until).collect();
    moments.sort_unstable();
    moments.into_iter().find_map(|at| match desired(resource, vpc, policy, at) {
        Desired::FlowLog(then) if then.is_on != present.is_on => Some((at, then)),
        _ => None,
    })
}
