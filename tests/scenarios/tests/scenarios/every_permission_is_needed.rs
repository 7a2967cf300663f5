//! Each role of `template.yml` allows what its function needs, and nothing more: with all of it the function does its
//! work, and with any one action less it is refused a call and says so. So it is where the role in another account does
//! not trust it.

use std::{future::Future, pin::Pin};

use local_cloud::{
    Invocation, LocalCloud, OWN_ACCOUNT, Options, Role, SECOND_ACCOUNT,
    template::{Function, Template, default_path},
};
use scenarios::{
    ACTIVATE, CREATE_ECR, DEACTIVATE, DELETE_ORPHANED, OPEN_SERVICE, REMEDIATE, TIMER, parameters, whole_cloud,
};
use tempfile::TempDir;

/// What a function is given to do so that it makes every kind of call that it knows.
struct Story {
    /// The function's program.
    function: &'static str,
    policy: &'static str,
    play: for<'a> fn(&'a LocalCloud) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Flow logs at every level, so that every kind of resource is read, and in another account.
const WIDE: &str = "\
flow_log: {project: example-project, log_store: example-logstore, name: kept, tags: {team: network}}
replace: true
overrides:
  - {match: {ids: [vsw-none]}, coverage: vswitch}
  - {match: {ids: [eni-none]}, coverage: network-interface}
accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]
";

/// A story for each function of the template.
const STORIES: &[Story] = &[
    Story {
        function: "create-flow-log",
        policy: "flow_log: {project: flowlog, log_store: vpc}\n\
                 accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]\n",
        play: |cloud| Box::pin(new_resources(cloud)),
    },
    Story { function: "activate-flow-logs", policy: WIDE, play: |cloud| Box::pin(morning(cloud)) },
    Story { function: "deactivate-flow-logs", policy: WIDE, play: |cloud| Box::pin(evening(cloud)) },
    Story { function: "remediate-flow-logs", policy: WIDE, play: |cloud| Box::pin(tampering(cloud)) },
    Story { function: "delete-orphaned-flow-logs", policy: WIDE, play: |cloud| Box::pin(departures(cloud)) },
    Story {
        function: "create-ecr-flow-log",
        policy: "flow_log: {project: flowlog, log_store: vpc}\n\
                 ecr_flow_log: {project: example-project, log_store: example-logstore}\n\
                 accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]\n",
        play: |cloud| Box::pin(routers(cloud)),
    },
    Story {
        function: "open-flow-log-service",
        policy: "flow_log: {project: flowlog, log_store: vpc}\n",
        play: |cloud| Box::pin(opening(cloud)),
    },
];

/// The one resource of a function's own that an action is for.
type Own = fn(&Function) -> Option<&String>;

/// What a role allows for the sake of others, so that no call of the function shows that it is needed.
const FOR_OTHERS: &[(&str, Own)] = &[
    // Function Compute writes the function's lines to the Logstore in its role,
    ("log:PostLogStoreLogs", |function| function.log_store.as_ref()),
    // and sends what failed to the dead-letter queue.
    ("mns:SendMessage", |function| function.on_failure.as_ref()),
];

/// A network interface and all that it lies in, and a VPC in another account.
async fn new_resources(cloud: &LocalCloud) {
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.operator("1000000000000002", "cn-hangzhou").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
}

const OWN: &[(&str, &str)] = &[
    ("Tag.1.Key", "managed-by"),
    ("Tag.1.Value", "flowkeeper"),
    ("Tag.2.Key", "team"),
    ("Tag.2.Value", "network"),
    ("FlowLogName", "kept"),
    ("Description", "Kept by Flowkeeper"),
];

/// A VPC with a flow log of ours that is as the policy wants it.
async fn kept_vpc(cloud: &LocalCloud, tags: &[(&str, &str)]) -> (String, String) {
    let vpc = cloud.create_vpc(tags).await.unwrap();
    let flow_log = cloud.create_flow_log("VPC", &vpc, OWN).await.unwrap();
    cloud.settled().await.unwrap();
    (vpc, flow_log)
}

async fn change(cloud: &LocalCloud, action: &str, flow_log: &str, more: &[(&str, &str)]) {
    cloud.call(action, &[&[("FlowLogId", flow_log)], more].concat()).await.unwrap();
    cloud.settled().await.unwrap();
}

async fn time_has_come(cloud: &LocalCloud, function: &str) {
    cloud.invoke(function, TIMER).await.unwrap();
    cloud.settled().await.unwrap();
}

async fn morning(cloud: &LocalCloud) {
    let (_, flow_log) = kept_vpc(cloud, &[("flowkeeper", "on")]).await;
    change(cloud, "DeactiveFlowLog", &flow_log, &[]).await;
    time_has_come(cloud, ACTIVATE).await;
}

async fn evening(cloud: &LocalCloud) {
    kept_vpc(cloud, &[("flowkeeper", "off")]).await;
    time_has_come(cloud, DEACTIVATE).await;
}

