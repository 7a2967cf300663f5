//! ECS's network interfaces, and the instances that bring one along.

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, REGION, optional, required},
    vpcs::has_tags,
};
use crate::{clock::iso, parameters::Tags, refusal::Refusal, state::NetworkInterface};

pub(super) const CREATE: &[Field] = &[
    REGION,
    required("VSwitchId", Kind::Text),
    optional("NetworkInterfaceName", Kind::Name(128)),
    optional("Description", Kind::Name(256)),
];
pub(super) const DELETE: &[Field] = &[REGION, required("NetworkInterfaceId", Kind::Text)];
pub(super) const DESCRIBE: &[Field] = &[
    REGION,
    optional("Type", Kind::OneOf(&["Primary", "Secondary"])),
    optional("MaxResults", Kind::Number(0, usize::MAX)),
];
pub(super) const RUN_INSTANCES: &[Field] =
    &[REGION, required("VSwitchId", Kind::Text), optional("Amount", Kind::Number(1, 100))];

pub(super) fn create(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    if given.get("SecurityGroupId").or(given.get("SecurityGroupIds.1")).is_none() {
        return Err(Refusal::missing("SecurityGroupId"));
    }
    let tags = given.tags("Tag")?;
    let interface = add(scope, String::new(), tags)?;
    Ok(wire(&interface))
}

/// Makes a network interface in the vSwitch that the call names.
fn add(scope: &mut Scope<'_>, instance_id: String, tags: Tags) -> Result<NetworkInterface, Refusal> {
    let given = scope.parameters;
    let vswitch = scope.state.vswitches.get(given.require("VSwitchId")?).filter(|found| found.place == scope.place);
    let vswitch = vswitch
        .ok_or_else(|| Refusal::not_found("InvalidVSwitchId.NotFound", "The specified VSwitch does not exist."))?;
    let (vpc_id, vswitch_id, zone_id) = (vswitch.vpc_id.clone(), vswitch.id.clone(), vswitch.zone_id.clone());
    let security_group_id = given.get("SecurityGroupId").or(given.get("SecurityGroupIds.1")).unwrap_or_default();
    let interface = NetworkInterface {
        id: scope.state.new_id("eni"),
        place: scope.place.clone(),
        vpc_id,
        vswitch_id,
        zone_id,
        name: given.text("NetworkInterfaceName"),
        description: given.text("Description"),
        security_group_id: security_group_id.to_owned(),
        instance_id,
        tags,
        created: scope.now,
    };
    scope.state.network_interfaces.insert(interface.id.clone(), interface.clone());
    Ok(interface)
}

pub(super) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = scope.parameters.require("NetworkInterfaceId")?;
    let interface = scope.state.network_interfaces.get(id).filter(|interface| interface.place == scope.place);
    let interface =
        interface.ok_or_else(|| Refusal::not_found("InvalidEniId.NotFound", "The specified EniId does not exist."))?;
    if !interface.instance_id.is_empty() {
        let message = "The current status of the resource does not support this operation.";
        return Err(Refusal::new("InvalidOperation.EniType", message));
    }
    scope.state.network_interfaces.remove(id);
    Ok(json!({}))
}

/// Makes instances; all that is kept of one is its primary network interface.
pub(super) fn run_instances(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    let mut ids = Vec::new();
    for _ in 0..scope.parameters.number("Amount")?.unwrap_or(1) {
        let id = scope.state.new_id("i");
        add(scope, id.clone(), tags.clone())?;
        ids.push(id);
    }
    Ok(json!({"InstanceIdSets": {"InstanceIdSet": ids}}))
}

pub(super) fn describe(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let tags = given.tags("Tag")?;
    let ids = given.list("NetworkInterfaceId");
    let wanted = |interface: &&NetworkInterface| {
        (ids.is_empty() || ids.contains(&interface.id.as_str()))
            && scope.filter([
                ("NetworkInterfaceName", &interface.name),
                ("VSwitchId", &interface.vswitch_id),
                ("VpcId", &interface.vpc_id),
                ("InstanceId", &interface.instance_id),
                ("SecurityGroupId", &interface.security_group_id),
                ("Type", kind(interface)),
                ("Status", status(interface)),
            ])
            && has_tags(&interface.tags, &tags)
    };
    let interfaces = scope.visible(scope.state.network_interfaces.values());
    let all: Vec<Value> = interfaces.into_iter().filter(wanted).map(wire).collect();
    let total = all.len();
    let by_number = given.get("PageNumber").or(given.get("PageSize")).is_some();
    if by_number && given.get("MaxResults").or(given.get("NextToken")).is_none() {
        let page = scope.page(all, 10)?;
        return Ok(json!({
            "PageNumber": page.number, "PageSize": page.size, "TotalCount": total, "NextToken": "",
            "NetworkInterfaceSets": {"NetworkInterfaceSet": page.items},
        }));
    }
    let size = given.number("MaxResults")?.unwrap_or(10).clamp(10, 500);
    let start = match given.get("NextToken").map(|token| token.strip_prefix("next-").unwrap_or_default().parse()) {
        None => 0,
        Some(Ok(start)) => start,
        Some(Err(_)) => return Err(Refusal::invalid("NextToken")),
    };
    let next = if start + size < total { format!("next-{}", start + size) } else { String::new() };
    let items: Vec<Value> = all.into_iter().skip(start).take(size).collect();
    Ok(json!({
        "TotalCount": total, "NextToken": next, "NetworkInterfaceSets": {"NetworkInterfaceSet": items},
    }))
}

fn kind(interface: &NetworkInterface) -> &'static str {
    if interface.instance_id.is_empty() { "Secondary" } else { "Primary" }
}

fn status(interface: &NetworkInterface) -> &'static str {
    if interface.instance_id.is_empty() { "Available" } else { "InUse" }
}

fn wire(interface: &NetworkInterface) -> Value {
    let tag = |(key, value): (&String, &String)| json!({"TagKey": key, "TagValue": value});
    json!({
        "NetworkInterfaceId": interface.id,
        "NetworkInterfaceName": interface.name,
        "Description": interface.description,
        "VpcId": interface.vpc_id,
        "VSwitchId": interface.vswitch_id,
        "ZoneId": interface.zone_id,
        "Type": kind(interface),
        "Status": status(interface),
        "InstanceId": interface.instance_id,
        "OwnerId": interface.place.account,
        "ServiceManaged": false,
        "ResourceGroupId": "rg-default",
        "SecurityGroupIds": {"SecurityGroupId": [interface.security_group_id]},
        "CreationTime": iso(interface.created),
        "Tags": {"Tag": interface.tags.iter().map(tag).collect::<Vec<_>>()},
    })
}
