//! Deletes one of Flowkeeper's own flow logs.

use flow_log::{FlowLog, FlowLogId, Policy, Resource, ResourceId, Status, Verdict, superfluous_under};
use futures_util::FutureExt as _;
use openapi::{CallError, FlowLogFilter, Session};

use crate::{
    Item, Listing, Outcome,
    converge::Converger,
    items, read,
    write::{Successor, Write},
    writer::{Confirm, Confirmation, WriteOutcome},
};

/// A flow log to delete, and why.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) flow_log: FlowLog,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    /// The resource, if it still exists and a flow log on a parent covers it.
    pub(crate) covered: Option<Resource>,
    /// Why the flow log is kept after all, if its resource is excluded.
    pub(crate) kept: Option<String>,
}

impl Deletion {
    /// Returns the deletion of a flow log whose resource is gone.
    pub(crate) fn of_orphan(policy: &Policy, flow_log: FlowLog) -> Self {
        let reason = format!("{} is gone, and {} recorded it", flow_log.resource_id, flow_log.id);
        let is_excluded = recorded_resource(&flow_log).is_some_and(|id| policy.exclude.ids.contains(&id));
        let kept = is_excluded.then(|| "the policy excludes it".to_owned());
        Self { flow_log, verdict: Verdict::Orphaned, reason, covered: None, kept }
    }

    /// Returns the deletion of a flow log that a person asks for, because Flowkeeper made it.
    pub(crate) fn of_own(flow_log: FlowLog) -> Self {
        let (key, value) = FlowLog::OWN_TAG;
        let reason = format!("{} on {} carries the tag {key}={value}", flow_log.id, flow_log.resource_id);
        Self { flow_log, verdict: Verdict::Excluded, reason, covered: None, kept: None }
    }

    /// Returns the result for a flow log that is kept, if it is.
    pub(crate) fn kept_item(&self, session: &Session<'_>) -> Option<Item> {
        let reason = format!("{}; {}", self.reason, self.kept.as_ref()?);
        Some(Item { is_exception: true, ..self.item(session, Outcome::Skipped, reason) })
    }

    /// Returns a result about the flow log.
    pub(crate) fn item(&self, session: &Session<'_>, outcome: Outcome, reason: String) -> Item {
        Item::of_flow_log(session, &self.flow_log, self.verdict, outcome, reason)
    }

    /// Deletes the flow log, unless it is kept or foreign, or needed again.
    pub(crate) async fn make(&self, converger: &Converger<'_>) -> Item {
        let session = converger.session;
        let skipped = |why: &str| self.item(session, Outcome::Skipped, format!("{}; {why}", self.reason));
        if let Some(kept) = self.kept_item(session) {
            return kept;
        }
        if !self.flow_log.is_own() {
            let why = if self.flow_log.tags.is_none() { "its tags cannot be read" } else { "others made it" };
            return skipped(&format!("{why}, and it is left alone"));
        }
        if let Some(resource) = &self.covered
            && let Some(why) = objection(session, resource, &self.flow_log).await
        {
            return skipped(&format!("not done, as {why}"));
        }
        let about = Item { is_finding: false, ..self.item(session, Outcome::Done, self.reason.clone()) };
        let successor = if self.covered.is_some() { Successor::Covered } else { Successor::Gone };
        match delete(converger, &self.flow_log, successor, about).await {
            WriteOutcome::Planned(item) | WriteOutcome::Done(item) | WriteOutcome::Confirmed(item, ()) => item,
            WriteOutcome::NotApproved(item) => item,
            WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) | WriteOutcome::NoDestination(item) => item,
            WriteOutcome::Superseded(()) => {
                let reason = format!("{}; somebody else has deleted it", self.reason);
                Item { is_finding: false, ..self.item(session, Outcome::Unchanged, reason) }
            }
            WriteOutcome::NotPermitted => skipped(&items::may_not_call(flow_log::Action::DeleteFlowLog)),
        }
    }
}

/// Returns the resource that a flow log records, if its kind is known. A resource of an unknown kind is never missing.
pub(crate) fn recorded_resource(flow_log: &FlowLog) -> Option<ResourceId> {
    flow_log.resource_id.parse().ok()
}

/// Deletes a flow log. If the answer is uncertain, looks up by id whether it is gone. `about` describes the deletion.
pub(crate) async fn delete(
    converger: &Converger<'_>,
    flow_log: &FlowLog,
    successor: Successor<'_>,
    about: Item,
) -> WriteOutcome<()> {
    let session = converger.session;
    let observed = (converger.listing == Listing::Full).then(|| Box::new(flow_log.into()));
    let about = Item { observed, ..about };
    let confirm = || confirm(session, &flow_log.id).boxed();
    let confirm: &Confirm<'_, ()> = &confirm;
    converger.writer.write(Write::Delete(flow_log, successor), about, confirm).await
}

/// Reads whether a flow log is gone or being deleted.
async fn confirm(session: &Session<'_>, id: &FlowLogId) -> Result<Confirmation<()>, CallError> {
    let by_id = FlowLogFilter { id: Some(id), ..FlowLogFilter::default() };
    let found = session.describe_flow_logs(&by_id).await?;
    let is_gone = found.is_complete() && found.items.iter().all(|found| found.status == Status::Deleting);
    Ok(if is_gone {
        Confirmation::Settled { observed: (), may_be_ours: true, flow_log: None }
    } else {
        Confirmation::Outstanding
    })
}

/// Reads again, just before the deletion, whether a flow log is superfluous. Returns why that is not certain.
async fn objection(session: &Session<'_>, resource: &Resource, flow_log: &FlowLog) -> Option<String> {
    let Ok(observed) = read::flow_logs(session, resource).await else {
        return Some("the flow logs above it could not be read again".to_owned());
    };
    let is_it = |(found, _): &(&FlowLog, &FlowLog)| found.id == flow_log.id && found.is_own();
    let is_covered = superfluous_under(resource, &observed).iter().any(is_it);
    (!is_covered).then(|| "no flow log above it is active now".to_owned())
}
