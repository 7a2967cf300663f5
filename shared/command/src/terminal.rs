//! Where the command writes: data to stdout, everything else to stderr, in color where that can be seen.
//!
//! This is the one door to the terminal. What strangers have written passes it as text: a control character or a direction
//! mark in the name of a VPC, an answer or a file is written out, and does nothing.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write},
};

use anstream::{AutoStream, ColorChoice};
use clap::{ValueEnum, builder::styling::Style};
use indicatif::{MultiProgress, ProgressDrawTarget};
use settings::Settings;
use visible::visible;

use crate::{
    columns::{broken, hanging},
    failure::Failure,
    style::{BLUE, BOLD, GREEN, RED, YELLOW},
};

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
    /// The number of columns of stderr. `None` where it is no terminal: a line in a log is one line.
    pub(crate) stderr_columns: Option<usize>,
    /// Whether stdout is a terminal.
    is_shown: bool,
    /// Whether only ASCII can be shown.
    pub(crate) is_dumb: bool,
    /// Whether a person sees what is said besides the data, and may see it change.
    pub(crate) shows_progress: bool,
    /// Whether a person can answer.
    pub(crate) can_ask: bool,
    /// What is drawn below all that was written. It makes room for more.
    pub(crate) progress: MultiProgress,
}

/// The maximum length of an answer, in bytes.
const MAX_ANSWER: u64 = 1024;
/// The columns that an answer takes beside its question: a space and the id of an account.
const ANSWER_COLUMNS: usize = 17;
/// The least number of columns that anything is made for.
const MIN_COLUMNS: usize = 24;

impl Terminal {
    pub(crate) fn new(color: Color, env: &Settings) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let asked = env.get("COLUMNS").and_then(|text| text.parse().ok());
        let of_size = |size: Option<(terminal_size::Width, _)>| size.map(|(width, _)| usize::from(width.0));
        let columns = asked.or_else(|| of_size(terminal_size::terminal_size_of(&stdout)));
        let stderr_columns = asked.or_else(|| of_size(terminal_size::terminal_size_of(&stderr)));
        let usable = |found: Option<usize>| found.filter(|count| *count > 0).map(|count| count.max(MIN_COLUMNS));
        let choice =
            |is_terminal| if is_colored(color, env, is_terminal) { ColorChoice::Always } else { ColorChoice::Never };
        Self {
            stdout: choice(stdout.is_terminal()),
            stderr: choice(stderr.is_terminal()),
            columns: usable(columns),
            stderr_columns: usable(stderr_columns).filter(|_| stderr.is_terminal()),
            is_shown: stdout.is_terminal(),
            is_dumb: env.get("TERM") == Some("dumb"),
            shows_progress: io::stderr().is_terminal() && env.get("TERM") != Some("dumb"),
            can_ask: io::stdin().is_terminal() && io::stderr().is_terminal(),
            progress: MultiProgress::new(),
        }
    }

    /// The number of columns to cut at.
    pub(crate) const fn cut_at(&self) -> Option<usize> {
        self.columns
    }

    /// Prints what was drawn for people, in our own colors.
    ///
    /// # Errors
    /// It cannot be written. That the reader has gone, as `head` does, is no error.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        printed(&mut AutoStream::new(io::stdout(), self.stdout), drawn(text).as_bytes())
    }

    /// Prints data for programs as it is. On a terminal, only what a terminal would obey is written out.
    ///
    /// # Errors
    /// As for [`Self::print`].
    pub(crate) fn print_data(&self, data: &str) -> Result<(), Failure> {
        let shown = if self.is_shown { inert(data) } else { Cow::Borrowed(data) };
        printed(&mut io::stdout(), shown.as_bytes())
    }

    /// Prints JSON. What a terminal would obey is escaped as JSON has it, in a pipe as well: a pipe may lead to a terminal.
    ///
    /// # Errors
    /// As for [`Self::print`].
    pub(crate) fn print_json(&self, json: &str) -> Result<(), Failure> {
        printed(&mut io::stdout(), json_inert(json).as_bytes())
    }

    /// Prints JSON whose digest is known: as it is, and on a terminal as [`Self::print_json`] does.
    ///
    /// # Errors
    /// As for [`Self::print`].
    pub(crate) fn print_sealed_json(&self, json: &str) -> Result<(), Failure> {
        if self.is_shown { self.print_json(json) } else { self.print_data(json) }
    }

    /// Says something besides the data, broken to the terminal. It is one line: a line break in it is a stranger's, and is
    /// written out.
    fn say(&self, style: Style, word: &str, text: impl Display) {
        let indent = word.len() - word.trim_start().len() + 2;
        let line = broken(&format!(": {text}"), word.len(), indent, self.stderr_columns);
        self.write(&format!("{style}{word}{style:#}{line}"));
    }

    /// Says a line besides the data.
    pub(crate) fn tell(&self, text: impl Display) {
        self.write(&hanging(&text.to_string(), 0, self.stderr_columns));
    }

    /// Says what is wrong with the arguments, in several lines.
    pub(crate) fn wrong_usage(&self, text: &str) {
        for line in text.lines() {
            match line.strip_prefix("error: ") {
                Some(problem) => self.say(RED, "error", problem),
                None => self.tell(line),
            }
        }
    }

    fn write(&self, text: &str) {
        // If stderr is gone, nobody can be told.
        _ = self.progress.suspend(|| AutoStream::new(io::stderr(), self.stderr).write_all(text.as_bytes()));
    }

    /// Asks a question, and returns the answer; `None` if there is none.
    pub(crate) fn ask(&self, question: impl Display) -> Option<String> {
        let mut stderr = AutoStream::new(io::stderr(), self.stderr);
        // At once, so that an answer that is typed early is not shown in the middle of it.
        let columns = self.stderr_columns.map(|columns| columns.saturating_sub(ANSWER_COLUMNS).max(MIN_COLUMNS));
        let asked = hanging(&question.to_string(), 0, columns);
        let shown = format!("{BOLD}{}{BOLD:#} ", asked.trim_end());
        _ = stderr.write_all(shown.as_bytes()).and_then(|()| stderr.flush());
        let mut answer = String::new();
        // A pasted line may be long; an endless one is no answer.
        let read = io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer);
        if let Ok(1..) = read {
            return Some(answer.trim().to_owned());
        }
        // The input has ended beside the question.
        self.write("\n");
        None
    }

    /// Writes a line of the log to stderr. It may quote answers, so only its end is a line break.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn log(&self, line: &str) -> io::Result<()> {
        let line = visible(line.strip_suffix('\n').unwrap_or(line));
        self.progress.suspend(|| io::stderr().write_all(format!("{line}\n").as_bytes()))
    }

    pub(crate) fn note(&self, text: impl Display) {
        self.say(BLUE, "note", text);
    }

    /// Says something below a question or the progress, which stay as they are.
    pub(crate) fn break_off(&self, text: impl Display) {
        self.progress.set_draw_target(ProgressDrawTarget::hidden());
        if io::stderr().is_terminal() {
            self.write("\n");
        }
        self.note(text);
    }

    pub(crate) fn warn(&self, text: impl Display) {
        self.say(YELLOW, "warning", text);
    }

    pub(crate) fn fail(&self, failure: &Failure) {
        for message in &failure.messages {
            self.say(RED, "error", message);
        }
        if let Some(remedy) = &failure.remedy {
            self.say(GREEN, "  try", remedy);
        }
    }
}

