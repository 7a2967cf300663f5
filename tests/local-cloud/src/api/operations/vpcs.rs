//! VPCs and vSwitches: create, delete and list.

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    cidr::Cidr,
    fields::{Field, Kind, REGION, optional, required},
    tags::{has_tags, wire_tags},
};
use crate::{
    api::{parameters::Tags, refusal::Refusal},
    world::{
        clock::iso,
        state::{VSwitch, Vpc},
    },
};

const NO_BLOCK: (&str, &str) = ("InvalidParameter", "Specified CIDR block is not valid.");
const CIDR: Field = optional("CidrBlock", Kind::Like(Cidr::is_for_vpc)).or(NO_BLOCK.0, NO_BLOCK.1);
const PAGE: Field = optional("PageNumber", Kind::Number(1, usize::MAX));
const PAGE_SIZE: Field = optional("PageSize", Kind::Number(1, 50));
const IS_DEFAULT: Field = optional("IsDefault", Kind::Switch);
const ENABLE_IPV6: Field = optional("EnableIpv6", Kind::Switch);
const DRY_RUN: Field = optional("DryRun", Kind::Switch);
const TAGS: Field = optional("Tag", Kind::Tags);
const GROUP: Field = optional("ResourceGroupId", Kind::Text);

pub(super) const IN_REGION: &[Field] = &[REGION];
pub(super) const CREATE: &[Field] = &[
    REGION,
    CIDR,
    ENABLE_IPV6,
    optional("VpcName", Kind::Name(128)),
    optional("Description", Kind::Name(256)),
    optional("Ipv6Isp", Kind::OneOf(&["BGP", "ChinaMobile", "ChinaUnicom", "ChinaTelecom"])),
    optional("UserCidr", Kind::Like(|all| all.split(',').all(|one| Cidr::parse(one).is_some()))),
];
pub(super) const DELETE: &[Field] = &[required("VpcId", Kind::Text), optional("RegionId", Kind::Region)];
pub(super) const DESCRIBE: &[Field] = &[
    REGION,
    PAGE,
    PAGE_SIZE,
    IS_DEFAULT,
    ENABLE_IPV6,
    DRY_RUN,
    TAGS,
    GROUP,
    optional("VpcId", Kind::Text),
    optional("VpcName", Kind::Text),
    optional("VpcOwnerId", Kind::Text),
    optional("DhcpOptionsSetId", Kind::Text),
];
pub(super) const CREATE_VSWITCH: &[Field] = &[
    optional("RegionId", Kind::Region),
    required("ZoneId", Kind::Text),
    required("VpcId", Kind::Text),
    required("CidrBlock", Kind::Like(Cidr::is_for_vswitch)).or(NO_BLOCK.0, NO_BLOCK.1),
    // Selects one of the 256 parts of the VPC's block.
    optional("Ipv6CidrBlock", Kind::Number(0, 255)),
    optional("VSwitchName", Kind::Name(128)),
    optional("Description", Kind::Name(256)),
];
pub(super) const CREATE_DEFAULT_VSWITCH: &[Field] = &[
    REGION,
    required("ZoneId", Kind::Text),
    optional("CidrBlock", Kind::Like(Cidr::is_for_vswitch)).or(NO_BLOCK.0, NO_BLOCK.1),
];
pub(super) const DELETE_VSWITCH: &[Field] = &[required("VSwitchId", Kind::Text), optional("RegionId", Kind::Region)];
pub(super) const DESCRIBE_VSWITCHES: &[Field] = &[
    optional("RegionId", Kind::Region),
    PAGE,
    PAGE_SIZE,
    IS_DEFAULT,
    ENABLE_IPV6,
    DRY_RUN,
    TAGS,
    GROUP,
    optional("VpcId", Kind::Text),
    optional("VSwitchId", Kind::Text),
    optional("VSwitchName", Kind::Text),
    optional("ZoneId", Kind::Text),
    optional("RouteTableId", Kind::Text),
    optional("VSwitchOwnerId", Kind::Text),
];

pub(super) fn create(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    Ok(add_vpc(scope, scope.parameters.get("CidrBlock").unwrap_or("172.16.0.0/12"), false, tags))
}

