//! How the functions differ.

use flow_log::{Action, Policy, policy::Regions};

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
    /// Resources, orphans and routers: what the command looks at in one run.
    Everything,
    /// All of Flowkeeper's own flow logs, to remove them. The policy only says where they are.
    Own,
}

impl Selection {
    /// Whether it has every resource at a level of the policy.
    pub(crate) const fn has_all_resources(self) -> bool {
        matches!(self, Self::Resources | Self::Everything)
    }

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
            Self::Own => &[
                "vpc:DescribeFlowLogs",
                "expressconnectrouter:DescribeExpressConnectRouter",
                "expressconnectrouter:DescribeFlowLogs",
            ],
            Self::Everything => &[
                "vpc:DescribeVpcs",
                "vpc:DescribeVSwitches",
                "ecs:DescribeNetworkInterfaces",
                "vpc:DescribeFlowLogs",
                "expressconnectrouter:DescribeExpressConnectRouter",
                "expressconnectrouter:DescribeExpressConnectRouterChildInstance",
                "expressconnectrouter:DescribeFlowLogs",
            ],
        }
    }
}

impl Capabilities {
    /// All that the sweeps of `remediate-flow-logs`, `delete-orphaned-flow-logs` and `create-ecr-flow-log` may do: what
    /// plans and reports are made of. With a client that only reads, none of it is done.
    #[must_use]
    pub const fn everything(function: &'static str) -> Self {
        Self {
            function,
            selects: Selection::Everything,
            actions: &[
                Action::CreateFlowLog,
                Action::ActiveFlowLog,
                Action::DeactiveFlowLog,
                Action::ModifyFlowLogAttribute,
                Action::MoveResourceGroup,
                Action::TagResources,
                Action::DeleteFlowLog,
                Action::CreateProject,
                Action::CreateLogStore,
                Action::UpdateLogStore,
                Action::CreateIndex,
                Action::EcrCreateFlowLog,
                Action::EcrModifyFlowLogAttribute,
                Action::EcrActivateFlowLog,
                Action::EcrDeactivateFlowLog,
            ],
            repairs: true,
        }
    }

    /// Whether the function may make this kind of write.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }

    /// Returns the session policy with which this function assumes a role in another account.
    ///
    /// The role there serves all functions, so the session policy narrows it to this function's own reads and writes. It
    /// allows those of Log Service for the projects that the policy may create, and for no others. It allows no write
    /// at all unless the client `may_write`.
    #[must_use]
    pub fn session_policy(&self, policy: &Policy, may_write: bool) -> String {
        session_policy(&self.statements(policy, may_write))
    }

    /// Returns the session policy of a run that only reads, and reads what evidence needs as well: whether the flow log
    /// service is open, and what arrives in Logstores. Which ones is known only when the flow logs have been read. With
    /// `costs`, it reads what flow logs cost, too.
    pub(crate) fn session_policy_for_evidence(&self, policy: &Policy, costs: bool) -> String {
        let reads: Vec<_> = EVIDENCE_READS.into_iter().chain(COST_READS.into_iter().filter(|_| costs)).collect();
        let more = allow(&reads, &["*".to_owned()]);
        session_policy(&format!("{},{more}", self.statements(policy, false)))
    }

    fn statements(&self, policy: &Policy, may_write: bool) -> String {
        let (of_log_service, others): (Vec<Action>, Vec<_>) =
            self.actions.iter().partition(|action| action.product() == LOG_SERVICE);
        let reads_destinations = !of_log_service.is_empty();
        let [of_log_service, others] =
            [of_log_service, others].map(|actions| if may_write { actions } else { Vec::new() });
        let with = |reads: &[&'static str], writes: &[Action]| -> Vec<_> {
            reads.iter().copied().chain(writes.iter().map(|action| action.permission())).collect()
        };
        let mut reads = self.selects.reads().to_vec();
        // Express Connect Routers belong to no region.
        if policy.regions == Regions::All && self.selects != Selection::Routers {
            reads.push("vpc:DescribeRegions");
        }
        let mut statements = allow(&with(&reads, &others), &["*".to_owned()]);
        let projects = policy.created_projects();
        if reads_destinations && !projects.is_empty() {
            let resources: Vec<_> = projects
                .iter()
                .map(|name| format!("acs:log:*:*:project/{name}"))
                .flat_map(|project| [format!("{project}/logstore/*"), project])
                .collect();
            let statement = allow(&with(&DESTINATION_READS, &of_log_service), &resources);
            statements = format!("{statements},{statement}");
        }
        statements
    }
}

