//! VPC's flow logs: one for each resource, with states that change over time.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, REGION, optional, required},
    tags::{has_tags, wire_tags},
};
use crate::{
    api::refusal::Refusal,
    world::{
        clock::iso,
        state::{FlowLog, Next},
    },
};

const RESOURCE_TYPES: Kind = Kind::OneOf(&["NetworkInterface", "VSwitch", "VPC"]);
const TRAFFIC_TYPES: Kind = Kind::OneOf(&["All", "Allow", "Drop"]);
const TRAFFIC_PATHS: [&str; 10] = [
    "all",
    "internetGateway",
    "natGateway",
    "vpnGateway",
    "transitRouter",
    "gatewayEndpoint",
    "vbr",
    "ecr",
    "ipv4Gateway",
    "gatewayLoadBalancerEndpoint",
];
const INTERVAL: Field = optional("AggregationInterval", Kind::OneOf(&["1", "5", "10"]))
    .or("IllegalParam.AggregationInterval", "The param of aggregationInterval is illegal.");
const NAME: Field = optional("FlowLogName", Kind::Name(128));
const DESCRIPTION: Field = optional("Description", Kind::Name(256));
const IP_VERSION: Field = optional("IpVersion", Kind::OneOf(&["IPv4"]));

const LOG_FORMAT: Field = optional("LogFormat", Kind::Text);

pub(super) const CREATE: &[Field] = &[
    REGION,
    required("ResourceType", RESOURCE_TYPES),
    required("ResourceId", Kind::Text),
    required("TrafficType", TRAFFIC_TYPES),
    required("ProjectName", Kind::Sls { underscore: false }),
    required("LogStoreName", Kind::Sls { underscore: true }),
    NAME,
    DESCRIPTION,
    INTERVAL,
    IP_VERSION,
    LOG_FORMAT,
    optional("ResourceGroupId", Kind::Id("rg-")).or("IllegalParam.ResourceGroupId", "Invalid ResourceGroupld value."),
    optional("TrafficPath", Kind::List(10)).or("IllegalParam.TrafficPath", "The param of trafficPath is illegal."),
    optional("Tag", Kind::Tags),
];
pub(super) const ONE: &[Field] = &[REGION, required("FlowLogId", Kind::Text)];
pub(super) const MODIFY: &[Field] =
    &[REGION, required("FlowLogId", Kind::Text), NAME, DESCRIPTION, INTERVAL, IP_VERSION, LOG_FORMAT];
pub(super) const DESCRIBE: &[Field] = &[
    REGION,
    optional("ResourceType", RESOURCE_TYPES),
    optional("TrafficType", TRAFFIC_TYPES),
    optional("Status", Kind::OneOf(&["Active", "Activating", "Inactive"])),
    optional("PageNumber", Kind::Number(1, usize::MAX)),
    optional("PageSize", Kind::Number(1, 50)),
    optional("FlowLogId", Kind::Text),
    optional("FlowLogName", Kind::Text),
    optional("Description", Kind::Text),
    optional("ResourceId", Kind::Text),
    optional("ProjectName", Kind::Text),
    optional("LogStoreName", Kind::Text),
    optional("VpcId", Kind::Text),
    optional("ResourceGroupId", Kind::Text),
    optional("Tags", Kind::Tags),
];
pub(super) const SERVICE: &[Field] = &[REGION, optional("ClientToken", Kind::Text)];

