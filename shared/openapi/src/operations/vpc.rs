//! The operations of Virtual Private Cloud, version 2016-04-28.

use flow_log::{
    AccountId, Delivery, FlowLog, FlowLogId, FlowLogSpec, RegionId, Resource, ResourceId, ResourceType, Status,
    names::{AggregationInterval, Description, FlowLogName, IpVersion, ResourceGroupId, Tags, TrafficType},
};
use futures_util::stream::BoxStream;

use crate::{
    CallError, Entry, ErrorKind, Listing, Product, Session, Writes,
    call::{request::Request, response_object::ResponseObject},
    operations::details::{self, VSwitch, Vpc},
    paging::listing::List,
};

/// The maximum page size.
const MAX_PAGE_SIZE: u32 = 50;
/// How many VPC ids the API accepts at once.
const MAX_IDS: usize = 20;

/// Selects VPCs. All given fields must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct VpcFilter<'a> {
    /// With one of these ids, at most 20. Empty means any.
    pub ids: &'a [ResourceId],
    /// With this name.
    pub name: Option<&'a str>,
    /// The default one that the cloud created, or the others.
    pub is_default: Option<bool>,
    /// With or without IPv6.
    pub has_ipv6: Option<bool>,
    /// With this DHCP options set.
    pub dhcp_options_set: Option<&'a str>,
    /// Owned by this account, among those that other accounts share.
    pub owner: Option<&'a AccountId>,
    /// In this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// With all of these tags.
    pub tags: Option<&'a Tags>,
}

/// Selects vSwitches. All given fields must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct VSwitchFilter<'a> {
    /// With this id. A single one, because it is not documented that the API accepts a list here; taken for one id, a
    /// list would match nothing.
    pub id: Option<&'a ResourceId>,
    /// In this VPC.
    pub vpc: Option<&'a ResourceId>,
    /// With this name.
    pub name: Option<&'a str>,
    /// In this zone.
    pub zone: Option<&'a str>,
    /// The default ones that the cloud created, or the others.
    pub is_default: Option<bool>,
    /// With this route table.
    pub route_table: Option<&'a str>,
    /// With or without IPv6.
    pub has_ipv6: Option<bool>,
    /// Owned by this account, among those that other accounts share.
    pub owner: Option<&'a AccountId>,
    /// In this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// With all of these tags.
    pub tags: Option<&'a Tags>,
}

/// Selects flow logs. All given fields must match.
///
/// Names are plain texts, because existing flow logs may break the limits for new ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowLogFilter<'a> {
    /// On this resource.
    pub resource: Option<&'a ResourceId>,
    /// On resources of this type.
    pub resource_type: Option<ResourceType>,
    /// On resources in this VPC.
    pub vpc: Option<&'a ResourceId>,
    /// With this id.
    pub id: Option<&'a FlowLogId>,
    /// With this name.
    pub name: Option<&'a str>,
    /// With this description.
    pub description: Option<&'a str>,
    /// Recording this type of traffic.
    pub traffic_type: Option<TrafficType>,
    /// Writing to this SLS project.
    pub project: Option<&'a str>,
    /// Writing to this Logstore.
    pub log_store: Option<&'a str>,
    /// With this status: active, activating or inactive. The API accepts no other.
    pub status: Option<&'a Status>,
    /// In this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// With all of these tags.
    pub tags: Option<&'a Tags>,
}

/// Parameters of `CreateFlowLog` that a policy cannot set.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowLogExtras<'a> {
    /// The format of the log entries. The possible values are not documented.
    pub log_format: Option<&'a str>,
}

/// The result of `CreateFlowLog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedFlowLog {
    /// The id of the flow log.
    pub id: FlowLogId,
    /// The resource group. The account's default one, if none was requested.
    pub resource_group_id: Option<String>,
}

/// What `ModifyFlowLogAttribute` can change. `None` leaves a value unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowLogAttributes<'a> {
    /// The new name.
    pub name: Option<&'a FlowLogName>,
    /// The new description.
    pub description: Option<&'a Description>,
    /// How long traffic is aggregated before a log entry is written.
    pub aggregation_interval: Option<AggregationInterval>,
    /// The IP version that is recorded.
    pub ip_version: Option<IpVersion>,
    /// The format of the log entries. The possible values are not documented.
    pub log_format: Option<&'a str>,
}

