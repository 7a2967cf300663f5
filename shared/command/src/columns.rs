//! Text that is broken to the width of a terminal.

use comfy_table::{ContentArrangement, Table, presets};
use evidence::visible;

use crate::terminal::{BOLD, padded, width};

/// The least number of columns for a sentence beside a word. With fewer, it stands below.
pub(crate) const MIN_SENTENCE: usize = 30;

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

/// Breaks a line, and indents all of its parts. What strangers have written in it is made visible.
pub(crate) fn wrapped(line: &str, indent: u16, columns: Option<usize>) -> String {
    let mut table = table(columns);
    table.add_row([visible(line)]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((indent, 0));
    }
    lines(&table).map(|part| part + "\n").collect()
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
    let indent = name.len() - name.trim_start().len();
    if all < name_columns + MIN_SENTENCE {
        let below = wrapped(&joined, u16::try_from(indent + 2).unwrap_or_default(), columns);
        return format!("{BOLD}{name}{BOLD:#}\n{below}");
    }
    let beside = wrapped(&joined, u16::try_from(name_columns).unwrap_or_default(), columns);
    format!("{name_shown}{}", beside.trim_start_matches(' '))
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
    }
}
