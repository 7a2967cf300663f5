//! Credentials for signing calls.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use hmac::{Hmac, KeyInit as _};
use sha1::Sha1;

/// An access key, with its security token if it is temporary. Clones share it.
///
/// Equality and hash cover all three parts, so that a cache never returns what was obtained with another key. The
/// secret and the token cannot be printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials(Arc<Key>);

#[derive(Clone)]
struct Key {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    /// HMAC-SHA1 that has read the key, for the signatures of all calls: a fifth of the hashing of each.
    hmac_sha1: OnceLock<Hmac<Sha1>>,
    /// The part that contains a character that no key has. Every call asks.
    malformed_part: OnceLock<Option<&'static str>>,
}

impl Key {
    const fn parts(&self) -> (&String, &String, &Option<String>) {
        (&self.access_key_id, &self.access_key_secret, &self.security_token)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// Returns HMAC-SHA1 that has read a key, as RPC-style products use it.
pub(crate) fn hmac_sha1(access_key_secret: &str) -> Hmac<Sha1> {
    let key = [access_key_secret.as_bytes(), b"&"].concat();
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    Hmac::new_from_slice(&key).expect("a key of any length")
}

impl Credentials {
    /// A permanent key of a user or an account.
    pub fn new(access_key_id: impl Into<String>, access_key_secret: impl Into<String>) -> Self {
        let (access_key_id, access_key_secret) = (access_key_id.into(), access_key_secret.into());
        let (hmac_sha1, malformed_part) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Key { access_key_id, access_key_secret, security_token: None, hmac_sha1, malformed_part }))
    }

    /// Makes it a temporary key with this security token.
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<String>) -> Self {
        let key = Arc::make_mut(&mut self.0);
        (key.security_token, key.malformed_part) = (Some(token.into()), OnceLock::new());
        self
    }

    /// The public part of the key.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    /// The secret part of the key. Only for signing.
    #[must_use]
    pub fn access_key_secret(&self) -> &str {
        &self.0.access_key_secret
    }

    /// The token of a temporary key.
    #[must_use]
    pub fn security_token(&self) -> Option<&str> {
        self.0.security_token.as_deref()
    }

    /// Returns which part contains a character that no key has, such as a line break that was copied with it.
    #[must_use]
    pub fn malformed_part(&self) -> Option<&'static str> {
        *self.0.malformed_part.get_or_init(|| {
            let is_malformed = |text: &str| !text.bytes().all(|byte| byte.is_ascii_graphic());
            let parts = [
                ("access key id", Some(self.access_key_id())),
                ("access key secret", Some(self.access_key_secret())),
                ("security token", self.security_token()),
            ];
            parts.into_iter().find(|(_, text)| text.is_some_and(is_malformed)).map(|(part, _)| part)
        })
    }

    /// HMAC-SHA1 that has read the secret.
    pub(crate) fn hmac_sha1(&self) -> Hmac<Sha1> {
        self.0.hmac_sha1.get_or_init(|| hmac_sha1(&self.0.access_key_secret)).clone()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.0.access_key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_with_a_character_that_no_key_has_is_named() {
        let good = Credentials::new("STS.id", "the-secret").with_security_token("the+token/==");
        assert_eq!(good.malformed_part(), None);
        let without_token = Credentials::new("id", "secret");
        assert_eq!(without_token.malformed_part(), None);
        assert_eq!(without_token.with_security_token("a token").malformed_part(), Some("security token"));
        for odd in ["\n", " ", "\u{7f}", "云"] {
            let with = |part: &str| format!("a-part-of-more-than-{part}{odd}16-bytes");
            for (credentials, part) in [
                (Credentials::new(with("id"), "secret"), "access key id"),
                (Credentials::new("id", with("secret")), "access key secret"),
                (Credentials::new("id", "secret").with_security_token(with("token")), "security token"),
            ] {
                assert_eq!(credentials.malformed_part(), Some(part), "{odd:?}");
            }
        }
    }

    #[test]
    fn a_secret_and_a_token_cannot_be_printed() {
        let credentials = Credentials::new("STS.id", "the-secret").with_security_token("the-token");
        assert_eq!(format!("{credentials:?}"), r#"Credentials { access_key_id: "STS.id", .. }"#);
    }
}