/// What `MoveResourceGroup` can move.
#[derive(Debug, Clone, Copy)]
pub enum Movable<'a> {
    /// A flow log.
    FlowLog(&'a FlowLogId),
    /// A VPC.
    Vpc(&'a ResourceId),
}

/// A region as `DescribeRegions` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// `RegionId`.
    pub id: RegionId,
    /// The name, in the language of the request.
    pub local_name: String,
    /// The endpoint of VPC in the region.
    pub endpoint: Option<String>,
}

/// The result of `OpenFlowLogService`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceOpening {
    /// The service was opened.
    Opened,
    /// The service was already open.
    WasOpen,
}

impl Session<'_> {
    /// `DescribeRegions`: lists the regions of VPC.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_regions(&self) -> Result<Listing<Region>, CallError> {
        let request = Request::read(Product::Vpc, "DescribeRegions").with("AcceptLanguage", "en-US");
        let list = List::new("Regions", "Region", &["RegionId"]);
        let read = |region: &ResponseObject<'_>| {
            Ok(Region {
                id: region.parsed("RegionId")?,
                local_name: region.text("LocalName").unwrap_or_default(),
                endpoint: region.text("RegionEndpoint"),
            })
        };
        let (found, request_id) = self
            .call_and_read_items(&request, |response, key| {
                Ok((list.read(response, key, read)?, response.text("RequestId")))
            })
            .await?;
        self.report_page(&request, found.len(), None, request_id);
        Ok(found.into_iter().filter_map(|item| item.entry).collect())
    }

    /// `DescribeVpcs`: streams the matching VPCs, one page at a time.
    #[must_use]
    pub fn vpcs<'s>(&'s self, filter: &VpcFilter<'_>) -> BoxStream<'s, Result<Entry<Resource>, CallError>> {
        let read = |vpc: &ResponseObject<'_>| self.resource(ResourceType::Vpc, vpc, vec![]);
        self.by_page_number(filter.request(), MAX_PAGE_SIZE, filter.list(), read)
    }

    /// The same, with everything that the API returns about each.
    #[must_use]
    pub fn vpcs_in_full<'s>(&'s self, filter: &VpcFilter<'_>) -> BoxStream<'s, Result<Entry<Vpc>, CallError>> {
        self.by_page_number(filter.request(), MAX_PAGE_SIZE, filter.list(), |vpc: &ResponseObject<'_>| Vpc::read(vpc))
    }

    /// `DescribeVpcs`: returns the VPCs with these ids, as far as they exist.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_vpcs(&self, ids: &[ResourceId]) -> Result<Listing<Resource>, CallError> {
        let mut found = Listing::default();
        for some in ids.chunks(MAX_IDS) {
            found.append(Listing::of(self.vpcs(&VpcFilter { ids: some, ..VpcFilter::default() })).await?);
        }
        Ok(found)
    }

    /// `DescribeVSwitches`: streams the matching vSwitches, one page at a time.
    #[must_use]
    pub fn vswitches<'s>(&'s self, filter: &VSwitchFilter<'_>) -> BoxStream<'s, Result<Entry<Resource>, CallError>> {
        let read = |vswitch: &ResponseObject<'_>| {
            let vpc = details::id(vswitch, ResourceType::Vpc, "VpcId")?;
            self.resource(ResourceType::VSwitch, vswitch, vec![vpc])
        };
        self.by_page_number(filter.request(), MAX_PAGE_SIZE, filter.list(), read)
    }

    /// The same, with everything that the API returns about each.
    #[must_use]
    pub fn vswitches_in_full<'s>(
        &'s self,
        filter: &VSwitchFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<VSwitch>, CallError>> {
        self.by_page_number(filter.request(), MAX_PAGE_SIZE, filter.list(), |vswitch: &ResponseObject<'_>| {
            VSwitch::read(vswitch)
        })
    }

    /// `DescribeVSwitches`: returns the vSwitches with these ids, as far as they exist. Makes one call for each.
    ///
    /// # Errors
    /// A call failed, or its response cannot be read.
    pub async fn describe_vswitches(&self, ids: &[ResourceId]) -> Result<Listing<Resource>, CallError> {
        let mut found = Listing::default();
        for id in ids {
            let it = VSwitchFilter { id: Some(id), ..VSwitchFilter::default() };
            found.append(Listing::of(self.vswitches(&it)).await?);
        }
        Ok(found)
    }

    /// `DescribeFlowLogs`: streams the matching flow logs, one page at a time.
    #[must_use]
    pub fn flow_logs<'s>(&'s self, filter: &FlowLogFilter<'_>) -> BoxStream<'s, Result<Entry<FlowLog>, CallError>> {
        let resource = filter.resource;
        let resource_type = filter.resource_type.or(resource.map(ResourceId::resource_type));
        let request = Request::read(Product::Vpc, "DescribeFlowLogs")
            .about(resource.map(ResourceId::as_str).or(filter.id.map(FlowLogId::as_str)).unwrap_or_default())
            .ensure(filter.status.is_none_or(can_be_asked_for), || {
                "flow logs can be asked for by the status Active, Activating or Inactive alone".to_owned()
            })
            .with_some("ResourceType", resource_type.map(ResourceType::as_str))
            .with_some("ResourceId", resource.map(ResourceId::as_str))
            .with_some("VpcId", filter.vpc.map(ResourceId::as_str))
            .with_some("FlowLogId", filter.id.map(FlowLogId::as_str))
            .with_some("FlowLogName", filter.name)
            .with_some("Description", filter.description)
            .with_some("TrafficType", filter.traffic_type.map(TrafficType::as_str))
            .with_some("ProjectName", filter.project)
            .with_some("LogStoreName", filter.log_store)
            .with_some("Status", filter.status.map(Status::to_string))
            .with_some("ResourceGroupId", filter.resource_group.map(ResourceGroupId::as_str))
            // The parameter is `Tags` here, and `Tag` in every other operation.
            .with_tags("Tags", filter.tags);
        let list = List::new("FlowLogs", "FlowLog", &["FlowLogId"])
            .only("FlowLogId", filter.id.map(FlowLogId::as_str))
            .only("ResourceId", resource.map(ResourceId::as_str));
        self.by_page_number(request, MAX_PAGE_SIZE, list, flow_log)
    }

    /// `DescribeFlowLogs`: lists the matching flow logs.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_flow_logs(&self, filter: &FlowLogFilter<'_>) -> Result<Listing<FlowLog>, CallError> {
        Listing::of(self.flow_logs(filter)).await
    }

    /// `GetFlowLogServiceStatus`: returns whether the account has opened the flow log service.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn get_flow_log_service_status(&self) -> Result<bool, CallError> {
        let request = Request::read(Product::Vpc, "GetFlowLogServiceStatus").with_client_token(self.client_token());
        let read =
            |response: &ResponseObject<'_>| response.flag("Enabled").ok_or_else(|| "it has no Enabled".to_owned());
        self.call_and_tell(&request, read, |_| None).await
    }

    pub(crate) fn resource(
        &self,
        resource_type: ResourceType,
        found: &ResponseObject<'_>,
        parents: Vec<ResourceId>,
    ) -> Result<Resource, String> {
        let (key, name) = match resource_type {
            ResourceType::Vpc => ("VpcId", "VpcName"),
            ResourceType::VSwitch => ("VSwitchId", "VSwitchName"),
            ResourceType::NetworkInterface => ("NetworkInterfaceId", "NetworkInterfaceName"),
        };
        // Resources that another account shares are listed too. Without an owner, or with owner 0, a resource belongs
        // to the calling account.
        let owner = found.optional_text("OwnerId")?.filter(|owner| owner.bytes().any(|digit| digit != b'0'));
        let account = match owner {
            Some(owner) if owner != self.account().as_str() => {
                owner.parse().map_err(|error| format!("OwnerId: {error}"))?
            }
            _ => self.account().clone(),
        };
        Ok(Resource {
            account,
            region: self.region().clone(),
            id: details::id(found, resource_type, key)?,
            // Nothing depends on a name, so one that is no text is none.
            name: found.optional_text(name).ok().flatten().filter(|name| !name.is_empty()),
            parents,
            tags: found.tags(),
            is_service_managed: found.flag("ServiceManaged") == Some(true),
            creation_time: found.time("CreationTime"),
            has_ipv6: found.flag("EnabledIpv6"),
        })
    }
}

