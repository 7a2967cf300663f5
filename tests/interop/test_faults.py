"""A flow log exists in the end even if the API fails while the function creates it."""

import pytest

ARGUMENTS = ["--transition-ms", "200"]


@pytest.mark.parametrize(
    ("fault", "times", "codes"),
    [
        ("throttled", 2, ["Throttling.User", "Throttling.User", None]),
        # The first call took effect. The function finds that out by reading, so there is no second call.
        ("answer-lost", 1, [None]),
    ],
)
def test_a_create_flow_log_that_fails_ends_in_one_flow_log(call, cloud, active_flow_log, fault, times, codes):
    cloud.fault("CreateFlowLog", fault, times)
    vpc_id = call("vpc", "CreateVpc")["VpcId"]
    active_flow_log(vpc_id)
    calls = [entry for entry in cloud.journal("call") if entry["action"] == "CreateFlowLog"]
    assert [one["code"] for one in calls if one["parameters"]["ResourceId"] == vpc_id] == codes
