//! Sweeps for a report, and shows the progress.

use std::sync::Arc;

use audit::{Gathered, Gathering, Swept, TooMuch};

use crate::{failure::Failure, planning::Planning, watcher::Watcher};

impl From<TooMuch> for Failure {
    fn from(error: TooMuch) -> Self {
        Self::failed(error.to_string(), "make a report for each account or region, with --account and --region")
    }
}

/// Sweeps, and keeps what was read. Gives up once there are more than `max` resources and flow logs.
///
/// # Errors
/// The options name what the policy is not about, or there is more.
pub(crate) async fn gather(planning: &Planning<'_>, max: usize) -> Result<(Swept, Gathered), Failure> {
    let watcher = Arc::new(Watcher::new(&planning.context.terminal, 0));
    let gathering = Arc::new(Gathering::new(max).telling(Arc::<Watcher>::clone(&watcher)));
    let gathered = audit::gather(&gathering, planning.sweep(Arc::<Gathering>::clone(&gathering))).await;
    watcher.clear();
    gathered
}
