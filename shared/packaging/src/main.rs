//! Makes of each function the ZIP file that Function Compute takes.

use std::process::ExitCode;

fn main() -> ExitCode {
    packaging::run()
}
