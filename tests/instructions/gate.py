"""Compares the instructions of a job, an ignored event and a sweep with those on record.

    python3 gate.py FOLDER_OF_BINARIES [--record]
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

FIGURES = Path(__file__).parent / "figures.json"
# In percent of the figure on record. From run to run counts differ by less than one: nonces and hash seeds are random.
MAX_CHANGE = 3


def verdict(recorded, measured):
    """Returns whether the figure holds, and what to say about it."""
    if recorded is None:
        return False, "not on record; add it with --record"
    change = 100 * (measured - recorded) / recorded
    if change > MAX_CHANGE:
        return False, f"{change:+.1f} %: slower. Find the cause, or --record it and say in the commit why it is worth it"
    if change < -MAX_CHANGE:
        return False, f"{change:+.1f} %: quicker. --record it, so that it is not lost again unnoticed"
    return True, f"{change:+.1f} %"


def compare(recorded, measured):
    """Returns whether all figures hold, and a line on each."""
    verdicts = {name: verdict(recorded.get(name), count) for name, count in measured.items()}
    lines = [f"{name}: {measured[name]:,} instructions, {said}" for name, (_, said) in verdicts.items()]
    gone = [f"{name}: on record, and no longer measured" for name in recorded if name not in measured]
    return all(holds for holds, _ in verdicts.values()) and not gone, lines + gone


def tools():
    """The versions of everything else that decides how many instructions there are."""
    words = {name: subprocess.check_output([name, "--version"], text=True) for name in ("rustc", "valgrind")}
    return {
        "rustc": words["rustc"].split()[1],
        "valgrind": words["valgrind"].strip().removeprefix("valgrind-"),
        "glibc": platform.libc_ver()[1],
    }


def main(binaries, record):
    from measure import measure

    if " avx2 " not in Path("/proc/cpuinfo").read_text():
        sys.exit("instructions: this processor has no AVX2, so valgrind shows another one than that of the figures")
    measured, here = measure(Path(binaries)), tools()
    if record:
        FIGURES.write_text(json.dumps({"tools": here, "instructions": measured}, indent=2) + "\n")
    on_record = json.loads(FIGURES.read_text())
    all_hold, lines = compare(on_record["instructions"], measured)
    print("\n".join(lines))
    others = [f"{tool} {version}" for tool, version in on_record["tools"].items() if here[tool] != version]
    if others:
        print(f"instructions: the figures are those of {', '.join(others)}; here is {here}")
    sys.exit(0 if all_hold else 1)


if __name__ == "__main__":
    main(sys.argv[1], "--record" in sys.argv[2:])
