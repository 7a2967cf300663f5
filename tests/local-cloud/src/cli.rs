//! The command line: `serve`, `watch`, `invoke` and `demo`.

mod changes;
mod demo;
mod guides;
mod invoke;
mod printer;
mod serve;
mod stack;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use local_cloud::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::guides::{GUIDE, INVOKE_GUIDE, WATCH_GUIDE};

/// A small Alibaba Cloud on one port.
#[derive(Parser)]
#[command(version, about, long_about = GUIDE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until Ctrl-C, and print what happens.
    #[command(after_long_help = GUIDE)]
    Serve(Box<serve::Serve>),
    /// Serve, and rebuild and restart the functions when their code changes.
    #[command(after_long_help = WATCH_GUIDE)]
    Watch(Box<serve::Watch>),
    /// Send one event to one function, and show its report.
    #[command(after_long_help = INVOKE_GUIDE)]
    Invoke(Box<invoke::Invoke>),
    /// Build the functions, and play a day in the life of a few flow logs.
    Demo {
        /// Folder of the functions' binaries [default: built with cargo].
        #[arg(long, value_name = "FOLDER")]
        functions_dir: Option<PathBuf>,
    },
}

/// Runs the command.
pub(crate) async fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(arguments) => serve::serve(&arguments).await,
        Command::Watch(arguments) => serve::watch(&arguments).await,
        Command::Invoke(arguments) => unless_interrupted(invoke::run(*arguments)).await,
        Command::Demo { functions_dir } => unless_interrupted(demo::run(functions_dir)).await,
    };
    done.unwrap_or_else(|error| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            text = format!("{text}: {source}");
            cause = source.source();
        }
        let _ = writeln!(std::io::stderr(), "local-cloud: {text}");
        let is_argument = matches!(
            error.downcast_ref(),
            Some(Error::Option { .. } | Error::NoFunction { .. } | Error::NoPlace { .. })
        );
        // The same exit code as for an argument that clap refuses.
        if is_argument || error.is::<InvalidArgument>() { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}

/// An argument that names something that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct InvalidArgument(String);

/// Does some work until a signal asks the program to end. Then the work is dropped, with its cloud and all processes of
/// that cloud.
async fn unless_interrupted(work: impl Future<Output = Done>) -> Done {
    let mut end = End::watched()?;
    tokio::select! {
        done = work => done,
        signal = end.asked_for() => Ok(ExitCode::from(128 + signal)),
    }
}

/// The exit code of a command, or its error.
type Done = Result<ExitCode, Box<dyn std::error::Error>>;

/// The signals that ask a program to end.
struct End([(u8, Signal); 3]);

impl End {
    /// Listens for the signals from now on.
    fn watched() -> io::Result<Self> {
        let watched = |number: u8, kind| signal(kind).map(|signal| (number, signal));
        let hangup = watched(1, SignalKind::hangup())?;
        let interrupt = watched(2, SignalKind::interrupt())?;
        Ok(Self([hangup, interrupt, watched(15, SignalKind::terminate())?]))
    }

    /// Waits for a signal and returns its number.
    async fn asked_for(&mut self) -> u8 {
        let Self([(hangup, one), (interrupt, two), (terminate, three)]) = self;
        tokio::select! {
            _ = one.recv() => *hangup,
            _ = two.recv() => *interrupt,
            _ = three.recv() => *terminate,
        }
    }
}
