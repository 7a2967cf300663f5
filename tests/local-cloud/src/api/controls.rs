//! The cloud's own controls at `/_local`: its journal, faults, events, invocations and timers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    alarms,
    api::{
        faults::{CLOCK_AHEAD, Fault, Pending},
        parameters::Parameters,
        rewrite::Rewrite,
    },
    eventbridge::{bus::EventBus, delivery, timers},
    ros::trigger::{Source, Trigger},
    sls::records::LogRecord,
    suggestion::did_you_mean,
    world::{
        journal::{Entry, EntryKind},
        shared::Shared,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    #[serde(default)]
    action: String,
    /// The fault; alternatively, `answer` replaces the real answer.
    fault: Option<String>,
    /// The body for calls that succeed: JSON, or a string that is sent as it is.
    answer: Option<Value>,
    region: Option<String>,
    #[serde(default = "one")]
    times: u32,
    /// This many calls pass first.
    #[serde(default)]
    after: u32,
    /// How late a slow answer is, or how long a throttled caller has to wait.
    #[serde(default = "one")]
    seconds: u32,
    /// How many items a small page holds.
    items: Option<usize>,
}

/// A new id for a network interface.
#[derive(Deserialize)]
struct Rename {
    network_interface_id: String,
    new_id: String,
}

/// Records for a Logstore.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    project: String,
    log_store: String,
    records: Vec<LogRecord>,
}

/// Lines of a bill.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Billed {
    account: String,
    /// The month, such as `2026-10`.
    cycle: String,
    /// As `DescribeInstanceBill` shows them.
    lines: Vec<Value>,
}

fn one() -> u32 {
    1
}

/// Answers a request below `/_local`.
pub(crate) async fn answer(shared: &Arc<Shared>, request: &Request<Bytes>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    match (request.method(), path) {
        (&Method::GET, "/_local" | "/_local/") => {
            let line = |(method, route, what): &(&str, &str, &str)| format!("{method:<6} {route:<38} {what}\n");
            respond(StatusCode::OK, CONTROLS.iter().map(line).collect())
        }
        (&Method::GET, "/_local/faults") => {
            let mut faults = shared.read(|world| world.faults.to_come());
            faults["clock_ahead_seconds"] = json!(shared.clock.ahead().as_secs());
            respond(StatusCode::OK, faults.to_string())
        }
        (&Method::GET, "/_local/journal") => {
            let entries = shared.read(|world| world.journal.clone());
            let lines = entries.iter().filter_map(|entry| serde_json::to_string(entry).ok());
            respond(StatusCode::OK, lines.map(|line| line + "\n").collect())
        }
        (&Method::GET, "/_local/dead-letters") => {
            let entries = shared.read(|world| world.journal.clone());
            let given_up = |entry: &Entry| match &entry.what {
                EntryKind::DeadLetter(letter) => Some(json!(letter)),
                EntryKind::Undelivered(event) => Some(json!(event)),
                _ => None,
            };
            let letters: Vec<_> = entries.iter().filter_map(given_up).collect();
            respond(StatusCode::OK, json!(letters).to_string())
        }
        (&Method::GET, "/_local/alarms") => match alarms::firing(shared) {
            Ok(firing) => respond(StatusCode::OK, json!(firing).to_string()),
            Err(error) => respond(StatusCode::INTERNAL_SERVER_ERROR, json!({"error": error.to_string()}).to_string()),
        },
        (&Method::POST, "/_local/faults") => match serde_json::from_slice::<FaultRequest>(request.body()) {
            Ok(fault) => match arrange(shared, fault) {
                Ok(()) => respond(StatusCode::NO_CONTENT, String::new()),
                Err(problem) => bad(&problem),
            },
            Err(error) => bad(&format!("the body is not a fault in JSON: {error}")),
        },
        (&Method::DELETE, "/_local/faults") => {
            shared.heal();
            respond(StatusCode::NO_CONTENT, String::new())
        }
        (&Method::POST, "/_local/events") => match serde_json::from_slice(request.body()) {
            Ok(event) => {
                shared.publish(&bus_of(shared, request.uri().query().unwrap_or_default()), &event);
                respond(StatusCode::NO_CONTENT, String::new())
            }
            Err(error) => bad(&format!("the body is not an event in JSON: {error}")),
        },
        (&Method::POST, "/_local/records") => match serde_json::from_slice::<Written>(request.body()) {
            Ok(Written { project, log_store, records }) => {
                let is_there = shared.write(|world| {
                    let project = world.state.log_service.projects.get_mut(&project);
                    let found = project.and_then(|project| project.log_stores.get_mut(&log_store));
                    found.map(|found| found.records.extend(records)).is_some()
                });
                if is_there { respond(StatusCode::NO_CONTENT, String::new()) } else { bad("there is no such Logstore") }
            }
            Err(error) => bad(&format!("the body is not JSON with project, log_store and records: {error}")),
        },
        (&Method::POST, "/_local/bills") => match serde_json::from_slice::<Billed>(request.body()) {
            Ok(Billed { account, cycle, lines }) => {
                shared.write(|world| world.state.bills.entry((account, cycle)).or_default().extend(lines));
                respond(StatusCode::NO_CONTENT, String::new())
            }
            Err(error) => bad(&format!("the body is not JSON with account, cycle and lines: {error}")),
        },
        (&Method::POST, "/_local/rename") => match serde_json::from_slice::<Rename>(request.body()) {
            Ok(Rename { network_interface_id, new_id }) => {
                shared.write(|world| world.state.rename_network_interface(&network_interface_id, &new_id));
                respond(StatusCode::NO_CONTENT, String::new())
            }
            Err(error) => {
                bad(&format!("the body is not a rename in JSON, with network_interface_id and new_id: {error}"))
            }
        },
        (&Method::GET, "/_local/timers") => {
            let list: Vec<_> = timers::timers(shared).iter().map(|trigger| timer(shared, trigger)).collect();
            respond(StatusCode::OK, json!(list).to_string())
        }
        (&Method::POST, path) if path.starts_with("/_local/timers/") => {
            let timer = path.trim_start_matches("/_local/timers/");
            let (function, name) = timer.split_once('/').unwrap_or((timer, ""));
            match timers::fire_now(shared, function, name) {
                Ok(()) => respond(StatusCode::NO_CONTENT, String::new()),
                Err(error) => respond(StatusCode::NOT_FOUND, json!({"error": error.to_string()}).to_string()),
            }
        }
        (&Method::POST, path) if path.starts_with("/_local/invoke/") => {
            let function = path.trim_start_matches("/_local/invoke/");
            let mut given = Parameters::default();
            given.add_form(request.uri().query().unwrap_or_default());
            match delivery::invoke(shared, given.get("region"), function, request.body()).await {
                Ok(invocation) => respond(StatusCode::OK, json!(invocation).to_string()),
                Err(error) => respond(StatusCode::NOT_FOUND, json!({"error": error.to_string()}).to_string()),
            }
        }
        _ => respond(StatusCode::NOT_FOUND, no_control(request.method(), path)),
    }
}

