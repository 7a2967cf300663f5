//! Everything that the API returns about a VPC, a vSwitch or a network interface.
//!
//! Only the id is required. Any other field that is missing or malformed is treated as absent. For what a policy needs
//! to know about a resource, [`flow_log::Resource`] is enough, and cheaper to read.

use flow_log::{ObservedTags, ResourceId, ResourceType};
use jiff::Timestamp;

use crate::call::response_object::ResponseObject;

/// A VPC as `DescribeVpcs` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// `VpcId`.
    pub id: ResourceId,
    /// `VpcName`; may be empty.
    pub name: String,
    /// `Description`; may be empty.
    pub description: String,
    /// `Available`, or `Pending` while it is being created.
    pub status: String,
    /// The region, if given.
    pub region: Option<String>,
    /// The owning account, if given.
    pub owner: Option<String>,
    /// Whether it is the region's default VPC, created by the cloud.
    pub is_default: Option<bool>,
    /// The IPv4 CIDR block.
    pub cidr_block: Option<String>,
    /// The IPv4 CIDR blocks that were added.
    pub secondary_cidr_blocks: Vec<String>,
    /// IPv4 ranges that are private to the VPC although they are public addresses.
    pub user_cidrs: Vec<String>,
    /// Whether IPv6 is enabled.
    pub has_ipv6: Option<bool>,
    /// The IPv6 CIDR block, if there is one.
    pub ipv6_cidr_block: Option<String>,
    /// All IPv6 CIDR blocks, with their providers.
    pub ipv6_cidr_blocks: Vec<Ipv6CidrBlock>,
    /// The id of the router.
    pub router: Option<String>,
    /// The ids of the route tables.
    pub route_tables: Vec<String>,
    /// The ids of the vSwitches.
    pub vswitches: Vec<String>,
    /// The ids of the NAT gateways.
    pub nat_gateways: Vec<String>,
    /// The DHCP options set, if there is one.
    pub dhcp_options_set: Option<String>,
    /// Whether the DHCP options set is in use.
    pub dhcp_options_set_status: Option<String>,
    /// Whether instances get host names in DNS.
    pub dns_hostname_status: Option<String>,
    /// `Attached` if the VPC belongs to a Cloud Enterprise Network.
    pub cen_status: Option<String>,
    /// The resource group, if given.
    pub resource_group_id: Option<String>,
    /// The creation time, if given.
    pub creation_time: Option<Timestamp>,
    /// The tags, or `None` if they could not be read.
    pub tags: Option<ObservedTags>,
}

/// An IPv6 CIDR block of a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv6CidrBlock {
    /// The CIDR block.
    pub cidr_block: String,
    /// The provider of the addresses, for example `BGP`.
    pub isp: Option<String>,
}

/// A vSwitch as `DescribeVSwitches` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitch {
    /// `VSwitchId`.
    pub id: ResourceId,
    /// `VSwitchName`; may be empty.
    pub name: String,
    /// `Description`; may be empty.
    pub description: String,
    /// `Available`, or `Pending` while it is being created.
    pub status: String,
    /// The VPC.
    pub vpc: Option<String>,
    /// `ZoneId`.
    pub zone: Option<String>,
    /// The owning account, if given.
    pub owner: Option<String>,
    /// Whether it is the zone's default vSwitch, created by the cloud.
    pub is_default: Option<bool>,
    /// The IPv4 CIDR block.
    pub cidr_block: Option<String>,
    /// The number of free IPv4 addresses.
    pub available_ip_address_count: Option<u32>,
    /// Whether IPv6 is enabled.
    pub has_ipv6: Option<bool>,
    /// The IPv6 CIDR block, if there is one.
    pub ipv6_cidr_block: Option<String>,
    /// The id of the route table that is associated with it.
    pub route_table: Option<String>,
    /// `System` if the route table came with the VPC, else `Custom`.
    pub route_table_type: Option<String>,
    /// The network ACL, if there is one.
    pub network_acl: Option<String>,
    /// How the vSwitch is shared between accounts, if it is.
    pub share_type: Option<String>,
    /// The resource group, if given.
    pub resource_group_id: Option<String>,
    /// The creation time, if given.
    pub creation_time: Option<Timestamp>,
    /// The tags, or `None` if they could not be read.
    pub tags: Option<ObservedTags>,
}

