//! Colors, and how wide texts are.

use std::fmt::Display;

use clap::builder::styling::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default().bold();

/// The columns of a word at the beginning of a line that says how a change ended.
pub(crate) const WORD: usize = 7;

/// The number of columns that a text takes: two for a Chinese character.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Says how many there are of something whose plural ends in an s.
pub(crate) fn counted(count: impl Copy + Display + PartialEq + From<u8>, one: &str) -> String {
    let plural = if count == 1.into() { "" } else { "s" };
    format!("{count} {one}{plural}")
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
    fn chinese_names_are_aligned_by_the_columns_that_they_take() {
        assert_eq!(width(&padded("生产", 10)), width(&padded("prod", 10)));
        assert_eq!(cut("生产网络", 5), "生产…");
        assert_eq!(cut("生产网络", 6), "生产…");
        assert_eq!(cut("生产网络", 8), "生产网络");
        assert_eq!(cut("production", 4), "pro…");
    }
}
