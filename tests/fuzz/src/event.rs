//! The body of an invocation.

use events::{Event, EventKind, parse};
use serde_json::Value;

use crate::tree;

/// Any body is parsed or rejected in text that fits into a log line, and its wrapping makes no difference.
pub fn event(body: &[u8]) {
    tree::is_that_of_serde_json(body);
    let read = parse(body);
    match &read {
        Ok(events) => {
            assert!(!events.is_empty(), "a body that is an event and says nothing");
            events.iter().for_each(fits_a_line);
        }
        Err(error) => fits(&error.to_string()),
    }

    assert_eq!(read, parse(body), "read again it is another one");
    assert_eq!(read, parse(&[b"\n\t ", body, b" \r\n"].concat()), "the blanks around it change it");
    // EventBridge may send an event as a batch of one.
    if let Ok(Value::Object(_)) = serde_json::from_slice(body) {
        let alone = read.clone().unwrap_or_default();
        let in_array = parse(&[b"[", body, b"]"].concat());
        let in_text = serde_json::to_vec(&[std::str::from_utf8(body).unwrap()]).unwrap();
        let in_text = parse(&in_text);
        assert_eq!(in_array, in_text, "in an array it is another one than as a text");
        match (&read, in_array) {
            (Ok(_), in_array) => assert_eq!(in_array, Ok(alone), "in an array it is another one"),
            (Err(_), Ok(in_array)) => {
                assert!(matches!(&*in_array, [Event { event: EventKind::Malformed(_), .. }]), "{in_array:?}");
            }
            // The event names too many resources.
            (Err(error), Err(in_array)) => assert_eq!(*error, in_array),
        }
    }
}

/// Checks that every text of an event fits into a log line.
fn fits_a_line(found: &Event) {
    match &found.event {
        EventKind::Ignored(said) | EventKind::Malformed(said) => fits(said),
        EventKind::Created(id) | EventKind::Deleted(id) | EventKind::NonCompliant(id) => fits(&id.to_string()),
        EventKind::FlowLogChanged { flow_log, .. } => fits(flow_log.as_str()),
        EventKind::Launched(instances) => instances.iter().for_each(|id| fits(id)),
        EventKind::Shard(shard) => fits(&shard.run),
        EventKind::Collect(collect) => fits(&collect.run),
        EventKind::Timer { .. } => {}
    }
    found.account.iter().for_each(|account| fits(account.as_str()));
    found.region.iter().for_each(|region| fits(region.as_str()));
}

fn fits(said: &str) {
    assert!(!said.is_empty() && said.chars().count() < 900 && !said.contains('\n'), "{said}");
}
