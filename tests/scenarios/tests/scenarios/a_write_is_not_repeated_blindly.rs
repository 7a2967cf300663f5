use std::{collections::BTreeSet, time::Duration};

use flow_log::{AccountId, Action, Verdict};
use jiff::SignedDuration;
use local_cloud::{Call, Fault, OWN_ACCOUNT, Options, Rewrite, Transitions};
use openapi::{CallCounter, Credentials};
use reconcile::{Capabilities, Job, Outcome, Report, Target, TargetKind};
use scenarios::{CREATION, DELETION, ECR_CREATION, Harness, REMEDIATION, REMOVAL, cloud, result};

#[tokio::test]
async fn a_flow_log_whose_answer_is_lost_is_found_and_not_created_twice() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let [flow_log] = cloud.flow_logs().try_into().unwrap();
    assert_eq!(cloud.calls_of("CreateFlowLog").len(), 1, "it looked, and did not write again");
    let [invocation] = cloud.invocations().try_into().unwrap();
    let result = result(&invocation);
    assert_eq!((&result["outcome"], &result["flow_log_id"]), (&"done".into(), &flow_log.id.into()));
    assert_eq!(result["resource_id"], vpc);
}

#[tokio::test]
async fn a_write_without_effect_is_repeated_once_after_several_reads() {
    for fault in [Fault::Reset, Fault::Unavailable, Fault::InternalError] {
        let cloud = cloud(Options::default()).await.unwrap();
        cloud.fail("CreateFlowLog", fault, 1);
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();

        assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active", "{fault:?}");
        let calls: Vec<_> = cloud.calls().into_iter().map(|call| call.action).skip(2).collect();
        let look = "DescribeFlowLogs";
        assert_eq!(calls, [look, "CreateFlowLog", look, look, look, look, "CreateFlowLog"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_that_stays_uncertain_is_repeated_while_there_is_time_and_always_after_a_read() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    for (faults, is_made) in [(3, true), (u32::MAX, false)] {
        let before = harness.calls();
        harness.cloud.fail("CreateFlowLog", Fault::InternalError, faults);
        let report = harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
        let calls: Vec<_> = harness.cloud.calls().split_off(before).into_iter().map(|call| call.action).collect();
        assert!(!calls.windows(2).any(|two| two[0] == "CreateFlowLog" && two[1] == "CreateFlowLog"), "{calls:?}");
        assert_eq!(report.incomplete().is_none(), is_made, "{report:#?}");
        let item = &report.results[0];
        if is_made {
            assert_eq!(item.outcome, Outcome::Done);
            let flow_log = harness.cloud.flow_logs().remove(0).id;
            harness.delete_flow_log(&flow_log).await;
        } else {
            assert_eq!(item.error.as_ref().unwrap().code, "InternalError", "{item:#?}");
            assert!(harness.waited() > Duration::from_secs(50), "it used the time that it had: {:?}", harness.waited());
        }
    }
}

#[tokio::test]
async fn a_flow_log_that_another_run_created_is_not_claimed() {
    let cloud = cloud(Options { quota: 200, ..Options::default() }).await.unwrap();
    let vpc = scenarios::uncovered_vpc(&cloud).await;

    let event = scenarios::vpc_created(&vpc).to_string();
    let invocations = (0..10).map(|_| cloud.invoke(scenarios::CREATE_FLOW_LOG, event.as_bytes()));
    let invocations = futures_util::future::join_all(invocations).await;
    let done = invocations.iter().filter(|invocation| result(invocation.as_ref().unwrap())["outcome"] == "done");
    assert_eq!(done.count(), 1, "ten saw that there was none, and one made it");
}

/// The edit that makes one write due. [`EACH`] holds the action, the policy and the edit.
type Wrong = fn(&mut local_cloud::FlowLog);
const EACH: [(&str, &str, Wrong); 5] = [
    ("ActiveFlowLog", "", |it| it.status = "Inactive".into()),
    ("DeactiveFlowLog", "schedule: never\n", |_| {}),
    ("ModifyFlowLogAttribute", "", |it| it.name = "theirs".into()),
    ("DeleteFlowLog", "replace: true\n", |it| it.project = "theirs".into()),
    ("CreateFlowLog", "replace: true\n", |it| it.project = "theirs".into()),
];

#[tokio::test]
async fn every_write_is_made_once_and_reported_once_however_its_answer_fails() {
    for (action, policy, wrong) in EACH {
        for fault in [Fault::AnswerLost, Fault::Reset, Fault::Unavailable, Fault::InternalError, Fault::Throttled] {
            let transitions = Transitions::After(Duration::from_millis(1500));
            let harness = Harness::with(policy, Options { transitions, ..Options::default() }).await;
            let (vpc, flow_log) = harness.kept_vpc(&[]).await;
            harness.cloud.edit_flow_log(&flow_log, wrong);
            let written = harness.cloud.calls_of(action).len();
            harness.cloud.fail(action, fault, 1);
            let report = harness.sweep(REMEDIATION).await;
            assert!(report.incomplete().is_none(), "{action} {fault:?}: {report:#?}");
            let changes = if policy.starts_with("replace") { 2 } else { 1 };
            assert_eq!(
                (report.summary.changed, report.results.len()),
                (changes, changes),
                "{action} {fault:?}: {report:#?}"
            );
            let calls = harness.cloud.calls_of(action).len() - written;
            let expected = if matches!(fault, Fault::AnswerLost) { 1 } else { 2 };
            assert_eq!(calls, expected, "{action} {fault:?}");
            harness.cloud.finish_transitions();
            let [it] = harness.cloud.flow_logs().try_into().unwrap();
            let status = if action == "DeactiveFlowLog" { "Inactive" } else { "Active" };
            assert_eq!((it.resource_id, it.status.as_str(), it.project.as_str()), (vpc, status, "flowlog"), "{action}");
            let again = harness.sweep(REMEDIATION).await;
            assert_eq!((again.summary.changed, again.summary.compliant), (0, 1), "{action} {fault:?}: {again:#?}");
        }
    }
}

#[tokio::test]
async fn a_replacement_that_is_interrupted_anywhere_is_finished_by_the_next_run() {
    for step in 1..60 {
        let transitions = Transitions::After(Duration::from_secs(2));
        let harness = Harness::with("replace: true\n", Options { transitions, ..Options::default() }).await;
        let (vpc, flow_log) = harness.kept_vpc(&[]).await;
        harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
        harness.sweep_within(REMEDIATION, Duration::from_millis(150 * step)).await;
        let report = harness.sweep(REMEDIATION).await;
        assert!(report.incomplete().is_none(), "after {step}: {report:#?}");
        harness.cloud.finish_transitions();
        let [it] = harness.cloud.flow_logs().try_into().unwrap();
        assert_eq!((it.resource_id, it.status.as_str(), it.project.as_str()), (vpc, "Active", "flowlog"), "{step}");
    }
}

#[tokio::test]
async fn a_function_that_may_create_but_not_delete_makes_no_half_replacement() {
    let harness = Harness::new("replace: true\n").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    let made = harness.cloud.calls_of("CreateFlowLog").len();
    let report = harness.look(CREATION, &[&vpc], jiff::SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert!(report.results[0].reason.contains("project is \"theirs\", not \"flowlog\""), "{report:#?}");
    assert_eq!((harness.cloud.calls_of("CreateFlowLog").len(), report.summary.findings), (made, 1));
}

#[tokio::test]
async fn a_flow_log_that_becomes_visible_late_is_found_and_not_created_twice() {
    let harness = Harness::new("").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 3);
    let report = harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Compliant), Outcome::Unchanged), "{item:#?}");
    assert_eq!(item.flow_log_id.as_ref().unwrap().as_str(), flow_log);
    let tries = harness.cloud.calls_of("CreateFlowLog").split_off(1);
    let codes: Vec<_> = tries.iter().map(|call| call.code.as_deref()).collect();
    assert_eq!(codes, [Some("InvalidResourceId.NotFound")], "that one exists is said by the refusal, and once");
    assert_eq!(harness.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_flow_log_whose_answer_is_lost_and_that_becomes_visible_late_is_created_once() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    harness.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 3);
    let report = harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.action.map(Action::as_str), item.outcome), (Some("CreateFlowLog"), Outcome::Done), "{item:#?}");
    assert_eq!((harness.cloud.calls_of("CreateFlowLog").len(), harness.cloud.flow_logs().len()), (1, 1));
}

