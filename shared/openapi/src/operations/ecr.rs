//! The operations of Express Connect Router, version 2023-09-01.
//!
//! They take no region, they take a client token, and they may fail with HTTP 200. Their own `Version` parameter is
//! never sent: it would replace the one that names the API version.
//!
//! Unlike other products, these operations take some parameters in the form and others in the query, and which ones
//! differs from operation to operation: each declares it with `form_parameters`.

use flow_log::{
    Ecr, EcrFlowLog, EcrFlowLogSpec, EcrId, EcrInstance, FlowLogId, RegionId, Status, VbrId,
    names::{Description, EcrInterval, FlowLogName, ResourceGroupId, SamplingRate, Tags},
};
use futures_util::stream::BoxStream;

use crate::{
    CallError, Entry, ErrorKind, Listing, Product, Session, Writes,
    call::{request::Request, response_object::ResponseObject},
    paging::listing::List,
};

/// The page size. The API accepts larger ones and documents no limit.
const MAX_PAGE_SIZE: u32 = 100;

/// Selects routers. All given fields must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcrFilter<'a> {
    /// With this id.
    pub id: Option<&'a EcrId>,
    /// With this name.
    pub name: Option<&'a str>,
    /// In this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// With all of these tags.
    pub tags: Option<&'a Tags>,
}

/// Selects instances attached to a router. All given fields must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcrInstanceFilter<'a> {
    /// With this id.
    pub id: Option<&'a str>,
    /// Of this type, for example `VBR`.
    pub instance_type: Option<&'a str>,
    /// In this region.
    pub region: Option<&'a RegionId>,
    /// With this association id.
    pub association: Option<&'a str>,
}

/// Selects flow logs of a router. All given fields must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcrFlowLogFilter<'a> {
    /// With this id.
    pub id: Option<&'a FlowLogId>,
    /// With this name.
    pub name: Option<&'a str>,
    /// On this virtual border router.
    pub instance: Option<&'a VbrId>,
    /// Writing to this SLS project.
    pub project: Option<&'a str>,
    /// Writing to this Logstore.
    pub log_store: Option<&'a str>,
    /// In this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// With all of these tags.
    pub tags: Option<&'a Tags>,
}

/// What `ModifyFlowLogAttribute` can change. `None` leaves a value unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcrFlowLogAttributes<'a> {
    /// The new name.
    pub name: Option<&'a FlowLogName>,
    /// The new description.
    pub description: Option<&'a Description>,
    /// How long traffic is aggregated before a log entry is written.
    pub interval: Option<EcrInterval>,
    /// The share of packets that is sampled.
    pub sampling_rate: Option<SamplingRate>,
}

/// A change to a router's flow log.
#[derive(Debug, Clone, Copy)]
pub enum EcrFlowLogChange<'a> {
    /// See [`Writes::modify_ecr_flow_log`].
    Modify(EcrFlowLogAttributes<'a>),
    /// See [`Writes::activate_ecr_flow_log`].
    Activate,
    /// See [`Writes::deactivate_ecr_flow_log`].
    Deactivate,
    /// See [`Writes::delete_ecr_flow_log`].
    Delete,
}

