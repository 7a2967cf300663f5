//! What every subcommand has in common.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use local_cloud::Fault;
use serde_json::Value;

use crate::{
    plan::sample,
    server::{Answer, Seen, Server, sts},
    support::{Home, run_beside},
    world::World,
};

pub(crate) const SUBCOMMANDS: [&str; 13] = [
    "init",
    "whoami",
    "check",
    "plan",
    "apply",
    "remove",
    "report",
    "explain",
    "cost",
    "schedule",
    "schema",
    "completions",
    "man",
];
/// Each write that the command or a function can make.
const WRITES: [&str; 15] = [
    "CreateFlowLog",
    "ActiveFlowLog",
    "DeactiveFlowLog",
    "ModifyFlowLogAttribute",
    "DeleteFlowLog",
    "TagResources",
    "MoveResourceGroup",
    "OpenFlowLogService",
    "ActivateFlowLog",
    "DeactivateFlowLog",
    "CreateProject",
    "CreateLogStore",
    "UpdateLogStore",
    "CreateIndex",
    "DeleteFlowlog",
];
/// Those that the help names in one line.
const OF_ONE_LINE: [&str; 3] = ["schema", "completions", "man"];
const POLICY: &str = "flow_log: {project: flowlog, log_store: vpc}\n\
    schedules: {office: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 07:00-21:00\"]}}\n";

#[test]
fn help_fits_a_screen_and_has_examples() {
    let home = Home::new();
    let helps = SUBCOMMANDS.iter().flat_map(|name| [vec![*name, "--help"], vec![*name, "-h"]]);
    for arguments in helps.chain([vec!["--help"], vec!["-h"]]) {
        let help = home.run(&arguments, &[]).good();
        assert!(help.lines().count() <= 24, "{arguments:?}: {} lines\n{help}", help.lines().count());
        let wide = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{arguments:?}");
        assert!(help.contains("Examples:\n  "), "{arguments:?}");
    }
    let help = home.run(&["--help"], &[]).good();
    assert!(help.contains("Exit codes: 0 done; 1 failed or unknown; 64 wrong usage or policy"), "{help}");
    for name in SUBCOMMANDS {
        let is_named = help.contains(&format!("\n  {name} ")) != OF_ONE_LINE.contains(&name);
        assert!(is_named && help.contains(name), "{name}\n{help}");
    }
}

