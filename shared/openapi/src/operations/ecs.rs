//! The calls of Elastic Compute Service, version 2014-05-26.

use flow_log::{
    Resource, ResourceId, ResourceType,
    names::{ResourceGroupId, Tags},
};
use futures_util::stream::BoxStream;

use crate::{
    CallError, Entry, Listing, Product, Session,
    call::request::Request,
    call::response::Object,
    operations::details::{self, NetworkInterface},
    paging::listing::List,
};

/// The largest page that the API gives.
const PAGE: u32 = 500;
/// How many ids or addresses the API takes at once.
const MOST_IDS: usize = 100;

/// Which network interfaces are asked for: those that match all that is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetworkInterfaceFilter<'a> {
    /// Those with these ids, at most 100; empty means any.
    pub ids: &'a [ResourceId],
    /// Those of this instance.
    pub instance: Option<&'a str>,
    /// Those of this VPC.
    pub vpc: Option<&'a ResourceId>,
    /// Those on this vSwitch.
    pub vswitch: Option<&'a ResourceId>,
    /// Those in this security group.
    pub security_group: Option<&'a str>,
    /// Those of this name.
    pub name: Option<&'a str>,
    /// `Primary` or `Secondary`.
    pub interface_type: Option<&'a str>,
    /// Those in this status, for example `InUse`.
    pub status: Option<&'a str>,
    /// Those that a cloud service manages, or the others.
    pub is_managed: Option<bool>,
    /// Those with this primary address.
    pub primary_ip_address: Option<&'a str>,
    /// Those with one of these secondary addresses, at most 100.
    pub private_ip_addresses: &'a [&'a str],
    /// Those with one of these IPv6 addresses, at most 100.
    pub ipv6_addresses: &'a [&'a str],
    /// Those in this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// Those with all of these tags.
    pub tags: Option<&'a Tags>,
}

impl NetworkInterfaceFilter<'_> {
    fn list(&self) -> List {
        List::new("NetworkInterfaceSets", "NetworkInterfaceSet", &["NetworkInterfaceId"])
            .only("NetworkInterfaceId", self.ids.iter().map(ResourceId::as_str))
            .only("InstanceId", self.instance)
            .only("VpcId", self.vpc.map(ResourceId::as_str))
            .only("VSwitchId", self.vswitch.map(ResourceId::as_str))
    }

    fn request(&self) -> Request {
        let ids: Vec<_> = self.ids.iter().map(ResourceId::as_str).collect();
        let about = if ids.is_empty() { self.instance.unwrap_or_default().to_owned() } else { ids.join(",") };
        Request::read(Product::Ecs, "DescribeNetworkInterfaces")
            .of(about)
            .with_list("NetworkInterfaceId", MOST_IDS, ids)
            .with_some("InstanceId", self.instance)
            .with_some("VpcId", self.vpc.map(ResourceId::as_str))
            .with_some("VSwitchId", self.vswitch.map(ResourceId::as_str))
            .with_some("SecurityGroupId", self.security_group)
            .with_some("NetworkInterfaceName", self.name)
            .with_some("Type", self.interface_type)
            .with_some("Status", self.status)
            .with_flag("ServiceManaged", self.is_managed)
            .with_some("PrimaryIpAddress", self.primary_ip_address)
            .with_list("PrivateIpAddress", MOST_IDS, self.private_ip_addresses.iter().copied())
            .with_list("Ipv6Address", MOST_IDS, self.ipv6_addresses.iter().copied())
            .with_some("ResourceGroupId", self.resource_group.map(ResourceGroupId::as_str))
            .with_tags("Tag", self.tags)
    }
}

impl Session<'_> {
    /// `DescribeNetworkInterfaces`: the network interfaces that match, each with its vSwitch and its VPC, a page at a
    /// time.
    #[must_use]
    pub fn network_interfaces<'s>(
        &'s self,
        filter: &NetworkInterfaceFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<Resource>, CallError>> {
        self.chained(filter.request(), PAGE, filter.list(), |found: &Object<'_>| self.network_interface(found))
    }

    /// The same with all that the API says of each.
    #[must_use]
    pub fn network_interfaces_in_full<'s>(
        &'s self,
        filter: &NetworkInterfaceFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<NetworkInterface>, CallError>> {
        self.chained(filter.request(), PAGE, filter.list(), |found: &Object<'_>| NetworkInterface::read(found))
    }

    /// `DescribeNetworkInterfaces`: the network interfaces that match, each with its vSwitch and its VPC.
    ///
    /// # Errors
    /// The call failed, or its answer cannot be read.
    pub async fn describe_network_interfaces(
        &self,
        filter: &NetworkInterfaceFilter<'_>,
    ) -> Result<Listing<Resource>, CallError> {
        Listing::of(self.network_interfaces(filter)).await
    }

    fn network_interface(&self, found: &Object<'_>) -> Result<Resource, String> {
        let vpc = details::id(found, ResourceType::Vpc, "VpcId")?;
        // Some are in no vSwitch, and still in a VPC.
        let vswitch = found.text("VSwitchId").map(|_| details::id(found, ResourceType::VSwitch, "VSwitchId"));
        let parents = vswitch.transpose()?.into_iter().chain([vpc]).collect();
        self.resource(ResourceType::NetworkInterface, found, parents)
    }
}