pub(super) fn create(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let traffic_path = traffic_path(scope)?;
    let tags = given.tags("Tag")?;
    let constraints = &scope.state.constraints;
    is_supported(scope)?;
    if !scope.state.is_service_open(&scope.place.account) {
        return Err(Refusal::documented("OptInRequired.FlowLog"));
    }
    let business_status = constraints.business_status(&scope.place.account);
    if business_status != "Normal" {
        return Err(Refusal::documented("IncorrectBusinessStatus.FlowLog"));
    }
    let (resource_type, resource_id) = (given.require("ResourceType")?, given.text("ResourceId"));
    let target = scope.state.target(resource_type, &resource_id);
    let target = target
        .filter(|target| *target.place() == scope.place && constraints.is_seen(target.created(), scope.now))
        .ok_or_else(|| {
            Refusal::documented("InvalidInstanceId").saying(match resource_type {
                "VPC" => "VPC does not exists.",
                "VSwitch" => "vswitch does not exist.",
                _ => "NetworkInterface does not exist.",
            })
        })?;
    if target.is_service_managed() {
        return Err(Refusal::documented("OperationUnsupported.action"));
    }
    let vpc = scope.state.vpc_of(&resource_id).and_then(|id| scope.state.vpcs.get(id));
    if vpc.is_some_and(|vpc| vpc.has_old_instances) {
        return Err(Refusal::documented("OperationUnsupported.AdvancedFeature"));
    }
    has_group(scope, "ResourceGroupId")?;
    let destination = (given.require("ProjectName")?, given.require("LogStoreName")?);
    if !scope.state.has_destination(&scope.place, destination, scope.options.check_destinations, scope.now) {
        return Err(Refusal::documented("ProjectOrLogstoreNotExist"));
    }
    if scope.state.flow_logs.values().any(|flow_log| flow_log.resource_id == resource_id) {
        return Err(Refusal::documented("InvalidResourceId.NotFound"));
    }
    if scope.state.flow_logs.values().filter(|flow_log| flow_log.place == scope.place).count() >= scope.options.quota {
        return Err(Refusal::documented("QuotaExceeded.FlowlogCount"));
    }
    let id = scope.state.new_id("fl");
    let flow_log = FlowLog {
        id: id.clone(),
        place: scope.place.clone(),
        name: given.text("FlowLogName"),
        description: given.text("Description"),
        resource_type: given.text("ResourceType"),
        resource_id,
        traffic_type: given.text("TrafficType"),
        traffic_path,
        project: given.text("ProjectName"),
        log_store: given.text("LogStoreName"),
        aggregation_interval: given.get("AggregationInterval").and_then(|text| text.parse().ok()).unwrap_or(10),
        ip_version: given.get("IpVersion").unwrap_or("IPv4").to_owned(),
        log_format: given.text("LogFormat"),
        resource_group_id: given.get("ResourceGroupId").unwrap_or("rg-default").to_owned(),
        tags,
        status: "Activating".into(),
        business_status: "Normal".into(),
        service_type: String::new(),
        deliver_status: "SUCCESS".into(),
        deliver_error_message: String::new(),
        created: scope.now,
        next: Some(Next::Status("Active".into())),
    };
    let answer = json!({"FlowLogId": id, "Success": "true", "ResourceGroupId": flow_log.resource_group_id});
    scope.state.flow_logs.insert(id.clone(), flow_log);
    scope.changing.push(id);
    Ok(answer)
}

/// Checks that the call's region supports flow logs.
fn is_supported(scope: &Scope<'_>) -> Result<(), Refusal> {
    if scope.state.constraints.has_flow_logs(&scope.place.region) {
        Ok(())
    } else {
        Err(Refusal::documented("OperationUnsupported.action"))
    }
}

/// Checks that the account has the resource group in a parameter, if it is given.
pub(super) fn has_group(scope: &Scope<'_>, parameter: &str) -> Result<(), Refusal> {
    let group = scope.parameters.get(parameter);
    if group.is_none_or(|id| scope.state.constraints.has_resource_group(&scope.place.account, id)) {
        Ok(())
    } else {
        Err(Refusal::documented("IllegalParam.ResourceGroupId"))
    }
}

fn traffic_path(scope: &Scope<'_>) -> Result<Vec<String>, Refusal> {
    let given = scope.parameters.list("TrafficPath");
    let may_be_named = scope.options.traffic_paths && scope.state.constraints.has_traffic_paths(&scope.place);
    let code = if given.iter().any(|path| !TRAFFIC_PATHS.contains(path)) {
        "IllegalParam.TrafficPath"
    } else if given.iter().collect::<BTreeSet<_>>().len() < given.len() {
        "DuplicatedParam.TrafficPath"
    } else if !given.is_empty() && !may_be_named {
        "UnsupportedFeature.UserDefinedTrafficPath"
    } else {
        return Ok(if given.is_empty() { vec!["all".into()] } else { given.into_iter().map(str::to_owned).collect() });
    };
    Err(Refusal::documented(code))
}

/// Starts a transition of the flow log in the call, unless something prevents it.
fn change(scope: &mut Scope<'_>, status: &str, from: Option<&str>, next: impl FnOnce(&FlowLog) -> Next) -> Answer {
    is_supported(scope)?;
    let id = scope.parameters.require("FlowLogId")?;
    let place = &scope.place;
    let not_found = || Refusal::documented("InvalidInstanceId.NotFound");
    let before = scope.state.flow_logs.get(id).filter(|flow_log| flow_log.place == *place).ok_or_else(not_found)?;
    let destination = (before.project.as_str(), before.log_store.as_str());
    let is_delivered = before.deliver_status != "FAILED"
        && scope.state.has_destination(place, destination, scope.options.check_destinations, scope.now);
    let flow_log = scope.state.flow_logs.get_mut(id).ok_or_else(not_found)?;
    // A flow log that is stuck in a transition has no `next`.
    let is_changing = flow_log.next.is_some() || flow_log.status.ends_with("ing");
    let in_the_way = [
        (flow_log.service_type == "sls", "Forbidden.OperateManagedFlowLog"),
        (flow_log.business_status != "Normal", "IncorrectBusinessStatus.FlowLog"),
        (is_changing, "IncorrectStatus.flowlog"),
        (from.is_some_and(|from| flow_log.status != from), "InvalidStatus"),
        (status == "Activating" && !is_delivered, "OperationDenied.FlowLogDeliverFailed"),
    ];
    if let Some((_, code)) = in_the_way.into_iter().find(|(holds, _)| *holds) {
        return Err(Refusal::documented(code));
    }
    flow_log.next = Some(next(flow_log));
    flow_log.status = status.into();
    scope.changing.push(id.to_owned());
    Ok(json!({"Success": "true"}))
}

