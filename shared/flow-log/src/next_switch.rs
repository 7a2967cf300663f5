//! When a flow log is to be switched next.

use jiff::Timestamp;

use crate::{Desired, DesiredFlowLog, Policy, Resource, desired, directive};

/// When the flow log of `resource` is next to be switched on or off, after `now` and before `until`; and what should
/// hold from then on. For `vpc` see [`crate::level`].
#[must_use]
pub fn next_change(
    resource: &Resource,
    vpc: Option<&Resource>,
    policy: &Policy,
    now: Timestamp,
    until: Timestamp,
) -> Option<(Timestamp, Box<DesiredFlowLog>)> {
    let Desired::FlowLog(present) = desired(resource, vpc, policy, now) else { return None };
    // Nothing but these changes as time passes, and which of them matter is for `wanted` to say.
    let edges = policy.schedules.values().flat_map(|schedule| schedule.transitions(now, until)).map(|edge| edge.at);
    let expiry =
        resource.tags.as_ref().and_then(|tags| tags.get(directive::KEY)).and_then(|value| directive::expiry(value));
    let mut moments: Vec<_> = edges.chain(expiry).filter(|at| now < *at && *at < until).collect();
    moments.sort_unstable();
    moments.into_iter().find_map(|at| match desired(resource, vpc, policy, at) {
        Desired::FlowLog(then) if then.is_on != present.is_on => Some((at, then)),
        _ => None,
    })
}
