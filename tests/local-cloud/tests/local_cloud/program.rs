//! The program: the output and exit of `serve`, and the output of `invoke`.

use std::{path::Path, process::Stdio, time::Duration};

use local_cloud::{Client, Credentials};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::support::{TEMPLATE, stand_ins};

/// Runs `invoke` with the stand-in and these arguments. Returns its exit code and all of its output.
async fn invoke(arguments: &[&str]) -> (Option<i32>, String) {
    invoke_of(TEMPLATE, arguments).await
}

/// Runs `invoke` with another template.
async fn invoke_of(text: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yml");
    std::fs::write(&template, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
        .args(["invoke", "stand-in", "--template"])
        .arg(&template)
        .arg("--functions-dir")
        .arg(Path::new(env!("CARGO_BIN_EXE_stand-in")).parent().unwrap())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let shown = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(shown).unwrap())
}

#[tokio::test]
async fn invoke_hands_a_sample_to_a_function_and_shows_what_it_answers() {
    let (json_status, json) = invoke(&["--event", "create-vpc", "--env", "STAND_IN=succeed", "--json"]).await;
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json_status, Some(0));
    assert!(answer["event"].as_str().unwrap().contains("vpc-bp1example00000000001"), "{answer}");
    let (status, shown) = invoke(&["--event", "create-vpc"]).await;
    assert_eq!(status, Some(0));
    assert!(shown.contains("✓ demo-stand-in"), "{shown}");
}

#[tokio::test]
async fn invoke_fails_with_the_function() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/events/fc-timer.json");
    let (failed, report) = invoke(&["--event", sample, "--env", "STAND_IN=fail"]).await;
    assert_eq!(failed, Some(1));
    assert!(report.contains("✗ demo-stand-in"), "{report}");
    for format in [&[][..], &["--json"]] {
        let (status, shown) = invoke(&[&["--event", "-", "--env", "STAND_IN=die"], format].concat()).await;
        assert_eq!(status, Some(1));
        assert!(shown.contains("FunctionNotStarted") && shown.contains("as it was told to"), "{shown}");
    }
    for arguments in [&["--event", "/nowhere.json"][..], &["--event", "fc-timer", "--policy", "/nowhere.yml"]] {
        let (status, shown) = invoke(arguments).await;
        assert_eq!(status, Some(2), "{shown}");
        assert!(shown.contains("cannot read /nowhere"), "{shown}");
    }
}

#[tokio::test]
async fn invoke_lists_the_samples_where_there_is_none_of_that_name() {
    let (status, shown) = invoke(&["--event", "create-vcp"]).await;
    assert_eq!(status, Some(2), "like any other invalid argument");
    let expected = "there is no sample event \"create-vcp\" (did you mean create-vpc?); the samples are actiontrail-";
    assert!(shown.starts_with(&format!("local-cloud: {expected}")), "{shown}");
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yml");
    // The package to build does not exist here.
    std::fs::write(&template, TEMPLATE).unwrap();
    let parameters: [(&[&str], &str); 4] = [
        (&["invoke", "no-such"], "the template has no function \"no-such\"; it has demo-stand-in"),
        (&["invoke", "stand-inn"], "no function \"stand-inn\" (did you mean stand-in?); it has demo-stand-in"),
        (&["invoke", "stand-in", "--deny", "NoRole=vpc:CreateVpc"], "NoRole"),
        (&["invoke", "stand-in", "--policy", "no-such.yml"], "cannot read no-such.yml"),
    ];
    for (arguments, expected) in parameters {
        let output = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
            .args(arguments)
            .args(["--event", "create-vpc", "--template"])
            .arg(&template)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(expected), "{arguments:?}: {told}");
        assert!(!told.contains("could not be built"), "{arguments:?}: {told}");
    }
}

#[tokio::test]
async fn invoke_says_which_parameter_makes_a_function_that_is_not_there() {
    let optional =
        TEMPLATE.replace("Concurrency: {Type", "Wanted: {Type: String, Default: 'false'}\n  Concurrency: {Type");
    let conditional = format!("Conditions: {{Wanted: {{'Fn::Equals': [{{Ref: Wanted}}, 'true']}}}}{optional}")
        .replace("    Type: ALIYUN::FC3::", "    Condition: Wanted\n    Type: ALIYUN::FC3::");
    let without = invoke_of(&conditional, &["--event", "create-vpc"]).await;
    let expected = "local-cloud: the template creates the function demo-stand-in only with the parameter Wanted=true\n";
    assert_eq!(without, (Some(1), expected.to_owned()));
    let (status, shown) = invoke_of(&conditional, &["--event", "create-vpc", "--parameter", "Wanted=true"]).await;
    assert_eq!(status, Some(0), "{shown}");
}

