//! A policy in a file, with its mistakes as people and programs read them.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read as _},
    path::Path,
};

use flow_log::{
    Policy,
    policy::{Diagnostic, Position},
};

use crate::{
    columns::broken,
    failure::{Failure, USAGE},
    style::{BLUE, RED, YELLOW, width},
    terminal::Terminal,
};

/// The policy that is used if none is named.
pub(crate) const DEFAULT: &str = "policy.yml";
/// The maximum size of a file that is read, in bytes. A policy may be a quarter of it.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The policy is refused.
    Error,
    /// Valid, and most likely not intended.
    Warning,
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something to say about a place in the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// What kind of finding it is, for programs.
    pub(crate) rule: &'static str,
    /// Line 0 means the policy as a whole.
    pub(crate) position: Position,
    pub(crate) message: String,
}

impl Finding {
    fn of(severity: Severity, diagnostic: &Diagnostic) -> Self {
        let rule = match severity {
            Severity::Error => "invalid-policy",
            Severity::Warning => "policy-warning",
        };
        Self { severity, rule, position: diagnostic.position, message: diagnostic.problem.clone() }
    }
}

/// A file with a policy.
pub(crate) struct PolicyFile {
    /// The file, as the person named it.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl PolicyFile {
    /// Reads the file; `-` is stdin.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let outcome = if path == Path::new("-") {
            io::stdin().take(MAX_FILE_BYTES).read_to_end(&mut bytes)
        } else {
            fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
        };
        outcome.map_err(|error| {
            Failure::usage(format!("{name} cannot be read: {error}"), "name the file with the policy")
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::usage(format!("{name} is no text in UTF-8"), "save it as UTF-8"))?;
        Ok(Self { name, text })
    }

    /// Reads the policy in it. All mistakes are returned, or the policy with its warnings.
    pub(crate) fn parse(&self) -> (Option<Policy>, Vec<Finding>) {
        match Policy::parse(&self.text) {
            Ok(policy) => {
                let warnings = policy.warnings.iter().map(|it| Finding::of(Severity::Warning, it)).collect();
                (Some(policy), warnings)
            }
            Err(mistakes) => (None, mistakes.iter().map(|it| Finding::of(Severity::Error, it)).collect()),
        }
    }

    /// Reads the policy for a subcommand that needs one. Mistakes and warnings go to stderr.
    pub(crate) fn policy(&self, terminal: &Terminal) -> Result<Policy, Failure> {
        let (policy, findings) = self.parse();
        for finding in findings.iter().filter(|finding| finding.severity == Severity::Warning) {
            terminal.warn(self.line(finding));
        }
        policy.ok_or_else(|| Failure {
            exit_code: USAGE,
            messages: findings.iter().map(|finding| self.line(finding)).collect(),
            remedy: Some(format!("flowkeeper check {}", self.name)),
        })
    }

    fn line(&self, finding: &Finding) -> String {
        let Position { line, column } = finding.position;
        match line {
            0 => format!("{}: {}", self.name, finding.message),
            _ => format!("{}:{line}:{column}: {}", self.name, finding.message),
        }
    }

    /// Draws a finding with the line that it is about and a caret under the place, as rustc does.
    pub(crate) fn drawn(&self, finding: &Finding, cut_at: Option<usize>) -> String {
        let style = match finding.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
        };
        let severity = finding.severity.as_str();
        let message = broken(&format!(": {}", finding.message), severity.len(), 2, cut_at);
        let mut drawn = format!("{style}{severity}{style:#}{message}");
        let Position { line, column } = finding.position;
        let Some(source) = line.checked_sub(1).and_then(|nth| self.text.lines().nth(nth)) else {
            _ = writeln!(drawn, " {BLUE}-->{BLUE:#} {}\n", self.name);
            return drawn;
        };
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        // A tab takes as many columns as the terminal likes.
        let source: String = source.chars().map(|c| if c == '\t' || c.is_control() { ' ' } else { c }).collect();
        let at = source.char_indices().nth(column.saturating_sub(1)).map_or(source.len(), |(at, _)| at);
        let (before, from) = source.split_at(at);
        let token = &from[..token_length(from)];
        // A long line is shown from near the place.
        let room = cut_at.map_or(usize::MAX, |columns| columns.saturating_sub(number.len() + 4).max(20));
        let (before, from) = window(before, from, room);
        let carets = "^".repeat(width(token).clamp(1, room.saturating_sub(width(&before)).max(1)));
        let indent = " ".repeat(width(&before));
        _ = writeln!(drawn, "{margin}{BLUE}-->{BLUE:#} {}:{line}:{column}", self.name);
        _ = writeln!(drawn, "{margin} {BLUE}|{BLUE:#}");
        _ = writeln!(drawn, "{BLUE}{number} |{BLUE:#} {}", format!("{before}{from}").trim_end());
        _ = writeln!(drawn, "{margin} {BLUE}|{BLUE:#} {indent}{style}{carets}{style:#}\n");
        drawn
    }
}

