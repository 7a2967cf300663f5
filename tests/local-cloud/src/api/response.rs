//! API answers on the wire: JSON if the call asks for it, otherwise XML.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::Value;

use crate::api::parameters::Parameters;

/// Returns the answer to a successful call.
pub(crate) fn success(parameters: &Parameters, body: &Value, now: Timestamp) -> Response<Full<Bytes>> {
    let root = format!("{}Response", parameters.text("Action"));
    respond(parameters, &root, StatusCode::OK, body, now)
}

/// Returns the answer to a successful call with this text as its body.
pub(crate) fn literal(text: String, now: Timestamp) -> Response<Full<Bytes>> {
    with_headers("application/json;charset=utf-8", StatusCode::OK, text, now)
}

/// Returns the error envelope.
pub(crate) fn refusal(
    parameters: &Parameters,
    status: StatusCode,
    body: &Value,
    now: Timestamp,
) -> Response<Full<Bytes>> {
    respond(parameters, "Error", status, body, now)
}

fn respond(
    parameters: &Parameters,
    root: &str,
    status: StatusCode,
    body: &Value,
    now: Timestamp,
) -> Response<Full<Bytes>> {
    let as_json = parameters.get("Format").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    let (kind, text) = if as_json {
        ("application/json;charset=utf-8", body.to_string())
    } else {
        let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
        write_xml(&mut text, root, body);
        ("text/xml;charset=utf-8", text)
    };
    with_headers(kind, status, text, now)
}

fn with_headers(kind: &'static str, status: StatusCode, text: String, now: Timestamp) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    set_date(&mut response, now);
    response
}

/// Adds the time of the answer, by which clients correct their clocks.
pub(crate) fn set_date(response: &mut Response<Full<Bytes>>, now: Timestamp) {
    set_header(response, "date", &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
}

/// Adds a header to an answer.
pub(crate) fn set_header(response: &mut Response<Full<Bytes>>, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

/// Writes a value as an XML element. A list becomes a repeated element.
fn write_xml(text: &mut String, name: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| write_xml(text, name, item)),
        Value::Object(members) => {
            let _ = write!(text, "<{name}>");
            members.iter().for_each(|(member, inner)| write_xml(text, member, inner));
            let _ = write!(text, "</{name}>");
        }
        Value::String(content) => {
            let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let _ = write!(text, "<{name}>{content}</{name}>");
        }
        other => {
            let _ = write!(text, "<{name}>{other}</{name}>");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_in_xml_is_an_element_several_times() {
        let mut text = String::new();
        write_xml(&mut text, "R", &json!({"Tags": {"Tag": [{"Key": "a&b"}, {"Key": "c"}]}, "Total": 2}));
        assert_eq!(text, "<R><Tags><Tag><Key>a&amp;b</Key></Tag><Tag><Key>c</Key></Tag></Tags><Total>2</Total></R>");
    }
}
