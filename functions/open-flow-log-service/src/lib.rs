//! Opens the flow log service of an account, once somebody accepts its terms.
//!
//! Invoked by hand: with `{"accept_terms": true}` it opens the service, with anything else it says whether it is open.

use std::sync::Arc;

use bytes::Bytes;
use fc_runtime::{Answer, Failure, Function, InvalidSettings, Invocation, Settings};
use keeper_function::{Home, answer, job};
use reconcile::{Machine, ServiceOpener};
use serde_json::Value;

/// The function.
#[derive(Debug)]
pub struct OpenFlowLogService {
    opener: ServiceOpener,
}

impl Function for OpenFlowLogService {
    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let setting = |name: &str| settings.get(name).map(str::to_owned);
        let mut invalid = InvalidSettings::default();
        invalid.note(settings.only_known(ServiceOpener::SETTINGS));
        let opener = invalid.note(ServiceOpener::read("open-flow-log-service", &setting, Arc::new(Machine)));
        invalid.into_result()?;
        opener.map(|opener| Self { opener }).ok_or_else(InvalidSettings::default)
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Answer, Failure> {
        let accept_terms = are_terms_accepted(&event)?;
        let home = Home::of(&invocation);
        let Some(region) = home.region.clone() else {
            return Err(Failure::new(
                "NoRegion",
                "nothing says in which region the function runs: neither x-fc-region nor FC_REGION is set",
            ));
        };
        let report = self.opener.open(job(invocation, home)?, &region, accept_terms).await;
        answer(&report)
    }
}

/// The largest body that is read, in bytes. What is asked for takes few, and as a tree a body is many times as large.
const LARGEST: usize = 64 << 10;

/// Whether the body says so. An empty one does not.
fn are_terms_accepted(event: &[u8]) -> Result<bool, Failure> {
    if event.trim_ascii().is_empty() {
        return Ok(false);
    }
    let asks = "wanted is {\"accept_terms\": true}, or {} to see whether the service is open";
    if event.len() > LARGEST {
        let found = format!("a body of {} bytes, of which at most {LARGEST} are read; {asks}", event.len());
        return Err(Failure::new("UnknownEvent", found));
    }
    let body: Value = serde_json::from_slice(event)
        .map_err(|error| Failure::new("UnknownEvent", format!("this is no JSON ({error}); {asks}")))?;
    let Value::Object(body) = body else {
        return Err(Failure::new("UnknownEvent", format!("this is no JSON object; {asks}")));
    };
    match body.get("accept_terms") {
        None | Some(Value::Bool(false)) => Ok(false),
        Some(Value::Bool(true)) => Ok(true),
        Some(_) => Err(Failure::new("UnknownEvent", format!("accept_terms is neither true nor false; {asks}"))),
    }
}
