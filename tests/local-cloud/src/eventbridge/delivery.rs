//! Delivery of events from the bus to functions: matching triggers, retries and dead letters.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    error::Error,
    function_compute::host::Attempt,
    ram::accounts::OWN_ACCOUNT,
    ros::trigger::{RetryStrategy, Source},
    world::{
        clock::after,
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

/// Who retries, which also decides the request ids of the attempts.
#[derive(Clone)]
enum Retries {
    /// FC's asynchronous invocation: one request id for all attempts.
    Fc { times: u32, max_age: Duration },
    /// EventBridge with synchronous invocation: each attempt is a new request.
    EventBridge { strategy: RetryStrategy, dead_letters: Option<String> },
}

impl Retries {
    /// Returns the seconds to wait after an attempt, counted from 1; `None` if there are no more retries.
    fn pause(&self, attempt: u32) -> Option<u32> {
        let doubled = 1_u32.checked_shl(attempt - 1).unwrap_or(MAX_PAUSE_SECONDS).min(MAX_PAUSE_SECONDS);
        match self {
            Self::Fc { times, .. } => (attempt <= *times).then_some(doubled),
            Self::EventBridge { strategy: RetryStrategy::ExponentialDecay, .. } => {
                (attempt <= MAX_DECAY_RETRIES).then_some(doubled)
            }
            // Real pauses vary from 10 to 20. These are always the same: 17, 13, 20.
            Self::EventBridge { strategy: RetryStrategy::Backoff, .. } => {
                (attempt <= MAX_BACKOFF_RETRIES).then_some(10 + attempt * 7 % 11)
            }
        }
    }
}

/// Delivers an event to the function of every matching trigger.
pub(crate) fn deliver(shared: &Shared, event: &Value) {
    for trigger in &shared.triggers {
        let Source::Events { asynchronous, retries, dead_letters, .. } = &trigger.source else { continue };
        if !trigger.matches(event) {
            continue;
        }
        if *asynchronous {
            by_fc(shared, &trigger.function, event);
            continue;
        }
        let retries = Retries::EventBridge { strategy: *retries, dead_letters: dead_letters.clone() };
        let (function, event) = (trigger.function.clone(), event.clone());
        shared.spawn(move |shared| async move { attempts(&shared, &function, &event, retries).await });
    }
}

/// Delivers an event as FC's own triggers do, which is always asynchronous.
pub(crate) fn by_fc(shared: &Shared, function: &str, event: &Value) {
    let Some(host) = shared.hosts.get(function) else { return };
    let max_age = Duration::from_secs(host.function.async_max_age);
    let retries = Retries::Fc { times: host.function.async_retries, max_age };
    let (function, event) = (function.to_owned(), event.clone());
    shared.spawn(move |shared| async move { attempts(&shared, &function, &event, retries).await });
}

/// Invokes a function once, synchronously.
pub(crate) async fn invoke(shared: &Shared, function: &str, event: &[u8]) -> Result<Invocation, Error> {
    let by_program = || shared.hosts.values().find(|host| host.function.binary == function);
    let unknown = || Error::no_function(function, shared.hosts.values().map(|host| &host.function));
    let host = shared.hosts.get(function).or_else(by_program);
    let host = host.ok_or_else(|| shared.not_made(function).unwrap_or_else(unknown))?;
    let attempt = Attempt { request_id: &new_request_id(shared), number: 1, retry_count: 0 };
    Ok(host.invoke(shared, event, &attempt).await)
}

async fn attempts(shared: &Arc<Shared>, function: &str, event: &Value, retries: Retries) {
    let Some(host) = shared.hosts.get(function) else { return };
    let bytes = event.to_string();
    let accepted = shared.clock.now();
    let mut request_id = new_request_id(shared);
    let mut attempt = 1;
    let (last, condition) = loop {
        let retry_count = if let Retries::Fc { .. } = retries { attempt - 1 } else { 0 };
        let this = Attempt { request_id: &request_id, number: attempt, retry_count };
        let invocation = host.invoke(shared, bytes.as_bytes(), &this).await;
        if invocation.success {
            return;
        }
        let Some(seconds) = retries.pause(attempt) else { break (invocation, "RetriesExhausted") };
        shared.clock.wait(shared.options.retry_delay.saturating_mul(seconds)).await;
        match retries {
            Retries::Fc { max_age, .. } if shared.clock.now() > after(accepted, max_age) => {
                break (invocation, "EventAgeExceeded");
            }
            Retries::Fc { .. } => {}
            Retries::EventBridge { .. } => request_id = new_request_id(shared),
        }
        attempt += 1;
    };
    let destination =
        match retries {
            // FC needs the permission of the function's role to send it.
            Retries::Fc { .. } => host.function.on_failure.clone().filter(|destination| {
                shared.roles.allows(host.function.role.as_deref(), "mns:SendMessage", destination)
            }),
            Retries::EventBridge { dead_letters, .. } => dead_letters,
        };
    let arn = format!("acs:fc:{}:{OWN_ACCOUNT}:functions/{function}", shared.options.region);
    let payload = json!({
        "timestamp": shared.clock.now().as_millisecond(),
        "requestContext": {
            "requestId": last.request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": attempt,
        },
        "requestPayload": bytes,
        "responseContext": {"statusCode": 200, "functionError": "InvocationError"},
        "responsePayload": last.body.to_string(),
    });
    shared.record(EntryKind::DeadLetter(DeadLetter { function: function.to_owned(), destination, payload }));
}

pub(crate) fn new_request_id(shared: &Shared) -> String {
    format!("1-{:08x}-10ca1c10-{:012x}", shared.clock.now().as_second(), shared.next_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(retries: &Retries) -> Vec<u32> {
        (1..).map_while(|attempt| retries.pause(attempt)).collect()
    }

    #[test]
    fn each_strategy_has_its_pauses_and_its_end() {
        let eventbridge = |strategy| pauses(&Retries::EventBridge { strategy, dead_letters: None });
        assert_eq!(pauses(&Retries::Fc { times: 3, max_age: Duration::MAX }), [1, 2, 4]);
        assert_eq!(pauses(&Retries::Fc { times: 0, max_age: Duration::MAX }), [] as [u32; 0]);
        let backoff = eventbridge(RetryStrategy::Backoff);
        assert!(backoff.len() == 3 && backoff.iter().all(|pause| (10..=20).contains(pause)), "{backoff:?}");
        let decay = eventbridge(RetryStrategy::ExponentialDecay);
        assert_eq!((decay.len(), &decay[..4], decay[9]), (176, &[1, 2, 4, 8][..], 512));
        assert_eq!(decay.iter().filter(|pause| **pause == 512).count(), 167);
    }
}
