//! Sessions in the accounts of the policy.

use std::sync::Arc;

use flow_log::{AccountId, Policy, RegionId, policy::AccountScope};
use openapi::{Client, Role, Session};

use crate::Job;

/// Opens the sessions of one invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sessions<'a> {
    pub(crate) client: &'a Client,
    pub(crate) policy: &'a Policy,
    /// What a session in another account may do at most.
    pub(crate) session_policy: &'a Arc<str>,
    pub(crate) job: &'a Job,
}

impl<'a> Sessions<'a> {
    /// Opens a session with the function's own credentials, in its own account. If that is not known, `account` stands
    /// for it.
    pub(crate) fn own(&self, account: &AccountId, region: &RegionId) -> Session<'a> {
        let Job { credentials, stop_at, calls, .. } = self.job;
        let own = self.job.account.as_ref().unwrap_or(account);
        self.client.session(credentials.clone(), own.clone(), region.clone(), *stop_at).counted_by(calls.clone())
    }

    /// Opens a session in `account`, in the role that the policy names for it. If the policy names none, the session
    /// uses the function's own credentials and account.
    pub(crate) fn in_account(&self, account: &AccountId, region: &RegionId) -> Session<'a> {
        let session = self.own(account, region);
        let (arn, external_id) = match self.policy.account_scope(self.job.account.as_ref(), account) {
            AccountScope::Named(member) => (member.role.clone(), member.external_id.clone()),
            AccountScope::InDirectory(directory) => (directory.role_in(account), directory.external_id.clone()),
            AccountScope::Own | AccountScope::Out(_) => return session,
        };
        session.in_role(Role { arn, external_id, session_policy: Some(Arc::clone(self.session_policy)) })
    }
}

#[cfg(test)]
mod tests {
    use openapi::{ClientSettings, Credentials, OsRng, SystemClock};

    use super::*;
    use crate::testing;

    /// Checks in which account a session for each account works, and in which role.
    fn check(policy: &str, cases: &[(Option<&str>, &str, &str, Option<&str>)]) {
        let client = Client::new(ClientSettings::default(), Arc::new(SystemClock), Arc::new(OsRng));
        let policy = testing::policy(policy);
        let (region, session_policy) = ("cn-hangzhou".parse().unwrap(), "{}".into());
        for (own, account, works_in, in_role) in cases {
            let job = Job {
                account: own.map(|own| own.parse().unwrap()),
                credentials: Credentials::new("the-functions-key", "secret"),
                ..testing::job()
            };
            let sessions = Sessions { client: &client, policy: &policy, session_policy: &session_policy, job: &job };
            let session = sessions.in_account(&account.parse().unwrap(), &region);
            assert_eq!(session.account().as_str(), *works_in, "{own:?} {account}");
            let text = format!("{session:?}");
            assert_eq!(text.contains(":role/"), in_role.is_some(), "{own:?} {account}: {text}");
            assert_eq!(text.contains("the-functions-key"), in_role.is_none(), "{own:?} {account}: {text}");
            assert!(in_role.is_none_or(|role| text.contains(role)), "{own:?} {account}: {text}");
        }
    }

    #[test]
    fn work_in_an_account_of_the_policy_is_done_in_its_role_and_all_other_with_the_functions_own_key() {
        let policy = "accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}, {id: \"2\", role: \"acs:ram::2:role/a\"}]";
        check(
            policy,
            &[
                (Some("1"), "2", "2", Some("acs:ram::2:role/a")),
                (Some("1"), "1", "1", None),
                // The policy names no role for this account, so the session stays in the function's own account.
                (Some("1"), "3", "1", None),
                (None, "3", "3", None),
                (None, "2", "2", Some("acs:ram::2:role/a")),
            ],
        );
    }

    #[test]
    fn work_in_an_account_of_a_resource_directory_is_done_in_the_role_of_that_name() {
        let policy = "accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]\n\
                      resource_directory: {role: b, external_id: agreed, exclude: {accounts: [\"4\"]}}";
        check(
            policy,
            &[
                (Some("1"), "1", "1", None),
                (Some("1"), "2", "2", Some("acs:ram::2:role/a")),
                (Some("1"), "3", "3", Some("acs:ram::3:role/b")),
                (Some("1"), "4", "1", None),
                (None, "3", "3", Some("acs:ram::3:role/b")),
            ],
        );
    }
}
