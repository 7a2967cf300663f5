//! A tiny client of the API, which signs with the cloud's own code.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    accounts::Credentials,
    clock::{Clock, iso},
    operations,
    rpc_signature::{encode, signature, string_to_sign},
};

/// What a call was answered with, if not with success.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API refused.
    #[error("{action} was refused with {status} {code}: {message}")]
    Refused {
        /// The operation.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The code of the error envelope.
        code: String,
        /// Its message.
        message: String,
    },
    /// There was no answer, or none that can be read.
    #[error("{action} was not answered")]
    NoAnswer {
        /// The operation.
        action: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ApiError {
    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::NoAnswer { .. } => None,
        }
    }
}

/// A client with one key.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: String,
    credentials: Credentials,
    clock: Clock,
}

impl Client {
    /// A client of the cloud at an endpoint.
    pub fn new(endpoint: impl Into<String>, credentials: Credentials) -> Self {
        Self { endpoint: endpoint.into(), credentials, clock: Clock::real() }
    }

    /// The same with another idea of the time.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Calls an operation.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, ApiError> {
        let unanswered = |source| ApiError::NoAnswer { action: action.to_owned(), source };
        let form = form(&self.sign("POST", self.parameters(action, parameters)));
        let sent = send(&self.endpoint, Method::POST, "/", form).await;
        let (status, text) = sent.map_err(unanswered)?;
        let body: Value = serde_json::from_str(&text).map_err(|error| unanswered(error.into()))?;
        if status == 200 {
            return Ok(body);
        }
        let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Err(ApiError::Refused { action: action.to_owned(), status, code: field("Code"), message: field("Message") })
    }

    /// The parameters of a call with the common ones, still without a signature.
    pub fn parameters(&self, action: &str, own: &[(&str, &str)]) -> BTreeMap<String, String> {
        let nonce = RandomState::new();
        let nonce = format!("{:016x}{:016x}", nonce.hash_one(1), nonce.hash_one(2));
        let now = iso(self.clock.now());
        let mut all: BTreeMap<String, String> = [
            ("Action", action),
            ("Version", operations::version_of(action).unwrap_or("2016-04-28")),
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

    /// Adds the signature of a call by that method.
    pub fn sign(&self, method: &str, mut parameters: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let text = string_to_sign(method, &parameters);
        parameters.insert("Signature".into(), signature(&self.credentials.access_key_secret, &text));
        parameters
    }
}

/// Parameters as a query string or a form.
pub fn form(parameters: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// Sends one request on a connection of its own; answers with the status and the body.
pub async fn send(
    endpoint: &str,
    method: Method,
    path: &str,
    body: String,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let authority = endpoint.trim_start_matches("http://");
    let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(authority).await?)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::<Bytes>::from(body))?;
    let exchange = async {
        let response: Response<hyper::body::Incoming> = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let bytes: Bytes = response.into_body().collect().await?.to_bytes();
        drop(sender);
        Ok((status, String::from_utf8(bytes.into())?))
    };
    // Without the connection's own future nothing is sent; its errors are the exchange's too.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}
