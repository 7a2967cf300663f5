//! The records of a Logstore, and what is counted of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{
    query::{self, Table, Value},
    state::LogStore,
};

/// How many parts a histogram has at most.
const MAX_BUCKETS: i64 = 60;
/// The reserved field with the time of a record, in seconds.
const TIME: &str = "__time__";

/// A record of a Logstore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When it was received.
    pub time: Timestamp,
    /// Its fields.
    pub fields: BTreeMap<String, String>,
}

impl LogRecord {
    /// A record of a flow log that ends at `end`, in these resources, with this `log-status`. It is received when it ends.
    pub fn of_flow_log(vpc: &str, vswitch: &str, network_interface: &str, log_status: &str, end: Timestamp) -> Self {
        let is_ok = log_status == "OK";
        let or_dash = |text: &str| if is_ok { text } else { "-" }.to_owned();
        let fields = [
            ("version", "1".to_owned()),
            ("vpc-id", vpc.to_owned()),
            ("vswitch-id", vswitch.to_owned()),
            ("eni-id", network_interface.to_owned()),
            ("srcaddr", or_dash("10.0.0.1")),
            ("dstaddr", or_dash("10.0.0.2")),
            ("packets", or_dash("10")),
            ("bytes", or_dash("840")),
            ("start", (end.as_second() - 600).to_string()),
            ("end", end.as_second().to_string()),
            ("log-status", log_status.to_owned()),
        ];
        Self { time: end, fields: fields.map(|(name, value)| (name.to_owned(), value)).into() }
    }

    /// Returns its size as it was written, uncompressed.
    pub(crate) fn bytes(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The time of a question, in seconds: from the first on, and before the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Span {
    fn has(self, record: &LogRecord) -> bool {
        (self.from..self.to).contains(&record.time.as_second())
    }
}

/// Returns the rows that a query finds, all values as texts, as Log Service has them.
pub(crate) fn rows(log_store: &LogStore, span: Span, query: &str) -> Result<Vec<Map<String, Json>>, String> {
    let analyzes = query.contains('|');
    if analyzes && log_store.mode == "query" {
        return Err("a Logstore of the mode query has no SQL".to_owned());
    }
    let found = query::run(query, &table(log_store, span, analyzes))?;
    let text = |value: Json| match value {
        Json::String(text) => Json::String(text),
        Json::Null => json!("null"),
        other => json!(other.to_string()),
    };
    Ok(found
        .to_json()
        .into_iter()
        .map(|row| row.into_iter().map(|(name, value)| (name, text(value))).collect())
        .collect())
}

/// Counts what a search finds, in parts of equal length.
pub(crate) fn histogram(log_store: &LogStore, span: Span, search: &str, progress: &str) -> Result<Vec<Json>, String> {
    if search.contains('|') {
        return Err("a histogram has no SQL".to_owned());
    }
    let step = ((span.to - span.from + MAX_BUCKETS - 1) / MAX_BUCKETS).max(1);
    let mut buckets = Vec::new();
    let mut from = span.from;
    while from < span.to {
        let to = (from + step).min(span.to);
        let found = query::run(search, &table(log_store, Span { from, to }, false))?;
        buckets.push(json!({"from": from, "to": to, "count": found.rows.len(), "progress": progress}));
        from = to;
    }
    Ok(buckets)
}

/// Returns the indexed fields of the records. SQL sees only those that have analytics.
fn table(log_store: &LogStore, span: Span, analyzes: bool) -> Table {
    let keys = log_store.index.as_ref().and_then(|index| index["keys"].as_object());
    let keys = keys.into_iter().flatten().filter(|(_, key)| !analyzes || key["doc_value"] != json!(false));
    let keys: Vec<_> = keys.map(|(name, key)| (name.as_str(), key["type"] == "long")).collect();
    let value = |record: &LogRecord, name: &str, is_number: bool| match record.fields.get(name) {
        // A text in a field of numbers is not indexed.
        Some(text) if is_number => text.parse().map_or(Value::Null, Value::Number),
        Some(text) => Value::Text(text.clone()),
        None => Value::Null,
    };
    let row = |record: &LogRecord| {
        let fields = keys.iter().map(|(name, is_number)| value(record, name, *is_number));
        std::iter::once(Value::Number(record.time.as_second() as f64)).chain(fields).collect()
    };
    Table {
        columns: std::iter::once(TIME).chain(keys.iter().map(|(name, _)| *name)).map(str::to_owned).collect(),
        rows: log_store.records.iter().filter(|record| span.has(record)).map(row).collect(),
    }
}
