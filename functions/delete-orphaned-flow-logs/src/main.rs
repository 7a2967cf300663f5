//! Deletes Flowkeeper's own flow logs whose resource is gone, and superfluous ones if the policy says so.

use std::process::ExitCode;

use delete_orphaned_flow_logs::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<Function>().await
}
