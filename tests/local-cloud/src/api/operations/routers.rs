//! Express Connect Router: routers, the virtual border routers attached to them, and their flow logs.

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, optional, required},
    tags::{has_tags, wire_tags},
    vpcs::number,
};
use crate::{
    api::refusal::Refusal,
    world::{
        clock::iso,
        state::{ExpressConnectRouter, Resource, RouterChild, RouterFlowLog},
    },
};

const ROUTER: Field = required("EcrId", Kind::Text);
const FLOW_LOG: Field = required("FlowLogId", Kind::Text);
const CLIENT_TOKEN: Field = optional("ClientToken", Kind::Like(str::is_ascii));
const DRY_RUN: Field = optional("DryRun", Kind::Switch);
const MAX_RESULTS: Field = optional("MaxResults", Kind::Number(1, i32::MAX as usize));
const NEXT_TOKEN: Field = optional("NextToken", Kind::Text);
const NAME: Field = optional("FlowLogName", Kind::Name(128));
const DESCRIPTION: Field = optional("Description", Kind::Name(256));
const GROUP: Field = optional("ResourceGroupId", Kind::Text);
const TAGS: Field = optional("Tag", Kind::Tags);
const INTERVAL: Field =
    optional("Interval", Kind::OneOf(&["60", "600"])).or("IllegalParam.Interval", "The param of Interval is illegal.");
const SAMPLING_RATE: Field = optional("SamplingRate", Kind::OneOf(&["1:4096", "1:2048", "1:1024"]))
    .or("IllegalParam.SamplingRate", "The param of SamplingRate is illegal.");
const NO_REGION: (&str, &str) = ("UnsupportedRegion", "Feature not supported in specified region.");
const VBR: Kind = Kind::OneOf(&["VBR"]);

pub(super) const CREATE_ROUTER: &[Field] = &[
    required("AlibabaSideAsn", Kind::Number(1, u32::MAX as usize)),
    optional("Name", Kind::Name(128)),
    DESCRIPTION,
    GROUP,
    TAGS,
    CLIENT_TOKEN,
    DRY_RUN,
];
pub(super) const ATTACH: &[Field] = &[
    ROUTER,
    required("ChildInstanceId", Kind::Text),
    required("ChildInstanceType", VBR)
        .or("IllegalParam.ChildInstanceType", "The param of ChildInstanceType is illegal."),
    required("ChildInstanceRegionId", Kind::Region).or(NO_REGION.0, NO_REGION.1),
    optional("ChildInstanceOwnerId", Kind::Number(1, usize::MAX)),
    CLIENT_TOKEN,
    DRY_RUN,
];
pub(super) const DESCRIBE_ROUTERS: &[Field] = &[
    optional("EcrId", Kind::Text),
    optional("Name", Kind::Name(128)),
    GROUP,
    TAGS,
    MAX_RESULTS,
    NEXT_TOKEN,
    CLIENT_TOKEN,
    DRY_RUN,
];
pub(super) const DESCRIBE_CHILDREN: &[Field] = &[
    ROUTER,
    optional("ChildInstanceId", Kind::Text),
    optional("ChildInstanceType", Kind::Text),
    optional("ChildInstanceRegionId", Kind::Text),
    optional("AssociationId", Kind::Text),
    MAX_RESULTS,
    NEXT_TOKEN,
    CLIENT_TOKEN,
    DRY_RUN,
];
pub(super) const CREATE: &[Field] = &[
    ROUTER,
    required("InstanceType", VBR).or("IllegalParam.InstanceType", "The param of InstanceType is illegal."),
    required("InstanceId", Kind::Text),
    required("ProjectName", Kind::Sls { underscore: false }),
    required("LogStoreName", Kind::Sls { underscore: true }),
    NAME,
    DESCRIPTION,
    INTERVAL,
    SAMPLING_RATE,
    optional("TargetSlsRegionId", Kind::Region).or(NO_REGION.0, NO_REGION.1),
    GROUP,
    TAGS,
    CLIENT_TOKEN,
    DRY_RUN,
];
pub(super) const ONE: &[Field] = &[ROUTER, FLOW_LOG, CLIENT_TOKEN, DRY_RUN];
pub(super) const MODIFY: &[Field] =
    &[ROUTER, FLOW_LOG, NAME, DESCRIPTION, INTERVAL, SAMPLING_RATE, CLIENT_TOKEN, DRY_RUN];
pub(super) const DESCRIBE: &[Field] = &[
    ROUTER,
    optional("FlowLogId", Kind::Text),
    NAME,
    optional("InstanceId", Kind::Text),
    optional("ProjectName", Kind::Text),
    optional("LogStoreName", Kind::Text),
    GROUP,
    TAGS,
    MAX_RESULTS,
    NEXT_TOKEN,
    CLIENT_TOKEN,
    DRY_RUN,
];