pub(super) fn active(scope: &mut Scope<'_>) -> Answer {
    change(scope, "Activating", Some("Inactive"), |_| Next::Status("Active".into()))
}

pub(super) fn deactive(scope: &mut Scope<'_>) -> Answer {
    change(scope, "Deactivating", Some("Active"), |_| Next::Status("Inactive".into()))
}

pub(super) fn delete(scope: &mut Scope<'_>) -> Answer {
    change(scope, "Deleting", None, |_| Next::Gone)
}

pub(super) fn modify(scope: &mut Scope<'_>) -> Answer {
    let answer = change(scope, "Modifying", None, |flow_log| Next::Status(flow_log.status.clone()))?;
    let given = scope.parameters;
    if let Some(flow_log) = given.get("FlowLogId").and_then(|id| scope.state.flow_logs.get_mut(id)) {
        given.set(&mut flow_log.name, "FlowLogName");
        given.set(&mut flow_log.description, "Description");
        given.set(&mut flow_log.ip_version, "IpVersion");
        given.set(&mut flow_log.log_format, "LogFormat");
        let interval = given.get("AggregationInterval").and_then(|text| text.parse().ok());
        flow_log.aggregation_interval = interval.unwrap_or(flow_log.aggregation_interval);
    }
    Ok(answer)
}

pub(super) fn describe(scope: &mut Scope<'_>) -> Answer {
    is_supported(scope)?;
    let tags = scope.parameters.tags("Tags")?;
    let matches = |flow_log: &&FlowLog| {
        scope.filter([
            ("FlowLogId", &flow_log.id),
            ("FlowLogName", &flow_log.name),
            ("Description", &flow_log.description),
            ("ResourceType", &flow_log.resource_type),
            ("ResourceId", &flow_log.resource_id),
            ("TrafficType", &flow_log.traffic_type),
            ("ProjectName", &flow_log.project),
            ("LogStoreName", &flow_log.log_store),
            ("Status", &flow_log.status),
            ("ResourceGroupId", &flow_log.resource_group_id),
            ("VpcId", scope.state.vpc_of(&flow_log.resource_id).unwrap_or_default()),
        ]) && has_tags(&flow_log.tags, &tags)
    };
    let all = scope.visible(scope.state.flow_logs.values()).into_iter().filter(matches).collect();
    let page = scope.page(all, 20, wire)?;
    Ok(json!({
        // A string only in this operation, as in the models of the official SDKs.
        "PageNumber": page.number.to_string(),
        "PageSize": page.size.to_string(),
        "TotalCount": page.total.to_string(),
        "Success": "true",
        "FlowLogs": {"FlowLog": page.items},
    }))
}

fn wire(flow_log: &FlowLog) -> Value {
    json!({
        "FlowLogId": flow_log.id,
        "FlowLogName": flow_log.name,
        "Description": flow_log.description,
        "RegionId": flow_log.place.region,
        "ResourceType": flow_log.resource_type,
        "ResourceId": flow_log.resource_id,
        "TrafficType": flow_log.traffic_type,
        "TrafficPath": {"TrafficPathList": flow_log.traffic_path},
        "ProjectName": flow_log.project,
        "LogStoreName": flow_log.log_store,
        "AggregationInterval": flow_log.aggregation_interval,
        "IpVersion": flow_log.ip_version,
        "LogFormat": flow_log.log_format,
        "ResourceGroupId": flow_log.resource_group_id,
        "Status": flow_log.status,
        "BusinessStatus": flow_log.business_status,
        "ServiceType": flow_log.service_type,
        "FlowLogDeliverStatus": flow_log.deliver_status,
        "FlowLogDeliverErrorMessage": flow_log.deliver_error_message,
        "CreationTime": iso(flow_log.created),
        "Tags": {"Tag": wire_tags(&flow_log.tags, "Key", "Value")},
    })
}

pub(super) fn service_status(scope: &mut Scope<'_>) -> Answer {
    Ok(json!({"Enabled": scope.state.is_service_open(&scope.place.account)}))
}

pub(super) fn open_service(scope: &mut Scope<'_>) -> Answer {
    if scope.state.is_service_open(&scope.place.account) {
        return Err(Refusal::documented("OperationFailed.ExceedPurchaseLimit"));
    }
    scope.state.open_service(&scope.place.account);
    Ok(json!({"Code": "200", "Message": "successful"}))
}
