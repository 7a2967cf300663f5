//! What a program has to say to be a function.

use std::future::{Future, ready};

use bytes::Bytes;
use http::{Method, Request, Response, header};

use crate::{Answer, Failure, InvalidSettings, Invocation, Settings};

/// One function: how it is set up, and what it does when it is invoked.
pub trait Function: Sized + Send + Sync + 'static {
    /// Reads what it needs from the settings, before the port is bound: a function that cannot work does not start.
    ///
    /// What can wait, such as opening connections, should.
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] with every bad setting, not only the first.
    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings>;

    /// Handles one event. `event` is the body as it came, of any content type, at most 32 MB.
    ///
    /// Dropped at an await if it runs past its deadline ([`Invocation::deadline`]); until [`Invocation::work_until`]
    /// it has time to end by itself. A caller that hangs up does not drop it. It shares its thread with the other
    /// invocations of the instance, so it must not block.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the event should be tried again, or be kept in a dead-letter queue.
    fn handle(&self, invocation: Invocation, event: Bytes) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Prepares the instance, if Function Compute was asked to call `/initialize`. Nothing by default.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the instance is not ready; Function Compute asks again.
    fn initialize(&self, invocation: Invocation) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = invocation;
        ready(Ok(()))
    }

    /// Answers a request of an HTTP trigger, or of Function Compute's custom health check.
    ///
    /// By default `GET /health` is answered 200, which the health check takes as well, and the rest is refused with
    /// HTTP 404.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the function failed. A refusal that is no failure of the function, such as HTTP 403, is an `Ok`.
    fn http(
        &self,
        invocation: Invocation,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, Failure>> + Send {
        let _ = invocation;
        ready(without_http_interface(&request))
    }
}

fn without_http_interface(request: &Request<Bytes>) -> Result<Response<Bytes>, Failure> {
    if request.method() == Method::GET && request.uri().path() == "/health" {
        let mut response = Response::new(Bytes::from_static(br#"{"status":"ok"}"#));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        return Ok(response);
    }
    Err(Failure::new("NoHttpInterface", "this function has no HTTP interface; events are sent to POST /invoke"))
}
