//! What the lines of an invocation share: its ids, and what logs that it failed.
//!
//! They belong to the task, and not to a span of `tracing`: a registry of spans took more instructions than a line.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::line;
use crate::Failure;

tokio::task_local! {
    static CURRENT: InvocationLog;
}

/// Logs that an invocation failed, at this time, in one line with `error_type` and `error_message`.
pub type FailureLog = Box<dyn FnOnce(&Failure, Timestamp) + Send>;

/// What the lines of an invocation share. Clones share it, too.
#[derive(Clone)]
pub(crate) struct InvocationLog {
    request_id: Arc<str>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Both ids as they are on a line; empty until the first line.
    ids: Arc<[u8]>,
    failure_log: Option<FailureLog>,
}

impl InvocationLog {
    /// Until the run is known, its id is the request id.
    pub(crate) fn new(request_id: &str) -> Self {
        Self { request_id: request_id.into(), shared: Arc::default() }
    }

    pub(crate) fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.request_id)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work`. Its lines belong to this invocation.
    pub(crate) fn on_lines_of<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }

    /// Returns `work`. Its lines belong to this invocation.
    pub(crate) fn on_all_lines_of<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }
}

/// Returns the ids of the invocation at work, if there is one, as they are on a line.
pub(super) fn current_ids() -> Option<Arc<[u8]>> {
    let of_line = |log: &InvocationLog| {
        let mut shared = log.shared();
        if shared.ids.is_empty() {
            shared.ids = line::ids(&log.request_id, &log.request_id).into();
        }
        Arc::clone(&shared.ids)
    };
    CURRENT.try_with(of_line).ok()
}

/// Returns `work`, for a thread of its own. Its lines belong to the current invocation.
pub fn of_this_invocation<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let log = CURRENT.try_with(InvocationLog::clone).ok();
    move || match log {
        Some(log) => log.on_lines_of(work),
        None => work(),
    }
}

/// Sets the run id of the current invocation. Each line that it logs from now on carries it. Until then the request id
/// is in its place.
pub fn record_run(run: &str) {
    // Outside an invocation there is no line to carry it.
    let _ = CURRENT.try_with(|log| log.shared().ids = line::ids(&log.request_id, run).into());
}

/// Sets what logs that the current invocation failed, in place of the runtime; `None` leaves it to the runtime, as it is
/// at first.
///
/// It is called however the invocation fails: also if it panics, or is given up at its deadline. So it can tell what was
/// done until then. It is not called if the invocation succeeds, or if the process ends.
pub fn set_failure_log(failure_log: Option<FailureLog>) {
    // Outside an invocation nothing fails that the runtime would log. What is replaced is dropped without the lock.
    let _ = CURRENT.try_with(|log| std::mem::replace(&mut log.shared().failure_log, failure_log));
}

/// Returns what logs that the current invocation failed, if it has set that.
pub(crate) fn take_failure_log() -> Option<FailureLog> {
    CURRENT.try_with(|log| log.shared().failure_log.take()).ok().flatten()
}
