//! Delivery of events by rules: to other buses, and to queues and the functions that listen to them.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    bus::EventBus,
    delivery::{self, new_request_id, pause},
    routing::Route,
};
use crate::{
    options::CrossRegion,
    ros::{
        rule::Sink,
        trigger::{Source, Trigger},
    },
    world::{
        clock::iso,
        journal::{EntryKind, Undelivered},
        shared::Shared,
    },
};

/// The maximum size of a message in a queue.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Sends an event to a target, with the retries of its rule.
pub(crate) fn send(shared: &Shared, route: Route, event: &Value) {
    let event = event.clone();
    shared.spawn(move |shared| async move {
        let target = route.target();
        let mut attempt = 1;
        let reason = loop {
            let reason = match deliver(&shared, &route, &event) {
                Ok(()) => return,
                Err(reason) => reason,
            };
            let Some(seconds) = pause(target.retries, attempt) else { break reason };
            shared.clock.wait(shared.options.retry_delay.saturating_mul(seconds)).await;
            attempt += 1;
        };
        shared.record(EntryKind::Undelivered(Undelivered {
            rule: route.rule().name.clone(),
            from: route.rule().bus.clone(),
            reason,
            attempts: attempt,
            destination: target.dead_letters.clone(),
            event,
        }));
    });
}

/// Delivers an event once. The error says why it could not be delivered.
fn deliver(shared: &Shared, route: &Route, event: &Value) -> Result<(), String> {
    let rule = route.rule();
    match &route.target().sink {
        Sink::Bus { bus, role } => {
            check_bus(shared, &rule.bus, bus, role.as_deref())?;
            let received = received(event, &rule.bus, bus, &iso(shared.clock.now()));
            shared.record(EntryKind::Forwarded {
                rule: rule.name.clone(),
                from: rule.bus.clone(),
                to: bus.clone(),
                event: received.clone(),
            });
            delivery::deliver(shared, bus, &received);
        }
        Sink::Queue { queue, is_encoded } => {
            let text = event.to_string();
            let body = if *is_encoded { BASE64_STANDARD.encode(&text) } else { text };
            if body.len() > MAX_MESSAGE_BYTES {
                return Err(format!("the message takes {} bytes, and a queue {MAX_MESSAGE_BYTES}", body.len()));
            }
            if !shared.read(|world| world.routing.has_queue(queue)) {
                return Err(format!("there is no queue {queue}"));
            }
            shared.record(EntryKind::Queued {
                rule: rule.name.clone(),
                from: rule.bus.clone(),
                queue: queue.clone(),
                body: body.clone(),
            });
            consume(shared, queue, &body);
        }
    }
    Ok(())
}

/// Checks that a bus takes the events of another one.
fn check_bus(shared: &Shared, from: &EventBus, to: &EventBus, role: Option<&str>) -> Result<(), String> {
    if from.region != to.region && shared.options.cross_region == CrossRegion::Undelivered {
        return Err(format!("no event reaches another region, such as {}", to.region));
    }
    if !shared.read(|world| world.routing.has_bus(to)) {
        return Err(format!("there is no {to}"));
    }
    role.map_or(Ok(()), |role| shared.roles.let_events_in(&from.account, role, to))
}

/// Returns an event as a bus receives it from another one.
fn received(event: &Value, from: &EventBus, to: &EventBus, now: &str) -> Value {
    let mut received = event.clone();
    // Of several accounts on the way, the first: it is the one where something happened.
    if received.get("aliyunoriginalaccountid").is_none() {
        received["aliyunoriginalaccountid"] = json!(from.account);
    }
    received["aliyunaccountid"] = json!(to.account);
    received["aliyunregionid"] = json!(to.region);
    received["aliyuneventbusname"] = json!(to.name);
    received["aliyunpublishtime"] = json!(now);
    received
}

/// Hands a message to each function that listens to its queue.
fn consume(shared: &Shared, queue: &str, body: &str) {
    let deployed = shared.deployed.now();
    for trigger in deployed.triggers.iter().filter(|trigger| trigger.enabled) {
        let Source::Queue { queue: source, is_encoded, pattern, push } = &trigger.source else { continue };
        if source != queue {
            continue;
        }
        let event = of_message(shared, trigger, queue, &text_of(body, *is_encoded));
        let is_for_it = pattern.as_ref().is_none_or(|pattern| pattern.matches(&event));
        if let Some(host) = deployed.woken_by(trigger).filter(|_| is_for_it) {
            delivery::push(shared, host, push, &event);
        }
    }
}

/// Returns the text of a message. One that is not encoded stays as it is.
fn text_of(body: &str, is_encoded: bool) -> String {
    let decoded = is_encoded.then(|| BASE64_STANDARD.decode(body).ok()).flatten();
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| body.to_owned())
}

/// Returns the event in which a function receives a message.
fn of_message(shared: &Shared, trigger: &Trigger, queue: &str, text: &str) -> Value {
    let now = iso(shared.clock.now());
    let message = new_request_id(shared);
    // Function Compute makes an event source for each such trigger, and names its bus alike.
    let source = format!("MNS-{}-{}", trigger.function, trigger.name);
    json!({
        "id": message,
        "source": source,
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "datacontenttype": "application/json; charset=utf-8",
        "subject": queue.replace(":/queues/", ":queues/"),
        "time": now,
        "aliyunaccountid": trigger.place.account,
        "aliyunoriginalaccountid": trigger.place.account,
        "aliyunpublishtime": now,
        "aliyuneventbusname": source,
        "aliyunregionid": trigger.place.region,
        "aliyunpublishaddr": "127.0.0.1",
        "data": {"requestId": new_request_id(shared), "messageId": message, "messageBody": text},
    })
}
