//! The ids of a run and of its tasks.

use flow_log::AccountId;
use jiff::Timestamp;

/// How the id of a run begins. An id of a task must not begin with a digit.
const PREFIX: char = 'r';
/// What stands in the id of the task that collects, in place of an account. Accounts have digits alone.
const COLLECT: &str = "collect";

/// Returns the id of a run: `r20261126T030000Z-1a2b3c4d`, the time of its timer and a hash of Function Compute's id of the
/// invocation.
///
/// Function Compute keeps both when it repeats an invocation, so a repeated coordinator continues its run. A second timer,
/// or an invocation by hand, starts another one.
#[must_use]
pub fn run_id(timer: Option<Timestamp>, request_id: &str) -> String {
    let time = timer.and_then(|timer| Timestamp::from_second(timer.as_second()).ok());
    let time = time.map(|time| time.to_string()).unwrap_or_default();
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{PREFIX}{time}-{:08x}", fnv1a(request_id.as_bytes()))
}

/// Returns the time of the timer of a run, if its id has one.
#[must_use]
pub fn run_time(run: &str) -> Option<Timestamp> {
    let (time, _) = run.strip_prefix(PREFIX)?.split_once('-')?;
    time.parse().ok()
}

/// Returns the id of the task of a shard. It is the same in every repetition, so Function Compute takes it only once.
pub(crate) fn shard_task(run: &str, account: &AccountId, attempt: u32) -> String {
    format!("{run}_{account}_{attempt}")
}

/// Returns the id of the task that collects.
pub(crate) fn collect_task(run: &str, attempt: u32) -> String {
    format!("{run}_{COLLECT}_{attempt}")
}

/// Returns how the ids of all tasks of a run begin.
pub(crate) fn task_prefix(run: &str) -> String {
    format!("{run}_")
}

/// Returns the account of a shard by the id of its task; `None` if the task is no shard of the run.
pub(crate) fn account_of<'a>(run: &str, task: &'a str) -> Option<&'a str> {
    let (account, attempt) = task.strip_prefix(run)?.strip_prefix('_')?.rsplit_once('_')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(account) && is_number(attempt)).then_some(account)
}

/// The hash FNV-1a. It keeps runs apart that have the same time, and protects nothing.
fn fnv1a(bytes: &[u8]) -> u32 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        for (text, hash) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            assert_eq!(fnv1a(text.as_bytes()), hash, "{text:?}");
        }
    }

    #[test]
    fn a_run_is_known_by_the_time_of_its_timer_and_by_its_invocation() {
        let run = run_id(at("2026-11-26T11:00:00+08:00"), "1-request");
        assert_eq!(run, format!("r20261126T030000Z-{:08x}", fnv1a(b"1-request")));
        assert_eq!(run_id(at("2026-11-26T03:00:00.75Z"), "1-request"), run, "the repetition of an invocation");
        assert_ne!(run_id(at("2026-11-26T03:00:00Z"), "2-request"), run, "another invocation");
        assert_ne!(run_id(at("2026-11-26T04:00:00Z"), "1-request"), run);
        assert_eq!(run_id(None, "a"), "r-e40c292c");
    }

    #[test]
    fn the_time_of_a_run_is_in_its_id() {
        assert_eq!(run_time("r20261126T030000Z-1a2b3c4d"), at("2026-11-26T03:00:00Z"));
        for other in
            ["", "r", "r-1a2b3c4d", "2026-11-26T03:00:00Z", "by-hand", "r20261126T030000Z", "r20261399T990000Z-1"]
        {
            assert_eq!(run_time(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_task_names_its_run_its_account_and_its_attempt() {
        let account = "1000000000000002".parse().unwrap();
        let task = shard_task("r1-2", &account, 3);
        assert_eq!(task, "r1-2_1000000000000002_3");
        assert_eq!(account_of("r1-2", &task), Some("1000000000000002"));
        assert_eq!(collect_task("r1-2", 1), "r1-2_collect_1");
        for other in
            ["r1-2_collect_1", "r1-2", "r1-2_", "r1-2_1000000000000002", "r1-2__1", "r1-23_1_1", "r1_1_1", "r1-2_1_x"]
        {
            assert_eq!(account_of("r1-2", other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_ids_are_those_that_function_compute_takes(
            second in -377_705_023_201..253_402_207_200_i64,
            is_known in any::<bool>(),
            request in ".{0,80}",
            account in "[0-9]{1,32}",
            attempt in any::<u32>(),
        ) {
            let timer = Timestamp::from_second(second).ok().filter(|_| is_known);
            let run = run_id(timer, &request);
            let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            prop_assert!(run.len() <= 64 && is_word(&run) && run.starts_with('r'), "{run}");
            if second >= 0 {
                prop_assert_eq!(run_time(&run), timer);
            }
            let account: AccountId = account.parse().unwrap();
            let task = shard_task(&run, &account, attempt);
            prop_assert!(task.len() <= 128 && task.starts_with(&task_prefix(&run)), "{task}");
            prop_assert_eq!(account_of(&run, &task), Some(account.as_str()));
            let collect = collect_task(&run, attempt);
            prop_assert!(collect.len() <= 128 && collect.starts_with(&task_prefix(&run)), "{collect}");
            prop_assert_eq!(account_of(&run, &collect), None);
        }
    }
}
