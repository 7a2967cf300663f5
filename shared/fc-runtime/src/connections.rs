//! The connections that are open, and which of them has to go where there are too many.
//!
//! None is ever timed out, so their number is all that bounds what they cost. Function Compute itself has no more of them
//! than an instance takes requests at once, which is 200 at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::oneshot;

/// So many may be open. Each may hold what is read ahead, and an event of the size that most have.
pub(crate) const MOST: usize = 256;

/// How far a connection has come. Those that have come least go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Progress {
    /// No request has come whole.
    Nothing,
    /// A request has been answered.
    Answered,
    /// A request is being worked on: it must not be closed.
    AtWork,
}

/// What the task of a connection knows of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing(Arc<AtomicU8>);

impl Standing {
    /// A request has come whole.
    pub(crate) fn works(&self) {
        self.0.store(Progress::AtWork as u8, Ordering::Relaxed);
    }

    /// It has its answer.
    pub(crate) fn has_answered(&self) {
        self.0.store(Progress::Answered as u8, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        match self.0.load(Ordering::Relaxed) {
            0 => Progress::Nothing,
            1 => Progress::Answered,
            _ => Progress::AtWork,
        }
    }
}

/// The connections that are open, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Connections(Vec<(Standing, oneshot::Sender<()>)>);

impl Connections {
    /// One more, if there is room or can be made: its standing, and what is done when it has to go.
    pub(crate) fn add(&mut self) -> Option<(Standing, oneshot::Receiver<()>)> {
        self.0.retain(|(_, gone)| !gone.is_closed());
        if self.0.len() >= MOST && !self.make_room() {
            return None;
        }
        let (standing, (go, told)) = (Standing::default(), oneshot::channel());
        self.0.push((standing.clone(), go));
        Some((standing, told))
    }

    /// Closes the oldest of those that have come least; none that is at work.
    pub(crate) fn make_room(&mut self) -> bool {
        let standings = self.0.iter().map(|(standing, _)| standing.progress()).enumerate();
        let least =
            standings.filter(|(_, progress)| *progress != Progress::AtWork).min_by_key(|(_, progress)| *progress);
        let Some((at, _)) = least else { return false };
        let (_, go) = self.0.remove(at);
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
    fn one_that_has_ended_makes_room_by_itself() {
        let mut connections = Connections::default();
        let mut open: Vec<_> = (0..MOST).map(|_| connections.add().unwrap()).collect();
        drop(open.remove(0));
        assert!(connections.add().is_some());
        assert!(open.iter_mut().all(|(_, told)| told.try_recv().is_err()));
    }
}
