//! Callers: the accounts' own keys, and the temporary keys that functions run with.

use std::{collections::BTreeMap, fmt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use jiff::Timestamp;
use serde::Serialize;

use crate::{api::rpc_signature::hmac_sha1, ram::policy::SessionPolicy};

/// The account that the cloud's own key and its functions belong to.
pub const OWN_ACCOUNT: &str = "1000000000000001";
/// A second account, accessed by assuming a role in it.
pub const SECOND_ACCOUNT: &str = "1000000000000002";
/// The access key of the own account, with all permissions.
pub const ACCESS_KEY_ID: &str = "test";
/// Its secret. It needs no protection, because the cloud listens only on the loopback interface.
pub const ACCESS_KEY_SECRET: &str = "test-secret";

/// The role in the second account. It trusts whom the template for member accounts names; without such a template, the
/// own account.
pub const SECOND_ACCOUNT_ROLE: &str = "acs:ram::1000000000000002:role/flowkeeper";
/// A role in the second account that nobody may assume.
pub const REFUSED_ROLE: &str = "acs:ram::1000000000000002:role/refused";

/// The lifetime of Function Compute's temporary keys.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(36 * 60 * 60);

/// The credentials that a client signs with.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// The id of the key.
    pub access_key_id: String,
    /// The secret that signs. It never leaves the client.
    pub access_key_secret: String,
    /// The security token, for temporary keys only.
    pub security_token: Option<String>,
}

impl Credentials {
    /// Returns the own account's key, `test` / `test-secret`.
    pub fn own() -> Self {
        Self { access_key_id: ACCESS_KEY_ID.into(), access_key_secret: ACCESS_KEY_SECRET.into(), security_token: None }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// An identity as the cloud sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The account that it belongs to, and whose resources it sees.
    pub account: String,
    /// `test`, or the name of the calling function.
    pub name: String,
    /// The role whose permissions it has; `None` for the account itself.
    pub role: Option<String>,
}

/// A key that the cloud knows.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) credentials: Credentials,
    pub(crate) caller: Caller,
    pub(crate) expires: Option<Timestamp>,
    /// Limits what the session may do; `None` for no limit beyond the role.
    pub(crate) session_policy: Option<SessionPolicy>,
}

impl Key {
    /// Returns the own account's key, which does not expire.
    fn lasting(caller: Caller) -> Self {
        Self { credentials: Credentials::own(), caller, expires: None, session_policy: None }
    }
}

/// All keys, by id.
pub(crate) struct Keys(BTreeMap<String, Key>);

impl Keys {
    pub(crate) fn new() -> Self {
        let caller = Caller { account: OWN_ACCOUNT.into(), name: ACCESS_KEY_ID.into(), role: None };
        Self([(ACCESS_KEY_ID.into(), Key::lasting(caller))].into())
    }

    /// Returns the secrets and tokens of all temporary keys, which must not leak.
    pub(crate) fn temporary_secrets(&self) -> Vec<String> {
        let keys = self.0.values().map(|key| &key.credentials).filter(|key| key.security_token.is_some());
        keys.flat_map(|key| [Some(key.access_key_secret.clone()), key.security_token.clone()]).flatten().collect()
    }

    pub(crate) fn get(&self, access_key_id: &str) -> Option<&Key> {
        self.0.get(access_key_id)
    }

    /// Returns whether a key was issued together with this token.
    pub(crate) fn issued(&self, token: &str) -> bool {
        self.0.values().any(|key| key.credentials.security_token.as_deref() == Some(token))
    }

    /// Issues a temporary key that acts as `caller` until it expires.
    pub(crate) fn issue(&mut self, caller: Caller, expires: Timestamp) -> Credentials {
        self.issue_within(caller, expires, None)
    }

    /// Issues a temporary key that is limited by a session policy, if there is one.
    pub(crate) fn issue_within(
        &mut self,
        caller: Caller,
        expires: Timestamp,
        session_policy: Option<SessionPolicy>,
    ) -> Credentials {
        let number = self.0.len();
        let derived = |part: &str| BASE64_STANDARD_NO_PAD.encode(hmac_sha1(part.as_bytes(), &number.to_be_bytes()));
        let credentials = Credentials {
            access_key_id: format!("STS.local{number:019}"),
            access_key_secret: derived("secret"),
            // As long and varied as real tokens: `+`, `/` and `=` have to survive the signature.
            security_token: Some(format!("CAIS+{}/{}==", derived("one"), derived("two"))),
        };
        let key = Key { credentials: credentials.clone(), caller, expires: Some(expires), session_policy };
        self.0.insert(credentials.access_key_id.clone(), key);
        credentials
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let credentials = Keys::new().issue(
            Caller { account: OWN_ACCOUNT.into(), name: "f".into(), role: Some("r".into()) },
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(format!("{credentials:?}"), r#"Credentials { access_key_id: "STS.local0000000000000000001", .. }"#);
    }
}
