//! A minimal API client that signs with the cloud's own code.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
};

use http::{Method, Request, header};
use serde_json::Value;

use super::http::{exchange, form, send};
use crate::{
    api::{
        acs3_signature, digest, operations,
        rpc_signature::{signature, string_to_sign},
    },
    ram::accounts::Credentials,
    world::clock::{Clock, iso},
};

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API refused the call.
    #[error("{action} was refused with {status} {code}: {message}")]
    Refused {
        /// The operation.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The code of the error envelope.
        code: String,
        /// The message of the error envelope.
        message: String,
    },
    /// There was no answer, or it is unreadable.
    #[error("{action} was not answered")]
    NoAnswer {
        /// The operation.
        action: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ApiError {
    /// Returns the code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::NoAnswer { .. } => None,
        }
    }
}

/// A client with one key.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) endpoint: String,
    pub(super) credentials: Credentials,
    pub(super) clock: Clock,
    version: Option<String>,
    acs3: bool,
}

impl Client {
    /// Returns a client of the cloud at an endpoint.
    pub fn new(endpoint: impl Into<String>, credentials: Credentials) -> Self {
        Self { endpoint: endpoint.into(), credentials, clock: Clock::real(), version: None, acs3: false }
    }

    /// Returns the client with another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Returns the client for one version of a product's API. Products share the names of some operations.
    pub fn with_version(self, version: &str) -> Self {
        Self { version: Some(version.to_owned()), ..self }
    }

    /// Returns the client with ACS3-HMAC-SHA256 instead of HMAC-SHA1.
    pub fn with_acs3(self) -> Self {
        Self { acs3: true, ..self }
    }

    /// Calls an operation.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, ApiError> {
        let unanswered = |source| ApiError::NoAnswer { action: action.to_owned(), source };
        let (status, text) = if self.acs3 {
            let request = self.acs3_request(action, parameters, "").map_err(|error| unanswered(error.into()))?;
            let answer = exchange(&self.endpoint, request).await.map_err(unanswered)?;
            (answer.status().as_u16(), answer.into_body())
        } else {
            let form = form(&self.sign("POST", self.parameters(action, parameters)));
            send(&self.endpoint, Method::POST, "/", form).await.map_err(unanswered)?
        };
        let body: Value = serde_json::from_str(&text).map_err(|error| unanswered(error.into()))?;
        if status == 200 && body["Success"] != Value::Bool(false) {
            return Ok(body);
        }
        let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Err(ApiError::Refused { action: action.to_owned(), status, code: field("Code"), message: field("Message") })
    }

    /// Builds a call signed with ACS3-HMAC-SHA256, with these parameters in the query and this form as its body.
    pub fn acs3_request(
        &self,
        action: &str,
        query: &[(&str, &str)],
        form: &str,
    ) -> Result<Request<String>, http::Error> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let query: BTreeMap<String, String> = query.iter().map(owned).collect();
        let (now, payload) = (iso(self.clock.now()), digest::sha256(form.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", self.endpoint.trim_start_matches("http://")),
            ("x-acs-action", action),
            ("x-acs-content-sha256", &payload),
            ("x-acs-date", &now),
            ("x-acs-signature-nonce", &nonce()),
            ("x-acs-version", self.version(action)),
        ];
        let token = self.credentials.security_token.as_deref().map(|token| ("x-acs-security-token", token));
        let headers: BTreeMap<String, String> = headers.iter().chain(token.iter()).map(owned).collect();
        let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
        let canonical = acs3_signature::canonical_request("POST", "/", &query, &headers, &names, &payload);
        let text = acs3_signature::string_to_sign(&canonical);
        let signature = acs3_signature::signature(&self.credentials.access_key_secret, &text);
        let (algorithm, key) = (acs3_signature::ALGORITHM, &self.credentials.access_key_id);
        let authorization = format!("{algorithm} Credential={key},SignedHeaders={names},Signature={signature}");
        let request = Request::post(format!("/?{}", acs3_signature::canonical_query(&query)));
        headers
            .into_iter()
            .fold(request, |request, (name, value)| request.header(name, value))
            .header(header::AUTHORIZATION, authorization)
            .body(form.to_owned())
    }

    fn version(&self, action: &str) -> &str {
        self.version.as_deref().or_else(|| operations::version_of(action)).unwrap_or(operations::VPC.version)
    }

    /// Returns the parameters of a call together with the common ones, without a signature.
    pub fn parameters(&self, action: &str, own: &[(&str, &str)]) -> BTreeMap<String, String> {
        let nonce = nonce();
        let now = iso(self.clock.now());
        let mut all: BTreeMap<String, String> = [
            ("Action", action),
            ("Version", self.version(action)),
            ("Format", "JSON"),
            ("AccessKeyId", &self.credentials.access_key_id),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce),
            ("Timestamp", &now),
        ]
        .into_iter()
        .chain(self.credentials.security_token.as_deref().map(|token| ("SecurityToken", token)))
        .chain(own.iter().copied())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        all.retain(|name, _| name != "Signature");
        all
    }

    /// Adds the signature for a call with this HTTP method.
    pub fn sign(&self, method: &str, mut parameters: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let text = string_to_sign(method, &parameters);
        parameters.insert("Signature".into(), signature(&self.credentials.access_key_secret, &text));
        parameters
    }
}

pub(super) fn nonce() -> String {
    let nonce = RandomState::new();
    format!("{:016x}{:016x}", nonce.hash_one(1), nonce.hash_one(2))
}
