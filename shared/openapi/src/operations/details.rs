//! What the API says of a VPC, a vSwitch and a network interface, all of it.
//!
//! Only the id has to be there: whatever else is missing, or is not what the documents say, is as if it were not given.
//! For what a policy asks about a resource, [`flow_log::Resource`] is enough, and cheaper to read.

use flow_log::{ObservedTags, ResourceId, ResourceType};
use jiff::Timestamp;

use crate::call::response::Object;

/// A VPC as `DescribeVpcs` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// `Available`, or `Pending` while it is being made.
    pub status: String,
    /// The region that it is in, where it is given.
    pub region: Option<String>,
    /// The account that it is of, where it is given.
    pub owner: Option<String>,
    /// Whether the cloud made it, as the region's default.
    pub is_default: Option<bool>,
    /// Its IPv4 addresses.
    pub cidr_block: Option<String>,
    /// The IPv4 addresses that were added to them.
    pub secondary_cidr_blocks: Vec<String>,
    /// The IPv4 addresses that are private to it though they lie in the public range.
    pub user_cidrs: Vec<String>,
    /// Whether it has IPv6 addresses, too.
    pub has_ipv6: Option<bool>,
    /// Its IPv6 addresses, where it has some.
    pub ipv6_cidr_block: Option<String>,
    /// All its IPv6 addresses, with where they come from.
    pub ipv6_cidr_blocks: Vec<Ipv6CidrBlock>,
    /// Its router.
    pub router: Option<String>,
    /// Its route tables.
    pub route_tables: Vec<String>,
    /// Its vSwitches.
    pub vswitches: Vec<String>,
    /// Its NAT gateways.
    pub nat_gateways: Vec<String>,
    /// Its set of DHCP options, where it has one.
    pub dhcp_options_set: Option<String>,
    /// Whether that is in use.
    pub dhcp_options_set_status: Option<String>,
    /// Whether instances in it are given host names in DNS.
    pub dns_hostname_status: Option<String>,
    /// `Attached` where a Cloud Enterprise Network has it.
    pub cen_status: Option<String>,
    /// The resource group that it is in, where it is given.
    pub resource_group_id: Option<String>,
    /// When it was made, where it is given.
    pub creation_time: Option<Timestamp>,
    /// Its tags; `None` where they could not be read.
    pub tags: Option<ObservedTags>,
}

/// IPv6 addresses of a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv6CidrBlock {
    /// The addresses.
    pub cidr_block: String,
    /// Whose network they are reached through, for example `BGP`.
    pub isp: Option<String>,
}

/// A vSwitch as `DescribeVSwitches` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VSwitch {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// `Available`, or `Pending` while it is being made.
    pub status: String,
    /// The VPC that it is in.
    pub vpc: Option<String>,
    /// The zone that it is in.
    pub zone: Option<String>,
    /// The account that it is of, where it is given.
    pub owner: Option<String>,
    /// Whether the cloud made it, as the zone's default.
    pub is_default: Option<bool>,
    /// Its IPv4 addresses.
    pub cidr_block: Option<String>,
    /// How many of them are free.
    pub available_ip_address_count: Option<u32>,
    /// Whether it has IPv6 addresses, too.
    pub has_ipv6: Option<bool>,
    /// Its IPv6 addresses, where it has some.
    pub ipv6_cidr_block: Option<String>,
    /// Its route table.
    pub route_table: Option<String>,
    /// `System` where the VPC came with that, else `Custom`.
    pub route_table_type: Option<String>,
    /// The list of what it lets through, where it has one.
    pub network_acl: Option<String>,
    /// How accounts share it, where they do.
    pub share_type: Option<String>,
    /// The resource group that it is in, where it is given.
    pub resource_group_id: Option<String>,
    /// When it was made, where it is given.
    pub creation_time: Option<Timestamp>,
    /// Its tags; `None` where they could not be read.
    pub tags: Option<ObservedTags>,
}

