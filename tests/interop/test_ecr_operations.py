"""Every Express Connect Router operation succeeds once and is refused once."""

import pytest

from cloud import eventually

PRODUCT = "ecr"
ARGUMENTS = ["--no-functions", "--transition-ms", "50"]


@pytest.fixture
def router(call):
    """A new router, as its id parameter."""
    return {"EcrId": call("ecr", "CreateExpressConnectRouter", AlibabaSideAsn=45104, Name="interop")["EcrId"]}


@pytest.fixture
def vbr(call, router):
    """Attaches a VBR to the router."""

    def vbr(name):
        child = {"ChildInstanceType": "VBR", "ChildInstanceId": f"vbr-{name}", "ChildInstanceRegionId": "cn-hangzhou"}
        assert call("ecr", "AttachExpressConnectRouterChildInstance", **router | child)["Success"] is True
        return {"InstanceType": "VBR", "InstanceId": child["ChildInstanceId"]}

    return vbr


@pytest.fixture
def requested(router, vbr):
    """The parameters of a flow log. The SDK splits them between query and form."""
    target = {"ProjectName": "flowlog-project", "LogStoreName": "ecr"}
    return lambda name: router | vbr(f"{router['EcrId']}-{name}") | target


def settled(call, router, flow_log_id, status):
    """Waits until the flow log has reached a status, and returns it."""

    def look():
        found = call("ecr", "DescribeFlowLogs", FlowLogId=flow_log_id, **router)["FlowLogs"]
        return [one for one in found if one["Status"] == status]

    return eventually(look)[0]


def refused(refusal, *arguments, **parameters):
    """Whether a call is refused because of its content. Few of ECR's codes are documented."""
    status, code = refusal(*arguments, **parameters)
    return status in (400, 404) and not code.startswith(("InvalidAction", "InvalidVersion", "Signature"))


def test_a_router_and_its_vbrs_are_found(call, refusal, router, vbr):
    (found,) = call("ecr", "DescribeExpressConnectRouter", **router)["EcrList"]
    assert (found["EcrId"], found["Name"]) == (router["EcrId"], "interop")
    vbr_id = vbr(f"of-{router['EcrId']}")["InstanceId"]
    (child,) = call("ecr", "DescribeExpressConnectRouterChildInstance", **router)["ChildInstanceList"]
    assert (child["ChildInstanceId"], child["ChildInstanceType"]) == (vbr_id, "VBR")

    assert refused(refusal, "ecr", "CreateExpressConnectRouter", Name="no ASN")
    assert refused(refusal, "ecr", "DescribeExpressConnectRouter", NextToken="elsewhere")
    assert refused(refusal, "ecr", "DescribeExpressConnectRouterChildInstance")
    child = {"ChildInstanceType": "VPC", "ChildInstanceId": "vpc-1", "ChildInstanceRegionId": "cn-hangzhou"}
    assert refused(refusal, "ecr", "AttachExpressConnectRouterChildInstance", **router | child)


def test_every_parameter_of_a_flow_log_comes_back(call, refusal, router, requested):
    parameters = requested("all") | {
        "FlowLogName": "名称 +%~*",
        "Description": "what & why = because",
        "Interval": 60,
        "SamplingRate": "1:2048",
        "ResourceGroupId": "rg-example",
    }
    tags = [{"Key": f"k{n:02}", "Value": f"v {n}"} for n in range(11)]
    answer = call("ecr", "CreateFlowLog", TargetSlsRegionId="cn-shanghai", Tag=tags, **parameters)
    assert answer["Success"] is True
    found = settled(call, router, answer["FlowLogId"], "Active")
    assert found.items() >= parameters.items()
    assert found["SlsRegionId"] == "cn-shanghai"
    assert found["Tags"] == tags
    assert refusal("ecr", "CreateFlowLog", **parameters) == (400, "ResourceAlreadyExist.FlowLogId")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Interval", 10),
        ("SamplingRate", "1:1"),
        ("InstanceType", "VPC"),
        ("InstanceId", "vbr-nowhere"),
        ("EcrId", "ecr-nowhere"),
    ],
)
def test_a_flow_log_with_a_value_that_does_not_exist_is_refused(refusal, requested, name, value):
    assert refused(refusal, "ecr", "CreateFlowLog", **requested(name) | {name: value})


def test_flow_logs_are_read_over_three_pages(call, refusal, router, requested):
    ids = [call("ecr", "CreateFlowLog", **requested(n))["FlowLogId"] for n in range(5)]
    token, found = None, []
    while token != "":
        more = {"NextToken": token} if token else {}
        answer = call("ecr", "DescribeFlowLogs", MaxResults=2, **router | more)
        assert answer["TotalCount"] == 5
        found.append([one["FlowLogId"] for one in answer["FlowLogs"]])
        token = answer.get("NextToken", "")
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(sum(found, [])) == sorted(ids)
    assert refused(refusal, "ecr", "DescribeFlowLogs", NextToken="elsewhere", **router)


def test_a_flow_log_is_changed_stopped_started_and_deleted(call, refusal, router, requested):
    one = router | {"FlowLogId": call("ecr", "CreateFlowLog", **requested("changed"))["FlowLogId"]}
    settled(call, router, one["FlowLogId"], "Active")
    changed = {"FlowLogName": "renamed", "Description": "changed", "Interval": 60, "SamplingRate": "1:1024"}
    assert call("ecr", "ModifyFlowLogAttribute", **one, **changed)["Success"] is True
    assert settled(call, router, one["FlowLogId"], "Active").items() >= changed.items()
    assert call("ecr", "DeactivateFlowLog", **one)["Success"] is True
    settled(call, router, one["FlowLogId"], "Inactive")
    assert call("ecr", "ActivateFlowLog", **one)["Success"] is True
    settled(call, router, one["FlowLogId"], "Active")
    assert call("ecr", "DeleteFlowlog", **one)["Success"] is True
    eventually(lambda: not call("ecr", "DescribeFlowLogs", **one)["FlowLogs"])
    for action in ("ModifyFlowLogAttribute", "DeactivateFlowLog", "ActivateFlowLog", "DeleteFlowlog"):
        assert refused(refusal, "ecr", action, **one), action
