//! VPCs and vSwitches: made, unmade, listed and tagged.

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, REGION, optional, required},
};
use crate::{
    clock::iso,
    parameters::Tags,
    refusal::Refusal,
    state::{Resource, VSwitch, Vpc},
};

const CIDR: Field = optional("CidrBlock", Kind::Cidr);
const PAGE: Field = optional("PageNumber", Kind::Number(1, usize::MAX));
const PAGE_SIZE: Field = optional("PageSize", Kind::Number(1, 50));

pub(super) const IN_REGION: &[Field] = &[REGION];
pub(super) const CREATE: &[Field] =
    &[REGION, CIDR, optional("VpcName", Kind::Name(128)), optional("Description", Kind::Name(256))];
pub(super) const DELETE: &[Field] = &[required("VpcId", Kind::Text), optional("RegionId", Kind::Region)];
pub(super) const DESCRIBE: &[Field] =
    &[REGION, PAGE, PAGE_SIZE, optional("IsDefault", Kind::OneOf(&["true", "false"]))];
pub(super) const CREATE_VSWITCH: &[Field] = &[
    optional("RegionId", Kind::Region),
    required("ZoneId", Kind::Text),
    required("VpcId", Kind::Text),
    required("CidrBlock", Kind::Cidr),
    optional("VSwitchName", Kind::Name(128)),
    optional("Description", Kind::Name(256)),
];
pub(super) const CREATE_DEFAULT_VSWITCH: &[Field] = &[REGION, required("ZoneId", Kind::Text), CIDR];
pub(super) const DELETE_VSWITCH: &[Field] = &[required("VSwitchId", Kind::Text), optional("RegionId", Kind::Region)];
pub(super) const DESCRIBE_VSWITCHES: &[Field] = &[optional("RegionId", Kind::Region), PAGE, PAGE_SIZE];
pub(super) const TAG: &[Field] = &[
    REGION,
    required("ResourceType", Kind::OneOf(&["VPC", "VSWITCH", "FLOWLOG"])),
    required("ResourceId.1", Kind::Text),
    required("Tag.1.Key", Kind::Text),
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
    let vpc = Vpc {
        id: scope.state.new_id("vpc"),
        place: scope.place.clone(),
        name: given.text("VpcName"),
        description: given.text("Description"),
        cidr_block: cidr_block.to_owned(),
        is_default,
        resource_group_id: given.get("ResourceGroupId").unwrap_or("rg-default").to_owned(),
        tags,
        created: scope.now,
    };
    let suffix = vpc.id.trim_start_matches("vpc-");
    let answer = json!({
        "VpcId": vpc.id, "ResourceGroupId": vpc.resource_group_id,
        "VRouterId": format!("vrt-{suffix}"), "RouteTableId": format!("vtb-{suffix}"),
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
    let wanted = |vpc: &&Vpc| {
        ids.as_ref().is_none_or(|ids| ids.contains(&vpc.id.as_str()))
            && scope.filter([
                ("VpcName", &vpc.name),
                ("ResourceGroupId", &vpc.resource_group_id),
                ("IsDefault", &vpc.is_default.to_string()),
                ("VpcOwnerId", &vpc.place.account),
            ])
            && has_tags(&vpc.tags, &tags)
    };
    let wire = |vpc: &Vpc| {
        let children = scope.state.vswitches.values().filter(|vswitch| vswitch.vpc_id == vpc.id);
        let suffix = vpc.id.trim_start_matches("vpc-");
        json!({
            "VpcId": vpc.id, "VpcName": vpc.name, "Description": vpc.description, "CidrBlock": vpc.cidr_block,
            "RegionId": vpc.place.region, "OwnerId": number(&vpc.place.account), "IsDefault": vpc.is_default,
            "Status": "Available", "CreationTime": iso(vpc.created), "ResourceGroupId": vpc.resource_group_id,
            "VRouterId": format!("vrt-{suffix}"), "EnabledIpv6": false, "Ipv6CidrBlock": "",
            "RouterTableIds": {"RouterTableIds": [format!("vtb-{suffix}")]},
            "VSwitchIds": {"VSwitchId": children.map(|vswitch| &vswitch.id).collect::<Vec<_>>()},
            "Tags": {"Tag": wire_tags(&vpc.tags)},
        })
    };
    let all = scope.visible(scope.state.vpcs.values()).into_iter().filter(wanted).map(wire).collect();
    let page = scope.page::<Value>(all, 10)?;
    Ok(json!({
        "PageNumber": page.number, "PageSize": page.size, "TotalCount": page.total, "Vpcs": {"Vpc": page.items},
    }))
}

pub(super) fn create_vswitch(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    let vpc_id = existing_vpc(scope, scope.parameters.require("VpcId")?)?.id.clone();
    Ok(add_vswitch(scope, vpc_id, &scope.parameters.text("CidrBlock"), false, tags))
}

pub(super) fn create_default_vswitch(scope: &mut Scope<'_>) -> Answer {
    let vpc_id = default_vpc(scope).map(|vpc| vpc.id.clone());
    let vpc_id = vpc_id.ok_or_else(|| Refusal::new("InvalidDefaultVpc.NotFound", "The default VPC does not exist."))?;
    let cidr_block = scope.parameters.get("CidrBlock").unwrap_or("172.16.0.0/20");
    Ok(add_vswitch(scope, vpc_id, cidr_block, true, Tags::new()))
}

fn add_vswitch(scope: &mut Scope<'_>, vpc_id: String, cidr_block: &str, is_default: bool, tags: Tags) -> Value {
    let given = scope.parameters;
    let id = scope.state.new_id("vsw");
    let vswitch = VSwitch {
        id: id.clone(),
        place: scope.place.clone(),
        vpc_id,
        zone_id: given.text("ZoneId"),
        name: given.text("VSwitchName"),
        description: given.text("Description"),
        cidr_block: cidr_block.to_owned(),
        is_default,
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
    let tags = scope.parameters.tags("Tag")?;
    let wanted = |vswitch: &&VSwitch| {
        scope.filter([
            ("VSwitchId", &vswitch.id),
            ("VSwitchName", &vswitch.name),
            ("VpcId", &vswitch.vpc_id),
            ("ZoneId", &vswitch.zone_id),
            ("IsDefault", &vswitch.is_default.to_string()),
            ("VSwitchOwnerId", &vswitch.place.account),
        ]) && has_tags(&vswitch.tags, &tags)
    };
    let wire = |vswitch: &VSwitch| {
        json!({
            "VSwitchId": vswitch.id, "VSwitchName": vswitch.name, "Description": vswitch.description,
            "VpcId": vswitch.vpc_id, "ZoneId": vswitch.zone_id, "CidrBlock": vswitch.cidr_block,
            "OwnerId": number(&vswitch.place.account), "IsDefault": vswitch.is_default, "Status": "Available",
            "CreationTime": iso(vswitch.created), "ResourceGroupId": "rg-default", "AvailableIpAddressCount": 250,
            "Tags": {"Tag": wire_tags(&vswitch.tags)},
        })
    };
    let all = scope.visible(scope.state.vswitches.values()).into_iter().filter(wanted).map(wire).collect();
    let page = scope.page::<Value>(all, 10)?;
    Ok(json!({
        "PageNumber": page.number, "PageSize": page.size, "TotalCount": page.total,
        "VSwitches": {"VSwitch": page.items},
    }))
}

pub(super) fn tag(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    let ids = scope.parameters.list("ResourceId");
    if ids.len() > 50 {
        return Err(Refusal::new("NumberExceed.ResourceIds", "The maximum number of resource ids is exceeded."));
    }
    let kind = scope.parameters.require("ResourceType")?;
    let place = &scope.place;
    let state = &mut *scope.state;
    let mut tagged = Vec::new();
    for id in ids {
        let resource = match kind {
            "VPC" => state.vpcs.get(id).map(Resource::place),
            "VSWITCH" => state.vswitches.get(id).map(Resource::place),
            _ => state.flow_logs.get(id).map(Resource::place),
        };
        if resource != Some(place) {
            let message = format!("The specified ResourceId {id} is not found.");
            return Err(Refusal::not_found("InvalidResourceId.NotFound", &message));
        }
        tagged.push(id);
    }
    for id in tagged {
        let present = match kind {
            "VPC" => state.vpcs.get_mut(id).map(Resource::tags_mut),
            "VSWITCH" => state.vswitches.get_mut(id).map(Resource::tags_mut),
            _ => state.flow_logs.get_mut(id).map(Resource::tags_mut),
        };
        present.into_iter().for_each(|present| present.extend(tags.clone()));
    }
    Ok(json!({}))
}

/// Whether all wanted tags are there; an empty value stands for any.
pub(super) fn has_tags(present: &Tags, wanted: &Tags) -> bool {
    wanted.iter().all(|(key, value)| present.get(key).is_some_and(|found| value.is_empty() || found == value))
}

fn wire_tags(tags: &Tags) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// An account id as the number that the API makes of it.
fn number(account: &str) -> u64 {
    account.parse().unwrap_or_default()
}
