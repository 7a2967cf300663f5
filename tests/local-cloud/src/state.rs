//! What exists in the cloud, and how flow logs change with time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::parameters::Tags;

/// A resource's place: nobody sees another account's or region's resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The owner.
    pub account: String,
    /// The region, such as `cn-hangzhou`.
    pub region: String,
}

/// A VPC.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct Vpc {
    pub id: String,
    pub place: Place,
    pub name: String,
    pub description: String,
    pub cidr_block: String,
    pub is_default: bool,
    pub resource_group_id: String,
    pub tags: Tags,
    pub created: Timestamp,
}

/// A vSwitch.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct VSwitch {
    pub id: String,
    pub place: Place,
    pub vpc_id: String,
    pub zone_id: String,
    pub name: String,
    pub description: String,
    pub cidr_block: String,
    pub is_default: bool,
    pub tags: Tags,
    pub created: Timestamp,
}

/// An elastic network interface.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct NetworkInterface {
    pub id: String,
    pub place: Place,
    pub vpc_id: String,
    pub vswitch_id: String,
    pub zone_id: String,
    pub name: String,
    pub description: String,
    pub security_group_id: String,
    /// The instance whose primary network interface this is; empty for a secondary one.
    pub instance_id: String,
    pub tags: Tags,
    pub created: Timestamp,
}

/// A flow log.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct FlowLog {
    pub id: String,
    pub place: Place,
    pub name: String,
    pub description: String,
    pub resource_type: String,
    pub resource_id: String,
    pub traffic_type: String,
    pub traffic_path: Vec<String>,
    pub project: String,
    pub log_store: String,
    /// Minutes.
    pub aggregation_interval: u32,
    pub ip_version: String,
    pub log_format: String,
    pub resource_group_id: String,
    pub tags: Tags,
    /// `Activating`, `Active`, `Deactivating`, `Inactive`, `Modifying` or `Deleting`.
    pub status: String,
    /// `Normal` or `FinancialLocked`.
    pub business_status: String,
    /// `sls` for one that SLS manages, else empty.
    pub service_type: String,
    /// `SUCCESS` or `FAILED`.
    pub deliver_status: String,
    pub deliver_error_message: String,
    pub created: Timestamp,
    /// What it changes into by itself.
    #[serde(skip)]
    pub(crate) next: Option<Next>,
}

/// What a flow log in transition becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Status(String),
    Gone,
}

/// Every resource by its id; ids grow, so the order is that of creation.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) vpcs: BTreeMap<String, Vpc>,
    pub(crate) vswitches: BTreeMap<String, VSwitch>,
    pub(crate) network_interfaces: BTreeMap<String, NetworkInterface>,
    pub(crate) flow_logs: BTreeMap<String, FlowLog>,
    pub(crate) flow_log_service: bool,
    ids: u32,
}

impl State {
    /// Gives a network interface another id.
    pub(crate) fn rename_network_interface(&mut self, id: &str, new_id: &str) {
        if let Some(interface) = self.network_interfaces.remove(id) {
            let renamed = NetworkInterface { id: new_id.to_owned(), ..interface };
            self.network_interfaces.insert(new_id.to_owned(), renamed);
        }
    }

    /// Nothing, with the flow log service open or not.
    pub(crate) fn new(flow_log_service: bool) -> Self {
        Self { flow_log_service, ..Self::default() }
    }

    /// A new id in the form of the real ones, which are 21 characters after the prefix in Hangzhou.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}-bp1local{:013}", self.ids)
    }

    /// The VPC that a resource of any kind is or lies in.
    pub(crate) fn vpc_of(&self, resource_id: &str) -> Option<&str> {
        let vswitch = self.vswitches.get(resource_id).map(|vswitch| &vswitch.vpc_id);
        let interface = self.network_interfaces.get(resource_id).map(|interface| &interface.vpc_id);
        self.vpcs.get(resource_id).map(|vpc| &vpc.id).or(vswitch).or(interface).map(String::as_str)
    }

    /// Ends a flow log's transition; answers with the states before and after, `None` after it meaning gone.
    pub(crate) fn finish(&mut self, flow_log_id: &str) -> Option<(String, Option<String>)> {
        let flow_log = self.flow_logs.get_mut(flow_log_id)?;
        let before = flow_log.status.clone();
        match flow_log.next.take()? {
            Next::Status(status) => {
                flow_log.status.clone_from(&status);
                Some((before, Some(status)))
            }
            Next::Gone => {
                self.flow_logs.remove(flow_log_id);
                Some((before, None))
            }
        }
    }
}

/// The part of every resource that operations on all kinds need.
pub(crate) trait Resource {
    fn place(&self) -> &Place;
    fn tags_mut(&mut self) -> &mut Tags;
}

macro_rules! resources {
    ($($kind:ty),*) => {$(
        impl Resource for $kind {
            fn place(&self) -> &Place {
                &self.place
            }
            fn tags_mut(&mut self) -> &mut Tags {
                &mut self.tags
            }
        }
    )*};
}

resources!(Vpc, VSwitch, NetworkInterface, FlowLog);
