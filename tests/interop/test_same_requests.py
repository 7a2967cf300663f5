"""For the same input, our client sends what the official SDKs send. With ACS3, each parameter is in the same place.

The SDKs for Python know the parameters of each operation. pop-core accepts any, and shows how lists and booleans are
written.
"""

import contextlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import Callable

import pytest

import clients
from cloud import PROGRAMS, REGION, REPOSITORY, Cloud

OLDER, NEWER = (clients.AliyunPythonSdk,), (clients.AlibabacloudSdkHmacSha1, clients.AlibabacloudSdkAcs3)
PYTHON = OLDER + NEWER
SDKS = PYTHON + (clients.PopCore,)
SIGNATURES = {"hmac-sha1": "HMAC-SHA1", "acs3-hmac-sha256": "ACS3-HMAC-SHA256"}

ODD = "名称 *~+%41&=?#/:;,.-_@!$'\"()[]{}<>|\\^` é 🐟"
# Sorted by key, as our client sorts them. Tag.10 is signed before Tag.2.
TAGS = [{"Key": f"{n:02}{ODD[n:]}", "Value": f"{ODD[-n:]} "} for n in range(19)] + [{"Key": "空", "Value": ""}]
FLOW_LOG = {"FlowLogId": "fl-bp1example00000000001"}
TARGET = {"ProjectName": "flowlog-1000000000000001-cn-hangzhou", "LogStoreName": "vpc_flow-logs"}
NAMED = {"FlowLogName": ODD, "Description": f" {ODD}\n"}
GROUP = {"ResourceGroupId": "rg-acfmexample"}
# Parameters that our client adds by itself: the first page, with the maximum size.
NUMBERED, CHAINED = {"PageNumber": 1, "PageSize": 50}, {"MaxResults": 50}
FLOW_LOGS = {"ResourceType": "FLOWLOG", "ResourceId": [f"fl-bp1example{n:011}" for n in range(50)]}
INTERFACES = {"ResourceType": "eni", "ResourceId": [f"eni-bp1example{n:011}" for n in range(50)]}
ROUTERS = {"ResourceType": "EXPRESSCONNECTROUTER", "ResourceId": [f"ecr-mezkexample{n:04}" for n in range(50)]}
ROUTER = {"EcrId": "ecr-mezkexample0001"}
OF_ROUTER = ROUTER | {"FlowLogId": "ecr-flog-example0001"}
TOKEN, DRY_RUN = {"ClientToken": "a token"}, {"DryRun": True}
LOG_FORMAT = "${version} ${vpc-id}"

