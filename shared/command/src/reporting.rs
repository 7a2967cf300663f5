//! Makes a report of evidence: reads what a plan reads, and what only an auditor asks for.

use std::collections::{BTreeMap, BTreeSet};

use cost::{Amount, FlowLogCost, RegionCost};
use evidence::{
    Asked, AskedAccount, BilledMonth, Caller, Cost, CostRow, Currency, Evidence, ExceptionsCountAs, Facts,
    Failure as CallFailed, Head, Kind, LeftOut, LogStore, NextChange, Observed, OtherCost, OtherKind, PolicyName,
    Service, Week,
};
use flow_log::{
    AccountId, Desired, FlowLog, FlowLogId, GovernedBy, Policy, RegionId, Resource,
    policy::AccountScope,
    proof::{Proof, Unproven},
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use reconcile::{
    Outcome, Report,
    delivery::{LogStoreProof, Look},
};

use crate::{
    costing::{self, Costing},
    failure::Failure,
    gathering::{Gathered, Place, gather},
    plan::file::digest,
    planning::{Planning, Reads, Swept},
};

/// How many resources and flow logs a report takes. Each takes about 2 KB of memory until the report is written.
pub(crate) const MAX_FOUND: usize = 500_000;
/// How many Logstores, and how many accounts, are asked about together.
const MAX_AT_ONCE: usize = 8;
/// How far to look ahead for the next switch of a flow log: first a little, since schedules switch every few days.
const AHEAD_HOURS: [i64; 2] = [8 * 24, 366 * 24];

/// How many days of records are counted for what they cost.
const DAYS_OF_COST: u16 = 30;
/// For how long the records are looked at that prove delivery.
const PROOF_HOURS: i64 = 24;

/// A report of evidence, with what the exit code depends on beside it.
pub(crate) struct Reported {
    pub(crate) evidence: Evidence,
    /// What could not be read of Logstores and records, one sentence each.
    pub(crate) unproven: Vec<String>,
    /// How many flow logs lose records, or have nothing that arrives.
    pub(crate) undelivered: usize,
}

/// A report is a plan that is told as evidence.
pub(crate) struct Reporting<'a> {
    pub(crate) planning: Planning<'a>,
    pub(crate) exceptions_count_as: ExceptionsCountAs,
}

