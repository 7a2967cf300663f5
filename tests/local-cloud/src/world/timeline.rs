//! The journal as lines for people.

use jiff::Timestamp;
use serde_json::Value;

use crate::world::journal::{Call, DeadLetter, Entry, EntryKind, Invocation, Undelivered};

const RED: &str = "31";
const GREEN: &str = "32";
const CYAN: &str = "36";
const GRAY: &str = "90";

/// Formats one entry as a line with the seconds since `started`. Returns `None` for entries that people do not need.
pub fn line(entry: &Entry, started: Timestamp, color: bool) -> Option<String> {
    let (code, text) = match &entry.what {
        EntryKind::Call(call) => call_line(call),
        EntryKind::Event { is_home: true, event, .. } => (CYAN, format!("    {} → default bus", event_name(event))),
        EntryKind::Event { bus, event, .. } => (CYAN, format!("    {} → {bus}", event_name(event))),
        EntryKind::Forwarded { rule, to, .. } => (CYAN, format!("    {rule} → {to}")),
        EntryKind::Queued { rule, queue, .. } => (CYAN, format!("    {rule} → queue {}", name_of(queue))),
        EntryKind::Undelivered(undelivered) => (RED, undelivered_line(undelivered)),
        EntryKind::Timer { trigger, .. } => (CYAN, format!("    timer {trigger}")),
        EntryKind::FunctionStarted { function, instance } => {
            (GRAY, format!("    {function} listens, instance {instance}"))
        }
        EntryKind::Invoking { function, region, is_home, attempt, .. } => {
            let retry = if *attempt > 1 { format!("retry {} ", attempt - 1) } else { String::new() };
            let elsewhere = if *is_home { String::new() } else { format!(" in {region}") };
            (CYAN, format!("    {retry}→ {function}{elsewhere}"))
        }
        EntryKind::Invocation(invocation) => invocation_line(invocation),
        EntryKind::Changed { flow_log_id, from, to } => {
            (CYAN, format!("    {flow_log_id}: {from} → {}", to.as_deref().unwrap_or("gone")))
        }
        EntryKind::DeadLetter(DeadLetter { function, destination, .. }) => (
            RED,
            format!("    {function} gave up, event → {}", destination.as_deref().unwrap_or("nowhere: it is lost")),
        ),
        // These are JSON log lines; the calls and results around them say the same in words.
        EntryKind::Throttled { function, .. } => (RED, format!("    {function} is throttled")),
        EntryKind::MessageSent { queue, .. } => (CYAN, format!("    a message → queue {}", name_of(queue))),
        EntryKind::MessageDeleted { queue } => (CYAN, format!("    a message of {} is deleted", name_of(queue))),
        EntryKind::Line { .. } => return None,
    };
    let seconds = entry.at.duration_since(started).as_secs_f64();
    Some(format!("{seconds:8.3} s  {}", paint(&text, code, color)))
}

