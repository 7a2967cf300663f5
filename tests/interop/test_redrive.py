"""The script `redrive` invokes functions again with the dead letters of local-cloud."""

import json
import os
import subprocess
import urllib.request

import pytest

import clients
from cloud import REPOSITORY, Cloud, eventually

ACCOUNT, REGION = "1000000000000001", "cn-hangzhou"
ALARM = "flowkeeper-cn-hangzhou-dead-letters"
KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "test", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "test-secret"}


@pytest.fixture
def cloud():
    with Cloud("--retry-ms", "0", "--parameter", "AlarmContactGroups=team") as cloud:
        yield cloud


def redrive(cloud, *arguments, key=KEY):
    """Runs the script. Returns its exit status and its output."""
    command = [REPOSITORY / "redrive", "--region", REGION, "--account", ACCOUNT, "--endpoint", f"http://{cloud.address}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_CLOUD_")}
    run = subprocess.run([*command, *arguments], env=environment | key, capture_output=True, text=True, timeout=60)
    assert "test-secret" not in run.stdout + run.stderr
    return run.returncode, run.stdout + run.stderr


def create_vpcs(cloud, count):
    """Creates VPCs whose flow logs are refused until their events are given up."""
    call = clients.AlibabacloudSdkHmacSha1(cloud)
    # The first attempt, and three retries.
    cloud.fault("CreateFlowLog", "refused", times=4 * count)
    for _ in range(count):
        call("vpc", "CreateVpc", CidrBlock="10.0.0.0/8")
    eventually(lambda: len(cloud.journal("dead_letter")) == count)


def flow_logs(cloud):
    """Returns how many flow logs were created."""
    calls = [call for call in cloud.journal("call") if call["action"] == "CreateFlowLog"]
    return sum(call["code"] is None for call in calls)


def alarms(cloud):
    with urllib.request.urlopen(f"http://{cloud.address}/_local/alarms", timeout=10) as answer:
        return [alarm["name"] for alarm in json.load(answer)]


def test_an_empty_queue_is_no_error(cloud):
    assert redrive(cloud) == (0, "0 redriven, 0 left\n")


def test_each_event_is_done_again_and_the_alarm_ends(cloud):
    create_vpcs(cloud, 2)
    eventually(lambda: ALARM in alarms(cloud))
    assert flow_logs(cloud) == 0
    status, output = redrive(cloud)
    assert (status, output.splitlines()[-1]) == (0, "2 redriven, 0 left")
    assert output.count("redriven: flowkeeper-create-flow-log 1-") == 2 and "RetriesExhausted" in output, output
    eventually(lambda: flow_logs(cloud) == 2)
    assert ALARM not in alarms(cloud)
    assert redrive(cloud) == (0, "0 redriven, 0 left\n")


def test_a_dry_run_invokes_nothing_and_deletes_nothing(cloud):
    create_vpcs(cloud, 1)
    before = len(cloud.journal("invocation"))
    status, output = redrive(cloud, "-n")
    assert (status, output.splitlines()[-1]) == (0, "0 redriven, 1 left")
    assert output.startswith("would redrive: flowkeeper-create-flow-log "), output
    assert len(cloud.journal("invocation")) == before and not cloud.journal("message_deleted")


def test_an_event_that_fails_again_is_taken_up_once(cloud):
    create_vpcs(cloud, 1)
    cloud.fault("CreateFlowLog", "refused", times=100)
    status, output = redrive(cloud)
    assert (status, output.count("redriven: ")) == (0, 1), output
    eventually(lambda: len(cloud.journal("dead_letter")) == 2)
    assert len(cloud.journal("message_deleted")) == 1


def test_a_message_is_kept_if_its_function_refuses_or_is_another(cloud):
    create_vpcs(cloud, 1)
    cloud.fault("InvokeFunction", "refused")
    status, output = redrive(cloud)
    assert (status, output.splitlines()[-1]) == (1, "0 redriven, 1 left"), output
    assert "InvokeFunction of flowkeeper-create-flow-log: HTTP 403 " in output, output
    assert not cloud.journal("message_deleted")


def test_a_wrong_key_and_wrong_arguments_are_said(cloud):
    wrong = {**KEY, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "another-secret"}
    status, output = redrive(cloud, key=wrong)
    assert status == 1 and "ReceiveMessage of flowkeeper-dead-letters: HTTP 403 SignatureDoesNotMatch" in output, output
    assert f"account {ACCOUNT}, region {REGION}" in output
    status, output = redrive(cloud, "--prefix", "other")
    assert status == 1 and "QueueNotExist" in output, output
    for arguments, key in [(["--colour"], KEY), ([], {})]:
        assert redrive(cloud, *arguments, key=key)[0] == 64
