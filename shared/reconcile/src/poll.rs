//! Polling: how often, and for how long, state is read again until it has changed.

use std::time::Duration;

use openapi::Session;

/// The longest wait for a change of state.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The first pause. Each further one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// The longest wait if there is no deadline.
const NO_DEADLINE: Duration = Duration::from_secs(60);

/// The pauses between reads of something that is about to change.
#[derive(Debug)]
pub(crate) struct Poll {
    next: Duration,
    left: Duration,
}

impl Poll {
    /// Polls for [`MAX_WAIT`] or half of the time left, whichever is shorter. Other work needs the rest.
    pub(crate) fn new(session: &Session<'_>) -> Self {
        Self { next: FIRST_PAUSE, left: session.time_left().map_or(MAX_WAIT, |left| MAX_WAIT.min(left / 2)) }
    }

    /// Polls until the deadline. A sweep has other resources to handle and runs again, so there it takes at most half
    /// of the time left.
    pub(crate) fn until_deadline(session: &Session<'_>) -> Self {
        let left = session.time_left().unwrap_or(NO_DEADLINE);
        Self { next: FIRST_PAUSE, left: if session.is_best_effort() { left / 2 } else { left } }
    }

    /// Starts again with short pauses, within the same total time.
    pub(crate) const fn again(&mut self) {
        self.next = FIRST_PAUSE;
    }

    /// Pauses before the next read. Returns false if no time is left for one.
    pub(crate) async fn wait(&mut self, session: &Session<'_>) -> bool {
        let pause = self.next;
        if pause > self.left || session.wait(pause).await.is_err() {
            return false;
        }
        self.left -= pause;
        self.next = MAX_PAUSE.min(pause * 2);
        true
    }
}
