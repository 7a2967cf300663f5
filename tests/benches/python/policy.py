"""What `flowkeeper check` and `flowkeeper explain` do with files, in Python on PyYAML and json.

    policy.py check policy.yml
    policy.py explain policy.yml resource.json 2026-03-02T10:00:00-05:00
"""

import datetime
import json
import re
import sys
import zoneinfo

import yaml

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
RULE = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")
KEYS = {"flow_log", "schedules", "exclude", "overrides", "regions", "accounts", "limits"}
OF_FLOW_LOG = {"project", "log_store", "traffic_type", "aggregation_interval", "name", "description", "tags"}


def load(path):
    """Reads a policy with the fast parser, if PyYAML has it."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def rule(text):
    """Returns the weekdays of a rule, and its begin and end in minutes."""
    match = RULE.fullmatch(text)
    if match is None or match[1] not in DAYS or (match[2] or match[1]) not in DAYS:
        raise ValueError(f"{text!r} is no rule")
    first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
    days = {(first + nth) % 7 for nth in range((last - first) % 7 + 1)}
    return days, int(match[3]) * 60 + int(match[4]), int(match[5]) * 60 + int(match[6])


def hours(schedule):
    """Returns the rules of a schedule. YAML 1.1 takes its key `on` for a truth value, and so does PyYAML."""
    return schedule[True] if True in schedule else schedule["on"]


def mistakes(policy):
    """Yields what is wrong with a policy."""
    for key in policy.keys() - KEYS:
        yield f"there is no key {key!r}"
    for key in {"project", "log_store"} - policy.get("flow_log", {}).keys():
        yield f"flow_log has no {key}"
    for key in policy.get("flow_log", {}).keys() - OF_FLOW_LOG:
        yield f"flow_log has no key {key!r}"
    for name, schedule in policy.get("schedules", {}).items():
        try:
            zoneinfo.ZoneInfo(schedule["time_zone"])
            for text in hours(schedule):
                rule(text)
            for text in schedule.get("off_dates", []):
                [datetime.date.fromisoformat(date) for date in text.split("..")]
        except (KeyError, ValueError, zoneinfo.ZoneInfoNotFoundError) as error:
            yield f"schedule {name}: {error}"
    for override in policy.get("overrides", []):
        schedule = override.get("schedule", "always")
        if schedule not in {"always", "never", *policy.get("schedules", {})}:
            yield f"there is no schedule {schedule!r}"


def is_on(schedule, at):
    """Whether a schedule is on at a moment."""
    at = at.astimezone(zoneinfo.ZoneInfo(schedule["time_zone"]))
    for text in schedule.get("off_dates", []):
        dates = [datetime.date.fromisoformat(date) for date in text.split("..")]
        if dates[0] <= at.date() <= dates[-1]:
            return False
    minute, day = at.hour * 60 + at.minute, at.weekday()
    for days, begin, end in map(rule, hours(schedule)):
        if begin < end and day in days and begin <= minute < end:
            return True
        if begin >= end and (day in days and minute >= begin or (day - 1) % 7 in days and minute < end):
            return True
    return False


def explain(policy, resource, at):
    """Returns what the policy wants of a resource."""
    tags = resource.get("tags", {})
    matches = lambda wanted: all(tags.get(key) == value for key, value in wanted.items())
    if policy.get("exclude") and matches(policy["exclude"]["tags"]):
        return {"excluded": True}
    wanted = {"traffic_type": "All", "schedule": "always", **policy["flow_log"]}
    for override in policy.get("overrides", []):
        if matches(override["match"]["tags"]):
            wanted.update({key: value for key, value in override.items() if key != "match"})
            break
    places = {"account": resource["account"], "region": resource["region"]}
    wanted["project"] = wanted["project"].format(**places)
    name = wanted["schedule"]
    on = name == "always" or name != "never" and is_on(policy["schedules"][name], at)
    tag = tags.get("flowkeeper", "")
    if tag.startswith("on-until=") and at < datetime.datetime.fromisoformat(tag.removeprefix("on-until=")):
        on = True
    return {"resource": resource["id"], "recording": on, **wanted}


def main():
    policy = load(sys.argv[2])
    found = list(mistakes(policy))
    if found or sys.argv[1] == "check":
        print("\n".join(found) or f"{sys.argv[2]}: no mistakes")
        return 64 if found else 0
    with open(sys.argv[3], encoding="utf-8") as file:
        resource = json.load(file)
    for key, value in explain(policy, resource, datetime.datetime.fromisoformat(sys.argv[4])).items():
        print(f"{key}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
