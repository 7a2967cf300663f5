//! The JSON Schema of a policy, with which an editor completes and explains its keys.
//!
//! It is built from the lists, limits and words that the parser reads by. It accepts whatever the parser accepts, and
//! refuses what the parser refuses, but for rules that JSON Schema cannot state. `docs/policy.md` lists these, and a
//! test holds both to each other.

use std::{borrow::Cow, ops::RangeInclusive};

use serde::{Serialize, Serializer};

use super::{
    FlowLogPattern, Foreign, Limits, Regions, Remediate, Superfluous,
    options::{BOOLEANS, BUILT_IN_SCHEDULES, LEVELS},
};
use crate::{
    AccountId, CreateDestination, FlowLog, FolderId, RegionId, ResourceType, RoleArn, RoleName, ids,
    names::{
        AggregationInterval, Description, EcrInterval, FlowLogName, IpVersion, LogStoreName, MAX_TAGS, ProjectName,
        ResourceGroupId, SamplingRate, TagKey, TagValue, TagWord, TrafficPath, TrafficType,
    },
    regions,
    schedule::DAYS,
};

/// Control characters, within a set of characters.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";
/// White space without control characters.
const BLANK: &str = r"[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";
/// No text that begins as a link.
const NO_LINK: &str = "(?!https?://)";
/// No text that contains a link.
const NO_LINK_WITHIN: &str = r"(?![\s\S]*https?://)";
/// What may follow the prefix of an id.
const WORD: &str = "[A-Za-z0-9_-]";

