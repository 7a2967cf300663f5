"""The answers of local-cloud contain every field that the official SDK has in its models of them.

The SDK's models are generated from the API's own description. Every operation that the product's documents describe is
called here until each field has been seen once.
"""

import json

import pytest
from darabonba.model import DaraModel

import clients
from cloud import REGION, REPOSITORY, Cloud

DOCUMENTED = json.loads((REPOSITORY / "tests" / "fixtures" / "openapi" / "documented.json").read_text())["operations"]
OPERATIONS = sorted({(one["product"].replace("expressconnectrouter", "ecr"), one["action"]) for one in DOCUMENTED})

# Fields that are never in an answer, as pairs of model and field, by the reason.
NEVER_THERE = {
    "nothing of this cloud makes a NAT gateway": {
        ("DescribeVpcsResponseBodyVpcsVpcNatGatewayIds", "nat_gateway_ids"),
    },
    "nothing of this cloud adds a block to a VPC": {
        ("DescribeVpcsResponseBodyVpcsVpcSecondaryCidrBlocks", "secondary_cidr_block"),
    },
}

TAG = [{"Key": "team", "Value": "network"}]
TARGET = {"ProjectName": "flowlog-project", "LogStoreName": "store"}
NAMED = {"FlowLogName": "name", "Description": "description"}
ROLE = {"RoleArn": "acs:ram::1000000000000002:role/flowkeeper", "RoleSessionName": "interop"}


class Answers:
    """Makes calls, and records which fields the answers have."""

    def __init__(self, cloud):
        self.sdk = clients.AlibabacloudSdkAcs3(cloud)
        # By operation: the fields of the models in the answers, and the fields that had a value.
        self.fields, self.filled = {}, {}

    def __call__(self, product, action, by=None, **parameters):
        if product in clients.REGIONAL:
            parameters = {"RegionId": REGION} | parameters
        answer = (by or self.sdk).answer(product, action, parameters)
        self._note((product, action), answer)
        return answer.to_map()

    def _note(self, operation, model):
        for field, value in vars(model).items():
            self.fields.setdefault(operation, set()).add((type(model).__name__, field))
            # An empty list shows no fields of its members, so it does not count as a value.
            if value is None or value == []:
                continue
            self.filled.setdefault(operation, set()).add((type(model).__name__, field))
            for member in value if isinstance(value, list) else [value]:
                if isinstance(member, DaraModel):
                    self._note(operation, member)


@pytest.fixture(scope="module")
def answers():
    with Cloud("--no-functions", "--transition-ms", "0", "--service-closed", "--ecr-failures-in-200") as cloud:
        answers = Answers(cloud)
        the_network(answers)
        the_flow_logs(answers)
        the_routers(answers, cloud)
        the_identities(answers, cloud)
        yield answers


