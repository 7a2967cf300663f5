#!/usr/bin/env python3
"""Draws plan.svg: a plan of what the local cloud starts with, as a terminal shows it, from a real run.

    python3 docs/images/plan.py            run it, and write docs/images/plan.svg
    python3 docs/images/plan.py --check    run it, and fail if docs/images/plan.svg shows something else

The command runs in a pseudo-terminal beside `local-cloud serve`, with policy.yml of the repository. Needs Python 3.9 and
nothing else.
"""

import argparse
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import demo

PICTURE = Path(__file__).with_name("plan.svg")
COLUMNS = 112
# A Thursday, within the hours of the policy's schedule.
PLAN = ["plan", "--endpoint", "http://127.0.0.1:9900", "--at", "2026-11-26T10:00+08:00", "policy.yml"]


def cargo(package, *arguments):
    return ["cargo", "run", "--quiet", "--package", package, "--", *arguments]


def environment():
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "TERM": "xterm-256color"} | {
        name: value for name, value in os.environ.items() if name.startswith(("CARGO_", "RUSTUP_"))
    }


def shown(endpoint):
    """What the plan of a cloud prints on a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, COLUMNS, 0, 0))
    arguments = [endpoint if word.startswith("http:") else word for word in PLAN]
    command = subprocess.Popen(
        cargo("flowkeeper", "--quiet", *arguments), cwd=demo.ROOT, stdin=slave, stdout=slave, stderr=slave, env=environment()
    )
    os.close(slave)
    output = demo.read(master)
    if command.wait() != 0:
        sys.exit(f"the plan ended with {command.returncode}:\n{output}")
    return output.replace(endpoint, "http://127.0.0.1:9900")


def run():
    """The plan of a new cloud, below the line that asks for it."""
    subprocess.run(["cargo", "build", "--quiet", "--package", "flowkeeper"], cwd=demo.ROOT, check=True)
    serve = cargo("local-cloud", "serve", "--port", "0", "--no-functions")
    with subprocess.Popen(serve, cwd=demo.ROOT, stdout=subprocess.PIPE, text=True) as cloud:
        try:
            endpoint = re.search(r"http://[0-9.:]+", cloud.stdout.readline()).group()
            text = shown(endpoint)
        finally:
            cloud.terminate()
    return f"\x1b[90m$\x1b[0m flowkeeper {' '.join(PLAN)}\n{text}"


def picture():
    demo.COLUMNS = COLUMNS
    demo.COLORS.update({"33": "#e3b341", "34": "#79c0ff", "2": "#8b949e"})
    lines = demo.spans(run().rstrip("\n"))
    rows = [piece for line in lines for piece in demo.wrapped(line)]
    demo.ROWS = len(rows)
    return demo.draw(rows, still=False, title="flowkeeper plan", label="A plan of Flowkeeper in a terminal")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="fail if the picture shows something else")
    drawn = picture()
    if not arguments.parse_args().check:
        PICTURE.write_text(drawn)
    elif PICTURE.read_text() != drawn:
        sys.exit(f"{PICTURE.name} does not show what the command prints: run docs/images/plan.py")


main()
