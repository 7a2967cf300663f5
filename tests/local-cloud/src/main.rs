//! A small Alibaba Cloud on one port, and a demonstration of Flowkeeper on it.

mod cli;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::run().await
}
