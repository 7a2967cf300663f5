//! Price tables: data with a date and a source.

use std::collections::BTreeSet;

use flow_log::RegionId;
use jiff::civil::Date;
use serde::Deserialize;

use crate::{Amount, Bytes, Currency, Rate, volume::GB};

/// The list prices of one currency.
///
/// There is one for each site in this crate. Another one can be read from a file of the same form, for other prices,
/// discounts or regions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// The currency of all prices.
    pub currency: Currency,
    /// When the prices were looked up.
    pub date: Date,
    /// Where the prices are from.
    pub source: String,
    /// The regions that the prices are for. Prices for any other region are unknown.
    pub regions: BTreeSet<String>,
    /// What VPC charges for what flow logs record.
    pub flow_log: FlowLogPrices,
    /// What Log Service charges to keep it.
    pub log_service: LogServicePrices,
    /// What Function Compute charges.
    pub function_compute: FunctionComputePrices,
}

/// What VPC charges, for each account, region and month.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowLogPrices {
    /// How many GB are free.
    pub free_gb: u64,
    /// The tiers, the first GB first. The free GB are in the first.
    pub tiers: Vec<Tier>,
}

/// A tier of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last GB of the tier; `None` for the last tier.
    #[serde(default)]
    pub up_to_gb: Option<u64>,
    /// The price of a GB.
    pub per_gb: Rate,
}

/// What Log Service charges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogServicePrices {
    /// For Logstores that pay for what is written.
    pub by_ingest: IngestPrices,
    /// For Logstores that pay for each feature.
    pub by_feature: FeaturePrices,
    /// Storage that is not included, for a GB and day.
    pub storage_per_gb_day: Rate,
    /// What compression leaves of a log, in percent of its size. The vendor's own example has 20.
    pub written_percent: u64,
    /// What a log and its index take in storage, in percent of its size. The vendor's own example has 70.
    pub stored_percent: u64,
}

/// Prices of a Logstore that pays for what is written, raw.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestPrices {
    /// The price of a GB.
    pub ingest_per_gb: Rate,
    /// For how many days storage is included.
    pub days_included: u64,
}

/// Prices of a Logstore that pays for each feature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturePrices {
    /// Writing a GB, compressed.
    pub write_per_gb: Rate,
    /// Indexing a GB, uncompressed.
    pub index_per_gb: Rate,
    /// The same, in a Logstore of the mode `query`.
    pub query_mode_index_per_gb: Rate,
    /// A shard, for a day.
    pub per_shard_day: Rate,
    /// A million requests that write or read, if that is known. No cost includes them, since nothing says in how many
    /// requests VPC writes.
    #[serde(default)]
    pub per_million_requests: Option<Rate>,
}

/// What Function Compute charges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionComputePrices {
    /// A CU.
    pub per_cu: Rate,
    /// What a function costs at least in an hour with an invocation, if that is known.
    #[serde(default)]
    pub least_per_function_hour: Option<Rate>,
}

/// Returned for a file that is no price table.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPrices {
    /// It is not of the form.
    #[error("it is no price table: {0}")]
    Form(#[from] serde_json::Error),
    /// Its tiers make no sense.
    #[error("its flow_log.tiers must rise in up_to_gb, and the last one must have none")]
    Tiers,
    /// Its percentages make no sense.
    #[error("its log_service.written_percent and stored_percent must be 0 to 1000")]
    Percent,
}

impl PriceTable {
    /// Returns the list prices of a currency.
    #[must_use]
    pub fn of(currency: Currency) -> Self {
        let text = match currency {
            Currency::Cny => include_str!("../prices/cny.json"),
            Currency::Usd => include_str!("../prices/usd.json"),
        };
        #[expect(clippy::expect_used, reason = "tests read both tables")]
        Self::parse(text).expect("a price table")
    }

    /// Reads a price table from JSON.
    ///
    /// # Errors
    /// It is none, or its tiers make no sense.
    pub fn parse(text: &str) -> Result<Self, InvalidPrices> {
        let table: Self = serde_json::from_str(text)?;
        let ends: Vec<_> = table.flow_log.tiers.iter().map(|tier| tier.up_to_gb).collect();
        let (last, others) = ends.split_last().ok_or(InvalidPrices::Tiers)?;
        let rises = others.windows(2).all(|pair| pair[0] < pair[1]) && others.iter().all(Option::is_some);
        if last.is_some() || !rises {
            return Err(InvalidPrices::Tiers);
        }
        let LogServicePrices { written_percent, stored_percent, .. } = table.log_service;
        if written_percent > 1000 || stored_percent > 1000 {
            return Err(InvalidPrices::Percent);
        }
        Ok(table)
    }