impl Reporting<'_> {
    /// Reads everything, and draws the conclusions.
    ///
    /// # Errors
    /// The options name what the policy is not about, or there is more than a report takes.
    pub(crate) async fn evidence(&self) -> Result<Reported, Failure> {
        let Planning { context, policy_file, policy_text, narrowed, .. } = self.planning;
        let started = context.now();
        let (swept, gathered) = gather(&self.planning, MAX_FOUND).await?;
        let costing = if self.planning.reads == Reads::Costs {
            Some(self.costing(&swept, &gathered, started).await?)
        } else {
            None
        };
        let Gathered { reads, regions, places, .. } = gathered;
        let Swept { accounts, report, .. } = &swept;
        let policy = swept.reconciler.policy();
        let asked = asked(accounts, regions, report);
        let names: Vec<_> = accounts.iter().map(ToString::to_string).collect();
        let mut facts = Facts {
            head: Head {
                tool: "flowkeeper".to_owned(),
                versions: vec![env!("CARGO_PKG_VERSION").to_owned()],
                run: started.to_string(),
                started,
                ended: started,
                clock_offset_ms: None,
            },
            policy: PolicyName { name: policy_file.to_owned(), sha256: digest(policy_text.as_bytes()) },
            callers: self.callers(accounts),
            asked: Asked { accounts: asked, kinds: kinds(policy), left_out: Vec::new() },
            exceptions_count_as: self.exceptions_count_as,
            judged: Vec::new(),
            reads: reads.into_reads(),
            services: services(&swept).await,
            results: Vec::new(),
            notes: Vec::new(),
            changes: Vec::new(),
            log_stores: Vec::new(),
            deliveries: Vec::new(),
            schedules: weeks(policy, started),
            costs: costing.iter().map(cost).collect(),
        };
        if !narrowed.accounts.is_empty() {
            let why = "--account names others".to_owned();
            facts.asked.left_out.push(LeftOut { what: "every other account of the policy".to_owned(), why });
        }
        if !narrowed.regions.is_empty() {
            let why = "--region names others".to_owned();
            facts.asked.left_out.push(LeftOut { what: "every other region of the policy".to_owned(), why });
        }
        let has_routers = policy.ecr_flow_log.is_some() && narrowed.regions.is_empty();
        if has_routers {
            facts.asked.kinds.push(Kind::Vbr);
        } else {
            let why = match policy.ecr_flow_log {
                Some(_) => "they belong to no region, and --region names some",
                None => "the policy has no ecr_flow_log",
            };
            let what = "Express Connect Routers".to_owned();
            facts.asked.left_out.push(LeftOut { what, why: why.to_owned() });
        }
        let mut unproven = costing.map_or_else(Vec::new, |costing| costing.unread);
        let mut undelivered = 0;
        for (place, proofs) in proofs(&swept, &places, started).await {
            let (account, region) = (place.0.to_string(), place.1.to_string());
            facts.add_proofs(&account, &region, &proofs);
            unproven.extend(proofs.iter().flat_map(|proof| unread(&region, proof)));
            let found = proofs.iter().flat_map(|proof| &proof.flow_logs);
            undelivered += found.filter(|(_, it)| it.is_alarm()).count();
        }
        let (observed, flow_logs) = observed(places, policy, started);
        facts.add_report((&report.results, &report.summary), &names, &observed, &flow_logs);
        let (others, why) = other_log_stores(&swept, &facts).await;
        facts.log_stores.extend(others);
        unproven.extend(why);
        let closed = facts.services.iter().filter(|service| service.is_open.is_none());
        unproven.extend(closed.map(|it| format!("whether {} has opened the flow log service", it.account)));
        facts.head.ended = context.now();
        Ok(Reported { evidence: Evidence::new(facts), unproven, undelivered })
    }

    /// Reads what flow logs cost in a month.
    async fn costing(&self, swept: &Swept, gathered: &Gathered, now: Timestamp) -> Result<Costing, Failure> {
        let identity = self.planning.identity;
        let asked = costing::Asked {
            swept,
            gathered,
            own: &identity.caller.account,
            any_region: identity.any_region(),
            has_policy: true,
            days: DAYS_OF_COST,
            currency: None,
            prices: None,
            now,
        };
        costing::compute(&asked).await
    }

    /// Returns each identity that was used.
    fn callers(&self, accounts: &[AccountId]) -> Vec<Caller> {
        let Planning { identity, policy, narrowed, .. } = self.planning;
        let own = &identity.caller.account;
        let arn = identity.caller.arn.clone().unwrap_or_else(|| "an identity without an ARN".to_owned());
        let person = Caller { account: own.to_string(), arn: arn.clone(), source: identity.found.origin.text.clone() };
        let policy = narrowed.policy(policy);
        let role = |account: &AccountId| {
            let role = match policy.account_scope(Some(own), account) {
                AccountScope::Named(member) => member.role.to_string(),
                AccountScope::InDirectory(directory) => directory.role_in(account).to_string(),
                AccountScope::Own | AccountScope::Out(_) => return None,
            };
            Some(Caller { account: account.to_string(), arn: role, source: format!("assumed by {arn}") })
        };
        std::iter::once(person).chain(accounts.iter().filter_map(role)).collect()
    }
}

/// What flow logs cost, as evidence has it.
fn cost(costing: &Costing) -> Cost {
    let statement = &costing.statement;
    let micros = |amount: Amount| amount.millionths();
    let row = |region: &RegionCost, flow_log: &FlowLogCost| CostRow {
        account: region.account.to_string(),
        region: region.region.to_string(),
        resource_id: flow_log.resource_id.clone(),
        flow_log_id: flow_log.id.to_string(),
        bytes: flow_log.volume.bytes().map(|bytes| bytes.0),
        micros: flow_log.total().map(micros),
        saved_micros: costing.saving(&flow_log.id).map(micros),
        is_estimated: costing::is_estimated(flow_log),
        duplicate_of: flow_log.duplicates.as_ref().map(ToString::to_string),
        avoidable_micros: flow_log.duplicates.as_ref().and_then(|_| flow_log.avoidable()).map(micros),
    };
    let rows = statement.regions.iter().flat_map(|region| region.flow_logs.iter().map(move |it| row(region, it)));
    let shards = statement.regions.iter().map(|region| OtherCost {
        account: Some(region.account.to_string()),
        region: Some(region.region.to_string()),
        kind: OtherKind::Shards,
        micros: region.shards.map(micros),
    });
    let flowkeeper = costing.flowkeeper().map(|(_, amount)| OtherCost {
        account: None,
        region: None,
        kind: OtherKind::Flowkeeper,
        micros: Some(micros(amount)),
    });
    let bill = |bill: &costing::Billed| BilledMonth {
        account: bill.account.to_string(),
        month: bill.cycle.to_string(),
        currency: bill.currency.clone(),
        micros: micros(bill.amount),
    };
    Cost {
        currency: match statement.currency {
            cost::Currency::Cny => Currency::Cny,
            cost::Currency::Usd => Currency::Usd,
        },
        prices_of: statement.prices_of,
        source: statement.source.clone(),
        days: costing.days,
        rows: rows.collect(),
        others: shards.chain(flowkeeper).collect(),
        bills: costing.bills.iter().map(bill).collect(),
        notes: costing.notes.clone(),
    }
}

