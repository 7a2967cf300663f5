//! The forms of help: a screen has 24 lines, and blank ones are for the parts that matter.

use clap::Command;

use crate::style::width;

/// The help of a command with subcommands.
pub(crate) const OF_ALL: &str = "\
{about}
{usage-heading} {usage}
Commands:
{subcommands}
Options:
{options}{after-help}";

/// The help of a subcommand that takes arguments.
pub(crate) const WITH_ARGUMENTS: &str = "\
{about}
{usage-heading} {usage}

Arguments:
{positionals}
Options:
{options}{after-help}";

/// The help of a subcommand that takes options alone.
pub(crate) const WITH_OPTIONS: &str = "\
{about}
{usage-heading} {usage}
Options:
{options}{after-help}";

/// The widest help, in columns.
pub(crate) const MAX_COLUMNS: usize = 80;
/// How far the rest of a broken command is indented, in columns.
const INDENT: usize = 6;

/// Breaks the examples of a command and of its subcommands for a terminal, so that each can be copied.
pub(crate) fn fitted(command: Command, columns: usize) -> Command {
    let columns = columns.min(MAX_COLUMNS);
    let fit = move |one: Command| match one.get_after_help().map(ToString::to_string) {
        Some(text) => one.after_help(with_broken_commands(&text, columns)),
        None => one,
    };
    fit(command).mut_subcommands(fit)
}

/// Breaks the lines with commands, which are indented, as a shell wants them broken. All others are broken by clap.
fn with_broken_commands(text: &str, columns: usize) -> String {
    let mut broken = String::new();
    for line in text.split_inclusive('\n') {
        if !line.starts_with("  ") || width(line.trim_end()) <= columns {
            broken.push_str(line);
            continue;
        }
        let mut at = 0;
        for word in line.split_whitespace() {
            let is_first = at == 0;
            let needed = width(word) + " \\".len();
            if is_first {
                at = line.len() - line.trim_start().len();
                broken.push_str(&line[..at]);
            } else if word == "\\" || at + 1 + needed <= columns {
                broken.push(' ');
                at += 1;
            } else {
                broken.push_str(" \\\n");
                broken.push_str(&" ".repeat(INDENT));
                at = INDENT;
            }
            broken.push_str(word);
            at += width(word);
        }
        if line.ends_with('\n') {
            broken.push('\n');
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_broken_where_a_shell_goes_on_and_a_sentence_is_left_to_clap() {
        let text = "Examples:\n  flowkeeper check\n  flowkeeper check a.yml --template b.yml \\\n      --parameter A=b\n\
                    Exit codes: 0 no mistake; 64 a mistake\n  flowkeeper > file";
        assert_eq!(with_broken_commands(text, 80), text);
        assert_eq!(
            with_broken_commands(text, 24),
            "Examples:\n  flowkeeper check\n  flowkeeper check \\\n      a.yml --template \\\n      b.yml \\\n\
             \x20     --parameter A=b\nExit codes: 0 no mistake; 64 a mistake\n  flowkeeper > file"
        );
    }
}
