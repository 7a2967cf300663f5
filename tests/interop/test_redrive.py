"""The script `redrive` invokes functions again with the dead letters of local-cloud."""

import base64
import email.utils
import hmac
import json
import os
import re
import signal
import subprocess
import urllib.request
from xml.sax.saxutils import escape

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


def begun(cloud, *arguments, key=KEY):
    """Starts the script."""
    command = [REPOSITORY / "redrive", "--region", REGION, "--account", ACCOUNT, "--endpoint", f"http://{cloud.address}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_CLOUD_")}
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, *arguments], env=environment | key, stdout=pipe, stderr=pipe, text=True)


def ended(run):
    """Waits for the script. Returns its exit status and the rest of its output."""
    output = "".join(run.communicate(timeout=60))
    assert "test-secret" not in output
    return run.returncode, output


def redrive(cloud, *arguments, key=KEY):
    """Runs the script. Returns its exit status and its output."""
    return ended(begun(cloud, *arguments, key=key))


def ask_queue(cloud, method, path, body=""):
    """Calls the API of queues."""
    date = email.utils.formatdate(usegmt=True)
    resource = f"/queues/flowkeeper-dead-letters{path}"
    text = f"{method}\n\ntext/xml\n{date}\nx-mns-version:2015-06-06\n{resource}"
    signature = base64.b64encode(hmac.digest(b"test-secret", text.encode(), "sha1")).decode()
    headers = {"Authorization": f"MNS test:{signature}", "Content-Type": "text/xml", "Date": date, "x-mns-version": "2015-06-06"}
    request = urllib.request.Request(f"http://{cloud.address}{resource}", body.encode(), headers, method=method)
    urllib.request.urlopen(request, timeout=10).close()


def put(cloud, body):
    """Puts a message into the queue."""
    ask_queue(cloud, "POST", "/messages", f"<Message><MessageBody>{escape(body)}</MessageBody></Message>")


def letter(function, event, error=""):
    """Returns a dead letter as Function Compute writes one."""
    context = {"requestId": "1-a", "functionArn": f"acs:fc:{REGION}:{ACCOUNT}:functions/{function}", "condition": "RetriesExhausted"}
    answer = json.dumps({"errorMessage": error})
    return json.dumps({"requestContext": context, "requestPayload": event, "responsePayload": answer})


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


def test_what_a_dry_run_shows_is_redriven_by_the_call_right_after_it(cloud):
    create_vpcs(cloud, 2)
    put(cloud, "no JSON")
    for _ in range(2):
        status, output = redrive(cloud, "-n")
        assert (status, output.splitlines()[-1]) == (0, "0 redriven, 3 left"), output
    for done in (2, 0):
        status, output = redrive(cloud)
        assert (status, output.splitlines()[-1]) == (1, f"{done} redriven, 1 left"), output
    eventually(lambda: flow_logs(cloud) == 2)


def test_a_message_that_came_back_by_itself_needs_not_be_given_back(cloud):
    for _ in range(20):
        put(cloud, "no JSON")
    run = begun(cloud, "-n", "--max", "20")
    while not run.stdout.readline().startswith("20 messages were received"):
        pass
    run.send_signal(signal.SIGSTOP)
    cloud.ahead(61)
    run.send_signal(signal.SIGCONT)
    assert ended(run) == (1, "0 redriven, 20 left\n")


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


def test_a_message_that_is_no_dead_letter_is_left_and_the_others_are_done(cloud):
    odd = ["no JSON", "[]", "7", "{}", json.dumps({"requestContext": {"functionArn": 7}}), json.dumps({"id": "an event of a rule"})]
    odd += [letter("other-team", "{}"), letter("flowkeeper-create-flow-log", 7), letter("flowkeeper-../other", "{}")]
    for body in odd:
        put(cloud, body)
    create_vpcs(cloud, 1)
    status, output = redrive(cloud)
    assert (status, output.splitlines()[-1]) == (1, f"1 redriven, {len(odd)} left"), output
    assert output.count("left: ") == len(odd), output
    assert "it is of the function other-team, which is none of flowkeeper-…" in output, output
    eventually(lambda: flow_logs(cloud) == 1)
    assert len(cloud.journal("message_deleted")) == 1
    invoked = {entry["function"] for entry in cloud.journal("invocation")}
    assert invoked == {"flowkeeper-create-flow-log"}, invoked


