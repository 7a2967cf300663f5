//! Turns the report of a dry run into a plan.

use std::collections::BTreeMap;

use flow_log::{AccountId, RegionId, ResourceType, Verdict, policy::Places};
use openapi::UnreadableItem;
use reconcile::{ChangeKind, ErrorReport, Item, MadeBy, ObservedFlowLog, Outcome, PlannedChange, Report};

use super::{CallFailed, Change, Field, FlowLog, Kind, ListRead, Maker, Note, Resource, Source, Totals, Unread};
use crate::call_remedy::of as advice;

/// The names of resources, by account, region and id.
pub(crate) type Names = BTreeMap<[String; 3], String>;

/// What a report says, apart from who asked and with which policy.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) summary: Totals,
    pub(crate) changes: Vec<Change>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) notes: Vec<Note>,
    pub(crate) unread: Vec<Unread>,
    pub(crate) limits: Vec<String>,
    pub(crate) read: Vec<ListRead>,
}

/// Sorts the results of a dry run into what would be changed, what is there, and what is unknown.
pub(crate) fn content(report: &Report, places: &Places, read: Vec<ListRead>) -> Content {
    let mut content = Content { limits: report.summary.limits.clone(), read, ..Content::default() };
    let mut resources = BTreeMap::new();
    for item in &report.results {
        if let Some(change) = item.change.as_ref().filter(|_| item.outcome == Outcome::Planned) {
            content.changes.push(planned(item, change, places));
        } else if is_unread(item) {
            content.unread.push(unread(item));
        }
        match resource(item) {
            Some(found) => {
                let key = (found.account.clone(), found.region.clone(), found.resource_id.clone());
                // A resource may have several results. What is wrong with one of them is wrong with it.
                resources.entry(key).and_modify(|known: &mut Resource| combine(known, &found)).or_insert(found);
            }
            None if item.change.is_none() && !is_unread(item) => content.notes.push(note(item)),
            None => {}
        }
    }
    content.resources = resources.into_values().collect();
    content.changes.sort_by(|one, other| place(one).cmp(&place(other)));
    content.unread.sort_by(|one, other| place_of_unread(one).cmp(&place_of_unread(other)));
    content.limits.sort_unstable();
    content.summary = totals(&content);
    content
}

/// Adds what another result says of the same resource.
const fn combine(known: &mut Resource, other: &Resource) {
    known.finding |= other.finding;
    known.covered &= other.covered;
}

fn place(change: &Change) -> (&str, &str, &str) {
    (&change.account, &change.region, &change.resource_id)
}

const fn place_of_unread(unread: &Unread) -> (&Option<String>, &Option<String>, &Option<String>) {
    (&unread.account, &unread.region, &unread.resource_id)
}

fn totals(content: &Content) -> Totals {
    let mut totals = Totals::default();
    for change in &content.changes {
        *match change.kind {
            Kind::Create => &mut totals.create,
            Kind::Activate => &mut totals.activate,
            Kind::Deactivate => &mut totals.deactivate,
            Kind::Modify => &mut totals.modify,
            Kind::Replace => &mut totals.replace,
            Kind::Delete => &mut totals.delete,
        } += 1;
    }
    let wanted = || content.resources.iter().filter(|it| !it.exception && !is_unable(it));
    totals.resources = wanted().count();
    totals.covered = wanted().filter(|it| it.covered).count();
    totals.unsupported = content.resources.iter().filter(|it| !it.exception && is_unable(it)).count();
    totals.exceptions = content.resources.iter().filter(|it| it.exception).count();
    totals.findings =
        content.resources.iter().filter(|it| it.finding).count() + content.notes.iter().filter(|it| it.finding).count();
    totals.unread = content.unread.len();
    totals
}

impl Content {
    /// Adds the names of resources, by account, region and id.
    pub(crate) fn name(&mut self, names: &Names) {
        let name =
            |account: &str, region: &str, id: &str| names.get(&[account, region, id].map(str::to_owned)).cloned();
        for Change { account, region, resource_id, resource_name, .. } in &mut self.changes {
            *resource_name = name(account, region, resource_id);
        }
        for Resource { account, region, resource_id, resource_name, .. } in &mut self.resources {
            *resource_name = name(account, region, resource_id);
        }
    }
}

