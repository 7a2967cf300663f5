//! Reads what flow logs have written, and computes what they cost.
//!
//! A missing permission costs accuracy, not the statement: what may not be counted is estimated, and marked. What fails for
//! another reason is named as unread.

use std::collections::{BTreeMap, BTreeSet};

use audit::{Gathered, Place, Swept};
use cost::{
    Amount, Basis, Bytes, Currency, Deployment, FlowLogCost, FlowLogUsage, FunctionCost, HOURS, LogStoreUsage,
    Metering, PriceTable, Profile, RECORD_BYTES, RegionUsage, Saving, Statement, Traffic, Volume, duplicates, hours_on,
};
use flow_log::{
    AccountId, Desired, FlowLog, FlowLogId, GovernedBy, Policy, RegionId, Resource, ResourceId, ResourceType, Status,
    desired,
    proof::{Unproven, recorded},
    schedule::Schedule,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use openapi::{
    Bill, BillItem, BillingCycle, CallError, Entry, ErrorKind, Listing, MeteringMode, NetworkInterfaceFilter, Session,
};
use reconcile::volumes::{self, LogStoreVolume, Written};

use crate::{
    failure::Failure,
    plan::costs::{ASSUMED_CONNECTIONS, currency_of_site},
};

/// How the ids of flow logs begin, which is how their lines of a bill are found.
const FLOW_LOG_PREFIX: &str = "fl-";
const DAY_SECONDS: u64 = 86_400;
/// How many regions, and how many accounts, are asked about together.
const MAX_AT_ONCE: usize = 8;
/// How many ids a call takes.
const MAX_IDS: usize = 20;
/// How many things of a note are named.
const MAX_NAMED: usize = 3;

/// What to compute.
pub(crate) struct Asked<'a> {
    pub(crate) swept: &'a Swept,
    pub(crate) gathered: &'a Gathered,
    /// The account of the credentials.
    pub(crate) own: &'a AccountId,
    /// A region for calls that are about none.
    pub(crate) any_region: RegionId,
    /// Whether the person gave a policy, so that Flowkeeper is deployed or will be.
    pub(crate) has_policy: bool,
    /// The days of the month that is computed, and how far back records are counted.
    pub(crate) days: u16,
    pub(crate) currency: Option<Currency>,
    /// Other prices than the list prices.
    pub(crate) prices: Option<PriceTable>,
    pub(crate) now: Timestamp,
}

/// What was computed.
#[derive(Debug)]
pub(crate) struct Costing {
    pub(crate) statement: Statement,
    pub(crate) days: u16,
    /// What the schedule of a flow log saves, and in how many hours of the week it is on.
    pub(crate) savings: BTreeMap<FlowLogId, (u32, Saving)>,
    /// The flow logs that are not on now.
    pub(crate) off: BTreeSet<FlowLogId>,
    pub(crate) bills: Vec<Billed>,
    /// What was assumed or left out, one line each.
    pub(crate) notes: Vec<String>,
    /// What could not be read, one line each.
    pub(crate) unread: Vec<String>,
}

/// The bill of the last whole month of an account: the lines that name a flow log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Billed {
    pub(crate) account: AccountId,
    pub(crate) cycle: BillingCycle,
    pub(crate) currency: String,
    pub(crate) amount: Amount,
}

/// What was assumed or left out, and what could not be read.
#[derive(Debug, Default)]
struct Remarks {
    /// What is said, and of what.
    notes: BTreeMap<String, BTreeSet<String>>,
    unread: BTreeSet<String>,
}

impl Remarks {
    fn note(&mut self, of: &impl ToString, text: impl Into<String>) {
        self.notes.entry(text.into()).or_default().insert(of.to_string());
    }

    fn general(&mut self, text: impl Into<String>) {
        self.notes.entry(text.into()).or_default();
    }

    fn unread(&mut self, what: impl Into<String>) {
        self.unread.insert(what.into());
    }

    fn add(&mut self, other: Self) {
        for (text, of) in other.notes {
            self.notes.entry(text).or_default().extend(of);
        }
        self.unread.extend(other.unread);
    }

