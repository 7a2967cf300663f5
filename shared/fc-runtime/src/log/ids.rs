//! The ids of the invocation that a line belongs to.
//!
//! They belong to the task, and not to a span of `tracing`: a registry of spans took more instructions than a line.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

tokio::task_local! {
    static CURRENT: InvocationIds;
}

/// The ids of an invocation. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct InvocationIds {
    request_id: Arc<str>,
    run: Arc<Mutex<Arc<str>>>,
}

impl InvocationIds {
    /// Until the run is known, its id is the request id.
    pub(crate) fn new(request_id: &str) -> Self {
        let request_id: Arc<str> = request_id.into();
        Self { run: Arc::new(Mutex::new(Arc::clone(&request_id))), request_id }
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

/// The ids as they are on a line.
pub(super) struct LineIds {
    pub(super) request_id: Arc<str>,
    pub(super) run: Arc<str>,
}

/// Returns the ids of the invocation at work, if there is one.
pub(super) fn current() -> Option<LineIds> {
    let of_line = |ids: &InvocationIds| LineIds {
        request_id: Arc::clone(&ids.request_id),
        run: Arc::clone(&ids.run.lock().unwrap_or_else(PoisonError::into_inner)),
    };
    CURRENT.try_with(of_line).ok()
}

/// Sets the run id of the current invocation. Each line that it logs from now on carries it. Until then the request id
/// is in its place.
pub fn record_run(run: &str) {
    // Outside an invocation there is no line to carry it.
    let _ = CURRENT.try_with(|ids| *ids.run.lock().unwrap_or_else(PoisonError::into_inner) = run.into());
}
