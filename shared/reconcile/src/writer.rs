//! The one door for writes: permission, dry run and uncertain answers.
//!
//! No other code calls a write operation. For each write, this module decides whether the function may make it, whether
//! it is only planned, whether a person has approved it where that is asked for, and what its outcome is if the answer
//! does not say. It logs each write when it is made.

use flow_log::{Action, AttachedVbr, Change, EcrChange, FlowLogId, Policy, Resource};
use futures_util::future::BoxFuture;
use openapi::{CallError, Destination, ErrorKind, FlowLogAttributes, Movable, Remedy, Session, TaggedType, Writes};

use crate::{
    Approvals, Item, Listing, Observer, Outcome, PlannedChange,
    approvals::{Objection, UnderWay},
    items,
    poll::Poll,
    write::{DestinationChange, EcrWrite, FlowLogWrite, Write},
};

/// How many reads show that an uncertain write had no effect before it is repeated.
const MAX_REREADS: usize = 4;

/// Makes writes for one function in one account and region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    session: &'a Session<'a>,
    /// The writes that the function may make. Its RAM role allows no others.
    actions: &'static [Action],
    dry_run: bool,
    oversight: Oversight<'a>,
    /// Whether it may create flow logs that nobody approved: in place of one whose deletion was approved.
    may_recreate: bool,
}

/// What a writer does for the person who watches it. A function has none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Oversight<'a> {
    /// Says what asks for a change.
    pub(crate) policy: Option<&'a Policy>,
    /// Whether the results describe each change.
    pub(crate) listing: Listing,
    /// The changes that may be made; `None` if nobody has to approve any.
    pub(crate) approvals: Option<&'a Approvals>,
    pub(crate) observer: Option<&'a dyn Observer>,
}

/// Makes the call of a write. Returns the id of the flow log that it was about.
async fn make(write: &Write<'_>, writes: &Writes<'_>) -> Result<Option<FlowLogId>, CallError> {
    match *write {
        Write::FlowLog(FlowLogWrite { resource, change, .. }) => {
            change_flow_log(writes, resource, change).await.map(Some)
        }
        Write::Delete(flow_log, _) => writes.delete_flow_log(&flow_log.id).await.map(|()| Some(flow_log.id.clone())),
        Write::Ecr(EcrWrite { vbr, change, .. }) => change_ecr_flow_log(writes, vbr, change).await,
        Write::DeleteEcr(ecr, flow_log) => {
            writes.delete_ecr_flow_log(ecr, &flow_log.id).await.map(|()| Some(flow_log.id.clone()))
        }
        Write::OpenService => writes.open_flow_log_service().await.map(|_| None),
        Write::Destination(destination, change) => change_destination(writes, destination, change).await.map(|()| None),
    }
}

/// What a read after an uncertain write shows.
#[derive(Debug)]
pub(crate) enum Confirmation<T> {
    /// The write is no longer needed: it took effect, or somebody else made the same change.
    Settled {
        /// What was read.
        observed: T,
        /// Whether the observed state can be the effect of this write.
        may_be_ours: bool,
        /// The flow log that the resource has now, if any.
        flow_log: Option<FlowLogId>,
    },
    /// The write has not taken effect.
    Outstanding,
    /// A state change is under way. Nothing can be concluded or written before it ends.
    Changing,
}

/// Reads the current state, to see whether a write has taken effect.
pub(crate) type Confirm<'c, T> = dyn Fn() -> BoxFuture<'c, Result<Confirmation<T>, CallError>> + Sync + 'c;

/// The outcome of a write.
#[derive(Debug)]
pub(crate) enum WriteOutcome<T> {
    /// The function may not make this write.
    NotPermitted,
    /// A dry run: the write was not made.
    Planned(Item),
    /// Nobody has approved the write, or the work was stopped before it.
    NotApproved(Item),
    /// The write was made.
    Done(Item),
    /// The answer was lost, and a read shows that the write was made.
    Confirmed(Item, T),
    /// The write was refused or unanswered, and a read shows that somebody else has made it unnecessary.
    Superseded(T),
    /// The write was refused because the API does not see the resource yet.
    NotVisible(Item),
    /// The write was refused because what flow logs write to is missing, or not visible yet.
    NoDestination(Item),
    /// The write was refused, or its outcome is unknown.
    Failed(Item),
}

