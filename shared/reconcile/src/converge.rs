//! Brings one resource to its desired state: reads its flow logs, decides which changes to make, and makes them.

use flow_log::{Change, EcrFlowLog, FlowLog, FlowLogId, FlowLogSpec, Plan, Policy, Resource, Verdict};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use openapi::{CallError, ErrorKind, Session};

use crate::{
    Capabilities, Item, Listing, ObservedFlowLog, Outcome,
    decision::{Decider, Decision, Step, Subject},
    destinations::{Destinations, Looked, Occasion},
    items,
    limits::Withheld,
    poll::Poll,
    read::{self, Unread},
    visibility::{Visibility, Visible},
    write::{FlowLogWrite, Write},
    writer::{Confirmation, WriteOutcome, Writer},
};

/// Brings resources to their desired state, for one function in one account and region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Converger<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) capabilities: Capabilities,
    pub(crate) session: &'a Session<'a>,
    pub(crate) writer: Writer<'a>,
    pub(crate) destinations: &'a Destinations,
    /// When the event happened that led here; `None` in a timer's sweep.
    pub(crate) since: Option<Timestamp>,
    /// Which results are reported.
    pub(crate) listing: Listing,
    /// The time to decide for; `None` for now.
    pub(crate) at: Option<Timestamp>,
}

impl Converger<'_> {
    /// Returns the time to decide for.
    pub(crate) fn decides_at(&self) -> Timestamp {
        self.at.unwrap_or_else(|| self.session.now())
    }

    /// Returns the flow log of a virtual border router for its result, as it was read.
    pub(crate) fn observed_router(&self, flow_log: Option<&EcrFlowLog>) -> Option<Box<ObservedFlowLog>> {
        flow_log.filter(|_| self.listing == Listing::Full).map(|found| Box::new(found.into()))
    }

    fn decider(&self) -> Decider<'_> {
        Decider { policy: self.policy, capabilities: self.capabilities, now: self.decides_at() }
    }

    /// Decides what this function does about the resource now. `observed` are the flow logs on it, its vSwitch and its
    /// VPC.
    pub(crate) fn decide(
        &self,
        resource: &Resource,
        vpc: Option<&Resource>,
        observed: &[FlowLog],
        withheld: Withheld,
    ) -> Decision {
        self.decider().decide(resource, vpc, observed, withheld)
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
        let Subject { resource, vpc, unannounced } = subject;
        let decide =
            |observed: &[FlowLog]| self.decide(resource, vpc.as_ref(), observed, withheld).hinting_at(*unannounced);
        Convergence::new(self, resource, &decide).run(known).await
    }

    /// Creates a flow log with this spec on a resource whose flow log `deleted` was just deleted. Approving
    /// the deletion approves that.
    pub(crate) async fn create_successor(
        &self,
        resource: &Resource,
        spec: &FlowLogSpec,
        deleted: &FlowLogId,
        reason: &str,
    ) -> Vec<Item> {
        // Coverage by a parent does not count here: the old flow log existed beside it.
        let alone = Resource { parents: Vec::new(), ..resource.clone() };
        let decide = |observed: &[FlowLog]| {
            let mut decision = self.decider().decide_successor(&alone, spec, deleted, observed);
            reason.clone_into(&mut decision.plan.reason);
            decision
        };
        let recreating = Converger { writer: self.writer.recreating(), ..*self };
        Convergence::new(&recreating, &alone, &decide).run(None).await
    }
}

/// One resource on its way to its desired state.
struct Convergence<'a> {
    converger: &'a Converger<'a>,
    resource: &'a Resource,
    decide: &'a (dyn Fn(&[FlowLog]) -> Decision + Sync),
    visibility: Visibility,
    /// Waits for a destination that was created and is not visible yet.
    destination: Option<Poll>,
    /// The results so far.
    items: Vec<Item>,
    /// The changes that were made.
    made: Vec<Change>,
    /// The changes that nobody approved.
    not_approved: Vec<Change>,
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
    /// What the flow log writes to is missing.
    NoDestination(Box<Item>),
}

impl<'a> Convergence<'a> {
    fn new(
        converger: &'a Converger<'a>,
        resource: &'a Resource,
        decide: &'a (dyn Fn(&[FlowLog]) -> Decision + Sync),
    ) -> Self {
        let visibility = Visibility::new(converger.session, converger.since);
        Self {
            converger,
            resource,
            decide,
            visibility,
            destination: None,
            // Most have one result, and it is large.
            items: Vec::with_capacity(1),
            made: Vec::with_capacity(1),
            not_approved: Vec::new(),
        }
    }

