//! A function that does what its event says, to test the runtime's guarantees: within the process of a test, or as a
//! process of its own.

use bytes::Bytes;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tracing::{info, warn};

/// Does what its event says. An event is a JSON object of steps, or anything else, whose size is then the answer.
pub struct FixtureFunction {
    greeting: String,
}

/// The steps of an event. Each one present is executed, in this order.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Steps {
    /// A text to log.
    say: Option<String>,
    /// The run id to set.
    run: Option<String>,
    /// An address to connect to. The next step begins when the other side closes the connection.
    wait_for: Option<String>,
    /// Another text to log.
    then_say: Option<String>,
    /// Whether to log a failure itself, or leave that to the runtime after all.
    log_failure: Option<bool>,
    /// Whether to hang forever.
    hang: bool,
    /// The message to panic with.
    panic: Option<String>,
    /// The message to fail with.
    fail: Option<String>,
    /// Whether to return what is known of the invocation.
    tell: bool,
}

impl Function for FixtureFunction {
    const NAME: &'static str = "fixture-function";
    const SETTINGS_PREFIX: &'static str = "APP_";

    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let greeting = settings.parse("FIXTURE_GREETING", |text| match text {
            "hello" | "good morning" => Ok(text.to_owned()),
            _ => Err("want hello or good morning"),
        })?;
        Ok(Self { greeting: greeting.unwrap_or_else(|| "hello".to_owned()) })
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let Ok(steps) = serde_json::from_slice::<Steps>(&event) else {
            return Output::json(&json!({"bytes": event.len()}));
        };
        if let Some(text) = &steps.say {
            info!("{text}");
        }
        if let Some(run) = &steps.run {
            fc_runtime::record_run(run);
        }
        if let Some(address) = &steps.wait_for {
            closed(address).await.map_err(|error| Failure::from_error("NobodyToWaitFor", &error))?;
        }
        if let Some(text) = &steps.then_say {
            info!("{text}");
        }
        if let Some(is_own) = steps.log_failure {
            fc_runtime::set_failure_log(Some(Box::new(|failure, now| {
                warn!(error_type = &*failure.error_type, at = %now, "it failed, says the function");
            })));
            if !is_own {
                fc_runtime::set_failure_log(None);
            }
        }
        if steps.hang {
            std::future::pending::<()>().await;
        }
        if let Some(text) = steps.panic {
            std::panic::panic_any(text);
        }
        if let Some(text) = steps.fail {
            return Err(Failure::new("Refused", text).with_report(&json!({"done": 0})));
        }
        if steps.tell {
            return Output::json(&json!({
                "request_id": invocation.request_id,
                "function": invocation.function_name,
                "account": invocation.account_id,
                "region": invocation.region,
                "retry_count": invocation.retry_count,
                "arrived": invocation.arrived.to_string(),
                "deadline": invocation.deadline.map(|deadline| deadline.to_string()),
                "soft_deadline": invocation.soft_deadline().to_string(),
                "access_key_id": invocation.credentials()?.access_key_id(),
                "has_token": invocation.credentials()?.security_token().is_some(),
            }));
        }
        Output::json(&json!({"greeting": self.greeting}))
    }

    async fn initialize(&self, _: Invocation) -> Result<(), Failure> {
        info!("getting ready");
        Ok(())
    }
}

/// Connects to an address, and waits for the other side to close the connection.
async fn closed(address: &str) -> std::io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    loop {
        stream.readable().await?;
        match stream.try_read(&mut [0; 16]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