def test_a_letter_in_base64_and_one_whose_event_is_an_object_are_done(cloud):
    event = {"triggerTime": "2026-03-02T04:00:00Z", "triggerName": "sweep", "payload": ""}
    put(cloud, base64.b64encode(letter("flowkeeper-remediate-flow-logs", json.dumps(event)).encode()).decode())
    put(cloud, letter("flowkeeper-activate-flow-logs", event))
    assert redrive(cloud)[1].splitlines()[-1] == "2 redriven, 0 left"
    eventually(lambda: len(cloud.journal("invocation")) == 2)
    assert all(entry["success"] and entry["event"] == event for entry in cloud.journal("invocation"))


def test_what_a_stranger_wrote_moves_no_cursor(cloud):
    put(cloud, letter("flowkeeper-create-flow-log", "{}", error="\x1b[2Jgone \u202e txt"))
    _, output = redrive(cloud, "-n")
    assert "\\u{1b}[2Jgone \\u{202e} txt" in output and not re.search("[\x1b\u202e]", output), repr(output)


@pytest.mark.parametrize("dry", [[], ["-n"]])
def test_more_messages_than_one_call_takes_are_said(cloud, dry):
    create_vpcs(cloud, 2)
    status, output = redrive(cloud, "--max", "1", *dry)
    assert status == 1 and "1 messages were received, the most of one call: more may be there" in output, output
    status, output = redrive(cloud, "--max", "3", *dry)
    assert (status, output.splitlines()[-1]) == (0, "0 redriven, 2 left" if dry else "1 redriven, 0 left"), output


def test_a_queue_that_is_gone_is_said_with_what_was_done(cloud):
    create_vpcs(cloud, 2)
    status, output = redrive(cloud, "--max", "1")
    assert (status, output.splitlines()[-1]) == (1, "1 redriven, 0 left"), output
    ask_queue(cloud, "DELETE", "")
    status, output = redrive(cloud)
    assert status == 1 and output.startswith("0 redriven, 0 left\n"), output
    assert "ReceiveMessage of flowkeeper-dead-letters: HTTP 404 QueueNotExist" in output, output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stop_in_the_middle_loses_nothing_and_does_nothing_twice_that_could_be_seen(cloud, how):
    create_vpcs(cloud, 5)
    run = begun(cloud)
    first = run.stdout.readline()
    assert first.startswith("redriven: "), first
    run.send_signal(how)
    status, output = ended(run)
    deleted = len(cloud.journal("message_deleted"))
    if how != signal.SIGKILL and deleted < 5:
        assert status == 1 and output.splitlines()[-1] == f"{deleted} redriven, 0 left", output
        assert "stopped: run it again for the rest" in output
    # A message that was received and not deleted comes back after a minute.
    cloud.ahead(61)
    assert redrive(cloud)[1].splitlines()[-1] == f"{5 - deleted} redriven, 0 left"
    assert len(cloud.journal("message_deleted")) == 5
    eventually(lambda: flow_logs(cloud) == 5)
    assert redrive(cloud) == (0, "0 redriven, 0 left\n")
    assert flow_logs(cloud) == 5


def test_a_wrong_key_and_wrong_arguments_are_said(cloud):
    wrong = {**KEY, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "another-secret"}
    status, output = redrive(cloud, key=wrong)
    assert status == 1 and "ReceiveMessage of flowkeeper-dead-letters: HTTP 403 SignatureDoesNotMatch" in output, output
    assert f"account {ACCOUNT}, region {REGION}" in output
    status, output = redrive(cloud, "--prefix", "other")
    assert status == 1 and "QueueNotExist" in output, output
    for arguments, key in [(["--colour"], KEY), ([], {})]:
        assert redrive(cloud, *arguments, key=key)[0] == 64
