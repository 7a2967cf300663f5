//! The id of a run.

use events::{Collect, Event, EventKind, Shard};

/// The longest id, in characters. An id may come from an event, so it needs a limit.
const MAX_ID: usize = 128;

/// Returns the id of the run that these events start.
///
/// It is the run that a step of a sweep belongs to; else the time of a timer, which stays the same when the sweep is
/// retried; else the id of the first event that has one; else the request id.
pub(crate) fn id(events: &[Event], request_id: &str) -> String {
    if let [Event { event: EventKind::Shard(Shard { run, .. }) | EventKind::Collect(Collect { run, .. }), .. }] = events
    {
        return run.clone();
    }
    let is_timer = |event: &&Event| matches!(event.event, EventKind::Timer { .. });
    let time = events.iter().filter(is_timer).find_map(|event| event.time);
    let event = || events.iter().find_map(|event| event.id.as_ref()).map(|id| id.id.clone());
    let id = time.map(|time| time.to_string()).or_else(event).unwrap_or_else(|| request_id.to_owned());
    let is_good = id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { id } else { id.chars().filter(|c| !c.is_control()).take(MAX_ID).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(body: &str) -> String {
        id(&events::parse(body.as_bytes()).unwrap(), "1-request")
    }

    #[test]
    fn a_run_is_known_by_its_timer_then_by_its_event_then_by_its_invocation() {
        let event = |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"a","type":"b"}}"#);
        let timer = r#"{"triggerTime":"2026-03-02T12:00:00+08:00","triggerName":"sweep","payload":""}"#;
        assert_eq!(id_of(timer), "2026-03-02T04:00:00Z");
        let schedule = event("e-1")
            .replace(r#""type":"b""#, r#""type":"eventbridge:Events:ScheduledEvent","time":"2026-03-02T04:00:00Z""#);
        assert_eq!(id_of(&schedule), "2026-03-02T04:00:00Z");
        assert_eq!(id_of(&event("e-1")), "e-1");
        assert_eq!(id_of(&format!("[7,{},{}]", event("e-1"), event("e-2"))), "e-1");
        assert_eq!(id_of(r#"{"triggerTime":"at noon","triggerName":"sweep","payload":""}"#), "1-request");
        assert_eq!(id_of(r#"{"eventName":"CreateVpc","serviceName":"Vpc"}"#), "1-request");
        assert_eq!(id_of(&event(&"x\\n".repeat(1000))), "x".repeat(MAX_ID));
        let shard = r#"{"flowkeeper":"shard","run":"r1","account":"1","regions":"all","attempt":1}"#;
        assert_eq!(id_of(shard), "r1");
        assert_eq!(id_of(r#"{"flowkeeper":"collect","run":"r1","submitted":1,"attempt":1}"#), "r1");
    }
}
