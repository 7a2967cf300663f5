//! Estimates what the changes of a plan cost in a month, by the network interfaces that are in use.
//!
//! Nothing here performs I/O. Tiers and the free volume belong to an account and region, so the amounts are those of the
//! region before and after the changes, and a single change has only a volume.

use std::collections::BTreeMap;

use cost::{
    Amount, Bytes, Currency, FlowLogUsage, LogStoreUsage, PriceTable, RECORD_BYTES, RegionCost, RegionUsage, Traffic,
};
use flow_log::{AccountId, FlowLogId, RegionId};

use super::{Change, Cost, Kind, Month};

/// The days of the month that is estimated.
const DAYS: u64 = 30;
/// How many connections a network interface is assumed to have in an interval, where nothing is counted.
pub(crate) const ASSUMED_CONNECTIONS: u64 = 50;
/// The aggregation interval of a flow log that does not say it, in minutes: the API's default.
const DEFAULT_INTERVAL: u64 = 10;

impl Month {
    pub(crate) fn amount(&self) -> Amount {
        self.amount.parse().unwrap_or_default()
    }
}

/// A flow log that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorder {
    pub(crate) id: String,
    pub(crate) resource_id: String,
    pub(crate) interval_minutes: Option<u32>,
    pub(crate) is_on: bool,
}

/// What is in an account and region.
pub(crate) struct Place<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a RegionId,
    pub(crate) flow_logs: &'a [Recorder],
    /// How many network interfaces in use each VPC, vSwitch and network interface has, by its id; `None` if that could not
    /// be read.
    pub(crate) interfaces: Option<BTreeMap<String, u64>>,
}

/// Whether a change alters how much is recorded.
pub(crate) fn alters_volume(change: &Change) -> bool {
    let is_flow_log = change.action.ends_with("FlowLog") || change.action == "ModifyFlowLogAttribute";
    let sets_interval = change.fields.iter().any(|it| it.field == "aggregation_interval" && it.before != it.after);
    is_flow_log && (!matches!(change.kind, Kind::Modify) || sets_interval)
}

/// Whether a change is about an Express Connect Router, of whose connections nothing can be assumed.
pub(crate) fn is_of_router(change: &Change) -> bool {
    change.resource_type == "VBR"
}

impl Cost {
    fn of(account: &str, region: &str, table: &PriceTable, months: Result<[Month; 2], String>) -> Self {
        let (months, unknown) = match months {
            Ok([before, after]) => ((Some(before), Some(after)), None),
            Err(why) => ((None, None), Some(why)),
        };
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            currency: table.currency.to_string(),
            prices_of: table.date.to_string(),
            before: months.0,
            after: months.1,
            unknown,
        }
    }

    /// The cost of what routers of an account record into Logstores of a region.
    pub(crate) fn of_routers(account: &str, region: &str, table: &PriceTable) -> Self {
        let why = "what Express Connect Routers record cannot be estimated";
        Self::of(account, region, table, Err(why.to_owned()))
    }
}

/// Estimates a region before and after its changes, and says of each change how much more or less it records.
pub(crate) fn estimate(place: &Place<'_>, changes: &mut [&mut Change], table: &PriceTable) -> Cost {
    let months = months(place, changes, table);
    Cost::of(place.account.as_str(), place.region.as_str(), table, months)
}

/// Estimates the month before the changes and the one after them.
fn months(place: &Place<'_>, changes: &mut [&mut Change], table: &PriceTable) -> Result<[Month; 2], String> {
    let unread = || "the network interfaces could not be read".to_owned();
    let interfaces = place.interfaces.as_ref().ok_or_else(unread)?;
    let volume = |resource_id: &str, interval: u64| {
        let interfaces = interfaces.get(resource_id).copied().unwrap_or_default();
        let traffic = Traffic {
            interfaces,
            connections: ASSUMED_CONNECTIONS,
            interval_minutes: interval,
            days: DAYS,
            record_bytes: RECORD_BYTES,
        };
        traffic.volume().bytes().unwrap_or_default()
    };
    let intervals: BTreeMap<&str, u64> = place
        .flow_logs
        .iter()
        .map(|flow_log| (flow_log.id.as_str(), flow_log.interval_minutes.map_or(DEFAULT_INTERVAL, u64::from)))
        .collect();
    let mut recorded: BTreeMap<&str, Bytes> = place
        .flow_logs
        .iter()
        .filter(|flow_log| flow_log.is_on)
        .map(|Recorder { id, resource_id, .. }| (id.as_str(), volume(resource_id, intervals[id.as_str()])))
        .collect();
    let before: Vec<_> = recorded.values().copied().collect();
    let mut created = Vec::new();
    for change in changes {
        let known = change.flow_log_id.as_deref();
        let now = known.and_then(|id| recorded.get(id)).copied().unwrap_or_default();
        let interval = interval_after(change).or_else(|| intervals.get(known?).copied());
        let wanted = volume(&change.resource_id, interval.unwrap_or(DEFAULT_INTERVAL));
        let then = match change.kind {
            Kind::Create | Kind::Activate => wanted,
            Kind::Deactivate | Kind::Delete => Bytes(0),
            // What is off stays off.
            Kind::Modify | Kind::Replace if now == Bytes(0) => Bytes(0),
            Kind::Modify | Kind::Replace => wanted,
        };
        match known.and_then(|id| recorded.get_mut(id)) {
            Some(bytes) => *bytes = then,
            None => created.push(then),
        }
        change.monthly_bytes = Some(difference(now, then));
    }
    let after: Vec<_> = recorded.into_values().chain(created).collect();
    let without_prices = || "there are no list prices for this region".to_owned();
    Ok([
        month(place, &before, table).ok_or_else(without_prices)?,
        month(place, &after, table).ok_or_else(without_prices)?,
    ])
}

