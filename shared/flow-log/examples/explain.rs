//! Shows what a policy wants for one resource at one moment, and why.
//!
//! ```sh
//! cargo run -p flow-log --example explain -- policy.yml resource.json --at 2026-03-01T09:00+08:00
//! ```
//!
//! The resource is a JSON object, as in `examples/resource.json`:
//!
//! - `account`, `region` and `id`; the prefix of the id determines the type: `vpc-`, `vsw-` or `eni-`;
//! - `parents`, the resources that contain it: for a vSwitch `["vpc-…"]`, for a network interface `["vsw-…", "vpc-…"]`;
//! - `tags`, if it has any;
//! - `vpc_tags`, the tags of its VPC, if these decide the level at which flow logs are kept;
//! - `status`, the status of Flowkeeper's flow log on it, if there is one: `Active`, `Inactive`, …

mod reading;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use flow_log::{
    AccountId, Delivery, Desired, DesiredFlowLog, FlowLog, FlowLogSpec, GovernedBy, InvalidId, ObservedTags, Policy,
    RegionId, Resource, ResourceId, ResourceType, Status,
    names::TagWord,
    policy::{Origin, Override, ScheduleName},
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde::Deserialize;

use crate::reading::{Mistakes, local};

/// Tells what a policy wants of one resource at one moment, and why.
#[derive(Parser)]
struct Arguments {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    /// The resource, as in examples/resource.json.
    resource: PathBuf,
    /// The moment, as in 2026-03-01T09:00+08:00: now, if it is not given.
    #[arg(long)]
    at: Option<Timestamp>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Mistakes in both files are reported at once.
    let outcome = match (reading::policy(&arguments.policy), seen(&arguments.resource)) {
        (Ok(policy), Ok(Seen { resource, vpc, status })) => {
            Ok(Explained { policy, resource, vpc, status, at: reading::now(arguments.at) }.text())
        }
        (policy, seen) => Err([policy.err(), seen.err()].into_iter().flatten().flatten().collect()),
    };
    reading::print(outcome)
}

/// A resource as written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    account: String,
    region: String,
    id: String,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    vpc_tags: Option<BTreeMap<String, String>>,
    status: Option<String>,
}

/// The contents of the file.
struct Seen {
    resource: Resource,
    /// The VPC that the resource is in, if its tags are given.
    vpc: Option<Resource>,
    /// The status of the flow log on it.
    status: Option<Status>,
}

fn seen(path: &Path) -> Result<Seen, Mistakes> {
    let path_and = |problem: String| format!("{}: {problem}", path.display());
    let written: Written = serde_json::from_str(&reading::text(path)?).map_err(|error| {
        let form = r#"want {"account": "…", "region": "…", "id": "vpc-…", "parents": […], "tags": {…}}"#;
        vec![path_and(format!("{error}; {form}"))]
    })?;
    let mut wrong = Mistakes::new();
    let account = read(&mut wrong, "account", AccountId::exact(&written.account));
    let region = read(&mut wrong, "region", RegionId::exact(&written.region));
    let id = read(&mut wrong, "id", ResourceId::exact(&written.id));
    let mut parents: Vec<ResourceId> =
        written.parents.iter().filter_map(|parent| read(&mut wrong, "parents", ResourceId::exact(parent))).collect();
    parents.sort_by_key(|parent| std::cmp::Reverse(parent.resource_type()));
    if let Some(id) = id.as_ref().filter(|_| parents.len() == written.parents.len()) {
        let wholes: Vec<_> = ResourceType::ALL.into_iter().rev().filter(|whole| *whole < id.resource_type()).collect();
        if !parents.iter().map(ResourceId::resource_type).eq(wholes.iter().copied()) {
            let what = id.resource_type();
            let wholes: Vec<_> = wholes.iter().map(|whole| format!("the id of its {whole}")).collect();
            let wholes = if wholes.is_empty() { "nothing".to_owned() } else { wholes.join(" and ") };
            wrong.push(format!("parents of a {what} hold {wholes}"));
        }
    }
    let status = written.status.as_deref().map(Status::from);
    if let Some(Status::Unknown(text)) = &status {
        let known = "Activating, Active, Deactivating, Inactive, Modifying, Deleting";
        wrong.push(format!("status: {text:?} is not the status of a flow log: one of {known}"));
    }
    if written.vpc_tags.is_some() && id.as_ref().is_some_and(|id| id.resource_type() == ResourceType::Vpc) {
        wrong.push("vpc_tags: those of a VPC itself are its tags".to_owned());
    }
    match (account, region, id) {
        (Some(account), Some(region), Some(id)) if wrong.is_empty() => {
            let tags = Some(written.tags.into_iter().collect());
            let resource = Resource { account, region, id, parents, tags, is_service_managed: false };
            let vpc = resource.vpc().cloned().zip(written.vpc_tags).map(|(vpc_id, vpc_tags)| {
                let vpc_tags: ObservedTags = vpc_tags.into_iter().collect();
                Resource { id: vpc_id, parents: Vec::new(), tags: Some(vpc_tags), ..resource.clone() }
            });
            Ok(Seen { resource, vpc, status })
        }
        _ => Err(wrong.into_iter().map(path_and).collect()),
    }
}

