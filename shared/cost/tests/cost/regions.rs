//! The cost of a region, its shares, and what is not known.

use cost::{
    Amount, Basis, Bytes, Currency, FlowLogUsage, LogStoreUsage, Metering, PriceTable, RegionCost, RegionUsage,
    Statement, Volume,
};
use proptest::prelude::*;

pub(crate) fn log_store(metering: Metering, retention_days: u32) -> LogStoreUsage {
    LogStoreUsage { metering: Some(metering), retention_days, ..LogStoreUsage::unread("flowlog/vpc".to_owned()) }
}

fn flow_log(nth: usize, volume: Volume) -> FlowLogUsage {
    FlowLogUsage {
        id: format!("fl-{nth}").parse().unwrap(),
        resource_id: format!("vpc-{nth}"),
        log_store: Some(0),
        volume,
        duplicates: None,
    }
}

fn measured(gigabytes: u64) -> Volume {
    Volume::Measured { bytes: Bytes::gigabytes(gigabytes) }
}

fn region(name: &str, volumes: impl IntoIterator<Item = Volume>) -> RegionUsage {
    RegionUsage {
        account: "1000000000000001".parse().unwrap(),
        region: name.parse().unwrap(),
        days: 30,
        log_stores: vec![log_store(Metering::ByIngest, 30)],
        flow_logs: volumes.into_iter().enumerate().map(|(nth, volume)| flow_log(nth, volume)).collect(),
    }
}

fn usd() -> PriceTable {
    PriceTable::of(Currency::Usd)
}

fn text(amount: Option<Amount>) -> String {
    amount.map_or("unknown".to_owned(), |amount| format!("{amount:.6}"))
}

#[test]
fn the_free_gigabytes_are_of_the_region_and_not_of_each_flow_log() {
    let cost = RegionCost::of(&region("cn-hangzhou", [measured(4), measured(6)]), &usd());
    assert_eq!(text(cost.generation), "1.850000", "(10 - 5) × 0.37");
    let shares: Vec<_> = cost.flow_logs.iter().map(|flow_log| text(flow_log.share)).collect();
    assert_eq!(shares, ["0.740000", "1.110000"]);
    let marginal: Vec<_> = cost.flow_logs.iter().map(|flow_log| text(flow_log.marginal)).collect();
    assert_eq!(marginal, ["1.480000", "1.850000"], "without the second, the first is free");
    assert_eq!(text(cost.flow_logs[0].log_service), "0.244000", "4 × 0.061");
    assert_eq!((text(cost.total()), cost.has_estimates(), cost.has_unknown()), ("2.460000".to_owned(), false, false));
}

#[test]
fn a_logstore_is_charged_by_what_is_written_or_by_feature_and_for_as_long_as_it_keeps() {
    let gigabyte = Bytes::gigabytes(1);
    for (metering, days, expected) in [
        (Metering::ByIngest, 7, "0.061000"),
        (Metering::ByIngest, 30, "0.061000"),
        (Metering::ByIngest, 180, "0.362875"),
        (Metering::ByFeature, 30, "0.156875"),
        (Metering::ByFeature, 180, "0.458750"),
    ] {
        let cost = log_store(metering, days).cost(gigabyte, &usd());
        assert_eq!(format!("{cost:.6}"), expected, "{metering:?}, {days} days");
    }
    let query = LogStoreUsage { only_counts: true, ..log_store(Metering::ByFeature, 30) };
    assert_eq!(format!("{:.6}", query.cost(gigabyte, &usd())), "0.083975");
    let shards = LogStoreUsage { shards: 2, ..query };
    assert_eq!(shards.shards_cost(30, &usd()).to_string(), "0.60");
    assert_eq!(LogStoreUsage { metering: Some(Metering::ByIngest), ..shards }.shards_cost(30, &usd()), Amount::ZERO);
}

