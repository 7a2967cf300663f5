//! Sweeps of one region, one at a time in a process.
//!
//! An event that asks for a sweep joins one that has not started, because that sweep will see what the event announces.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use flow_log::{AccountId, RegionId};
use futures_util::lock::Mutex as AsyncMutex;

/// The regions that are being swept or waiting for a sweep.
#[derive(Debug, Default)]
pub(crate) struct SweepQueue(Mutex<HashMap<(AccountId, RegionId), Arc<Line>>>);

/// The sweeps of one region.
#[derive(Debug, Default)]
struct Line {
    /// Held by the running sweep.
    turn: AsyncMutex<()>,
    /// The sweep that waits for its turn, if any.
    waiting: Mutex<Option<Arc<Waiting>>>,
}

/// A sweep that others can join until it starts.
#[derive(Debug)]
struct Waiting {
    /// The invocation that makes the sweep.
    request_id: String,
    by_timer: bool,
    /// Whether the sweep was complete; `None` until it ends, and if it was dropped. The invocation that makes the sweep
    /// holds the lock.
    outcome: AsyncMutex<Option<bool>>,
}

/// The result of a request to sweep.
#[derive(Debug)]
pub(crate) enum Joined<T> {
    /// This invocation made the sweep.
    Swept(T),
    /// Another invocation made a sweep that started after the request.
    ByOther {
        /// The id of that invocation.
        request_id: String,
        /// Whether no item was left open.
        is_complete: bool,
    },
}

impl SweepQueue {
    /// Sweeps the region, or waits for a sweep that starts after this call. A timer's sweep does more than an event's,
    /// so a timer does not join an event's sweep.
    pub(crate) async fn sweep<T>(
        &self,
        (account, region): (&AccountId, &RegionId),
        request_id: &str,
        by_timer: bool,
        sweep: impl AsyncFnOnce() -> T,
        is_complete: impl FnOnce(&T) -> bool,
    ) -> Joined<T> {
        let line = self.stand_in((account.clone(), region.clone()));
        while let Some(other) = line.joinable(by_timer) {
            // The lock is free once that sweep has ended or was dropped.
            if let Some(outcome) = *other.outcome.lock().await {
                return Joined::ByOther { request_id: other.request_id.clone(), is_complete: outcome };
            }
            line.withdraw(&other);
        }
        let own = Arc::new(Waiting { request_id: request_id.to_owned(), by_timer, outcome: AsyncMutex::new(None) });
        let mut outcome = own.outcome.lock().await;
        line.announce(&own);
        let turn = line.turn.lock().await;
        line.withdraw(&own);
        let swept = sweep().await;
        *outcome = Some(is_complete(&swept));
        drop(turn);
        Joined::Swept(swept)
    }

    /// Joins the line of a region.
    fn stand_in(&self, key: (AccountId, RegionId)) -> Place<'_> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = Arc::clone(lines.entry(key.clone()).or_default());
        Place { queue: self, key, line }
    }
}

/// A place in the line of a region. The last one to leave it takes the line away, so that memory does not grow with the
/// accounts that a process has seen.
struct Place<'a> {
    queue: &'a SweepQueue,
    key: (AccountId, RegionId),
    line: Arc<Line>,
}

impl Deref for Place<'_> {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        /// The map has one, and this place the other.
        const MINE_ALONE: usize = 2;
        let mut lines = self.queue.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody joins meanwhile: that takes the lock.
        if Arc::strong_count(&self.line) == MINE_ALONE {
            lines.remove(&self.key);
        }
    }
}

