//! The ids of the invocation that a line belongs to.
//!
//! They belong to the task, and not to a span of `tracing`: a registry of spans took more instructions than a line.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::line;

tokio::task_local! {
    static CURRENT: InvocationIds;
}

/// The ids of an invocation. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct InvocationIds {
    request_id: Arc<str>,
    /// Both ids as they are on a line; empty until the first line.
    on_line: Arc<Mutex<Arc<[u8]>>>,
}

impl InvocationIds {
    /// Until the run is known, its id is the request id.
    pub(crate) fn new(request_id: &str) -> Self {
        Self { request_id: request_id.into(), on_line: Arc::default() }
    }

    pub(crate) fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.request_id)
    }

    fn on_line(&self) -> MutexGuard<'_, Arc<[u8]>> {
        self.on_line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work`. Its lines have these ids.
    pub(crate) fn on_lines_of<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }

    /// Returns `work`. Its lines have these ids.
    pub(crate) fn on_all_lines_of<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }
}

/// Returns the ids of the invocation at work, if there is one, as they are on a line.
pub(super) fn current() -> Option<Arc<[u8]>> {
    let of_line = |ids: &InvocationIds| {
        let mut on_line = ids.on_line();
        if on_line.is_empty() {
            *on_line = line::ids(&ids.request_id, &ids.request_id).into();
        }
        Arc::clone(&on_line)
    };
    CURRENT.try_with(of_line).ok()
}

/// Returns `work`, for a thread of its own. Its lines have the ids of the current invocation.
pub fn of_this_invocation<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let ids = CURRENT.try_with(InvocationIds::clone).ok();
    move || match ids {
        Some(ids) => ids.on_lines_of(work),
        None => work(),
    }
}

/// Sets the run id of the current invocation. Each line that it logs from now on carries it. Until then the request id
/// is in its place.
pub fn record_run(run: &str) {
    // Outside an invocation there is no line to carry it.
    let _ = CURRENT.try_with(|ids| *ids.on_line() = line::ids(&ids.request_id, run).into());
}
