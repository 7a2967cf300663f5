//! Facts from the report of a run.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use flow_log::{FlowLog, Verdict};
use reconcile::{DeletedFlowLog, ErrorReport, Item, ObservedFlowLog, Outcome, Summary};

use crate::{
    assessment::{Class, Judgment, settle_result, unnamed},
    facts::{
        Change, Facts, Failure, FlowLogState, Judged, Kind, LeftOut, NextChange, Note, NoteState, Part, ResourceResult,
        TagUsed, word,
    },
    from_proof::of_router,
};

/// What was observed of one resource, beside the result of the run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The id of the resource.
    pub resource_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether IPv6 is enabled in it, if the API said so.
    pub has_ipv6: Option<bool>,
    /// The schedule or the tag that decides when it records.
    pub schedule: Option<String>,
    /// When it is switched next.
    pub next_change: Option<NextChange>,
    /// The tags that decided about it.
    pub tags_used: Vec<TagUsed>,
}

impl From<&FlowLog> for FlowLogState {
    fn from(found: &FlowLog) -> Self {
        Self {
            id: found.id.to_string(),
            status: Some(found.status.to_string()),
            traffic_type: found.traffic_type.as_deref().map(word),
            traffic_path: found.traffic_path.as_ref().map(|paths| paths.iter().map(|path| word(path)).collect()),
            ip_version: found.ip_version.as_deref().map(word),
            interval_minutes: found.aggregation_interval,
            project: found.project.clone(),
            log_store: found.log_store.clone(),
            impairment: found.impairment(),
        }
    }
}

impl From<&ObservedFlowLog> for FlowLogState {
    fn from(found: &ObservedFlowLog) -> Self {
        Self {
            status: Some(found.status.clone()),
            traffic_type: found.traffic_type.as_deref().map(word),
            traffic_path: found.traffic_path.as_ref().map(|paths| paths.iter().map(|path| word(path)).collect()),
            ip_version: found.ip_version.as_deref().map(word),
            project: found.project.clone(),
            log_store: found.log_store.clone(),
            ..Self::unread(found.id.to_string())
        }
    }
}

impl From<&ErrorReport> for Failure {
    fn from(error: &ErrorReport) -> Self {
        Self {
            operation: error.action.to_owned(),
            code: error.code.clone(),
            message: error.message.clone(),
            request_id: error.request_id.clone(),
            advice: error.advice.to_owned(),
        }
    }
}

/// The key of a resource: its account, its region and its id.
type Key<'a> = (&'a str, &'a str, &'a str);

impl Facts {
    /// Adds what a run reports, the `results` and the `summary` of its report: its results, its changes, and what it
    /// says about accounts and regions. `accounts` are
    /// those that the run covered; `observed` is what was read of its resources, and `flow_logs` are the flow logs that
    /// were read, with the account and region of each. Of a flow log that is not among them, only what the result itself
    /// tells is known.
    ///
    /// A report that does not list every resource leaves the others counted and not listed; evidence says so. So it does of
    /// the least important results beyond `max`.
    ///
    /// The proofs come before it, by [`Self::add_proofs`]: a resource whose records do not arrive is a finding before
    /// anything is left out.
    pub fn add_report(
        &mut self,
        (items, summary): (&[Item], &Summary),
        accounts: &[String],
        (observed, flow_logs): (&[Observed], &[(String, String, FlowLog)]),
        max: usize,
    ) {
        let observed: BTreeMap<Key<'_>, &Observed> =
            observed.iter().map(|it| ((&*it.account, &*it.region, &*it.resource_id), it)).collect();
        let flow_logs: BTreeMap<Key<'_>, &FlowLog> =
            flow_logs.iter().map(|(account, region, it)| ((&**account, &**region, it.id.as_str()), it)).collect();
        let mut of_resources: BTreeMap<Key<'_>, OfResource<'_>> = BTreeMap::new();
        for item in items {
            if let Some(change) = change(item) {
                self.changes.push(change);
                self.bound(max, false);
            }
            let (Some(key), Some(class)) = (key(item), class(item)) else {
                match what_else(item) {
                    Some(Other::Note(note)) => self.notes.push(note),
                    Some(Other::LeftOut(left_out)) => self.asked.left_out.push(left_out),
                    None => {}
                }
                continue;
            };
            let is_done = item.action.is_some() && item.outcome == Outcome::Done;
            let is_undone = item.action.is_some() && item.outcome != Outcome::Done;
            // A replacement has two results. The worse one counts.
            match of_resources.entry(key) {
                Entry::Vacant(entry) => _ = entry.insert(OfResource { worst: item, class, is_done, is_undone }),
                Entry::Occupied(mut entry) => {
                    let known = entry.get_mut();
                    if class > known.class {
                        (known.worst, known.class) = (item, class);
                    }
                    known.is_done |= is_done;
                    known.is_undone |= is_undone;
                }
            }
        }
        let (resources, listed) = (summary.checked as u64, of_resources.len() as u64);
        let unlisted = resources.saturating_sub(listed).min(summary.unlisted as u64);
        self.judged.push(Judged { accounts: accounts.to_vec(), resources, unlisted });
        let mut deliveries = std::mem::take(&mut self.deliveries);
        deliveries.sort_unstable();
        let mut named = BTreeSet::new();
        for (key, OfResource { worst, is_done, is_undone, .. }) in of_resources {
            let Some(mut result) = result(worst) else { continue };
            result.is_changed = is_done && !is_undone;
            if let Some(it) = observed.get(&key) {
                result.name.clone_from(&it.name);
                result.has_ipv6 = it.has_ipv6;
                result.schedule.clone_from(&it.schedule);
                result.next_change.clone_from(&it.next_change);
                result.tags_used.clone_from(&it.tags_used);
            }
            if let Some(known) = &mut result.flow_log
                && let Some(found) = flow_logs.get(&(key.0, key.1, &*known.id))
            {
                *known = FlowLogState::from(*found);
            }
            named.extend(settle_result(&deliveries, &mut result));
            self.deliveries.extend(of_router(&self.head, &result));
            self.results.push(result);
            self.bound(max, false);
        }
        self.notes.extend(unnamed(&deliveries, &named));
        self.deliveries.extend(deliveries);
        self.bound(max, true);
    }
}

