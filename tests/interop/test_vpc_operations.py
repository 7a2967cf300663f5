"""Every VPC operation that local-cloud serves succeeds once and is refused once."""

import pytest

from cloud import eventually

ARGUMENTS = ["--no-functions", "--transition-ms", "50", "--service-closed"]
PROJECT = {"ProjectName": "flowlog-project", "LogStoreName": "vpc"}


def vpc(call, **parameters):
    return call("vpc", "CreateVpc", **parameters)["VpcId"]


def flow_log(call, resource_id, **parameters):
    requested = {"ResourceType": "VPC", "ResourceId": resource_id, "TrafficType": "All"} | PROJECT | parameters
    return call("vpc", "CreateFlowLog", **requested)["FlowLogId"]


def flow_logs(call, **filters):
    return call("vpc", "DescribeFlowLogs", **filters)["FlowLogs"]["FlowLog"]


def settled(call, flow_log_id, status):
    """Waits until the flow log has reached a status, and returns it."""
    return eventually(lambda: [one for one in flow_logs(call, FlowLogId=flow_log_id) if one["Status"] == status])[0]


def pages(call, size, **filters):
    """Returns the ids on each page of DescribeFlowLogs, up to the first empty page."""
    found = []
    while True:
        answer = call("vpc", "DescribeFlowLogs", PageNumber=len(found) + 1, PageSize=size, **filters)
        assert (int(answer["PageNumber"]), int(answer["PageSize"])) == (len(found) + 1, size)
        if not answer["FlowLogs"]["FlowLog"]:
            return found, int(answer["TotalCount"])
        found.append([one["FlowLogId"] for one in answer["FlowLogs"]["FlowLog"]])


@pytest.fixture(scope="module", autouse=True)
def open_service(module_cloud, sdk):
    """Opens the flow log service, which everything needs. Returns its status before that, and the answer."""
    call = sdk(module_cloud)
    return call("vpc", "GetFlowLogServiceStatus")["Enabled"], call("vpc", "OpenFlowLogService")


def test_the_flow_log_service_is_opened_once(call, refusal, open_service):
    enabled, opened = open_service
    assert enabled is False
    assert opened["Code"] == "200"
    assert call("vpc", "GetFlowLogServiceStatus")["Enabled"] is True
    assert refusal("vpc", "OpenFlowLogService") == (400, "OperationFailed.ExceedPurchaseLimit")
    assert refusal("vpc", "GetFlowLogServiceStatus", RegionId="cn-nowhere")[1] == "InvalidRegionId.NotFound"


def test_a_vpc_is_made_found_and_deleted(call, refusal):
    tags = [{"Key": "team", "Value": "a&b=流 ~*"}]
    vpc_id = vpc(call, VpcName="shop", CidrBlock="10.0.0.0/16", Tag=tags)
    for filters in ({"VpcId": f"{vpc_id},vpc-other"}, {"VpcName": "shop"}, {"Tag": tags}):
        answer = call("vpc", "DescribeVpcs", **filters)
        assert answer["TotalCount"] == 1, filters
        (found,) = answer["Vpcs"]["Vpc"]
        assert (found["VpcId"], found["CidrBlock"], found["IsDefault"]) == (vpc_id, "10.0.0.0/16", False)
        assert found["Tags"]["Tag"] == tags
    call("vpc", "DeleteVpc", VpcId=vpc_id)
    assert call("vpc", "DescribeVpcs", VpcId=vpc_id)["Vpcs"]["Vpc"] == []

    assert refusal("vpc", "CreateVpc", CidrBlock="10.0/16") == (400, "InvalidParameter")
    assert refusal("vpc", "DescribeVpcs", PageSize=51) == (400, "InvalidParameter")
    assert refusal("vpc", "DeleteVpc", VpcId=vpc_id) == (404, "InvalidVpcId.NotFound")


