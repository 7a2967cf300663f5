use flow_log::Verdict;
use local_cloud::{Fault, OWN_ACCOUNT, Options, REFUSED_ROLE, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE};
use reconcile::{Outcome, Report};
use scenarios::{ACTIVATION, DELETION, Harness, REMEDIATION};

const REGIONS: [&str; 2] = ["cn-hangzhou", "cn-shanghai"];

fn policy(role: &str) -> String {
    format!("regions: [cn-hangzhou, cn-shanghai]\naccounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{role}\"}}]\n")
}

/// A harness with one VPC in each of two regions of two accounts.
async fn harness(role: &str) -> Harness {
    let harness = Harness::new(&policy(role)).await;
    for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
        for region in REGIONS {
            harness.cloud.operator(account, region).create_vpc(&[]).await.unwrap();
        }
    }
    harness
}

fn places(report: &Report, outcome: Outcome) -> Vec<(String, String)> {
    let of = |item: &reconcile::Item| Some((item.account.clone()?, item.region.clone()?));
    let mut places: Vec<_> = report.results.iter().filter(|item| item.outcome == outcome).filter_map(of).collect();
    places.sort();
    places
}

fn place(account: &str, region: &str) -> (String, String) {
    (account.to_owned(), region.to_owned())
}

#[tokio::test]
async fn every_region_of_every_account_is_repaired_through_its_own_role() {
    let harness = harness(SECOND_ACCOUNT_ROLE).await;
    let report = harness.sweep(REMEDIATION).await;
    assert!(report.incomplete().is_none(), "{report:#?}");
    let all = [OWN_ACCOUNT, SECOND_ACCOUNT].iter().flat_map(|account| REGIONS.map(|region| place(account, region)));
    assert_eq!(places(&report, Outcome::Done), all.collect::<Vec<_>>());
    for flow_log in harness.cloud.flow_logs() {
        assert_eq!(
            harness.cloud.vpcs().iter().find(|vpc| vpc.id == flow_log.resource_id).unwrap().place,
            flow_log.place
        );
    }
    assert_eq!(harness.cloud.calls_of("AssumeRole").len(), 1, "one token does for both regions");
}

#[tokio::test]
async fn the_own_account_can_be_excluded() {
    let more = format!("{}own_account: false\n", policy(SECOND_ACCOUNT_ROLE));
    let harness = Harness::new(&more).await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.operator(SECOND_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(places(&report, Outcome::Done), [place(SECOND_ACCOUNT, "cn-shanghai")]);
    assert_eq!(harness.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_region_that_is_down_is_unknown_and_the_others_are_repaired() {
    for capabilities in [REMEDIATION, ACTIVATION, DELETION] {
        let harness = harness(SECOND_ACCOUNT_ROLE).await;
        harness.cloud.region_down("cn-shanghai");
        let report = harness.sweep(capabilities).await;
        let unknown: Vec<_> = report.results.iter().filter(|item| item.verdict == Some(Verdict::Unknown)).collect();
        assert_eq!(unknown.len(), 2, "{report:#?}");
        for item in unknown {
            assert_eq!((item.region.as_deref(), item.outcome), (Some("cn-shanghai"), Outcome::Failed));
            assert!(item.error.is_some() && item.reason.ends_with("of cn-shanghai could not be read"), "{item:#?}");
        }
        assert!(report.incomplete().is_some());
        assert_eq!(report.summary.changed, if capabilities == REMEDIATION { 2 } else { 0 });
    }
}

#[tokio::test]
async fn an_account_that_refuses_its_role_is_unknown_and_the_others_are_repaired() {
    let harness = harness(REFUSED_ROLE).await;
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(places(&report, Outcome::Failed), REGIONS.map(|region| place(SECOND_ACCOUNT, region)));
    assert_eq!(places(&report, Outcome::Done), REGIONS.map(|region| place(OWN_ACCOUNT, region)));
    let failed = report.results.iter().find(|item| item.outcome == Outcome::Failed).unwrap();
    let error = failed.error.as_ref().unwrap();
    assert_eq!((failed.verdict, error.action), (Some(Verdict::Unknown), "AssumeRole"));
    assert!(error.request_id.is_some() && error.advice.contains("role"), "{error:?}");
}

#[tokio::test]
async fn flow_logs_that_cannot_be_read_are_unknown_and_never_missing() {
    let harness = Harness::new("").await;
    harness.kept_vpc(&[]).await;
    harness.cloud.fail("DescribeFlowLogs", Fault::Code("Forbidden.RAM"), 1);
    let report = harness.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert_eq!(item.reason, "the flow logs of cn-hangzhou could not be read");
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 1, "the one of the set-up");
}

#[tokio::test]
async fn a_level_that_cannot_be_read_does_not_hold_up_the_others() {
    let more = "overrides: [{match: {ids: [vpc-none]}, coverage: vswitch}]\n";
    let harness = Harness::new(more).await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("DescribeVSwitches", Fault::Code("Forbidden.RAM"), 1);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.changed, report.summary.unknown), (1, 1), "{report:#?}");
    assert!(harness.cloud.flow_log_of(&vpc).is_some());
}

#[tokio::test]
async fn flow_logs_are_kept_at_the_level_that_the_policy_names_for_each_vpc() {
    let more = "coverage: vpc\noverrides: [{match: {tags: {level: fine}}, coverage: vswitch}]\n";
    let harness = Harness::new(more).await;
    let coarse = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.create_vswitch(&coarse).await.unwrap();
    let fine = harness.cloud.create_vpc(&[("level", "fine")]).await.unwrap();
    // The vSwitch has no tag of its own: the VPC decides.
    let vswitch = harness.cloud.create_vswitch(&fine).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    let mut on: Vec<_> = harness.cloud.flow_logs().into_iter().map(|it| it.resource_id).collect();
    on.sort();
    assert_eq!(on, [coarse, vswitch]);
    assert_eq!(report.summary.checked, 2, "{report:#?}");
}

