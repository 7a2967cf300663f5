//! Tags and resource groups of every product's resources.

use serde_json::{Value, json};

use super::{
    Answer, ECR, Scope,
    fields::{Field, Kind, REGION, optional, required},
    flow_logs::has_group,
};
use crate::api::{parameters::Tags, refusal::Refusal};

const OF_VPC: Kind = Kind::OneOf(&[
    "VPC",
    "VSWITCH",
    "ROUTETABLE",
    "EIP",
    "VPNGATEWAY",
    "NATGATEWAY",
    "COMMONBANDWIDTHPACKAGE",
    "PREFIXLIST",
    "PUBLICIPADDRESSPOOL",
    "IPV4GATEWAY",
    "IPV6GATEWAY",
    "NETWORKACL",
    "TRAFFICMIRRORFILTER",
    "TRAFFICMIRRORSESSION",
    "FLOWLOG",
    "HAVIP",
    "DHCPOPTIONSSET",
    "GATEWAYENDPOINT",
    "IPV6ADDRESS",
]);
/// Terraform writes resource types in upper case.
const MOVABLE: Kind = Kind::Like(|value| {
    [
        "Vpc",
        "Eip",
        "BandwidthPackage",
        "PrefixList",
        "PublicIpAddressPool",
        "FlowLog",
        "HaVip",
        "TrafficMirrorFilter",
        "TrafficMirrorSession",
        "IPv4Gateway",
        "IPv6Gateway",
        "IPv6Address",
        "DhcpOptionsSet",
        "GatewayEndpoint",
    ]
    .iter()
    .any(|known| value.eq_ignore_ascii_case(known))
});
const TYPE: Field = required("ResourceType", OF_VPC);
const ROUTER_TYPE: Field = required("ResourceType", Kind::OneOf(&["EXPRESSCONNECTROUTER"]));
const ANY_TYPE: Field = required("ResourceType", Kind::Text);
const IDS: Field = required("ResourceId", Kind::List(50)).or(TOO_MANY.0, TOO_MANY.1);
const SOME_IDS: Field = optional("ResourceId", Kind::List(50)).or(TOO_MANY.0, TOO_MANY.1);
const TOO_MANY: (&str, &str) = ("NumberExceed.ResourceIds", "The maximum number of resource ids is exceeded.");
const TAGS: Field = required("Tag", Kind::Tags);
const SOME_TAGS: Field = optional("Tag", Kind::Tags);
const NEXT: Field = optional("NextToken", Kind::Text);

pub(super) const TAG: &[Field] = &[REGION, TYPE, IDS, TAGS];
pub(super) const UNTAG: &[Field] =
    &[REGION, TYPE, IDS, optional("TagKey", Kind::List(20)), optional("All", Kind::Switch)];
pub(super) const LIST: &[Field] =
    &[REGION, TYPE, SOME_IDS, SOME_TAGS, NEXT, optional("MaxResults", Kind::Number(1, 50))];
pub(super) const TAG_OF_ECS: &[Field] = &[REGION, ANY_TYPE, IDS, TAGS];
pub(super) const UNTAG_OF_ECS: &[Field] =
    &[REGION, ANY_TYPE, IDS, optional("TagKey", Kind::List(20)), optional("All", Kind::Switch)];
pub(super) const LIST_OF_ECS: &[Field] =
    &[REGION, ANY_TYPE, SOME_IDS, SOME_TAGS, NEXT, optional("TagFilter", Kind::Unused)];
pub(super) const TAG_ROUTER: &[Field] =
    &[ROUTER_TYPE, IDS, TAGS, optional("ClientToken", Kind::Text), optional("DryRun", Kind::Switch)];
pub(super) const UNTAG_ROUTER: &[Field] =
    &[ROUTER_TYPE, IDS, optional("TagKey", Kind::List(20)), optional("All", Kind::Switch)];
pub(super) const LIST_OF_ROUTER: &[Field] =
    &[ROUTER_TYPE, SOME_IDS, SOME_TAGS, NEXT, optional("MaxResults", Kind::Number(1, usize::MAX))];
