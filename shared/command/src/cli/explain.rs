//! `flowkeeper explain`.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use flow_log::{
    AccountId, Delivery, Desired, DesiredFlowLog, FlowLog, FlowLogSpec, GovernedBy, Policy, Resource, ResourceId,
    ResourceType, Status,
    names::TagWord,
    policy::{AccountScope, Origin, Override, Places, ScheduleName},
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::{
    cli::{CloudOptions, help, moment, plan::drawing, schedule::local},
    columns::labelled,
    context::Context,
    failure::{FAILED, Failure, USAGE},
    identity::{Identity, identify},
    live::{Live, Looking},
    plan::{
        Change, Plan,
        table::{self, Drawing},
    },
    planning::{EVERYTHING, Narrowed, Planning, Reads},
    policy_file::{DEFAULT, PolicyFile},
    resource_file::{self, Defaults, Listed},
    style::padded,
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper explain vpc-bp1example
  aliyun vpc DescribeVpcs --RegionId cn-hangzhou > vpcs.json
  flowkeeper explain vpcs.json vswitches.json --only vsw-bp1example";

/// The columns of the names.
const NAME: usize = 24;
/// The columns of a value.
const VALUE: usize = 36;

/// Show what a policy wants of a resource, and why.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_ARGUMENTS)]
pub(crate) struct Explain {
    /// Ids; or files with JSON as the API lists resources, - for stdin
    #[arg(required = true, value_name = "RESOURCES")]
    given: Vec<PathBuf>,
    /// Policy, YAML or JSON
    #[arg(long, default_value = DEFAULT, value_name = "FILE")]
    policy: PathBuf,
    /// Explain this resource of the files alone
    #[arg(long, value_name = "ID", value_parser = ResourceId::exact)]
    only: Option<ResourceId>,
    /// Moment, as in 2026-03-01T09:00+08:00; now by default
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// Account to look in, or of resources that name none
    #[arg(long, value_name = "ID", value_parser = AccountId::exact)]
    account: Option<AccountId>,
    #[command(flatten)]
    cloud: CloudOptions,
}

impl Explain {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        // Mistakes in all files are reported at once.
        let policy =
            PolicyFile::read(&self.policy).and_then(|file| file.policy(&context.terminal).map(|policy| (file, policy)));
        let resources = self.resources();
        let ((file, policy), (resources, ids)) = match (policy, resources) {
            (Ok(policy), Ok(resources)) => (policy, resources),
            (Err(policy), Err(resources)) => {
                return Err(Failure { messages: [policy.messages, resources.messages].concat(), ..policy });
            }
            (Err(failure), _) | (_, Err(failure)) => return Err(failure),
        };
        // Nothing is decided by parts of a second.
        let at = self.at.unwrap_or_else(|| Timestamp::from_second(context.now().as_second()).unwrap_or(context.now()));
        let places = &Places::of(&file.text);
        let columns = context.terminal.cut_at();
        let texts: Vec<_> = resources
            .iter()
            .map(|listed| Explained { policy: &policy, places, listed, at, live: None }.text(columns))
            .collect();
        context.terminal.print(&texts.join("\n"))?;
        if ids.is_empty() {
            return Ok(());
        }
        context.read(async {
            let identity = identify(&self.cloud, context).await?;
            context.terminal.tell(identity.text());
            let (account, regions) = (self.account.as_ref(), self.cloud.regions()?);
            let looking = Looking { identity: &identity, policy: &policy, account, regions: &regions };
            let client = identity.client().read_only();
            let mut is_first = texts.is_empty();
            let mut failed = Vec::new();
            for id in &ids {
                let live = match looking.find(&client, id).await {
                    Ok(live) => live,
                    // The others may be there.
                    Err(failure) => {
                        failed.push(failure);
                        continue;
                    }
                };
                let plan = self.plan(context, &identity, (&file, &policy), &live.listed.resource).await?;
                let seen = Seen { own: &identity.caller.account, live: &live, plan: plan.as_ref() };
                let listed = &live.listed;
                let explained = Explained { policy: &policy, places, listed, at, live: Some(seen) };
                let text = format!("{}{}", explained.text(columns), seen.changes(drawing(context)));
                context.terminal.print(&if is_first { text } else { format!("\n{text}") })?;
                is_first = false;
                if seen.is_unread() {
                    failed.push(Failure::told(FAILED));
                }
            }
            let Some(Failure { exit_code, remedy, .. }) = failed.iter().max_by_key(|it| it.remedy.is_some()).cloned()
            else {
                return Ok(());
            };
            let messages = failed.into_iter().flat_map(|failure| failure.messages).collect();
            Err(Failure { exit_code, messages, remedy })
        })
    }

    /// Makes the plan of the region that the resource is in; `None` if the policy is not about it.
    async fn plan(
        &self,
        context: &Context,
        identity: &Identity,
        (file, policy): (&PolicyFile, &Policy),
        resource: &Resource,
    ) -> Result<Option<Plan>, Failure> {
        let narrowed = &Narrowed {
            accounts: vec![resource.account.clone()],
            regions: vec![resource.region.clone()],
            ..Narrowed::default()
        };
        if narrowed.check(policy, &identity.caller.account).is_err() {
            return Ok(None);
        }
        let planning = Planning {
            context,
            identity,
            capabilities: EVERYTHING,
            policy_file: &file.name,
            policy_text: &file.text,
            policy,
            narrowed,
            at: self.at,
            reads: Reads::Plan,
        };
        planning.plan().await.map(Some)
    }

    /// Reads the resources in all files, those that are asked for, and the ids to look for in the cloud.
    fn resources(&self) -> Result<(Vec<Listed>, Vec<ResourceId>), Failure> {
        let (ids, files): (Vec<_>, Vec<_>) = self.given.iter().partition(|given| id(given).is_some());
        let ids = ids.into_iter().filter_map(|given| id(given)).collect();
        if files.is_empty() && self.only.is_none() {
            return Ok((Vec::new(), ids));
        }
        let mut regions = self.cloud.regions()?;
        if regions.len() > 1 {
            return Err(Failure::usage("--region: the resources of files are of one region", "name one region"));
        }
        let defaults = Defaults { account: self.account.clone(), region: regions.pop() };
        let mut resources = Vec::new();
        let mut mistakes = Vec::new();
        for file in files {
            let name = if file == Path::new("-") { "<stdin>".to_owned() } else { file.display().to_string() };
            let text = if file == Path::new("-") { stdin() } else { fs::read_to_string(file) };
            match text.map_err(|error| unread(&name, &error)) {
                Ok(text) => match resource_file::parse(&text, &defaults) {
                    Ok(found) => resources.extend(found),
                    Err(found) => mistakes.extend(found.iter().map(|mistake| format!("{name}: {mistake}"))),
                },
                Err(problem) => mistakes.push(problem),
            }
        }
        if !mistakes.is_empty() {
            let remedy = Some(
                "name the id of a VPC, a vSwitch or a network interface, or a file with what the API lists: `aliyun vpc \
                 DescribeVpcs --RegionId cn-hangzhou > vpcs.json`"
                    .to_owned(),
            );
            return Err(Failure { exit_code: USAGE, messages: mistakes, remedy });
        }
        let mut joined = resource_file::join(resources);
        if let Some(only) = &self.only {
            joined.retain(|listed| listed.resource.id == *only);
            if joined.is_empty() {
                return Err(Failure::usage(
                    format!("--only {only}: no file has it"),
                    "check the id, or list its region",
                ));
            }
        }
        Ok((joined, ids))
    }
}

