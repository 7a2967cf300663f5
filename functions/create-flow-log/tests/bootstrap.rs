//! The built binary, as Function Compute starts it.

use std::path::Path;

use support::{Running, SETTINGS, TIMER, VPC_CREATED};

support::tests_of_every_function!("create-flow-log");

#[test]
fn an_event_that_creates_nothing_is_skipped() {
    support::skips(BINARY, TIMER, "nothing was created that can have a flow log");
}

#[test]
fn missing_credentials_are_reported_with_the_places_that_were_searched() {
    let [policy, endpoint, ..] = SETTINGS;
    // Incomplete credentials: the token is empty.
    let headers = "x-fc-access-key-id: a\r\nx-fc-access-key-secret: b\r\nx-fc-security-token: \r\n";
    let answer = Running::start(BINARY, &[policy, endpoint]).invoke(headers, VPC_CREATED);
    assert!(answer.contains(r#""errorType":"MissingCredentials""#), "{answer}");
    assert!(answer.contains("ALIBABA_CLOUD_ACCESS_KEY_ID"), "{answer}");
}

#[test]
fn a_policy_next_to_the_binary_is_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-next-to-the-binary");
    _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let binary = folder.join("bootstrap");
    // A hard link, not a copy: a file that was just written may not be executable while another thread starts a
    // process.
    std::fs::hard_link(BINARY, &binary).unwrap();
    std::fs::write(folder.join("policy.yml"), "flow_log:\n  project: abc\n  log_store: no good name\n  extra: 1\n")
        .unwrap();
    let output = support::output(std::process::Command::new(&binary).env_clear());
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(said.contains("line 4, column 3: flow_log has no key \"extra\""), "{said}");
}
