//! Calls of products whose operations are paths: Function Compute and Log Service.
//!
//! Each product says what a path means, how a call is signed, and how a refusal looks. What they share with the RPC
//! gateway, such as faults, rewrites and the journal, is here.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    api::{
        authenticate::{self, Identity},
        faults::Fault,
        gateway::{NoAnswer, no_reply, reply},
        operations::Operation,
        parameters::Parameters,
        refusal::{Denied, Refusal},
        response::{set_date, set_header},
        rewrite::{self, Rewrite, Rewritten, rewrite},
    },
    ram::{accounts::Caller, policy::SessionPolicy},
    world::{
        journal::{Call, EntryKind},
        shared::{Shared, World},
        state::Place,
    },
};

/// A product whose operations are paths.
pub(crate) trait RestProduct {
    /// The version of the API, for the journal.
    const VERSION: &'static str;
    /// The header with the id of the request.
    const REQUEST_ID: &'static str;

    fn new_request_id(shared: &Shared) -> String;

    /// Returns the operation that a request's method and path name, and the parameters in its path, query, headers and
    /// body.
    fn route(request: &Request<Bytes>) -> Result<(&'static Operation, Parameters), Refusal>;

    /// Returns the region that a request names, if it does.
    fn region(request: &Request<Bytes>) -> Option<String>;

    /// Checks who sent a request.
    fn authenticate(world: &mut World, request: &Request<Bytes>, shared: &Shared) -> Result<Identity, Refusal>;

    /// Returns the ARN of the resource that a call affects.
    fn resource(call: &RestCall<'_>) -> String;

    /// Returns the refusal of a call that the caller's policies do not allow.
    fn denied(denied: Denied, resource: &str) -> Refusal;

    /// Returns this product's own refusal for a fault, or for one of its codes.
    fn refusal(fault: Fault) -> Option<Refusal>;

    /// Returns the body of a refusal.
    fn envelope(refusal: &Refusal, request_id: &str) -> Value;

    /// Runs an operation.
    fn run(shared: &Shared, call: &RestCall<'_>) -> impl Future<Output = Result<Reply, Refusal>> + Send;
}

/// A call that passed authentication.
pub(crate) struct RestCall<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) request_id: &'a str,
    pub(crate) body: &'a Bytes,
    pub(crate) parameters: Parameters,
    pub(crate) caller: Caller,
    session_policy: Option<SessionPolicy>,
    pub(crate) place: Place,
    pub(crate) fault: Option<Fault>,
    rewrites: Vec<Rewrite>,
}

/// The answer to a call that succeeded.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: ReplyBody,
}

/// The body of an answer.
pub(crate) enum ReplyBody {
    Empty,
    Json(Value),
    /// What a function answered.
    Bytes(Vec<u8>),
}

impl Reply {
    /// Returns an answer with HTTP 200.
    pub(crate) fn ok(body: ReplyBody) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body }
    }
}

/// Answers one request: admits and runs the call, records it, and replies.
pub(crate) async fn answer<P: RestProduct>(
    shared: &Shared,
    request: &Request<Bytes>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let mut response = undated::<P>(shared, request).await?;
    set_date(&mut response, shared.clock.now());
    Ok(response)
}

async fn undated<P: RestProduct>(shared: &Shared, request: &Request<Bytes>) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let mut record = received::<P>(shared, request);
    let request_id = record.request_id.clone();
    let admitted = P::route(request).and_then(|(operation, parameters)| {
        operation.action.clone_into(&mut record.action);
        record.parameters.clone_from(&parameters.0);
        admit::<P>(shared, request, operation, parameters, &request_id)
    });
    let call = match admitted {
        Ok(call) => call,
        Err(refusal) => {
            let response = refuse::<P>(&mut record, &refusal);
            shared.record(EntryKind::Call(record));
            return Ok(response);
        }
    };
    record.caller = Some(call.caller.clone());
    record.fault = call.fault.map(|fault| fault.name().to_owned());
    if let Some(fault) = call.fault.filter(|fault| fault.comes_before_any_effect()) {
        record.status = 0;
        shared.record(EntryKind::Call(record));
        return Err(no_reply(shared, fault, &call.caller).await);
    }
    let response = match run::<P>(shared, &call).await {
        Ok(done) => respond::<P>(&mut record, done, &call.rewrites),
        Err(refusal) => refuse::<P>(&mut record, &refusal),
    };
    let lost = call.fault.filter(|fault| fault.loses_the_answer());
    if lost.is_some() {
        record.status = 0;
    }
    shared.record(EntryKind::Call(record));
    match lost {
        Some(fault) => Err(no_reply(shared, fault, &call.caller).await),
        None => Ok(reply(shared, call.fault, response).await),
    }
}