impl Session<'_> {
    /// `DescribeExpressConnectRouter`: streams the matching routers, one page at a time.
    #[must_use]
    pub fn ecrs<'s>(&'s self, filter: &EcrFilter<'_>) -> BoxStream<'s, Result<Entry<Ecr>, CallError>> {
        let request = Request::read(Product::Ecr, "DescribeExpressConnectRouter")
            .form_parameters(&["EcrId", "Name", "ResourceGroupId", "Tag", "MaxResults", "NextToken"])
            .about(filter.id.map(EcrId::as_str).unwrap_or_default())
            .with_some("EcrId", filter.id.map(EcrId::as_str))
            .with_some("Name", filter.name)
            .with_some("ResourceGroupId", filter.resource_group.map(ResourceGroupId::as_str))
            .with_tags("Tag", filter.tags);
        let list =
            List::new("EcrList", "Ecr", &["EcrId"]).or_null().counted().only("EcrId", filter.id.map(EcrId::as_str));
        self.by_token(request, MAX_PAGE_SIZE, list, read_ecr)
    }

    /// `DescribeExpressConnectRouter`: lists the matching routers.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_ecrs(&self, filter: &EcrFilter<'_>) -> Result<Listing<Ecr>, CallError> {
        Listing::of(self.ecrs(filter)).await
    }

    /// `DescribeExpressConnectRouterChildInstance`: streams the instances attached to the router, one page at a time.
    #[must_use]
    pub fn ecr_instances<'s>(
        &'s self,
        ecr: &EcrId,
        filter: &EcrInstanceFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<EcrInstance>, CallError>> {
        let request = read_of("DescribeExpressConnectRouterChildInstance", ecr)
            .form_parameters(&[
                "EcrId",
                "ChildInstanceId",
                "ChildInstanceType",
                "ChildInstanceRegionId",
                "AssociationId",
                "MaxResults",
                "NextToken",
            ])
            .with_some("ChildInstanceId", filter.id)
            .with_some("ChildInstanceType", filter.instance_type)
            .with_some("ChildInstanceRegionId", filter.region.map(RegionId::as_str))
            .with_some("AssociationId", filter.association);
        // Not `counted`: `TotalCount` is documented as the number of all attached instances, whatever the filter.
        let list = List::new("ChildInstanceList", "ChildInstance", &["ChildInstanceId", "AssociationId"])
            .or_null()
            .only("EcrId", [ecr.as_str()])
            .only("ChildInstanceId", filter.id)
            .only("ChildInstanceType", filter.instance_type)
            .only("ChildInstanceRegionId", filter.region.map(RegionId::as_str))
            .only("AssociationId", filter.association);
        self.by_token(request, MAX_PAGE_SIZE, list, instance)
    }

    /// `DescribeExpressConnectRouterChildInstance`: lists the instances attached to the router.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_ecr_instances(
        &self,
        ecr: &EcrId,
        filter: &EcrInstanceFilter<'_>,
    ) -> Result<Listing<EcrInstance>, CallError> {
        Listing::of(self.ecr_instances(ecr, filter)).await
    }

    /// `DescribeFlowLogs`: streams the matching flow logs of the router, one page at a time.
    #[must_use]
    pub fn ecr_flow_logs<'s>(
        &'s self,
        ecr: &EcrId,
        filter: &EcrFlowLogFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<EcrFlowLog>, CallError>> {
        let request = read_of("DescribeFlowLogs", ecr)
            .form_parameters(&["EcrId"])
            .with_some("FlowLogId", filter.id.map(FlowLogId::as_str))
            .with_some("FlowLogName", filter.name)
            .with_some("InstanceId", filter.instance.map(VbrId::as_str))
            .with_some("ProjectName", filter.project)
            .with_some("LogStoreName", filter.log_store)
            .with_some("ResourceGroupId", filter.resource_group.map(ResourceGroupId::as_str))
            .with_tags("Tag", filter.tags);
        let list = List::new("FlowLogs", "FlowLog", &["FlowLogId"])
            .or_null()
            .counted()
            .only("EcrId", [ecr.as_str()])
            .only("FlowLogId", filter.id.map(FlowLogId::as_str))
            .only("InstanceId", filter.instance.map(VbrId::as_str));
        self.by_token(request, MAX_PAGE_SIZE, list, flow_log)
    }

    /// `DescribeFlowLogs`: lists the matching flow logs of the router.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_ecr_flow_logs(
        &self,
        ecr: &EcrId,
        filter: &EcrFlowLogFilter<'_>,
    ) -> Result<Listing<EcrFlowLog>, CallError> {
        Listing::of(self.ecr_flow_logs(ecr, filter)).await
    }

    /// Makes a call of Express Connect Router as a dry run (`DryRun`).
    pub(crate) async fn try_out(&self, request: Request) -> Result<(), CallError> {
        match self.call_and_done(request.with_flag("DryRun", Some(true))).await {
            Err(error) if error.kind() == ErrorKind::DryRunPassed => Ok(()),
            outcome => outcome,
        }
    }
}