#[tokio::test]
async fn an_existing_flow_log_that_is_not_visible_is_not_created_again() {
    let harness = Harness::new("").await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Code("InvalidResourceId.NotFound"), 1);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.failed, harness.cloud.calls_of("CreateFlowLog").len()), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn a_flow_log_that_existed_all_along_is_not_claimed() {
    // A list that lacks the newest flow log makes it look missing.
    for (is_own, fault) in [(true, None), (false, None), (false, Some(Fault::InternalError))] {
        let harness = Harness::new("").await;
        let (_, flow_log) = harness.kept_vpc(&[]).await;
        if !is_own {
            harness.cloud.edit_flow_log(&flow_log, |it| it.tags.clear());
        }
        let written = harness.cloud.calls_of("CreateFlowLog").len();
        harness.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 1);
        if let Some(fault) = fault {
            harness.cloud.fail("CreateFlowLog", fault, 1);
        }
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!((report.incomplete(), report.summary.changed), (None, 0), "{report:#?}");
        assert_eq!(report.summary.compliant, usize::from(is_own), "{report:#?}");
        assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), written + 1);
    }
}

/// The actions of the writes to flow logs and their service. Those that create destinations are made for a flow log, and
/// never alone.
fn actions() -> impl Iterator<Item = Action> {
    Action::ALL.into_iter().filter(|action| action.product() != "log")
}