pub(super) fn create_default(scope: &mut Scope<'_>) -> Answer {
    if default_vpc(scope).is_some() {
        return Err(Refusal::new("OperationFailed.DefaultVpcExist", "The default VPC already exists."));
    }
    Ok(add_vpc(scope, "172.16.0.0/12", true, Tags::new()))
}

fn default_vpc<'s>(scope: &'s Scope<'_>) -> Option<&'s Vpc> {
    scope.state.vpcs.values().find(|vpc| vpc.is_default && vpc.place == scope.place)
}

fn add_vpc(scope: &mut Scope<'_>, cidr_block: &str, is_default: bool, tags: Tags) -> Value {
    let given = scope.parameters;
    let id = scope.state.new_id("vpc");
    let has_ipv6 = given.is_on("EnableIpv6");
    let vpc = Vpc {
        ipv6_cidr_block: if has_ipv6 { format!("{}00::/56", ipv6_of(&id)) } else { String::new() },
        ipv6_isp: if has_ipv6 { given.get("Ipv6Isp").unwrap_or("BGP").to_owned() } else { String::new() },
        user_cidrs: given.get("UserCidr").map(|all| all.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        id,
        place: scope.place.clone(),
        name: given.text("VpcName"),
        description: given.text("Description"),
        cidr_block: cidr_block.to_owned(),
        is_default,
        resource_group_id: given.get("ResourceGroupId").unwrap_or("rg-default").to_owned(),
        owner_id: Some(scope.place.account.clone()),
        has_old_instances: false,
        tags,
        created: scope.now,
    };
    let answer = json!({
        "VpcId": vpc.id, "ResourceGroupId": vpc.resource_group_id,
        "VRouterId": virtual_router(&vpc.id), "RouteTableId": route_table(&vpc.id),
    });
    scope.state.vpcs.insert(vpc.id.clone(), vpc);
    answer
}

pub(super) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = scope.parameters.require("VpcId")?;
    existing_vpc(scope, id)?;
    if scope.state.vswitches.values().any(|vswitch| vswitch.vpc_id == id) {
        let message = "Specified object has dependent resources.";
        return Err(Refusal::new("DependencyViolation.VSwitch", message));
    }
    scope.state.vpcs.remove(id);
    Ok(json!({}))
}

fn existing_vpc<'s>(scope: &'s Scope<'_>, id: &str) -> Result<&'s Vpc, Refusal> {
    let found = scope.state.vpcs.get(id).filter(|vpc| vpc.place == scope.place);
    found.ok_or_else(|| Refusal::not_found("InvalidVpcId.NotFound", "Specified VPC does not exist."))
}

