//! Replaces flow logs that cannot be changed in place, without trading recording for something that might not record.
//!
//! A resource holds one flow log, so the old one is deleted before the API says whether it accepts the new one. That
//! risk is taken only with proof that such a flow log can be created in this account and region, or on a single
//! resource, the canary. A refused replacement is rolled back, and no further one is tried.

use std::time::Duration;

use flow_log::{
    Action, FlowLog, FlowLogId, FlowLogSpec, Recording, Resource, Status, Verdict, can_be_marked, marked, recreation,
};
use futures_util::FutureExt as _;
use openapi::{FlowLogFilter, Session};

use super::{evidence::Evidence, work::ResourceWork};
use crate::{
    Item, Outcome,
    converge::Converger,
    deletion,
    limits::Withheld,
    poll::Poll,
    read::{self, Unread},
    write::Successor,
    writer::WriteOutcome,
};

/// The least time in which a replacement is started: it needs a deletion, a creation and perhaps a rollback.
const MIN_TIME: Duration = Duration::from_secs(20);

/// Replaces one flow log after the other. `not_created` names a creation of this run that failed or was skipped.
pub(super) async fn replace(
    converger: &Converger<'_>,
    candidates: Vec<ResourceWork>,
    mut evidence: Evidence,
    not_created: Option<String>,
    items: &mut Vec<Item>,
) {
    let desired: Vec<_> = candidates.iter().filter_map(ResourceWork::replacement).map(Recording::desired).collect();
    let mut obstacle = not_created.or_else(|| refused_before(&evidence, &desired));
    for work in candidates {
        let attempt = match &obstacle {
            Some(why) => Attempt::NotStarted(NotStarted { why: why.clone(), out_of_time: false }),
            None => attempt(converger, &work, &mut evidence, items).boxed().await,
        };
        match attempt {
            Attempt::Replaced => {}
            Attempt::NotNeeded => {
                items.extend(converger.converge(&work.subject, None, Withheld::default()).await);
            }
            Attempt::NotApproved(item) => items.push(*item),
            Attempt::NotStarted(reason) => leave(converger, work, &reason, items).boxed().await,
            Attempt::Failed { why } => obstacle = Some(why),
        }
    }
}

/// Returns why nothing is replaced, if the replacement by one of these recordings was refused before.
fn refused_before(evidence: &Evidence, desired: &[Recording]) -> Option<String> {
    let marked = evidence.mark(desired)?;
    let tag = Recording::REFUSED_TAG;
    Some(format!("an earlier replacement was refused, as the tag {tag} of {marked} says; remove the tag to try again"))
}

/// The outcome of replacing one flow log.
enum Attempt {
    /// The new flow log exists.
    Replaced,
    /// The latest read shows that no replacement is needed.
    NotNeeded,
    /// Nothing was deleted.
    NotStarted(NotStarted),
    /// Nothing was deleted, as nobody approved it.
    NotApproved(Box<Item>),
    /// It did not end with a new flow log that is known to work. No other replacement is tried.
    Failed { why: String },
}

/// Why nothing was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NotStarted {
    why: String,
    out_of_time: bool,
}

/// What is known before the old flow log is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Start {
    /// The recording of the new flow log.
    recording: Recording,
    /// The spec with which the old flow log can be created again.
    way_back: FlowLogSpec,
    /// Whether nothing proves yet that the new flow log can be created.
    is_canary: bool,
}

/// Decides whether `old` is replaced by a flow log with this spec.
fn start(
    old: &FlowLog,
    spec: &FlowLogSpec,
    evidence: &Evidence,
    time_left: Option<Duration>,
) -> Result<Start, NotStarted> {
    let not_started = |why| Err(NotStarted { why, out_of_time: false });
    let Some(way_back) = recreation(old) else {
        return not_started(format!("{} could not be created again as it is, if the new one were refused", old.id));
    };
    if time_left.is_some_and(|left| left < MIN_TIME) {
        return Err(NotStarted { why: "there is no time left for it".to_owned(), out_of_time: true });
    }
    let recording = Recording::desired(spec);
    let is_canary = !evidence.proves(&recording);
    // Perhaps the canary of an earlier sweep. One is enough.
    if is_canary && let Some(doubtful) = evidence.doubt(&recording) {
        return not_started(format!(
            "{doubtful} is such a flow log already, and does not show that it records and delivers"
        ));
    }
    if is_canary && !can_be_marked(&way_back) {
        let room = "so there is no room for the one that says that replacing it was refused";
        return not_started(format!("{} has as many tags as it can have, {room}", old.id));
    }
    Ok(Start { recording, way_back, is_canary })
}