impl<T> WriteOutcome<T> {
    /// Returns the result of a write that was made or has failed for good.
    const fn ended(&self) -> Option<&Item> {
        match self {
            Self::Done(item) | Self::Confirmed(item, _) | Self::Failed(item) => Some(item),
            _ => None,
        }
    }
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(session: &'a Session<'a>, actions: &'static [Action], dry_run: bool) -> Self {
        let oversight = Oversight { policy: None, listing: Listing::Brief, approvals: None, observer: None };
        Self { session, actions, dry_run, oversight, may_recreate: false }
    }

    /// Adds somebody who watches it.
    pub(crate) const fn overseen(self, oversight: Oversight<'a>) -> Self {
        Self { oversight, ..self }
    }

    /// Returns who watches the work, if anybody does.
    pub(crate) const fn observer(&self) -> Option<&'a dyn Observer> {
        self.oversight.observer
    }

    /// Lets it create flow logs that nobody approved, even after the work was stopped: a flow log whose replacement was
    /// approved has been deleted, and what records must not be lost with it.
    pub(crate) const fn recreating(self) -> Self {
        Self { may_recreate: true, ..self }
    }

    /// Marks a write as under way until the result is dropped: what stops the work waits for that.
    pub(crate) fn begin(&self) -> Option<UnderWay<'a>> {
        self.oversight.approvals.map(Approvals::begin)
    }

    /// Whether it may change a resource: nobody has to approve that, or somebody may have.
    pub(crate) fn may_change(&self, resource_id: &str) -> bool {
        self.oversight.approvals.is_none_or(|approvals| approvals.is_about(resource_id))
    }

    /// Describes a write, if anybody asks what is written.
    fn describe(&self, write: &Write<'_>, item: &Item) -> Option<Box<PlannedChange>> {
        let Oversight { policy, listing, approvals, .. } = self.oversight;
        if listing == Listing::Brief && approvals.is_none() {
            return None;
        }
        // Express Connect Routers belong to no region, and the session is in any: the result says where the change is.
        let account = item.account.as_deref().unwrap_or(self.session.account().as_str());
        let region = item.region.as_deref().unwrap_or(self.session.region().as_str());
        let resource = item.resource_id.as_deref().unwrap_or_default();
        Some(Box::new(PlannedChange::of(write, [account, region, resource], policy)))
    }

    /// Returns why a write is not made, if nobody approved it or the work was stopped.
    fn objection(&self, write: &Write<'_>, change: Option<&PlannedChange>) -> Option<Objection> {
        let approvals = self.oversight.approvals?;
        if self.may_recreate && write.is_creation() {
            return None;
        }
        change.map_or(Some(Objection::NotInPlan), |change| approvals.objection(&change.id))
    }

    pub(crate) const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether the function may make this kind of write.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }

    /// Makes a write. `item` describes it and the reason for it. `confirm` reads the state when the answer does not say
    /// whether the write was made.
    pub(crate) async fn write<T: Send>(
        &self,
        write: Write<'_>,
        item: Item,
        confirm: &Confirm<'_, T>,
    ) -> WriteOutcome<T> {
        let action = write.action();
        if !self.may(action) {
            return WriteOutcome::NotPermitted;
        }
        let deleted = match write {
            Write::Delete(flow_log, _) => Some(Box::new(flow_log.into())),
            Write::DeleteEcr(_, flow_log) => Some(Box::new(flow_log.into())),
            _ => None,
        };
        let flow_log_id = write.flow_log().cloned().or_else(|| item.flow_log_id.clone());
        let change = self.describe(&write, &item);
        let item = Item { action: Some(action), flow_log_id, deleted, change, ..item };
        if self.dry_run {
            return WriteOutcome::Planned(Item { outcome: Outcome::Planned, ..item }.finding());
        }
        let _under_way = self.begin();
        if let Some(objection) = self.objection(&write, item.change.as_deref()) {
            return WriteOutcome::NotApproved(not_approved(item, objection));
        }
        if item.deleted.is_some() {
            announce_deletion(&item);
        }
        let observer = self.oversight.observer;
        if let Some(observer) = observer {
            observer.write_begun(&item);
        }
        let outcome = match self.attempt(write, item, confirm).await {
            WriteOutcome::Done(done) => WriteOutcome::Done(done.logged()),
            WriteOutcome::Confirmed(done, observed) => WriteOutcome::Confirmed(done.logged(), observed),
            WriteOutcome::Failed(failed) => WriteOutcome::Failed(failed.logged()),
            other => other,
        };
        if let (Some(observer), Some(ended)) = (observer, outcome.ended()) {
            observer.write_done(ended);
        }
        outcome
    }

    /// Writes, and reads before each repetition, until the outcome is known or the time is over.
    async fn attempt<T: Send>(&self, write: Write<'_>, item: Item, confirm: &Confirm<'_, T>) -> WriteOutcome<T> {
        let session = self.session;
        let mut poll = Poll::until_deadline(session);
        loop {
            let error = match make(&write, &session.writes()).await {
                Ok(id) => {
                    let flow_log_id = id.or_else(|| item.flow_log_id.clone());
                    return WriteOutcome::Done(Item { outcome: Outcome::Done, flow_log_id, ..item });
                }
                Err(error) => error,
            };
            let kind = error.kind();
            let is_lost_race = matches!(kind, ErrorKind::AlreadyExists | ErrorKind::Conflict | ErrorKind::NotFound);
            if kind == ErrorKind::NotVisible {
                return WriteOutcome::NotVisible(failed(item, &write, &error));
            }
            if kind == ErrorKind::DestinationMissing && write.waits_for_destination() {
                return WriteOutcome::NoDestination(failed(item, &write, &error));
            }
            if !is_lost_race && error.remedy() != Remedy::ReadAgain {
                return WriteOutcome::Failed(failed(item, &write, &error));
            }
            tracing::info!("{error}: {}; the state is read before anything else is written", error.cause);
            poll.again();
            let mut rereads = 0;
            loop {
                if !poll.wait(session).await {
                    return WriteOutcome::Failed(failed(item, &write, &error));
                }
                match confirm().await {
                    Ok(Confirmation::Settled { observed, may_be_ours, flow_log }) => {
                        if is_lost_race || !may_be_ours {
                            return WriteOutcome::Superseded(observed);
                        }
                        let reason = format!("{}; the call was not answered, and had been done", item.reason);
                        let flow_log_id = item.flow_log_id.or(flow_log);
                        let item = Item { outcome: Outcome::Done, reason, flow_log_id, ..item };
                        return WriteOutcome::Confirmed(item, observed);
                    }
                    Ok(Confirmation::Changing) => {}
                    Ok(Confirmation::Outstanding) => rereads += 1,
                    // The outcome is unknown, and that must be reported.
                    Err(_) => return WriteOutcome::Failed(failed(item, &write, &error)),
                }
                if rereads >= MAX_REREADS {
                    // It exists but cannot be read, so it is not created again.
                    if kind == ErrorKind::AlreadyExists {
                        return WriteOutcome::Failed(failed(item, &write, &error));
                    }
                    break;
                }
            }
        }
    }
}