# Every call of the client, with every parameter that it accepts.
CALLS = [
    (
        "vpc",
        "CreateFlowLog",
        {"ResourceType": "VSwitch", "ResourceId": "vsw-bp1example00000000001", "TrafficType": "Drop"}
        | {"AggregationInterval": 5, "IpVersion": "IPv4", "LogFormat": LOG_FORMAT, "Tag": TAGS}
        | {"TrafficPath": ["internetGateway", "natGateway", "vbr", "ecr"]}
        | TARGET | NAMED | GROUP,
    ),
    ("vpc", "DeleteFlowLog", FLOW_LOG),
    ("vpc", "ActiveFlowLog", FLOW_LOG),
    ("vpc", "DeactiveFlowLog", FLOW_LOG),
    (
        "vpc",
        "ModifyFlowLogAttribute",
        {"AggregationInterval": 1, "IpVersion": "IPv4", "LogFormat": LOG_FORMAT} | FLOW_LOG | NAMED,
    ),
    (
        "vpc",
        "DescribeFlowLogs",
        {"ResourceType": "VPC", "ResourceId": "vpc-bp1example00000000001", "VpcId": "vpc-bp1example00000000002"}
        | {"TrafficType": "Allow", "Status": "Inactive", "Tags": TAGS}
        | TARGET | NAMED | GROUP | FLOW_LOG | NUMBERED,
    ),
    ("vpc", "GetFlowLogServiceStatus", TOKEN),
    ("vpc", "OpenFlowLogService", TOKEN),
    (
        "vpc",
        "DescribeVpcs",
        {"VpcId": ",".join(f"vpc-bp1example{n:011}" for n in range(20)), "VpcName": ODD, "IsDefault": True}
        | {"EnableIpv6": False, "DhcpOptionsSetId": "dopt-1", "VpcOwnerId": 1000000000000002, "Tag": TAGS}
        | GROUP | NUMBERED,
    ),
    (
        "vpc",
        "DescribeVSwitches",
        {"VSwitchId": "vsw-1", "VpcId": "vpc-1", "VSwitchName": ODD, "ZoneId": "cn-hangzhou-b"}
        | {"IsDefault": False, "RouteTableId": "vtb-1", "EnableIpv6": True, "VSwitchOwnerId": 1000000000000002}
        | {"Tag": TAGS} | GROUP | NUMBERED,
    ),
    ("vpc", "DescribeRegions", {"AcceptLanguage": "en-US"}),
    ("vpc", "TagResources", FLOW_LOGS | {"Tag": TAGS}),
    ("vpc", "UnTagResources", FLOW_LOGS | {"TagKey": [tag["Key"] for tag in TAGS]}),
    ("vpc", "UnTagResources", {"ResourceType": "VPC", "ResourceId": ["vpc-1"], "All": True}),
    ("vpc", "ListTagResources", FLOW_LOGS | {"Tag": TAGS} | CHAINED),
    ("vpc", "ListTagResources", {"ResourceType": "VSWITCH", "ResourceId": ["vsw-1"]} | CHAINED),
    (
        "vpc",
        "MoveResourceGroup",
        {"ResourceType": "FlowLog", "ResourceId": FLOW_LOG["FlowLogId"], "NewResourceGroupId": "rg-acfmexample"},
    ),
    (
        "vpc",
        "MoveResourceGroup",
        {"ResourceType": "Vpc", "ResourceId": "vpc-1", "NewResourceGroupId": "rg-acfmexample"},
    ),
    ("ecs", "TagResources", INTERFACES | {"Tag": TAGS}),
    ("ecs", "UntagResources", INTERFACES | {"TagKey": [tag["Key"] for tag in TAGS]}),
    ("ecs", "UntagResources", INTERFACES | {"All": True}),
    ("ecs", "ListTagResources", INTERFACES | {"Tag": TAGS}),
    (
        "ecs",
        "DescribeNetworkInterfaces",
        {"NetworkInterfaceId": [f"eni-bp1example{n:011}" for n in range(100)], "InstanceId": "i-1", "VpcId": "vpc-1"}
        | {"VSwitchId": "vsw-1", "SecurityGroupId": "sg-1", "NetworkInterfaceName": ODD, "Type": "Secondary"}
        | {"Status": "InUse", "ServiceManaged": True, "PrimaryIpAddress": "10.0.0.1", "Tag": TAGS, "MaxResults": 500}
        | {"PrivateIpAddress": ["10.0.0.2", "10.0.0.3"], "Ipv6Address": ["2001:db8::1", "2001:db8::2"]} | GROUP,
    ),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "acs:ram::1000000000000002:role/flowkeeper", "RoleSessionName": "a.b@c-d_e", "DurationSeconds": 901}
        | {"ExternalId": "a+b=c,d.e@f:g/h-i_j", "Policy": json.dumps({"Version": "1", "Statement": [ODD]})}
        | {"SourceIdentity": "a.b@c-d_e"},
    ),
    ("sts", "GetCallerIdentity", {}),
    (
        "ecr",
        "CreateFlowLog",
        {"InstanceType": "VBR", "InstanceId": "vbr-example0001", "Interval": 60, "SamplingRate": "1:2048"}
        | {"TargetSlsRegionId": "cn-shanghai", "Tag": TAGS}
        | ROUTER | TARGET | NAMED | GROUP | TOKEN | DRY_RUN,
    ),
    ("ecr", "ModifyFlowLogAttribute", {"Interval": 600, "SamplingRate": "1:1024"} | OF_ROUTER | NAMED | TOKEN),
    ("ecr", "ModifyFlowLogAttribute", OF_ROUTER | NAMED | TOKEN | DRY_RUN),
    ("ecr", "ActivateFlowLog", OF_ROUTER | TOKEN),
    ("ecr", "ActivateFlowLog", OF_ROUTER | TOKEN | DRY_RUN),
    ("ecr", "DeactivateFlowLog", OF_ROUTER | TOKEN),
    ("ecr", "DeactivateFlowLog", OF_ROUTER | TOKEN | DRY_RUN),
    ("ecr", "DeleteFlowlog", OF_ROUTER | TOKEN),
    ("ecr", "DeleteFlowlog", OF_ROUTER | TOKEN | DRY_RUN),
    (
        "ecr",
        "DescribeFlowLogs",
        {"FlowLogName": ODD, "InstanceId": "vbr-example0001", "Tag": TAGS, "MaxResults": 100}
        | OF_ROUTER | TARGET | GROUP,
    ),
    ("ecr", "DescribeExpressConnectRouter", {"Name": ODD, "Tag": TAGS, "MaxResults": 100} | ROUTER | GROUP),
    (
        "ecr",
        "DescribeExpressConnectRouterChildInstance",
        {"ChildInstanceId": "vbr-example0001", "ChildInstanceType": "VBR", "ChildInstanceRegionId": "cn-shanghai"}
        | {"AssociationId": "ecr-assoc-example0001", "MaxResults": 100} | ROUTER,
    ),
    ("ecr", "TagResources", ROUTERS | TOKEN | {"Tag": TAGS}),
    ("ecr", "TagResources", ROUTERS | TOKEN | {"Tag": TAGS} | DRY_RUN),
    ("ecr", "UntagResources", ROUTERS | TOKEN | {"TagKey": [tag["Key"] for tag in TAGS]}),
    ("ecr", "UntagResources", ROUTERS | TOKEN | {"TagKey": [tag["Key"] for tag in TAGS]} | DRY_RUN),
    ("ecr", "UntagResources", ROUTERS | TOKEN | {"All": True}),
    ("ecr", "ListTagResources", ROUTERS | {"Tag": TAGS} | CHAINED),
]
IDS = [f"{product}-{action}-{n}" for n, (product, action, _) in enumerate(CALLS)]
PAIRS = [(sdk, n) for sdk in SDKS for n, (product, *_) in enumerate(CALLS) if product in sdk.products]


