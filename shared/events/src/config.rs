//! What Cloud Config says: a resource changed, breaks a rule, or is to be mended.

use flow_log::{ResourceId, ResourceType};
use json::Json;

use crate::{
    Event, Woken,
    lenient::{account, first_text, milliseconds, object, region, short, text},
};

/// A resource that came into being, changed or went. Over MNS the keys begin with capitals.
pub(crate) fn change(data: &Json<'_>) -> Woken {
    let key = |lower: &'static str, upper: &'static str| first_text(data, &[lower, upper]);
    let about = key("resourceType", "ResourceType").zip(key("resourceId", "ResourceId"));
    let event = match (key("resourceEventType", "ResourceEventType").as_deref(), about) {
        (None, _) | (_, None) => {
            Event::Broken("a change seen by Cloud Config names no resource, or not what happened to it".to_owned())
        }
        (Some("DISCOVERED"), Some((resource_type, id))) => of_resource(&resource_type, &id, Event::Created),
        (Some("REMOVE"), Some((resource_type, id))) => of_resource(&resource_type, &id, Event::Deleted),
        (Some(other), Some((_, id))) => {
            Event::NotForUs(format!("{} was seen by Cloud Config as {}", short(&id), short(other)))
        }
    };
    Woken {
        time: milliseconds(data, "captureTime").or_else(|| milliseconds(data, "CaptureTime")),
        account: account(data, &["accountId", "AccountId"]),
        region: region(data, &["regionId", "Region"]),
        ..Woken::of(event)
    }
}

/// A resource that breaks a rule, or no longer does.
pub(crate) fn non_compliance(data: &Json<'_>) -> Woken {
    let identifier = object(data, "evaluationResultIdentifier");
    let about = object(&identifier, "evaluationResultQualifier");
    let event =
        match (text(data, "complianceType").as_deref(), text(&about, "resourceType"), text(&about, "resourceId")) {
            (Some("NON_COMPLIANT"), Some(resource_type), Some(id)) => {
                of_resource(&resource_type, &id, Event::NonCompliant)
            }
            (Some("NON_COMPLIANT") | None, ..) => {
                Event::Broken("a notice of Cloud Config names no resource, or not whether it is compliant".to_owned())
            }
            (Some(other), ..) => Event::NotForUs(format!("Cloud Config says {}", short(other))),
        };
    Woken {
        time: milliseconds(data, "notificationCreationTime"),
        account: account(&about, &["resourceOwnerId"]).or_else(|| account(data, &["accountId"])),
        region: region(&about, &["regionId"]),
        ..Woken::of(event)
    }
}

/// One entry of the array by which Cloud Config asks a function to mend something.
pub(crate) fn remediation(entry: &Json<'_>) -> Woken {
    let event = match (text(entry, "resourceType"), text(entry, "resourceId")) {
        (Some(resource_type), Some(id)) => of_resource(&resource_type, &id, Event::NonCompliant),
        _ => Event::Broken("a remediation of Cloud Config has no resourceType or no resourceId".to_owned()),
    };
    Woken { account: account(entry, &["accountId"]), region: region(entry, &["regionId"]), ..Woken::of(event) }
}

fn of_resource(resource_type: &str, id: &str, event: impl FnOnce(ResourceId) -> Event) -> Event {
    let resource_type = match resource_type {
        "ACS::VPC::VPC" => ResourceType::Vpc,
        "ACS::VPC::VSwitch" => ResourceType::VSwitch,
        "ACS::ECS::NetworkInterface" => ResourceType::NetworkInterface,
        other => {
            return Event::NotForUs(format!("{} is nothing that can have a flow log", short(other)));
        }
    };
    match ResourceId::of(resource_type, id) {
        Ok(id) => event(id),
        Err(error) => Event::Broken(error.to_string()),
    }
}
