//! The RPC gateway: authenticates, authorizes and runs a call, and answers it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    api::{
        authenticate::{self, Identity, authenticate},
        faults::Fault,
        operations::{self, Operation, Scope},
        parameters::Parameters,
        rate_limits::Rate,
        refusal::Refusal,
        response,
        rewrite::{self, Rewrite, Rewritten, rewrite},
    },
    eventbridge::{action_trail, bus::EventBus},
    options::Transitions,
    ram::{accounts::Caller, policy::SessionPolicy},
    world::{
        journal::{Call, EntryKind},
        shared::Shared,
        state::Place,
    },
};

/// The caller's name for [`Fault::Overtaken`].
const SOMEBODY_ELSE: &str = "somebody-else";

/// Closes the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault closed the connection without an answer")]
pub(crate) struct NoAnswer;

/// A call that passed authentication.
struct Admitted<'a> {
    operation: &'static Operation,
    caller: Caller,
    session_policy: Option<SessionPolicy>,
    parameters: &'a Parameters,
    region: &'a str,
    fault: Option<Fault>,
    rewrites: Vec<Rewrite>,
    rate: Option<Rate>,
}

/// Answers one API request: admits and runs the call, records it, publishes its event, and replies.
pub(crate) async fn answer(shared: &Shared, request: &Request<Bytes>) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let parameters = parameters(request);
    let mut call = received(shared, request, &parameters);
    let admitted = match admit(shared, request, &parameters) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let response = refuse(shared, request, &parameters, &mut call, &refusal);
            shared.record(EntryKind::Call(call));
            return Ok(response);
        }
    };
    call.caller = Some(admitted.caller.clone());
    call.fault = admitted.fault.map(|fault| fault.name().to_owned());
    if let Some(fault) = admitted.fault.filter(|fault| fault.comes_before_any_effect()) {
        call.status = 0;
        shared.record(EntryKind::Call(call));
        return Err(no_reply(shared, fault, &admitted.caller).await);
    }
    if admitted.fault == Some(Fault::Overtaken) {
        overtake(shared, &admitted, &call);
    }

    let (result, changing) = match run(shared, &admitted) {
        Ok((mut body, changing)) => {
            body["RequestId"] = json!(call.request_id);
            (Ok(body), changing)
        }
        Err(refusal) => (Err(refusal), Vec::new()),
    };
    let event = admitted.event(shared, &call, &result);
    let response = respond(shared, request, &admitted, &mut call, result);
    let lost = admitted.fault.filter(|fault| fault.loses_the_answer());
    if lost.is_some() {
        call.status = 0;
    }
    shared.record(EntryKind::Call(call));
    publish(shared, &admitted, event);
    changing.into_iter().for_each(|flow_log_id| shared.start_transition(flow_log_id));
    match lost {
        Some(fault) => Err(no_reply(shared, fault, &admitted.caller).await),
        None => Ok(reply(shared, admitted.fault, response).await),
    }
}

/// Returns the journal entry of a call before anything is known about its outcome.
fn received(shared: &Shared, request: &Request<Bytes>, parameters: &Parameters) -> Call {
    Call {
        request_id: shared.new_request_id(),
        caller: None,
        action: parameters.text("Action"),
        version: parameters.text("Version"),
        parameters: parameters.own(),
        in_query: query(request).own().into_keys().collect(),
        signed_with: authenticate::algorithm(request, parameters).map(str::to_owned),
        status: StatusCode::OK.as_u16(),
        code: None,
        answer: Value::Null,
        fault: None,
    }
}

/// Builds the answer to a call that was run, with its rewrites, and records it in the call.
fn respond(
    shared: &Shared,
    request: &Request<Bytes>,
    admitted: &Admitted<'_>,
    call: &mut Call,
    result: Result<Value, Refusal>,
) -> Response<Full<Bytes>> {
    let mut response = match result {
        Ok(body) => {
            if !admitted.rewrites.is_empty() {
                call.fault.get_or_insert_with(|| rewrite::NAME.to_owned());
            }
            let rewritten = rewrite(body, &admitted.rewrites);
            call.answer = rewritten.for_journal();
            mask(&mut call.answer);
            match rewritten {
                Rewritten::Value(value) => response::success(admitted.parameters, &value, shared.clock.now()),
                Rewritten::Text(text) => response::literal(text, shared.clock.now()),
            }
        }
        Err(refusal) => refuse(shared, request, admitted.parameters, call, &refusal),
    };
    if let Some(rate) = admitted.rate {
        set_rate_headers(&mut response, rate);
    }
    response
}

