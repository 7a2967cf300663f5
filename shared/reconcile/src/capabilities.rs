//! How the functions differ.

use std::fmt::Write as _;

use flow_log::Action;

/// How a function differs from the others, apart from its triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The name of the function.
    pub function: &'static str,
    /// The resources that it handles.
    pub selects: Selection,
    /// The writes that it may make. Its RAM role allows no others.
    pub actions: &'static [Action],
    /// Whether it repairs drift, within the limits of the policy's `remediate`.
    pub repairs: bool,
}

/// The resources that a function handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Every resource at a level of the policy.
    Resources,
    /// Resources whose flow log follows a schedule or a tag.
    Scheduled,
    /// Flowkeeper's own flow logs whose resource is gone.
    Orphans,
    /// The virtual border routers on Express Connect Routers.
    Routers,
}

impl Selection {
    /// Returns the RAM actions of the reads that the selection needs.
    const fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Resources | Self::Scheduled | Self::Orphans => {
                &["vpc:DescribeVpcs", "vpc:DescribeVSwitches", "ecs:DescribeNetworkInterfaces", "vpc:DescribeFlowLogs"]
            }
            Self::Routers => &[
                "expressconnectrouter:DescribeExpressConnectRouter",
                "expressconnectrouter:DescribeExpressConnectRouterChildInstance",
                "expressconnectrouter:DescribeFlowLogs",
            ],
        }
    }
}

impl Capabilities {
    /// Whether the function may make this kind of write.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }

    /// Returns the session policy with which this function assumes a role in another account.
    ///
    /// The role there serves all functions, so the session policy narrows it to this function's own reads and writes.
    #[must_use]
    pub fn session_policy(&self) -> String {
        let mut actions = String::new();
        let writes = self.actions.iter().map(|action| action.permission());
        for action in self.selects.reads().iter().copied().chain(writes) {
            let comma = if actions.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            _ = write!(actions, "{comma}\"{action}\"");
        }
        format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":["*"]}}]}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest session policy that STS accepts, in characters.
    const MAX_SESSION_POLICY: usize = 2048;

    #[test]
    fn a_session_policy_allows_the_functions_own_actions_and_no_others() {
        let actions = &[Action::CreateFlowLog, Action::EcrModifyFlowLogAttribute];
        let capabilities =
            Capabilities { function: "a-function", selects: Selection::Routers, actions, repairs: false };
        let policy: serde_json::Value = serde_json::from_str(&capabilities.session_policy()).unwrap();
        assert_eq!(policy["Version"], "1");
        let [statement] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
        let allowed: Vec<_> = statement["Action"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(
            allowed,
            [
                "expressconnectrouter:DescribeExpressConnectRouter",
                "expressconnectrouter:DescribeExpressConnectRouterChildInstance",
                "expressconnectrouter:DescribeFlowLogs",
                "vpc:CreateFlowLog",
                "expressconnectrouter:ModifyFlowLogAttribute",
            ]
        );
        assert!(capabilities.session_policy().len() <= MAX_SESSION_POLICY);
    }
}