/// The routes below `/_local`.
const CONTROLS: [(&str, &str, &str); 14] = [
    ("GET", "/_local", "this list"),
    ("GET", "/_local/journal", "what happened, as JSON lines"),
    ("GET", "/_local/dead-letters", "events that were given up, and their destinations"),
    ("GET", "/_local/alarms", "the alarms of the template that fire now"),
    ("GET", "/_local/faults", "pending faults"),
    ("POST", "/_local/faults", "inject a fault; `local-cloud --help` lists them"),
    ("DELETE", "/_local/faults", "clear all faults, and correct the clock"),
    ("POST", "/_local/events", "put an event on the default bus; ?account=…&region=…&bus=… for another"),
    ("POST", "/_local/invoke/<function>", "invoke a function once with an event; ?region= names its region"),
    ("GET", "/_local/timers", "the timers, and when they are due"),
    ("POST", "/_local/timers/<function>/<trigger>", "fire a timer now"),
    ("POST", "/_local/records", "write records to a Logstore"),
    ("POST", "/_local/bills", "add lines to the bill of an account"),
    ("POST", "/_local/rename", "give a network interface another id"),
];

/// Returns the bus that a query names. By default, it is the one that the functions' triggers listen to.
fn bus_of(shared: &Shared, query: &str) -> EventBus {
    let mut given = Parameters::default();
    given.add_form(query);
    let home = shared.home_bus();
    let or = |name: &str, default: String| given.get(name).map_or(default, str::to_owned);
    EventBus { account: or("account", home.account), region: or("region", home.region), name: or("bus", home.name) }
}

/// The error for an unknown path or an unsupported method.
fn no_control(method: &Method, path: &str) -> String {
    let known: Vec<&str> = CONTROLS.iter().filter(|(_, route, _)| *route == path).map(|(known, ..)| *known).collect();
    let error = if known.is_empty() {
        let hint = did_you_mean(path, CONTROLS.iter().map(|(_, route, _)| *route));
        format!("there is nothing at {path}{hint}; GET /_local lists all paths")
    } else {
        format!("{path} does not take {method}; it takes {}", known.join(", "))
    };
    json!({"error": error}).to_string()
}

/// Describes a timer and when it is due next.
fn timer(shared: &Shared, trigger: &Trigger) -> Value {
    let Source::Timer { schedule, payload } = &trigger.source else { return Value::Null };
    json!({
        "function": trigger.function,
        "trigger": trigger.name,
        "schedule": schedule.text(),
        "enabled": trigger.enabled,
        "payload": payload,
        "next": schedule.next_after(shared.clock.unshifted()),
    })
}

/// Arranges a fault that was requested over HTTP.
fn arrange(shared: &Shared, request: FaultRequest) -> Result<(), String> {
    let FaultRequest { action, fault, answer, region, times, after, seconds, items } = request;
    let duration = Duration::from_secs(seconds.into());
    let fault = match (fault, answer) {
        (Some(fault), None) => fault,
        (None, Some(answer)) => {
            let body = if let Value::String(text) = answer { text } else { answer.to_string() };
            let pending = Pending { action, region, fault: Rewrite::body(body), after, times };
            pending.check(&shared.options.known_regions())?;
            shared.write(|world| world.faults.add_rewrite(pending));
            return Ok(());
        }
        _ => {
            return Err("give either `fault`, the name of a fault, or `answer`, the body of an answer".into());
        }
    };
    if fault == CLOCK_AHEAD {
        shared.clock.set_ahead(duration);
        return Ok(());
    }
    let fault = match (Fault::named(&fault, duration)?, items) {
        (Fault::SmallPages(_), Some(items)) => Fault::SmallPages(items),
        (fault, _) => fault,
    };
    let pending = Pending { action, region, fault, after, times };
    pending.check(&shared.options.known_regions())?;
    shared.write(|world| world.faults.add(pending));
    Ok(())
}

fn bad(error: &str) -> Response<Full<Bytes>> {
    respond(StatusCode::BAD_REQUEST, json!({"error": error}).to_string())
}

fn respond(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
}
