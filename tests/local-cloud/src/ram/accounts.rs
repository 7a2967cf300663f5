//! Accounts and callers: the accounts' own keys, and the temporary keys that functions run with.

use std::{collections::BTreeMap, fmt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use jiff::Timestamp;
use serde::Serialize;

use crate::{api::rpc_signature::hmac_sha1, ram::policy::SessionPolicy};

/// The account that the cloud's own key and its functions belong to.
pub const OWN_ACCOUNT: &str = "1000000000000001";
/// The first of the other accounts, each accessed by assuming a role in it.
pub const SECOND_ACCOUNT: &str = "1000000000000002";
/// The id of an account minus its number.
const BEFORE_FIRST: u64 = 1_000_000_000_000_000;
/// The access key of the own account, with all permissions.
pub const ACCESS_KEY_ID: &str = "test";
/// Its secret. It needs no protection, because the cloud listens only on the loopback interface.
pub const ACCESS_KEY_SECRET: &str = "test-secret";

/// The role in the second account; each of the other accounts has one of the same name. It trusts whom the template for
/// member accounts names; without such a template, the own account.
pub const SECOND_ACCOUNT_ROLE: &str = "acs:ram::1000000000000002:role/flowkeeper";
/// A role in the second account that nobody may assume.
pub const REFUSED_ROLE: &str = "acs:ram::1000000000000002:role/refused";

/// The accounts of a cloud, which are numbered from 1. Account 1 is the functions' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accounts(u32);

impl Accounts {
    /// Returns this many accounts. The functions' own account always exists.
    pub(crate) fn new(count: u32) -> Self {
        Self(count.max(1))
    }

    /// Returns the id of an account, given its number.
    fn id(number: u32) -> String {
        (BEFORE_FIRST + u64::from(number)).to_string()
    }

    /// Returns the ids of all accounts.
    pub(crate) fn ids(self) -> impl Iterator<Item = String> {
        (1..=self.0).map(Self::id)
    }

    pub(crate) fn has(self, id: &str) -> bool {
        // Leading zeros or a sign would make another id of the same number.
        let number = id.parse().ok().filter(|number: &u64| number.to_string() == id);
        number.is_some_and(|number| (BEFORE_FIRST + 1..=BEFORE_FIRST + u64::from(self.0)).contains(&number))
    }
}

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
        Self::of_account(OWN_ACCOUNT)
    }

    /// Returns the key of an account: `test` for the own one, and `test-` followed by its id for another. All have the
    /// same secret.
    pub fn of_account(account: &str) -> Self {
        let id = if account == OWN_ACCOUNT { ACCESS_KEY_ID.to_owned() } else { format!("{ACCESS_KEY_ID}-{account}") };
        Self { access_key_id: id, access_key_secret: ACCESS_KEY_SECRET.into(), security_token: None }
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
    /// The id of an account's key, such as `test`, or the name of the calling function.
    pub name: String,
    /// The role whose permissions it has; `None` for the account itself.
    pub role: Option<String>,
    /// The region of the calling function; `None` for anybody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Caller {
    /// Returns the ARN of its role, or of its account. ARNs have names of roles in lower case.
    pub(crate) fn arn(&self) -> String {
        match &self.role {
            Some(role) => arn(&self.account, &role.to_lowercase()),
            None => format!("acs:ram::{}:root", self.account),
        }
    }
}

/// Returns the ARN of a role, given its name in lower case.
pub(crate) fn arn(account: &str, role: &str) -> String {
    format!("acs:ram::{account}:role/{role}")
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
    /// Returns an account's own key, which does not expire.
    fn lasting(account: &str) -> Self {
        let credentials = Credentials::of_account(account);
        let name = credentials.access_key_id.clone();
        let caller = Caller { account: account.to_owned(), name, role: None, region: None };
        Self { credentials, caller, expires: None, session_policy: None }
    }
}

/// All keys.
pub(crate) struct Keys {
    accounts: Accounts,
    /// The temporary keys, by id. Those of the accounts are made when they are asked for.
    temporary: BTreeMap<String, Key>,
}

impl Keys {
    pub(crate) fn new(accounts: Accounts) -> Self {
        Self { accounts, temporary: BTreeMap::new() }
    }

    /// Returns the secrets and tokens of all temporary keys, which must not leak.
    pub(crate) fn temporary_secrets(&self) -> Vec<String> {
        let keys = self.temporary.values().map(|key| &key.credentials);
        keys.flat_map(|key| [Some(key.access_key_secret.clone()), key.security_token.clone()]).flatten().collect()
    }

    pub(crate) fn get(&self, access_key_id: &str) -> Option<Key> {
        self.temporary.get(access_key_id).cloned().or_else(|| self.lasting(access_key_id))
    }

    /// Returns the key of an account.
    fn lasting(&self, access_key_id: &str) -> Option<Key> {
        let account = match access_key_id.strip_prefix(ACCESS_KEY_ID)? {
            "" => Some(OWN_ACCOUNT),
            rest => rest.strip_prefix('-').filter(|account| *account != OWN_ACCOUNT && self.accounts.has(account)),
        };
        account.map(Key::lasting)
    }

    /// Returns whether a key was issued together with this token.
    pub(crate) fn issued(&self, token: &str) -> bool {
        self.temporary.values().any(|key| key.credentials.security_token.as_deref() == Some(token))
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
        let number = self.temporary.len() + 1;
        let derived = |part: &str| BASE64_STANDARD_NO_PAD.encode(hmac_sha1(part.as_bytes(), &number.to_be_bytes()));
        let credentials = Credentials {
            access_key_id: format!("STS.local{number:019}"),
            access_key_secret: derived("secret"),
            // As long and varied as real tokens: `+`, `/` and `=` have to survive the signature.
            security_token: Some(format!("CAIS+{}/{}==", derived("one"), derived("two"))),
        };
        let key = Key { credentials: credentials.clone(), caller, expires: Some(expires), session_policy };
        self.temporary.insert(credentials.access_key_id.clone(), key);
        credentials
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        let credentials = Keys::new(Accounts::new(1)).issue(
            Caller { account: OWN_ACCOUNT.into(), name: "f".into(), role: Some("r".into()), region: None },
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(format!("{credentials:?}"), r#"Credentials { access_key_id: "STS.local0000000000000000001", .. }"#);
    }
    #[test]
    fn accounts_are_numbered_and_no_other_id_is_one() {
        let accounts = Accounts::new(3);
        assert_eq!(accounts.ids().collect::<Vec<_>>(), ["1000000000000001", "1000000000000002", "1000000000000003"]);
        assert!(accounts.ids().all(|id| accounts.has(&id)));
        for id in ["1000000000000000", "1000000000000004", "01000000000000001", "+1000000000000001", "1", ""] {
            assert!(!accounts.has(id), "{id}");
        }
        assert!(Accounts::new(0).has(OWN_ACCOUNT), "the functions run somewhere");
    }

    #[test]
    fn each_account_has_a_key_of_its_own() {
        let keys = Keys::new(Accounts::new(2));
        let account = |id: &str| keys.get(id).map(|key| key.caller.account);
        assert_eq!(account("test").as_deref(), Some(OWN_ACCOUNT));
        assert_eq!(account("test-1000000000000002").as_deref(), Some(SECOND_ACCOUNT));
        for id in ["test-", "test-1000000000000001", "test-1000000000000003", "test1000000000000002", "tes", ""] {
            assert_eq!(account(id), None, "{id}");
        }
    }
}