/// Keeps the old flow log, repairs what can be repaired in place, and reports why it is not replaced.
async fn leave(converger: &Converger<'_>, work: ResourceWork, reason: &NotStarted, items: &mut Vec<Item>) {
    let plan = &work.decision.plan;
    let outcome = if reason.out_of_time { Outcome::Unfinished } else { Outcome::Failed };
    let reason = format!("{}; it is not replaced: {}", plan.reason, reason.why);
    let item = Item::of_resource(&work.subject.resource, plan.verdict, outcome, reason).finding();
    let item = Item { action: Some(Action::DeleteFlowLog), flow_log_id: plan.flow_log.clone(), ..item };
    if !work.decision.changes.is_empty() {
        let done = converger.converge(&work.subject, work.observed, Withheld::default()).await;
        items.extend(done.into_iter().filter(|done| done.action.is_some()));
    }
    items.push(item);
}

async fn attempt(
    converger: &Converger<'_>,
    work: &ResourceWork,
    evidence: &mut Evidence,
    items: &mut Vec<Item>,
) -> Attempt {
    let (session, resource) = (converger.session, &work.subject.resource);
    // The list may be minutes old, and a deletion cannot be undone. So read the flow logs of the resource again first.
    let observed = match read::flow_logs(session, resource).await {
        Ok(observed) => observed,
        Err(unread) => return Attempt::NotStarted(unread.into()),
    };
    let decision = converger.decide(resource, work.subject.vpc.as_ref(), &observed, Withheld::default());
    let desired = decision.desired.as_ref().filter(|_| decision.plan.needs_replacement);
    let Some(spec) = desired.map(|desired| &desired.spec) else { return Attempt::NotNeeded };
    let Some(old) = observed.iter().find(|flow_log| decision.plan.flow_log.as_ref() == Some(&flow_log.id)) else {
        return Attempt::NotNeeded;
    };
    let start = match start(old, spec, evidence, session.time_left()) {
        Ok(start) => start,
        Err(reason) => return Attempt::NotStarted(reason),
    };
    if start.is_canary {
        tracing::info!(
            "nothing proves yet that such a flow log can be created in {} of {}: {} is replaced first, by itself",
            session.region(),
            session.account(),
            old.id
        );
    }
    let reason = decision.plan.reason.clone();
    let about = Item::of_resource(resource, decision.plan.verdict, Outcome::Done, reason.clone());
    // Nobody may stop between the deletion and the creation.
    let under_way = converger.writer.begin();
    match deletion::delete(converger, old, Successor::Replaces(resource, spec), about).await {
        WriteOutcome::Planned(item) => {
            // The deletion describes what takes the place of the flow log.
            let created = Item {
                action: Some(Action::CreateFlowLog),
                flow_log_id: None,
                deleted: None,
                change: None,
                ..item.clone()
            };
            items.extend([item, created]);
            return Attempt::Replaced;
        }
        WriteOutcome::NotApproved(item) => return Attempt::NotApproved(Box::new(item)),
        WriteOutcome::Done(item) | WriteOutcome::Confirmed(item, ()) => items.push(item),
        // Somebody else deleted it. The missing flow log is created below.
        WriteOutcome::Superseded(()) => {}
        WriteOutcome::NotPermitted => return Attempt::NotNeeded,
        WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) | WriteOutcome::NoDestination(item) => {
            let why = format!("the flow log of {} could not be deleted", resource.id);
            items.push(item);
            return Attempt::Failed { why };
        }
    }
    let created = converger.create_successor(resource, spec, &old.id, &reason).await;
    let is_created =
        created.iter().any(|item| item.outcome == Outcome::Done && item.action == Some(Action::CreateFlowLog));
    if !is_created {
        return undo(converger, resource, old, start, created, items).await;
    }
    drop(under_way);
    let id = created.iter().find_map(|item| item.flow_log_id.clone());
    items.extend(created);
    if !start.is_canary {
        return Attempt::Replaced;
    }
    match prove(session, resource, id, &start.recording, evidence).await {
        Ok(()) => Attempt::Replaced,
        Err(Unproven { why, item }) => {
            items.push(*item);
            Attempt::Failed { why }
        }
    }
}