/// Reads the id of a resource that is to be looked for in the cloud. What is there as a file is a file.
fn id(given: &Path) -> Option<ResourceId> {
    let id = ResourceId::exact(given.to_str()?).ok()?;
    (!given.exists()).then_some(id)
}

/// Says why what was given is neither an id nor a file.
fn unread(name: &str, error: &io::Error) -> String {
    match ResourceId::exact(name) {
        _ if error.kind() != io::ErrorKind::NotFound || name.contains(['.', '/']) => {
            format!("{name} cannot be read: {error}")
        }
        Err(problem) if ["vpc-", "vsw-", "eni-"].iter().any(|prefix| name.starts_with(prefix)) => problem.to_string(),
        _ => format!("{name} is no id, as in vpc-bp1example, vsw-bp1example or eni-bp1example, and no file: {error}"),
    }
}

fn stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map(|_| text)
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

/// What is in the cloud about a resource, and what a plan would do.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// The account of the credentials.
    own: &'a AccountId,
    live: &'a Live,
    /// `None` if the policy is not about the resource's account or region.
    plan: Option<&'a Plan>,
}

impl Seen<'_> {
    /// Whether an id names the resource, or what contains it.
    fn is_about(&self, id: &str) -> bool {
        let Resource { id: own, parents, .. } = &self.live.listed.resource;
        own.as_str() == id || parents.iter().any(|parent| parent.as_str() == id)
    }

    fn planned(&self) -> Vec<&Change> {
        let changes = self.plan.iter().flat_map(|plan| &plan.changes);
        changes.filter(|change| self.is_about(&change.resource_id)).collect()
    }

    fn is_unread(&self) -> bool {
        let is_planned = |plan: &Plan| plan.unread.iter().all(|unread| !self.may_be_about(&unread.resource_id));
        !self.live.unread.is_empty() || !self.plan.is_none_or(is_planned)
    }

    /// Whether something about this resource, or about no resource at all, is about it.
    fn may_be_about(&self, id: &Option<String>) -> bool {
        id.as_deref().is_none_or(|id| self.is_about(id))
    }

    /// The flow logs that are there, a line for each.
    fn there(&self) -> Vec<String> {
        let Live { flow_logs, unread, .. } = self.live;
        let mut lines: Vec<_> = flow_logs.iter().map(flow_log_line).collect();
        lines.extend(unread.iter().map(|problem| format!("unknown: {problem}")));
        if lines.is_empty() {
            lines.push("no flow log".to_owned());
        }
        lines
    }

    /// What a plan would do, in a line.
    fn to_do(self) -> String {
        let Some(plan) = self.plan else { return "nothing".to_owned() };
        let planned = self.planned();
        if !planned.is_empty() {
            let words = planned.iter().map(|change| format!("{}, change {}", change.kind.words(), change.id));
            return words.collect::<Vec<_>>().join("; ");
        }
        let about = plan.resources.iter().find(|it| it.resource_id == self.live.listed.resource.id.as_str());
        let about = about.or_else(|| plan.resources.iter().find(|it| self.is_about(&it.resource_id)));
        match about {
            Some(found) => format!("nothing, as {} is {}: {}", found.resource_id, found.verdict, found.reason),
            None if self.is_unread() => "unknown".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    /// The changes in full, with the lines of the policy that ask for them, and what could not be read.
    fn changes(&self, drawing: Drawing) -> String {
        let Some(plan) = self.plan else { return String::new() };
        let plan = Plan {
            notes: plan
                .notes
                .iter()
                .filter(|note| note.resource_id.is_some() && self.may_be_about(&note.resource_id))
                .cloned()
                .collect(),
            unread: plan.unread.iter().filter(|unread| self.may_be_about(&unread.resource_id)).cloned().collect(),
            ..plan.clone()
        };
        let text = table::chosen(&plan, &self.planned(), drawing);
        if text.is_empty() { text } else { format!("\n{text}") }
    }
}

/// Describes a flow log that is there.
fn flow_log_line(flow_log: &FlowLog) -> String {
    let by = match flow_log {
        it if it.is_managed_by_sls() => "Log Service",
        it if it.is_own() => "Flowkeeper",
        it if it.has_unknown_tags() => "somebody unknown",
        _ => "others",
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let (project, log_store) = (text(&flow_log.project), text(&flow_log.log_store));
    let FlowLog { id, status, resource_id, .. } = flow_log;
    format!("{id}, {status}, on {resource_id}, made by {by}, to {project}/{log_store}")
}

/// A resource, with the policy that decides about it.
struct Explained<'a> {
    policy: &'a Policy,
    places: &'a Places,
    listed: &'a Listed,
    at: Timestamp,
    /// What is in the cloud, if it was read.
    live: Option<Seen<'a>>,
}

impl Explained<'_> {
    fn text(&self, columns: Option<usize>) -> String {
        let Self { policy, listed, at, live, .. } = self;
        let Listed { resource, vpc, .. } = listed;
        let what = resource.id.resource_type();
        let mut text = String::new();
        let mut add = |name: &str, value: &str| text.push_str(&labelled(name, value, NAME, columns));
        add("resource", &format!("{}, a {what} of {} in {}", resource.id, resource.account, resource.region));
        add("at", &self.moment(*at));
        // Without a cloud, the function's own account is unknown.
        let account = policy.account_scope(live.map(|seen| seen.own), &resource.account);
        let out_of_scope = policy.region_scope(&resource.region).or_else(|| match &account {
            AccountScope::Out(reason) => Some(reason.clone()),
            AccountScope::Own | AccountScope::Named(_) | AccountScope::InDirectory(_) => None,
        });
        let there = live.map(|seen| seen.there()).unwrap_or_default();
        if let Some(reason) = out_of_scope {
            add("desired", &format!("nothing: {reason}"));
            there.iter().for_each(|line| add("there now", line));
            return text;
        }
        if let AccountScope::InDirectory(directory) = account {
            let role = directory.role_in(&resource.account);
            add("account", &format!("in scope if the resource directory has it there, through {role}"));
        }
        match flow_log::desired(resource, vpc.as_ref(), policy, *at) {
            Desired::Excluded { reason } => add("desired", &format!("nothing: it is left alone, as {reason}")),
            Desired::Invalid { reason } => {
                add("desired", &format!("nothing until this is mended: {reason}. It is left as it is"));
            }
            Desired::Unknown { reason } => {
                let hint = if live.is_some() { "" } else { ". Give the file of DescribeVpcs as well" };
                add("desired", &format!("unknown: {reason}{hint}"));
            }
            Desired::OtherLevel(level) => {
                add("override", &self.matched());
                add("desired", &format!("nothing here: {}", self.kept_elsewhere(level)));
            }
            Desired::FlowLog(desired) => {
                add("override", &self.matched());
                add("desired", &format!("a flow log of its own: {what} is the level, {}", self.level_by()));
                self.fields(&desired.spec).iter().for_each(|(field, value)| add(&format!("  {field}"), value));
                add("governed by", &self.governed_by(&desired));
                if let Some(note) = &desired.note {
                    add("finding", note);
                }
                add("now", if desired.is_on { "on" } else { "off" });
                add("next change", &self.next_change());
                if live.is_none() {
                    add("to do", &self.to_do(desired));
                }
            }
        }
        there.iter().for_each(|line| add("there now", line));
        if let Some(seen) = live {
            add("to do", &seen.to_do());
        }
        text
    }

    /// The value of the tag, if there is one.
    fn tag(&self) -> Option<&String> {
        self.listed.resource.tags.as_ref()?.get(TagWord::KEY)
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
        self.policy.override_of(&self.listed.resource)
    }

    /// The override that decides the level, matched by the VPC.
    fn found_for_level(&self) -> Option<&Override> {
        self.policy.coverage_of(&self.listed.resource, self.listed.vpc.as_ref()).by()
    }

    fn matched(&self) -> String {
        let Some(found) = self.found() else {
            return match self.policy.overrides.len() {
                0 => "the policy has none".to_owned(),
                count => format!("none of the {count} matches"),
            };
        };
        let fields = found.flow_log.fields_set().into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
        let is_of_level = self.found_for_level() == Some(found);
        let others = [("coverage", is_of_level), ("schedule", found.schedule.is_some())];
        let sets: Vec<_> =
            others.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).chain(fields).collect();
        let sets = if sets.is_empty() { "nothing".to_owned() } else { sets.join(", ") };
        format!("{} (line {}, column {}) sets {sets}", found.number, found.position.line, found.position.column)
    }

    /// Describes which override, matched by the VPC, decides the level.
    fn level_by(&self) -> String {
        match self.found_for_level() {
            Some(found) => format!("by override {}", found.number),
            None => "by the policy's coverage".to_owned(),
        }
    }

    fn kept_elsewhere(&self, level: ResourceType) -> String {
        let by = self.level_by();
        match self.listed.resource.parents.iter().find(|parent| parent.resource_type() == level) {
            Some(parent) => format!("the flow log is kept on {parent}; {level} is the level, {by}"),
            None => format!("flow logs are kept on each {level} in it; {level} is the level, {by}"),
        }
    }

    /// Each field of the flow log, and where it comes from.
    fn fields(&self, spec: &FlowLogSpec) -> [(&'static str, String); 11] {
        let FlowLogSpec {
            name,
            description,
            project,
            log_store,
            create_destination,
            traffic_type,
            traffic_path,
            aggregation_interval,
            ip_version,
            resource_group_id,
            tags,
        } = spec;
        let paths: Vec<_> = traffic_path.iter().map(|path| path.as_str()).collect();
        let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.policy.origins(&self.listed.resource).map(|(field, origin)| {
            let value = match field {
                "name" => name.to_string(),
                "description" => description.to_string(),
                "project" => project.to_string(),
                "log_store" => log_store.to_string(),
                "create_destination" => match create_destination {
                    Some(create) => format!("retention of {} days", create.retention_days),
                    None => "no".to_owned(),
                },
                "traffic_type" => traffic_type.to_string(),
                "aggregation_interval" => format!("{aggregation_interval} min"),
                "traffic_path" => paths.join(", "),
                "ip_version" => ip_version.map(|version| version.to_string()).unwrap_or_default(),
                "resource_group_id" => resource_group_id.as_ref().map(ToString::to_string).unwrap_or_default(),
                "tags" => tags.join(", "),
                other => format!("({other} is not known here)"),
            };
            let value = if value.is_empty() { "not sent".to_owned() } else { value };
            let key = match origin {
                Origin::Default => None,
                Origin::FlowLog => Some(format!("flow_log.{field}")),
                Origin::Override(number) => Some(format!("overrides[{}].{field}", number - 1)),
            };
            let line = key.and_then(|key| self.places.get(&key)).map(|place| format!(", line {}", place.line));
            let line = line.unwrap_or_default();
            let by = match (field, origin) {
                ("tags", Origin::Default) => "always set".to_owned(),
                ("tags", origin) => format!("{origin}{line}; {} is always set", FlowLog::OWN_TAG.0),
                (_, origin) => format!("{origin}{line}"),
            };
            (field, format!("{}  {by}", padded(&value, VALUE)))
        })
    }

    fn governed_by(&self, desired: &DesiredFlowLog) -> String {
        let by = match self.found().filter(|found| found.schedule.is_some()) {
            Some(found) => format!("override {}", found.number),
            None => "the policy's schedule".to_owned(),
        };
        let text = match &desired.governed_by {
            GovernedBy::Tag(_) => return desired.governed_by.to_string(),
            GovernedBy::Always => format!("always, by {by}"),
            GovernedBy::Never => format!("never, by {by}"),
            GovernedBy::Schedule(_) => format!("{}, by {by}", desired.governed_by),
        };
        match self.tag() {
            // Any other tag would decide, or be a finding.
            Some(value) if desired.note.is_none() => format!("{text}; its tag {}={value} has expired", TagWord::KEY),
            _ => text,
        }
    }

    /// Describes what is planned now, if only the flow log's status may differ from the policy.
    fn to_do(&self, desired: Box<DesiredFlowLog>) -> String {
        let Listed { resource, status, .. } = self.listed;
        let observed: Vec<_> =
            status.iter().filter_map(|status| made(resource, &desired.spec, status.clone())).collect();
        let plan = flow_log::plan(resource, &observed, &Desired::FlowLog(desired), self.policy.foreign);
        let calls: Vec<_> = plan.changes.iter().map(|change| change.action().as_str()).collect();
        let calls = if calls.is_empty() { "nothing".to_owned() } else { calls.join(", ") };
        format!("{calls}, as it is {}: {}", plan.verdict, plan.reason)
    }

    fn next_change(&self) -> String {
        let Listed { resource, vpc, .. } = self.listed;
        let until = self.at.checked_add((366 * 24).hours()).unwrap_or(Timestamp::MAX);
        match flow_log::next_change(resource, vpc.as_ref(), self.policy, self.at, until) {
            Some((at, then)) => {
                let state = if then.is_on { "on" } else { "off" };
                format!("{state} at {}, by {}", self.moment(at), then.governed_by)
            }
            None => "none within a year".to_owned(),
        }
    }
}