/// One VPC for each thing that can be wrong with its flow log.
async fn tampering(cloud: &LocalCloud) {
    cloud.create_vpc(&[]).await.unwrap();
    let (_, stopped) = kept_vpc(cloud, &[]).await;
    cloud.edit_flow_log(&stopped, |it| it.status = "Inactive".into());
    kept_vpc(cloud, &[("flowkeeper", "off")]).await;
    let (_, renamed) = kept_vpc(cloud, &[]).await;
    cloud.edit_flow_log(&renamed, |it| it.name = "theirs".into());
    let (_, untagged) = kept_vpc(cloud, &[]).await;
    cloud.edit_flow_log(&untagged, |it| _ = it.tags.remove("team"));
    let (_, elsewhere) = kept_vpc(cloud, &[]).await;
    cloud.edit_flow_log(&elsewhere, |it| it.project = "their-project".into());
    time_has_come(cloud, REMEDIATE).await;
}

/// A resource of each kind goes, and leaves its flow log behind; and a look into the other account.
async fn departures(cloud: &LocalCloud) {
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    for (kind, id) in [("NetworkInterface", &interface), ("VSwitch", &vswitch), ("VPC", &vpc)] {
        cloud.create_flow_log(kind, id, OWN).await.unwrap();
    }
    cloud.settled().await.unwrap();
    cloud.call("DeleteNetworkInterface", &[("NetworkInterfaceId", &interface)]).await.unwrap();
    cloud.call("DeleteVSwitch", &[("VSwitchId", &vswitch)]).await.unwrap();
    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    cloud.settled().await.unwrap();
    time_has_come(cloud, DELETE_ORPHANED).await;
}

/// A virtual border router without a flow log, one whose flow log is off, and one whose flow log should be off.
async fn routers(cloud: &LocalCloud) {
    let operator = cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    operator.create_router(&["vbr-1"]).await.unwrap();
    let router = operator.create_router(&["vbr-2"]).await.unwrap();
    let flow_log = operator.create_router_flow_log(&router, "vbr-2", &own).await.unwrap();
    let off = [("EcrId", router.as_str()), ("FlowLogId", &flow_log)];
    operator.call_router("DeactivateFlowLog", &off).await.unwrap();
    let router = operator.create_router(&["vbr-3"]).await.unwrap();
    operator.create_router_flow_log(&router, "vbr-3", &own).await.unwrap();
    cloud.edit_router(&router, |router| _ = router.tags.insert("flowkeeper".into(), "off".into()));
    cloud.settled().await.unwrap();
    time_has_come(cloud, CREATE_ECR).await;
}

async fn opening(cloud: &LocalCloud) {
    cloud.close_flow_log_service();
    cloud.invoke(OPEN_SERVICE, br#"{"accept_terms": true}"#).await.unwrap();
}

/// Each function of the template with its role and story.
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

/// The actions that the function itself needs its role for.
fn own_actions(role: &Role) -> Vec<String> {
    let is_own = |action: &String| !FOR_OTHERS.iter().any(|(others, _)| others == action);
    role.allowed_actions().into_iter().filter(is_own).collect()
}

async fn played(story: &Story, options: Options) -> LocalCloud {
    let triggers_of = Some(format!("flowkeeper-{}", story.function));
    let options = Options { policy: Some(story.policy.to_owned()), triggers_of, ..options };
    let cloud = whole_cloud(options).await.unwrap();
    (story.play)(&cloud).await;
    cloud
}

fn invocations(cloud: &LocalCloud, function: &Function) -> Vec<Invocation> {
    cloud.invocations().into_iter().filter(|invocation| invocation.function == function.name).collect()
}

/// The actions that were denied to a function.
fn denied(cloud: &LocalCloud, function: &Function) -> Vec<String> {
    let calls = cloud.calls().into_iter();
    let by_function = calls.filter(|call| call.caller.as_ref().is_some_and(|caller| caller.name == function.name));
    by_function.filter_map(|call| call.denied_action()).collect()
}

#[tokio::test]
async fn each_function_does_its_work_with_the_role_of_the_template() {
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
async fn without_any_one_action_of_its_role_a_function_fails_and_names_it() {
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
                let code = ["Forbidden.RAM", "NoPermission"].iter().any(|code| said.contains(code));
                !invocation.success && code && said.contains(operation)
            };
            let invocations = invocations(&cloud, &function);
            assert!(invocations.iter().any(says_so), "without {action}: {invocations:#?}");
        }
    }
}

/// Copies of the templates, in a folder of their own; in the second, the role of a function is not trusted.
fn templates_without_trust_in(binary: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = default_path();
    std::fs::copy(&own, folder.path().join("template.yml")).unwrap();
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
async fn the_role_in_another_account_wants_the_external_id_that_its_stack_was_given() {
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
async fn flow_logs_of_others_are_out_of_reach_unless_the_stack_lets_them_be_managed() {
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
fn function_compute_may_write_a_functions_lines_and_send_its_failures_on_and_nothing_beside_them() {
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
fn what_others_made_can_neither_be_deleted_nor_be_made_ours_first() {
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
            let calls = ["vpc:DeleteFlowLog", "vpc:TagResources", "vpc:UnTagResources"];
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
fn every_story_is_of_a_function_of_the_template() {
    let functions = functions();
    for story in STORIES {
        let is_there = functions.iter().any(|(function, ..)| function.binary == story.function);
        assert!(is_there, "{} is no function of the template", story.function);
    }
}