impl From<Unread> for NotStarted {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Call(error) => {
                let why = format!("its flow logs could not be read again: {error}: {}", error.cause);
                Self { why, out_of_time: error.is_out_of_time() }
            }
            Unread::Item(reason) => {
                let why = format!("its flow logs could not all be read again: {reason}");
                Self { why, out_of_time: false }
            }
        }
    }
}

/// A canary that does not prove that it records and delivers.
struct Unproven {
    why: String,
    item: Box<Item>,
}

/// Waits until the canary is active, and adds it to the evidence.
///
/// # Errors
/// The canary does not prove that it records and delivers.
async fn prove(
    session: &Session<'_>,
    resource: &Resource,
    id: Option<FlowLogId>,
    recording: &Recording,
    evidence: &mut Evidence,
) -> Result<(), Unproven> {
    let about = |verdict, outcome, reason: String| {
        Box::new(Item { flow_log_id: id.clone(), ..Item::of_resource(resource, verdict, outcome, reason).finding() })
    };
    let Some(active) = wait_until_active(session, id.as_ref()).await else {
        let why = format!("the new flow log of {} is not active yet", resource.id);
        return Err(Unproven { item: about(Verdict::Pending, Outcome::Unfinished, why.clone()), why });
    };
    evidence.add(&active);
    if evidence.proves(recording) {
        return Ok(());
    }
    let why = format!("the new flow log of {} does not show that it records and delivers", resource.id);
    let reason = active.impairment().map_or_else(|| why.clone(), |impaired| format!("{why}: {impaired}"));
    Err(Unproven { item: about(Verdict::Undelivered, Outcome::Skipped, reason), why })
}

/// Creates the old flow log again if the new one was refused, and reports the failure. `created` are the results of the
/// creation.
async fn undo(
    converger: &Converger<'_>,
    resource: &Resource,
    old: &FlowLog,
    start: Start,
    created: Vec<Item>,
    items: &mut Vec<Item>,
) -> Attempt {
    let why = format!("the flow log of {} could not be replaced", resource.id);
    // What the flow log writes to may have results of its own before it.
    let is_refused = |item: &&Item| item.outcome != Outcome::Done && item.action == Some(Action::CreateFlowLog);
    let is_not_done = |item: &&Item| item.outcome != Outcome::Done;
    let failure = created.iter().find(is_refused).or_else(|| created.iter().find(is_not_done)).cloned();
    let before = items.len();
    items.extend(created);
    // If the time is over or the old flow log still exists, a rollback is not possible now.
    if let Some(failure) = failure.filter(|item| matches!(item.outcome, Outcome::Failed | Outcome::Skipped)) {
        roll_back(converger, resource, &start.recording, (&old.id, start.way_back), &failure, items).await;
    }
    // Elsewhere a resource without support for flow logs is skipped. Here a flow log was deleted for it, so it is a
    // failure.
    if !items[before..].iter().any(Item::is_open) {
        items.push(not_replaced(resource, &old.id, &items[before..], &why));
    }
    Attempt::Failed { why }
}

/// Returns the failure for a refused replacement, whether or not the old flow log could be created again.
fn not_replaced(resource: &Resource, old: &FlowLogId, done: &[Item], why: &str) -> Item {
    let is_of_flow_log = |item: &&Item| item.action.is_none_or(|action| action.product() != "log");
    let (verdict, end) = if done.iter().filter(is_of_flow_log).any(|item| item.outcome == Outcome::Done) {
        (Verdict::Drifted, "and was created again as it was")
    } else {
        (Verdict::Missing, "and could not be created again: the log line of its deletion has its configuration")
    };
    let reason = format!("{why}: {old} was deleted, {end}");
    Item::of_resource(resource, verdict, Outcome::Failed, reason).finding()
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
    resource: &Resource,
    refused: &Recording,
    (deleted, way_back): (&FlowLogId, FlowLogSpec),
    failure: &Item,
    items: &mut Vec<Item>,
) {
    let is_lasting = failure.is_refused_for_good();
    let spec = if is_lasting { marked(way_back, refused) } else { way_back };
    let reason = format!("the new flow log of {} was refused, so the old one is created again as it was", resource.id);
    let created = converger.create_successor(resource, &spec, deleted, &reason).await;
    // The restored flow log still differs from the policy.
    items.extend(created.into_iter().map(|item| Item { verdict: Some(Verdict::Drifted), ..item }.finding()));
}