/// What the items of a report say about one resource.
struct OfResource<'a> {
    /// The item with the worst class.
    worst: &'a Item,
    class: Class,
    /// Whether a change was made.
    is_done: bool,
    /// Whether another one was not made.
    is_undone: bool,
}

/// The resource that an item is about.
fn key(item: &Item) -> Option<Key<'_>> {
    Some((item.account.as_deref()?, item.region.as_deref()?, item.resource_id.as_deref()?))
}

/// The class of an item that is about a resource.
fn class(item: &Item) -> Option<Class> {
    Kind::named(item.resource_type?)?;
    let judgment = Judgment {
        verdict: item.verdict?,
        is_finding: is_finding(item),
        is_exception: item.is_exception,
        is_changed: item.action.is_some() && item.outcome == Outcome::Done,
    };
    Some(judgment.class())
}

/// Whether a person should look at what an item is about. A run that writes nothing marks whatever it would write. What a
/// schedule or a tag is about to switch off is an exception all the same, unless something else is the matter with it.
fn is_finding(item: &Item) -> bool {
    let is_due = item.verdict == Some(Verdict::DueToPause) && item.is_exception && item.outcome == Outcome::Planned;
    item.is_finding && !(is_due && item.is_settled_by_change)
}

fn change(item: &Item) -> Option<Change> {
    let action = item.action?;
    Some(Change {
        account: item.account.clone().unwrap_or_default(),
        region: item.region.clone().unwrap_or_default(),
        subject: item.resource_id.clone().unwrap_or_default(),
        action: action.to_string(),
        outcome: item.outcome.as_str().to_owned(),
        flow_log_id: item.flow_log_id.as_ref().map(ToString::to_string),
        reason: item.reason.clone(),
        before: item.deleted.as_deref().and_then(as_json),
        error: item.error.as_ref().map(Failure::from),
    })
}

fn as_json(deleted: &DeletedFlowLog) -> Option<String> {
    serde_json::to_string(deleted).ok()
}

/// The result of a resource; `None` if the item is about something else.
fn result(item: &Item) -> Option<ResourceResult> {
    let verdict = item.verdict?;
    Some(ResourceResult {
        account: item.account.clone()?,
        region: item.region.clone()?,
        kind: Kind::named(item.resource_type?)?,
        id: item.resource_id.clone()?,
        name: None,
        has_ipv6: None,
        verdict,
        reason: item.reason.clone(),
        is_finding: is_finding(item),
        is_exception: item.is_exception,
        is_changed: false,
        flow_log: flow_log(item),
        schedule: None,
        next_change: None,
        tags_used: Vec::new(),
        error: item.error.as_ref().map(|error| Box::new(Failure::from(error))),
    })
}

/// The flow log that an item is about, as far as the item tells.
fn flow_log(item: &Item) -> Option<FlowLogState> {
    let observed = item.observed.as_deref().map(FlowLogState::from);
    observed.or_else(|| item.flow_log_id.as_ref().map(|id| FlowLogState::unread(id.to_string())))
}

/// What an item that is about no resource becomes.
enum Other {
    Note(Note),
    LeftOut(LeftOut),
}

fn what_else(item: &Item) -> Option<Other> {
    let is_open = matches!(item.outcome, Outcome::Failed | Outcome::Unfinished);
    // A whole account was not read, and a person should hear of it.
    let is_whole_account = item.region.is_none() && item.resource_id.is_none();
    let state = match item.verdict {
        Some(Verdict::Unknown) => NoteState::Unread,
        Some(Verdict::Unsupported) if item.resource_id.is_none() => NoteState::Unsupported,
        _ if is_whole_account && (is_open || item.is_finding) => NoteState::Unread,
        _ if item.resource_id.is_none() && is_open => NoteState::Unread,
        _ if is_open || item.is_finding => NoteState::Finding,
        _ if item.outcome == Outcome::Skipped && item.resource_id.is_none() => {
            let part = if item.region.is_some() { Part::Region } else { Part::Account };
            let what = item.region.clone().or_else(|| item.account.clone())?;
            return Some(Other::LeftOut(LeftOut { what, why: item.reason.clone(), part }));
        }
        _ => return None,
    };
    Some(Other::Note(Note {
        account: item.account.clone(),
        region: item.region.clone(),
        subject: item.resource_id.clone(),
        state,
        reason: item.reason.clone(),
        error: item.error.as_ref().map(Failure::from),
    }))
}
