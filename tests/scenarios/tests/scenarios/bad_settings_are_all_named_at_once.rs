use std::process::{Command, Output};

use local_cloud::functions;

/// Starts the function with only these settings, expects it to fail, and returns what it printed.
async fn refused(settings: &[(&str, &str)]) -> String {
    let binary = functions::build().await.unwrap().join("create-flow-log");
    let Output { status, stderr, stdout } =
        Command::new(binary).env_clear().envs(settings.iter().copied()).output().unwrap();
    assert_eq!(status.code(), Some(64), "{settings:?}");
    assert!(stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn a_missing_policy_is_reported_with_the_ways_to_set_one() {
    let said = refused(&[]).await;
    for word in ["FLOWKEEPER_POLICY is not set", "FLOWKEEPER_POLICY_FILE", "policy.yml"] {
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test]
async fn a_missing_policy_file_is_named() {
    let said = refused(&[("FLOWKEEPER_POLICY_FILE", "/nowhere/policy.yml")]).await;
    assert!(said.contains("FLOWKEEPER_POLICY_FILE") && said.contains("/nowhere/policy.yml cannot be read"), "{said}");
}

#[tokio::test]
async fn an_unknown_policy_key_is_reported_with_its_position_and_the_known_keys() {
    let said = refused(&[("FLOWKEEPER_POLICY", "flow_log:\n  project: abc\n  log_stor: vpc\n")]).await;
    assert!(
        said.contains("line 3, column 3: flow_log has no key \"log_stor\": it may have project, log_store"),
        "{said}"
    );
    assert!(said.contains("line 2, column 3: flow_log has no log_store"), "{said}");
}

#[tokio::test]
async fn all_mistakes_in_the_settings_are_reported_at_once() {
    let said = refused(&[
        ("FC_CUSTOM_LISTEN_PORT", "seventy"),
        ("FLOWKEEPER_POLICY", "coverage: vcp"),
        ("FLOWKEEPER_ENDPOINT", "http://vpc.cn-hangzhou.aliyuncs.com"),
        ("FLOWKEEPER_NETWORK", "internal"),
        ("FLOWKEEPER_SIGNATURE", "md5"),
        ("FLOWKEEPER_DRY_RUN", "yes"),
        ("FLOWKEEPER_DRYRUN", "true"),
        ("FLOWKEEPER_POLICYFILE", "policy.yml"),
        ("FLOWKEEPER_LOG", "loud"),
        ("FLOWKEEPER_LISTEN_ADDRESS", "localhost"),
    ])
    .await;
    for word in [
        "FC_CUSTOM_LISTEN_PORT",
        "\"vcp\" is not one of vpc, vswitch, network-interface",
        "FLOWKEEPER_ENDPOINT",
        "use https",
        "FLOWKEEPER_NETWORK",
        "FLOWKEEPER_SIGNATURE",
        "FLOWKEEPER_DRY_RUN is \"yes\"",
        "FLOWKEEPER_DRYRUN is not a known setting",
        "FLOWKEEPER_POLICYFILE is not a known setting",
        "FLOWKEEPER_LOG",
        "FLOWKEEPER_LISTEN_ADDRESS is \"localhost\": want an address",
    ] {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
    assert_eq!(said.matches("FLOWKEEPER_MARKERS").count(), 1, "the known settings are listed once: {said}");
}

#[tokio::test]
async fn a_password_in_an_endpoint_is_not_repeated() {
    let said = refused(&[("FLOWKEEPER_ENDPOINT", "http://user:planted-password@127.0.0.1:1")]).await;
    assert!(said.contains("FLOWKEEPER_ENDPOINT") && !said.contains("planted-password"), "{said}");
}
