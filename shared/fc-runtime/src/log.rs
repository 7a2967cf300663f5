//! The log: one JSON object a line on stdout, and Function Compute's marker lines between them.

mod filter;
mod layer;
mod line;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;

pub use self::filter::{InvalidFilter, LogFilter};
pub use self::layer::record_run;
pub(crate) use self::layer::span;
use crate::{Clock, SystemClock};

/// Where the log goes. Clones share it.
///
/// Each line is handed over whole, by one call of `write_all` and one of `flush`, before the call that logged it
/// returns; nothing is kept back. What cannot be written is lost, and that is all.
#[derive(Clone)]
pub struct Log {
    out: Arc<Mutex<dyn Write + Send>>,
    clock: Arc<dyn Clock>,
    markers: bool,
}

impl Log {
    /// A log to stdout, with the machine's clock.
    #[must_use]
    pub fn stdout() -> Self {
        // Not through `io::stdout`, whose buffer would be a second one to flush.
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(stdout) => Self::new(File::from(stdout), SystemClock),
            Err(_) => Self::new(io::sink(), SystemClock),
        }
    }

    /// A log to wherever `out` writes, with the time of `clock`.
    pub fn new(out: impl Write + Send + 'static, clock: impl Clock) -> Self {
        Self { out: Arc::new(Mutex::new(out)), clock: Arc::new(clock), markers: true }
    }

    /// The same log with or without the lines `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …`.
    ///
    /// Function Compute 2.0 wants them. With 3.0 they let the console tell invocations apart, but show one twice if
    /// request metrics are off.
    #[must_use]
    pub fn with_markers(self, markers: bool) -> Self {
        Self { markers, ..self }
    }

    /// What `tracing` hands its events to, to be written here.
    pub fn subscriber(&self, filter: LogFilter) -> impl Subscriber + Send + Sync + use<> {
        Registry::default().with(layer::JsonLines::new(self.clone(), filter))
    }

    pub(crate) fn start(&self, what: &str, request_id: &str) {
        self.marker(format_args!("FC {what} Start RequestId: {}\n", line::short(request_id)));
    }

    pub(crate) fn end(&self, what: &str, request_id: &str, failed: bool) {
        let error = if failed { ", Error: Unhandled function error" } else { "" };
        self.marker(format_args!("FC {what} End RequestId: {}{error}\n", line::short(request_id)));
    }

    fn marker(&self, line: fmt::Arguments<'_>) {
        if self.markers {
            self.write(line.to_string().as_bytes());
        }
    }

    /// Writes one whole line, which ends in a newline.
    fn write(&self, line: &[u8]) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written is nothing to fail for, and there is nobody to tell.
        let _ = out.write_all(line).and_then(|()| out.flush());
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("markers", &self.markers).finish_non_exhaustive()
    }
}
