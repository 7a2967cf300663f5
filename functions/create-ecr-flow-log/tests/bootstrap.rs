//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

const BINARY: &str = env!("CARGO_BIN_EXE_create-ecr-flow-log");

/// In which account and region the function runs.
const HERE: &str = "x-fc-account-id: 1000000000000001\r\nx-fc-region: cn-hangzhou\r\n";

#[test]
fn what_is_no_event_is_a_failure() {
    bootstrap::fails_at_what_is_no_event(BINARY);
}

#[test]
fn wrong_settings_are_all_named_and_keep_it_from_starting() {
    bootstrap::refuses_wrong_settings(BINARY);
}

#[test]
fn an_event_that_is_no_timer_is_skipped() {
    bootstrap::skips(BINARY, VPC_CREATED, "this function is woken by timers");
}

#[test]
fn a_policy_without_routers_wants_nothing_of_them() {
    let answer = Running::start(BINARY, &SETTINGS).invoke(HERE, TIMER);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("the policy has no ecr_flow_log"), "{answer}");
}
