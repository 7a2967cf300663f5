//! Functions as processes, under the contract of Function Compute's custom runtimes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::instance::{Answer, Instance};
use crate::{
    ros::function::Function,
    world::{
        journal::{EntryKind, Invocation, Limit},
        shared::Shared,
    },
};

/// The message for a request that would take more instances than a function may have.
pub(crate) const EXHAUSTED: &str = "ResourceExhausted: the function already runs as many requests as its reserved \
                                    instances take";
/// The message for a request for which the region has no instance left.
pub(crate) const REGION_EXHAUSTED: &str = "ResourceThrottled: the functions of the account already run as many requests \
                                           as the region takes";
/// The HTTP statuses of these answers.
const TOO_MANY_REQUESTS: u16 = 429;
const UNAVAILABLE: u16 = 503;

/// A function and its running instances.
pub(crate) struct Host {
    pub(crate) function: Function,
    pub(crate) program: PathBuf,
    /// As many permits as requests may run at a time; `None` for no bound.
    capacity: Option<Arc<Semaphore>>,
    /// As many permits as requests may run at a time in all functions of the account and region.
    of_region: Option<Arc<Semaphore>>,
    instances: Mutex<Vec<Arc<Instance>>>,
}

/// One attempt to run a function.
pub(crate) struct Attempt<'a> {
    pub(crate) request_id: &'a str,
    /// Counted from 1.
    pub(crate) number: u32,
    /// How often FC itself has retried. Each of EventBridge's attempts is new to FC.
    pub(crate) retry_count: u32,
    /// Becomes true when somebody stops the task; `None` for an invocation that is no task.
    pub(crate) stop: Option<watch::Receiver<bool>>,
}

/// The right to run one request. Dropping it lets the next request in.
#[derive(Default)]
pub(crate) struct Turn {
    #[expect(dead_code, reason = "dropping it is its use")]
    own: Option<OwnedSemaphorePermit>,
    #[expect(dead_code, reason = "dropping it is its use")]
    of_region: Option<OwnedSemaphorePermit>,
}

