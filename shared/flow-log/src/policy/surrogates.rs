//! JSON escapes that YAML does not have.
//!
//! JSON writes a character beyond U+FFFF as two escapes, `\ud83d\ude80`, and every ASCII-only writer does so. YAML has
//! one escape for it, `\U0001f680`, and rejects surrogates.

use super::diagnostic::Position;

/// How many characters `\U0001f680` is shorter than `\ud83d\ude80`.
const SHORTER: usize = 2;

/// A text with each surrogate pair rewritten as one YAML escape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JoinedSurrogates {
    pub(crate) text: String,
    /// The positions of the rewritten pairs in `text`, in order.
    positions: Vec<Position>,
}

impl JoinedSurrogates {
    /// Joins the surrogate pairs in `text`; returns `None` if there are none.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut joined = Self { text: String::with_capacity(text.len()), positions: Vec::new() };
        let mut position = Position { line: 1, column: 1 };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let taken = match pair(rest) {
                Some((code, length)) => {
                    joined.positions.push(position);
                    joined.text.push_str(&format!("\\U{code:08x}"));
                    position.column += length - SHORTER;
                    length
                }
                None => {
                    // An escaped character does not begin another escape: `\\ud83d` is a backslash and a word.
                    let is_escape = first == '\\' && rest[1..].starts_with(['\\', '"']);
                    let taken = first.len_utf8() + usize::from(is_escape);
                    joined.text.push_str(&rest[..taken]);
                    position = after(position, &rest[..taken], rest[taken..].starts_with('\n'));
                    taken
                }
            };
            rest = &rest[taken..];
        }
        (!joined.positions.is_empty()).then_some(joined)
    }

    /// Maps a position in the joined text to the original text.
    pub(crate) fn original(&self, position: Position) -> Position {
        let before = |limit| self.positions.partition_point(|pair| *pair < limit);
        let pairs = before(position) - before(Position { column: 0, ..position });
        Position { column: position.column + SHORTER * pairs, ..position }
    }
}

fn after(position: Position, taken: &str, is_before_newline: bool) -> Position {
    match taken {
        // CR LF is one line break.
        "\n" => Position { line: position.line + 1, column: 1 },
        "\r" if !is_before_newline => Position { line: position.line + 1, column: 1 },
        _ => Position { column: position.column + taken.chars().count(), ..position },
    }
}

/// Returns the character that a surrogate pair at the start of `text` stands for, and the length of the pair.
fn pair(text: &str) -> Option<(u32, usize)> {
    let (high, rest) = escape(text)?;
    let (low, _) = escape(rest)?;
    let is_pair = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
    is_pair.then(|| (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12))
}

fn escape(text: &str) -> Option<(u32, &str)> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    Some((is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?, &text[6..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_joined_and_nothing_else_is_touched() {
        let joined = |text: &str| JoinedSurrogates::of(text).map(|joined| joined.text);
        assert_eq!(joined(r#""log \ud83d\ude80""#).as_deref(), Some(r#""log \U0001f680""#));
        assert_eq!(joined(r"\uD83D\uDE80云\udbff\udfff").as_deref(), Some(r"\U0001f680云\U0010ffff"));
        for text in
            ["", "云", r"\u4e91", r"\ud83d", r"\ud83d \ude80", r"\ude80\ud83d", r"\\ud83d\ude80", r"\ud83d\ude8"]
        {
            assert_eq!(joined(text), None, "{text}");
        }
        assert_eq!(joined(r"\\\ud83d\ude80").as_deref(), Some(r"\\\U0001f680"), "after an escaped backslash");
    }

    #[test]
    fn a_position_in_the_joined_text_is_found_in_the_original() {
        let text = "{\"a\": \"\\ud83d\\ude80\", \"b\": \"\\ud83d\\ude80\",\r\n \"c\": \"\\ud83d\\ude80\"}";
        let joined = JoinedSurrogates::of(text).unwrap();
        let position_of = |searched: &str, what: char| {
            let before = &searched[..searched.find(what).unwrap()];
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            Position { line: before.matches('\n').count() + 1, column }
        };
        for what in ['a', 'b', ',', 'c', '}'] {
            assert_eq!(joined.original(position_of(&joined.text, what)), position_of(text, what), "{what}");
        }
    }
}
