//! What was found about resources, their flow logs, and where these deliver.

use std::borrow::Cow;

use flow_log::Verdict;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};

use super::read::{Calls, Failure};

/// A kind of resource, as the API calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A virtual private cloud.
    #[serde(rename = "VPC")]
    Vpc,
    /// A vSwitch.
    VSwitch,
    /// An elastic network interface.
    NetworkInterface,
    /// A virtual border router.
    #[serde(rename = "VBR")]
    Vbr,
    /// An Express Connect Router.
    #[serde(rename = "ECR")]
    Ecr,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Vpc, Self::VSwitch, Self::NetworkInterface, Self::Vbr, Self::Ecr];

    /// The API's name of the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vpc => "VPC",
            Self::VSwitch => "VSwitch",
            Self::NetworkInterface => "NetworkInterface",
            Self::Vbr => "VBR",
            Self::Ecr => "ECR",
        }
    }

    /// Finds the kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The operation that lists all resources of the kind in a region. Routers are listed once for an account, and not
    /// in each region.
    #[must_use]
    pub const fn listed_by(self) -> Option<&'static str> {
        match self {
            Self::Vpc => Some("DescribeVpcs"),
            Self::VSwitch => Some("DescribeVSwitches"),
            Self::NetworkInterface => Some("DescribeNetworkInterfaces"),
            Self::Vbr | Self::Ecr => None,
        }
    }
}

/// What was found about one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ResourceResult {
    /// The account that it was read in.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name. Anybody who may create resources chooses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether IPv6 is enabled in it. Absent if the API did not say; it says so of some kinds only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_ipv6: Option<bool>,
    /// The verdict when it was read, before any change.
    #[schemars(schema_with = "verdict_schema")]
    pub verdict: Verdict,
    /// Why, as a sentence.
    pub reason: String,
    /// Whether a person should look at it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_finding: bool,
    /// Whether it is off or left alone on purpose: by a tag, a schedule or the policy's `exclude`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_exception: bool,
    /// Whether the run repaired it. It was not read again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_changed: bool,
    /// The flow log that covers it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_log: Option<FlowLogState>,
    /// The schedule or the tag that decides when it records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// When it is switched next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_change: Option<NextChange>,
    /// The tags that decided about it. Who set them is not known: no list of tags says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags_used: Vec<TagUsed>,
    /// The call that failed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<Failure>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn verdict_schema(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Verdict::ALL.map(|verdict| verdict.to_string()) })
}

/// Resources without a result, because a report lists no more. They are counted here. The list has the worst:
/// findings and the unknown come first, compliant resources last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Omitted {
    /// The account that they were read in.
    pub account: String,
    /// Their region.
    pub region: String,
    /// Their kind.
    pub kind: Kind,
    /// Their verdict.
    #[schemars(schema_with = "verdict_schema")]
    pub verdict: Verdict,
    /// Whether a person should look at them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_finding: bool,
    /// Whether they are off or left alone on purpose.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_exception: bool,
    /// Whether the run repaired them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_changed: bool,
    /// How many.
    pub count: u64,
}

/// Flow logs without a delivery, because a report lists no more. They are counted here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OmittedDeliveries {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// What can be said about them. Unknown if they were not counted.
    pub state: DeliveryState,
    /// How many.
    pub count: u64,
}

/// A word of the API. Those that nearly every flow log has take no memory of their own.
pub type Word = Cow<'static, str>;

/// Returns a word of the API.
pub(crate) fn word(text: &str) -> Word {
    const USUAL: [&str; 5] = ["All", "Allow", "Drop", "IPv4", "all"];
    USUAL.into_iter().find(|usual| *usual == text).map_or_else(|| text.to_owned().into(), Cow::Borrowed)
}