    fn lines(&self) -> Vec<String> {
        let line = |(text, of): (&String, &BTreeSet<String>)| {
            let named: Vec<_> = of.iter().take(MAX_NAMED).map(String::as_str).collect();
            let more = match of.len().saturating_sub(MAX_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            // The asterisk of an estimate comes first.
            let (mark, sentence) = text.strip_prefix("* ").map_or(("", text.as_str()), |sentence| ("* ", sentence));
            if named.is_empty() { text.clone() } else { format!("{mark}{}{more}: {sentence}", named.join(", ")) }
        };
        self.notes.iter().map(line).collect()
    }
}

impl Costing {
    /// The functions of Flowkeeper, and what they cost together; `None` without a policy.
    pub(crate) fn flowkeeper(&self) -> Option<(&[FunctionCost], Amount)> {
        let functions = &self.statement.functions;
        (!functions.is_empty()).then(|| (functions.as_slice(), self.statement.flowkeeper()))
    }

    /// What the schedule of a flow log saves, if anything of that is known.
    pub(crate) fn saving(&self, id: &FlowLogId) -> Option<Amount> {
        let (_, saving) = self.savings.get(id)?;
        (saving.unknown_hours < saving.off_hours || saving.off_hours == 0).then_some(saving.by_traffic)
    }

    /// What schedules save, as far as it is known.
    pub(crate) fn saved(&self) -> Amount {
        self.savings.values().map(|(_, saving)| saving.by_traffic).sum()
    }

    /// What would not be charged without the flow logs that record what others record already.
    pub(crate) fn duplicates(&self) -> Amount {
        self.statement.regions.iter().filter_map(|region| region.duplicates).sum()
    }