/// Returns the result of a write that is not made for want of an approval.
fn not_approved(item: Item, objection: Objection) -> Item {
    let (outcome, why) = match objection {
        Objection::NotInPlan => (Outcome::Skipped, "not in the plan"),
        Objection::Stopped => (Outcome::Unfinished, "not made, as the work was stopped before it"),
    };
    let reason = format!("{}; {why}", item.reason);
    Item { outcome, reason, deleted: None, ..item }.finding()
}

/// Logs the fields of a flow log before it is deleted: if the process is killed in between, nothing else holds them.
fn announce_deletion(item: &Item) {
    let deleted = serde_json::to_string(&item.deleted).unwrap_or_default();
    let (id, resource) = (item.flow_log_id.as_ref().map(FlowLogId::as_str), item.resource_id.as_deref());
    let action = item.action.map(Action::as_str).unwrap_or_default();
    tracing::info!(flow_log_id = id, resource_id = resource, deleted, "{action} follows: {}", item.reason);
}

/// Returns the result of a failed write. If the resource does not support flow logs, it is skipped: no retry would
/// help.
fn failed(item: Item, write: &Write<'_>, error: &CallError) -> Item {
    let resource = item.resource_id.clone().unwrap_or_default();
    let item = Item { refusal: Some(error.kind()), ..item }.finding();
    if matches!(error.kind(), ErrorKind::Unsupported(_)) {
        return items::unsupported(item, &resource, error);
    }
    let done = match write.action() {
        Action::CreateFlowLog
        | Action::EcrCreateFlowLog
        | Action::CreateProject
        | Action::CreateLogStore
        | Action::CreateIndex => "created",
        Action::ActiveFlowLog | Action::EcrActivateFlowLog => "activated",
        Action::DeactiveFlowLog | Action::EcrDeactivateFlowLog => "deactivated",
        Action::ModifyFlowLogAttribute | Action::EcrModifyFlowLogAttribute | Action::UpdateLogStore => "modified",
        Action::DeleteFlowLog | Action::EcrDeleteFlowlog => "deleted",
        Action::TagResources => "tagged",
        Action::MoveResourceGroup => "moved to its resource group",
        Action::OpenFlowLogService => "opened",
    };
    let reason = match (write, write.flow_log()) {
        (Write::OpenService, _) => format!("the flow log service could not be {done}"),
        (Write::Destination(_, change), _) => format!("{} {resource} could not be {done}", change.what()),
        (_, Some(id)) => format!("{id} on {resource} could not be {done}"),
        (_, None) => format!("the flow log of {resource} could not be {done}"),
    };
    Item { outcome: Outcome::Failed, reason, ..item }.with_error(error)
}

