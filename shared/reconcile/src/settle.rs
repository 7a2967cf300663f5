//! One resource: its flow logs are read, what is to be done is planned, and done.

use flow_log::{Change, FlowLog, FlowLogId, Kept, Plan, Policy, Resource, Rules, Verdict, Wanted, plan, wanted};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use openapi::{CallError, FlowLogAttributes, FlowLogFilter, Remedy, Session, TaggedType};

use crate::{Duty, Item, LooksAt, Outcome, wait::Pauses};

/// How often one resource is read after a write whose effect is in doubt, before anything else is written.
const READINGS: usize = 4;

/// How resources are settled by one function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settler<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) duty: Duty,
    pub(crate) dry_run: bool,
}

/// What is to be done about a resource by this function.
pub(crate) struct Todo {
    pub(crate) plan: Plan,
    /// Those of the plan's changes that are for this function to make.
    pub(crate) changes: Vec<Change>,
    /// Whether the function does not look at this resource at all.
    pub(crate) is_not_looked_at: bool,
}

/// A write that did not say whether it was done.
struct Doubt {
    change: Change,
    error: CallError,
    /// Why the change was made.
    verdict: Verdict,
    reason: String,
    /// How often the flow logs were read since.
    readings: usize,
    /// Whether it was written a second time.
    is_second: bool,
}

impl Doubt {
    /// What exists is not made again, and what may have been done is done once more at most.
    fn may_be_repeated(&self) -> bool {
        !exists(&self.error) && !self.is_second && self.readings >= READINGS
    }

    /// Whether what is there now is the work of somebody else.
    fn is_of_others(&self) -> bool {
        is_of_others(&self.error)
    }
}

impl Settler<'_> {
    /// What is to be done about `resource`, where these flow logs were seen on it and on what it is part of.
    pub(crate) fn todo(&self, resource: &Resource, seen: &[FlowLog], now: Timestamp) -> Todo {
        // One that may not delete replaces nothing, and makes what else there is to change.
        let may_replace = self.duty.may.contains(&"DeleteFlowLog");
        let rules = Rules { foreign: self.policy.foreign, replace: self.policy.replace && may_replace };
        let wanted = wanted(resource, self.policy, now);
        let plan = plan(resource, seen, &wanted, rules);
        let is_scheduled = matches!(&wanted, Wanted::Kept(kept) if is_scheduled(kept));
        let is_elsewhere = matches!(wanted, Wanted::KeptAt(_));
        let is_not_looked_at = is_elsewhere || self.duty.looks_at == LooksAt::Scheduled && !is_scheduled;
        let changes = if is_not_looked_at { Vec::new() } else { self.permitted(&plan) };
        Todo { plan, changes, is_not_looked_at }
    }

    /// The changes that the function may make.
    fn permitted(&self, plan: &Plan) -> Vec<Change> {
        let may = |change: &&Change| self.duty.may.contains(&change.action());
        plan.changes.iter().filter(may).cloned().collect()
    }

    /// Makes the flow log of `resource` as the policy wants it. `known` is what was just seen on it and on what it is
    /// part of, where that has been read already.
    ///
    /// One item for each change, or one that says why there is none.
    pub(crate) async fn settle(
        &self,
        session: &Session<'_>,
        resource: &Resource,
        mut known: Option<Vec<FlowLog>>,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        let mut doubt: Option<Doubt> = None;
        let mut pauses = Pauses::new(session);
        loop {
            let seen = match known.take() {
                Some(known) => known,
                None => match flow_logs(session, resource).await {
                    Ok(seen) => seen,
                    // What was written, perhaps, has to be told, though nobody can say what became of it.
                    Err(error) => {
                        let unclear = doubt.map(|doubt| refused(resource, doubt.verdict, &doubt.change, &doubt.error));
                        return with(items, unclear.unwrap_or_else(|| unread(resource, &error)));
                    }
                },
            };
            let Todo { plan, changes, .. } = self.todo(resource, &seen, session.now());
            let next = changes.first().map(Change::action);
            if let Some(doubt) = doubt.take_if(|doubt| next != Some(doubt.change.action()))
                && !doubt.is_of_others()
                && is_done(&doubt.change, &plan, &seen)
            {
                items.push(done_after_all(resource, &doubt, &plan));
            }
            let Some(next) = next else {
                return if items.is_empty() { vec![left(resource, plan)] } else { items };
            };
            if self.dry_run {
                items.extend(changes.iter().map(|change| would_be(resource, &plan, change, Outcome::Planned, "")));
                return items;
            }
            if let Some(doubt) = doubt.as_ref()
                && doubt.readings >= READINGS
                && !doubt.may_be_repeated()
            {
                return with(items, refused(resource, doubt.verdict, &doubt.change, &doubt.error));
            }
            let why = plan.reason.clone();
            let must_wait = plan.verdict == Verdict::Pending || doubt.as_ref().is_some_and(|it| !it.may_be_repeated());
            if !must_wait {
                let is_second = doubt.take().is_some();
                match self.write(session, resource, &plan, changes, &mut items).await {
                    Written::All | Written::Refused => return items,
                    Written::Some => {}
                    Written::Doubtful(doubtful) => {
                        let (change, error) = *doubtful;
                        tracing::info!("{error}: {}; reading before anything else", error.cause);
                        let Plan { verdict, reason, .. } = plan;
                        doubt = Some(Doubt { change, error, verdict, reason, readings: 0, is_second });
                        pauses = Pauses::new(session);
                    }
                }
            }
            let has_waited = pauses.wait(session).await;
            match doubt.as_mut() {
                Some(doubt) if has_waited => doubt.readings += 1,
                Some(doubt) => return with(items, refused(resource, doubt.verdict, &doubt.change, &doubt.error)),
                None if has_waited => {}
                None => {
                    let reason = format!("{why}; {next} has to wait, and there was no time left for that");
                    let item = Item::of_resource(resource, Verdict::Pending, Outcome::Unfinished, reason);
                    return with(items, Item { action: Some(next), is_finding: true, ..item });
                }
            }
        }
    }

    /// Makes the changes, as far as one can be made right after the other.
    async fn write(
        &self,
        session: &Session<'_>,
        resource: &Resource,
        plan: &Plan,
        changes: Vec<Change>,
        items: &mut Vec<Item>,
    ) -> Written {
        let mut changes = changes.into_iter().peekable();
        let mut is_pending = false;
        while let Some(change) = changes.next() {
            match apply(session, resource, &change).await {
                Ok(id) => {
                    let item = Item::of_resource(resource, plan.verdict, Outcome::Done, plan.reason.clone());
                    let is_finding = changes.peek().is_none() && !plan.is_settled;
                    items.push(Item { action: Some(change.action()), flow_log_id: Some(id), is_finding, ..item });
                }
                Err(error) if error.remedy() == Remedy::ReadAgain || is_overtaken(&error) => {
                    return Written::Doubtful(Box::new((change, error)));
                }
                Err(error) => {
                    items.push(refused(resource, plan.verdict, &change, &error));
                    return Written::Refused;
                }
            }
            is_pending |= change.makes_pending();
            if is_pending && changes.peek().is_some_and(Change::makes_pending) {
                return Written::Some;
            }
        }
        Written::All
    }
}

