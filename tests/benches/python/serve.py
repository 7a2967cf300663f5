"""Shared by both Python functions: a custom runtime on http.server, and the handling of a new VPC.

A new VPC without a flow log gets one. The two modules beside this one make the calls, each with its SDK.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

PROJECT, LOG_STORE = "flowlog-{account}-{region}", "vpc"


class Key(NamedTuple):
    """The credentials of one invocation."""

    id: str
    secret: str
    token: str


class Vpc(NamedTuple):
    """The VPC that the event names."""

    account: str
    region: str
    id: str

    @property
    def flow_log(self):
        """The desired flow log, as parameters of CreateFlowLog."""
        return {
            "ResourceType": "VPC",
            "ResourceId": self.id,
            "TrafficType": "All",
            "ProjectName": PROJECT.format(account=self.account, region=self.region),
            "LogStoreName": LOG_STORE,
            "FlowLogName": f"flowkeeper-{self.id}",
            "Description": "Kept by Flowkeeper",
            "AggregationInterval": 10,
        }


def new_vpc(event):
    """Returns the VPC that was created, or None for any other event."""
    data = event.get("data", {})
    if data.get("serviceName") != "Vpc" or data.get("eventName") != "CreateVpc" or data.get("errorCode"):
        return None
    return Vpc(data["recipientAccountId"], data["acsRegion"], data["responseElements"]["VpcId"])


def handle(sdk, event, key):
    """Handles an event, and returns what was done."""
    vpc = new_vpc(event)
    if vpc is None:
        return {"outcome": "skipped"}
    client = sdk(key, vpc.region)
    if not client.exists(vpc):
        raise LookupError(f"there is no {vpc.id}")
    if client.has_flow_log(vpc):
        return {"resource_id": vpc.id, "outcome": "unchanged"}
    return {"resource_id": vpc.id, "outcome": "done", "flow_log_id": client.create_flow_log(vpc)}


def run(sdk):
    """Serves invocations. `sdk` returns the client for a key and a region."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are two writes, and the second must not wait for the acknowledgment of the first.
        disable_nagle_algorithm = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = "x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"
            try:
                status, answer = 200, handle(sdk, json.loads(body), Key(*(self.headers[name] for name in names)))
            except Exception as error:
                status, answer = 404, {"errorType": type(error).__name__, "errorMessage": str(error)}
            print(json.dumps({"request_id": self.headers["x-fc-request-id"], **answer}), flush=True)
            answer = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("x-fc-status", str(status))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_request(self, *_):
            """Logs nothing: `do_POST` prints a line already."""

    sys.stdout.reconfigure(line_buffering=True)
    ThreadingHTTPServer(("0.0.0.0", int(os.environ["FC_SERVER_PORT"])), Handler).serve_forever()
