//! One resource: its flow logs are read, what is to be done is planned, and done.

use std::time::Duration;

use flow_log::{Change, FlowLog, FlowLogId, Plan, Policy, Resource, Verdict, plan, wanted};
use futures_util::future::try_join_all;
use openapi::{CallError, FlowLogFilter, Remedy, Session};

use crate::{Item, Outcome};

/// How often the flow logs of a resource are read, and a change is tried, before it is left to the next invocation.
const READINGS: u32 = 5;
/// The wait before the second reading. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Makes the flow log of `resource` as the policy wants it.
pub(crate) async fn settle(session: &Session<'_>, policy: &Policy, resource: &Resource, dry_run: bool) -> Item {
    let mut failed: Option<(Change, CallError)> = None;
    for reading in 0..READINGS {
        if reading > 0 && session.wait(FIRST_PAUSE * 2_u32.pow(reading - 1)).await.is_err() {
            break;
        }
        let seen = match flow_logs(session, resource).await {
            Ok(seen) => seen,
            Err(error) => return unread(resource, &error),
        };
        let plan = plan(resource, &seen, &wanted(resource, policy, session.now()));
        let Some(change) = plan.changes.first() else {
            return match failed {
                Some((change, _)) if is_ours(&plan, &seen) => done_after_all(resource, &change, plan.flow_log),
                _ => unchanged(resource, plan),
            };
        };
        if dry_run {
            let item = Item::of_resource(resource, plan.verdict, Outcome::Planned, plan.reason);
            return Item { action: Some(change.action()), is_finding: true, ..item };
        }
        match apply(session, resource, change).await {
            Ok(id) => {
                let item = Item::of_resource(resource, plan.verdict, Outcome::Done, plan.reason);
                return Item { action: Some(change.action()), flow_log_id: Some(id), ..item };
            }
            Err(error) if error.remedy() == Remedy::ReadAgain || is_not_seen_yet(&error) => {
                tracing::info!("{error}: {}; reading again", error.cause);
                failed = Some((change.clone(), error));
            }
            Err(error) => return refused(resource, change, &error),
        }
    }
    match failed {
        Some((change, error)) => refused(resource, &change, &error),
        None => Item::of_resource(resource, Verdict::Unknown, Outcome::Unfinished, "there was no time left"),
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
    }
}

/// The resource was there when it was read, so another part of the cloud does not know it yet.
fn is_not_seen_yet(error: &CallError) -> bool {
    error.code() == Some("InvalidInstanceId")
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

fn unchanged(resource: &Resource, plan: Plan) -> Item {
    let outcome = match plan.verdict {
        Verdict::Excluded => Outcome::Skipped,
        _ if !plan.is_settled => Outcome::Skipped,
        _ => Outcome::Unchanged,
    };
    let item = Item::of_resource(resource, plan.verdict, outcome, plan.reason);
    Item { flow_log_id: plan.flow_log, is_finding: !plan.is_settled, ..item }
}

/// Whether flow logs cannot be had where the resource is, however often one asks.
fn is_unsupported(error: &CallError) -> bool {
    matches!(
        error.code(),
        Some("OperationUnsupported.action" | "OperationUnsupported.AdvancedFeature" | "UnsupportedRegion")
    )
}

fn refused(resource: &Resource, change: &Change, error: &CallError) -> Item {
    let item = if is_unsupported(error) {
        let reason = format!("{} cannot have a flow log: {}", resource.id, error.advice());
        Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, reason)
    } else {
        let reason = format!("{} of {} failed", change.action(), resource.id);
        Item::of_resource(resource, Verdict::Missing, Outcome::Failed, reason).with_error(error)
    };
    Item { action: Some(change.action()), is_finding: true, ..item }
}

fn unread(resource: &Resource, error: &CallError) -> Item {
    let item = if is_unsupported(error) {
        let reason = format!("{} cannot have a flow log: {}", resource.id, error.advice());
        Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, reason)
    } else {
        let reason = format!("the flow logs of {} could not be read", resource.id);
        Item::of_resource(resource, Verdict::Unknown, Outcome::Failed, reason).with_error(error)
    };
    Item { is_finding: true, ..item }
}
