//! What the command takes from the machine: the environment, the home directory, the time, and the terminal.

use std::{path::PathBuf, process, sync::Arc, thread};

use jiff::Timestamp;
use openapi::Clock;
use settings::Settings;

use crate::{
    failure::{Failure, INTERRUPTED},
    terminal::Terminal,
};

/// What the command takes from the machine.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) env: Settings,
    pub(crate) home: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) terminal: Terminal,
    /// How much is said: 0 what matters, 1 everything that was found, 2 what the client does.
    pub(crate) verbosity: u8,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs calls that only read. Ctrl-C ends the command at once, whatever it waits for, and it says that nothing was
    /// changed.
    ///
    /// # Errors
    /// Those of [`Self::block_on`].
    pub(crate) fn read<T>(&self, calls: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let terminal = self.terminal.clone();
        thread::spawn(move || end_on_ctrl_c(&terminal));
        self.block_on(calls)
    }

    /// Runs calls of the cloud. Subcommands that make none start no runtime.
    ///
    /// # Errors
    /// What the calls return, or that the machine has no room for a runtime.
    pub(crate) fn block_on<T>(&self, calls: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .map_err(|error| Failure::failed(format!("no runtime: {error}"), "check the limits of this process"))?
            .block_on(calls)
    }
}

fn end_on_ctrl_c(terminal: &Terminal) {
    // Without a runtime, the signal ends the process as ever, and nothing is said.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
        terminal.break_off("interrupted: nothing was changed");
        process::exit(INTERRUPTED.into());
    }
}
