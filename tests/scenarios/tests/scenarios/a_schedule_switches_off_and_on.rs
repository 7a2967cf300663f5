use flow_log::{Action, Verdict};
use local_cloud::Options;
use reconcile::{Outcome, Report};
use scenarios::{ACTIVATION, DEACTIVATION, Harness, REMEDIATION};

/// Monday to Friday, 07:00 to 21:00 in Shanghai. A harness starts at noon there, on a Monday.
const OFFICE_HOURS: &str = "\
schedule: office-hours
schedules:
  office-hours: {time_zone: Asia/Shanghai, on: ['Mon-Fri 07:00-21:00']}
";

const EVENING: &str = "2026-03-02T21:00:00+08:00";
const NIGHT: &str = "2026-03-03T02:00:00+08:00";
const MORNING: &str = "2026-03-03T07:00:00+08:00";

/// Runs both timers, one after the other.
async fn timers(harness: &Harness) -> [Report; 2] {
    let off = harness.sweep(DEACTIVATION).await;
    let on = harness.sweep(ACTIVATION).await;
    harness.cloud.finish_transitions();
    for report in [&off, &on] {
        assert!(report.incomplete().is_none(), "{report:#?}");
    }
    [off, on]
}

fn writes(harness: &Harness) -> Vec<String> {
    let reads = |action: &str| action.starts_with("Describe") || action.starts_with("Create");
    harness.cloud.calls().into_iter().map(|call| call.action).filter(|action| !reads(action)).collect()
}

#[tokio::test]
async fn flow_logs_are_off_at_night_and_on_in_the_morning() {
    let harness = Harness::new(OFFICE_HOURS).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    timers(&harness).await;
    assert_eq!(writes(&harness), [""; 0], "at noon it is on, and stays so");

    harness.wait_until(EVENING);
    let [off, on] = timers(&harness).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Inactive"));
    let [item] = off.results.as_slice() else { panic!("{off:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::DueToPause), Outcome::Done));
    assert_eq!((item.resource_id.as_ref(), item.action.map(Action::as_str)), (Some(&vpc), Some("DeactiveFlowLog")));
    assert_eq!(item.reason, format!("{flow_log} records, and the schedule office-hours keeps it off now"));
    assert_eq!((on.summary.changed, on.summary.checked), (0, 1));

    harness.wait_until(MORNING);
    let [_, morning] = timers(&harness).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"));
    assert_eq!(
        (morning.results[0].verdict, morning.results[0].action.map(Action::as_str)),
        (Some(Verdict::Inactive), Some("ActiveFlowLog"))
    );
    assert_eq!(writes(&harness), ["DeactiveFlowLog", "ActiveFlowLog"]);
}

#[tokio::test]
async fn before_it_is_removed_a_sweep_without_schedules_activates_what_they_paused() {
    let harness = Harness::new(OFFICE_HOURS).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.wait_until(EVENING);
    timers(&harness).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Inactive"));
    let harness = Harness::of(harness.cloud, "flow_log: {project: flowlog, log_store: vpc}");
    timers(&harness).await;
    assert_eq!(
        harness.status(&flow_log).as_deref(),
        Some("Inactive"),
        "no schedule governs it, so they do not look at it"
    );
    harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"));
}

#[tokio::test]
async fn what_a_dry_run_would_switch_off_on_purpose_is_an_exception_as_it_is_afterwards() {
    let mut harness = Harness::new(OFFICE_HOURS).await;
    harness.kept_vpc(&[]).await;
    harness.wait_until(EVENING);
    harness.dry_run = true;
    let planned = harness.sweep(DEACTIVATION).await;
    assert_eq!((planned.results[0].outcome, planned.summary.exceptions), (Outcome::Planned, 1));
    harness.dry_run = false;
    assert_eq!(harness.sweep(DEACTIVATION).await.summary.exceptions, 1);
}

#[tokio::test]
async fn a_timer_that_is_missed_late_or_doubled_leads_to_the_same_state() {
    let harness = Harness::new(OFFICE_HOURS).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.wait_until(NIGHT);
    timers(&harness).await;
    timers(&harness).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Inactive"), "the timer at nine was missed");
    assert_eq!(writes(&harness), ["DeactiveFlowLog"]);
    harness.wait_until("2026-03-07T12:00:00+08:00");
    timers(&harness).await;
    assert_eq!(
        writes(&harness),
        ["DeactiveFlowLog"],
        "a week later it is Saturday: those of the week were missed, too"
    );
    harness.wait_until("2026-03-09T11:00:00+08:00");
    timers(&harness).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"));
}

#[tokio::test]
async fn a_flow_log_that_its_schedule_keeps_off_is_compliant_and_stays_off() {
    let harness = Harness::new(OFFICE_HOURS).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.wait_until(NIGHT);
    timers(&harness).await;
    let report = harness.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Paused), Outcome::Unchanged));
    assert_eq!((report.summary.compliant, report.summary.findings), (1, 0));
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Inactive"));
    let named =
        harness.look(REMEDIATION, &[&flow_log], jiff::SignedDuration::ZERO, std::time::Duration::from_secs(60)).await;
    assert_eq!((named.results[0].verdict, named.summary.changed), (Some(Verdict::Paused), 0), "{named:#?}");
}

#[tokio::test]
async fn remediation_and_the_timers_agree_at_every_hour_of_a_week() {
    let harness = Harness::new(OFFICE_HOURS).await;
    harness.kept_vpc(&[]).await;
    harness.kept_vpc(&[("flowkeeper", "on-until=2026-03-05T12:00+08:00")]).await;
    let start = harness.now();
    for hour in 1..=168 {
        harness.wait_until(&(start + jiff::SignedDuration::from_hours(hour)).to_string());
        timers(&harness).await;
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!(report.summary.changed, 0, "hour {hour}: {report:#?}");
    }
    // One is switched off and on each working day, until Monday noon; the other's tag keeps it on until Thursday noon.
    let count = |action: &str| writes(&harness).iter().filter(|call| *call == action).count();
    assert_eq!((count("DeactiveFlowLog"), count("ActiveFlowLog")), (5 + 2, 5 + 2));
}