/// A network interface as `DescribeNetworkInterfaces` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInterface {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// For example `InUse` where an instance has it, and `Available` where none has.
    pub status: String,
    /// `Primary` where an instance came with it, else `Secondary`.
    pub interface_type: Option<String>,
    /// The vSwitch that it is on.
    pub vswitch: Option<String>,
    /// The VPC that it is in.
    pub vpc: Option<String>,
    /// The zone that it is in.
    pub zone: Option<String>,
    /// The account that it is of, where it is given.
    pub owner: Option<String>,
    /// The instance that has it, where one has.
    pub instance: Option<String>,
    /// How that instance has it.
    pub attachment: Option<Attachment>,
    /// Its security groups.
    pub security_groups: Vec<String>,
    /// Its hardware address.
    pub mac_address: Option<String>,
    /// Its primary IPv4 address.
    pub private_ip_address: Option<String>,
    /// The public address of that, where it has one.
    pub public_ip: Option<PublicIp>,
    /// All its IPv4 addresses.
    pub private_ips: Vec<PrivateIp>,
    /// The IPv4 prefixes that are assigned to it.
    pub ipv4_prefixes: Vec<String>,
    /// Its IPv6 addresses.
    pub ipv6_addresses: Vec<Ipv6Address>,
    /// The IPv6 prefixes that are assigned to it.
    pub ipv6_prefixes: Vec<String>,
    /// How it sends: `Standard`, or `HighPerformance` with RDMA.
    pub traffic_mode: Option<String>,
    /// How many queues it has.
    pub queue_number: Option<u32>,
    /// How many pairs of queues it has with RDMA.
    pub queue_pair_number: Option<u32>,
    /// Whether a cloud service manages it, so that its account cannot change it.
    pub is_managed: Option<bool>,
    /// Which service that is.
    pub service_id: Option<String>,
    /// Whether it goes when its instance goes.
    pub delete_on_release: Option<bool>,
    /// Whether what is neither from it nor for it is thrown away.
    pub source_dest_check: Option<bool>,
    /// The resource group that it is in, where it is given.
    pub resource_group_id: Option<String>,
    /// When it was made, where it is given.
    pub creation_time: Option<Timestamp>,
    /// Its tags; `None` where they could not be read.
    pub tags: Option<ObservedTags>,
}

/// How an instance has a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The instance.
    pub instance: Option<String>,
    /// As which of its devices.
    pub device_index: Option<u32>,
    /// On which of its network cards.
    pub network_card_index: Option<u32>,
    /// Behind which other network interface of it, where it is behind one.
    pub trunk_network_interface: Option<String>,
}

/// A public address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicIp {
    /// The id of the address, where it can be moved elsewhere.
    pub allocation: Option<String>,
    /// The address.
    pub address: Option<String>,
}

/// An IPv4 address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateIp {
    /// The address.
    pub address: String,
    /// Whether it is the primary one.
    pub is_primary: Option<bool>,
    /// Its name in DNS, where it has one.
    pub dns_name: Option<String>,
    /// The public address of it, where it has one.
    pub public_ip: Option<PublicIp>,
}

/// An IPv6 address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv6Address {
    /// The address.
    pub address: String,
    /// Whether it is the primary one.
    pub is_primary: Option<bool>,
}

impl Vpc {
    pub(crate) fn read(found: &Object<'_>) -> Result<Self, String> {
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
            // "Router" here, and "Route" in all others.
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
    pub(crate) fn read(found: &Object<'_>) -> Result<Self, String> {
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
    pub(crate) fn read(found: &Object<'_>) -> Result<Self, String> {
        let text = |key| found.text(key).unwrap_or_default();
        let all = |outer, inner, key: &'static str| {
            found.list(outer, inner).filter_map(move |one: Object<'_>| one.text(key)).collect()
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
    fn read(found: &Object<'_>) -> Self {
        Self {
            instance: found.text("InstanceId"),
            device_index: found.number("DeviceIndex"),
            network_card_index: found.number("NetworkCardIndex"),
            trunk_network_interface: found.text("TrunkNetworkInterfaceId"),
        }
    }
}

impl PublicIp {
    /// The public address of what was found; an empty one stands for none.
    fn read(of: &Object<'_>) -> Option<Self> {
        let found = of.object("AssociatedPublicIp").ok()?;
        let read = Self { allocation: found.text("AllocationId"), address: found.text("PublicIpAddress") };
        (read.allocation.is_some() || read.address.is_some()).then_some(read)
    }
}

/// The id that an item of a list must have: without it, nobody could say what it is.
pub(crate) fn id(found: &Object<'_>, of: ResourceType, key: &'static str) -> Result<ResourceId, String> {
    ResourceId::of(of, &found.required(key)?).map_err(|error| error.to_string())
}