@dataclass(frozen=True)
class Difference:
    """A parameter that may differ, and why. `how(ours, theirs)` accepts the difference; None is a missing parameter."""

    why: str
    sdks: tuple
    how: Callable
    parameter: str | None = None
    calls: tuple = ()

    def explains(self, sdk, call, parameter, ours, theirs):
        return (
            sdk in self.sdks
            and self.parameter in (None, parameter)
            and (not self.calls or call in self.calls)
            and self.how(ours, theirs)
        )


# Every known difference. A test fails for any other difference, and for one that no longer exists.
DIFFERENCES = [
    Difference("our client draws a token for each call", SDKS, lambda ours, theirs: ours and theirs, "ClientToken"),
    Difference(
        "Python's own text of a boolean; the documents, and the SDKs of other languages, say it in lower case",
        PYTHON,
        lambda ours, theirs: (ours, theirs) in (("true", "True"), ("false", "False")),
    ),
    Difference(
        "the older SDK adds the region that it is at home in to whatever it calls",
        OLDER,
        lambda ours, theirs: (ours, theirs) == (None, REGION),
        "RegionId",
        (("sts", "AssumeRole"), ("sts", "GetCallerIdentity")),
    ),
    Difference(
        "the newer SDK does not say from which region it asks for all regions; ours does, as the older one does",
        NEWER,
        lambda ours, theirs: (ours, theirs) == (REGION, None),
        "RegionId",
        (("vpc", "DescribeRegions"),),
    ),
    Difference(
        "it is newer than the older SDK",
        OLDER,
        lambda ours, theirs: theirs is None,
        "LogFormat",
        (("vpc", "CreateFlowLog"), ("vpc", "ModifyFlowLogAttribute")),
    ),
]