/// A network interface as `DescribeNetworkInterfaces` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    /// `NetworkInterfaceId`.
    pub id: ResourceId,
    /// `NetworkInterfaceName`; may be empty.
    pub name: String,
    /// `Description`; may be empty.
    pub description: String,
    /// For example `InUse` if attached to an instance, `Available` if not.
    pub status: String,
    /// `Primary` if it was created with an instance, else `Secondary`.
    pub interface_type: Option<String>,
    /// The vSwitch.
    pub vswitch: Option<String>,
    /// The VPC.
    pub vpc: Option<String>,
    /// `ZoneId`.
    pub zone: Option<String>,
    /// The owning account, if given.
    pub owner: Option<String>,
    /// The instance that it is attached to, if any.
    pub instance: Option<String>,
    /// How it is attached to the instance.
    pub attachment: Option<Attachment>,
    /// The ids of its security groups.
    pub security_groups: Vec<String>,
    /// The MAC address.
    pub mac_address: Option<String>,
    /// The primary private IPv4 address.
    pub private_ip_address: Option<String>,
    /// The public IP address of the primary address, if there is one.
    pub public_ip: Option<PublicIp>,
    /// All private IPv4 addresses.
    pub private_ips: Vec<PrivateIp>,
    /// The assigned IPv4 prefixes.
    pub ipv4_prefixes: Vec<String>,
    /// The IPv6 addresses.
    pub ipv6_addresses: Vec<Ipv6Address>,
    /// The assigned IPv6 prefixes.
    pub ipv6_prefixes: Vec<String>,
    /// The traffic mode: `Standard`, or `HighPerformance` with RDMA.
    pub traffic_mode: Option<String>,
    /// The number of queues.
    pub queue_number: Option<u32>,
    /// The number of RDMA queue pairs.
    pub queue_pair_number: Option<u32>,
    /// Whether a cloud service manages it, so that the owner cannot change it.
    pub is_managed: Option<bool>,
    /// The cloud service that manages it.
    pub service_id: Option<String>,
    /// Whether it is deleted with its instance.
    pub delete_on_release: Option<bool>,
    /// Whether packets are dropped that are neither from nor to its addresses.
    pub source_dest_check: Option<bool>,
    /// The resource group, if given.
    pub resource_group_id: Option<String>,
    /// The creation time, if given.
    pub creation_time: Option<Timestamp>,
    /// The tags, or `None` if they could not be read.
    pub tags: Option<ObservedTags>,
}

/// How a network interface is attached to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The id of the instance that it is attached to.
    pub instance: Option<String>,
    /// The device index on the instance.
    pub device_index: Option<u32>,
    /// The index of the instance's network card.
    pub network_card_index: Option<u32>,
    /// The trunk network interface that it is behind, if any.
    pub trunk_network_interface: Option<String>,
}

/// A public IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicIp {
    /// The allocation id, if the address can be moved to another resource.
    pub allocation: Option<String>,
    /// The public IP address.
    pub address: Option<String>,
}

/// A private IPv4 address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateIp {
    /// The private IP address.
    pub address: String,
    /// Whether it is the primary address.
    pub is_primary: Option<bool>,
    /// The DNS name, if there is one.
    pub dns_name: Option<String>,
    /// The associated public IP address, if there is one.
    pub public_ip: Option<PublicIp>,
}

/// An IPv6 address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv6Address {
    /// The IPv6 address.
    pub address: String,
    /// Whether it is the primary address.
    pub is_primary: Option<bool>,
}

impl Vpc {
    pub(crate) fn read(found: &ResponseObject<'_>) -> Result<Self, String> {
        let text = |key| found.text(key).unwrap_or_default();
        let blocks = found.list("Ipv6CidrBlocks", "Ipv6CidrBlock");
        Ok(Self {
            id: id(found, ResourceType::Vpc, "VpcId")?,
            name: text("VpcName"),
            description: text("Description"),
            status: text("Status"),
            region: found.text("RegionId"),
            owner: found.text("OwnerId"),
            is_default: found.flag("IsDefault"),
            cidr_block: found.text("CidrBlock"),
            secondary_cidr_blocks: found.texts("SecondaryCidrBlocks", "SecondaryCidrBlock"),
            user_cidrs: found.texts("UserCidrs", "UserCidr"),
            has_ipv6: found.flag("EnabledIpv6"),
            ipv6_cidr_block: found.text("Ipv6CidrBlock"),
            ipv6_cidr_blocks: blocks
                .map(|block| Ipv6CidrBlock {
                    cidr_block: block.text("Ipv6CidrBlock").unwrap_or_default(),
                    isp: block.text("Ipv6Isp"),
                })
                .collect(),
            router: found.text("VRouterId"),
            // "Router" here, and "Route" everywhere else in the API.
            route_tables: found.texts("RouterTableIds", "RouterTableIds"),
            vswitches: found.texts("VSwitchIds", "VSwitchId"),
            nat_gateways: found.texts("NatGatewayIds", "NatGatewayIds"),
            dhcp_options_set: found.text("DhcpOptionsSetId"),
            dhcp_options_set_status: found.text("DhcpOptionsSetStatus"),
            dns_hostname_status: found.text("DnsHostnameStatus"),
            cen_status: found.text("CenStatus"),
            resource_group_id: found.text("ResourceGroupId"),
            creation_time: found.time("CreationTime"),
            tags: found.tags(),
        })
    }
}