impl Writes<'_> {
    /// `CreateFlowLog`: creates a flow log on `resource`. It is `Activating` for a while.
    ///
    /// The API takes no client token: after an error with the remedy [`crate::Remedy::ReadAgain`], the flow log may
    /// exist.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn create_flow_log(&self, resource: &ResourceId, spec: &FlowLogSpec) -> Result<FlowLogId, CallError> {
        Ok(self.create_flow_log_with(resource, spec, FlowLogExtras::default()).await?.id)
    }

    /// The same, with parameters that a policy cannot set, and with everything that the API returns.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn create_flow_log_with(
        &self,
        resource: &ResourceId,
        spec: &FlowLogSpec,
        extras: FlowLogExtras<'_>,
    ) -> Result<CreatedFlowLog, CallError> {
        let request = Request::write(Product::Vpc, "CreateFlowLog")
            .about(resource.as_str())
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
            .with_some("LogFormat", extras.log_format)
            .with_list("TrafficPath", usize::MAX, spec.traffic_path.iter().map(|path| path.as_str()))
            .with_tags("Tag", Some(&spec.tags));
        let read = |response: &ResponseObject<'_>| {
            Ok(CreatedFlowLog {
                id: response.parsed("FlowLogId")?,
                resource_group_id: response.text("ResourceGroupId"),
            })
        };
        self.session.call_and_read(request, read).await
    }

    /// `DeleteFlowLog`: deletes a flow log. It is `Deleting` for a while.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn delete_flow_log(&self, id: &FlowLogId) -> Result<(), CallError> {
        self.session.call_and_done(change("DeleteFlowLog", id)).await
    }

    /// `ActiveFlowLog`: starts recording. The flow log is `Activating` for a while.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn activate_flow_log(&self, id: &FlowLogId) -> Result<(), CallError> {
        self.session.call_and_done(change("ActiveFlowLog", id)).await
    }

    /// `DeactiveFlowLog`: stops recording. The flow log is `Deactivating` for a while.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn deactivate_flow_log(&self, id: &FlowLogId) -> Result<(), CallError> {
        self.session.call_and_done(change("DeactiveFlowLog", id)).await
    }

    /// `ModifyFlowLogAttribute`: changes the given attributes. The flow log is `Modifying` for a while.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn modify_flow_log(&self, id: &FlowLogId, new: &FlowLogAttributes<'_>) -> Result<(), CallError> {
        let request = change("ModifyFlowLogAttribute", id)
            .with_some("FlowLogName", new.name.map(FlowLogName::as_str))
            .with_some("Description", new.description.map(Description::as_str))
            .with_some("AggregationInterval", new.aggregation_interval.map(AggregationInterval::as_str))
            .with_some("IpVersion", new.ip_version.map(IpVersion::as_str))
            .with_some("LogFormat", new.log_format);
        self.session.call_and_done(request).await
    }

    /// `OpenFlowLogService`: accepts the terms of the flow log service for the whole account.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn open_flow_log_service(&self) -> Result<ServiceOpening, CallError> {
        let request = Request::write(Product::Vpc, "OpenFlowLogService").with_client_token(self.session.client_token());
        match self.session.call_and_done(request).await {
            Ok(()) => Ok(ServiceOpening::Opened),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(ServiceOpening::WasOpen),
            Err(error) => Err(error),
        }
    }

    /// `MoveResourceGroup`: moves a VPC or a flow log to another resource group.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn move_to_resource_group(&self, what: Movable<'_>, group: &ResourceGroupId) -> Result<(), CallError> {
        let (resource_type, id) = match what {
            Movable::FlowLog(id) => ("FlowLog", id.as_str()),
            Movable::Vpc(id) => ("Vpc", id.as_str()),
        };
        let request = Request::write(Product::Vpc, "MoveResourceGroup")
            .idempotent()
            .about(id)
            .with("ResourceType", resource_type)
            .with("ResourceId", id)
            .with("NewResourceGroupId", group.as_str());
        self.session.call_and_done(request).await
    }
}

