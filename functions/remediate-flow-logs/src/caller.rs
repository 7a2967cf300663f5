//! Who changed a flow log: Flowkeeper itself, or somebody else.

use flow_log::policy::AccountScope;
use handler::{Caller, Context, is_function};
use reconcile::ROLE_SESSION_NAME;

/// Whether `caller`, an assumed role that ActionTrail writes as `role:session`, is a function of this deployment.
///
/// Flowkeeper's own changes already follow the policy, and handling them would only trigger this function again.
///
/// A role of the same name in another account belongs to somebody else. If the event does not say which account the
/// role is in, the caller counts as somebody else, too: one more read does no harm.
pub(crate) fn is_own(caller: &Caller, context: &Context<'_>) -> bool {
    let Some((role, session)) = caller.name.split_once(':') else { return false };
    let Some(account) = &caller.account else { return false };

    let prefix = context.function_name.and_then(|name| name.strip_suffix("remediate-flow-logs"));
    let is_function = prefix.and_then(|prefix| role.strip_prefix(prefix)).is_some_and(is_function);
    let is_role_of_policy = || {
        let arn = match context.policy.account_scope(context.account, account) {
            AccountScope::Named(member) => member.role.clone(),
            AccountScope::InDirectory(directory) => directory.role_in(account),
            AccountScope::Own | AccountScope::Out(_) => return false,
        };
        arn.as_str().ends_with(&format!(":role/{role}"))
    };
    is_function && context.account == Some(account) || session == ROLE_SESSION_NAME && is_role_of_policy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow_log::Policy;

    fn by(name: &str, account: &str) -> Caller {
        Caller { name: name.to_owned(), account: account.parse().ok() }
    }

    #[test]
    fn a_function_of_this_deployment_is_recognized_by_its_role_and_the_account_of_the_role() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"2\", role: \"acs:ram::2:role/keeper\"}]";
        let policy = Policy::parse(policy).unwrap();
        let own = "1".parse().unwrap();
        let here =
            Context { policy: &policy, function_name: Some("flowkeeper-remediate-flow-logs"), account: Some(&own) };
        for (name, account) in [
            ("flowkeeper-deactivate-flow-logs:session", "1"),
            ("flowkeeper-remediate-flow-logs:x", "1"),
            ("keeper:flowkeeper", "2"),
        ] {
            assert!(is_own(&by(name, account), &here), "{name} of {account}");
            // The same name in another account, or in an unknown one.
            for other in ["3", ""] {
                assert!(!is_own(&by(name, other), &here), "{name} of {other}");
            }
        }
        for (name, account) in [
            ("root", "1"),
            ("alice", "1"),
            ("other-remediate-flow-logs:x", "1"),
            ("flowkeeper-admin:x", "1"),
            ("flowkeeper-remediate-flow-logs:x", "2"),
            ("keeper:alice", "2"),
            ("eeper:flowkeeper", "2"),
            ("keeper:flowkeeper", "1"),
        ] {
            assert!(!is_own(&by(name, account), &here), "{name} of {account}");
        }
        let directory = "flow_log: {project: flowlog, log_store: vpc}\nresource_directory: {role: keeper}";
        let organization = Policy::parse(directory).unwrap();
        let in_organization = Context { policy: &organization, ..here };
        for (name, account, expected) in [
            ("keeper:flowkeeper", "2", true),
            ("keeper:alice", "2", false),
            ("eeper:flowkeeper", "2", false),
            ("keeper:flowkeeper", "1", false),
        ] {
            assert_eq!(is_own(&by(name, account), &in_organization), expected, "{name} of {account}");
        }
        let function = by("flowkeeper-remediate-flow-logs:x", "1");
        assert!(!is_own(&function, &Context { function_name: None, ..here }));
        assert!(!is_own(&function, &Context { account: None, ..here }));
    }
}
