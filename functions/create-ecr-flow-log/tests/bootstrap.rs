//! The built binary, as Function Compute starts it.

use support::{LOCATION, Running, SETTINGS, TIMER, VPC_CREATED};

support::tests_of_every_function!("create-ecr-flow-log");

#[test]
fn an_event_other_than_a_timer_is_skipped() {
    support::skips(BINARY, VPC_CREATED, "this function runs by timers only");
}

#[test]
fn a_policy_without_ecr_flow_log_ignores_routers() {
    let answer = Running::start(BINARY, &SETTINGS).invoke(LOCATION, TIMER);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("the policy has no ecr_flow_log"), "{answer}");
}
