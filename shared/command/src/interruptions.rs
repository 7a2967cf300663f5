//! Ctrl-C: it ends what only reads at once, and tells what writes.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// How the command is interrupted.
#[derive(Debug)]
pub(crate) struct Interruptions {
    /// Whether writes may have begun. Held while the command ends, so that none begins then.
    has_begun: Mutex<bool>,
    /// How often the writes were interrupted.
    count: watch::Sender<u32>,
}

/// What the writes hear of interruptions.
#[derive(Debug)]
pub(crate) struct Listener(watch::Receiver<u32>);

impl Default for Interruptions {
    fn default() -> Self {
        Self { has_begun: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Interruptions {
    /// From now on, an interruption no longer ends the command: the listener hears of it, and ends the work.
    pub(crate) fn take_over(&self) -> Listener {
        *self.has_begun.lock().unwrap_or_else(PoisonError::into_inner) = true;
        Listener(self.count.subscribe())
    }

    /// Takes note of an interruption. `end` ends the command, if nothing has taken over.
    pub(crate) fn hear(&self, end: impl FnOnce()) {
        let has_begun = self.has_begun.lock().unwrap_or_else(PoisonError::into_inner);
        if *has_begun {
            self.count.send_modify(|count| *count += 1);
        } else {
            end();
        }
    }
}

impl Listener {
    /// Waits until there have been this many interruptions.
    pub(crate) async fn heard(&mut self, number: u32) {
        // Without anybody who hears interruptions, none comes.
        if self.0.wait_for(|count| *count >= number).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
