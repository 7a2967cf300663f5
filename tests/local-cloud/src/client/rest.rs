//! Calls of products whose operations are paths, signed with the cloud's own code.

use std::collections::BTreeMap;

use http::{Request, Response};

use super::{
    http::exchange,
    signed::{Client, nonce},
};
use crate::{
    api::{acs3_signature, digest},
    sls::signature::{self, Signable},
    world::clock::iso,
};

/// A request whose path names the operation, before it is signed.
#[derive(Debug, Clone, Copy)]
pub struct RestRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path, encoded as sent.
    pub path: &'a str,
    /// The query, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// More headers, all of which are signed.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a str,
}

type Answered = Result<Response<String>, Box<dyn std::error::Error + Send + Sync>>;

impl Client {
    /// Calls an operation of Function Compute's API.
    pub async fn function_compute(&self, action: &str, request: &RestRequest<'_>) -> Answered {
        exchange(&self.endpoint, self.function_compute_request(action, request)?).await
    }

    /// Builds a call of Function Compute's API, signed with ACS3-HMAC-SHA256.
    pub fn function_compute_request(
        &self,
        action: &str,
        request: &RestRequest<'_>,
    ) -> Result<Request<String>, http::Error> {
        let (now, payload, nonce) = (iso(self.clock.now()), digest::sha256(request.body.as_bytes()), nonce());
        let common = [
            ("content-type", "application/octet-stream"),
            ("host", self.endpoint.trim_start_matches("http://")),
            ("x-acs-action", action),
            ("x-acs-content-sha256", &payload),
            ("x-acs-date", &now),
            ("x-acs-signature-nonce", &nonce),
            ("x-acs-version", "2023-03-30"),
        ];
        let token = self.credentials.security_token.as_deref().map(|token| ("x-acs-security-token", token));
        let headers = common.into_iter().chain(token).chain(request.headers.iter().copied());
        let headers = owned(headers);
        let query = owned(request.query.iter().copied());
        let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
        let canonical =
            acs3_signature::canonical_request(request.method, request.path, &query, &headers, &names, &payload);
        let text = acs3_signature::string_to_sign(&canonical);
        let signature = acs3_signature::signature(&self.credentials.access_key_secret, &text);
        let (algorithm, key) = (acs3_signature::ALGORITHM, &self.credentials.access_key_id);
        let authorization = format!("{algorithm} Credential={key},SignedHeaders={names},Signature={signature}");
        build(request, &query, headers, authorization)
    }

    /// Calls an operation of Log Service, whose `host` names the project and the region.
    pub async fn log_service(&self, host: &str, request: &RestRequest<'_>) -> Answered {
        exchange(&self.endpoint, self.log_service_request(host, request)?).await
    }

    /// Builds a call of Log Service, signed with SLS4-HMAC-SHA256.
    pub fn log_service_request(&self, host: &str, request: &RestRequest<'_>) -> Result<Request<String>, http::Error> {
        let date = self.clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let (size, content) = (request.body.len().to_string(), digest::sha256(request.body.as_bytes()));
        let common = [
            ("content-type", "application/json"),
            ("host", host),
            ("x-log-apiversion", "0.6.0"),
            ("x-log-bodyrawsize", &size),
            ("x-log-content-sha256", &content),
            ("x-log-date", &date),
        ];
        let token = self.credentials.security_token.as_deref().map(|token| ("x-acs-security-token", token));
        let headers = owned(common.into_iter().chain(token).chain(request.headers.iter().copied()));
        let query = owned(request.query.iter().copied());
        let region = host.trim_end_matches(".log.aliyuncs.com").rsplit('.').next().unwrap_or_default();
        let signable = Signable {
            method: request.method,
            path: request.path,
            query: &query,
            headers: &headers,
            body: request.body.as_bytes(),
            region,
            date: &date,
        };
        let signature = signable.signature(&self.credentials.access_key_secret);
        let (algorithm, key, scope) = (signature::ALGORITHM, &self.credentials.access_key_id, signable.scope());
        let authorization = format!("{algorithm} Credential={key}/{scope},Signature={signature}");
        build(request, &query, headers, authorization)
    }
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn build(
    request: &RestRequest<'_>,
    query: &BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    authorization: String,
) -> Result<Request<String>, http::Error> {
    let query = acs3_signature::canonical_query(query);
    let mark = if query.is_empty() { "" } else { "?" };
    let built = Request::builder().method(request.method).uri(format!("{}{mark}{query}", request.path));
    let built = headers.into_iter().fold(built, |built, (name, value)| built.header(name, value));
    built.header("authorization", authorization).body(request.body.to_owned())
}