    /// What was billed, by currency, in the order of the currencies.
    pub(crate) fn billed(&self) -> BTreeMap<(String, &str), Amount> {
        let mut sums = BTreeMap::new();
        for bill in &self.bills {
            *sums.entry((bill.cycle.to_string(), bill.currency.as_str())).or_insert(Amount::ZERO) += bill.amount;
        }
        sums
    }
}

/// Reads and computes.
///
/// # Errors
/// The prices are in another currency than asked for.
pub(crate) async fn compute(asked: &Asked<'_>) -> Result<Costing, Failure> {
    let mut remarks = Remarks::default();
    let bills = bills(asked, &mut remarks).await;
    let table = prices(asked, &bills, &mut remarks)?;
    let places = asked.gathered.places.iter().filter(|(_, place)| !place.flow_logs.is_empty());
    let reads: Vec<_> = places.map(|(id, place)| InRegion::read(asked, id, place)).collect();
    let mut read: Vec<InRegion<'_>> = stream::iter(reads).buffered(MAX_AT_ONCE).collect().await;
    let savings: BTreeMap<FlowLogId, (u32, Saving)> =
        read.iter().flat_map(|region| region.savings(asked, &table)).collect();
    for region in &mut read {
        remarks.add(std::mem::take(&mut region.remarks));
    }
    let switched_off = read.iter().map(|region| region.switched_off(asked)).fold(0, u64::saturating_add);
    let off = read.iter().flat_map(|region| region.flow_logs).filter(|flow_log| flow_log.status != Status::Active);
    let off = off.map(|flow_log| flow_log.id.clone()).collect();
    let regions: Vec<_> = read.into_iter().map(|region| region.usage).collect();
    let functions = if asked.has_policy { deployment(asked, switched_off).functions() } else { Vec::new() };
    let statement = Statement::of(&regions, &functions, &table);
    for region in statement.without_prices() {
        remarks.note(&region.region, "the price table has no prices for this region, so its cost is unknown");
    }
    for region in &statement.regions {
        for name in &region.assumed_metering {
            remarks.note(name, "how it is charged could not be read; by feature is assumed");
        }
        for flow_log in &region.flow_logs {
            match (&flow_log.volume, flow_log.volume.basis()) {
                (_, Some(basis)) => remarks.note(&flow_log.id, format!("* {basis}")),
                (Volume::Unknown { reason }, _) => remarks.note(&flow_log.id, reason),
                _ => {}
            }
        }
    }
    for (id, (_, saving)) in &savings {
        let Saving { off_hours, unknown_hours, .. } = saving;
        if *unknown_hours > 0 {
            let never = format!("in {unknown_hours} of {off_hours} hours off nothing was ever recorded");
            remarks.note(id, format!("{never}, so what the schedule saves there is unknown"));
        }
    }
    if asked.has_policy {
        if table.function_compute.least_per_function_hour.is_none() {
            remarks
                .general("Flowkeeper itself: without a least charge for an hour, which the price table does not have");
        }
        remarks.general(
            "Flowkeeper itself: by the template's own timers, as many deletions as resources created in that time, and \
             report-flow-logs, which is deployed only with an EvidenceBucket",
        );
    }
    Ok(Costing {
        statement,
        days: asked.days,
        savings,
        off,
        bills,
        notes: remarks.lines(),
        unread: remarks.unread.into_iter().collect(),
    })
}

/// When the month that is computed began.
fn since(asked: &Asked<'_>) -> Timestamp {
    asked.now.checked_sub((i64::from(asked.days) * 24).hours()).unwrap_or(Timestamp::MIN)
}

/// What Flowkeeper looks after, by the policy and what was read.
fn deployment(asked: &Asked<'_>, switched_off: u64) -> Deployment {
    let Asked { swept, gathered, days, .. } = asked;
    let policy = swept.reconciler.policy();
    let levels = policy.levels();
    let since = since(asked);
    let resources = gathered.places.values().flat_map(|place| place.resources.values());
    let counted = resources.filter(|resource| levels.contains(&resource.id.resource_type()));
    Deployment {
        accounts: swept.accounts.len() as u64,
        regions: gathered.regions.values().map(|regions| regions.len() as u64).sum(),
        has_routers: policy.ecr_flow_log.is_some(),
        days: (*days).into(),
        created: counted.filter_map(|resource| resource.creation_time).filter(|at| *at >= since).collect(),
        switched_off,
    }
}

fn of_call(region: &RegionId, error: &CallError) -> String {
    format!("{region}: {error}: {}", error.cause)
}

/// Chooses the prices: those of a file, else those of the currency that is asked for or billed, else those of the site
/// that the regions suggest.
fn prices(asked: &Asked<'_>, bills: &[Billed], remarks: &mut Remarks) -> Result<PriceTable, Failure> {
    if let Some(table) = &asked.prices {
        let is_other = asked.currency.is_some_and(|currency| currency != table.currency);
        return if is_other {
            let problem = format!("--prices: its currency is {}, and nothing is converted", table.currency);
            Err(Failure::usage(problem, "leave --currency out, or name a file in that currency"))
        } else {
            Ok(table.clone())
        };
    }
    let billed = bills.iter().find_map(|bill| match bill.currency.as_str() {
        "CNY" => Some(Currency::Cny),
        "USD" => Some(Currency::Usd),
        _ => None,
    });
    let currency = asked.currency.or(billed).unwrap_or_else(|| {
        let currency = currency_of_site(&asked.any_region);
        remarks
            .general(format!("the account's currency is not known; {currency} is assumed, --currency names another"));
        currency
    });
    Ok(PriceTable::of(currency))
}

/// Reads the bill of the last whole month of each account. Without the permission there is none.
async fn bills(asked: &Asked<'_>, remarks: &mut Remarks) -> Vec<Billed> {
    let cycle = BillingCycle::of(asked.now).previous();
    let mut read = Vec::new();
    let (own, members): (Vec<_>, Vec<_>) = asked.swept.accounts.iter().partition(|account| *account == asked.own);
    let mut pays = true;
    for account in own {
        let found = bill(asked, account, None).await;
        pays = !found.as_ref().is_err_and(|error| error.kind() == ErrorKind::AccessDenied);
        read.push((account, found));
    }
    let asks = members.into_iter().map(|account| async move {
        // Who pays for a member sees its bill. A member that pays for itself sees its own.
        let by_payer = if pays { bill(asked, asked.own, Some(account)).await.ok() } else { None };
        match by_payer {
            Some(found) => (account, Ok(found)),
            None => (account, bill(asked, account, None).await),
        }
    });
    let asks: Vec<_> = asks.collect();
    read.extend(stream::iter(asks).buffered(MAX_AT_ONCE).collect::<Vec<_>>().await);
    read.into_iter().filter_map(|(account, found)| billed(account, cycle, found, remarks)).collect()
}

async fn bill(asked: &Asked<'_>, by: &AccountId, owner: Option<&AccountId>) -> Result<Listing<BillItem>, CallError> {
    let Swept { reconciler, job, .. } = asked.swept;
    let session = reconciler.session(job, (by, &asked.any_region));
    let cycle = BillingCycle::of(asked.now).previous();
    session.describe_instance_bill(Bill { cycle, product_code: None, owner }).await
}

/// Sums up the lines of a bill that name a flow log.
fn billed(
    account: &AccountId,
    cycle: BillingCycle,
    found: Result<Listing<BillItem>, CallError>,
    remarks: &mut Remarks,
) -> Option<Billed> {
    let lines = match found {
        Ok(lines) => lines,
        Err(error) if error.kind() == ErrorKind::AccessDenied => {
            remarks.note(account, format!("no bill: {}", error.advice()));
            return None;
        }
        Err(error) => {
            remarks.unread(format!("the bill of {cycle} of {account}: {error}: {}", error.cause));
            return None;
        }
    };
    if let Some(line) = lines.unreadable.first() {
        remarks.unread(format!("the bill of {cycle} of {account}: {line}"));
        return None;
    }
    let is_of_flow_log =
        |line: &&BillItem| line.instance_id.as_deref().is_some_and(|id| id.starts_with(FLOW_LOG_PREFIX));
    let mut sum: Option<Billed> = None;
    for line in lines.items.iter().filter(is_of_flow_log) {
        let Ok(amount) = line.pretax_amount.parse::<Amount>() else {
            remarks.unread(format!("the bill of {cycle} of {account}: {:?} is no amount", line.pretax_amount));
            return None;
        };
        let sum = sum.get_or_insert_with(|| Billed {
            account: account.clone(),
            cycle,
            currency: line.currency.clone(),
            amount: Amount::ZERO,
        });
        if sum.currency != line.currency {
            remarks.unread(format!("the bill of {cycle} of {account} is in {} and in {}", sum.currency, line.currency));
            return None;
        }
        sum.amount += amount;
    }
    if sum.is_none() {
        remarks.note(account, format!("the bill of {cycle} has no line that names a flow log"));
    }
    sum
}

/// What was read in a region.
struct InRegion<'a> {
    flow_logs: &'a [FlowLog],
    usage: RegionUsage,
    /// The records of each flow log by the hour, as bytes, where they could be counted.
    hours: BTreeMap<FlowLogId, Vec<(Timestamp, Bytes)>>,
    /// The time in which they were counted.
    counted: BTreeMap<FlowLogId, (Timestamp, Timestamp)>,
    /// The schedule of each flow log that has one.
    schedules: BTreeMap<FlowLogId, Schedule>,
    remarks: Remarks,
}