pub(super) fn describe(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    let ids: Option<Vec<&str>> = scope.parameters.get("VpcId").map(|ids| ids.split(',').map(str::trim).collect());
    let matches = |vpc: &&Vpc| {
        ids.as_ref().is_none_or(|ids| ids.contains(&vpc.id.as_str()))
            && scope.filter([
                ("VpcName", &vpc.name),
                ("ResourceGroupId", &vpc.resource_group_id),
                ("VpcOwnerId", &vpc.place.account),
                ("DhcpOptionsSetId", ""),
            ])
            && scope.is("IsDefault", vpc.is_default)
            && scope.is("EnableIpv6", vpc.has_ipv6())
            && has_tags(&vpc.tags, &tags)
    };
    let wire = |vpc: &Vpc| {
        let children = scope.state.vswitches.values().filter(|vswitch| vswitch.vpc_id == vpc.id);
        let ipv6 = json!({"Ipv6CidrBlock": vpc.ipv6_cidr_block, "Ipv6Isp": vpc.ipv6_isp});
        let mut wire = json!({
            "VpcId": vpc.id, "VpcName": vpc.name, "Description": vpc.description, "CidrBlock": vpc.cidr_block,
            "RegionId": vpc.place.region, "IsDefault": vpc.is_default,
            "Status": "Available", "CreationTime": iso(vpc.created), "ResourceGroupId": vpc.resource_group_id,
            "VRouterId": virtual_router(&vpc.id),
            "EnabledIpv6": vpc.has_ipv6(), "Ipv6CidrBlock": vpc.ipv6_cidr_block,
            "Ipv6CidrBlocks": {"Ipv6CidrBlock": vpc.has_ipv6().then_some(ipv6).into_iter().collect::<Vec<_>>()},
            "UserCidrs": {"UserCidr": vpc.user_cidrs},
            // No operation of this cloud adds these to a VPC.
            "SecondaryCidrBlocks": {"SecondaryCidrBlock": []}, "NatGatewayIds": {"NatGatewayIds": []},
            "DhcpOptionsSetId": "", "DhcpOptionsSetStatus": "", "DnsHostnameStatus": "DISABLED", "CenStatus": "Detached",
            "RouterTableIds": {"RouterTableIds": [route_table(&vpc.id)]},
            "VSwitchIds": {"VSwitchId": children.map(|vswitch| &vswitch.id).collect::<Vec<_>>()},
            "Tags": {"Tag": wire_tags(&vpc.tags, "Key", "Value")},
        });
        set_owner(&mut wire, vpc.owner_id.as_deref().map(number));
        wire
    };
    let is_shared = |vpc: &&Vpc| {
        scope.state.shared_vpcs.contains(&(scope.place.account.clone(), vpc.id.clone()))
            && vpc.place.region == scope.place.region
    };
    let shared = scope.state.vpcs.values().filter(is_shared);
    let all = scope.visible(scope.state.vpcs.values()).into_iter().chain(shared).filter(matches).collect();
    let page = scope.page(all, 10, wire)?;
    Ok(json!({
        "PageNumber": page.number, "PageSize": page.size, "TotalCount": page.total, "Vpcs": {"Vpc": page.items},
    }))
}

pub(super) fn create_vswitch(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    let vpc = existing_vpc(scope, scope.parameters.require("VpcId")?)?;
    if scope.parameters.get("Ipv6CidrBlock").is_some() && !vpc.has_ipv6() {
        return Err(Refusal::new("OperationFailed.NotSupportIpv6", "The VPC does not support IPv6."));
    }
    let block = scope.parameters.require("CidrBlock")?;
    lies_in(vpc, block)?;
    let vpc_id = vpc.id.clone();
    Ok(add_vswitch(scope, vpc_id, block, false, tags))
}

pub(super) fn create_default_vswitch(scope: &mut Scope<'_>) -> Answer {
    let vpc = default_vpc(scope);
    let vpc = vpc.ok_or_else(|| Refusal::new("InvalidDefaultVpc.NotFound", "The default VPC does not exist."))?;
    let cidr_block = scope.parameters.get("CidrBlock").unwrap_or("172.16.0.0/20");
    lies_in(vpc, cidr_block)?;
    let vpc_id = vpc.id.clone();
    Ok(add_vswitch(scope, vpc_id, cidr_block, true, Tags::new()))
}

/// Checks that a vSwitch's block lies within its VPC's.
fn lies_in(vpc: &Vpc, block: &str) -> Result<(), Refusal> {
    if Cidr::parse(&vpc.cidr_block).zip(Cidr::parse(block)).is_some_and(|(vpc, block)| vpc.contains(block)) {
        Ok(())
    } else {
        Err(Refusal::new(NO_BLOCK.0, NO_BLOCK.1))
    }
}

fn add_vswitch(scope: &mut Scope<'_>, vpc_id: String, cidr_block: &str, is_default: bool, tags: Tags) -> Value {
    let given = scope.parameters;
    let id = scope.state.new_id("vsw");
    let part = given.get("Ipv6CidrBlock").and_then(|part| part.parse().ok());
    let vswitch = VSwitch {
        id: id.clone(),
        ipv6_cidr_block: part.map(|part: u8| format!("{}{part:02x}::/64", ipv6_of(&vpc_id))).unwrap_or_default(),
        place: scope.place.clone(),
        vpc_id,
        zone_id: given.text("ZoneId"),
        name: given.text("VSwitchName"),
        description: given.text("Description"),
        cidr_block: cidr_block.to_owned(),
        is_default,
        owner_id: Some(scope.place.account.clone()),
        tags,
        created: scope.now,
    };
    scope.state.vswitches.insert(id.clone(), vswitch);
    json!({"VSwitchId": id})
}

