//! Where each key of a policy is, for those who ask which line asks for something.

use std::collections::BTreeMap;

use super::{
    Position,
    tree::{self, Node, Value},
};

/// Where each key of a policy is, by its path: `flow_log.project`, `overrides[0].schedule`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places(BTreeMap<String, Position>);

impl Places {
    /// Finds the keys in the text of a policy, as far as it can be read.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut places = Self::default();
        if let (Some(root), _) = tree::read(text) {
            places.add("", &root);
        }
        places
    }

    /// Returns where the key at this path is; `None` if the policy does not have it.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    fn add(&mut self, path: &str, node: &Node) {
        match &node.value {
            Value::Scalar { .. } => {}
            Value::List(items) => {
                for (nth, item) in items.iter().enumerate() {
                    let path = format!("{path}[{nth}]");
                    self.add(&path, item);
                    self.0.entry(path).or_insert(item.position);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    let path = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
                    self.add(&path, value);
                    self.0.entry(path).or_insert(key.position);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_by_its_path_in_yaml_and_in_json() {
        let yaml = "flow_log:\n  project: p\n  tags: {a.b: c}\noverrides:\n  - match: {ids: [vpc-1]}\n    name: x\n";
        let json = r#"{"flow_log": {"project": "p"}}"#;
        for (text, path, line, column) in [
            (yaml, "flow_log", 1, 1),
            (yaml, "flow_log.project", 2, 3),
            (yaml, "flow_log.tags", 3, 3),
            (yaml, "overrides[0]", 5, 5),
            (yaml, "overrides[0].name", 6, 5),
            (json, "flow_log.project", 1, 15),
        ] {
            assert_eq!(Places::of(text).get(path), Some(Position { line, column }), "{path}");
        }
        assert_eq!(Places::of(yaml).get("schedule"), None);
        assert_eq!(Places::of("{"), Places::default());
    }
}
