//! What exists in the cloud, and how flow logs change over time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{api::parameters::Tags, directory::Directory, sls::state::LogService, world::constraints::Constraints};

/// The account and region of a resource. Callers see only resources of their own place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The owner.
    pub account: String,
    /// The region, such as `cn-hangzhou`.
    pub region: String,
}

/// A VPC.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct Vpc {
    pub id: String,
    pub place: Place,
    pub name: String,
    pub description: String,
    pub cidr_block: String,
    /// Empty if it has none.
    pub ipv6_cidr_block: String,
    pub ipv6_isp: String,
    pub user_cidrs: Vec<String>,
    pub is_default: bool,
    pub resource_group_id: String,
    /// `OwnerId` in lists; `None` omits the field.
    pub owner_id: Option<String>,
    /// Whether it contains an instance of an old family, and so supports neither advanced features nor flow logs.
    pub has_old_instances: bool,
    pub tags: Tags,
    pub created: Timestamp,
}

impl Vpc {
    pub(crate) fn has_ipv6(&self) -> bool {
        !self.ipv6_cidr_block.is_empty()
    }
}

/// A vSwitch.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct VSwitch {
    pub id: String,
    pub place: Place,
    pub vpc_id: String,
    pub zone_id: String,
    pub name: String,
    pub description: String,
    pub cidr_block: String,
    /// Empty if it has none.
    pub ipv6_cidr_block: String,
    pub is_default: bool,
    /// `OwnerId` in lists; `None` omits the field.
    pub owner_id: Option<String>,
    pub tags: Tags,
    pub created: Timestamp,
}

/// An elastic network interface.
#[derive(Debug, Clone, Serialize)]
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
    pub private_ip_address: String,
    pub ipv6_addresses: Vec<String>,
    pub ipv4_prefixes: Vec<String>,
    pub ipv6_prefixes: Vec<String>,
    /// The instance whose primary network interface this is; empty for a secondary one.
    pub instance_id: String,
    /// `OwnerId` in lists; `None` omits the field.
    pub owner_id: Option<String>,
    /// Whether a cloud service created it, such as a NAT gateway or a load balancer. The owner cannot change it.
    pub service_managed: bool,
    pub tags: Tags,
    pub created: Timestamp,
}

/// A flow log.
#[derive(Debug, Clone, Serialize)]
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
    /// In minutes.
    pub aggregation_interval: u32,
    pub ip_version: String,
    pub log_format: String,
    pub resource_group_id: String,
    pub tags: Tags,
    /// `Activating`, `Active`, `Deactivating`, `Inactive`, `Modifying` or `Deleting`.
    pub status: String,
    /// `Normal` or `FinancialLocked`.
    pub business_status: String,
    /// `sls` if SLS manages the flow log, otherwise empty.
    pub service_type: String,
    /// `SUCCESS` or `FAILED`; tests may set other values.
    pub deliver_status: String,
    pub deliver_error_message: String,
    pub created: Timestamp,
    /// The state in which the current transition ends.
    #[serde(skip)]
    pub(crate) next: Option<Next>,
}

/// An Express Connect Router and its attachments.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct ExpressConnectRouter {
    pub id: String,
    pub place: Place,
    pub name: String,
    pub description: String,
    pub alibaba_side_asn: u64,
    pub resource_group_id: String,
    pub tags: Tags,
    /// `ACTIVE`, or a state that allows no operations.
    pub status: String,
    pub children: Vec<RouterChild>,
    pub created: Timestamp,
}

/// A virtual border router attached to an Express Connect Router.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct RouterChild {
    pub id: String,
    pub region: String,
    pub owner: String,
    pub association_id: String,
    pub created: Timestamp,
}

/// A flow log of an Express Connect Router. Its state changes immediately.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct RouterFlowLog {
    pub id: String,
    pub place: Place,
    pub router_id: String,
    pub name: String,
    pub description: String,
    pub instance_id: String,
    /// The region of the instance.
    pub region: String,
    pub project: String,
    pub log_store: String,
    pub sls_region: String,
    /// In seconds.
    pub interval: u32,
    pub sampling_rate: String,
    pub resource_group_id: String,
    pub tags: Tags,
    /// `Active` or `Inactive`.
    pub status: String,
    pub created: Timestamp,
}

