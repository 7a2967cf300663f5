//! What a run read: the input of every report.

mod cost;
mod read;
mod result;
mod schedule;

use std::collections::BTreeSet;

use flow_log::ResourceType;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::result::word;
pub use self::{
    cost::{BilledMonth, Cost, CostPart, CostRow, Currency, OtherCost, OtherKind},
    read::{Calls, Failure, Judged, Note, NoteState, Read, Service},
    result::{
        Change, Delivery, DeliveryState, FlowLogState, Kind, LogStore, NextChange, Omitted, OmittedDeliveries,
        ResourceResult, TagUsed, Word,
    },
    schedule::{Day, Span, Week},
};
use crate::text::{counted, names};

/// What a run read. Lists may come in any order; evidence sorts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Which program made the report, and when.
    pub head: Head,
    /// The policy that the run compared with.
    pub policy: PolicyName,
    /// Who asked, one for each identity that was used.
    pub callers: Vec<Caller>,
    /// What the run was asked to read.
    pub asked: Asked,
    /// How exceptions count when a control is assessed.
    #[serde(default)]
    pub exceptions_count_as: ExceptionsCountAs,
    /// How many resources the run judged, counted while it judged them.
    pub judged: Vec<Judged>,
    /// The calls that read resources and flow logs.
    pub reads: Vec<Read>,
    /// Whether the flow log service is open, by account.
    pub services: Vec<Service>,
    /// One for each resource.
    pub results: Vec<ResourceResult>,
    /// How many resources have no result, because a report takes no more. They are in all sums.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omitted: Vec<Omitted>,
    /// What the run found about whole accounts and regions, and about anything else that is no resource.
    pub notes: Vec<Note>,
    /// The changes that the run made, or would have made.
    pub changes: Vec<Change>,
    /// How many further changes are only counted, because a report takes no more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted_changes: u64,
    /// The Logstores that flow logs write to.
    pub log_stores: Vec<LogStore>,
    /// Whether records arrived, by flow log.
    pub deliveries: Vec<Delivery>,
    /// How many flow logs have no delivery, because a report takes no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omitted_deliveries: Vec<OmittedDeliveries>,
    /// The policy's schedules.
    pub schedules: Vec<Week>,
    /// What flow logs cost, by currency. Empty if costs were not asked for.
    pub costs: Vec<Cost>,
}

impl Facts {
    /// Sorts every list and drops what is said twice, so that equal facts are written in one way.
    pub(crate) fn normalize(&mut self) {
        fn tidy<T: Ord>(list: &mut Vec<T>) {
            // Equal items are alike, so that their order does not matter.
            list.sort_unstable();
            list.dedup();
        }
        tidy(&mut self.head.versions);
        tidy(&mut self.head.binaries);
        tidy(&mut self.callers);
        tidy(&mut self.asked.kinds);
        tidy(&mut self.asked.left_out);
        for asked in &mut self.asked.accounts {
            tidy(&mut asked.regions);
        }
        tidy(&mut self.asked.accounts);
        for part in &mut self.judged {
            tidy(&mut part.accounts);
        }
        tidy(&mut self.judged);
        tidy(&mut self.reads);
        tidy(&mut self.services);
        tidy(&mut self.results);
        tidy(&mut self.omitted);
        tidy(&mut self.notes);
        tidy(&mut self.changes);
        tidy(&mut self.log_stores);
        tidy(&mut self.deliveries);
        tidy(&mut self.omitted_deliveries);
        tidy(&mut self.schedules);
        for cost in &mut self.costs {
            tidy(&mut cost.rows);
            tidy(&mut cost.others);
            tidy(&mut cost.bills);
            tidy(&mut cost.notes);
        }
        tidy(&mut self.costs);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Which program made the report, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Head {
    /// The program, such as `flowkeeper`.
    pub tool: String,
    /// Its version. Several, if the program was updated during the run of an organization.
    pub versions: Vec<String>,
    /// Its file. Several, if the program was updated during the run of an organization. None, if an earlier version wrote
    /// the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binaries: Vec<Binary>,
    /// The id of the run.
    pub run: String,
    /// When the first call was made.
    pub started: Timestamp,
    /// When the last answer arrived.
    pub ended: Timestamp,
    /// How far the machine's clock was ahead of the cloud's `Date` header, in milliseconds; absent if unknown. Of
    /// several parts, the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
}

/// The file of the program that made the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Binary {
    /// Its SHA-256, as 64 hexadecimal digits; absent if it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_unknown: Option<String>,
}

/// The policy, by name and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyName {
    /// Where the policy was found, such as `policy.yml`.
    pub name: String,
    /// The SHA-256 of its text, as 64 hexadecimal digits.
    pub sha256: String,
}

/// An identity that made calls. It never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Caller {
    /// The account that the identity belongs to.
    pub account: String,
    /// The ARN of the user or of the assumed role.
    pub arn: String,
    /// Where the credentials were found, such as `profile audit` or `Function Compute`.
    pub source: String,
}

/// What the run was asked to read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// The accounts, with the regions of each.
    pub accounts: Vec<AskedAccount>,
    /// The kinds of resource at which the policy keeps flow logs.
    pub kinds: Vec<Kind>,
    /// What was not asked for, and why.
    pub left_out: Vec<LeftOut>,
}

impl Asked {
    /// How many accounts and regions are outside the scope, and what else is, in words; `None` if nothing is. What is not
    /// named one by one is told as it is.
    #[must_use]
    pub fn outside(&self) -> Option<String> {
        let mut told = Vec::new();
        for (part, noun) in [(Part::Account, Some("account")), (Part::Region, Some("region")), (Part::Other, None)] {
            let of_part = self.left_out.iter().filter(|it| it.part == part).map(|it| it.what.as_str());
            let (single, others): (BTreeSet<_>, BTreeSet<_>) = of_part.partition(|what| !what.contains(' '));
            match noun {
                Some(noun) if !single.is_empty() => {
                    let at_least = if others.is_empty() { "" } else { "at least " };
                    told.push(format!("{at_least}{}", counted(single.len() as u64, noun)));
                }
                _ => told.extend(single.into_iter().chain(others).map(str::to_owned)),
            }
        }
        (!told.is_empty()).then(|| names(told.iter().map(String::as_str)))
    }
}

/// An account in scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct AskedAccount {
    /// The id of the account.
    pub account: String,
    /// Its name in the directory, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The regions in scope. Empty if they could not be listed: then the account is unread.
    pub regions: Vec<String>,
}

/// Something outside the scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// An account, a region or a kind of resource.
    pub what: String,
    /// Why it was not asked for.
    pub why: String,
    /// Which part of the cloud it is.
    #[serde(default)]
    pub part: Part,
}

/// A part of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// An account, or several.
    Account,
    /// A region, or several.
    Region,
    /// Anything else, such as a kind of resource.
    #[default]
    Other,
}

/// How resources that are off or left alone on purpose count when a control is assessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionsCountAs {
    /// Set aside and named: neither passed nor failed.
    #[default]
    Exception,
    /// Failed, as for a checker that does not know the policy.
    Failure,
}

impl From<ResourceType> for Kind {
    fn from(found: ResourceType) -> Self {
        match found {
            ResourceType::Vpc => Self::Vpc,
            ResourceType::VSwitch => Self::VSwitch,
            ResourceType::NetworkInterface => Self::NetworkInterface,
        }
    }
}
