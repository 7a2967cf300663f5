//! Cloud Config's events: a resource changed, violates a rule, or needs remediation.

use flow_log::{ResourceId, ResourceType};
use json::Json;

use crate::{
    Event, EventKind,
    lenient::{account, first_text, milliseconds, object, region, short, text},
};

/// Reads a change of a resource: created, changed or deleted. Over MNS the keys are capitalized.
pub(crate) fn change(data: &Json<'_>) -> Event {
    let key = |lower: &'static str, upper: &'static str| first_text(data, &[lower, upper]);
    let about = key("resourceType", "ResourceType").zip(key("resourceId", "ResourceId"));
    let event = match (key("resourceEventType", "ResourceEventType").as_deref(), about) {
        (None, _) | (_, None) => EventKind::Malformed(
            "a change seen by Cloud Config names no resource, or not what happened to it".to_owned(),
        ),
        (Some("DISCOVERED"), Some((resource_type, id))) => of_resource(&resource_type, &id, EventKind::Created),
        (Some("REMOVE"), Some((resource_type, id))) => of_resource(&resource_type, &id, EventKind::Deleted),
        (Some(other), Some((_, id))) => {
            EventKind::Ignored(format!("{} was seen by Cloud Config as {}", short(&id), short(other)))
        }
    };
    Event {
        time: milliseconds(data, "captureTime").or_else(|| milliseconds(data, "CaptureTime")),
        account: account(data, &["accountId", "AccountId"]),
        region: region(data, &["regionId", "Region"]),
        ..Event::of(event)
    }
}

/// Reads a notice that a resource violates a rule, or no longer does.
pub(crate) fn non_compliance(data: &Json<'_>) -> Event {
    let identifier = object(data, "evaluationResultIdentifier");
    let about = object(&identifier, "evaluationResultQualifier");
    let event =
        match (text(data, "complianceType").as_deref(), text(&about, "resourceType"), text(&about, "resourceId")) {
            (Some("NON_COMPLIANT"), Some(resource_type), Some(id)) => {
                of_resource(&resource_type, &id, EventKind::NonCompliant)
            }
            (Some("NON_COMPLIANT") | None, ..) => EventKind::Malformed(
                "a notice of Cloud Config names no resource, or not whether it is compliant".to_owned(),
            ),
            (Some(other), ..) => EventKind::Ignored(format!("Cloud Config says {}", short(other))),
        };
    Event {
        time: milliseconds(data, "notificationCreationTime"),
        account: account(&about, &["resourceOwnerId"]).or_else(|| account(data, &["accountId"])),
        region: region(&about, &["regionId"]),
        ..Event::of(event)
    }
}

/// Reads one entry of the array with which Cloud Config asks a function for remediation.
pub(crate) fn remediation(entry: &Json<'_>) -> Event {
    let event = match (text(entry, "resourceType"), text(entry, "resourceId")) {
        (Some(resource_type), Some(id)) => of_resource(&resource_type, &id, EventKind::NonCompliant),
        _ => EventKind::Malformed("a remediation of Cloud Config has no resourceType or no resourceId".to_owned()),
    };
    Event { account: account(entry, &["accountId"]), region: region(entry, &["regionId"]), ..Event::of(event) }
}

fn of_resource(resource_type: &str, id: &str, event: impl FnOnce(ResourceId) -> EventKind) -> EventKind {
    let resource_type = match resource_type {
        "ACS::VPC::VPC" => ResourceType::Vpc,
        "ACS::VPC::VSwitch" => ResourceType::VSwitch,
        "ACS::ECS::NetworkInterface" => ResourceType::NetworkInterface,
        other => {
            return EventKind::Ignored(format!("{} is nothing that can have a flow log", short(other)));
        }
    };
    match ResourceId::of(resource_type, id) {
        Ok(id) => event(id),
        Err(error) => EventKind::Malformed(error.to_string()),
    }
}
