//! The operations of Elastic Compute Service, version 2014-05-26.

use flow_log::{
    Resource, ResourceId, ResourceType,
    names::{ResourceGroupId, Tags},
};
use futures_util::stream::BoxStream;

use crate::{
    CallError, Entry, Listing, Product, Session,
    call::{request::Request, response_object::ResponseObject},
    operations::details::{self, NetworkInterface},
    paging::listing::List,
};

/// The maximum page size.
const MAX_PAGE_SIZE: u32 = 500;
/// How many ids or addresses the API accepts at once.
const MAX_IDS: usize = 100;

/// Selects network interfaces. All given fields must match.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetworkInterfaceFilter<'a> {
    /// With one of these ids, at most 100. Empty means any.
    pub ids: &'a [ResourceId],
    /// Attached to this instance.
    pub instance: Option<&'a str>,
    /// In this VPC.
    pub vpc: Option<&'a ResourceId>,
    /// In this vSwitch.
    pub vswitch: Option<&'a ResourceId>,
    /// In this security group.
    pub security_group: Option<&'a str>,
    /// With this name.
    pub name: Option<&'a str>,
    /// `Primary` or `Secondary`.
    pub interface_type: Option<&'a str>,
    /// With this status, for example `InUse`.
    pub status: Option<&'a str>,
    /// Managed by a cloud service, or not.
    pub is_managed: Option<bool>,
    /// With this primary IP address.
    pub primary_ip_address: Option<&'a str>,
    /// With one of these secondary IP addresses, at most 100.
    pub private_ip_addresses: &'a [&'a str],
    /// With one of these IPv6 addresses, at most 100.
    pub ipv6_addresses: &'a [&'a str],
    /// In this resource group.
    pub resource_group: Option<&'a ResourceGroupId>,
    /// With all of these tags.
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
            .about(about)
            .with_list("NetworkInterfaceId", MAX_IDS, ids)
            .with_some("InstanceId", self.instance)
            .with_some("VpcId", self.vpc.map(ResourceId::as_str))
            .with_some("VSwitchId", self.vswitch.map(ResourceId::as_str))
            .with_some("SecurityGroupId", self.security_group)
            .with_some("NetworkInterfaceName", self.name)
            .with_some("Type", self.interface_type)
            .with_some("Status", self.status)
            .with_flag("ServiceManaged", self.is_managed)
            .with_some("PrimaryIpAddress", self.primary_ip_address)
            .with_list("PrivateIpAddress", MAX_IDS, self.private_ip_addresses.iter().copied())
            .with_list("Ipv6Address", MAX_IDS, self.ipv6_addresses.iter().copied())
            .with_some("ResourceGroupId", self.resource_group.map(ResourceGroupId::as_str))
            .with_tags("Tag", self.tags)
    }
}

impl Session<'_> {
    /// `DescribeNetworkInterfaces`: streams the matching network interfaces, each with its vSwitch and VPC, one page at
    /// a time.
    #[must_use]
    pub fn network_interfaces<'s>(
        &'s self,
        filter: &NetworkInterfaceFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<Resource>, CallError>> {
        self.by_token(filter.request(), MAX_PAGE_SIZE, filter.list(), |found: &ResponseObject<'_>| {
            self.network_interface(found)
        })
    }

    /// The same, with everything that the API returns about each.
    #[must_use]
    pub fn network_interfaces_in_full<'s>(
        &'s self,
        filter: &NetworkInterfaceFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<NetworkInterface>, CallError>> {
        self.by_token(filter.request(), MAX_PAGE_SIZE, filter.list(), |found: &ResponseObject<'_>| {
            NetworkInterface::read(found)
        })
    }

    /// `DescribeNetworkInterfaces`: lists the matching network interfaces, each with its vSwitch and VPC.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn describe_network_interfaces(
        &self,
        filter: &NetworkInterfaceFilter<'_>,
    ) -> Result<Listing<Resource>, CallError> {
        Listing::of(self.network_interfaces(filter)).await
    }

    fn network_interface(&self, found: &ResponseObject<'_>) -> Result<Resource, String> {
        let vpc = details::id(found, ResourceType::Vpc, "VpcId")?;
        // Some are in a VPC but in no vSwitch.
        let vswitch = found.text("VSwitchId").map(|_| details::id(found, ResourceType::VSwitch, "VSwitchId"));
        let parents = vswitch.transpose()?.into_iter().chain([vpc]).collect();
        self.resource(ResourceType::NetworkInterface, found, parents)
    }
}
