//! The command `flowkeeper`, for laptops and CI.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowkeeper::main()
}
