//! The step that joins the parts of an organization to one report.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Evidence, Facts, Joining, NotJoined, Note, NoteState};
use handler::{
    Collect,
    fan_out::{self, Tally},
};
use jiff::Timestamp;
use reconcile::{Item, Job, Outcome, Report, ReportBuilder, Shards};

use crate::{
    ReportFlowLogs,
    folder::{Folder, Parts, read_part},
    run::{MAX_LISTED, apart, publish, unwritten},
};

impl ReportFlowLogs {
    /// Joins the parts of a run once they are there, and asks again later while some may still come.
    pub(crate) async fn collect(&self, job: Job, function: Option<&str>, step: Collect) -> Report {
        let Some(function) = function else {
            return self.told(job, Vec::new(), Item::broken_event("the name of the function is not known"));
        };
        let run = step.run.clone();
        let mut tally = None;
        if self.home.has_task_mode() {
            match fan_out::count(&self.home, &job, function, &run).await {
                Ok(found) => tally = Some(found),
                Err(item) => return self.told(job, Vec::new(), *item),
            }
        }
        let began = fan_out::run_time(&run).unwrap_or_else(|| self.home.now());
        let (looked_at, of) = (self.folder.clone(), run.clone());
        let present = match apart(move || looked_at.check().map(|()| present(&looked_at, &of, began))).await {
            Ok(present) => present,
            Err(error) => return self.told(job, Vec::new(), unwritten(&error)),
        };
        let submitted = usize::try_from(step.submitted).unwrap_or(usize::MAX);
        let shards = present.shards(tally.as_ref(), submitted);
        if shards.unfinished.is_some_and(|left| left > 0) && fan_out::may_repeat(&step) {
            let Shards { submitted: all, done, failed, .. } = shards;
            let counts = format!("{all} submitted, {} left a part, {failed} failed", done.unwrap_or_default());
            let waiting = fan_out::again(&self.home, &job, function, &step, &counts).await;
            let mut report = self.told(job, Vec::new(), waiting);
            report.shards = Some(shards);
            return report;
        }
        let mut results = tally.as_ref().map(fan_out::failures).unwrap_or_default();
        let folder = self.folder.clone();
        match apart(move || Ok(publish_parts(&folder, &run, began))).await {
            Ok(items) => results.extend(ReportBuilder::from(items)),
            Err(error) => results.extend(unwritten(&error).into()),
        }
        let mut report = self.home.report(job.run, job.request_id, results);
        report.shards = Some(shards);
        report
    }
}

/// Which accounts a run has, and which have left a part.
struct Present {
    accounts: BTreeSet<String>,
    with_part: BTreeSet<String>,
}

fn present(folder: &Folder, run: &str, began: Timestamp) -> Present {
    let Parts { roster, accounts } = folder.parts(run, began);
    let roster = roster.and_then(|path| read_part(&path).ok());
    let with_part: BTreeSet<_> = accounts.into_iter().map(|(account, _)| account).collect();
    let asked = roster.iter().flat_map(|roster| &roster.facts().asked.accounts).map(|asked| asked.account.clone());
    Present { accounts: asked.chain(with_part.iter().cloned()).collect(), with_part }
}

impl Present {
    /// Counts the accounts that have left a part, those whose shard has failed, and those that may still leave one.
    fn shards(&self, tally: Option<&Tally<'_>>, submitted: usize) -> Shards {
        let submitted = submitted.max(self.accounts.len());
        let has_failed = |account: &&String| tally.is_some_and(|tally| tally.has_failed(account));
        let failed = self.accounts.iter().filter(has_failed).count();
        let has_part = |account: &&String| self.with_part.contains(*account) && !has_failed(account);
        let done = self.accounts.iter().filter(has_part).count();
        // A shard that is being tried again may leave a better part.
        let running = tally.and_then(|tally| tally.count(submitted).unfinished).unwrap_or_default();
        let unfinished = running.max(submitted.saturating_sub(done + failed));
        Shards { submitted, done: Some(done), failed, unfinished: Some(unfinished) }
    }
}

/// Joins the parts of a run, and writes the report. Says what is missing.
pub(crate) fn publish_parts(folder: &Folder, run: &str, began: Timestamp) -> Vec<Item> {
    let Parts { roster, accounts } = folder.parts(run, began);
    if roster.is_none() && accounts.is_empty() {
        return vec![Item::of_run(Outcome::Skipped, "the run has left no part, so there is nothing to join")];
    }
    // One part is in memory at a time, beside what is joined.
    let mut joining = Joining::up_to(MAX_LISTED);
    let mut problems = BTreeMap::new();
    let list = roster.map_or_else(|| Err("it has left none".to_owned()), |path| read_part(&path));
    let without_list = list.and_then(|list| add(&mut joining, list)).err();
    for (account, path) in accounts {
        if let Err(why) = read_part(&path).and_then(|part| add(&mut joining, part)) {
            problems.insert(account, why);
        }
    }
    let facts = match joining.finish() {
        Ok(joined) => joined.into_facts(),
        Err(error) => {
            let reason = format!("the parts of {run} could not be joined: {error}");
            return vec![Item::of_run(Outcome::Failed, reason).finding()];
        }
    };
    let (facts, mut items) = with_missing(facts, &problems, without_list);
    let joined = Evidence::new(facts);
    let verdict = &joined.assessment().verdict;
    match publish(folder, &joined) {
        Ok((name, unlisted)) => {
            items.extend(unlisted);
            items.push(Item::of_run(Outcome::Unchanged, format!("{name} is written: {verdict}")));
        }
        Err(error) => items.push(unwritten(&error)),
    }
    items
}

/// Adds a part. One that does not belong to the others leaves them as they are.
fn add(joining: &mut Joining, part: Evidence) -> Result<(), String> {
    joining.add(part).map_err(|error| match error {
        NotJoined::OtherRun(_, run) => format!("its part belongs to the run {run}"),
        NotJoined::OtherPolicy(..) => {
            "its part was compared with another policy: the stack was updated during the run".to_owned()
        }
        other => format!("its part cannot be joined: {other}"),
    })
}

/// Adds that accounts without a usable part are unknown, as notes and as results.
fn with_missing(
    mut facts: Facts,
    problems: &BTreeMap<String, String>,
    without_list: Option<String>,
) -> (Facts, Vec<Item>) {
    let covered: BTreeSet<&String> = facts.judged.iter().flat_map(|judged| &judged.accounts).collect();
    let asked = facts.asked.accounts.iter().map(|asked| &asked.account).chain(problems.keys());
    let missing: BTreeSet<String> = asked.filter(|account| !covered.contains(account)).cloned().collect();
    let mut items = Vec::new();
    let mut add = |account: Option<String>, reason: String| {
        let note = Note {
            account: account.clone(),
            region: None,
            subject: None,
            state: NoteState::Unread,
            reason: reason.clone(),
            error: None,
        };
        facts.notes.push(note);
        items.push(Item { account, ..Item::of_run(Outcome::Failed, reason).finding() });
    };
    if let Some(why) = without_list {
        add(None, format!("which accounts there are is unknown: the list of the run cannot be used: {why}"));
    }
    for account in missing {
        let why = problems.get(&account).map_or("it has left no part", String::as_str);
        let reason = format!("the account {account} is unknown: {why}");
        add(Some(account), reason);
    }
    (facts, items)
}