impl Line {
    fn joinable(&self, by_timer: bool) -> Option<Arc<Waiting>> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_ref().filter(|waiting| waiting.by_timer || !by_timer).map(Arc::clone)
    }

    fn announce(&self, own: &Arc<Waiting>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(own));
    }

    /// From here on, no request can join that sweep.
    fn withdraw(&self, one: &Arc<Waiting>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.take_if(|waiting| Arc::ptr_eq(waiting, one));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, future::join_all};

    #[tokio::test]
    async fn nothing_is_kept_of_a_region_when_its_sweeps_have_ended_or_were_dropped() {
        let queue = SweepQueue::default();
        let sweep = async |account: u32, work: &dyn Fn() -> bool| {
            let (account, region) = (account.to_string().parse().unwrap(), "cn-hangzhou".parse().unwrap());
            let pending = async || {
                if work() {
                    std::future::pending::<()>().await;
                }
            };
            queue.sweep((&account, &region), "1-request", true, pending, |()| true).await;
        };
        let kept = || queue.0.lock().unwrap().len();
        join_all((1..=100).map(|account| sweep(account % 7 + 1, &|| false))).await;
        assert_eq!(kept(), 0, "each has ended");
        {
            let mut endless = Box::pin(sweep(1, &|| true));
            assert!(endless.as_mut().now_or_never().is_none());
            assert_eq!(kept(), 1, "it runs");
        }
        assert_eq!(kept(), 0, "it was dropped");
    }

    struct Here(AccountId, RegionId);

    impl Here {
        fn new() -> Self {
            Self("1".parse().unwrap(), "cn-hangzhou".parse().unwrap())
        }

        fn key(&self) -> (&AccountId, &RegionId) {
            (&self.0, &self.1)
        }
    }

    /// A sweep that yields once to the others before it ends.
    async fn sweep(count: &Mutex<usize>) {
        *count.lock().unwrap() += 1;
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn requests_that_arrive_during_a_sweep_share_the_next_one() {
        let (queue, here, count) = (SweepQueue::default(), Here::new(), Mutex::new(0));
        let request = |nth: usize| {
            let (queue, here, count) = (&queue, &here, &count);
            async move { queue.sweep(here.key(), &nth.to_string(), false, async || sweep(count).await, |()| true).await }
        };
        let outcomes = join_all((0..11).map(request)).await;
        let swept = outcomes.iter().filter(|outcome| matches!(outcome, Joined::Swept(()))).count();
        assert_eq!((*count.lock().unwrap(), swept), (2, 2), "the running one, and one for all requests after it");
        let by_second =
            |outcome: &&Joined<()>| matches!(outcome, Joined::ByOther { request_id, .. } if request_id == "1");
        assert_eq!(outcomes.iter().filter(by_second).count(), 9);
    }

    #[tokio::test]
    async fn requests_that_do_not_overlap_make_a_sweep_each() {
        let (queue, here, count) = (SweepQueue::default(), Here::new(), Mutex::new(0));
        for _ in 0..3 {
            queue.sweep(here.key(), "r", false, async || sweep(&count).await, |()| true).await;
        }
        assert_eq!(*count.lock().unwrap(), 3);
    }

    #[tokio::test]
    async fn an_event_joins_the_sweep_of_a_timer_and_a_timer_never_joins_that_of_an_event() {
        let (queue, here, count) = (SweepQueue::default(), Here::new(), Mutex::new(0));
        let request = |(name, by_timer): (&'static str, bool)| {
            let (queue, here, count) = (&queue, &here, &count);
            async move { queue.sweep(here.key(), name, by_timer, async || sweep(count).await, |()| true).await }
        };
        let requests = [("running", false), ("event", false), ("timer", true), ("late event", false)];
        let outcomes = join_all(requests.map(request)).await;
        assert!(matches!(&outcomes[2], Joined::Swept(())), "{outcomes:?}");
        assert!(matches!(&outcomes[3], Joined::ByOther { request_id, .. } if request_id == "timer"), "{outcomes:?}");
        assert_eq!(*count.lock().unwrap(), 3);
    }

    #[tokio::test]
    async fn a_request_whose_joined_sweep_is_dropped_makes_its_own() {
        let (queue, here, count) = (SweepQueue::default(), Here::new(), Mutex::new(0));
        let mut never = Box::pin(queue.sweep(here.key(), "running", false, std::future::pending::<()>, |()| true));
        assert!((&mut never).now_or_never().is_none());
        let mut first = Box::pin(queue.sweep(here.key(), "first", false, async || sweep(&count).await, |()| true));
        assert!((&mut first).now_or_never().is_none(), "it waits for its turn");
        let second = queue.sweep(here.key(), "second", false, async || sweep(&count).await, |()| true);
        let mut second = Box::pin(second);
        assert!((&mut second).now_or_never().is_none(), "it has joined the first");
        drop(first);
        drop(never);
        assert!(matches!(second.await, Joined::Swept(())));
    }

    #[tokio::test]
    async fn a_request_after_the_start_of_a_sweep_does_not_join_it() {
        let (queue, here, count) = (SweepQueue::default(), Here::new(), Mutex::new(0));
        let mut first = Box::pin(queue.sweep(here.key(), "first", true, async || sweep(&count).await, |()| true));
        assert!((&mut first).now_or_never().is_none(), "it has started");
        let second = queue.sweep(here.key(), "second", false, async || sweep(&count).await, |()| true);
        let (first, second) = futures_util::future::join(first, second).await;
        assert!(matches!((first, second), (Joined::Swept(()), Joined::Swept(()))));
    }

    #[tokio::test]
    async fn a_joined_sweep_says_whether_it_was_complete() {
        for complete in [true, false] {
            let (queue, here, count) = (SweepQueue::default(), Here::new(), Mutex::new(0));
            let request = |name: &'static str| {
                let (queue, here, count) = (&queue, &here, &count);
                async move { queue.sweep(here.key(), name, false, async || sweep(count).await, |()| complete).await }
            };
            let outcomes = join_all(["running", "next", "joins"].map(request)).await;
            let Joined::ByOther { request_id, is_complete } = &outcomes[2] else { panic!("{outcomes:?}") };
            assert_eq!((request_id.as_str(), *is_complete), ("next", complete));
        }
    }

    #[tokio::test]
    async fn regions_do_not_wait_for_each_other() {
        let (queue, here) = (SweepQueue::default(), Here::new());
        let elsewhere = Here("1".parse().unwrap(), "cn-shanghai".parse().unwrap());
        let mut never = Box::pin(queue.sweep(here.key(), "running", false, std::future::pending::<()>, |()| true));
        assert!((&mut never).now_or_never().is_none());
        let other = Box::pin(queue.sweep(elsewhere.key(), "other", false, async || {}, |()| true)).now_or_never();
        assert!(matches!(other, Some(Joined::Swept(()))), "{other:?}");
    }
}