#[test]
fn wrong_usage_is_64_and_help_is_0() {
    let home = Home::with(&[("policy.yml", POLICY)]);
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["check", "--frobnicate"],
        &["plan", "--output", "xml"],
        &["report", "--html", "-", "--csv", "-"],
        &["report", "--html", "a", "--json", "a"],
        &["report", "--exceptions", "never"],
        &["apply", "plan.json", "--yes"],
        &["remove", "--yes"],
        &["schedule"],
        &["schedule", "office", "--month", "november"],
        &["schedule", "office", "--month", "2026-11", "--days", "3"],
        &["schedule", "office", "--days", "0"],
        &["explain", "x.json", "--at", "noon"],
        &["whoami", "--output", "xml"],
        &["completions", "tcsh"],
        &["--color", "sometimes", "check"],
    ] {
        let said = home.run(arguments, &[]).refused(64);
        assert!(!said.is_empty(), "{arguments:?}");
    }
    for (arguments, says) in [
        (
            &["explain", "vpc-1", "--at", "yesterday"][..],
            "a moment has a date, a time and an offset, as in 2026-03-01T09:00+08:00",
        ),
        (&["plan", "--at", "2026-03-01T09:00"], "or Z for UTC, as in 2026-03-01T01:00Z"),
        (&["schedule", "office", "--from", "tomorrow"], "a day is a year, a month and a day, as in 2026-03-01"),
    ] {
        let said = home.run(arguments, &[]).refused(64).join("\n");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    assert_eq!(home.run(&["--version"], &[]).good(), format!("flowkeeper {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn color_follows_the_option_and_the_environment() {
    let home = Home::with(&[("policy.yml", POLICY)]);
    let list = ["schedule", "office", "--from", "2026-11-02"];
    for (option, variables, is_colored) in [
        ("auto", &[][..], false),
        ("auto", &[("FORCE_COLOR", "1")], true),
        ("auto", &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
        ("always", &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
        ("never", &[("FORCE_COLOR", "1")], false),
    ] {
        let ran = home.run(&[&list[..], &["--color", option]].concat(), variables);
        assert_eq!(ran.good().contains('\u{1b}'), is_colored, "{option} {variables:?}");
        let wrong = home.run(&["schedule", "none", "--color", option], variables);
        assert_eq!(wrong.stderr.contains('\u{1b}'), is_colored, "{option} {variables:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::with(&[("policy.yml", POLICY)]);
    let mut command = home.command(&["schedule", "office", "--days", "3660"], &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("office, 3660 days from "), "{first}");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_an_error() {
    let home = Home::with(&[("policy.yml", POLICY)]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = home.command(&["check"], &[]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: stdout: No space left on device"), "{said}");
}

#[test]
fn editors_get_the_schema_that_is_published() {
    let published = std::fs::read_to_string(crate::support::repository().join("docs/policy.schema.json")).unwrap();
    assert_eq!(Home::new().run(&["schema"], &[]).good(), published);
}

#[tokio::test]
async fn the_json_of_each_subcommand_is_as_its_schema_says() {
    let text = std::fs::read_to_string(crate::support::repository().join("docs/command.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    schema.as_object_mut().unwrap().remove("oneOf");
    let world = sample(true).await;
    world.home.write("mistakes.yml", "flow_log: {project: Flow}\n");
    for (arguments, code) in [
        (&["whoami"][..], 0),
        (&["check"], 0),
        (&["check", "mistakes.yml"], 64),
        (&["schedule", "office-hours", "--from", "2026-11-01"], 0),
        (&["cost"], 0),
        (&["cost", "policy.yml", "--region", "cn-hangzhou"], 0),
    ] {
        let ran = world.run(&[arguments, &["--output", "json"]].concat()).await;
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.whole());
        schema["$ref"] = format!("#/$defs/{}", arguments[0]).into();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
        let problems: Vec<_> = validator.iter_errors(&printed).map(|problem| problem.to_string()).collect();
        assert_eq!(problems, [""; 0], "{arguments:?}: {}", ran.stdout);
    }
}

#[test]
fn shells_get_completions() {
    let home = Home::new();
    for (shell, has) in [
        ("bash", "complete -F _flowkeeper"),
        ("zsh", "#compdef flowkeeper"),
        ("fish", "complete -c flowkeeper"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[flowkeeper]"),
    ] {
        let script = home.run(&["completions", shell], &[]).good();
        assert!(script.contains(has) && script.contains("schedule"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_subcommand() {
    let home = Home::new();
    let page = home.run(&["man"], &[]).good();
    assert!(page.contains(".TH flowkeeper 1") && page.contains("Exit codes: 0 done"), "{page}");
    assert!(page.contains(".SH EXAMPLES\n.nf\n") && page.contains("\n.fi\n.SH VERSION"), "{page}");
    let (above, examples) = page.split_once(".SH EXAMPLES\n").unwrap();
    assert!(above.ends_with("\n.PP\nAlso schema, completions and man: for editors, shells and readers\n"), "{page}");
    assert!(examples.starts_with(".nf\n  flowkeeper plan policy.yml\n"), "{page}");
    let ran = home.run(&["man", "--dir", "man/man1"], &[]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "note: 14 pages in man/man1\n"));
    for name in SUBCOMMANDS {
        let written = std::fs::read_to_string(home.path().join(format!("man/man1/flowkeeper-{name}.1"))).unwrap();
        assert!(written.contains(&format!(".TH flowkeeper-{name} 1")), "{written}");
    }
    let said = home.run(&["man", "--dir", "/proc/man"], &[]).refused(1);
    assert!(said[0].starts_with("error: /proc/man cannot be written"), "{said:#?}");
}

#[tokio::test]
async fn every_subcommand_but_apply_and_remove_only_reads() {
    let world = World::new().await;
    world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    world.cloud.create_vpc(&[]).await.unwrap();
    world.home.write("vpc.json", r#"{"account": "1000000000000001", "region": "cn-hangzhou", "id": "vpc-1"}"#);
    let before = world.cloud.calls().len();
    for action in WRITES {
        world.cloud.fail(action, Fault::Refused, u32::MAX);
    }
    let mut tried = BTreeSet::new();
    for arguments in [
        &["init", "--out", "-"][..],
        &["whoami"],
        &["check"],
        &["plan", "--out", "plan.json"],
        &["report", "--html", "report.html", "--json", "report.json"],
        &["report"],
        &["cost"],
        &["cost", "--output", "csv"],
        &["explain", "vpc.json"],
        &["explain", "vpc-bp1local0000000000001"],
        &["schedule", "weekends"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
    ] {
        let subcommand = arguments[0];
        tried.insert(subcommand);
        let ran = world.run(arguments).await;
        // A report does not know whether records arrive in a Logstore that has no index.
        assert_eq!(ran.code, i32::from(subcommand == "report"), "{arguments:?}: {}", ran.whole());
        assert_eq!(world.writes_after(before), [""; 0], "{arguments:?}");
    }
    let reading: BTreeSet<_> = SUBCOMMANDS.into_iter().filter(|name| !["apply", "remove"].contains(name)).collect();
    assert_eq!(tried, reading, "each of them was tried");
    let read: BTreeSet<_> = world.cloud.calls().into_iter().skip(before).map(|call| call.action).collect();
    for action in ["DescribeFlowLogs", "GetLogStore", "GetFlowLogServiceStatus", "DescribeInstanceBill"] {
        assert!(read.contains(action), "{action} was read: {read:?}");
    }
    world.cloud.heal();
    // The same cloud takes the writes of a plan that is applied.
    world.run(&["apply", "plan.json", "--yes", "--account", "1000000000000001"]).await.good();
    assert_eq!(world.writes_after(before).len(), 2);
}

/// What an endpoint would have to say to look like the command.
const FORGED: &str =
    "no\nnote: 41 of 41 VPCs record\nseal SHA-256 00\r\n\u{1b}[2K\u{1b}]0;owned\u{7}\u{202e}\u{2028}error: none";

/// Refuses every call with what forges lines; but for the one that asks who calls, if the caller is known.
fn forging(is_known: bool) -> impl FnMut(&Seen) -> Answer + Send + 'static {
    move |seen: &Seen| {
        if is_known && seen.has("GetCallerIdentity") {
            return sts(seen);
        }
        let error = serde_json::json!({
            "Code": "Forbidden.RAM\nnote: code", "Message": FORGED, "RequestId": "R\nnote: id", "HostId": "x",
            "AccessDeniedDetail": {"AuthPrincipalDisplayName": FORGED, "NoPermissionType": "ImplicitDeny"},
        });
        (403, error.to_string())
    }
}

#[tokio::test]
async fn a_message_of_the_api_is_no_line_of_its_own_whatever_it_holds() {
    let home = Home::with(&[("policy.yml", crate::world::POLICY)]);
    let servers = [Server::answering(forging(true)).await, Server::answering(forging(false)).await];
    let commands = [
        &["plan"][..],
        &["plan", "-vv"],
        &["plan", "--output", "csv"],
        &["report"],
        &["report", "-vv", "--html", "r.html"],
        &["cost"],
        &["cost", "--output", "csv"],
        &["apply", "--yes", "--account", "1000000000000001"],
        &["explain", "vpc-bp1example00000000001"],
        &["init", "--out", "new.yml", "--force"],
    ];
    let quoted = "no\\u{000a}note: 41 of 41 VPCs record\\u{000a}seal SHA-256 00\\u{000d}";
    let mut times = 0;
    for (server, arguments) in servers.iter().flat_map(|server| commands.map(|arguments| (server, arguments))) {
        let endpoint = server.url("/");
        let env = [
            ("FLOWKEEPER_ENDPOINT", endpoint.as_str()),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "no-secret"),
        ];
        let ran = run_beside(home.path(), arguments, &env).await;
        assert_eq!(ran.code, 1, "{}", ran.whole());
        let is_hostile = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
        assert!(!ran.whole().contains(is_hostile), "{arguments:?}: {:?}", ran.whole());
        times += usize::from(ran.whole().contains(quoted));
        for line in ran.stdout.lines().chain(ran.stderr.lines()) {
            let parts = ["note: 41", "note: code", "note: id", "seal SHA-256 00", "error: none"];
            let is_forged = parts.iter().any(|part| line.contains(part));
            assert!(line.contains(quoted) || !is_forged, "{arguments:?}: {line}\n{}", ran.whole());
        }
    }
    assert!(times > commands.len(), "the message is shown by {times} of them");
}