/// Returns Flowkeeper's own flow log on `resource`, as `spec` describes it. Its id stands for it in the output.
fn made(resource: &Resource, spec: &FlowLogSpec, status: Status) -> Option<FlowLog> {
    Some(FlowLog {
        id: "the-flow-log".parse().ok()?,
        resource_id: resource.id.to_string(),
        name: Some(spec.name.to_string()),
        description: Some(spec.description.to_string()),
        traffic_type: Some(spec.traffic_type.to_string()),
        traffic_path: Some(spec.traffic_path.iter().map(ToString::to_string).collect()),
        project: Some(spec.project.to_string()),
        log_store: Some(spec.log_store.to_string()),
        aggregation_interval: spec.aggregation_interval.as_str().parse().ok(),
        ip_version: spec.ip_version.map(|version| version.to_string()),
        resource_group_id: spec.resource_group_id.as_ref().map(ToString::to_string),
        tags: Some(spec.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()),
        status,
        service_type: None,
        delivery: Delivery::Working,
        resource_type: None,
        region: None,
        creation_time: None,
        business_status: None,
        log_format: None,
    })
}

fn read<T>(wrong: &mut Mistakes, field: &str, read: Result<T, InvalidId>) -> Option<T> {
    read.map_err(|error| wrong.push(format!("{field}: {error}"))).ok()
}

struct Explained {
    policy: Policy,
    resource: Resource,
    vpc: Option<Resource>,
    status: Option<Status>,
    at: Timestamp,
}

impl Explained {
    fn text(&self) -> String {
        let Self { policy, resource, vpc, at, .. } = self;
        let what = resource.id.resource_type();
        let mut text = String::new();
        let mut add = |name: &str, value: &str| _ = writeln!(text, "{name:<24}{value}");
        add("resource", &format!("{}, a {what} of {} in {}", resource.id, resource.account, resource.region));
        add("at", &self.moment(*at));
        // The function's own account is unknown here.
        if let Some(reason) = policy.out_of_scope(None, &resource.account, &resource.region) {
            add("wanted", &format!("nothing: {reason}"));
            return text;
        }
        match flow_log::desired(resource, vpc.as_ref(), policy, *at) {
            Desired::Excluded { reason } => add("wanted", &format!("nothing: it is left alone, as {reason}")),
            Desired::Invalid { reason } => {
                add("wanted", &format!("nothing until this is mended: {reason}. It is left as it is"));
            }
            Desired::Unknown { reason } => {
                add("wanted", &format!("nothing is known: {reason}. Give them as vpc_tags"));
            }
            Desired::OtherLevel(level) => {
                add("override", &self.matched());
                add("wanted", &format!("nothing here: {}", self.kept_elsewhere(level)));
            }
            Desired::FlowLog(desired) => {
                add("override", &self.matched());
                add("wanted", &format!("a flow log of its own: {what} is the level, {}", self.level_by()));
                self.fields(&desired.spec).iter().for_each(|(field, told)| add(&format!("  {field}"), told));
                add("governed by", &self.governed_by(&desired));
                if let Some(note) = &desired.note {
                    add("finding", note);
                }
                add("now", if desired.is_on { "on" } else { "off" });
                add("next change", &self.next_change());
                add("to do", &self.to_do(desired));
            }
        }
        text
    }

    /// The value of the tag, if there is one.
    fn tag(&self) -> Option<&String> {
        self.resource.tags.as_ref()?.get(TagWord::KEY)
    }

    /// Formats a time in the zone of the schedule that the tag or the policy names, and in UTC.
    fn moment(&self, at: Timestamp) -> String {
        let by_tag = self.tag().and_then(|value| value.strip_prefix("schedule="));
        let by_policy = match self.found().and_then(|found| found.schedule.as_ref()).unwrap_or(&self.policy.schedule) {
            ScheduleName::Named(name) => Some(name.as_str()),
            ScheduleName::Always | ScheduleName::Never => None,
        };
        let schedule = by_tag.or(by_policy).and_then(|name| self.policy.schedules.get(name));
        let zone = schedule.map_or(TimeZone::UTC, |schedule| schedule.time_zone.clone());
        format!("{}, {at}", local(at, &zone))
    }

    fn found(&self) -> Option<&Override> {
        self.policy.override_of(&self.resource)
    }

