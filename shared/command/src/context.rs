//! What the command takes from the machine: the environment, the home directory, the time, and the terminal.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use openapi::Clock;
use settings::Settings;

use crate::terminal::Terminal;

/// What the command takes from the machine.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) env: Settings,
    pub(crate) home: Option<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) terminal: Terminal,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
