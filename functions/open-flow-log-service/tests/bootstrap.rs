//! The built binary, as Function Compute starts it.

#[expect(dead_code, reason = "no event wakes this function")]
#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS};

bootstrap::of_every_function!("open-flow-log-service");

/// The account and region that the function runs in.
const HERE: &str = "x-fc-account-id: 1000000000000001\r\nx-fc-region: cn-hangzhou\r\n";

#[test]
fn terms_are_accepted_by_true_and_by_nothing_else() {
    let mut running = Running::start(BINARY, &SETTINGS);
    for body in [r#"{"accept_terms":"yes"}"#, r#"{"accept_terms":1}"#, r#"{"accept_terms":null}"#] {
        let answer = running.invoke(HERE, body);
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("UnknownEvent"), "{body}: {answer}");
        assert!(answer.contains("accept_terms is neither true nor false"), "{body}: {answer}");
    }
}

#[test]
fn a_body_far_larger_than_what_is_asked_for_is_not_read() {
    let mut running = Running::start(BINARY, &SETTINGS);
    for (size, found) in [(64 << 10, "neither true nor false"), ((64 << 10) + 1, "and 65536 is the maximum")] {
        let body = r#"{"accept_terms":1}"#;
        let answer = running.invoke(HERE, &format!("{body}{}", " ".repeat(size - body.len())));
        assert!(answer.contains("UnknownEvent") && answer.contains(found), "{size}: {answer}");
    }
}

#[test]
fn it_needs_no_policy_and_without_a_key_says_where_it_looked() {
    let answer = Running::start(BINARY, &[]).invoke(HERE, "{}");
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains(r#""errorType":"MissingCredentials""#), "{answer}");
}

#[test]
fn in_a_region_that_nobody_names_it_asks_nothing() {
    let answer = Running::start(BINARY, &SETTINGS).invoke("", "");
    assert!(answer.contains(r#""errorType":"NoRegion""#), "{answer}");
}
