//! Deactivates flow logs whose schedule or tag says that they should be paused now.

use std::process::ExitCode;

use deactivate_flow_logs::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Function>().await
}
