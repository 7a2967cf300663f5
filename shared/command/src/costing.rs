//! Reads what flow logs have written, and computes what they cost.
//!
//! A missing permission costs accuracy, not the statement: what may not be counted is estimated, and marked. What fails for
//! another reason is named as unread.

use std::collections::{BTreeMap, BTreeSet};

use audit::{Gathered, Place, Swept, scope_left_out};
use cost::{
    Amount, Basis, Bytes, Currency, Deployment, FlowLogCost, FlowLogUsage, FunctionCost, HOURS, LogStoreUsage,
    Metering, PriceTable, Profile, RECORD_BYTES, RegionCost, RegionUsage, Saved, Saving, Statement, Traffic, Volume,
    duplicates, hours_on, saved,
};
use evidence::Kind;
use flow_log::{
    AccountId, Desired, FlowLog, FlowLogId, GovernedBy, Policy, RegionId, Resource, ResourceId, ResourceType, Status,
    Verdict, desired,
    proof::{Unproven, recorded},
    schedule::Schedule,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use openapi::{
    Bill, BillItem, BillingCycle, CallError, Entry, ErrorKind, Listing, MeteringMode, NetworkInterfaceFilter, Session,
    UnreadableItem,
};
use reconcile::volumes::{self, LogStoreVolume, Written};

use crate::{
    call_remedy::remedy,
    failure::Failure,
    plan::costs::{ASSUMED_CONNECTIONS, currency_of_site},
};

/// How the ids of flow logs begin, which is how their lines of a bill are found.
const FLOW_LOG_PREFIX: &str = "fl-";
const DAY_SECONDS: u64 = 86_400;
const HOUR_SECONDS: u64 = 3600;
/// The days of the month that is computed. The free gigabytes and the tiers are those of a month.
pub(crate) const MONTH_DAYS: u16 = 30;
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
    /// Whether only some regions are asked about, so that Express Connect Routers are not read.
    pub(crate) is_narrowed: bool,
    /// How many days back records are counted.
    pub(crate) counted_days: u16,
    pub(crate) currency: Option<Currency>,
    /// Other prices than the list prices.
    pub(crate) prices: Option<PriceTable>,
    pub(crate) now: Timestamp,
}

/// What was computed.
#[derive(Debug)]
pub(crate) struct Costing {
    pub(crate) statement: Statement,
    /// The flow logs that have a schedule.
    pub(crate) schedules: BTreeMap<FlowLogId, OfSchedule>,
    /// The flow logs that are not on now.
    pub(crate) off: BTreeSet<FlowLogId>,
    pub(crate) bills: Vec<Billed>,
    /// The flow logs of Express Connect Routers that were read. What they write, and so what they cost, is unknown.
    pub(crate) routers: Vec<OfRouter>,
    /// On how many virtual border routers there may be further ones: the policy excludes them, or they were not read.
    pub(crate) unclear_routers: usize,
    /// What was assumed or left out, one line each.
    pub(crate) notes: Vec<String>,
    /// What could not be read, one line each.
    pub(crate) unread: Vec<String>,
}

/// What the schedule of a flow log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfSchedule {
    /// In how many hours of the week it is on.
    pub(crate) on_hours: u32,
    pub(crate) saving: Saving,
    /// What it saves; `None` if nothing is known of that.
    pub(crate) saved: Option<Saved>,
    /// Whether records were counted by the hour.
    pub(crate) has_hours: bool,
}