impl VpcFilter<'_> {
    fn list(&self) -> List {
        List::new("Vpcs", "Vpc", &["VpcId"]).only("VpcId", self.ids.iter().map(ResourceId::as_str))
    }

    fn request(&self) -> Request {
        vpcs_by_ids(self.ids)
            .with_some("VpcName", self.name)
            .with_flag("IsDefault", self.is_default)
            .with_flag("EnableIpv6", self.has_ipv6)
            .with_some("DhcpOptionsSetId", self.dhcp_options_set)
            .with_some("VpcOwnerId", self.owner.map(AccountId::as_str))
            .with_some("ResourceGroupId", self.resource_group.map(ResourceGroupId::as_str))
            .with_tags("Tag", self.tags)
    }
}

impl VSwitchFilter<'_> {
    fn list(&self) -> List {
        List::new("VSwitches", "VSwitch", &["VSwitchId"])
            .only("VSwitchId", self.id.map(ResourceId::as_str))
            .only("VpcId", self.vpc.map(ResourceId::as_str))
    }

    fn request(&self) -> Request {
        Request::read(Product::Vpc, "DescribeVSwitches")
            .about(self.id.map(ResourceId::as_str).unwrap_or_default())
            .with_some("VSwitchId", self.id.map(ResourceId::as_str))
            .with_some("VpcId", self.vpc.map(ResourceId::as_str))
            .with_some("VSwitchName", self.name)
            .with_some("ZoneId", self.zone)
            .with_flag("IsDefault", self.is_default)
            .with_some("RouteTableId", self.route_table)
            .with_flag("EnableIpv6", self.has_ipv6)
            .with_some("VSwitchOwnerId", self.owner.map(AccountId::as_str))
            .with_some("ResourceGroupId", self.resource_group.map(ResourceGroupId::as_str))
            .with_tags("Tag", self.tags)
    }
}

