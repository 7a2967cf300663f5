//! Who did something to a flow log: others, or Flowkeeper itself.

use keeper_function::Circumstances;
use reconcile::ROLE_SESSION_NAME;

/// The functions that change flow logs. Where they are deployed, each has a name and a role of this name behind the same
/// prefix.
const FUNCTIONS: [&str; 5] = [
    "create-flow-log",
    "activate-flow-logs",
    "deactivate-flow-logs",
    "remediate-flow-logs",
    "delete-orphaned-flow-logs",
];

/// Whether `caller`, as ActionTrail writes an assumed role, `role:session`, is a function of this deployment. What such a
/// one does is wanted already, and to look at it would only wake this function once more.
pub(crate) fn is_own(caller: &str, circumstances: &Circumstances<'_>) -> bool {
    let Some((role, session)) = caller.split_once(':') else { return false };
    let prefix = circumstances.function_name.and_then(|name| name.strip_suffix("remediate-flow-logs"));
    let is_function = prefix.and_then(|prefix| role.strip_prefix(prefix)).is_some_and(|name| FUNCTIONS.contains(&name));
    let is_role_of_policy = || {
        let arn = format!(":role/{role}");
        circumstances.policy.accounts.iter().any(|member| member.role.as_str().ends_with(&arn))
    };
    is_function || session == ROLE_SESSION_NAME && is_role_of_policy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow_log::Policy;

    #[test]
    fn what_a_function_of_the_same_deployment_did_is_told_from_what_others_did() {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                      accounts: [{id: \"2\", role: \"acs:ram::2:role/keeper\"}]";
        let policy = Policy::parse(policy).unwrap();
        let here = Circumstances { policy: &policy, function_name: Some("flowkeeper-remediate-flow-logs") };
        for own in ["flowkeeper-deactivate-flow-logs:session", "flowkeeper-remediate-flow-logs:x", "keeper:flowkeeper"]
        {
            assert!(is_own(own, &here), "{own}");
        }
        for other in
            ["root", "alice", "other-remediate-flow-logs:x", "flowkeeper-admin:x", "keeper:alice", "eeper:flowkeeper"]
        {
            assert!(!is_own(other, &here), "{other}");
        }
        let nameless = Circumstances { function_name: None, ..here };
        assert!(!is_own("flowkeeper-remediate-flow-logs:x", &nameless));
    }
}
