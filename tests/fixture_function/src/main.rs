//! A function that does what its event says, to test the runtime's guarantees with a real process.

mod function;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    fc_runtime::run::<function::Rehearsal>().await
}
