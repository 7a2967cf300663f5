//! What the client has to say besides its answers: warnings for people, and with `-v` the lines of its log.

use std::{
    collections::BTreeSet,
    fmt::{Debug, Write as _},
    io,
    sync::{Mutex, PoisonError},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::terminal::Terminal;

/// Lets the client speak: warnings, and more with `-v`. The results of a sweep are data here, and not repeated.
pub(crate) fn begin(verbosity: u8, terminal: &Terminal) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let results = if verbosity > 1 { level } else { LevelFilter::OFF };
    let targets = Targets::new().with_default(level).with_target("reconcile", results);
    let warnings = (verbosity == 0).then(|| Warnings { terminal: terminal.clone(), said: Mutex::default() });
    let to = terminal.clone();
    let lines = fmt::layer().with_writer(move || Lines(to.clone())).with_ansi(false).without_time();
    let lines = (verbosity > 0).then_some(lines);
    tracing_subscriber::registry().with(warnings).with(lines).with(targets).init();
}

/// Says each warning once, as the command says its own.
struct Warnings {
    terminal: Terminal,
    said: Mutex<BTreeSet<String>>,
}

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let Text { message, fields } = text;
        if self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(message.clone()) {
            let fields = if fields.is_empty() { fields } else { format!(" ({fields})") };
            self.terminal.warn(format_args!("{message}{fields}"));
        }
    }
}

/// The text of an event.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // A text cannot refuse what is written to it.
        _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            let space = if self.fields.is_empty() { "" } else { " " };
            write!(self.fields, "{space}{}={value:?}", field.name())
        };
    }
}

/// Stderr, for the lines of the log. They may quote answers.
struct Lines(Terminal);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.log(&String::from_utf8_lossy(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
