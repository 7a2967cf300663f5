//! From the tree to the policy. Every mistake is noted and the reading goes on, so that all are named at once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

use jiff::tz::TimeZone;

use super::{
    EcrFlowLogPattern, Exclude, FlowLogFields, FlowLogPattern, Foreign, Limits, Match, MemberAccount, Mistakes,
    Override, Place, Policy, ScheduleName, fill,
    tree::{self, Key, Node, Value},
};
use crate::{
    AccountId, FlowLog, ResourceId, ResourceType, RoleArn,
    names::{
        AggregationInterval, Description, FlowLogName, LogStoreName, ProjectName, TagKey, TagValue, Tags, TrafficType,
    },
    schedule::Schedule,
};

/// The name of a flow log that is given none.
const NAME: &str = "flowkeeper-{resource_id}";
/// The description of a flow log that is given none.
const DESCRIPTION: &str = "Kept by Flowkeeper";

/// So many schedules are named, at most, where one of them is wanted.
const MOST_NAMED: usize = 20;

pub(super) fn policy(text: &str) -> Result<Policy, Mistakes> {
    let mut mistakes = Mistakes::default();
    let root = tree::read(text, &mut mistakes);
    let decoder = Decoder { mistakes: RefCell::new(mistakes) };
    let policy = root.and_then(|root| decoder.policy(&root));
    decoder.mistakes.into_inner().into_result(policy)
}

struct Decoder {
    mistakes: RefCell<Mistakes>,
}

/// The entries of a map that are still to be looked at.
struct Fields<'a> {
    name: &'static str,
    place: Place,
    left: BTreeMap<&'a str, (&'a Key, &'a Node)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let (_, node) = self.left.remove(key)?;
        (!node.is_nothing()).then_some(node)
    }
}

impl Decoder {
    fn mistake(&self, place: Place, problem: impl AsRef<str>) {
        self.mistakes.borrow_mut().add(place, problem);
    }

    fn policy(&self, root: &Node) -> Option<Policy> {
        let mut fields = self.fields("the policy", root)?;
        let flow_log = self.required(&mut fields, "flow_log").and_then(|node| self.flow_log_pattern(node));
        let schedules = fields.take("schedules");
        let names = schedules.map(|node| self.names(node)).unwrap_or_default();
        let policy = Policy {
            coverage: fields.take("coverage").and_then(|node| self.coverage(node)).unwrap_or(ResourceType::Vpc),
            regions: fields.take("regions").map(|node| self.list(node, "regions")).unwrap_or_default(),
            accounts: fields.take("accounts").map(|node| self.accounts(node)).unwrap_or_default(),
            own_account: fields.take("own_account").and_then(|node| self.yes_or_no(node)).unwrap_or(true),
            exclude: fields.take("exclude").and_then(|node| self.exclude(node)).unwrap_or_default(),
            schedule: fields
                .take("schedule")
                .and_then(|node| self.schedule_name(node, &names))
                .unwrap_or(ScheduleName::Always),
            overrides: fields.take("overrides").map(|node| self.overrides(node, &names)).unwrap_or_default(),
            limits: fields.take("limits").and_then(|node| self.limits(node)).unwrap_or_default(),
            foreign: fields
                .take("foreign")
                .and_then(|node| self.one_of(node, &[("leave", Foreign::Leave), ("manage", Foreign::Manage)]))
                .unwrap_or_default(),
            replace: fields.take("replace").and_then(|node| self.yes_or_no(node)).unwrap_or(false),
            ecr_flow_log: fields.take("ecr_flow_log").and_then(|node| self.ecr_flow_log(node, &names)),
            given: flow_log.as_ref().map(|(_, given)| given.clone()).unwrap_or_default(),
            flow_log: match &flow_log {
                Some((pattern, _)) => pattern.clone(),
                None => FlowLogPattern::new(String::new(), String::new()),
            },
            schedules: schedules.map(|node| self.schedules(node)).unwrap_or_default(),
        };
        self.finish(fields);
        flow_log.map(|_| policy)
    }

    // ---- the parts of a policy

    /// The whole of it, and what of it is given.
    fn flow_log_pattern(&self, node: &Node) -> Option<(FlowLogPattern, FlowLogFields)> {
        let mut fields = self.fields("flow_log", node)?;
        for key in ["project", "log_store"] {
            if fields.left.get(key).is_none_or(|(_, node)| node.is_nothing()) {
                self.mistake(fields.place, format!("flow_log has no {key}"));
            }
        }
        let given = self.flow_log_fields(&mut fields);
        self.finish(fields);
        let whole = given.over(&FlowLogPattern::new(given.project.clone()?, given.log_store.clone()?));
        Some((whole, given))
    }

