//! Opens the flow log service of an account, once its terms are accepted.

use std::process::ExitCode;

use open_flow_log_service::OpenFlowLogService;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<OpenFlowLogService>().await
}