/// Returns the lines to add to a minimal policy, and the function to run, so that this write is the one that is due.
fn of_whom(action: Action) -> (&'static str, Capabilities) {
    let ecr = "ecr_flow_log: {project: example-project, log_store: example-logstore, name: kept}\n";
    match action {
        Action::CreateFlowLog | Action::ActiveFlowLog | Action::ModifyFlowLogAttribute | Action::OpenFlowLogService => {
            ("", REMEDIATION)
        }
        Action::DeactiveFlowLog => ("schedule: never\n", REMEDIATION),
        Action::MoveResourceGroup => {
            ("overrides: [{match: {regions: [cn-hangzhou]}, resource_group_id: rg-network}]\n", REMEDIATION)
        }
        Action::TagResources => {
            ("overrides: [{match: {regions: [cn-hangzhou]}, tags: {team: network}}]\n", REMEDIATION)
        }
        Action::DeleteFlowLog => ("", DELETION),
        Action::EcrCreateFlowLog
        | Action::EcrActivateFlowLog
        | Action::EcrDeactivateFlowLog
        | Action::EcrModifyFlowLogAttribute => (ecr, ECR_CREATION),
        Action::EcrDeleteFlowlog => (ecr, REMOVAL),
        Action::CreateProject | Action::CreateLogStore | Action::UpdateLogStore | Action::CreateIndex => {
            panic!("{action} is never made alone")
        }
    }
}

