//! Packages each function as a ZIP file for Function Compute, and the command for people without Rust.

use std::process::ExitCode;

fn main() -> ExitCode {
    packaging::run()
}
