//! Each role of `template.yml` follows least privilege.
//!
//! With its role, a function does its work. Without any one action, it is refused a call and reports that; the same
//! happens if the role in another account does not trust it. In other accounts, this also holds for the session policy.

use std::{collections::BTreeSet, future::Future, pin::Pin};

use flow_log::Policy;
use local_cloud::{
    Call, Client, Credentials, Directory, Invocation, LocalCloud, OWN_ACCOUNT, Operator, Options, Role, SECOND_ACCOUNT,
    SECOND_ACCOUNT_ROLE,
    template::{Function, Template, default_path},
};
use scenarios::{
    ACTIVATE, ACTIVATION, COLLECT, CREATE_ECR, CREATION, DEACTIVATE, DEACTIVATION, DELETE_ORPHANED, DELETION,
    ECR_CREATION, EVIDENCE_BUCKET, OPEN_SERVICE, REMEDIATE, REMEDIATION, REPORT, TIMER, forwarded, parameters,
    whole_cloud,
};
use tempfile::TempDir;

type Play = for<'a> fn(&'a LocalCloud, &'a Operator) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Work that makes a function use every action it can call.
struct Story {
    /// The name of the function's binary.
    function: &'static str,
    policy: &'static str,
    /// Sets up one account and triggers the function, which works in the other account, too.
    play: Play,
}

/// A policy with every level, so that every kind of resource is read, with every region and another account, and with
/// destinations to create.
const WIDE: &str = "\
flow_log: {project: example-project, log_store: example-logstore, name: kept, tags: {team: network}, \
           resource_group_id: rg-network}
replace: true
overrides:
  - {match: {ids: [vpc-none]}, coverage: vswitch}
  - {match: {ids: [vpc-nowhere]}, coverage: network-interface}
  - {match: {tags: {group: audit}}, resource_group_id: rg-audit}
  - {match: {tags: {logs: new}}, project: 'flowlog-new-{account}', create_destination: {retention_days: 180}}
  - {match: {tags: {logs: short}}, project: 'flowlog-short-{account}', create_destination: {retention_days: 180}}
regions: all
accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]
";

/// A story for each function of the template.
const STORIES: &[Story] = &[
    Story {
        function: "create-flow-log",
        policy: "flow_log: {project: 'flowlog-{account}', log_store: vpc, create_destination: {retention_days: 180}}\n\
                 overrides: [{match: {tags: {logs: more}}, log_store: more}]\n\
                 accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]\n",
        play: |cloud, on| Box::pin(new_resources(cloud, on)),
    },
    Story { function: "activate-flow-logs", policy: WIDE, play: |cloud, on| Box::pin(morning(cloud, on)) },
    Story { function: "deactivate-flow-logs", policy: WIDE, play: |cloud, on| Box::pin(evening(cloud, on)) },
    Story { function: "remediate-flow-logs", policy: WIDE, play: |cloud, on| Box::pin(tampering(cloud, on)) },
    Story { function: "delete-orphaned-flow-logs", policy: WIDE, play: |cloud, on| Box::pin(departures(cloud, on)) },
    Story {
        function: "create-ecr-flow-log",
        policy: "flow_log: {project: flowlog, log_store: vpc}\n\
                 ecr_flow_log: {project: example-project, log_store: example-logstore}\n\
                 accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]\n",
        play: |cloud, on| Box::pin(routers(cloud, on)),
    },
    Story {
        function: "report-flow-logs",
        policy: "flow_log: {project: 'flowlog-{account}', log_store: vpc, create_destination: {retention_days: 180}}\n\
                 overrides:\n\
                 - {match: {tags: {level: vswitch}}, coverage: vswitch}\n\
                 - {match: {tags: {level: eni}}, coverage: network-interface}\n\
                 regions: all\n\
                 ecr_flow_log: {project: example-project, log_store: example-logstore}\n\
                 accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]\n",
        play: |cloud, on| Box::pin(evidence(cloud, on)),
    },
    Story {
        function: "open-flow-log-service",
        policy: "flow_log: {project: flowlog, log_store: vpc}\n",
        play: |cloud, _| Box::pin(opening(cloud)),
    },
];