def test_a_region_has_one_default_vpc_with_default_vswitches(call, refusal):
    zone = {"ZoneId": "cn-hangzhou-b"}
    assert refusal("vpc", "CreateDefaultVSwitch", **zone)[0] == 400
    vpc_id = call("vpc", "CreateDefaultVpc")["VpcId"]
    vswitch_id = call("vpc", "CreateDefaultVSwitch", **zone)["VSwitchId"]
    (found,) = call("vpc", "DescribeVSwitches", VSwitchId=vswitch_id)["VSwitches"]["VSwitch"]
    assert (found["VpcId"], found["IsDefault"]) == (vpc_id, True)
    assert refusal("vpc", "CreateDefaultVpc")[0] == 400


def test_a_vswitch_is_made_found_and_deleted_before_its_vpc(call, refusal):
    vpc_id = vpc(call)
    requested = {"VpcId": vpc_id, "ZoneId": "cn-hangzhou-b", "CidrBlock": "172.16.0.0/24"}
    vswitch_id = call("vpc", "CreateVSwitch", VSwitchName="front", **requested)["VSwitchId"]
    for filters in ({"VSwitchId": vswitch_id}, {"VpcId": vpc_id}, {"VSwitchName": "front"}):
        answer = call("vpc", "DescribeVSwitches", **filters)
        (found,) = answer["VSwitches"]["VSwitch"]
        assert found.items() >= ({"VSwitchId": vswitch_id} | requested).items(), filters
    (parent,) = call("vpc", "DescribeVpcs", VpcId=vpc_id)["Vpcs"]["Vpc"]
    assert parent["VSwitchIds"]["VSwitchId"] == [vswitch_id]
    assert refusal("vpc", "DeleteVpc", VpcId=vpc_id) == (400, "DependencyViolation.VSwitch")
    call("vpc", "DeleteVSwitch", VSwitchId=vswitch_id)
    call("vpc", "DeleteVpc", VpcId=vpc_id)

    assert refusal("vpc", "CreateVSwitch", **requested) == (404, "InvalidVpcId.NotFound")
    assert refusal("vpc", "DescribeVSwitches", PageSize=51) == (400, "InvalidParameter")
    assert refusal("vpc", "DeleteVSwitch", VSwitchId=vswitch_id) == (404, "InvalidVswitchId.NotFound")


def test_every_parameter_of_a_flow_log_comes_back(call):
    vpc_id = vpc(call)
    requested = {
        "ResourceType": "VPC",
        "ResourceId": vpc_id,
        "TrafficType": "Drop",
        "FlowLogName": "名称 +%~*",
        "Description": "what & why = because",
        "AggregationInterval": 5,
        "IpVersion": "IPv4",
        "LogFormat": "${version}",
        "ResourceGroupId": "rg-example",
    } | PROJECT
    paths = ["internetGateway", "natGateway"]
    # In the string to sign, Tag.10 and Tag.11 come before Tag.2.
    tags = [{"Key": f"k{n:02}", "Value": f"v {n}"} for n in range(11)]
    answer = call("vpc", "CreateFlowLog", TrafficPath=paths, Tag=tags, **requested)
    assert (answer["Success"], answer["ResourceGroupId"]) == ("true", "rg-example")
    found = settled(call, answer["FlowLogId"], "Active")
    assert found.items() >= requested.items()
    assert found["RegionId"] == "cn-hangzhou"
    assert found["TrafficPath"]["TrafficPathList"] == paths
    assert found["Tags"]["Tag"] == tags


def test_flow_logs_are_found_by_each_filter(call, refusal):
    vpc_id = vpc(call)
    flow_log_id = flow_log(
        call,
        vpc_id,
        FlowLogName="found",
        Description="by a filter",
        TrafficType="Allow",
        ProjectName="filtered-project",
        LogStoreName="filtered_store",
        ResourceGroupId="rg-filtered",
        Tag=[{"Key": "team", "Value": "filters"}],
    )
    settled(call, flow_log_id, "Active")
    for filters in (
        {"FlowLogId": flow_log_id},
        {"FlowLogName": "found"},
        {"Description": "by a filter"},
        {"ResourceType": "VPC", "ResourceId": vpc_id},
        {"TrafficType": "Allow"},
        {"ProjectName": "filtered-project"},
        {"LogStoreName": "filtered_store"},
        {"ResourceGroupId": "rg-filtered"},
        {"VpcId": vpc_id, "Status": "Active"},
        {"Tags": [{"Key": "team", "Value": "filters"}]},
    ):
        assert [one["FlowLogId"] for one in flow_logs(call, **filters)] == [flow_log_id], filters
    assert flow_logs(call, VpcId=vpc_id, Status="Inactive") == []
    assert flow_logs(call, VpcId=vpc_id, RegionId="cn-shanghai") == []
    assert refusal("vpc", "DescribeFlowLogs", Status="Sleeping") == (400, "InvalidParameter")


