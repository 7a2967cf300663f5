"""Counts the instructions of a function's work with callgrind.

Everything else is the same in a process that does the work N times and in one that does it 2N times, so the difference
of their counts is N times the work.
"""

import contextlib
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cloud import LACKING, Cloud

EVENTS = Path(__file__).parent.parent / "fixtures" / "events"
# The account that the fixtures use.
ACCOUNT = "1000000000000001"
POLICY = '{"flow_log": {"project": "flowlog-{account}-{region}", "log_store": "vpc"}}'
# The API's quotas apply per account, and the client keeps within them: with a single account it would wait.
ACCOUNTS = 10
MAX_START_SECONDS = 60


@dataclass(frozen=True)
class Work:
    """What a function is asked to do, and how often: enough that one more or less of anything does not count."""

    function: str
    event: str
    times: int
    vpcs: int
    # What the answer to each must contain.
    outcome: bytes


WORKS = {
    "job": Work("create-flow-log", "actiontrail-create-vpc", 150, 0, b'"outcome":"done"'),
    "ignored event": Work("create-flow-log", "actiontrail-delete-vpc", 500, 0, b'"skipped":'),
    "sweep of 1,000 VPCs": Work("remediate-flow-logs", "fc-timer", 1, 1_000, f'"changed":{1_000 // LACKING}'.encode()),
}


def request(event, account):
    body = (EVENTS / f"{event}.json").read_text().replace(ACCOUNT, account).encode()
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "x-fc-request-id": "1-00000000-00000000-000000000001",
        "x-fc-function-name": "function",
        "x-fc-function-handler": "index.handler",
        "x-fc-function-memory": 128,
        "x-fc-function-timeout": 3600,
        "x-fc-account-id": account,
        "x-fc-region": "cn-hangzhou",
        "x-fc-control-path": "/invoke",
        "x-fc-access-key-id": "STS.example0000000000000001",
        "x-fc-access-key-secret": "example0000000000000000000001",
        "x-fc-security-token": "CAISexampleexampleexampleexampleexampleexampleexampleexample",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /invoke HTTP/1.1\r\n{head}\r\n".encode() + body


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def connect(port, process):
    give_up_at = time.monotonic() + MAX_START_SECONDS
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)


def invoke(connection, reader, sent, outcome):
    connection.sendall(sent)
    status, length = reader.readline(), 0
    while (line := reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    body = reader.read(length)
    if b" 200 " not in status or outcome not in body:
        raise RuntimeError(f"the function answered {status!r} {body[:1000]!r}, without {outcome!r}")


def count(binary, work, times):
    """Returns the instructions of a process that does the work this often, from its start to its end."""
    accounts = [f"1{nth:015}" for nth in range(ACCOUNTS)] if work.vpcs == 0 else [ACCOUNT]
    requests = [request(work.event, account) for account in accounts]
    cloud, port = Cloud(work.vpcs, ACCOUNT), free_port()
    # Nothing of the environment: variables move the stack, and settings change the function.
    environment = {
        "FC_CUSTOM_LISTEN_PORT": str(port),
        "FLOWKEEPER_ENDPOINT": cloud.url,
        "FLOWKEEPER_LISTEN_ADDRESS": "127.0.0.1",
        "FLOWKEEPER_POLICY": POLICY,
    }
    command = ["/usr/bin/valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(binary)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        with contextlib.closing(connect(port, process)) as connection, connection.makefile("rb") as reader:
            for nth in range(times):
                invoke(connection, reader, requests[nth % len(requests)], work.outcome)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=MAX_START_SECONDS)[1]
    except Exception as error:
        process.kill()
        raise RuntimeError(f"{work.function}: {error}; {process.communicate()[1]}") from error
    finally:
        cloud.shutdown()
        cloud.server_close()
    collected = re.search(r"Collected : (\d+)", said)
    if process.returncode != 0 or collected is None:
        raise RuntimeError(f"{work.function} ended with {process.returncode}: {said}")
    return int(collected[1])


def measure(binaries):
    """Returns the instructions of each work, done once by a warm process."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        counts = {
            name: [pool.submit(count, binaries / work.function, work, times) for times in (work.times, 2 * work.times)]
            for name, work in WORKS.items()
        }
        return {
            name: (twice.result() - once.result()) // WORKS[name].times for name, (once, twice) in counts.items()
        }
