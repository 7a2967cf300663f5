//! What flow logs cost.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What flow logs cost in a month, in one currency. Currencies are never converted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The date of the prices.
    pub prices_of: Date,
    /// Where the prices come from.
    pub source: String,
    /// One for each flow log.
    pub rows: Vec<CostRow>,
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
    /// The volume, in bytes.
    pub bytes: u64,
    /// The cost, in millionths of the currency.
    pub micros: i64,
    /// What its schedule saves, in millionths of the currency.
    pub saved_micros: i64,
    /// Whether some of it is an estimate.
    pub is_estimated: bool,
}

impl Cost {
    /// The sums of the costs and of the savings, in millionths.
    #[must_use]
    pub fn totals(&self) -> (i64, i64) {
        let sum = |of: fn(&CostRow) -> i64| self.rows.iter().map(of).fold(0, i64::saturating_add);
        (sum(|row| row.micros), sum(|row| row.saved_micros))
    }
}
