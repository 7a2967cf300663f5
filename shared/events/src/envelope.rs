//! The EventBridge envelope (CloudEvents 1.0), and events without one.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use json::Json;

use crate::{
    Event, EventId, EventKind, Unreadable, action_trail, config,
    encoding::within,
    lenient::{account, region, short, text, time},
    step::{self, Step},
    timer,
};

/// The keys that make an object an envelope.
const REQUIRED: [&str; 3] = ["specversion", "type", "source"];

/// Reads the message of a queue or a topic, whose name is the second argument.
pub(crate) type ReadMessage<'r> = &'r dyn Fn(&Json<'_>, &str) -> Result<Vec<Event>, Unreadable>;

/// Reads one event, with or without an envelope. A message in it may hold any body, so the caller reads that.
pub(crate) fn read(value: &Json<'_>, read_message: ReadMessage<'_>) -> Result<Vec<Event>, Unreadable> {
    let Json::Object(fields) = value else {
        return Err(Unreadable::Unknown(format!("this is {}", kind(value))));
    };
    let missing: Vec<_> = REQUIRED.into_iter().filter(|key| value.get(key).is_none_or(is_empty)).collect();
    if missing.is_empty() {
        return cloud_event(value, read_message);
    }
    if let Some(read) = bare(value, read_message) {
        return read;
    }
    if fields.is_empty() {
        return Err(Unreadable::Unknown("this is an empty object".to_owned()));
    }
    let keys: Vec<_> = fields.iter().take(5).map(|(key, _)| short(key)).collect();
    let keys = keys.join(", ");
    let found = match missing.as_slice() {
        // An object with two of the three keys is probably an envelope.
        [key] => {
            format!("this is an object of no known shape (it has {keys}): an envelope of EventBridge without {key}")
        }
        _ => format!("this is an object of no known shape (it has {keys})"),
    };
    Err(Unreadable::Unknown(found))
}

fn cloud_event(value: &Json<'_>, read_message: ReadMessage<'_>) -> Result<Vec<Event>, Unreadable> {
    let (event_type, source) = (text(value, "type").unwrap_or_default(), text(value, "source").unwrap_or_default());
    let original_account = account(value, &["aliyunoriginalaccountid"]);
    let bus = text(value, "aliyuneventbusname");
    // The envelope of a forwarded event names the region of the bus that it was forwarded to.
    let is_of_this_region = bus.as_deref() == Some("default") && original_account.is_none();
    let is_forwarded = original_account.is_some() || bus.is_some_and(|bus| bus != "default");
    // Most events name their account themselves.
    let bus_account = || original_account.clone().or_else(|| account(value, &["aliyunaccountid"]));

    let bytes = data_bytes(value);
    let data = match (value.get("data"), &bytes) {
        (Some(data @ Json::Object(_)), _) => Cow::Borrowed(data),
        (_, Some(bytes)) => match Json::read(bytes) {
            Ok(data) => Cow::Owned(data),
            Err(error) => return Ok(vec![named(value, Event::malformed(format!("its data is no JSON ({error})")))]),
        },
        (data, None) => data.map_or(Cow::Owned(Json::Null), Cow::Borrowed),
    };
    // For example `vpc:ActionTrail:ApiCall`: the product, the origin, the kind of event.
    let mut parts = event_type.splitn(3, ':').skip(1);
    let found = match (parts.next(), parts.next()) {
        (Some("ActionTrail"), Some("ApiCall" | "ConsoleOperation" | "AliyunServiceEvent")) => {
            action_trail::read(&data, Some(&source), bus_account)?
        }
        (Some("Config"), Some("ConfigurationItemChangeNotification")) => vec![config::change(&data)],
        (Some("Config"), Some("NonCompliantNotification")) => vec![config::non_compliance(&data)],
        (Some("Events"), Some("ScheduledEvent")) => vec![timer::scheduled(&data, &source)],
        _ => match data.get("messageBody") {
            Some(message) if is_event(message) => {
                // This envelope belongs to the queue, so only the message itself tells the event's account and region.
                let read = read_message(message, "a queue")?;
                return Ok(read.into_iter().map(|found| named(value, found)).collect());
            }
            _ => vec![Event::ignored(format!(
                "{} of {} is no event that is looked at",
                short(&event_type),
                short(&source)
            ))],
        },
    };
    let placed = |event: Event| {
        let bus_region = || region(value, &["aliyunregionid"]).filter(|_| is_of_this_region);
        // The event's own account takes precedence: the event may have been forwarded from another account.
        let mut placed = Event {
            account: event.account.or_else(bus_account),
            region: event.region.or_else(bus_region),
            time: event.time.or_else(|| time(value, "time")),
            ..event
        };
        if placed.region.is_none() && is_forwarded && placed.event.happened_somewhere() {
            placed.event = EventKind::Malformed(
                "it came over another bus and does not say in which region it happened".to_owned(),
            );
        }
        named(value, placed)
    };
    Ok(found.into_iter().map(placed).collect())
}

/// Gives the event the id of its envelope, unless it has its own.
fn named(envelope: &Json<'_>, found: Event) -> Event {
    let own = || {
        let (source, id) = (text(envelope, "source")?.into_owned(), text(envelope, "id")?.into_owned());
        Some(EventId { source, id })
    };
    Event { id: found.id.clone().or_else(own), ..found }
}

/// Whether a value is null or an empty string.
fn is_empty(value: &Json<'_>) -> bool {
    match value {
        Json::Null => true,
        Json::Text(text) => text.is_empty(),
        _ => false,
    }
}

/// The bytes of data that comes as a string that holds JSON, or in base64.
fn data_bytes(value: &Json<'_>) -> Option<Vec<u8>> {
    match value.get("data") {
        Some(Json::Text(text)) => within(text),
        None | Some(Json::Null) => {
            let bytes = STANDARD.decode(text(value, "data_base64")?.trim()).ok()?;
            Some(bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes))
        }
        Some(_) => None,
    }
}