#[test]
fn what_is_unknown_is_never_zero_and_is_said() {
    let unknown = Volume::Unknown { reason: "the Logstore has no index".to_owned() };
    let cost = RegionCost::of(&region("cn-hangzhou", [measured(10), unknown]), &usd());
    assert_eq!((cost.flow_logs[1].total(), cost.has_unknown()), (None, true));
    assert_eq!(text(cost.flow_logs[0].share), "1.850000");
    let estimate = Volume::Estimated { bytes: Bytes::gigabytes(10), basis: Basis::AssumedTraffic };
    assert!(RegionCost::of(&region("cn-hangzhou", [estimate]), &usd()).has_estimates());
    let mut odd = region("cn-hangzhou", [measured(10)]);
    odd.log_stores[0].metering = None;
    let assumed = RegionCost::of(&odd, &usd());
    assert_eq!((assumed.assumed_metering.len(), assumed.has_estimates()), (1, true));
    odd.flow_logs[0].log_store = None;
    assert_eq!(RegionCost::of(&odd, &usd()).flow_logs[0].log_service, None);
}

#[test]
fn a_region_without_prices_is_unknown_and_the_others_are_not() {
    let (known, unknown) = (region("cn-hangzhou", [measured(10)]), region("cn-nowhere", [measured(10)]));
    let statement = Statement::of(&[known, unknown], &[], &usd());
    let names: Vec<_> = statement.without_prices().map(|region| region.region.as_str()).collect();
    assert_eq!((names, statement.total().to_string()), (vec!["cn-nowhere"], "2.46".to_owned()));
    assert_eq!(statement.regions[1].flow_logs[0].total(), None);
    assert_eq!((statement.currency, statement.source.is_empty()), (Currency::Usd, false));
}

#[test]
fn nothing_costs_nothing() {
    let none = RegionCost::of(&region("cn-hangzhou", []), &usd());
    let zero = RegionCost::of(&region("cn-hangzhou", [measured(0), measured(0)]), &usd());
    for cost in [none, zero] {
        assert_eq!((text(cost.total()), cost.has_unknown()), ("0.000000".to_owned(), false));
    }
}

#[test]
fn what_is_recorded_twice_is_paid_for_twice() {
    let mut usage = region("cn-hangzhou", [measured(10), measured(4), measured(2)]);
    for duplicate in 1..3 {
        usage.flow_logs[duplicate].duplicates = Some(usage.flow_logs[0].id.clone());
    }
    let cost = RegionCost::of(&usage, &usd());
    assert_eq!(text(cost.duplicates), "2.586000", "6 × 0.37 + 6 × 0.061");
}

proptest! {
    #[test]
    fn the_shares_add_up_to_the_cost_of_the_region(volumes in prop::collection::vec(0_u64..1 << 46, 1..12)) {
        let usage = region("cn-hangzhou", volumes.iter().map(|bytes| Volume::Measured { bytes: Bytes(*bytes) }));
        let cost = RegionCost::of(&usage, &usd());
        let shares: Amount = cost.flow_logs.iter().filter_map(|flow_log| flow_log.share).sum();
        prop_assert_eq!(Some(shares), cost.generation);
        let log_service: Amount = cost.flow_logs.iter().filter_map(|flow_log| flow_log.log_service).sum();
        prop_assert_eq!(Some(log_service), cost.log_service);
        let all = cost.generation.unwrap();
        prop_assert!(cost.flow_logs.iter().all(|flow_log| flow_log.marginal.unwrap() <= all));
    }

    #[test]
    fn writing_more_never_costs_less(
        volumes in prop::collection::vec(0_u64..1 << 46, 1..6),
        more in 0_u64..1 << 46,
        days in 1_u32..3650,
    ) {
        for metering in [Metering::ByFeature, Metering::ByIngest] {
            let total = |extra: u64| {
                let bytes = |(at, bytes): (usize, &u64)| Volume::Measured { bytes: Bytes(bytes + if at == 0 { extra } else { 0 }) };
                let mut usage = region("cn-hangzhou", volumes.iter().enumerate().map(bytes));
                usage.log_stores = vec![log_store(metering, days)];
                RegionCost::of(&usage, &usd()).total().unwrap()
            };
            prop_assert!(total(0) <= total(more));
        }
    }

    #[test]
    fn keeping_longer_never_costs_less(bytes in 0_u64..1 << 46, days in 1_u32..3600) {
        for metering in [Metering::ByFeature, Metering::ByIngest] {
            let cost = |kept| log_store(metering, kept).cost(Bytes(bytes), &usd());
            prop_assert!(cost(days) <= cost(days + 1));
        }
    }
}