pub(super) fn create_router(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let router = ExpressConnectRouter {
        id: scope.state.new_id("ecr"),
        place: scope.place.clone(),
        name: given.text("Name"),
        description: given.text("Description"),
        alibaba_side_asn: given.number("AlibabaSideAsn")?.unwrap_or_default() as u64,
        resource_group_id: given.get("ResourceGroupId").unwrap_or("rg-default").to_owned(),
        tags: given.tags("Tag")?,
        status: "ACTIVE".into(),
        children: Vec::new(),
        created: scope.now,
    };
    let answer = json!({"EcrId": router.id});
    scope.state.routers.insert(router.id.clone(), router);
    Ok(answer)
}

pub(super) fn attach(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let association_id = scope.state.new_id("ecr-assoc");
    let child = RouterChild {
        id: given.text("ChildInstanceId"),
        region: given.text("ChildInstanceRegionId"),
        owner: given.get("ChildInstanceOwnerId").unwrap_or(&scope.place.account).to_owned(),
        association_id,
        created: scope.now,
    };
    if scope.state.routers.values().any(|router| router.children.iter().any(|known| known.id == child.id)) {
        let message = "The specified resource of ChildInstanceId already exists.";
        return Err(Refusal::new("ResourceAlreadyExist.ChildInstanceId", message));
    }
    router(scope)?.children.push(child);
    Ok(json!({}))
}

/// Returns the router in the call, if it exists and its status allows operations.
fn router<'s>(scope: &'s mut Scope<'_>) -> Result<&'s mut ExpressConnectRouter, Refusal> {
    let id = scope.parameters.require("EcrId")?;
    let router = scope.state.routers.get_mut(id).filter(|router| router.place == scope.place);
    let router = router.ok_or_else(|| Refusal::not_found("ResourceNotFound.EcrId", "EcrId not found."))?;
    if !scope.is_write || router.status == "ACTIVE" {
        return Ok(router);
    }
    let is_going = router.status == "DELETING";
    Err(Refusal::documented(if is_going { "OperationDenied.ForceDeleting" } else { "IncorrectStatus.Ecr" }))
}

pub(super) fn describe_routers(scope: &mut Scope<'_>) -> Answer {
    let tags = scope.parameters.tags("Tag")?;
    let matches = |router: &&ExpressConnectRouter| {
        scope.filter([("EcrId", &router.id), ("Name", &router.name), ("ResourceGroupId", &router.resource_group_id)])
            && has_tags(&router.tags, &tags)
    };
    let wire = |router: &ExpressConnectRouter| {
        json!({
            "EcrId": router.id, "Name": router.name, "Description": router.description, "Status": router.status,
            "AlibabaSideAsn": router.alibaba_side_asn,
            "BizStatus": scope.state.constraints.business_status(&router.place.account),
            "OwnerId": number(&router.place.account),
            "ResourceGroupId": router.resource_group_id, "Tags": wire_tags(&router.tags, "TagKey", "TagValue"),
            "GmtCreate": iso(router.created), "GmtModified": iso(router.created),
        })
    };
    let all = scope.visible(scope.state.routers.values()).into_iter().filter(matches).map(wire).collect();
    scope.router_page("EcrList", all, 20)
}

pub(super) fn describe_children(scope: &mut Scope<'_>) -> Answer {
    let router = router(scope)?.clone();
    let matches = |child: &&RouterChild| {
        scope.filter([
            ("ChildInstanceId", &child.id),
            ("ChildInstanceType", "VBR"),
            ("ChildInstanceRegionId", &child.region),
            ("AssociationId", &child.association_id),
        ])
    };
    let wire = |child: &RouterChild| {
        json!({
            "ChildInstanceId": child.id, "ChildInstanceType": "VBR", "ChildInstanceRegionId": child.region,
            "ChildInstanceOwnerId": number(&child.owner), "ChildInstanceName": "",
            "AssociationId": child.association_id, "EcrId": router.id, "RegionId": child.region, "Status": "ACTIVE",
            "OwnerId": number(&router.place.account), "Description": "",
            "GmtCreate": iso(child.created), "GmtModified": iso(child.created),
        })
    };
    scope.router_page("ChildInstanceList", router.children.iter().filter(matches).map(wire).collect(), 20)
}