fn difference(before: Bytes, after: Bytes) -> i64 {
    let signed = |bytes: Bytes| i64::try_from(bytes.0).unwrap_or(i64::MAX);
    signed(after) - signed(before)
}

fn interval_after(change: &Change) -> Option<u64> {
    let field = change.fields.iter().find(|field| field.field == "aggregation_interval")?;
    field.after.as_deref()?.parse().ok()
}

/// Computes what these volumes cost in a month, in one Logstore whose settings are not known.
fn month(place: &Place<'_>, volumes: &[Bytes], table: &PriceTable) -> Option<Month> {
    let id: FlowLogId = "fl-estimated".parse().ok()?;
    let usage = RegionUsage {
        account: place.account.clone(),
        region: place.region.clone(),
        days: DAYS,
        log_stores: vec![LogStoreUsage::unread(String::new())],
        flow_logs: volumes
            .iter()
            .map(|bytes| FlowLogUsage {
                id: id.clone(),
                resource_id: String::new(),
                log_store: Some(0),
                volume: cost::Volume::Estimated { bytes: *bytes, basis: cost::Basis::AssumedTraffic },
                duplicates: None,
            })
            .collect(),
    };
    let cost = RegionCost::of(&usage, table);
    Some(Month { bytes: cost.volume.0, amount: format!("{:.6}", cost.total()?) })
}

/// What all regions cost before and after, and in which currency; `None` if nothing is known.
pub(crate) fn total(costs: &[Cost]) -> Option<(Amount, Amount, &str)> {
    let known: Vec<_> =
        costs.iter().filter_map(|cost| Some((cost.before.as_ref()?, cost.after.as_ref()?, cost))).collect();
    let currency = known.first()?.2.currency.as_str();
    let sum = |amounts: &dyn Fn(&(&Month, &Month, &Cost)) -> Amount| known.iter().map(amounts).sum();
    Some((sum(&|(before, ..)| before.amount()), sum(&|(_, after, _)| after.amount()), currency))
}

