//! Asynchronous invocations: FC's queue, its retries, and what it does with an event that it gives up.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    host::{Attempt, Host, stopped},
    tasks::{NewTask, Status, TaskExists},
};
use crate::{
    eventbridge::delivery::{GivenUp, doubled, give_up, new_request_id},
    world::{clock::after, shared::Shared},
};

/// An asynchronous invocation that FC has taken.
pub(crate) struct Submission {
    pub(crate) host: Arc<Host>,
    /// Stays the same in FC's own retries.
    pub(crate) request_id: String,
    pub(crate) event: Bytes,
    /// The id of the task, for a function in task mode. By default, that of the request.
    pub(crate) task_id: String,
    /// How long it waits before it joins the queue.
    pub(crate) delay: Duration,
}

impl Submission {
    /// Returns a submission with a new request id, without a delay.
    pub(crate) fn new(shared: &Shared, host: Arc<Host>, event: Bytes) -> Self {
        let request_id = new_request_id(shared);
        Self { host, task_id: request_id.clone(), request_id, event, delay: Duration::ZERO }
    }
}

/// Puts an invocation into the function's queue, now or after its delay.
///
/// [`crate::LocalCloud::settled`] does not wait for a delay that is not over, just as it waits for no timer that is not
/// due.
pub(crate) fn submit(shared: &Shared, submission: Submission) -> Result<(), TaskExists> {
    let now = shared.clock.now();
    let function = &submission.host.function;
    let stop = if function.async_task {
        let Submission { task_id: id, request_id, event, .. } = &submission;
        let new = NewTask { id, request_id, payload: event };
        Some(shared.write(|world| world.tasks.enqueue(&function.arn(), &new, now))?)
    } else {
        None
    };
    if submission.delay.is_zero() {
        shared.spawn(move |shared| async move { run(&shared, &submission, stop).await });
        return Ok(());
    }
    let due = after(shared.clock.unshifted(), submission.delay);
    let (delay, mut ended) = (shared.clock.wait(submission.delay), shared.delays_end.subscribe());
    let number = shared.next_number();
    shared.write(|world| world.delayed.insert(number, due));
    shared.spawn_background(move |shared| async move {
        tokio::select! {
            () = delay => {}
            // Fails only if the cloud is gone.
            _ = ended.changed() => {}
            () = stopped(stop.clone()) => {}
        }
        let Some(shared) = shared.upgrade() else { return };
        shared.spawn(move |shared| async move { run(&shared, &submission, stop).await });
        shared.write(|world| world.delayed.remove(&number));
    });
    Ok(())
}

/// Ends every delay that has begun.
pub(crate) fn end_delays(shared: &Shared) {
    let now = shared.clock.unshifted();
    // They are due, until each of them has noticed.
    shared.write(|world| world.delayed.values_mut().for_each(|due| *due = now.min(*due)));
    shared.delays_end.send_replace(());
}

/// How an asynchronous invocation ended.
enum End {
    Succeeded,
    Stopped,
    GivenUp(Status, &'static str),
}

/// Invokes the function until it succeeds, its retries are used up, or its event is too old.
async fn run(shared: &Arc<Shared>, submission: &Submission, stop: Option<watch::Receiver<bool>>) {
    let host = submission.host.as_ref();
    let function = &host.function;
    let is_stopped = || stop.as_ref().is_some_and(|stop| *stop.borrow());
    let max_age = Duration::from_secs(function.async_max_age);
    let accepted = shared.clock.now();
    let (mut attempts, mut answer) = (0, String::new());
    let end = loop {
        let turn = tokio::select! {
            biased;
            () = stopped(stop.clone()) => break End::Stopped,
            turn = host.turn() => turn,
        };
        if shared.clock.now() > after(accepted, max_age) {
            break End::GivenUp(Status::Expired, "EventAgeExceeded");
        }
        let attempt = Attempt {
            request_id: &submission.request_id,
            number: attempts + 1,
            retry_count: attempts,
            stop: stop.clone(),
        };
        record(shared, submission, Status::Running, None);
        let invocation = host.invoke(shared, &submission.event, &attempt, turn).await;
        attempts += 1;
        answer = invocation.body.to_string();
        if invocation.success {
            break End::Succeeded;
        }
        if is_stopped() {
            break End::Stopped;
        }
        if attempts > function.async_retries {
            break End::GivenUp(Status::Failed, "RetriesExhausted");
        }
        record(shared, submission, Status::Retrying, Some(&answer));
        let pause = shared.clock.wait(shared.options.retry_delay.saturating_mul(doubled(attempts)));
        tokio::select! {
            () = pause => {}
            () = stopped(stop.clone()) => break End::Stopped,
        }
    };
    match end {
        End::Succeeded => record(shared, submission, Status::Succeeded, None),
        End::Stopped => record(shared, submission, Status::Stopped, None),
        End::GivenUp(status, condition) => {
            record(shared, submission, status, Some(if answer.is_empty() { condition } else { &answer }));
            give_up(
                shared,
                function,
                destination(shared, host),
                &GivenUp {
                    request_id: &submission.request_id,
                    condition,
                    attempts,
                    event: &String::from_utf8_lossy(&submission.event),
                    answer: &answer,
                },
            );
        }
    }
}

/// Returns where FC sends what it gives up. FC needs the permission of the function's role to send it.
fn destination(shared: &Shared, host: &Host) -> Option<String> {
    let role = host.function.role.as_deref();
    let destination = host.function.on_failure.clone();
    destination.filter(|destination| shared.roles.allows(role, "mns:SendMessage", destination))
}

/// Records a new status of a submission's task, if it is one.
fn record(shared: &Shared, submission: &Submission, status: Status, error: Option<&str>) {
    let now = shared.clock.now();
    shared.write(|world| {
        if let Some(task) = world.tasks.get_mut(&submission.host.function.arn(), &submission.task_id) {
            task.set(status, error, now);
        }
    });
}