#[tokio::test]
async fn the_version_is_that_of_the_package() {
    let output = Command::new(env!("CARGO_BIN_EXE_local-cloud")).arg("--version").output().await.unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown, concat!("local-cloud ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// Starts `serve` without functions, with these arguments. Returns the process, its endpoint, and the lines that follow.
async fn serving(arguments: &[&str]) -> (Child, String, Lines<BufReader<ChildStdout>>) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
        .args(["serve", "--port", "0", "--no-functions"])
        .args(arguments)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let endpoint = first.split([' ', ',']).find(|word| word.starts_with("http://")).unwrap().to_owned();
    (program, endpoint, lines)
}

#[tokio::test]
async fn serve_says_where_it_is_tells_what_happens_and_ends_on_sigterm() {
    let (mut program, endpoint, mut lines) = serving(&["--transition-ms", "0", "--empty"]).await;
    let mut line = async || lines.next_line().await.unwrap().unwrap();
    assert_eq!(line().await, "key test, secret test-secret; `local-cloud --help` says how to use it");

    let client = Client::new(&endpoint, Credentials::own());
    let made = client.call("CreateVpc", &[("RegionId", "cn-hangzhou")]).await.unwrap();
    let told = line().await;
    assert!(told.ends_with(&format!("s  test → CreateVpc: {}", made["VpcId"].as_str().unwrap())), "{told}");

    let id = rustix::process::Pid::from_raw(program.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(program.wait().await.unwrap().success());
}

#[tokio::test]
async fn serve_starts_with_something_to_look_at_and_says_how() {
    let (_program, endpoint, mut lines) = serving(&[]).await;
    let mut line = async || lines.next_line().await.unwrap().unwrap();
    line().await;
    assert_eq!(line().await, "10 VPCs and 8 flow logs in 3 regions. To see what policy.yml wants:");
    let plan = format!("  cargo run -q -p flowkeeper -- plan --endpoint {endpoint} policy.yml");
    assert_eq!(line().await, plan);
    let client = Client::new(&endpoint, Credentials::own());
    let found = client.call("DescribeVpcs", &[("RegionId", "cn-hangzhou")]).await.unwrap();
    assert_eq!(found["TotalCount"], 5, "{found}");
}

#[tokio::test]
async fn serve_says_which_accounts_buses_and_forwarded_events_there_are() {
    let folder = stand_ins();
    let mut program = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
        .args([
            "serve",
            "--port",
            "0",
            "--empty",
            "--no-timers",
            "--accounts",
            "500",
            "--directory",
            "--control-policy",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../guardrail.json"),
            "--parameter",
            "TaskMode=false",
        ])
        .args(["--forward", "1000000000000002/cn-shanghai", "--parameter", "HubBus=flowkeeper"])
        .args(["--in-place", "cn-beijing", "--functions-dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut line = async || lines.next_line().await.unwrap().unwrap();
    assert!(line().await.starts_with("local cloud at http://127.0.0.1:"));
    for expected in [
        "accounts 1000000000000002 to 1000000000000500, each with the key test-<account>",
        "resource directory of 499 members, managed by 1000000000000001",
        "control policies on r-local1: 1",
        "event bus: flowkeeper bus of 1000000000000001 in cn-hangzhou",
        "functions in cn-beijing, too, which react to events",
        "events of 1000000000000002 in cn-shanghai are forwarded to the functions",
        "key test, secret test-secret; `local-cloud --help` says how to use it",
    ] {
        assert_eq!(line().await, expected);
    }
}

#[tokio::test]
async fn serve_refuses_what_it_cannot_forward_or_attach() {
    let folder = tempfile::tempdir().unwrap();
    let (broken, absent) = (folder.path().join("broken.json"), folder.path().join("absent.json"));
    std::fs::write(&broken, r#"{"Version":"1"}"#).unwrap();
    let (broken, absent) = (broken.to_str().unwrap(), absent.to_str().unwrap());
    let (broken, absent) = (["--directory", "--control-policy", broken], ["--directory", "--control-policy", absent]);
    for (arguments, expected) in [
        (&["--forward", "cn-shanghai"][..], "\"cn-shanghai\" is not of the form ACCOUNT/REGION"),
        (
            &["--forward", "1000000000000003/cn-shanghai"],
            "there is no account 1000000000000003 with a region cn-shanghai",
        ),
        (&["--forward", "1000000000000002/cn-shanghai", "--no-functions"], "cannot be used with"),
        (&["--in-place", "cn-hangzou"], "cn-hangzhou"),
        (&["--in-place", "cn-beijing", "--no-functions"], "cannot be used with"),
        (&["--accounts", "0"], "invalid value '0' for '--accounts <N>'"),
        (&broken, "broken.json: Statement: is not a list of statements"),
        (&absent, "absent.json: No such file or directory"),
        (&broken[1..], "required arguments were not provided"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
            .args(["serve", "--port", "0", "--parameter", "TaskMode=false"])
            .args(arguments)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains(expected), "{arguments:?}: {told}");
    }
}

#[tokio::test]
async fn what_the_command_line_says_of_the_template_has_to_fit_it() {
    for (arguments, expected) in [
        (["--deny", "Role=vpc:DeleteVpc"], "Resources.Role: does not allow \"vpc:DeleteVpc\", so it cannot be denied"),
        (["--parameter", "Concurrency=many"], "Parameters.Concurrency: \"many\" is not a number"),
        (["--parameter", "Colour=red"], "Parameters.Colour: the template has no such parameter; it has "),
        (["--deny", "Role=vpc:DeleteVpc"], "local-cloud: --deny Role=vpc:DeleteVpc does not fit the template: "),
        (["--parameter", "Concurrency=many"], "local-cloud: --parameter Concurrency=many does not fit the template: "),
        (
            ["--region", "cn-shanghia"],
            "'--region <REGION>': \"cn-shanghia\" is not a region; did you mean cn-shanghai?",
        ),
        (["--region", "moon"], "'--region <REGION>': \"moon\" is not a region id such as cn-hangzhou or"),
        (["--deny", "Role"], "'--deny <ROLE=ACTION>': \"Role\" is not of the form ROLE=ACTION"),
    ] {
        let (status, shown) = invoke(&[&["--event", "create-vpc"][..], &arguments].concat()).await;
        assert_eq!(status, Some(2), "{shown}");
        assert!(shown.contains(expected), "{shown}");
    }
}

#[tokio::test]
async fn an_unknown_region_exists_with_a_warning() {
    let template = TEMPLATE.replace("cn-hangzhou", "sa-east-1");
    let (status, shown) = invoke_of(&template, &["--event", "create-vpc", "--region", "sa-east-1"]).await;
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("local-cloud: warning: sa-east-1 is not a region that local-cloud knows"), "{shown}");
    let options = local_cloud::Options { region: "sa-east-1".to_owned(), ..local_cloud::Options::default() };
    let cloud = local_cloud::LocalCloud::start(options).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    let regions = cloud.call("DescribeRegions", &[]).await.unwrap();
    let listed = regions["Regions"]["Region"].as_array().unwrap();
    assert!(listed.iter().any(|region| region["RegionId"] == "sa-east-1"), "{regions}");
    let elsewhere = cloud.operator(local_cloud::OWN_ACCOUNT, "sa-east-2").create_vpc(&[]).await;
    assert_eq!(crate::support::code(elsewhere), "InvalidRegionId.NotFound");
}

/// Returns the child processes of a process.
fn children(process: u32) -> Vec<i32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

/// Returns whether a process runs. One that has ended is still listed until its parent waits for it.
fn runs(process: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| !"ZX".contains(state))
}

#[tokio::test]
async fn a_signal_ends_the_program_and_every_function_that_it_started() {
    let folder = stand_ins();
    for (arguments, signal, expected) in [
        (&["demo"][..], rustix::process::Signal::TERM, Some(143)),
        (&["demo"][..], rustix::process::Signal::INT, Some(130)),
        (&["serve", "--port", "0"][..], rustix::process::Signal::TERM, Some(0)),
        (&["serve", "--port", "0"][..], rustix::process::Signal::HUP, Some(0)),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
            .args(arguments)
            .arg("--functions-dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let mut listens = false;
        while !listens {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Some((_, rest)) = line.split_once("local cloud at ") {
                // No event occurs unless somebody makes a call.
                let client = Client::new(rest.split(',').next().unwrap(), Credentials::own());
                client.call("CreateVpc", &[("RegionId", "cn-hangzhou")]).await.unwrap();
            }
            listens = line.contains(" listens, instance ");
        }
        let id = program.id().unwrap();
        let functions = children(id);
        assert!(!functions.is_empty() && functions.iter().all(|function| runs(*function)), "{functions:?}");
        rustix::process::kill_process(rustix::process::Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
        // The pipe closes when the last process that can write to it ends. Functions have pipes of their own.
        while lines.next_line().await.unwrap().is_some() {}
        assert_eq!(program.wait().await.unwrap().code(), expected, "{arguments:?} {signal:?}");
        // The kernel may take a moment to end killed processes.
        let ended = async {
            while functions.iter().any(|function| runs(*function)) {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(5), ended).await;
        assert!(ended.is_ok(), "{arguments:?} {signal:?}: {functions:?}");
    }
}
