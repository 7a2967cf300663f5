//! Packages each function as a ZIP file for Function Compute.

use std::process::ExitCode;

fn main() -> ExitCode {
    packaging::run()
}
