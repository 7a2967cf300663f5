//! A planned change as a value: the call, what it changes, and what in the policy asks for it.
//!
//! Nothing here performs I/O. The id of a change is a digest of the change, so a change that is decided anew from other
//! state has another id.

use std::{fmt, str::FromStr};

use flow_log::{
    Action, Change, EcrChange, EcrFlowLog, EcrFlowLogSpec, FlowLog, FlowLogId, FlowLogSpec, GovernedBy, ObservedTags,
    Policy, Resource, Status, names::Tags, policy::Origin,
};
use openapi::Destination;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::write::{DestinationChange, EcrWrite, FlowLogWrite, Successor, Write};

/// A change that is planned, or that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// Identifies the change: where, on what, from which state, to which.
    pub id: ChangeId,
    /// What it does.
    pub kind: ChangeKind,
    /// What it changes, field by field, by the names in the policy.
    pub fields: Vec<FieldChange>,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Creates a flow log, or a part of what it writes to.
    Create,
    /// Activates a flow log.
    Activate,
    /// Deactivates a flow log.
    Deactivate,
    /// Changes a flow log in place, or a Logstore.
    Modify,
    /// Deletes a flow log and creates another one on the same resource.
    Replace,
    /// Deletes a flow log.
    Delete,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name in the policy; `tags.<key>` for a tag, `status` for whether it records.
    pub field: String,
    /// What it is now; `None` if there is nothing, or if that is not known.
    pub before: Option<String>,
    /// What it will be; `None` if nothing will be there.
    pub after: Option<String>,
    /// What asks for that.
    pub source: Source,
}

impl FieldChange {
    fn values(&self) -> (&str, Option<&str>, Option<&str>) {
        (&self.field, self.before.as_deref(), self.after.as_deref())
    }
}

/// What asks for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A key of the policy, by its path: `flow_log.project`, `overrides[0].schedule`. If the policy does not have the
    /// key, its default.
    Policy(String),
    /// A default.
    Default,
    /// The tag `flowkeeper` of the resource, with this value.
    Tag(String),
    /// Nothing in the policy: the resource is gone, or a person asks for it.
    Nothing,
}

/// The id of a change: the first 16 hexadecimal digits of SHA-256 over all that it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(String);

impl ChangeId {
    const DIGITS: usize = 16;

    /// Returns the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ChangeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A text is not the id of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidChangeId;

impl fmt::Display for InvalidChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the id of a change has {} digits from 0 to f", ChangeId::DIGITS)
    }
}

impl std::error::Error for InvalidChangeId {}

impl FromStr for ChangeId {
    type Err = InvalidChangeId;

    fn from_str(text: &str) -> Result<Self, InvalidChangeId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = text.len() == Self::DIGITS && text.bytes().all(is_digit);
        if is_id { Ok(Self(text.to_owned())) } else { Err(InvalidChangeId) }
    }
}

impl PlannedChange {
    /// Describes a write to something in an account and region, by their ids. `policy` says what asks for it.
    pub(crate) fn of(write: &Write<'_>, place: [&str; 3], policy: Option<&Policy>) -> Self {
        let (kind, fields) = match write {
            Write::FlowLog(write) => of_flow_log(write, policy),
            Write::Delete(flow_log, successor) => of_deletion(flow_log, *successor, policy),
            Write::Ecr(write) => of_router(write, policy),
            Write::DeleteEcr(_, flow_log) => {
                (ChangeKind::Delete, deleted(&flow_log.status, of_observed_router(flow_log), &Source::Nothing))
            }
            Write::OpenService => (ChangeKind::Activate, Vec::new()),
            Write::Destination(destination, change) => of_destination(*destination, *change),
        };
        let parts = ChangeParts {
            place,
            action: write.action(),
            is_replacement: kind == ChangeKind::Replace,
            flow_log: write.flow_log().map(FlowLogId::as_str),
            fields: fields.iter().map(FieldChange::values).collect(),
        };
        Self { id: parts.id(), kind, fields }
    }
}

