//! The sweep of a region's resources: reads all of them, judges them, and brings them to their desired state.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{Action, Change, FlowLog, FlowLogSpec, Policy, Resource, ResourceId, ResourceType, Status, Verdict};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use openapi::{CallError, Entry, FlowLogFilter, NetworkInterfaceFilter, Session, VSwitchFilter, VpcFilter};

use super::{
    CONCURRENCY,
    replacements::{self, Evidence},
    superfluous, within_grace_period,
};
use crate::{
    Item, Outcome, Selection,
    claims::Claims,
    converge::{Converger, Decision, Subject},
    items,
    limits::{self, Withheld, is_risky},
    report::ReportBuilder,
};

/// Reads the region of the session, and brings its resources to their desired state. `may_replace` is set in a timer's
/// sweep only, because such a sweep runs again.
pub(crate) async fn sweep(converger: &Converger<'_>, claims: &Claims, may_replace: bool) -> ReportBuilder {
    let mut report = ReportBuilder::default();
    let Some(mut inventory) = Inventory::read(converger, &mut report).await else { return report };
    let policy = converger.policy;
    let may_replace =
        may_replace && policy.replace && may_repair_by_replacing(policy) && converger.writer.may(Action::DeleteFlowLog);
    let evidence = std::mem::take(&mut inventory.evidence);
    superfluous::report(converger, &inventory, &mut report).await;
    let (mut work, stuck) = judge(converger, inventory, may_replace, &mut report);
    let withheld = within_limits(converger, &mut work, &mut report);
    work.retain(|work| claims.claim(converger.session, work.subject.resource.id.as_str()));
    let (candidates, repairs): (Vec<_>, Vec<_>) =
        work.into_iter().partition(|work| work.decision.plan.needs_replacement);
    // Collected, because the compiler does not accept a lazy map over references as `Send`.
    let repairs: Vec<_> = repairs.into_iter().map(|work| Box::pin(repair(converger, work, withheld))).collect();
    let mut repairs = stream::iter(repairs).buffer_unordered(CONCURRENCY);
    while let Some(items) = repairs.next().await {
        report.items.extend(items);
    }
    drop(repairs);
    let not_made = report.items.iter().find(|item| is_creation_not_made(item)).map(|item| {
        let id = item.resource_id.as_deref().unwrap_or_default();
        format!("the flow log of {id} was not made in this run")
    });
    replacements::replace(converger, candidates, evidence, not_made, &mut report.items).await;
    look_again(converger, stuck, &mut report).await;
    report.sort();
    report
}

/// Whether the policy's `remediate` allows replacements. A replacement repairs drift. If it is cut off, only the repair
/// of a missing flow log restores recording.
const fn may_repair_by_replacing(policy: &Policy) -> bool {
    policy.remediate.drifted && policy.remediate.missing
}

async fn repair(converger: &Converger<'_>, work: Work, withheld: Withheld) -> Vec<Item> {
    converger.converge(&work.subject, work.observed, withheld).await
}

fn is_creation_not_made(item: &Item) -> bool {
    let is_made = matches!(item.outcome, Outcome::Done | Outcome::Planned | Outcome::Unchanged);
    // A creation that the policy's `remediate` leaves out is not even tried.
    let is_left_out = item.action.is_none() && item.verdict == Some(Verdict::Missing);
    (item.action == Some(Action::CreateFlowLog) || is_left_out) && !is_made
}

/// Reports the changes that the limits refuse, and removes them from the work. A dry run shows them all.
fn within_limits(converger: &Converger<'_>, work: &mut Vec<Work>, report: &mut ReportBuilder) -> Withheld {
    let limits = converger.policy.limits;
    let risky = work.iter().filter(|work| work.is_risky).count();
    let creations = work.iter().filter(|work| work.is_creation).count();
    let too_risky = limits::exceeded(limits, risky, report.checked());
    let too_many = limits::creations_exceeded(limits, creations);
    let withheld = Withheld { risky: too_risky.is_some(), creations: too_many.is_some() };
    for why in too_risky.into_iter().chain(too_many) {
        report.refuse(converger.session, &why);
    }
    if converger.writer.is_dry_run() {
        return Withheld::default();
    }
    for work in work.iter_mut() {
        work.withhold(withheld, &mut report.items);
    }
    work.retain(|work| work.must_read || !work.decision.changes.is_empty() || work.decision.plan.needs_replacement);
    withheld
}

