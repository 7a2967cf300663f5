//! How long, and in which steps, the state is read again until it has changed.

use std::time::Duration;

use openapi::Session;

/// How long a change of state is waited for, at most.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// The first wait. Each further one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// How long is waited where nobody says when the work must end.
const NO_DEADLINE: Duration = Duration::from_secs(60);

/// The pauses between two reads of something that is about to change.
#[derive(Debug)]
pub(crate) struct Poll {
    next: Duration,
    left: Duration,
}

impl Poll {
    /// For half a minute or half of the time left, whichever is shorter: other work waits for the rest.
    pub(crate) fn new(session: &Session<'_>) -> Self {
        Self { next: FIRST_PAUSE, left: session.time_left().map_or(MAX_WAIT, |left| MAX_WAIT.min(left / 2)) }
    }

    /// For as long as there is time. A sweep has other resources to see to, and comes again: there, each may take half of
    /// what is left.
    pub(crate) fn until_deadline(session: &Session<'_>) -> Self {
        let left = session.time_left().unwrap_or(NO_DEADLINE);
        Self { next: FIRST_PAUSE, left: if session.is_thrifty() { left / 2 } else { left } }
    }

    /// The same time, in short pauses again.
    pub(crate) const fn again(&mut self) {
        self.next = FIRST_PAUSE;
    }

    /// Waits before the next read. False if there is no time for one.
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
