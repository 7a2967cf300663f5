//! The destination of the log.

use std::{
    cell::Cell,
    fmt,
    fs::File,
    io::{self, Write},
    os::fd::AsFd as _,
    sync::{Arc, Mutex, PoisonError},
};

use clock::{Clock, SystemClock};

use super::line;

/// The destination of the log. Clones share it.
///
/// Each line is written whole, by one call of `write_all` and one of `flush`, before the call that logged it returns.
/// Nothing is buffered. A line that cannot be written is lost, without an error.
#[derive(Clone)]
pub struct Log {
    out: Arc<Mutex<dyn Write + Send>>,
    pub(super) clock: Arc<dyn Clock>,
    markers: bool,
}

impl Log {
    /// Creates a log to stdout, with the machine's clock.
    #[must_use]
    pub fn stdout() -> Self {
        // `io::stdout` would add another buffer to flush.
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(stdout) => Self::new(File::from(stdout), SystemClock),
            Err(_) => Self::new(io::sink(), SystemClock),
        }
    }

    /// Creates a log that writes to `out`, with timestamps from `clock`.
    pub fn new(out: impl Write + Send + 'static, clock: impl Clock) -> Self {
        Self { out: Arc::new(Mutex::new(out)), clock: Arc::new(clock), markers: true }
    }

    /// Turns the lines `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …` on or off.
    ///
    /// Function Compute 2.0 requires them. In 3.0 they let the console tell invocations apart, but show each one twice
    /// if request metrics are off.
    #[must_use]
    pub fn with_markers(self, markers: bool) -> Self {
        Self { markers, ..self }
    }

    pub(crate) fn start(&self, what: &str, request_id: &str) {
        self.marker(["FC ", what, " Start RequestId: ", line::short(request_id), "\n"]);
    }

    pub(crate) fn end(&self, what: &str, request_id: &str, failed: bool) {
        let error = if failed { ", Error: Unhandled function error" } else { "" };
        self.marker(["FC ", what, " End RequestId: ", line::short(request_id), error, "\n"]);
    }

    fn marker<const N: usize>(&self, line: [&str; N]) {
        if self.markers {
            self.write(|out| line.iter().for_each(|piece| out.extend_from_slice(piece.as_bytes())));
        }
    }

    /// Writes one complete line, which `line` puts into the empty buffer, with its newline.
    pub(super) fn write(&self, line: impl FnOnce(&mut Vec<u8>)) {
        // Taken rather than borrowed: if formatting a value logs something, that finds another buffer.
        let mut buffer = BUFFER.take();
        buffer.clear();
        line(&mut buffer);
        {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            // A failing log is no reason to fail an invocation, and there is nowhere to report it.
            let _ = out.write_all(&buffer).and_then(|()| out.flush());
        }
        BUFFER.set(buffer);
    }
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("markers", &self.markers).finish_non_exhaustive()
    }
}
