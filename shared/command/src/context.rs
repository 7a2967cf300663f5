//! What the command takes from the machine: the environment, the home directory, the time, and the terminal.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use openapi::Clock;
use settings::Settings;

use crate::{failure::Failure, terminal::Terminal};

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