/// Whether nothing is wanted of a resource, because it can never have a flow log, or what its tag asks for is no policy.
pub(crate) fn is_unable(resource: &Resource) -> bool {
    resource.verdict == Verdict::Unsupported.to_string()
}

/// Whether an item says that something is unknown.
fn is_unread(item: &Item) -> bool {
    let is_unknown = item.verdict == Some(Verdict::Unknown);
    is_unknown || matches!(item.outcome, Outcome::Failed | Outcome::Unfinished) || is_closed(item)
}

/// Whether an item is about an account that could not be entered. A function goes on, since the role may not be rolled out
/// there yet; a person must not think that the plan covers the whole organization.
const fn is_closed(item: &Item) -> bool {
    item.account.is_some() && item.region.is_none() && item.error.is_some()
}

/// Returns the state of the resource that an item is about; `None` if it is about none that is there.
fn resource(item: &Item) -> Option<Resource> {
    let is_resource = matches!(item.resource_type?, "VPC" | "VSwitch" | "NetworkInterface" | "VBR");
    let verdict = item.verdict.filter(|verdict| is_resource && *verdict != Verdict::Orphaned)?;
    let is_excluded = verdict == Verdict::Excluded && !item.is_exception;
    // The second half of a replacement.
    let is_repeated = item.action.is_some() && item.change.is_none();
    if is_excluded || is_repeated || is_about_flow_log(item) {
        return None;
    }
    let is_active = item.observed.as_ref().is_some_and(|observed| observed.status == "Active");
    let covered = is_active
        && match verdict {
            Verdict::Compliant | Verdict::Drifted | Verdict::DueToPause => true,
            Verdict::Foreign => !item.is_finding,
            _ => false,
        };
    Some(Resource {
        account: item.account.clone()?,
        region: item.region.clone()?,
        resource_type: item.resource_type?.to_owned(),
        resource_id: item.resource_id.clone()?,
        resource_name: None,
        verdict: verdict.to_string(),
        covered,
        exception: item.is_exception,
        finding: item.is_finding && item.change.is_none() && !is_unread(item),
        reason: item.reason.clone(),
        flow_log: item.observed.as_deref().map(flow_log),
    })
}

/// Whether an item is about a flow log that the policy does not want. Its resource has a result of its own, or is gone.
fn is_about_flow_log(item: &Item) -> bool {
    match &item.change {
        Some(change) => change.kind == ChangeKind::Delete,
        None => item.observed.is_none() && item.flow_log_id.is_some(),
    }
}

fn planned(item: &Item, change: &PlannedChange, places: &Places) -> Change {
    Change {
        id: change.id.to_string(),
        account: item.account.clone().unwrap_or_default(),
        region: item.region.clone().unwrap_or_default(),
        resource_type: item.resource_type.unwrap_or_default().to_owned(),
        resource_id: item.resource_id.clone().unwrap_or_default(),
        resource_name: None,
        kind: change.kind.into(),
        action: item.action.map(|action| action.to_string()).unwrap_or_default(),
        flow_log_id: item.flow_log_id.as_ref().map(ToString::to_string),
        verdict: item.verdict.map(|verdict| verdict.to_string()),
        reason: item.reason.clone(),
        fields: change
            .fields
            .iter()
            .map(|field| Field {
                field: field.field.clone(),
                before: field.before.clone(),
                after: field.after.clone(),
                source: source(&field.source, places),
            })
            .collect(),
        monthly_bytes: None,
    }
}

impl From<ChangeKind> for Kind {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Create => Self::Create,
            ChangeKind::Activate => Self::Activate,
            ChangeKind::Deactivate => Self::Deactivate,
            ChangeKind::Modify => Self::Modify,
            ChangeKind::Replace => Self::Replace,
            ChangeKind::Delete => Self::Delete,
        }
    }
}

fn source(source: &reconcile::Source, places: &Places) -> Source {
    match source {
        reconcile::Source::Policy(key) => match places.get(key) {
            Some(position) => Source::Policy {
                in_override: number_of_override(key),
                key: key.clone(),
                line: position.line,
                column: position.column,
            },
            None => Source::Default,
        },
        reconcile::Source::Default => Source::Default,
        reconcile::Source::Tag(value) => Source::Tag { value: value.clone() },
        reconcile::Source::Nothing => Source::Nothing,
    }
}

/// Reads the number of an override, counted from 1, in `overrides[0].schedule`.
fn number_of_override(key: &str) -> Option<usize> {
    let (number, _) = key.strip_prefix("overrides[")?.split_once(']')?;
    number.parse::<usize>().ok()?.checked_add(1)
}