/// A harness in which only this write is due.
async fn due(action: Action) -> Harness {
    let (policy, _) = of_whom(action);
    let harness = Harness::new(policy).await;
    let cloud = &harness.cloud;
    match action {
        Action::CreateFlowLog => drop(cloud.create_vpc(&[]).await.unwrap()),
        Action::ActiveFlowLog => {
            let (_, flow_log) = harness.kept_vpc(&[]).await;
            cloud.edit_flow_log(&flow_log, |it| it.status = "Inactive".into());
        }
        Action::DeactiveFlowLog | Action::MoveResourceGroup | Action::TagResources => {
            harness.kept_vpc(&[]).await;
        }
        Action::ModifyFlowLogAttribute => {
            let (_, flow_log) = harness.kept_vpc(&[]).await;
            cloud.edit_flow_log(&flow_log, |it| it.name = "theirs".into());
        }
        Action::DeleteFlowLog => {
            let (vpc, _) = harness.kept_vpc(&[]).await;
            cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
            harness.pass(Duration::from_secs(1200));
        }
        Action::OpenFlowLogService => cloud.close_flow_log_service(),
        Action::EcrCreateFlowLog
        | Action::EcrActivateFlowLog
        | Action::EcrDeactivateFlowLog
        | Action::EcrModifyFlowLogAttribute
        | Action::EcrDeleteFlowlog => {
            let operator = cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
            let router = operator.create_router(&["vbr-1"]).await.unwrap();
            if action != Action::EcrCreateFlowLog {
                let name = if action == Action::EcrModifyFlowLogAttribute { "theirs" } else { "kept" };
                let own = [
                    ("Tag.1.Key", "managed-by"),
                    ("Tag.1.Value", "flowkeeper"),
                    ("FlowLogName", name),
                    ("Description", "Kept by Flowkeeper"),
                ];
                let flow_log = operator.create_router_flow_log(&router, "vbr-1", &own).await.unwrap();
                let inactive = if action == Action::EcrActivateFlowLog { "INACTIVE" } else { "ACTIVE" };
                cloud.finish_transitions();
                cloud.edit_router_flow_log(&flow_log, |it| it.status = inactive.into());
            }
            if action == Action::EcrDeactivateFlowLog {
                cloud.edit_router(&router, |router| _ = router.tags.insert("flowkeeper".into(), "off".into()));
            }
        }
        Action::CreateProject | Action::CreateLogStore | Action::UpdateLogStore | Action::CreateIndex => {
            panic!("{action} is never made alone")
        }
    }
    cloud.finish_transitions();
    harness
}

/// Runs the function, and returns its report and writes.
async fn work(harness: &Harness, action: Action, actions: &'static [Action]) -> (Report, Vec<Call>) {
    let (_, capabilities) = of_whom(action);
    let seen = harness.calls();
    let report = match action {
        Action::OpenFlowLogService => harness.open_service().await,
        _ => harness.sweep(Capabilities { actions, ..capabilities }).await,
    };
    harness.cloud.finish_transitions();
    let is_read = |call: &Call| ["Describe", "Get", "List"].iter().any(|read| call.action.starts_with(read));
    let writes: Vec<_> = harness.cloud.calls().split_off(seen).into_iter().filter(|call| !is_read(call)).collect();
    assert!(writes.iter().all(|call| call.action == action.as_str()), "{action}: {writes:#?}");
    (report, writes)
}

/// The outcomes of the results that name this write.
fn outcomes(report: &Report, action: Action) -> Vec<Outcome> {
    report.results.iter().filter(|item| item.action == Some(action)).map(|item| item.outcome).collect()
}

#[tokio::test]
async fn each_due_write_is_made_once_and_the_next_run_finds_nothing_to_do() {
    for action in actions() {
        let actions = of_whom(action).1.actions;
        let harness = due(action).await;
        let (report, writes) = work(&harness, action, actions).await;
        assert_eq!((writes.len(), outcomes(&report, action)), (1, vec![Outcome::Done]), "{action:?}: {report:#?}");
        let (repeated, more_writes) = work(&harness, action, actions).await;
        assert!(more_writes.is_empty() && outcomes(&repeated, action).is_empty(), "{action:?}: {repeated:#?}");
    }
}

#[tokio::test]
async fn a_write_that_the_function_may_not_make_is_left_out_and_reported() {
    // Opening the service is the only action of its function, so it cannot be forbidden there.
    for action in actions().filter(|action| *action != Action::OpenFlowLogService) {
        let harness = due(action).await;
        let (report, writes) = work(&harness, action, &[]).await;
        assert!(writes.is_empty() && report.summary.changed == 0, "{action:?}: {report:#?}");
        let says_so = format!("this function may not call {action}");
        assert!(report.results.iter().any(|item| item.reason.contains(&says_so)), "{action:?}: {report:#?}");
    }
}

