//! ECS's network interfaces, and the instances that create one.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, REGION, optional, required},
    tags::{has_tags, wire_tags},
    vpcs::set_owner,
};
use crate::{
    api::{parameters::Tags, refusal::Refusal},
    world::{clock::iso, state::NetworkInterface},
};

pub(super) const CREATE: &[Field] = &[
    REGION,
    required("VSwitchId", Kind::Text),
    optional("NetworkInterfaceName", Kind::Name(128)),
    optional("Description", Kind::Name(256)),
    optional("Ipv6Address", Kind::List(10)),
    optional("Ipv4Prefix", Kind::List(10)),
    optional("Ipv6Prefix", Kind::List(10)),
];
pub(super) const DELETE: &[Field] = &[REGION, required("NetworkInterfaceId", Kind::Text)];
pub(super) const DESCRIBE: &[Field] = &[
    REGION,
    optional("Type", Kind::OneOf(&["Primary", "Secondary"])),
    optional("Status", Kind::OneOf(&["Available", "Attaching", "InUse", "Detaching", "Deleting"])),
    optional("MaxResults", Kind::Number(0, usize::MAX)),
    optional("NextToken", Kind::Text),
    optional("PageNumber", Kind::Number(1, usize::MAX)),
    optional("PageSize", Kind::Number(1, 500)),
    optional("NetworkInterfaceId", Kind::List(100)),
    optional("NetworkInterfaceName", Kind::Text),
    optional("VSwitchId", Kind::Text),
    optional("VpcId", Kind::Text),
    optional("InstanceId", Kind::Text),
    optional("SecurityGroupId", Kind::Text),
    optional("PrimaryIpAddress", Kind::Text),
    optional("PrivateIpAddress", Kind::List(100)),
    optional("Ipv6Address", Kind::List(100)),
    optional("ServiceManaged", Kind::Switch),
    optional("ResourceGroupId", Kind::Text),
    optional("Tag", Kind::Tags),
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

/// Creates a network interface in the vSwitch in the call.
fn add(scope: &mut Scope<'_>, instance_id: String, tags: Tags) -> Result<NetworkInterface, Refusal> {
    let given = scope.parameters;
    let vswitch = scope.state.vswitches.get(given.require("VSwitchId")?).filter(|found| found.place == scope.place);
    let vswitch = vswitch
        .ok_or_else(|| Refusal::not_found("InvalidVSwitchId.NotFound", "The specified VSwitch does not exist."))?;
    let (vpc_id, vswitch_id, zone_id) = (vswitch.vpc_id.clone(), vswitch.id.clone(), vswitch.zone_id.clone());
    let security_group_id = given.get("SecurityGroupId").or(given.get("SecurityGroupIds.1")).unwrap_or_default();
    let [.., high, low] = (scope.state.network_interfaces.len() as u32 + 10).to_be_bytes();
    let private_ip_address = given.get("PrimaryIpAddress").map_or(format!("10.0.{high}.{low}"), str::to_owned);
    let list = |name| given.list(name).into_iter().map(str::to_owned).collect();
    let interface = NetworkInterface {
        id: scope.state.new_id("eni"),
        place: scope.place.clone(),
        vpc_id,
        vswitch_id,
        zone_id,
        name: given.text("NetworkInterfaceName"),
        description: given.text("Description"),
        security_group_id: security_group_id.to_owned(),
        private_ip_address,
        ipv6_addresses: list("Ipv6Address"),
        ipv4_prefixes: list("Ipv4Prefix"),
        ipv6_prefixes: list("Ipv6Prefix"),
        instance_id,
        owner_id: Some(scope.place.account.clone()),
        service_managed: false,
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
    if interface.service_managed {
        let refusal =
            Refusal::new("InvalidOperation.EniServiceManaged", "The operation is not allowed on managed ENIs.");
        return Err(refusal.with_status(StatusCode::FORBIDDEN));
    }
    if !interface.instance_id.is_empty() {
        let message = "The current status of the resource does not support this operation.";
        return Err(Refusal::new("InvalidOperation.EniType", message));
    }
    scope.state.network_interfaces.remove(id);
    Ok(json!({}))
}

/// Creates instances, of which only the primary network interface is stored.
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
    let addresses = given.list("PrivateIpAddress");
    let ipv6 = given.list("Ipv6Address");
    let is_one_of = |values: &[&str], value: &str| values.is_empty() || values.contains(&value);
    let matches = |interface: &&NetworkInterface| {
        is_one_of(&ids, &interface.id)
            && is_one_of(&addresses, &interface.private_ip_address)
            && (ipv6.is_empty() || ipv6.iter().any(|address| interface.ipv6_addresses.iter().any(|one| one == address)))
            && scope.is("ServiceManaged", interface.service_managed)
            && scope.filter([
                ("PrimaryIpAddress", &interface.private_ip_address),
                ("ResourceGroupId", "rg-default"),
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
    let all: Vec<&NetworkInterface> = interfaces.into_iter().filter(matches).collect();
    let total = all.len();
    let by_number = given.get("PageNumber").or(given.get("PageSize")).is_some();
    if by_number && given.get("MaxResults").or(given.get("NextToken")).is_none() {
        let page = scope.page(all, 10, wire)?;
        return Ok(json!({
            "PageNumber": page.number, "PageSize": page.size, "TotalCount": total, "NextToken": "",
            "NetworkInterfaceSets": {"NetworkInterfaceSet": page.items},
        }));
    }
    let (items, next) = scope.part(all, given.number("MaxResults")?.unwrap_or(10).clamp(10, 500))?;
    let items: Vec<Value> = items.into_iter().map(wire).collect();
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
    // No address in this cloud can be reached from outside.
    let public = json!({"AllocationId": "", "PublicIpAddress": ""});
    let address = &interface.private_ip_address;
    let dns_name = format!("ip-{}.{}.ecs.internal", address.replace('.', "-"), interface.place.region);
    let prefixes = |all: &[String], name: &str| all.iter().map(|one| json!({name: one})).collect::<Vec<_>>();
    let mut wire = json!({
        "NetworkInterfaceId": interface.id,
        "NetworkInterfaceName": interface.name,
        "Description": interface.description,
        "VpcId": interface.vpc_id,
        "VSwitchId": interface.vswitch_id,
        "ZoneId": interface.zone_id,
        "Type": kind(interface),
        "Status": status(interface),
        "InstanceId": interface.instance_id,
        "PrivateIpAddress": interface.private_ip_address,
        "PrivateIpSets": {
            "PrivateIpSet": [{
                "PrivateIpAddress": address, "Primary": true, "PrivateDnsName": dns_name, "AssociatedPublicIp": public,
            }],
        },
        "AssociatedPublicIp": public,
        "Ipv6Sets": {
            "Ipv6Set": interface.ipv6_addresses.iter().enumerate().map(|(n, one)| json!({"Ipv6Address": one, "Primary": n == 0})).collect::<Vec<_>>(),
        },
        "Ipv4PrefixSets": {"Ipv4PrefixSet": prefixes(&interface.ipv4_prefixes, "Ipv4Prefix")},
        "Ipv6PrefixSets": {"Ipv6PrefixSet": prefixes(&interface.ipv6_prefixes, "Ipv6Prefix")},
        "MacAddress": mac_address(&interface.id),
        "NetworkInterfaceTrafficMode": "Standard",
        "QueueNumber": 1,
        "QueuePairNumber": 0,
        "DeleteOnRelease": true,
        "SourceDestCheck": false,
        "ServiceID": 0,
        "ServiceManaged": interface.service_managed,
        "ResourceGroupId": "rg-default",
        "SecurityGroupIds": {"SecurityGroupId": [interface.security_group_id]},
        "CreationTime": iso(interface.created),
        "Tags": {"Tag": wire_tags(&interface.tags, "TagKey", "TagValue")},
    });
    set_owner(&mut wire, interface.owner_id.as_deref());
    if !interface.instance_id.is_empty() {
        wire["Attachment"] = json!({
            "InstanceId": interface.instance_id, "DeviceIndex": 0, "NetworkCardIndex": 0, "TrunkNetworkInterfaceId": "",
        });
    }
    wire
}

/// Returns a MAC address with the prefix of real ones, derived from the network interface's id.
fn mac_address(id: &str) -> String {
    let number = id.bytes().fold(0, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let [_, high, middle, low] = number.to_be_bytes();
    format!("00:16:3e:{high:02x}:{middle:02x}:{low:02x}")
}
