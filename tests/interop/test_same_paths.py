"""For the same call, our client sends what the official SDKs send to Resource Directory, Function Compute and Log Service.

A recorder stands in for the three, and checks each signature by its own means.
"""

import io
import json
import os
import re
import subprocess

import pytest
from alibabacloud_fc20230330 import client as fc, models as fc_models
from alibabacloud_resourcedirectorymaster20220419 import client as directory, models as directory_models
from alibabacloud_sls20201230 import client as sls, models as sls_models
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from cloud import PROGRAMS, REGION, REPOSITORY
from recorder import Recorder, acs3_signature, sls4_signature

SECRET = "test-secret"
FUNCTION, PROJECT, LOG_STORE = "flowkeeper-remediate-flow-logs", "flowlog-1000000000000001-cn-hangzhou", "vpc_flow-logs"
OF_FUNCTION = f"/2023-03-30/functions/{FUNCTION}"
OF_LOG_STORE = f"/logstores/{LOG_STORE}"
EVENT = '{"flowkeeper":"shard","account":"1000000000000002","名称":"🐟"}'
MEMBER = {"AccountId": "1000000000000002", "ResourceDirectoryPath": "rd-1/r-1/1000000000000002"}
STORED = {"logstoreName": LOG_STORE, "ttl": 30, "shardCount": 3, "autoSplit": True, "maxSplitShard": 8}
STORED |= {"enable_tracking": False, "appendMeta": True, "hot_ttl": 7, "mode": "standard"}

# What the recorder answers. Both operations of the directory and one of Log Service are POST /: it answers for all.
ANSWERS = {
    ("POST", "/"): {"Accounts": {"Account": [MEMBER]}, "Account": MEMBER, "TotalCount": 1, "NextToken": ""},
    ("GET", "/"): {"projectName": PROJECT},
    ("POST", f"{OF_FUNCTION}/invocations"): 202,
    ("GET", f"{OF_FUNCTION}/async-tasks"): {"tasks": [], "nextToken": ""},
    ("POST", "/logstores"): 200,
    ("GET", OF_LOG_STORE): STORED,
    ("PUT", OF_LOG_STORE): 200,
    ("POST", f"{OF_LOG_STORE}/index"): 200,
    ("GET", f"{OF_LOG_STORE}/index"): {"keys": {}},
    ("GET", f"{OF_LOG_STORE}/meteringmode"): {"meteringMode": "ChargeByFunction"},
}

# Every call of the client, with its parameters.
CALLS = [
    ("directory", "ListAccounts", {}),
    ("directory", "GetAccount", {"AccountId": "1000000000000002"}),
    ("fc", "InvokeFunction", {"body": EVENT, "x-fc-async-task-id": "r20261126T0300_1000000000000002_1"}),
    ("fc", "InvokeFunction", {"body": EVENT, "x-fc-async-task-id": "r1_2_1", "x-fc-async-delay": 600}),
    ("fc", "InvokeFunction", {"body": EVENT}),
    ("fc", "ListAsyncTasks", {"prefix": "r20261126T0300_"}),
    ("sls", "GetProject", {}),
    ("sls", "CreateProject", {}),
    ("sls", "GetLogStore", {}),
    ("sls", "CreateLogStore", {"ttl": 180}),
    ("sls", "UpdateLogStore", {"ttl": 180}),
    ("sls", "GetIndex", {}),
    ("sls", "CreateIndex", {}),
    ("sls", "GetLogStoreMeteringMode", {}),
]
IDS = [f"{product}-{action}-{n}" for n, (product, action, _) in enumerate(CALLS)]


def config(recorder, **more):
    return Config(access_key_id="test", access_key_secret=SECRET, protocol="http", **more)


def invoke(client, given):
    headers = fc_models.InvokeFunctionHeaders(
        # A documented header, which the SDK's model does not have.
        common_headers={name: str(given[name]) for name in ["x-fc-async-delay"] if name in given},
        x_fc_invocation_type="Async",
        x_fc_async_task_id=given.get("x-fc-async-task-id"),
    )
    request = fc_models.InvokeFunctionRequest(body=io.BytesIO(given["body"].encode()))
    client.invoke_function_with_options(FUNCTION, request, headers, RuntimeOptions())


def sdk_call(recorder, product, action, given, ours):
    """Makes the same call with the official SDK. The body of a write to Log Service is passed through its models."""
    if product == "directory":
        client = directory.Client(config(recorder, endpoint=recorder.address))
        if action == "ListAccounts":
            request = directory_models.ListAccountsRequest(include_tags=True, max_results=100)
            return client.list_accounts_with_options(request, RuntimeOptions())
        request = directory_models.GetAccountRequest(account_id=given["AccountId"], include_tags=True)
        return client.get_account_with_options(request, RuntimeOptions())
    if product == "fc":
        client = fc.Client(config(recorder, endpoint=recorder.address))
        if action == "InvokeFunction":
            return invoke(client, given)
        request = fc_models.ListAsyncTasksRequest(prefix=given["prefix"], limit=100)
        return client.list_async_tasks_with_options(FUNCTION, request, {}, RuntimeOptions())
    client = sls.Client(config(recorder, region_id=REGION, signature_version="v4"))
    named = {
        "GetProject": (client.get_project_with_options, [PROJECT], sls_models.GetProjectRequest),
        "CreateProject": (client.create_project_with_options, [], sls_models.CreateProjectRequest),
        "GetLogStore": (client.get_log_store_with_options, [PROJECT, LOG_STORE], None),
        "CreateLogStore": (client.create_log_store_with_options, [PROJECT], sls_models.CreateLogStoreRequest),
        "UpdateLogStore": (client.update_log_store_with_options, [PROJECT, LOG_STORE], sls_models.UpdateLogStoreRequest),
        "GetIndex": (client.get_index_with_options, [PROJECT, LOG_STORE], None),
        "CreateIndex": (client.create_index_with_options, [PROJECT, LOG_STORE], sls_models.CreateIndexRequest),
        "GetLogStoreMeteringMode": (client.get_log_store_metering_mode_with_options, [PROJECT, LOG_STORE], None),
    }
    method, path, model = named[action]
    if action == "CreateIndex":
        request = [model(body=sls_models.Index().from_map(ours.json()))]
    else:
        request = [model().from_map(ours.json() if ours.body else {})] if model else []
    with recorder.instead_of(".log.aliyuncs.com"):
        return method(*path, *request, {}, RuntimeOptions())


