//! Reads: wrapped lists, filters and pages.

use serde_json::Value;

use crate::support::{cloud, code};

fn ids<'a>(answer: &'a Value, path: &str, id: &str) -> Vec<&'a str> {
    answer.pointer(path).unwrap().as_array().unwrap().iter().map(|item| item[id].as_str().unwrap()).collect()
}

#[tokio::test]
async fn flow_logs_are_listed_in_the_documented_shape() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let more = [("Tag.1.Key", "team"), ("Tag.1.Value", "network"), ("FlowLogName", "流日志")];
    cloud.create_flow_log("VPC", &vpc, &more).await.unwrap();
    let got = cloud.call("DescribeFlowLogs", &[]).await.unwrap();
    let documented: Value =
        serde_json::from_str(include_str!("../../../fixtures/openapi/describe_flow_logs.wrapped.json")).unwrap();
    let kinds = |value: &Value| -> Vec<(String, std::mem::Discriminant<Value>)> {
        let members = value.as_object().unwrap().iter();
        members.map(|(name, member)| (name.clone(), std::mem::discriminant(member))).collect()
    };
    assert_eq!(kinds(&got), kinds(&documented));
    let (got, documented) = (&got["FlowLogs"]["FlowLog"][0], &documented["FlowLogs"]["FlowLog"][0]);
    let got_kinds = kinds(got);
    for member in kinds(documented) {
        assert!(got_kinds.contains(&member), "{member:?} in {got}");
    }
    assert_eq!(got["Tags"]["Tag"][0]["Value"], "network");
    assert_eq!(got["FlowLogName"], "流日志");
}

#[tokio::test]
async fn what_has_ipv6_addresses_shows_them_and_is_told_apart_by_them() {
    let cloud = cloud().await;
    let plain = cloud.create_vpc(&[]).await.unwrap();
    let with = cloud.call("CreateVpc", &[("EnableIpv6", "true"), ("Ipv6Isp", "ChinaMobile")]).await.unwrap();
    let with = with["VpcId"].as_str().unwrap();
    let listed = async |enabled| cloud.call("DescribeVpcs", &[("EnableIpv6", enabled)]).await.unwrap();
    let vpcs = listed("true").await;
    assert_eq!(ids(&vpcs, "/Vpcs/Vpc", "VpcId"), [with]);
    let block = &vpcs["Vpcs"]["Vpc"][0]["Ipv6CidrBlocks"]["Ipv6CidrBlock"][0];
    assert_eq!(block["Ipv6Isp"], "ChinaMobile");
    assert_eq!(block["Ipv6CidrBlock"], vpcs["Vpcs"]["Vpc"][0]["Ipv6CidrBlock"]);
    assert_eq!(ids(&listed("false").await, "/Vpcs/Vpc", "VpcId"), [plain.as_str()]);

    let part =
        |vpc| [("VpcId", vpc), ("ZoneId", "cn-hangzhou-h"), ("CidrBlock", "172.16.0.0/24"), ("Ipv6CidrBlock", "7")];
    assert_eq!(code(cloud.call("CreateVSwitch", &part(&plain)).await), "OperationFailed.NotSupportIpv6");
    let vswitch = cloud.call("CreateVSwitch", &part(with)).await.unwrap();
    cloud.create_vswitch(&plain).await.unwrap();
    let vswitches = cloud.call("DescribeVSwitches", &[("EnableIpv6", "true")]).await.unwrap();
    assert_eq!(ids(&vswitches, "/VSwitches/VSwitch", "VSwitchId"), [vswitch["VSwitchId"].as_str().unwrap()]);
    let of_vpc = block["Ipv6CidrBlock"].as_str().unwrap().trim_end_matches("00::/56");
    assert_eq!(vswitches["VSwitches"]["VSwitch"][0]["Ipv6CidrBlock"], format!("{of_vpc}07::/64"));

    let vswitch = vswitch["VSwitchId"].as_str().unwrap();
    cloud.create_network_interface(vswitch).await.unwrap();
    let address = ("Ipv6Address.1", "2001:db8::7");
    let parameters = [("VSwitchId", vswitch), ("SecurityGroupId", "sg-1"), address];
    let made = cloud.call("CreateNetworkInterface", &parameters).await.unwrap();
    let interfaces = cloud.call("DescribeNetworkInterfaces", &[address]).await.unwrap();
    let made = made["NetworkInterfaceId"].as_str().unwrap();
    assert_eq!(ids(&interfaces, "/NetworkInterfaceSets/NetworkInterfaceSet", "NetworkInterfaceId"), [made]);
}