/// Reads again the flow logs that were created long ago and were still changing their state at the first read.
async fn look_again(converger: &Converger<'_>, stuck: Vec<Subject>, report: &mut ReportBuilder) {
    for subject in stuck {
        for item in converger.converge(&subject, None, Withheld::default()).await {
            let is_stuck = item.verdict == Some(Verdict::Pending) && item.action.is_none();
            let reason = format!("{}, and has been for more than an hour; look at it in the VPC console", item.reason);
            report.items.push(if is_stuck {
                Item { reason, outcome: Outcome::Skipped, ..item }.finding()
            } else {
                item
            });
        }
    }
}

/// What was read of one region.
///
/// Flow logs of resources that need no change are judged as they arrive and not kept. So memory holds only the
/// resources and the flow logs that need attention.
pub(super) struct Inventory {
    pub(super) resources: BTreeMap<ResourceId, Entered>,
    /// The VPCs, if their tags decide about the level of the resources in them.
    vpcs: BTreeMap<ResourceId, Resource>,
    /// By the id of the resource that they are on.
    pub(super) flow_logs: BTreeMap<String, Vec<FlowLog>>,
    /// The levels whose resources were all read.
    levels: BTreeSet<ResourceType>,
    /// Whether some flow log could not be read. Then no flow log is known to be missing.
    has_unread_flow_logs: bool,
    /// Whether some resource could not be read. Then no resource is known to be gone.
    has_unread_resources: bool,
    evidence: Evidence,
}

/// A resource, and what has been seen of its flow logs.
pub(super) struct Entered {
    resource: Resource,
    seen: Seen,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Its flow logs, if any, are in the inventory.
    Unjudged,
    /// It has a flow log that needs no change and has been reported. That flow log is not in the inventory.
    InOrder { is_exception: bool },
    /// It has another flow log besides the one that was reported, and only the other one is in the inventory.
    HasAnother,
}

impl Inventory {
    /// Reads the resources first and the flow logs last, so that a resource created meanwhile is not mistaken for one
    /// without a flow log.
    ///
    /// Reports what cannot be read. Returns `None` if that is the flow logs, or every level.
    async fn read(converger: &Converger<'_>, report: &mut ReportBuilder) -> Option<Self> {
        let (policy, session) = (converger.policy, converger.session);
        let mut inventory = Self {
            resources: BTreeMap::new(),
            vpcs: BTreeMap::new(),
            flow_logs: BTreeMap::new(),
            levels: BTreeSet::new(),
            has_unread_flow_logs: false,
            has_unread_resources: false,
            evidence: Evidence::default(),
        };
        let mut levels = policy.levels();
        let needs_vpcs = policy.coverage_needs_vpc_tags() && levels.iter().any(|level| *level != ResourceType::Vpc);
        let reads_vpcs_for_tags = needs_vpcs && levels.insert(ResourceType::Vpc);
        for level in levels {
            match all_of(session, level).await {
                Ok(found) => {
                    inventory.levels.insert(level);
                    for entry in found {
                        inventory.enter(converger, level, entry, report);
                    }
                }
                Err(error) => {
                    inventory.has_unread_resources = true;
                    report.items.push(items::region_unread(session, level.plural(), &error));
                }
            }
        }
        if reads_vpcs_for_tags {
            inventory.levels.remove(&ResourceType::Vpc);
            inventory.resources.retain(|id, _| id.resource_type() != ResourceType::Vpc);
        }
        if inventory.levels.is_empty() {
            return None;
        }
        let filter = FlowLogFilter::default();
        let mut found = session.flow_logs(&filter);
        loop {
            match found.try_next().await {
                Ok(Some(Entry::Read(flow_log))) => inventory.note(converger, flow_log, report),
                Ok(Some(Entry::Unreadable(unreadable))) => {
                    inventory.has_unread_flow_logs = true;
                    report.items.push(items::item_unread(session, "flow logs", &unreadable));
                }
                Ok(None) => break,
                Err(error) => {
                    report.items.push(items::region_unread(session, "flow logs", &error));
                    return None;
                }
            }
        }
        drop(found);
        Some(inventory)
    }