impl Writes<'_> {
    /// `CreateFlowLog`: creates a flow log for the traffic between the router and `instance`. With `dry_run`, only
    /// checks whether it could be created.
    ///
    /// Returns the id, or `None` if a dry run created nothing.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn create_ecr_flow_log(
        &self,
        ecr: &EcrId,
        instance: &VbrId,
        spec: &EcrFlowLogSpec,
        dry_run: bool,
    ) -> Result<Option<FlowLogId>, CallError> {
        let request = self
            .change_of("CreateFlowLog", ecr)
            .form_parameters(&["EcrId", "FlowLogName", "ResourceGroupId", "ClientToken", "DryRun"])
            .about(instance.as_str())
            .with("InstanceType", "VBR")
            .with("InstanceId", instance.as_str())
            .with("ProjectName", spec.project.as_str())
            .with("LogStoreName", spec.log_store.as_str())
            .with("FlowLogName", spec.name.as_str())
            .with("Description", spec.description.as_str())
            .with("Interval", spec.interval.as_str())
            .with("SamplingRate", spec.sampling_rate.as_str())
            .with_some("TargetSlsRegionId", spec.target_sls_region.as_ref().map(RegionId::as_str))
            .with_some("ResourceGroupId", spec.resource_group_id.as_ref().map(ResourceGroupId::as_str))
            .with_tags("Tag", Some(&spec.tags))
            .with_flag("DryRun", dry_run.then_some(true));
        let read = |response: &ResponseObject<'_>| {
            if dry_run && response.text("FlowLogId").is_none() {
                Ok(None)
            } else {
                response.parsed("FlowLogId").map(Some)
            }
        };
        match self.session.call_and_read(request, read).await {
            Err(error) if dry_run && error.kind() == ErrorKind::DryRunPassed => Ok(None),
            outcome => outcome,
        }
    }

    /// `ModifyFlowLogAttribute`: changes the given attributes.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn modify_ecr_flow_log(
        &self,
        ecr: &EcrId,
        id: &FlowLogId,
        new: &EcrFlowLogAttributes<'_>,
    ) -> Result<(), CallError> {
        self.session.call_and_done(self.change(ecr, id, EcrFlowLogChange::Modify(*new))).await
    }

    /// `ActivateFlowLog`: starts recording.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn activate_ecr_flow_log(&self, ecr: &EcrId, id: &FlowLogId) -> Result<(), CallError> {
        self.session.call_and_done(self.change(ecr, id, EcrFlowLogChange::Activate)).await
    }

    /// `DeactivateFlowLog`: stops recording.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn deactivate_ecr_flow_log(&self, ecr: &EcrId, id: &FlowLogId) -> Result<(), CallError> {
        self.session.call_and_done(self.change(ecr, id, EcrFlowLogChange::Deactivate)).await
    }

    /// `DeleteFlowlog`, which the API spells this way: deletes a flow log.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn delete_ecr_flow_log(&self, ecr: &EcrId, id: &FlowLogId) -> Result<(), CallError> {
        self.session.call_and_done(self.change(ecr, id, EcrFlowLogChange::Delete)).await
    }

    /// Makes the same change as a dry run (`DryRun`): checks whether it could be made, and changes nothing.
    ///
    /// # Errors
    /// The change could not be made, or the call failed.
    pub async fn try_out_ecr_change(
        &self,
        ecr: &EcrId,
        id: &FlowLogId,
        change: EcrFlowLogChange<'_>,
    ) -> Result<(), CallError> {
        self.session.try_out(self.change(ecr, id, change)).await
    }

    fn change(&self, ecr: &EcrId, id: &FlowLogId, change: EcrFlowLogChange<'_>) -> Request {
        let (action, form_parameters): (_, &[_]) = match change {
            EcrFlowLogChange::Modify(_) => {
                ("ModifyFlowLogAttribute", &["EcrId", "FlowLogName", "ClientToken", "DryRun"])
            }
            EcrFlowLogChange::Activate => ("ActivateFlowLog", &["EcrId", "FlowLogId", "ClientToken", "DryRun"]),
            EcrFlowLogChange::Deactivate => ("DeactivateFlowLog", &["EcrId", "FlowLogId", "ClientToken", "DryRun"]),
            EcrFlowLogChange::Delete => ("DeleteFlowlog", &["EcrId", "ClientToken", "DryRun"]),
        };
        let request = self
            .change_of(action, ecr)
            .form_parameters(form_parameters)
            .about(id.as_str())
            .with("FlowLogId", id.as_str());
        let EcrFlowLogChange::Modify(new) = change else { return request };
        request
            .with_some("FlowLogName", new.name.map(FlowLogName::as_str))
            .with_some("Description", new.description.map(Description::as_str))
            .with_some("Interval", new.interval.map(EcrInterval::as_str))
            .with_some("SamplingRate", new.sampling_rate.map(SamplingRate::as_str))
    }

    fn change_of(&self, action: &'static str, ecr: &EcrId) -> Request {
        Request::write(Product::Ecr, action).with("EcrId", ecr.as_str()).with_client_token(self.session.client_token())
    }
}