fn session_policy(statements: &str) -> String {
    format!(r#"{{"Version":"1","Statement":[{statements}]}}"#)
}

/// The product of the actions that create destinations.
const LOG_SERVICE: &str = "log";

/// The RAM actions of the reads that tell whether a destination is there.
const DESTINATION_READS: [&str; 3] = ["log:GetProject", "log:GetLogStore", "log:GetIndex"];

/// The RAM actions of the reads that only evidence needs. An interface is asked for where a flow log is silent, and the
/// regions tell what is outside the scope.
const EVIDENCE_READS: [&str; 7] = [
    "vpc:DescribeRegions",
    "vpc:GetFlowLogServiceStatus",
    "ecs:DescribeNetworkInterfaces",
    "log:GetProject",
    "log:GetLogStore",
    "log:GetIndex",
    "log:GetLogStoreLogs",
];

/// The RAM actions of the reads that only costs need.
const COST_READS: [&str; 3] = ["log:GetLogStoreMeteringMode", "cms:QueryMetricList", "bss:DescribeBillList"];

/// Returns a statement of a RAM policy.
fn allow(actions: &[&str], resources: &[String]) -> String {
    let (actions, resources) = (actions.join(r#"",""#), resources.join(r#"",""#));
    format!(r#"{{"Effect":"Allow","Action":["{actions}"],"Resource":["{resources}"]}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest session policy that STS accepts, in characters.
    const MAX_SESSION_POLICY: usize = 2048;

    /// A statement: its actions, and its resources.
    type Statement = (Vec<String>, Vec<String>);

    /// The statements of the session policy of a function with these actions.
    fn statements(selects: Selection, actions: &'static [Action], policy: &str) -> Vec<Statement> {
        let capabilities = Capabilities { function: "a-function", selects, actions, repairs: false };
        let text = capabilities.session_policy(&Policy::parse(policy).unwrap(), true);
        assert!(text.len() < MAX_SESSION_POLICY, "{} characters: {text}", text.len());
        let session_policy: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(session_policy["Version"], "1");
        let list = |value: &serde_json::Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        let read = |statement: &serde_json::Value| {
            assert_eq!(statement["Effect"], "Allow");
            (list(&statement["Action"]), list(&statement["Resource"]))
        };
        session_policy["Statement"].as_array().unwrap().iter().map(read).collect()
    }

    #[test]
    fn a_session_policy_allows_the_functions_own_actions_and_no_others() {
        let actions = &[Action::CreateFlowLog, Action::EcrModifyFlowLogAttribute];
        let policy = "flow_log: {project: flowlog, log_store: vpc, create_destination: {retention_days: 7}}";
        let found = statements(Selection::Routers, actions, policy);
        let [(allowed, resources)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            allowed,
            &[
                "expressconnectrouter:DescribeExpressConnectRouter",
                "expressconnectrouter:DescribeExpressConnectRouterChildInstance",
                "expressconnectrouter:DescribeFlowLogs",
                "vpc:CreateFlowLog",
                "expressconnectrouter:ModifyFlowLogAttribute",
            ]
        );
        assert_eq!(resources, &["*"]);
    }

    #[test]
    fn the_session_policy_of_a_client_that_only_reads_allows_no_write() {
        let policy = "flow_log: {project: flowlog, log_store: vpc, create_destination: {retention_days: 7}}";
        let capabilities = Capabilities {
            function: "a-command",
            selects: Selection::Everything,
            actions: &Action::ALL,
            repairs: true,
        };
        let text = capabilities.session_policy(&Policy::parse(policy).unwrap(), false);
        let is_allowed = |permission: &str| text.contains(&format!("\"{permission}\""));
        assert!(Action::ALL.iter().all(|action| !is_allowed(action.permission())), "{text}");
        assert!(is_allowed("vpc:DescribeFlowLogs") && is_allowed("log:GetLogStore"), "{text}");
    }

    #[test]
    fn the_session_policy_of_evidence_allows_more_reads_and_no_write() {
        let policy =
            "flow_log: {project: flowlog, log_store: vpc, create_destination: {retention_days: 7}}\nregions: all";
        let capabilities = Capabilities {
            function: "a-command",
            selects: Selection::Everything,
            actions: &Action::ALL,
            repairs: true,
        };
        let text = capabilities.session_policy_for_evidence(&Policy::parse(policy).unwrap(), true);
        assert!(text.len() < MAX_SESSION_POLICY, "{} characters: {text}", text.len());
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let is_allowed = |permission: &str| text.contains(&format!("\"{permission}\""));
        assert!(Action::ALL.iter().all(|action| !is_allowed(action.permission())), "{text}");
        assert!(EVIDENCE_READS.iter().chain(&COST_READS).all(|action| is_allowed(action)), "{text}");
        let less = capabilities.session_policy_for_evidence(&Policy::parse(policy).unwrap(), false);
        assert!(COST_READS.iter().all(|action| !less.contains(action)), "{less}");
    }

    #[test]
    fn an_account_is_asked_for_its_regions_only_if_the_policy_names_all() {
        for (selects, regions, expected) in [
            (Selection::Resources, "all", true),
            (Selection::Orphans, "all", true),
            (Selection::Routers, "all", false),
            (Selection::Resources, "[cn-hangzhou]", false),
        ] {
            let policy = format!("flow_log: {{project: flowlog, log_store: vpc}}\nregions: {regions}");
            let found = statements(selects, &[Action::CreateFlowLog], &policy);
            let is_allowed = found[0].0.iter().any(|action| action == "vpc:DescribeRegions");
            assert_eq!(is_allowed, expected, "{selects:?} {regions}");
        }
    }

    #[test]
    fn destinations_may_be_created_under_the_names_that_the_policy_gives_them() {
        let actions = &[Action::CreateFlowLog, Action::CreateProject, Action::CreateLogStore, Action::CreateIndex];
        for (policy, resources) in [
            ("flow_log: {project: flowlog, log_store: vpc}", vec![]),
            (
                "flow_log: {project: flowlog, log_store: vpc, create_destination: {retention_days: 7}}",
                vec!["acs:log:*:*:project/flowlog/logstore/*", "acs:log:*:*:project/flowlog"],
            ),
            (
                "flow_log: {project: \"flowlog-{account}-{region}\", log_store: vpc}\n\
                 overrides: [{match: {ids: [vpc-1]}, create_destination: {retention_days: 7}}]",
                vec!["acs:log:*:*:project/flowlog-*/logstore/*", "acs:log:*:*:project/flowlog-*"],
            ),
        ] {
            let found = statements(Selection::Resources, actions, policy);
            assert!(found[0].0.iter().all(|action| !action.starts_with("log:")), "{found:?}");
            let for_destinations = &found[1..];
            assert_eq!(for_destinations.len(), usize::from(!resources.is_empty()), "{policy}");
            for (allowed, allowed_on) in for_destinations {
                let reads_and_writes = [
                    "log:GetProject",
                    "log:GetLogStore",
                    "log:GetIndex",
                    "log:CreateProject",
                    "log:CreateLogStore",
                    "log:CreateIndex",
                ];
                assert_eq!(allowed, &reads_and_writes);
                assert_eq!(allowed_on, &resources);
            }
        }
    }

    #[test]
    fn the_longest_session_policy_is_short_enough() {
        let name = |nth: usize| format!("{nth}{}", "a".repeat(62));
        let overrides: Vec<_> = (1..Policy::MAX_CREATED_PROJECTS)
            .map(|nth| format!("{{match: {{ids: [vpc-{nth}]}}, project: {}}}", name(nth)))
            .collect();
        let policy = format!(
            "flow_log: {{project: {}, log_store: vpc, create_destination: {{retention_days: 7}}}}\noverrides: [{}]",
            name(0),
            overrides.join(", ")
        ) + "\nregions: all";
        for selects in [Selection::Resources, Selection::Routers, Selection::Everything] {
            let found = statements(selects, &Action::ALL, &policy);
            assert_eq!(found[1].1.len(), 2 * Policy::MAX_CREATED_PROJECTS);
        }
    }
}
