"""Every ECS operation that local-cloud serves succeeds once and is refused once."""

import pytest

PRODUCT = "ecs"


@pytest.fixture
def vswitch(call):
    """A new vSwitch, as its id and the id of its VPC."""
    vpc_id = call("vpc", "CreateVpc")["VpcId"]
    answer = call("vpc", "CreateVSwitch", VpcId=vpc_id, ZoneId="cn-hangzhou-b", CidrBlock="172.16.0.0/16")
    return {"VpcId": vpc_id, "VSwitchId": answer["VSwitchId"]}


def network_interfaces(call, **filters):
    return call("ecs", "DescribeNetworkInterfaces", **filters)["NetworkInterfaceSets"]["NetworkInterfaceSet"]


def test_a_network_interface_is_made_found_and_deleted(call, refusal, vswitch):
    requested = {"VSwitchId": vswitch["VSwitchId"], "SecurityGroupId": "sg-bp1example"}
    made = call("ecs", "CreateNetworkInterface", Tag=[{"Key": "team", "Value": "网络"}], **requested)
    interface_id = made["NetworkInterfaceId"]
    for filters in (
        {"NetworkInterfaceId": [interface_id]},
        {"VpcId": vswitch["VpcId"], "Status": "Available"},
        {"VSwitchId": vswitch["VSwitchId"], "Type": "Secondary"},
        {"Tag": [{"Key": "team", "Value": "网络"}]},
    ):
        (found,) = network_interfaces(call, **filters)
        assert found.items() >= ({"NetworkInterfaceId": interface_id} | vswitch).items(), filters
        assert found["Tags"]["Tag"] == [{"TagKey": "team", "TagValue": "网络"}]
        assert found["SecurityGroupIds"]["SecurityGroupId"] == ["sg-bp1example"]
    assert refusal("vpc", "DeleteVSwitch", VSwitchId=vswitch["VSwitchId"])[1] == "DependencyViolation.NetworkInterface"
    call("ecs", "DeleteNetworkInterface", NetworkInterfaceId=interface_id)
    assert network_interfaces(call, NetworkInterfaceId=[interface_id]) == []

    absent = requested | {"VSwitchId": "vsw-bp1nowhere"}
    assert refusal("ecs", "CreateNetworkInterface", **absent) == (404, "InvalidVSwitchId.NotFound")
    assert refusal("ecs", "DeleteNetworkInterface", NetworkInterfaceId=interface_id) == (404, "InvalidEniId.NotFound")
    assert refusal("ecs", "DescribeNetworkInterfaces", Type="Tertiary") == (400, "InvalidParameter")


def test_instances_bring_network_interfaces_that_are_read_over_three_pages(call, refusal, vswitch):
    run = {"VSwitchId": vswitch["VSwitchId"], "Amount": 25}
    instances = call("ecs", "RunInstances", **run)["InstanceIdSets"]["InstanceIdSet"]
    token, found = None, []
    while token != "":
        more = {"NextToken": token} if token else {}
        answer = call("ecs", "DescribeNetworkInterfaces", VpcId=vswitch["VpcId"], MaxResults=10, **more)
        found.append([one["InstanceId"] for one in answer["NetworkInterfaceSets"]["NetworkInterfaceSet"]])
        token = answer["NextToken"]
    assert [len(page) for page in found] == [10, 10, 5]
    assert sorted(sum(found, [])) == sorted(instances)

    primary = network_interfaces(call, InstanceId=instances[0])[0]["NetworkInterfaceId"]
    assert refusal("ecs", "DeleteNetworkInterface", NetworkInterfaceId=primary) == (400, "InvalidOperation.EniType")
    assert refusal("ecs", "RunInstances", **run | {"Amount": 101}) == (400, "InvalidParameter")
    assert refusal("ecs", "DescribeNetworkInterfaces", MaxResults=10, NextToken="elsewhere")[0] == 400


def test_regions_are_listed(call, refusal, sdk, cloud):
    regions = [region["RegionId"] for region in call("ecs", "DescribeRegions")["Regions"]["Region"]]
    assert "cn-hangzhou" in regions
    assert refusal("ecs", "DescribeRegions", by=sdk(cloud, key="nobody"))[1] == "InvalidAccessKeyId.NotFound"
