//! What happens, told in lines for people.

use jiff::Timestamp;
use serde_json::Value;

use crate::journal::{Call, DeadLetter, Entry, Invocation, What};

const RED: &str = "31";
const GREEN: &str = "32";
const CYAN: &str = "36";
const GREY: &str = "90";

/// One line on what happened, with the seconds since `started`; none for what people need not see.
pub fn line(entry: &Entry, started: Timestamp, colour: bool) -> Option<String> {
    let (code, text) = match &entry.what {
        What::Call(call) => call_line(call),
        What::Event { event } => (CYAN, format!("    {} → default bus", event_name(event))),
        What::Timer { trigger, .. } => (CYAN, format!("    timer {trigger}")),
        What::FunctionStarted { function, instance } => (GREY, format!("    {function} listens, instance {instance}")),
        What::Invoking { function, attempt: 1, .. } => (CYAN, format!("    → {function}")),
        What::Invoking { function, attempt, .. } => (CYAN, format!("    retry {} → {function}", attempt - 1)),
        What::Invocation(invocation) => invocation_line(invocation),
        What::Changed { flow_log_id, from, to } => {
            (CYAN, format!("    {flow_log_id}: {from} → {}", to.as_deref().unwrap_or("gone")))
        }
        What::DeadLetter(DeadLetter { function, destination, .. }) => (
            RED,
            format!("    {function} gave up, event → {}", destination.as_deref().unwrap_or("nowhere: it is lost")),
        ),
        // The functions' own lines say in JSON what the lines above and below say in words.
        What::Line { .. } => return None,
    };
    let seconds = entry.at.duration_since(started).as_secs_f64();
    Some(format!("{seconds:8.3} s  {}", paint(&text, code, colour)))
}

/// Text in a colour, if colours are wanted.
pub fn paint(text: &str, code: &str, colour: bool) -> String {
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
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
    let text = format!("{indent}{who} → {} {subject}", call.action);
    (if call.succeeded() { GREY } else { RED }, format!("{}: {outcome}", text.trim_end()))
}

/// How much a read found.
fn count(answer: &Value) -> Option<String> {
    let total = &answer["TotalCount"];
    Some(format!("{} found", total.as_str().map(str::to_owned).or_else(|| total.as_u64().map(|n| n.to_string()))?))
}

fn event_name(event: &Value) -> String {
    let data = &event["data"];
    let name = data["eventName"].as_str().or_else(|| event["type"].as_str()).unwrap_or("an event");
    match data["errorCode"].as_str().filter(|code| !code.is_empty()) {
        Some(code) => format!("event {name} (failed: {code})"),
        None => format!("event {name}"),
    }
}

/// What a function answered: in one line where there is one thing to say, else what there is of each kind, and a line
/// for each result that is more than "unchanged".
fn invocation_line(invocation: &Invocation) -> (&'static str, String) {
    let mark = if invocation.success { "✓" } else { "✗" };
    let code = if invocation.success { GREEN } else { RED };
    let body = &invocation.body;
    let results: Vec<_> = results(body).collect();
    let says = match results.as_slice() {
        [] => match report(body).get("summary") {
            Some(summary) => counts(&results, summary),
            None => body["errorMessage"].as_str().unwrap_or("answered").to_owned(),
        },
        [only] => sentence(only),
        several => {
            let mut says = counts(several, &report(body)["summary"]);
            let telling: Vec<_> = several.iter().filter(|result| text(result, "outcome") != "unchanged").collect();
            for result in telling.iter().take(MOST_RESULTS) {
                says.push_str(&format!("{UNDER}{}", sentence(result)));
            }
            if telling.len() > MOST_RESULTS {
                says.push_str(&format!("{UNDER}and {} more", telling.len() - MOST_RESULTS));
            }
            says
        }
    };
    (code, format!("    {mark} {}: {says}", invocation.function))
}

/// So many results of one invocation are shown.
const MOST_RESULTS: usize = 20;

/// Begins a line below the one of the invocation.
const UNDER: &str = "\n                    ";

/// How many resources were looked at, and what became of them.
fn counts(results: &[&Value], summary: &Value) -> String {
    let of_report = |name: &str| summary[name].as_u64().unwrap_or_default();
    let unchanged = results.iter().filter(|result| text(result, "outcome") == "unchanged").count() as u64;
    let kinds = ["changed", "planned", "skipped", "failed", "unfinished"].map(|name| (of_report(name), name));
    let kinds = kinds.into_iter().chain([(unchanged + of_report("unlisted"), "unchanged")]);
    let kinds: Vec<_> = kinds.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let is_quiet = ["changed", "planned", "skipped", "failed", "unfinished"].iter().all(|name| of_report(name) == 0);
    let what = if is_quiet { "nothing to do".to_owned() } else { kinds.join(", ") };
    format!("{} checked, {what}", of_report("checked"))
}

/// The outcome of each result in a function's report.
pub fn outcomes(body: &Value) -> Vec<String> {
    results(body).map(|result| text(result, "outcome").to_owned()).collect()
}

/// The results of a report.
fn results(body: &Value) -> impl Iterator<Item = &Value> {
    report(body)["results"].as_array().into_iter().flatten()
}

/// The report, which a failed function wraps in its error.
fn report(body: &Value) -> &Value {
    body.get("report").unwrap_or(body)
}

fn text<'a>(result: &'a Value, name: &str) -> &'a str {
    result[name].as_str().unwrap_or_default()
}

/// A result in a sentence: what was found, and what was done about it.
fn sentence(result: &Value) -> String {
    let (action, outcome) = (text(result, "action"), text(result, "outcome"));
    let reason = text(result, "reason");
    let found = [text(result, "resource_id"), text(result, "verdict")];
    let found = found.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut says = match (found.is_empty(), outcome) {
        (true, outcome) => format!("{outcome}: {reason}"),
        // Neither adds anything where nothing was done.
        (false, "unchanged") => format!("{found}: {reason}"),
        (false, outcome) if action.is_empty() => format!("{found}, {outcome}: {reason}"),
        (false, _) => format!("{found}: {reason}"),
    };
    if !action.is_empty() {
        says.push_str(&format!(" → {action} {outcome}"));
        let made = Some(text(result, "flow_log_id")).filter(|id| !id.is_empty() && !reason.contains(id));
        says.extend(made.map(|id| format!(": {id}")));
    }
    let code = result.pointer("/error/code").and_then(Value::as_str);
    says.extend(code.map(|code| format!(" ({code})")));
    says
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(success: bool, body: Value) -> String {
        let invocation = Invocation {
            function: "a-function".into(),
            request_id: String::new(),
            attempt: 1,
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
        let body = json!({"errorType": "UnknownEvent", "errorMessage": "this is no JSON"});
        assert_eq!(told(false, body), "    ✗ a-function: this is no JSON");
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
    fn of_many_results_each_that_is_more_than_unchanged_has_its_line() {
        let mut failed = result("vpc-3", "missing", "failed");
        failed["action"] = "CreateFlowLog".into();
        failed["error"] = json!({"code": "Forbidden.RAM"});
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
            "vpc-3 missing: so it is → CreateFlowLog failed (Forbidden.RAM)",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn no_list_is_endless() {
        let results: Vec<_> = (0..100).map(|n| result(&format!("vpc-{n}"), "excluded", "skipped")).collect();
        let told = told(true, json!({"results": results, "summary": {"checked": 100, "skipped": 100}}));
        assert_eq!(told.lines().count(), 1 + MOST_RESULTS + 1);
        assert!(told.ends_with("and 80 more"), "{told}");
    }
}
