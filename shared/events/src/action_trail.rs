//! Calls of the API that ActionTrail recorded.

use std::borrow::Cow;

use flow_log::{AccountId, ResourceId, ResourceType};
use json::Json;

use crate::{
    Event, FlowLogCall, Woken,
    lenient::{account, object, region, short, text, time},
};

/// What a call of this name means.
#[derive(Clone, Copy)]
enum Meaning {
    /// It makes a resource, whose id is in its answer under this key.
    Creates(ResourceType, &'static str),
    /// It launches instances.
    Launches,
    /// It deletes a resource, whose id is in its parameters under this key.
    Deletes(ResourceType, &'static str),
    /// It does something to a flow log.
    Touches(FlowLogCall),
}

/// The calls that are looked at: the product by ActionTrail's name, the operation, what it means.
const CALLS: [(&str, &str, Meaning); 14] = {
    use FlowLogCall::{Activate, Create, Deactivate, Delete, Modify};
    use Meaning::{Creates, Deletes, Launches, Touches};
    use ResourceType::{NetworkInterface, VSwitch, Vpc};
    [
        ("Vpc", "CreateVpc", Creates(Vpc, "VpcId")),
        ("Vpc", "CreateDefaultVpc", Creates(Vpc, "VpcId")),
        ("Vpc", "CreateVSwitch", Creates(VSwitch, "VSwitchId")),
        ("Vpc", "CreateDefaultVSwitch", Creates(VSwitch, "VSwitchId")),
        ("Ecs", "CreateNetworkInterface", Creates(NetworkInterface, "NetworkInterfaceId")),
        ("Ecs", "RunInstances", Launches),
        ("Vpc", "DeleteVpc", Deletes(Vpc, "VpcId")),
        ("Vpc", "DeleteVSwitch", Deletes(VSwitch, "VSwitchId")),
        ("Ecs", "DeleteNetworkInterface", Deletes(NetworkInterface, "NetworkInterfaceId")),
        ("Vpc", "CreateFlowLog", Touches(Create)),
        ("Vpc", "DeleteFlowLog", Touches(Delete)),
        ("Vpc", "ActiveFlowLog", Touches(Activate)),
        ("Vpc", "DeactiveFlowLog", Touches(Deactivate)),
        ("Vpc", "ModifyFlowLogAttribute", Touches(Modify)),
    ]
};

/// Reads a recorded call. `source` and `bus_account` are those of its envelope, if it came in one.
pub(crate) fn read(call: &Json<'_>, source: Option<&str>, bus_account: Option<AccountId>) -> Woken {
    let parameters = object(call, "requestParameters");
    let identity = object(call, "userIdentity");
    Woken {
        time: time(call, "eventTime"),
        // In the envelope of an event that was passed on may stand the account that passed it on. The caller's
        // account comes last: a caller may come from elsewhere.
        account: account(call, &["recipientAccountId"]).or(bus_account).or_else(|| account(&identity, &["accountId"])),
        region: region(call, &["acsRegion"]).or_else(|| region(&parameters, &["RegionId", "regionId"])),
        ..Woken::of(event(call, &parameters, &identity, source).unwrap_or_else(Event::Broken))
    }
}

fn event(call: &Json<'_>, parameters: &Json<'_>, identity: &Json<'_>, source: Option<&str>) -> Result<Event, String> {
    let Some(name) = text(call, "eventName") else { return Err("a recorded call has no eventName".to_owned()) };
    let not_for_us = |reason: String| Ok(Event::NotForUs(reason));

    let service = text(call, "serviceName");
    let known =
        CALLS.iter().find(|(product, operation, _)| *operation == name && is_of(product, service.as_deref(), source));
    let Some((_, _, meaning)) = known else {
        if service.is_none() && source.is_none() && CALLS.iter().any(|(_, operation, _)| *operation == name) {
            return Err(format!("the call {name} says of no product that it is its own: it has no serviceName"));
        }
        let of = service.as_deref().or(source).map(|of| format!(" of {}", short(of))).unwrap_or_default();
        return not_for_us(format!("the call {}{of} is none that is looked at", short(&name)));
    };
    // An empty code is that of a success.
    match text(call, "errorCode").or_else(|| text(call, "errorMessage")) {
        Some(code) if code == "DryRunOperation" => return not_for_us(format!("the call {name} was a dry run")),
        Some(code) => return not_for_us(format!("the call {name} failed ({})", short(&code))),
        None => {}
    }

    let answer = object(call, "responseElements");
    match meaning {
        Meaning::Creates(resource_type, key) => match text(&answer, key) {
            Some(id) => resource(*resource_type, &id, &name).map(Event::Created),
            None if is_dry_run(parameters) => not_for_us(format!("the call {name} was a dry run")),
            None => Err(format!("the call {name} succeeded, and its responseElements have no {key}")),
        },
        Meaning::Launches => match instances(call, &answer) {
            ids if !ids.is_empty() => Ok(Event::Launched(ids)),
            _ if is_dry_run(parameters) => not_for_us(format!("the call {name} was a dry run")),
            _ => Err(format!("the call {name} succeeded, and names no instance")),
        },
        // It names what it would have deleted.
        Meaning::Deletes(..) if is_dry_run(parameters) => not_for_us(format!("the call {name} was a dry run")),
        Meaning::Deletes(resource_type, key) => match parameter(call, parameters, key) {
            Some(id) => resource(*resource_type, &id, &name).map(Event::Deleted),
            None => Err(format!("the call {name} succeeded, and its requestParameters have no {key}")),
        },
        Meaning::Touches(touch) => {
            let id = match touch {
                FlowLogCall::Create => text(&answer, "FlowLogId").map(Cow::into_owned),
                _ => parameter(call, parameters, "FlowLogId"),
            };
            let id = id.ok_or_else(|| format!("the call {name} succeeded, and names no FlowLogId"))?;
            let flow_log = id.parse().map_err(|error| format!("the call {name}: {error}"))?;
            Ok(Event::FlowLogTouched {
                call: *touch,
                flow_log,
                caller: text(identity, "userName").map(Cow::into_owned),
            })
        }
    }
}

/// Whether a call is one of `product`, and not the call of the same name of another one: Smart Access Gateway, CEN
/// and Express Connect Router have flow logs, too.
fn is_of(product: &str, service: Option<&str>, source: Option<&str>) -> bool {
    match (service, source) {
        (Some(service), _) => service.eq_ignore_ascii_case(product),
        (None, Some(source)) => {
            let source = source.strip_prefix("acs.").or_else(|| source.strip_prefix("acs:"));
            source.is_some_and(|source| source.eq_ignore_ascii_case(product))
        }
        // Nothing says so.
        (None, None) => false,
    }
}

/// A launch, in which the ids of instances are as they came, with those alone that can be ids; each of the others is a
/// broken event of its own.
pub(crate) fn apart(mut woken: Woken) -> Vec<Woken> {
    let Event::Launched(ids) = &mut woken.event else { return vec![woken] };
    let others: Vec<_> = ids.extract_if(.., |id| !is_instance(id)).collect();
    let is_left = !ids.is_empty();
    let of_each = |id: String| Woken {
        event: Event::Broken(format!("the call RunInstances: \"{}\" is not an instance id", short(&id))),
        ..woken.clone()
    };
    let mut events: Vec<_> = others.into_iter().map(of_each).collect();
    events.extend(is_left.then_some(woken));
    events
}

fn resource(resource_type: ResourceType, id: &str, name: &str) -> Result<ResourceId, String> {
    ResourceId::of(resource_type, id).map_err(|error| format!("the call {name}: {error}"))
}

/// `*` is how Alibaba Cloud masks ids in what it publishes.
fn is_instance(id: &str) -> bool {
    id.len() <= 64
        && id.strip_prefix("i-").is_some_and(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*'))
        })
}

fn is_dry_run(parameters: &Json<'_>) -> bool {
    text(parameters, "DryRun").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// A parameter of the call, which also stands in the parameters as JSON text.
fn parameter(call: &Json<'_>, parameters: &Json<'_>, key: &str) -> Option<String> {
    let own = text(parameters, key).map(Cow::into_owned);
    own.or_else(|| text(&object(call, "requestParameterJson"), key).map(Cow::into_owned))
}

/// The instances that were launched: from the answer, or from what the event refers to.
fn instances(call: &Json<'_>, answer: &Json<'_>) -> Vec<String> {
    let ids = |of: &Json<'_>, outer: &str, inner: &str| -> Vec<String> {
        let list = of.get(outer).and_then(|outer| outer.get(inner));
        list.into_iter().flat_map(Json::texts).map(str::to_owned).collect()
    };
    let answered = ids(answer, "InstanceIdSets", "InstanceIdSet");
    if answered.is_empty() { ids(call, "referencedResources", "ACS::ECS::Instance") } else { answered }
}