/// The one resource of the function that an action is limited to.
type Own = fn(&Function) -> Option<&String>;

/// Actions that a role allows for Function Compute itself. No call of the function needs them.
const FOR_OTHERS: &[(&str, Own)] = &[
    // Function Compute uses the role to write the function's log to the Logstore,
    ("log:PostLogStoreLogs", |function| function.log_store.as_ref()),
    // and to send failed events to the dead-letter queue.
    ("mns:SendMessage", |function| function.on_failure.as_ref()),
];

/// Creates a network interface with its VPC and vSwitch, and a VPC in another account, without the project that their
/// flow logs write to; then a VPC whose flow log writes to another Logstore.
async fn new_resources(cloud: &LocalCloud, on: &Operator) {
    for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
        cloud.without_project(account, "cn-hangzhou", &format!("flowlog-{account}"));
    }
    let vpc = on.create_vpc(&[]).await.unwrap();
    let vswitch = on.create_vswitch(&vpc).await.unwrap();
    on.create_network_interface(&vswitch).await.unwrap();
    cloud.operator("1000000000000002", "cn-hangzhou").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    on.create_vpc(&[("logs", "more")]).await.unwrap();
    cloud.settled().await.unwrap();
    on.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
}

const OWN: &[(&str, &str)] = &[
    ("Tag.1.Key", "managed-by"),
    ("Tag.1.Value", "flowkeeper"),
    ("Tag.2.Key", "team"),
    ("Tag.2.Value", "network"),
    ("FlowLogName", "kept"),
    ("Description", "Kept by Flowkeeper"),
    ("ResourceGroupId", "rg-network"),
];

/// Creates a VPC with a compliant own flow log.
async fn kept_vpc(cloud: &LocalCloud, on: &Operator, tags: &[(&str, &str)]) -> (String, String) {
    let vpc = on.create_vpc(tags).await.unwrap();
    let flow_log = on.create_flow_log("VPC", &vpc, OWN).await.unwrap();
    cloud.settled().await.unwrap();
    (vpc, flow_log)
}

/// Invokes a function as its timer does, and waits until it has swept each account. Then it counts how that ended, which
/// it would do ten minutes later.
async fn time_has_come(cloud: &LocalCloud, function: &str) {
    cloud.invoke(function, TIMER).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.invoke(function, COLLECT).await.unwrap();
}

async fn morning(cloud: &LocalCloud, on: &Operator) {
    let (_, flow_log) = kept_vpc(cloud, on, &[("flowkeeper", "on")]).await;
    on.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    time_has_come(cloud, ACTIVATE).await;
}

async fn evening(cloud: &LocalCloud, on: &Operator) {
    kept_vpc(cloud, on, &[("flowkeeper", "off")]).await;
    time_has_come(cloud, DEACTIVATE).await;
}

/// Creates a VPC for each kind of drift, and two whose flow logs write to a project that is missing, and to one that
/// keeps its records for a short time.
async fn tampering(cloud: &LocalCloud, on: &Operator) {
    for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
        cloud.without_project(account, "cn-hangzhou", &format!("flowlog-new-{account}"));
        cloud.with_log_store(account, "cn-hangzhou", &format!("flowlog-short-{account}"), "example-logstore");
    }
    on.create_vpc(&[("logs", "new")]).await.unwrap();
    on.create_vpc(&[("logs", "short")]).await.unwrap();
    on.create_vpc(&[]).await.unwrap();
    let (_, stopped) = kept_vpc(cloud, on, &[]).await;
    cloud.edit_flow_log(&stopped, |it| it.status = "Inactive".into());
    kept_vpc(cloud, on, &[("flowkeeper", "off")]).await;
    let (_, renamed) = kept_vpc(cloud, on, &[]).await;
    cloud.edit_flow_log(&renamed, |it| it.name = "theirs".into());
    let (_, untagged) = kept_vpc(cloud, on, &[]).await;
    cloud.edit_flow_log(&untagged, |it| _ = it.tags.remove("team"));
    let (_, moved) = kept_vpc(cloud, on, &[]).await;
    cloud.edit_flow_log(&moved, |it| it.resource_group_id = "rg-others".into());
    let (_, elsewhere) = kept_vpc(cloud, on, &[]).await;
    cloud.edit_flow_log(&elsewhere, |it| it.project = "their-project".into());
    kept_vpc(cloud, on, &[("group", "audit")]).await;
    time_has_come(cloud, REMEDIATE).await;
}

