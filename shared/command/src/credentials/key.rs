//! A key with what is known about it, and how services write one in JSON.

use jiff::Timestamp;
use serde_json::Value;
use signing::Credentials;

/// Credentials that can sign, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What signs.
    pub credentials: Credentials,
    /// When they expire. `None` if they do not, or if nobody says.
    pub expiration: Option<Timestamp>,
}

impl Key {
    /// A key without an end that is known.
    pub(crate) const fn new(credentials: Credentials) -> Self {
        Self { credentials, expiration: None }
    }

    /// Reads the members that every service calls nearly the same: `AccessKeyId`, `accessKeyId` or `access_key_id`.
    ///
    /// # Errors
    /// Names the member that is not there, or that cannot be read. It never shows a value.
    pub(crate) fn read(value: &Value, names: [&str; 4]) -> Result<Self, String> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let required = |name: &str| text(name).ok_or_else(|| format!("the answer has no {name}"));
        let [id, secret, token, expiration] = names;
        let credentials = Credentials::new(required(id)?, required(secret)?).with_security_token(required(token)?);
        let expiration = match text(expiration) {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| format!("the answer's {expiration} is no time, as in 2026-11-26T10:00:00Z"))?,
            ),
            None => None,
        };
        Ok(Self { credentials, expiration })
    }
}

/// The names that the metadata service, credentials URIs and CloudSSO use.
pub(crate) const UPPER: [&str; 4] = ["AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration"];
/// The names that OAuth uses.
pub(crate) const CAMEL: [&str; 4] = ["accessKeyId", "accessKeySecret", "securityToken", "expiration"];

/// Returns the code of a refusal, if it is a plain word. Anything else may hold a secret.
pub(crate) fn code(value: &Value) -> Option<&str> {
    let names = ["Code", "code", "ErrorCode", "error"];
    let found = names.iter().find_map(|name| value.get(name).and_then(Value::as_str))?;
    let is_word = (1..=64).contains(&found.len())
        && found.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    is_word.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_without_a_member_says_which_and_shows_no_value() {
        let whole = json!({"AccessKeyId": "STS.1", "AccessKeySecret": "planted", "SecurityToken": "planted",
            "Expiration": "2026-11-26T10:00:00Z"});
        let key = Key::read(&whole, UPPER).unwrap();
        assert_eq!(key.expiration.unwrap().to_string(), "2026-11-26T10:00:00Z");
        assert!(!format!("{key:?}").contains("planted"), "{key:?}");
        for name in &UPPER[..3] {
            let mut lacking = whole.clone();
            lacking.as_object_mut().unwrap().remove(*name);
            assert_eq!(Key::read(&lacking, UPPER).unwrap_err(), format!("the answer has no {name}"));
        }
        let mut odd = whole.clone();
        odd["Expiration"] = json!("planted");
        let problem = Key::read(&odd, UPPER).unwrap_err();
        assert!(problem.starts_with("the answer's Expiration is no time") && !problem.contains("planted"), "{problem}");
    }

    #[test]
    fn a_code_is_shown_only_if_it_is_a_word() {
        assert_eq!(code(&json!({"Code": "InvalidAccessToken"})), Some("InvalidAccessToken"));
        assert_eq!(code(&json!({"error": "invalid_grant"})), Some("invalid_grant"));
        assert_eq!(code(&json!({"Code": "the token planted is bad"})), None);
        assert_eq!(code(&json!([])), None);
    }
}
