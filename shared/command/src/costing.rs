//! Reads what flow logs have written, and computes what they cost.
//!
//! A missing permission costs accuracy, not the statement: what may not be counted is estimated, and marked. What fails for
//! another reason is named as unread.

use std::collections::{BTreeMap, BTreeSet};

use cost::{
    Amount, Basis, Bytes, Currency, FlowLogCost, FlowLogUsage, HOURS, LogStoreUsage, Metering, PriceTable, Profile,
    RECORD_BYTES, RegionUsage, Saving, Statement, Traffic, Volume, hours_on,
};
use flow_log::{
    Desired, FlowLog, FlowLogId, GovernedBy, Policy, RegionId, Resource, ResourceId, ResourceType, Status, desired,
    proof::{Unproven, recorded},
    schedule::Schedule,
};
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use openapi::{
    Bill, BillingCycle, CallError, Client, Entry, ErrorKind, FlowLogFilter, MeteringMode, NetworkInterfaceFilter,
    Scope, Session,
};
use reconcile::volumes::{self, LogStoreVolume, Written};

use crate::{
    failure::Failure,
    identity::Identity,
    plan::costs::{ASSUMED_CONNECTIONS, currency_of_site},
};

/// How the ids of flow logs begin, which is how their lines of a bill are found.
const FLOW_LOG_PREFIX: &str = "fl-";
const DAY_SECONDS: u64 = 86_400;

/// What to compute.
pub(crate) struct Asked<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) policy: Option<&'a Policy>,
    /// The days of the month that is computed, and how far back records are counted.
    pub(crate) days: u16,
    pub(crate) currency: Option<Currency>,
    /// Other prices than the list prices.
    pub(crate) prices: Option<PriceTable>,
    pub(crate) now: Timestamp,
}

/// What was computed.
pub(crate) struct Costing {
    pub(crate) statement: Statement,
    /// What the schedule of a flow log saves, and in how many hours of the week it is on.
    pub(crate) savings: BTreeMap<FlowLogId, (u32, Saving)>,
    /// The flow logs that are not on now.
    pub(crate) off: BTreeSet<FlowLogId>,
    pub(crate) bill: Option<Billed>,
    /// What was assumed or left out, one line each.
    pub(crate) notes: Vec<String>,
    /// What could not be read, one line each.
    pub(crate) unread: Vec<String>,
}

/// The bill of the last whole month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Billed {
    pub(crate) cycle: BillingCycle,
    pub(crate) currency: String,
    /// Of the lines that name a flow log.
    pub(crate) amount: Amount,
}

/// Reads and computes.
///
/// # Errors
/// The regions cannot be read, or the prices are in another currency than asked for.
pub(crate) async fn compute(asked: &Asked<'_>) -> Result<Costing, Failure> {
    let client = asked.identity.client().read_only();
    let (mut notes, mut unread) = (Vec::new(), Vec::new());
    let bill = bill(asked, &client, &mut notes, &mut unread).await;
    let table = prices(asked, bill.as_ref(), &mut notes)?;
    let mut regions = Vec::new();
    let mut savings = BTreeMap::new();
    let mut off = BTreeSet::new();
    for region in in_regions(asked, &client).await? {
        let session = session(asked, &client, region.clone());
        match flow_logs(&session, &mut unread).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                let read = InRegion::read(asked, &session, &found, &mut notes, &mut unread).await;
                savings.extend(read.savings(asked, &found, &table));
                let is_off = |flow_log: &&FlowLog| flow_log.status != Status::Active;
                off.extend(found.iter().filter(is_off).map(|flow_log| flow_log.id.clone()));
                regions.push(read.usage);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported(Scope::Region) | ErrorKind::NoSuchRegion) => {}
            Err(error) => unread.push(of_call(&region, &error)),
        }
    }
    let statement = Statement::of(&regions, &[], &table);
    for region in statement.without_prices() {
        notes.push(format!("{}: the price table has no prices for this region, so its cost is unknown", region.region));
    }
    for region in &statement.regions {
        for name in &region.assumed_metering {
            notes.push(format!("{name}: how it is charged could not be read; by feature is assumed"));
        }
    }
    Ok(Costing { statement, savings, off, bill, notes, unread })
}

fn session<'c>(asked: &Asked<'_>, client: &'c Client, region: RegionId) -> Session<'c> {
    let Identity { key, caller, .. } = asked.identity;
    client.session(key.credentials.clone(), caller.account.clone(), region, None)
}

fn of_call(region: &RegionId, error: &CallError) -> String {
    format!("{region}: {error}: {}", error.cause)
}