    fn matched(&self) -> String {
        let Some(found) = self.found() else {
            return match self.policy.overrides.len() {
                0 => "the policy has none".to_owned(),
                count => format!("none of the {count} matches"),
            };
        };
        let fields = found.flow_log.fields_set().into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
        let is_of_level = self.policy.coverage_of(&self.resource, self.vpc.as_ref()).by() == Some(found);
        let others = [("coverage", is_of_level), ("schedule", found.schedule.is_some())];
        let sets: Vec<_> =
            others.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).chain(fields).collect();
        let sets = if sets.is_empty() { "nothing".to_owned() } else { sets.join(", ") };
        format!("{} (line {}, column {}) sets {sets}", found.number, found.position.line, found.position.column)
    }

    /// Describes which override, matched by the VPC, decides the level.
    fn level_by(&self) -> String {
        match self.policy.coverage_of(&self.resource, self.vpc.as_ref()).by() {
            Some(found) => format!("by override {}", found.number),
            None => "by the policy's coverage".to_owned(),
        }
    }

    fn kept_elsewhere(&self, level: ResourceType) -> String {
        let by = self.level_by();
        match self.resource.parents.iter().find(|parent| parent.resource_type() == level) {
            Some(parent) => format!("the flow log is kept on {parent}; {level} is the level, {by}"),
            None => format!("flow logs are kept on each {level} in it; {level} is the level, {by}"),
        }
    }

    /// Each field of the flow log, and where it comes from.
    fn fields(&self, spec: &FlowLogSpec) -> [(&'static str, String); 10] {
        let FlowLogSpec {
            name,
            description,
            project,
            log_store,
            traffic_type,
            traffic_path,
            aggregation_interval,
            ip_version,
            resource_group_id,
            tags,
        } = spec;
        let paths: Vec<_> = traffic_path.iter().map(|path| path.as_str()).collect();
        let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.policy.origins(&self.resource).map(|(field, origin)| {
            let value = match field {
                "name" => name.to_string(),
                "description" => description.to_string(),
                "project" => project.to_string(),
                "log_store" => log_store.to_string(),
                "traffic_type" => traffic_type.to_string(),
                "aggregation_interval" => format!("{aggregation_interval} min"),
                "traffic_path" => paths.join(", "),
                "ip_version" => ip_version.map(|version| version.to_string()).unwrap_or_default(),
                "resource_group_id" => resource_group_id.as_ref().map(ToString::to_string).unwrap_or_default(),
                "tags" => tags.join(", "),
                other => format!("({other} is not known here)"),
            };
            let value = if value.is_empty() { "not sent".to_owned() } else { value };
            let by = match (field, origin) {
                ("tags", Origin::Default) => "always set".to_owned(),
                ("tags", origin) => format!("{origin}; {} is always set", FlowLog::OWN_TAG.0),
                (_, origin) => origin.to_string(),
            };
            (field, format!("{value:<40} {by}"))
        })
    }

    fn governed_by(&self, desired: &DesiredFlowLog) -> String {
        let by = match self.found().filter(|found| found.schedule.is_some()) {
            Some(found) => format!("override {}", found.number),
            None => "the policy's schedule".to_owned(),
        };
        let told = match &desired.governed_by {
            GovernedBy::Tag(_) => return desired.governed_by.to_string(),
            GovernedBy::Always => format!("always, by {by}"),
            GovernedBy::Never => format!("never, by {by}"),
            GovernedBy::Schedule(_) => format!("{}, by {by}", desired.governed_by),
        };
        match self.tag() {
            // Any other tag would decide, or be a finding.
            Some(value) if desired.note.is_none() => format!("{told}; its tag {}={value} has expired", TagWord::KEY),
            _ => told,
        }
    }

    /// Describes what is planned now, if only the flow log's status may differ from the policy.
    fn to_do(&self, desired: Box<DesiredFlowLog>) -> String {
        let Self { policy, resource, .. } = self;
        let seen: Vec<_> =
            self.status.iter().filter_map(|status| made(resource, &desired.spec, status.clone())).collect();
        let plan = flow_log::plan(resource, &seen, &Desired::FlowLog(desired), policy.foreign);
        let calls: Vec<_> = plan.changes.iter().map(|change| change.action().as_str()).collect();
        let calls = if calls.is_empty() { "nothing".to_owned() } else { calls.join(", ") };
        format!("{calls}, as it is {}: {}", plan.verdict, plan.reason)
    }

    fn next_change(&self) -> String {
        let until = self.at.checked_add((366 * 24).hours()).unwrap_or(Timestamp::MAX);
        match flow_log::next_change(&self.resource, self.vpc.as_ref(), &self.policy, self.at, until) {
            Some((at, then)) => {
                let state = if then.is_on { "on" } else { "off" };
                format!("{state} at {}, by {}", self.moment(at), then.governed_by)
            }
            None => "none within a year".to_owned(),
        }
    }
}
