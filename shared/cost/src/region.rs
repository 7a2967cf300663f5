//! What the flow logs of an account cost in a region and month.

use flow_log::{AccountId, FlowLogId, RegionId};

use crate::{Amount, Bytes, PriceTable, Volume, volume::GB};

/// How a Logstore is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metering {
    /// For writing, indexing, storing and shards, each by itself. The default of the API, and so of templates.
    ByFeature,
    /// For what is written.
    ByIngest,
}

/// A Logstore that flow logs deliver to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStoreUsage {
    /// Its project and name.
    pub name: String,
    /// How it is charged; `None` if that could not be read. Then the default is taken.
    pub metering: Option<Metering>,
    /// How many days it keeps records; 3650 stands for ever, and is counted as ten years.
    pub retention_days: u32,
    /// Whether its mode is `query`.
    pub only_counts: bool,
    /// How many shards it has.
    pub shards: u32,
}

impl LogStoreUsage {
    /// A Logstore that could not be read: it is charged by feature, and keeps records for 30 days.
    #[must_use]
    pub const fn unread(name: String) -> Self {
        Self { name, metering: None, retention_days: 30, only_counts: false, shards: 0 }
    }

    /// Returns what Log Service charges to take in `volume` and to keep it for as long as the Logstore keeps records.
    #[must_use]
    pub fn cost(&self, volume: Bytes, table: &PriceTable) -> Amount {
        let prices = &table.log_service;
        let (bytes, days) = (u128::from(volume.0), u128::from(self.retention_days));
        // In hundredths of a GB, because of the percentages.
        let whole = bytes * 100;
        let stored = |for_days: u128| bytes * u128::from(prices.stored_percent) * for_days;
        let parts = match self.metering.unwrap_or(Metering::ByFeature) {
            Metering::ByIngest => {
                let further = days.saturating_sub(u128::from(prices.by_ingest.days_included));
                vec![(prices.by_ingest.ingest_per_gb, whole), (prices.storage_per_gb_day, stored(further))]
            }
            Metering::ByFeature => {
                let features = &prices.by_feature;
                let index = if self.only_counts { features.query_mode_index_per_gb } else { features.index_per_gb };
                let written = bytes * u128::from(prices.written_percent);
                vec![(features.write_per_gb, written), (index, whole), (prices.storage_per_gb_day, stored(days))]
            }
        };
        Amount::of_all(&parts, u128::from(GB) * 100)
    }

    /// Returns what its shards cost, however little is written.
    #[must_use]
    pub fn shards_cost(&self, days: u64, table: &PriceTable) -> Amount {
        match self.metering.unwrap_or(Metering::ByFeature) {
            Metering::ByIngest => Amount::ZERO,
            Metering::ByFeature => {
                Amount::of(table.log_service.by_feature.per_shard_day, u128::from(self.shards) * u128::from(days), 1)
            }
        }
    }
}

/// A flow log, and what it writes in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogUsage {
    /// Its id.
    pub id: FlowLogId,
    /// What it is on.
    pub resource_id: String,
    /// The Logstore, as its place in [`RegionUsage::log_stores`]; `None` if it is not known.
    pub log_store: Option<usize>,
    /// What it writes.
    pub volume: Volume,
    /// The flow log that records the same traffic already, at a larger resource.
    pub duplicates: Option<FlowLogId>,
}

/// What an account's flow logs write in a region and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionUsage {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: RegionId,
    /// How many days the month has.
    pub days: u64,
    /// The Logstores.
    pub log_stores: Vec<LogStoreUsage>,
    /// The flow logs.
    pub flow_logs: Vec<FlowLogUsage>,
}

/// What a flow log costs in the month. `None` is unknown, never nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogCost {
    /// Its id.
    pub id: FlowLogId,
    /// What it is on.
    pub resource_id: String,
    /// What it writes.
    pub volume: Volume,
    /// Its share of what VPC charges for the region, by bytes.
    pub share: Option<Amount>,
    /// What VPC would charge less without it.
    pub marginal: Option<Amount>,
    /// What Log Service charges for it.
    pub log_service: Option<Amount>,
    /// The flow log that records the same traffic already.
    pub duplicates: Option<FlowLogId>,
}

