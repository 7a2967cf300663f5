//! A whole region: everything in it is read, judged, and, within limits, put right.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{Change, FlowLog, Resource, ResourceId, ResourceType, Status, Verdict, plan_orphan, policy::Limits};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use openapi::{CallError, FlowLogFilter, NetworkInterfaceFilter, Session, VSwitchFilter, VpcFilter};

use crate::{
    Item, LooksAt, Outcome,
    keeper::{CONCURRENCY, Taken, take},
    report::Part,
    settle::{Settler, Todo, is_unsupported, left, shared, would_be},
};

/// A flow log that is younger is no orphan: its resource may not be seen everywhere yet.
pub(crate) const YOUNG: SignedDuration = SignedDuration::from_mins(15);

/// Reads the region of the session, and makes what is in it as the policy wants it.
pub(crate) async fn sweep(settler: &Settler<'_>, session: &Session<'_>, taken: &Taken) -> Part {
    let mut part = Part::default();
    let Some(survey) = Survey::read(settler, session, &mut part).await else { return part };
    let work = judge(settler, session, survey, &mut part);

    let is_limited = settler.duty.looks_at == LooksAt::Resources && !settler.dry_run;
    let changes = work.iter().filter(|work| work.todo.changes.iter().any(is_counted)).count();
    if is_limited && let Some(excess) = excess(settler.policy.limits, changes, part.checked()) {
        for Work { resource, todo, .. } in &work {
            let besides = "; not done, as the sweep would change too much";
            part.items.extend(
                todo.changes.iter().map(|change| would_be(resource, &todo.plan, change, Outcome::Skipped, besides)),
            );
        }
        part.refuse(session, &excess);
        return part;
    }

    let work: Vec<_> = work.into_iter().filter(|work| take(taken, session, work.resource.id.as_str())).collect();
    let (replacements, repairs): (Vec<_>, Vec<_>) = work.into_iter().partition(Work::is_replacement);
    let repairs = repairs.into_iter().map(|work| Box::pin(work.done(settler, session)));
    let mut repairs = stream::iter(repairs).buffer_unordered(CONCURRENCY);
    while let Some(items) = repairs.next().await {
        part.items.extend(items);
    }
    drop(repairs);
    replace(settler, session, replacements, &mut part).await;
    part.sort();
    part
}

/// Replaces one flow log after the other, until a new one cannot be made: what was wrong with that may be wrong with all,
/// and the old ones, such as they are, are better than none.
async fn replace(settler: &Settler<'_>, session: &Session<'_>, replacements: Vec<Work>, part: &mut Part) {
    let mut failed: Option<ResourceId> = None;
    for work in replacements {
        if let Some(failed) = &failed {
            let besides = format!("; not done, as the flow log of {failed} could not be replaced");
            let skipped = |change| would_be(&work.resource, &work.todo.plan, change, Outcome::Skipped, &besides);
            part.items.extend(work.todo.changes.iter().map(skipped));
            continue;
        }
        let id = work.resource.id.clone();
        let items = Box::pin(work.done(settler, session)).await;
        if items.iter().any(|item| item.outcome == Outcome::Failed) {
            failed = Some(id);
        }
        part.items.extend(items);
    }
}

/// What was read of one region, but for the flow logs that are as they should be: they are judged as they come, so that
/// memory holds the resources and what is wrong.
struct Survey {
    resources: BTreeMap<ResourceId, Looked>,
    /// By what they are on.
    flow_logs: BTreeMap<String, Vec<FlowLog>>,
    /// The levels whose resources were read, all of them.
    levels: BTreeSet<ResourceType>,
}

/// A resource, and how far it has been looked at.
struct Looked {
    resource: Resource,
    so_far: SoFar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SoFar {
    /// Its flow logs, if any, are kept.
    Open,
    /// It has a flow log that is as it should be, and has been said so.
    InOrder,
    /// It has another one besides that one, which is not known any more.
    HasAnother,
}

impl Survey {
    /// Reads the resources first and the flow logs last, so that what is missing is missed by the latest look.
    ///
    /// What cannot be read is said in `part`; nothing more is known where that is the flow logs.
    async fn read(settler: &Settler<'_>, session: &Session<'_>, part: &mut Part) -> Option<Self> {
        let mut survey = Self { resources: BTreeMap::new(), flow_logs: BTreeMap::new(), levels: BTreeSet::new() };
        for level in settler.policy.levels() {
            match all_of(session, level).await {
                Ok(found) => {
                    let looked = found.into_iter().map(|resource| Looked { resource, so_far: SoFar::Open });
                    survey.resources.extend(looked.map(|looked| (looked.resource.id.clone(), looked)));
                    survey.levels.insert(level);
                }
                Err(error) => part.items.push(unread(session, &format!("{level}s"), &error)),
            }
        }
        if survey.levels.is_empty() {
            return None;
        }
        let filter = FlowLogFilter::default();
        let mut found = session.flow_logs(&filter);
        loop {
            match found.try_next().await {
                Ok(Some(flow_log)) => survey.note(settler, session, flow_log, part),
                Ok(None) => break,
                Err(error) => {
                    part.items.push(unread(session, "flow logs", &error));
                    return None;
                }
            }
        }
        drop(found);
        Some(survey)
    }

