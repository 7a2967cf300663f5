//! Reads a request as JSON on stdin and prints the intermediates of its signature as JSON.
//!
//! For debugging `SignatureDoesNotMatch`: compare `string_to_sign` with the text in the server's response.
//!
//! ```sh
//! echo '{"algorithm":"hmac-sha1","method":"GET","params":{"Action":"DescribeRegions"},"access_key_secret":"testsecret"}' |
//!     cargo run -p signing --example sign
//! ```
//!
//! With `"algorithm":"acs3-hmac-sha256"`, the request has the fields `method`, `path`, `query`, `headers` and `body`
//! (which may be null), with `access_key_id` and `access_key_secret`. Of the headers, those that the documents require
//! are signed.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use serde::Deserialize;
use serde_json::json;
use signing::acs3;

#[derive(Deserialize)]
#[serde(tag = "algorithm", deny_unknown_fields)]
enum Request {
    #[serde(rename = "hmac-sha1")]
    HmacSha1 { method: String, params: BTreeMap<String, String>, access_key_secret: String },
    #[serde(rename = "acs3-hmac-sha256")]
    Acs3HmacSha256 {
        method: String,
        path: String,
        #[serde(default)]
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        body: Option<String>,
        access_key_id: String,
        access_key_secret: String,
    },
}

/// A sample request, shown if the input cannot be read.
const SAMPLE: &str = r#"{"algorithm":"hmac-sha1","method":"GET","params":{"Action":"DescribeRegions"},"access_key_secret":"testsecret"}"#;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // If this fails too, there is nowhere left to report it.
            let _ = writeln!(io::stderr(), "sign: {problem}");
            ExitCode::from(64)
        }
    }
}

fn run() -> Result<(), String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input cannot be read: {error}"))?;
    if text.trim().is_empty() {
        return Err(format!("standard input is empty; give a request as JSON, such as\n{SAMPLE}"));
    }
    let request = serde_json::from_str(&text)
        .map_err(|error| format!("standard input is not a valid request: {error}; one looks like\n{SAMPLE}"))?;
    let answer = answer(request);
    writeln!(io::stdout(), "{answer:#}").map_err(|error| format!("the answer cannot be written: {error}"))
}

fn answer(asked: Request) -> serde_json::Value {
    match asked {
        Request::HmacSha1 { method, params, access_key_secret } => {
            let signed = signing::rpc::sign(&method, &pairs(&params), &access_key_secret);
            json!({
                "canonicalized_query_string": signed.canonicalized_query_string,
                "string_to_sign": signed.string_to_sign,
                "signature": signed.signature,
            })
        }
        Request::Acs3HmacSha256 { method, path, query, headers, body, access_key_id, access_key_secret } => {
            let mut headers = pairs(&headers);
            headers.retain(|(name, _)| acs3::must_be_signed(name));
            let body = body.unwrap_or_default();
            let request = acs3::Request {
                method: &method,
                path: &path,
                query: &pairs(&query),
                headers: &headers,
                body: body.as_bytes(),
            };
            let signed = acs3::sign(&request, &access_key_id, &access_key_secret);
            json!({
                "canonical_request": signed.canonical_request,
                "string_to_sign": signed.string_to_sign,
                "signature": signed.signature,
                "authorization": signed.authorization,
            })
        }
    }
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
