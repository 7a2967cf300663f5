//! Reads values from the tree and collects the mistakes in them.

use std::{cell::RefCell, collections::BTreeMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use super::{
    Diagnostics, Position,
    tree::{Key, Node, Value},
};
use crate::{InvalidId, one_by_one};

pub(super) struct Decoder {
    pub(super) mistakes: RefCell<Diagnostics>,
    pub(super) warnings: RefCell<Diagnostics>,
}

/// The entries of a map that have not been read yet.
pub(super) struct Fields<'a> {
    pub(super) name: &'static str,
    pub(super) position: Position,
    pub(super) left: BTreeMap<&'a str, (&'a Key, &'a Node)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Takes the list or map under this key. An empty value (`key:`) counts as an absent key.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.take_value(key).filter(|node| !node.is_nothing())
    }

    /// Takes the value under this key, if the key exists. An empty value is then a mistake.
    pub(super) fn take_value(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.left.remove(key).map(|(_, node)| node)
    }
}

impl Decoder {
    pub(super) fn mistake(&self, position: Position, problem: impl AsRef<str>) {
        self.mistakes.borrow_mut().add(position, problem);
    }

    pub(super) fn warning(&self, position: Position, problem: impl AsRef<str>) {
        self.warnings.borrow_mut().add(position, problem);
    }

    pub(super) fn fields<'a>(&self, name: &'static str, node: &'a Node) -> Option<Fields<'a>> {
        let Value::Map(entries) = &node.value else {
            self.mistake(node.position, format!("{name} must be a map of keys and values"));
            return None;
        };
        let left = one_by_one::map(entries.iter().map(|(key, value)| (key.text.as_str(), (key, value))));
        Some(Fields { name, position: node.position, left, known: Vec::new() })
    }

    /// Reports the keys that were not read.
    pub(super) fn finish(&self, fields: Fields<'_>) {
        let Fields { name, left, known, .. } = fields;
        let known = known.join(", ");
        for (key, (at, _)) in left {
            self.mistake(at.position, format!("{name} has no key {key:?}: it may have {known}"));
        }
    }

    pub(super) fn required<'a>(&self, fields: &mut Fields<'a>, key: &'static str) -> Option<&'a Node> {
        let node = fields.take(key);
        if node.is_none() {
            self.mistake(fields.position, format!("{} has no {key}", fields.name));
        }
        node
    }

    pub(super) fn entries<'a>(&self, node: &'a Node, name: &str) -> &'a [(Key, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            _ => {
                self.mistake(node.position, format!("{name} must be a map of keys and values"));
                &[]
            }
        }
    }

    pub(super) fn items<'a>(&self, node: &'a Node, name: &str) -> &'a [Node] {
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.mistake(node.position, format!("{name} must be a list"));
                &[]
            }
        }
    }

    pub(super) fn list<T: FromStr<Err: Display>>(&self, node: &Node, name: &str) -> Vec<T> {
        self.items(node, name).iter().filter_map(|node| self.parsed(node)).collect()
    }

    pub(super) fn text<'a>(&self, node: &'a Node) -> Option<&'a str> {
        match &node.value {
            Value::Scalar { .. } if node.is_nothing() => {
                let problem = "there is no value here: give one, in quotes if null, ~ or an empty text is meant, or leave \
                               the key out";
                self.mistake(node.position, problem);
                None
            }
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => {
                self.mistake(node.position, "this must be one value, not a list or a map");
                None
            }
        }
    }

    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, node: &Node) -> Option<T> {
        self.read(node.position, self.text(node)?)
    }

    pub(super) fn exact<T>(&self, node: &Node, read: impl Fn(&str) -> Result<T, InvalidId>) -> Option<T> {
        self.checked(node.position, read(self.text(node)?))
    }

    pub(super) fn read<T: FromStr<Err: Display>>(&self, position: Position, text: &str) -> Option<T> {
        self.checked(position, text.parse())
    }

    pub(super) fn checked<T>(&self, position: Position, read: Result<T, impl Display>) -> Option<T> {
        read.map_err(|error| self.mistake(position, error.to_string())).ok()
    }

    pub(super) fn one_of<T: Copy>(&self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(node.position, format!("{text:?} is not one of {}", words.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn number<N>(&self, node: &Node, range: &RangeInclusive<N>) -> Option<N>
    where
        N: FromStr + PartialOrd + Display,
    {
        let text = self.text(node)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (min, max) = (range.start(), range.end());
            self.mistake(node.position, format!("{text:?} is not a number from {min} to {max}"));
        }
        number
    }

    pub(super) fn number_or_none(&self, node: &Node, max: u32) -> Option<u32> {
        match self.text(node)? {
            "none" => None,
            text => {
                let number = text.parse().ok().filter(|number| *number <= max);
                if number.is_none() {
                    self.mistake(node.position, format!("{text:?} is neither none nor a number from 0 to {max}"));
                }
                number
            }
        }
    }
}
