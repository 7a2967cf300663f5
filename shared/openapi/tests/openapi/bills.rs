//! What an account has been charged, and how many bytes a Logstore took in.

use flow_log::names::{LogStoreName, ProjectName};
use openapi::{Bill, BillItem, CallError, DataPoint, Destination, ErrorKind, Listing, Metric, TimeSpan};
use serde_json::{Value, json};

use crate::support::{Reply, Server, TestMachine, ok, refused, session};

fn line(instance: &str, amount: &str) -> Value {
    json!({"InstanceID": instance, "ProductCode": "vpc", "BillingItem": "Flow log", "Usage": "7.3", "UsageUnit": "GB",
        "PretaxAmount": amount, "Currency": "USD", "Region": "China (Hangzhou)"})
}

fn page(total: u32, next: Option<&str>, lines: &[Value]) -> Reply {
    ok(json!({"Code": "Success", "Success": true,
        "Data": {"TotalCount": total, "NextToken": next, "AccountID": "1000000000000001", "Items": lines}}))
}

async fn bill(replies: impl IntoIterator<Item = Reply>) -> (Result<Listing<BillItem>, CallError>, Server) {
    let server = Server::scripted(replies).await;
    let client = server.client(&TestMachine::new()).read_only();
    let asked = Bill { cycle: "2026-10".parse().unwrap(), product_code: Some("vpc"), owner: None };
    let found = session(&client).describe_instance_bill(asked).await;
    (found, server)
}

#[tokio::test]
async fn a_bill_is_read_to_its_last_page_and_lines_that_look_alike_are_several() {
    let pages =
        [page(3, Some("a"), &[line("fl-1", "0.85"), line("fl-1", "0.85")]), page(3, None, &[line("fl-2", "0.1")])];
    let (found, server) = bill(pages).await;
    let found = found.unwrap();
    let amounts: Vec<_> = found.items.iter().map(|item| item.pretax_amount.as_str()).collect();
    assert_eq!((amounts, found.is_complete()), (vec!["0.85", "0.85", "0.1"], true));
    let asked = &server.seen()[1];
    assert_eq!((asked.action(), asked.get("NextToken")), ("DescribeInstanceBill", Some("a")));
    let parameters =
        ["BillingCycle", "Granularity", "IsBillingItem", "MaxResults", "ProductCode"].map(|key| asked.get(key));
    assert_eq!(parameters, ["2026-10", "MONTHLY", "true", "300", "vpc"].map(Some));
}

#[tokio::test]
async fn who_pays_for_a_member_sees_its_bill() {
    let server = Server::scripted([page(0, None, &[])]).await;
    let client = server.client(&TestMachine::new()).read_only();
    let member = "1000000000000002".parse().unwrap();
    let asked = Bill { cycle: "2026-10".parse().unwrap(), product_code: None, owner: Some(&member) };
    session(&client).describe_instance_bill(asked).await.unwrap();
    assert_eq!(server.seen()[0].get("BillOwnerId"), Some("1000000000000002"));
}

#[tokio::test]
async fn a_bill_that_lacks_lines_is_no_bill_and_an_amount_that_is_none_is_not_zero() {
    for reply in [page(2, None, &[line("fl-1", "0.85")]), ok(json!({"Code": "Success"})), ok(json!({"Data": {}}))] {
        assert_eq!(bill([reply]).await.0.unwrap_err().kind(), ErrorKind::Unreadable);
    }
    let found = bill([page(1, None, &[line("fl-1", "free")])]).await.0.unwrap();
    assert_eq!((found.items.len(), found.unreadable.len()), (0, 1));
    assert!(bill([page(0, None, &[])]).await.0.unwrap().items.is_empty());
}

#[tokio::test]
async fn an_account_that_does_not_pay_sees_no_bill_and_is_told_so() {
    let error = bill([refused(400, "NotAuthorized")]).await.0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.advice().contains("that pays"), "{}", error.advice());
}

async fn points(replies: impl IntoIterator<Item = Reply>) -> (Result<Vec<DataPoint>, CallError>, Server) {
    let server = Server::scripted(replies).await;
    let client = server.client(&TestMachine::new()).read_only();
    let (project, log_store): (ProjectName, LogStoreName) = ("flowlog-1".parse().unwrap(), "vpc_logs".parse().unwrap());
    let at = |second| jiff::Timestamp::from_second(second).unwrap();
    let span = TimeSpan::new(at(1_763_942_400), at(1_764_028_800)).unwrap();
    let of = Destination { project: &project, log_store: &log_store };
    let found = session(&client).metric_of_log_store(Metric::LogInflow, of, span).await;
    (found, server)
}

#[tokio::test]
async fn the_bytes_of_a_logstore_are_json_within_a_text() {
    let text =
        r#"[{"timestamp": 1763942460000, "userId": "1", "Value": 2048.0}, {"timestamp": 1763942520000, "Sum": 7}]"#;
    let pages = [ok(json!({"Datapoints": text, "NextToken": "a"})), ok(json!({"Datapoints": "[]"}))];
    let (found, server) = points(pages).await;
    let bytes: Vec<_> = found.unwrap().iter().map(|point| (point.time.as_second(), point.bytes)).collect();
    assert_eq!(bytes, [(1_763_942_460, 2048), (1_763_942_520, 7)]);
    let asked = &server.seen()[1];
    assert_eq!(asked.get("Dimensions"), Some(r#"[{"project":"flowlog-1","logstore":"vpc_logs"}]"#));
    let parameters = ["Namespace", "MetricName", "StartTime", "EndTime", "NextToken"].map(|key| asked.get(key));
    assert_eq!(parameters, ["acs_sls_dashboard", "LogInflow", "1763942400000", "1764028800000", "a"].map(Some));
}

#[tokio::test]
async fn bytes_that_cannot_be_read_are_not_zero() {
    for datapoints in ["{}", "no JSON", r#"[{"timestamp": 1}]"#, r#"[{"timestamp": 1, "Sum": -1}]"#, r#"[{"Sum": 1}]"#]
    {
        let (found, _) = points([ok(json!({"Datapoints": datapoints}))]).await;
        assert_eq!(found.unwrap_err().kind(), ErrorKind::Unreadable, "{datapoints}");
    }
    let again = || ok(json!({"Datapoints": "[]", "NextToken": "a"}));
    assert_eq!(points([again(), again()]).await.0.unwrap_err().kind(), ErrorKind::Unreadable);
    assert!(points([ok(json!({}))]).await.0.unwrap().is_empty());
}
