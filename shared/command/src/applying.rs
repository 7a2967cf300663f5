//! Makes the changes of a plan that a person has approved, and no others.
//!
//! Everything is read again, and decided again by the same code. A change is made only if exactly it is decided again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use flow_log::{AccountId, Policy, Verdict};
use reconcile::{
    Approvals, Capabilities, ChangeId, Item, Listing, Outcome, Reconciler, Report, Target, TargetKind, Work,
};

use crate::{
    call_remedy::advise,
    columns::{hanging, marked},
    context::Context,
    failure::{FAILED, Failure, INTERRUPTED},
    identity::Identity,
    interruptions::Listener,
    plan::Change,
    planning::job,
    style::{BOLD, RED, WORD, YELLOW},
    watcher::{Watcher, Writes},
};

/// How often it is asked, after an interruption, whether the writes that were begun have ended.
const IDLE_CHECK: Duration = Duration::from_millis(20);

/// What a person says to changes before they are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Consent {
    /// Whether no question is asked.
    pub(crate) is_given: bool,
}

/// Asks for the id of the account whose credentials make the changes.
///
/// # Errors
/// It is not given, or there is nobody to ask.
pub(crate) fn confirm(context: &Context, account: &AccountId, consent: Consent, what: &str) -> Result<(), Failure> {
    if consent.is_given {
        return Ok(());
    }
    let terminal = &context.terminal;
    if !terminal.can_ask {
        let remedy = format!("--yes --account {account} makes them without a question");
        return Err(Failure::usage(format!("nothing was changed: there is no terminal to confirm {what} on"), remedy));
    }
    let answer = terminal.ask(format_args!("Type the credentials' account id to make {what}:"));
    match answer.as_deref() {
        Some(given) if given == account.as_str() => Ok(()),
        Some("") | None => Err(Failure::failed("nothing was changed: no answer", "run it again to make the changes")),
        Some(_) => Err(Failure::failed(
            format!("nothing was changed: the credentials are of the account {account}, and the answer is another"),
            "run it again to make the changes",
        )),
    }
}

/// What the changes are made with.
pub(crate) struct Applying<'a> {
    pub(crate) context: &'a Context,
    pub(crate) identity: &'a Identity,
    pub(crate) capabilities: Capabilities,
    /// The policy as the plan followed it.
    pub(crate) policy: Policy,
    pub(crate) changes: &'a [&'a Change],
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Made,
    /// It was tried, and failed.
    Failed(String),
    /// Something else is there now, so it is no longer what is decided.
    Stale(String),
    /// A limit or the interruption kept it from being made.
    NotMade(String),
    /// Whether it is still right could not be read.
    Unread(String),
}

impl Applying<'_> {
    /// Makes the changes, and says how each ended.
    ///
    /// # Errors
    /// Not all of them were made.
    pub(crate) async fn apply(self) -> Result<(), Failure> {
        let Self { context, identity, capabilities, policy, changes } = self;
        let ids = changes.iter().filter_map(|change| change.id.parse::<ChangeId>().ok());
        let resources = changes.iter().map(|change| change.resource_id.clone());
        let approvals = Arc::new(Approvals::of(ids).on(resources));
        let targets = targets(changes, identity)?;
        let watcher = Arc::new(Watcher::new(&context.terminal, targets.len()));
        let reconciler = Reconciler::over(identity.client(), capabilities, policy)
            .listing(Listing::Full)
            .observed_by(Arc::<Watcher>::clone(&watcher))
            .approving(Arc::clone(&approvals));
        let work = targets.into_iter().map(Work::Target).collect();
        let mut interruptions = context.interruptions.take_over();
        let run = reconciler.reconcile(job(identity), work, Vec::new());
        let (report, is_interrupted) = until_interrupted(run, &mut interruptions, &approvals, context).await;
        watcher.clear();
        let report = report.map(|mut report| {
            advise(&mut report);
            report
        });
        tell(context, changes, report.as_ref(), &watcher.written(), is_interrupted)
    }
}

