//! The built binary, as Function Compute starts it.

use support::{Running, SETTINGS, VPC_CREATED};

support::tests_of_every_function!("remediate-flow-logs");

#[test]
fn a_new_resource_is_skipped() {
    support::skips(BINARY, VPC_CREATED, "nothing was done to a flow log");
}

#[test]
fn a_change_by_the_same_deployment_is_skipped_and_one_by_a_namesake_elsewhere_is_not() {
    let headers = "x-fc-function-name: mine-remediate-flow-logs\r\nx-fc-account-id: 1\r\n";
    let event = r#"{"eventName":"DeactiveFlowLog","serviceName":"Vpc","acsRegion":"cn-hangzhou","recipientAccountId":"1",
        "requestParameters":{"FlowLogId":"fl-1"},"responseElements":{"Success":"true"},
        "userIdentity":{"type":"assumed-role","accountId":"1","userName":"mine-deactivate-flow-logs:session"}}"#;
    let mut running = Running::start(BINARY, &SETTINGS);
    let skipped = running.invoke(headers, event);
    assert!(skipped.starts_with("HTTP/1.1 200 ") && skipped.contains("Flowkeeper itself did this"), "{skipped}");
    let headers = format!("{headers}x-fc-function-timeout: 3\r\n");
    for elsewhere in [r#""accountId":"2","#, ""] {
        let acted = running.invoke(&headers, &event.replace(r#""accountId":"1","#, elsewhere));
        assert!(acted.starts_with("HTTP/1.1 404 ") && acted.contains("DescribeFlowLogs"), "{acted}");
    }
}

#[test]
fn a_timer_without_a_region_fails() {
    support::fails_without_a_region(BINARY);
}
