//! All of it in one statement.

use jiff::civil::Date;

use crate::{Amount, Currency, FunctionCost, FunctionUsage, LogUsage, PriceTable, RegionCost, RegionUsage};

/// What flow logs and Flowkeeper cost in a month, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The currency of all amounts.
    pub currency: Currency,
    /// When the prices were looked up.
    pub prices_of: Date,
    /// Where the prices are from.
    pub source: String,
    /// The regions of each account.
    pub regions: Vec<RegionCost>,
    /// Flowkeeper's functions.
    pub functions: Vec<FunctionCost>,
    /// The Logstore that they write their lines to: its shards, and taking the lines in and keeping them.
    pub log_store: Option<Amount>,
}

impl Statement {
    /// Computes the statement of a month.
    #[must_use]
    pub fn of(regions: &[RegionUsage], functions: &[FunctionUsage], table: &PriceTable) -> Self {
        Self {
            currency: table.currency,
            prices_of: table.date,
            source: table.source.clone(),
            regions: regions.iter().map(|usage| RegionCost::of(usage, table)).collect(),
            functions: functions.iter().map(|usage| usage.cost(table)).collect(),
            log_store: None,
        }
    }

    /// Adds the Logstore of Flowkeeper's own lines.
    #[must_use]
    pub fn with_logs(self, LogUsage { log_store, bytes, days }: &LogUsage, table: &PriceTable) -> Self {
        let amount = log_store.cost(*bytes, table) + log_store.shards_cost(*days, table);
        Self { log_store: Some(amount), ..self }
    }

    /// Returns what is known of the cost of flow logs.
    #[must_use]
    pub fn flow_logs(&self) -> Amount {
        self.regions.iter().filter_map(RegionCost::total).sum()
    }

    /// Returns what Flowkeeper itself costs: its functions, and the Logstore of their lines.
    #[must_use]
    pub fn flowkeeper(&self) -> Amount {
        let functions: Amount = self.functions.iter().map(FunctionCost::total).sum();
        functions + self.log_store.unwrap_or_default()
    }

    /// Whether Flowkeeper itself may cost more than that: the table does not say what a function costs at least in an hour.
    #[must_use]
    pub fn is_at_least(&self) -> bool {
        self.functions.iter().any(|function| function.least.is_none())
    }

    /// Returns what is known of all costs.
    #[must_use]
    pub fn total(&self) -> Amount {
        self.flow_logs() + self.flowkeeper()
    }

    /// Returns the regions without prices.
    pub fn without_prices(&self) -> impl Iterator<Item = &RegionCost> {
        self.regions.iter().filter(|region| region.total().is_none())
    }
}
