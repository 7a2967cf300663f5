//! The operations of Function Compute, version 2023-03-30: asynchronous invocations and their tasks.

use std::{future, time::Duration};

use futures_util::{TryStreamExt as _, stream::BoxStream};
use reqwest::Method;
use signing::percent_encode;

use crate::{
    CallError, Entry, Product, Session,
    call::{
        request::{Request, Rest},
        response_object::ResponseObject,
    },
    paging::listing::List,
};

/// The maximum page size of tasks.
const MAX_PAGE_SIZE: u32 = 100;
/// The maximum size of the event of an asynchronous invocation, in bytes.
const MAX_PAYLOAD_BYTES: usize = 128 << 10;
/// The maximum delay of an asynchronous invocation, in seconds.
const MAX_DELAY_SECONDS: u64 = 3600;
/// The maximum length of the name of a function, and of the id of a task.
const MAX_NAME_CHARS: usize = 128;

/// The HTTP status for a task id that was submitted before.
const CONFLICT: u16 = 409;

/// An invocation that Function Compute makes later, and repeats if it fails.
#[derive(Debug, Clone, Copy)]
pub struct AsyncInvocation<'a> {
    /// The name of the function, in the session's account and region.
    pub function: &'a str,
    /// The id of the task, for a function that has task mode: letters, digits, `_` and `-`, at most 128, the first of
    /// them a letter or `_`. Function Compute takes each only once.
    pub task_id: Option<&'a str>,
    /// How long Function Compute waits before it invokes the function: whole seconds, at most an hour.
    pub delay: Option<Duration>,
    /// The event, at most 128 KB.
    pub payload: &'a [u8],
}

/// The result of [`Session::invoke_async`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// Function Compute has taken the invocation.
    Accepted,
    /// It had taken this task before.
    AlreadySubmitted,
}

/// An asynchronous invocation of a function that has task mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsyncTask {
    /// The id that it was submitted with.
    pub id: String,
    /// How far it is.
    pub status: TaskStatus,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// The status of an [`AsyncTask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskStatus {
    /// In the queue.
    Enqueued,
    /// Taken from the queue, not yet running.
    Dequeued,
    /// Running.
    Running,
    /// Done.
    Succeeded,
    /// Failed, after all of its retries.
    Failed,
    /// Stopped by somebody.
    Stopped,
    /// Being stopped.
    Stopping,
    /// Too old when its turn came.
    Expired,
    /// Not executed, because the function or the request was not valid.
    Invalid,
    /// Failed, and to be repeated.
    Retrying,
    /// A status that is not documented.
    Other(String),
}

impl TaskStatus {
    /// Returns whether nothing more will happen. A status that is not documented might still change.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self, Self::Succeeded) || self.has_failed()
    }

    /// Returns whether the task has ended without success.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        matches!(self, Self::Failed | Self::Stopped | Self::Expired | Self::Invalid)
    }
}

impl From<String> for TaskStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "Enqueued" => Self::Enqueued,
            "Dequeued" => Self::Dequeued,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Stopped" => Self::Stopped,
            "Stopping" => Self::Stopping,
            "Expired" => Self::Expired,
            "Invalid" => Self::Invalid,
            "Retrying" => Self::Retrying,
            _ => Self::Other(text),
        }
    }
}

impl Session<'_> {
    /// `InvokeFunction`: hands an event over to Function Compute, which invokes the function later.
    ///
    /// With a task id it is retried even if its outcome is unknown, because Function Compute takes no id twice. Without
    /// one, after an error with the remedy [`crate::Remedy::ReadAgain`], the function may be invoked.
    ///
    /// # Errors
    /// The call failed, or an argument exceeds a documented limit.
    pub async fn invoke_async(&self, invocation: &AsyncInvocation<'_>) -> Result<Submission, CallError> {
        match self.call_and_done(invocation.request()).await {
            Ok(()) => Ok(Submission::Accepted),
            Err(error) if invocation.task_id.is_some() && error.status() == Some(CONFLICT) => {
                Ok(Submission::AlreadySubmitted)
            }
            Err(error) => Err(error),
        }
    }

    /// `ListAsyncTasks`: streams the tasks of a function whose ids begin with `prefix`, one page at a time.
    #[must_use]
    pub fn async_tasks(&self, function: &str, prefix: &str) -> BoxStream<'_, Result<Entry<AsyncTask>, CallError>> {
        let path = format!("{}/async-tasks", path_of(function));
        let request = about_function(Request::read(Product::Fc, "ListAsyncTasks"), function)
            .with_path(Rest { path, ..Rest::default() })
            .with("prefix", prefix);
        let list = List::new("tasks", "task", &["taskId"]).paged_by("limit", "nextToken");
        let tasks = self.by_token(request, MAX_PAGE_SIZE, list, |found: &ResponseObject<'_>| {
            Ok(AsyncTask {
                id: found.required("taskId")?,
                status: found.required("status")?.into(),
                error: found.text("taskErrorMessage"),
            })
        });
        // Other tasks are no concern of the caller, should the server show them.
        let prefix = prefix.to_owned();
        let is_asked_for = move |entry: &Entry<AsyncTask>| match entry {
            Entry::Read(task) => task.id.starts_with(&prefix),
            Entry::Unreadable(_) => true,
        };
        Box::pin(tasks.try_filter(move |entry| future::ready(is_asked_for(entry))))
    }
}

impl AsyncInvocation<'_> {
    fn request(&self) -> Request {
        let seconds = self.delay.map(|delay| delay.as_secs());
        let mut headers = vec![("x-fc-invocation-type", "Async".to_owned())];
        headers.extend(self.task_id.map(|id| ("x-fc-async-task-id", id.to_owned())));
        headers.extend(seconds.map(|seconds| ("x-fc-async-delay", seconds.to_string())));
        let rest = Rest {
            method: Method::POST,
            path: format!("{}/invocations", path_of(self.function)),
            headers,
            content_type: Some("application/octet-stream"),
            body: self.payload.to_vec(),
            may_answer_nothing: true,
            ..Rest::default()
        };
        let request = about_function(Request::write(Product::Fc, "InvokeFunction"), self.function)
            .ensure(self.task_id.is_none_or(is_name), || {
                format!(
                    "the id of a task has 1 to {MAX_NAME_CHARS} letters, digits, _ and -, and begins with a letter or _"
                )
            })
            .ensure(seconds.is_none_or(|seconds| (1..=MAX_DELAY_SECONDS).contains(&seconds)), || {
                format!("an invocation is delayed by 1 to {MAX_DELAY_SECONDS} seconds")
            })
            .ensure(self.payload.len() <= MAX_PAYLOAD_BYTES, || {
                format!("an event of {} bytes is larger than {MAX_PAYLOAD_BYTES}", self.payload.len())
            })
            .with_path(rest);
        if self.task_id.is_some() { request.idempotent() } else { request }
    }
}

/// Names the function, which must be one: otherwise the path might lead to another operation.
fn about_function(request: Request, function: &str) -> Request {
    request.about(function).ensure(is_name(function), || {
        format!(
            "the name of a function has 1 to {MAX_NAME_CHARS} letters, digits, _ and -, and begins with a letter or _"
        )
    })
}

fn path_of(function: &str) -> String {
    format!("/{}/functions/{}", Product::Fc.version(), percent_encode(function))
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && !text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
}