#[tokio::test]
async fn flow_logs_are_filtered_by_what_they_are_and_where() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    let other = cloud.create_vpc(&[]).await.unwrap();
    let tag = [("Tag.1.Key", "a"), ("Tag.1.Value", "1")];
    let first = cloud.create_flow_log("VPC", &vpc, &tag).await.unwrap();
    let second = cloud.create_flow_log("NetworkInterface", &interface, &[("FlowLogName", "eni")]).await.unwrap();
    let third = cloud.create_flow_log("VPC", &other, &[]).await.unwrap();
    for (filter, expected) in [
        (vec![], vec![&first, &second, &third]),
        (vec![("FlowLogId", third.as_str())], vec![&third]),
        (vec![("FlowLogId", "fl-gone")], vec![]),
        (vec![("VpcId", vpc.as_str())], vec![&first, &second]),
        (vec![("ResourceType", "VPC")], vec![&first, &third]),
        (vec![("ResourceId", interface.as_str())], vec![&second]),
        (vec![("FlowLogName", "eni"), ("TrafficType", "All")], vec![&second]),
        (vec![("Tags.1.Key", "a"), ("Tags.1.Value", "1")], vec![&first]),
        (vec![("Tag.1.Key", "b")], vec![&first, &second, &third]),
        (vec![("Status", "Inactive")], vec![]),
        (vec![("RegionId", "cn-shanghai")], vec![]),
    ] {
        let answer = cloud.call("DescribeFlowLogs", &filter).await.unwrap();
        assert_eq!(ids(&answer, "/FlowLogs/FlowLog", "FlowLogId"), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let cloud = cloud().await;
    for _ in 0..12 {
        cloud.create_vpc(&[]).await.unwrap();
    }
    let page = async |parameters: &[(&str, &str)]| cloud.call("DescribeVpcs", parameters).await;
    let count = |answer: &Value| answer["Vpcs"]["Vpc"].as_array().unwrap().len();
    let first = page(&[]).await.unwrap();
    assert_eq!((count(&first), &first["TotalCount"], &first["PageSize"]), (10, &12.into(), &10.into()));
    assert_eq!(count(&page(&[("PageNumber", "2")]).await.unwrap()), 2);
    assert_eq!(count(&page(&[("PageNumber", "3"), ("PageSize", "5")]).await.unwrap()), 2);
    assert_eq!(page(&[("PageSize", "51")]).await.unwrap_err().code(), Some("InvalidParameter"));
    assert_eq!(page(&[("PageNumber", "0")]).await.unwrap_err().code(), Some("InvalidParameter"));
    let two = format!("{},{}", cloud.vpcs()[3].id, cloud.vpcs()[5].id);
    assert_eq!(count(&page(&[("VpcId", &two)]).await.unwrap()), 2);
}

#[tokio::test]
async fn every_filter_leaves_out_what_is_not_asked_for() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[("env", "dev")]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    let (table, address) = (vpc.replace("vpc-", "vtb-"), cloud.network_interfaces()[0].private_ip_address.clone());
    for (action, matching, not_matching) in [
        (
            "DescribeVpcs",
            vec![
                ("VpcId", vpc.as_str()),
                ("VpcOwnerId", "1000000000000001"),
                ("IsDefault", "False"),
                ("Tag.1.Key", "env"),
            ],
            vec![("VpcName", "x"), ("IsDefault", "true"), ("EnableIpv6", "true"), ("DhcpOptionsSetId", "dopt-1")],
        ),
        (
            "DescribeVSwitches",
            vec![("VpcId", &vpc), ("RouteTableId", &table), ("ZoneId", "cn-hangzhou-h"), ("EnableIpv6", "false")],
            vec![("VSwitchId", "vsw-x"), ("RouteTableId", "vtb-x"), ("ResourceGroupId", "rg-x"), ("Tag.1.Key", "x")],
        ),
        (
            "DescribeNetworkInterfaces",
            vec![
                ("NetworkInterfaceId.1", &interface),
                ("PrivateIpAddress.1", &address),
                ("PrimaryIpAddress", &address),
            ],
            vec![("PrimaryIpAddress", "10.9.9.9"), ("Ipv6Address.1", "::1"), ("ServiceManaged", "true")],
        ),
    ] {
        let matched = cloud.call(action, &matching).await.unwrap();
        assert_eq!(matched["TotalCount"], 1, "{action} {matching:?}");
        for filter in not_matching {
            assert_eq!(cloud.call(action, &[filter]).await.unwrap()["TotalCount"], 0, "{action} {filter:?}");
        }
    }
    let error = cloud.call("DescribeVpcs", &[("DryRun", "true")]).await.unwrap_err();
    assert_eq!(error.code(), Some("DryRunOperation"));
}