/// Waits for the run, or for the writes that were begun before the person interrupts it.
async fn until_interrupted(
    run: impl Future<Output = Report>,
    interruptions: &mut Listener,
    approvals: &Approvals,
    context: &Context,
) -> (Option<Report>, bool) {
    let mut run = std::pin::pin!(run);
    tokio::select! {
        report = &mut run => return (Some(report), false),
        () = interruptions.heard(1) => {}
    }
    approvals.stop();
    context.terminal.note("interrupted: nothing new is begun; again to end at once");
    tokio::select! {
        biased;
        () = interruptions.heard(2) => (None, true),
        () = idle(approvals, context) => (None, true),
        report = &mut run => (Some(report), true),
    }
}

/// Waits until no write is being made.
async fn idle(approvals: &Approvals, context: &Context) {
    while !approvals.is_idle() {
        context.clock.sleep(IDLE_CHECK).await;
    }
}

/// Returns what has to be read again for these changes.
fn targets(changes: &[&Change], identity: &Identity) -> Result<Vec<Target>, Failure> {
    let mut places = BTreeSet::new();
    for change in changes {
        let is_router = change.resource_type == "VBR";
        places.insert((change.account.as_str(), if is_router { "" } else { change.region.as_str() }));
    }
    let broken = |what: &str| Failure::usage(format!("the plan names {what}, which is none"), "make a new plan");
    let targets = places.into_iter().map(|(account, region)| {
        let account = account.parse().map_err(|_| broken(&format!("the account {account}")))?;
        let (region, kind) = match region {
            "" => (identity.any_region(), TargetKind::Routers),
            region => (region.parse().map_err(|_| broken(&format!("the region {region}")))?, TargetKind::Sweep),
        };
        Ok(Target { account, region, kind, since: None })
    });
    targets.collect()
}

/// Says how each change ended. Those that were made have been said.
fn tell(
    context: &Context,
    changes: &[&Change],
    report: Option<&Report>,
    writes: &Writes,
    is_interrupted: bool,
) -> Result<(), Failure> {
    let items = Items::of(report, writes);
    let endings: Vec<_> = changes.iter().map(|change| (*change, items.ending(change))).collect();
    let columns = context.terminal.cut_at();
    let mut text = String::new();
    for (change, ending) in &endings {
        let (word, style, why) = match ending {
            Ending::Made => continue,
            // The line of the failed call has been printed.
            Ending::Failed(why) => ("failed", RED, why),
            Ending::Stale(why) => ("stale", YELLOW, why),
            Ending::NotMade(why) => ("left", YELLOW, why),
            Ending::Unread(why) => ("unread", RED, why),
        };
        let Change { id, account, region, resource_id, action, .. } = change;
        let said = format!("{action} {resource_id} in {account} {region}, {id}: {why}");
        text.push_str(&marked(style, word, WORD, &said, columns));
    }
    if let Some(report) = report {
        for limit in &report.summary.limits {
            text.push_str(&marked(YELLOW, "limit", WORD, limit, columns));
        }
        let others = items.count_new(changes);
        if others > 0 {
            let said = format!("Also wanted now, and not among these changes: {others}. Plan again to see them.");
            text.push_str(&hanging(&said, 0, columns));
        }
    }
    for item in &writes.under_way {
        let resource = item.resource_id.as_deref().unwrap_or_default();
        let action = item.action.map(|action| action.to_string()).unwrap_or_default();
        let said = format!("{action} {resource}: it was begun, and nobody waited for its end");
        text.push_str(&marked(RED, "unknown", WORD, &said, columns));
    }
    let count = |is: fn(&Ending) -> bool| endings.iter().filter(|(_, ending)| is(ending)).count();
    let made = count(|ending| *ending == Ending::Made);
    let failed = count(|ending| matches!(ending, Ending::Failed(_)));
    let stale = count(|ending| matches!(ending, Ending::Stale(_)));
    let rest = changes.len() - made - failed - stale;
    if stale > 0 {
        let said = "What is stale is not as it was when it was planned: plan again to see what is wanted now.";
        text.push_str(&hanging(said, 0, columns));
    }
    let begin = if is_interrupted { "Interrupted" } else { "Applied" };
    let counts = format!("{begin}: {made} made, {failed} failed, {stale} stale, {rest} not made.");
    text.push_str(&format!("{BOLD}{}{BOLD:#}\n", hanging(&counts, 0, columns).trim_end()));
    context.terminal.print(&text)?;
    match (is_interrupted, made == changes.len()) {
        (true, _) => Err(Failure::told(INTERRUPTED)),
        (false, true) => Ok(()),
        (false, false) => Err(Failure::told(FAILED)),
    }
}

