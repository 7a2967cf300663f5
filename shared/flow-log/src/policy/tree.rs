//! YAML (and so JSON) as a tree of nodes with positions, read within limits.
//!
//! Anyone who may set an environment variable can supply a policy, so its size and depth are limited. Anchors and
//! aliases, with which a few lines expand to gigabytes, are rejected; a policy needs none. So are tags: other tools
//! would act on them, while a policy would take them as part of the text.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::{
    diagnostic::{Diagnostic, Diagnostics, Position},
    surrogates::JoinedSurrogates,
};

/// The largest policy, in bytes.
pub(crate) const MAX_BYTES: usize = 256 << 10;
/// The deepest nesting that is read. A policy as documented has five levels.
const MAX_DEPTH: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) position: Position,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text, number, boolean or null; the caller decides which of these it expects.
    Scalar {
        text: String,
        /// Whether it is unquoted, so that `null` and an empty value mean null.
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) position: Position,
    pub(crate) text: String,
}

impl Node {
    /// Whether the value is a list or a map without entries.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.value {
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            Value::Scalar { .. } => false,
        }
    }

    /// Whether the value is null, as in `key:` or `key: null`.
    pub(crate) fn is_nothing(&self) -> bool {
        let nothing = ["", "~", "null", "Null", "NULL"];
        matches!(&self.value, Value::Scalar { text, is_plain: true } if nothing.contains(&text.as_str()))
    }
}

/// Reads the single document in `text`. Mistakes in single nodes are collected so that all are reported at once;
/// invalid YAML ends the reading.
pub(crate) fn read(text: &str) -> (Option<Node>, Diagnostics) {
    if text.len() > MAX_BYTES {
        let mut mistakes = Diagnostics::default();
        let problem = format!("a policy of {} bytes is too large: at most {}", text.len(), MAX_BYTES);
        mistakes.add(Position::default(), problem);
        return (None, mistakes);
    }
    let (root, mistakes) = document(text, &|position| position);
    match JoinedSurrogates::of(text).filter(|_| root.is_none()) {
        Some(joined) => document(&joined.text, &|position| joined.original(position)),
        None => (root, mistakes),
    }
}

/// Reads the document and collects its mistakes. `original` maps a position to the text before it was rewritten.
fn document<'a>(text: &'a str, original: &'a dyn Fn(Position) -> Position) -> (Option<Node>, Diagnostics) {
    let mut reader = Reader { parser: Parser::new_from_str(text), original, mistakes: Diagnostics::default() };
    let root = reader.document().map_err(|mistake| reader.mistakes.push(mistake)).ok();
    (root, reader.mistakes)
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    original: &'a dyn Fn(Position) -> Position,
    mistakes: Diagnostics,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Diagnostic> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::StreamEnd, _) => {
                    return root.ok_or_else(|| Diagnostic::new(Position::default(), "the policy is empty"));
                }
                (_, span) if root.is_some() => {
                    return Err(Diagnostic::new(self.position(span), "a second document: a policy is one"));
                }
                (event, span) => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Diagnostic> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = error.marker();
                let position = (self.original)(Position { line: marker.line(), column: marker.col() + 1 });
                Err(Diagnostic::new(position, format!("this is not valid YAML: {}", error.info())))
            }
            None => Err(Diagnostic::new(Position::default(), "the policy ends in the middle")),
        }
    }

    fn position(&self, span: Span) -> Position {
        (self.original)(Position { line: span.start.line(), column: span.start.col() + 1 })
    }

    fn mistake(&mut self, position: Position, problem: impl AsRef<str>) {
        self.mistakes.add(position, problem);
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Diagnostic> {
        let position = self.position(span);
        if depth > MAX_DEPTH {
            return Err(Diagnostic::new(position, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let value = match event {
            Event::Scalar(_, _, 1.., _) | Event::SequenceStart(1.., _) | Event::MappingStart(1.., _) => {
                return Err(Diagnostic::new(position, "an anchor (&): write the value out"));
            }
            Event::Alias(_) => return Err(Diagnostic::new(position, "an alias (*): write the value out, or quote it")),
            Event::Scalar(text, style, _, tag) => {
                let is_text = tag.as_deref().is_some_and(|tag| is_core(tag, &["str"]) || is_non_specific(tag));
                if !is_text {
                    self.check_tag(position, tag.as_deref(), &["int", "float", "bool", "null"]);
                }
                self.scalar(position, &text, style, is_text)
            }
            Event::SequenceStart(_, tag) => {
                self.check_tag(position, tag.as_deref(), &["seq"]);
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Value::List(items),
                        (item, at) => items.push(self.node(item, at, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(_, tag) => {
                self.check_tag(position, tag.as_deref(), &["map"]);
                self.map(depth)?
            }
            _ => return Err(Diagnostic::new(position, "this is not understood")),
        };
        Ok(Node { position, value })
    }

    /// Returns the text without the line break that ends a block (`|`, `>`). Any other control character is a mistake,
    /// since it is invisible.
    fn scalar(&mut self, position: Position, text: &str, style: ScalarStyle, is_text: bool) -> Value {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let text = if is_block { text.strip_suffix('\n').unwrap_or(text) } else { text };
        if let Some(control) = text.chars().find(|char| char.is_control()) {
            let code = u32::from(control);
            self.mistake(position, format!("a control character, U+{code:04X}: write one line of text without it"));
        }
        Value::Scalar { text: text.to_owned(), is_plain: style == ScalarStyle::Plain && !is_text }
    }

    fn check_tag(&mut self, position: Position, tag: Option<&Tag>, known: &[&str]) {
        if let Some(tag) = tag.filter(|tag| !is_core(tag, known) && !is_non_specific(tag)) {
            let Tag { handle, suffix } = tag;
            let problem = format!("{handle}{suffix} is a YAML tag, and a policy has none: write the value itself");
            self.mistake(position, problem);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Diagnostic> {
        let mut entries = Vec::new();
        let mut lines = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Value::Map(entries));
            }
            let key_node = self.node(event, span, depth + 1)?;
            if key_node.is_nothing() {
                self.mistake(
                    key_node.position,
                    "a key is a word: give it, in quotes if null, ~ or an empty text is meant",
                );
            }
            let key = match key_node {
                Node { position, value: Value::Scalar { text, .. } } => Key { position, text },
                Node { position, .. } => return Err(Diagnostic::new(position, "a key must be a word")),
            };
            let (value_event, value_span) = self.next()?;
            let node = self.node(value_event, value_span, depth + 1)?;
            match lines.get(&key.text) {
                Some(line) => {
                    let problem = format!("{} is repeated: it is already in line {line}", key.text);
                    self.mistake(key.position, problem);
                }
                None => {
                    lines.insert(key.text.clone(), key.position.line);
                    entries.push((key, node));
                }
            }
        }
    }
}

/// Whether this is one of these core schema tags, such as `!!str`.
fn is_core(tag: &Tag, suffixes: &[&str]) -> bool {
    tag.is_yaml_core_schema() && suffixes.contains(&tag.suffix.as_str())
}

/// Whether this is the bare tag `!`, with which YAML marks a value as untyped.
fn is_non_specific(tag: &Tag) -> bool {
    tag.handle.is_empty() && tag.suffix == "!"
}
