//! Text from strangers, made visible.
//!
//! Anybody who may create a VPC chooses its name, and an endpoint says whatever it likes. A line break, a control character, a
//! direction mark or a letter without a shape could make a line say something else than it holds, or hide that it is there.

use std::{borrow::Cow, fmt::Write as _};

/// Whether a character changes how the text around it is shown, or is not shown at all.
///
/// These are control characters, line separators, what Unicode 17 calls default ignorable (`Default_Ignorable_Code_Point` in
/// `DerivedCoreProperties.txt`), anchors of annotations, the empty braille pattern, and what is no character.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        // Not characters at all; XML forbids some of them.
        || matches!(c as u32 & 0xffff, 0xfffe | 0xffff)
}

/// The text with its invisible characters written out, as in `\u{202e}`. It is one line.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push(&mut shown, c));
    Cow::Owned(shown)
}

/// The text as [`visible()`] shows it, with one space for several: with many of them, the rest could stand in a line of its own.
#[must_use]
pub fn single_spaced(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    if !text.contains("  ") {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !shown.ends_with(' ') {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn push(shown: &mut String, c: char) {
    if is_invisible(c) {
        _ = write!(shown, "\\u{{{:04x}}}", c as u32);
    } else {
        shown.push(c);
    }
}

/// A name in quotation marks, so that it is seen where it begins and ends.
///
/// A quotation mark in it has a backslash, and several spaces are one: with many of them, the rest of a name could stand in a
/// line of its own.
#[must_use]
pub fn quoted(name: &str) -> String {
    let mut shown = String::with_capacity(name.len() + 2);
    shown.push('"');
    let mut was_space = false;
    for c in name.chars() {
        let is_space = c.is_whitespace() && !is_invisible(c);
        if is_space && was_space {
            continue;
        }
        was_space = is_space;
        if matches!(c, '"' | '\\') {
            shown.push('\\');
        }
        push(&mut shown, c);
    }
    shown.push('"');
    shown
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
    fn a_text_with_many_spaces_has_single_ones() {
        assert_eq!(single_spaced("one two"), "one two");
        let forged = format!("x{}vpc-1  compliant\u{202e}", " ".repeat(50));
        assert_eq!(single_spaced(&forged), "x vpc-1 compliant\\u{202e}");
    }

    #[test]
    fn no_name_looks_blank_or_shorter_than_it_is() {
        for hidden in [
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180f}',
            '\u{2065}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{e0fff}',
        ] {
            assert_eq!(visible(&format!("a{hidden}")), format!("a\\u{{{:04x}}}", hidden as u32));
        }
    }

    #[test]
    fn a_name_in_quotation_marks_ends_where_it_is_seen_to_end() {
        assert_eq!(quoted("生产 web"), "\"生产 web\"");
        assert_eq!(quoted("\u{a0}\u{a0}"), "\"\u{a0}\"", "blank, and seen to be");
        let forged = format!("web\"){}1 cn-hangzhou vpc-1  compliant\n", " ".repeat(50));
        assert_eq!(quoted(&forged), "\"web\\\") 1 cn-hangzhou vpc-1 compliant\\u{000a}\"");
    }
}
