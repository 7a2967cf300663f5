//! Counts how the shards of a run ended.

use std::collections::BTreeMap;

use reconcile::{AsyncTask, Shards};

use crate::fan_out::ids::account_of;

/// How many times a collect step submits the next one.
pub(crate) const MAX_REPETITIONS: u32 = 6;
/// How many failed shards are listed. Further ones are only counted.
const MAX_LISTED: usize = 200;
/// The longest error of a shard that is listed, in bytes.
const MAX_ERROR: usize = 500;

/// How one shard ended, from the worst to the best. If it was submitted again, the best attempt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Failed,
    Unfinished,
    Done,
}

/// The states of the shards of a run.
#[derive(Debug)]
pub struct Tally<'a> {
    run: &'a str,
    shards: BTreeMap<String, State>,
    errors: BTreeMap<String, String>,
}

/// What a collect step does after it has asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// All shards have ended.
    End,
    /// Some have not, and it asks again later.
    Repeat,
    /// Some have not, and it has asked often enough.
    GiveUp,
}

impl<'a> Tally<'a> {
    pub(crate) const fn new(run: &'a str) -> Self {
        Self { run, shards: BTreeMap::new(), errors: BTreeMap::new() }
    }

    /// Counts a task, if it is a shard of the run.
    pub(crate) fn add(&mut self, task: AsyncTask) {
        let Some(account) = account_of(self.run, &task.id) else { return };
        let state = match task.status {
            status if status.has_failed() => State::Failed,
            status if status.has_ended() => State::Done,
            _ => State::Unfinished,
        };
        let best = self.shards.entry(account.to_owned()).or_insert(state);
        *best = state.max(*best);
        if state == State::Failed && (self.errors.len() < MAX_LISTED || self.errors.contains_key(account)) {
            let error = task.error.unwrap_or_default();
            self.errors.insert(account.to_owned(), error[..error.floor_char_boundary(MAX_ERROR)].to_owned());
        }
    }

    /// Returns the counts, for a run of which `submitted` shards are known to have been submitted. One without a task has
    /// not ended.
    #[must_use]
    pub fn count(&self, submitted: usize) -> Shards {
        let count = |state| self.shards.values().filter(|found| **found == state).count();
        let (done, failed) = (count(State::Done), count(State::Failed));
        let submitted = submitted.max(self.shards.len());
        Shards { submitted, done: Some(done), failed, unfinished: Some(submitted - done - failed) }
    }

    /// Returns the accounts of failed shards, with what is known of their errors. Of many, only the first are returned.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let failed = self.shards.iter().filter(|(_, state)| **state == State::Failed).map(|(account, _)| account);
        let error = |account: &str| self.errors.get(account).map(String::as_str).filter(|error| !error.is_empty());
        failed.take(MAX_LISTED).map(move |account| (account.as_str(), error(account)))
    }

    /// Whether the shard of this account has failed.
    #[must_use]
    pub fn has_failed(&self, account: &str) -> bool {
        self.shards.get(account) == Some(&State::Failed)
    }

    /// Whether Function Compute knows no task of the run.
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }
}

/// Returns what the collect step with this number does.
pub(crate) fn next(shards: Shards, attempt: u32) -> Next {
    match shards.unfinished {
        None | Some(0) => Next::End,
        Some(_) if attempt <= MAX_REPETITIONS => Next::Repeat,
        Some(_) => Next::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use reconcile::TaskStatus;

    use super::*;

    fn task(id: &str, status: &str) -> AsyncTask {
        AsyncTask { id: id.to_owned(), status: TaskStatus::from(status.to_owned()), error: None }
    }

    fn tally(tasks: &[(&str, &str)]) -> Tally<'static> {
        let mut tally = Tally::new("r1");
        for (id, status) in tasks {
            tally.add(task(id, status));
        }
        tally
    }

    fn counts(shards: Shards) -> (usize, usize, usize, usize) {
        (shards.submitted, shards.done.unwrap(), shards.failed, shards.unfinished.unwrap())
    }

    #[test]
    fn each_status_counts_as_done_failed_or_unfinished() {
        for (status, expected) in [
            ("Succeeded", (1, 1, 0, 0)),
            ("Failed", (1, 0, 1, 0)),
            ("Stopped", (1, 0, 1, 0)),
            ("Expired", (1, 0, 1, 0)),
            ("Invalid", (1, 0, 1, 0)),
            ("Enqueued", (1, 0, 0, 1)),
            ("Dequeued", (1, 0, 0, 1)),
            ("Running", (1, 0, 0, 1)),
            ("Retrying", (1, 0, 0, 1)),
            ("Stopping", (1, 0, 0, 1)),
            ("SomethingNew", (1, 0, 0, 1)),
        ] {
            assert_eq!(counts(tally(&[("r1_1_1", status)]).count(1)), expected, "{status}");
        }
    }

    #[test]
    fn only_shards_of_the_run_count_and_one_without_a_task_has_not_ended() {
        let tally = tally(&[
            ("r1_1_1", "Succeeded"),
            ("r1_2_1", "Failed"),
            ("r1_collect_1", "Running"),
            ("r12_3_1", "Failed"),
            ("r1_4", "Failed"),
        ]);
        assert_eq!(counts(tally.count(5)), (5, 1, 1, 3));
        assert_eq!(counts(tally.count(0)), (2, 1, 1, 0), "more tasks than the coordinator knew of");
        assert!(!tally.is_empty() && Tally::new("r1").is_empty());
    }

    #[test]
    fn of_several_attempts_the_best_counts() {
        for (second, expected) in [("Succeeded", (1, 1, 0, 0)), ("Running", (1, 0, 0, 1)), ("Failed", (1, 0, 1, 0))] {
            for tasks in [[("r1_1_1", "Failed"), ("r1_1_2", second)], [("r1_1_2", second), ("r1_1_1", "Failed")]] {
                assert_eq!(counts(tally(&tasks).count(1)), expected, "{tasks:?}");
            }
        }
    }

    #[test]
    fn the_failed_shards_are_listed_with_the_beginning_of_their_errors() {
        let mut tally = Tally::new("r1");
        for nth in 0..=MAX_LISTED {
            let error = Some("é".repeat(MAX_ERROR)).filter(|_| nth == 0);
            tally.add(AsyncTask { error, ..task(&format!("r1_{nth:03}_1"), "Failed") });
        }
        tally.add(task("r1_001_2", "Succeeded"));
        let failed: Vec<_> = tally.failed().collect();
        assert_eq!((failed.len(), counts(tally.count(0)).2), (MAX_LISTED, MAX_LISTED));
        assert_eq!(failed[0], ("000", Some("é".repeat(MAX_ERROR / 2).as_str())));
        assert_eq!(failed[1], ("002", None));
    }

    #[test]
    fn a_collect_step_is_repeated_a_few_times_while_a_shard_has_not_ended() {
        let shards = |unfinished| Shards { submitted: 2, done: Some(1), failed: 0, unfinished: Some(unfinished) };
        for (unfinished, attempt, expected) in [
            (0, 1, Next::End),
            (1, 1, Next::Repeat),
            (1, 6, Next::Repeat),
            (1, 7, Next::GiveUp),
            (1, u32::MAX, Next::GiveUp),
            (0, 7, Next::End),
        ] {
            assert_eq!(next(shards(unfinished), attempt), expected, "{unfinished} in attempt {attempt}");
        }
    }
}
