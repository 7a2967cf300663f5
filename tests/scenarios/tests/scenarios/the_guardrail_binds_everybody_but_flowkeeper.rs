//! Under `guardrail.json`, nobody but Flowkeeper's roles and the break-glass role stops, deletes, changes or retags the
//! flow logs that Flowkeeper keeps. The local cloud obeys the file itself.

use local_cloud::{Call, Directory, FlowLog, LocalCloud, OWN_ACCOUNT, Operator, Options, SECOND_ACCOUNT};
use scenarios::{DEACTIVATE, DELETE_ORPHANED, REMEDIATE, TIMER, whole_cloud};

const GUARDRAIL: &str = include_str!("../../../../guardrail.json");
const THIRD_ACCOUNT: &str = "1000000000000003";
const REGION: &str = "cn-hangzhou";
const ADMINISTRATOR: &str = "administrator";
/// What the guardrail denies, with the parameters that change something.
const DENIED: [(&str, &[(&str, &str)]); 5] = [
    ("ModifyFlowLogAttribute", &[("FlowLogName", "theirs")]),
    ("DeactiveFlowLog", &[]),
    ("TagResources", &[("ResourceType", "FLOWLOG"), ("Tag.1.Key", "managed-by"), ("Tag.1.Value", "nobody")]),
    ("UnTagResources", &[("ResourceType", "FLOWLOG"), ("TagKey.1", "managed-by")]),
    ("DeleteFlowLog", &[]),
];

/// A cloud of three accounts without functions, in this directory.
async fn cloud(directory: Directory) -> LocalCloud {
    LocalCloud::start(Options { accounts: 3, directory: Some(directory), ..Options::default() }).await.unwrap()
}

fn guarded(directory: Directory, folder: &str) -> Directory {
    directory.attach_control_policy(folder, GUARDRAIL).unwrap()
}

/// Creates a VPC with a flow log in an account, and returns the id of the flow log.
async fn flow_log(cloud: &LocalCloud, account: &str, tags: &[(&str, &str)]) -> String {
    let operator = cloud.operator(account, REGION);
    let vpc = operator.create_vpc(&[]).await.unwrap();
    operator.create_flow_log("VPC", &vpc, tags).await.unwrap()
}

const OWN_TAG: [(&str, &str); 2] = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];

fn with_id<'f>(flow_logs: &'f [FlowLog], id: &str) -> Option<&'f FlowLog> {
    flow_logs.iter().find(|flow_log| flow_log.id == id)
}

/// Makes a call about a flow log. Returns the code of a refusal.
async fn call(by: &Operator, action: &str, parameters: &[(&str, &str)], id: &str) -> Option<String> {
    let name = if action.ends_with("Resources") { "ResourceId.1" } else { "FlowLogId" };
    let mut all = vec![(name, id)];
    all.extend_from_slice(parameters);
    by.call(action, &all).await.err().map(|error| error.code().unwrap().to_owned())
}

/// The calls that were refused because of a control policy.
fn denied_by_the_guardrail(cloud: &LocalCloud) -> Vec<Call> {
    let is_denied = |call: &Call| call.answer["AccessDeniedDetail"]["PolicyType"] == "ControlPolicy";
    cloud.calls().into_iter().filter(is_denied).collect()
}

#[tokio::test]
async fn an_administrator_of_a_member_is_refused_all_that_would_end_a_recording() {
    let cloud = cloud(guarded(Directory::new(), Directory::ROOT)).await;
    let administrator = cloud.operator_as(SECOND_ACCOUNT, ADMINISTRATOR, REGION);
    let kept = flow_log(&cloud, SECOND_ACCOUNT, &OWN_TAG).await;
    let before = format!("{:?}", cloud.flow_logs());
    for (action, parameters) in DENIED {
        assert_eq!(call(&administrator, action, parameters, &kept).await.as_deref(), Some("Forbidden.RAM"), "{action}");
    }
    assert_eq!(format!("{:?}", cloud.flow_logs()), before);
    let denied = denied_by_the_guardrail(&cloud);
    assert_eq!(denied.len(), DENIED.len());
    assert!(denied.iter().all(|call| call.answer["AccessDeniedDetail"]["NoPermissionType"] == "ExplicitDeny"));

    // Both at once: one of them is kept.
    let theirs = flow_log(&cloud, SECOND_ACCOUNT, &[]).await;
    let both = [("ResourceType", "FLOWLOG"), ("ResourceId.2", theirs.as_str()), ("TagKey.1", "managed-by")];
    assert_eq!(call(&administrator, "UnTagResources", &both, &kept).await.as_deref(), Some("Forbidden.RAM"));

    // What records more is allowed.
    cloud.edit_flow_log(&kept, |it| it.status = "Inactive".into());
    assert_eq!(call(&administrator, "ActiveFlowLog", &[], &kept).await, None);
}