async fn change_flow_log(writes: &Writes<'_>, resource: &Resource, change: &Change) -> Result<FlowLogId, CallError> {
    let id = match change {
        Change::Create(spec) => return writes.create_flow_log(&resource.id, spec).await,
        Change::Activate(id) => writes.activate_flow_log(id).await.map(|()| id),
        Change::Deactivate(id) => writes.deactivate_flow_log(id).await.map(|()| id),
        Change::Modify(id, update) => {
            let new = FlowLogAttributes {
                name: update.name.as_ref(),
                description: update.description.as_ref(),
                aggregation_interval: update.aggregation_interval,
                ip_version: update.ip_version,
                ..FlowLogAttributes::default()
            };
            writes.modify_flow_log(id, &new).await.map(|()| id)
        }
        Change::Move(id, group) => writes.move_to_resource_group(Movable::FlowLog(id), group).await.map(|()| id),
        Change::Tag(id, tags) => writes.tag_resources(TaggedType::FlowLog, &[id.as_str()], tags).await.map(|()| id),
    };
    id.cloned()
}

async fn change_destination(
    writes: &Writes<'_>,
    destination: Destination<'_>,
    change: DestinationChange<'_>,
) -> Result<(), CallError> {
    match change {
        DestinationChange::CreateProject => writes.create_project(destination.project).await,
        DestinationChange::CreateLogStore { retention_days } => {
            writes.create_log_store(destination, retention_days).await
        }
        DestinationChange::RaiseRetention { log_store, retention_days } => {
            writes.update_log_store(destination, log_store, retention_days).await
        }
        DestinationChange::CreateIndex => writes.create_index(destination).await,
    }
}