    /// Says of the flow log's resource that it is as it should be, or else keeps the flow log.
    fn note(&mut self, settler: &Settler<'_>, session: &Session<'_>, flow_log: FlowLog, part: &mut Part) {
        let is_first = !self.flow_logs.contains_key(&flow_log.resource_id);
        let id = flow_log.resource_id.parse::<ResourceId>().ok();
        match id.and_then(|id| self.resources.get_mut(&id)) {
            Some(Looked { resource, so_far: so_far @ SoFar::Open }) if is_first => {
                // What is on it covers its parts, too, if there are any to be looked at.
                let is_finest = self.levels.last() == Some(&resource.id.resource_type());
                let is_shared = resource.account != *session.account();
                // Where it is off, it matters whether its whole has one.
                let is_enough = flow_log.status == Status::Active || resource.parents.is_empty();
                let todo = settler.todo(resource, std::slice::from_ref(&flow_log), session.now());
                if is_finest && is_enough && !is_shared && !todo.is_not_looked_at && is_in_order(&todo) {
                    *so_far = SoFar::InOrder;
                    part.add(left(resource, todo.plan));
                    return;
                }
            }
            Some(Looked { resource, so_far: so_far @ SoFar::InOrder }) => {
                *so_far = SoFar::HasAnother;
                part.take_back(&resource.id);
            }
            _ => {}
        }
        self.flow_logs.entry(flow_log.resource_id.clone()).or_default().push(flow_log);
    }

    /// The flow logs on the resource and on what it is part of. Those on the resource itself are needed nowhere else.
    fn take(&mut self, resource: &Resource) -> Vec<FlowLog> {
        // Where vSwitches are looked at, too, the flow logs of one cover what is on it.
        let is_part_of_none = self.levels.last() == Some(&resource.id.resource_type());
        let own = match is_part_of_none {
            true => self.flow_logs.remove(resource.id.as_str()),
            false => self.flow_logs.get(resource.id.as_str()).cloned(),
        };
        let parents = resource.parents.iter().filter_map(|parent| self.flow_logs.get(parent.as_str())).flatten();
        own.into_iter().flatten().chain(parents.cloned()).collect()
    }
}

/// All resources of one level.
async fn all_of(session: &Session<'_>, level: ResourceType) -> Result<Vec<Resource>, CallError> {
    match level {
        ResourceType::Vpc => session.vpcs(&VpcFilter::default()).try_collect().await,
        ResourceType::VSwitch => session.vswitches(&VSwitchFilter::default()).try_collect().await,
        ResourceType::NetworkInterface => {
            session.network_interfaces(&NetworkInterfaceFilter::default()).try_collect().await
        }
    }
}

/// A resource that something is to be done about.
struct Work {
    resource: Resource,
    /// The flow logs that were seen on it and on what it is part of, unless it has to be read again.
    seen: Option<Vec<FlowLog>>,
    todo: Todo,
}

impl Work {
    fn is_replacement(&self) -> bool {
        self.todo.changes.iter().any(|change| matches!(change, Change::Delete(_)))
    }