/// Orphans the flow log of a resource of each kind, and triggers the sweep, which covers the other account, too.
async fn departures(cloud: &LocalCloud, on: &Operator) {
    let vpc = on.create_vpc(&[]).await.unwrap();
    let vswitch = on.create_vswitch(&vpc).await.unwrap();
    let interface = on.create_network_interface(&vswitch).await.unwrap();
    for (kind, id) in [("NetworkInterface", &interface), ("VSwitch", &vswitch), ("VPC", &vpc)] {
        on.create_flow_log(kind, id, OWN).await.unwrap();
    }
    cloud.settled().await.unwrap();
    on.call("DeleteNetworkInterface", &[("NetworkInterfaceId", &interface)]).await.unwrap();
    on.call("DeleteVSwitch", &[("VSwitchId", &vswitch)]).await.unwrap();
    on.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    cloud.settled().await.unwrap();
    time_has_come(cloud, DELETE_ORPHANED).await;
}

/// Creates a virtual border router without a flow log, one whose flow log is inactive, one whose flow log should be
/// inactive, and one whose flow log has another name.
async fn routers(cloud: &LocalCloud, on: &Operator) {
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    on.create_router(&["vbr-1"]).await.unwrap();
    let inactive = on.create_router(&["vbr-2"]).await.unwrap();
    let flow_log = on.create_router_flow_log(&inactive, "vbr-2", &own).await.unwrap();
    let off = [("EcrId", inactive.as_str()), ("FlowLogId", &flow_log)];
    on.call_router("DeactivateFlowLog", &off).await.unwrap();
    let paused = on.create_router(&["vbr-3"]).await.unwrap();
    on.create_router_flow_log(&paused, "vbr-3", &own).await.unwrap();
    cloud.edit_router(&paused, |router| _ = router.tags.insert("flowkeeper".into(), "off".into()));
    let misnamed = on.create_router(&["vbr-4"]).await.unwrap();
    let renamed = on.create_router_flow_log(&misnamed, "vbr-4", &own).await.unwrap();
    cloud.edit_router_flow_log(&renamed, |it| it.name = "theirs".into());
    cloud.settled().await.unwrap();
    time_has_come(cloud, CREATE_ECR).await;
}

/// Creates a VPC without a flow log, one whose flow log delivers, one whose flow log writes to a project that is gone, and
/// a router.
async fn evidence(cloud: &LocalCloud, on: &Operator) {
    for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
        cloud.with_log_store(account, "cn-hangzhou", &format!("flowlog-{account}"), "vpc");
        cloud.edit_log_store(&format!("flowlog-{account}"), "vpc", |log_store| {
            let text = serde_json::json!({"type": "text"});
            log_store.index = Some(serde_json::json!({"keys": {
                "vpc-id": text, "vswitch-id": text, "eni-id": text, "log-status": text, "end": {"type": "long"},
            }}));
        });
    }
    on.create_vpc(&[]).await.unwrap();
    let caller = on.call("GetCallerIdentity", &[]).await.unwrap();
    for project in [&format!("flowlog-{}", caller["AccountId"].as_str().unwrap()), "gone"] {
        let vpc = on.create_vpc(&[]).await.unwrap();
        on.create_flow_log("VPC", &vpc, &[("ProjectName", project), ("LogStoreName", "vpc")]).await.unwrap();
    }
    on.create_router(&["vbr-1"]).await.unwrap();
    cloud.settled().await.unwrap();
    for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
        cloud.without_project(account, "cn-hangzhou", "gone");
    }
    time_has_come(cloud, REPORT).await;
}

