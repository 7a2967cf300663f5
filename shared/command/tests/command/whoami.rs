//! `whoami` against a local cloud.

use insta::assert_snapshot;
use local_cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalCloud, Options};

use crate::{
    server::{Seen, Server, sts},
    support::{Home, Ran, run_beside},
};

async fn run(home: &Home, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    run_beside(home.path(), arguments, env).await
}

/// Replaces what differs from run to run.
fn stable(ran: &Ran, endpoint: &str) -> String {
    ran.whole().replace(endpoint, "http://127.0.0.1:9900")
}

const CONFIG: &str = r#"{"current": "dev", "profiles": [
    {"name": "dev", "mode": "AK", "access_key_id": "test", "access_key_secret": "test-secret", "region_id": "cn-hangzhou"},
    {"name": "member", "mode": "RamRoleArn", "access_key_id": "test", "access_key_secret": "test-secret",
        "ram_role_arn": "acs:ram::1000000000000002:role/flowkeeper", "ram_session_name": "laptop"},
    {"name": "refused", "mode": "ChainableRamRoleArn", "source_profile": "dev",
        "ram_role_arn": "acs:ram::1000000000000002:role/refused"},
    {"name": "wrong", "mode": "AK", "access_key_id": "test", "access_key_secret": "planted"},
    {"name": "unknown", "mode": "StsToken", "access_key_id": "STS.gone", "access_key_secret": "planted", "sts_token": "planted"}
]}"#;