/// Returns the regions of the options, or else all regions.
async fn in_regions(asked: &Asked<'_>, client: &Client) -> Result<Vec<RegionId>, Failure> {
    if !asked.identity.regions.is_empty() {
        return Ok(asked.identity.regions.clone());
    }
    let regions = session(asked, client, asked.identity.any_region()).describe_regions().await?;
    Ok(regions.items.into_iter().map(|region| region.id).collect())
}

/// Chooses the prices: those of a file, else those of the currency that is asked for or billed, else those of the site
/// that the regions suggest.
fn prices(asked: &Asked<'_>, bill: Option<&Billed>, notes: &mut Vec<String>) -> Result<PriceTable, Failure> {
    if let Some(table) = &asked.prices {
        let is_other = asked.currency.is_some_and(|currency| currency != table.currency);
        return if is_other {
            let problem = format!("--prices: its currency is {}, and nothing is converted", table.currency);
            Err(Failure::usage(problem, "leave --currency out, or name a file in that currency"))
        } else {
            Ok(table.clone())
        };
    }
    let billed = bill.and_then(|bill| match bill.currency.as_str() {
        "CNY" => Some(Currency::Cny),
        "USD" => Some(Currency::Usd),
        _ => None,
    });
    let currency = asked.currency.or(billed).unwrap_or_else(|| {
        let currency = currency_of_site(&asked.identity.any_region());
        notes.push(format!("the account's currency is not known; {currency} is assumed, --currency names another"));
        currency
    });
    Ok(PriceTable::of(currency))
}

/// Reads the bill of the last whole month. Without the permission there is none.
async fn bill(asked: &Asked<'_>, client: &Client, notes: &mut Vec<String>, unread: &mut Vec<String>) -> Option<Billed> {
    let session = session(asked, client, asked.identity.any_region());
    let cycle = BillingCycle::of(asked.now).previous();
    match session.describe_instance_bill(Bill { cycle, product_code: None }).await {
        Ok(lines) if !lines.unreadable.is_empty() => {
            unread.push(format!("the bill of {cycle}: {}", lines.unreadable[0]));
            None
        }
        Ok(lines) => {
            let of_flow_logs = lines
                .items
                .iter()
                .filter(|line| line.instance_id.as_deref().is_some_and(|id| id.starts_with(FLOW_LOG_PREFIX)));
            let mut billed: Option<Billed> = None;
            for line in of_flow_logs {
                let amount = line.pretax_amount.parse().unwrap_or_default();
                let sum = billed.get_or_insert(Billed { cycle, currency: line.currency.clone(), amount: Amount::ZERO });
                if sum.currency != line.currency {
                    unread.push(format!("the bill of {cycle} is in {} and in {}", sum.currency, line.currency));
                    return None;
                }
                sum.amount += amount;
            }
            if billed.is_none() {
                notes.push(format!("the bill of {cycle} has no line that names a flow log"));
            }
            billed
        }
        Err(error) if error.kind() == ErrorKind::AccessDenied => {
            notes.push(format!("no bill: {}", error.advice()));
            None
        }
        Err(error) => {
            unread.push(format!("the bill of {cycle}: {error}: {}", error.cause));
            None
        }
    }
}

async fn flow_logs(session: &Session<'_>, unread: &mut Vec<String>) -> Result<Vec<FlowLog>, CallError> {
    let listing = session.describe_flow_logs(&FlowLogFilter::default()).await?;
    unread.extend(listing.unreadable.iter().map(|item| format!("{}: a flow log: {item}", session.region())));
    Ok(listing.items)
}

/// What was read in a region.
struct InRegion {
    usage: RegionUsage,
    /// The records of each flow log by the hour, as bytes, where they could be counted.
    hours: BTreeMap<FlowLogId, Vec<(Timestamp, Bytes)>>,
    /// The time in which they were counted.
    counted: BTreeMap<FlowLogId, (Timestamp, Timestamp)>,
    /// The schedule of each flow log that has one.
    schedules: BTreeMap<FlowLogId, Schedule>,
}

