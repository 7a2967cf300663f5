//! Every day `report-flow-logs` writes evidence of what is recorded into its bucket. It changes nothing, and what could
//! not be read or written is said.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use evidence::{ControlStatus, DeliveryState, Evidence, ExceptionsCountAs, NoteState, PolicyName};
use flow_log::AccountId;
use local_cloud::{Clock, Directory, Fault, Invocation, LocalCloud, MemberRole, OWN_ACCOUNT, Options, Timers};
use reconcile::{Capabilities, Listing};
use scenarios::{EVIDENCE_BUCKET, Harness, REPORT, results, whole_cloud};

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
    let [binary] = &evidence.facts().head.binaries[..] else { panic!("{:?}", evidence.facts().head) };
    assert_eq!((binary.sha256.as_ref().map(String::len), &binary.why_unknown), (Some(64), &None));
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
    let checked = Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&report).output().unwrap();
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
    assert_eq!(evidence.facts().head.binaries.len(), 1, "all parts are of one program");
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

/// Whether this many invocations have ended.
fn have_ended(number: usize) -> impl Fn(&LocalCloud) -> bool {
    move |cloud| cloud.invocations().len() == number
}

#[tokio::test]
async fn the_last_step_counts_a_shard_that_has_failed_as_failed_although_it_has_left_a_part() {
    let cloud = cloud(organization(3)).await;
    cloud.fail("GetFlowLogServiceStatus", Fault::Refused, u32::MAX);
    day(&cloud).await;
    ten_minutes_later(&cloud).await;
    let last = cloud.invocations().pop().unwrap();
    let shards = serde_json::json!({"submitted": 3, "done": 0, "failed": 3, "unfinished": 0});
    assert_eq!(last.body["report"]["shards"], shards, "{:#}", last.body);
    assert_eq!((parts(&cloud).len(), reports(&cloud).len()), (4, 1), "what they have read is in the report");
    let good = self::cloud(organization(3)).await;
    day(&good).await;
    ten_minutes_later(&good).await;
    let all_done = serde_json::json!({"submitted": 3, "done": 3, "failed": 0, "unfinished": 0});
    assert_eq!(good.invocations().pop().unwrap().body["shards"], all_done);
}

#[tokio::test]
async fn a_shard_that_is_tried_again_is_waited_for_since_it_may_leave_a_better_part() {
    let cloud = cloud(Options { retry_delay: TEN_MINUTES + TEN_MINUTES / 2, ..organization(2) }).await;
    cloud.fail("GetFlowLogServiceStatus", Fault::Refused, 1);
    cloud.fire_timer(REPORT, "report").unwrap();
    cloud.wait_until("the coordinator and both shards have ended", have_ended(3)).await.unwrap();
    cloud.clock().advance(TEN_MINUTES);
    cloud.wait_until("the parts are looked at", have_ended(4)).await.unwrap();
    assert_eq!((parts(&cloud).len(), reports(&cloud).len()), (3, 0), "every part is there, and one may get better");
    let waiting = cloud.invocations().pop().unwrap();
    let shards = serde_json::json!({"submitted": 2, "done": 2, "failed": 0, "unfinished": 1});
    assert_eq!(waiting.body["shards"], shards, "{:#}", waiting.body);
    for _ in 0..2 {
        ten_minutes_later(&cloud).await;
    }
    let [report] = reports(&cloud).try_into().unwrap();
    let found = read(&report).assessment().clone();
    assert!(found.scope.is_whole && found.unknown.is_empty(), "{:?}", found.unknown);
}

#[tokio::test]
async fn a_repetition_that_finds_something_else_leaves_a_second_report_and_the_list_has_the_last() {
    let cloud = cloud(Options { retry_delay: TEN_MINUTES, ..options(POLICY) }).await;
    let first = cloud.vpcs()[0].id.clone();
    cloud.fail("GetFlowLogServiceStatus", Fault::Refused, u32::MAX);
    cloud.fire_timer(REPORT, "report").unwrap();
    cloud.wait_until("the run has ended", have_ended(1)).await.unwrap();
    assert_eq!(reports(&cloud).len(), 1);
    // As many findings as before, and another one.
    cloud.client().call("DeleteVpc", &[("VpcId", first.as_str())]).await.unwrap();
    let second = cloud.create_vpc(&[]).await.unwrap();
    cloud.clock().advance(TEN_MINUTES);
    cloud.wait_until("the run was repeated", have_ended(2)).await.unwrap();
    let all: Vec<_> = reports(&cloud).iter().map(|report| read(report)).collect();
    let ids: BTreeSet<_> = all.iter().map(|report| report.facts().results[0].id.clone()).collect();
    assert_eq!(ids, [first, second].into(), "{} reports", all.len());
    let runs: BTreeSet<_> = all.iter().map(|report| &report.facts().head.run).collect();
    assert_eq!((all.len(), runs.len()), (2, 1));
    let index = fs::read_to_string(bucket(&cloud).join("index.html")).unwrap();
    assert_eq!(index.matches("evidence.html").count(), 1, "{index}");
    let last = all.iter().max_by_key(|report| report.facts().head.ended).unwrap();
    assert!(index.contains(&last.seal()), "{index}");
}