#[tokio::test]
async fn a_tag_overrides_the_schedule_until_it_expires() {
    let harness = Harness::new(OFFICE_HOURS).await;
    let (_, kept_on) = harness.kept_vpc(&[("flowkeeper", "on-until=2026-03-02T23:00+08:00")]).await;
    let (_, never) = harness.kept_vpc(&[("flowkeeper", "off")]).await;
    let (_, ignored) = harness.kept_vpc(&[("flowkeeper", "ignore")]).await;
    harness.wait_until(EVENING);
    timers(&harness).await;
    assert_eq!(harness.status(&kept_on).as_deref(), Some("Active"), "until eleven");
    assert_eq!(harness.status(&never).as_deref(), Some("Inactive"));
    harness.wait_until("2026-03-02T23:00:00+08:00");
    timers(&harness).await;
    assert_eq!(harness.status(&kept_on).as_deref(), Some("Inactive"), "an expired tag is as none");
    assert_eq!(harness.status(&ignored).as_deref(), Some("Active"), "it is left alone");
    harness.wait_until(MORNING);
    timers(&harness).await;
    assert_eq!(harness.status(&never).as_deref(), Some("Inactive"), "off is off, in the morning, too");
}

#[tokio::test]
async fn the_timers_leave_resources_without_a_schedule_alone() {
    let harness = Harness::new("").await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.status = "Inactive".into());
    let [off, on] = timers(&harness).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Inactive"));
    assert_eq!((off.summary.checked, on.summary.checked), (0, 0));
    harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"), "an inactive one under always is remediation's");
}

#[tokio::test]
async fn the_timers_neither_create_nor_repair_nor_touch_foreign_flow_logs() {
    let harness = Harness::new(OFFICE_HOURS).await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    let (_, renamed) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&renamed, |it| it.name = "renamed".into());
    let (_, foreign) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&foreign, |it| it.tags.clear());
    let (_, by_sls) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&by_sls, |it| it.service_type = "sls".into());
    timers(&harness).await;
    harness.wait_until(EVENING);
    timers(&harness).await;
    assert_eq!(writes(&harness), ["DeactiveFlowLog"], "the renamed one is ours, and so switched off");
    assert_eq!(harness.status(&foreign).as_deref(), Some("Active"));
    assert_eq!(harness.status(&by_sls).as_deref(), Some("Active"));
}

#[tokio::test]
async fn foreign_flow_logs_are_switched_if_the_policy_manages_them() {
    let harness = Harness::new(&format!("{OFFICE_HOURS}foreign: manage\n")).await;
    let (_, foreign) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&foreign, |it| it.tags.clear());
    harness.wait_until(EVENING);
    timers(&harness).await;
    assert_eq!(harness.status(&foreign).as_deref(), Some("Inactive"));
}

#[tokio::test]
async fn no_limit_holds_for_a_schedule_that_switches_two_hundred_flow_logs() {
    let harness = Harness::with(OFFICE_HOURS, Options { quota: 2000, ..Options::default() }).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let others = harness.cloud.copy_vpc(&vpc, 199);
    harness.cloud.copy_flow_log(&flow_log, &others);
    harness.wait_until(EVENING);
    let [off, _] = timers(&harness).await;
    assert_eq!((off.summary.changed, off.summary.checked), (200, 200));
}

#[tokio::test]
async fn the_timers_do_not_report_repairs_that_belong_to_other_functions() {
    let harness = Harness::new(OFFICE_HOURS).await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    harness.kept_vpc(&[("flowkeeper", "odd")]).await;
    let (_, renamed) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&renamed, |it| it.name = "renamed".into());
    for report in timers(&harness).await {
        assert_eq!((report.results.len(), report.summary.findings), (0, 0), "{report:#?}");
    }
}

#[tokio::test]
async fn a_timer_that_fires_twice_at_once_switches_once_and_neither_run_fails() {
    let harness = Harness::new(OFFICE_HOURS).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    for (moment, capabilities, status) in [(EVENING, DEACTIVATION, "Inactive"), (MORNING, ACTIVATION, "Active")] {
        harness.wait_until(moment);
        let reports = futures_util::future::join_all((0..5).map(|_| harness.sweep(capabilities))).await;
        harness.cloud.finish_transitions();
        assert_eq!(harness.status(&flow_log).as_deref(), Some(status));
        for report in &reports {
            assert!(report.incomplete().is_none(), "{report:#?}");
        }
        let switched =
            harness.cloud.calls_of(capabilities.actions[0].as_str()).into_iter().filter(local_cloud::Call::succeeded);
        assert_eq!(switched.count(), 1);
        assert_eq!(reports.iter().map(|report| report.summary.changed).sum::<usize>(), 1, "one says that it did it");
    }
}

#[tokio::test]
async fn a_flow_log_that_awaits_replacement_is_still_switched_on_in_time() {
    let harness = Harness::new(&format!("{OFFICE_HOURS}replace: true\n")).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.project = "theirs".into();
    });
    let [_, on] = timers(&harness).await;
    assert_eq!((on.summary.changed, on.results[0].action.map(Action::as_str)), (1, Some("ActiveFlowLog")), "{on:#?}");
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"));
    harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    assert_eq!(harness.status(&flow_log), None, "to replace it is for remediation");
}
