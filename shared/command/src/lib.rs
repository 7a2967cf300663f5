//! The command `flowkeeper`: the functions' decision code on a laptop or in CI, with a person's own credentials.
//!
//! It reads only. Its client of the API refuses anything but a read before it is signed, and it writes no configuration
//! file. Data goes to stdout, everything else to stderr.

mod call_remedy;
pub mod credentials;
pub mod http;

use std::process::ExitCode;

/// Runs the command with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
