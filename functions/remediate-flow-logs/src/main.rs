//! Repairs drift: flow logs that were deleted, deactivated or changed.

use std::process::ExitCode;

use remediate_flow_logs::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Function>().await
}
