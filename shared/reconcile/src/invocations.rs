//! Invocations that a function makes of itself, for the sweep of many accounts.
//!
//! They change no flow log, so they do not pass through the writer: a dry run makes them, too.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use openapi::{AsyncInvocation, AsyncTask, CallError, Entry, Remedy, Session};

/// How often an invocation without a task id is submitted if the answer is lost. A second invocation does no harm.
const MAX_SUBMISSIONS: u32 = 3;
/// The pause before it is submitted again.
const PAUSE: Duration = Duration::from_secs(1);

/// Submits an invocation. One with a task id is submitted at most once, however often this is called.
pub(crate) async fn submit(session: &Session<'_>, invocation: &AsyncInvocation<'_>) -> Result<(), CallError> {
    let mut submissions = 1;
    loop {
        match session.invoke_async(invocation).await {
            // It does not matter whether this call submitted it or an earlier one.
            Ok(_) => return Ok(()),
            // Without a task id, nobody can tell whether it was submitted.
            Err(error) if error.remedy() == Remedy::ReadAgain && submissions < MAX_SUBMISSIONS => {
                tracing::info!("{error}: {}; it is submitted again", error.cause);
                submissions += 1;
                if session.wait(PAUSE).await.is_err() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads the tasks of a function whose ids begin with `prefix`, and passes each to `each`.
pub(crate) async fn tasks(
    session: &Session<'_>,
    function: &str,
    prefix: &str,
    mut each: impl FnMut(AsyncTask) + Send,
) -> Result<(), CallError> {
    let mut tasks = session.async_tasks(function, prefix);
    while let Some(entry) = tasks.try_next().await? {
        match entry {
            Entry::Read(task) => each(task),
            // Its shard then counts as unfinished.
            Entry::Unreadable(unreadable) => {
                let id = unreadable.id.as_deref().unwrap_or("one without a readable id");
                tracing::warn!("one of the tasks could not be read, {id}: {}", unreadable.reason);
            }
        }
    }
    Ok(())
}
