//! The built binary, as Function Compute starts it.

use support::VPC_CREATED;

support::tests_of_every_function!("activate-flow-logs");

#[test]
fn an_event_other_than_a_timer_is_skipped() {
    support::skips(BINARY, VPC_CREATED, "this function runs by timers only");
}

#[test]
fn a_timer_without_a_region_fails() {
    support::fails_without_a_region(BINARY);
}