fn printed(to: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("stdout: {error}"), "make room, or write elsewhere"))
        }
        _ => Ok(()),
    }
}

/// Returns what was drawn with everything written out that is neither text, nor a line break, nor one of our own colors.
fn drawn(text: &str) -> Cow<'_, str> {
    through(text, visible, |rest| match rest.as_bytes() {
        [b'\n', ..] => 1,
        _ => ["[0m", "[1m", "[2m", "[31m", "[32m", "[33m", "[34m"]
            .into_iter()
            .find(|color| rest.strip_prefix('\u{1b}').is_some_and(|code| code.starts_with(color)))
            .map_or(0, |color| color.len() + 1),
    })
}

/// Returns data with everything written out that is neither text, nor a line break or a tab.
fn inert(data: &str) -> Cow<'_, str> {
    through(data, visible, line_breaks_and_tabs)
}

/// Returns JSON that says the same, with everything escaped that is neither text, nor a line break or a tab. Only strings
/// hold such a character, and there an escape means the same.
fn json_inert(json: &str) -> Cow<'_, str> {
    through(json, json_visible, line_breaks_and_tabs)
}

/// The text with its invisible characters as escapes of JSON, as in `\u202e`.
fn json_visible(text: &str) -> Cow<'_, str> {
    match visible(text) {
        Cow::Borrowed(shown) => Cow::Borrowed(shown),
        Cow::Owned(_) => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
    }
}

fn line_breaks_and_tabs(rest: &str) -> usize {
    match rest.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\t', ..] => 1,
        _ => 0,
    }
}

/// Writes out what cannot be seen, apart from what `passes`: that returns how many bytes of the rest pass as they are.
/// `write_out` gets one character.
fn through(text: &str, write_out: impl Fn(&str) -> Cow<'_, str>, passes: impl Fn(&str) -> usize) -> Cow<'_, str> {
    // Most of it is plain, and there may be much of it.
    let is_plain = |c: char| (' '..='~').contains(&c);
    let end_of_plain = |rest: &str| rest.find(|c| !is_plain(c)).unwrap_or(rest.len());
    if end_of_plain(text) == text.len() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, from) = rest.split_at(end_of_plain(rest));
        let (passing, behind) = from.split_at(passes(from));
        shown.push_str(plain);
        shown.push_str(passing);
        let odd = if passing.is_empty() { behind.chars().next() } else { None };
        let (odd, after) = behind.split_at(odd.map_or(0, char::len_utf8));
        shown.push_str(&write_out(odd));
        rest = after;
    }
    Cow::Owned(shown)
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
    fn nothing_that_a_terminal_obeys_passes_but_our_own_colors_and_line_breaks() {
        let ours = format!("{RED}failed{RED:#} {BOLD}生产 é 👩{BOLD:#}\n");
        assert_eq!(drawn(&ours), ours);
        for (hostile, shown) in [
            ("a\u{1b}[2Jb", "a\\u{001b}[2Jb"),
            ("\u{1b}]0;title\u{7}", "\\u{001b}]0;title\\u{0007}"),
            ("\u{1b}[8mhidden", "\\u{001b}[8mhidden"),
            ("a\rb\u{9b}31m", "a\\u{000d}b\\u{009b}31m"),
            ("x\u{202e}y\u{200b}", "x\\u{202e}y\\u{200b}"),
        ] {
            assert_eq!((&*drawn(hostile), &*inert(hostile)), (shown, shown));
        }
        let json = "{\n  \"生产 👩\": \"a\u{202e}b\u{7f}\u{9b}\u{e0001}\u{1b}\"\n}\n";
        assert_eq!(json_inert(json), "{\n  \"生产 👩\": \"a\\u202eb\\u007f\\u009b\\udb40\\udc01\\u001b\"\n}\n");
        assert_eq!(inert("{\n\t\"生产\": 1}\r\n\u{1b}[1m"), "{\n\t\"生产\": 1}\r\n\\u{001b}[1m");
    }
}