/// The accounts in scope with their regions. What was left out on purpose is said elsewhere.
fn asked(
    accounts: &[AccountId],
    mut regions: BTreeMap<AccountId, Vec<RegionId>>,
    report: &Report,
) -> Vec<AskedAccount> {
    let left_out: BTreeSet<_> = report
        .results
        .iter()
        .filter(|item| item.outcome == Outcome::Skipped && item.verdict.is_none() && !item.is_finding)
        .filter(|item| item.resource_id.is_none())
        .map(|item| (item.account.clone().unwrap_or_default(), item.region.clone()))
        .collect();
    let asked = accounts.iter().filter(|account| !left_out.contains(&(account.to_string(), None)));
    let asked = asked.map(|account| {
        let regions = regions.remove(account).unwrap_or_default().into_iter().map(|region| region.to_string());
        let is_asked = |region: &String| !left_out.contains(&(account.to_string(), Some(region.clone())));
        AskedAccount { account: account.to_string(), name: None, regions: regions.filter(is_asked).collect() }
    });
    asked.collect()
}

fn kinds(policy: &Policy) -> Vec<Kind> {
    policy.levels().into_iter().map(Kind::from).collect()
}

fn weeks(policy: &Policy, now: Timestamp) -> Vec<Week> {
    policy.schedules.iter().filter_map(|(name, schedule)| Week::of(name, schedule, now)).collect()
}

/// A flow log, with its account and region.
type Located = (String, String, FlowLog);

/// What was observed of each resource, beside what was decided about it, and the flow logs.
fn observed(
    places: BTreeMap<(AccountId, RegionId), Place>,
    policy: &Policy,
    now: Timestamp,
) -> (Vec<Observed>, Vec<Located>) {
    let (mut observed, mut located) = (Vec::new(), Vec::new());
    for ((account, region), Place { resources, flow_logs }) in places {
        for resource in resources.values() {
            let vpc = resource.vpc().and_then(|id| resources.get(id));
            let (schedule, next_change) = governed(resource, vpc, policy, now);
            observed.push(Observed {
                account: account.to_string(),
                region: region.to_string(),
                resource_id: resource.id.to_string(),
                name: resource.name.clone(),
                schedule,
                next_change,
            });
        }
        located.extend(flow_logs.into_iter().map(|it| (account.to_string(), region.to_string(), it)));
    }
    (observed, located)
}

/// What decides when a resource records, and when that is switched next.
fn governed(
    resource: &Resource,
    vpc: Option<&Resource>,
    policy: &Policy,
    now: Timestamp,
) -> (Option<String>, Option<NextChange>) {
    let Desired::FlowLog(desired) = flow_log::desired(resource, vpc, policy, now) else { return (None, None) };
    let by = match desired.governed_by {
        GovernedBy::Always => return (None, None),
        GovernedBy::Never => "never".to_owned(),
        GovernedBy::Schedule(name) => name,
        GovernedBy::Tag(value) => format!("flowkeeper={value}"),
    };
    let next = AHEAD_HOURS.into_iter().find_map(|hours| {
        let until = now.checked_add(hours.hours()).unwrap_or(Timestamp::MAX);
        flow_log::next_change(resource, vpc, policy, now, until)
    });
    (Some(by), next.map(|(at, then)| NextChange { at, is_on: then.is_on }))
}

/// Asks each account whether its flow log service is open.
async fn services(swept: &Swept) -> Vec<Service> {
    let Swept { reconciler, job, accounts, .. } = swept;
    let Some(region) = &job.region else { return Vec::new() };
    let ask = |account: &AccountId| {
        let account = account.clone();
        async move {
            let found = reconciler.is_service_open(job, &account, region).await;
            let error = found.as_ref().err().map(|error| CallFailed::from(&**error));
            Service { account: account.to_string(), is_open: found.ok(), error }
        }
    };
    stream::iter(accounts.iter().map(ask)).buffer_unordered(MAX_AT_ONCE).collect().await
}

/// An account and a region.
type PlaceId = (AccountId, RegionId);