#[tokio::test]
async fn it_shows_whose_credentials_are_used_and_where_they_are_from() {
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let endpoint = cloud.endpoint();
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    let table = run(&home, &["whoami", "--endpoint", &endpoint], &[]).await;
    assert_snapshot!("profile", stable(&table, &endpoint));
    let json = run(&home, &["whoami", "--endpoint", &endpoint, "--output", "json"], &[("REGION", "me-east-1")]).await;
    assert_snapshot!("json", stable(&json, &endpoint));
    let ran =
        run(&home, &["whoami", "--profile", "member", "--endpoint", &endpoint, "--region", "cn-beijing"], &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    assert!(ran.stdout.contains("acs:ram::1000000000000002:assumed-role/flowkeeper/laptop\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("region    cn-beijing (--region)\n"), "{}", ran.stdout);
}

#[tokio::test]
async fn an_exported_key_is_said_to_hide_another_profile() {
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let endpoint = cloud.endpoint();
    let config = CONFIG.replacen("\"test\"", "\"LTAI-of-dev\"", 1);
    let home = Home::with(&[(".aliyun/config.json", &config)]);
    let env = [
        ("ALICLOUD_ACCESS_KEY_ID", ACCESS_KEY_ID),
        ("ALICLOUD_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET),
        ("FLOWKEEPER_ENDPOINT", &endpoint),
    ];
    assert_snapshot!("exported", stable(&run(&home, &["whoami"], &env).await, &endpoint));
}

#[tokio::test]
async fn credentials_that_do_not_work_are_an_error_with_a_remedy_and_no_secret() {
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let endpoint = cloud.endpoint();
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    for (profile, says) in [
        ("refused", "profile \"refused\" of ~/.aliyun/config.json (ChainableRamRoleArn): AssumeRole of acs:ram::"),
        ("wrong", "profile \"wrong\" of ~/.aliyun/config.json (AK): GetCallerIdentity"),
        ("unknown", "profile \"unknown\" of ~/.aliyun/config.json (StsToken): GetCallerIdentity"),
    ] {
        let ran = run(&home, &["whoami", "-vv", "--profile", profile, "--endpoint", &endpoint], &[]).await;
        let said = ran.stderr.clone();
        assert!(said.contains(says) && said.contains("  try: "), "{}", ran.whole());
        assert!(!said.contains("planted") && !said.contains("test-secret"), "{said}");
        ran.refused(1);
    }
}

#[tokio::test]
async fn a_clock_that_is_off_by_an_hour_is_corrected_by_that_of_the_cloud() {
    let clock = local_cloud::Clock::manual(jiff::Timestamp::from_second(1_900_000_000).unwrap());
    let cloud = LocalCloud::start(Options { clock, ..Options::default() }).await.unwrap();
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    let ran = run(&home, &["whoami", "--endpoint", &cloud.endpoint()], &[]).await;
    assert!(ran.stderr.contains("the clock of this machine is off"), "{}", ran.whole());
    ran.good();
}

#[tokio::test]
async fn a_key_of_each_kind_of_source_is_the_one_that_signs() {
    let server = Server::answering(sts).await;
    let home = Home::with(&[
        ("token", "planted.jwt"),
        ("printed.json", r#"{"mode":"AK","access_key_id":"printed","access_key_secret":"planted"}"#),
        (
            ".aliyun/config.json",
            r#"{"current": "x", "profiles": [{"name": "x", "mode": "External", "process_command": "cat printed.json"}]}"#,
        ),
    ]);
    let endpoint = ("FLOWKEEPER_ENDPOINT", &*server.url(""));
    let ran = run(&home, &["whoami"], &[endpoint]).await;
    assert!(ran.clone().good().contains("user/printed"), "{}", ran.whole());
    let trio = [
        endpoint,
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::2:role/audit"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::2:oidc-provider/a"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "token"),
    ];
    let assumed = run(&home, &["whoami"], &trio).await;
    assert!(
        assumed.stdout.contains("user/STS.flowkeeper") && assumed.stdout.contains("expires   2099-01-01T00:00:00Z"),
        "{}",
        assumed.whole()
    );
}

#[tokio::test]
async fn what_a_service_answers_does_nothing_to_the_terminal() {
    const HOSTILE: &str = r"\u001b]0;owned\u0007\u009b31m\u202eadmin";
    let arn = format!(r#"{{"AccountId":"1000000000000001","Arn":"acs:ram::1:user/{HOSTILE}"}}"#);
    let refusal = format!(r#"{{"Code":"Forbidden","Message":"{HOSTILE}","RequestId":"R-1"}}"#);
    let server = Server::answering(move |seen: &Seen| {
        if seen.has("Action=GetCallerIdentity") { (200, arn.clone()) } else { (403, refusal.clone()) }
    })
    .await;
    let home =
        Home::with(&[(".aliyun/config.json", CONFIG), ("policy.yml", "flow_log: {project: flowlog, log_store: vpc}")]);
    let endpoint = server.url("");
    let profile = "a\u{1b}[2J\u{202e}";
    for arguments in [
        &["whoami"][..],
        &["init", "--region", "cn-hangzhou", "--out", "new.yml"],
        &["plan", "-vv", "--region", "cn-hangzhou"],
        &["cost", "--region", "cn-hangzhou"],
        &["report", "--region", "cn-hangzhou"],
        &["explain", "vpc-1", "--region", "cn-hangzhou"],
        &["whoami", "--profile", profile],
        &["plan", profile],
    ] {
        let ran = run(&home, arguments, &[("FLOWKEEPER_ENDPOINT", &endpoint)]).await;
        let is_hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!ran.whole().contains(is_hostile), "{arguments:?}: {:?}", ran.whole());
        assert!(ran.whole().contains("\\u{202e}"), "{arguments:?}: {}", ran.whole());
    }
}

#[tokio::test]
async fn a_cloud_that_is_not_there_is_said_with_its_address() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    let said = run(&home, &["whoami", "--endpoint", "http://127.0.0.1:1"], &[]).await.refused(1).join("\n");
    assert!(said.contains("GetCallerIdentity: no connection to 127.0.0.1:1: "), "{said}");
    assert!(said.contains("  try: check the network; HTTPS_PROXY names a proxy"), "{said}");
}

#[test]
fn an_option_that_cannot_be_right_is_wrong_usage() {
    let home = Home::with(&[(".aliyun/config.json", CONFIG)]);
    for (arguments, env, says) in [
        (&["--endpoint", "http://10.0.0.1"][..], None, "error: --endpoint is \"http://10.0.0.1\": is plain http"),
        (&[], Some(("FLOWKEEPER_ENDPOINT", "x")), "error: FLOWKEEPER_ENDPOINT is \"x\": must be a URL"),
        (&["--region", "cn-*"], None, "error: --region: "),
        (&["--region", "hangzhou!"], None, "error: --region: "),
        (
            &[],
            Some(("FLOWKEEPER_EXTRA_ROOT_FILE", "none.pem")),
            "error: FLOWKEEPER_EXTRA_ROOT_FILE: none.pem cannot be",
        ),
        (&[], Some(("FLOWKEEPER_NETWORK", "office")), "error: FLOWKEEPER_NETWORK is \"office\""),
    ] {
        let env: Vec<_> = env.into_iter().collect();
        let said = home.run(&[&["whoami"], arguments].concat(), &env).refused(64);
        assert!(said.iter().any(|line| line.starts_with(says)), "{said:#?}");
    }
}
