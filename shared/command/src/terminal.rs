//! Where the command writes: data to stdout, everything else to stderr, in color where that can be seen.

use std::{
    fmt::Display,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write},
};

use anstream::{AutoStream, ColorChoice};
use clap::{
    ValueEnum,
    builder::styling::{AnsiColor, Style},
};
use evidence::visible;
use settings::Settings;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::failure::Failure;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default().bold();

/// When to use color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The terminal, or what stands in its place.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    stdout: ColorChoice,
    stderr: ColorChoice,
    /// The number of columns. `None` where stdout is no terminal and nobody says: then nothing is cut.
    columns: Option<usize>,
    /// Whether only ASCII can be shown.
    pub(crate) is_dumb: bool,
    /// Whether a person sees what is said besides the data, and may see it change.
    pub(crate) shows_progress: bool,
    /// Whether a person can answer.
    pub(crate) can_ask: bool,
}

/// The maximum length of an answer, in bytes.
const MAX_ANSWER: u64 = 1024;
/// The number of columns where nobody says.
const DEFAULT_COLUMNS: usize = 80;
/// The least number of columns that anything is made for.
const MIN_COLUMNS: usize = 24;

impl Terminal {
    pub(crate) fn new(color: Color, env: &Settings) -> Self {
        let stdout = io::stdout();
        let columns = env.get("COLUMNS").and_then(|text| text.parse().ok()).or_else(|| {
            let (width, _) = terminal_size::terminal_size_of(&stdout)?;
            Some(usize::from(width.0))
        });
        let choice =
            |is_terminal| if is_colored(color, env, is_terminal) { ColorChoice::Always } else { ColorChoice::Never };
        Self {
            stdout: choice(stdout.is_terminal()),
            stderr: choice(io::stderr().is_terminal()),
            columns: columns.filter(|columns| *columns > 0).map(|columns: usize| columns.max(MIN_COLUMNS)),
            is_dumb: env.get("TERM") == Some("dumb"),
            shows_progress: io::stderr().is_terminal() && env.get("TERM") != Some("dumb"),
            can_ask: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// The number of columns to draw in.
    pub(crate) fn columns(&self) -> usize {
        self.columns.unwrap_or(DEFAULT_COLUMNS)
    }

    /// The number of columns to cut at.
    pub(crate) const fn cut_at(&self) -> Option<usize> {
        self.columns
    }

    /// Prints data.
    ///
    /// # Errors
    /// It cannot be written. That the reader has gone, as `head` does, is no error.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout(), self.stdout);
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::failed(format!("stdout: {error}"), "make room, or write elsewhere"))
            }
            _ => Ok(()),
        }
    }

    /// Says something besides the data.
    fn say(&self, style: Style, word: &str, text: impl Display) {
        // If stderr is gone, nobody can be told.
        _ = writeln!(AutoStream::new(io::stderr(), self.stderr), "{style}{word}{style:#}: {text}");
    }

    /// Says a line besides the data, as it is.
    pub(crate) fn tell(&self, text: impl Display) {
        _ = writeln!(AutoStream::new(io::stderr(), self.stderr), "{text}");
    }

    /// Asks a question, and returns the answer; `None` if there is none.
    pub(crate) fn ask(&self, question: impl Display) -> Option<String> {
        let mut stderr = AutoStream::new(io::stderr(), self.stderr);
        // At once, so that an answer that is typed early is not shown in the middle of it.
        let shown = format!("{BOLD}{question}{BOLD:#} ");
        _ = stderr.write_all(shown.as_bytes()).and_then(|()| stderr.flush());
        let mut answer = String::new();
        // A pasted line may be long; an endless one is no answer.
        let read = io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer);
        read.ok().filter(|length| *length > 0).map(|_| answer.trim().to_owned())
    }

    pub(crate) fn note(&self, text: impl Display) {
        self.say(BLUE, "note", text);
    }

    pub(crate) fn warn(&self, text: impl Display) {
        self.say(YELLOW, "warning", text);
    }

    pub(crate) fn fail(&self, failure: &Failure) {
        // They quote files and answers. A line break may be ours.
        let shown = |text: &str| text.split('\n').map(visible).collect::<Vec<_>>().join("\n");
        for message in &failure.messages {
            self.say(RED, "error", shown(message));
        }
        if let Some(remedy) = &failure.remedy {
            self.say(GREEN, "  try", shown(remedy));
        }
    }
}

/// Returns whether to use color. `NO_COLOR` wins over `FORCE_COLOR`, and the option over both.
fn is_colored(color: Color, env: &Settings, is_terminal: bool) -> bool {
    let forces = |name| env.get(name).is_some_and(|value| value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if env.get("NO_COLOR").is_some() => false,
        Color::Auto if forces("FORCE_COLOR") || forces("CLICOLOR_FORCE") => true,
        Color::Auto => is_terminal && env.get("TERM") != Some("dumb"),
    }
}

/// The number of columns that a text takes: two for a Chinese character.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Pads a text to a number of columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Cuts a text to a number of columns. The last is an ellipsis if something is left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let wide = c.width().unwrap_or_default();
        if wide > left {
            break;
        }
        left -= wide;
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_is_for_terminals_unless_somebody_says_otherwise() {
        for (color, variables, is_terminal, expected) in [
            (Color::Auto, &[][..], true, true),
            (Color::Auto, &[], false, false),
            (Color::Auto, &[("NO_COLOR", "1")], true, false),
            (Color::Auto, &[("NO_COLOR", "")], true, true),
            (Color::Auto, &[("TERM", "dumb")], true, false),
            (Color::Auto, &[("FORCE_COLOR", "1")], false, true),
            (Color::Auto, &[("FORCE_COLOR", "0")], false, false),
            (Color::Auto, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false, false),
            (Color::Always, &[("NO_COLOR", "1")], false, true),
            (Color::Never, &[("FORCE_COLOR", "1")], true, false),
        ] {
            let env = Settings::from_pairs(variables.iter().copied());
            assert_eq!(is_colored(color, &env, is_terminal), expected, "{color:?} {variables:?} {is_terminal}");
        }
    }

    #[test]
    fn chinese_names_are_aligned_by_the_columns_that_they_take() {
        assert_eq!(width(&padded("生产", 10)), width(&padded("prod", 10)));
        assert_eq!(cut("生产网络", 5), "生产…");
        assert_eq!(cut("生产网络", 6), "生产…");
        assert_eq!(cut("生产网络", 8), "生产网络");
        assert_eq!(cut("production", 4), "pro…");
    }
}