/// Reads whether what each flow log records arrives.
async fn proofs(
    swept: &Swept,
    places: &BTreeMap<PlaceId, Place>,
    now: Timestamp,
) -> Vec<(PlaceId, Vec<LogStoreProof>)> {
    let Swept { reconciler, job, .. } = swept;
    let reads = places.iter().filter(|(_, place)| !place.flow_logs.is_empty()).map(|(id, place)| async move {
        let look =
            Look { back: SignedDuration::from_hours(PROOF_HOURS), on_since: on_since(place, reconciler.policy(), now) };
        (id.clone(), reconciler.delivery(job, (&id.0, &id.1), &place.flow_logs, &look).await)
    });
    let reads: Vec<_> = reads.collect();
    stream::iter(reads).buffered(MAX_AT_ONCE).collect().await
}

/// Since when those flow logs have been on that a schedule has switched on.
fn on_since(place: &Place, policy: &Policy, now: Timestamp) -> BTreeMap<FlowLogId, Timestamp> {
    let from = now.checked_sub(AHEAD_HOURS[0].hours()).unwrap_or(Timestamp::MIN);
    let switched: BTreeMap<&str, Timestamp> = policy
        .schedules
        .iter()
        .filter_map(|(name, schedule)| Some((name.as_str(), schedule.transitions(from, now).last()?.at)))
        .collect();
    let since = |flow_log: &FlowLog| {
        let resource = place.resources.get(&flow_log.resource_id.parse().ok()?)?;
        let vpc = resource.vpc().and_then(|id| place.resources.get(id));
        let Desired::FlowLog(desired) = flow_log::desired(resource, vpc, policy, now) else { return None };
        let GovernedBy::Schedule(name) = desired.governed_by else { return None };
        Some((flow_log.id.clone(), *switched.get(name.as_str()).filter(|_| desired.is_on)?))
    };
    place.flow_logs.iter().filter_map(since).collect()
}

/// Says what could not be read of a Logstore. One that is not there is known to be gone.
fn unread(region: &str, proof: &LogStoreProof) -> Vec<String> {
    let LogStoreProof { project, log_store, retention_days, flow_logs, .. } = proof;
    let mut unread = Vec::new();
    match retention_days {
        Ok(_) | Err(Unproven::NoDestination(_)) => {}
        Err(why) => unread.push(format!("{region}: the retention of {project}/{log_store}: {why}")),
    }
    let mut unknown = flow_logs.iter().filter_map(|(id, found)| match found {
        Proof::Unknown(why) => Some((id, why)),
        _ => None,
    });
    if let Some((id, why)) = unknown.next() {
        let others = match unknown.count() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        unread.push(format!("{region}: whether the records of {id}{others} arrive in {project}/{log_store}: {why}"));
    }
    unread
}

/// Account, region, project and Logstore.
type Target = (String, String, String, String);

/// Reads for how long those Logstores keep records that only flow logs of routers write to. Returns what is unread, too.
async fn other_log_stores(swept: &Swept, facts: &Facts) -> (Vec<LogStore>, Vec<String>) {
    let Swept { reconciler, job, .. } = swept;
    let known: BTreeSet<_> =
        facts.log_stores.iter().map(|it| (&it.account, &it.region, &it.project, &it.name)).collect();
    let targets: BTreeSet<Target> = facts
        .results
        .iter()
        .filter_map(|result| {
            let flow_log = result.flow_log.as_ref()?;
            let (project, log_store) = (flow_log.project.as_ref()?, flow_log.log_store.as_ref()?);
            let is_known = known.contains(&(&result.account, &result.region, project, log_store));
            let target = || (result.account.clone(), result.region.clone(), project.clone(), log_store.clone());
            (!is_known).then(target)
        })
        .collect();
    let read = |(account, region, project, name): Target| async move {
        let days = match (account.parse::<AccountId>(), region.parse::<RegionId>()) {
            (Ok(account_id), Ok(region_id)) => {
                reconciler.retention_days(job, (&account_id, &region_id), (&project, &name)).await
            }
            _ => Err(format!("{account} in {region} is no place that this version knows")),
        };
        let unread = days.as_ref().err().map(|why| format!("{region}: the retention of {project}/{name}: {why}"));
        let why_unknown = match &days {
            Ok(Some(_)) => None,
            Ok(None) => Some("the Logstore is not there".to_owned()),
            Err(why) => Some(why.clone()),
        };
        (LogStore { account, region, project, name, days: days.ok().flatten(), why_unknown }, unread)
    };
    let reads: Vec<_> = targets.into_iter().map(read).collect();
    let found: Vec<_> = stream::iter(reads).buffered(MAX_AT_ONCE).collect().await;
    let (log_stores, unread): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    (log_stores, unread.into_iter().flatten().collect())
}
