//! Gives each new VPC, vSwitch or network interface the flow log that the policy asks for.

use std::process::ExitCode;

use create_flow_log::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Function>().await
}