/// A JSON Schema of draft 2020-12, or a part of one. Its keys keep their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema(Vec<(Cow<'static, str>, Value)>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Value {
    Bool(bool),
    Number(usize),
    Text(Cow<'static, str>),
    List(Vec<Self>),
    Schema(Schema),
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Number(value)
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<const N: usize> From<[&'static str; N]> for Value {
    fn from(values: [&'static str; N]) -> Self {
        values.to_vec().into()
    }
}

impl From<Schema> for Value {
    fn from(schema: Schema) -> Self {
        Self::Schema(schema)
    }
}

impl Schema {
    fn new() -> Self {
        Self::default()
    }

    fn of_type(name: impl Into<Value>) -> Self {
        Self::new().with("type", name)
    }

    /// The definition of this name.
    fn reference(name: &str) -> Self {
        Self::new().with("$ref", format!("#/$defs/{name}"))
    }

    fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    /// Puts a description in front, where an editor's reader sees it first.
    fn about(mut self, description: &'static str) -> Self {
        self.0.insert(0, ("description".into(), description.into()));
        self
    }

    fn default_value(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    fn examples<V: Into<Value>, const N: usize>(self, values: [V; N]) -> Self {
        self.with("examples", Value::List(values.into_iter().map(Into::into).collect()))
    }

    fn length(self, length: &RangeInclusive<usize>) -> Self {
        self.with("minLength", *length.start()).with("maxLength", *length.end())
    }
}

/// The schema of a policy.
#[must_use]
pub fn schema() -> Schema {
    let there = |key: &'static str, schema: Schema| {
        Schema::new().with("properties", Schema::new().with(key, schema)).with("required", [key])
    };
    let only_other_accounts =
        there("own_account", Schema::new().with("enum", vec![false.into(), Value::from("false")]));
    let names_accounts = Schema::new().with(
        "anyOf",
        vec![
            there("accounts", Schema::of_type("array").with("minItems", 1)),
            there("resource_directory", Schema::of_type("object")),
        ],
    );
    let definitions = [
        ("region", region()),
        ("account", account()),
        ("folder", folder()),
        ("resource", resource_id(&ResourceType::ALL)),
        ("vpc", resource_id(&[ResourceType::Vpc])),
        ("schedule-name", schedule_name()),
        ("matched-tags", matched_tags()),
    ];
    let root = object(policy_keys(), &["flow_log"])
        .with("if", only_other_accounts)
        .with("then", names_accounts)
        .with("$defs", keyed(definitions));
    let mut schema = Schema::new()
        .with("$schema", "https://json-schema.org/draft/2020-12/schema")
        .with("title", "Flowkeeper policy")
        .with("description", "The flow logs that Flowkeeper keeps: where, what they record, and when they are on.");
    schema.0.extend(root.0);
    schema
}

// ---- the sections

type Keys = Vec<(&'static str, Schema)>;

fn policy_keys() -> Keys {
    let limits = Limits::default();
    vec![
        (
            "flow_log",
            object(flow_log_keys(true), &["project", "log_store"])
                .with("if", creates_destination())
                .with("then", project_begins_with_a_text())
                .about("What a flow log should look like, unless an override says otherwise."),
        ),
        (
            "schedules",
            or_null(map(object(schedule_keys(), &["time_zone", "on"])))
                .with("propertyNames", not_one_of(BUILT_IN_SCHEDULES.iter().map(|(name, _)| *name)))
                .about("Schedules, by name. `always` and `never` are built in."),
        ),
        (
            "coverage",
            words(LEVELS.iter().map(|(word, _)| *word))
                .default_value(LEVELS[0].0)
                .about("The level at which flow logs are kept. It is decided at the VPC."),
        ),
        (
            "regions",
            Schema::new()
                .with(
                    "anyOf",
                    vec![
                        words([Regions::ALL].into_iter()),
                        or_null(list(Schema::reference("region")).with("minItems", 1)),
                    ],
                )
                .about("The regions that sweeps read: a list, or `all` of an account. Default: the function's own region."),
        ),
        (
            "exclude_regions",
            or_null(list(Schema::reference("region")))
                .about("Regions that are neither swept nor handled when an event names one."),
        ),
        (
            "accounts",
            or_null(list(object(account_keys(), &["id", "role"])).with("uniqueItems", true))
                .about("Accounts besides the function's own, each handled through a role in it."),
        ),
        (
            "resource_directory",
            or_null(object(directory_keys(), &["role"])).about(
                "The accounts of an organization besides those under `accounts`, found anew by each sweep, each handled \
                 through a role in it.",
            ),
        ),
        (
            "own_account",
            booleans().default_value(true).about(
                "Whether the function's own account is handled. `false`: only those under `accounts` and \
                 `resource_directory`.",
            ),
        ),
        (
            "exclude",
            or_null(object(exclude_keys(), &[])).about("What is never touched, whatever else the policy says."),
        ),
        (
            "resource_tag",
            list(words(TagWord::ALL.iter().copied()))
                .default_value(TagWord::ALL.to_vec())
                .about("The words that are honored in the tag `flowkeeper` on a resource. `[]` honors none."),
        ),
        (
            "schedule",
            Schema::reference("schedule-name")
                .default_value(BUILT_IN_SCHEDULES[0].0)
                .about("When flow logs are on: `always`, `never` or one of the schedules."),
        ),
        (
            "overrides",
            or_null(list(override_item()))
                .about("Exceptions for some resources. The first match wins; its fields replace the defaults."),
        ),
        (
            "limits",
            or_null(object(limits_keys(limits), &[]))
                .about("What one sweep of one region may take away. Beyond that, it refuses all such changes."),
        ),
        (
            "foreign",
            words(Foreign::WORDS.iter().map(|(word, _)| *word))
                .default_value(Foreign::WORDS[0].0)
                .about("Flow logs made by others. `manage`: they are switched and modified, too, but never deleted."),
        ),
        (
            "replace",
            booleans().default_value(false).about(
                "Whether sweeps replace a flow log that cannot be changed in place. Needs `missing` and `drifted` under \
                 `remediate`.",
            ),
        ),
        (
            "remediate",
            list(words(Remediate::WORDS.iter().map(|(word, _)| *word)))
                .default_value(Remediate::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>())
                .about("What remediation may repair. The rest is reported."),
        ),
        (
            "superfluous",
            words(Superfluous::WORDS.iter().map(|(word, _)| *word))
                .default_value(Superfluous::WORDS[0].0)
                .about("Flowkeeper's own flow logs that one at a higher level makes redundant."),
        ),
        (
            "ecr_flow_log",
            or_null(object(ecr_keys(), &["project", "log_store"])).about(
                "What the flow logs of Express Connect Routers should look like, for create-ecr-flow-log. Without it, that \
                 function does nothing.",
            ),
        ),
    ]
}

/// The keys that `flow_log` and an override share. Only those of `flow_log` have defaults: an override replaces nothing
/// by default.
fn flow_log_keys(with_defaults: bool) -> Keys {
    let defaults = FlowLogPattern::new(String::new(), String::new());
    let or_default = |schema: Schema, value: Value| if with_defaults { schema.default_value(value) } else { schema };
    vec![
        (
            "project",
            lower_case(&ProjectName::LENGTH, ProjectName::ALSO).examples(["flowlog-{account}-{region}"]).about(PROJECT),
        ),
        ("log_store", lower_case(&LogStoreName::LENGTH, LogStoreName::ALSO).examples(["vpc"]).about(LOG_STORE)),
        (
            "create_destination",
            or_null(object(destination_keys(), &["retention_days"])).about(
                "Creates the project, the Logstore and its index where they are missing. The name of the project must begin \
                 with a text. Default: they are not created.",
            ),
        ),
        (
            "traffic_type",
            or_default(words(TrafficType::ALL.iter().copied()), defaults.traffic_type.as_str().into())
                .about("Which traffic is recorded. `Allow` and `Drop`: what access control allowed or refused."),
        ),
        (
            "aggregation_interval",
            or_default(words(AggregationInterval::ALL.iter().copied()), number(defaults.aggregation_interval.as_str()))
                .about("How long traffic is aggregated before a line is written, in minutes."),
        ),
        (
            "traffic_path",
            or_null(list(words(TrafficPath::ALL.iter().copied()))).about(
                "Which paths are recorded. Not sent unless given; any but `all` needs a ticket with Alibaba Cloud.",
            ),
        ),
        (
            "ip_version",
            words(IpVersion::ALL.iter().copied()).about("Which IP version is recorded. Not sent unless given."),
        ),
        (
            "name",
            or_default(pattern(&FlowLogName::LENGTH, NO_LINK), defaults.name.into())
                .about("The name of the flow log. May hold {account}, {region} and {resource_id}."),
        ),
        (
            "description",
            or_default(pattern(&Description::LENGTH, NO_LINK), defaults.description.into())
                .about("The description of the flow log. May hold {account}, {region} and {resource_id}."),
        ),
        ("resource_group_id", resource_group()),
        ("tags", new_tags(&TagValue::LENGTH, RESERVED)),
    ]
}

fn destination_keys() -> Keys {
    let (min, max) = (CreateDestination::MIN_RETENTION_DAYS, CreateDestination::MAX_RETENTION_DAYS);
    vec![(
        "retention_days",
        count(min.into()..=max.into(), None).examples([Value::Number(180)]).about(
            "How long the Logstore keeps flow logs, in days; 3650 is forever. A longer retention is left as it is.",
        ),
    )]
}

/// Whether `create_destination` is given.
fn creates_destination() -> Schema {
    let given = Schema::new().with("create_destination", Schema::of_type("object"));
    Schema::new().with("properties", given).with("required", ["create_destination"])
}

fn project_begins_with_a_text() -> Schema {
    Schema::new().with("properties", Schema::new().with("project", Schema::new().with("pattern", r"^[^\{]")))
}

const PROJECT: &str = "The SLS project. May hold {account}, {region} and {resource_id}.";
const LOG_STORE: &str = "The Logstore. May hold {account}, {region} and {resource_id}.";

fn schedule_keys() -> Keys {
    let day = format!("(?:{})", DAYS.map(|(name, _)| name).join("|"));
    let days = format!("{day}(?:-{day})?");
    let time = "(?:[01][0-9]|2[0-3]):[0-5][0-9]";
    let window = format!(r"^{BLANK}*{days}(?:,{days})*{BLANK}+({time})-(?!\1{BLANK}*$)(?:{time}|24:00){BLANK}*$");
    let date = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])";
    let dates = format!(r"^{BLANK}*{date}{BLANK}*(?:\.\.{BLANK}*{date}{BLANK}*)?$");
    let on_date = format!("^{BLANK}*{date}(?:{BLANK}* as {BLANK}*{day})?{BLANK}*$");
    let text = |pattern: String| Schema::of_type("string").with("pattern", pattern);
    vec![
        (
            "time_zone",
            text("^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*$".to_owned())
                .examples(["Asia/Shanghai", "Asia/Singapore", "Europe/Berlin", "America/New_York", "UTC"])
                .about("The IANA time zone of the windows and dates."),
        ),
        (
            "on",
            list(text(window).examples(["Mon-Fri 07:00-21:00", "Sat,Sun 22:00-06:00", "Mon-Sun 00:00-24:00"]))
                .with("minItems", 1)
                .about(
                    "The windows during which flow logs are on. Windows may cross midnight; days may wrap (Fri-Mon).",
                ),
        ),
        (
            "off_dates",
            or_null(list(text(dates).examples(["2026-10-01", "2026-10-01..2026-10-07"])))
                .about("Dates on which no window begins, such as public holidays."),
        ),
        (
            "on_dates",
            or_null(list(text(on_date).examples(["2026-09-20", "2026-10-10 as Fri"])).with("uniqueItems", true))
                .about("Dates that follow the windows of another day of the week; of a Monday unless they say."),
        ),
    ]
}

fn account_keys() -> Keys {
    let role =
        format!("^acs:ram::[0-9]{{1,{}}}:role/[A-Za-z0-9_./-]{{1,{}}}$", AccountId::MAX_LENGTH, RoleArn::MAX_NAME);
    vec![
        ("id", Schema::reference("account").about("The id of the account.")),
        (
            "role",
            Schema::of_type("string")
                .with("pattern", role)
                .examples(["acs:ram::1000000000000002:role/flowkeeper"])
                .about("The role to assume, which is in that account."),
        ),
        ("external_id", text().about("The external id that the role's trust policy asks for.")),
    ]
}

fn directory_keys() -> Keys {
    let folders = || list(Schema::reference("folder")).with("uniqueItems", true);
    let role = format!("^[A-Za-z0-9_.-]{{1,{}}}$", RoleName::MAX_LENGTH);
    let exclude = vec![
        ("accounts", or_null(list(Schema::reference("account"))).about("These accounts.")),
        ("folders", or_null(folders()).about("Accounts in these folders, and in the folders below.")),
        ("tags", tags(&TagValue::LENGTH, RESERVED).about("Accounts that carry one of these tags.")),
    ];
    vec![
        (
            "role",
            scalar()
                .with("pattern", role)
                .examples(["flowkeeper"])
                .about("The name of the role to assume, which is the same in each account."),
        ),
        ("external_id", text().about("The external id that the roles' trust policies ask for.")),
        (
            "folders",
            or_null(folders().with("minItems", 1))
                .about("Only accounts in these folders, and in the folders below. Default: the whole directory."),
        ),
        ("exclude", or_null(object(exclude, &[])).about("Accounts that are left out, for any one of these reasons.")),
    ]
}

fn exclude_keys() -> Keys {
    vec![
        ("ids", or_null(list(Schema::reference("resource"))).about("These resources, with everything in them.")),
        ("tags", Schema::reference("matched-tags").about("Resources that carry one of these tags themselves.")),
    ]
}

fn override_item() -> Schema {
    let mut keys = vec![
        (
            "match",
            object(match_keys(), &[])
                .with("minProperties", 1)
                // Not all of them may be null, which is as good as absent.
                .with("not", map(Schema::of_type("null")))
                .about("Which resources the override applies to. All that is given must match."),
        ),
        (
            "coverage",
            words(LEVELS.iter().map(|(word, _)| *word)).about(
                "The level at which flow logs are kept in the VPCs that match. The first matching override with \
                 `coverage` decides.",
            ),
        ),
        ("schedule", Schema::reference("schedule-name").about("When the flow logs of these resources are on.")),
    ];
    keys.extend(flow_log_keys(false));
    // Coverage is decided for a VPC as a whole.
    let names_vpcs =
        ["match", "ids"].iter().rev().fold(Schema::new().with("items", Schema::reference("vpc")), |inner, key| {
            Schema::new().with("properties", Schema::new().with(*key, inner))
        });
    object(keys, &["match"]).with("if", Schema::new().with("required", ["coverage"])).with("then", names_vpcs)
}

fn match_keys() -> Keys {
    let some = |items| or_null(list(Schema::reference(items)).with("minItems", 1));
    vec![
        (
            "tags",
            Schema::reference("matched-tags").with("minProperties", 1).about("Resources that carry all of these tags."),
        ),
        ("ids", some("resource").about("These resources. With `coverage`, VPCs only.")),
        ("vpc_ids", some("vpc").about("These VPCs, and everything in them.")),
        ("accounts", some("account").about("Resources in these accounts.")),
        ("regions", some("region").about("Resources in these regions.")),
    ]
}

fn limits_keys(defaults: Limits) -> Keys {
    let default = |value: u32| Value::from(value as usize);
    vec![
        (
            "max_changes",
            count(0..=Limits::MAX_CHANGES, None)
                .default_value(default(defaults.max_changes))
                .about("The most changes that can take recording away, per sweep and region."),
        ),
        (
            "max_changes_percent",
            count(0..=Limits::MAX_PERCENT, None)
                .default_value(default(defaults.max_changes_percent))
                .about("The same as a percentage of the checked resources. Applies above 10 changes."),
        ),
        (
            "max_creations",
            count(0..=Limits::MAX_CHANGES, Some("none"))
                .default_value("none")
                .about("The most new flow logs, per sweep and region: `none` (no limit) or a number."),
        ),
    ]
}

fn ecr_keys() -> Keys {
    let defaults = FlowLogPattern::new(String::new(), String::new());
    vec![
        ("project", lower_case(&ProjectName::LENGTH, ProjectName::ALSO).examples(["ecr-{account}"]).about(PROJECT)),
        ("log_store", lower_case(&LogStoreName::LENGTH, LogStoreName::ALSO).examples(["ecr"]).about(LOG_STORE)),
        (
            "interval",
            words(EcrInterval::ALL.iter().copied())
                .default_value(number(EcrInterval::default().as_str()))
                .about("How long traffic is aggregated before a line is written, in seconds."),
        ),
        (
            "sampling_rate",
            words(SamplingRate::ALL.iter().copied())
                .default_value(SamplingRate::default().as_str())
                .about("Which share of the packets is sampled."),
        ),
        (
            "target_sls_region",
            Schema::reference("region").about("The region of the SLS project. Not sent unless given."),
        ),
        ("resource_group_id", resource_group()),
        (
            "name",
            pattern(&FlowLogName::ECR_LENGTH, NO_LINK)
                .default_value(defaults.name)
                .about("The name of the flow log; may be empty."),
        ),
        (
            "description",
            pattern(&Description::ECR_LENGTH, NO_LINK)
                .default_value(defaults.description)
                .about("The description of the flow log; may be empty."),
        ),
        ("tags", new_tags(&TagValue::ECR_LENGTH, "(?!acs:)")),
        (
            "schedule",
            Schema::reference("schedule-name").about("When these flow logs are on. Default: the policy's `schedule`."),
        ),
    ]
}

// ---- what the sections share

fn region() -> Schema {
    let known = Schema::new().with("enum", regions::known().collect::<Vec<_>>());
    let new =
        Schema::of_type("string").with("pattern", "^[a-z0-9][a-z0-9-]*-[a-z0-9-]*[a-z0-9]$").length(&RegionId::LENGTH);
    Schema::new().with("anyOf", vec![known, new])
}

fn account() -> Schema {
    Schema::of_type(["string", "integer"])
        .with("pattern", format!("^[0-9]{{1,{}}}$", AccountId::MAX_LENGTH))
        .with("minimum", 0)
        .examples(["1000000000000002"])
}

fn folder() -> Schema {
    Schema::of_type("string")
        .with("pattern", format!("^(?:{}){WORD}{{1,{}}}$", FolderId::PREFIXES.join("|"), ids::MAX_WORD))
        .examples(["fd-example00001"])
}

fn resource_id(types: &[ResourceType]) -> Schema {
    let prefixes: Vec<_> = types.iter().map(|resource_type| resource_type.prefix()).collect();
    let examples = prefixes.iter().map(|prefix| format!("{prefix}bp1example00000000001")).collect::<Vec<_>>();
    Schema::of_type("string")
        .with("pattern", format!("^(?:{}){WORD}{{1,{}}}$", prefixes.join("|"), ids::MAX_WORD))
        .with("examples", examples)
}

fn resource_group() -> Schema {
    Schema::of_type("string")
        .with("pattern", "^rg-[A-Za-z0-9-]+$")
        .length(&ResourceGroupId::LENGTH)
        .about("The resource group of the flow log. Not sent unless given.")
}

fn schedule_name() -> Schema {
    let built_in = words(BUILT_IN_SCHEDULES.iter().map(|(name, _)| *name));
    Schema::new().with("anyOf", vec![built_in, text()])
}

fn matched_tags() -> Schema {
    or_null(map(text())).with("propertyNames", text())
}

/// What the key of a tag may not begin with, nor the value of most.
const RESERVED: &str = "(?!aliyun|acs:)";

/// A text of a tag, which begins with `beginning`.
fn tag_text(length: &RangeInclusive<usize>, beginning: &str) -> Schema {
    let pattern = format!("^{beginning}{NO_LINK_WITHIN}[^{CONTROL}]*$");
    scalar().with("pattern", pattern).length(length)
}

/// Tags that keep the API's limits, and whose values begin with `beginning`.
fn tags(value_length: &RangeInclusive<usize>, beginning: &str) -> Schema {
    or_null(map(tag_text(value_length, beginning))).with("propertyNames", tag_text(&TagKey::LENGTH, RESERVED))
}

/// Tags to set, whose values begin with `beginning`.
fn new_tags(value_length: &RangeInclusive<usize>, beginning: &str) -> Schema {
    let key = tag_text(&TagKey::LENGTH, RESERVED).with("not", Schema::new().with("const", FlowLog::OWN_TAG.0));
    or_null(map(tag_text(value_length, beginning)))
        .with("propertyNames", key)
        .with("maxProperties", MAX_TAGS - 1)
        .about("Tags of the flow log, besides managed-by: flowkeeper, which marks Flowkeeper's own.")
}

fn booleans() -> Schema {
    words(BOOLEANS.iter().map(|(word, _)| *word))
}

// ---- the kinds of values

/// Any text. The parser takes an unquoted number or boolean for the text that is written.
fn text() -> Schema {
    scalar().with("pattern", format!("^[^{CONTROL}]*$"))
}

fn scalar() -> Schema {
    Schema::of_type(["string", "number", "boolean"])
}

/// A text with placeholders, which begins with `beginning`. Placeholders only become longer when they are filled in.
fn pattern(length: &RangeInclusive<usize>, beginning: &str) -> Schema {
    let placeholder = placeholder();
    scalar().with("pattern", format!("^{beginning}(?:[^{{}}{CONTROL}]|{placeholder})*$")).length(length)
}

/// A text with placeholders, of lower-case letters, digits and `also`, which are neither first nor last.
fn lower_case(length: &RangeInclusive<usize>, also: &str) -> Schema {
    let placeholder = placeholder();
    let (edge, inner) = (format!("(?:[a-z0-9]|{placeholder})"), format!("(?:[a-z0-9{also}]|{placeholder})"));
    scalar().with("pattern", format!("^{edge}(?:{inner}*{edge})?$")).length(length)
}

fn placeholder() -> String {
    let names = FlowLogPattern::PLACEHOLDERS.map(|name| name.trim_matches(['{', '}']));
    format!(r"\{{(?:{})\}}", names.join("|"))
}

/// One of these words. A number or a boolean may be quoted or not.
fn words(words: impl Iterator<Item = &'static str>) -> Schema {
    let values = words.flat_map(|word| {
        let unquoted = match word.parse::<bool>() {
            Ok(value) => Some(Value::Bool(value)),
            Err(_) => word.parse().ok().map(Value::Number),
        };
        unquoted.into_iter().chain([Value::from(word)])
    });
    Schema::new().with("enum", values.collect::<Vec<_>>())
}

/// The number that a word is written as.
fn number(word: &'static str) -> Value {
    word.parse().map_or_else(|_| word.into(), Value::Number)
}

/// A number in this range, which begins with 0 or 1, or a word.
fn count(range: RangeInclusive<u32>, word: Option<&str>) -> Schema {
    let (min, max) = range.into_inner();
    let word = word.map(|word| format!("|{word}")).unwrap_or_default();
    let no_zero = if min > 0 { r"(?!\+?0+$)" } else { "" };
    Schema::of_type(["integer", "string"])
        .with("minimum", min as usize)
        .with("maximum", max as usize)
        .with("pattern", format!(r"^{no_zero}(?:\+?0*(?:{}){word})$", digits_up_to(max)))
}

/// A regular expression for the numbers up to `max`, without leading zeros.
fn digits_up_to(max: u32) -> String {
    let digits = max.to_string();
    let shorter = (digits.len() > 1).then(|| format!("[0-9]{{1,{}}}", digits.len() - 1));
    // As long as `max`: the same digits up to one that is smaller, and then any.
    let smaller = digits.char_indices().filter(|(_, digit)| *digit > '0').filter_map(|(at, digit)| {
        let least = if at == 0 && digits.len() > 1 { '1' } else { '0' };
        let less = char::from_u32(u32::from(digit) - 1).filter(|less| *less >= least)?;
        let rest = digits.len() - at - 1;
        let any = if rest == 0 { String::new() } else { format!("[0-9]{{{rest}}}") };
        Some(format!("{}[{least}-{less}]{any}", &digits[..at]))
    });
    shorter.into_iter().chain(smaller).chain([digits.clone()]).collect::<Vec<_>>().join("|")
}

fn list(items: Schema) -> Schema {
    Schema::of_type("array").with("items", items)
}

/// A map with keys of its own, whose values are alike.
fn map(values: Schema) -> Schema {
    Schema::of_type("object").with("additionalProperties", values)
}

/// A map with these keys and no others.
fn object(keys: Keys, required: &[&'static str]) -> Schema {
    let schema = Schema::of_type("object").with("properties", keyed(keys)).with("additionalProperties", false);
    if required.is_empty() { schema } else { schema.with("required", required.to_vec()) }
}

fn keyed(entries: impl IntoIterator<Item = (&'static str, Schema)>) -> Schema {
    entries.into_iter().fold(Schema::new(), |schema, (key, value)| schema.with(key, value))
}

/// No control characters, and none of these texts.
fn not_one_of(texts: impl Iterator<Item = &'static str>) -> Schema {
    text().with("not", Schema::new().with("enum", texts.collect::<Vec<_>>()))
}

/// The same, or null: a list or a map without a value is as good as absent.
fn or_null(mut schema: Schema) -> Schema {
    for (key, value) in &mut schema.0 {
        if let (true, Value::Text(name)) = (key == "type", &*value) {
            *value = Value::List(vec![Value::Text(name.clone()), "null".into()]);
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_numbers_up_to_the_maximum(max in 0..2_000_u32, number in 0..2_500_u32) {
            let pattern = regex(&format!("^(?:{})$", digits_up_to(max)));
            prop_assert_eq!(pattern.is_valid(&number.to_string().into()), number <= max, "{}", digits_up_to(max));
        }
    }

    /// A validator for texts that match this expression.
    fn regex(pattern: &str) -> jsonschema::Validator {
        jsonschema::validator_for(&serde_json::json!({"pattern": pattern})).unwrap()
    }

    #[test]
    fn every_time_zone_that_is_known_has_a_name_that_the_schema_takes() {
        let keys = serde_json::to_value(keyed(schedule_keys())).unwrap();
        let time_zone = jsonschema::validator_for(&keys["time_zone"]).unwrap();
        let mut count = 0;
        for name in jiff::tz::db().available() {
            assert!(time_zone.is_valid(&name.as_str().into()), "{name}");
            count += 1;
        }
        assert!(count > 400, "{count}");
    }
}