/// Returns the journal entry of a call before anything is known about its outcome.
fn received<P: RestProduct>(shared: &Shared, request: &Request<Bytes>) -> Call {
    let algorithm = authenticate::text(request.headers(), header::AUTHORIZATION.as_str());
    Call {
        request_id: P::new_request_id(shared),
        caller: None,
        action: String::new(),
        version: P::VERSION.to_owned(),
        parameters: BTreeMap::new(),
        in_query: query(request).0.into_keys().collect(),
        signed_with: algorithm.and_then(|text| text.split(' ').next()).map(str::to_owned),
        status: StatusCode::OK.as_u16(),
        code: None,
        answer: Value::Null,
        fault: None,
    }
}

/// Returns the parameters of the query.
pub(crate) fn query(request: &Request<Bytes>) -> Parameters {
    let mut query = Parameters::default();
    query.add_form(request.uri().query().unwrap_or_default());
    query
}

/// Returns the parts of a path, decoded.
pub(crate) fn parts(request: &Request<Bytes>) -> Vec<String> {
    // In a path, a plus sign stands for itself.
    let parts = request.uri().path().trim_start_matches('/').split('/');
    parts.map(|part| crate::api::parameters::decode(&part.replace('+', "%2B"))).collect()
}

/// Admits a call if its caller is authenticated.
fn admit<'a, P: RestProduct>(
    shared: &Shared,
    request: &'a Request<Bytes>,
    operation: &'static Operation,
    parameters: Parameters,
    request_id: &'a str,
) -> Result<RestCall<'a>, Refusal> {
    let Identity { caller, session_policy } = shared.write(|world| P::authenticate(world, request, shared))?;
    let region = P::region(request).or_else(|| caller.region.clone());
    let region = region.unwrap_or_else(|| shared.options.region.clone());
    let (fault, rewrites) = shared.write(|world| {
        let fault = world.faults.take(operation, &region, &parameters.0);
        (fault, world.faults.take_rewrites(operation, &region))
    });
    let place = Place { account: caller.account.clone(), region };
    let body = request.body();
    Ok(RestCall { operation, request_id, body, parameters, caller, session_policy, place, fault, rewrites })
}

/// Runs an operation if the caller is allowed to.
async fn run<P: RestProduct>(shared: &Shared, call: &RestCall<'_>) -> Result<Reply, Refusal> {
    let resource = P::resource(call);
    let (action, policy) = (call.operation.permission(), call.session_policy.as_ref());
    let allowed =
        shared.read(|world| shared.roles.authorize_on(&call.caller, policy, &action, &resource, &world.state));
    allowed.map_err(|denied| P::denied(denied, &resource))?;
    match call.fault.and_then(|fault| P::refusal(fault).or_else(|| fault.refusal())) {
        Some(refusal) => Err(refusal),
        None => P::run(shared, call).await,
    }
}

/// Builds the answer to a call that succeeded, with its rewrites, and records it.
fn respond<P: RestProduct>(record: &mut Call, done: Reply, rewrites: &[Rewrite]) -> Response<Full<Bytes>> {
    record.status = done.status.as_u16();
    let mut kind = "application/json";
    let bytes = match done.body {
        ReplyBody::Json(body) => {
            if !rewrites.is_empty() {
                record.fault.get_or_insert_with(|| rewrite::NAME.to_owned());
            }
            let rewritten = rewrite(body, rewrites);
            record.answer = rewritten.for_journal();
            match rewritten {
                Rewritten::Value(value) => value.to_string().into_bytes(),
                Rewritten::Text(text) => text.into_bytes(),
            }
        }
        ReplyBody::Bytes(bytes) => {
            kind = "application/octet-stream";
            record.answer = json!({"RequestId": record.request_id});
            bytes
        }
        ReplyBody::Empty => {
            record.answer = json!({"RequestId": record.request_id});
            Vec::new()
        }
    };
    let mut response = Response::new(Full::from(bytes));
    *response.status_mut() = done.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    set_header(&mut response, P::REQUEST_ID, &record.request_id);
    for (name, value) in &done.headers {
        set_header(&mut response, name, value);
    }
    response
}

/// Builds the answer to a refused call, and records the refusal.
fn refuse<P: RestProduct>(record: &mut Call, refusal: &Refusal) -> Response<Full<Bytes>> {
    let body = P::envelope(refusal, &record.request_id);
    record.code = Some(refusal.code.to_owned());
    record.status = refusal.status.as_u16();
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = refusal.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set_header(&mut response, P::REQUEST_ID, &record.request_id);
    record.answer = body;
    // The message contains the security token, and people read and share the journal.
    if refusal.code == "SignatureDoesNotMatch" {
        record.answer["Message"] = json!(Refusal::documented(refusal.code).message);
    }
    response
}