async fn opening(cloud: &LocalCloud) {
    cloud.close_flow_log_service();
    cloud.invoke(OPEN_SERVICE, br#"{"accept_terms": true}"#).await.unwrap();
}

/// Each function of the template, with its role and story.
fn functions() -> Vec<(Function, Role, &'static Story)> {
    let template = Template::read(&default_path(), &parameters(), OWN_ACCOUNT, "cn-hangzhou").unwrap();
    let with_story = |function: Function| {
        let binary = &function.binary;
        let story = STORIES.iter().find(|story| story.function == binary);
        let story = story.unwrap_or_else(|| panic!("{binary} is new: write the story in which it makes every call"));
        let role = template.roles.iter().find(|role| Some(&role.name) == function.role.as_ref());
        (function.clone(), role.unwrap_or_else(|| panic!("{binary} has no role")).clone(), story)
    };
    template.functions.clone().into_iter().map(with_story).collect()
}

/// The actions in a role that the function itself needs. Function Compute mounts a bucket with those of OSS.
fn own_actions(role: &Role) -> Vec<String> {
    let is_own =
        |action: &String| !FOR_OTHERS.iter().any(|(others, _)| others == action) && !action.starts_with("oss:");
    role.allowed_actions().into_iter().filter(is_own).collect()
}

async fn played(story: &Story, options: Options) -> LocalCloud {
    played_in(OWN_ACCOUNT, story, options).await
}

async fn played_in(account: &str, story: &Story, options: Options) -> LocalCloud {
    let triggers_of = Some(format!("flowkeeper-{}", story.function));
    let forwarded = forwarded(&[(SECOND_ACCOUNT, "cn-hangzhou")]);
    // One region is enough, and that of the functions is always there.
    let regions = Vec::new();
    let mut options = Options { policy: Some(story.policy.to_owned()), triggers_of, forwarded, regions, ..options };
    if story.function == "report-flow-logs" {
        options.parameters.insert(EVIDENCE_BUCKET.0.to_owned(), EVIDENCE_BUCKET.1.to_owned());
    }
    let cloud = whole_cloud(options).await.unwrap();
    (story.play)(&cloud, &cloud.operator(account, "cn-hangzhou")).await;
    cloud
}

fn invocations(cloud: &LocalCloud, function: &Function) -> Vec<Invocation> {
    cloud.invocations().into_iter().filter(|invocation| invocation.function == function.name).collect()
}

/// The actions that were denied to a function.
fn denied(cloud: &LocalCloud, function: &Function) -> Vec<String> {
    let calls = cloud.calls().into_iter();
    let by_function = calls.filter(|call| call.caller.as_ref().is_some_and(|caller| caller.name == function.name));
    by_function.filter_map(|call| denied_action(&call)).collect()
}

/// The action that was denied to a call. Function Compute and Log Service do not name it.
fn denied_action(call: &Call) -> Option<String> {
    match call.code.as_deref() {
        Some("AccessDenied") => Some(format!("fc:{}", call.action)),
        // The right to count records has the name of an older call.
        Some("Unauthorized") if call.action == "GetLogsV2" => Some("log:GetLogStoreLogs".to_owned()),
        Some("Unauthorized") => Some(format!("log:{}", call.action)),
        _ => call.denied_action(),
    }
}

/// The codes with which the products deny an action.
const DENIALS: [&str; 4] = ["Forbidden.RAM", "NoPermission", "AccessDenied", "Unauthorized"];

#[tokio::test]
async fn each_function_works_with_its_role_in_the_template() {
    for (function, _, story) in functions() {
        let cloud = played(story, Options::default()).await;
        assert_eq!(denied(&cloud, &function), [""; 0], "{}", function.name);
        let invocations = invocations(&cloud, &function);
        assert!(!invocations.is_empty(), "the story of {} does not wake it", function.name);
        for invocation in invocations {
            assert!(invocation.success, "{}: {:#}", function.name, invocation.body);
        }
    }
}

#[tokio::test]
async fn a_function_fails_without_any_action_of_its_role_and_names_the_action() {
    for (function, role, story) in functions() {
        let actions = own_actions(&role);
        assert!(!actions.is_empty(), "{} allows nothing", role.id);
        for action in actions {
            let cloud = played(story, Options::default().without_permission(&role.id, &action)).await;
            let denied = denied(&cloud, &function);
            assert!(denied.contains(&action), "{} allows {action}, which no call of its function needs", role.id);
            let (_, operation) = action.split_once(':').unwrap();
            let says_so = |invocation: &Invocation| {
                let said = invocation.body.to_string();
                let code = DENIALS.iter().any(|code| said.contains(code));
                !invocation.success && code && said.contains(operation)
            };
            let invocations = invocations(&cloud, &function);
            assert!(invocations.iter().any(says_so), "without {action}: {invocations:#?}");
        }
    }
}

/// The account of the stories' policies, named by the policy and found in the directory.
const NAMED: &str = "accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]";
const IN_DIRECTORY: &str = "resource_directory: {role: flowkeeper}";

#[tokio::test]
async fn in_an_organization_a_function_may_ask_the_directory_what_it_needs_and_no_more() {
    let organization = || {
        let parameters = [("UseResourceDirectory".to_owned(), "true".to_owned())].into();
        Options { parameters, directory: Some(Directory::new()), ..Options::default() }
    };
    let with_directory = parameters().into_iter().chain(organization().parameters).collect();
    let template = Template::read(&default_path(), &with_directory, OWN_ACCOUNT, "cn-hangzhou").unwrap();
    let mut played_with = 0;
    for (function, role, story) in functions() {
        let role = template.roles.iter().find(|found| found.id == role.id).unwrap();
        let actions = role.allowed_actions().into_iter().filter(|action| action.starts_with("resourcemanager:"));
        let actions: Vec<_> = actions.collect();
        let lists = actions.iter().any(|action| action.ends_with(":ListAccounts"));
        let sweeps = !["create-flow-log", "open-flow-log-service"].contains(&function.binary.as_str());
        assert_eq!(lists, sweeps, "{} lists the accounts if it sweeps them", function.name);
        let policy = story.policy.replace(NAMED, IN_DIRECTORY);
        let of_organization = Story { policy: policy.leak(), ..*story };
        for action in actions {
            played_with += 1;
            let options = organization().without_permission(&role.id, &action);
            let cloud = played(&of_organization, options).await;
            assert!(denied(&cloud, &function).contains(&action), "{} allows {action}, which no call needs", role.id);
        }
        let cloud = played(&of_organization, organization()).await;
        assert_eq!(denied(&cloud, &function), [""; 0], "{}", function.name);
        assert!(invocations(&cloud, &function).iter().all(|invocation| invocation.success), "{}", function.name);
    }
    assert_eq!(played_with, 13, "GetAccount for seven functions, and ListAccounts for those that sweep");
}

/// Each function that works in other accounts, with the actions that it needs there and its story.
fn functions_of_members() -> Vec<(Function, BTreeSet<String>, &'static Story)> {
    let in_other_accounts = |(function, role, story): (Function, Role, _)| {
        let mut actions: BTreeSet<_> = own_actions(&role).into_iter().collect();
        // A function invokes itself, and lists the tasks of that, where it runs.
        actions.retain(|action| !action.starts_with("fc:"));
        actions.remove("sts:AssumeRole").then_some((function, actions, story))
    };
    functions().into_iter().filter_map(in_other_accounts).collect()
}

/// The actions that were denied to sessions in the other account, and the kind of policy that denied them.
fn denied_in_sessions(cloud: &LocalCloud) -> Vec<(String, String)> {
    let calls = cloud.calls().into_iter();
    let in_sessions = calls.filter(|call| {
        call.caller.as_ref().is_some_and(|caller| caller.account == SECOND_ACCOUNT && caller.role.is_some())
    });
    let denied = |call: Call| {
        let action = denied_action(&call)?;
        if call.answer["AccessDeniedDetail"].is_null() {
            // Log Service does not say which policy denied it. No other one does here.
            return Some((action, "SessionPolicy".to_owned()));
        }
        let detail = match &call.answer["AccessDeniedDetail"] {
            // Express Connect Router sends it as a string.
            serde_json::Value::String(text) => serde_json::from_str(text).unwrap(),
            detail => detail.clone(),
        };
        Some((action, detail["PolicyType"].as_str()?.to_owned()))
    };
    in_sessions.filter_map(denied).collect()
}

#[tokio::test]
async fn in_another_account_a_function_works_with_a_session_limited_to_its_own_rights() {
    for (function, actions, story) in functions_of_members() {
        let cloud = played_in(SECOND_ACCOUNT, story, Options::default()).await;
        assert_eq!(denied_in_sessions(&cloud), [], "{}", function.name);
        let invocations = invocations(&cloud, &function);
        assert!(!invocations.is_empty(), "the story of {} does not wake it", function.name);
        for invocation in invocations {
            assert!(invocation.success, "{}: {:#}", function.name, invocation.body);
        }
        let assumed = cloud.calls_of("AssumeRole");
        assert!(!assumed.is_empty(), "{} did not work in the other account", function.name);
        for call in assumed {
            let policy = call.parameters.get("Policy").unwrap_or_else(|| panic!("{} sent no policy", function.name));
            let allowed = actions_of(policy);
            assert_eq!(allowed, actions, "the session of {} differs from the role of the template", function.name);
        }
    }
}

/// The actions that a session policy allows.
fn actions_of(policy: &str) -> BTreeSet<String> {
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn in_another_account_a_function_fails_without_any_action_of_its_session_and_names_it() {
    for (function, actions, story) in functions_of_members() {
        for action in actions {
            let options = Options::default().without_permission_in_sessions(&function.name, &action);
            let cloud = played_in(SECOND_ACCOUNT, story, options).await;
            let denied = denied_in_sessions(&cloud);
            let expected = (action.clone(), "SessionPolicy".to_owned());
            assert!(denied.contains(&expected), "{} needs no {action} in another account: {denied:?}", function.name);
            let says_so = |invocation: &Invocation| {
                let said = invocation.body.to_string();
                let denials = [
                    format!("{action} is denied to AssumedRoleUser"),
                    format!("denied by sts or ram, action: {action}"),
                ];
                let is_denied = denials.iter().any(|denial| said.contains(denial));
                !invocation.success && is_denied && said.contains(SECOND_ACCOUNT)
            };
            let invocations = invocations(&cloud, &function);
            assert!(invocations.iter().any(says_so), "without {action}: {invocations:#?}");
        }
    }
}

#[tokio::test]
async fn the_session_of_a_function_may_not_make_the_calls_of_another() {
    // Here the role allows everything, and only the session policy limits the function.
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let on = cloud.operator(SECOND_ACCOUNT, "cn-hangzhou");
    let vpc = on.create_vpc(&[]).await.unwrap();
    let flow_log = on.create_flow_log("VPC", &vpc, OWN).await.unwrap();
    cloud.settled().await.unwrap();
    for (capabilities, action, may) in [
        (CREATION, "DeleteFlowLog", false),
        (ACTIVATION, "DeactiveFlowLog", false),
        (DEACTIVATION, "DeleteFlowLog", false),
        (REMEDIATION, "OpenFlowLogService", false),
        (ECR_CREATION, "DeleteFlowLog", false),
        (DEACTIVATION, "DeactiveFlowLog", true),
        (DELETION, "DeleteFlowLog", true),
    ] {
        let policy = capabilities.session_policy(&Policy::parse(WIDE).unwrap(), true);
        let role = [("RoleArn", SECOND_ACCOUNT_ROLE), ("RoleSessionName", "flowkeeper"), ("Policy", policy.as_str())];
        let assumed = cloud.call("AssumeRole", &role).await.unwrap();
        let of = |name: &str| assumed["Credentials"][name].as_str().unwrap().to_owned();
        let credentials = Credentials {
            access_key_id: of("AccessKeyId"),
            access_key_secret: of("AccessKeySecret"),
            security_token: Some(of("SecurityToken")),
        };
        let session = Client::new(cloud.endpoint(), credentials);
        let answer = session.call(action, &[("RegionId", "cn-hangzhou"), ("FlowLogId", &flow_log)]).await;
        cloud.settled().await.unwrap();
        let code = answer.as_ref().err().and_then(|error| error.code());
        assert_eq!(code, (!may).then_some("Forbidden.RAM"), "{action} of {}: {answer:?}", capabilities.function);
    }
    assert!(cloud.flow_logs().is_empty());
}

/// Copies of the templates in a folder of their own, in which the member account does not trust one function's role.
fn templates_without_trust_in(binary: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = default_path();
    for name in ["template.yml", "template-forward.yml"] {
        std::fs::copy(own.with_file_name(name), folder.path().join(name)).unwrap();
    }
    let member = std::fs::read_to_string(own.with_file_name("template-member.yml")).unwrap();
    let trusted = format!("role/${{Prefix}}-{binary}'");
    assert!(member.contains(&trusted), "{binary} is not trusted in other accounts");
    let member = member.replace(&trusted, "role/${Prefix}-another'");
    std::fs::write(folder.path().join("template-member.yml"), member).unwrap();
    folder
}

#[tokio::test]
async fn a_function_that_the_role_in_another_account_does_not_trust_fails_and_names_it() {
    for (function, role, story) in functions() {
        let needs_trust = own_actions(&role).iter().any(|action| action == "sts:AssumeRole");
        if !needs_trust {
            continue;
        }
        let folder = templates_without_trust_in(&function.binary);
        let template = Some(folder.path().join("template.yml"));
        let cloud = played(story, Options { template, ..Options::default() }).await;
        assert!(denied(&cloud, &function).contains(&"sts:AssumeRole".to_owned()), "{} is trusted", function.name);
        let says_so = |invocation: &Invocation| {
            let said = invocation.body.to_string();
            !invocation.success && ["NoPermission", "AssumeRolePolicy"].iter().all(|word| said.contains(word))
        };
        let invocations = invocations(&cloud, &function);
        assert!(invocations.iter().any(says_so), "{invocations:#?}");
    }
}

#[tokio::test]
async fn the_role_in_another_account_requires_the_external_id_of_its_stack() {
    for (given, succeeds) in [(", external_id: agreed", true), (", external_id: guessed", false), ("", false)] {
        let policy = format!(
            "flow_log: {{project: flowlog, log_store: vpc}}\nown_account: false\naccounts: [{{id: '1000000000000002', \
             role: 'acs:ram::1000000000000002:role/flowkeeper'{given}}}]\n"
        );
        let external_id = Some("agreed".to_owned());
        let cloud = whole_cloud(Options { policy: Some(policy), external_id, ..Options::default() }).await.unwrap();
        let invocation = cloud.invoke(REMEDIATE, TIMER).await.unwrap();
        assert_eq!(invocation.success, succeeds, "{given}: {:#}", invocation.body);
        assert_eq!(cloud.calls_of("AssumeRole")[0].status, if succeeds { 200 } else { 403 }, "{given}");
    }
}

#[tokio::test]
async fn foreign_flow_logs_are_out_of_reach_unless_the_stack_manages_them() {
    for (manage, status) in [("false", "Active"), ("true", "Inactive")] {
        let policy = "flow_log: {project: flowlog, log_store: vpc}\nforeign: manage\n";
        let options = Options {
            policy: Some(policy.to_owned()),
            parameters: [("ManageForeignFlowLogs".to_owned(), manage.to_owned())].into(),
            triggers_of: Some(DEACTIVATE.to_owned()),
            ..Options::default()
        };
        let cloud = whole_cloud(options).await.unwrap();
        let vpc = cloud.create_vpc(&[("flowkeeper", "off")]).await.unwrap();
        cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
        cloud.settled().await.unwrap();
        let invocation = cloud.invoke(DEACTIVATE, TIMER).await.unwrap();
        cloud.settled().await.unwrap();
        assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, status, "{:#}", invocation.body);
        assert_eq!(invocation.success, manage == "true", "a refusal is no success: {:#}", invocation.body);
    }
}

#[test]
fn function_compute_may_write_logs_and_send_dead_letters_and_nothing_else() {
    for (function, role, _) in functions() {
        for (action, resource_of) in FOR_OTHERS {
            let resource =
                resource_of(&function).unwrap_or_else(|| panic!("{} has nowhere to {action}", function.name));
            assert!(role.allows(action, resource, &[]), "{} does not allow {action} on {resource}", role.id);
            let another = format!("{resource}-of-others");
            assert!(!role.allows(action, &another, &[]), "{} allows {action} on {another}", role.id);
        }
    }
}

#[test]
fn the_role_of_the_report_only_reads_but_for_its_bucket() {
    let (_, role, _) = functions().into_iter().find(|(it, ..)| it.binary == "report-flow-logs").unwrap();
    let is_read = |action: &String| ["Describe", "Get", "List"].iter().any(|verb| action.contains(&format!(":{verb}")));
    let others: BTreeSet<_> = role.allowed_actions().into_iter().filter(|action| !is_read(action)).collect();
    let expected = [
        "fc:InvokeFunction",
        "log:PostLogStoreLogs",
        "mns:SendMessage",
        "oss:AbortMultipartUpload",
        "oss:DeleteObject",
        "oss:PutObject",
        "sts:AssumeRole",
    ];
    assert_eq!(others, expected.map(str::to_owned).into());
    for action in role.allowed_actions().iter().filter(|action| action.starts_with("oss:")) {
        for (object, is_allowed) in [("evidence", true), ("evidence/2026-11-27/a", true), ("others/a", false)] {
            let bucket = format!("acs:oss:*:*:{object}");
            assert_eq!(role.allows(action, &bucket, &[]), is_allowed, "{action} on {bucket}");
        }
    }
}

#[test]
fn a_foreign_flow_log_can_neither_be_deleted_nor_tagged_as_own_first() {
    let flow_log = |account: &str| format!("acs:vpc:cn-hangzhou:{account}:flowlog/fl-1");
    let main = default_path();
    let member = main.with_file_name("template-member.yml");
    for manage in ["false", "true"] {
        let with = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let manages = with("ManageForeignFlowLogs", manage);
        let of_members = [manages.clone(), with("MainAccountId", OWN_ACCOUNT)].into();
        for (template, parameters, account) in
            [(&main, [manages].into(), OWN_ACCOUNT), (&member, of_members, SECOND_ACCOUNT)]
        {
            let roles = Template::read(template, &parameters, account, "cn-hangzhou").unwrap().roles;
            assert!(!roles.is_empty());
            let calls = ["vpc:DeleteFlowLog", "vpc:TagResources", "vpc:UnTagResources", "vpc:MoveResourceGroup"];
            for (role, action) in roles.iter().flat_map(|role| calls.map(|action| (role, action))) {
                for tags in [&[][..], &[("managed-by", "others")]] {
                    assert!(
                        !role.allows(action, &flow_log(account), tags),
                        "{} allows {action} with {tags:?}",
                        role.id
                    );
                }
            }
        }
    }
}

#[test]
fn every_case_is_of_a_function_in_the_template() {
    let functions = functions();
    for story in STORIES {
        let is_there = functions.iter().any(|(function, ..)| function.binary == story.function);
        assert!(is_there, "{} is no function of the template", story.function);
    }
}