#[cfg(test)]
mod tests {
    use flow_log::Delivery;

    use super::*;
    use crate::testing;

    fn evidence(flow_logs: &[FlowLog]) -> Evidence {
        let mut evidence = Evidence::default();
        for flow_log in flow_logs {
            evidence.add(flow_log);
        }
        evidence
    }

    /// A flow log that delivers to another Logstore than the policy asks for.
    fn old() -> FlowLog {
        FlowLog { log_store: Some("old-store".to_owned()), ..testing::flow_log("fl-old", "vpc-1") }
    }

    fn why(result: Result<Start, NotStarted>) -> String {
        result.unwrap_err().why
    }

    #[test]
    fn a_replacement_with_proof_is_no_canary_and_one_without_proof_is() {
        let proof = evidence(&[testing::flow_log("fl-2", "vpc-2")]);
        let with_proof = start(&old(), &testing::spec(), &proof, None).unwrap();
        assert!(!with_proof.is_canary);
        assert_eq!(with_proof.way_back.log_store.as_str(), "old-store");
        assert_eq!(with_proof.recording, Recording::desired(&testing::spec()));
        assert!(start(&old(), &testing::spec(), &evidence(&[old()]), None).unwrap().is_canary);
    }

    #[test]
    fn there_is_no_second_canary_while_the_first_does_not_deliver() {
        let first =
            FlowLog { delivery: Delivery::Failed("denied".to_owned()), ..testing::flow_log("fl-canary", "vpc-2") };
        let why = why(start(&old(), &testing::spec(), &evidence(std::slice::from_ref(&first)), None));
        assert!(why.starts_with("fl-canary is such a flow log already"), "{why}");
        let proof = evidence(&[first, testing::flow_log("fl-2", "vpc-3")]);
        assert!(!start(&old(), &testing::spec(), &proof, None).unwrap().is_canary, "another one is proof");
    }

    #[test]
    fn a_flow_log_that_could_not_be_created_again_is_not_replaced() {
        let proof = evidence(&[testing::flow_log("fl-2", "vpc-2")]);
        for nameless in [FlowLog { name: None, ..old() }, FlowLog { tags: None, ..old() }] {
            let why = why(start(&nameless, &testing::spec(), &proof, None));
            assert!(why.starts_with("fl-old could not be created again as it is"), "{why}");
        }
    }

    #[test]
    fn a_canary_needs_room_for_the_tag_that_marks_a_refusal() {
        let mut full = old();
        let tags = full.tags.as_mut().unwrap();
        for nth in tags.len()..20 {
            tags.insert(format!("key-{nth}"), String::new());
        }
        let why = why(start(&full, &testing::spec(), &Evidence::default(), None));
        assert!(why.starts_with("fl-old has as many tags as it can have"), "{why}");
        let proof = evidence(&[testing::flow_log("fl-2", "vpc-2")]);
        assert!(start(&full, &testing::spec(), &proof, None).is_ok(), "with proof, no mark is needed");
    }

    #[test]
    fn a_replacement_is_not_started_without_time_for_a_rollback() {
        let proof = evidence(&[testing::flow_log("fl-2", "vpc-2")]);
        let start = |left| start(&old(), &testing::spec(), &proof, Some(left));
        assert!(start(MIN_TIME).is_ok());
        assert!(start(MIN_TIME - Duration::from_millis(1)).unwrap_err().out_of_time);
    }

    #[test]
    fn the_failure_of_a_replacement_says_whether_the_old_flow_log_exists_again() {
        let (vpc, old) = (testing::vpc("vpc-1"), "fl-old".parse().unwrap());
        let restored = Item::of_resource(&vpc, Verdict::Drifted, Outcome::Done, "restored");
        let with = not_replaced(&vpc, &old, &[restored], "refused");
        assert_eq!((with.verdict, with.outcome), (Some(Verdict::Drifted), Outcome::Failed));
        let without = not_replaced(&vpc, &old, &[], "refused");
        assert_eq!((without.verdict, without.outcome), (Some(Verdict::Missing), Outcome::Failed));
        assert_eq!(
            without.reason,
            "refused: fl-old was deleted, and could not be created again: the log line of its deletion has its configuration"
        );
    }
}
