//! Text that is broken to the width of a terminal.
//!
//! Everything here makes visible what strangers have written. Words stay whole, since ids and commands are for copying: one
//! that is wider than the terminal is left for it to break.

use clap::builder::styling::Style;
use comfy_table::{ContentArrangement, Table, presets};
use visible::visible;

use crate::style::{BOLD, padded, width};

/// The least number of columns for a sentence beside a word. With fewer, it stands below.
pub(crate) const MIN_SENTENCE: usize = 30;

/// Marks that do not begin a line in Chinese.
const NEVER_FIRST: [char; 11] = ['，', '。', '、', '；', '：', '！', '？', '）', '」', '』', '》'];
/// Marks that do not end a line in Chinese.
const NEVER_LAST: [char; 4] = ['（', '「', '『', '《'];

/// Starts a table that is as wide as the terminal, if there is one.
pub(crate) fn table(columns: Option<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match columns.and_then(|columns| u16::try_from(columns).ok()) {
        Some(columns) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// Returns the lines of a table, without the spaces at their ends.
pub(crate) fn lines(table: &Table) -> impl Iterator<Item = String> {
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.into_iter()
}

/// Breaks a line, and indents all of its parts.
pub(crate) fn wrapped(line: &str, indent: usize, columns: Option<usize>) -> String {
    format!("{}{}", " ".repeat(indent), broken(line, indent, indent, columns))
}

/// Breaks a line. The first part is indented by this number of columns, the others by two more.
pub(crate) fn hanging(line: &str, indent: usize, columns: Option<usize>) -> String {
    format!("{}{}", " ".repeat(indent), broken(line, indent, indent + 2, columns))
}

/// Draws a word in color, and a sentence beside it from the column `at` on, with all of its parts below each other.
pub(crate) fn marked(style: Style, word: &str, at: usize, sentence: &str, columns: Option<usize>) -> String {
    let space = at.saturating_sub(width(word)).max(1);
    let beside = broken(sentence, width(word) + space, at, columns);
    format!("{style}{word}{style:#}{}{beside}", " ".repeat(space))
}

/// Draws a name, and a value beside it in the column after `name_columns`; below it, if there is little room.
pub(crate) fn labelled(name: &str, value: &str, name_columns: usize, columns: Option<usize>) -> String {
    let value = &*visible(value);
    let name_shown = format!("{BOLD}{}{BOLD:#}", padded(name, name_columns));
    let Some(all) = columns.filter(|all| name_columns + width(value) > *all) else {
        return format!("{name_shown}{value}\n");
    };
    // What was aligned with other rows is not in a narrow one.
    let mut words = value.split("   ").map(str::trim).filter(|part| !part.is_empty());
    let first = words.next().unwrap_or_default().to_owned();
    let joined = words.fold(first, |text, part| format!("{text}  {part}"));
    let widest = pieces(&joined).iter().map(|piece| width(piece.piece)).max().unwrap_or_default();
    if all < name_columns + MIN_SENTENCE.max(widest) {
        let indent = name.len() - name.trim_start().len();
        return format!("{BOLD}{name}{BOLD:#}\n{}", wrapped(&joined, indent + 2, columns));
    }
    format!("{name_shown}{}", broken(&joined, name_columns, name_columns, columns))
}

/// Breaks a line into parts that fit. The first part begins at column `at`, and the others at column `indent`.
pub(crate) fn broken(line: &str, at: usize, indent: usize, columns: Option<usize>) -> String {
    let line = visible(line);
    let Some(columns) = columns else { return format!("{line}\n") };
    let mut text = String::with_capacity(line.len() + 16);
    let (mut at, mut is_first) = (at, true);
    for Piece { space, piece } in pieces(&line) {
        let wide = width(piece);
        if is_first || at + space + wide <= columns {
            text.push_str(&" ".repeat(space));
            at += space + wide;
        } else {
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            at = indent + wide;
        }
        text.push_str(piece);
        is_first = false;
    }
    text.push('\n');
    text
}

/// What stays on one line, and the spaces before it.
struct Piece<'l> {
    space: usize,
    piece: &'l str,
}

/// Splits a line where it may be broken: at spaces, and beside a Chinese character. A command within backquotes is one piece.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut space, mut start, mut in_quotes) = (0, 0, false);
    let mut before: Option<char> = None;
    for (at, c) in line.char_indices() {
        let is_space = c == ' ' && !in_quotes;
        let may_break = before.is_some_and(|before| {
            let is_beside_wide = is_wide(before) || is_wide(c);
            !in_quotes && is_beside_wide && !NEVER_FIRST.contains(&c) && !NEVER_LAST.contains(&before)
        });
        if start < at && (is_space || may_break) {
            pieces.push(Piece { space, piece: &line[start..at] });
            (space, start) = (0, at);
        }
        if is_space {
            (space, start, before) = (space + 1, at + 1, None);
        } else {
            before = Some(c);
        }
        in_quotes ^= c == '`';
    }
    if start < line.len() {
        pieces.push(Piece { space, piece: &line[start..] });
    }
    pieces
}

fn is_wide(c: char) -> bool {
    !c.is_ascii() && width(c.encode_utf8(&mut [0; 4])) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str, columns: usize) -> String {
        anstream::adapter::strip_str(&labelled("desired", value, 12, Some(columns))).to_string()
    }

    #[test]
    fn a_value_stands_beside_its_name_where_there_is_room_and_else_below() {
        let value = "nothing until this is mended: its tag flowkeeper is oof";
        assert_eq!(labelled("at", "now", 4, None), format!("{BOLD}at  {BOLD:#}now\n"));
        assert_eq!(shown(value, 80), format!("desired     {value}\n"));
        assert_eq!(
            shown(value, 50),
            "desired     nothing until this is mended: its tag\n            flowkeeper is oof\n"
        );
        assert_eq!(shown(value, 30), "desired\n  nothing until this is\n  mended: its tag flowkeeper\n  is oof\n");
    }

    #[test]
    fn chinese_text_is_broken_by_the_columns_that_it_takes() {
        let text = shown("生产网络没有流日志，生产网络没有流日志，生产网络没有流日志", 44);
        assert!(text.lines().all(|line| width(line) <= 44), "{text}");
        assert!(
            text.lines().count() > 1 && text.lines().skip(1).all(|line| line.starts_with("            ")),
            "{text}"
        );
        assert_eq!(
            wrapped("生产网络，生产（网络）", 0, Some(8)),
            "生产网\n络，生产\n（网络）\n",
            "marks stay with words"
        );
    }

    #[test]
    fn ids_and_commands_stay_whole_for_those_who_copy_them() {
        let id = "flowkeeper-vpc-bp1local0000000000004";
        assert_eq!(wrapped(&format!("name: {id}"), 2, Some(24)), format!("  name:\n  {id}\n"));
        assert_eq!(
            hanging("run `aliyun configure --profile x`", 0, Some(24)),
            "run\n  `aliyun configure --profile x`\n"
        );
        assert_eq!(hanging("two  words", 1, Some(80)), " two  words\n", "what is set apart stays so");
        assert_eq!(wrapped("a \u{202e}b\nc", 0, None), "a \\u{202e}b\\u{000a}c\n");
    }
}
