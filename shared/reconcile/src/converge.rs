//! One resource: reads its flow logs, decides which changes to make, and makes them.

use flow_log::{
    Change, Desired, DesiredFlowLog, FlowLog, FlowLogId, FlowLogSpec, GovernedBy, Plan, Policy, Resource, Status,
    Verdict, desired, plan,
};
use futures_util::{FutureExt as _, future::try_join_all};
use jiff::Timestamp;
use openapi::{CallError, ErrorKind, FlowLogFilter, Session};

use crate::{
    Capabilities, Item, Outcome, Selection, items,
    limits::Withheld,
    poll::Poll,
    resolve,
    writer::{Standing, Write, WriteOutcome, Writer},
};

/// How many consecutive reads must miss a resource before it counts as gone.
const MISSED_READS: usize = 2;

/// Brings resources to their desired state, for one function in one account and region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Converger<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) capabilities: Capabilities,
    pub(crate) session: &'a Session<'a>,
    pub(crate) writer: Writer<'a>,
    /// When the event happened that led here; `None` in a timer's sweep.
    pub(crate) since: Option<Timestamp>,
}

/// What to do about a resource.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) plan: Plan<Change>,
    /// The changes of the plan that this function makes now.
    pub(crate) changes: Vec<Change>,
    /// Whether the function does not handle this resource at all.
    pub(crate) out_of_scope: bool,
    /// Why some of the plan's changes are left out, if they are.
    pub(crate) withheld: Option<String>,
    /// The flow log that the resource should have, if any.
    pub(crate) desired: Option<Box<DesiredFlowLog>>,
}

impl Decision {
    /// Returns what decides whether the flow log is on, if one is desired.
    pub(crate) fn governed_by(&self) -> Option<&GovernedBy> {
        self.desired.as_ref().map(|desired| &desired.governed_by)
    }
}

/// The next step for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is left to write.
    Finished,
    /// A dry run: the changes are only reported.
    Report,
    /// The flow log is changing its state and accepts no write until that ends.
    Wait,
    /// The changes are made.
    Write,
}

/// Returns the next step after a decision from the latest read.
pub(crate) fn next_step(decision: &Decision, dry_run: bool) -> Step {
    if decision.changes.is_empty() {
        Step::Finished
    } else if dry_run {
        Step::Report
    } else if decision.plan.verdict == Verdict::Pending {
        Step::Wait
    } else {
        Step::Write
    }
}

/// A resource, with its VPC if the VPC's tags decide about its level.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) resource: Resource,
    /// Its VPC, if that was read.
    pub(crate) vpc: Option<Resource>,
}

/// How far the changes were made.
enum Progress {
    /// Nothing is left to do.
    Finished,
    /// The loop continues. `known` is the state if it was just read; otherwise it is read again. `wait` asks for a
    /// pause first, because something has to take effect.
    Again { known: Option<Vec<FlowLog>>, wait: bool },
    /// The API did not see the resource when a flow log was created on it.
    NotVisible(Box<Item>),
}