/// Publishes the event of a write, as the fault that the call met has it.
fn publish(shared: &Shared, admitted: &Admitted<'_>, event: Value) {
    let bus = EventBus::default_of(&admitted.place());
    match admitted.fault {
        _ if !admitted.operation.is_write => {}
        Some(Fault::EventDropped) => {}
        Some(Fault::EventDelayed(by)) => {
            let pause = shared.clock.wait(by);
            shared.spawn(move |shared| async move {
                pause.await;
                shared.publish(&bus, &event);
            });
        }
        Some(Fault::EventReordered) => shared.hold_back(bus, event),
        Some(Fault::EventDuplicated) => (0..2).for_each(|_| shared.publish(&bus, &event)),
        _ => shared.publish(&bus, &event),
    }
}

/// Returns the answer, late if the call met a fault that delays it.
pub(crate) async fn reply(
    shared: &Shared,
    fault: Option<Fault>,
    mut response: Response<Full<Bytes>>,
) -> Response<Full<Bytes>> {
    match fault {
        Some(Fault::Slow(late_by)) => shared.clock.wait(late_by).await,
        Some(Fault::SlowBytes(late_by)) => drop(response.extensions_mut().insert(SecondHalfLate(late_by))),
        _ => {}
    }
    response
}

/// Delays the second half of an answer by this duration.
#[derive(Clone, Copy)]
pub(crate) struct SecondHalfLate(pub(crate) Duration);

/// Handles a call that gets no answer.
pub(crate) async fn no_reply(shared: &Shared, fault: Fault, caller: &Caller) -> NoAnswer {
    match fault {
        Fault::Hang | Fault::HangAfterEffect => std::future::pending().await,
        Fault::FunctionKilled | Fault::FunctionKilledAfterEffect => {
            // The name of a session in another account does not tell which function assumed the role.
            let region = caller.region.clone().unwrap_or_else(|| shared.options.region.clone());
            let place = Place { account: caller.account.clone(), region };
            if let Some(host) = shared.deployed.now().function(&place, &caller.name) {
                host.kill();
            }
        }
        _ => {}
    }
    NoAnswer
}

/// Makes the same call first, without its tags, as another caller in the same account.
fn overtake(shared: &Shared, call: &Admitted<'_>, like: &Call) {
    let mut parameters = call.parameters.clone();
    parameters.0.retain(|name, _| !name.starts_with("Tag.") && name != "ClientToken");
    let caller =
        Caller { account: call.caller.account.clone(), name: SOMEBODY_ELSE.to_owned(), role: None, region: None };
    let other = Admitted {
        caller: caller.clone(),
        session_policy: None,
        parameters: &parameters,
        fault: None,
        rewrites: Vec::new(),
        rate: None,
        ..*call
    };
    // If it is refused, nothing changed.
    let Ok((mut body, changing)) = run(shared, &other) else { return };
    let request_id = shared.new_request_id();
    body["RequestId"] = json!(request_id);
    let (parameters, caller) = (parameters.own(), Some(caller));
    let entry = Call { request_id, caller, parameters, answer: body.clone(), fault: None, ..like.clone() };
    let event = other.event(shared, &entry, &Ok(body));
    shared.record(EntryKind::Call(entry));
    shared.publish(&EventBus::default_of(&other.place()), &event);
    changing.into_iter().for_each(|flow_log_id| shared.start_transition(flow_log_id));
}