/// How far writing went.
enum Written {
    /// Every change is made.
    All,
    /// The others have to wait until the last one has taken effect.
    Some,
    /// One was refused, and the others with it.
    Refused,
    /// This one did not say whether it was done.
    Doubtful(Box<(Change, CallError)>),
}

/// Whether a schedule or a tag says when the flow log is on.
fn is_scheduled(kept: &Kept) -> bool {
    kept.governed_by != flow_log::GovernedBy::Always
}

/// The flow logs on the resource and on what it is part of.
async fn flow_logs(session: &Session<'_>, resource: &Resource) -> Result<Vec<FlowLog>, CallError> {
    let ids = std::iter::once(&resource.id).chain(&resource.parents);
    let reads = ids.map(|id| async move {
        session.describe_flow_logs(&FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() }).await
    });
    Ok(try_join_all(reads).await?.concat())
}

/// Makes the call. The answer is the flow log that it was about.
async fn apply(session: &Session<'_>, resource: &Resource, change: &Change) -> Result<FlowLogId, CallError> {
    let id = match change {
        Change::Create(spec) => return session.create_flow_log(&resource.id, spec).await,
        Change::Activate(id) => session.activate_flow_log(id).await.map(|()| id),
        Change::Deactivate(id) => session.deactivate_flow_log(id).await.map(|()| id),
        Change::Modify(id, new) => {
            let new = FlowLogAttributes {
                name: new.name.as_ref(),
                description: new.description.as_ref(),
                aggregation_interval: new.aggregation_interval,
                ip_version: new.ip_version,
                ..FlowLogAttributes::default()
            };
            session.modify_flow_log(id, &new).await.map(|()| id)
        }
        Change::Tag(id, tags) => session.tag_resources(TaggedType::FlowLog, &[id.as_str()], tags).await.map(|()| id),
        Change::Delete(id) => session.delete_flow_log(id).await.map(|()| id),
    };
    id.cloned()
}

/// Whether the API refused the write because what was to be made is there.
fn exists(error: &CallError) -> bool {
    matches!(error.code(), Some("InvalidResourceId.NotFound" | "ResourceAlreadyExist.FlowLogId"))
        && error.remedy() == Remedy::ReadAgain
}

/// Whether the API refused the write, so that what was wanted, if it holds now, is the work of somebody else.
pub(crate) fn is_of_others(error: &CallError) -> bool {
    exists(error) || is_overtaken(error)
}

