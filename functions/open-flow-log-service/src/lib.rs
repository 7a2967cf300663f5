//! Opens the flow log service of an account, once its terms are accepted.
//!
//! Invoked by hand. With `{"accept_terms": true}` it opens the service; with `{}` or an empty body it reports whether
//! the service is open.

use std::sync::Arc;

use bytes::Bytes;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use handler::{
    Ended, InvocationKind, Location, Measurement, SETTINGS_PREFIX, answered, is_function, job, reject_unknown,
};
use reconcile::{CallCounter, OsRng, ServiceOpener, SystemClock};
use serde_json::Value;

/// Opens the flow log service of the account that the function runs in.
#[derive(Debug)]
pub struct OpenFlowLogService {
    opener: ServiceOpener,
}

impl Function for OpenFlowLogService {
    const NAME: &'static str = {
        let name = "open-flow-log-service";
        assert!(is_function(name), "add the function to FUNCTIONS");
        name
    };

    const SETTINGS_PREFIX: &'static str = SETTINGS_PREFIX;

    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let known = invalid.collect(reject_unknown(settings, ServiceOpener::setting_names()));
        let opener = invalid.collect(ServiceOpener::read(
            "open-flow-log-service",
            settings,
            Arc::new(SystemClock),
            Arc::new(OsRng),
        ));
        let (Some(()), Some(opener)) = (known, opener) else { return Err(invalid) };
        Ok(Self { opener })
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let measurement = Measurement::begin(&invocation);
        let ended = self.open(invocation, &event, measurement.calls()).await;
        answered(&measurement, ended, self.opener.now(), &event)
    }
}

impl OpenFlowLogService {
    async fn open(&self, invocation: Invocation, event: &[u8], calls: CallCounter) -> Result<Ended, Failure> {
        let accept_terms = are_terms_accepted(event)?;
        let location = Location::of(&invocation);
        let Some(region) = location.region.clone() else {
            return Err(Failure::new(
                "NoRegion",
                "the function's region is not known: neither x-fc-region nor FC_REGION is set",
            ));
        };
        let run = invocation.request_id.clone();
        let job = job(invocation, location, run, calls)?;
        let report = self.opener.open(job, &region, accept_terms).await;
        Ok(Ended { kind: InvocationKind::ByHand, report })
    }
}

/// The largest body that is read, in bytes. A valid one is short, and a parsed body takes many times its size in
/// memory.
const MAX_BODY: usize = 64 << 10;

/// Whether the body accepts the terms. An empty one does not.
fn are_terms_accepted(event: &[u8]) -> Result<bool, Failure> {
    if event.trim_ascii().is_empty() {
        return Ok(false);
    }
    let asks = "expected {\"accept_terms\": true}, or {} to see whether the service is open";
    if event.len() > MAX_BODY {
        let found = format!("the body has {} bytes, and {MAX_BODY} is the maximum; {asks}", event.len());
        return Err(Failure::new("UnknownEvent", found));
    }
    let body: Value = serde_json::from_slice(event)
        .map_err(|error| Failure::new("UnknownEvent", format!("the body is not JSON ({error}); {asks}")))?;
    let Value::Object(body) = body else {
        return Err(Failure::new("UnknownEvent", format!("the body is not a JSON object; {asks}")));
    };
    match body.get("accept_terms") {
        None | Some(Value::Bool(false)) => Ok(false),
        Some(Value::Bool(true)) => Ok(true),
        Some(_) => Err(Failure::new("UnknownEvent", format!("accept_terms is neither true nor false; {asks}"))),
    }
}
