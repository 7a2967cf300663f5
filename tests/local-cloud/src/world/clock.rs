//! The cloud's only access to time and waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The cloud's time: the system clock, or a manual clock that moves only when a test moves it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    manual: Option<Arc<watch::Sender<Timestamp>>>,
    /// How many milliseconds it is ahead of its time source.
    ahead: Arc<AtomicU64>,
}

impl Clock {
    /// Returns the system clock.
    pub fn real() -> Self {
        Self::default()
    }

    /// Returns a clock that stands still at `now` until [`Clock::advance`] moves it.
    pub fn manual(now: Timestamp) -> Self {
        Self { manual: Some(Arc::new(watch::Sender::new(now))), ..Self::default() }
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        after(self.unshifted(), self.ahead())
    }

    /// Returns the current time without the offset of [`Clock::set_ahead`], as everyone else sees it.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub(crate) fn unshifted(&self) -> Timestamp {
        match &self.manual {
            Some(time) => *time.borrow(),
            None => Timestamp::now(),
        }
    }

    /// Returns whether the clock moves only when a test moves it.
    pub(crate) fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// Sets this clock and all its clones ahead by a duration. Waits take as long as before.
    pub fn set_ahead(&self, by: Duration) {
        self.ahead.store(by.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns how far the clock is ahead of everyone else's.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// Advances a manual clock. Does nothing to the system clock.
    pub fn advance(&self, by: Duration) {
        if let Some(time) = &self.manual {
            time.send_modify(|now| *now = after(*now, by));
        }
    }

    /// Returns the number of tasks that wait for a manual clock to advance; always 0 for the system clock.
    pub fn waiting(&self) -> usize {
        self.manual.as_ref().map_or(0, |time| time.receiver_count())
    }

    /// Waits until a moment of the unshifted time.
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
                // Fails only if the clock, and with it the cloud, is gone.
                Some((time, due)) => drop(time.wait_for(|now| *now >= due).await),
                #[expect(clippy::disallowed_methods, reason = "this is what the seam hides")]
                None => tokio::time::sleep(duration).await,
            }
        }
    }
}

/// Adds a duration to a timestamp, saturating at the latest one.
pub(crate) fn after(moment: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration).ok().and_then(|by| moment.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// Returns the moment this long before another.
pub(crate) fn before(moment: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration).ok().and_then(|by| moment.checked_sub(by).ok()).unwrap_or(Timestamp::MIN)
}

/// Formats a timestamp as the API does: UTC, whole seconds.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
