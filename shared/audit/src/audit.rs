//! Audits: reads what only an auditor asks for beside a sweep, and draws the conclusions.

use std::{
    collections::{BTreeMap, BTreeSet},
    future,
    pin::pin,
    task::Poll,
};

use evidence::{
    Asked, AskedAccount, Binary, Caller, Cost, DeliveryState, Evidence, ExceptionsCountAs, Facts,
    Failure as CallFailed, Head, Kind, LeftOut, LogStore, NextChange, NoteState, Observed, OmittedDeliveries, Part,
    PolicyName, Service, TagUsed, Week,
};
use flow_log::{
    AccountId, Desired, FlowLog, FlowLogId, GovernedBy, Policy, RegionId, Resource, Status, Verdict,
    policy::{AccountScope, Regions},
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use reconcile::{
    Accounts, ErrorReport, Item, Job, Outcome, Reconciler, Report,
    delivery::{LogStoreProof, Look},
};

use crate::gathering::{Gathered, Gathering, Place};

/// How many Logstores, and how many accounts, are asked about together.
const MAX_AT_ONCE: usize = 8;
/// How far to look ahead for the next switch of a flow log: first a little, since schedules switch every few days.
const AHEAD_HOURS: [i64; 2] = [8 * 24, 366 * 24];

/// For how long the records are looked at that prove delivery.
const PROOF_HOURS: i64 = 24;

/// What a report says about itself.
#[derive(Debug, Clone)]
pub struct About {
    /// The program.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The program as a file, by [`own_binary`](crate::own_binary).
    pub binary: Binary,
    /// The id of the run.
    pub run: String,
    /// When the first call was made.
    pub started: Timestamp,
    /// The policy.
    pub policy: PolicyName,
    /// How exceptions count when a control is assessed.
    pub exceptions_count_as: ExceptionsCountAs,
    /// What was left out on purpose, beside what the policy leaves out.
    pub left_out: Vec<LeftOut>,
    /// Whether Express Connect Routers were swept.
    pub has_routers: bool,
    /// What advice on a failed call becomes for those who read the report: the client's own is for the operator of a
    /// function.
    pub advice: Advice,
}

impl About {
    /// The head of a report that ended then.
    fn head(&self, ended: Timestamp) -> Head {
        Head {
            tool: self.tool.clone(),
            versions: vec![self.version.clone()],
            binaries: vec![self.binary.clone()],
            run: self.run.clone(),
            started: self.started,
            ended,
            clock_offset_ms: None,
        }
    }
}

/// Puts the advice on a failed call into other words.
pub type Advice = fn(&mut ErrorReport);

/// Leaves the client's own advice as it is: that of a function is for its operator.
pub const fn for_operators(_: &mut ErrorReport) {}

/// What a sweep covered and found. Its reconciler only reads, and may read more; it lists every result, and has the
/// gathering as its observer.
#[derive(Debug)]
pub struct Swept {
    /// The reconciler that swept.
    pub reconciler: Reconciler,
    /// Its job.
    pub job: Job,
    /// The accounts that it covered.
    pub accounts: Vec<AccountId>,
    /// What it found.
    pub report: Report,
}

/// Evidence, and what was found out on the way to it.
#[derive(Debug)]
pub struct Audited {
    /// The evidence.
    pub evidence: Evidence,
    /// The resources and flow logs whose records are lost or do not arrive, as findings that the sweep does not have.
    pub undelivered: Vec<Item>,
    /// The calls that failed after the sweep, as results: another try, or another right, may prove more.
    pub failures: Vec<Item>,
    /// What the sweep found.
    pub report: Report,
}

/// The error for more resources and flow logs than the computation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {max} resources and flow logs, which is too many to compute with")]
pub struct TooMuch {
    /// How many are.
    pub max: usize,
}

/// Reads what else an auditor wants to know, and draws the conclusions.
///
/// `gathering` observed the sweep, and `gathered` is what it had taken then. `callers` are those who asked, and `costs` is
/// what flow logs cost, if somebody asked. The evidence lists as many resources as were gathered at most, and counts the
/// others.
pub async fn audit(
    about: About,
    swept: Swept,
    (gathering, gathered): (&Gathering, Gathered),
    callers: Vec<Caller>,
    costs: Vec<Cost>,
) -> Audited {
    // Whatever was read for the costs proves nothing here.
    drop(gathering.take());
    let Gathered { mut reads, regions, places, clock, max, .. } = gathered;
    let Swept { reconciler, accounts, report, .. } = &swept;
    let policy = reconciler.policy();
    // Nothing more is asked of an account that could not be entered.
    let entered = regions.keys().cloned().collect();
    let asked = asked(accounts, regions, report);
    let (unasked, unlisted) = unasked_regions(&swept, &asked).await;
    let names: Vec<_> = accounts.iter().map(ToString::to_string).collect();
    let started = about.started;
    let head = about.head(started);
    let About { has_routers, advice, left_out, policy: policy_name, exceptions_count_as, .. } = about;
    let left_out = left_out.into_iter().chain(unasked).collect();
    let (services, mut failures) = services(&swept, &entered, advice).await;
    failures.extend(unlisted);
    let mut facts = Facts {
        head: Head { clock_offset_ms: clock.millis(), ..head },
        policy: policy_name,
        callers,
        asked: Asked { accounts: asked, kinds: kinds(policy), left_out },
        exceptions_count_as,
        judged: Vec::new(),
        reads: Vec::new(),
        services,
        results: Vec::new(),
        omitted: Vec::new(),
        notes: Vec::new(),
        changes: Vec::new(),
        omitted_changes: 0,
        log_stores: Vec::new(),
        deliveries: Vec::new(),
        omitted_deliveries: Vec::new(),
        schedules: weeks(policy, started),
        costs,
    };
    if has_routers {
        facts.asked.kinds.push(Kind::Vbr);
    }
    facts.omit_deliveries(uncounted(&places));
    for (place, mut proofs) in proofs(&swept, &places, started).await {
        proofs.iter_mut().flat_map(|proof| &mut proof.failures).for_each(advice);
        let (account, region) = (place.0.to_string(), place.1.to_string());
        facts.add_proofs(&account, &region, &proofs);
        failures.extend(proofs.iter().flat_map(|proof| failed(&place, proof)));
    }
    let (observed, flow_logs) = observed(places, policy, started);
    facts.add_report((&report.results, &report.summary), &names, (&observed, &flow_logs), max);
    let (others, why) = other_log_stores(&swept, &facts).await;
    facts.log_stores.extend(others);
    failures.extend(why);
    failures.iter_mut().filter_map(|item| item.error.as_mut()).for_each(advice);
    let Gathered { reads: later, calls, .. } = gathering.take();
    reads.extend(later);
    facts.reads = reads.into_reads();
    facts.add_calls(calls);
    facts.head.ended = reconciler.now();
    let evidence = Evidence::new(facts);
    let undelivered = undelivered(&evidence, report);
    Audited { evidence, undelivered, failures, report: swept.report }
}

/// The part of an organization's report that its coordinator knows: the accounts in scope, and what the listing of
/// them found. Joined with the parts of the accounts, it shows which of them are missing.
#[must_use]
pub fn roster(about: About, policy: &Policy, callers: Vec<Caller>, found: &Accounts, ended: Timestamp) -> Evidence {
    let head = about.head(ended);
    let About { started, policy: policy_name, exceptions_count_as, left_out, has_routers, .. } = about;
    let asked = |account: &AccountId| AskedAccount { account: account.to_string(), name: None, regions: Vec::new() };
    let mut kinds = kinds(policy);
    kinds.extend(has_routers.then_some(Kind::Vbr));
    let mut facts = Facts {
        head,
        policy: policy_name,
        callers,
        asked: Asked { accounts: found.covered.iter().map(asked).collect(), kinds, left_out },
        exceptions_count_as,
        judged: Vec::new(),
        reads: Vec::new(),
        services: Vec::new(),
        results: Vec::new(),
        omitted: Vec::new(),
        notes: Vec::new(),
        changes: Vec::new(),
        omitted_changes: 0,
        log_stores: Vec::new(),
        deliveries: Vec::new(),
        omitted_deliveries: Vec::new(),
        schedules: weeks(policy, started),
        costs: Vec::new(),
    };
    facts.add_report((found.results.items(), &found.results.summary()), &[], (&[], &[]), usize::MAX);
    Evidence::new(facts)
}

/// Sweeps, and returns what the sweep read as well. Gives up once there is more than the gathering takes, for what cannot
/// be computed from a part.
///
/// # Errors
/// There is more, or the sweep's own error.
pub async fn gather_whole<E: From<TooMuch>>(
    gathering: &Gathering,
    sweep: impl Future<Output = Result<Swept, E>>,
) -> Result<(Swept, Gathered), E> {
    let mut sweep = pin!(sweep);
    let swept = future::poll_fn(|context| {
        let swept = sweep.as_mut().poll(context);
        if gathering.is_full() { Poll::Ready(None) } else { swept.map(Some) }
    });
    let swept = swept.await;
    let gathered = gathering.take();
    let Some(swept) = swept else { return Err(TooMuch { max: gathering.max() }.into()) };
    Ok((swept?, gathered))
}

/// Returns each identity that is used: that of `arn`, which the account `own` has, and the role in each other account.
#[must_use]
pub fn callers(
    policy: &Policy,
    own: &AccountId,
    arn: Option<&str>,
    source: &str,
    accounts: &[AccountId],
) -> Vec<Caller> {
    let arn = arn.unwrap_or("an identity without an ARN").to_owned();
    let first = Caller { account: own.to_string(), arn: arn.clone(), source: source.to_owned() };
    let role = |account: &AccountId| {
        let role = match policy.account_scope(Some(own), account) {
            AccountScope::Named(member) => member.role.to_string(),
            AccountScope::InDirectory(directory) => directory.role_in(account).to_string(),
            AccountScope::Own | AccountScope::Out(_) => return None,
        };
        Some(Caller { account: account.to_string(), arn: role, source: format!("assumed by {arn}") })
    };
    std::iter::once(first).chain(accounts.iter().filter_map(role)).collect()
}

/// What a report leaves out if Express Connect Routers are not swept. `is_narrowed` says that only some regions are.
#[must_use]
pub fn scope_left_out(policy: &Policy, is_narrowed: bool) -> Option<LeftOut> {
    let why = match (&policy.ecr_flow_log, is_narrowed) {
        (Some(_), false) => return None,
        (Some(_), true) => "they belong to no region, and --region names some",
        (None, _) => "the policy has no ecr_flow_log",
    };
    Some(LeftOut { what: "Express Connect Routers".to_owned(), why: why.to_owned(), part: Part::Other })
}

/// The calls about a Logstore that failed, as results.
fn failed<'p>((account, region): &PlaceId, proof: &'p LogStoreProof) -> impl Iterator<Item = Item> + use<'p> {
    let (account, region) = (account.to_string(), region.to_string());
    let LogStoreProof { project, log_store, failures, .. } = proof;
    failures.iter().map(move |error| {
        let reason = format!("whether records arrive in {project}/{log_store} could not be read");
        let (account, region) = (Some(account.clone()), Some(region.clone()));
        Item { account, region, error: Some(error.clone()), ..Item::of_run(Outcome::Failed, reason).finding() }
    })
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
    for ((account, region), Place { resources, flow_logs, .. }) in places {
        for resource in resources.values() {
            let vpc = resource.vpc().and_then(|id| resources.get(id));
            let (schedule, next_change) = governed(resource, vpc, policy, now);
            observed.push(Observed {
                account: account.to_string(),
                region: region.to_string(),
                resource_id: resource.id.to_string(),
                name: resource.name.clone(),
                has_ipv6: resource.has_ipv6,
                tags_used: tags_used(resource, vpc, policy),
                schedule,
                next_change,
            });
        }
        located.extend(flow_logs.into_iter().map(|it| (account.to_string(), region.to_string(), it)));
    }
    (observed, located)
}