#[tokio::test]
async fn what_a_killed_run_was_writing_is_removed_by_a_run_a_day_later() {
    let cloud = cloud(options(POLICY)).await;
    day(&cloud).await;
    let [report] = reports(&cloud).try_into().unwrap();
    let (old, new) = (report.join(".flowkeeper-old"), report.join(".flowkeeper-new"));
    for (file, hours) in [(&old, 25), (&new, 23)] {
        fs::write(file, "half").unwrap();
        let written = Clock::real().now() - jiff::SignedDuration::from_hours(hours);
        fs::File::options().write(true).open(file).unwrap().set_modified(written.into()).unwrap();
    }
    day(&cloud).await;
    assert_eq!((old.exists(), new.exists()), (false, true));
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
    // The alert `not-arriving` reads this verdict.
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
async fn a_part_that_is_too_large_costs_no_other_account_its_place_in_the_report() {
    let cloud = cloud(organization(2)).await;
    day(&cloud).await;
    let part = parts(&cloud).into_iter().find(|part| !part.ends_with("organization.json")).unwrap();
    fs::File::options().write(true).open(&part).unwrap().set_len(97 << 20).unwrap();
    for _ in 0..7 {
        ten_minutes_later(&cloud).await;
    }
    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success && said(&last).contains("its part is larger than 100663296 bytes"), "{:#}", last.body);
    let [report] = reports(&cloud).try_into().unwrap();
    let scope = read(&report).assessment().scope.clone();
    assert_eq!((scope.accounts_asked, scope.accounts_read), (2, 1), "{scope:?}");
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
    assert_eq!(cloud.dead_letters().len(), 1, "it is kept");
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

/// Whether this process has mounts of its own. If not, runs the test once more in a process that has.
fn has_own_mounts(test: &str) -> bool {
    // Such a process knows one user.
    if fs::read_to_string("/proc/self/uid_map").unwrap().split_whitespace().nth(2) == Some("1") {
        return true;
    }
    let alone = |command: &Path, arguments: &[&str]| {
        Command::new("unshare").args(["--mount", "--map-root-user"]).arg(command).args(arguments).output()
    };
    if !alone(Path::new("true"), &[]).is_ok_and(|output| output.status.success()) {
        let said = format!("NOT TESTED: {test}: this machine gives no process mounts of its own\n");
        io::stderr().write_all(said.as_bytes()).unwrap();
        return false;
    }
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let output = alone(&std::env::current_exe().unwrap(), &["--exact", &name, "--nocapture"]).unwrap();
    let [told, trouble] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success() && told.contains("1 passed"), "{told}\n{trouble}");
    false
}