def test_flow_logs_are_read_over_three_pages(call, refusal):
    tag = {"Key": "paged", "Value": "yes"}
    ids = [flow_log(call, vpc(call), Tag=[tag]) for _ in range(5)]
    found, total = pages(call, 2, Tags=[tag])
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(sum(found, [])) == sorted(ids)
    assert total == 5
    assert refusal("vpc", "DescribeFlowLogs", PageSize=51) == (400, "InvalidParameter")


def test_a_flow_log_is_changed_stopped_started_tagged_and_deleted(call, refusal):
    flow_log_id = flow_log(call, vpc(call))
    one = {"FlowLogId": flow_log_id}
    assert refusal("vpc", "DeactiveFlowLog", **one) == (400, "IncorrectStatus.flowlog")
    settled(call, flow_log_id, "Active")

    changed = {"FlowLogName": "renamed", "Description": "changed", "AggregationInterval": 1}
    assert call("vpc", "ModifyFlowLogAttribute", **one, **changed)["Success"] == "true"
    assert settled(call, flow_log_id, "Active").items() >= changed.items()
    assert refusal("vpc", "ActiveFlowLog", **one) == (400, "InvalidStatus")

    assert call("vpc", "DeactiveFlowLog", **one)["Success"] == "true"
    settled(call, flow_log_id, "Inactive")
    assert call("vpc", "ActiveFlowLog", **one)["Success"] == "true"
    settled(call, flow_log_id, "Active")

    tags = [{"Key": "team", "Value": "network"}]
    call("vpc", "TagResources", ResourceType="FLOWLOG", ResourceId=[flow_log_id], Tag=tags)
    assert settled(call, flow_log_id, "Active")["Tags"]["Tag"] == tags

    assert call("vpc", "DeleteFlowLog", **one)["Success"] == "true"
    eventually(lambda: not flow_logs(call, **one))


@pytest.mark.parametrize("action", ["ModifyFlowLogAttribute", "ActiveFlowLog", "DeactiveFlowLog", "DeleteFlowLog"])
def test_a_flow_log_that_does_not_exist_is_not_changed(refusal, action):
    assert refusal("vpc", action, FlowLogId="fl-bp1nowhere") == (400, "InvalidInstanceId.NotFound")


def test_vpcs_and_vswitches_are_tagged_too(call, refusal):
    vpc_id = vpc(call)
    tags = [{"Key": "flowkeeper", "Value": "ignore"}, {"Key": "team", "Value": ""}]
    call("vpc", "TagResources", ResourceType="VPC", ResourceId=[vpc_id], Tag=tags)
    (found,) = call("vpc", "DescribeVpcs", VpcId=vpc_id)["Vpcs"]["Vpc"]
    assert found["Tags"]["Tag"] == tags
    answer = refusal("vpc", "TagResources", ResourceType="VSWITCH", ResourceId=[vpc_id], Tag=tags)
    assert answer == (404, "InvalidResourceId.NotFound")


def test_regions_are_listed(call, refusal, sdk, cloud):
    regions = [region["RegionId"] for region in call("vpc", "DescribeRegions")["Regions"]["Region"]]
    assert "cn-hangzhou" in regions
    assert refusal("vpc", "DescribeRegions", by=sdk(cloud, key="nobody"))[1] == "InvalidAccessKeyId.NotFound"