/// The currency of the list prices that the site of an account with this region probably has.
pub(crate) fn currency_of_site(region: &RegionId) -> Currency {
    if region.as_str().starts_with("cn-") { Currency::Cny } else { Currency::Usd }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Field, Source};

    const GB: u64 = 1 << 30;

    fn change(kind: Kind, flow_log: Option<&str>, resource: &str, interval: Option<(&str, &str)>) -> Change {
        let field = interval.map(|(before, after)| Field {
            field: "aggregation_interval".to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
            source: Source::Default,
        });
        Change {
            id: String::new(),
            account: "1".to_owned(),
            region: "cn-hangzhou".to_owned(),
            resource_type: "VPC".to_owned(),
            resource_id: resource.to_owned(),
            resource_name: None,
            kind,
            action: match kind {
                Kind::Modify => "ModifyFlowLogAttribute".to_owned(),
                _ => "CreateFlowLog".to_owned(),
            },
            flow_log_id: flow_log.map(str::to_owned),
            verdict: None,
            reason: String::new(),
            fields: field.into_iter().collect(),
            monthly_bytes: None,
        }
    }

    fn flow_log(id: &str, resource: &str, interval: u32, is_on: bool) -> Recorder {
        Recorder { id: id.to_owned(), resource_id: resource.to_owned(), interval_minutes: Some(interval), is_on }
    }

    fn estimated(flow_logs: &[Recorder], changes: &mut [Change]) -> Cost {
        let interfaces = ["vpc-1", "vpc-2"].map(|id| (id.to_owned(), 1000)).into();
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let place = Place { account: &account, region: &region, flow_logs, interfaces: Some(interfaces) };
        estimate(&place, &mut changes.iter_mut().collect::<Vec<_>>(), &PriceTable::of(Currency::Cny))
    }

    #[test]
    fn what_is_created_or_switched_on_costs_more_and_what_is_switched_off_or_deleted_costs_less() {
        // 1,000 interfaces with 50 connections, in 144 intervals of 30 days, at 340 bytes: 73.44 GB of 10^9 bytes.
        let bytes = 1000 * 50 * 144 * 30 * 340;
        let on = [flow_log("fl-1", "vpc-1", 10, true)];
        let off = [flow_log("fl-1", "vpc-1", 10, false)];
        for (flow_logs, change, before, after) in [
            (&[][..], change(Kind::Create, None, "vpc-1", None), 0, bytes),
            (&off, change(Kind::Activate, Some("fl-1"), "vpc-1", None), 0, bytes),
            (&on, change(Kind::Deactivate, Some("fl-1"), "vpc-1", None), bytes, 0),
            (&on, change(Kind::Delete, Some("fl-1"), "vpc-1", None), bytes, 0),
            (&on, change(Kind::Create, None, "vpc-2", None), bytes, 2 * bytes),
            (&on, change(Kind::Modify, Some("fl-1"), "vpc-1", Some(("10", "1"))), bytes, 10 * bytes),
            (&off, change(Kind::Modify, Some("fl-1"), "vpc-1", Some(("10", "1"))), 0, 0),
            (&on, change(Kind::Replace, Some("fl-1"), "vpc-1", None), bytes, bytes),
            (&[], change(Kind::Create, None, "vpc-without-interfaces", None), 0, 0),
        ] {
            let mut changes = [change];
            let cost = estimated(flow_logs, &mut changes);
            let (then, now) = (cost.after.unwrap(), cost.before.unwrap());
            assert_eq!((now.bytes, then.bytes), (before, after), "{changes:?}");
            assert_eq!(changes[0].monthly_bytes, Some(after as i64 - before as i64), "{changes:?}");
            assert_eq!(now.amount() < then.amount(), before < after, "{changes:?}");
        }
    }

    #[test]
    fn the_amounts_are_those_of_the_region_with_its_free_volume() {
        let mut changes = [change(Kind::Create, None, "vpc-1", None)];
        let after = estimated(&[], &mut changes).after.unwrap();
        // 68.4 GB of 2^30 bytes: all but 5 GB at 2.50 CNY, and Log Service by feature for 30 days.
        let gigabytes = after.bytes as f64 / GB as f64;
        let expected = (gigabytes - 5.0) * 2.5 + gigabytes * (0.2 * 0.18 + 0.35 + 0.7 * 30.0 * 0.0115);
        let found: f64 = after.amount.parse().unwrap();
        assert!((found - expected).abs() < 0.01, "{found} and {expected}");
    }

    #[test]
    fn what_is_unknown_is_said_and_is_never_nothing() {
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let place = Place { account: &account, region: &region, flow_logs: &[], interfaces: None };
        let mut one = change(Kind::Create, None, "vpc-1", None);
        let unknown = estimate(&place, &mut [&mut one], &PriceTable::of(Currency::Cny));
        assert_eq!((&unknown.before, &unknown.after, one.monthly_bytes), (&None, &None, None));
        assert_eq!(unknown.unknown.as_deref(), Some("the network interfaces could not be read"));
        assert_eq!(total(std::slice::from_ref(&unknown)), None);
        let known = estimated(&[], &mut [change(Kind::Create, None, "vpc-1", None)]);
        let (before, after, currency) = total(&[unknown, known]).map(|(b, a, c)| (b, a, c.to_owned())).unwrap();
        assert!(before == Amount::ZERO && after > before && currency == "CNY");
    }

    #[test]
    fn a_change_of_a_name_or_a_destination_costs_nothing() {
        let mut renamed = change(Kind::Modify, Some("fl-1"), "vpc-1", None);
        assert!(!alters_volume(&renamed));
        renamed.action = "CreateLogStore".to_owned();
        renamed.kind = Kind::Create;
        assert!(!alters_volume(&renamed));
        assert!(alters_volume(&change(Kind::Create, None, "vpc-1", None)));
        assert!(alters_volume(&change(Kind::Modify, None, "vpc-1", Some(("1", "10")))));
        assert!(!alters_volume(&change(Kind::Modify, None, "vpc-1", Some(("10", "10")))));
    }
}