/// Whether the API refused the write as the flow log is gone, or, more than once, because of its state: somebody else is
/// changing it, and what they make of it may be what is wanted.
pub(crate) fn is_overtaken(error: &CallError) -> bool {
    let is_conflict = error.code().is_some() && error.remedy() == Remedy::TryAgain;
    is_conflict || is_gone(error)
}

/// Whether the API refused to change a flow log that is not there.
pub(crate) fn is_gone(error: &CallError) -> bool {
    error.code() == Some("InvalidInstanceId.NotFound")
}

/// Whether a write whose answer was lost has been done, now that it is no longer planned.
fn is_done(change: &Change, plan: &Plan, seen: &[FlowLog]) -> bool {
    match change {
        // Another one may have been made meanwhile, by others.
        Change::Create(_) => {
            seen.iter().any(|flow_log| flow_log.is_own() && plan.flow_log.as_ref() == Some(&flow_log.id))
        }
        _ => true,
    }
}

fn with(mut items: Vec<Item>, last: Item) -> Vec<Item> {
    items.push(last);
    items
}

/// A change whose answer was lost; `plan` is what is to be done now that it has been made.
fn done_after_all(resource: &Resource, doubt: &Doubt, plan: &Plan) -> Item {
    let reason = format!("{}; the call was not answered, and had been done", doubt.reason);
    let flow_log_id = doubt.change.flow_log().or(plan.flow_log.as_ref()).cloned();
    let is_finding = plan.changes.is_empty() && !plan.is_settled;
    let item = Item::of_resource(resource, doubt.verdict, Outcome::Done, reason);
    Item { action: Some(doubt.change.action()), flow_log_id, is_finding, ..item }
}

/// A change that is not made, with what there is to say besides its reason.
pub(crate) fn would_be(resource: &Resource, plan: &Plan, change: &Change, outcome: Outcome, besides: &str) -> Item {
    let item = Item::of_resource(resource, plan.verdict, outcome, format!("{}{besides}", plan.reason));
    Item { action: Some(change.action()), flow_log_id: change.flow_log().cloned(), is_finding: true, ..item }
}

/// A resource that nothing is done to: because it is as it should be, or because it is not for this function to do.
pub(crate) fn left(resource: &Resource, plan: Plan) -> Item {
    let is_settled = plan.is_settled && plan.changes.is_empty();
    let outcome = if is_settled && plan.verdict != Verdict::Excluded { Outcome::Unchanged } else { Outcome::Skipped };
    let reason = match plan.changes.first() {
        Some(change) => format!("{}; {} is not for this function to do", plan.reason, change.action()),
        None => plan.reason,
    };
    let item = Item::of_resource(resource, plan.verdict, outcome, reason);
    Item { flow_log_id: plan.flow_log, is_finding: !is_settled, ..item }
}

/// What there is to say of a resource that another account owns and shares: a flow log is for its owner to make.
pub(crate) fn shared(session: &Session<'_>, resource: &Resource) -> Option<Item> {
    let is_shared = resource.account != *session.account();
    is_shared.then(|| {
        let reason = format!("{} is shared by the account {}, whose flow log it has", resource.id, resource.account);
        let item = Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, reason);
        item.at(Some(session.account()), Some(session.region()))
    })
}

fn refused(resource: &Resource, verdict: Verdict, change: &Change, error: &CallError) -> Item {
    let item = unsupported(resource, error).unwrap_or_else(|| {
        let reason = match change.flow_log() {
            Some(id) => format!("{} of {id} on {} failed", change.action(), resource.id),
            None => format!("{} of {} failed", change.action(), resource.id),
        };
        Item::of_resource(resource, verdict, Outcome::Failed, reason).with_error(error)
    });
    Item { action: Some(change.action()), flow_log_id: change.flow_log().cloned(), is_finding: true, ..item }
}

fn unread(resource: &Resource, error: &CallError) -> Item {
    let item = unsupported(resource, error).unwrap_or_else(|| {
        let reason = format!("the flow logs of {} could not be read", resource.id);
        Item::of_resource(resource, Verdict::Unknown, Outcome::Failed, reason).with_error(error)
    });
    Item { is_finding: true, ..item }
}

/// What there is to say where a resource cannot have a flow log.
fn unsupported(resource: &Resource, error: &CallError) -> Option<Item> {
    is_unsupported(error).then(|| {
        let reason = format!("{} cannot have a flow log: {}", resource.id, error.advice());
        Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, reason)
    })
}

/// Whether flow logs cannot be had there, however often one asks.
pub(crate) fn is_unsupported(error: &CallError) -> bool {
    let never = ["OperationUnsupported.action", "OperationUnsupported.AdvancedFeature", "UnsupportedRegion"];
    error.code().is_some_and(|code| never.contains(&code))
}