/// All that the id of a change stands for.
#[derive(Debug, Clone)]
pub struct ChangeParts<'a> {
    /// The ids of the account, the region and the resource.
    pub place: [&'a str; 3],
    /// The call.
    pub action: Action,
    /// Whether the call is the first half of a replacement.
    pub is_replacement: bool,
    /// The flow log that is changed; `None` if one is created.
    pub flow_log: Option<&'a str>,
    /// The name of each field, its value before, and its value after.
    pub fields: Vec<(&'a str, Option<&'a str>, Option<&'a str>)>,
}

impl ChangeParts<'_> {
    /// Returns the id. Every text is preceded by its length, so no two changes give the same bytes.
    #[must_use]
    pub fn id(&self) -> ChangeId {
        let Self { place, action, is_replacement, flow_log, fields } = self;
        let mut hash = Sha256::new();
        let mut add = |text: Option<&str>| {
            hash.update([u8::from(text.is_some())]);
            hash.update((text.map_or(0, str::len) as u64).to_be_bytes());
            hash.update(text.unwrap_or_default());
        };
        place.iter().for_each(|text| add(Some(text)));
        [Some(action.permission()), is_replacement.then_some("replace"), *flow_log].into_iter().for_each(&mut add);
        for (field, before, after) in fields {
            [Some(*field), *before, *after].into_iter().for_each(&mut add);
        }
        ChangeId(hash.finalize().iter().take(ChangeId::DIGITS / 2).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The fields of a flow log by their names in the policy, in its order.
type Fields = Vec<(String, Option<String>)>;

fn of_spec(spec: &FlowLogSpec) -> Fields {
    let paths: Vec<_> = spec.traffic_path.iter().map(|path| path.as_str()).collect();
    let fields = [
        ("project", Some(spec.project.to_string())),
        ("log_store", Some(spec.log_store.to_string())),
        ("traffic_type", Some(spec.traffic_type.to_string())),
        ("traffic_path", (!paths.is_empty()).then(|| paths.join(","))),
        ("aggregation_interval", Some(spec.aggregation_interval.to_string())),
        ("ip_version", spec.ip_version.map(|version| version.to_string())),
        ("name", Some(spec.name.to_string())),
        ("description", Some(spec.description.to_string())),
        ("resource_group_id", spec.resource_group_id.as_ref().map(ToString::to_string)),
    ];
    named(fields).chain(of_tags(&spec.tags)).collect()
}

fn of_observed(flow_log: &FlowLog) -> Fields {
    let fields = [
        ("project", flow_log.project.clone()),
        ("log_store", flow_log.log_store.clone()),
        ("traffic_type", flow_log.traffic_type.clone()),
        ("traffic_path", flow_log.traffic_path.as_ref().map(|paths| paths.join(","))),
        ("aggregation_interval", flow_log.aggregation_interval.map(|minutes| minutes.to_string())),
        ("ip_version", flow_log.ip_version.clone()),
        ("name", flow_log.name.clone()),
        ("description", flow_log.description.clone()),
        ("resource_group_id", flow_log.resource_group_id.clone()),
    ];
    named(fields).chain(of_observed_tags(flow_log.tags.as_ref())).collect()
}

fn of_router_spec(spec: &EcrFlowLogSpec) -> Fields {
    let fields = [
        ("project", Some(spec.project.to_string())),
        ("log_store", Some(spec.log_store.to_string())),
        ("interval", Some(spec.interval.to_string())),
        ("sampling_rate", Some(spec.sampling_rate.to_string())),
        ("target_sls_region", spec.target_sls_region.as_ref().map(ToString::to_string)),
        ("name", Some(spec.name.to_string())),
        ("description", Some(spec.description.to_string())),
        ("resource_group_id", spec.resource_group_id.as_ref().map(ToString::to_string)),
    ];
    named(fields).chain(of_tags(&spec.tags)).collect()
}

fn of_observed_router(flow_log: &EcrFlowLog) -> Fields {
    let fields = [
        ("project", flow_log.project.clone()),
        ("log_store", flow_log.log_store.clone()),
        ("interval", flow_log.interval.map(|seconds| seconds.to_string())),
        ("sampling_rate", flow_log.sampling_rate.clone()),
        ("name", flow_log.name.clone()),
        ("description", flow_log.description.clone()),
        ("resource_group_id", flow_log.resource_group_id.clone()),
    ];
    named(fields).chain(of_observed_tags(flow_log.tags.as_ref())).collect()
}

fn named<const N: usize>(fields: [(&str, Option<String>); N]) -> impl Iterator<Item = (String, Option<String>)> {
    fields.map(|(name, value)| (name.to_owned(), value)).into_iter()
}

fn of_tags(tags: &Tags) -> impl Iterator<Item = (String, Option<String>)> {
    tags.iter().map(|(key, value)| (format!("tags.{key}"), Some(value.to_string())))
}

fn of_observed_tags(tags: Option<&ObservedTags>) -> impl Iterator<Item = (String, Option<String>)> {
    tags.into_iter().flatten().map(|(key, value)| (format!("tags.{key}"), Some(value.clone())))
}

fn value_of(fields: &Fields, name: &str) -> Option<String> {
    fields.iter().find(|(field, _)| field == name)?.1.clone()
}

/// Says where the fields of a flow log on a resource come from.
struct Sources<'p> {
    policy: Option<&'p Policy>,
    origins: Vec<(&'static str, Origin)>,
    /// The override that matches the resource, counted from 0.
    matched: Option<usize>,
}

impl<'p> Sources<'p> {
    fn of(policy: Option<&'p Policy>, resource: &Resource) -> Self {
        let origins = policy.map(|policy| policy.origins(resource).to_vec()).unwrap_or_default();
        let matched = policy.and_then(|policy| policy.override_of(resource)).map(|found| found.number - 1);
        Self { policy, origins, matched }
    }

    fn of_field(&self, field: &str) -> Source {
        let is_own_tag = field.strip_prefix("tags.") == Some(FlowLog::OWN_TAG.0);
        let key = field.split('.').next().unwrap_or(field);
        match self.origins.iter().find(|(name, _)| *name == key) {
            Some((_, Origin::Override(number))) if !is_own_tag => {
                Source::Policy(format!("overrides[{}].{key}", number - 1))
            }
            Some((_, Origin::FlowLog)) if !is_own_tag => Source::Policy(format!("flow_log.{key}")),
            _ => Source::Default,
        }
    }

    fn of_status(&self, governed_by: Option<&GovernedBy>) -> Source {
        if let Some(GovernedBy::Tag(value)) = governed_by {
            return Source::Tag(value.clone());
        }
        let overrides = self.policy.map(|policy| policy.overrides.as_slice()).unwrap_or_default();
        let sets_schedule = |nth: &usize| overrides.get(*nth).is_some_and(|found| found.schedule.is_some());
        match self.matched.filter(sets_schedule) {
            Some(nth) => Source::Policy(format!("overrides[{nth}].schedule")),
            None => Source::Policy("schedule".to_owned()),
        }
    }
}

fn of_router_status(governed_by: Option<&GovernedBy>, policy: Option<&Policy>) -> Source {
    let has_own = policy.and_then(|policy| policy.ecr_flow_log.as_ref()).is_some_and(|found| found.schedule.is_some());
    match governed_by {
        Some(GovernedBy::Tag(value)) => Source::Tag(value.clone()),
        _ if has_own => Source::Policy("ecr_flow_log.schedule".to_owned()),
        _ => Source::Policy("schedule".to_owned()),
    }
}

/// Whether the flow log records, by the state that it has or is about to have.
fn recording(status: &Status) -> String {
    match status {
        Status::Activating | Status::Modifying => Status::Active.to_string(),
        Status::Deactivating => Status::Inactive.to_string(),
        other => other.to_string(),
    }
}

fn status(before: Option<&Status>, after: &Status, source: Source) -> FieldChange {
    let (before, after) = (before.map(recording), Some(after.to_string()));
    FieldChange { field: "status".to_owned(), before, after, source }
}

fn of_flow_log(write: &FlowLogWrite<'_>, policy: Option<&Policy>) -> (ChangeKind, Vec<FieldChange>) {
    let sources = Sources::of(policy, write.resource);
    let observed = write.changed();
    let before = observed.map(of_observed).unwrap_or_default();
    let field = |name: &str, after: Option<String>| FieldChange {
        field: name.to_owned(),
        before: value_of(&before, name),
        after,
        source: sources.of_field(name),
    };
    let of_status = || sources.of_status(write.governed_by);
    let seen = observed.map(|flow_log| &flow_log.status);
    match write.change {
        Change::Create(spec) => {
            let given = of_spec(spec).into_iter().filter(|(_, value)| value.is_some());
            (ChangeKind::Create, given.map(|(name, value)| field(&name, value)).collect())
        }
        Change::Activate(_) => (ChangeKind::Activate, vec![status(seen, &Status::Active, of_status())]),
        Change::Deactivate(_) => (ChangeKind::Deactivate, vec![status(seen, &Status::Inactive, of_status())]),
        Change::Modify(_, update) => {
            let fields = [
                ("aggregation_interval", update.aggregation_interval.map(|minutes| minutes.to_string())),
                ("ip_version", update.ip_version.map(|version| version.to_string())),
                ("name", update.name.as_ref().map(ToString::to_string)),
                ("description", update.description.as_ref().map(ToString::to_string)),
            ];
            let given = fields.into_iter().filter(|(_, value)| value.is_some());
            (ChangeKind::Modify, given.map(|(name, value)| field(name, value)).collect())
        }
        Change::Move(_, group) => (ChangeKind::Modify, vec![field("resource_group_id", Some(group.to_string()))]),
        Change::Tag(_, tags) => (ChangeKind::Modify, of_tags(tags).map(|(name, value)| field(&name, value)).collect()),
    }
}

/// Describes a flow log that is deleted.
fn deleted(status: &Status, fields: Fields, source: &Source) -> Vec<FieldChange> {
    let status = ("status".to_owned(), Some(recording(status)));
    let given = [status].into_iter().chain(fields).filter(|(_, value)| value.is_some());
    given.map(|(field, before)| FieldChange { field, before, after: None, source: source.clone() }).collect()
}

fn of_deletion(
    flow_log: &FlowLog,
    successor: Successor<'_>,
    policy: Option<&Policy>,
) -> (ChangeKind, Vec<FieldChange>) {
    let before = of_observed(flow_log);
    match successor {
        Successor::Gone | Successor::Covered => {
            let source = match successor {
                Successor::Covered => Source::Policy("superfluous".to_owned()),
                _ => Source::Nothing,
            };
            (ChangeKind::Delete, deleted(&flow_log.status, before, &source))
        }
        Successor::Replaces(resource, spec) => {
            let sources = Sources::of(policy, resource);
            let after = of_spec(spec);
            let fields = after.iter().filter_map(|(name, value)| {
                let (field, seen) = (name.clone(), value_of(&before, name));
                let is_given = value.is_some() || seen.is_some();
                is_given.then(|| FieldChange {
                    field,
                    before: seen,
                    after: value.clone(),
                    source: sources.of_field(name),
                })
            });
            (ChangeKind::Replace, fields.collect())
        }
    }
}

fn of_router(write: &EcrWrite<'_>, policy: Option<&Policy>) -> (ChangeKind, Vec<FieldChange>) {
    let before = write.changed.map(of_observed_router).unwrap_or_default();
    let field = |name: &str, after: Option<String>| {
        let is_own_tag = name.strip_prefix("tags.") == Some(FlowLog::OWN_TAG.0);
        let key = name.split('.').next().unwrap_or(name);
        let source = if is_own_tag { Source::Default } else { Source::Policy(format!("ecr_flow_log.{key}")) };
        FieldChange { field: name.to_owned(), before: value_of(&before, name), after, source }
    };
    let of_status = || of_router_status(write.governed_by, policy);
    let seen = write.changed.map(|flow_log| &flow_log.status);
    match write.change {
        EcrChange::Create(spec) => {
            let given = of_router_spec(spec).into_iter().filter(|(_, value)| value.is_some());
            (ChangeKind::Create, given.map(|(name, value)| field(&name, value)).collect())
        }
        EcrChange::Activate(_) => (ChangeKind::Activate, vec![status(seen, &Status::Active, of_status())]),
        EcrChange::Deactivate(_) => (ChangeKind::Deactivate, vec![status(seen, &Status::Inactive, of_status())]),
        EcrChange::Modify(_, update) => {
            let fields = [
                ("interval", update.interval.map(|seconds| seconds.to_string())),
                ("sampling_rate", update.sampling_rate.map(|rate| rate.to_string())),
                ("name", update.name.as_ref().map(ToString::to_string)),
                ("description", update.description.as_ref().map(ToString::to_string)),
            ];
            let given = fields.into_iter().filter(|(_, value)| value.is_some());
            (ChangeKind::Modify, given.map(|(name, value)| field(name, value)).collect())
        }
    }
}

fn of_destination(destination: Destination<'_>, change: DestinationChange<'_>) -> (ChangeKind, Vec<FieldChange>) {
    let field = |name: &str, before: Option<String>, after: String| FieldChange {
        field: name.to_owned(),
        before,
        after: Some(after),
        source: Source::Policy("flow_log.create_destination".to_owned()),
    };
    let Destination { project, log_store } = destination;
    match change {
        DestinationChange::CreateProject => (ChangeKind::Create, vec![field("project", None, project.to_string())]),
        DestinationChange::CreateLogStore { retention_days } => {
            let days = field("retention_days", None, retention_days.to_string());
            (ChangeKind::Create, vec![field("log_store", None, format!("{project}/{log_store}")), days])
        }
        DestinationChange::RaiseRetention { log_store: found, retention_days } => {
            let before = Some(found.retention_days.to_string());
            (ChangeKind::Modify, vec![field("retention_days", before, retention_days.to_string())])
        }
        DestinationChange::CreateIndex => {
            (ChangeKind::Create, vec![field("index", None, format!("{project}/{log_store}"))])
        }
    }
}

#[cfg(test)]
mod tests {
    use flow_log::FlowLogUpdate;

    use super::*;
    use crate::testing;

    fn described(write: &Write<'_>, policy: &str) -> PlannedChange {
        PlannedChange::of(write, ["1", "cn-hangzhou", "vpc-1"], Some(&testing::policy(policy)))
    }

    /// Describes a change to a flow log of `vpc-1`.
    fn change(change: &Change, observed: &[FlowLog], policy: &str) -> PlannedChange {
        let resource = &testing::vpc("vpc-1");
        let governed_by = Some(&GovernedBy::Always);
        described(&Write::FlowLog(FlowLogWrite { resource, change, observed, governed_by }), policy)
    }

    fn renamed(to: &str) -> Change {
        let update = FlowLogUpdate { name: to.parse().ok(), ..FlowLogUpdate::default() };
        Change::Modify("fl-1".parse().unwrap(), update)
    }

    /// Field, before, after and source of each field.
    fn fields(change: &PlannedChange) -> Vec<(&str, Option<&str>, Option<&str>, &Source)> {
        let mut found = Vec::new();
        for FieldChange { field, before, after, source } in &change.fields {
            found.push((field.as_str(), before.as_deref(), after.as_deref(), source));
        }
        found
    }

    #[test]
    fn a_modification_says_what_is_there_what_will_be_and_which_key_asks_for_it() {
        let observed = [testing::flow_log("fl-1", "vpc-1")];
        for (policy, source) in [
            ("", Source::Default),
            (
                "overrides: [{match: {ids: [vpc-2]}}, {match: {ids: [vpc-1]}, name: new}]",
                Source::Policy("overrides[1].name".to_owned()),
            ),
        ] {
            let renamed = change(&renamed("new"), &observed, policy);
            assert_eq!(renamed.kind, ChangeKind::Modify);
            assert_eq!(fields(&renamed), [("name", Some("flowkeeper-vpc-1"), Some("new"), &source)]);
        }
    }

    #[test]
    fn a_creation_holds_the_whole_spec() {
        let created = change(&Change::Create(Box::new(testing::spec())), &[], "");
        let project = Source::Policy("flow_log.project".to_owned());
        assert_eq!(fields(&created)[0], ("project", None, Some("flowlog"), &project));
        let names: Vec<_> = created.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(names, ["project", "log_store", "traffic_type", "aggregation_interval", "name", "description"]);
    }

    #[test]
    fn a_switch_says_whether_a_tag_the_policy_or_an_override_asks_for_it() {
        let resource = &testing::vpc("vpc-1");
        let stop = Change::Deactivate("fl-1".parse().unwrap());
        let observed = &[testing::flow_log("fl-1", "vpc-1")];
        let schedules = "schedules: {office: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 07:00-21:00\"]}}";
        let by_override = format!("{schedules}\noverrides: [{{match: {{ids: [vpc-1]}}, schedule: office}}]");
        let by_schedule = GovernedBy::Schedule("office".to_owned());
        let by_tag = GovernedBy::Tag("off".to_owned());
        for (policy, governed_by, source) in [
            (schedules, &by_schedule, Source::Policy("schedule".to_owned())),
            (&by_override, &by_schedule, Source::Policy("overrides[0].schedule".to_owned())),
            (&by_override, &by_tag, Source::Tag("off".to_owned())),
        ] {
            let governed_by = Some(governed_by);
            let write = Write::FlowLog(FlowLogWrite { resource, change: &stop, observed, governed_by });
            let stopped = described(&write, policy);
            assert_eq!(fields(&stopped), [("status", Some("Active"), Some("Inactive"), &source)]);
        }
    }

    #[test]
    fn a_replacement_is_one_change_from_the_old_flow_log_to_the_new_one() {
        let (resource, spec) = (testing::vpc("vpc-1"), testing::spec());
        let old = FlowLog { log_store: Some("old".to_owned()), ..testing::flow_log("fl-1", "vpc-1") };
        let replaced = described(&Write::Delete(&old, Successor::Replaces(&resource, &spec)), "");
        assert_eq!(replaced.kind, ChangeKind::Replace);
        let log_store = Source::Policy("flow_log.log_store".to_owned());
        assert!(fields(&replaced).contains(&("log_store", Some("old"), Some("vpc"), &log_store)));
        let deleted = described(&Write::Delete(&old, Successor::Gone), "");
        assert_eq!(
            (deleted.kind, fields(&deleted)[0]),
            (ChangeKind::Delete, ("status", Some("Active"), None, &Source::Nothing))
        );
        assert_ne!(deleted.id, replaced.id);
    }

    #[test]
    fn the_same_change_has_the_same_id_and_any_other_has_another() {
        let seen = testing::flow_log("fl-1", "vpc-1");
        let observed = std::slice::from_ref(&seen);
        let id = |it: &Change, read: &[FlowLog]| change(it, read, "").id;
        let first = id(&renamed("new"), observed);
        assert_eq!(first, id(&renamed("new"), observed));
        assert_eq!(first.as_str().parse(), Ok(first.clone()));
        let already_renamed = FlowLog { name: Some("meanwhile".to_owned()), ..seen.clone() };
        let activate = Change::Activate("fl-1".parse().unwrap());
        let ids = [
            first.clone(),
            id(&renamed("other"), observed),
            id(&renamed("new"), &[already_renamed]),
            id(&activate, observed),
            id(&Change::Deactivate("fl-1".parse().unwrap()), observed),
            id(&activate, &[FlowLog { status: Status::Inactive, ..seen.clone() }]),
            id(&Change::Create(Box::new(testing::spec())), &[]),
            id(&Change::Create(Box::new(FlowLogSpec { log_store: "other".parse().unwrap(), ..testing::spec() })), &[]),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
        let (resource, again) = (testing::vpc("vpc-1"), renamed("new"));
        let write = Write::FlowLog(FlowLogWrite { resource: &resource, change: &again, observed, governed_by: None });
        for place in [["2", "cn-hangzhou", "vpc-1"], ["1", "cn-shanghai", "vpc-1"], ["1", "cn-hangzhou", "vpc-2"]] {
            assert_ne!(PlannedChange::of(&write, place, None).id, first, "{place:?}");
        }
    }

    #[test]
    fn what_has_not_the_form_of_an_id_is_none() {
        for text in ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0", "0123456789abcdeg"] {
            assert_eq!(text.parse::<ChangeId>(), Err(InvalidChangeId), "{text}");
        }
    }
}