pub(super) fn delete_vswitch(scope: &mut Scope<'_>) -> Answer {
    let id = scope.parameters.require("VSwitchId")?;
    if scope.state.vswitches.get(id).is_none_or(|vswitch| vswitch.place != scope.place) {
        return Err(Refusal::not_found("InvalidVswitchId.NotFound", "Specified vSwitch does not exist."));
    }
    if scope.state.network_interfaces.values().any(|interface| interface.vswitch_id == id) {
        let message = "Specified object has dependent resources.";
        return Err(Refusal::new("DependencyViolation.NetworkInterface", message));
    }
    scope.state.vswitches.remove(id);
    Ok(json!({}))
}

pub(super) fn describe_vswitches(scope: &mut Scope<'_>) -> Answer {
    if scope.parameters.get("RegionId").or(scope.parameters.get("VpcId")).is_none() {
        return Err(Refusal::missing("RegionId"));
    }
    let tags = scope.parameters.tags("Tag")?;
    let matches = |vswitch: &&VSwitch| {
        scope.filter([
            ("VSwitchId", &vswitch.id),
            ("VSwitchName", &vswitch.name),
            ("VpcId", &vswitch.vpc_id),
            ("ZoneId", &vswitch.zone_id),
            ("VSwitchOwnerId", &vswitch.place.account),
            ("ResourceGroupId", "rg-default"),
            ("RouteTableId", &route_table(&vswitch.vpc_id)),
        ]) && scope.is("IsDefault", vswitch.is_default)
            && scope.is("EnableIpv6", !vswitch.ipv6_cidr_block.is_empty())
            && has_tags(&vswitch.tags, &tags)
    };
    let wire = |vswitch: &VSwitch| {
        let mut wire = json!({
            "VSwitchId": vswitch.id, "VSwitchName": vswitch.name, "Description": vswitch.description,
            "VpcId": vswitch.vpc_id, "ZoneId": vswitch.zone_id, "CidrBlock": vswitch.cidr_block,
            "IsDefault": vswitch.is_default, "Status": "Available",
            "CreationTime": iso(vswitch.created), "ResourceGroupId": "rg-default", "AvailableIpAddressCount": 250,
            "EnabledIpv6": !vswitch.ipv6_cidr_block.is_empty(), "Ipv6CidrBlock": vswitch.ipv6_cidr_block,
            // This cloud has no network ACLs and no shared vSwitches.
            "NetworkAclId": "", "ShareType": "",
            "RouteTable": {"RouteTableId": route_table(&vswitch.vpc_id), "RouteTableType": "System"},
            "Tags": {"Tag": wire_tags(&vswitch.tags, "Key", "Value")},
        });
        set_owner(&mut wire, vswitch.owner_id.as_deref().map(number));
        wire
    };
    let all = scope.visible(scope.state.vswitches.values()).into_iter().filter(matches).collect();
    let page = scope.page(all, 10, wire)?;
    Ok(json!({
        "PageNumber": page.number, "PageSize": page.size, "TotalCount": page.total,
        "VSwitches": {"VSwitch": page.items},
    }))
}

/// Returns the prefix of a VPC's IPv6 addresses, without the two digits that distinguish its vSwitches. Derived from
/// the VPC's id.
fn ipv6_of(vpc_id: &str) -> String {
    let number = vpc_id.bytes().fold(0, |hash: u16, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    format!("2001:db8:{number:x}:4d")
}

/// Returns the route table that every VPC has.
fn route_table(vpc_id: &str) -> String {
    vpc_id.replacen("vpc-", "vtb-", 1)
}

/// Returns the router that every VPC has.
fn virtual_router(vpc_id: &str) -> String {
    vpc_id.replacen("vpc-", "vrt-", 1)
}

/// Sets `OwnerId`, if the resource's list shows one.
pub(super) fn set_owner(wire: &mut Value, owner: Option<impl Into<Value>>) {
    if let Some(owner) = owner {
        wire["OwnerId"] = owner.into();
    }
}

/// Returns an account id as a number, as the API sends it.
pub(super) fn number(account: &str) -> u64 {
    account.parse().unwrap_or_default()
}
