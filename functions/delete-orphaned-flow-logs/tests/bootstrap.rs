//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

const BINARY: &str = env!("CARGO_BIN_EXE_delete-orphaned-flow-logs");

#[test]
fn what_is_no_event_is_a_failure() {
    bootstrap::fails_at_what_is_no_event(BINARY);
}

#[test]
fn wrong_settings_are_all_named_and_keep_it_from_starting() {
    bootstrap::refuses_wrong_settings(BINARY);
}

#[test]
fn a_new_resource_is_skipped() {
    bootstrap::skips(BINARY, VPC_CREATED, "nothing was deleted that can have a flow log");
}

#[test]
fn a_timer_in_a_region_that_nobody_names_is_a_failure() {
    let answer = Running::start(BINARY, &SETTINGS).invoke("", TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("region"), "{answer}");
}
