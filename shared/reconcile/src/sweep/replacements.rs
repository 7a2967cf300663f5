//! Replaces flow logs that cannot be changed in place, without trading recording for something that might not record.
//!
//! A resource holds one flow log, so the old one is deleted before the API says whether it accepts the new one. That
//! risk is taken only with proof that such a flow log can be created in this account and region, or on a single
//! resource, the canary. A refused replacement is rolled back, and no further one is tried.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use flow_log::{
    Action, FlowLog, FlowLogId, FlowLogSpec, Recording, Status, Verdict, can_be_marked, marked, recreation,
};
use futures_util::FutureExt as _;
use openapi::{CallError, FlowLogFilter, Session};

use super::resources::Work;
use crate::{
    Item, Outcome,
    converge::{self, Converger},
    limits::Withheld,
    poll::Poll,
    writer::{Confirm, Standing, Write, WriteOutcome},
};

/// The least time in which a replacement is started: it needs a deletion, a creation and perhaps a rollback.
const MIN_TIME: Duration = Duration::from_secs(20);

/// What a sweep has seen for or against replacements in its account and region.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The recordings of flow logs that are active and deliver.
    proven: BTreeSet<Recording>,
    /// The recordings of flow logs that should record and deliver but do not, with one such flow log each.
    doubted: BTreeMap<Recording, FlowLogId>,
    /// Flow logs with a tag that marks a refused replacement, and the digest in it.
    marks: Vec<(FlowLogId, String)>,
}

impl Evidence {
    /// Records what a flow log says about replacements.
    pub(super) fn note(&mut self, flow_log: &FlowLog) {
        self.proven.extend(Recording::proven_by(flow_log));
        self.doubted.extend(Recording::doubted_by(flow_log).map(|recording| (recording, flow_log.id.clone())));
        let mark = flow_log.tags.as_ref().and_then(|tags| tags.get(Recording::REFUSED_TAG));
        self.marks.extend(mark.map(|digest| (flow_log.id.clone(), digest.clone())));
    }

    /// Returns the flow log whose mark stops all replacements, if one of these recordings was refused before.
    fn mark<'e>(&'e self, desired: &BTreeSet<Recording>) -> Option<&'e FlowLogId> {
        let digests: BTreeSet<_> = desired.iter().map(Recording::digest).collect();
        self.marks.iter().find(|(_, digest)| digests.contains(digest)).map(|(id, _)| id)
    }
}

/// Replaces one flow log after the other. `create_not_made` names a creation of this run that failed or was skipped.
pub(super) async fn replace(
    converger: &Converger<'_>,
    candidates: Vec<Work>,
    evidence: Evidence,
    create_not_made: Option<String>,
    items: &mut Vec<Item>,
) {
    let desired = candidates.iter().filter_map(Work::replacement).map(Recording::desired).collect();
    let mut obstacle = create_not_made.or_else(|| {
        let marked = evidence.mark(&desired)?;
        let tag = Recording::REFUSED_TAG;
        Some(format!(
            "an earlier replacement was refused, as the tag {tag} of {marked} says; remove the tag to try again"
        ))
    });
    let Evidence { mut proven, doubted, .. } = evidence;
    for work in candidates {
        let attempt = match &obstacle {
            Some(why) => Attempt::NotBegun { why: why.clone(), out_of_time: false },
            None => begin(converger, &work, &mut proven, &doubted, items).boxed().await,
        };
        match attempt {
            Attempt::Replaced => {}
            Attempt::NotNeeded => {
                items.extend(converger.converge(&work.subject, None, Withheld::default()).await);
            }
            Attempt::NotBegun { why, out_of_time } => {
                leave(converger, work, &why, out_of_time, items).boxed().await;
            }
            Attempt::Failed { why } => obstacle = Some(why),
        }
    }
}

/// The outcome of replacing one flow log.
enum Attempt {
    /// The new flow log exists.
    Replaced,
    /// The latest read shows that no replacement is needed.
    NotNeeded,
    /// Nothing was deleted.
    NotBegun { why: String, out_of_time: bool },
    /// It did not end with a new flow log that is known to work. No other replacement is tried.
    Failed { why: String },
}

