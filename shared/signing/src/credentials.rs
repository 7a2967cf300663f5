//! Credentials for signing calls.

use std::fmt;

/// An access key, with its security token if it is temporary.
///
/// Equality and hash cover all three parts, so that a cache never returns what was obtained with another key. The
/// secret and the token cannot be printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
}

impl Credentials {
    /// A permanent key of a user or an account.
    pub fn new(access_key_id: impl Into<String>, access_key_secret: impl Into<String>) -> Self {
        Self { access_key_id: access_key_id.into(), access_key_secret: access_key_secret.into(), security_token: None }
    }

    /// Makes it a temporary key with this security token.
    #[must_use]
    pub fn with_security_token(self, token: impl Into<String>) -> Self {
        Self { security_token: Some(token.into()), ..self }
    }

    /// The public part of the key.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret part of the key. Only for signing.
    #[must_use]
    pub fn access_key_secret(&self) -> &str {
        &self.access_key_secret
    }

    /// The token of a temporary key.
    #[must_use]
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_a_token_cannot_be_printed() {
        let credentials = Credentials::new("STS.id", "the-secret").with_security_token("the-token");
        assert_eq!(format!("{credentials:?}"), r#"Credentials { access_key_id: "STS.id", .. }"#);
    }
}
