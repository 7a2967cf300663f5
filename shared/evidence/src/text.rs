//! Text from strangers, made visible, and numbers and moments as people read them.
//!
//! Anybody who may create a VPC chooses its name. A control character or a direction mark in a name could make a report
//! say something else than it holds.

use std::{borrow::Cow, fmt::Write as _};

use jiff::Timestamp;

/// Whether a character changes how the text around it is shown, or is not shown at all.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        // Not characters at all; XML forbids some of them.
        || matches!(c as u32 & 0xffff, 0xfffe | 0xffff)
}

/// The text with its invisible characters written out, as in `\u{202e}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_invisible(c) {
            _ = write!(shown, "\\u{{{:04x}}}", c as u32);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// How many names a sentence lists.
const MAX_NAMES: usize = 10;

/// Lists names, as the end of a sentence.
pub(crate) fn names<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let number = all.len();
    let listed: Vec<_> = all.take(MAX_NAMES).collect();
    let more = number.saturating_sub(MAX_NAMES);
    let listed = listed.join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}

/// A number with commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A moment to the minute, as in `2026-11-26 03:00 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_written_out_and_all_others_stay() {
        assert_eq!(visible("web 生产 é 👩"), "web 生产 é 👩");
        assert_eq!(visible("a\u{202e}b\u{0}\u{85}\u{200b}\u{ffff}"), "a\\u{202e}b\\u{0000}\\u{0085}\\u{200b}\\u{ffff}");
    }

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0, 999, 1000, 50_000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "50,000", "1,234,567"]);
    }
}
