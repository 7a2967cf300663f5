//! When a flow log is to be switched next.

use jiff::Timestamp;

use crate::{Kept, Policy, Resource, Wanted, tag, wanted};

/// When the flow log of `resource` is next to be switched on or off, after `now` and before `until`; and what should
/// hold from then on.
#[must_use]
pub fn next_change(
    resource: &Resource,
    policy: &Policy,
    now: Timestamp,
    until: Timestamp,
) -> Option<(Timestamp, Box<Kept>)> {
    let Wanted::Kept(kept) = wanted(resource, policy, now) else { return None };
    // Nothing but these changes as time passes, and which of them matter is for `wanted` to say.
    let edges = policy.schedules.values().flat_map(|schedule| schedule.transitions(now, until)).map(|edge| edge.at);
    let expiry = resource.tags.get(tag::KEY).and_then(|value| tag::expiry(value));
    let mut moments: Vec<_> = edges.chain(expiry).filter(|at| now < *at && *at < until).collect();
    moments.sort_unstable();
    moments.into_iter().find_map(|at| match wanted(resource, policy, at) {
        Wanted::Kept(then) if then.is_on != kept.is_on => Some((at, then)),
        _ => None,
    })
}