fn mount(arguments: &[&str], folder: &Path) {
    let output = Command::new("mount").args(arguments).arg(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A cloud whose buckets are a file system of their own, and that file system.
async fn cloud_with_a_mount(size: &str) -> (LocalCloud, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    mount(&["-t", "tmpfs", "-o", size, "tmpfs"], folder.path());
    let cloud = cloud(Options { buckets: Some(folder.path().to_owned()), ..options(POLICY) }).await;
    (cloud, folder)
}

/// Everything in a folder, with its content.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { content(&path) } else { vec![(path.clone(), fs::read(&path).unwrap())] })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_bucket_that_is_full_keeps_its_reports_and_the_run_says_what_it_could_not_write_and_where() {
    if !has_own_mounts("a_bucket_that_is_full_keeps_its_reports_and_the_run_says_what_it_could_not_write_and_where") {
        return;
    }
    let (cloud, folder) = cloud_with_a_mount("size=2m").await;
    day(&cloud).await;
    let [first] = reports(&cloud).try_into().unwrap();
    let before = content(&first);
    let index = fs::read(bucket(&cloud).join("index.html")).unwrap();
    // Nothing is left but the room for one more file of a few bytes.
    let filler = folder.path().join("filler");
    fs::write(&filler, vec![0; 2 << 20]).unwrap_err();
    let full = fs::metadata(&filler).unwrap().len();
    fs::File::options().write(true).open(&filler).unwrap().set_len(full - (8 << 10)).unwrap();
    // A second report of the same day.
    day(&cloud).await;
    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success, "{:#}", last.body);
    let told = said(&last);
    let place = first.parent().unwrap().to_str().unwrap();
    for part in
        ["the report could not be written: ", place, "evidence.json: No space left on device", "make room there"]
    {
        assert!(told.contains(part), "{part}: {:#}", last.body);
    }
    assert_eq!(reports(&cloud), [first.as_path()], "what is not whole is no report");
    assert_eq!(content(&first), before);
    assert_eq!(fs::read(bucket(&cloud).join("index.html")).unwrap(), index);
    let left: Vec<_> = content(&bucket(&cloud))
        .into_iter()
        .filter(|(path, _)| path.to_string_lossy().contains(".flowkeeper-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    fs::remove_file(&filler).unwrap();
    day(&cloud).await;
    assert!(cloud.invocations().pop().unwrap().success);
    assert_eq!(reports(&cloud).len(), 2, "with room, there is another");
    assert_eq!(content(&first), before);
}

#[tokio::test]
async fn a_bucket_that_is_mounted_for_reading_is_said_before_anything_is_read() {
    if !has_own_mounts("a_bucket_that_is_mounted_for_reading_is_said_before_anything_is_read") {
        return;
    }
    let (cloud, folder) = cloud_with_a_mount("size=8m").await;
    day(&cloud).await;
    let before = content(folder.path());
    assert_eq!(reports(&cloud).len(), 1);
    let calls = cloud.calls_of("DescribeVpcs").len();
    mount(&["-o", "remount,ro"], folder.path());
    day(&cloud).await;
    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success, "{:#}", last.body);
    let told = said(&last);
    for part in [
        "could not be written: ",
        bucket(&cloud).to_str().unwrap(),
        "Read-only file system",
        "mount the bucket for writing",
    ] {
        assert!(told.contains(part), "{part}: {:#}", last.body);
    }
    assert_eq!(cloud.calls_of("DescribeVpcs").len(), calls, "nothing is read for a report that cannot be written");
    assert_eq!(content(folder.path()), before);
    mount(&["-o", "remount,rw"], folder.path());
    day(&cloud).await;
    assert_eq!(reports(&cloud).len(), 2);
}

/// Sweeps a region with this number of VPCs into evidence that lists ten.
async fn evidence_of_many(vpcs: usize) -> Evidence {
    let mut harness = Harness::with("limits: {max_creations: none}\n", Options::default()).await;
    harness.dry_run = true;
    let (vpc, _) = harness.kept_vpc(&[]).await;
    harness.cloud.copy_vpc(&vpc, vpcs - 1);
    let gathering = std::sync::Arc::new(audit::Gathering::new(10));
    let observer = std::sync::Arc::<audit::Gathering>::clone(&gathering);
    let capabilities = Capabilities::everything("report-flow-logs");
    let reconciler = harness.reconciler(capabilities).listing(Listing::Full).observed_by(observer).reading_evidence();
    let report = harness.sweep_by(&reconciler).await;
    let accounts: Vec<AccountId> = vec![OWN_ACCOUNT.parse().unwrap()];
    let swept = audit::Swept { reconciler, job: harness.job(TEN_MINUTES), accounts, report };
    let about = audit::About {
        tool: "a test".to_owned(),
        version: "1".to_owned(),
        binary: audit::own_binary(),
        run: "1-test".to_owned(),
        started: harness.now(),
        policy: PolicyName { name: "policy.yml".to_owned(), sha256: "0".repeat(64) },
        exceptions_count_as: ExceptionsCountAs::default(),
        left_out: Vec::new(),
        has_routers: false,
        advice: audit::for_operators,
    };
    let gathered = gathering.take();
    audit::audit(about, swept, (&gathering, gathered), Vec::new(), Vec::new()).await.evidence
}

#[tokio::test]
async fn more_resources_than_a_report_lists_are_all_counted_and_pass_nothing() {
    let evidence = evidence_of_many(600).await;
    let (facts, found) = (evidence.facts(), evidence.assessment());
    assert_eq!((facts.results.len(), found.sums.omitted, found.sums.resources), (10, 590, 600));
    assert_eq!((found.sums.findings, found.sums.compliant), (599, 1), "{}", found.verdict);
    assert_eq!(found.discrepancies, [""; 0]);
    assert!(found.scope.is_whole, "{:?}", found.unknown);
    assert!(
        found.verdict.contains("599 have no flow log") && found.verdict.contains("590 of them are only counted"),
        "{}",
        found.verdict
    );
    assert!(found.controls.iter().all(|control| control.id == "2.5" || control.status != ControlStatus::Pass));
    let uncounted = &facts.omitted_deliveries[0];
    assert_eq!((uncounted.count, uncounted.state), (1, DeliveryState::Unknown), "the flow log was read after ten VPCs");
}
