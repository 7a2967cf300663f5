//! The one door for writes: permission, dry run and uncertain answers.
//!
//! Nothing else in the product reaches a write operation. For each write it is decided here, once: may this function
//! make it, is it only planned, and what became of it where the answer does not say. Its line is logged when it is made.

use flow_log::{Action, AttachedVbr, Change, EcrChange, FlowLog, FlowLogId, Resource, Verdict};
use futures_util::future::BoxFuture;
use openapi::{CallError, ErrorKind, FlowLogAttributes, Movable, Remedy, Session, TaggedType, Writes};

use crate::{Item, Outcome, poll::Poll};

/// How often the state is read after a write of unknown outcome before the write is repeated.
const MAX_REREADS: usize = 4;

/// Makes writes for one function in one account and region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    session: &'a Session<'a>,
    /// What the function may write. Its RAM role allows nothing else.
    actions: &'static [Action],
    dry_run: bool,
}

/// A write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write<'w> {
    /// A change of a flow log on a resource.
    FlowLog(&'w Resource, &'w Change),
    /// The deletion of a flow log, of which all that is known is kept.
    Delete(&'w FlowLog),
    /// A change of a flow log on a virtual border router.
    Ecr(&'w AttachedVbr, &'w EcrChange),
    /// The flow log service of the account is opened.
    OpenService,
}

impl Write<'_> {
    pub(crate) const fn action(&self) -> Action {
        match self {
            Self::FlowLog(_, change) => change.action(),
            Self::Delete(_) => Action::DeleteFlowLog,
            Self::Ecr(_, change) => change.action(),
            Self::OpenService => Action::OpenFlowLogService,
        }
    }

    fn flow_log(&self) -> Option<&FlowLogId> {
        match self {
            Self::FlowLog(_, change) => change.flow_log(),
            Self::Delete(flow_log) => Some(&flow_log.id),
            Self::Ecr(_, change) => change.flow_log(),
            Self::OpenService => None,
        }
    }

    /// Makes the call. The answer is the flow log that it was about.
    async fn make(&self, writes: &Writes<'_>) -> Result<Option<FlowLogId>, CallError> {
        match *self {
            Self::FlowLog(resource, change) => change_flow_log(writes, resource, change).await.map(Some),
            Self::Delete(flow_log) => writes.delete_flow_log(&flow_log.id).await.map(|()| Some(flow_log.id.clone())),
            Self::Ecr(vbr, change) => change_ecr_flow_log(writes, vbr, change).await,
            Self::OpenService => writes.open_flow_log_service().await.map(|_| None),
        }
    }
}

/// What a read after a write of unknown outcome shows.
#[derive(Debug)]
pub(crate) enum Standing<T> {
    /// The write is not needed any more: it, or somebody else's, took effect.
    Settled {
        /// What was read.
        observed: T,
        /// Whether what is there can be the work of this write.
        may_be_ours: bool,
        /// The flow log that the resource has now, where there is one.
        flow_log: Option<FlowLogId>,
    },
    /// It has not taken effect.
    Outstanding,
    /// Something is changing its state: nothing can be said or written before that is over.
    Changing,
}

/// Reads the present state, to see whether a write has taken effect.
pub(crate) type Confirm<'c, T> = dyn Fn() -> BoxFuture<'c, Result<Standing<T>, CallError>> + Sync + 'c;

/// What became of a write.
#[derive(Debug)]
pub(crate) enum WriteOutcome<T> {
    /// The function may not make it.
    NotPermitted,
    /// It would have been made, but for the dry run.
    Planned(Item),
    /// It was made.
    Done(Item),
    /// Its answer was lost, and a read shows that it was made.
    Confirmed(Item, T),
    /// It was refused, and what a read shows is the work of somebody else.
    Superseded(T),
    /// It was refused because the API does not see the resource.
    NotVisible(Item),
    /// It was refused, or nobody can say what became of it.
    Failed(Item),
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(session: &'a Session<'a>, actions: &'static [Action], dry_run: bool) -> Self {
        Self { session, actions, dry_run }
    }

    /// Whether the function may write this.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }

    pub(crate) const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Makes a write. `item` says of what and why; `confirm` reads the state after an answer that does not say whether
    /// the write was made.
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
            Write::Delete(flow_log) => Some(Box::new(flow_log.into())),
            _ => None,
        };
        let flow_log_id = write.flow_log().cloned().or_else(|| item.flow_log_id.clone());
        let item = Item { action: Some(action), flow_log_id, deleted, ..item };
        if self.dry_run {
            return WriteOutcome::Planned(Item { outcome: Outcome::Planned, ..item }.finding());
        }
        if item.deleted.is_some() {
            // A process that is killed in the middle must not take the only copy of the fields with it.
            let deleted = serde_json::to_string(&item.deleted).unwrap_or_default();
            let (id, resource) = (item.flow_log_id.as_ref().map(FlowLogId::as_str), item.resource_id.as_deref());
            tracing::info!(flow_log_id = id, resource_id = resource, deleted, "{action} follows: {}", item.reason);
        }
        let outcome = self.attempt(write, item, confirm).await;
        match outcome {
            WriteOutcome::Done(item) => WriteOutcome::Done(item.logged()),
            WriteOutcome::Confirmed(item, observed) => WriteOutcome::Confirmed(item.logged(), observed),
            WriteOutcome::Failed(item) => WriteOutcome::Failed(item.logged()),
            other => other,
        }
    }

    /// Writes, and reads before writing again, until it is known what became of the write or the time is over.
    async fn attempt<T: Send>(&self, write: Write<'_>, item: Item, confirm: &Confirm<'_, T>) -> WriteOutcome<T> {
        let session = self.session;
        let mut poll = Poll::until_deadline(session);
        loop {
            let error = match write.make(&session.writes()).await {
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
                    Ok(Standing::Settled { observed, may_be_ours, flow_log }) => {
                        if is_lost_race || !may_be_ours {
                            return WriteOutcome::Superseded(observed);
                        }
                        let reason = format!("{}; the call was not answered, and had been done", item.reason);
                        let flow_log_id = item.flow_log_id.or(flow_log);
                        let item = Item { outcome: Outcome::Done, reason, flow_log_id, ..item };
                        return WriteOutcome::Confirmed(item, observed);
                    }
                    Ok(Standing::Changing) => {}
                    Ok(Standing::Outstanding) => rereads += 1,
                    // Nobody can say what became of the write, and it must not be passed over.
                    Err(_) => return WriteOutcome::Failed(failed(item, &write, &error)),
                }
                if rereads >= MAX_REREADS {
                    // What exists and cannot be seen is not made again.
                    if kind == ErrorKind::AlreadyExists {
                        return WriteOutcome::Failed(failed(item, &write, &error));
                    }
                    break;
                }
            }
        }
    }
}

/// The result of a write that failed. What a resource cannot have is left alone, however often it is asked for.
fn failed(item: Item, write: &Write<'_>, error: &CallError) -> Item {
    let action = write.action();
    let on = item.resource_id.clone().unwrap_or_default();
    let item = Item { refusal: Some(error.kind()), ..item }.finding();
    if matches!(error.kind(), ErrorKind::Unsupported(_)) {
        let reason = format!("{on} cannot have a flow log: {}", error.advice());
        return Item { verdict: Some(Verdict::Unsupported), outcome: Outcome::Skipped, reason, ..item };
    }
    let reason = match (write, write.flow_log()) {
        (Write::OpenService, _) => "the flow log service could not be opened".to_owned(),
        (_, Some(id)) => format!("{action} of {id} on {on} failed"),
        (_, None) => format!("{action} of {on} failed"),
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