/// Keeps the old flow log, repairs what can be repaired in place, and reports why it is not replaced.
async fn leave(converger: &Converger<'_>, work: Work, why: &str, out_of_time: bool, items: &mut Vec<Item>) {
    let plan = &work.decision.plan;
    let reason = format!("{}; it is not replaced: {why}", plan.reason);
    let outcome = if out_of_time { Outcome::Unfinished } else { Outcome::Failed };
    let item = Item::of_resource(&work.subject.resource, plan.verdict, outcome, reason).finding();
    let item = Item { action: Some(Action::DeleteFlowLog), flow_log_id: plan.flow_log.clone(), ..item };
    if !work.decision.changes.is_empty() {
        let done = converger.converge(&work.subject, work.observed, Withheld::default()).await;
        items.extend(done.into_iter().filter(|item| item.action.is_some()));
    }
    items.push(item);
}

async fn begin(
    converger: &Converger<'_>,
    work: &Work,
    proven: &mut BTreeSet<Recording>,
    doubted: &BTreeMap<Recording, FlowLogId>,
    items: &mut Vec<Item>,
) -> Attempt {
    let (session, resource) = (converger.session, &work.subject.resource);
    // The list may be minutes old, and a deletion cannot be undone. So read the flow logs of the resource again first.
    let observed = match converge::flow_logs(session, resource).await {
        Ok(observed) => observed,
        Err(converge::Unread::Call(error)) => {
            let why = format!("its flow logs could not be read again: {error}: {}", error.cause);
            return Attempt::NotBegun { why, out_of_time: error.is_out_of_time() };
        }
        Err(converge::Unread::Item(reason)) => {
            let why = format!("its flow logs could not all be read again: {reason}");
            return Attempt::NotBegun { why, out_of_time: false };
        }
    };
    let decision = converger.decide(resource, work.subject.vpc.as_ref(), &observed, Withheld::default());
    let desired = decision.desired.as_ref().filter(|_| decision.plan.needs_replacement);
    let Some(spec) = desired.map(|desired| &desired.spec) else { return Attempt::NotNeeded };
    let Some(old) = observed.iter().find(|flow_log| decision.plan.flow_log.as_ref() == Some(&flow_log.id)) else {
        return Attempt::NotNeeded;
    };
    let Some(way_back) = recreation(old) else {
        let why = format!("{} could not be made again as it is, if the new one were refused", old.id);
        return Attempt::NotBegun { why, out_of_time: false };
    };
    if session.time_left().is_some_and(|left| left < MIN_TIME) {
        return Attempt::NotBegun { why: "there is no time left for it".to_owned(), out_of_time: true };
    }
    let recording = Recording::desired(spec);
    let is_canary = !proven.contains(&recording);
    // Perhaps the canary of an earlier sweep. One is enough.
    if is_canary && let Some(doubtful) = doubted.get(&recording) {
        let why = format!("{doubtful} is such a flow log already, and does not show that it records and delivers");
        return Attempt::NotBegun { why, out_of_time: false };
    }
    if is_canary && !can_be_marked(&way_back) {
        let why = format!("{} has as many tags as it can, so nothing could say that replacing it was refused", old.id);
        return Attempt::NotBegun { why, out_of_time: false };
    }
    if is_canary {
        tracing::info!(
            "nothing proves yet that such a flow log can be made in {} of {}: {} is replaced first, by itself",
            session.region(),
            session.account(),
            old.id
        );
    }
    let reason = decision.plan.reason.clone();
    let item = Item::of_resource(resource, decision.plan.verdict, Outcome::Done, reason.clone());
    match delete(converger, old, item).await {
        WriteOutcome::Planned(item) => {
            let created =
                Item { action: Some(Action::CreateFlowLog), flow_log_id: None, deleted: None, ..item.clone() };
            items.extend([item, created]);
            return Attempt::Replaced;
        }
        WriteOutcome::Done(item) | WriteOutcome::Confirmed(item, ()) => items.push(item),
        // Somebody else deleted it. The missing flow log is created below.
        WriteOutcome::Superseded(()) => {}
        WriteOutcome::NotPermitted => return Attempt::NotNeeded,
        WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) => {
            let why = format!("the flow log of {} could not be deleted", resource.id);
            items.push(item);
            return Attempt::Failed { why };
        }
    }
    let created = converger.create(resource, spec, &old.id, &reason).await;
    let is_created =
        created.iter().any(|item| item.outcome == Outcome::Done && item.action == Some(Action::CreateFlowLog));
    let id = created.iter().find_map(|item| item.flow_log_id.clone());
    let failure = created.iter().find(|item| item.outcome != Outcome::Done).cloned();
    let before = items.len();
    items.extend(created);
    match (is_created, failure) {
        (true, _) if !is_canary => Attempt::Replaced,
        (true, _) => match wait_until_active(session, id.as_ref()).await {
            Some(works) => {
                proven.extend(Recording::proven_by(&works));
                if proven.contains(&recording) {
                    return Attempt::Replaced;
                }
                let why = format!("the new flow log of {} does not show that it records and delivers", resource.id);
                let reason = works.impairment().map_or_else(|| why.clone(), |impaired| format!("{why}: {impaired}"));
                let item = Item::of_resource(resource, Verdict::Undelivered, Outcome::Skipped, reason).finding();
                items.push(Item { flow_log_id: id, ..item });
                Attempt::Failed { why }
            }
            None => {
                let why = format!("the new flow log of {} is not active yet", resource.id);
                let item = Item::of_resource(resource, Verdict::Pending, Outcome::Unfinished, why.clone()).finding();
                items.push(Item { flow_log_id: id, ..item });
                Attempt::Failed { why }
            }
        },
        (false, failure) => {
            // If the time is over or the old flow log still exists, a rollback is not possible now.
            if let Some(failure) =
                failure.filter(|item| item.outcome == Outcome::Failed || item.outcome == Outcome::Skipped)
            {
                roll_back(converger, resource, &recording, (&old.id, way_back), &failure, items).await;
            }
            let why = format!("the flow log of {} could not be replaced", resource.id);
            // Elsewhere a resource without support for flow logs is skipped. Here a flow log was deleted for it, so it
            // is a failure.
            if !items[before..].iter().any(Item::is_open) {
                items.push(not_replaced(resource, &old.id, &items[before..], &why));
            }
            Attempt::Failed { why }
        }
    }
}

