//! The built binary, as Function Compute starts it.

#[path = "../../../tests/bootstrap/mod.rs"]
mod bootstrap;

use bootstrap::{Running, SETTINGS, TIMER, VPC_CREATED};

bootstrap::of_every_function!("remediate-flow-logs");

#[test]
fn a_new_resource_is_skipped() {
    bootstrap::skips(BINARY, VPC_CREATED, "nothing was done to a flow log");
}

#[test]
fn what_another_function_of_the_deployment_did_is_skipped_and_what_its_namesake_elsewhere_did_is_not() {
    let headers = "x-fc-function-name: mine-remediate-flow-logs\r\nx-fc-account-id: 1\r\n";
    let event = r#"{"eventName":"DeactiveFlowLog","serviceName":"Vpc","acsRegion":"cn-hangzhou","recipientAccountId":"1",
        "requestParameters":{"FlowLogId":"fl-1"},"responseElements":{"Success":"true"},
        "userIdentity":{"type":"assumed-role","accountId":"1","userName":"mine-deactivate-flow-logs:session"}}"#;
    let mut running = Running::start(BINARY, &SETTINGS);
    let answer = running.invoke(headers, event);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("Flowkeeper itself did this"), "{answer}");
    let headers = format!("{headers}x-fc-function-timeout: 3\r\n");
    for elsewhere in [r#""accountId":"2","#, ""] {
        let answer = running.invoke(&headers, &event.replace(r#""accountId":"1","#, elsewhere));
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("DescribeFlowLogs"), "{answer}");
    }
}

#[test]
fn a_timer_in_a_region_that_nobody_names_is_a_failure() {
    let answer = Running::start(BINARY, &SETTINGS).invoke("", TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("region"), "{answer}");
}
