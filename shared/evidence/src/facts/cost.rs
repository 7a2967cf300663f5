//! What flow logs cost.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What flow logs cost in a month, in one currency. Currencies are never converted, and unknown is never zero.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The date of the prices.
    pub prices_of: Date,
    /// Where the prices come from.
    pub source: String,
    /// How many days the month has that is computed.
    pub days: u16,
    /// What would not be charged without all duplicates together, in millionths; absent if there are none or that is unknown.
    /// It may differ from the sum of what each costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates_micros: Option<i64>,
    /// One for each flow log.
    pub rows: Vec<CostRow>,
    /// What costs besides.
    pub others: Vec<OtherCost>,
    /// What was charged, by account. Of the lines that name a flow log.
    pub bills: Vec<BilledMonth>,
    /// What was assumed or left out, in sentences.
    pub notes: Vec<String>,
}

/// A currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Currency {
    /// Chinese yuan.
    #[serde(rename = "CNY")]
    Cny,
    /// US dollars.
    #[serde(rename = "USD")]
    Usd,
}

impl Currency {
    /// The code of the currency.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
            Self::Usd => "USD",
        }
    }
}

/// What one flow log costs in a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CostRow {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The resource that is recorded.
    pub resource_id: String,
    /// The flow log.
    pub flow_log_id: String,
    /// The volume, in bytes; absent if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The cost, in millionths of the currency; absent if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micros: Option<i64>,
    /// What its schedule saves, in millionths of the currency; absent if it has none or that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_micros: Option<i64>,
    /// Whether some of the volume and the cost is an estimate.
    pub is_estimated: bool,
    /// Whether some of what its schedule saves is an estimate.
    #[serde(default)]
    pub is_saving_estimated: bool,
    /// The flow log that records the same traffic already, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
    /// What would not be charged without it, if it is a duplicate, in millionths of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoidable_micros: Option<i64>,
}

/// What costs besides the flow logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct OtherCost {
    /// The account, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What it is.
    pub kind: OtherKind,
    /// The cost, in millionths of the currency; absent if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micros: Option<i64>,
    /// Whether it may cost more than that, because a price is not known.
    #[serde(default)]
    pub is_at_least: bool,
}

impl OtherCost {
    /// Whether it is an estimate: how long functions run is assumed.
    #[must_use]
    pub fn is_estimated(&self) -> bool {
        self.kind == OtherKind::Flowkeeper
    }
}

/// What costs besides the flow logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OtherKind {
    /// The shards of the Logstores.
    Shards,
    /// Flowkeeper's own functions, by the timers of its template, and the Logstore of their lines.
    Flowkeeper,
    /// What may be on virtual border routers that the policy excludes, or that could not be read.
    Routers,
}

impl OtherKind {
    /// What it is, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shards => "Shards of Logstores",
            Self::Flowkeeper => "Flowkeeper itself",
            Self::Routers => "Excluded or unread routers, if anything is on them",
        }
    }
}

/// What an account was charged for its flow logs in a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct BilledMonth {
    /// The account.
    pub account: String,
    /// The month, as in `2026-10`.
    pub month: String,
    /// The currency of the bill.
    pub currency: String,
    /// The amount, in millionths of the currency.
    pub micros: i64,
}

/// A part of the costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostPart {
    /// What costs besides the flow logs; absent for the flow logs themselves.
    pub kind: Option<OtherKind>,
    /// The sum of what is known, in millionths; absent if none of it is.
    pub micros: Option<i64>,
    /// Whether some of it is not known.
    pub has_unknown: bool,
    /// Whether some of it is an estimate.
    pub is_estimated: bool,
}

impl CostPart {
    /// Sums up amounts with whether each is an estimate; nothing if there are none.
    fn of(kind: Option<OtherKind>, amounts: impl Iterator<Item = (Option<i64>, bool)>) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (micros, is_estimated) in amounts {
            let part = found.get_or_insert(Self { kind, micros: None, has_unknown: false, is_estimated: false });
            match micros {
                Some(micros) => part.micros = Some(part.micros.unwrap_or_default().saturating_add(micros)),
                None => part.has_unknown = true,
            }
            part.is_estimated |= is_estimated && micros.is_some();
        }
        found
    }
}

impl Cost {
    /// The sums of what is known of the costs, and of the savings, in millionths.
    #[must_use]
    pub fn totals(&self) -> (i64, i64) {
        let costs = self.rows.iter().map(|row| row.micros).chain(self.others.iter().map(|other| other.micros));
        let sum = |amounts: &mut dyn Iterator<Item = Option<i64>>| amounts.flatten().fold(0, i64::saturating_add);
        (sum(&mut costs.into_iter()), sum(&mut self.rows.iter().map(|row| row.saved_micros)))
    }

    /// The parts of the costs, each with its sum in millionths of what is known: flow logs, and what costs besides.
    #[must_use]
    pub fn parts(&self) -> Vec<CostPart> {
        let amounts = self.rows.iter().map(|row| (row.micros, row.is_estimated));
        let flow_logs = CostPart::of(None, amounts);
        let others = [OtherKind::Shards, OtherKind::Routers, OtherKind::Flowkeeper].into_iter().filter_map(|kind| {
            let of_kind = self.others.iter().filter(|other| other.kind == kind);
            CostPart::of(Some(kind), of_kind.map(|other| (other.micros, other.is_estimated())))
        });
        flow_logs.into_iter().chain(others).collect()
    }

    /// Whether something in the total of the costs is an estimate.
    #[must_use]
    pub fn is_estimated(&self) -> bool {
        self.rows.iter().any(|row| row.is_estimated) || self.others.iter().any(OtherCost::is_estimated)
    }

    /// Whether something in the total of the costs may cost more, because a price is not known.
    #[must_use]
    pub fn is_at_least(&self) -> bool {
        self.others.iter().any(|other| other.is_at_least)
    }

    /// Whether something in the total of the savings is an estimate.
    #[must_use]
    pub fn is_saving_estimated(&self) -> bool {
        self.rows.iter().any(|row| row.saved_micros.is_some() && row.is_saving_estimated)
    }

    /// Whether the cost of something is not in the total, because it is unknown.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.rows.iter().any(|row| row.micros.is_none()) || self.others.iter().any(|other| other.micros.is_none())
    }
}
