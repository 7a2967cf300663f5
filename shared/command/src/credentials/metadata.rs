//! The role of an ECS instance, from the metadata service in its second version. The first version, which answers any
//! request and so also one that somebody tricked a program into, is never asked.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;

use crate::{
    credentials::{
        error::SourceError,
        exchange::Exchange,
        key::{self, Key},
    },
    http::{NoAnswer, send},
};

/// How long each request may take: on a laptop nobody answers.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long the token of the metadata service is good for, in seconds.
const TOKEN_SECONDS: &str = "21600";
const TOKEN_TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
const CREDENTIALS_PATH: &str = "latest/meta-data/ram/security-credentials/";

/// The role of the instance that the command runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsRole {
    /// The name of the role; `None` to ask for it.
    pub(crate) name: Option<String>,
}

impl EcsRole {
    /// Asks the metadata service.
    pub(crate) async fn obtain(&self, exchange: &Exchange, place: &str) -> Result<Key, SourceError> {
        let base = &exchange.hosts.metadata;
        let failed = |problem: String| {
            SourceError::new(
                place,
                problem,
                "check that this is an ECS instance with a RAM role, and that its metadata service is on",
            )
        };
        let lost = |error: NoAnswer| failed(format!("the metadata service does not answer: {}", error.reason));
        let request = |method: Method, path: &str| -> Result<RequestBuilder, SourceError> {
            let url = join(base, path).ok_or_else(|| failed(format!("{path:?} is no role name")))?;
            Ok(exchange.http.for_url(base).request(method, url))
        };
        let put = request(Method::PUT, "latest/api/token")?.header(TOKEN_TTL_HEADER, TOKEN_SECONDS);
        let answer = send(put, TIMEOUT).await.map_err(lost)?;
        let token = String::from_utf8(answer.body.clone()).ok().map(|token| token.trim().to_owned());
        let token = token.filter(|token| answer.is_success() && is_header(token)).ok_or_else(|| {
            failed(format!("the metadata service gives no token of version 2 (HTTP {})", answer.status))
        })?;

        let get = async |path: &str| {
            let asked = request(Method::GET, path)?.header(TOKEN_HEADER, &token);
            let found = send(asked, TIMEOUT).await.map_err(lost)?;
            match found.status {
                200 => Ok(found.body),
                404 => Err(failed("the instance has no such RAM role (HTTP 404)".to_owned())),
                status => Err(failed(format!("the metadata service refuses (HTTP {status})"))),
            }
        };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => {
                let body = get(CREDENTIALS_PATH).await?;
                let name = String::from_utf8_lossy(&body).trim().to_owned();
                if name.is_empty() {
                    return Err(failed("the instance has no RAM role".to_owned()));
                }
                name
            }
        };
        if !is_role_name(&name) {
            return Err(failed("the name of the role is none".to_owned()));
        }
        let body = get(&format!("{CREDENTIALS_PATH}{name}")).await?;
        let value: Value = serde_json::from_slice(&body).map_err(|_| failed("the answer is no JSON".to_owned()))?;
        match value.get("Code").and_then(Value::as_str) {
            Some("Success") => {}
            _ => {
                let code = key::code(&value).unwrap_or("no code");
                return Err(failed(format!("the metadata service has no credentials of {name}: {code}")));
            }
        }
        Key::read(&value, key::UPPER).map_err(failed)
    }
}

fn join(base: &Url, path: &str) -> Option<Url> {
    base.join(path).ok()
}

fn is_header(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A name becomes part of a path, so it must not lead elsewhere.
fn is_role_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !text.starts_with('.')
}
