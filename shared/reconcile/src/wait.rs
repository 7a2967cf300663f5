//! How long, and in which steps, something is waited for.

use std::time::Duration;

use openapi::Session;

/// How long something is waited for, at most.
const LONGEST: Duration = Duration::from_secs(30);
/// The first wait. Each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The pauses between two looks at something that is to change: for half a minute or half of the time left, whichever
/// is shorter.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    left: Duration,
}

impl Pauses {
    pub(crate) fn new(session: &Session<'_>) -> Self {
        Self { next: FIRST_PAUSE, left: session.time_left().map_or(LONGEST, |left| LONGEST.min(left / 2)) }
    }

    /// For what is not waited for.
    pub(crate) const fn none() -> Self {
        Self { next: FIRST_PAUSE, left: Duration::ZERO }
    }

    /// Waits before the next look. False if there is to be none.
    pub(crate) async fn wait(&mut self, session: &Session<'_>) -> bool {
        let pause = self.next;
        if pause > self.left || session.wait(pause).await.is_err() {
            return false;
        }
        self.left -= pause;
        self.next = LONGEST_PAUSE.min(pause * 2);
        true
    }
}