impl InRegion {
    async fn read(
        asked: &Asked<'_>,
        session: &Session<'_>,
        flow_logs: &[FlowLog],
        notes: &mut Vec<String>,
        unread: &mut Vec<String>,
    ) -> Self {
        let days = u64::from(asked.days);
        let read = volumes::read(session, flow_logs, asked.days).await;
        let log_stores: Vec<_> = read.iter().map(usage_of).collect();
        let mut found = Self {
            usage: RegionUsage {
                account: session.account().clone(),
                region: session.region().clone(),
                days,
                log_stores,
                flow_logs: Vec::new(),
            },
            hours: BTreeMap::new(),
            counted: BTreeMap::new(),
            schedules: schedules(asked, session, flow_logs, unread).await,
        };
        for flow_log in flow_logs {
            let place = read.iter().position(|store| store.flow_logs.iter().any(|(id, _)| *id == flow_log.id));
            let written = place.and_then(|at| {
                let store = &read[at];
                Some((store, &store.flow_logs.iter().find(|(id, _)| *id == flow_log.id)?.1))
            });
            let volume = match written {
                Some((store, Ok(written))) => {
                    found.keep_hours(&flow_log.id, store, written);
                    counted(store, written, days)
                }
                Some((_, Err(why))) => {
                    if let Unproven::Unread(what) = why {
                        unread.push(format!("{}: the records of {}: {what}", session.region(), flow_log.id));
                    } else {
                        notes.push(format!("{}: its records could not be counted: {why}", flow_log.id));
                    }
                    assumed(session, flow_log, days).await
                }
                None => Volume::Unknown { reason: "its project or Logstore is not known".to_owned() },
            };
            found.usage.flow_logs.push(FlowLogUsage {
                id: flow_log.id.clone(),
                resource_id: flow_log.resource_id.clone(),
                log_store: place,
                volume,
                duplicates: None,
            });
        }
        found
    }

    fn keep_hours(&mut self, id: &FlowLogId, store: &LogStoreVolume, written: &Written) {
        let Some(hours) = &written.hours else { return };
        let size = store.record_bytes.unwrap_or(RECORD_BYTES);
        let bytes = hours.iter().map(|(hour, records)| (*hour, Bytes(records.saturating_mul(size)))).collect();
        self.hours.insert(id.clone(), bytes);
        self.counted.insert(id.clone(), (store.span.from(), store.span.to()));
    }

    /// Computes what the schedule of each flow log saves.
    fn savings(
        &self,
        asked: &Asked<'_>,
        flow_logs: &[FlowLog],
        table: &PriceTable,
    ) -> BTreeMap<FlowLogId, (u32, Saving)> {
        let volume = self.usage.flow_logs.iter().filter_map(|usage| usage.volume.bytes()).sum();
        let profile = |flow_log: &FlowLog, time_zone: &TimeZone, schedule: Option<&Schedule>| {
            let (hours, span) = (self.hours.get(&flow_log.id)?, *self.counted.get(&flow_log.id)?);
            let created = flow_log.creation_time?;
            let was_on = |begin: Timestamp| {
                let end = begin + SignedDuration::from_mins(59);
                created <= begin && schedule.is_none_or(|schedule| schedule.is_on(begin) && schedule.is_on(end))
            };
            Some(Profile::measured(time_zone, span, hours, was_on))
        };
        let mut savings = BTreeMap::new();
        for (flow_log, usage) in flow_logs.iter().zip(&self.usage.flow_logs) {
            let Some(schedule) = self.schedules.get(&flow_log.id) else { continue };
            let zone = &schedule.time_zone;
            let (Some(own), Some(at)) = (profile(flow_log, zone, Some(schedule)), usage.log_store) else { continue };
            let others: Vec<Profile> = flow_logs
                .iter()
                .filter(|other| other.status == Status::Active && !self.schedules.contains_key(&other.id))
                .filter_map(|other| profile(other, zone, None))
                .collect();
            let on = hours_on(schedule, zone.to_datetime(asked.now).date());
            let log_store = &self.usage.log_stores[at];
            let saving = own.filled(&others).saving(&on, volume, log_store, self.usage.days, table);
            let on_hours = HOURS as u32 - saving.off_hours;
            savings.insert(flow_log.id.clone(), (on_hours, saving));
        }
        savings
    }
}

fn usage_of(store: &LogStoreVolume) -> LogStoreUsage {
    let unread = LogStoreUsage::unread(format!("{}/{}", store.project, store.log_store));
    let metering = match &store.metering {
        Ok(MeteringMode::ByIngest) => Some(Metering::ByIngest),
        Ok(MeteringMode::ByFeature) => Some(Metering::ByFeature),
        Ok(MeteringMode::Other(_)) | Err(_) => None,
    };
    match &store.settings {
        Ok(settings) => LogStoreUsage {
            metering,
            retention_days: settings.retention_days,
            only_counts: settings.only_counts(),
            shards: settings.shards.unwrap_or_default(),
            ..unread
        },
        Err(_) => LogStoreUsage { metering, ..unread },
    }
}