fn vpcs_by_ids(ids: &[ResourceId]) -> Request {
    let text = ids.iter().map(ResourceId::as_str).collect::<Vec<_>>().join(",");
    Request::read(Product::Vpc, "DescribeVpcs")
        .about(text.as_str())
        .ensure(ids.len() <= MAX_IDS, || format!("{} ids are more than {MAX_IDS}", ids.len()))
        .with_some("VpcId", (!ids.is_empty()).then_some(text))
}

fn change(action: &'static str, id: &FlowLogId) -> Request {
    Request::write(Product::Vpc, action).about(id.as_str()).with("FlowLogId", id.as_str())
}

const fn can_be_asked_for(status: &Status) -> bool {
    matches!(status, Status::Active | Status::Activating | Status::Inactive)
}

fn flow_log(found: &ResponseObject<'_>) -> Result<FlowLog, String> {
    Ok(FlowLog {
        id: found.parsed("FlowLogId")?,
        // Required: without it, the flow log belongs to an unknown resource.
        resource_id: found.required("ResourceId")?,
        name: found.given("FlowLogName"),
        description: found.given("Description"),
        traffic_type: found.given("TrafficType"),
        traffic_path: found.given_texts("TrafficPath", "TrafficPathList"),
        project: found.given("ProjectName"),
        log_store: found.given("LogStoreName"),
        aggregation_interval: found.number("AggregationInterval"),
        ip_version: found.text("IpVersion"),
        resource_group_id: found.text("ResourceGroupId"),
        tags: found.tags(),
        // A missing status counts as unknown: neither active nor absent.
        status: Status::from(found.text("Status").unwrap_or_default().as_str()),
        service_type: found.text("ServiceType"),
        delivery: Delivery::new(
            found.text("FlowLogDeliverStatus").as_deref(),
            found.text("FlowLogDeliverErrorMessage").as_deref(),
        ),
        resource_type: found.text("ResourceType"),
        region: found.text("RegionId"),
        creation_time: found.time("CreationTime"),
        business_status: found.text("BusinessStatus"),
        log_format: found.text("LogFormat"),
    })
}
