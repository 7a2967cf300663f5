//! The connections that are open, and which of them has to go where there are too many.
//!
//! None is ever timed out, so their number is all that bounds what they cost. Function Compute itself has no more of them
//! than an instance takes requests at once, which is 200 at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;

/// So many may be open. Each may hold what is read ahead, and an event of the size that most have.
pub(crate) const MOST: usize = 256;

/// How far a connection has come. Those that have come least go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// No request has come whole.
    Nothing,
    /// A request has been answered. By the number of the last sign of life, so that who is silent for longest goes first.
    Answered(u64),
    /// A request is being worked on: it must not be closed.
    AtWork,
}

/// What the task of a connection knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    progress: Arc<AtomicU64>,
    /// How many signs of life all connections have given.
    signs: Arc<AtomicU64>,
}

impl Standing {
    const NOTHING: u64 = 0;
    const AT_WORK: u64 = u64::MAX;

    fn new(signs: &Arc<AtomicU64>) -> Self {
        Self { progress: Arc::new(AtomicU64::new(Self::NOTHING)), signs: Arc::clone(signs) }
    }

    /// The head of a request has come. One that was never answered has to send all of it to get further.
    pub(crate) fn asks(&self) {
        if let Progress::Answered(_) = self.progress() {
            self.has_answered();
        }
    }

    /// A request has come whole.
    pub(crate) fn works(&self) {
        self.progress.store(Self::AT_WORK, Ordering::Relaxed);
    }

    /// It has its answer.
    pub(crate) fn has_answered(&self) {
        self.progress.store(self.signs.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        match self.progress.load(Ordering::Relaxed) {
            Self::NOTHING => Progress::Nothing,
            Self::AT_WORK => Progress::AtWork,
            nth => Progress::Answered(nth),
        }
    }
}

/// The connections that are open, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Vec<(Standing, oneshot::Sender<()>)>,
    signs: Arc<AtomicU64>,
}

impl Connections {
    /// One more, if there is room or can be made: its standing, and what is done when it has to go.
    pub(crate) fn add(&mut self) -> Option<(Standing, oneshot::Receiver<()>)> {
        self.open.retain(|(_, gone)| !gone.is_closed());
        if self.open.len() >= MOST && !self.make_room() {
            return None;
        }
        let (standing, (go, told)) = (Standing::new(&self.signs), oneshot::channel());
        self.open.push((standing.clone(), go));
        Some((standing, told))
    }

    /// Closes the one that has come least, of several the oldest; none that is at work.
    pub(crate) fn make_room(&mut self) -> bool {
        let standings = self.open.iter().map(|(standing, _)| standing.progress()).enumerate();
        let least =
            standings.filter(|(_, progress)| *progress != Progress::AtWork).min_by_key(|(_, progress)| *progress);
        let Some((at, _)) = least else { return false };
        let (_, go) = self.open.remove(at);
        // If it has ended by itself, all the better.
        let _ = go.send(());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_have_come_least_go_first_and_those_at_work_never() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MOST).map(|_| connections.add().unwrap()).collect();
        open.iter().for_each(|(standing, _)| standing.works());
        assert!(connections.add().is_none() && open.iter_mut().all(|(_, told)| told.try_recv().is_err()));

        open[7].0.has_answered();
        open.push(connections.add().unwrap());
        assert_eq!(open[7].1.try_recv(), Ok(()));

        // The new one has sent nothing, which is less.
        open[9].0.has_answered();
        open.push(connections.add().unwrap());
        assert_eq!(open[MOST].1.try_recv(), Ok(()));
        assert!(open[9].1.try_recv().is_err());
    }

    #[test]
    fn of_those_that_were_answered_the_one_that_is_silent_for_longest_goes_first() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MOST).map(|_| connections.add().unwrap()).collect();
        open.iter().for_each(|(standing, _)| standing.has_answered());
        open[0].0.works();
        open[0].0.has_answered();
        assert!(connections.add().is_some());
        assert!(open[0].1.try_recv().is_err() && open[1].1.try_recv().is_ok());
    }

    #[test]
    fn one_that_has_ended_makes_room_by_itself() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MOST).map(|_| connections.add().unwrap()).collect();
        drop(open.remove(0));
        assert!(connections.add().is_some());
        assert!(open.iter_mut().all(|(_, told)| told.try_recv().is_err()));
    }
}