/// Returns the parameters of the query and the form and, for a call signed in its headers, those of the headers.
fn parameters(request: &Request<Bytes>) -> Parameters {
    let mut parameters = query(request);
    let kind = authenticate::text(request.headers(), "content-type");
    if kind.is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        parameters.add_form(&String::from_utf8_lossy(request.body()));
    }
    if authenticate::by_headers(request) {
        let header = |name| authenticate::text(request.headers(), name).unwrap_or_default();
        for (name, value) in [("Action", header("x-acs-action")), ("Version", header("x-acs-version"))] {
            parameters.0.insert(name.into(), value.into());
        }
        parameters.0.entry("Format".into()).or_insert_with(|| "JSON".into());
    }
    parameters
}

/// Returns the parameters of the query.
fn query(request: &Request<Bytes>) -> Parameters {
    let mut query = Parameters::default();
    query.add_form(request.uri().query().unwrap_or_default());
    query
}

/// Admits a call if the operation exists and the caller is authenticated.
fn admit<'a>(
    shared: &'a Shared,
    request: &Request<Bytes>,
    parameters: &'a Parameters,
) -> Result<Admitted<'a>, Refusal> {
    if request.method() != Method::GET && request.method() != Method::POST {
        return Err(Refusal::documented("UnsupportedHTTPMethod"));
    }
    let operation = operations::find(parameters.require("Action")?, parameters.require("Version")?)?;
    let now = shared.clock.now();
    let Identity { caller, session_policy } = shared.write(|world| authenticate(world, request, parameters, now))?;
    // Express Connect Router is global, so its region is always the cloud's own.
    let region = parameters.get("RegionId").filter(|_| *operation.product != operations::ECR);
    let region = region.unwrap_or(&shared.options.region);
    let rate = shared
        .options
        .rate_limit
        .then(|| shared.write(|world| world.rates.count(&caller.account, region, operation, now)));
    let (fault, rewrites) = shared.write(|world| {
        let fault = world.faults.take(operation, region, &parameters.own());
        (fault, world.faults.take_rewrites(operation, region))
    });
    Ok(Admitted { operation, caller, session_policy, parameters, region, fault, rewrites, rate })
}

/// Runs an operation on the state if the caller is allowed to. Returns the body and the flow logs that started a
/// transition.
fn run(shared: &Shared, call: &Admitted<'_>) -> Result<(Value, Vec<String>), Refusal> {
    let place = call.place();
    shared.read(|world| {
        let policy = call.session_policy.as_ref();
        shared.roles.authorize(&call.caller, policy, call.operation, call.parameters, &place, &world.state)
    })?;
    if call.operation.is_regional() && !shared.read(|world| world.state.constraints.is_open(&place)) {
        return Err(Refusal::documented("InvalidRegionId.NotFound"));
    }
    if let Some(refusal) = call.fault.and_then(Fault::refusal) {
        return Err(refusal.of(call.operation));
    }
    if let Some(Rate { remain: None, time_left }) = call.rate {
        return Err(Refusal { retry_after: Some(time_left), ..Refusal::documented("Throttling.User") });
    }
    shared.write(|world| {
        if call.operation.is_write && world.faults.may_be_stale() {
            world.before = Some(world.state.clone());
        }
        let mut before = world.before.clone().filter(|_| call.fault == Some(Fault::StaleRead));
        let mut scope = Scope {
            product: call.operation.product,
            is_write: call.operation.is_write,
            state: before.as_mut().unwrap_or(&mut world.state),
            keys: &mut world.keys,
            caller: &call.caller,
            parameters: call.parameters,
            place,
            now: shared.clock.now(),
            options: &shared.options,
            roles: &shared.roles,
            hide_newest: call.fault == Some(Fault::NotVisibleYet),
            max_page_size: if let Some(Fault::SmallPages(size)) = call.fault { size } else { usize::MAX },
            changing: Vec::new(),
        };
        let body = call.operation.run(&mut scope)?;
        Ok((body, scope.changing))
    })
}

