//! Function Compute's API: invocations, and asynchronous tasks. Its operations are paths, signed with ACS3-HMAC-SHA256.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{
    asynchronous::{self, Submission},
    host::{Attempt, EXHAUSTED, Host, REGION_EXHAUSTED},
    tasks::{Query, TaskExists},
};
use crate::{
    api::{
        authenticate::{self, Identity, authenticate, by_headers, text},
        faults::Fault,
        operations::{Operation, Product, by_path},
        parameters::Parameters,
        refusal::{Denied, Refusal},
        rest::{Reply, ReplyBody, RestCall, RestProduct, parts, query},
    },
    eventbridge::delivery::new_request_id,
    world::{
        journal::{EntryKind, Invocation, Limit},
        shared::{Shared, World},
    },
};

/// What every path begins with.
pub(crate) const BASE: &str = "/2023-03-30/";
/// The largest event of an asynchronous invocation, in bytes.
const MAX_ASYNC_EVENT: usize = 128 * 1024;
/// The largest event of a synchronous invocation, in bytes.
const MAX_SYNC_EVENT: usize = 32 * 1024 * 1024;
/// The longest id of a task.
const MAX_TASK_ID: usize = 128;
/// The longest delay of an asynchronous invocation, in seconds.
const MAX_DELAY: u64 = 3600;
/// The size of a page of tasks, unless the call says otherwise.
const DEFAULT_LIMIT: usize = 20;
/// The largest page of tasks.
const MAX_LIMIT: usize = 100;
/// How much of the log an answer holds, in bytes.
const MAX_LOG_RESULT: usize = 4096;

const FC: Product = Product { name: "fc", version: "2023-03-30", service: "FC" };

pub(crate) static OPERATIONS: &[Operation] = &[
    by_path(&FC, "InvokeFunction", true),
    by_path(&FC, "ListAsyncTasks", false),
    by_path(&FC, "GetAsyncTask", false),
    by_path(&FC, "StopAsyncTask", true),
];

/// Code, HTTP status and message of the refusals that faults can ask for.
const REFUSALS: &[(&str, u16, &str)] = &[
    ("AccessDenied", 403, "the caller is not authorized to perform this action"),
    ("EntityTooLarge", 400, "payload size exceeds maximum allowed size"),
    ("FunctionNotFound", 404, "function does not exist"),
    ("InternalServerError", 500, "an internal error has occurred"),
    ("InvalidArgument", 400, "the request is invalid"),
    ("ResourceExhausted", 429, EXHAUSTED),
    ("ResourceThrottled", 503, "the resources of Function Compute are exhausted"),
];

/// Returns the refusal with this code, if Function Compute has it.
pub(crate) fn refusal(code: &str) -> Option<Refusal> {
    let (code, status, message) = REFUSALS.iter().find(|(known, ..)| *known == code)?;
    Some(Refusal::new(code, *message).with_status(StatusCode::from_u16(*status).unwrap_or_default()))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidArgument", message)
}

/// Function Compute, as a product whose operations are paths.
pub(crate) enum FunctionCompute {}

impl RestProduct for FunctionCompute {
    const VERSION: &'static str = FC.version;
    const REQUEST_ID: &'static str = "x-fc-request-id";

    fn new_request_id(shared: &Shared) -> String {
        new_request_id(shared)
    }

