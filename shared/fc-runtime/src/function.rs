//! The trait that a program implements to be a function.

use std::future::{Future, ready};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde::Serialize;
use settings::{InvalidSettings, Settings};

use crate::{Failure, Invocation, Output};

/// A function: how it is set up, and what it does when it is invoked.
pub trait Function: Sized + Send + Sync + 'static {
    /// The function's name. It may be deployed under another one.
    const NAME: &'static str;

    /// The prefix of its settings' names, including those that the runtime reads. Empty by default.
    const SETTINGS_PREFIX: &'static str = "";

    /// Creates the function from the settings, before the port is bound: a function that cannot work does not start.
    ///
    /// Work that can wait, such as opening connections, should.
    ///
    /// # Errors
    /// [`InvalidSettings`] with every invalid setting, not only the first.
    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings>;

    /// Handles one event. `event` is the body as received, of any content type, at most 32 MB.
    ///
    /// The future is dropped at an await if it runs past the deadline ([`Invocation::deadline`]), so it should finish
    /// by [`Invocation::soft_deadline`]. It is not dropped when the caller hangs up. It shares its thread with the
    /// instance's other invocations, so it must not block.
    ///
    /// # Errors
    /// [`Failure`] if the event should be retried, or kept in a dead-letter queue.
    fn handle(&self, invocation: Invocation, event: Bytes) -> impl Future<Output = Result<Output, Failure>> + Send;

    /// Prepares the instance, if Function Compute is configured to call `/initialize`. Does nothing by default.
    ///
    /// # Errors
    /// [`Failure`] if the instance is not ready. Function Compute tries again.
    fn initialize(&self, invocation: Invocation) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = invocation;
        ready(Ok(()))
    }

    /// Handles a request from an HTTP trigger, or from Function Compute's custom health check.
    ///
    /// By default, `GET` and `HEAD` of any path get a 200 with the function's name and version, so that a health check
    /// may use any path. Everything else is rejected with HTTP 404.
    ///
    /// # Errors
    /// [`Failure`] if the function failed. A rejection that is not a failure of the function, such as HTTP 403, is an
    /// `Ok`.
    fn http(
        &self,
        invocation: Invocation,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, Failure>> + Send {
        let _ = invocation;
        ready(about::<Self>(request.method()))
    }
}

/// The answer to a health check.
#[derive(Serialize)]
struct About {
    function: &'static str,
    version: &'static str,
}

/// Responds to a health check with the name and version.
fn about<F: Function>(method: &Method) -> Result<Response<Bytes>, Failure> {
    if !only_reads(method) {
        return Err(Failure::new(
            "NoHttpInterface",
            "this function has no HTTP interface; events are sent to POST /invoke",
        ));
    }
    let body = Output::json(&About { function: F::NAME, version: env!("CARGO_PKG_VERSION") })?;
    let mut response = Response::new(body.into_body());
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Returns whether requests with this method only read.
pub(crate) fn only_reads(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}