/// Returns what was written in a month, by what was counted.
fn counted(store: &LogStoreVolume, written: &Written, days: u64) -> Volume {
    let counted_days = store.span.duration().as_secs() / DAY_SECONDS;
    let size = store.record_bytes.unwrap_or(RECORD_BYTES);
    let bytes = Bytes(written.records.saturating_mul(size)).scaled(days, counted_days);
    match store.record_bytes {
        None => Volume::Estimated { bytes, basis: Basis::AssumedSize },
        Some(_) if counted_days < days => Volume::Estimated { bytes, basis: Basis::PartOfTheMonth },
        Some(_) => Volume::Measured { bytes },
    }
}

/// Estimates what is written, by the network interfaces that are in use. A flow log that is off may have written before.
async fn assumed(session: &Session<'_>, flow_log: &FlowLog, days: u64) -> Volume {
    let unknown = |reason: &str| Volume::Unknown { reason: reason.to_owned() };
    if flow_log.status != Status::Active {
        return unknown("its records could not be counted, and it is off now");
    }
    let Some(on) = recorded(flow_log) else { return unknown("what it is on is not known") };
    let in_use = NetworkInterfaceFilter { status: Some("InUse"), ..NetworkInterfaceFilter::default() };
    let ids = std::slice::from_ref(&on);
    let filter = match on.resource_type() {
        ResourceType::Vpc => NetworkInterfaceFilter { vpc: Some(&on), ..in_use },
        ResourceType::VSwitch => NetworkInterfaceFilter { vswitch: Some(&on), ..in_use },
        ResourceType::NetworkInterface => NetworkInterfaceFilter { ids, ..in_use },
    };
    let interfaces: Result<Vec<Entry<Resource>>, CallError> = session.network_interfaces(&filter).try_collect().await;
    let Ok(interfaces) = interfaces else {
        return unknown("neither its records nor the network interfaces there could be counted");
    };
    let traffic = Traffic {
        interfaces: interfaces.len() as u64,
        connections: ASSUMED_CONNECTIONS,
        interval_minutes: flow_log.aggregation_interval.unwrap_or(10).into(),
        days,
        record_bytes: RECORD_BYTES,
    };
    traffic.volume()
}

/// Returns the schedules of flow logs, by the policy and the tags of what they are on.
async fn schedules(
    asked: &Asked<'_>,
    session: &Session<'_>,
    flow_logs: &[FlowLog],
    unread: &mut Vec<String>,
) -> BTreeMap<FlowLogId, Schedule> {
    let mut schedules = BTreeMap::new();
    let Some(policy) = asked.policy.filter(|policy| !policy.schedules.is_empty()) else { return schedules };
    let ids: Vec<ResourceId> = flow_logs.iter().filter_map(recorded).collect();
    let mut resources: BTreeMap<ResourceId, Resource> = BTreeMap::new();
    for resource_type in [ResourceType::NetworkInterface, ResourceType::VSwitch, ResourceType::Vpc] {
        // VPCs come last: those of the others are read, too.
        let parents = resources.values().filter_map(|resource: &Resource| resource.vpc().cloned());
        let mut wanted: Vec<ResourceId> = ids.iter().cloned().chain(parents).collect();
        wanted.retain(|id| id.resource_type() == resource_type);
        wanted.sort_unstable();
        wanted.dedup();
        for some in wanted.chunks(20) {
            let found = match resource_type {
                ResourceType::Vpc => session.describe_vpcs(some).await,
                ResourceType::VSwitch => session.describe_vswitches(some).await,
                ResourceType::NetworkInterface => {
                    let filter = NetworkInterfaceFilter { ids: some, ..NetworkInterfaceFilter::default() };
                    session.describe_network_interfaces(&filter).await
                }
            };
            match found {
                Ok(found) => resources.extend(found.items.into_iter().map(|resource| (resource.id.clone(), resource))),
                Err(error) => unread.push(of_call(session.region(), &error)),
            }
        }
    }
    for flow_log in flow_logs {
        let resource = recorded(flow_log).and_then(|on| resources.get(&on));
        let Some(resource) = resource else { continue };
        let vpc = resource.vpc().and_then(|id| resources.get(id));
        if let Desired::FlowLog(desired) = desired(resource, vpc, policy, asked.now)
            && let GovernedBy::Schedule(name) = desired.governed_by
            && let Some(schedule) = policy.schedules.get(&name)
        {
            schedules.insert(flow_log.id.clone(), schedule.clone());
        }
    }
    schedules
}

/// Returns whether anything in the amounts of a flow log is estimated.
pub(crate) fn is_estimated(flow_log: &FlowLogCost) -> bool {
    flow_log.volume.basis().is_some()
}
