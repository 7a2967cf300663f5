//! The built binary, as Function Compute starts it.

use support::{LOCATION, Running, SETTINGS};

support::tests_of_every_function!("open-flow-log-service");

#[test]
fn only_true_accepts_the_terms() {
    let mut running = Running::start(BINARY, &SETTINGS);
    for body in [r#"{"accept_terms":"yes"}"#, r#"{"accept_terms":1}"#, r#"{"accept_terms":null}"#] {
        let answer = running.invoke(LOCATION, body);
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("UnknownEvent"), "{body}: {answer}");
        assert!(answer.contains("accept_terms is neither true nor false"), "{body}: {answer}");
    }
}

#[test]
fn a_body_that_is_far_too_large_is_not_parsed() {
    let mut running = Running::start(BINARY, &SETTINGS);
    for (size, found) in [(64 << 10, "neither true nor false"), ((64 << 10) + 1, "and 65536 is the maximum")] {
        let body = r#"{"accept_terms":1}"#;
        let answer = running.invoke(LOCATION, &format!("{body}{}", " ".repeat(size - body.len())));
        assert!(answer.contains("UnknownEvent") && answer.contains(found), "{size}: {answer}");
    }
}

#[test]
fn it_needs_no_policy_and_reports_missing_credentials() {
    let answer = Running::start(BINARY, &[]).invoke(LOCATION, "{}");
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains(r#""errorType":"MissingCredentials""#), "{answer}");
}

#[test]
fn without_a_region_it_makes_no_call() {
    let answer = Running::start(BINARY, &SETTINGS).invoke("", "");
    assert!(answer.contains(r#""errorType":"NoRegion""#), "{answer}");
}