async fn change_ecr_flow_log(
    writes: &Writes<'_>,
    vbr: &AttachedVbr,
    change: &EcrChange,
) -> Result<Option<FlowLogId>, CallError> {
    let ecr = &vbr.ecr;
    let id = match change {
        EcrChange::Create(spec) => return writes.create_ecr_flow_log(ecr, &vbr.id, spec, false).await,
        EcrChange::Activate(id) => writes.activate_ecr_flow_log(ecr, id).await.map(|()| id),
        EcrChange::Deactivate(id) => writes.deactivate_ecr_flow_log(ecr, id).await.map(|()| id),
        EcrChange::Modify(id, update) => {
            let new = openapi::EcrFlowLogAttributes {
                name: update.name.as_ref(),
                description: update.description.as_ref(),
                interval: update.interval,
                sampling_rate: update.sampling_rate,
            };
            writes.modify_ecr_flow_log(ecr, id, &new).await.map(|()| id)
        }
    };
    id.cloned().map(Some)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use flow_log::Verdict;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{
        ChangeId,
        testing::{self, Api, Reply},
        write::Successor,
    };

    fn of<'w>(resource: &'w Resource, change: &'w Change) -> Write<'w> {
        Write::FlowLog(FlowLogWrite { resource, change, observed: &[], governed_by: None })
    }

    const CREATED: Reply = Reply::Answer(200, r#"{"RequestId":"R-1","Success":"true","FlowLogId":"fl-9"}"#);

    fn refusal(body: &'static str) -> Reply {
        Reply::Answer(400, body)
    }

    /// What each read of the state shows; after the last, the state cannot be read.
    type Reads = Vec<Confirmation<()>>;

    fn settled(may_be_ours: bool) -> Confirmation<()> {
        Confirmation::Settled { observed: (), may_be_ours, flow_log: Some("fl-9".parse().unwrap()) }
    }

    fn outstanding(times: usize) -> Reads {
        (0..times).map(|_| Confirmation::Outstanding).collect()
    }

    /// The outcome of a creation, the calls that were made, and how many times the state was read.
    struct Written {
        outcome: WriteOutcome<()>,
        calls: Vec<String>,
        reads: usize,
    }

    async fn create(actions: &'static [Action], dry_run: bool, replies: Vec<Reply>, reads: Reads) -> Written {
        let vpc = testing::vpc("vpc-1");
        let change = Change::Create(Box::new(testing::spec()));
        let about = Item::of_resource(&vpc, Verdict::Missing, Outcome::Done, "it has none");
        let api = Api::start(replies);
        let client = api.client();
        let session = testing::session(&client);
        let (reads, count) = (Mutex::new(reads.into_iter()), AtomicUsize::new(0));
        let confirm = || {
            count.fetch_add(1, Ordering::Relaxed);
            let read = reads.lock().unwrap().next().ok_or_else(not_read);
            std::future::ready(read).boxed()
        };
        let writer = Writer::new(&session, actions, dry_run);
        let outcome = writer.write(of(&vpc, &change), about, &confirm).await;
        Written { outcome, calls: api.calls(), reads: count.load(Ordering::Relaxed) }
    }

    /// An error of a call that was never sent, because its time was over.
    fn not_read() -> CallError {
        let client = testing::client_of(1);
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let session = client.session(testing::credentials(), account, region, Some(testing::now()));
        session.describe_vpcs(&["vpc-1".parse().unwrap()]).now_or_never().unwrap().unwrap_err()
    }

    async fn created(replies: Vec<Reply>, reads: Reads) -> Written {
        create(&[Action::CreateFlowLog], false, replies, reads).await
    }

    #[tokio::test]
    async fn a_write_that_the_function_may_not_make_makes_no_call() {
        let written = create(&[Action::ActiveFlowLog], false, vec![], vec![]).await;
        assert!(matches!(written.outcome, WriteOutcome::NotPermitted));
        assert_eq!(written.calls, [""; 0]);
    }

    #[tokio::test]
    async fn a_dry_run_makes_no_call_and_reports_the_change_as_a_finding() {
        let written = create(&[Action::CreateFlowLog], true, vec![], vec![]).await;
        let WriteOutcome::Planned(item) = written.outcome else { panic!("{:?}", written.outcome) };
        assert_eq!((item.outcome, item.action), (Outcome::Planned, Some(Action::CreateFlowLog)));
        assert!(item.is_finding);
        assert_eq!(written.calls, [""; 0]);
    }

    #[tokio::test]
    async fn a_write_that_is_answered_is_done_and_logged() {
        let written = created(vec![CREATED], vec![]).await;
        let WriteOutcome::Done(item) = written.outcome else { panic!("{:?}", written.outcome) };
        assert_eq!(item.outcome, Outcome::Done);
        assert_eq!(item.flow_log_id.as_ref().map(FlowLogId::as_str), Some("fl-9"));
        assert!(item.is_logged);
        assert_eq!((written.calls, written.reads), (vec!["CreateFlowLog".to_owned()], 0));
    }

    #[tokio::test]
    async fn a_refused_write_fails_and_is_not_repeated() {
        let denied = r#"{"RequestId":"R-1","Code":"Forbidden.RAM","Message":"Because."}"#;
        let written = created(vec![refusal(denied)], vec![]).await;
        let WriteOutcome::Failed(item) = written.outcome else { panic!("{:?}", written.outcome) };
        assert_eq!(
            (item.outcome, item.reason.as_str()),
            (Outcome::Failed, "the flow log of vpc-1 could not be created")
        );
        assert_eq!(item.error.as_ref().map(|error| error.code.as_str()), Some("Forbidden.RAM"));
        assert!(item.is_refused_for_good() && item.is_finding);
        assert_eq!((written.calls.len(), written.reads), (1, 0));
    }

    #[tokio::test]
    async fn a_resource_that_does_not_support_flow_logs_is_skipped() {
        let unsupported = r#"{"RequestId":"R-1","Code":"OperationUnsupported.AdvancedFeature","Message":"Because."}"#;
        let written = created(vec![refusal(unsupported)], vec![]).await;
        let WriteOutcome::Failed(item) = written.outcome else { panic!("{:?}", written.outcome) };
        assert_eq!((item.outcome, item.verdict), (Outcome::Skipped, Some(Verdict::Unsupported)));
        assert!(item.reason.starts_with("vpc-1 cannot have a flow log: "), "{}", item.reason);
    }

    #[tokio::test]
    async fn a_resource_that_the_api_does_not_see_yet_is_left_to_the_caller() {
        let not_visible = r#"{"RequestId":"R-1","Code":"InvalidInstanceId","Message":"Because."}"#;
        let written = created(vec![refusal(not_visible)], vec![]).await;
        assert!(matches!(written.outcome, WriteOutcome::NotVisible(_)), "{:?}", written.outcome);
        assert_eq!((written.calls.len(), written.reads), (1, 0));
    }

    #[tokio::test]
    async fn a_lost_answer_is_confirmed_by_a_read_and_the_write_is_not_repeated() {
        let written = created(vec![Reply::Lost], vec![Confirmation::Changing, settled(true)]).await;
        let WriteOutcome::Confirmed(item, ()) = written.outcome else { panic!("{:?}", written.outcome) };
        assert_eq!(item.outcome, Outcome::Done);
        assert_eq!(item.flow_log_id.as_ref().map(FlowLogId::as_str), Some("fl-9"));
        assert_eq!(item.reason, "it has none; the call was not answered, and had been done");
        assert_eq!((written.calls.len(), written.reads), (1, 2));
    }

    #[tokio::test]
    async fn a_lost_answer_is_not_claimed_if_somebody_else_made_the_change() {
        let written = created(vec![Reply::Lost], vec![settled(false)]).await;
        assert!(matches!(written.outcome, WriteOutcome::Superseded(())), "{:?}", written.outcome);
    }

    #[tokio::test]
    async fn a_write_without_effect_is_repeated_only_after_several_reads() {
        let written = created(vec![Reply::Lost, CREATED], outstanding(MAX_REREADS)).await;
        assert!(matches!(written.outcome, WriteOutcome::Done(_)), "{:?}", written.outcome);
        assert_eq!((written.calls.len(), written.reads), (2, MAX_REREADS));
    }

    #[tokio::test]
    async fn a_write_of_unknown_outcome_fails_if_the_state_cannot_be_read() {
        let written = created(vec![Reply::Lost], outstanding(1)).await;
        let WriteOutcome::Failed(item) = written.outcome else { panic!("{:?}", written.outcome) };
        assert_eq!(item.action, Some(Action::CreateFlowLog), "it may have been made");
        assert_eq!((written.calls.len(), written.reads), (1, 2));
    }

    #[tokio::test]
    async fn a_lost_race_is_superseded_by_what_the_read_shows() {
        for code in ["TaskConflict", "ResourceAlreadyExist.FlowLogId", "InvalidInstanceId.NotFound"] {
            let body = format!(r#"{{"RequestId":"R-1","Code":"{code}","Message":"Because."}}"#);
            // A conflict is retried by the client first.
            let replies = (0..20).map(|_| Reply::Answer(400, String::leak(body.clone()))).collect();
            let written = created(replies, vec![settled(true)]).await;
            assert!(matches!(written.outcome, WriteOutcome::Superseded(())), "{code}: {:?}", written.outcome);
            assert_eq!(written.reads, 1, "{code}");
        }
    }

    #[tokio::test]
    async fn a_flow_log_that_exists_and_cannot_be_read_is_not_created_again() {
        let exists = r#"{"RequestId":"R-1","Code":"ResourceAlreadyExist.FlowLogId","Message":"Because."}"#;
        let written = created(vec![refusal(exists), CREATED], outstanding(MAX_REREADS)).await;
        assert!(matches!(written.outcome, WriteOutcome::Failed(_)), "{:?}", written.outcome);
        assert_eq!((written.calls.len(), written.reads), (1, MAX_REREADS));
    }

    #[tokio::test]
    async fn the_result_of_a_deletion_holds_the_flow_log_as_it_was() {
        let api = Api::start(vec![Reply::Answer(200, r#"{"RequestId":"R-1","Success":"true"}"#)]);
        let client = api.client();
        let session = testing::session(&client);
        let flow_log = testing::flow_log("fl-1", "vpc-1");
        let about = Item::of_flow_log(&session, &flow_log, Verdict::Orphaned, Outcome::Done, "vpc-1 is gone");
        let writer = Writer::new(&session, &[Action::DeleteFlowLog], false);
        let confirm = || std::future::ready(Ok(settled(true))).boxed();
        let outcome = writer.write(Write::Delete(&flow_log, Successor::Gone), about, &confirm).await;
        let WriteOutcome::Done(item) = outcome else { panic!("{outcome:?}") };
        let deleted = item.deleted.unwrap();
        assert_eq!((deleted.flow_log_id.as_str(), deleted.log_store.as_deref()), ("fl-1", Some("vpc")));
        assert_eq!(deleted.tags, [("managed-by".to_owned(), "flowkeeper".to_owned())]);
        assert_eq!(api.calls(), ["DeleteFlowLog"]);
    }

    /// The outcome of a creation with approvals that are made from its id, and the calls that were made.
    async fn approved(
        approvals: impl FnOnce(ChangeId) -> Approvals,
        recreating: bool,
    ) -> (WriteOutcome<()>, Vec<String>) {
        let (vpc, change) = (testing::vpc("vpc-1"), Change::Create(Box::new(testing::spec())));
        let about = Item::of_resource(&vpc, Verdict::Missing, Outcome::Done, "it has none");
        let api = Api::start(vec![CREATED]);
        let client = api.client();
        let session = testing::session(&client);
        let place = [session.account().as_str(), session.region().as_str(), "vpc-1"];
        let id = PlannedChange::of(&of(&vpc, &change), place, None).id;
        let approvals = approvals(id);
        let oversight = Oversight { approvals: Some(&approvals), ..Oversight::default() };
        let writer = Writer::new(&session, &[Action::CreateFlowLog], false).overseen(oversight);
        let writer = if recreating { writer.recreating() } else { writer };
        let confirm = || std::future::ready(Err(not_read())).boxed();
        let outcome = writer.write(of(&vpc, &change), about, &confirm).await;
        assert!(approvals.is_idle());
        (outcome, api.calls())
    }

    #[tokio::test]
    async fn a_change_is_made_only_if_exactly_it_was_approved() {
        let (outcome, calls) = approved(|id| Approvals::of([id]), false).await;
        assert!(matches!(&outcome, WriteOutcome::Done(item) if item.change.is_some()), "{outcome:?}");
        assert_eq!(calls, ["CreateFlowLog"]);
        let other = "0123456789abcdef".parse().unwrap();
        let (refused, no_calls) = approved(|_| Approvals::of([other]), false).await;
        let WriteOutcome::NotApproved(item) = refused else { panic!("{refused:?}") };
        assert_eq!((item.outcome, item.reason.as_str()), (Outcome::Skipped, "it has none; not in the plan"));
        assert_eq!(no_calls, [""; 0]);
    }

    #[tokio::test]
    async fn nothing_is_written_after_the_work_was_stopped() {
        let stopped = |id| {
            let approvals = Approvals::of([id]);
            approvals.stop();
            approvals
        };
        let (outcome, calls) = approved(stopped, false).await;
        let WriteOutcome::NotApproved(item) = outcome else { panic!("{outcome:?}") };
        assert_eq!(item.outcome, Outcome::Unfinished);
        assert_eq!(calls, [""; 0]);
    }

    #[tokio::test]
    async fn a_flow_log_that_was_deleted_for_another_one_is_created_although_nobody_approved_that() {
        let none_and_stopped = |_| {
            let approvals = Approvals::default();
            approvals.stop();
            approvals
        };
        let (outcome, calls) = approved(none_and_stopped, true).await;
        assert!(matches!(outcome, WriteOutcome::Done(_)), "{outcome:?}");
        assert_eq!(calls, ["CreateFlowLog"]);
    }

    #[test]
    fn the_sentence_of_a_failed_write_says_what_could_not_be_done() {
        let (vpc, id): (_, FlowLogId) = (testing::vpc("vpc-1"), "fl-1".parse().unwrap());
        let error = not_read();
        let tags = flow_log::names::Tags::new;
        for (change, expected) in [
            (Change::Create(Box::new(testing::spec())), "the flow log of vpc-1 could not be created"),
            (Change::Activate(id.clone()), "fl-1 on vpc-1 could not be activated"),
            (Change::Deactivate(id.clone()), "fl-1 on vpc-1 could not be deactivated"),
            (Change::Modify(id.clone(), flow_log::FlowLogUpdate::default()), "fl-1 on vpc-1 could not be modified"),
            (
                Change::Move(id.clone(), "rg-1".parse().unwrap()),
                "fl-1 on vpc-1 could not be moved to its resource group",
            ),
            (Change::Tag(id, tags()), "fl-1 on vpc-1 could not be tagged"),
        ] {
            let about = Item::of_resource(&vpc, Verdict::Drifted, Outcome::Done, "a reason");
            let item = failed(about, &of(&vpc, &change), &error);
            assert_eq!((item.reason.as_str(), item.outcome), (expected, Outcome::Unfinished), "the time was over");
        }
    }
}
