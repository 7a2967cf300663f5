use local_cloud::{Fault, LocalCloud, Options};
use scenarios::{OPEN_SERVICE, result, whole_cloud};
use serde_json::{Value, json};

async fn closed() -> LocalCloud {
    whole_cloud(Options { flow_log_service: false, ..Options::default() }).await.unwrap()
}

async fn ask(cloud: &LocalCloud, body: &[u8]) -> Value {
    let invocation = cloud.invoke(OPEN_SERVICE, body).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    result(&invocation)
}

#[tokio::test]
async fn without_accept_terms_it_reports_whether_the_service_is_open_and_changes_nothing() {
    let cloud = closed().await;
    for body in [&b""[..], b"{}", br#"{"accept_terms": false}"#] {
        let result = ask(&cloud, body).await;
        assert_eq!((&result["verdict"], &result["outcome"]), (&json!("inactive"), &json!("skipped")));
        assert!(result["reason"].as_str().unwrap().contains(r#"{"accept_terms": true}"#));
    }
    assert!(cloud.calls_of("OpenFlowLogService").is_empty());
}

#[tokio::test]
async fn once_its_terms_are_accepted_it_is_opened_and_flow_logs_can_be_created() {
    let cloud = closed().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert!(cloud.flow_log_of(&vpc).is_none());
    let refused = cloud.invocations().remove(0).body.to_string();
    assert!(refused.contains("OptInRequired.FlowLog") && refused.contains("open-flow-log-service"), "{refused}");

    let opened = ask(&cloud, br#"{"accept_terms": true}"#).await;
    assert_eq!((&opened["action"], &opened["outcome"]), (&json!("OpenFlowLogService"), &json!("done")));
    let again = ask(&cloud, br#"{"accept_terms": true}"#).await;
    assert_eq!((&again["verdict"], &again["outcome"]), (&json!("compliant"), &json!("unchanged")));
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn an_accept_terms_that_is_neither_true_nor_false_is_refused() {
    let cloud = closed().await;
    for body in [&b"yes"[..], br#"{"accept_terms": "true"}"#, b"[true]"] {
        let invocation = cloud.invoke(OPEN_SERVICE, body).await.unwrap();
        assert!(!invocation.success && invocation.body["errorType"] == "UnknownEvent", "{:#}", invocation.body);
    }
    assert!(cloud.calls_of("OpenFlowLogService").is_empty());
}

#[tokio::test]
async fn in_a_dry_run_it_is_not_opened() {
    let environment = [("FLOWKEEPER_DRY_RUN".to_owned(), "true".to_owned())].into();
    let cloud = whole_cloud(Options { flow_log_service: false, environment, ..Options::default() }).await.unwrap();
    let result = ask(&cloud, br#"{"accept_terms": true}"#).await;
    assert_eq!((&result["action"], &result["outcome"]), (&json!("OpenFlowLogService"), &json!("planned")));
    assert!(cloud.calls_of("OpenFlowLogService").is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_followed_by_a_read_and_a_refusal_is_a_failure() {
    let cloud = closed().await;
    cloud.fail("OpenFlowLogService", Fault::Refused, 1);
    let refused = cloud.invoke(OPEN_SERVICE, br#"{"accept_terms": true}"#).await.unwrap();
    assert!(!refused.success && result(&refused)["outcome"] == "failed", "{:#}", refused.body);
    cloud.fail("GetFlowLogServiceStatus", Fault::Refused, 1);
    let unread = cloud.invoke(OPEN_SERVICE, br#"{"accept_terms": true}"#).await.unwrap();
    assert_eq!((unread.success, &result(&unread)["verdict"]), (false, &json!("unknown")), "{:#}", unread.body);
    cloud.fail("OpenFlowLogService", Fault::AnswerLost, 1);
    assert_eq!(ask(&cloud, br#"{"accept_terms": true}"#).await["outcome"], "done");
}