fn read_of(action: &'static str, ecr: &EcrId) -> Request {
    Request::read(Product::Ecr, action).about(ecr.as_str()).with("EcrId", ecr.as_str())
}

fn read_ecr(found: &ResponseObject<'_>) -> Result<Ecr, String> {
    let text = |key| found.text(key).unwrap_or_default();
    Ok(Ecr {
        id: found.parsed("EcrId")?,
        name: text("Name"),
        description: text("Description"),
        status: text("Status"),
        business_status: found.text("BizStatus"),
        owner: found.text("OwnerId"),
        alibaba_side_asn: found.number("AlibabaSideAsn"),
        resource_group_id: found.text("ResourceGroupId"),
        created: found.text("GmtCreate"),
        modified: found.text("GmtModified"),
        tags: found.tags(),
    })
}

fn instance(found: &ResponseObject<'_>) -> Result<EcrInstance, String> {
    let text = |key| found.text(key).unwrap_or_default();
    Ok(EcrInstance {
        ecr: text("EcrId"),
        id: found.required("ChildInstanceId")?,
        instance_type: text("ChildInstanceType"),
        name: text("ChildInstanceName"),
        region: found.text("ChildInstanceRegionId").or_else(|| found.text("RegionId")),
        owner: found.text("ChildInstanceOwnerId").or_else(|| found.text("OwnerId")),
        status: text("Status"),
        association_id: found.text("AssociationId"),
        description: text("Description"),
        created: found.text("GmtCreate"),
        modified: found.text("GmtModified"),
    })
}

fn flow_log(found: &ResponseObject<'_>) -> Result<EcrFlowLog, String> {
    let text = |key| found.text(key).unwrap_or_default();
    Ok(EcrFlowLog {
        id: found.parsed("FlowLogId")?,
        ecr: text("EcrId"),
        instance_id: found.required("InstanceId")?,
        instance_type: text("InstanceType"),
        name: found.given("FlowLogName"),
        description: found.given("Description"),
        project: found.given("ProjectName"),
        log_store: found.given("LogStoreName"),
        sls_region: found.text("SlsRegionId"),
        region: found.text("RegionId"),
        interval: found.number("Interval"),
        sampling_rate: found.given("SamplingRate"),
        resource_group_id: found.text("ResourceGroupId"),
        tags: found.tags(),
        status: Status::from(text("Status").as_str()),
        creation_time: found.time("CreationTime"),
    })
}
