//! The program: what `serve` says and how it ends, and what `invoke` shows.

use std::{path::Path, process::Stdio};

use local_cloud::{Client, Credentials};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::support::TEMPLATE;

/// Runs `invoke` of the stand-in with these arguments; answers with its exit status and all that it printed.
async fn invoke(arguments: &[&str]) -> (Option<i32>, String) {
    invoke_of(TEMPLATE, arguments).await
}

/// The same by another template.
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
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn invoke_hands_a_sample_to_a_function_and_shows_what_it_answers() {
    let (status, shown) = invoke(&["--event", "create-vpc", "--env", "STAND_IN=succeed", "--json"]).await;
    let answer: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(status, Some(0));
    assert!(answer["event"].as_str().unwrap().contains("vpc-bp1example00000000001"), "{answer}");
    let (status, shown) = invoke(&["--event", "create-vpc"]).await;
    assert_eq!(status, Some(0));
    assert!(shown.contains("✓ demo-stand-in"), "{shown}");
}

#[tokio::test]
async fn invoke_fails_with_the_function() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/events/fc-timer.json");
    let (status, shown) = invoke(&["--event", sample, "--env", "STAND_IN=fail"]).await;
    assert_eq!(status, Some(1));
    assert!(shown.contains("✗ demo-stand-in"), "{shown}");
    let (status, shown) = invoke(&["--event", "-", "--env", "STAND_IN=die"]).await;
    assert_eq!(status, Some(1));
    assert!(shown.contains("FunctionNotStarted") && shown.contains("as it was told to"), "{shown}");
}

#[tokio::test]
async fn invoke_lists_the_samples_where_there_is_none_of_that_name() {
    let (status, shown) = invoke(&["--event", "create-vcp"]).await;
    assert_eq!(status, Some(1));
    assert!(
        shown.starts_with("local-cloud: there is no sample event \"create-vcp\"; there is actiontrail-"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yml");
    // What would be built is no package here.
    std::fs::write(&template, TEMPLATE).unwrap();
    let parameters: [(&[&str], &str); 3] = [
        (&["invoke", "no-such"], "the template has no function \"no-such\"; it has demo-stand-in"),
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
    let wanted =
        TEMPLATE.replace("Concurrency: {Type", "Wanted: {Type: String, Default: 'false'}\n  Concurrency: {Type");
    let conditional = format!("Conditions: {{Wanted: {{'Fn::Equals': [{{Ref: Wanted}}, 'true']}}}}{wanted}")
        .replace("    Type: ALIYUN::FC3::", "    Condition: Wanted\n    Type: ALIYUN::FC3::");
    let (status, shown) = invoke_of(&conditional, &["--event", "create-vpc"]).await;
    let expected = "local-cloud: the template makes the function demo-stand-in only with the parameter Wanted=true\n";
    assert_eq!((status, shown.as_str()), (Some(1), expected));
    let (status, shown) = invoke_of(&conditional, &["--event", "create-vpc", "--parameter", "Wanted=true"]).await;
    assert_eq!(status, Some(0), "{shown}");
}

#[tokio::test]
async fn serve_says_where_it_is_tells_what_happens_and_ends_on_sigterm() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
        .args(["serve", "--port", "0", "--no-functions", "--transition-ms", "0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut line = async || lines.next_line().await.unwrap().unwrap();
    let first = line().await;
    let endpoint = first.split([' ', ',']).find(|word| word.starts_with("http://")).unwrap();
    assert_eq!(line().await, "key test, secret test-secret; `local-cloud --help` says how to use it");

    let client = Client::new(endpoint, Credentials::own());
    let made = client.call("CreateVpc", &[("RegionId", "cn-hangzhou")]).await.unwrap();
    let told = line().await;
    assert!(told.ends_with(&format!("s  test → CreateVpc: {}", made["VpcId"].as_str().unwrap())), "{told}");

    let id = rustix::process::Pid::from_raw(program.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(program.wait().await.unwrap().success());
}

#[tokio::test]
async fn what_the_command_line_says_of_the_template_has_to_fit_it() {
    for (arguments, expected) in [
        (
            ["--deny", "Role=vpc:DeleteVpc"],
            "Resources.Role: does not allow \"vpc:DeleteVpc\", so that it cannot be taken",
        ),
        (["--parameter", "Concurrency=many"], "Parameters.Concurrency: \"many\" is no number"),
        (["--parameter", "Colour=red"], "Parameters.Colour: is given, but the template has no such parameter; it has "),
        (["--deny", "Role"], "\"Role\" is not NAME=VALUE"),
    ] {
        let (status, shown) = invoke(&[&["--event", "create-vpc"][..], &arguments].concat()).await;
        assert_ne!(status, Some(0), "{shown}");
        assert!(shown.contains(expected), "{shown}");
    }
}
