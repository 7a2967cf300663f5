//! What a program has to say to be a function.

use std::future::{Future, ready};

use bytes::Bytes;
use http::{Method, Request, Response, header};

use crate::{Failure, InvalidSettings, Invocation, Output, Settings};

/// One function: how it is set up, and what it does when it is invoked.
pub trait Function: Sized + Send + Sync + 'static {
    /// Its name, which may be another one where it is deployed.
    const NAME: &'static str;

    /// What the names of its settings begin with, those that the runtime reads itself included. Nothing by default.
    const SETTINGS_PREFIX: &'static str = "";

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
    fn handle(&self, invocation: Invocation, event: Bytes) -> impl Future<Output = Result<Output, Failure>> + Send;

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
    /// By default `GET` and `HEAD` of any path are answered 200, with name and version of the function, so that a health
    /// check may use any path; everything else is refused with HTTP 404.
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
        ready(about::<Self>(request.method()))
    }
}

/// The answer to a health check: name and version.
fn about<F: Function>(method: &Method) -> Result<Response<Bytes>, Failure> {
    if !only_reads(method) {
        return Err(Failure::new(
            "NoHttpInterface",
            "this function has no HTTP interface; events are sent to POST /invoke",
        ));
    }
    let body = serde_json::json!({"function": F::NAME, "version": env!("CARGO_PKG_VERSION")});
    let mut response = Response::new(Bytes::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Whether requests of this method only read.
pub(crate) fn only_reads(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}
