use std::time::Duration;

use jiff::SignedDuration;
use local_cloud::{Fault, LocalCloud, Options};
use scenarios::{CREATE_FLOW_LOG, cloud, result, vpc_created, whole_cloud};

#[tokio::test]
async fn an_event_that_arrives_before_its_vpc_is_visible_is_no_failure() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("DescribeVpcs", Fault::NotVisibleYet, 2);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
    assert_eq!(cloud.calls_of("DescribeVpcs").len(), 3);
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success, "one invocation was enough");
}

#[tokio::test]
async fn a_vpc_that_is_not_visible_long_after_its_event_is_gone() {
    let template = short_timeout();
    let cloud = cloud(Options { template: Some(template.path().to_owned()), ..Options::default() }).await.unwrap();
    let mut event = vpc_created("vpc-bp1gone0000000000001");
    event["data"]["eventTime"] = "2025-01-02T03:04:05Z".into();
    let invocation = cloud.invoke(CREATE_FLOW_LOG, event.to_string().as_bytes()).await.unwrap();

    assert!(invocation.success);
    let result = result(&invocation);
    assert_eq!(result["outcome"], "skipped");
    assert_eq!(result["reason"], "vpc-bp1gone0000000000001 is gone");
}

#[tokio::test]
async fn a_vpc_that_is_not_visible_soon_after_its_event_is_retried_later() {
    let template = short_timeout();
    let cloud = cloud(Options { template: Some(template.path().to_owned()), ..Options::default() }).await.unwrap();
    let event = vpc_created("vpc-bp1late0000000000001");
    let invocation = cloud.invoke(CREATE_FLOW_LOG, event.to_string().as_bytes()).await.unwrap();

    assert!(!invocation.success);
    let result = result(&invocation);
    assert_eq!((&result["verdict"], &result["outcome"]), (&"unknown".into(), &"failed".into()));
    assert_eq!(result["reason"], "vpc-bp1late0000000000001 is not visible yet");
}

#[tokio::test]
async fn a_vpc_that_is_deleted_before_its_event_is_handled_ends_as_no_dead_letter() {
    let template = short_timeout();
    let options = Options {
        template: Some(template.path().to_owned()),
        retry_delay: Duration::from_millis(500),
        ..Options::default()
    };
    let cloud = whole_cloud(options).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDropped, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    // A resource that is not visible counts as gone after a minute. Most of that has passed, so the last retry comes
    // afterwards.
    let mut event = vpc_created(&vpc);
    event["data"]["eventTime"] = (cloud.now() - SignedDuration::from_secs(54)).to_string().into();
    cloud.publish(&event);
    let tries = |it: &LocalCloud| -> Vec<_> {
        it.invocations().into_iter().filter(|one| one.function == CREATE_FLOW_LOG).collect()
    };
    cloud.wait_until("a second try is over", |it| tries(it).len() > 1).await.unwrap();
    cloud.settled().await.unwrap();

    let invocations = tries(&cloud);
    assert!(!invocations[0].success, "at first it may just not be visible yet: {:#}", invocations[0].body);
    let last = invocations.last().unwrap();
    assert!(last.success, "{:#}", last.body);
    assert_eq!(
        (&result(last)["outcome"], &result(last)["reason"]),
        (&"skipped".into(), &format!("{vpc} is gone").into())
    );
    assert!(cloud.dead_letters().is_empty(), "{:#?}", cloud.dead_letters());
    assert!(cloud.flow_logs().is_empty());
}

/// The template with a timeout of four seconds: a function looks for a resource for half of its time.
fn short_timeout() -> tempfile::NamedTempFile {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yml");
    let template = std::fs::read_to_string(path).unwrap();
    assert!(template.contains("Timeout: 60\n"));
    let file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    std::fs::write(file.path(), template.replace("Timeout: 60\n", "Timeout: 4\n")).unwrap();
    file
}