    fn flow_log_fields(&self, fields: &mut Fields<'_>) -> FlowLogFields {
        FlowLogFields {
            project: fields.take("project").and_then(|node| self.pattern::<ProjectName>(node)),
            log_store: fields.take("log_store").and_then(|node| self.pattern::<LogStoreName>(node)),
            traffic_type: fields.take("traffic_type").and_then(|node| self.parsed(node)),
            aggregation_interval: fields.take("aggregation_interval").and_then(|node| self.parsed(node)),
            traffic_path: fields.take("traffic_path").map(|node| self.list(node, "traffic_path")),
            ip_version: fields.take("ip_version").and_then(|node| self.parsed(node)),
            name: fields.take("name").and_then(|node| self.pattern::<FlowLogName>(node)),
            description: fields.take("description").and_then(|node| self.pattern::<Description>(node)),
            resource_group_id: fields.take("resource_group_id").and_then(|node| self.parsed(node)),
            tags: fields.take("tags").map(|node| self.new_tags(node)),
        }
    }

    fn ecr_flow_log(&self, node: &Node, schedules: &[&str]) -> Option<EcrFlowLogPattern> {
        let mut fields = self.fields("ecr_flow_log", node)?;
        let pattern = EcrFlowLogPattern {
            project: self
                .required(&mut fields, "project")
                .and_then(|node| self.pattern::<ProjectName>(node))
                .unwrap_or_default(),
            log_store: self
                .required(&mut fields, "log_store")
                .and_then(|node| self.pattern::<LogStoreName>(node))
                .unwrap_or_default(),
            interval: fields
                .take("interval")
                .and_then(|node| self.one_of(node, &[("60", 60), ("600", 600)]))
                .unwrap_or(600),
            sampling_rate: fields.take("sampling_rate").and_then(|node| self.parsed(node)).unwrap_or_default(),
            target_sls_region: fields.take("target_sls_region").and_then(|node| self.parsed(node)),
            name: fields
                .take("name")
                .and_then(|node| self.pattern::<FlowLogName>(node))
                .unwrap_or_else(|| NAME.to_owned()),
            description: fields
                .take("description")
                .and_then(|node| self.pattern::<Description>(node))
                .unwrap_or_else(|| DESCRIPTION.to_owned()),
            tags: fields.take("tags").map(|node| self.new_tags(node)).unwrap_or_default(),
            schedule: fields.take("schedule").and_then(|node| self.schedule_name(node, schedules)),
        };
        self.finish(fields);
        Some(pattern)
    }

    /// The tags that a flow log gets: held to the limits of the API.
    fn new_tags(&self, node: &Node) -> Tags {
        const MOST: usize = 19;
        let mut tags = Tags::new();
        for (key, value) in self.entries(node, "tags") {
            if key.text == FlowLog::OWN_TAG.0 {
                self.mistake(key.place, format!("the tag {} is set by Flowkeeper itself", key.text));
                continue;
            }
            let key = self.read::<TagKey>(key.place, &key.text);
            let value = self.text(value).and_then(|text| self.read::<TagValue>(value.place, text));
            tags.extend(key.zip(value));
        }
        if tags.len() > MOST {
            let problem = format!("{} tags: a flow log takes 20, and Flowkeeper sets one of them", tags.len());
            self.mistake(node.place, problem);
        }
        tags
    }

    /// Tags that are looked for. Any text may be one.
    fn sought_tags(&self, node: &Node) -> BTreeMap<String, String> {
        let entries = self.entries(node, "tags").iter();
        entries.filter_map(|(key, value)| Some((key.text.clone(), self.text(value)?.to_owned()))).collect()
    }

    fn coverage(&self, node: &Node) -> Option<ResourceType> {
        let [vpc, vswitch, network_interface] = ResourceType::ALL;
        self.one_of(node, &[("vpc", vpc), ("vswitch", vswitch), ("network-interface", network_interface)])
    }

    fn yes_or_no(&self, node: &Node) -> Option<bool> {
        self.one_of(node, &[("true", true), ("false", false)])
    }

    fn accounts(&self, node: &Node) -> Vec<MemberAccount> {
        self.items(node, "accounts")
            .iter()
            .filter_map(|node| {
                let mut fields = self.fields("an account", node)?;
                let id: Option<AccountId> = self.required(&mut fields, "id").and_then(|node| self.parsed(node));
                let role = self.required(&mut fields, "role").and_then(|node| self.role(node, id.as_ref()));
                let external_id = fields.take("external_id").and_then(|node| self.text(node)).map(str::to_owned);
                self.finish(fields);
                Some(MemberAccount { id: id?, role: role?, external_id })
            })
            .collect()
    }

