"""Our client and the official SDK understand every documented error code, as local-cloud answers it."""

import json
import os
import subprocess

import pytest

import clients
from cloud import PROGRAMS, REPOSITORY, Cloud

ROWS = json.loads((REPOSITORY / "tests" / "fixtures" / "openapi" / "errors.json").read_text())["errors"]
# `any 5xx` is a class of codes, not a code.
CLASSES = {row["code"]: row["class"] for row in ROWS if row["code"] != "any 5xx"}
# The classes that go away with a retry. Our client retries a read by itself.
PASSES = {"throttling", "server", "state conflict", "clock", "clock/client", "nonce"}


@pytest.fixture(scope="module")
def cloud():
    with Cloud("--no-functions") as cloud:
        yield cloud


def read_once(cloud):
    """Makes one read with our client, and returns what it prints."""
    made = subprocess.run(
        [PROGRAMS / "interop-client"],
        env=os.environ
        | {"FLOWKEEPER_ENDPOINT": f"http://{cloud.address}"}
        | {"ALIBABA_CLOUD_ACCESS_KEY_ID": "test", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "test-secret"},
        input=json.dumps([{"product": "vpc", "action": "GetFlowLogServiceStatus", "parameters": {}}]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.mark.parametrize("code", sorted(CLASSES))
def test_the_client_reads_again_what_passes_and_names_what_does_not(cloud, code):
    before = len(cloud.journal("call"))
    cloud.fault("GetFlowLogServiceStatus", code)
    said = read_once(cloud)
    codes = [call["code"] for call in cloud.journal("call")[before:]]
    if CLASSES[code] in PASSES:
        assert (codes, said) == ([code, None], "vpc GetFlowLogServiceStatus: done")
    else:
        assert codes == [code]
        assert said.startswith(f"vpc GetFlowLogServiceStatus: refused with {code} (HTTP 4")
    # A denied call names the denied action. The encoded diagnosis is never printed.
    names_the_action = "(vpc:GetFlowLogServiceStatus is denied to SubUser test of account 1000000000000001: " in said
    assert names_the_action == (code in ("Forbidden.RAM", "NoPermission"))
    assert "AQEAAAAA" not in said


@pytest.mark.parametrize("code", sorted(CLASSES))
def test_an_sdk_understands_the_code(cloud, code):
    cloud.fault("GetFlowLogServiceStatus", code)
    with pytest.raises(clients.Refused) as refused:
        clients.AlibabacloudSdkAcs3(cloud)("vpc", "GetFlowLogServiceStatus")
    assert refused.value.code == code
