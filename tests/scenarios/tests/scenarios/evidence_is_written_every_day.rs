//! Every day `report-flow-logs` writes evidence of what is recorded into its bucket. It changes nothing, and what could
//! not be read or written is said.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use evidence::{DeliveryState, Evidence, NoteState};
use local_cloud::{Clock, Directory, Fault, Invocation, LocalCloud, MemberRole, OWN_ACCOUNT, Options, Timers};
use scenarios::{EVIDENCE_BUCKET, REPORT, results, whole_cloud};

const POLICY: &str = "flow_log: {project: flowlog, log_store: vpc}\n";
const ORGANIZATION: &str = "resource_directory: {role: flowkeeper}\n";
const TEN_MINUTES: Duration = Duration::from_secs(600);
/// The files of a report.
const FILES: [&str; 7] = [
    "SHA256SUMS",
    "evidence.csv",
    "evidence.html",
    "evidence.json",
    "evidence.junit.xml",
    "evidence.ocsf.json",
    "summary.json",
];

/// Options for a cloud in which only the timer of the report fires.
fn options(policy: &str) -> Options {
    Options {
        policy: Some(policy.to_owned()),
        triggers_of: Some(REPORT.to_owned()),
        parameters: [(EVIDENCE_BUCKET.0.to_owned(), EVIDENCE_BUCKET.1.to_owned())].into(),
        regions: Vec::new(),
        clock: Clock::manual(Clock::real().now()),
        timers: Timers::ByHand,
        retry_delay: Duration::ZERO,
        ..Options::default()
    }
}

/// Options for a cloud with this number of accounts in an organization.
fn organization(accounts: u32) -> Options {
    let mut options = options(&format!("{POLICY}{ORGANIZATION}"));
    options.parameters.insert("UseResourceDirectory".to_owned(), "true".to_owned());
    Options { accounts, directory: Some(Directory::new()), ..options }
}