pub(super) const MOVE: &[Field] = &[
    REGION,
    required("ResourceId", Kind::Text),
    required("ResourceType", MOVABLE),
    required("NewResourceGroupId", Kind::Id("rg-"))
        .or("IllegalParam.ResourceGroupId", "Invalid ResourceGroupld value."),
];

pub(super) fn tag(scope: &mut Scope<'_>) -> Answer {
    let added = scope.parameters.tags("Tag")?;
    change(scope, |tags| tags.extend(added.clone()))
}

pub(super) fn untag(scope: &mut Scope<'_>) -> Answer {
    let keys = scope.parameters.list("TagKey");
    let all = scope.parameters.is_on("All");
    if keys.is_empty() && !all {
        return Err(Refusal::missing("TagKey"));
    }
    // `All` applies only if no key is given.
    change(scope, |tags| tags.retain(|key, _| !keys.is_empty() && !keys.contains(&key.as_str())))
}

/// Changes the tags of all resources in the call, or of none if one of them does not exist.
fn change(scope: &mut Scope<'_>, change: impl Fn(&mut Tags)) -> Answer {
    let kind = scope.parameters.require("ResourceType")?;
    let ids = scope.parameters.list("ResourceId");
    for id in &ids {
        let there = scope.state.one_of_kind(kind, id).is_some_and(|resource| *resource.place() == scope.place);
        if !there {
            let message = format!("The specified ResourceId {id} is not found.");
            return Err(Refusal::not_found("InvalidResourceId.NotFound", &message));
        }
    }
    for id in ids {
        if let Some(resource) = scope.state.one_of_kind(kind, id) {
            change(resource.tags_mut());
        }
    }
    Ok(json!({}))
}

pub(super) fn list(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let (ids, tags) = (given.list("ResourceId"), given.tags("Tag")?);
    let kind = given.require("ResourceType")?;
    let resources = scope.state.of_kind(kind).into_iter().filter(|(id, resource)| {
        *resource.place() == scope.place && (ids.is_empty() || ids.contains(id)) && has_tags(resource.tags(), &tags)
    });
    let one = |id: &str, (key, value): (&String, &String)| json!({"ResourceId": id, "ResourceType": kind, "TagKey": key, "TagValue": value});
    let all: Vec<Value> =
        resources.flat_map(|(id, resource)| resource.tags().iter().map(move |tag| one(id, tag))).collect();
    if *scope.product == ECR {
        return scope.router_page("TagResources", all, 20);
    }
    let (items, next) = scope.part(all, given.number("MaxResults")?.unwrap_or(50))?;
    Ok(json!({"TagResources": {"TagResource": items}, "NextToken": next}))
}

pub(super) fn move_group(scope: &mut Scope<'_>) -> Answer {
    let id = scope.parameters.require("ResourceId")?;
    has_group(scope, "NewResourceGroupId")?;
    let found = match scope.parameters.require("ResourceType")?.to_ascii_uppercase().as_str() {
        "VPC" => scope.state.vpcs.get_mut(id).map(|vpc| (&vpc.place, &mut vpc.resource_group_id)),
        "FLOWLOG" => scope.state.flow_logs.get_mut(id).map(|one| (&one.place, &mut one.resource_group_id)),
        _ => None,
    };
    let found = found.filter(|(place, _)| **place == scope.place);
    let (_, group) = found.ok_or_else(|| Refusal::documented("InvalidInstanceId.NotFound"))?;
    *group = scope.parameters.text("NewResourceGroupId");
    Ok(json!({}))
}

/// Returns whether all required tags are present. An empty value matches any value.
pub(super) fn has_tags(present: &Tags, required: &Tags) -> bool {
    required.iter().all(|(key, value)| present.get(key).is_some_and(|found| value.is_empty() || found == value))
}

/// Returns tags for an answer. Products name the members differently.
pub(super) fn wire_tags(tags: &Tags, key_name: &str, value_name: &str) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({key_name: key, value_name: value})).collect()
}
