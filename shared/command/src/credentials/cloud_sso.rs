//! CloudSSO: a person signs in with a browser, and the aliyun CLI keeps a token of that. Nothing refreshes it.

use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    credentials::{
        error::SourceError,
        exchange::{EXCHANGE_TIMEOUT, Exchange},
        key::{self, Key},
    },
    http::{host, is_local, send},
};

/// A sign-in with CloudSSO.
#[derive(Clone, PartialEq, Eq)]
pub struct CloudSso {
    pub(crate) sign_in_url: String,
    pub(crate) account: String,
    pub(crate) access_configuration: String,
    pub(crate) access_token: String,
    /// When the access token expires, in Unix seconds.
    pub(crate) expires: i64,
    /// What gets a new one.
    pub(crate) remedy: String,
}

impl std::fmt::Debug for CloudSso {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudSso").field("account", &self.account).finish_non_exhaustive()
    }
}

impl CloudSso {
    /// Exchanges the access token for a key.
    pub(crate) async fn obtain(&self, exchange: &Exchange, place: &str) -> Result<Key, SourceError> {
        let failed = |problem: String| SourceError::new(place, problem, self.remedy.clone());
        if exchange.now().as_second() >= self.expires {
            return Err(failed(match Timestamp::from_second(self.expires) {
                Ok(at) if self.expires > 0 => format!("the sign-in with CloudSSO expired at {at}"),
                _ => "nobody has signed in with CloudSSO".to_owned(),
            }));
        }
        let url =
            endpoint(&self.sign_in_url).ok_or_else(|| failed("cloud_sso_sign_in_url is no https URL".to_owned()))?;
        let body = json!({"AccountId": self.account, "AccessConfigurationId": self.access_configuration});
        let post = exchange
            .http
            .for_url(&url)
            .post(url.clone())
            .bearer_auth(&self.access_token)
            .header("content-type", "application/json")
            .body(body.to_string());
        let host = host(&url);
        let answer = send(post, EXCHANGE_TIMEOUT)
            .await
            .map_err(|error| failed(format!("CloudSSO at {host} does not answer: {}", error.reason)))?;
        let value: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| failed(format!("CloudSSO at {host} answers with what is no JSON (HTTP {})", answer.status)))?;
        if !answer.is_success() {
            let code = key::code(&value).unwrap_or("no code");
            let refused =
                format!("CloudSSO refuses a key for the account {} (HTTP {}, {code})", self.account, answer.status);
            return Err(failed(refused));
        }
        let found = value.get("CloudCredential").unwrap_or(&Value::Null);
        Key::read(found, key::UPPER).map_err(|problem| failed(format!("CloudSSO gives no key: {problem}")))
    }
}

/// Returns `/cloud-credentials` on the host of the sign-in page.
fn endpoint(sign_in: &str) -> Option<Url> {
    let mut url: Url = sign_in.parse().ok()?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local(&url));
    if !is_safe || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_path("/cloud-credentials");
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exchange_is_on_the_host_of_the_sign_in_page() {
        let url = endpoint("https://signin-cn-shanghai.alibabacloudsso.com/start/login?x=1#y").unwrap();
        assert_eq!(url.as_str(), "https://signin-cn-shanghai.alibabacloudsso.com/cloud-credentials");
        for odd in ["http://signin.example.com/login", "https://a:b@signin.example.com/", "signin.example.com", ""] {
            assert_eq!(endpoint(odd), None, "{odd}");
        }
    }
}