impl FlowLogCost {
    /// Returns its share of VPC's charge, and its cost in Log Service.
    #[must_use]
    pub fn total(&self) -> Option<Amount> {
        Some(self.share? + self.log_service?)
    }

    /// Returns what would not be charged without it.
    #[must_use]
    pub fn avoidable(&self) -> Option<Amount> {
        Some(self.marginal? + self.log_service?)
    }
}

/// What an account's flow logs cost in a region and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCost {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: RegionId,
    /// What is known to be written.
    pub volume: Bytes,
    /// What VPC charges for it; `None` if there are no prices for the region.
    pub generation: Option<Amount>,
    /// What Log Service charges for it; `None` if there are no prices for the region.
    pub log_service: Option<Amount>,
    /// What the shards of the Logstores cost; `None` if there are no prices for the region.
    pub shards: Option<Amount>,
    /// What would not be charged without the flow logs that record the same traffic as another one; `None` if there are
    /// no prices for the region.
    pub duplicates: Option<Amount>,
    /// Each flow log.
    pub flow_logs: Vec<FlowLogCost>,
    /// The Logstores whose metering could not be read.
    pub assumed_metering: Vec<String>,
}

impl RegionCost {
    /// Computes what the flow logs of a region cost.
    #[must_use]
    pub fn of(usage: &RegionUsage, table: &PriceTable) -> Self {
        let has_prices = table.has(&usage.region);
        let known = |only: &dyn Fn(&FlowLogUsage) -> bool| -> Bytes {
            usage
                .flow_logs
                .iter()
                .filter(|flow_log| only(flow_log))
                .filter_map(|flow_log| flow_log.volume.bytes())
                .sum()
        };
        let volume = known(&|_| true);
        let generation = table.generation(volume);
        let without = |bytes: Bytes| generation - table.generation(volume - bytes);
        let weights: Vec<u64> =
            usage.flow_logs.iter().map(|flow_log| flow_log.volume.bytes().unwrap_or_default().0).collect();
        let priced = |amount: Amount| has_prices.then_some(amount);
        let flow_logs: Vec<_> = usage
            .flow_logs
            .iter()
            .zip(generation.split(&weights))
            .map(|(flow_log, share)| {
                let bytes = flow_log.volume.bytes().filter(|_| has_prices);
                let log_store = flow_log.log_store.and_then(|at| usage.log_stores.get(at));
                FlowLogCost {
                    id: flow_log.id.clone(),
                    resource_id: flow_log.resource_id.clone(),
                    volume: flow_log.volume.clone(),
                    share: bytes.map(|_| share),
                    marginal: bytes.map(without),
                    log_service: bytes.zip(log_store).map(|(bytes, log_store)| log_store.cost(bytes, table)),
                    duplicates: flow_log.duplicates.clone(),
                }
            })
            .collect();
        let duplicate_bytes = known(&|flow_log| flow_log.duplicates.is_some());
        let duplicates = flow_logs.iter().filter(|flow_log| flow_log.duplicates.is_some());
        let duplicates = without(duplicate_bytes) + duplicates.filter_map(|flow_log| flow_log.log_service).sum();
        let assumed = usage.log_stores.iter().filter(|log_store| log_store.metering.is_none());
        Self {
            account: usage.account.clone(),
            region: usage.region.clone(),
            volume,
            generation: priced(generation),
            log_service: priced(flow_logs.iter().filter_map(|flow_log| flow_log.log_service).sum()),
            shards: priced(usage.log_stores.iter().map(|store| store.shards_cost(usage.days, table)).sum()),
            duplicates: priced(duplicates),
            flow_logs,
            assumed_metering: assumed.map(|log_store| log_store.name.clone()).collect(),
        }
    }

    /// Returns what is known of the cost; `None` if there are no prices for the region.
    #[must_use]
    pub fn total(&self) -> Option<Amount> {
        Some(self.generation? + self.log_service? + self.shards?)
    }

    /// Returns whether something is not in the total because it is unknown.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.flow_logs.iter().any(|flow_log| flow_log.total().is_none())
    }

    /// Returns whether something in the total is estimated.
    #[must_use]
    pub fn has_estimates(&self) -> bool {
        !self.assumed_metering.is_empty() || self.flow_logs.iter().any(|flow_log| flow_log.volume.basis().is_some())
    }
}
