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
mod interruptions;
mod live;
mod log_lines;
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

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind};
use openapi::SystemClock;
use settings::Settings;

use self::{
    cli::{Cli, help},
    context::Context,
    failure::USAGE,
    terminal::{Color, Terminal},
};

/// Runs the command with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let env = Settings::from_process();
    let columns = Terminal::new(Color::Auto, &env).cut_at();
    let command = help::fitted(Cli::command(), columns.unwrap_or(help::MAX_COLUMNS));
    let cli = match command.try_get_matches().and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
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
    log_lines::begin(cli.verbose, &terminal);
    let (home, clock) = (std::env::home_dir(), Arc::new(SystemClock));
    let context = Context { env, home, clock, terminal, interruptions: Arc::default(), verbosity: cli.verbose };
    match cli.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.terminal.fail(&failure);
            failure.code()
        }
    }
}