/// Returns the text in a color if `color` is set.
pub fn paint(text: &str, code: &str, color: bool) -> String {
    if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

fn call_line(call: &Call) -> (&'static str, String) {
    let function = call.caller.as_ref().is_some_and(|caller| caller.role.is_some());
    let who = call.caller.as_ref().map_or("somebody", |caller| &caller.name);
    let subjects = [
        "FlowLogId",
        "ResourceId",
        "InstanceId",
        "ChildInstanceId",
        "RoleArn",
        "NetworkInterfaceId.1",
        "NetworkInterfaceId",
        "VSwitchId",
        "VpcId",
        "x-fc-async-task-id",
        "functionName",
        "logstore",
        "project",
    ];
    let subject = subjects.iter().find_map(|name| call.parameters.get(*name)).map_or("", String::as_str);
    let made = ["FlowLogId", "EcrId", "NetworkInterfaceId", "VSwitchId", "VpcId"];
    let made = made.iter().find_map(|name| call.answer[*name].as_str()).filter(|made| *made != subject);
    let outcome = match (&call.code, call.status) {
        (Some(code), status) => format!("{status} {code}"),
        (None, 0) => format!("no answer ({})", call.fault.as_deref().unwrap_or_default()),
        (None, _) => made.map(str::to_owned).or_else(|| count(&call.answer)).unwrap_or_else(|| "done".into()),
    };
    let indent = if function { "      " } else { "" };
    let action = if call.action.is_empty() { "a call without an action" } else { &call.action };
    let text = format!("{indent}{who} → {action} {subject}");
    (if call.succeeded() { GRAY } else { RED }, format!("{}: {outcome}", text.trim_end()))
}

/// Returns how many items a read returned.
fn count(answer: &Value) -> Option<String> {
    let total = &answer["TotalCount"];
    Some(format!("{} found", total.as_str().map(str::to_owned).or_else(|| total.as_u64().map(|n| n.to_string()))?))
}

/// Returns the name of a queue, given its ARN.
fn name_of(queue: &str) -> &str {
    queue.rsplit('/').next().unwrap_or(queue)
}

fn undelivered_line(undelivered: &Undelivered) -> String {
    let Undelivered { rule, from, reason, destination, .. } = undelivered;
    let kept = destination.as_deref().map(|queue| format!("queue {}", name_of(queue)));
    let kept = kept.unwrap_or_else(|| "nowhere: it is lost".to_owned());
    format!("    {rule} of the {from} gave up, event → {kept} ({reason})")
}

fn event_name(event: &Value) -> String {
    let data = &event["data"];
    let name = data["eventName"].as_str().or_else(|| event["type"].as_str()).unwrap_or("an event");
    match data["errorCode"].as_str().filter(|code| !code.is_empty()) {
        Some(code) => format!("event {name} (failed: {code})"),
        None => format!("event {name}"),
    }
}

/// Describes a function's answer. A single result takes one line. Several take a line with the count of each kind, and
/// one for each result that is not "unchanged".
fn invocation_line(invocation: &Invocation) -> (&'static str, String) {
    let mark = if invocation.success { "✓" } else { "✗" };
    let code = if invocation.success { GREEN } else { RED };
    let body = &invocation.body;
    let results: Vec<_> = results(body).collect();
    let says = match results.as_slice() {
        [] => match report(body).get("summary") {
            Some(summary) => counts(&results, summary) + &limits(summary),
            None => body["errorMessage"].as_str().unwrap_or("answered").to_owned(),
        },
        [only] => sentence(only) + &limits(&report(body)["summary"]),
        several => {
            let summary = &report(body)["summary"];
            let mut says = counts(several, summary) + &limits(summary);
            let telling: Vec<_> = several.iter().filter(|result| text(result, "outcome") != "unchanged").collect();
            for result in telling.iter().take(MAX_RESULTS) {
                says.push_str(&format!("{UNDER}{}", sentence(result)));
            }
            if telling.len() > MAX_RESULTS {
                says.push_str(&format!("{UNDER}and {} more", telling.len() - MAX_RESULTS));
            }
            says
        }
    };
    (code, format!("    {mark} {}: {says}", invocation.function))
}

/// The maximum number of results shown for one invocation.
const MAX_RESULTS: usize = 20;

/// Begins a line below the one of the invocation.
const UNDER: &str = "\n                    ";

/// Returns a line for each limit that the sweep would exceed.
fn limits(summary: &Value) -> String {
    let limits = summary["limits"].as_array().into_iter().flatten().filter_map(Value::as_str);
    limits.map(|limit| format!("{UNDER}{limit}")).collect()
}

/// Returns how many resources were checked, and the number of each outcome.
fn counts(results: &[&Value], summary: &Value) -> String {
    let of_report = |name: &str| summary[name].as_u64().unwrap_or_default();
    let listed = |outcome| results.iter().filter(|result| text(result, "outcome") == outcome).count() as u64;
    // Results that are not listed are either skipped or unchanged.
    let unlisted_skipped = of_report("skipped").saturating_sub(listed("skipped"));
    let unlisted_unchanged = of_report("unlisted").saturating_sub(unlisted_skipped);
    let kinds = ["changed", "planned", "skipped", "failed", "unfinished"].map(|name| (of_report(name), name));
    let kinds = kinds.into_iter().chain([(listed("unchanged") + unlisted_unchanged, "unchanged")]);
    let kinds: Vec<_> = kinds.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let is_quiet = ["changed", "planned", "skipped", "failed", "unfinished"].iter().all(|name| of_report(name) == 0);
    let what = if is_quiet { "nothing to do".to_owned() } else { kinds.join(", ") };
    format!("{} checked, {what}", of_report("checked"))
}

/// Returns the outcome of each result in a function's report.
pub fn outcomes(body: &Value) -> Vec<String> {
    results(body).map(|result| text(result, "outcome").to_owned()).collect()
}

/// Returns the results of a report.
fn results(body: &Value) -> impl Iterator<Item = &Value> {
    report(body)["results"].as_array().into_iter().flatten()
}

/// Returns the report. A failed function wraps it in its error.
fn report(body: &Value) -> &Value {
    body.get("report").unwrap_or(body)
}

fn text<'a>(result: &'a Value, name: &str) -> &'a str {
    result[name].as_str().unwrap_or_default()
}