/// Starts a cloud with a VPC in each account.
async fn cloud(options: Options) -> LocalCloud {
    let cloud = whole_cloud(options).await.unwrap();
    for account in cloud.accounts() {
        cloud.operator(&account, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    }
    cloud
}

/// Lets the timer of the day fire.
async fn day(cloud: &LocalCloud) {
    cloud.fire_timer(REPORT, "report").unwrap();
    cloud.settled().await.unwrap();
}

async fn ten_minutes_later(cloud: &LocalCloud) {
    cloud.clock().advance(TEN_MINUTES);
    cloud.settled().await.unwrap();
}

fn bucket(cloud: &LocalCloud) -> PathBuf {
    cloud.bucket(EVIDENCE_BUCKET.1)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The folders of reports that are whole, in the order of their names.
fn reports(cloud: &LocalCloud) -> Vec<PathBuf> {
    let bucket = bucket(cloud);
    let days = names(&bucket).into_iter().filter(|name| name.starts_with("20"));
    let reports = days.flat_map(|day| names(&bucket.join(&day)).into_iter().map(move |name| format!("{day}/{name}")));
    reports.map(|name| bucket.join(name)).filter(|report| report.join("SHA256SUMS").exists()).collect()
}

fn read(report: &Path) -> Evidence {
    Evidence::from_json(&fs::read(report.join("evidence.json")).unwrap()).unwrap()
}

/// The parts that a run has left, by account.
fn parts(cloud: &LocalCloud) -> Vec<PathBuf> {
    let all = bucket(cloud).join("parts");
    let runs = names(&all).into_iter().flat_map(|day| {
        let day = all.join(day);
        names(&day).into_iter().map(move |run| day.join(run))
    });
    runs.flat_map(|run| names(&run).into_iter().map(move |part| run.join(part))).collect()
}

fn said(invocation: &Invocation) -> String {
    invocation.body.to_string()
}

#[tokio::test]
async fn a_report_of_one_account_has_every_form_and_stands_in_the_list() {
    let cloud = cloud(options(POLICY)).await;
    let wide = "网".repeat(128);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.edit_vpc(&vpc, |vpc| vpc.name.clone_from(&wide));
    cloud.settled().await.unwrap();
    day(&cloud).await;
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    let [report] = reports(&cloud).try_into().unwrap();
    assert_eq!(names(&report), FILES.map(str::to_owned).into(), "{report:?}");
    let evidence = read(&report);
    assert_eq!(evidence.assessment().sums.resources, 2, "{}", evidence.assessment().verdict);
    assert!(fs::read_to_string(report.join("evidence.html")).unwrap().contains(&wide));
    let caller = &evidence.facts().callers[0];
    assert!(caller.arn.contains(":assumed-role/flowkeeper-report-flow-logs/"), "{caller:?}");
    let name = report.strip_prefix(bucket(&cloud)).unwrap().to_str().unwrap().to_owned();
    let (day, run) = name.split_once('/').unwrap();
    assert_eq!(day, &evidence.facts().head.started.to_string()[..10]);
    assert!(
        run.starts_with(&format!("{}-", evidence.facts().head.run)) && run.ends_with(&evidence.seal()[..8]),
        "{run}"
    );
    let index = fs::read_to_string(bucket(&cloud).join("index.html")).unwrap();
    assert!(index.contains(&format!("href=\"{name}/evidence.html\"")), "{index}");
    assert!(said(&invocation).contains(&evidence.assessment().verdict), "{:#}", invocation.body);
    assert_eq!(invocation.body["summary"]["checked"], 2);
    // It has changed nothing, and each resource is in the report, not in the log.
    assert!(cloud.flow_logs().is_empty());
    assert_eq!(results(&invocation).len(), 1, "{:#}", invocation.body);
}

#[tokio::test]
async fn the_digests_are_those_of_the_files() {
    let cloud = cloud(options(POLICY)).await;
    day(&cloud).await;
    let [report] = reports(&cloud).try_into().unwrap();
    let checked =
        std::process::Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&report).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let sums = fs::read_to_string(report.join("SHA256SUMS")).unwrap();
    assert!(sums.contains(&format!("{}  evidence.json\n", read(&report).seal())), "{sums}");
    let listed: BTreeSet<_> = sums.lines().filter_map(|line| Some(line.split_once("  ")?.1.to_owned())).collect();
    assert_eq!(listed, FILES[1..].iter().map(|file| (*file).to_owned()).collect(), "the list of reports trusts each");
}

#[tokio::test]
async fn an_organization_is_one_report_of_the_parts_of_its_accounts() {
    let cloud = cloud(organization(3)).await;
    day(&cloud).await;
    assert!(reports(&cloud).is_empty(), "the parts are there, and not the whole");
    assert_eq!(parts(&cloud).len(), 4, "three accounts, and the list of them");
    ten_minutes_later(&cloud).await;
    let [report] = reports(&cloud).try_into().unwrap();
    let evidence = read(&report);
    let scope = &evidence.assessment().scope;
    assert_eq!((scope.accounts_asked, scope.accounts_read, scope.is_whole), (3, 3, true), "{scope:?}");
    assert_eq!(evidence.assessment().sums.resources, 3);
    assert!(cloud.invocations().iter().all(|invocation| invocation.success), "{:#?}", cloud.invocations());
    assert!(cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn an_account_whose_part_does_not_come_is_unknown_and_named() {
    let cloud = cloud(organization(3)).await;
    let refusing = cloud.accounts().pop().unwrap();
    day(&cloud).await;
    let part = parts(&cloud).into_iter().find(|part| part.ends_with(format!("{refusing}.json"))).unwrap();
    fs::write(&part, &fs::read(&part).unwrap()[..200]).unwrap();
    // It looks again for an hour, since another instance may see a file late.
    for _ in 0..7 {
        ten_minutes_later(&cloud).await;
    }
    let [report] = reports(&cloud).try_into().unwrap();
    let evidence = read(&report);
    assert_eq!((evidence.assessment().scope.accounts_asked, evidence.assessment().scope.accounts_read), (3, 2));
    let note = evidence.facts().notes.iter().find(|note| note.account.as_ref() == Some(&refusing)).unwrap();
    assert_eq!(note.state, NoteState::Unread);
    assert!(note.reason.contains("its part cannot be used"), "{note:?}");
    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success && said(&last).contains(&format!("the account {refusing} is unknown")), "{:#}", last.body);
}

#[tokio::test]
async fn a_member_without_the_role_is_in_the_report_and_fails_nothing() {
    let account = (1_000_000_000_000_000 + 3_u64).to_string();
    let member_roles = [(account.clone(), MemberRole::Absent)].into();
    let cloud = cloud(Options { member_roles, ..organization(3) }).await;
    day(&cloud).await;
    ten_minutes_later(&cloud).await;
    let [report] = reports(&cloud).try_into().unwrap();
    let evidence = read(&report);
    assert!(!evidence.assessment().scope.is_whole);
    let unknown = evidence.assessment().unknown.iter().find(|it| it.account.as_ref() == Some(&account)).unwrap();
    assert!(unknown.why.contains("not rolled out"), "{unknown:?}");
    let failed: Vec<_> = cloud.invocations().into_iter().filter(|invocation| !invocation.success).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn two_runs_at_once_are_two_reports() {
    let cloud = cloud(organization(2)).await;
    cloud.fire_timer(REPORT, "report").unwrap();
    cloud.fire_timer(REPORT, "report").unwrap();
    cloud.settled().await.unwrap();
    ten_minutes_later(&cloud).await;
    let reports: Vec<_> = reports(&cloud).iter().map(|report| read(report)).collect();
    assert_eq!(reports.len(), 2);
    let runs: BTreeSet<_> = reports.iter().map(|report| report.facts().head.run.clone()).collect();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(reports.iter().all(|report| report.assessment().scope.is_whole));
}

#[tokio::test]
async fn without_task_mode_the_parts_are_joined_as_well() {
    let mut options = organization(3);
    options.parameters.insert("TaskMode".to_owned(), "false".to_owned());
    let cloud = cloud(options).await;
    day(&cloud).await;
    ten_minutes_later(&cloud).await;
    let [report] = reports(&cloud).try_into().unwrap();
    assert!(read(&report).assessment().scope.is_whole);
}

#[tokio::test]
async fn a_coordinator_or_a_shard_that_is_killed_leaves_one_whole_report() {
    for (call, fault) in [
        ("InvokeFunction", Fault::FunctionKilled),
        ("InvokeFunction", Fault::FunctionKilledAfterEffect),
        ("DescribeVpcs", Fault::FunctionKilledAfterEffect),
        ("ListAsyncTasks", Fault::FunctionKilled),
    ] {
        let cloud = cloud(organization(3)).await;
        cloud.fail(call, fault, 1);
        day(&cloud).await;
        for _ in 0..2 {
            ten_minutes_later(&cloud).await;
        }
        let reports = reports(&cloud);
        assert_eq!(reports.len(), 1, "{call}: {reports:?}");
        let scope = read(&reports[0]).assessment().scope.clone();
        assert_eq!((scope.accounts_read, scope.is_whole), (3, true), "{call}: {scope:?}");
    }
}

#[tokio::test]
async fn a_run_whose_last_step_is_lost_is_joined_by_the_next_run() {
    // The functions have the machine's clock, and see a run that began four hours ago.
    let clock = Clock::manual(Clock::real().now() - jiff::SignedDuration::from_hours(4));
    let cloud = cloud(Options { clock, ..organization(2) }).await;
    day(&cloud).await;
    cloud.fail("ListAsyncTasks", Fault::Refused, 4);
    ten_minutes_later(&cloud).await;
    assert!(reports(&cloud).is_empty());
    day(&cloud).await;
    let [report] = reports(&cloud).try_into().unwrap();
    let evidence = read(&report);
    assert!(evidence.assessment().scope.is_whole, "{}", evidence.assessment().verdict);
    let offset = evidence.facts().head.clock_offset_ms.unwrap();
    assert!((14_398_000..14_700_000).contains(&offset), "the cloud is four hours behind: {offset}");
    let first = cloud.invocations().into_iter().next().unwrap();
    assert_eq!(first.body["run"], evidence.facts().head.run.as_str());
}

#[tokio::test]
async fn a_log_store_that_is_gone_or_has_no_index_is_in_the_report_and_fails_nothing() {
    let cloud = cloud(options(POLICY)).await;
    cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "bare", "vpc");
    let mut flow_logs = Vec::new();
    for project in ["bare", "gone"] {
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        let to = [("ProjectName", project), ("LogStoreName", "vpc")];
        flow_logs.push(cloud.create_flow_log("VPC", &vpc, &to).await.unwrap());
    }
    cloud.settled().await.unwrap();
    cloud.without_project(OWN_ACCOUNT, "cn-hangzhou", "gone");
    day(&cloud).await;
    let last = cloud.invocations().pop().unwrap();
    assert!(last.success, "{:#}", last.body);
    // The alert `not-delivering` reads this verdict.
    let told: Vec<_> = results(&last).into_iter().filter(|it| it["verdict"] == "undelivered").collect();
    assert_eq!((told.len(), &told[0]["flow_log_id"]), (1, &flow_logs[1].as_str().into()), "{:#}", last.body);
    assert!(last.body["summary"]["findings"].as_u64() >= Some(1), "{:#}", last.body);
    let evidence = read(&reports(&cloud)[0]);
    assert_eq!(evidence.assessment().unknown.len(), 1, "{:?}", evidence.assessment().unknown);
    let delivery = |id: &str| evidence.facts().deliveries.iter().find(|it| it.flow_log_id == id).unwrap();
    let (bare, gone) = (delivery(&flow_logs[0]), delivery(&flow_logs[1]));
    assert_eq!(bare.state, DeliveryState::Unknown);
    assert!(bare.why_unknown.as_ref().unwrap().contains("index"), "{bare:?}");
    assert_eq!(gone.state, DeliveryState::Silent);
    assert!(
        gone.why_unknown.as_ref().unwrap().contains("gone") || gone.why_unknown.as_ref().unwrap().contains("not"),
        "{gone:?}"
    );
}

#[tokio::test]
async fn parts_that_are_too_large_to_join_are_refused_and_stay() {
    let cloud = cloud(organization(2)).await;
    day(&cloud).await;
    let part = parts(&cloud).into_iter().find(|part| !part.ends_with("organization.json")).unwrap();
    fs::File::options().write(true).open(&part).unwrap().set_len(65 << 20).unwrap();
    ten_minutes_later(&cloud).await;
    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success && said(&last).contains("a joined report takes 67108864 at most"), "{:#}", last.body);
    assert!(reports(&cloud).is_empty());
    assert_eq!(parts(&cloud).len(), 3);
}

#[tokio::test]
async fn a_region_that_cannot_be_read_is_unknown_in_the_report_and_the_run_fails() {
    let cloud = cloud(options(POLICY)).await;
    cloud.fail("DescribeVpcs", Fault::Refused, u32::MAX);
    day(&cloud).await;
    let report = reports(&cloud).pop().unwrap();
    let evidence = read(&report);
    assert!(!evidence.assessment().scope.is_whole && !evidence.assessment().unknown.is_empty());
    assert!(cloud.invocations().iter().all(|invocation| !invocation.success));
    let index = fs::read_to_string(bucket(&cloud).join("index.html")).unwrap();
    assert!(index.contains("not all of it"), "{index}");
}

#[tokio::test]
async fn a_run_that_is_refused_again_and_again_leaves_one_report_which_says_so() {
    let cloud = cloud(options(POLICY)).await;
    cloud.fail("GetFlowLogServiceStatus", Fault::Refused, u32::MAX);
    day(&cloud).await;
    let runs = cloud.invocations();
    assert!(runs.len() > 1 && runs.iter().all(|invocation| !invocation.success), "{runs:#?}");
    let [report] = reports(&cloud).try_into().unwrap();
    let evidence = read(&report);
    let unknown = evidence.assessment().unknown.iter();
    let calls: Vec<_> = unknown.filter_map(|it| Some(it.error.as_ref()?.operation.clone())).collect();
    assert_eq!(calls, ["GetFlowLogServiceStatus"]);
    let index = fs::read_to_string(bucket(&cloud).join("index.html")).unwrap();
    assert!(index.contains("not all of it: 1 unknown") && index.contains("in UTC"), "{index}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_said_and_costs_no_report_that_is_there() {
    let cloud = cloud(options(POLICY)).await;
    day(&cloud).await;
    let before = reports(&cloud);
    // Where the folder of the next day should be, there is a file.
    cloud.clock().advance(Duration::from_secs(86_400));
    let tomorrow = cloud.now().to_string()[..10].to_owned();
    fs::write(bucket(&cloud).join(&tomorrow), "in the way").unwrap();
    day(&cloud).await;
    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success && said(&last).contains("the report could not be written"), "{:#}", last.body);
    assert_eq!(reports(&cloud), before);
    assert!(said(&last).contains(&tomorrow), "{:#}", last.body);
}
