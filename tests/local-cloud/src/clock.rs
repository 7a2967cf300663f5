//! The one place where the cloud learns the time and waits for it to pass.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// What time it is for the cloud: the machine's, or a test's own that passes only when it is told to.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<watch::Sender<Timestamp>>>,
    /// By how many milliseconds it is ahead of what it is made of.
    ahead: Arc<AtomicU64>,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still at `now` until [`Clock::advance`] moves it.
    pub fn manual(now: Timestamp) -> Self {
        Self { manual: Some(Arc::new(watch::Sender::new(now))), ..Self::default() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        after(self.unshifted(), self.ahead())
    }

    /// The time of everybody else, however far ahead this clock was put.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub(crate) fn unshifted(&self) -> Timestamp {
        match &self.manual {
            Some(time) => *time.borrow(),
            None => Timestamp::now(),
        }
    }

    /// Whether it moves only when it is told to.
    pub(crate) fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// Puts this clock, and every clone of it, ahead by this; waiting takes as long as before.
    pub fn set_ahead(&self, by: Duration) {
        self.ahead.store(by.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// By how much it is ahead of everybody else's.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// Moves a manual clock on; the machine's is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(time) = &self.manual {
            time.send_modify(|now| *now = after(*now, by));
        }
    }

    /// How many wait for a manual clock to move on; none ever waits for the machine's to.
    pub fn waiting(&self) -> usize {
        self.manual.as_ref().map_or(0, |time| time.receiver_count())
    }

    /// Waits until a moment of everybody else's time.
    pub(crate) async fn wait_until(&self, moment: Timestamp) {
        let left = moment.duration_since(self.unshifted());
        self.wait(Duration::try_from(left).unwrap_or_default()).await;
    }

    /// Waits until the duration has passed on this clock, counted from this call and not from the first poll.
    pub fn wait(&self, duration: Duration) -> impl Future<Output = ()> + Send + use<> {
        let mut time = self.manual.as_ref().map(|time| time.subscribe());
        let due = time.as_ref().map(|time| after(*time.borrow(), duration));
        async move {
            match time.as_mut().zip(due) {
                // Fails only when the clock is gone, and with it the cloud.
                Some((time, due)) => drop(time.wait_for(|now| *now >= due).await),
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
