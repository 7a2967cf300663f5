//! YAML (and so JSON) as a tree in which every node knows its place, read within limits.
//!
//! A policy comes from whoever may set an environment variable. So its size and depth are bounded, and anchors and
//! aliases, by which a few lines grow to gigabytes, are refused: a policy needs none.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::{
    Policy,
    mistake::{Mistake, Mistakes, Place},
};

/// The deepest nesting. A policy as documented has five levels.
const DEEPEST: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text, a number, a boolean or nothing: which of them is for the reader to want.
    Scalar {
        text: String,
        /// Written without quotes, so that `null` and an empty value mean nothing.
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) place: Place,
    pub(crate) text: String,
}

impl Node {
    /// Whether there is nothing here, as in `key:` or `key: null`.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// Reads the one document in `text`. Duplicate keys are noted, as all are reported at once; what is no YAML ends it.
pub(crate) fn read(text: &str, mistakes: &mut Mistakes) -> Option<Node> {
    if text.len() > Policy::LARGEST {
        let problem = format!("a policy of {} bytes is too large: at most {}", text.len(), Policy::LARGEST);
        mistakes.add(Place::default(), problem);
        return None;
    }
    match (Reader { parser: Parser::new_from_str(text), mistakes }).document() {
        Ok(node) => Some(node),
        Err(mistake) => {
            mistakes.push(mistake);
            None
        }
    }
}

struct Reader<'a, 'm> {
    parser: Parser<'a, StrInput<'a>>,
    mistakes: &'m mut Mistakes,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<Node, Mistake> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::StreamEnd, _) => {
                    return root.ok_or_else(|| Mistake::new(Place::default(), "the policy is empty"));
                }
                (_, span) if root.is_some() => {
                    return Err(Mistake::new(place(span), "a second document: a policy is one"));
                }
                (event, span) => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Mistake> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = error.marker();
                let place = Place { line: marker.line(), column: marker.col() + 1 };
                Err(Mistake::new(place, format!("this is no YAML: {}", error.info())))
            }
            None => Err(Mistake::new(Place::default(), "the policy ends in the middle")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Mistake> {
        let place = place(span);
        if depth > DEEPEST {
            return Err(Mistake::new(place, format!("nested deeper than {DEEPEST} levels")));
        }
        let value = match event {
            Event::Scalar(_, _, 1.., _) | Event::SequenceStart(1.., _) | Event::MappingStart(1.., _) => {
                return Err(Mistake::new(place, "an anchor (&): write the value out"));
            }
            Event::Alias(_) => return Err(Mistake::new(place, "an alias (*): write the value out, or quote it")),
            Event::Scalar(text, style, ..) => {
                Value::Scalar { text: text.into_owned(), is_plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Value::List(items),
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(Mistake::new(place, "this is not understood")),
        };
        Ok(Node { place, value })
    }

    fn map(&mut self, depth: usize) -> Result<Value, Mistake> {
        let mut entries = Vec::new();
        let mut lines = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Value::Map(entries));
            }
            let key = match self.node(event, span, depth + 1)? {
                Node { place, value: Value::Scalar { text, .. } } => Key { place, text },
                Node { place, .. } => return Err(Mistake::new(place, "a key must be a word")),
            };
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            match lines.get(&key.text) {
                Some(line) => {
                    self.mistakes
                        .add(key.place, format!("{} stands here again: it is in line {line} already", key.text));
                }
                None => {
                    lines.insert(key.text.clone(), key.place.line);
                    entries.push((key, node));
                }
            }
        }
    }
}

fn place(span: Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}
