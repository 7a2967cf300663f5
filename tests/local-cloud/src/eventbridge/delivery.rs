//! Delivery of events from a bus: to functions by matching triggers, with retries and dead letters, and by rules.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    error::Error,
    eventbridge::{bus::EventBus, forwarding},
    function_compute::{
        asynchronous::{self, Submission},
        host::{Attempt, Host},
    },
    ros::{
        function::Function,
        trigger::{Push, RetryStrategy, Source},
    },
    world::{
        journal::{DeadLetter, EntryKind, Invocation},
        shared::Shared,
    },
};

/// The maximum pause between two attempts.
const MAX_PAUSE_SECONDS: u32 = 512;
/// EventBridge's retries with `BACKOFF_RETRY`.
const MAX_BACKOFF_RETRIES: u32 = 3;
/// EventBridge's retries with `EXPONENTIAL_DECAY_RETRY`.
const MAX_DECAY_RETRIES: u32 = 176;

/// Returns the seconds to wait after an attempt, counted from 1, as both FC and EventBridge count them: 1, 2, 4 and so
/// on.
pub(crate) fn doubled(attempt: u32) -> u32 {
    1_u32.checked_shl(attempt - 1).unwrap_or(MAX_PAUSE_SECONDS).min(MAX_PAUSE_SECONDS)
}

/// Returns the seconds that EventBridge waits after an attempt, counted from 1; `None` if there are no more retries.
pub(crate) fn pause(strategy: RetryStrategy, attempt: u32) -> Option<u32> {
    match strategy {
        RetryStrategy::ExponentialDecay => (attempt <= MAX_DECAY_RETRIES).then(|| doubled(attempt)),
        // Real pauses vary from 10 to 20. These are always the same: 17, 13, 20.
        RetryStrategy::Backoff => (attempt <= MAX_BACKOFF_RETRIES).then_some(10 + attempt * 7 % 11),
    }
}

/// Delivers an event on a bus: to the function of every matching trigger, which listens to the default bus of its own
/// account and region alone, and to the targets of every matching rule.
pub(crate) fn deliver(shared: &Shared, bus: &EventBus, event: &Value) {
    let deployed = shared.deployed.now();
    for trigger in deployed.triggers.iter().filter(|trigger| trigger.listens_to(bus) && trigger.matches(event)) {
        if let (Source::Events { push: how, .. }, Some(host)) = (&trigger.source, deployed.woken_by(trigger)) {
            push(shared, host, how, event);
        }
    }
    for route in shared.read(|world| world.routing.routes(bus, event)) {
        forwarding::send(shared, route, event);
    }
}

/// Invokes a function with an event, as its trigger says.
pub(crate) fn push(shared: &Shared, host: &Arc<Host>, how: &Push, event: &Value) {
    if how.asynchronous {
        by_fc(shared, host, event);
        return;
    }
    let (host, event) = (Arc::clone(host), event.clone());
    let (strategy, dead_letters) = (how.retries, how.dead_letters.clone());
    shared.spawn(move |shared| async move { attempts(&shared, &host, &event, strategy, dead_letters).await });
}

/// Delivers an event as FC's own triggers do, which is always asynchronous.
pub(crate) fn by_fc(shared: &Shared, host: &Arc<Host>, event: &Value) {
    let submission = Submission::new(shared, Arc::clone(host), event.to_string().into());
    // Cannot fail: the task is named after the request, whose id is new.
    let _ = asynchronous::submit(shared, submission);
}

/// Invokes a function once, synchronously. Without a region, it is that of the first stack that has it.
pub(crate) async fn invoke(
    shared: &Shared,
    region: Option<&str>,
    function: &str,
    event: &[u8],
) -> Result<Invocation, Error> {
    let deployed = shared.deployed.now();
    let here = deployed.hosts.iter().filter(|host| region.is_none_or(|region| host.function.place.region == region));
    let unknown = || Error::no_function(function, here.map(|host| &host.function));
    let host = deployed.named(region, function);
    let host = host.ok_or_else(|| shared.not_made(function).unwrap_or_else(unknown))?;
    let attempt = Attempt { request_id: &new_request_id(shared), number: 1, retry_count: 0, stop: None };
    Ok(host.invoke_now(shared, event, &attempt).await)
}

/// Invokes a function synchronously until it succeeds. Each attempt is a new request.
async fn attempts(
    shared: &Arc<Shared>,
    host: &Host,
    event: &Value,
    strategy: RetryStrategy,
    dead_letters: Option<String>,
) {
    let bytes = event.to_string();
    let mut number = 1;
    let last = loop {
        let attempt = Attempt { request_id: &new_request_id(shared), number, retry_count: 0, stop: None };
        let invocation = host.invoke_now(shared, bytes.as_bytes(), &attempt).await;
        if invocation.success {
            return;
        }
        let Some(seconds) = pause(strategy, number) else { break invocation };
        shared.clock.wait(shared.options.retry_delay.saturating_mul(seconds)).await;
        number += 1;
    };
    give_up(
        shared,
        &host.function,
        dead_letters,
        &GivenUp {
            request_id: &last.request_id,
            condition: "RetriesExhausted",
            attempts: number,
            event: &bytes,
            answer: &last.body.to_string(),
        },
    );
}

/// An event that was given up.
pub(crate) struct GivenUp<'a> {
    pub(crate) request_id: &'a str,
    /// `RetriesExhausted` or `EventAgeExceeded`.
    pub(crate) condition: &'a str,
    /// How often the function was invoked.
    pub(crate) attempts: u32,
    pub(crate) event: &'a str,
    /// The last answer; empty if the function was never invoked.
    pub(crate) answer: &'a str,
}

/// Sends an event that was given up to its destination, if there is one.
pub(crate) fn give_up(shared: &Shared, function: &Function, destination: Option<String>, given_up: &GivenUp<'_>) {
    let payload = json!({
        "timestamp": shared.clock.now().as_millisecond(),
        "requestContext": {
            "requestId": given_up.request_id,
            "functionArn": function.arn(),
            "condition": given_up.condition,
            "approximateInvokeCount": given_up.attempts,
        },
        "requestPayload": given_up.event,
        "responseContext": {"statusCode": 200, "functionError": "InvocationError"},
        "responsePayload": given_up.answer,
    });
    shared.record(EntryKind::DeadLetter(DeadLetter { function: function.name.clone(), destination, payload }));
}

pub(crate) fn new_request_id(shared: &Shared) -> String {
    format!("1-{:08x}-10ca1c10-{:012x}", shared.clock.now().as_second(), shared.next_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_has_its_pauses_and_its_end() {
        let eventbridge = |strategy| -> Vec<u32> { (1..).map_while(|attempt| pause(strategy, attempt)).collect() };
        let backoff = eventbridge(RetryStrategy::Backoff);
        assert!(backoff.len() == 3 && backoff.iter().all(|pause| (10..=20).contains(pause)), "{backoff:?}");
        let decay = eventbridge(RetryStrategy::ExponentialDecay);
        assert_eq!((decay.len(), &decay[..4], decay[9]), (176, &[1, 2, 4, 8][..], 512));
        assert_eq!(decay.iter().filter(|pause| **pause == 512).count(), 167);
    }
}