#[tokio::test]
async fn a_dry_run_plans_each_write_and_makes_none() {
    for action in actions() {
        let mut harness = due(action).await;
        harness.dry_run = true;
        let (report, writes) = work(&harness, action, of_whom(action).1.actions).await;
        assert_eq!((writes.len(), outcomes(&report, action)), (0, vec![Outcome::Planned]), "{action:?}: {report:#?}");
    }
}

#[tokio::test]
async fn a_write_of_uncertain_outcome_takes_effect_once_and_is_reported_once() {
    for action in actions() {
        for (fault, tries) in [(Fault::AnswerLost, 1), (Fault::Reset, 2), (Fault::InternalError, 2)] {
            let harness = due(action).await;
            harness.cloud.fail(action.permission(), fault, 1);
            let (report, writes) = work(&harness, action, of_whom(action).1.actions).await;
            assert_eq!(outcomes(&report, action), [Outcome::Done], "{action:?} {fault:?}: {report:#?}");
            let effects = writes.iter().filter(|call| call.succeeded()).count();
            // The client retries by itself where that is safe: setting the same tags or group is idempotent, a service
            // opens only once, and Express Connect Router takes a client token.
            let expected = match action {
                Action::TagResources | Action::MoveResourceGroup => (2, 3 - tries),
                Action::OpenFlowLogService => (2, 1),
                action if action.permission().starts_with("expressconnectrouter:") => (2, 3 - tries),
                _ => (tries, 1),
            };
            assert_eq!((writes.len(), effects), expected, "{action:?} {fault:?}: {writes:#?}");
            let tokens: BTreeSet<_> = writes.iter().map(|call| call.parameters.get("ClientToken")).collect();
            assert_eq!(tokens.len(), 1, "{action:?} {fault:?}: {writes:#?}");
            let kept = harness.cloud.flow_logs().len() + harness.cloud.router_flow_logs().len();
            assert!(kept <= 1, "{action:?} {fault:?}");
            let id = report.results.iter().find_map(|item| item.flow_log_id.as_ref());
            assert_eq!(id.is_some(), action != Action::OpenFlowLogService, "{action:?} {fault:?}: {report:#?}");
        }
    }
}

/// Makes the change that the write would make, without a call.
fn somebody_else(harness: &Harness, action: Action) {
    let cloud = &harness.cloud;
    let of_vpcs = |edit: fn(&mut local_cloud::FlowLog)| {
        cloud.flow_logs().iter().for_each(|it| cloud.edit_flow_log(&it.id, edit));
    };
    let of_routers = |edit: fn(&mut local_cloud::RouterFlowLog)| {
        cloud.router_flow_logs().iter().for_each(|it| cloud.edit_router_flow_log(&it.id, edit));
    };
    match action {
        Action::CreateFlowLog => {
            let vpc = cloud.vpcs().remove(0).id;
            cloud.seed_flow_log(&vpc);
            of_vpcs(|it| it.project = "flowlog".into());
        }
        Action::ActiveFlowLog => of_vpcs(|it| it.status = "Active".into()),
        Action::DeactiveFlowLog => of_vpcs(|it| it.status = "Inactive".into()),
        Action::ModifyFlowLogAttribute => of_vpcs(|it| it.name = format!("flowkeeper-{}", it.resource_id)),
        Action::MoveResourceGroup => of_vpcs(|it| it.resource_group_id = "rg-network".into()),
        Action::TagResources => of_vpcs(|it| _ = it.tags.insert("team".into(), "network".into())),
        Action::DeleteFlowLog => of_vpcs(|it| it.status = "Deleting".into()),
        Action::EcrActivateFlowLog => of_routers(|it| it.status = "ACTIVE".into()),
        Action::EcrDeactivateFlowLog => of_routers(|it| it.status = "INACTIVE".into()),
        Action::EcrModifyFlowLogAttribute => of_routers(|it| it.name = "kept".into()),
        Action::EcrDeleteFlowlog => of_routers(|it| it.status = "DELETING".into()),
        // These cannot be made without a call.
        Action::EcrCreateFlowLog | Action::OpenFlowLogService => {}
        Action::CreateProject | Action::CreateLogStore | Action::UpdateLogStore | Action::CreateIndex => {
            panic!("{action} is never made alone")
        }
    }
}

