//! Writes evidence of what is recorded, day by day.

use std::process::ExitCode;

use report_flow_logs::ReportFlowLogs;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<ReportFlowLogs>().await
}
