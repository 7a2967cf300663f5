//! Formats a log entry as one line of JSON of bounded length.

use std::{
    error::Error,
    fmt::{self, Debug, Write as _},
    io::Write as _,
    sync::Arc,
};

use jiff::Timestamp;
use tracing::{
    Level,
    field::{Field, Visit},
};

use super::{time, unescaped::unescaped};
use crate::failure::chain;

/// The maximum length of a line with its newline, in bytes. Function Compute accepts entries of up to 32 KB.
pub(super) const MAX_LINE_BYTES: usize = 32 * 1024;

/// The maximum length of a request id or run id, in bytes. Real ones have 36.
const MAX_ID_BYTES: usize = 256;

/// The shortest length that values are cut to, in bytes. If that is not enough, all fields are dropped.
const MIN_CUT_BYTES: usize = 64;

/// The beginning of every line.
pub(super) struct Head {
    pub(super) time: Timestamp,
    pub(super) level: Level,
    /// The ids of the invocation, as [`ids`] writes them.
    pub(super) ids: Option<Arc<[u8]>>,
}

/// Passes the fields of an entry to a visitor. Called again if the line was too long.
pub(super) type Record<'a> = &'a dyn Fn(&mut dyn Visit);

/// Writes the line with its newline into `out`, replacing its content.
///
/// If the line would be too long, its long values are cut, each with a mark of its own, and the line says `"cut":true`.
pub(super) fn write(out: &mut Vec<u8>, head: &Head, names: &[Box<[u8]>], record: Record<'_>) {
    let mut max_value = MAX_LINE_BYTES;
    loop {
        write_cut(out, head, names, record, max_value);
        if out.len() <= MAX_LINE_BYTES {
            return;
        }
        if max_value <= MIN_CUT_BYTES {
            break;
        }
        max_value /= 2;
    }
    write_cut(out, head, names, &|_| (), MIN_CUT_BYTES);
}

/// Returns the part of an id that is shown.
pub(super) fn short(id: &str) -> &str {
    &id[..id.floor_char_boundary(MAX_ID_BYTES)]
}

/// Returns the ids of an invocation as they are on a line: `,"request_id":"…","run":"…"`.
pub(super) fn ids(request_id: &str, run: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    for (key, id) in [(&b",\"request_id\":\""[..], request_id), (b",\"run\":\"", run)] {
        out.extend_from_slice(key);
        // Never fails.
        let _ = Text::new(&mut out, MAX_LINE_BYTES).write_str(short(id));
        out.push(b'"');
    }
    out
}

/// Writes the line, with no value longer than `max_value` bytes.
fn write_cut(out: &mut Vec<u8>, head: &Head, names: &[Box<[u8]>], record: Record<'_>, max_value: usize) {
    out.clear();
    // Writing into a Vec cannot fail.
    out.extend_from_slice(br#"{"time":""#);
    time::push(out, head.time);
    out.extend_from_slice(br#"","level":""#);
    out.extend_from_slice(head.level.as_str().as_bytes());
    out.push(b'"');
    out.extend_from_slice(head.ids.as_deref().unwrap_or_default());
    record(&mut Fields { out, names, max_value });
    // A smaller limit means that something was cut: values, or all fields.
    out.extend_from_slice(if max_value < MAX_LINE_BYTES { b",\"cut\":true}\n" } else { b"}\n" });
}

struct Fields<'a> {
    out: &'a mut Vec<u8>,
    /// The names of the fields, by their index.
    names: &'a [Box<[u8]>],
    max_value: usize,
}

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        self.out.extend_from_slice(&self.names[field.index()]);
    }

    fn string(&mut self, write: impl FnOnce(&mut Text<'_>) -> fmt::Result) {
        self.out.push(b'"');
        let mut text = Text::new(self.out, self.max_value);
        // A failing Display is no reason to lose the line.
        let _ = write(&mut text);
        let (all, cut) = (text.all, text.cut);
        if cut {
            let _ = write!(self.out, "… (cut, {all} bytes in all)");
        }
        self.out.push(b'"');
    }

    fn integer(&mut self, field: &Field, value: impl itoa::Integer) {
        self.name(field);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Returns the key of a field with the characters around it: `,"name":`. If the line itself has a key of this name, it
/// is `field.<name>`.
pub(super) fn key(name: &str) -> Vec<u8> {
    const OWN_KEYS: [&str; 5] = ["time", "level", "request_id", "run", "cut"];
    let name = name.strip_prefix("r#").unwrap_or(name);
    let start: &[u8] = if OWN_KEYS.contains(&name) { b",\"field." } else { b",\"" };
    let mut key = Vec::with_capacity(start.len() + name.len() + 2);
    key.extend_from_slice(start);
    // Never fails.
    let _ = Text::new(&mut key, MAX_LINE_BYTES).write_str(name);
    key.extend_from_slice(b"\":");
    key
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.string(|text| write!(text, "{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.string(|text| text.write_str(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.name(field);
        self.string(|text| text.write_str(&chain(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.integer(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.integer(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.integer(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        // JSON cannot represent NaN or infinity.
        let _ = if value.is_finite() { write!(self.out, "{value}") } else { self.out.write_all(b"null") };
    }
}

/// Writes text as the content of a JSON string, up to a maximum length.
struct Text<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
    /// The length of the whole text without escapes, including what was cut.
    all: usize,
    cut: bool,
}

impl<'a> Text<'a> {
    fn new(out: &'a mut Vec<u8>, max: usize) -> Self {
        Self { out, left: max, all: 0, cut: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.cut || bytes.len() > self.left {
            self.cut = true;
        } else {
            self.left -= bytes.len();
            self.out.extend_from_slice(bytes);
        }
    }

    /// Writes text that needs no escaping.
    fn push_plain(&mut self, text: &str) {
        if !self.cut && text.len() > self.left {
            let fits = text.floor_char_boundary(self.left);
            self.push(&text.as_bytes()[..fits]);
            self.cut = true;
        } else {
            self.push(text.as_bytes());
        }
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.all += text.len();
        let mut rest = text;
        while !self.cut {
            let at = unescaped(rest.as_bytes());
            self.push_plain(&rest[..at]);
            let Some(escaped) = rest.as_bytes().get(at) else { break };
            match escaped {
                b'"' => self.push(b"\\\""),
                b'\\' => self.push(b"\\\\"),
                b'\n' => self.push(b"\\n"),
                b'\r' => self.push(b"\\r"),
                b'\t' => self.push(b"\\t"),
                control => self.push(format!("\\u{control:04x}").as_bytes()),
            }
            rest = &rest[at + 1..];
        }
        Ok(())
    }
}
