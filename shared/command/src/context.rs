//! What the command takes from the machine: the environment, the home directory, the time, and the terminal.

use std::{io, path::PathBuf, process, sync::Arc, thread};

use jiff::Timestamp;
use openapi::Clock;
use settings::Settings;

use crate::{
    failure::{Failure, INTERRUPTED},
    interruptions::Interruptions,
    terminal::Terminal,
};

/// What the command takes from the machine.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) env: Settings,
    pub(crate) home: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) terminal: Terminal,
    pub(crate) interruptions: Arc<Interruptions>,
    /// How much is said: 0 what matters, 1 everything that was found, 2 what the client does.
    pub(crate) verbosity: u8,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs calls of the cloud. Subcommands that make none start no runtime. Ctrl-C or SIGTERM ends the command at once, whatever it
    /// waits for, and it says that nothing was changed, unless the calls have [begun to write](Interruptions::take_over).
    ///
    /// # Errors
    /// What the calls return, or that the machine has no room for a runtime.
    pub(crate) fn block_on<T>(&self, calls: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let (terminal, interruptions) = (self.terminal.clone(), Arc::clone(&self.interruptions));
        thread::spawn(move || listen(&terminal, &interruptions));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .map_err(|error| Failure::failed(format!("no runtime: {error}"), "check the limits of this process"))?
            .block_on(calls)
    }
}

fn listen(terminal: &Terminal, interruptions: &Interruptions) {
    // Without a runtime, the signal ends the process as ever, and nothing is said.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let Ok(mut signals) = runtime.block_on(async { Signals::new() }) else { return };
    while runtime.block_on(signals.next()).is_ok() {
        interruptions.hear(|| {
            terminal.break_off("interrupted: nothing was changed");
            process::exit(INTERRUPTED.into());
        });
    }
}

/// What ends the command: Ctrl-C, and SIGTERM, which CI sends to a job that is canceled. In the middle of a replacement,
/// the first of them does not.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to listen.
    fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        tokio::select! {
            heard = tokio::signal::ctrl_c() => heard,
            _ = self.terminate.recv() => Ok(()),
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    }
}