fn flow_log(observed: &ObservedFlowLog) -> FlowLog {
    FlowLog {
        id: observed.id.to_string(),
        resource_id: observed.resource_id.clone(),
        made_by: match observed.made_by {
            MadeBy::Flowkeeper => Maker::Flowkeeper,
            MadeBy::Sls => Maker::Sls,
            MadeBy::Others => Maker::Others,
            MadeBy::Unknown => Maker::Unknown,
        },
        status: observed.status.clone(),
        project: observed.project.clone(),
        log_store: observed.log_store.clone(),
        traffic_type: observed.traffic_type.clone(),
    }
}

fn note(item: &Item) -> Note {
    Note {
        account: item.account.clone(),
        region: item.region.clone(),
        resource_type: item.resource_type.map(str::to_owned),
        resource_id: item.resource_id.clone(),
        flow_log_id: item.flow_log_id.as_ref().map(ToString::to_string),
        finding: item.is_finding,
        reason: item.reason.clone(),
    }
}

pub(crate) fn unread(item: &Item) -> Unread {
    Unread {
        account: item.account.clone(),
        region: item.region.clone(),
        resource_type: item.resource_type.map(str::to_owned),
        resource_id: item.resource_id.clone(),
        reason: item.reason.clone(),
        error: item.error.as_ref().map(CallFailed::from),
    }
}

impl From<&ErrorReport> for CallFailed {
    fn from(error: &ErrorReport) -> Self {
        Self {
            action: error.action.to_owned(),
            code: error.code.clone(),
            message: error.message.clone(),
            request_id: error.request_id.clone(),
            advice: error.advice.to_owned(),
        }
    }
}

/// What is unknown if one of the network interfaces of a region could not be read.
pub(crate) fn without_interface(account: &AccountId, region: &RegionId, item: &UnreadableItem) -> Unread {
    let id = item.id.as_deref().unwrap_or("one without a readable id");
    let what = format!("one of the network interfaces of {region} could not be read, {id}: {}", item.reason);
    Unread {
        account: Some(account.to_string()),
        region: Some(region.to_string()),
        resource_type: Some(ResourceType::NetworkInterface.as_str().to_owned()),
        resource_id: item.id.clone(),
        reason: format!("{what}; {NO_COST}"),
        error: None,
    }
}

/// What follows from a network interface that could not be read.
const NO_COST: &str = "so what the changes there cost is unknown; --no-cost leaves the cost out";

/// What is unknown if the network interfaces of a region could not be read.
pub(crate) fn without_interfaces(account: &AccountId, region: &RegionId, error: &ErrorReport) -> Unread {
    let reason = format!("the network interfaces of {region} could not be read, {NO_COST}");
    Unread {
        account: Some(account.to_string()),
        region: Some(region.to_string()),
        resource_type: None,
        resource_id: None,
        reason,
        error: Some(CallFailed { advice: advice(error.kind, error.advice).to_owned(), ..error.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(covered: bool, finding: bool) -> Resource {
        Resource {
            account: "1".to_owned(),
            region: "cn-hangzhou".to_owned(),
            resource_type: "VPC".to_owned(),
            resource_id: "vpc-1".to_owned(),
            resource_name: None,
            verdict: Verdict::Compliant.to_string(),
            covered,
            exception: false,
            finding,
            reason: "it records".to_owned(),
            flow_log: None,
        }
    }

    #[test]
    fn a_resource_with_several_results_is_covered_if_all_say_so_and_a_finding_if_one_says_so() {
        for one in [false, true] {
            for other in [false, true] {
                let mut known = resource(one, one);
                combine(&mut known, &resource(other, other));
                assert_eq!((known.covered, known.finding), (one && other, one || other), "{one} and {other}");
            }
        }
    }

    #[test]
    fn a_resource_of_which_nobody_can_say_what_is_wanted_is_counted_by_itself() {
        let misspelled =
            Resource { verdict: Verdict::Unsupported.to_string(), finding: true, ..resource(false, false) };
        let content = Content { resources: vec![resource(true, false), misspelled], ..Content::default() };
        let totals = totals(&content);
        assert_eq!((totals.resources, totals.covered, totals.unsupported, totals.findings), (1, 1, 1, 1));
    }
}
