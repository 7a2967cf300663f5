//! The envelope of EventBridge (CloudEvents 1.0), and what comes without one.

use json::Json;

use crate::{
    EventId, UnknownEvent, Woken, action_trail, config,
    lenient::{account, region, short, text, time},
    timer,
};

/// Reads one event, in its envelope or bare.
pub(crate) fn read(value: &Json<'_>) -> Result<Woken, UnknownEvent> {
    let Json::Object(fields) = value else {
        return Err(UnknownEvent::new(format!("this is {}", kind(value))));
    };
    if let (Some(event_type), Some(source)) = (text(value, "type"), text(value, "source"))
        && value.get("specversion").is_some()
    {
        return Ok(cloud_event(value, &event_type, &source));
    }
    bare(value).ok_or_else(|| {
        if fields.is_empty() {
            return UnknownEvent::new("this is an empty object");
        }
        let keys: Vec<_> = fields.iter().take(5).map(|(key, _)| short(key)).collect();
        UnknownEvent::new(format!("this is an object of no known shape (it has {})", keys.join(", ")))
    })
}

fn cloud_event(value: &Json<'_>, event_type: &str, source: &str) -> Woken {
    let data = value.get("data").unwrap_or(&Json::Null);
    // `vpc:ActionTrail:ApiCall`: the product, where it comes from, what it is.
    let mut parts = event_type.splitn(3, ':').skip(1);
    let bus_account = account(value, &["aliyunoriginalaccountid", "aliyunaccountid"]);
    let woken = match (parts.next(), parts.next()) {
        (Some("ActionTrail"), Some("ApiCall" | "ConsoleOperation" | "AliyunServiceEvent")) => {
            action_trail::read(data, Some(source), bus_account.clone())
        }
        (Some("Config"), Some("ConfigurationItemChangeNotification")) => config::change(data),
        (Some("Config"), Some("NonCompliantNotification")) => config::non_compliance(data),
        (Some("Events"), Some("ScheduledEvent")) => timer::scheduled(data, source),
        _ => Woken::not_for_us(format!("{} of {} is no event that is looked at", short(event_type), short(source))),
    };
    // What the event itself says of its owner is the truth where events come in from another account.
    Woken {
        id: text(value, "id").map(|id| EventId { source: source.to_owned(), id: id.into_owned() }),
        time: woken.time.or_else(|| time(value, "time")),
        account: woken.account.or(bus_account),
        region: woken.region.or_else(|| region(value, &["aliyunregionid"])),
        event: woken.event,
    }
}

/// What comes without an envelope: from Function Compute and from Cloud Config themselves, or where a rule of
/// EventBridge passes on `$.data` alone.
fn bare(value: &Json<'_>) -> Option<Woken> {
    let has = |key: &str| value.get(key).is_some();
    // Cloud Config's notices have an `eventName`, too: they are asked for before ActionTrail.
    if has("triggerTime") && has("triggerName") {
        Some(timer::function_compute(value))
    } else if has("resultToken") && has("invokingEvent") {
        Some(Woken::not_for_us("Cloud Config asks for the evaluation of a rule, and no rule is kept here"))
    } else if has("evaluationResultIdentifier") && has("complianceType") {
        Some(config::non_compliance(value))
    } else if has("resourceEventType") || has("ResourceEventType") {
        Some(config::change(value))
    } else if has("configRuleId") && (has("resourceId") || has("resourceType")) {
        Some(config::remediation(value))
    } else if has("eventName") && (has("eventType") || has("serviceName") || has("eventSource")) {
        Some(action_trail::read(value, None, None))
    } else if has("product") && has("name") && has("ver") {
        Some(Woken::not_for_us("a notice of another product"))
    } else if has("messageBody") && has("messageId") {
        Some(Woken::not_for_us("a message of a queue"))
    } else if has("requestContext") && has("responseContext") {
        Some(Woken::not_for_us("the outcome of another invocation"))
    } else {
        None
    }
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
