//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

bootstrap::of_every_function!("create-ecr-flow-log");

/// The account and region that the function runs in.
const HERE: &str = "x-fc-account-id: 1000000000000001\r\nx-fc-region: cn-hangzhou\r\n";

#[test]
fn an_event_that_is_no_timer_is_skipped() {
    bootstrap::skips(BINARY, VPC_CREATED, "this function runs by timers only");
}

#[test]
fn a_policy_without_routers_wants_nothing_of_them() {
    let answer = Running::start(BINARY, &SETTINGS).invoke(HERE, TIMER);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("the policy has no ecr_flow_log"), "{answer}");
}