#[tokio::test]
async fn with_the_finest_coverage_a_flow_log_on_the_vpc_is_enough() {
    let harness = Harness::with("coverage: network-interface\n", Options::default()).await;
    let (vpc, _) = harness.kept_vpc(&[]).await;
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    harness.cloud.create_network_interface(&vswitch).await.unwrap();
    let bare = harness.cloud.create_vpc(&[]).await.unwrap();
    let bare_vswitch = harness.cloud.create_vswitch(&bare).await.unwrap();
    let interface = harness.cloud.create_network_interface(&bare_vswitch).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.compliant, report.summary.changed), (1, 1), "{report:#?}");
    assert!(harness.cloud.flow_log_of(&interface).is_some());
}

#[tokio::test]
async fn with_two_levels_the_resources_of_a_vpc_are_kept_at_the_level_of_that_vpc() {
    let more = "coverage: vswitch\noverrides: [{match: {tags: {level: coarse}}, coverage: vpc}]\n";
    let harness = Harness::new(more).await;
    let (vpc, _) = harness.kept_vpc(&[("level", "coarse")]).await;
    harness.cloud.create_vswitch(&vpc).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.checked, report.summary.compliant), (1, 1), "{report:#?}");
    assert_eq!(harness.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_resource_reached_by_a_sweep_and_an_event_of_one_batch_is_handled_once() {
    let harness = Harness::new("").await;
    let bare: Vec<_> =
        [harness.cloud.create_vpc(&[]).await.unwrap(), harness.cloud.create_vpc(&[]).await.unwrap()].into();
    let ids = [Harness::REGION, &bare[0], Harness::REGION, &bare[1]];
    let report = harness.look(REMEDIATION, &ids, jiff::SignedDuration::ZERO, std::time::Duration::from_secs(60)).await;
    assert_eq!((report.results.len(), report.summary.changed), (2, 2), "{report:#?}");
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 2);
    assert_eq!(harness.cloud.calls_of("DescribeFlowLogs").len(), 3, "one list, and a look at each that an event named");
}

#[tokio::test]
async fn an_own_account_that_the_policy_lists_is_swept_once_with_its_own_credentials() {
    let harness =
        Harness::new(&format!("accounts: [{{id: \"{OWN_ACCOUNT}\", role: \"acs:ram::{OWN_ACCOUNT}:role/keeper\"}}]\n"))
            .await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
    assert_eq!((harness.cloud.calls_of("DescribeVpcs").len(), harness.cloud.calls_of("AssumeRole").len()), (1, 0));
}

#[tokio::test]
async fn events_of_an_unlisted_account_are_skipped_and_reported() {
    let harness = Harness::new("").await;
    let bare = harness.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    harness.cloud.create_vpc(&[]).await.unwrap();
    let minute = std::time::Duration::from_secs(60);
    for id in [bare.as_str(), "fl-theirs", "i-theirs", Harness::REGION] {
        let report = harness.look_in(SECOND_ACCOUNT, REMEDIATION, &[id], jiff::SignedDuration::ZERO, minute).await;
        let [item] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((item.outcome, item.account.as_deref()), (Outcome::Skipped, Some(SECOND_ACCOUNT)), "{id}");
        assert!(item.reason.contains("is out of scope: the policy's accounts do not name it"), "{}", item.reason);
        assert_eq!((report.incomplete(), report.summary.findings), (None, 0));
    }
    assert!(harness.cloud.flow_logs().is_empty() && harness.waited().is_zero());
}

#[tokio::test]
async fn a_region_without_the_flow_log_service_is_reported_and_is_no_failure() {
    for capabilities in [REMEDIATION, ACTIVATION, DELETION] {
        let harness = harness(SECOND_ACCOUNT_ROLE).await;
        let fault = Fault::Code("OperationUnsupported.action");
        harness.cloud.fail_in("cn-shanghai", "DescribeFlowLogs", fault, u32::MAX);
        let report = harness.sweep(capabilities).await;
        assert!(report.incomplete().is_none(), "there is nothing that another try could do: {report:#?}");
        let unsupported: Vec<_> =
            report.results.iter().filter(|item| item.verdict == Some(Verdict::Unsupported)).collect();
        assert_eq!(unsupported.len(), 2, "{report:#?}");
        for item in unsupported {
            assert_eq!((item.region.as_deref(), item.outcome), (Some("cn-shanghai"), Outcome::Skipped));
            assert!(item.error.is_none() && item.is_finding, "{item:#?}");
        }
        assert_eq!(report.summary.changed, if capabilities == REMEDIATION { 2 } else { 0 });
    }
}

#[tokio::test]
async fn the_external_id_in_the_policy_is_sent_with_assume_role() {
    for (given, outcome) in [(", external_id: agreed", Outcome::Done), ("", Outcome::Failed)] {
        let policy = format!(
            "own_account: false\naccounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"{given}}}]\n"
        );
        let harness =
            Harness::with(&policy, Options { external_id: Some("agreed".into()), ..Options::default() }).await;
        harness.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!(report.results[0].outcome, outcome, "{report:#?}");
    }
}

#[tokio::test]
async fn a_policy_that_excludes_the_only_region_to_sweep_is_reported() {
    let harness = Harness::new("exclude_regions: [cn-hangzhou]\n").await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!(item.outcome, Outcome::Skipped);
    assert!(item.reason.contains("the policy's exclude_regions names it"), "{}", item.reason);
}