# Parameters that the newer SDK accepts and our client does not offer, by the reason. A bare name applies to every
# operation.
NOT_OFFERED = {
    "undocumented: the account is the one of the key, and for others a role is assumed": {
        "OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId",
    },
    "the product is VPC, as it is where nothing is said": {("vpc", "DescribeRegions", "ProductType")},
    "where the next page begins: an answer says it": {"NextToken"},
    "not for everybody: the documents say that it is in invitational preview": {
        ("ecs", "ListTagResources", "TagFilter"),
    },
    "deprecated": {
        ("ecs", "DescribeNetworkInterfaces", "PageNumber"),
        ("ecs", "DescribeNetworkInterfaces", "PageSize"),
    },
    "it would take the place of the version of the API": {"Version"},
    "to read says as much as to try whether one could": {
        ("vpc", "DescribeVpcs", "DryRun"),
        ("vpc", "DescribeVSwitches", "DryRun"),
        ("ecr", "DescribeFlowLogs", "DryRun"),
        ("ecr", "DescribeExpressConnectRouter", "DryRun"),
        ("ecr", "DescribeExpressConnectRouterChildInstance", "DryRun"),
    },
    "a read can be made again without": {
        ("ecr", "DescribeFlowLogs", "ClientToken"),
        ("ecr", "DescribeExpressConnectRouter", "ClientToken"),
        ("ecr", "DescribeExpressConnectRouterChildInstance", "ClientToken"),
    },
}


@pytest.fixture(scope="module")
def cloud():
    with Cloud("--no-functions") as cloud:
        yield cloud


@contextlib.contextmanager
def recorded(cloud):
    """Yields a list that is filled, at the end of the block, with the calls that the cloud received meanwhile."""
    before, seen = len(cloud.journal("call")), []
    yield seen
    seen += cloud.journal("call")[before:]


def our_calls(cloud, signature, calls):
    """Makes calls with our client, and returns them as the cloud received them."""
    setting = {"FLOWKEEPER_ENDPOINT": f"http://{cloud.address}", "FLOWKEEPER_SIGNATURE": signature}
    key = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "test", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "test-secret"}
    calls = [{"product": product, "action": action, "parameters": given} for product, action, given in calls]
    with recorded(cloud) as seen:
        made = subprocess.run(
            [PROGRAMS / "interop-client"],
            env=os.environ | setting | key,
            input=json.dumps(calls),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
    assert made.returncode == 0, made.stdout
    return seen


def their_calls(cloud, sdk, calls):
    """Makes calls with an SDK, without parameters it does not know, and returns them as the cloud received them."""
    with recorded(cloud) as seen:
        for product, action, parameters in calls:
            known = {name: value for name, value in parameters.items() if sdk.knows(product, action, name)}
            with contextlib.suppress(clients.Refused):
                sdk(cloud)(product, action, **known)
    assert len(seen) == len(calls)
    return seen


@pytest.fixture(scope="module")
def ours(cloud):
    """The calls that our client sends, by signature."""
    return {signature: our_calls(cloud, signature, CALLS) for signature in SIGNATURES}


@pytest.fixture(scope="module")
def theirs(cloud):
    """The calls that the SDKs send, by SDK and number of the call."""
    seen = {}
    for sdk in SDKS:
        numbers = [n for by, n in PAIRS if by is sdk]
        sent = their_calls(cloud, sdk, [CALLS[n] for n in numbers])
        seen |= {(sdk, n): one for n, one in zip(numbers, sent)}
    return seen


@pytest.fixture(scope="module")
def differences(ours, theirs):
    """The differences, by SDK and number of the call: parameter, our value, theirs, and the rows that explain it."""

    def differing(sdk, n, signature):
        product, action, _ = CALLS[n]
        one, other = ours[signature][n]["parameters"], theirs[sdk, n]["parameters"]
        for name in sorted(one.keys() | other.keys()):
            values = one.get(name), other.get(name)
            if values[0] != values[1]:
                why = [row for row in DIFFERENCES if row.explains(sdk, (product, action), name, *values)]
                yield name, *values, why

    return {(sdk, n): [one for signature in SIGNATURES for one in differing(sdk, n, signature)] for sdk, n in PAIRS}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_call_is_sent_once_and_signed_as_it_should_be(ours, signature):
    versions = clients.VERSIONS
    assert [(sent["version"], sent["action"]) for sent in ours[signature]] == [
        (versions[product], action) for product, action, _ in CALLS
    ]
    for sent in ours[signature]:
        assert sent["caller"], f"{sent['action']} is not let in: {sent['code']}"
        assert sent["signed_with"] == SIGNATURES[signature]


def test_with_hmac_sha1_everything_is_in_the_form(ours):
    assert [sent["in_query"] for sent in ours["hmac-sha1"]] == [[]] * len(CALLS)


@pytest.mark.parametrize("n", range(len(CALLS)), ids=IDS)
def test_with_acs3_each_parameter_is_in_the_query_or_in_the_form_as_the_sdk_has_it(ours, theirs, n):
    sent, other = ours["acs3-hmac-sha256"][n], theirs[clients.AlibabacloudSdkAcs3, n]
    # Parameters that only our client sends are in the query, and are listed in DIFFERENCES.
    alone = sent["parameters"].keys() - other["parameters"].keys()
    assert set(sent["in_query"]) == set(other["in_query"]) | alone


@pytest.mark.parametrize(("by", "n"), PAIRS, ids=[f"{by.name}-{IDS[n]}" for by, n in PAIRS])
def test_the_client_sends_what_the_sdk_sends(theirs, differences, by, n):
    product, action, _ = CALLS[n]
    sent = theirs[by, n]
    assert (sent["version"], sent["action"]) == (clients.VERSIONS[product], action)
    assert sent["signed_with"] == SIGNATURES["acs3-hmac-sha256" if by is clients.AlibabacloudSdkAcs3 else "hmac-sha1"]
    assert sent["caller"], f"it is not let in: {sent['code']}"
    unexplained = [
        f"{action}: {name} is {ours!r} in ours and {theirs!r} in {by.name}"
        for name, ours, theirs, why in differences[by, n]
        if not why
    ]
    if unexplained:
        # Most differences are the same with both signatures.
        pytest.fail("\n".join(dict.fromkeys(unexplained)), pytrace=False)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.why)
