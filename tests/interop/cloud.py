"""A local-cloud process: started on a free port, queried, and stopped."""

import json
import os
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(os.environ.get("INTEROP_PROGRAMS", REPOSITORY / "target" / "debug")).absolute()
REGION = "cn-hangzhou"


def eventually(look, within=30):
    """Calls `look` until it finds something, and returns that."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing within {within} s"
        time.sleep(0.05)
    return found


class Cloud:
    """`local-cloud serve` with additional arguments, as a context manager that stops it."""

    def __init__(self, *arguments):
        self._output = tempfile.TemporaryFile()
        command = [PROGRAMS / "local-cloud", "serve", "--port", "0", "--empty", *arguments]
        if "--no-functions" not in arguments:
            command += ["--functions-dir", PROGRAMS]
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )

    def __enter__(self):
        try:
            self.address = eventually(self._listening)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listening(self):
        assert self._process.poll() is None, f"local-cloud did not start:\n{self.output()}"
        line = re.search(r"^local cloud at http://([\d.]+:\d+)", self.output(), re.MULTILINE)
        return line and line[1]

    def output(self):
        """Returns the output so far."""
        # Reads at an explicit offset: the process shares the file's own offset and writes there.
        return os.pread(self._output.fileno(), 1 << 24, 0).decode()

    def journal(self, kind):
        """Returns the entries of one kind in the cloud's journal."""
        entries = map(json.loads, self._ask("journal").splitlines())
        return [entry for entry in entries if entry["kind"] == kind]

    def called_by_client(self, *calls):
        """Makes calls with our client: product, action and parameters. Returns a line about each."""
        setting = {"FLOWKEEPER_ENDPOINT": f"http://{self.address}"}
        key = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "test", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "test-secret"}
        calls = [{"product": product, "action": action, "parameters": given} for product, action, given in calls]
        made = subprocess.run(
            [PROGRAMS / "interop-client"],
            env=os.environ | setting | key,
            input=json.dumps(calls),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.splitlines()

    def publish(self, event):
        """Puts an event on the default bus."""
        self._ask("events", event)

    def write_records(self, project, log_store, records):
        """Writes records to a Logstore."""
        self._ask("records", {"project": project, "log_store": log_store, "records": records})

    def add_to_bill(self, account, month, lines):
        """Adds lines to the bill of an account."""
        self._ask("bills", {"account": account, "cycle": month, "lines": lines})

    def fault(self, action, fault, times=1):
        """Makes the next calls of an action fail."""
        self._ask("faults", {"action": action, "fault": fault, "times": times})

    def ahead(self, seconds):
        """Lets the cloud's clock be ahead, as if that time had passed."""
        self._ask("faults", {"fault": "clock-ahead", "seconds": seconds})

    def rename(self, network_interface_id, new_id):
        """Gives a network interface the id that a recorded event names."""
        self._ask("rename", {"network_interface_id": network_interface_id, "new_id": new_id})

    def _ask(self, what, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://{self.address}/_local/{what}", data, timeout=10) as answer:
            return answer.read().decode()