    /// Decides what is left to do, apart from what nobody approved.
    fn decide(&self, observed: &[FlowLog]) -> Decision {
        let mut decision = (self.decide)(observed);
        decision.changes.retain(|change| !self.not_approved.contains(change));
        decision
    }

    async fn run(mut self, mut known: Option<Vec<FlowLog>>) -> Vec<Item> {
        let (session, resource) = (self.converger.session, self.resource);
        let dry_run = self.converger.writer.is_dry_run();
        let mut poll = Poll::new(session);
        loop {
            let observed = match known.take() {
                Some(known) => known,
                None => match self.observe().await {
                    Ok(observed) => observed,
                    Err(item) => return self.end_with(*item),
                },
            };
            let decision = self.decide(&observed);
            let wait = match decision.next_step(dry_run, &self.made) {
                Step::Finished if self.items.is_empty() => {
                    return vec![decision.into_item(resource, &observed, self.converger.listing)];
                }
                Step::Finished => return self.items,
                Step::Report | Step::Write => match self.make(&decision, &observed).await {
                    Progress::Finished => return self.items,
                    Progress::Again { known: after, wait } => {
                        known = after;
                        if wait {
                            poll = Poll::new(session);
                        }
                        wait
                    }
                    Progress::NotVisible(item) => match self.visibility.wait(session, resource).await {
                        Visible::Yes => false,
                        Visible::Gone => return self.end_with(gone(resource)),
                        Visible::TimeOver => return self.end_with(item.logged()),
                    },
                    Progress::NoDestination(item) => {
                        if let Err(item) = self.create_destination(&decision, *item).await {
                            return self.end_with(item.logged());
                        }
                        false
                    }
                },
                Step::Wait => true,
            };
            if wait && !poll.wait(session).await {
                return self.end_with(had_to_wait(resource, &decision));
            }
        }
    }

    fn end_with(mut self, last: Item) -> Vec<Item> {
        self.items.push(last);
        self.items
    }

    /// Reads the flow logs of the resource. Lists of resources show a new one before lists of flow logs know it, so this
    /// waits for it.
    ///
    /// # Errors
    /// Returns the result for a resource whose flow logs cannot be read.
    async fn observe(&mut self) -> Result<Vec<FlowLog>, Box<Item>> {
        loop {
            let unread = match read::flow_logs(self.converger.session, self.resource).await {
                Ok(observed) => return Ok(observed),
                Err(unread) => unread,
            };
            if matches!(&unread, Unread::Call(error) if error.kind() == ErrorKind::NotVisible) {
                match self.visibility.wait(self.converger.session, self.resource).await {
                    Visible::Yes => continue,
                    Visible::Gone => return Err(Box::new(gone(self.resource))),
                    Visible::TimeOver => {}
                }
            }
            return Err(Box::new(items::flow_logs_unread(self.resource, &unread)));
        }
    }

    /// Makes the changes, until one has to wait for an earlier one to take effect.
    async fn make(&mut self, decision: &Decision, observed: &[FlowLog]) -> Progress {
        let (plan, writer) = (&decision.plan, self.converger.writer);
        let mut changes = decision.changes.iter().peekable();
        let mut is_pending = false;
        while let Some(change) = changes.next() {
            let about = Item {
                observed: decision.observed(observed, self.converger.listing),
                is_unannounced: decision.is_unannounced,
                ..Item::of_resource(self.resource, plan.verdict, Outcome::Done, plan.reason.clone())
            };
            let outcome = {
                let confirm = || self.confirm(change).boxed();
                let (resource, governed_by) = (self.resource, decision.governed_by());
                let write = Write::FlowLog(FlowLogWrite { resource, change, observed, governed_by });
                writer.write(write, about, &confirm).await
            };
            match outcome {
                WriteOutcome::Planned(item) => {
                    let is_settled_by_change = plan.converges && decision.withheld.is_none();
                    self.items.push(Item { is_exception: plan.is_exception, is_settled_by_change, ..item });
                    self.look_at_destination(change, Occasion::Planned).await;
                }
                WriteOutcome::NotApproved(item) => {
                    self.not_approved.push(change.clone());
                    self.items.push(item);
                    continue;
                }
                WriteOutcome::Done(item) => {
                    self.made.push(change.clone());
                    let is_finding = changes.peek().is_none() && (!plan.converges || decision.withheld.is_some());
                    self.items.push(Item { is_finding, is_exception: plan.is_exception, ..item });
                    self.look_at_destination(change, Occasion::Created).await;
                }
                WriteOutcome::Confirmed(item, after_it) => {
                    let after = self.decide(&after_it);
                    let is_finding = after.changes.is_empty() && !after.plan.converges;
                    self.items.push(Item { is_finding, is_exception: plan.is_exception, ..item });
                    self.look_at_destination(change, Occasion::Created).await;
                    return Progress::Again { known: Some(after_it), wait: false };
                }
                WriteOutcome::Superseded(after_it) => {
                    return Progress::Again { known: Some(after_it), wait: false };
                }
                WriteOutcome::NotVisible(item) if matches!(change, Change::Create(_)) => {
                    return Progress::NotVisible(Box::new(item));
                }
                WriteOutcome::NoDestination(item) => return Progress::NoDestination(Box::new(item)),
                WriteOutcome::NotVisible(item) | WriteOutcome::Failed(item) => {
                    self.items.push(item);
                    return Progress::Finished;
                }
                WriteOutcome::NotPermitted => {
                    self.items.push(decision.clone().into_item(self.resource, observed, self.converger.listing));
                    return Progress::Finished;
                }
            }
            is_pending |= change.is_asynchronous();
            let is_next_blocked = is_pending && changes.peek().is_some_and(|next| next.is_asynchronous());
            if is_next_blocked && !writer.is_dry_run() {
                return Progress::Again { known: None, wait: true };
            }
        }
        Progress::Finished
    }