/// Describes a result in a sentence: what was found, and what was done about it.
fn sentence(result: &Value) -> String {
    let (action, outcome) = (text(result, "action"), text(result, "outcome"));
    let reason = text(result, "reason");
    let found = [text(result, "resource_id"), text(result, "verdict")];
    let found = found.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut says = match (found.is_empty(), outcome) {
        (true, outcome) => format!("{outcome}: {reason}"),
        // Without a change, the action and outcome add nothing.
        (false, "unchanged") => format!("{found}: {reason}"),
        (false, outcome) if action.is_empty() => format!("{found}, {outcome}: {reason}"),
        (false, _) => format!("{found}: {reason}"),
    };
    if !action.is_empty() {
        says.push_str(&format!(" → {action} {outcome}"));
        let made = Some(text(result, "flow_log_id")).filter(|id| !id.is_empty() && !reason.contains(id));
        says.extend(made.map(|id| format!(": {id}")));
    }
    // Only failures need the place; otherwise the calls above show it.
    if ["failed", "unfinished"].contains(&outcome) {
        let error = |name: &str| result["error"][name].as_str().filter(|text| !text.is_empty());
        let refused = [error("action"), error("code")].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let place = [text(result, "account"), text(result, "region")];
        let place = place.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        let both = [refused, place].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        if !both.is_empty() {
            says.push_str(&format!(" ({both})"));
        }
    }
    says
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(success: bool, body: Value) -> String {
        let invocation = Invocation {
            function: "a-function".into(),
            region: "cn-hangzhou".into(),
            request_id: String::new(),
            attempt: 1,
            instance: None,
            event: Value::Null,
            success,
            status: None,
            body,
            lines: Vec::new(),
        };
        invocation_line(&invocation).1
    }

    fn result(id: &str, verdict: &str, outcome: &str) -> Value {
        json!({"resource_id": id, "verdict": verdict, "action": null, "outcome": outcome, "reason": "so it is"})
    }

    #[test]
    fn a_report_without_results_says_how_much_was_looked_at() {
        let body = json!({"results": [], "summary": {"checked": 2, "compliant": 2, "unlisted": 2}});
        assert_eq!(told(true, body), "    ✓ a-function: 2 checked, nothing to do");
        assert_eq!(told(true, json!("hello")), "    ✓ a-function: answered");
        let error = json!({"errorType": "UnknownEvent", "errorMessage": "this is no JSON"});
        assert_eq!(told(false, error), "    ✗ a-function: this is no JSON");
    }

    #[test]
    fn one_result_is_one_line() {
        let mut made = result("vpc-1", "missing", "done");
        made["action"] = "CreateFlowLog".into();
        made["flow_log_id"] = "fl-2".into();
        let told = told(true, json!({"results": [made], "summary": {"checked": 1, "changed": 1}}));
        assert_eq!(told, "    ✓ a-function: vpc-1 missing: so it is → CreateFlowLog done: fl-2");
    }

    #[test]
    fn what_could_not_be_read_is_told_with_the_call_and_the_account() {
        let mut failed = result("", "unknown", "failed");
        failed["resource_id"] = Value::Null;
        failed["error"] = json!({"action": "DescribeVpcs", "code": "Forbidden.RAM"});
        (failed["account"], failed["region"]) = ("1000000000000002".into(), "cn-beijing".into());
        let told = told(false, json!({"results": [failed], "summary": {"failed": 1}}));
        let expected =
            "    ✗ a-function: unknown, failed: so it is (DescribeVpcs: Forbidden.RAM; 1000000000000002, cn-beijing)";
        assert_eq!(told, expected);
    }

    #[test]
    fn of_many_results_each_that_is_more_than_unchanged_has_its_line() {
        let mut failed = result("vpc-3", "missing", "failed");
        failed["action"] = "CreateFlowLog".into();
        failed["error"] = json!({"action": "CreateFlowLog", "code": "Forbidden.RAM"});
        (failed["account"], failed["region"]) = ("1000000000000001".into(), "cn-hangzhou".into());
        let results = json!([
            result("vpc-1", "compliant", "unchanged"),
            result("vpc-2", "excluded", "skipped"),
            failed,
            result("vpc-4", "compliant", "unchanged"),
        ]);
        let summary = json!({"checked": 10, "skipped": 1, "failed": 1, "unlisted": 6});
        let told = told(false, json!({"errorType": "Incomplete", "report": {"results": results, "summary": summary}}));
        let lines: Vec<_> = told.lines().map(str::trim).collect();
        let expected = [
            "✗ a-function: 10 checked, 1 skipped, 1 failed, 8 unchanged",
            "vpc-2 excluded, skipped: so it is",
            "vpc-3 missing: so it is → CreateFlowLog failed (CreateFlowLog: Forbidden.RAM; 1000000000000001, cn-hangzhou)",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_limit_that_would_be_exceeded_has_its_line() {
        let skipped = [result("vpc-1", "due-to-pause", "skipped"), result("vpc-2", "due-to-pause", "skipped")];
        let limit = "1000000000000001 in cn-hangzhou: 2 changes are more than max_changes: 1";
        let summary = json!({"checked": 2, "skipped": 2, "limits": [limit]});
        let told =
            told(false, json!({"errorType": "TooManyChanges", "report": {"results": skipped, "summary": summary}}));
        let lines: Vec<_> = told.lines().map(str::trim).take(2).collect();
        assert_eq!(lines, ["✗ a-function: 2 checked, 2 skipped", limit]);
    }

    #[test]
    fn what_is_not_listed_is_counted_once() {
        let listed = [result("vpc-1", "excluded", "skipped"), result("vpc-2", "compliant", "unchanged")];
        let summary = json!({"checked": 12, "skipped": 4, "unlisted": 10});
        let told = told(true, json!({"results": listed, "summary": summary}));
        assert_eq!(told.lines().next(), Some("    ✓ a-function: 12 checked, 4 skipped, 8 unchanged"));
    }

    #[test]
    fn no_list_is_endless() {
        let results: Vec<_> = (0..100).map(|n| result(&format!("vpc-{n}"), "excluded", "skipped")).collect();
        let told = told(true, json!({"results": results, "summary": {"checked": 100, "skipped": 100}}));
        assert_eq!(told.lines().count(), 1 + MAX_RESULTS + 1);
        assert!(told.ends_with("and 80 more"), "{told}");
    }
}
