//! Greets the name in its event, as in `{"name":"Ada"}`.

use std::process::ExitCode;

use bytes::Bytes;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use serde_json::{Value, json};

struct Hello;

impl Function for Hello {
    const NAME: &'static str = "hello";

    fn from_settings(_: &Settings) -> Result<Self, InvalidSettings> {
        Ok(Self)
    }

    async fn handle(&self, _: Invocation, event: Bytes) -> Result<Output, Failure> {
        let event: Value = serde_json::from_slice(&event).map_err(|error| Failure::from_error("NotJson", &error))?;
        let name = event["name"].as_str().ok_or_else(|| Failure::new("NoName", "the event has no name"))?;
        tracing::info!("greeting {name}");
        Output::json(&json!({"greeting": format!("Hello, {name}!")}))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Hello>().await
}
