"""Wrong signatures and invalid parameters are refused with the real error codes, which the SDKs understand."""

from datetime import datetime, timedelta, timezone

import pytest


@pytest.fixture
def flow_log(call):
    """The parameters of a valid flow log on a new VPC."""
    return {
        "ResourceType": "VPC",
        "ResourceId": call("vpc", "CreateVpc")["VpcId"],
        "TrafficType": "All",
        "ProjectName": "flowlog-project",
        "LogStoreName": "vpc",
    }


def test_a_wrong_secret_is_refused(sdk, cloud, refusal):
    wrong = sdk(cloud, secret="another-secret")
    assert refusal("vpc", "DescribeVpcs", by=wrong) == (400, sdk.wrong_secret)


def test_an_unknown_key_is_not_found(sdk, cloud, refusal):
    assert refusal("vpc", "DescribeVpcs", by=sdk(cloud, key="nobody")) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_off_by_more_than_a_quarter_of_an_hour_is_refused(sdk, cloud, refusal, minutes):
    signed_at = (datetime.now(timezone.utc) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert refusal("vpc", "DescribeVpcs", by=sdk(cloud, signed_at=signed_at)) == (400, "InvalidTimeStamp.Expired")


def test_a_clock_that_is_off_by_less_is_accepted(sdk, cloud):
    signed_at = (datetime.now(timezone.utc) - timedelta(minutes=14)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sdk(cloud, signed_at=signed_at)("vpc", "DescribeVpcs")


def test_an_unknown_region_is_not_found(refusal):
    assert refusal("vpc", "DescribeFlowLogs", RegionId="cn-nowhere") == (400, "InvalidRegionId.NotFound")


def test_a_resource_holds_one_flow_log(call, refusal, flow_log):
    call("vpc", "CreateFlowLog", **flow_log)
    assert refusal("vpc", "CreateFlowLog", **flow_log) == (400, "InvalidResourceId.NotFound")


@pytest.mark.parametrize("name", ["ResourceType", "ResourceId", "TrafficType", "ProjectName", "LogStoreName"])
def test_a_flow_log_without_a_mandatory_parameter_is_refused(refusal, flow_log, name):
    del flow_log[name]
    assert refusal("vpc", "CreateFlowLog", **flow_log) == (400, "MissingParameter")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("ResourceType", "Router", "InvalidParameter"),
        ("TrafficType", "all", "InvalidParameter"),
        ("AggregationInterval", 7, "IllegalParam.AggregationInterval"),
        ("IpVersion", "IPv5", "InvalidParameter"),
        ("TrafficPath", ["elsewhere"], "IllegalParam.TrafficPath"),
        ("TrafficPath", ["all", "all"], "DuplicatedParam.TrafficPath"),
        ("ResourceGroupId", "group", "IllegalParam.ResourceGroupId"),
        ("ProjectName", "Flow_Log", "InvalidParameter"),
        ("FlowLogName", "https://example.com", "InvalidParameter"),
        ("Tag", [{"Key": "acs:own", "Value": ""}], "InvalidTagKey"),
        ("Tag", [{"Key": f"k{n}", "Value": ""} for n in range(21)], "NumberExceed.Tags"),
        ("ResourceId", "vpc-bp1nowhere", "InvalidInstanceId"),
    ],
)
def test_a_flow_log_with_a_value_that_does_not_exist_is_refused(refusal, flow_log, name, value, code):
    assert refusal("vpc", "CreateFlowLog", **flow_log | {name: value}) == (400, code)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("throttled", 400, "Throttling.User"),
        ("refused", 403, "Forbidden.RAM"),
        ("internal-error", 500, "InternalError"),
        ("unavailable", 503, "ServiceUnavailable"),
    ],
)
def test_a_fault_is_seen_as_the_real_one_would_be(cloud, refusal, fault, status, code):
    cloud.fault("DescribeVpcs", fault)
    assert refusal("vpc", "DescribeVpcs") == (status, code)
