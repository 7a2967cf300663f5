"""Seconds after an SDK creates a VPC, the VPC has the flow log that the template's policy asks for."""

from cloud import eventually

ARGUMENTS = ["--transition-ms", "200"]


def test_the_function_makes_an_active_flow_log_that_the_sdk_reads(call, active_flow_log):
    vpc_id = call("vpc", "CreateVpc", VpcName="shop", Tag=[{"Key": "env", "Value": "dev"}])["VpcId"]
    flow_log = active_flow_log(vpc_id)
    assert flow_log.items() >= {
        "ResourceType": "VPC",
        "ResourceId": vpc_id,
        "FlowLogName": f"flowkeeper-{vpc_id}",
        "Description": "Kept by Flowkeeper",
        "ProjectName": "flowlog-1000000000000001-cn-hangzhou",
        "LogStoreName": "vpc",
        "TrafficType": "All",
        "AggregationInterval": 10,
        "BusinessStatus": "Normal",
        "FlowLogDeliverStatus": "SUCCESS",
    }.items()
    assert {"Key": "managed-by", "Value": "flowkeeper"} in flow_log["Tags"]["Tag"]


def test_a_vswitch_in_a_vpc_that_has_a_flow_log_leads_to_no_second_one(call, cloud, active_flow_log):
    vpc_id = call("vpc", "CreateVpc")["VpcId"]
    flow_log = active_flow_log(vpc_id)
    invocations = len(cloud.journal("invocation"))
    call("vpc", "CreateVSwitch", VpcId=vpc_id, ZoneId="cn-hangzhou-b", CidrBlock="172.16.0.0/24")
    eventually(lambda: len(cloud.journal("invocation")) > invocations)
    assert call("vpc", "DescribeFlowLogs", VpcId=vpc_id)["FlowLogs"]["FlowLog"] == [flow_log]