pub(super) fn create(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let instance_id = given.text("InstanceId");
    let router = router(scope)?;
    let child = router.children.iter().find(|child| child.id == instance_id);
    let region = child
        .map(|child| child.region.clone())
        .ok_or_else(|| Refusal::not_found("ResourceNotFound.ChildInstanceId", "ChildInstanceId not found."))?;
    let router_id = router.id.clone();
    if !scope.state.constraints.has_flow_logs(&region) {
        return Err(Refusal::documented("UnsupportedRegion"));
    }
    if let Some(present) = scope.state.router_flow_logs.values().find(|present| present.instance_id == instance_id) {
        return Err(Refusal::documented("ResourceAlreadyExist.FlowLogId").about(&present.id));
    }
    let flow_log = RouterFlowLog {
        id: scope.state.new_id("ecr-flog"),
        place: scope.place.clone(),
        router_id,
        name: given.text("FlowLogName"),
        description: given.text("Description"),
        instance_id,
        project: given.text("ProjectName"),
        log_store: given.text("LogStoreName"),
        sls_region: given.get("TargetSlsRegionId").unwrap_or(&region).to_owned(),
        region,
        interval: given.number("Interval")?.unwrap_or(600) as u32,
        sampling_rate: given.get("SamplingRate").unwrap_or("1:4096").to_owned(),
        resource_group_id: given.get("ResourceGroupId").unwrap_or("rg-default").to_owned(),
        tags: given.tags("Tag")?,
        status: "Active".into(),
        created: scope.now,
    };
    let answer = json!({"FlowLogId": flow_log.id});
    scope.state.router_flow_logs.insert(flow_log.id.clone(), flow_log);
    Ok(answer)
}

/// Returns the flow log in the call, if it belongs to the router in the call.
fn flow_log<'s>(scope: &'s mut Scope<'_>) -> Result<&'s mut RouterFlowLog, Refusal> {
    let router_id = router(scope)?.id.clone();
    let id = scope.parameters.require("FlowLogId")?;
    let flow_log = scope.state.router_flow_logs.get_mut(id).filter(|flow_log| flow_log.router_id == router_id);
    flow_log.ok_or_else(|| Refusal::not_found("ResourceNotFound.FlowLogId", "FlowLogId not found."))
}

fn turn(scope: &mut Scope<'_>, status: &str) -> Answer {
    let flow_log = flow_log(scope)?;
    if flow_log.status == status {
        return Err(Refusal::documented("InvalidStatus"));
    }
    flow_log.status = status.into();
    Ok(json!({}))
}

pub(super) fn activate(scope: &mut Scope<'_>) -> Answer {
    turn(scope, "Active")
}

pub(super) fn deactivate(scope: &mut Scope<'_>) -> Answer {
    turn(scope, "Inactive")
}

pub(super) fn delete(scope: &mut Scope<'_>) -> Answer {
    let id = flow_log(scope)?.id.clone();
    scope.state.router_flow_logs.remove(&id);
    Ok(json!({}))
}

pub(super) fn modify(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let flow_log = flow_log(scope)?;
    given.set_or_clear(&mut flow_log.name, "FlowLogName");
    given.set_or_clear(&mut flow_log.description, "Description");
    given.set(&mut flow_log.sampling_rate, "SamplingRate");
    if let Some(interval) = given.number("Interval")? {
        flow_log.interval = interval as u32;
    }
    Ok(json!({}))
}

pub(super) fn describe(scope: &mut Scope<'_>) -> Answer {
    let router_id = router(scope)?.id.clone();
    let tags = scope.parameters.tags("Tag")?;
    let matches = |flow_log: &&RouterFlowLog| {
        flow_log.router_id == router_id
            && scope.filter([
                ("FlowLogId", &flow_log.id),
                ("FlowLogName", &flow_log.name),
                ("InstanceId", &flow_log.instance_id),
                ("ProjectName", &flow_log.project),
                ("LogStoreName", &flow_log.log_store),
                ("ResourceGroupId", &flow_log.resource_group_id),
            ])
            && has_tags(flow_log.tags(), &tags)
    };
    let all = scope.visible(scope.state.router_flow_logs.values()).into_iter().filter(matches).map(wire).collect();
    scope.router_page("FlowLogs", all, 10)
}

fn wire(flow_log: &RouterFlowLog) -> Value {
    json!({
        "FlowLogId": flow_log.id,
        "FlowLogName": flow_log.name,
        "Description": flow_log.description,
        "EcrId": flow_log.router_id,
        "InstanceId": flow_log.instance_id,
        "InstanceType": "VBR",
        "RegionId": flow_log.region,
        "ProjectName": flow_log.project,
        "LogStoreName": flow_log.log_store,
        "SlsRegionId": flow_log.sls_region,
        "Interval": flow_log.interval,
        "SamplingRate": flow_log.sampling_rate,
        "ResourceGroupId": flow_log.resource_group_id,
        "Status": flow_log.status,
        "CreationTime": iso(flow_log.created),
        "Tags": wire_tags(&flow_log.tags, "Key", "Value"),
    })
}