impl<'a> InRegion<'a> {
    async fn read(asked: &Asked<'_>, (account, region): &(AccountId, RegionId), place: &'a Place) -> Self {
        let Swept { reconciler, job, .. } = asked.swept;
        let (session, flow_logs) = (reconciler.session(job, (account, region)), place.flow_logs.as_slice());
        let (days, mut remarks) = (u64::from(asked.days), Remarks::default());
        let resources = resources(&session, place, &mut remarks).await;
        let schedules = schedules(reconciler.policy(), asked.now, flow_logs, &resources);
        let parents = |id: &ResourceId| resources.get(id).map(|found| found.parents.clone()).unwrap_or_default();
        let is_on = |flow_log: &FlowLog| flow_log.status == Status::Active || schedules.contains_key(&flow_log.id);
        let mut duplicates = duplicates(flow_logs, parents, is_on);
        let around = |id: &ResourceId| resources.get(id).map(|found| found.parents.clone());
        let read = volumes::read(&session, flow_logs, asked.days, &around).await;
        let usage = RegionUsage {
            account: account.clone(),
            region: region.clone(),
            days,
            log_stores: read.iter().map(usage_of).collect(),
            flow_logs: Vec::new(),
        };
        let mut found = Self { flow_logs, usage, hours: BTreeMap::new(), counted: BTreeMap::new(), schedules, remarks };
        for flow_log in flow_logs {
            let at = read.iter().position(|store| store.flow_logs.iter().any(|(id, _)| *id == flow_log.id));
            let volume = found.volume(&session, flow_log, at.map(|nth| &read[nth]), days).await;
            found.usage.flow_logs.push(FlowLogUsage {
                id: flow_log.id.clone(),
                resource_id: flow_log.resource_id.clone(),
                log_store: at,
                volume,
                duplicates: duplicates.remove(&flow_log.id),
            });
        }
        found
    }

