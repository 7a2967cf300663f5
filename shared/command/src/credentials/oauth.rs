//! OAuth: a person signs in with a browser, and the aliyun CLI keeps an access token and a refresh token.
//!
//! The refresh token is never used. The service replaces it with each use, so a program that does not write the new one
//! back signs the person out, and the command writes no file of the aliyun CLI.

use jiff::Timestamp;
use reqwest::{Url, header::CONTENT_LENGTH};
use serde_json::Value;

use crate::{
    credentials::{
        error::SourceError,
        exchange::{EXCHANGE_TIMEOUT, Exchange},
        key::{self, Key},
    },
    http::{host, send},
};

/// Where the person signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// The site of mainland China.
    China,
    /// The international site.
    International,
}

impl Site {
    const fn host(self) -> &'static str {
        match self {
            Self::China => "https://oauth.aliyun.com/",
            Self::International => "https://oauth.alibabacloud.com/",
        }
    }
}

/// A sign-in with OAuth.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuth {
    pub(crate) site: Site,
    pub(crate) access_token: String,
    /// When the access token expires, in Unix seconds.
    pub(crate) expires: i64,
    /// What gets a new one.
    pub(crate) remedy: String,
}

impl std::fmt::Debug for OAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OAuth").field("site", &self.site).finish_non_exhaustive()
    }
}

impl OAuth {
    /// Exchanges the access token for a key.
    pub(crate) async fn obtain(&self, exchange: &Exchange, place: &str) -> Result<Key, SourceError> {
        let failed = |problem: String| SourceError::new(place, problem, self.remedy.clone());
        if exchange.now().as_second() >= self.expires {
            return Err(failed(match Timestamp::from_second(self.expires) {
                Ok(at) if self.expires > 0 => format!(
                    "the OAuth access token expired at {at}; it is not refreshed here, since that would sign the aliyun \
                     CLI out"
                ),
                _ => "nobody has signed in with OAuth".to_owned(),
            }));
        }
        let base = match &exchange.hosts.oauth {
            Some(base) => Some(base.clone()),
            None => self.site.host().parse().ok(),
        };
        let url: Url = base
            .and_then(|base| base.join("v1/exchange").ok())
            .ok_or_else(|| failed("the address of the OAuth service is none".to_owned()))?;
        let post =
            exchange.http.for_url(&url).post(url.clone()).bearer_auth(&self.access_token).header(CONTENT_LENGTH, "0");
        let host = host(&url);
        let answer = send(post, EXCHANGE_TIMEOUT)
            .await
            .map_err(|error| failed(format!("{host} does not answer: {}", error.reason)))?;
        let value: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| failed(format!("{host} answers with what is no JSON (HTTP {})", answer.status)))?;
        if !answer.is_success() {
            let code = key::code(&value).unwrap_or("no code");
            return Err(failed(format!("{host} refuses the access token (HTTP {}, {code})", answer.status)));
        }
        Key::read(&value, key::CAMEL).map_err(|problem| failed(format!("{host} gives no key: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_has_an_exchange_of_its_own() {
        assert_eq!(Site::China.host(), "https://oauth.aliyun.com/");
        assert_eq!(Site::International.host(), "https://oauth.alibabacloud.com/");
    }
}