def the_network(call):
    vpc = {"VpcId": call("vpc", "CreateVpc", EnableIpv6=True, UserCidr="30.0.0.0/8", Tag=TAG, VpcName="v")["VpcId"]}
    vswitch = vpc | {"ZoneId": "cn-hangzhou-b", "CidrBlock": "172.16.0.0/24", "Ipv6CidrBlock": 7, "Tag": TAG}
    vswitch = {"VSwitchId": call("vpc", "CreateVSwitch", **vswitch)["VSwitchId"]}
    lists = {"Ipv6Address": ["2001:db8::1"], "Ipv4Prefix": ["172.16.0.16/28"], "Ipv6Prefix": ["2001:db8:0:1::/80"]}
    call("ecs", "CreateNetworkInterface", SecurityGroupId="sg-1", Tag=TAG, **vswitch, **lists)
    call("ecs", "RunInstances", Amount=11, **vswitch)
    for page in ({}, {"PageNumber": 1, "PageSize": 10}):
        (interface, *_) = call("ecs", "DescribeNetworkInterfaces", **page)["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    eni = {"ResourceType": "eni", "ResourceId": [interface["NetworkInterfaceId"]]}
    call("ecs", "TagResources", Tag=TAG, **eni)
    call("ecs", "ListTagResources", **eni)
    call("vpc", "DescribeVpcs")
    call("vpc", "DescribeVSwitches")
    call("vpc", "DescribeRegions")


def the_flow_logs(call):
    call("vpc", "GetFlowLogServiceStatus")
    call("vpc", "OpenFlowLogService")
    vpc_id = call("vpc", "DescribeVpcs")["Vpcs"]["Vpc"][0]["VpcId"]
    on_vpc = {"ResourceType": "VPC", "ResourceId": vpc_id, "TrafficType": "All", "LogFormat": "${version}", "Tag": TAG}
    one = {"FlowLogId": call("vpc", "CreateFlowLog", **on_vpc, **TARGET, **NAMED)["FlowLogId"]}
    of_kind = {"ResourceType": "FLOWLOG", "ResourceId": [one["FlowLogId"]]}
    call("vpc", "DescribeFlowLogs")
    call("vpc", "ModifyFlowLogAttribute", **one, **NAMED)
    call("vpc", "DeactiveFlowLog", **one)
    call("vpc", "ActiveFlowLog", **one)
    call("vpc", "TagResources", Tag=TAG, **of_kind)
    call("vpc", "ListTagResources", **of_kind)
    call("vpc", "UnTagResources", All=True, **of_kind)
    moved = {"ResourceType": "FlowLog", "ResourceId": one["FlowLogId"], "NewResourceGroupId": "rg-2"}
    call("vpc", "MoveResourceGroup", **moved)
    call("vpc", "DeleteFlowLog", **one)


def the_routers(call, cloud):
    router = {"EcrId": call("ecr", "CreateExpressConnectRouter", AlibabaSideAsn=45104, Name="r", Tag=TAG)["EcrId"]}
    child = {"ChildInstanceType": "VBR", "ChildInstanceId": "vbr-1", "ChildInstanceRegionId": "cn-hangzhou"}
    call("ecr", "AttachExpressConnectRouterChildInstance", **router, **child)
    on_vbr = router | {"InstanceType": "VBR", "InstanceId": "vbr-1", "Tag": TAG}
    one = router | {"FlowLogId": call("ecr", "CreateFlowLog", **on_vbr, **TARGET, **NAMED)["FlowLogId"]}
    of_kind = {"ResourceType": "EXPRESSCONNECTROUTER", "ResourceId": [router["EcrId"]]}
    calls = [
        ("DescribeExpressConnectRouter", {}),
        ("DescribeExpressConnectRouterChildInstance", router),
        ("DescribeFlowLogs", router),
        ("ModifyFlowLogAttribute", one | NAMED),
        ("DeactivateFlowLog", one),
        ("ActivateFlowLog", one),
        ("TagResources", of_kind | {"Tag": TAG}),
        ("ListTagResources", of_kind),
        ("DeleteFlowlog", one),
    ]
    for action, parameters in calls:
        call("ecr", action, **parameters)
    # Refused calls show the additional fields of an error.
    for action, parameters in [("CreateFlowLog", on_vbr | TARGET), *calls]:
        cloud.fault(f"expressconnectrouter:{action}", "Forbidden.RAM")
        call("ecr", action, **parameters)


def the_identities(call, cloud):
    call("sts", "GetCallerIdentity")
    given = call("sts", "AssumeRole", SourceIdentity="alice", **ROLE)["Credentials"]
    key = {"key": given["AccessKeyId"], "secret": given["AccessKeySecret"], "token": given["SecurityToken"]}
    call("sts", "GetCallerIdentity", by=clients.AlibabacloudSdkAcs3(cloud, **key))


@pytest.mark.parametrize(("product", "action"), OPERATIONS, ids=map("-".join, OPERATIONS))
def test_every_field_of_the_sdks_models_has_a_value_in_some_answer(answers, product, action):
    fields, filled = answers.fields[product, action], answers.filled[product, action]
    excused = {one for ones in NEVER_THERE.values() for one in ones if one[0].startswith(f"{action}Response")}
    assert fields - filled == excused


def test_the_sdk_has_each_documented_operation():
    assert len(OPERATIONS) == 30
    assert all(clients.AlibabacloudSdk.has(product, action) for product, action in OPERATIONS)
