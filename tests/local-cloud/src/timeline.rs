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

fn invocation_line(invocation: &Invocation) -> (&'static str, String) {
    let mark = if invocation.success { "✓" } else { "✗" };
    let mut says: Vec<String> = results(&invocation.body).map(sentence).collect();
    if says.is_empty() {
        says.push(invocation.body["errorMessage"].as_str().unwrap_or("answered").to_owned());
    }
    let says = says.join("; ");
    let code = if invocation.success { GREEN } else { RED };
    (code, format!("    {mark} {}: {says}", invocation.function))
}

/// The outcome of each result in a function's report.
pub fn outcomes(body: &Value) -> Vec<String> {
    results(body).map(|result| text(result, "outcome").to_owned()).collect()
}

/// The results of a report, which a failed function wraps in its error.
fn results(body: &Value) -> impl Iterator<Item = &Value> {
    let report = body.get("report").unwrap_or(body);
    report["results"].as_array().into_iter().flatten()
}

fn text<'a>(result: &'a Value, name: &str) -> &'a str {
    result[name].as_str().unwrap_or_default()
}

/// A result in a sentence: what was done, to what, and why.
fn sentence(result: &Value) -> String {
    let did = [text(result, "action"), text(result, "outcome"), text(result, "flow_log_id")];
    let did: Vec<&str> = did.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{}: {}", did.join(" "), text(result, "reason"))
}