    fn enter(
        &mut self,
        converger: &Converger<'_>,
        level: ResourceType,
        entry: Entry<Resource>,
        report: &mut ReportBuilder,
    ) {
        match entry {
            Entry::Read(resource) => {
                if level == ResourceType::Vpc && converger.policy.coverage_needs_vpc_tags() {
                    self.vpcs.insert(resource.id.clone(), resource.clone());
                }
                self.resources.insert(resource.id.clone(), Entered { resource, seen: Seen::Unjudged });
            }
            Entry::Unreadable(unreadable) => {
                self.has_unread_resources = true;
                report.items.push(items::item_unread(converger.session, level.plural(), &unreadable));
            }
        }
    }

    /// Reports a flow log whose resource needs no change, or else keeps it.
    fn note(&mut self, converger: &Converger<'_>, flow_log: FlowLog, report: &mut ReportBuilder) {
        if converger.policy.replace {
            self.evidence.note(&flow_log);
        }
        let is_first = !self.flow_logs.contains_key(&flow_log.resource_id);
        let id = flow_log.resource_id.parse::<ResourceId>().ok();
        match id.and_then(|id| self.resources.get_mut(&id)) {
            Some(Entered { resource, seen: seen @ Seen::Unjudged }) if is_first => {
                // If nothing inside the resource is judged, its flow log is needed for no other resource.
                let is_finest = self.levels.last() == Some(&resource.id.resource_type());
                let is_shared = resource.account != *converger.session.account();
                // If it is not active, it matters whether a flow log on its VPC or vSwitch records.
                let is_enough = flow_log.status == Status::Active || resource.parents.is_empty();
                if is_finest && is_enough && !is_shared {
                    let vpc = resource.vpc().and_then(|vpc| self.vpcs.get(vpc));
                    let flow_logs = std::slice::from_ref(&flow_log);
                    let decision = converger.decide(resource, vpc, flow_logs, Withheld::default());
                    if !decision.out_of_scope && is_in_order(&decision) {
                        *seen = Seen::InOrder { is_exception: decision.plan.is_exception };
                        report.add(converger.finished(resource, decision));
                        return;
                    }
                }
            }
            Some(Entered { resource, seen: seen @ Seen::InOrder { .. } }) => {
                if let Seen::InOrder { is_exception } = *seen {
                    report.retract(&resource.id, is_exception);
                }
                *seen = Seen::HasAnother;
            }
            _ => {}
        }
        self.flow_logs.entry(flow_log.resource_id.clone()).or_default().push(flow_log);
    }

    /// Returns the flow logs on the resource, its vSwitch and its VPC. Those on the resource are removed if no other
    /// resource needs them.
    fn take(&mut self, resource: &Resource) -> Vec<FlowLog> {
        // At a coarser level, the flow log also covers the resources inside.
        let is_finest = self.levels.last() == Some(&resource.id.resource_type());
        let own = if is_finest {
            self.flow_logs.remove(resource.id.as_str())
        } else {
            self.flow_logs.get(resource.id.as_str()).cloned()
        };
        let parents = resource.parents.iter().filter_map(|parent| self.flow_logs.get(parent.as_str())).flatten();
        own.into_iter().flatten().chain(parents.cloned()).collect()
    }