impl Converger<'_> {
    /// Decides what this function does about the resource. `observed` are the flow logs on it, its vSwitch and its VPC.
    pub(crate) fn decide(
        &self,
        resource: &Resource,
        vpc: Option<&Resource>,
        observed: &[FlowLog],
        withheld: Withheld,
    ) -> Decision {
        let desired = desired(resource, vpc, self.policy, self.session.now());
        let plan = plan(resource, observed, &desired, self.policy.foreign);
        self.decision(plan, &desired, withheld)
    }

    fn decision(&self, plan: Plan<Change>, desired: &Desired, withheld: Withheld) -> Decision {
        let flow_log = match desired {
            Desired::FlowLog(flow_log) => Some(flow_log.clone()),
            _ => None,
        };
        let governed_by = flow_log.as_ref().map(|flow_log| &flow_log.governed_by);
        let is_scheduled = governed_by.is_some_and(|by| *by != GovernedBy::Always);
        let is_elsewhere = matches!(desired, Desired::OtherLevel(_));
        // If the desired state is unknown, a schedule may govern it.
        let may_be_scheduled = is_scheduled || matches!(desired, Desired::Unknown { .. });
        let out_of_scope = is_elsewhere || self.capabilities.selects == Selection::Scheduled && !may_be_scheduled;
        let (mut changes, mut why) = (Vec::new(), None);
        let mut plan = plan;
        if plan.needs_replacement
            && let Some(word) = self.word_against_replacing()
        {
            plan.needs_replacement = false;
            why = self
                .policy
                .replace
                .then(|| format!("it is not replaced, as the policy's remediate does not list {word}"));
        }
        for change in plan.changes.iter().filter(|_| !out_of_scope) {
            match self.objection(change, &plan, governed_by, withheld) {
                None => changes.push(change.clone()),
                Some(objection) => why = why.or(Some(objection)),
            }
        }
        Decision { plan, changes, out_of_scope, withheld: why, desired: flow_log }
    }

    /// Returns the word that a replacement needs in the policy's `remediate` and that is not listed. It needs both
    /// words: if a run is cut off between deletion and creation, the next one has to create the missing flow log.
    fn word_against_replacing(&self) -> Option<&'static str> {
        let allowed = self.policy.remediate;
        [(allowed.drifted, "drifted"), (allowed.missing, "missing")]
            .into_iter()
            .find_map(|(is_listed, word)| (self.capabilities.repairs && !is_listed).then_some(word))
    }

    /// Returns why a change is not made now, if it is not.
    fn objection(
        &self,
        change: &Change,
        plan: &Plan<Change>,
        governed_by: Option<&GovernedBy>,
        withheld: Withheld,
    ) -> Option<String> {
        let action = change.action();
        if !self.writer.may(action) {
            return Some(format!("this function may not call {action}"));
        }
        if self.capabilities.repairs
            && let Some(word) = left_out_by_policy(change, plan, self.policy)
        {
            return Some(format!("{action} is left out, as the policy's remediate does not list {word}"));
        }
        withheld.objection(change, governed_by)
    }

    /// Brings the flow log of a resource to its desired state. `known` are the flow logs on it, its vSwitch and its
    /// VPC, if they were just read.
    ///
    /// Returns one result for each change, or one that says why there is none.
    pub(crate) async fn converge(
        &self,
        subject: &Subject,
        known: Option<Vec<FlowLog>>,
        withheld: Withheld,
    ) -> Vec<Item> {
        let Subject { resource, vpc } = subject;
        let decide = |observed: &[FlowLog]| self.decide(resource, vpc.as_ref(), observed, withheld);
        self.run(resource, known, &decide).await
    }

    /// Creates a flow log with this spec on a resource whose flow log `deleted` was just deleted, as soon as no other
    /// one blocks it. It does so even if the policy's `remediate` does not list `missing`, because there was a flow log
    /// before.
    pub(crate) async fn create(
        &self,
        resource: &Resource,
        spec: &FlowLogSpec,
        deleted: &FlowLogId,
        reason: &str,
    ) -> Vec<Item> {
        let flow_log = DesiredFlowLog { spec: spec.clone(), is_on: true, governed_by: GovernedBy::Always, note: None };
        let desired = Desired::FlowLog(Box::new(flow_log.clone()));
        // Coverage by a parent does not count here: the old flow log existed beside it.
        let alone = Resource { parents: Vec::new(), ..resource.clone() };
        let decide = |observed: &[FlowLog]| {
            // A list may still show a deleted flow log for a while.
            let mut observed = observed.to_vec();
            for it in observed.iter_mut().filter(|it| it.id == *deleted) {
                it.status = Status::Deleting;
            }
            let mut plan = plan(&alone, &observed, &desired, self.policy.foreign);
            plan.changes.retain(|change| matches!(change, Change::Create(_)));
            plan.reason = reason.to_owned();
            let changes = plan.changes.clone();
            let desired = Some(Box::new(flow_log.clone()));
            Decision { plan, changes, out_of_scope: false, withheld: None, desired }
        };
        self.run(&alone, None, &decide).await
    }

    async fn run(
        &self,
        resource: &Resource,
        mut known: Option<Vec<FlowLog>>,
        decide: &(dyn Fn(&[FlowLog]) -> Decision + Sync),
    ) -> Vec<Item> {
        let (mut items, mut made) = (Vec::new(), Vec::new());
        let mut poll = Poll::new(self.session);
        let mut visibility = Visibility::new(self.session, self.since);
        loop {
            let observed = match known.take() {
                Some(known) => known,
                None => match flow_logs(self.session, resource).await {
                    Ok(observed) => observed,
                    // Lists of resources show a new one before lists of flow logs know it.
                    Err(Unread::Call(error)) if error.kind() == ErrorKind::NotVisible => {
                        match visibility.wait(self.session, resource).await {
                            Visible::Yes => continue,
                            Visible::Gone => return with(items, gone(resource)),
                            Visible::TimeOver => return with(items, items::flow_logs_unread(resource, &error)),
                        }
                    }
                    Err(Unread::Call(error)) => return with(items, items::flow_logs_unread(resource, &error)),
                    Err(Unread::Item(reason)) => {
                        let reason = format!("the flow logs of {} could not all be read: {reason}", resource.id);
                        let item = Item::of_resource(resource, Verdict::Unknown, Outcome::Failed, reason);
                        return with(items, item.finding());
                    }
                },
            };
            let decision = decide(&observed);
            let step = match next_step(&decision, self.writer.is_dry_run()) {
                // The change was just made, and the state does not show it yet.
                Step::Write if decision.changes.first().is_some_and(|change| made.contains(change)) => Step::Wait,
                step => step,
            };
            let wait = match step {
                Step::Finished => {
                    if items.is_empty() {
                        items.push(self.finished(resource, decision));
                    }
                    return items;
                }
                Step::Report | Step::Write => {
                    match self.make(resource, &decision, decide, (&mut items, &mut made)).await {
                        Progress::Finished => return items,
                        Progress::Again { known: observed, wait } => {
                            known = observed;
                            if wait {
                                poll = Poll::new(self.session);
                            }
                            wait
                        }
                        Progress::NotVisible(item) => match visibility.wait(self.session, resource).await {
                            Visible::Yes => false,
                            Visible::Gone => return with(items, gone(resource)),
                            Visible::TimeOver => return with(items, item.logged()),
                        },
                    }
                }
                Step::Wait => true,
            };
            if wait && !poll.wait(self.session).await {
                let action = decision.changes.first().map(Change::action);
                let next = action.map(|action| action.to_string()).unwrap_or_default();
                let why = decision.plan.reason;
                let reason = format!("{why}; {next} has to wait, and there was no time left for that");
                let item = Item::of_resource(resource, Verdict::Pending, Outcome::Unfinished, reason);
                return with(items, Item { action, ..item }.finding());
            }
        }
    }

    /// Returns the result for a resource that is not changed.
    pub(crate) fn finished(&self, resource: &Resource, decision: Decision) -> Item {
        let Decision { plan, withheld, .. } = decision;
        let item = Item::of_resource(resource, plan.verdict, Outcome::Unchanged, "");
        items::unchanged(item, plan, withheld.as_deref())
    }

    /// Makes the changes, until one has to wait for an earlier one to take effect.
    async fn make(
        &self,
        resource: &Resource,
        decision: &Decision,
        decide: &(dyn Fn(&[FlowLog]) -> Decision + Sync),
        (items, made): (&mut Vec<Item>, &mut Vec<Change>),
    ) -> Progress {
        let plan = &decision.plan;
        let mut changes = decision.changes.iter().peekable();
        let mut is_pending = false;
        while let Some(change) = changes.next() {
            let item = Item::of_resource(resource, plan.verdict, Outcome::Done, plan.reason.clone());
            let confirm = || self.confirm(resource, change, decide).boxed();
            match self.writer.write(Write::FlowLog(resource, change), item, &confirm).await {
                WriteOutcome::Planned(item) => items.push(item),
                WriteOutcome::Done(item) => {
                    made.push(change.clone());
                    let is_finding = changes.peek().is_none() && (!plan.converges || decision.withheld.is_some());
                    let is_exception = plan.is_exception;
                    items.push(Item { is_finding, is_exception, ..item });
                }
                WriteOutcome::Confirmed(item, observed) => {
                    let after = decide(&observed);
                    let is_finding = after.changes.is_empty() && !after.plan.converges;
                    items.push(Item { is_finding, is_exception: plan.is_exception, ..item });
                    return Progress::Again { known: Some(observed), wait: false };
                }
                WriteOutcome::Superseded(observed) => {
                    return Progress::Again { known: Some(observed), wait: false };
                }
                WriteOutcome::NotVisible(item) if matches!(change, Change::Create(_)) => {
                    return Progress::NotVisible(Box::new(item));
                }
                WriteOutcome::NotVisible(item) | WriteOutcome::Failed(item) => {
                    items.push(item);
                    return Progress::Finished;
                }
                WriteOutcome::NotPermitted => {
                    items.push(self.finished(resource, decision.clone()));
                    return Progress::Finished;
                }
            }
            is_pending |= change.is_asynchronous();
            let is_next_blocked = is_pending && changes.peek().is_some_and(|next| next.is_asynchronous());
            if is_next_blocked && !self.writer.is_dry_run() {
                return Progress::Again { known: None, wait: true };
            }
        }
        Progress::Finished
    }

    /// Reads whether a change has taken effect. If it has, the new decision no longer asks for it.
    async fn confirm(
        &self,
        resource: &Resource,
        change: &Change,
        decide: &(dyn Fn(&[FlowLog]) -> Decision + Sync),
    ) -> Result<Standing<Vec<FlowLog>>, CallError> {
        let observed = match flow_logs(self.session, resource).await {
            Ok(observed) => observed,
            Err(Unread::Call(error)) => return Err(error),
            // An unreadable flow log may be the one that was just created.
            Err(Unread::Item(_)) => return Ok(Standing::Changing),
        };
        let decision = decide(&observed);
        if decision.changes.first().map(Change::action) != Some(change.action()) {
            let may_be_ours = is_done(change, &decision.plan, &observed);
            return Ok(Standing::Settled { observed, may_be_ours, flow_log: decision.plan.flow_log });
        }
        let is_pending = decision.plan.verdict == Verdict::Pending;
        Ok(if is_pending { Standing::Changing } else { Standing::Outstanding })
    }
}

