//! The command `flowkeeper`: the functions' decision code on a laptop or in CI, with a person's own credentials.
//!
//! All but `apply` and `remove` only read: their client of the API refuses anything else before it is signed. No
//! configuration file is written. Data goes to stdout, everything else to stderr. See `docs/command.md`.

mod applying;
mod calendar;
mod call_remedy;
mod cli;
mod columns;
mod context;
mod cost_text;
mod costing;
pub mod credentials;
mod failure;
mod gathering;
pub mod http;
mod identity;
mod live;
mod month_svg;
mod month_text;
mod output_file;
mod plan;
mod planning;
mod policy_file;
mod report_text;
mod reporting;
mod resource_file;
mod sarif;
mod starter;
mod style;
mod template;
mod terminal;
mod watcher;

use std::{process::ExitCode, sync::Arc};

use clap::{Parser as _, error::ErrorKind};
use openapi::SystemClock;
use settings::Settings;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use self::{
    cli::Cli,
    context::Context,
    failure::USAGE,
    terminal::{Color, LogLines, Terminal},
};

/// Runs the command with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let env = Settings::from_process();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Terminal::new(Color::Auto, &env).wrong_usage(&error.render().to_string());
            // clap's own code for wrong usage, 2, means that there is something to do.
            return USAGE.into();
        }
        Err(error) => {
            // Help has the width of the terminal already. The reader may have gone.
            _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let mut terminal = Terminal::new(cli.color, &env);
    terminal.shows_progress &= !cli.quiet;
    log(cli.verbose);
    let (home, clock) = (std::env::home_dir(), Arc::new(SystemClock));
    let context = Context { env, home, clock, terminal, verbosity: cli.verbose };
    match cli.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.terminal.fail(&failure);
            failure.code()
        }
    }
}

/// Writes what the client has to say to stderr: warnings, and more with `-v`. The results of a sweep are data here, and
/// not repeated as log lines.
fn log(verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let results = if verbosity > 1 { level } else { LevelFilter::OFF };
    let layer = tracing_subscriber::fmt::layer().with_writer(|| LogLines).with_ansi(false).without_time();
    let targets = Targets::new().with_default(level).with_target("reconcile", results);
    tracing_subscriber::registry().with(layer).with(targets).init();
}
