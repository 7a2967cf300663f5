//! The built binary, as Function Compute starts it.

use support::VPC_CREATED;

support::tests_of_every_function!("delete-orphaned-flow-logs");

#[test]
fn a_new_resource_is_skipped() {
    support::skips(BINARY, VPC_CREATED, "nothing was deleted that can have a flow log");
}

#[test]
fn a_timer_without_a_region_fails() {
    support::fails_without_a_region(BINARY);
}
