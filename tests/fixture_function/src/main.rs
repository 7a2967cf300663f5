//! The fixture function as a process.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<fixture_function::FixtureFunction>().await
}
