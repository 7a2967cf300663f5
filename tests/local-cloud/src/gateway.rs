//! The RPC gateway: what is called, by whom, may they, what happens and what is answered.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    accounts::Caller,
    answer,
    authenticate::authenticate,
    faults::Fault,
    journal::{Call, What},
    operations::{self, Operation, Scope},
    options::Transitions,
    parameters::Parameters,
    refusal::Refusal,
    state::Place,
    trail,
    world::Shared,
};

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer, as a fault asked for")]
pub(crate) struct NoAnswer;

/// A call that was let in.
struct Admitted<'a> {
    operation: &'static Operation,
    caller: Caller,
    parameters: &'a Parameters,
    region: &'a str,
    fault: Option<Fault>,
}

/// Answers one request for the API.
pub(crate) async fn answer(shared: &Shared, request: &Request<Bytes>) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let parameters = parameters(request);
    let mut call = Call {
        request_id: shared.new_request_id(),
        caller: None,
        action: parameters.text("Action"),
        parameters: parameters.own(),
        status: StatusCode::OK.as_u16(),
        code: None,
        answer: Value::Null,
        fault: None,
    };
    let admitted = match admit(shared, request, &parameters) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let response = refuse(shared, request, &parameters, &mut call, &refusal);
            shared.note(What::Call(call));
            return Ok(response);
        }
    };
    call.caller = Some(admitted.caller.clone());
    call.fault = admitted.fault.map(|fault| fault.name().to_owned());
    if admitted.fault == Some(Fault::Reset) {
        call.status = 0;
        shared.note(What::Call(call));
        return Err(NoAnswer);
    }

    let (result, changing) = match run(shared, &admitted) {
        Ok((mut body, changing)) => {
            body["RequestId"] = json!(call.request_id);
            (Ok(body), changing)
        }
        Err(refusal) => (Err(refusal), Vec::new()),
    };
    let event = admitted.event(shared, &call, &result);
    let response = match result {
        Ok(body) => {
            call.answer = body;
            answer::success(&parameters, &call.answer, shared.clock.now())
        }
        Err(refusal) => refuse(shared, request, &parameters, &mut call, &refusal),
    };
    if admitted.fault == Some(Fault::AnswerLost) {
        call.status = 0;
    }
    shared.note(What::Call(call));
    if admitted.operation.write {
        let times = if admitted.fault == Some(Fault::EventDuplicated) { 2 } else { 1 };
        (0..times).for_each(|_| shared.publish(&event));
    }
    changing.into_iter().for_each(|flow_log_id| shared.start_transition(flow_log_id));
    match admitted.fault {
        Some(Fault::AnswerLost) => return Err(NoAnswer),
        Some(Fault::Slow(late_by)) => shared.clock.wait(late_by).await,
        _ => {}
    }
    Ok(response)
}

/// What the query and the form say together.
fn parameters(request: &Request<Bytes>) -> Parameters {
    let mut parameters = Parameters::default();
    parameters.add_form(request.uri().query().unwrap_or_default());
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        parameters.add_form(&String::from_utf8_lossy(request.body()));
    }
    parameters
}

/// Lets a call in, if the operation exists and the caller is who it says and may call it.
fn admit<'a>(
    shared: &'a Shared,
    request: &Request<Bytes>,
    parameters: &'a Parameters,
) -> Result<Admitted<'a>, Refusal> {
    if request.method() != Method::GET && request.method() != Method::POST {
        let refusal = Refusal::new("UnsupportedHTTPMethod", "This http method not supported.");
        return Err(refusal.with_status(StatusCode::FORBIDDEN));
    }
    let operation = operations::find(parameters.require("Action")?, parameters.require("Version")?)?;
    let now = shared.clock.now();
    let caller = shared.write(|world| authenticate(world, request, parameters, now))?;
    authorise(&caller, operation)?;
    let fault = shared.write(|world| world.faults.take(operation.action));
    let region = parameters.get("RegionId").unwrap_or(&shared.options.region);
    Ok(Admitted { operation, caller, parameters, region, fault })
}

/// Whether the caller's role allows the operation: for now every key may do everything.
fn authorise(_caller: &Caller, _operation: &Operation) -> Result<(), Refusal> {
    Ok(())
}

/// Runs an operation on the state; answers with its body and the flow logs that it set changing.
fn run(shared: &Shared, call: &Admitted<'_>) -> Result<(Value, Vec<String>), Refusal> {
    if let Some(refusal) = call.fault.and_then(Fault::refusal) {
        return Err(refusal);
    }
    shared.write(|world| {
        let mut scope = Scope {
            state: &mut world.state,
            caller: &call.caller,
            parameters: call.parameters,
            place: Place { account: call.caller.account.clone(), region: call.region.to_owned() },
            now: shared.clock.now(),
            quota: shared.options.quota,
            hide_newest: call.fault == Some(Fault::NotVisibleYet),
            changing: Vec::new(),
        };
        let body = call.operation.run(&mut scope)?;
        Ok((body, scope.changing))
    })
}

/// Makes the answer of a refused call, and enters it in the call.
fn refuse(
    shared: &Shared,
    request: &Request<Bytes>,
    parameters: &Parameters,
    call: &mut Call,
    refusal: &Refusal,
) -> Response<Full<Bytes>> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    call.status = refusal.status.as_u16();
    call.code = Some(refusal.code.to_owned());
    call.answer = json!({
        "RequestId": call.request_id,
        "HostId": host,
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}&requestId={}", refusal.code, call.request_id),
    });
    let response = answer::refusal(parameters, refusal.status, &call.answer, shared.clock.now());
    // The text shows the security token, and a journal is for people to read and to send on.
    if refusal.code == "SignatureDoesNotMatch" {
        call.answer["Message"] = json!("Specified signature is not matched with our calculation.");
    }
    response
}

impl Admitted<'_> {
    fn event(&self, shared: &Shared, call: &Call, result: &Result<Value, Refusal>) -> Value {
        let record = trail::Record {
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
    /// Lets a flow log finish its change, as the options say when.
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
            self.note(What::Changed { flow_log_id: flow_log_id.to_owned(), from, to });
        }
    }

    fn new_request_id(&self) -> String {
        format!("10CA1C10-0D00-5000-8000-{:012X}", self.next_number())
    }
}
