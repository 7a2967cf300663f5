//! The command `flowkeeper`: the functions' decision code on a laptop or in CI, with a person's own credentials.
//!
//! It reads only. Its client of the API refuses anything but a read before it is signed, and it writes no configuration
//! file. Data goes to stdout, everything else to stderr. See `docs/command.md`.

mod calendar;
mod call_remedy;
mod cli;
mod context;
pub mod credentials;
mod failure;
pub mod http;
mod identity;
mod month_svg;
mod month_text;
mod policy_file;
mod resource_file;
mod sarif;
mod template;
mod terminal;

use std::{process::ExitCode, sync::Arc};

use clap::Parser as _;
use openapi::SystemClock;
use settings::Settings;
use tracing_subscriber::filter::LevelFilter;

use self::{cli::Cli, context::Context, failure::USAGE, terminal::Terminal};

/// Runs the command with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // The reader may have gone.
            _ = error.print();
            // clap's own code for wrong usage, 2, means that there is something to do.
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let env = Settings::from_process();
    let terminal = Terminal::new(cli.color, &env);
    log(cli.verbose);
    let context = Context { env, home: std::env::home_dir(), clock: Arc::new(SystemClock), terminal };
    match cli.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.terminal.fail(&failure);
            failure.code()
        }
    }
}

/// Writes what the client has to say to stderr: warnings, and more with `-v`.
fn log(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level).with_ansi(false).without_time().init();
}