    /// Returns what a flow log writes in a month.
    async fn volume(
        &mut self,
        session: &Session<'_>,
        flow_log: &FlowLog,
        store: Option<&LogStoreVolume>,
        days: u64,
    ) -> Volume {
        let written =
            store.and_then(|store| Some((store, &store.flow_logs.iter().find(|(id, _)| *id == flow_log.id)?.1)));
        match written {
            None => Volume::Unknown { reason: "its project or Logstore is not known".to_owned() },
            // Nothing can be written there. What VPC charges then is not documented.
            Some((LogStoreVolume { settings: Err(Unproven::NoDestination(_)), .. }, _)) => {
                Volume::Unknown { reason: "its project or Logstore is gone, so nothing can be counted".to_owned() }
            }
            Some((counted_in, Ok(written))) => {
                self.keep_hours(&flow_log.id, counted_in, written);
                counted(counted_in, written, days)
            }
            Some((_, Err(why))) => {
                if let Unproven::Unread(what) = why {
                    self.remarks.unread(format!("{}: the records of {}: {what}", session.region(), flow_log.id));
                } else {
                    self.remarks.note(&flow_log.id, format!("its records could not be counted: {why}"));
                }
                assumed(session, flow_log, days).await
            }
        }
    }

    fn keep_hours(&mut self, id: &FlowLogId, store: &LogStoreVolume, written: &Written) {
        let Some(hours) = &written.hours else { return };
        let size = store.record_bytes.unwrap_or(RECORD_BYTES);
        let bytes = hours.iter().map(|(hour, records)| (*hour, Bytes(records.saturating_mul(size)))).collect();
        self.hours.insert(id.clone(), bytes);
        self.counted.insert(id.clone(), (store.span.from(), store.span.to()));
    }

    /// How often Flowkeeper switches flow logs off in a month.
    fn switched_off(&self, asked: &Asked<'_>) -> u64 {
        let since = since(asked);
        let own = self.flow_logs.iter().filter(|flow_log| flow_log.is_own());
        let schedules = own.filter_map(|flow_log| self.schedules.get(&flow_log.id));
        let off = schedules.map(|it| it.transitions(since, asked.now).iter().filter(|to| !to.is_on).count() as u64);
        off.fold(0, u64::saturating_add)
    }

    /// Computes what the schedule of each flow log saves.
    fn savings(&self, asked: &Asked<'_>, table: &PriceTable) -> BTreeMap<FlowLogId, (u32, Saving)> {
        let flow_logs = self.flow_logs;
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
        Some(_) if written.is_split => Volume::Estimated { bytes, basis: Basis::SplitEvenly },
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

/// Returns the resources that flow logs are on and what contains them, by id. The sweep has read those at the levels of
/// the policy.
async fn resources(session: &Session<'_>, place: &Place, remarks: &mut Remarks) -> BTreeMap<ResourceId, Resource> {
    let ids: Vec<ResourceId> = place.flow_logs.iter().filter_map(recorded).collect();
    let mut resources: BTreeMap<ResourceId, Resource> =
        ids.iter().filter_map(|id| Some((id.clone(), place.resources.get(id)?.clone()))).collect();
    for resource_type in [ResourceType::NetworkInterface, ResourceType::VSwitch, ResourceType::Vpc] {
        // VPCs come last: those of the others are read, too.
        let parents = resources.values().filter_map(|resource: &Resource| resource.vpc().cloned());
        let mut wanted: BTreeSet<ResourceId> = ids.iter().cloned().chain(parents).collect();
        wanted.retain(|id| id.resource_type() == resource_type && !resources.contains_key(id));
        let (known, unknown): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|id| place.resources.contains_key(id));
        resources.extend(known.into_iter().filter_map(|id| Some((id.clone(), place.resources.get(&id)?.clone()))));
        for some in unknown.chunks(MAX_IDS) {
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
                Err(error) if error.kind() == ErrorKind::NotVisible => {}
                Err(error) => remarks.unread(of_call(session.region(), &error)),
            }
        }
    }
    resources
}

/// Returns the schedules of flow logs, by the policy and the tags of what they are on.
fn schedules(
    policy: &Policy,
    now: Timestamp,
    flow_logs: &[FlowLog],
    resources: &BTreeMap<ResourceId, Resource>,
) -> BTreeMap<FlowLogId, Schedule> {
    let schedule = |flow_log: &FlowLog| {
        let resource = resources.get(&recorded(flow_log)?)?;
        let vpc = resource.vpc().and_then(|id| resources.get(id));
        let Desired::FlowLog(desired) = desired(resource, vpc, policy, now) else { return None };
        let GovernedBy::Schedule(name) = desired.governed_by else { return None };
        Some((flow_log.id.clone(), policy.schedules.get(&name)?.clone()))
    };
    flow_logs.iter().filter_map(schedule).collect()
}

/// Returns whether anything in the amounts of a flow log is estimated.
pub(crate) fn is_estimated(flow_log: &FlowLogCost) -> bool {
    flow_log.volume.basis().is_some()
}
