//! Tracks open connections, and decides which one to close if there are too many.
//!
//! Connections never time out, so only their number bounds what they cost. Function Compute itself never opens more
//! than an instance's concurrency, which is 200 at most.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::oneshot;

/// The maximum number of open connections. Each may hold its read buffer and an event that needs no permit.
pub(crate) const MAX_CONNECTIONS: usize = 256;

/// How far a connection has come. The least advanced is closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// No request has been received completely.
    Nothing,
    /// A request has been answered. Holds the sequence number of the last activity; the lowest is closed first.
    Answered(u64),
    /// A request is in progress. Such a connection must not be closed.
    AtWork,
}

/// A connection's state, as its task updates it.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionState {
    progress: Arc<AtomicU64>,
    /// A counter of activity on all connections.
    activity: Arc<AtomicU64>,
}

impl ConnectionState {
    const NOTHING: u64 = 0;
    const AT_WORK: u64 = u64::MAX;

    fn new(activity: &Arc<AtomicU64>) -> Self {
        Self { progress: Arc::new(AtomicU64::new(Self::NOTHING)), activity: Arc::clone(activity) }
    }

    /// Records that the head of a request arrived. A connection that was never answered must send a complete request to
    /// advance.
    pub(crate) fn on_head(&self) {
        if let Progress::Answered(_) = self.progress() {
            self.on_response();
        }
    }

    /// Records that a complete request arrived.
    pub(crate) fn on_request(&self) {
        self.progress.store(Self::AT_WORK, Ordering::Relaxed);
    }

    /// Records that the request was answered.
    pub(crate) fn on_response(&self) {
        self.progress.store(self.activity.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        match self.progress.load(Ordering::Relaxed) {
            Self::NOTHING => Progress::Nothing,
            Self::AT_WORK => Progress::AtWork,
            nth => Progress::Answered(nth),
        }
    }
}

/// The open connections, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Vec<(ConnectionState, oneshot::Sender<()>)>,
    activity: Arc<AtomicU64>,
}

impl Connections {
    /// Adds a connection, closing another one if necessary. Returns its state and the signal to close it, or `None` if
    /// every connection is in use.
    pub(crate) fn add(&mut self) -> Option<(ConnectionState, oneshot::Receiver<()>)> {
        self.open.retain(|(_, gone)| !gone.is_closed());
        if self.open.len() >= MAX_CONNECTIONS && !self.evict_one() {
            return None;
        }
        let (state, (close, closed)) = (ConnectionState::new(&self.activity), oneshot::channel());
        self.open.push((state.clone(), close));
        Some((state, closed))
    }

    /// Closes the least advanced connection, the oldest of several. Never closes one with a request in progress.
    /// Returns whether one was closed.
    pub(crate) fn evict_one(&mut self) -> bool {
        let states = self.open.iter().map(|(state, _)| state.progress()).enumerate();
        let least = states.filter(|(_, progress)| *progress != Progress::AtWork).min_by_key(|(_, progress)| *progress);
        let Some((at, _)) = least else { return false };
        let (_, close) = self.open.remove(at);
        // Fails if the connection has already ended, which is just as good.
        let _ = close.send(());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_have_come_least_go_first_and_those_at_work_never() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connections.add().unwrap()).collect();
        open.iter().for_each(|(state, _)| state.on_request());
        assert!(connections.add().is_none() && open.iter_mut().all(|(_, closed)| closed.try_recv().is_err()));

        open[7].0.on_response();
        open.push(connections.add().unwrap());
        assert_eq!(open[7].1.try_recv(), Ok(()));

        // The new one has sent nothing, so it is the least advanced.
        open[9].0.on_response();
        open.push(connections.add().unwrap());
        assert_eq!(open[MAX_CONNECTIONS].1.try_recv(), Ok(()));
        assert!(open[9].1.try_recv().is_err());
    }

    #[test]
    fn of_those_that_were_answered_the_one_that_is_silent_for_longest_goes_first() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connections.add().unwrap()).collect();
        open.iter().for_each(|(state, _)| state.on_response());
        open[0].0.on_request();
        open[0].0.on_response();
        assert!(connections.add().is_some());
        assert!(open[0].1.try_recv().is_err() && open[1].1.try_recv().is_ok());
    }

    #[test]
    fn one_that_has_ended_makes_room_by_itself() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connections.add().unwrap()).collect();
        drop(open.remove(0));
        assert!(connections.add().is_some());
        assert!(open.iter_mut().all(|(_, closed)| closed.try_recv().is_err()));
    }
}
