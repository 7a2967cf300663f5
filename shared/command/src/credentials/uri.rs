//! Credentials from a URI, as a helper beside the command serves them.

use reqwest::Url;
use serde_json::Value;
use settings::Settings;

use crate::{
    credentials::{
        environment::is_on,
        error::SourceError,
        exchange::{EXCHANGE_TIMEOUT, Exchange},
        key::{self, Key},
    },
    http::{host, is_local, send},
};

/// The variable with the URI.
pub(crate) const VARIABLE: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
/// The switch that forbids whatever a configuration file could make the command run or ask.
pub(crate) const DISABLED: &str = "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS";

/// A URI that answers with credentials. It may contain a secret, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialsUri(Url);

impl std::fmt::Debug for CredentialsUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CredentialsUri").field(&host(&self.0)).finish()
    }
}

impl CredentialsUri {
    /// Reads the URI. Plain http is for this machine and its host: the answer is a key.
    pub(crate) fn new(text: &str, env: &Settings, place: &str) -> Result<Self, SourceError> {
        if is_on(env, DISABLED) {
            let remedy = format!("unset {DISABLED}, or use another source");
            return Err(SourceError::new(place, format!("{DISABLED} forbids credentials from a URI"), remedy));
        }
        let url = text.parse::<Url>().ok().filter(|url| match url.scheme() {
            "https" => true,
            "http" => is_local(url),
            _ => false,
        });
        let problem = "the URI is neither https nor http to this machine, as in http://127.0.0.1:8080/credentials";
        url.map(Self).ok_or_else(|| SourceError::new(place, problem, "correct it, or use another source"))
    }

    /// Asks it.
    pub(crate) async fn obtain(&self, exchange: &Exchange, place: &str) -> Result<Key, SourceError> {
        let failed = |problem: String| {
            SourceError::new(place, format!("{} {problem}", host(&self.0)), "check what serves the URI")
        };
        let get = exchange.http.for_url(&self.0).get(self.0.clone());
        let answer =
            send(get, EXCHANGE_TIMEOUT).await.map_err(|error| failed(format!("does not answer: {}", error.reason)))?;
        let value: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| failed(format!("answers with what is no JSON (HTTP {})", answer.status)))?;
        let is_good = value.get("Code").is_none_or(|code| code == "Success");
        if answer.status != 200 || !is_good {
            let code = key::code(&value).unwrap_or("no code");
            return Err(failed(format!("refuses (HTTP {}, {code})", answer.status)));
        }
        Key::read(&value, key::UPPER).map_err(|problem| failed(format!("gives no key: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_and_its_host_alone() {
        let env = Settings::default();
        for (text, is_good) in [
            ("http://127.0.0.1:8080/x?token=planted", true),
            ("http://localhost/x", true),
            ("http://planted:planted@localhost/x", true),
            ("http://100.100.100.200/x", true),
            ("https://credentials.example.com/x", true),
            ("http://10.0.0.1/planted", false),
            ("file:///planted", false),
            ("planted", false),
        ] {
            let uri = CredentialsUri::new(text, &env, "x");
            assert_eq!(uri.is_ok(), is_good, "{text}");
            assert!(!format!("{uri:?}").contains("planted"), "{uri:?}");
        }
        let forbidden = Settings::from_pairs([(DISABLED, "1")]);
        let error = CredentialsUri::new("http://127.0.0.1/", &forbidden, "x").unwrap_err();
        assert!(error.problem.contains(DISABLED), "{error}");
    }
}
