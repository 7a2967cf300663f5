//! Switches the flow logs off that a schedule wants off now.

use std::process::ExitCode;

use deactivate_flow_logs::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Function>().await
}