/// Returns the word that a repair needs in the policy's `remediate` and that is not listed.
fn left_out_by_policy(change: &Change, plan: &Plan<Change>, policy: &Policy) -> Option<&'static str> {
    let allowed = policy.remediate;
    match change {
        // A flow log that is gone, or about to be, is missing.
        Change::Create(_) => (!allowed.missing).then_some("missing"),
        Change::Activate(_) => (!allowed.inactive).then_some("inactive"),
        Change::Modify(..) | Change::Move(..) | Change::Tag(..) => (!allowed.drifted).then_some("drifted"),
        // A schedule or tag asks for it, so it is not a repair.
        Change::Deactivate(_) => None,
    }
    .filter(|_| plan.verdict != Verdict::Excluded)
}

/// Whether a write with a lost answer can have been made, given that it is no longer decided.
fn is_done(change: &Change, plan: &Plan<Change>, observed: &[FlowLog]) -> bool {
    match change {
        // Somebody else may have created one meanwhile.
        Change::Create(_) => {
            observed.iter().any(|flow_log| flow_log.is_own() && plan.flow_log.as_ref() == Some(&flow_log.id))
        }
        _ => true,
    }
}

fn gone(resource: &Resource) -> Item {
    let reason = format!("{} is gone: it was there when it was first read, and is not any more", resource.id);
    Item::of_resource(resource, Verdict::Excluded, Outcome::Skipped, reason)
}

