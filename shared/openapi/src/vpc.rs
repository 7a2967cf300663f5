//! The calls of Virtual Private Cloud, version 2016-04-28.

use flow_log::{
    Delivery, FlowLog, FlowLogId, FlowLogSpec, Resource, ResourceId, ResourceType, Status,
    names::{IpVersion, ResourceGroupId},
};

use crate::{CallError, Product, Session, answer::Object, client::Request};

/// The largest page that the API gives.
const PAGE: u32 = 50;

/// Which flow logs are asked for: those that match all that is given.
#[derive(Debug, Clone, Default)]
pub struct FlowLogFilter<'a> {
    /// Those of one resource.
    pub resource: Option<&'a ResourceId>,
    /// The one with this id.
    pub id: Option<&'a FlowLogId>,
}

impl Session<'_> {
    /// `DescribeVpcs`: the VPCs with these ids, as far as they are there.
    ///
    /// # Errors
    /// The call failed, or its answer cannot be read.
    pub async fn describe_vpcs(&self, ids: &[ResourceId]) -> Result<Vec<Resource>, CallError> {
        let request = || by_id("DescribeVpcs", "VpcId", ids);
        let read = |answer: &Object<'_>| {
            answer.list("Vpcs", "Vpc").map(|vpc| self.resource(ResourceType::Vpc, &vpc, vec![])).collect()
        };
        self.pages(request, PAGE, read, |vpc: &Resource| vpc.id.to_string()).await
    }

    /// `DescribeVSwitches`: the vSwitches with these ids, as far as they are there.
    ///
    /// # Errors
    /// The call failed, or its answer cannot be read.
    pub async fn describe_vswitches(&self, ids: &[ResourceId]) -> Result<Vec<Resource>, CallError> {
        let request = || by_id("DescribeVSwitches", "VSwitchId", ids);
        let read = |answer: &Object<'_>| {
            let vswitches = answer.list("VSwitches", "VSwitch");
            vswitches
                .map(|vswitch| {
                    let vpc = ResourceId::of(ResourceType::Vpc, &vswitch.required("VpcId")?);
                    self.resource(ResourceType::VSwitch, &vswitch, vec![vpc.map_err(|error| error.to_string())?])
                })
                .collect()
        };
        self.pages(request, PAGE, read, |vswitch: &Resource| vswitch.id.to_string()).await
    }

    /// `DescribeFlowLogs`: the flow logs that match.
    ///
    /// # Errors
    /// The call failed, or its answer cannot be read.
    pub async fn describe_flow_logs(&self, filter: &FlowLogFilter<'_>) -> Result<Vec<FlowLog>, CallError> {
        let request = || {
            let resource = filter.resource;
            Request::read(Product::Vpc, "DescribeFlowLogs")
                .of(resource.map(ResourceId::as_str).or(filter.id.map(FlowLogId::as_str)).unwrap_or_default())
                .with_some("ResourceType", resource.map(|resource| resource.resource_type().as_str()))
                .with_some("ResourceId", resource.map(ResourceId::as_str))
                .with_some("FlowLogId", filter.id.map(FlowLogId::as_str))
        };
        let read = |answer: &Object<'_>| answer.list("FlowLogs", "FlowLog").map(|found| flow_log(&found)).collect();
        self.pages(request, PAGE, read, |flow_log: &FlowLog| flow_log.id.to_string()).await
    }

    /// `CreateFlowLog`: a new flow log on `resource`. It is `Activating` for a while.
    ///
    /// The API takes no client token: after an error whose remedy is [`crate::Remedy::ReadAgain`] it may be there.
    ///
    /// # Errors
    /// The call failed, or its answer cannot be read.
    pub async fn create_flow_log(&self, resource: &ResourceId, spec: &FlowLogSpec) -> Result<FlowLogId, CallError> {
        let request = Request::write(Product::Vpc, "CreateFlowLog")
            .of(resource.as_str())
            .with("ResourceType", resource.resource_type().as_str())
            .with("ResourceId", resource.as_str())
            .with("TrafficType", spec.traffic_type.as_str())
            .with("ProjectName", spec.project.as_str())
            .with("LogStoreName", spec.log_store.as_str())
            .with("FlowLogName", spec.name.as_str())
            .with("Description", spec.description.as_str())
            .with("AggregationInterval", spec.aggregation_interval.as_str())
            .with_some("IpVersion", spec.ip_version.map(IpVersion::as_str))
            .with_some("ResourceGroupId", spec.resource_group_id.as_ref().map(ResourceGroupId::as_str))
            .with_list("TrafficPath", spec.traffic_path.iter().map(|path| path.as_str()))
            .with_tags("Tag", spec.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        self.call_and_read(request, |answer| answer.parsed("FlowLogId")).await
    }

    pub(crate) fn resource(
        &self,
        resource_type: ResourceType,
        found: &Object<'_>,
        parents: Vec<ResourceId>,
    ) -> Result<Resource, String> {
        let id = match resource_type {
            ResourceType::Vpc => found.required("VpcId"),
            ResourceType::VSwitch => found.required("VSwitchId"),
            ResourceType::NetworkInterface => found.required("NetworkInterfaceId"),
        }?;
        Ok(Resource {
            account: self.account().clone(),
            region: self.region().clone(),
            id: ResourceId::of(resource_type, &id).map_err(|error| error.to_string())?,
            parents,
            tags: found.tags(),
        })
    }
}

fn by_id(action: &'static str, key: &'static str, ids: &[ResourceId]) -> Request {
    let ids = ids.iter().map(ResourceId::as_str).collect::<Vec<_>>().join(",");
    Request::read(Product::Vpc, action).of(ids.clone()).with(key, ids)
}

fn flow_log(found: &Object<'_>) -> Result<FlowLog, String> {
    let text = |key| found.text(key).unwrap_or_default();
    Ok(FlowLog {
        id: found.parsed("FlowLogId")?,
        resource_id: text("ResourceId"),
        name: text("FlowLogName"),
        description: text("Description"),
        traffic_type: text("TrafficType"),
        traffic_path: found.texts("TrafficPath", "TrafficPathList"),
        project: text("ProjectName"),
        log_store: text("LogStoreName"),
        aggregation_interval: found.number("AggregationInterval"),
        ip_version: found.text("IpVersion"),
        resource_group_id: found.text("ResourceGroupId"),
        tags: found.tags(),
        // A status that is not given is an unknown one: neither active nor missing.
        status: Status::from(text("Status").as_str()),
        service_type: found.text("ServiceType"),
        delivery: match found.text("FlowLogDeliverStatus").as_deref() {
            Some("FAILED") => Delivery::Failed(text("FlowLogDeliverErrorMessage")),
            _ => Delivery::Working,
        },
    })
}