    /// Reports Flowkeeper's own flow logs whose resource is gone or at a level where the policy wants none, and those of
    /// which nobody can tell whose they are.
    fn report_unattached(&self, converger: &Converger<'_>, report: &mut ReportBuilder) {
        let (levels, session) = (converger.policy.levels(), converger.session);
        let unread = self.flow_logs.values().flatten().filter(|flow_log| flow_log.tags.is_none());
        for flow_log in unread.filter(|it| !it.resource_id.parse().is_ok_and(|id| self.resources.contains_key(&id))) {
            let (id, resource) = (&flow_log.id, &flow_log.resource_id);
            let reason = format!("the tags of {id} on {resource} cannot be read, so its owner is unknown");
            report.items.push(Item::of_flow_log(session, flow_log, Verdict::Unknown, Outcome::Skipped, reason));
        }
        for flow_log in self.flow_logs.values().flatten().filter(|flow_log| flow_log.is_own()) {
            let recorded: Option<ResourceId> = flow_log.resource_id.parse().ok();
            let Some(id) = recorded.filter(|id| !self.resources.contains_key(id)) else { continue };
            if !levels.contains(&id.resource_type()) {
                let reason = format!("flow logs are kept at other levels than that of a {}", id.resource_type());
                report.items.push(at_other_level(session, flow_log, &reason));
            } else if self.levels.contains(&id.resource_type())
                && !self.has_unread_resources
                && (flow_log.creation_time.is_none() || !within_grace_period(flow_log, session.now()))
            {
                report.add(orphaned(session, flow_log));
            }
        }
    }
}

/// Lists all resources of one level.
async fn all_of(session: &Session<'_>, level: ResourceType) -> Result<Vec<Entry<Resource>>, CallError> {
    match level {
        ResourceType::Vpc => session.vpcs(&VpcFilter::default()).try_collect().await,
        ResourceType::VSwitch => session.vswitches(&VSwitchFilter::default()).try_collect().await,
        ResourceType::NetworkInterface => {
            session.network_interfaces(&NetworkInterfaceFilter::default()).try_collect().await
        }
    }
}

/// A resource that is changed, or read again before that is decided.
pub(super) struct Work {
    pub(super) subject: Subject,
    /// The flow logs that were read on it, its vSwitch and its VPC; `None` if they must be read again.
    pub(super) observed: Option<Vec<FlowLog>>,
    pub(super) decision: Decision,
    /// Whether its flow logs must be read again before anything can be decided.
    must_read: bool,
    /// Whether what is known so far requires a change that can take recording away.
    is_risky: bool,
    /// Whether it requires a new flow log.
    is_creation: bool,
}

impl Work {
    pub(super) fn replacement(&self) -> Option<&FlowLogSpec> {
        let desired = self.decision.desired.as_ref().filter(|_| self.decision.plan.needs_replacement)?;
        Some(&desired.spec)
    }

    /// Creates work from the flow logs that were observed.
    fn new(subject: Subject, observed: Vec<FlowLog>, decision: Decision) -> Self {
        let governed_by = decision.governed_by();
        let is_replaced = decision.plan.needs_replacement;
        let is_risky = is_replaced || decision.changes.iter().any(|change| is_risky(change, governed_by));
        let is_creation = decision.changes.iter().any(|change| matches!(change, Change::Create(_)));
        Self { subject, observed: Some(observed), decision, must_read: false, is_risky, is_creation }
    }

    /// Defers the decision until the flow logs have been read again. The limits count what it requires now.
    fn deferred(self) -> Self {
        let decision = Decision { changes: Vec::new(), ..self.decision };
        Self { observed: None, decision, must_read: true, ..self }
    }

    /// Removes the changes that the limits refuse, and reports them.
    fn withhold(&mut self, withheld: Withheld, items: &mut Vec<Item>) {
        let Decision { plan, changes, desired, .. } = &mut self.decision;
        let governed_by = desired.as_ref().map(|desired| &desired.governed_by);
        let item = Item::of_resource(&self.subject.resource, plan.verdict, Outcome::Skipped, plan.reason.clone());
        changes.retain(|change| match withheld.objection(change, governed_by) {
            None => true,
            Some(why) => {
                let suffix = format!("; {why}");
                items.push(items::not_applied(item.clone(), change.action(), change.flow_log(), &suffix));
                false
            }
        });
        if withheld.risky && std::mem::take(&mut plan.needs_replacement) {
            let suffix = "; not replaced, as the sweep would change too much";
            items.push(items::not_applied(item, Action::DeleteFlowLog, plan.flow_log.as_ref(), suffix));
        }
    }
}