    /// Returns whether the table has prices for a region.
    #[must_use]
    pub fn has(&self, region: &RegionId) -> bool {
        self.regions.contains(region.as_str())
    }

    /// Returns what VPC charges for all that the flow logs of an account write in a region and month.
    #[must_use]
    pub fn generation(&self, volume: Bytes) -> Amount {
        let mut from = u128::from(self.flow_log.free_gb) * u128::from(GB);
        let all = u128::from(volume.0);
        // In millionths of a currency for a byte's 2^30th part, so that rounding happens once.
        let mut exact = Vec::new();
        for tier in &self.flow_log.tiers {
            let to = tier.up_to_gb.map_or(u128::MAX, |end| u128::from(end) * u128::from(GB));
            let end = all.min(to);
            if end > from {
                exact.push((tier.per_gb, end - from));
                from = end;
            }
        }
        Amount::of_all(&exact, u128::from(GB))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd() -> PriceTable {
        PriceTable::of(Currency::Usd)
    }

    #[test]
    fn both_tables_have_a_date_a_source_and_regions() {
        for currency in [Currency::Cny, Currency::Usd] {
            let table = PriceTable::of(currency);
            assert_eq!((table.currency, table.regions.len()), (currency, 26));
            assert!(table.source.contains("Alibaba Cloud") && table.date.year() >= 2026);
            assert!(table.has(&"cn-hangzhou".parse().unwrap()) && !table.has(&"cn-nowhere".parse().unwrap()));
        }
        let least = |currency| PriceTable::of(currency).function_compute.least_per_function_hour;
        assert!(least(Currency::Cny).is_some() && least(Currency::Usd).is_none());
    }

    #[test]
    fn the_first_gigabytes_are_free_and_each_tier_has_its_price() {
        for (gigabytes, expected) in [
            (0, "0.000000"),
            (5, "0.000000"),
            (6, "0.370000"),
            (10_240, "3786.950000"),
            (10_241, "3787.135000"),
            (30_720, "7575.750000"),
            (51_200, "9091.270000"),
            (51_201, "9091.307000"),
        ] {
            assert_eq!(format!("{:.6}", usd().generation(Bytes::gigabytes(gigabytes))), expected, "{gigabytes} GB");
        }
        let cny = PriceTable::of(Currency::Cny);
        assert_eq!(cny.generation(Bytes::gigabytes(6)).to_string(), "2.50");
    }

    #[test]
    fn a_table_that_makes_no_sense_is_refused() {
        let good = include_str!("../prices/usd.json");
        for (part, by) in [
            ("\"up_to_gb\": 10240,", "\"up_to_gb\": 99999,"),
            ("\"up_to_gb\": 10240,", ""),
            ("\"per_gb\": \"0.37\"", "\"per_gb\": 0.37"),
            ("\"per_gb\": \"0.37\"", "\"per_gb\": \"-0.37\""),
            ("\"per_gb\": \"0.037\"", "\"per_gb\": \"0.037\", \"up_to_gb\": 99999"),
            ("\"USD\"", "\"EUR\""),
            ("\"written_percent\": 20", "\"written_percent\": 2000"),
            ("\"currency\"", "\"money\""),
        ] {
            assert!(good.contains(part), "{part}");
            assert!(PriceTable::parse(&good.replace(part, by)).is_err(), "{part} -> {by}");
        }
        assert_eq!(PriceTable::parse(good).unwrap(), usd());
    }

    proptest! {
        #[test]
        fn more_never_costs_less(less in 0_u64..1 << 47, more in 0_u64..1 << 47) {
            let table = usd();
            prop_assert!(table.generation(Bytes(less)) <= table.generation(Bytes(less + more)));
        }

        #[test]
        fn a_gigabyte_never_costs_more_than_the_first_tier(bytes in 0_u64..1 << 47) {
            let (table, first) = (usd(), Amount::of("0.37".parse().unwrap(), u128::from(GB), u128::from(GB)));
            let one = table.generation(Bytes(bytes + GB)) - table.generation(Bytes(bytes));
            // Both may have been rounded.
            prop_assert!(one <= first + Amount::from_millionths(1));
        }
    }
}