/// The parameters and answer of a call with a client token.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) asked: BTreeMap<String, String>,
    pub(crate) answer: Value,
}

/// How a flow log's transition ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Status(String),
    Gone,
}

/// Every resource by its id. Ids increase, so the order is that of creation.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) vpcs: BTreeMap<String, Vpc>,
    /// VPCs that are shared with other accounts.
    pub(crate) shared_vpcs: BTreeSet<(String, String)>,
    pub(crate) vswitches: BTreeMap<String, VSwitch>,
    pub(crate) network_interfaces: BTreeMap<String, NetworkInterface>,
    pub(crate) flow_logs: BTreeMap<String, FlowLog>,
    pub(crate) routers: BTreeMap<String, ExpressConnectRouter>,
    pub(crate) router_flow_logs: BTreeMap<String, RouterFlowLog>,
    /// Whether the flow log service is open in accounts that have not opened it.
    flow_log_service: bool,
    opened_by: BTreeSet<String>,
    pub(crate) constraints: Constraints,
    pub(crate) log_service: LogService,
    pub(crate) directory: Option<Directory>,
    /// The lines of bills, by account and month, as the API has them.
    pub(crate) bills: BTreeMap<(String, String), Vec<Value>>,
    /// Calls with client tokens, by account, operation and token.
    pub(crate) answered: BTreeMap<(String, &'static str, String), Answered>,
    ids: u32,
}

/// A resource that a flow log can record.
pub(crate) enum Target<'a> {
    Vpc(&'a Vpc),
    VSwitch(&'a VSwitch),
    NetworkInterface(&'a NetworkInterface),
}

impl Target<'_> {
    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Vpc(vpc) => &vpc.place,
            Self::VSwitch(vswitch) => &vswitch.place,
            Self::NetworkInterface(interface) => &interface.place,
        }
    }

    pub(crate) fn created(&self) -> Timestamp {
        match self {
            Self::Vpc(vpc) => vpc.created,
            Self::VSwitch(vswitch) => vswitch.created,
            Self::NetworkInterface(interface) => interface.created,
        }
    }

    pub(crate) fn is_service_managed(&self) -> bool {
        matches!(self, Self::NetworkInterface(interface) if interface.service_managed)
    }
}

