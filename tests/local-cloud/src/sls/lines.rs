//! What Function Compute hands to Log Service: the lines of functions, and a record of each attempt to run one.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::query::{Table, Value};
use crate::world::journal::Invocation;

/// Fields that need no index.
const OWN_FIELDS: [&str; 2] = ["__time__", "__topic__"];

/// What Function Compute writes.
#[derive(Clone, Copy)]
pub(crate) enum Written<'a> {
    /// A line of a function.
    Line { function: &'a str, text: &'a str },
    /// A record of an attempt: a metric of the level of requests.
    Request(&'a Invocation),
}

/// Returns what was written as records, with the fields that the index names.
///
/// Function Compute puts the text of a line into `message`. If it is JSON, its members are fields, by the index of that
/// field. A record of an attempt has no `message`. Its values are texts, by the example in the documentation.
pub(crate) fn records<'a>(
    index: &Json,
    written: impl Iterator<Item = (Timestamp, Written<'a>)>,
) -> Result<Table, String> {
    let columns = columns(index)?;
    let record = |(at, what): (Timestamp, Written<'_>)| {
        let (fields, text) = match what {
            Written::Line { function, text } => {
                (json!({"__topic__": format!("FCLogs:{function}"), "functionName": function}), Some(text))
            }
            Written::Request(it) => (request(it), None),
        };
        let members: Map<String, Json> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let field = |(column, kind): &(String, String)| match column.strip_prefix("message.") {
            Some(member) => typed(members.get(member).unwrap_or_default(), kind),
            None if column == "message" => text.map_or(Value::Null, |text| Value::Text(text.to_owned())),
            None if column == "__time__" => Value::Number(at.as_second() as f64),
            None => typed(&fields[column], kind),
        };
        columns.iter().map(field).collect()
    };
    let rows = written.map(record).collect();
    Ok(Table { columns: columns.iter().map(|(name, _)| name.clone()).collect(), rows })
}

/// Returns the fields of an attempt that somebody looks at here.
fn request(Invocation { function, request_id, success, status, .. }: &Invocation) -> Json {
    json!({
        "__topic__": format!("FCRequestMetrics:/{function}"),
        "functionName": function,
        "requestId": request_id,
        "hasFunctionError": (!success).to_string(),
        // What is called otherwise is an answer of the function.
        "errorType": (!success && status.is_none()).then_some("FunctionUnhandledError"),
    })
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
        let lines = [r#"{"level":"INFO","n":3,"other":1}"#, "FC Invoke Start", r#"{"n":"x"}"#];
        let lines = lines.map(|text| (at, Written::Line { function: "f", text }));
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

    #[test]
    fn an_attempt_has_a_record_of_its_own_without_a_message() {
        let fields = ["functionName", "hasFunctionError", "errorType", "message"];
        let keys = fields.map(|name| (name.to_owned(), json!({"type": "text", "doc_value": true})));
        let index = json!({"keys": Map::from_iter(keys)});
        let at = Timestamp::from_second(7).unwrap();
        let attempt = |success, status| Invocation {
            function: "f".into(),
            region: "cn-hangzhou".into(),
            request_id: "1".into(),
            attempt: 1,
            instance: None,
            event: Json::Null,
            success,
            status,
            body: Json::Null,
            lines: Vec::new(),
        };
        let row = |it: &Invocation| {
            let table = records(&index, [(at, Written::Request(it))].into_iter()).unwrap();
            let cell = |name: &str| table.rows[0][table.column(name).unwrap()].clone();
            assert_eq!(cell("__topic__"), Value::Text("FCRequestMetrics:/f".into()));
            fields.map(cell)
        };
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(row(&attempt(true, Some(200))), [text("f"), text("false"), Value::Null, Value::Null]);
        assert_eq!(row(&attempt(false, Some(404))), [text("f"), text("true"), Value::Null, Value::Null]);
        let died = text("FunctionUnhandledError");
        assert_eq!(row(&attempt(false, None)), [text("f"), text("true"), died, Value::Null]);
    }
}