/// Returns the work, and the resources whose flow log should have left a transitional state long ago. Reports the
/// resources that need no change or that this function may not change.
fn judge(
    converger: &Converger<'_>,
    mut inventory: Inventory,
    may_replace: bool,
    report: &mut ReportBuilder,
) -> (Vec<Work>, Vec<Subject>) {
    let session = converger.session;
    let judges_all = converger.capabilities.selects == Selection::Resources;
    if judges_all {
        inventory.report_unattached(converger, report);
    }
    let (mut work, mut stuck) = (Vec::new(), Vec::new());
    for Entered { resource, seen } in std::mem::take(&mut inventory.resources).into_values() {
        if matches!(seen, Seen::InOrder { .. }) {
            continue;
        }
        let observed = inventory.take(&resource);
        if let Some(item) = items::shared_by_other(session, &resource) {
            if judges_all {
                report.add(item);
            }
            continue;
        }
        let vpc = resource.vpc().and_then(|vpc| inventory.vpcs.get(vpc));
        let mut decision = converger.decide(&resource, vpc, &observed, Withheld::default());
        decision.plan.needs_replacement &= may_replace;
        if decision.out_of_scope {
            let is_at_other_level = |it: &&FlowLog| it.is_own() && it.resource_id == resource.id.as_str();
            if judges_all {
                let reason = &decision.plan.reason;
                let found = observed.iter().filter(is_at_other_level);
                report.items.extend(found.map(|flow_log| at_other_level(session, flow_log, reason)));
                report.items.extend(superfluous::foreign(session, &resource, &observed));
            }
            continue;
        }
        let subject = |resource| Subject { resource, vpc: vpc.cloned() };
        // The decision needs all flow logs of the resource.
        let must_read = seen == Seen::HasAnother || inventory.has_unread_flow_logs;
        if must_read && (seen == Seen::HasAnother || !decision.changes.is_empty()) {
            report.count_checked();
            work.push(Work::new(subject(resource), observed, decision).deferred());
        } else if !decision.changes.is_empty() || decision.plan.needs_replacement {
            report.count_checked();
            work.push(Work::new(subject(resource), observed, decision));
        } else if judges_all && is_stuck(&decision, &observed, session.now()) {
            report.count_checked();
            stuck.push(subject(resource));
        } else if judges_all || is_in_order(&decision) || decision.plan.verdict == Verdict::Unknown {
            report.add(converger.finished(&resource, decision));
        }
        // Anything else about scheduled resources is reported by a function that judges every resource.
    }
    (work, stuck)
}

/// Whether a flow log has been changing its state for too long. One of unknown age counts as young.
fn is_stuck(decision: &Decision, observed: &[FlowLog], now: Timestamp) -> bool {
    let is_it = |flow_log: &&FlowLog| decision.plan.flow_log.as_ref() == Some(&flow_log.id);
    decision.plan.verdict == Verdict::Pending
        && observed
            .iter()
            .find(is_it)
            .is_some_and(|flow_log| super::is_stuck(&flow_log.status, flow_log.creation_time, now))
}

/// Whether a resource in scope needs no change and no finding.
fn is_in_order(decision: &Decision) -> bool {
    let plan = &decision.plan;
    matches!(plan.verdict, Verdict::Compliant | Verdict::Paused) && plan.changes.is_empty() && plan.converges
}

/// Returns the result for Flowkeeper's own flow log whose resource is gone. Another function deletes it.
fn orphaned(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let (id, resource) = (&flow_log.id, &flow_log.resource_id);
    let reason = format!("{resource} is gone, and {id} recorded it; this function may not call DeleteFlowLog");
    Item::of_flow_log(session, flow_log, Verdict::Orphaned, Outcome::Skipped, reason)
}

/// Returns the result for Flowkeeper's own flow log at a level where the policy wants none, as after a change of its
/// levels. Traffic that is recorded twice is paid for twice.
fn at_other_level(session: &Session<'_>, flow_log: &FlowLog, why: &str) -> Item {
    let reason = format!("{} is on {}, and {why}; delete it if it is not needed", flow_log.id, flow_log.resource_id);
    Item::of_flow_log(session, flow_log, Verdict::Drifted, Outcome::Skipped, reason)
}