impl State {
    /// Returns the resource that a resource type of `CreateFlowLog` and an id name.
    pub(crate) fn target(&self, resource_type: &str, id: &str) -> Option<Target<'_>> {
        match resource_type {
            "VPC" => self.vpcs.get(id).map(Target::Vpc),
            "VSwitch" => self.vswitches.get(id).map(Target::VSwitch),
            "NetworkInterface" => self.network_interfaces.get(id).map(Target::NetworkInterface),
            _ => None,
        }
    }

    /// Gives a network interface another id.
    pub(crate) fn rename_network_interface(&mut self, id: &str, new_id: &str) {
        if let Some(interface) = self.network_interfaces.remove(id) {
            let renamed = NetworkInterface { id: new_id.to_owned(), ..interface };
            self.network_interfaces.insert(new_id.to_owned(), renamed);
        }
    }

    /// Returns an empty state, with the flow log service open or closed.
    pub(crate) fn new(flow_log_service: bool, constraints: Constraints, log_service: LogService) -> Self {
        Self { flow_log_service, constraints, log_service, ..Self::default() }
    }

    /// Returns whether a flow log in this place can deliver to a Logstore: to any that no test has removed, or only to
    /// those that were made.
    pub(crate) fn has_destination(
        &self,
        place: &Place,
        (project, log_store): (&str, &str),
        only_made: bool,
        now: Timestamp,
    ) -> bool {
        let Place { account, region } = place;
        let is_assumed = !only_made && self.constraints.has_log_store(account, region, project, log_store);
        is_assumed || self.log_service.has(place, project, log_store, now)
    }

    /// Returns whether the flow log service is open in an account.
    pub(crate) fn is_service_open(&self, account: &str) -> bool {
        self.flow_log_service || self.opened_by.contains(account)
    }

    /// Locks or unlocks an account for overdue payment, with every flow log that it has.
    pub(crate) fn set_locked(&mut self, account: &str, is_locked: bool) {
        self.constraints.set_locked(account, is_locked);
        let status = self.constraints.business_status(account);
        for flow_log in self.flow_logs.values_mut().filter(|flow_log| flow_log.place.account == account) {
            flow_log.business_status = status.to_owned();
        }
    }

    /// Opens the flow log service in an account.
    pub(crate) fn open_service(&mut self, account: &str) {
        self.opened_by.insert(account.to_owned());
    }

    /// Closes the flow log service in all accounts.
    pub(crate) fn close_service(&mut self) {
        self.flow_log_service = false;
        self.opened_by.clear();
    }

    /// Returns the resources of a resource type of the tag operations, with their ids.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<(&str, &dyn Resource)> {
        fn list<R: Resource>(all: &BTreeMap<String, R>) -> Vec<(&str, &dyn Resource)> {
            all.iter().map(|(id, resource)| (id.as_str(), resource as &dyn Resource)).collect()
        }
        match kind {
            "VPC" => list(&self.vpcs),
            "VSWITCH" => list(&self.vswitches),
            "FLOWLOG" => list(&self.flow_logs),
            "eni" => list(&self.network_interfaces),
            "EXPRESSCONNECTROUTER" => list(&self.routers),
            _ => Vec::new(),
        }
    }

    /// Returns one resource of a resource type, to be changed.
    pub(crate) fn one_of_kind(&mut self, kind: &str, id: &str) -> Option<&mut dyn Resource> {
        fn one<'r, R: Resource>(all: &'r mut BTreeMap<String, R>, id: &str) -> Option<&'r mut dyn Resource> {
            all.get_mut(id).map(|resource| resource as &mut dyn Resource)
        }
        match kind {
            "VPC" => one(&mut self.vpcs, id),
            "VSWITCH" => one(&mut self.vswitches, id),
            "FLOWLOG" => one(&mut self.flow_logs, id),
            "eni" => one(&mut self.network_interfaces, id),
            "EXPRESSCONNECTROUTER" => one(&mut self.routers, id),
            _ => None,
        }
    }

    /// Returns the tags of a resource of any kind.
    pub(crate) fn tags_of(&self, id: &str) -> Option<&Tags> {
        let router_flow_log = self.router_flow_logs.get(id).map(Resource::tags);
        let kinds = ["VPC", "VSWITCH", "FLOWLOG", "eni", "EXPRESSCONNECTROUTER"];
        let others = kinds.iter().flat_map(|kind| self.of_kind(kind)).find(|(known, _)| *known == id);
        router_flow_log.or(others.map(|(_, resource)| resource.tags()))
    }

    /// Returns a new id in the format of real ones, which have 21 characters after the prefix in Hangzhou.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}-bp1local{:013}", self.ids)
    }

    /// Returns the VPC that the resource is, or that contains it.
    pub(crate) fn vpc_of(&self, resource_id: &str) -> Option<&str> {
        let vswitch = self.vswitches.get(resource_id).map(|vswitch| &vswitch.vpc_id);
        let interface = self.network_interfaces.get(resource_id).map(|interface| &interface.vpc_id);
        self.vpcs.get(resource_id).map(|vpc| &vpc.id).or(vswitch).or(interface).map(String::as_str)
    }

    /// Finishes a flow log's transition. Returns the states before and after; `None` after means that it is deleted.
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

/// What operations on all kinds of resources need.
pub(crate) trait Resource {
    fn place(&self) -> &Place;
    fn tags(&self) -> &Tags;
    fn tags_mut(&mut self) -> &mut Tags;
}

macro_rules! resources {
    ($($kind:ty),*) => {$(
        impl Resource for $kind {
            fn place(&self) -> &Place {
                &self.place
            }
            fn tags(&self) -> &Tags {
                &self.tags
            }
            fn tags_mut(&mut self) -> &mut Tags {
                &mut self.tags
            }
        }
    )*};
}

resources!(Vpc, VSwitch, NetworkInterface, FlowLog, ExpressConnectRouter, RouterFlowLog);