/// A slot for one request in an instance. Dropping it frees the slot.
struct Slot(Arc<Instance>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Host {
    pub(crate) fn new(function: Function, program: PathBuf, of_region: Option<Arc<Semaphore>>) -> Self {
        let requests = |instances: usize| instances.saturating_mul(function.concurrency).min(Semaphore::MAX_PERMITS);
        let capacity = function.reserved_concurrency.map(|instances| Arc::new(Semaphore::new(requests(instances))));
        Self { function, program, capacity, of_region, instances: Mutex::default() }
    }

    /// Waits until the function may run one more request. Those who wait are served in the order in which they came.
    pub(crate) async fn turn(&self) -> Turn {
        let own = permit(self.capacity.as_ref()).await;
        Turn { own, of_region: permit(self.of_region.as_ref()).await }
    }

    /// Returns a turn if the function may run one more request now, and nobody waits for it.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(crate) fn turn_now(&self) -> Result<Turn, Limit> {
        let now = |capacity: Option<&Arc<Semaphore>>, limit| match capacity {
            Some(capacity) => Arc::clone(capacity).try_acquire_owned().map(Some).map_err(|_| limit),
            None => Ok(None),
        };
        let own = now(self.capacity.as_ref(), Limit::OfFunction)?;
        Ok(Turn { own, of_region: now(self.of_region.as_ref(), Limit::OfRegion)? })
    }

    /// Runs the function once, or fails if that would take more instances than there are for it.
    pub(crate) async fn invoke_now(&self, shared: &Shared, event: &[u8], attempt: &Attempt<'_>) -> Invocation {
        let limit = match self.turn_now() {
            Ok(turn) => return self.invoke(shared, event, attempt, turn).await,
            Err(limit) => limit,
        };
        shared.record(EntryKind::Throttled { function: self.function.name.clone(), limit });
        let (status, message) = match limit {
            Limit::OfFunction => (TOO_MANY_REQUESTS, EXHAUSTED),
            Limit::OfRegion => (UNAVAILABLE, REGION_EXHAUSTED),
        };
        Invocation {
            function: self.function.name.clone(),
            region: self.function.place.region.clone(),
            request_id: attempt.request_id.to_owned(),
            attempt: attempt.number,
            instance: None,
            event: json_or_text(event),
            success: false,
            status: Some(status),
            body: json!({"errorMessage": message}),
            lines: Vec::new(),
        }
    }

    /// Runs the function once. The instance is reused, unless it failed to answer.
    pub(crate) async fn invoke(&self, shared: &Shared, event: &[u8], attempt: &Attempt<'_>, turn: Turn) -> Invocation {
        let name = &self.function.name;
        let (request_id, number) = (attempt.request_id.to_owned(), attempt.number);
        shared.record(EntryKind::Invoking {
            function: name.clone(),
            region: self.function.place.region.clone(),
            is_home: self.function.place == shared.home(),
            request_id: request_id.clone(),
            attempt: number,
        });
        let slot = self.slot();
        let first_line = slot.0.lines().len();
        let timeout = Duration::from_secs(self.function.timeout);
        let answer = tokio::select! {
            answer = slot.0.invoke(self, shared, event, attempt) => answer,
            () = shared.clock.wait(timeout) => {
                Err(format!("Function timed out after {} seconds", self.function.timeout))
            }
            () = stopped(attempt.stop.clone()) => Err("The task was stopped".to_owned()),
        };
        if answer.is_err() {
            self.dismiss(&slot.0);
        }
        slot.0.quiet().await;
        let lines = slot.0.lines().get(first_line..).unwrap_or_default().to_vec();
        let instance = slot.0.id();
        drop(slot);
        drop(turn);

        let (status, success, body) = match answer {
            // FC counts a call as successful if the header is missing, whatever the HTTP status.
            Ok(Answer { status, fc_status, body }) => (Some(status), fc_status.as_deref() != Some("404"), body),
            Err(problem) => (None, false, json!({"errorMessage": problem}).to_string().into()),
        };
        let invocation = Invocation {
            function: name.clone(),
            region: self.function.place.region.clone(),
            request_id,
            attempt: number,
            instance,
            event: json_or_text(event),
            success,
            status,
            body: json_or_text(&body),
            lines,
        };
        shared.record(EntryKind::Invocation(invocation.clone()));
        invocation
    }

    /// Takes a slot in the first instance that has a free one, otherwise in a new instance.
    fn slot(&self) -> Slot {
        let mut instances = self.instances();
        instances.retain(|instance| !instance.has_exited());
        let free = instances.iter().find(|instance| instance.acquire(self.function.concurrency));
        let instance = free.map(Arc::clone).unwrap_or_else(|| {
            let instance = Arc::new(Instance::default());
            instance.acquire(self.function.concurrency);
            instances.push(Arc::clone(&instance));
            instance
        });
        Slot(instance)
    }

    /// Kills a failed instance, with all of its requests.
    fn dismiss(&self, failed: &Arc<Instance>) {
        failed.kill();
        self.instances().retain(|instance| !Arc::ptr_eq(instance, failed));
    }

    /// Returns the ids of the processes of the instances that run.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.instances().iter().filter_map(|instance| instance.process()).collect()
    }

    /// Stops every instance gracefully, and kills those that do not end.
    pub(crate) async fn stop(&self, shared: &Shared) {
        let instances = std::mem::take(&mut *self.instances());
        for instance in instances {
            instance.stop(self, shared).await;
        }
    }

    /// Kills every instance.
    pub(crate) fn kill(&self) {
        self.instances().drain(..).for_each(|instance| instance.kill());
    }

    fn instances(&self) -> MutexGuard<'_, Vec<Arc<Instance>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a permit, if there is a bound.
async fn permit(capacity: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // Cannot fail: the semaphore is never closed.
    Arc::clone(capacity?).acquire_owned().await.ok()
}

/// Waits until a task is stopped. Never ends for an invocation that is no task.
pub(crate) async fn stopped(stop: Option<watch::Receiver<bool>>) {
    if let Some(mut stop) = stop
        && stop.wait_for(|is_stopped| *is_stopped).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

fn json_or_text(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}
