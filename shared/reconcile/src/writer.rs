//! The one door for writes: permission, dry run and uncertain answers.
//!
//! No other code calls a write operation. For each write, this module decides whether the function may make it, whether
//! it is only planned, and what its outcome is if the answer does not say. It logs each write when it is made.

use flow_log::{Action, AttachedVbr, Change, EcrChange, FlowLog, FlowLogId, Resource, Verdict};
use futures_util::future::BoxFuture;
use openapi::{CallError, ErrorKind, FlowLogAttributes, Movable, Remedy, Session, TaggedType, Writes};

use crate::{Item, Outcome, poll::Poll};

/// How many reads show that an uncertain write had no effect before it is repeated.
const MAX_REREADS: usize = 4;

/// Makes writes for one function in one account and region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    session: &'a Session<'a>,
    /// The writes that the function may make. Its RAM role allows no others.
    actions: &'static [Action],
    dry_run: bool,
}

/// A write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write<'w> {
    /// Changes a flow log on a resource.
    FlowLog(&'w Resource, &'w Change),
    /// Deletes a flow log. All that is known of it is kept in the result.
    Delete(&'w FlowLog),
    /// Changes a flow log on a virtual border router.
    Ecr(&'w AttachedVbr, &'w EcrChange),
    /// Opens the flow log service of the account.
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

    /// Makes the call. Returns the id of the flow log that it was about.
    async fn make(&self, writes: &Writes<'_>) -> Result<Option<FlowLogId>, CallError> {
        match *self {
            Self::FlowLog(resource, change) => change_flow_log(writes, resource, change).await.map(Some),
            Self::Delete(flow_log) => writes.delete_flow_log(&flow_log.id).await.map(|()| Some(flow_log.id.clone())),
            Self::Ecr(vbr, change) => change_ecr_flow_log(writes, vbr, change).await,
            Self::OpenService => writes.open_flow_log_service().await.map(|_| None),
        }
    }
}

/// What a read after an uncertain write shows.
#[derive(Debug)]
pub(crate) enum Standing<T> {
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
pub(crate) type Confirm<'c, T> = dyn Fn() -> BoxFuture<'c, Result<Standing<T>, CallError>> + Sync + 'c;

/// The outcome of a write.
#[derive(Debug)]
pub(crate) enum WriteOutcome<T> {
    /// The function may not make this write.
    NotPermitted,
    /// A dry run: the write was not made.
    Planned(Item),
    /// The write was made.
    Done(Item),
    /// The answer was lost, and a read shows that the write was made.
    Confirmed(Item, T),
    /// The write was refused or unanswered, and a read shows that somebody else has made it unnecessary.
    Superseded(T),
    /// The write was refused because the API does not see the resource yet.
    NotVisible(Item),
    /// The write was refused, or its outcome is unknown.
    Failed(Item),
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(session: &'a Session<'a>, actions: &'static [Action], dry_run: bool) -> Self {
        Self { session, actions, dry_run }
    }

    /// Whether the function may make this kind of write.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }

    pub(crate) const fn is_dry_run(&self) -> bool {
        self.dry_run
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
            Write::Delete(flow_log) => Some(Box::new(flow_log.into())),
            _ => None,
        };
        let flow_log_id = write.flow_log().cloned().or_else(|| item.flow_log_id.clone());
        let item = Item { action: Some(action), flow_log_id, deleted, ..item };
        if self.dry_run {
            return WriteOutcome::Planned(Item { outcome: Outcome::Planned, ..item }.finding());
        }
        if item.deleted.is_some() {
            // The log must hold the fields before the deletion: if the process is killed in between, nothing else does.
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

    /// Writes, and reads before each repetition, until the outcome is known or the time is over.
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

/// Returns the result of a failed write. If the resource does not support flow logs, it is skipped: no retry would
/// help.
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