def our_calls(recorder, signature):
    """Makes every call with our client, and returns what was received of each."""
    setting = {"FLOWKEEPER_ENDPOINT": f"http://{recorder.address}", "FLOWKEEPER_SIGNATURE": signature}
    key = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "test", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
    named = {"fc": {"functionName": FUNCTION}, "sls": {"project": PROJECT, "logstore": LOG_STORE}}
    received = []
    for product, action, given in CALLS:
        call = {"product": product, "action": action, "parameters": named.get(product, {}) | given}
        made = subprocess.run(
            [PROGRAMS / "interop-client"],
            env=os.environ | setting | key,
            input=json.dumps([call]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert made.returncode == 0, made.stdout
        assert made.stdout == f"{product} {action}: done\n"
        # An update reads the Logstore first.
        received.append(recorder.taken()[-1])
    return received


@pytest.fixture(scope="module")
def recorder():
    with Recorder(ANSWERS) as recorder:
        yield recorder


@pytest.fixture(scope="module", params=["hmac-sha1", "acs3-hmac-sha256"])
def signature(request):
    return request.param


@pytest.fixture(scope="module")
def ours(recorder, signature):
    return our_calls(recorder, signature)


def signature_of(received):
    if "x-log-date" in received.headers:
        return sls4_signature(received, SECRET, REGION)
    return acs3_signature(received, SECRET)


@pytest.mark.parametrize("n", range(len(CALLS)), ids=IDS)
def test_the_client_sends_what_the_sdk_sends(recorder, signature, ours, n):
    product, action, given = CALLS[n]
    sent = ours[n]
    sdk_call(recorder, product, action, given, sent)
    (other,) = recorder.taken()
    assert (sent.method, sent.path) == (other.method, other.path)
    assert other.headers["authorization"].endswith(f"Signature={signature_of(other)}")
    if (product, signature) == ("directory", "hmac-sha1"):
        # The SDK signs in headers. test_same_requests.py compares such calls.
        assert "authorization" not in sent.headers
        return
    assert sent.headers["authorization"].endswith(f"Signature={signature_of(sent)}")

    # Python's own text of a boolean; the documents, and the SDKs of other languages, say it in lower case.
    assert sent.query == {name: "true" if value == "True" else value for name, value in other.query.items()}
    if product == "sls" and sent.body:
        theirs = other.json()
        for field in theirs.get("keys", {}).values():
            # The SDK adds it to whatever is no JSON, too.
            assert field.pop("json_keys") == {}
        assert sent.json() == theirs
    else:
        assert sent.body == other.body

    drawn = {"x-acs-date", "x-acs-signature-nonce", "x-log-date"}
    # The SDK writes the same JSON in another way.
    of_body = {"x-log-bodyrawsize", "x-log-content-sha256"} if product == "sls" else set()
    # How the SDK came by the key.
    alone = {"x-acs-credentials-provider"}
    mine, its = [one.starting_with("x-acs-", "x-fc-", "x-log-") for one in [sent, other]]
    assert mine.keys() == its.keys() - alone
    for name in mine.keys() - drawn - of_body:
        assert mine[name] == its[name], name
    assert sent.headers.get("content-type") == other.headers.get("content-type") or sent.method == "GET"


@pytest.mark.parametrize("n", range(len(CALLS)), ids=IDS)
def test_every_header_that_says_what_to_do_is_signed(ours, signature, n):
    product, sent = CALLS[n][0], ours[n]
    if product == "fc":
        names = re.search("SignedHeaders=([^,]*)", sent.headers["authorization"])[1].split(";")
        assert set(names) == {"host", *sent.starting_with("x-acs-", "x-fc-", "content-type")}
    if product == "sls":
        assert sent.headers["host"] == f"{PROJECT}.{REGION}.log.aliyuncs.com"


def test_with_hmac_sha1_calls_of_the_directory_are_in_the_form(ours, signature):
    sent = [one.body.decode() for one, (product, *_) in zip(ours, CALLS) if product == "directory"]
    for body in sent if signature == "hmac-sha1" else []:
        assert "IncludeTags=true" in body and "Version=2022-04-19" in body and "&Signature=" in body


def test_the_sdk_makes_a_project_at_the_host_of_its_region(recorder, ours):
    """The other official SDKs (for Go, and the older one for Python) make it at the project's own host, as ours does."""
    n = IDS.index("sls-CreateProject-7")
    sdk_call(recorder, *CALLS[n], ours[n])
    assert recorder.taken()[0].headers["host"] == f"{REGION}.log.aliyuncs.com"


def test_every_operation_of_the_client_with_these_products_is_called():
    sources = {"directory": "directory.rs", "fc": "fc.rs", "sls": "sls.rs"}
    found = set()
    for product, name in sources.items():
        source = (REPOSITORY / "shared" / "openapi" / "src" / "operations" / name).read_text()
        found |= {(product, action) for action in re.findall(r'Product::\w+, "(\w+)"', source)}
    assert found == {(product, action) for product, action, _ in CALLS}