fn with(mut items: Vec<Item>, last: Item) -> Vec<Item> {
    items.push(last);
    items
}

/// Why the flow logs of a resource are not known.
pub(crate) enum Unread {
    /// The call failed.
    Call(CallError),
    /// A flow log could not be read, for this reason.
    Item(String),
}

/// Reads the flow logs on the resource, its vSwitch and its VPC.
pub(crate) async fn flow_logs(session: &Session<'_>, resource: &Resource) -> Result<Vec<FlowLog>, Unread> {
    let ids = std::iter::once(&resource.id).chain(&resource.parents);
    let reads = ids.map(|id| async move {
        session.describe_flow_logs(&FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() }).await
    });
    let mut observed = Vec::new();
    for listing in try_join_all(reads).await.map_err(Unread::Call)? {
        if let Some(unreadable) = listing.unreadable.into_iter().next() {
            return Err(Unread::Item(unreadable.reason));
        }
        observed.extend(listing.items);
    }
    Ok(observed)
}

/// Waits until the API sees a resource that was just read.
struct Visibility {
    poll: Poll,
    missed: usize,
    since: Option<Timestamp>,
}

enum Visible {
    /// The resource is visible, or cannot be read: the write may be tried again.
    Yes,
    /// The resource is gone.
    Gone,
    TimeOver,
}

