//! The one place where the cloud learns the time and waits for it to pass.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// What time it is for the cloud: the machine's, or a test's own that passes only when it is told to.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<watch::Sender<Timestamp>>>);

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self(None)
    }

    /// A clock that stands still at `now` until [`Clock::advance`] moves it.
    pub fn manual(now: Timestamp) -> Self {
        Self(Some(Arc::new(watch::Sender::new(now))))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(time) => *time.borrow(),
            None => Timestamp::now(),
        }
    }

    /// Moves a manual clock on; the machine's is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(time) = &self.0 {
            time.send_modify(|now| *now = after(*now, by));
        }
    }

    /// Waits until the duration has passed on this clock, counted from this call and not from the first poll.
    pub fn wait(&self, duration: Duration) -> impl Future<Output = ()> + Send + use<> {
        let due = after(self.now(), duration);
        let mut time = self.0.as_ref().map(|time| time.subscribe());
        async move {
            match &mut time {
                // Fails only when the clock is gone, and with it the cloud.
                Some(time) => drop(time.wait_for(|now| *now >= due).await),
                #[expect(clippy::disallowed_methods, reason = "this is what the seam hides")]
                None => tokio::time::sleep(duration).await,
            }
        }
    }
}

/// A moment, as far after another as is possible.
pub(crate) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration).ok().and_then(|by| moment.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// Time as the API writes it: UTC, whole seconds.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
