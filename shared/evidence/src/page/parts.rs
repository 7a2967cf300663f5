//! Pieces of the page.

use std::{fmt, io, str};

use askama::filters::HtmlSafe;
use jiff::Timestamp;

use crate::{evidence::Evidence, text};

/// Text from the cloud: escaped, set apart from the text around it, and with its invisible characters shown.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a>(pub(super) &'a str);

impl HtmlSafe for Shown<'_> {}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        let mut rest = self.0;
        while let Some(at) = rest.find(|c: char| matches!(c, '<' | '>' | '&' | '"' | '\'') || visible::is_invisible(c))
        {
            f.write_str(&rest[..at])?;
            let Some(c) = rest[at..].chars().next() else { break };
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => write!(f, "<span class=\"mark\">U+{:04X}</span>", c as u32)?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)?;
        f.write_str("</bdi>")
    }
}

/// A moment, to the minute.
#[derive(Clone, Copy)]
pub(super) struct Time<'a>(pub(super) &'a Timestamp);

impl HtmlSafe for Time<'_> {}

impl fmt::Display for Time<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\">{}</time>", self.0, text::moment(*self.0))
    }
}

/// A sign. A word beside it says the same.
#[derive(Clone, Copy)]
pub(super) struct Icon(pub(super) &'static str);

impl HtmlSafe for Icon {}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<svg class=\"icon {0}\" aria-hidden=\"true\"><use href=\"#i-{0}\"></use></svg>", self.0)
    }
}

/// The canonical JSON inside a script element: `<` is escaped, so that nothing in it can end the element.
pub(super) struct EmbeddedJson<'a>(pub(super) &'a Evidence);

impl HtmlSafe for EmbeddedJson<'_> {}

impl fmt::Display for EmbeddedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_json(Escaping { to: f, pending: Vec::new() }).map_err(|_| fmt::Error)
    }
}

/// Writes bytes that are UTF-8 as a whole, and escapes `<`.
struct Escaping<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    /// The beginning of a character whose end has not arrived.
    pending: Vec<u8>,
}

impl io::Write for Escaping<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        let whole = match str::from_utf8(&self.pending) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => return Err(io::Error::other(error)),
        };
        let text = str::from_utf8(&self.pending[..whole]).map_err(io::Error::other)?;
        for (nth, part) in text.split('<').enumerate() {
            let written = if nth == 0 { Ok(()) } else { self.to.write_str("\\u003c") };
            written.and_then(|()| self.to.write_str(part)).map_err(io::Error::other)?;
        }
        self.pending.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// An amount of money to the cent, from millionths.
pub(super) fn money(micros: i64) -> String {
    let cents = (micros.unsigned_abs() + 5_000) / 10_000;
    let sign = if micros < 0 && cents > 0 { "−" } else { "" };
    format!("{sign}{}.{:02}", text::count(cents / 100), cents % 100)
}

/// A volume, from bytes.
pub(super) fn volume(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    match bytes {
        0 => "0".to_owned(),
        // In hundredths, rounded up: a volume is never shown as none.
        _ => {
            let hundredths = u128::from(bytes).saturating_mul(100).div_ceil(u128::from(GIB));
            let whole = u64::try_from(hundredths / 100).unwrap_or(u64::MAX);
            format!("{}.{:02}", text::count(whole), hundredths % 100)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_to_the_cent_and_volumes_up() {
        let shown = [1_304_999, 1_305_000, -410_000, 0, -1, 12_345_678_900].map(money);
        assert_eq!(shown, ["1.30", "1.31", "−0.41", "0.00", "0.00", "12,345.68"]);
        assert_eq!([0, 1, 1 << 30, 7_838_315_315].map(volume), ["0", "0.01", "1.00", "7.30"]);
    }

    #[test]
    fn a_character_that_arrives_in_two_pieces_is_written_whole() {
        struct Two;
        impl fmt::Display for Two {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut to = Escaping { to: f, pending: Vec::new() };
                let text = "a<é".as_bytes();
                for piece in [&text[..3], &text[3..]] {
                    io::Write::write_all(&mut to, piece).unwrap();
                }
                Ok(())
            }
        }
        assert_eq!(Two.to_string(), "a\\u003cé");
    }
}
