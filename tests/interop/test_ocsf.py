"""Evidence as OCSF: the models that Prowler uses read every event, and lose nothing that they know."""

import json
import os
import pathlib

import pytest
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from pydantic import ValidationError

# The standard has these, and `count` of every event; the models leave them out.
NOT_MODELED = {"/cloud", "/compliance/status_code", "/compliance/status_details"}


def events(sample):
    folder = pathlib.Path(os.environ["INTEROP_EVIDENCE"])
    return json.loads((folder / sample / "evidence.ocsf.json").read_text(encoding="utf-8"))


def lost(written, read, path=""):
    """The paths of whatever was written and not read back."""
    if isinstance(written, dict):
        for key, value in written.items():
            if not isinstance(read, dict) or key not in read:
                yield f"{path}/{key}"
            else:
                yield from lost(value, read[key], f"{path}/{key}")
    elif isinstance(written, list):
        for nth, value in enumerate(written):
            yield from lost(value, read[nth], path)
    elif written != read:
        yield path


@pytest.mark.parametrize("sample, least", [("small", 42), ("hostile", 56), ("omitted", 48)])
def test_every_event_is_a_compliance_finding(sample, least):
    found = events(sample)
    assert len(found) >= least
    for event in found:
        read = ComplianceFinding.model_validate(event).model_dump(mode="json", exclude_none=True)
        assert set(lost(event, read)) == NOT_MODELED | {"/count"} & {f"/{key}" for key in event}
        assert event["cloud"]["provider"] == "Alibaba Cloud"


def test_what_is_only_counted_has_an_event_with_its_count():
    counted = {event["status_code"]: event for event in events("omitted") if "count" in event}
    assert {code: event["count"] for code, event in counted.items()} == {
        "missing": 1_000_000,
        "unknown": 70,
        "pending": 60,
        "paused": 50,
        "excluded": 40,
        "compliant": 30,
    }
    assert counted["missing"]["compliance"]["status_id"] == 3
    # Whether the records of these arrive is not in the report.
    assert counted["compliant"]["compliance"]["status_id"] == 2


def test_an_event_without_what_the_standard_requires_is_refused():
    event = events("small")[0]
    for key in ["activity_id", "compliance", "finding_info", "metadata", "severity_id", "time", "type_uid"]:
        with pytest.raises(ValidationError):
            ComplianceFinding.model_validate({name: value for name, value in event.items() if name != key})


def test_the_time_is_in_milliseconds():
    [time] = {event["time"] for event in events("small")}
    assert time == 1795644451000