/// Returns the failure for a refused replacement, whether or not the old flow log could be created again.
fn not_replaced(resource: &flow_log::Resource, old: &FlowLogId, done: &[Item], why: &str) -> Item {
    let (verdict, end) = if done.iter().any(|item| item.outcome == Outcome::Done) {
        (Verdict::Drifted, "and was made again as it was")
    } else {
        (Verdict::Missing, "and could not be made again: the line of its deletion says what it was like")
    };
    let reason = format!("{why}: {old} was deleted, {end}");
    Item::of_resource(resource, verdict, Outcome::Failed, reason).finding()
}

/// Deletes the old flow log. If the answer is uncertain, looks up by id whether it is gone.
async fn delete(converger: &Converger<'_>, old: &FlowLog, item: Item) -> WriteOutcome<()> {
    let session = converger.session;
    let confirm = || is_gone(session, &old.id).boxed();
    let confirm: &Confirm<'_, ()> = &confirm;
    converger.writer.write(Write::Delete(old), item, confirm).await
}

/// Whether a flow log is gone or being deleted.
pub(super) async fn is_gone(session: &Session<'_>, id: &FlowLogId) -> Result<Standing<()>, CallError> {
    let it = FlowLogFilter { id: Some(id), ..FlowLogFilter::default() };
    let found = session.describe_flow_logs(&it).await?;
    let is_gone = found.is_complete() && found.items.iter().all(|found| found.status == Status::Deleting);
    Ok(if is_gone {
        Standing::Settled { observed: (), may_be_ours: true, flow_log: None }
    } else {
        Standing::Outstanding
    })
}

/// Returns the flow log once it is active; `None` if the time is over first.
async fn wait_until_active(session: &Session<'_>, id: Option<&FlowLogId>) -> Option<FlowLog> {
    let it = FlowLogFilter { id: Some(id?), ..FlowLogFilter::default() };
    let mut poll = Poll::new(session);
    loop {
        if let Ok(found) = session.describe_flow_logs(&it).await
            && let Some(active) = found.items.into_iter().find(|found| found.status == Status::Active)
        {
            return Some(active);
        }
        if !poll.wait(session).await {
            return None;
        }
    }
}

/// Creates the old flow log again. A lasting refusal is marked on it, so that no later sweep tries again until the
/// policy asks for something else.
async fn roll_back(
    converger: &Converger<'_>,
    resource: &flow_log::Resource,
    refused: &Recording,
    (deleted, way_back): (&FlowLogId, FlowLogSpec),
    failure: &Item,
    items: &mut Vec<Item>,
) {
    let is_lasting = failure.is_refused_for_good();
    let spec = if is_lasting { marked(way_back, refused) } else { way_back };
    let reason = format!("the new flow log of {} was refused, so the old one is made again as it was", resource.id);
    let made = converger.create(resource, &spec, deleted, &reason).await;
    // The restored flow log still differs from the policy.
    items.extend(made.into_iter().map(|item| Item { verdict: Some(Verdict::Drifted), ..item }.finding()));
}