    /// The role in the account `id`: with a role in another one, that one would be changed under this one's name.
    fn role(&self, node: &Node, id: Option<&AccountId>) -> Option<RoleArn> {
        let role: RoleArn = self.parsed(node)?;
        if let Some(id) = id.filter(|id| *id != role.account()) {
            self.mistake(node.place, format!("{role} is a role in the account {}, not in {id}", role.account()));
            return None;
        }
        Some(role)
    }

    fn exclude(&self, node: &Node) -> Option<Exclude> {
        let mut fields = self.fields("exclude", node)?;
        let exclude = Exclude {
            ids: fields.take("ids").map(|node| self.list(node, "ids")).unwrap_or_default().into_iter().collect(),
            tags: fields.take("tags").map(|node| self.sought_tags(node)).unwrap_or_default(),
        };
        self.finish(fields);
        Some(exclude)
    }

    fn overrides(&self, node: &Node, schedules: &[&str]) -> Vec<Override> {
        self.items(node, "overrides")
            .iter()
            .zip(1..)
            .filter_map(|(node, number)| {
                let mut fields = self.fields("an override", node)?;
                let matches = self.required(&mut fields, "match").and_then(|node| self.matches(node));
                let coverage = fields.take("coverage").and_then(|node| self.coverage(node));
                let schedule = fields.take("schedule").and_then(|node| self.schedule_name(node, schedules));
                let flow_log = self.flow_log_fields(&mut fields);
                self.finish(fields);
                Some(Override { number, place: node.place, matches: matches?, coverage, schedule, flow_log })
            })
            .collect()
    }

    fn matches(&self, node: &Node) -> Option<Match> {
        let mut fields = self.fields("match", node)?;
        let says_something = |node: &Node| match &node.value {
            Value::Map(entries) => !entries.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Scalar { .. } => !node.is_nothing(),
        };
        if !fields.left.values().any(|(_, node)| says_something(node)) {
            self.mistake(node.place, "match says nothing, and so would match everything: change the defaults instead");
        }
        let matches = Match {
            tags: fields.take("tags").map(|node| self.sought_tags(node)).unwrap_or_default(),
            ids: fields.take("ids").map(|node| self.list(node, "ids")).unwrap_or_default().into_iter().collect(),
            vpc_ids: fields.take("vpc_ids").map(|node| self.vpc_ids(node)).unwrap_or_default(),
            accounts: fields
                .take("accounts")
                .map(|node| self.list(node, "accounts"))
                .unwrap_or_default()
                .into_iter()
                .collect(),
            regions: fields
                .take("regions")
                .map(|node| self.list(node, "regions"))
                .unwrap_or_default()
                .into_iter()
                .collect(),
        };
        self.finish(fields);
        Some(matches)
    }

    fn vpc_ids(&self, node: &Node) -> BTreeSet<ResourceId> {
        let ids = self.items(node, "vpc_ids").iter();
        ids.filter_map(|node| match ResourceId::of(ResourceType::Vpc, self.text(node)?) {
            Ok(id) => Some(id),
            Err(error) => {
                self.mistake(node.place, error.to_string());
                None
            }
        })
        .collect()
    }

    fn limits(&self, node: &Node) -> Option<Limits> {
        let mut fields = self.fields("limits", node)?;
        let defaults = Limits::default();
        let limits = Limits {
            max_changes: fields
                .take("max_changes")
                .and_then(|node| self.number(node, 1_000_000))
                .unwrap_or(defaults.max_changes),
            max_changes_percent: fields
                .take("max_changes_percent")
                .and_then(|node| self.number(node, 100))
                .unwrap_or(defaults.max_changes_percent),
        };
        self.finish(fields);
        Some(limits)
    }