/// Whether a queue message holds JSON.
fn is_event(message: &Json<'_>) -> bool {
    match message {
        Json::Object(_) => true,
        Json::Text(text) => within(text).is_some(),
        _ => false,
    }
}

/// Reads an event without an envelope: sent directly by Function Compute or Cloud Config, or by an EventBridge rule
/// that passes on `$.data` alone.
fn bare(value: &Json<'_>, read_message: ReadMessage<'_>) -> Option<Result<Vec<Event>, Unreadable>> {
    let has = |key: &str| value.get(key).is_some();
    // Checked before ActionTrail, since Cloud Config's notices have an `eventName`, too.
    let found = if has("triggerTime") && has("triggerName") {
        timer::function_compute(value)
    } else if has(step::KEY) {
        match step::read(value) {
            Ok(Step::Shard(shard)) => Event::of(EventKind::Shard(shard)),
            Ok(Step::Collect(collect)) => Event::of(EventKind::Collect(collect)),
            Err(reason) => Event::malformed(reason),
        }
    } else if has("resultToken") && has("invokingEvent") {
        Event::ignored("Cloud Config asks for the evaluation of a rule, and no rule is kept here")
    } else if has("evaluationResultIdentifier") && has("complianceType") {
        config::non_compliance(value)
    } else if has("resourceEventType") || has("ResourceEventType") {
        config::change(value)
    } else if has("configRuleId") && (has("resourceId") || has("resourceType")) {
        config::remediation(value)
    } else if has("eventName") && (has("eventType") || has("serviceName") || has("eventSource")) {
        return Some(action_trail::read(value, None, || None));
    } else if has("product") && has("name") && has("ver") {
        Event::ignored("a notice of another product")
    } else if has("messageId")
        && let Some(message) = value.get("messageBody")
    {
        return Some(read_message(message, "a queue"));
    } else if (has("TopicName") || has("TopicOwner"))
        && let Some(message) = value.get("Message")
    {
        return Some(read_message(message, "a topic"));
    } else if has("requestContext") && has("responseContext") {
        Event::ignored("the outcome of another invocation")
    } else {
        return None;
    };
    Some(Ok(vec![found]))
}

const fn kind(value: &Json<'_>) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Text(_) => "a text",
        Json::Array(_) => "an array in an array",
        Json::Object(_) => "an object",
    }
}
