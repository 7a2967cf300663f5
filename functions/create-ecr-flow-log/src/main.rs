//! Gives each virtual border router on an Express Connect Router the flow log that the policy asks for.

use std::process::ExitCode;

use create_ecr_flow_log::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Function>().await
}
