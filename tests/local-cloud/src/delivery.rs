//! From the bus to the functions: which triggers match, who tries again how often, and what is given up.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    accounts::OWN_ACCOUNT,
    error::Error,
    functions::Attempt,
    journal::{DeadLetter, Invocation, What},
    template::Source,
    world::Shared,
};

/// Pauses do not grow beyond so many times the first: 512 s, where the first is one second.
const LONGEST_PAUSE: u32 = 512;

/// Who tries again, and so which request id the attempts have.
#[derive(Clone)]
enum Retries {
    /// FC's asynchronous invocation: one request id for all attempts.
    Fc { times: u32 },
    /// EventBridge with a synchronous invocation: each attempt is a new request.
    EventBridge { times: u32, dead_letters: Option<String> },
}

/// Hands an event to every trigger whose pattern it matches.
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
        let retries = Retries::EventBridge { times: *retries, dead_letters: dead_letters.clone() };
        let (function, event) = (trigger.function.clone(), event.clone());
        shared.spawn(move |shared| async move { attempts(&shared, &function, &event, retries).await });
    }
}

/// Hands an event to a function as FC's own triggers do, which is always asynchronous.
pub(crate) fn by_fc(shared: &Shared, function: &str, event: &Value) {
    let Some(host) = shared.hosts.get(function) else { return };
    let retries = Retries::Fc { times: host.function.async_retries };
    let (function, event) = (function.to_owned(), event.clone());
    shared.spawn(move |shared| async move { attempts(&shared, &function, &event, retries).await });
}

/// Invokes a function once and synchronously.
pub(crate) async fn invoke(shared: &Shared, function: &str, event: &[u8]) -> Result<Invocation, Error> {
    let by_program = || shared.hosts.values().find(|host| host.function.binary == function);
    let host = shared.hosts.get(function).or_else(by_program).ok_or_else(|| Error::NoFunction {
        wanted: function.to_owned(),
        known: shared.hosts.keys().cloned().collect(),
    })?;
    let attempt = Attempt { request_id: &new_request_id(shared), number: 1, retry_count: 0 };
    Ok(host.invoke(shared, event, &attempt).await)
}

async fn attempts(shared: &Arc<Shared>, function: &str, event: &Value, retries: Retries) {
    let Some(host) = shared.hosts.get(function) else { return };
    let bytes = event.to_string();
    let times = match retries {
        Retries::Fc { times } | Retries::EventBridge { times, .. } => times,
    };
    let mut request_id = new_request_id(shared);
    let mut attempt = 1;
    let last = loop {
        let retry_count = if let Retries::Fc { .. } = retries { attempt - 1 } else { 0 };
        let this = Attempt { request_id: &request_id, number: attempt, retry_count };
        let invocation = host.invoke(shared, bytes.as_bytes(), &this).await;
        if invocation.success {
            return;
        }
        if attempt > times {
            break invocation;
        }
        shared.clock.wait(pause(shared.options.retry_delay, attempt)).await;
        if let Retries::EventBridge { .. } = retries {
            request_id = new_request_id(shared);
        }
        attempt += 1;
    };
    let destination =
        match retries {
            // FC sends it with the function's role.
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
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempt,
        },
        "requestPayload": bytes,
        "responseContext": {"statusCode": 200, "functionError": "InvocationError"},
        "responsePayload": last.body.to_string(),
    });
    shared.note(What::DeadLetter(DeadLetter { function: function.to_owned(), destination, payload }));
}

/// The pause after an attempt: once, twice, four times the first.
fn pause(first: Duration, attempt: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

fn new_request_id(shared: &Shared) -> String {
    format!("1-{:08x}-10ca1c10-{:012x}", shared.clock.now().as_second(), shared.next_number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let seconds = [1, 2, 3, 10, 11, 40, 176].map(|attempt| pause(Duration::from_secs(1), attempt).as_secs());
        assert_eq!(seconds, [1, 2, 4, 512, 512, 512, 512]);
    }
}
