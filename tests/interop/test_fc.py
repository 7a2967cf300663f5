"""The official SDK invokes functions of local-cloud through Function Compute's API, and lists their tasks."""

import json
from contextlib import contextmanager

import pytest
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from cloud import Cloud, eventually

# Sweeps of several accounts make the functions work in task mode.
ARGUMENTS = ["--parameter", "MemberRoleName=flowkeeper", "--no-timers"]
FUNCTION = "flowkeeper-activate-flow-logs"
TIMER = json.dumps({"triggerTime": "2026-11-26T03:00:00Z", "triggerName": "switch-on", "payload": ""}).encode()


@pytest.fixture(scope="module")
def cloud():
    with Cloud(*ARGUMENTS) as cloud:
        yield cloud


@pytest.fixture
def client(cloud):
    return Client(
        Config(access_key_id="test", access_key_secret="test-secret", endpoint=cloud.address, protocol="http")
    )


def invoke(client, event, function=FUNCTION, **headers):
    request, headers = models.InvokeFunctionRequest(body=event), models.InvokeFunctionHeaders(**headers)
    return client.invoke_function_with_options(function, request, headers, RuntimeOptions())


def submit(client, task_id, event=TIMER):
    return invoke(client, event, x_fc_invocation_type="Async", x_fc_async_task_id=task_id)


def tasks(client, **query):
    request = models.ListAsyncTasksRequest(**query)
    return client.list_async_tasks_with_options(FUNCTION, request, {}, RuntimeOptions()).body


@contextmanager
def refused(status, code):
    with pytest.raises(AlibabaCloudException) as error:
        yield
    assert (error.value.status_code, error.value.code) == (status, code)


def test_an_asynchronous_invocation_is_a_task(cloud, client):
    answer = submit(client, "r20261126T0300_1000000000000002")
    assert answer.status_code == 202
    (done,) = eventually(lambda: tasks(client, prefix="r20261126T0300_", status="Succeeded").tasks)
    assert (done.task_id, done.status) == ("r20261126T0300_1000000000000002", "Succeeded")
    assert done.request_id == answer.headers["x-fc-request-id"]
    assert done.end_time >= done.started_time
    one = client.get_async_task_with_options(
        FUNCTION, done.task_id, models.GetAsyncTaskRequest(), {}, RuntimeOptions()
    ).body
    assert (one.task_payload, one.already_retried_times) == (TIMER.decode(), 0)
    (invocation,) = cloud.journal("invocation")
    assert invocation["event"] == json.loads(TIMER)


def test_a_repeated_task_is_refused(client):
    assert submit(client, "r2_a").status_code == 202
    with refused(409, "AsyncTaskAlreadyExists"):
        submit(client, "r2_a")


def test_the_sdk_lists_what_the_client_submits(cloud, client):
    task = {"functionName": FUNCTION, "x-fc-async-task-id": "r6_a", "body": TIMER.decode()}
    submission = ("fc", "InvokeFunction", task)
    listing = ("fc", "ListAsyncTasks", {"functionName": FUNCTION, "prefix": "r6_"})
    made = cloud.called_by_client(submission, submission, listing)
    assert made == ["fc InvokeFunction: done"] * 2 + ["fc ListAsyncTasks: done"], "a task that was taken is submitted"
    (done,) = eventually(lambda: tasks(client, prefix="r6_", status="Succeeded").tasks)
    assert done.task_id == "r6_a"


def test_tasks_come_in_pages(client):
    for account in "abc":
        submit(client, f"r3_{account}")
    first = tasks(client, prefix="r3_", limit=2, sort_order_by_time="asc")
    rest = tasks(client, prefix="r3_", limit=2, sort_order_by_time="asc", next_token=first.next_token)
    assert [task.task_id for task in first.tasks + rest.tasks] == ["r3_a", "r3_b", "r3_c"]
    assert rest.next_token is None


def test_a_synchronous_invocation_is_answered_by_the_function(client):
    answer = invoke(client, TIMER)
    assert answer.status_code == 200
    assert json.loads(answer.body.read())["summary"]["failed"] == 0


def test_a_task_that_has_ended_cannot_be_stopped(client):
    submit(client, "r4_a")
    eventually(lambda: tasks(client, prefix="r4_", status="Succeeded").tasks)
    with refused(400, "InvalidArgument"):
        client.stop_async_task_with_options(FUNCTION, "r4_a", models.StopAsyncTaskRequest(), {}, RuntimeOptions())


def test_refusals_have_their_codes(cloud, client):
    with refused(404, "FunctionNotFound"):
        invoke(client, TIMER, function="nobody")
    with refused(400, "EntityTooLarge"):
        submit(client, "r5_a", b"x" * (128 * 1024 + 1))
    with refused(400, "InvalidArgument"):
        submit(client, "5")
    cloud.fault("InvokeFunction", "throttled")
    with refused(429, "ResourceExhausted"):
        submit(client, "r5_b")
    wrong = Config(access_key_id="test", access_key_secret="guessed", endpoint=cloud.address, protocol="http")
    with refused(400, "SignatureDoesNotMatch"):
        submit(Client(wrong), "r5_c")