    async fn done(self, settler: &Settler<'_>, session: &Session<'_>) -> Vec<Item> {
        settler.settle(session, &self.resource, self.seen).await
    }
}

/// What is to be done. What is as it should be, or is not for this function to change, is said in `part`.
fn judge(settler: &Settler<'_>, session: &Session<'_>, mut survey: Survey, part: &mut Part) -> Vec<Work> {
    let now = session.now();
    let looks_at_all = settler.duty.looks_at == LooksAt::Resources;
    if looks_at_all {
        survey.say_what_is_on_nothing(settler, session, part);
    }
    let mut work = Vec::new();
    for Looked { resource, so_far } in std::mem::take(&mut survey.resources).into_values() {
        if so_far == SoFar::InOrder {
            continue;
        }
        let seen = survey.take(&resource);
        if let Some(item) = shared(session, &resource) {
            if looks_at_all {
                part.add(item);
            }
            continue;
        }
        let todo = settler.todo(&resource, &seen, now);
        if todo.is_not_looked_at {
            let superfluous = seen.iter().filter(|it| it.is_own() && it.resource_id == resource.id.as_str());
            if looks_at_all {
                part.items.extend(superfluous.map(|flow_log| superfluous_on(session, flow_log, &todo.plan.reason)));
            }
            continue;
        }
        if so_far == SoFar::HasAnother {
            part.count_checked();
            // To judge it takes both.
            work.push(Work { resource, seen: None, todo: Todo { changes: Vec::new(), ..todo } });
        } else if !todo.changes.is_empty() {
            part.count_checked();
            work.push(Work { resource, seen: Some(seen), todo });
        } else if looks_at_all || is_in_order(&todo) {
            part.add(left(&resource, todo.plan));
        }
        // What else there is to say of what is scheduled, a function that looks at everything says.
    }
    work
}

impl Survey {
    /// Says which flow logs of ours are on what is gone, or at a level at which the policy wants none.
    fn say_what_is_on_nothing(&self, settler: &Settler<'_>, session: &Session<'_>, part: &mut Part) {
        let levels = settler.policy.levels();
        for flow_log in self.flow_logs.values().flatten().filter(|flow_log| flow_log.is_own()) {
            let recorded: Option<ResourceId> = flow_log.resource_id.parse().ok();
            let Some(id) = recorded.filter(|id| !self.resources.contains_key(id)) else { continue };
            if !levels.contains(&id.resource_type()) {
                let reason = format!("flow logs are kept at other levels than that of a {}", id.resource_type());
                part.items.push(superfluous_on(session, flow_log, &reason));
            } else if self.levels.contains(&id.resource_type()) && !is_young(flow_log, session.now()) {
                part.add(orphaned(session, flow_log));
            }
        }
    }
}

/// Whether what a schedule governs is as it says.
const fn is_in_order(todo: &Todo) -> bool {
    let plan = &todo.plan;
    matches!(plan.verdict, Verdict::Compliant | Verdict::Paused) && plan.changes.is_empty() && plan.is_settled
}

pub(crate) fn is_young(flow_log: &FlowLog, now: Timestamp) -> bool {
    flow_log.creation_time.is_some_and(|made| now.duration_since(made) < YOUNG)
}

/// A flow log of ours whose resource is gone, where another function deletes it.
fn orphaned(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let plan = plan_orphan(flow_log);
    let reason = format!("{}; DeleteFlowLog is not for this function to do", plan.reason);
    Item::of_orphan(session, flow_log, Outcome::Skipped, reason)
}

/// A flow log of ours where the policy wants none, as after a change of its levels: what records twice costs twice.
fn superfluous_on(session: &Session<'_>, flow_log: &FlowLog, why: &str) -> Item {
    let reason = format!("{} is on {}, and {why}; delete it if it is not needed", flow_log.id, flow_log.resource_id);
    let item = Item::of_orphan(session, flow_log, Outcome::Skipped, reason);
    Item { verdict: Some(Verdict::Drifted), ..item }
}

/// Whether a change counts against the limits. Switching on and off is what schedules do all day.
const fn is_counted(change: &Change) -> bool {
    !matches!(change, Change::Activate(_) | Change::Deactivate(_))
}

/// In what so many changes to so many resources are too many.
pub(crate) fn excess(limits: Limits, changes: usize, checked: usize) -> Option<String> {
    /// Below this, a percentage says little.
    const FEW: usize = 10;
    let Limits { max_changes, max_changes_percent } = limits;
    if changes > max_changes as usize {
        return Some(format!("{changes} changes are more than max_changes: {max_changes}"));
    }
    (changes > FEW && changes * 100 > max_changes_percent as usize * checked).then(|| {
        format!("{changes} changes to {checked} resources are more than max_changes_percent: {max_changes_percent}")
    })
}

/// What there is to say where some kind of thing could not be read.
pub(crate) fn unread(session: &Session<'_>, what: &str, error: &CallError) -> Item {
    if is_unsupported(error) {
        let reason = format!("{} has no {what}: {}", session.region(), error.advice());
        let item = Item::new(Outcome::Skipped, reason).at(Some(session.account()), Some(session.region()));
        return Item { verdict: Some(Verdict::Unsupported), is_finding: true, ..item };
    }
    let reason = format!("the {what} of {} could not be read", session.region());
    let item = Item::new(Outcome::Failed, reason).at(Some(session.account()), Some(session.region()));
    Item { verdict: Some(Verdict::Unknown), is_finding: true, ..item }.with_error(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_changes_are_too_many_and_a_percentage_counts_above_ten() {
        let limits = Limits { max_changes: 50, max_changes_percent: 30 };
        let is_too_many = |changes, checked| excess(limits, changes, checked).is_some();
        assert!(!is_too_many(50, 1000) && is_too_many(51, 1000), "in number");
        assert!(!is_too_many(30, 100) && is_too_many(31, 100), "in percent");
        assert!(!is_too_many(10, 10) && is_too_many(11, 11), "a few changes are no flood, whatever the percentage");
        let none = Limits { max_changes: 0, max_changes_percent: 0 };
        assert!(excess(none, 0, 0).is_none() && excess(none, 1, 100).is_some());
    }
}