/// A flow log of an Express Connect Router.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OfRouter {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The virtual border router that it is on.
    pub(crate) resource_id: String,
    pub(crate) id: FlowLogId,
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

    /// What the schedule of a flow log saves, if it has one and anything of that is known.
    pub(crate) fn saved(&self, id: &FlowLogId) -> Option<Saved> {
        self.schedules.get(id)?.saved
    }

    /// What schedules save, as far as it is known; `None` if nothing is.
    pub(crate) fn all_saved(&self) -> Option<Amount> {
        let mut known = self.schedules.values().filter_map(|schedule| schedule.saved).peekable();
        known.peek()?;
        Some(known.map(|saved| saved.by_traffic).sum())
    }

    /// All that is known of the costs; `None` if nothing is.
    pub(crate) fn total(&self) -> Option<Amount> {
        let Statement { regions, functions, .. } = &self.statement;
        let has_none = regions.is_empty() && !self.may_have_routers();
        let is_known = has_none || !functions.is_empty() || regions.iter().any(|it| it.total().is_some());
        is_known.then(|| self.statement.total())
    }

    /// Whether there are flow logs of Express Connect Routers, or may be.
    pub(crate) const fn may_have_routers(&self) -> bool {
        !self.routers.is_empty() || self.unclear_routers > 0
    }

    /// Whether anything in what the schedule of a flow log saves is estimated.
    pub(crate) fn is_saving_estimated(&self, flow_log: &FlowLogCost) -> bool {
        let schedule = self.schedules.get(&flow_log.id);
        schedule.is_some_and(|schedule| is_estimated(flow_log) || schedule.saving.is_estimated())
    }

    /// What would not be charged without the flow logs that record what others record already; `None` if there are none, or
    /// nothing is known of what they cost.
    pub(crate) fn duplicates(&self) -> Option<Amount> {
        let has_any = |region: &&RegionCost| region.flow_logs.iter().any(|flow_log| flow_log.duplicates.is_some());
        let mut known = self.statement.regions.iter().filter(has_any).filter_map(|region| region.duplicates).peekable();
        known.peek()?;
        Some(known.sum())
    }

    /// What was billed, by currency, in the order of the currencies.
    pub(crate) fn billed(&self) -> BTreeMap<(BillingCycle, &str), Amount> {
        let mut sums = BTreeMap::new();
        for bill in &self.bills {
            *sums.entry((bill.cycle, bill.currency.as_str())).or_insert(Amount::ZERO) += bill.amount;
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
    let schedules: BTreeMap<FlowLogId, OfSchedule> =
        read.iter().flat_map(|region| region.savings(asked, &table)).collect();
    for region in &mut read {
        remarks.add(std::mem::take(&mut region.remarks));
    }
    let switched_off = read.iter().map(|region| region.switched_off(asked)).fold(0, u64::saturating_add);
    let off = read.iter().flat_map(|region| region.flow_logs).filter(|flow_log| flow_log.status != Status::Active);
    let off = off.map(|flow_log| flow_log.id.clone()).collect();
    let regions: Vec<_> = read.into_iter().map(|region| region.usage).collect();
    let deployment = asked.has_policy.then(|| deployment(asked, switched_off));
    let functions = deployment.as_ref().map_or_else(Vec::new, Deployment::functions);
    let statement = Statement::of(&regions, &functions, &table);
    let statement = match &deployment {
        Some(deployment) => statement.with_logs(&deployment.logs(), &table),
        None => statement,
    };
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
    let by_feature = regions.iter().flat_map(|region| &region.log_stores);
    if by_feature.filter(|store| store.metering != Some(Metering::ByIngest)).count() > 0 {
        let price = table.log_service.by_feature.per_million_requests;
        let price = price.map(|rate| format!(" ({} {rate} a million)", table.currency)).unwrap_or_default();
        remarks.general(format!(
            "Log Service: without requests to Logstores that are charged by feature{price}, whose number is not known"
        ));
    }
    for (id, schedule) in &schedules {
        let Saving { off_hours, unknown_hours, .. } = schedule.saving;
        if unknown_hours > 0 {
            let why = if schedule.has_hours {
                format!("in {unknown_hours} of {off_hours} hours off nothing was ever recorded")
            } else {
                "its records could not be counted by the hour".to_owned()
            };
            remarks.note(id, format!("{why}, so what the schedule saves there is unknown"));
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
    let (routers, unclear_routers) = routers(asked, &mut remarks);
    Ok(Costing {
        statement,
        schedules,
        off,
        bills,
        routers,
        unclear_routers,
        notes: remarks.lines(),
        unread: remarks.unread.into_iter().collect(),
    })
}

/// Returns the flow logs of Express Connect Routers that the sweep has read, and on how many virtual border routers there
/// may be others. Nothing tells what they write: which fields their records have is not documented.
fn routers(asked: &Asked<'_>, remarks: &mut Remarks) -> (Vec<OfRouter>, usize) {
    let what = "flow logs of Express Connect Routers";
    if let Some(left_out) = scope_left_out(asked.swept.reconciler.policy(), asked.is_narrowed) {
        let why = if asked.has_policy { left_out.why.as_str() } else { "no policy with ecr_flow_log was given" };
        remarks.general(format!("{what} are not counted: {why}"));
        return (Vec::new(), 0);
    }
    let (mut found, mut unclear) = (BTreeSet::new(), BTreeSet::new());
    for item in asked.swept.report.results.iter().filter(|item| item.resource_type == Some(Kind::Vbr.as_str())) {
        let Some(resource_id) = &item.resource_id else { continue };
        match (&item.flow_log_id, item.verdict) {
            (Some(id), _) => {
                remarks.note(id, "what a flow log of an Express Connect Router writes is not known, nor is its cost");
                _ = found.insert(OfRouter {
                    account: item.account.clone().unwrap_or_default(),
                    region: item.region.clone().unwrap_or_default(),
                    resource_id: resource_id.clone(),
                    id: id.clone(),
                });
            }
            (None, Some(Verdict::Missing | Verdict::Paused)) => {}
            (None, _) => {
                remarks.note(resource_id, format!("{what} there, if there are any, are not counted"));
                _ = unclear.insert(resource_id.as_str());
            }
        }
    }
    (found.into_iter().collect(), unclear.len())
}

/// When the month that is computed began.
fn since(asked: &Asked<'_>) -> Timestamp {
    asked.now.checked_sub((i64::from(MONTH_DAYS) * 24).hours()).unwrap_or(Timestamp::MIN)
}

/// What Flowkeeper looks after, by the policy and what was read.
fn deployment(asked: &Asked<'_>, switched_off: u64) -> Deployment {
    let Asked { swept, gathered, .. } = asked;
    let policy = swept.reconciler.policy();
    let levels = policy.levels();
    let since = since(asked);
    let resources = gathered.places.values().flat_map(|place| place.resources.values());
    let counted = resources.filter(|resource| levels.contains(&resource.id.resource_type()));
    Deployment {
        accounts: swept.accounts.len() as u64,
        regions: gathered.regions.values().map(|regions| regions.len() as u64).sum(),
        has_routers: policy.ecr_flow_log.is_some(),
        days: MONTH_DAYS.into(),
        created: counted.filter_map(|resource| resource.creation_time).filter(|at| *at >= since).collect(),
        switched_off,
        resources: gathered.places.values().map(|place| place.resources.len() as u64).collect(),
    }
}

fn of_call(region: &RegionId, error: &CallError) -> String {
    format!("{region}: {error}: {}; {}", error.cause, remedy(error))
}

fn of_item(region: &RegionId, item: &UnreadableItem) -> String {
    format!("{region}: {item}")
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
        // Who pays for a member sees its bill. A member that pays for itself sees its own, and the payer sees an empty one.
        let by_payer = if pays { bill(asked, asked.own, Some(account)).await.ok() } else { None };
        let by_payer = match by_payer {
            Some(found) if !found.unreadable.is_empty() || found.items.iter().any(is_of_flow_log) => {
                return (account, Ok(found));
            }
            empty_or_none => empty_or_none,
        };
        match (bill(asked, account, None).await, by_payer) {
            (Err(error), Some(empty)) if error.kind() == ErrorKind::AccessDenied => (account, Ok(empty)),
            (by_itself, _) => (account, by_itself),
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

fn is_of_flow_log(line: &BillItem) -> bool {
    line.instance_id.as_deref().is_some_and(|id| id.starts_with(FLOW_LOG_PREFIX))
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
            remarks.note(account, format!("no bill: {}", remedy(&error)));
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
    let mut sum: Option<Billed> = None;
    for line in lines.items.iter().filter(|line| is_of_flow_log(line)) {
        let is_currency = line.currency.len() == 3 && line.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_currency {
            remarks.unread(format!("the bill of {cycle} of {account}: {:?} is no currency", line.currency));
            return None;
        }
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
        let (days, mut remarks) = (u64::from(MONTH_DAYS), Remarks::default());
        let resources = resources(&session, place, &mut remarks).await;
        let schedules = schedules(reconciler.policy(), asked.now, flow_logs, &resources);
        let parents = |id: &ResourceId| resources.get(id).map(|found| found.parents.clone()).unwrap_or_default();
        let is_on = |flow_log: &FlowLog| flow_log.status == Status::Active || schedules.contains_key(&flow_log.id);
        let mut duplicates = duplicates(flow_logs, parents, is_on);
        let around = |id: &ResourceId| resources.get(id).map(|found| found.parents.clone());
        let read = volumes::read(&session, flow_logs, asked.counted_days, &around).await;
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
                match counted(counted_in, flow_log, written, days) {
                    Some(volume) => volume,
                    None => assumed(session, flow_log, days, &mut self.remarks).await,
                }
            }
            Some((counted_in, Err(why))) => {
                if let Unproven::Unread(what) = why {
                    let LogStoreVolume { project, log_store, .. } = counted_in;
                    self.remarks.unread(format!("{}: the records in {project}/{log_store}: {what}", session.region()));
                } else {
                    self.remarks.note(&flow_log.id, format!("its records could not be counted: {why}"));
                }
                assumed(session, flow_log, days, &mut self.remarks).await
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
    fn savings(&self, asked: &Asked<'_>, table: &PriceTable) -> BTreeMap<FlowLogId, OfSchedule> {
        let others = |zone: &TimeZone| -> Vec<Profile> {
            let on =
                self.flow_logs.iter().filter(|it| it.status == Status::Active && !self.schedules.contains_key(&it.id));
            on.filter_map(|other| self.profile(other, zone, None)).collect()
        };
        let mut found: Vec<(&FlowLogUsage, OfSchedule)> = Vec::new();
        for (flow_log, usage) in self.flow_logs.iter().zip(&self.usage.flow_logs) {
            let Some(schedule) = self.schedules.get(&flow_log.id) else { continue };
            let zone = &schedule.time_zone;
            let on = hours_on(schedule, zone.to_datetime(asked.now).date());
            let own = self.profile(flow_log, zone, Some(schedule));
            let has_hours = own.is_some();
            let saving = match own {
                Some(own) => own.filled(&others(zone)).saving(&on, self.usage.days),
                None => Saving::unknown(&on),
            };
            let on_hours = HOURS as u32 - saving.off_hours;
            found.push((usage, OfSchedule { on_hours, saving, saved: None, has_hours }));
        }
        self.price(&mut found, table);
        found.into_iter().map(|(usage, schedule)| (usage.id.clone(), schedule)).collect()
    }

    /// Computes what schedules save in money, where there are prices.
    fn price(&self, schedules: &mut [(&FlowLogUsage, OfSchedule)], table: &PriceTable) {
        if !table.has(&self.usage.region) {
            return;
        }
        let log_store = |usage: &FlowLogUsage| usage.log_store.and_then(|at| self.usage.log_stores.get(at));
        let known = schedules.iter_mut().filter(|(_, schedule)| schedule.saving.is_known());
        let (slots, savings): (Vec<_>, Vec<_>) = known
            .filter_map(|(usage, schedule)| Some((log_store(usage)?, schedule)))
            .map(|(store, schedule)| (&mut schedule.saved, (schedule.saving, store)))
            .unzip();
        let recorded: Bytes = self.usage.flow_logs.iter().filter_map(|usage| usage.volume.bytes()).sum();
        // A schedule that is new did not keep off what was recorded before.
        let before: Bytes = self.flow_logs.iter().filter_map(|flow_log| self.recorded_when_off(&flow_log.id)).sum();
        for (slot, saved) in slots.into_iter().zip(saved(&savings, recorded - before, table)) {
            *slot = Some(saved);
        }
    }

    /// Returns what a flow log has recorded in hours that its schedule keeps off, as in a month.
    fn recorded_when_off(&self, id: &FlowLogId) -> Option<Bytes> {
        let (schedule, hours, (from, to)) = (self.schedules.get(id)?, self.hours.get(id)?, self.counted.get(id)?);
        let off = hours.iter().filter(|(begin, _)| is_on_throughout(schedule, *begin) == Some(false));
        let bytes: Bytes = off.map(|(_, bytes)| *bytes).sum();
        Some(bytes.scaled(self.usage.days * DAY_SECONDS, seconds_between(*from, *to)))
    }

    /// Returns what a flow log writes in each hour of the week; `None` if its records were not counted by the hour.
    fn profile(&self, flow_log: &FlowLog, time_zone: &TimeZone, schedule: Option<&Schedule>) -> Option<Profile> {
        let (hours, span) = (self.hours.get(&flow_log.id)?, *self.counted.get(&flow_log.id)?);
        let created = flow_log.creation_time?;
        // Records prove that it was on, but for an hour in which its schedule switches.
        let was_on =
            |begin: Timestamp, goes_on: bool| match schedule.map_or(Some(true), |it| is_on_throughout(it, begin)) {
                Some(is_on) => goes_on || (is_on && created <= begin),
                None => false,
            };
        Some(Profile::measured(time_zone, span, hours, was_on))
    }
}

/// The seconds from one moment to a later one; 0 if it is none.
fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or_default()
}

/// Returns whether a schedule is on, or off, in the whole hour that begins then; `None` if it switches.
fn is_on_throughout(schedule: &Schedule, begin: Timestamp) -> Option<bool> {
    let [first, last] = [begin, begin + SignedDuration::from_mins(59)].map(|moment| schedule.is_on(moment));
    (first == last).then_some(first)
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

/// Returns what is written in a month, by what was counted since the flow log is there; `None` if that is not an hour.
/// Records from before are those of another flow log on the same resource, and count as well.
fn counted(store: &LogStoreVolume, flow_log: &FlowLog, written: &Written, days: u64) -> Option<Volume> {
    let first = written.hours.iter().flatten().map(|(hour, _)| *hour).min();
    let begun = flow_log.creation_time.map(|created| first.map_or(created, |first| first.min(created)));
    let from = begun.map_or(store.span.from(), |begun| begun.max(store.span.from()));
    let (seconds, month) = (seconds_between(from, store.span.to()), days * DAY_SECONDS);
    if seconds < HOUR_SECONDS {
        return None;
    }
    let size = store.record_bytes.unwrap_or(RECORD_BYTES);
    let bytes = Bytes(written.records.saturating_mul(size)).scaled(month, seconds);
    Some(match store.record_bytes {
        None => Volume::Estimated { bytes, basis: Basis::AssumedSize },
        Some(_) if written.is_split => Volume::Estimated { bytes, basis: Basis::SplitEvenly },
        Some(_) if seconds < month => Volume::Estimated { bytes, basis: Basis::PartOfTheMonth },
        Some(_) => Volume::Measured { bytes },
    })
}

/// Estimates what is written, by the network interfaces that are in use. A flow log that is off may have written before.
async fn assumed(session: &Session<'_>, flow_log: &FlowLog, days: u64, remarks: &mut Remarks) -> Volume {
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
    let interfaces = match interfaces {
        Ok(interfaces) => interfaces,
        Err(error) => {
            if error.kind() != ErrorKind::AccessDenied {
                remarks.unread(of_call(session.region(), &error));
            }
            return unknown("neither its records nor the network interfaces there could be counted");
        }
    };
    // One that cannot be read is there, and counts.
    let unreadable = interfaces.iter().filter_map(|entry| match entry {
        Entry::Read(_) => None,
        Entry::Unreadable(item) => Some(item),
    });
    unreadable.for_each(|item| remarks.unread(of_item(session.region(), item)));
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
                Ok(found) => {
                    found.unreadable.iter().for_each(|item| remarks.unread(of_item(session.region(), item)));
                    resources.extend(found.items.into_iter().map(|resource| (resource.id.clone(), resource)));
                }
                Err(error) if error.kind() == ErrorKind::NotVisible => {}
                // Without them it is not known which schedules there are, nor which flow logs are duplicates.
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

#[cfg(test)]
mod tests {
    use flow_log::Delivery;

    use super::*;

    #[test]
    fn what_a_new_schedule_has_recorded_in_its_hours_off_is_taken_out_before_its_saving_is_priced() {
        let text = "flow_log: {project: flowlog, log_store: vpc}\nschedule: office\n\
                    schedules: {office: {time_zone: Asia/Shanghai, on: [Mon-Fri 07:00-21:00]}}";
        let policy = Policy::parse(text).unwrap();
        let id: FlowLogId = "fl-1".parse().unwrap();
        // 100 GB in every hour of a week are 72,000 GB a month. The schedule is off in 98 of the 168 hours.
        let monday: Timestamp = "2026-11-16T00:00+08:00".parse().unwrap();
        let hours: Vec<_> = (0..HOURS as i64).map(|nth| (monday + nth.hours(), Bytes::gigabytes(100))).collect();
        let week = (monday, monday + (HOURS as i64).hours());
        let bytes = Bytes::gigabytes(72_000);
        let by_ingest = LogStoreUsage::unread("flowlog/vpc".to_owned());
        let usage = RegionUsage {
            account: "1".parse().unwrap(),
            region: "cn-hangzhou".parse().unwrap(),
            days: 30,
            log_stores: vec![LogStoreUsage { metering: Some(Metering::ByIngest), ..by_ingest }],
            flow_logs: vec![FlowLogUsage {
                id: id.clone(),
                resource_id: "vpc-1".to_owned(),
                log_store: Some(0),
                volume: Volume::Measured { bytes },
                duplicates: None,
            }],
        };
        let flow_logs = [FlowLog {
            id: id.clone(),
            resource_id: "vpc-1".to_owned(),
            name: None,
            description: None,
            traffic_type: Some("All".to_owned()),
            traffic_path: None,
            project: Some("flowlog".to_owned()),
            log_store: Some("vpc".to_owned()),
            aggregation_interval: Some(10),
            ip_version: None,
            resource_group_id: None,
            tags: None,
            status: Status::Active,
            service_type: None,
            delivery: Delivery::Working,
            resource_type: None,
            region: None,
            creation_time: None,
            business_status: None,
            log_format: None,
        }];
        let region = InRegion {
            flow_logs: &flow_logs,
            usage: usage.clone(),
            hours: [(id.clone(), hours)].into(),
            counted: [(id.clone(), week)].into(),
            schedules: [(id.clone(), policy.schedules["office"].clone())].into(),
            remarks: Remarks::default(),
        };
        let kept_off = Bytes::gigabytes(42_000);
        assert_eq!(region.recorded_when_off(&id), Some(kept_off));
        let on = hours_on(&policy.schedules["office"], "2026-11-19".parse().unwrap());
        let profile = Profile::measured(&policy.schedules["office"].time_zone, week, &region.hours[&id], |_, _| true);
        let saving = profile.saving(&on, 30);
        assert_eq!((saving.bytes, saving.off_hours), (kept_off, 98));
        let mut found = [(&usage.flow_logs[0], OfSchedule { on_hours: 70, saving, saved: None, has_hours: true })];
        region.price(&mut found, &PriceTable::of(Currency::Usd));
        // From 30,000 to 72,000 GB: 720 × 0.185 + 20,480 × 0.074 + 20,800 × 0.037; and 42,000 × 0.061.
        assert_eq!(found[0].1.saved.unwrap().by_traffic.to_string(), "4980.32");
    }
}