impl VSwitch {
    pub(crate) fn read(found: &ResponseObject<'_>) -> Result<Self, String> {
        let text = |key| found.text(key).unwrap_or_default();
        let of_route_table = |key| found.object("RouteTable").ok().and_then(|table| table.text(key));
        Ok(Self {
            id: id(found, ResourceType::VSwitch, "VSwitchId")?,
            name: text("VSwitchName"),
            description: text("Description"),
            status: text("Status"),
            vpc: found.text("VpcId"),
            zone: found.text("ZoneId"),
            owner: found.text("OwnerId"),
            is_default: found.flag("IsDefault"),
            cidr_block: found.text("CidrBlock"),
            available_ip_address_count: found.number("AvailableIpAddressCount"),
            has_ipv6: found.flag("EnabledIpv6"),
            ipv6_cidr_block: found.text("Ipv6CidrBlock"),
            route_table: of_route_table("RouteTableId"),
            route_table_type: of_route_table("RouteTableType"),
            network_acl: found.text("NetworkAclId"),
            share_type: found.text("ShareType"),
            resource_group_id: found.text("ResourceGroupId"),
            creation_time: found.time("CreationTime"),
            tags: found.tags(),
        })
    }
}

impl NetworkInterface {
    pub(crate) fn read(found: &ResponseObject<'_>) -> Result<Self, String> {
        let text = |key| found.text(key).unwrap_or_default();
        let all = |outer, inner, key: &'static str| {
            found.list(outer, inner).filter_map(move |one: ResponseObject<'_>| one.text(key)).collect()
        };
        let private_ips = found.list("PrivateIpSets", "PrivateIpSet");
        let ipv6_addresses = found.list("Ipv6Sets", "Ipv6Set");
        Ok(Self {
            id: id(found, ResourceType::NetworkInterface, "NetworkInterfaceId")?,
            name: text("NetworkInterfaceName"),
            description: text("Description"),
            status: text("Status"),
            interface_type: found.text("Type"),
            vswitch: found.text("VSwitchId"),
            vpc: found.text("VpcId"),
            zone: found.text("ZoneId"),
            owner: found.text("OwnerId"),
            instance: found.text("InstanceId"),
            attachment: found.object("Attachment").ok().map(|how| Attachment::read(&how)),
            security_groups: found.texts("SecurityGroupIds", "SecurityGroupId"),
            mac_address: found.text("MacAddress"),
            private_ip_address: found.text("PrivateIpAddress"),
            public_ip: PublicIp::read(found),
            private_ips: private_ips
                .map(|ip| PrivateIp {
                    address: ip.text("PrivateIpAddress").unwrap_or_default(),
                    is_primary: ip.flag("Primary"),
                    dns_name: ip.text("PrivateDnsName"),
                    public_ip: PublicIp::read(&ip),
                })
                .collect(),
            ipv4_prefixes: all("Ipv4PrefixSets", "Ipv4PrefixSet", "Ipv4Prefix"),
            ipv6_addresses: ipv6_addresses
                .map(|ip| Ipv6Address {
                    address: ip.text("Ipv6Address").unwrap_or_default(),
                    is_primary: ip.flag("Primary"),
                })
                .collect(),
            ipv6_prefixes: all("Ipv6PrefixSets", "Ipv6PrefixSet", "Ipv6Prefix"),
            traffic_mode: found.text("NetworkInterfaceTrafficMode"),
            queue_number: found.number("QueueNumber"),
            queue_pair_number: found.number("QueuePairNumber"),
            is_managed: found.flag("ServiceManaged"),
            service_id: found.text("ServiceID"),
            delete_on_release: found.flag("DeleteOnRelease"),
            source_dest_check: found.flag("SourceDestCheck"),
            resource_group_id: found.text("ResourceGroupId"),
            creation_time: found.time("CreationTime"),
            tags: found.tags(),
        })
    }
}

impl Attachment {
    fn read(found: &ResponseObject<'_>) -> Self {
        Self {
            instance: found.text("InstanceId"),
            device_index: found.number("DeviceIndex"),
            network_card_index: found.number("NetworkCardIndex"),
            trunk_network_interface: found.text("TrunkNetworkInterfaceId"),
        }
    }
}

impl PublicIp {
    /// Reads the associated public IP address. An empty one counts as none.
    fn read(of: &ResponseObject<'_>) -> Option<Self> {
        let found = of.object("AssociatedPublicIp").ok()?;
        let read = Self { allocation: found.text("AllocationId"), address: found.text("PublicIpAddress") };
        (read.allocation.is_some() || read.address.is_some()).then_some(read)
    }
}

/// Reads the required id of a list item. An item without an id cannot be identified.
pub(crate) fn id(found: &ResponseObject<'_>, of: ResourceType, key: &'static str) -> Result<ResourceId, String> {
    ResourceId::of(of, &found.required(key)?).map_err(|error| error.to_string())
}
