"""A flow log is there all the same when the API fails while the function makes it."""

import pytest

ARGUMENTS = ["--transition-ms", "200"]


@pytest.mark.parametrize(
    ("fault", "times", "codes"),
    [
        ("throttled", 2, ["Throttling.User", "Throttling.User", None]),
        # The first call took effect, which is found out by reading: no second one.
        ("answer-lost", 1, [None]),
    ],
)
def test_a_create_flow_log_that_fails_ends_in_one_flow_log(call, cloud, active_flow_log, fault, times, codes):
    cloud.fault("CreateFlowLog", fault, times)
    vpc_id = call("vpc", "CreateVpc")["VpcId"]
    active_flow_log(vpc_id)
    calls = [entry for entry in cloud.journal("call") if entry["action"] == "CreateFlowLog"]
    assert [one["code"] for one in calls if one["parameters"]["ResourceId"] == vpc_id] == codes
