"""Runs every test with every SDK that supports its module's product, each in a cloud of its own."""

import pytest

import clients
from cloud import Cloud, eventually

# The SDKs under test.
CLIENTS = [
    clients.AliyunPythonSdk,
    clients.AlibabacloudSdkHmacSha1,
    clients.AlibabacloudSdkAcs3,
    clients.PopCore,
]


def pytest_generate_tests(metafunc):
    if "sdk" in metafunc.fixturenames:
        product = getattr(metafunc.module, "PRODUCT", "vpc")
        sdks = [sdk for sdk in CLIENTS if product in sdk.products]
        metafunc.parametrize("sdk", sdks, ids=[sdk.name for sdk in sdks], scope="module")


@pytest.fixture(scope="module")
def module_cloud(request, sdk):
    with Cloud(*getattr(request.module, "ARGUMENTS", ["--no-functions"])) as cloud:
        yield cloud


@pytest.fixture
def cloud(module_cloud):
    """The module's cloud. If a test fails, the cloud's output during the test is shown."""
    before = len(module_cloud.output())
    yield module_cloud
    print(module_cloud.output()[before:])


@pytest.fixture
def call(sdk, cloud):
    """`call(product, action, **parameters)`, signed with the cloud's default key."""
    return sdk(cloud)


@pytest.fixture
def refusal(call):
    """Makes a call that must be refused, and returns its status and code."""

    def refusal(*arguments, by=call, **parameters):
        with pytest.raises(clients.Refused) as refused:
            by(*arguments, **parameters)
        return refused.value.status, refused.value.code

    return refusal


@pytest.fixture
def active_flow_log(call):
    """Waits until a resource has an active flow log, and returns it. There must be only one."""

    def active_flow_log(resource_id):
        filters = {"ResourceId": resource_id, "Status": "Active"}
        (found,) = eventually(lambda: call("vpc", "DescribeFlowLogs", **filters)["FlowLogs"]["FlowLog"])
        return found

    return active_flow_log