/// The tags that decide about a resource.
fn tags_used(resource: &Resource, vpc: Option<&Resource>, policy: &Policy) -> Vec<TagUsed> {
    let used = flow_log::deciding_tags(resource, vpc, policy).into_iter();
    used.map(|tag| TagUsed {
        on: tag.on.to_string(),
        key: tag.key.to_owned(),
        value: tag.value.to_owned(),
        used_by: tag.used_by.to_string(),
    })
    .collect()
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

/// Asks each account whether its flow log service is open. Returns the results of calls that failed, too.
async fn services(swept: &Swept, entered: &BTreeSet<AccountId>, advice: Advice) -> (Vec<Service>, Vec<Item>) {
    let Swept { reconciler, job, accounts, .. } = swept;
    let Some(region) = &job.region else { return (Vec::new(), Vec::new()) };
    let ask = |account: &AccountId| {
        let account = account.clone();
        async move {
            if !entered.contains(&account) {
                return (Service { account: account.to_string(), is_open: None, error: None, calls: Vec::new() }, None);
            }
            let found = reconciler.is_service_open(job, &account, region).await;
            let (is_open, error) = found.map_or_else(|error| (None, Some(error)), |is_open| (Some(is_open), None));
            let error = error.map(|mut error| {
                advice(&mut error);
                error
            });
            let failed = error.as_ref().map(|error| service_unread(&account, error));
            let error = error.as_deref().map(CallFailed::from);
            (Service { account: account.to_string(), is_open, error, calls: Vec::new() }, failed)
        }
    };
    let asked: Vec<_> = stream::iter(accounts.iter().map(ask)).buffer_unordered(MAX_AT_ONCE).collect().await;
    let (services, failed): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    (services, failed.into_iter().flatten().collect())
}

fn service_unread(account: &AccountId, error: &ErrorReport) -> Item {
    let reason = format!("whether {account} has opened the flow log service could not be read");
    Item { error: Some(error.clone()), ..Item::of_account(account, Outcome::Failed, reason).finding() }
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
    let is_whole = |place: &Place| !place.flow_logs.is_empty() && place.more_flow_logs == 0;
    let reads = places.iter().filter(|(_, place)| is_whole(place)).map(|(id, place)| async move {
        let look =
            Look { back: SignedDuration::from_hours(PROOF_HOURS), on_since: on_since(place, reconciler.policy(), now) };
        (id.clone(), reconciler.delivery(job, (&id.0, &id.1), &place.flow_logs, &look).await)
    });
    let reads: Vec<_> = reads.collect();
    stream::iter(reads).buffered(MAX_AT_ONCE).collect().await
}

/// The flow logs of regions with more than were gathered. Whether records arrive is not asked there: those of some flow
/// logs may be the records of others, so a part of them proves nothing.
fn uncounted(places: &BTreeMap<PlaceId, Place>) -> impl Iterator<Item = OmittedDeliveries> {
    places.iter().filter(|(_, place)| place.more_flow_logs > 0).map(|((account, region), place)| {
        let on = place.flow_logs.iter().filter(|flow_log| flow_log.status == Status::Active).count() as u64;
        OmittedDeliveries {
            account: account.to_string(),
            region: region.to_string(),
            state: DeliveryState::Unknown,
            count: on.saturating_add(place.more_flow_logs),
        }
    })
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

/// The findings of the proof of delivery that the sweep does not have.
fn undelivered(evidence: &Evidence, report: &Report) -> Vec<Item> {
    let facts = evidence.facts();
    let told = report.results.iter().filter(|item| item.is_finding && item.verdict == Some(Verdict::Undelivered));
    let told: BTreeSet<_> =
        told.map(|item| (item.account.as_deref(), item.region.as_deref(), item.resource_id.as_deref())).collect();
    let new = |account: &str, region: &str, reason: &str, flow_log: &str| Item {
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        flow_log_id: flow_log.parse().ok(),
        verdict: Some(Verdict::Undelivered),
        ..Item::of_run(Outcome::Unchanged, reason).finding()
    };
    let results = facts.results.iter().filter(|it| it.verdict == Verdict::Undelivered && it.is_finding);
    let results = results.filter(|it| !told.contains(&(Some(&it.account), Some(&it.region), Some(&it.id))));
    let results = results.map(|it| Item {
        resource_type: Some(it.kind.as_str()),
        resource_id: Some(it.id.clone()),
        ..new(&it.account, &it.region, &it.reason, it.flow_log.as_ref().map_or("", |flow_log| &flow_log.id))
    });
    let alarms: BTreeSet<_> =
        facts.deliveries.iter().filter(|it| it.state.is_alarm()).map(|it| &it.flow_log_id).collect();
    let notes = facts.notes.iter().filter(|note| note.state == NoteState::Finding).filter_map(|note| {
        let id = note.subject.as_ref().filter(|id| alarms.contains(id))?;
        Some(new(note.account.as_deref()?, note.region.as_deref()?, &note.reason, id))
    });
    let omitted = facts.omitted.iter().filter(|it| it.verdict == Verdict::Undelivered && it.is_finding);
    let omitted = omitted
        .map(|it| Item { resource_type: Some(it.kind.as_str()), ..new(&it.account, &it.region, &it.sentence(), "") });
    results.chain(notes).chain(omitted).collect()
}

/// Lists the regions of each account in which nothing was asked. Returns the results of calls that failed, too.
async fn unasked_regions(swept: &Swept, asked: &[AskedAccount]) -> (Vec<LeftOut>, Vec<Item>) {
    let Swept { reconciler, job, .. } = swept;
    let policy = reconciler.policy();
    if policy.regions == Regions::All && policy.exclude_regions.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let list = |place: &AskedAccount| {
        let (account, regions) = (place.account.parse::<AccountId>(), place.regions.clone());
        async move {
            // An account without regions was not entered.
            let any = job.region.clone().or_else(|| regions.first()?.parse().ok());
            let (Ok(account), Some(any), false) = (account, any, regions.is_empty()) else {
                return (Vec::new(), None);
            };
            match reconciler.regions(job, &account, &any).await {
                Ok((found, unreadable)) => {
                    let others = found.iter().filter(|found| !regions.iter().any(|region| region == found.as_str()));
                    let without_id = (unreadable > 0).then(|| LeftOut {
                        what: format!("{unreadable} other regions of {account}"),
                        why: "their ids could not be read".to_owned(),
                        part: Part::Region,
                    });
                    (others.map(|region| unasked(policy, region)).chain(without_id).collect(), None)
                }
                Err(error) => {
                    let reason = format!("which other regions {account} has could not be read");
                    let what = format!("other regions of {account}");
                    let why = format!("they could not be listed: {}", error.message);
                    let item = Item { error: Some(*error), ..Item::of_account(&account, Outcome::Failed, reason) };
                    (vec![LeftOut { what, why, part: Part::Region }], Some(item.finding()))
                }
            }
        }
    };
    let listed: Vec<_> = asked.iter().map(list).collect();
    let listed: Vec<_> = stream::iter(listed).buffered(MAX_AT_ONCE).collect().await;
    let (regions, failed): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
    (regions.into_iter().flatten().collect(), failed.into_iter().flatten().collect())
}

/// A region in which nothing was asked, and why.
fn unasked(policy: &Policy, region: &RegionId) -> LeftOut {
    let why = if policy.exclude_regions.contains(region) {
        "the policy's exclude_regions names it"
    } else {
        "not among the regions that were asked for"
    };
    LeftOut { what: region.to_string(), why: why.to_owned(), part: Part::Region }
}

/// Account, region, project and Logstore.
type Target = (String, String, String, String);

/// Reads for how long those Logstores keep records that only flow logs of routers write to. Returns the results of calls
/// that failed, too.
async fn other_log_stores(swept: &Swept, facts: &Facts) -> (Vec<LogStore>, Vec<Item>) {
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
        let unread = days.as_ref().err().map(|why| {
            let reason = format!("the retention of {project}/{name} could not be read: {why}");
            let item = Item::of_run(Outcome::Failed, reason).finding();
            Item { account: Some(account.clone()), region: Some(region.clone()), ..item }
        });
        let why_unknown = match &days {
            Ok(Some(_)) => None,
            Ok(None) => Some("the Logstore is not there".to_owned()),
            Err(why) => Some(why.clone()),
        };
        let is_gone = matches!(days, Ok(None));
        let days = days.ok().flatten();
        let (error, calls) = (None, Vec::new());
        (LogStore { account, region, project, name, days, why_unknown, is_gone, error, calls }, unread)
    };
    let reads: Vec<_> = targets.into_iter().map(read).collect();
    let found: Vec<_> = stream::iter(reads).buffered(MAX_AT_ONCE).collect().await;
    let (log_stores, unread): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    (log_stores, unread.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use reconcile::Observer as _;

    use super::*;
    use crate::testing;

    #[test]
    fn a_sweep_that_finds_too_much_to_compute_with_is_given_up_and_said() {
        let gathering = Gathering::new(1);
        let (account, region): (AccountId, RegionId) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        for nth in 1..=2 {
            gathering.resource_read(&account, &region, &testing::vpc(nth));
        }
        let endless = future::pending::<Result<Swept, TooMuch>>();
        let mut swept = pin!(gather_whole(&gathering, endless));
        let Poll::Ready(Err(error)) = swept.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("it goes on")
        };
        assert_eq!(
            error.to_string(),
            "there are more than 1 resources and flow logs, which is too many to compute with"
        );
    }
}