impl Visibility {
    fn new(session: &Session<'_>, since: Option<Timestamp>) -> Self {
        Self { poll: Poll::until_deadline(session), missed: 0, since }
    }

    async fn wait(&mut self, session: &Session<'_>, resource: &Resource) -> Visible {
        loop {
            if !self.poll.wait(session).await {
                return Visible::TimeOver;
            }
            match resolve::read(session, &resource.id).await {
                Ok(found) if found.items.is_empty() && found.is_complete() => self.missed += 1,
                Ok(_) => {
                    self.missed = 0;
                    return Visible::Yes;
                }
                Err(error) => {
                    tracing::info!("{error}: {}; whether {} is there is not known", error.cause, resource.id);
                    return Visible::Yes;
                }
            }
            // One server may see a new resource before another does, so soon after the event a miss proves nothing.
            if self.missed >= MISSED_READS && resolve::may_be_gone(self.since, session.now()) {
                return Visible::Gone;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERDICTS: [Verdict; 13] = [
        Verdict::Compliant,
        Verdict::Missing,
        Verdict::Inactive,
        Verdict::Paused,
        Verdict::DueToPause,
        Verdict::Drifted,
        Verdict::Foreign,
        Verdict::Orphaned,
        Verdict::Undelivered,
        Verdict::Pending,
        Verdict::Excluded,
        Verdict::Unsupported,
        Verdict::Unknown,
    ];

    fn decision(verdict: Verdict, changes: Vec<Change>) -> Decision {
        let plan = Plan {
            verdict,
            changes: changes.clone(),
            needs_replacement: false,
            flow_log: None,
            reason: String::new(),
            converges: true,
            is_exception: false,
        };
        Decision { plan, changes, out_of_scope: false, withheld: None, desired: None }
    }

    #[test]
    fn what_comes_next_follows_from_the_changes_the_dry_run_and_the_verdict() {
        let change = || Change::Activate("fl-1".parse().unwrap());
        for verdict in VERDICTS {
            for dry_run in [false, true] {
                for changes in [vec![], vec![change()], vec![change(), change()]] {
                    let expected = match (changes.is_empty(), dry_run, verdict) {
                        (true, _, _) => Step::Finished,
                        (false, true, _) => Step::Report,
                        (false, false, Verdict::Pending) => Step::Wait,
                        (false, false, _) => Step::Write,
                    };
                    let decision = decision(verdict, changes);
                    assert_eq!(next_step(&decision, dry_run), expected, "{decision:?}, dry run: {dry_run}");
                }
            }
        }
    }

    #[test]
    fn what_the_plan_wants_and_this_function_does_not_make_is_nothing_to_write() {
        let planned = decision(Verdict::Missing, vec![Change::Activate("fl-1".parse().unwrap())]);
        let left_out = Decision { changes: Vec::new(), withheld: Some("not for this function".into()), ..planned };
        for dry_run in [false, true] {
            assert_eq!(next_step(&left_out, dry_run), Step::Finished);
        }
    }
}