def test_a_difference_that_is_explained_is_there(differences, difference):
    assert any(difference in why for found in differences.values() for *_, why in found)


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("by", PYTHON, ids=lambda by: by.name)
def test_a_second_page_is_asked_for_as_the_sdk_asks_for_it(cloud, by, signature):
    made = [by(cloud)("vpc", "CreateVpc", Tag=TAGS)["VpcId"] for _ in range(3)]
    call = "vpc", "ListTagResources", {"ResourceType": "VPC", "ResourceId": made} | CHAINED
    first, second = our_calls(cloud, signature, [call])
    more = {"NextToken": first["answer"]["NextToken"]}
    (sent,) = their_calls(cloud, by, [(*call[:2], call[2] | more)])
    assert second["parameters"] == sent["parameters"] == first["parameters"] | more


def test_every_operation_of_the_client_is_called():
    named = set()
    for path in (REPOSITORY / "shared" / "openapi" / "src").rglob("*.rs"):
        source = path.read_text()
        # A call without a signature is not compared: the SDKs sign every one.
        if not re.search(r"\bRequest::(read|write)\(", source) or ".unsigned()" in source:
            continue
        products = {product.lower() for product in re.findall(r"Product::(\w+),", source)} & clients.VERSIONS.keys()
        texts = re.findall(r'"([A-Z]\w+)"', source)
        has = clients.AlibabacloudSdk.has
        named |= {(product, text) for product in products for text in texts if has(product, text)}
    assert named == {(product, action) for product, action, _ in CALLS}


def test_every_documented_operation_is_one_of_the_clients():
    documented = json.loads((REPOSITORY / "tests" / "fixtures" / "openapi" / "documented.json").read_text())
    products = {"expressconnectrouter": "ecr"}
    expected = {(products.get(one["product"], one["product"]), one["action"]) for one in documented["operations"]}
    assert len(expected) == 30
    assert expected <= {(product, action) for product, action, _ in CALLS}


@pytest.mark.parametrize("n", range(len(CALLS)), ids=IDS)
def test_every_parameter_that_the_sdk_knows_is_given_or_left_out_for_a_reason(n):
    product, action, _ = CALLS[n]
    given = {name for *call, parameters in CALLS if call == [product, action] for name in parameters}
    known = clients.AlibabacloudSdk.parameters(product, action) - {"RegionId"}
    left_out = {one for names in NOT_OFFERED.values() for one in names}
    here = {name for *call, name in (one for one in left_out if isinstance(one, tuple)) if call == [product, action]}
    assert here <= known - given <= here | left_out