    /// Creates what the flow log writes to, or waits for it if that was done before.
    ///
    /// # Errors
    /// Returns the result `refused` of the flow log, if its destination is still missing.
    async fn create_destination(&mut self, decision: &Decision, refused: Item) -> Result<(), Box<Item>> {
        let session = self.converger.session;
        if let Some(poll) = &mut self.destination {
            return if poll.wait(session).await { Ok(()) } else { Err(Box::new(refused)) };
        }
        self.destination = Some(Poll::until_deadline(session));
        let create = decision.changes.iter().find(|change| matches!(change, Change::Create(_)));
        let is_there = match create {
            Some(create) => self.look_at_destination(create, Occasion::Missing).await,
            None => false,
        };
        if is_there {
            return Ok(());
        }
        let reason = format!("{}: what it would write to could not be created", refused.reason);
        Err(Box::new(Item { reason, ..refused }))
    }

    /// Looks at what a new flow log writes to, and adds the results. Returns whether it is there.
    async fn look_at_destination(&mut self, change: &Change, occasion: Occasion) -> bool {
        let Converger { session, writer, destinations, .. } = *self.converger;
        let Change::Create(spec) = change else { return true };
        if spec.create_destination.is_none() && occasion != Occasion::Planned {
            return true;
        }
        let Looked { items, is_there } = destinations.look(session, writer, spec, occasion).boxed().await;
        self.items.extend(items);
        is_there
    }

    /// Reads whether a change has taken effect. If it has, the new decision no longer asks for it.
    async fn confirm(&self, change: &Change) -> Result<Confirmation<Vec<FlowLog>>, CallError> {
        let observed = match read::flow_logs(self.converger.session, self.resource).await {
            Ok(observed) => observed,
            Err(Unread::Call(error)) => return Err(error),
            // An unreadable flow log may be the one that was just created.
            Err(Unread::Item(_)) => return Ok(Confirmation::Changing),
        };
        let decision = self.decide(&observed);
        if decision.changes.first().map(Change::action) != Some(change.action()) {
            let may_be_ours = may_be_effect(change, &decision.plan, &observed);
            return Ok(Confirmation::Settled { observed, may_be_ours, flow_log: decision.plan.flow_log });
        }
        let is_pending = decision.plan.verdict == Verdict::Pending;
        Ok(if is_pending { Confirmation::Changing } else { Confirmation::Outstanding })
    }
}

/// Whether the observed state can be the effect of a write with a lost answer, given that the write is no longer
/// decided.
fn may_be_effect(change: &Change, plan: &Plan<Change>, observed: &[FlowLog]) -> bool {
    match change {
        // Somebody else may have created one meanwhile.
        Change::Create(_) => {
            observed.iter().any(|flow_log| flow_log.is_own() && plan.flow_log.as_ref() == Some(&flow_log.id))
        }
        _ => true,
    }
}

fn gone(resource: &Resource) -> Item {
    let reason = format!("{} is gone: it existed when it was first read, and does not any more", resource.id);
    Item::of_resource(resource, Verdict::Excluded, Outcome::Skipped, reason)
}

/// Returns the result for a resource whose next change had to wait for longer than there was time.
fn had_to_wait(resource: &Resource, decision: &Decision) -> Item {
    let action = decision.changes.first().map(Change::action);
    let next = action.map(|action| action.to_string()).unwrap_or_default();
    let reason = format!("{}; {next} has to wait, and there was no time left for that", decision.plan.reason);
    let item = Item::of_resource(resource, Verdict::Pending, Outcome::Unfinished, reason);
    Item { action, ..item }.finding()
}
