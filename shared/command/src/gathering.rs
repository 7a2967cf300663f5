//! Sweeps for a report, and shows the progress.

use std::sync::Arc;

use audit::{Gathered, Gathering, Swept, TooMuch};

use crate::{failure::Failure, planning::Planning, watcher::Watcher};

impl From<TooMuch> for Failure {
    fn from(error: TooMuch) -> Self {
        Self::failed(error.to_string(), "ask for each account or region by itself, with --account and --region")
    }
}

/// Sweeps, and keeps what was read of `max` resources and flow logs. Counts the others. Returns the gathering, too, which
/// goes on.
///
/// # Errors
/// The options name what the policy is not about.
pub(crate) async fn gather(planning: &Planning<'_>, max: usize) -> Result<(Swept, Gathered, Arc<Gathering>), Failure> {
    let (gathering, watcher) = gathering(planning, max);
    let swept = planning.sweep(Arc::<Gathering>::clone(&gathering)).await;
    watcher.clear();
    Ok((swept?, gathering.take(), gathering))
}

/// Sweeps, and keeps what was read. Gives up once there are more than `max` resources and flow logs.
///
/// # Errors
/// The options name what the policy is not about, or there is more.
pub(crate) async fn gather_whole(planning: &Planning<'_>, max: usize) -> Result<(Swept, Gathered), Failure> {
    let (gathering, watcher) = gathering(planning, max);
    let gathered = audit::gather_whole(&gathering, planning.sweep(Arc::<Gathering>::clone(&gathering))).await;
    watcher.clear();
    gathered
}

fn gathering(planning: &Planning<'_>, max: usize) -> (Arc<Gathering>, Arc<Watcher>) {
    let watcher = Arc::new(Watcher::new(&planning.context.terminal, 0));
    (Arc::new(Gathering::new(max).telling(Arc::<Watcher>::clone(&watcher))), watcher)
}