/// Builds the answer to a refused call, and records the refusal in the call.
fn refuse(
    shared: &Shared,
    request: &Request<Bytes>,
    parameters: &Parameters,
    call: &mut Call,
    refusal: &Refusal,
) -> Response<Full<Bytes>> {
    let host = authenticate::text(request.headers(), "host").unwrap_or("localhost");
    call.code = Some(refusal.code.to_owned());
    call.answer = json!({
        "RequestId": call.request_id,
        "HostId": host,
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}&requestId={}", refusal.code, call.request_id),
    });
    let of_router = parameters.get("Version") == Some(operations::ECR.version);
    if let (Some(denied), Some(caller)) = (&refusal.denied, &call.caller) {
        let detail = denied.detail(caller);
        call.answer["AccessDeniedDetail"] = if of_router { json!(detail.to_string()) } else { detail };
    }
    if of_router {
        call.answer["DynamicCode"] = json!("");
        call.answer["DynamicMessage"] = json!(refusal.dynamic_message);
        call.answer.as_object_mut().map(|answer| answer.entry("AccessDeniedDetail").or_insert_with(|| json!("")));
        call.answer["Success"] = json!(false);
        call.answer["HttpStatusCode"] = json!(refusal.status.as_u16());
    }
    let in_200 = call.fault.as_deref() == Some(Fault::FailureIn200.name());
    let status = if in_200 || (of_router && shared.options.ecr_failures_in_200 && call.caller.is_some()) {
        StatusCode::OK
    } else {
        refusal.status
    };
    call.status = status.as_u16();
    let mut response = response::refusal(parameters, status, &call.answer, shared.clock.now());
    if let Some(pause) = refusal.retry_after {
        response::set_header(&mut response, "x-acs-retry-after", &pause.as_millis().to_string());
        set_rate_headers(&mut response, Rate { remain: None, time_left: pause });
    }
    // The message contains the security token, and people read and share the journal.
    if refusal.code == "SignatureDoesNotMatch" {
        call.answer["Message"] = json!("Specified signature is not matched with our calculation.");
    }
    response
}

/// Sets the rate limit headers. Only one rate is counted, so both headers describe it.
fn set_rate_headers(response: &mut Response<Full<Bytes>>, rate: Rate) {
    let told = format!("Remain:{},TimeLeft:{}", rate.remain.unwrap_or_default(), rate.time_left.as_millis());
    for name in ["x-ratelimit-user", "x-ratelimit-user-api"] {
        response::set_header(response, name, &told);
    }
}

/// Masks the secrets of a temporary key for the journal.
fn mask(answer: &mut Value) {
    if let Some(credentials) = answer.get_mut("Credentials").and_then(Value::as_object_mut) {
        for secret in ["AccessKeySecret", "SecurityToken"] {
            credentials.insert(secret.to_owned(), json!("***"));
        }
    }
}

impl Admitted<'_> {
    /// Returns the account and region that the call is about.
    fn place(&self) -> Place {
        Place { account: self.caller.account.clone(), region: self.region.to_owned() }
    }

    fn event(&self, shared: &Shared, call: &Call, result: &Result<Value, Refusal>) -> Value {
        let record = action_trail::Record {
            operation: self.operation,
            caller: &self.caller,
            region: self.region,
            request_id: &call.request_id,
            now: shared.clock.now(),
        };
        record.of(&call.parameters, result.as_ref())
    }
}

impl Shared {
    /// Finishes a flow log's transition when the options say so.
    fn start_transition(&self, flow_log_id: String) {
        match self.options.transitions {
            Transitions::Explicit => {}
            Transitions::After(delay) if delay.is_zero() => self.finish_transition(&flow_log_id),
            Transitions::After(delay) => {
                let pause = self.clock.wait(delay);
                self.spawn(move |shared| async move {
                    pause.await;
                    shared.finish_transition(&flow_log_id);
                });
            }
        }
    }

    pub(crate) fn finish_transition(&self, flow_log_id: &str) {
        if let Some((from, to)) = self.write(|world| world.state.finish(flow_log_id)) {
            self.record(EntryKind::Changed { flow_log_id: flow_log_id.to_owned(), from, to });
        }
    }

    fn new_request_id(&self) -> String {
        format!("10CA1C10-0D00-5000-8000-{:012X}", self.next_number())
    }
}
