//! Asynchronous tasks: what FC remembers of the asynchronous invocations of a function in task mode.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::refusal::Refusal;

/// How long FC remembers a task.
const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A task with this id was submitted before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TaskExists;

/// The status of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Enqueued,
    Running,
    Succeeded,
    Failed,
    Stopped,
    Stopping,
    Expired,
    Retrying,
}

/// Every status that can be asked for. The local cloud does not use all of them.
const KNOWN: [&str; 10] =
    ["Enqueued", "Dequeued", "Running", "Succeeded", "Failed", "Stopped", "Stopping", "Expired", "Invalid", "Retrying"];

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Enqueued => "Enqueued",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
            Self::Stopping => "Stopping",
            Self::Expired => "Expired",
            Self::Retrying => "Retrying",
        }
    }

    fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped | Self::Expired)
    }
}

/// One asynchronous invocation.
pub(crate) struct Task {
    id: String,
    /// Tasks are listed in the order of these.
    number: u64,
    request_id: String,
    payload: String,
    status: Status,
    submitted: Timestamp,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    retries: u32,
    error: String,
    /// Each status that it had, with its time.
    history: Vec<(Status, Timestamp)>,
    stop: watch::Sender<bool>,
}

impl Task {
    /// Sets the status. A task that has ended keeps its status, and one that is being stopped waits for its end.
    pub(crate) fn set(&mut self, status: Status, error: Option<&str>, now: Timestamp) {
        if self.status.is_final() || (self.status == Status::Stopping && !status.is_final()) {
            return;
        }
        match status {
            Status::Running => self.started = self.started.or(Some(now)),
            Status::Retrying => self.retries += 1,
            _ => {}
        }
        self.ended = status.is_final().then_some(now);
        self.error = error.unwrap_or_default().to_owned();
        self.status = status;
        self.history.push((status, now));
    }

    /// Returns the task as the API does. Times are in milliseconds; one that has not come is absent.
    fn wire(&self, function_arn: &str, with_payload: bool) -> Value {
        let events = self.history.iter().enumerate().map(|(n, (status, at))| {
            json!({"eventId": n + 1, "eventDetail": "", "status": status.name(), "timestamp": at.as_millisecond()})
        });
        let mut wire = json!({
            "taskId": self.id,
            "status": self.status.name(),
            "requestId": self.request_id,
            "functionArn": function_arn,
            "qualifier": "LATEST",
            "alreadyRetriedTimes": self.retries,
            "taskErrorMessage": self.error,
            "events": events.collect::<Vec<_>>(),
        });
        let times = [("startedTime", self.started), ("endTime", self.ended)];
        for (name, time) in times.into_iter().filter_map(|(name, time)| time.map(|time| (name, time))) {
            wire[name] = json!(time.as_millisecond());
        }
        if let Some((started, ended)) = self.started.zip(self.ended) {
            wire["durationMs"] = json!(ended.duration_since(started).as_millis());
        }
        if with_payload {
            wire["taskPayload"] = json!(self.payload);
        }
        wire
    }
}

/// A task that is submitted.
pub(crate) struct NewTask<'a> {
    pub(crate) id: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) payload: &'a [u8],
}

/// What a list of tasks is asked for.
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) status: Option<&'a str>,
    pub(crate) is_ascending: bool,
    /// In milliseconds.
    pub(crate) started: (Option<i64>, Option<i64>),
    pub(crate) limit: usize,
    pub(crate) token: Option<&'a str>,
    pub(crate) with_payload: bool,
    /// Whether the newest task is left out.
    pub(crate) hide_newest: bool,
}

/// All tasks, by the function's ARN and their id.
#[derive(Default)]
pub(crate) struct Tasks {
    all: BTreeMap<String, BTreeMap<String, Task>>,
    numbers: u64,
}

impl Tasks {
    /// Adds a task. Returns a receiver that says when it is to stop.
    pub(crate) fn enqueue(
        &mut self,
        function_arn: &str,
        new: &NewTask<'_>,
        now: Timestamp,
    ) -> Result<watch::Receiver<bool>, TaskExists> {
        let tasks = self.all.entry(function_arn.to_owned()).or_default();
        let is_kept = |task: &Task| now.duration_since(task.submitted) <= RETENTION;
        if tasks.get(new.id).is_some_and(is_kept) {
            return Err(TaskExists);
        }
        self.numbers += 1;
        let (stop, stopped) = watch::channel(false);
        let task = Task {
            id: new.id.to_owned(),
            number: self.numbers,
            request_id: new.request_id.to_owned(),
            payload: String::from_utf8_lossy(new.payload).into_owned(),
            status: Status::Enqueued,
            submitted: now,
            started: None,
            ended: None,
            retries: 0,
            error: String::new(),
            history: vec![(Status::Enqueued, now)],
            stop,
        };
        tasks.insert(task.id.clone(), task);
        Ok(stopped)
    }

    pub(crate) fn get_mut(&mut self, function_arn: &str, id: &str) -> Option<&mut Task> {
        self.all.get_mut(function_arn)?.get_mut(id)
    }

    /// Returns one task as the API does.
    pub(crate) fn one(&self, function_arn: &str, id: &str) -> Result<Value, Refusal> {
        let task = self.all.get(function_arn).and_then(|tasks| tasks.get(id)).ok_or_else(|| not_there(id))?;
        Ok(task.wire(function_arn, true))
    }

    /// Asks a task to stop. Its status is `Stopped` when it has.
    pub(crate) fn stop(&mut self, function_arn: &str, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let task = self.get_mut(function_arn, id).ok_or_else(|| not_there(id))?;
        if task.status.is_final() {
            let message = format!("async task '{id}' has ended already: {}", task.status.name());
            return Err(Refusal::new("InvalidArgument", message));
        }
        task.set(Status::Stopping, None, now);
        task.stop.send_replace(true);
        Ok(())
    }

