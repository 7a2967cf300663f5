//! The lines of functions, as Function Compute hands them to Log Service.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::query::{Table, Value};

/// Fields that need no index.
const OWN_FIELDS: [&str; 2] = ["__time__", "__topic__"];

/// Returns lines as records, with the fields that the index names. Each is a time, a function and a text.
///
/// Function Compute puts the text into `message`. If it is JSON, its members are fields, by the index of that field.
pub(crate) fn records<'a>(
    index: &Json,
    lines: impl Iterator<Item = (Timestamp, &'a str, &'a str)>,
) -> Result<Table, String> {
    let columns = columns(index)?;
    let record = |(at, function, text): (Timestamp, &str, &str)| {
        let members: Map<String, Json> = serde_json::from_str(text).unwrap_or_default();
        let fields = json!({
            "__time__": at.as_second(),
            "__topic__": format!("FCLogs:{function}"),
            "functionName": function,
        });
        let field = |(column, kind): &(String, String)| match column.strip_prefix("message.") {
            Some(member) => typed(members.get(member).unwrap_or_default(), kind),
            None if column == "message" => Value::Text(text.to_owned()),
            None => typed(&fields[column], kind),
        };
        columns.iter().map(field).collect()
    };
    let rows = lines.map(record).collect();
    Ok(Table { columns: columns.iter().map(|(name, _)| name.clone()).collect(), rows })
}

/// Returns a field as the index has it: a number that is none is missing.
fn typed(field: &Json, kind: &str) -> Value {
    match (Value::from(field), kind) {
        (Value::Text(_), "long" | "double") => Value::Null,
        (Value::Number(number), "text") => Value::Text(number.to_string()),
        (value, _) => value,
    }
}

/// Returns the fields that queries can use, with their types. Those in JSON have the name of the field before them.
fn columns(index: &Json) -> Result<Vec<(String, String)>, String> {
    let mut columns: Vec<_> = OWN_FIELDS.map(|name| (name.to_owned(), String::new())).into();
    for (name, key) in index["keys"].as_object().ok_or("the Logstore has no index")? {
        let kind = key["type"].as_str().unwrap_or_default();
        columns.push((name.clone(), kind.to_owned()));
        for (member, inner) in key["json_keys"].as_object().into_iter().flatten() {
            // Without statistics, a field can be searched and not selected.
            if inner["doc_value"] != true {
                return Err(format!("{name}.{member} has no statistics"));
            }
            columns.push((format!("{name}.{member}"), inner["type"].as_str().unwrap_or_default().to_owned()));
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_a_line_are_fields_by_the_index() {
        let index = json!({"keys": {
            "functionName": {"type": "text", "doc_value": true},
            "message": {"type": "json", "json_keys": {
                "level": {"type": "text", "doc_value": true},
                "n": {"type": "long", "doc_value": true},
            }},
        }});
        let at = Timestamp::from_second(7).unwrap();
        let lines =
            [(at, "f", r#"{"level":"INFO","n":3,"other":1}"#), (at, "f", "FC Invoke Start"), (at, "f", r#"{"n":"x"}"#)];
        let table = records(&index, lines.into_iter()).unwrap();
        let column =
            |name: &str| table.rows.iter().map(|row| row[table.column(name).unwrap()].clone()).collect::<Vec<_>>();
        assert_eq!(column("message.level"), [Value::Text("INFO".into()), Value::Null, Value::Null]);
        assert_eq!(column("message.n"), [Value::Number(3.0), Value::Null, Value::Null]);
        assert_eq!(column("__time__")[0], Value::Number(7.0));
        assert_eq!(column("__topic__")[0], Value::Text("FCLogs:f".into()));
        assert_eq!(column("functionName")[0], Value::Text("f".into()));
        assert!(table.column("message.other").is_err());
    }
}
