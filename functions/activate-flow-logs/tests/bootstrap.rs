//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

bootstrap::of_every_function!("activate-flow-logs");

#[test]
fn an_event_that_is_no_timer_is_skipped() {
    bootstrap::skips(BINARY, VPC_CREATED, "this function runs by timers only");
}

#[test]
fn a_timer_in_a_region_that_nobody_names_is_a_failure() {
    let answer = Running::start(BINARY, &SETTINGS).invoke("", TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("region"), "{answer}");
}
