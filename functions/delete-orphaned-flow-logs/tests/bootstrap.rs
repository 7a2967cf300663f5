//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

bootstrap::of_every_function!("delete-orphaned-flow-logs");

#[test]
fn a_new_resource_is_skipped() {
    bootstrap::skips(BINARY, VPC_CREATED, "nothing was deleted that can have a flow log");
}

#[test]
fn a_timer_in_a_region_that_nobody_names_is_a_failure() {
    let answer = Running::start(BINARY, &SETTINGS).invoke("", TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("region"), "{answer}");
}