    /// The names of the schedules, of those with mistakes, too: who refers to one of them makes no second mistake.
    fn names<'a>(&self, schedules: &'a Node) -> Vec<&'a str> {
        let mut names = vec!["always", "never"];
        for (key, _) in self.entries(schedules, "schedules") {
            if names[..2].contains(&key.text.as_str()) {
                self.mistake(key.place, format!("{} is there already, and cannot be another schedule", key.text));
            }
            names.push(&key.text);
        }
        names
    }

    fn schedules(&self, node: &Node) -> BTreeMap<String, Schedule> {
        let Value::Map(entries) = &node.value else { return BTreeMap::new() };
        entries.iter().filter_map(|(key, node)| Some((key.text.clone(), self.schedule(node)?))).collect()
    }

    fn schedule(&self, node: &Node) -> Option<Schedule> {
        let mut fields = self.fields("a schedule", node)?;
        let time_zone = self.required(&mut fields, "time_zone").and_then(|node| self.time_zone(node));
        let on = self.required(&mut fields, "on").map(|node| self.list(node, "on"));
        let off_dates = fields.take("off_dates").map(|node| self.list(node, "off_dates")).unwrap_or_default();
        self.finish(fields);
        Some(Schedule { time_zone: time_zone?, on: on?, off_dates })
    }

    fn time_zone(&self, node: &Node) -> Option<TimeZone> {
        let text = self.text(node)?;
        let zone = TimeZone::get(text).ok();
        if zone.is_none() {
            self.mistake(node.place, format!("{text:?} is not an IANA time zone, as in \"Asia/Shanghai\""));
        }
        zone
    }

    fn schedule_name(&self, node: &Node, known: &[&str]) -> Option<ScheduleName> {
        match self.text(node)? {
            "always" => Some(ScheduleName::Always),
            "never" => Some(ScheduleName::Never),
            name if known.contains(&name) => Some(ScheduleName::Named(name.to_owned())),
            name => {
                let known = if known.is_empty() { &["always", "never"] } else { known };
                // Of a thousand schedules, and a thousand such mistakes, it would be a million names.
                let more = if known.len() > MOST_NAMED { ", …" } else { "" };
                let known = known[..known.len().min(MOST_NAMED)].join(", ") + more;
                self.mistake(node.place, format!("there is no schedule {name:?}: one of {known}"));
                None
            }
        }
    }

    // ---- the parts of a tree

    fn fields<'a>(&self, name: &'static str, node: &'a Node) -> Option<Fields<'a>> {
        let Value::Map(entries) = &node.value else {
            self.mistake(node.place, format!("{name} must be a map of keys and values"));
            return None;
        };
        let left = entries.iter().map(|(key, value)| (key.text.as_str(), (key, value))).collect();
        Some(Fields { name, place: node.place, left, known: Vec::new() })
    }

    /// Names the keys that nobody asked for.
    fn finish(&self, fields: Fields<'_>) {
        let Fields { name, left, known, .. } = fields;
        let known = known.join(", ");
        for (key, (at, _)) in left {
            self.mistake(at.place, format!("{name} has no key {key:?}: it may have {known}"));
        }
    }

    fn required<'a>(&self, fields: &mut Fields<'a>, key: &'static str) -> Option<&'a Node> {
        let node = fields.take(key);
        if node.is_none() {
            self.mistake(fields.place, format!("{} has no {key}", fields.name));
        }
        node
    }

    fn entries<'a>(&self, node: &'a Node, name: &str) -> &'a [(Key, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            _ => {
                self.mistake(node.place, format!("{name} must be a map of keys and values"));
                &[]
            }
        }
    }

    fn items<'a>(&self, node: &'a Node, name: &str) -> &'a [Node] {
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.mistake(node.place, format!("{name} must be a list"));
                &[]
            }
        }
    }

    fn list<T: FromStr<Err: Display>>(&self, node: &Node, name: &str) -> Vec<T> {
        self.items(node, name).iter().filter_map(|node| self.parsed(node)).collect()
    }

    fn text<'a>(&self, node: &'a Node) -> Option<&'a str> {
        match &node.value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => {
                self.mistake(node.place, "this must be one value, not a list or a map");
                None
            }
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&self, node: &Node) -> Option<T> {
        self.read(node.place, self.text(node)?)
    }

    fn read<T: FromStr<Err: Display>>(&self, place: Place, text: &str) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.mistake(place, error.to_string())).ok()
    }

    fn one_of<T: Copy>(&self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(node.place, format!("{text:?} is not one of {}", words.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    fn number(&self, node: &Node, most: u32) -> Option<u32> {
        let text = self.text(node)?;
        let number = text.parse().ok().filter(|number| *number <= most);
        if number.is_none() {
            self.mistake(node.place, format!("{text:?} is not a number from 0 to {most}"));
        }
        number
    }

    /// A text with placeholders: none but those that can be filled in, and a good `T` once they are.
    fn pattern<T: FromStr<Err: Display>>(&self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        let known = FlowLogPattern::PLACEHOLDERS;
        // Ids and regions of a common length. One that is longer may break a limit later, and is said then.
        let filled = fill(text, ["1000000000000001", "cn-hangzhou", "vpc-bp1example00000000001"]);
        if filled.contains(['{', '}']) {
            self.mistake(node.place, format!("{text:?} holds an unknown placeholder: one of {}", known.join(", ")));
            return None;
        }
        self.read::<T>(node.place, &filled).map(|_| text.to_owned())
    }
}

impl FlowLogPattern {
    /// The documented defaults.
    fn new(project: String, log_store: String) -> Self {
        Self {
            project,
            log_store,
            traffic_type: TrafficType::All,
            aggregation_interval: AggregationInterval::Ten,
            traffic_path: Vec::new(),
            ip_version: None,
            name: NAME.to_owned(),
            description: DESCRIPTION.to_owned(),
            resource_group_id: None,
            tags: Tags::new(),
        }
    }
}