/// Returns how much of a line belongs to the mistake at its beginning: a quoted text, or a word.
fn token_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    match characters.next() {
        None => 0,
        Some((_, quote @ ('"' | '\''))) => {
            characters.find(|(_, c)| *c == quote).map_or(text.len(), |(at, c)| at + c.len_utf8())
        }
        Some((_, first @ ('[' | ']' | '{' | '}' | ',' | '-')))
            if !text[1..].starts_with(|c: char| c.is_alphanumeric()) =>
        {
            first.len_utf8()
        }
        Some(_) => text
            .char_indices()
            .find(|(at, c)| {
                c.is_whitespace()
                    || matches!(c, ',' | ']' | '}' | '"')
                    || (*c == ':' && text[at + 1..].chars().next().is_none_or(char::is_whitespace))
            })
            .map_or(text.len(), |(at, _)| at.max(1)),
    }
}

/// Cuts a line to `room` columns around the place between its two halves.
fn window(before: &str, from: &str, room: usize) -> (String, String) {
    let mut before = before.to_owned();
    let kept = room / 2;
    if width(&before) + width(from) > room && width(&before) > kept {
        let mut start = before.len();
        while width(&before[start..]) < kept.saturating_sub(1) {
            start = before[..start].char_indices().next_back().map_or(0, |(at, _)| at);
        }
        before = format!("…{}", &before[start..]);
    }
    let from = crate::style::cut(from, room.saturating_sub(width(&before)));
    (before, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(line: &str, column: usize, cut_at: Option<usize>) -> Vec<String> {
        let file = PolicyFile { name: "policy.yml".to_owned(), text: format!("first\n{line}\n") };
        let position = Position { line: 2, column };
        let finding = Finding { severity: Severity::Error, rule: "x", position, message: "no".to_owned() };
        let text = anstream::adapter::strip_str(&file.drawn(&finding, cut_at)).to_string();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_caret_is_under_the_mistake_also_after_chinese_and_tabs() {
        for (line, column, caret) in [
            ("  log_stor: vpc", 3, "  ^^^^^^^^"),
            ("  project: \"Flow Log\" # x", 12, "           ^^^^^^^^^^"),
            ("name: [生产, Flow]", 12, "             ^^^^"),
            ("\tx: y", 2, " ^"),
            ("- a", 1, "^"),
            ("x: 10:30", 4, "   ^^^^^"),
            ("short", 30, "     ^"),
        ] {
            let drawn = drawn(line, column, None);
            assert_eq!(drawn[1], format!(" --> policy.yml:2:{column}"), "{line}");
            assert_eq!(drawn[4], format!("  | {caret}"), "{line}\n{drawn:#?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_to_the_terminal_around_the_mistake() {
        let line = format!("{}Flow, {}", "生产, ".repeat(40), "x, ".repeat(40));
        let drawn = drawn(&line, 161, Some(40));
        assert!(drawn.iter().all(|row| width(row) <= 40), "{drawn:#?}");
        let at = drawn[4].find('^').unwrap();
        let under: String = {
            // The text above the caret, by columns.
            let mut columns = 0;
            drawn[3]
                .chars()
                .skip_while(|c| {
                    let before = columns;
                    columns += width(&c.to_string());
                    before < at
                })
                .collect()
        };
        assert!(under.starts_with("Flow"), "{drawn:#?}");
    }
}