/// A flow log as it was read. What the API did not say is absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FlowLogState {
    /// Its id.
    pub id: String,
    /// Its status in the API's words, such as `Active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The traffic that it records: `All`, `Allow` or `Drop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_type: Option<Word>,
    /// The paths whose traffic it records. `all`, the API's default, is every path, and so is an empty list. Any other path
    /// is traffic through a gateway, an endpoint or a router alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_path: Option<Vec<Word>>,
    /// The IP version whose traffic it records, such as `IPv4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<Word>,
    /// The aggregation interval in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_minutes: Option<u32>,
    /// The project that it writes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The Logstore that it writes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_store: Option<String>,
    /// Why its records may not arrive, in the words of `DescribeFlowLogs`; absent if nothing suggests that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impairment: Option<String>,
}

impl FlowLogState {
    /// The traffic paths in words; `None` if the API did not say.
    #[must_use]
    pub(crate) fn paths(&self) -> Option<String> {
        let paths = self.traffic_path.as_deref()?;
        let is_all = paths.is_empty() || paths.iter().any(|path| path.eq_ignore_ascii_case("all"));
        Some(if is_all { "all paths".to_owned() } else { paths.join(", ") })
    }

    /// A flow log that could not be read: only its id is known.
    #[must_use]
    pub const fn unread(id: String) -> Self {
        Self {
            id,
            status: None,
            traffic_type: None,
            traffic_path: None,
            ip_version: None,
            interval_minutes: None,
            project: None,
            log_store: None,
            impairment: None,
        }
    }
}

/// A tag that decided about a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct TagUsed {
    /// The resource that carries it: the resource itself, or its VPC.
    pub on: String,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The part of the policy that asks for it: `exclude`, `resource_tag`, or the number of an override, such as
    /// `override 2`.
    pub used_by: String,
}

/// When a flow log is switched next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NextChange {
    /// When.
    pub at: Timestamp,
    /// Whether it records from then.
    pub is_on: bool,
}

/// A change that the run made, or would have made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The resource, or the project or Logstore, that it is about.
    pub subject: String,
    /// The API action.
    pub action: String,
    /// The outcome: `done`, `planned`, `skipped`, `failed` or `unfinished`.
    pub outcome: String,
    /// The flow log that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_log_id: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
    /// The flow log before it was deleted, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The call that failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// A Logstore that flow logs write to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LogStore {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// For how many days it keeps records, its `ttl`; 3650 means for ever. Absent if that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_unknown: Option<String>,
    /// Whether it is known not to be there, so that it keeps nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_gone: bool,
    /// The call that failed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// The calls that read it, and that counted the records of all flow logs that deliver to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Calls>,
}

/// Whether the records of a flow log arrived in a time window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The flow log.
    pub flow_log_id: String,
    /// The project of the Logstore in which its records were counted; the calls are with that Logstore. Absent if none is
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The Logstore in which its records were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_store: Option<String>,
    /// The beginning of the window.
    pub from: Timestamp,
    /// The end of the window.
    pub to: Timestamp,
    /// What can be said about it.
    pub state: DeliveryState,
    /// The end of the last record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_record: Option<Timestamp>,
    /// All records in the window; absent if they could not be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The bytes of the traffic in these records: what flowed, and not what was written. Absent if they could not be added
    /// up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Records that say that nothing flowed, `NODATA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data: Option<u64>,
    /// Records that say that records were lost, `SKIPDATA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_data: Option<u64>,
    /// Why it is unknown, or why no record can arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_unknown: Option<String>,
    /// The call that failed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// What can be said about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It could not be found out.
    Unknown,
    /// No record at all arrived, although some were due.
    Silent,
    /// Records say that others were lost.
    RecordsLost,
    /// No network interface is in use where it records, so nothing is due.
    NothingToRecord,
    /// Records say that nothing flowed.
    NothingFlowed,
    /// Records of traffic arrived.
    Delivers,
}

impl DeliveryState {
    /// Whether a person should look: records are lost, or do not arrive.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::Silent | Self::RecordsLost)
    }
}