#[tokio::test]
async fn network_interfaces_come_by_token() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let run = cloud.call("RunInstances", &[("VSwitchId", &vswitch), ("Amount", "13")]).await.unwrap();
    let instance = run["InstanceIdSets"]["InstanceIdSet"][0].as_str().unwrap();
    let path = "/NetworkInterfaceSets/NetworkInterfaceSet";
    let first = cloud.call("DescribeNetworkInterfaces", &[("MaxResults", "2")]).await.unwrap();
    assert_eq!(ids(&first, path, "NetworkInterfaceId").len(), 10);
    let token = first["NextToken"].as_str().unwrap();
    let rest = cloud.call("DescribeNetworkInterfaces", &[("NextToken", token)]).await.unwrap();
    assert_eq!((ids(&rest, path, "NetworkInterfaceId").len(), rest["NextToken"].as_str()), (3, Some("")));
    let one = cloud.call("DescribeNetworkInterfaces", &[("InstanceId", instance)]).await.unwrap();
    let item = &one.pointer(path).unwrap()[0];
    assert_eq!((&item["Type"], &item["VpcId"]), (&"Primary".into(), &vpc.as_str().into()));
}

#[tokio::test]
async fn tags_are_set_when_made_and_later() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[("env", "dev")]).await.unwrap();
    let tags = [("ResourceType", "VPC"), ("ResourceId.1", vpc.as_str()), ("Tag.1.Key", "env"), ("Tag.1.Value", "prod")];
    cloud.call("TagResources", &tags).await.unwrap();
    let answer = cloud.call("DescribeVpcs", &[("Tag.1.Key", "env"), ("Tag.1.Value", "prod")]).await.unwrap();
    assert_eq!(ids(&answer, "/Vpcs/Vpc", "VpcId"), [vpc.as_str()]);
}

#[tokio::test]
async fn what_holds_something_is_not_deleted() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    let code = async |action: &str, name: &str, id: &str| {
        cloud.call(action, &[(name, id)]).await.err().and_then(|error| error.code().map(str::to_owned))
    };
    assert_eq!(code("DeleteVpc", "VpcId", &vpc).await.as_deref(), Some("DependencyViolation.VSwitch"));
    assert_eq!(
        code("DeleteVSwitch", "VSwitchId", &vswitch).await.as_deref(),
        Some("DependencyViolation.NetworkInterface")
    );
    assert_eq!(code("DeleteNetworkInterface", "NetworkInterfaceId", &interface).await, None);
    assert_eq!(code("DeleteVSwitch", "VSwitchId", &vswitch).await, None);
    assert_eq!(code("DeleteVpc", "VpcId", &vpc).await, None);
    assert_eq!(code("DeleteVpc", "VpcId", &vpc).await.as_deref(), Some("InvalidVpcId.NotFound"));
}

#[tokio::test]
async fn address_blocks_are_those_that_a_vpc_can_have() {
    let cloud = cloud().await;
    let create = async |block| code(cloud.call("CreateVpc", &[("CidrBlock", block)]).await);
    assert_eq!(create("1.2.3.4/5").await, "InvalidParameter");
    assert_eq!(create("127.0.0.0/8").await, "InvalidParameter");
    assert_eq!(create("11.0.0.0/8").await, "");
    let vpc = cloud.vpcs()[0].id.clone();
    for (block, expected) in
        [("11.0.0.0/24", ""), ("10.0.0.0/24", "InvalidParameter"), ("11.0.0.1/24", "InvalidParameter")]
    {
        let parameters = [("VpcId", vpc.as_str()), ("ZoneId", "cn-hangzhou-h"), ("CidrBlock", block)];
        assert_eq!(code(cloud.call("CreateVSwitch", &parameters).await), expected, "{block}");
    }
}