    /// Returns a page of a function's tasks, newest first unless asked otherwise, and the token of the next page.
    pub(crate) fn list(&self, function_arn: &str, query: &Query<'_>) -> Result<(Vec<Value>, Option<String>), Refusal> {
        let invalid = |name: &str| Refusal::new("InvalidArgument", format!("{name} is invalid"));
        if query.status.is_some_and(|status| !KNOWN.contains(&status)) {
            return Err(invalid("status"));
        }
        // A page begins behind the last task of the one before, so tasks that are added meanwhile shift nothing.
        let last = query.token.map(|token| token.parse::<u64>().map_err(|_| invalid("nextToken"))).transpose()?;
        let mut tasks: Vec<&Task> = self.all.get(function_arn).into_iter().flat_map(BTreeMap::values).collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.number));
        if query.hide_newest && !tasks.is_empty() {
            tasks.remove(0);
        }
        if query.is_ascending {
            tasks.reverse();
        }
        let (begin, end) = query.started;
        let is_in_time = |task: &Task| {
            let started = task.started.map(Timestamp::as_millisecond);
            begin.is_none_or(|begin| started.is_some_and(|started| started >= begin))
                && end.is_none_or(|end| started.is_some_and(|started| started <= end))
        };
        let mut wanted = tasks.into_iter().filter(|task| {
            let is_behind = last.is_none_or(|last| (task.number > last) == query.is_ascending && task.number != last);
            is_behind
                && task.id.starts_with(query.prefix)
                && query.status.is_none_or(|status| status == task.status.name())
                && is_in_time(task)
        });
        let page: Vec<&Task> = wanted.by_ref().take(query.limit).collect();
        let next = wanted.next().and(page.last()).map(|task| task.number.to_string());
        Ok((page.into_iter().map(|task| task.wire(function_arn, query.with_payload)).collect(), next))
    }
}

fn not_there(id: &str) -> Refusal {
    Refusal::not_found("AsyncTaskNotFound", &format!("async task '{id}' does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn new(id: &str) -> NewTask<'_> {
        NewTask { id, request_id: "request", payload: b"{}" }
    }

    fn query<'a>(prefix: &'a str, limit: usize, token: Option<&'a str>) -> Query<'a> {
        Query {
            prefix,
            status: None,
            is_ascending: false,
            started: (None, None),
            limit,
            token,
            with_payload: false,
            hide_newest: false,
        }
    }

    fn ids(page: &[Value]) -> Vec<&str> {
        page.iter().filter_map(|task| task["taskId"].as_str()).collect()
    }

    #[test]
    fn an_id_is_taken_once_and_free_again_after_seven_days() {
        let mut tasks = Tasks::default();
        assert!(tasks.enqueue("f", &new("a"), at(0)).is_ok());
        assert_eq!(tasks.enqueue("f", &new("a"), at(7 * 86_400)).err(), Some(TaskExists));
        assert!(tasks.enqueue("f", &new("a"), at(7 * 86_400 + 1)).is_ok());
    }

    #[test]
    fn pages_are_stable_while_tasks_are_added() {
        for is_ascending in [false, true] {
            let mut tasks = Tasks::default();
            for id in ["r1_a", "r1_b", "r2_a", "r1_c"] {
                tasks.enqueue("f", &new(id), at(0)).unwrap();
            }
            let asked = Query { is_ascending, ..query("r1_", 2, None) };
            let (first, token) = tasks.list("f", &asked).unwrap();
            tasks.enqueue("f", &new("r1_d"), at(0)).unwrap();
            let rest = Query { is_ascending, ..query("r1_", 2, token.as_deref()) };
            let (second, end) = tasks.list("f", &rest).unwrap();
            let expected: [&[&str]; 2] =
                if is_ascending { [&["r1_a", "r1_b"], &["r1_c", "r1_d"]] } else { [&["r1_c", "r1_b"], &["r1_a"]] };
            assert_eq!(([ids(&first), ids(&second)], end), (expected.map(<[_]>::to_vec), None));
        }
    }

    #[test]
    fn a_task_that_has_ended_keeps_its_status() {
        let mut tasks = Tasks::default();
        let stopped = tasks.enqueue("f", &new("a"), at(0)).unwrap();
        let task = tasks.get_mut("f", "a").unwrap();
        task.set(Status::Running, None, at(1));
        task.set(Status::Retrying, Some("once"), at(2));
        task.set(Status::Running, None, at(3));
        tasks.stop("f", "a", at(4)).unwrap();
        assert!(*stopped.borrow());
        let wire_of = |all: &Tasks| all.one("f", "a").unwrap();
        tasks.get_mut("f", "a").unwrap().set(Status::Running, None, at(5));
        assert_eq!(wire_of(&tasks)["status"], "Stopping");
        tasks.get_mut("f", "a").unwrap().set(Status::Stopped, None, at(6));
        tasks.get_mut("f", "a").unwrap().set(Status::Failed, Some("late"), at(7));
        let wire = wire_of(&tasks);
        assert_eq!((&wire["status"], &wire["taskErrorMessage"]), (&json!("Stopped"), &json!("")));
        assert_eq!((&wire["startedTime"], &wire["durationMs"]), (&json!(1000), &json!(5000)));
        assert_eq!(wire["alreadyRetriedTimes"], 1);
        assert_eq!(tasks.stop("f", "a", at(8)).unwrap_err().code, "InvalidArgument");
        assert_eq!(tasks.stop("f", "b", at(8)).unwrap_err().code, "AsyncTaskNotFound");
    }
}