#[tokio::test]
async fn the_administrator_may_do_all_of_it_to_a_flow_log_without_the_tag() {
    let cloud = cloud(guarded(Directory::new(), Directory::ROOT)).await;
    let administrator = cloud.operator_as(SECOND_ACCOUNT, ADMINISTRATOR, REGION);
    let theirs = flow_log(&cloud, SECOND_ACCOUNT, &[("Tag.1.Key", "managed-by"), ("Tag.1.Value", "others")]).await;
    for (action, parameters) in DENIED {
        assert_eq!(call(&administrator, action, parameters, &theirs).await, None, "{action}");
        cloud.finish_transitions();
    }
    assert!(cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn flowkeeper_and_the_break_glass_role_may_do_all_of_it() {
    let cloud = cloud(guarded(Directory::new(), Directory::ROOT)).await;
    for role in ["flowkeeper", "flowkeeper-break-glass", "Flowkeeper-Break-Glass"] {
        let by = cloud.operator_as(SECOND_ACCOUNT, role, REGION);
        for (action, parameters) in DENIED {
            let kept = flow_log(&cloud, SECOND_ACCOUNT, &OWN_TAG).await;
            assert_eq!(call(&by, action, parameters, &kept).await, None, "{action} by {role}");
            cloud.finish_transitions();
        }
    }
    let kept = flow_log(&cloud, SECOND_ACCOUNT, &OWN_TAG).await;
    // A role with the name of a function's is no function's in a member, where its administrator may create it.
    let functions = [DEACTIVATE, REMEDIATE, DELETE_ORPHANED];
    for role in ["flowkeeper-", "my-flowkeeper", "flowkeeper-create-flow-log", "flowkeeper-break-glass2"]
        .into_iter()
        .chain(functions)
    {
        let by = cloud.operator_as(SECOND_ACCOUNT, role, REGION);
        assert_eq!(call(&by, "DeleteFlowLog", &[], &kept).await.as_deref(), Some("Forbidden.RAM"), "{role}");
    }
}

#[tokio::test]
async fn it_binds_the_accounts_below_its_folder_alone_and_never_the_management_account_or_a_root_user() {
    let of_folder =
        Directory::new().with_folder("fd-kept", "Kept", Directory::ROOT).with_member(SECOND_ACCOUNT, "fd-kept");
    let of_other_manager = Directory::new().managed_by(SECOND_ACCOUNT);
    for (directory, folder, bound, free) in [
        (of_folder, "fd-kept", SECOND_ACCOUNT, THIRD_ACCOUNT),
        (of_other_manager, Directory::ROOT, THIRD_ACCOUNT, SECOND_ACCOUNT),
    ] {
        let cloud = cloud(guarded(directory, folder)).await;
        let deletes = async |by: Operator, account| {
            let kept = flow_log(&cloud, account, &OWN_TAG).await;
            call(&by, "DeleteFlowLog", &[], &kept).await.is_none()
        };
        let as_administrator = |account| cloud.operator_as(account, ADMINISTRATOR, REGION);
        assert!(!deletes(as_administrator(bound), bound).await, "{bound} is below {folder}");
        assert!(deletes(as_administrator(free), free).await, "{free} is not");
        assert!(deletes(cloud.operator(bound, REGION), bound).await, "control policies bind RAM users and roles");
    }
}

/// The flow logs of an account that need work, and the event of the deletion of the orphan's VPC.
struct Case {
    paused: String,
    drifted: String,
    orphan: String,
    deletion: Vec<u8>,
}

/// How the functions' work ended in the functions' own account and in another member.
#[derive(Debug, PartialEq, Eq)]
struct Work {
    deactivated: [bool; 2],
    repaired: [bool; 2],
    deleted: [bool; 2],
}

/// Lets each function that changes flow logs do its work in two members, with this control policy on all of them.
async fn work_under(control_policy: &str) -> (Work, Vec<Call>) {
    let directory = Directory::new().managed_by(SECOND_ACCOUNT).administered_by(OWN_ACCOUNT);
    let directory = directory.attach_control_policy(Directory::ROOT, control_policy).unwrap();
    let cloud = whole_cloud(Options {
        accounts: 3,
        directory: Some(directory),
        policy: Some(
            "flow_log: {project: flowlog, log_store: vpc, tags: {team: network}}\nresource_directory: {role: flowkeeper}\n"
                .to_owned(),
        ),
        parameters: [("UseResourceDirectory".to_owned(), "true".to_owned())].into(),
        regions: Vec::new(),
        // Events wake no function: the test invokes them.
        triggers_of: Some("nobody".to_owned()),
        ..Options::default()
    })
    .await
    .unwrap();
    let accounts = [OWN_ACCOUNT, THIRD_ACCOUNT];
    let mut cases = Vec::new();
    for account in accounts {
        let operator = cloud.operator(account, REGION);
        let mut own = OWN_TAG.to_vec();
        own.extend([("ProjectName", "flowlog"), ("LogStoreName", "vpc"), ("FlowLogName", "theirs")]);
        let of_vpc = async |tags: &[(&str, &str)]| {
            let vpc = operator.create_vpc(tags).await.unwrap();
            let flow_log = operator.create_flow_log("VPC", &vpc, &own).await.unwrap();
            (vpc, flow_log)
        };
        let (_, paused) = of_vpc(&[("flowkeeper", "off")]).await;
        let (_, drifted) = of_vpc(&[]).await;
        let (gone, orphan) = of_vpc(&[]).await;
        operator.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
        let deletion = cloud.events().pop().unwrap().to_string().into_bytes();
        cases.push(Case { paused, drifted, orphan, deletion });
    }
    let each = |check: fn(&[FlowLog], &Case) -> bool| {
        let flow_logs = cloud.flow_logs();
        [check(&flow_logs, &cases[0]), check(&flow_logs, &cases[1])]
    };
    cloud.invoke(DEACTIVATE, TIMER).await.unwrap();
    cloud.settled().await.unwrap();
    let deactivated = each(|found, case| with_id(found, &case.paused).unwrap().status == "Inactive");
    cloud.invoke(REMEDIATE, TIMER).await.unwrap();
    cloud.settled().await.unwrap();
    let repaired = each(|found, case| {
        let drifted = with_id(found, &case.drifted).unwrap();
        drifted.name != "theirs" && drifted.tags.contains_key("team")
    });
    for case in &cases {
        cloud.invoke(DELETE_ORPHANED, &case.deletion).await.unwrap();
    }
    cloud.settled().await.unwrap();
    let deleted = each(|found, case| with_id(found, &case.orphan).is_none());
    let work = Work { deactivated, repaired, deleted };
    (work, denied_by_the_guardrail(&cloud))
}

#[tokio::test]
async fn the_functions_do_their_work_under_the_guardrail_in_their_own_account_and_in_members() {
    let (work, denied) = work_under(GUARDRAIL).await;
    let both = [true, true];
    assert_eq!(work, Work { deactivated: both, repaired: both, deleted: both }, "{denied:#?}");
    assert!(denied.is_empty(), "{denied:#?}");
}

#[tokio::test]
async fn each_role_that_is_exempt_needs_to_be() {
    for (function, role, account) in [
        ("deactivate", "flowkeeper-deactivate-flow-logs", OWN_ACCOUNT),
        ("remediate", "flowkeeper-remediate-flow-logs", OWN_ACCOUNT),
        ("delete-orphaned", "flowkeeper-delete-orphaned-flow-logs", OWN_ACCOUNT),
        ("all", "flowkeeper", THIRD_ACCOUNT),
    ] {
        let mut without: serde_json::Value = serde_json::from_str(GUARDRAIL).unwrap();
        let exempt = without.pointer_mut("/Statement/0/Condition/StringNotLike/acs:PrincipalARN").unwrap();
        let exempt = exempt.as_array_mut().unwrap();
        let before = exempt.len();
        exempt.retain(|arn| !arn.as_str().unwrap().ends_with(&format!(":role/{role}")));
        assert_eq!(exempt.len(), before - 1, "{role}");
        let (work, denied) = work_under(&without.to_string()).await;
        // The functions' own account has a role for each of them, and members have one for all.
        let worked = |it: &str| [it != function, function != "all"];
        let expected = Work {
            deactivated: worked("deactivate"),
            repaired: worked("remediate"),
            deleted: worked("delete-orphaned"),
        };
        assert_eq!(work, expected, "without {role}");
        let by = |call: &Call| {
            call.caller.as_ref().is_some_and(|it| {
                it.account == account && it.role.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(role))
            })
        };
        assert!(!denied.is_empty() && denied.iter().all(by), "{denied:#?}");
    }
}