    fn route(request: &Request<Bytes>) -> Result<(&'static Operation, Parameters), Refusal> {
        let mut parameters = query(request);
        let parts = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (function, action, task) = match (request.method(), parts.as_slice()) {
            (&Method::POST, [_, "functions", function, "invocations"]) => (function, "InvokeFunction", None),
            (&Method::GET, [_, "functions", function, "async-tasks"]) => (function, "ListAsyncTasks", None),
            (&Method::GET, [_, "functions", function, "async-tasks", task]) => (function, "GetAsyncTask", Some(task)),
            (&Method::PUT, [_, "functions", function, "async-tasks", task, "stop"]) => {
                (function, "StopAsyncTask", Some(task))
            }
            (method, _) => {
                let message = format!("'{method}' against '{}' is not supported", request.uri().path());
                return Err(Refusal::new("PathNotSupported", message));
            }
        };
        let given = [("functionName", Some(*function)), ("taskId", task.copied())];
        let headers = ["x-fc-invocation-type", "x-fc-async-task-id", "x-fc-async-delay", "x-fc-log-type"];
        let headers = headers.into_iter().map(|name| (name, text(request.headers(), name)));
        for (name, value) in given.into_iter().chain(headers) {
            parameters.0.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        let operation = OPERATIONS.iter().find(|operation| operation.action == action);
        Ok((operation.ok_or_else(|| Refusal::documented("InvalidApi.NotFound"))?, parameters))
    }

    fn region(request: &Request<Bytes>) -> Option<String> {
        host(request).map(|(_, region)| region)
    }

    fn authenticate(world: &mut World, request: &Request<Bytes>, shared: &Shared) -> Result<Identity, Refusal> {
        if !by_headers(request) {
            return Err(Refusal::documented("IncompleteSignature"));
        }
        let named = |name: &str| text(request.headers(), name);
        let (operation, _) = Self::route(request)?;
        if (named("x-acs-action"), named("x-acs-version")) != (Some(operation.action), Some(FC.version)) {
            return Err(Refusal::documented("InvalidApi.NotFound"));
        }
        let identity = authenticate(world, request, &Parameters::default(), shared.clock.now())?;
        let owner = host(request).and_then(|(account, _)| account);
        if owner.is_some_and(|owner| owner != identity.caller.account) {
            return Err(refusal("AccessDenied").unwrap_or_else(|| Refusal::documented("Forbidden.RAM")));
        }
        Ok(identity)
    }

    fn resource(call: &RestCall<'_>) -> String {
        let given = |name: &str| call.parameters.text(name);
        let qualifier = call.parameters.get("qualifier").map(|qualifier| format!("/{qualifier}")).unwrap_or_default();
        let (region, account) = (&call.place.region, &call.place.account);
        format!("acs:fc:{region}:{account}:functions/{}{qualifier}", given("functionName"))
    }

    fn denied(denied: Denied, resource: &str) -> Refusal {
        let message = format!("the caller is not authorized to perform '{}' on resource '{resource}'", denied.action);
        Refusal::new("AccessDenied", message).with_status(StatusCode::FORBIDDEN)
    }

    fn refusal(fault: Fault) -> Option<Refusal> {
        refusal(match fault {
            Fault::Throttled | Fault::ThrottledFor(_) => "ResourceExhausted",
            Fault::Unavailable => "ResourceThrottled",
            Fault::Refused => "AccessDenied",
            Fault::InternalError => "InternalServerError",
            Fault::Code(code) => code,
            _ => return None,
        })
    }

    fn envelope(refusal: &Refusal, request_id: &str) -> Value {
        json!({"Code": refusal.code, "Message": refusal.message, "RequestId": request_id})
    }

    async fn run(shared: &Shared, call: &RestCall<'_>) -> Result<Reply, Refusal> {
        let name = call.parameters.require("functionName")?;
        let not_found = || Refusal::not_found("FunctionNotFound", &format!("function '{name}' does not exist"));
        let deployed = shared.deployed.now();
        let host = deployed.function(&call.place, name).ok_or_else(not_found)?;
        let arn = host.function.arn();
        if call.parameters.get("qualifier").is_some_and(|qualifier| qualifier != "LATEST") {
            return Err(Refusal::not_found("VersionNotFound", "the local cloud has only the qualifier LATEST"));
        }
        let now = shared.clock.now();
        let task = call.parameters.text("taskId");
        match call.operation.action {
            "InvokeFunction" => invoke(shared, call, host).await,
            "ListAsyncTasks" => list(shared, call, &arn),
            "GetAsyncTask" => {
                let task = shared.read(|world| world.tasks.one(&arn, &task))?;
                Ok(Reply::ok(ReplyBody::Json(task)))
            }
            _ => {
                shared.write(|world| world.tasks.stop(&arn, &task, now))?;
                Ok(Reply::ok(ReplyBody::Empty))
            }
        }
    }
}

/// Returns the account, if there is one, and the region that the host names. An address of this machine names none.
fn host(request: &Request<Bytes>) -> Option<(Option<String>, String)> {
    let host = authenticate::text(request.headers(), "host")?;
    let parts: Vec<&str> = host.strip_suffix(".aliyuncs.com")?.split('.').collect();
    let region = |region: &str| region.trim_end_matches("-internal").to_owned();
    match parts.as_slice() {
        [account, place, "fc"] => Some((Some((*account).to_owned()), region(place))),
        ["fcv3" | "fc", place] => Some((None, region(place))),
        _ => None,
    }
}

async fn invoke(shared: &Shared, call: &RestCall<'_>, host: &Arc<Host>) -> Result<Reply, Refusal> {
    let given = &call.parameters;
    let is_asynchronous = match given.get("x-fc-invocation-type") {
        None | Some("Sync") => false,
        Some("Async") => true,
        Some(_) => return Err(invalid("x-fc-invocation-type should be Sync or Async")),
    };
    let max = if is_asynchronous { MAX_ASYNC_EVENT } else { MAX_SYNC_EVENT };
    if call.body.len() > max {
        let message = format!("payload size exceeds maximum allowed size ({max} bytes)");
        return Err(Refusal::new("EntityTooLarge", message));
    }
    if is_asynchronous { submit(shared, call, host) } else { invoke_now(shared, call, host).await }
}

/// Takes an asynchronous invocation, before the function sees it.
fn submit(shared: &Shared, call: &RestCall<'_>, host: &Arc<Host>) -> Result<Reply, Refusal> {
    let given = &call.parameters;
    let task_id = given.get("x-fc-async-task-id");
    if task_id.is_some_and(|id| !is_task_id(id)) {
        let message = format!("task id should match [A-Za-z_][A-Za-z0-9_-]* and be at most {MAX_TASK_ID} long");
        return Err(invalid(message));
    }
    let delay = match given.get("x-fc-async-delay").map(str::parse::<u64>) {
        None => Duration::ZERO,
        Some(Ok(seconds @ 1..=MAX_DELAY)) => Duration::from_secs(seconds),
        Some(_) => return Err(invalid(format!("x-fc-async-delay should be from 1 to {MAX_DELAY}"))),
    };
    let submission = Submission {
        host: Arc::clone(host),
        request_id: call.request_id.to_owned(),
        event: call.body.clone(),
        task_id: task_id.unwrap_or(call.request_id).to_owned(),
        delay,
    };
    asynchronous::submit(shared, submission).map_err(|TaskExists| {
        let message = format!("async task '{}' already exists", task_id.unwrap_or_default());
        Refusal::new("AsyncTaskAlreadyExists", message).with_status(StatusCode::CONFLICT)
    })?;
    Ok(Reply { status: StatusCode::ACCEPTED, headers: Vec::new(), body: ReplyBody::Empty })
}

fn is_task_id(id: &str) -> bool {
    id.len() <= MAX_TASK_ID
        && id.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Invokes a function and answers with what it answers. FC does not retry a synchronous invocation.
async fn invoke_now(shared: &Shared, call: &RestCall<'_>, host: &Host) -> Result<Reply, Refusal> {
    let turn = host.turn_now().map_err(|limit| {
        shared.record(EntryKind::Throttled { function: host.function.name.clone(), limit });
        match limit {
            Limit::OfFunction => {
                Refusal::new("ResourceExhausted", EXHAUSTED).with_status(StatusCode::TOO_MANY_REQUESTS)
            }
            Limit::OfRegion => {
                Refusal::new("ResourceThrottled", REGION_EXHAUSTED).with_status(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    })?;
    let attempt = Attempt { request_id: call.request_id, number: 1, retry_count: 0, stop: None };
    let Invocation { success, body, lines, .. } = host.invoke(shared, call.body, &attempt, turn).await;
    let text = if let Value::String(text) = body { text } else { body.to_string() };
    let mut headers = Vec::new();
    if !success {
        headers.push(("x-fc-error-type", "InvocationError".to_owned()));
    }
    if call.parameters.get("x-fc-log-type") == Some("Tail") {
        let log = lines.join("\n").into_bytes();
        headers.push(("x-fc-log-result", BASE64_STANDARD.encode(&log[log.len().saturating_sub(MAX_LOG_RESULT)..])));
    }
    Ok(Reply { headers, ..Reply::ok(ReplyBody::Bytes(text.into_bytes())) })
}

fn list(shared: &Shared, call: &RestCall<'_>, function_arn: &str) -> Result<Reply, Refusal> {
    let given = &call.parameters;
    let number = |name: &str| given.get(name).map(|text| text.parse::<i64>().map_err(|_| invalid(name))).transpose();
    let limit = match number("limit")? {
        None => DEFAULT_LIMIT,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| invalid(format!("limit should be from 1 to {MAX_LIMIT}")))?,
    };
    let is_ascending = match given.get("sortOrderByTime") {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(invalid("sortOrderByTime should be asc or desc")),
    };
    let asked = Query {
        prefix: given.get("prefix").unwrap_or_default(),
        status: given.get("status"),
        is_ascending,
        started: (number("startedTimeBegin")?, number("startedTimeEnd")?),
        limit: if let Some(Fault::SmallPages(size)) = call.fault { limit.min(size) } else { limit },
        token: given.get("nextToken"),
        with_payload: given.is_on("includePayload"),
        hide_newest: call.fault == Some(Fault::NotVisibleYet),
    };
    let (tasks, next) = shared.read(|world| world.tasks.list(function_arn, &asked))?;
    let mut body = json!({"tasks": tasks});
    if let Some(next) = next {
        body["nextToken"] = json!(next);
    }
    Ok(Reply::ok(ReplyBody::Json(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_id_has_its_form() {
        for (id, expected) in [
            ("r20261126T0300_1000000000000002", true),
            ("_-", true),
            ("1", false),
            ("-a", false),
            ("a.b", false),
            ("", false),
            (&"a".repeat(128), true),
            (&"a".repeat(129), false),
        ] {
            assert_eq!(is_task_id(id), expected, "{id}");
        }
    }

    #[test]
    fn a_host_names_an_account_and_a_region() {
        for (name, expected) in [
            ("1000000000000001.cn-hangzhou.fc.aliyuncs.com", Some((Some("1000000000000001"), "cn-hangzhou"))),
            ("1000000000000001.cn-hangzhou-internal.fc.aliyuncs.com", Some((Some("1000000000000001"), "cn-hangzhou"))),
            ("fcv3.cn-hangzhou.aliyuncs.com", Some((None, "cn-hangzhou"))),
            ("fc.cn-chengdu.aliyuncs.com", Some((None, "cn-chengdu"))),
            ("127.0.0.1:9900", None),
        ] {
            let request = Request::builder().header("host", name).body(Bytes::new()).unwrap();
            let expected = expected.map(|(account, region)| (account.map(str::to_owned), region.to_owned()));
            assert_eq!(host(&request), expected, "{name}");
        }
    }
}
