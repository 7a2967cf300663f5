//! One resource: its flow logs are read, what is to be done is planned, and done.

use std::time::Duration;

use flow_log::{Change, FlowLog, FlowLogId, Plan, Policy, Resource, Rules, Verdict, plan, wanted};
use futures_util::future::try_join_all;
use openapi::{CallError, FlowLogFilter, Remedy, Session};

use crate::{Item, Outcome};

/// The waits between two readings of one resource. What was written shows within them, or is left to the next
/// invocation.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// How resources are settled in one invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settler<'a> {
    pub(crate) policy: &'a Policy,
    /// The calls that the function may make, by the API's names.
    pub(crate) may: &'a [&'static str],
    pub(crate) dry_run: bool,
}

/// A write that did not say whether it was done.
struct Uncertain {
    change: Change,
    error: CallError,
    /// How often the flow logs were read since.
    readings: usize,
}

impl Settler<'_> {
    /// Makes the flow log of `resource` as the policy wants it.
    pub(crate) async fn settle(&self, session: &Session<'_>, resource: &Resource) -> Item {
        let rules = Rules { foreign: self.policy.foreign, replace: self.policy.replace };
        let mut uncertain: Option<Uncertain> = None;
        let mut writes = 0;
        let mut pauses = PAUSES.into_iter();
        loop {
            let seen = match flow_logs(session, resource).await {
                Ok(seen) => seen,
                Err(error) => return unread(resource, &error),
            };
            let plan = plan(resource, &seen, &wanted(resource, self.policy, session.now()), rules);
            let Some(change) = self.permitted(&plan) else {
                return match uncertain {
                    Some(Uncertain { change, error, .. }) if !exists(&error) && is_ours(&plan, &seen) => {
                        done_after_all(resource, &change, plan.flow_log)
                    }
                    _ => left(resource, plan),
                };
            };
            if self.dry_run {
                let item = Item::of_resource(resource, plan.verdict, Outcome::Planned, plan.reason);
                return Item { action: Some(change.action()), is_finding: true, ..item };
            }
            let may_write = uncertain.as_ref().is_none_or(|uncertain| {
                // What exists is not made again, and what may exist is made once more at most.
                !exists(&uncertain.error) && writes < 2 && uncertain.readings >= PAUSES.len()
            });
            if may_write {
                writes += 1;
                match apply(session, resource, &change).await {
                    Ok(id) => {
                        let item = Item::of_resource(resource, plan.verdict, Outcome::Done, plan.reason);
                        return Item { action: Some(change.action()), flow_log_id: Some(id), ..item };
                    }
                    Err(error) if error.remedy() == Remedy::ReadAgain => {
                        tracing::info!("{error}: {}; reading before anything else", error.cause);
                        uncertain = Some(Uncertain { change, error, readings: 0 });
                        pauses = PAUSES.into_iter();
                    }
                    Err(error) => return refused(resource, &change, &error),
                }
            }
            let pause = pauses.next();
            let waited = match pause {
                Some(pause) => session.wait(pause).await.is_ok(),
                None => false,
            };
            match uncertain.as_mut() {
                Some(uncertain) if waited => uncertain.readings += 1,
                Some(Uncertain { change, error, .. }) => return refused(resource, change, error),
                None => {
                    return Item::of_resource(resource, plan.verdict, Outcome::Unfinished, "there was no time left");
                }
            }
        }
    }

    /// The next change, as far as the function may make it.
    fn permitted(&self, plan: &Plan) -> Option<Change> {
        plan.changes.first().filter(|change| self.may.contains(&change.action())).cloned()
    }
}

/// The flow logs on the resource and on what it is part of.
async fn flow_logs(session: &Session<'_>, resource: &Resource) -> Result<Vec<FlowLog>, CallError> {
    let ids = std::iter::once(&resource.id).chain(&resource.parents);
    let reads = ids.map(|id| async move {
        session.describe_flow_logs(&FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() }).await
    });
    Ok(try_join_all(reads).await?.concat())
}

async fn apply(session: &Session<'_>, resource: &Resource, change: &Change) -> Result<FlowLogId, CallError> {
    match change {
        Change::Create(spec) => session.create_flow_log(&resource.id, spec).await,
        other => unreachable!("{} is permitted to no function yet", other.action()),
    }
}

/// Whether the API refused the write because what was to be made is there.
fn exists(error: &CallError) -> bool {
    error.code().is_some()
        && error.remedy() == Remedy::ReadAgain
        && matches!(error.code(), Some("InvalidResourceId.NotFound" | "ResourceAlreadyExist.FlowLogId"))
}

/// Whether the flow log that was found is one of ours: then the write whose answer was lost has been done.
fn is_ours(plan: &Plan, seen: &[FlowLog]) -> bool {
    seen.iter().any(|flow_log| flow_log.is_own() && plan.flow_log.as_ref() == Some(&flow_log.id))
}

fn done_after_all(resource: &Resource, change: &Change, flow_log_id: Option<FlowLogId>) -> Item {
    let reason = format!("no active flow log covered {}; the call was not answered, and had been done", resource.id);
    let item = Item::of_resource(resource, Verdict::Missing, Outcome::Done, reason);
    Item { action: Some(change.action()), flow_log_id, ..item }
}

/// A resource that nothing is done to: because it is as it should be, or because it is not for this function to do.
fn left(resource: &Resource, plan: Plan) -> Item {
    let is_settled = plan.is_settled && plan.changes.is_empty();
    let outcome = if is_settled && plan.verdict != Verdict::Excluded { Outcome::Unchanged } else { Outcome::Skipped };
    let reason = match plan.changes.first() {
        Some(change) => format!("{}; {} is not for this function to do", plan.reason, change.action()),
        None => plan.reason,
    };
    let item = Item::of_resource(resource, plan.verdict, outcome, reason);
    Item { flow_log_id: plan.flow_log, is_finding: !is_settled, ..item }
}

fn refused(resource: &Resource, change: &Change, error: &CallError) -> Item {
    let item = unsupported(resource, error).unwrap_or_else(|| {
        let reason = format!("{} of {} failed", change.action(), resource.id);
        Item::of_resource(resource, Verdict::Missing, Outcome::Failed, reason).with_error(error)
    });
    Item { action: Some(change.action()), is_finding: true, ..item }
}

fn unread(resource: &Resource, error: &CallError) -> Item {
    let item = unsupported(resource, error).unwrap_or_else(|| {
        let reason = format!("the flow logs of {} could not be read", resource.id);
        Item::of_resource(resource, Verdict::Unknown, Outcome::Failed, reason).with_error(error)
    });
    Item { is_finding: true, ..item }
}

/// What there is to say where flow logs cannot be had, however often one asks.
fn unsupported(resource: &Resource, error: &CallError) -> Option<Item> {
    let never = ["OperationUnsupported.action", "OperationUnsupported.AdvancedFeature", "UnsupportedRegion"];
    never.contains(&error.code()?).then(|| {
        let reason = format!("{} cannot have a flow log: {}", resource.id, error.advice());
        Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, reason)
    })
}