#[tokio::test]
async fn a_write_that_somebody_else_has_just_made_is_not_claimed() {
    let not_without_a_call = [Action::EcrCreateFlowLog, Action::OpenFlowLogService];
    for action in actions().filter(|action| !not_without_a_call.contains(action)) {
        let harness = due(action).await;
        // Every attempt conflicts with another operation.
        harness.cloud.fail(action.permission(), Fault::Code("OperationConflict"), u32::MAX);
        let of_others = async {
            let is_refused = |call: &Call| call.code.as_deref() == Some("OperationConflict");
            harness.cloud.wait_until("it is refused", |cloud| cloud.calls().iter().any(is_refused)).await.unwrap();
            somebody_else(&harness, action);
        };
        let ((report, writes), ()) = tokio::join!(work(&harness, action, of_whom(action).1.actions), of_others);
        assert!(writes.iter().all(|call| !call.succeeded()), "{action:?}: {writes:#?}");
        assert_eq!((report.summary.changed, report.incomplete()), (0, None), "{action:?}: {report:#?}");
    }
}

#[tokio::test]
async fn a_write_that_is_refused_is_tried_once_and_reported_once() {
    for action in actions() {
        let harness = due(action).await;
        harness.cloud.fail(action.permission(), Fault::Refused, u32::MAX);
        let (report, writes) = work(&harness, action, of_whom(action).1.actions).await;
        assert_eq!((writes.len(), outcomes(&report, action)), (1, vec![Outcome::Failed]), "{action:?}: {report:#?}");
        assert!(report.incomplete().is_some(), "{action:?}: {report:#?}");
    }
}

#[tokio::test]
async fn a_write_whose_effect_is_not_visible_yet_is_waited_for_and_not_repeated() {
    let harness = Harness::new("").await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.name = "theirs".into();
    });
    let stale = Rewrite::value(|json| json["FlowLogs"]["FlowLog"][0]["Status"] = "Inactive".into());
    harness.cloud.rewrite("DescribeFlowLogs", stale, u32::MAX);
    let report = harness.sweep_within(REMEDIATION, Duration::from_secs(60)).await;
    assert_eq!(harness.cloud.calls_of("ActiveFlowLog").len(), 1);
    assert_eq!((report.summary.changed, report.summary.unfinished), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn a_write_that_always_fails_is_given_up_even_without_a_deadline() {
    let harness = Harness::new("").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.name = "theirs".into());
    harness.cloud.fail("ModifyFlowLogAttribute", Fault::InternalError, u32::MAX);
    let account: AccountId = OWN_ACCOUNT.parse().unwrap();
    let job = Job {
        run: "1-test".to_owned(),
        request_id: "1-test".to_owned(),
        credentials: Credentials::new("test", "test-secret"),
        account: Some(account.clone()),
        region: "cn-hangzhou".parse().ok(),
        stop_at: None,
        calls: CallCounter::default(),
    };
    let kind = TargetKind::Resource(vpc.parse().unwrap());
    let target = Target { account, region: "cn-hangzhou".parse().unwrap(), kind, since: None };
    // The clock is manual: only an endless loop takes real time.
    let reconciler = harness.reconciler(REMEDIATION);
    let report = reconciler.reconcile(job, vec![target.into()], Vec::new());
    let report = tokio::time::timeout(Duration::from_secs(30), report).await.unwrap();
    assert_eq!(report.summary.failed, 1, "{report:#?}");
}