/// The results of a run, by the change and by the resource that they are about.
struct Items<'r> {
    by_change: BTreeMap<&'r str, &'r Item>,
    by_resource: BTreeMap<Key<'r>, Vec<&'r Item>>,
    /// What could not be read.
    unread: Vec<&'r Item>,
    is_whole: bool,
}

/// Account, region and resource.
type Key<'r> = (&'r str, &'r str, &'r str);

fn key(item: &Item) -> Key<'_> {
    (
        item.account.as_deref().unwrap_or_default(),
        item.region.as_deref().unwrap_or_default(),
        item.resource_id.as_deref().unwrap_or_default(),
    )
}

impl<'r> Items<'r> {
    fn of(report: Option<&'r Report>, writes: &'r Writes) -> Self {
        let all = report.map_or(writes.ended.as_slice(), |report| report.results.as_slice());
        let by_change = all.iter().filter_map(|item| Some((item.change.as_ref()?.id.as_str(), item))).collect();
        let mut by_resource: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for item in all {
            by_resource.entry(key(item)).or_default().push(item);
        }
        // A write that failed says nothing of other resources.
        let is_unread =
            |item: &&Item| matches!(item.outcome, Outcome::Failed | Outcome::Unfinished) && item.action.is_none();
        Self { by_change, by_resource, unread: all.iter().filter(is_unread).collect(), is_whole: report.is_some() }
    }

    /// Returns the results about the same resource.
    fn on<'s>(&'s self, change: &'s Change) -> &'s [&'r Item] {
        let key = (change.account.as_str(), change.region.as_str(), change.resource_id.as_str());
        self.by_resource.get(&key).map_or(&[], Vec::as_slice)
    }

    fn ending(&self, change: &Change) -> Ending {
        let said = |item: &Item| match &item.error {
            Some(error) => format!("{}: {}; {}", item.reason, error.message.trim_end_matches('.'), error.advice),
            None => item.reason.clone(),
        };
        let on_it = self.on(change);
        if let Some(item) = self.by_change.get(change.id.as_str()) {
            return match item.outcome {
                // Of a replacement, the first half may be done and the second not.
                Outcome::Done => match on_it.iter().find(|other| other.outcome == Outcome::Failed) {
                    Some(failed) => Ending::Failed(said(failed)),
                    None => Ending::Made,
                },
                Outcome::Failed => Ending::Failed(said(item)),
                _ => Ending::NotMade(said(item)),
            };
        }
        if !self.is_whole {
            return Ending::NotMade("it was not begun".to_owned());
        }
        // A limit refuses a change before anybody asks whether it was approved.
        let is_refused = |item: &&&Item| {
            let is_it = item.action.is_some_and(|action| action.as_str() == change.action);
            is_it && item.change.is_none() && item.outcome == Outcome::Skipped
        };
        if let Some(refused) = on_it.iter().find(is_refused) {
            return Ending::NotMade(said(refused));
        }
        if let Some(now) = on_it.first() {
            return if now.verdict == Some(Verdict::Unknown) {
                Ending::Unread(said(now))
            } else {
                Ending::Stale(said(now))
            };
        }
        let unread = self.unread.iter().find(|item| {
            item.account.as_deref().is_none_or(|account| account == change.account)
                && item.region.as_deref().is_none_or(|region| region == change.region)
        });
        match unread {
            Some(unread) => Ending::Unread(said(unread)),
            None => Ending::Stale(format!("{} needs nothing now, or is gone", change.resource_id)),
        }
    }

    /// Returns how many changes are wanted now on resources that the plan does not change.
    fn count_new(&self, changes: &[&Change]) -> usize {
        let planned: BTreeSet<Key<'_>> = changes
            .iter()
            .map(|change| (change.account.as_str(), change.region.as_str(), change.resource_id.as_str()))
            .collect();
        let is_new = |item: &&&Item| item.outcome == Outcome::Skipped && !planned.contains(&key(item));
        self.by_change.values().filter(is_new).count()
    }
}
