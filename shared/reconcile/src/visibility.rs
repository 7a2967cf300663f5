//! Waiting until the API sees a resource.

use flow_log::Resource;
use jiff::{SignedDuration, Timestamp};
use openapi::Session;

use crate::{poll::Poll, read};

/// A resource that is not visible this long after its creation event is gone again. Sweeps find what this misses.
pub(crate) const GONE_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// How many consecutive reads must miss a resource before it counts as gone.
const MIN_MISSED_READS: usize = 2;

/// Waits until the API sees a resource that was just read.
#[derive(Debug)]
pub(crate) struct Visibility {
    poll: Poll,
    /// How many consecutive reads have missed the resource.
    missed: usize,
    /// When the event happened that led to the resource, if one did.
    since: Option<Timestamp>,
}

/// What a wait has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visible {
    /// The resource is visible, or cannot be read: the write may be tried again.
    Yes,
    /// The resource is gone.
    Gone,
    /// No time is left to wait.
    TimeOver,
}

impl Visibility {
    pub(crate) fn new(session: &Session<'_>, since: Option<Timestamp>) -> Self {
        Self { poll: Poll::until_deadline(session), missed: 0, since }
    }

    pub(crate) async fn wait(&mut self, session: &Session<'_>, resource: &Resource) -> Visible {
        loop {
            if !self.poll.wait(session).await {
                return Visible::TimeOver;
            }
            match read::resource(session, &resource.id).await {
                Ok(found) if found.items.is_empty() && found.is_complete() => self.missed += 1,
                Ok(_) => {
                    self.missed = 0;
                    return Visible::Yes;
                }
                Err(error) => {
                    tracing::info!("{error}: {}; whether {} exists is not known", error.cause, resource.id);
                    return Visible::Yes;
                }
            }
            if is_gone(self.missed, self.since, session.now()) {
                return Visible::Gone;
            }
        }
    }
}

/// Whether a resource that this many reads have missed is gone.
///
/// One server may see a new resource before another does, so soon after the event a miss proves nothing.
fn is_gone(missed: usize, since: Option<Timestamp>, now: Timestamp) -> bool {
    missed >= MIN_MISSED_READS && since.is_none_or(|since| now.duration_since(since) > GONE_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_gone_after_two_missed_reads_and_a_minute() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let ago = |seconds: i64| Some(now - SignedDuration::from_secs(seconds));
        for (missed, since, expected) in [
            (1, ago(3600), false),
            (2, ago(60), false),
            (2, ago(61), true),
            (9, ago(0), false),
            // A sweep knows of no event that could have just created it.
            (1, None, false),
            (2, None, true),
        ] {
            assert_eq!(is_gone(missed, since, now), expected, "{missed} missed reads, event at {since:?}");
        }
    }
}
