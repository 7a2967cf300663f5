"""The official SDKs read bills and metrics from local-cloud, and our client sends what they send."""

import json
import time

import pytest
from alibabacloud_bssopenapi20171214 import client as bss, models as bss_models
from alibabacloud_cms20190101 import client as cms, models as cms_models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from cloud import Cloud

OWN, MONTH = "1000000000000001", "2026-10"
PROJECT, LOG_STORE = "flowlog-1000000000000001-cn-hangzhou", "vpc"
DIMENSIONS = [{"project": PROJECT, "logstore": LOG_STORE}]


@pytest.fixture(scope="module")
def cloud():
    # Destinations exist by themselves, but what takes records has to be made.
    with Cloud("--no-functions") as cloud:
        cloud.called_by_client(
            *(("sls", action, of() | given) for action, given in (("CreateProject", {}), ("CreateLogStore", {"ttl": "30"})))
        )
        yield cloud


def of():
    return {"project": PROJECT, "logstore": LOG_STORE}


def config(cloud):
    return Config(access_key_id="test", access_key_secret="test-secret", endpoint=cloud.address, protocol="http")


def bill(cloud, **given):
    given = {"billing_cycle": MONTH, "granularity": "MONTHLY", "is_billing_item": True} | given
    request = bss_models.DescribeInstanceBillRequest(**given)
    return bss.Client(config(cloud)).describe_instance_bill_with_options(request, RuntimeOptions()).body


def inflow(cloud, metric="LogInflow", **given):
    given = {"namespace": "acs_sls_dashboard", "metric_name": metric, "dimensions": json.dumps(DIMENSIONS)} | given
    request = cms_models.DescribeMetricListRequest(period="60", **given)
    return cms.Client(config(cloud)).describe_metric_list_with_options(request, RuntimeOptions()).body


def last_call(cloud, action):
    return [call for call in cloud.journal("call") if call["action"] == action][-1]


@pytest.fixture(scope="module")
def lines(cloud):
    def line(instance, amount):
        return {"InstanceID": instance, "PretaxAmount": amount, "Currency": "CNY", "ProductCode": "vpc", "Usage": "7.3"}

    lines = [line(f"fl-{nth}", amount) for nth, amount in enumerate(["0.25", "0.5", "-0.125"])]
    cloud.add_to_bill(OWN, MONTH, lines)
    return lines


def test_a_bill_is_read_over_two_pages(cloud, lines):
    first = bill(cloud, max_results=2).data
    assert (first.total_count, first.account_id, len(first.items)) == (3, OWN, 2)
    rest = bill(cloud, max_results=2, next_token=first.next_token).data
    found = first.items + rest.items
    assert [item.instance_id for item in found] == [line["InstanceID"] for line in lines]
    assert [float(item.pretax_amount) for item in found] == [0.25, 0.5, -0.125]
    assert {(item.currency, item.product_code, item.usage) for item in found} == {("CNY", "vpc", "7.3")}
    assert not rest.next_token
    assert bill(cloud, billing_cycle="2026-09").data.items == []


def test_who_does_not_pay_sees_no_bill(cloud):
    with pytest.raises(AlibabaCloudException) as refused:
        bill(cloud, bill_owner_id=1000000000000009)
    assert refused.value.code == "NotAuthorized"


def test_the_client_asks_for_a_bill_as_the_sdk_does(cloud, lines):
    bill(cloud, is_hide_zero_charge=True, product_code="vpc", bill_owner_id=int(OWN), max_results=300)
    theirs = last_call(cloud, "DescribeInstanceBill")
    given = {"BillingCycle": MONTH, "ProductCode": "vpc", "BillOwnerId": OWN}
    made = cloud.called_by_client(("bss", "DescribeInstanceBill", given))
    assert made == ["bss DescribeInstanceBill: done"]
    ours = last_call(cloud, "DescribeInstanceBill")
    assert ours["version"] == theirs["version"]
    assert ours["parameters"] == {name: value.replace("True", "true") for name, value in theirs["parameters"].items()}


@pytest.fixture(scope="module")
def written(cloud):
    """Three records, and the minute in which they were received."""
    minute = int(time.time()) // 60 * 60 - 600
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(minute + 5))
    cloud.write_records(PROJECT, LOG_STORE, [{"time": moment, "fields": {"vpc-id": "vpc-1"}}] * 3)
    return minute


def test_the_bytes_of_a_logstore_are_read_by_the_minute(cloud, written):
    span = {"start_time": str((written - 60) * 1000), "end_time": str((written + 60) * 1000)}
    found = inflow(cloud, **span)
    (point,) = json.loads(found.datapoints)
    assert (found.success, point["timestamp"], point["logstore"]) == (True, written * 1000, LOG_STORE)
    assert point["Value"] > 0 and point["Value"] % 3 == 0
    assert json.loads(inflow(cloud, start_time=str(written * 1000 + 1), end_time=span["end_time"]).datapoints) == []


def test_a_metric_that_is_none_is_refused(cloud):
    with pytest.raises(AlibabaCloudException) as refused:
        inflow(cloud, metric="LogOutflow")
    assert (refused.value.status_code, refused.value.code) == (404, "ResourceNotFound")


def test_the_client_asks_for_a_metric_as_the_sdk_does(cloud, written):
    first, last = written - 60, written + 60
    inflow(cloud, start_time=str(first * 1000), end_time=str(last * 1000), length="1000")
    theirs = last_call(cloud, "DescribeMetricList")
    made = cloud.called_by_client(("sls", "DescribeMetricList", of() | {"from": str(first), "to": str(last)}))
    assert made == ["sls DescribeMetricList: done"]
    ours = last_call(cloud, "DescribeMetricList")
    assert ours["version"] == theirs["version"]
    one, other = dict(ours["parameters"]), dict(theirs["parameters"])
    assert json.loads(one.pop("Dimensions")) == json.loads(other.pop("Dimensions"))
    assert one == other
