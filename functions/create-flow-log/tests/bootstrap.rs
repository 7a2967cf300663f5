//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use std::path::Path;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

bootstrap::of_every_function!("create-flow-log");

#[test]
fn an_event_that_makes_nothing_is_skipped() {
    bootstrap::skips(BINARY, TIMER, "nothing was created that can have a flow log");
}

#[test]
fn without_a_key_it_says_where_it_looked_for_one() {
    let [policy, endpoint, ..] = SETTINGS;
    // Incomplete credentials: the token is empty.
    let headers = "x-fc-access-key-id: a\r\nx-fc-access-key-secret: b\r\nx-fc-security-token: \r\n";
    let answer = Running::start(BINARY, &[policy, endpoint]).invoke(headers, VPC_CREATED);
    assert!(answer.contains(r#""errorType":"MissingCredentials""#), "{answer}");
    assert!(answer.contains("ALIBABA_CLOUD_ACCESS_KEY_ID"), "{answer}");
}

#[test]
fn a_policy_beside_the_binary_is_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-beside-the-binary");
    _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let binary = folder.join("bootstrap");
    // A hard link, not a copy: a file that was just written may not be executable while another thread starts a
    // process.
    std::fs::hard_link(BINARY, &binary).unwrap();
    std::fs::write(folder.join("policy.yml"), "flow_log:\n  project: abc\n  log_store: no good name\n  extra: 1\n")
        .unwrap();
    let output = bootstrap::output(std::process::Command::new(&binary).env_clear());
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(said.contains("line 4, column 3: flow_log has no key \"extra\""), "{said}");
}
