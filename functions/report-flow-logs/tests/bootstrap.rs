//! The built binary, as Function Compute starts it.

use std::process::Command;

use support::{LOCATION, Running, SETTINGS, TIMER, VPC_CREATED, output};

const BINARY: &str = env!("CARGO_BIN_EXE_report-flow-logs");

/// Starts the function with a folder for its reports.
fn started(folder: &str) -> Running {
    let settings: Vec<_> = SETTINGS.into_iter().chain([("FLOWKEEPER_EVIDENCE_DIR", folder)]).collect();
    Running::start(BINARY, &settings)
}

#[test]
fn without_a_folder_for_its_reports_it_does_not_start() {
    for (folder, problem) in [("", "FLOWKEEPER_EVIDENCE_DIR is not set"), ("reports", "must be an absolute path")] {
        let mut command = Command::new(BINARY);
        command.env_clear().envs(SETTINGS).envs([("FLOWKEEPER_EVIDENCE_DIR", folder), ("FLOWKEEPER_NETWORK", "moon")]);
        let output = output(&mut command);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{message}");
        assert!(message.contains(problem) && message.contains("FLOWKEEPER_NETWORK"), "{message}");
    }
}

#[test]
fn a_body_that_is_not_an_event_fails_and_an_event_is_skipped() {
    let mut running = started("/tmp");
    let failed = running.invoke("", "no event");
    assert!(failed.starts_with("HTTP/1.1 404 ") && failed.contains(r#""errorType":"UnknownEvent""#), "{failed}");
    let skipped = running.invoke("", VPC_CREATED);
    assert!(skipped.starts_with("HTTP/1.1 200 ") && skipped.contains("this function runs by timers only"), "{skipped}");
}

#[test]
fn a_folder_that_is_not_there_is_not_made_and_nothing_is_read() {
    let folder = std::env::temp_dir().join(format!("flowkeeper-no-such-folder-{}", std::process::id()));
    let answer = started(folder.to_str().unwrap()).invoke(LOCATION, TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("is the bucket mounted there?"), "{answer}");
    assert!(!answer.contains("DescribeVpcs") && !folder.exists(), "{answer}");
}

#[test]
fn a_timer_without_a_region_fails() {
    let answer = started("/tmp").invoke("", TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("region"), "{answer}");
}
