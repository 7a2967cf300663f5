//! Rate limits, as a client sees them.

use std::time::Duration;

use http::Response;
use jiff::Timestamp;
use local_cloud::{Clock, Credentials, Fault, LocalCloud, Options, exchange};

use crate::support::{cloud, code, operator};

/// Describes VPCs in a region and returns the raw response.
async fn describe(cloud: &LocalCloud, region: &str) -> Response<String> {
    let request = cloud.client().acs3_request("DescribeVpcs", &[("RegionId", region)], "").unwrap();
    exchange(&cloud.endpoint(), request).await.unwrap()
}

fn header<'a>(answer: &'a Response<String>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_throttled_caller_is_told_how_long_to_wait() {
    let cloud = cloud().await;
    cloud.fail("DescribeVpcs", Fault::ThrottledFor(Duration::from_millis(1500)), 1);
    let refused = describe(&cloud, "cn-hangzhou").await;
    assert_eq!(refused.status(), 400);
    assert_eq!(header(&refused, "x-acs-retry-after"), "1500");
    assert_eq!(header(&refused, "X-RateLimit-User-API"), "Remain:0,TimeLeft:1500");
    let answer = describe(&cloud, "cn-hangzhou").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "X-RateLimit-User")), (200, ""));
}

#[tokio::test]
async fn beyond_its_rate_an_operation_is_refused_until_the_next_minute() {
    let clock = Clock::manual("2026-01-02T03:04:00Z".parse::<Timestamp>().unwrap());
    let options = Options { rate_limit: true, clock: clock.clone(), ..Options::default() };
    let cloud = LocalCloud::start(options).await.unwrap();
    let delete = async || code(operator(&cloud).call_router("DeleteFlowlog", &[]).await);
    for n in 0..120 {
        assert_eq!(delete().await, "MissingParameter", "{n}");
    }
    assert_eq!(delete().await, "Throttling.User");
    let answer = describe(&cloud, "cn-hangzhou").await;
    assert_eq!(header(&answer, "X-RateLimit-User-API"), "Remain:599,TimeLeft:60000");
    clock.advance(Duration::from_secs(60));
    assert_eq!(delete().await, "MissingParameter");
}

#[tokio::test]
async fn a_region_can_be_down_while_the_others_serve() {
    let cloud = cloud().await;
    cloud.region_down("cn-shanghai");
    for (region, status) in [("cn-shanghai", 503), ("cn-shanghai", 503), ("cn-hangzhou", 200)] {
        assert_eq!(describe(&cloud, region).await.status(), status, "{region}");
    }
    cloud.heal();
    assert_eq!(describe(&cloud, "cn-shanghai").await.status(), 200);
}

#[tokio::test]
async fn a_clock_that_is_ahead_can_be_learned_from_an_answers_date() {
    let cloud = cloud().await;
    let behind = local_cloud::Client::new(cloud.endpoint(), Credentials::own());
    cloud.set_clock_ahead(Duration::from_secs(3600));
    assert_eq!(code(behind.call("DescribeRegions", &[]).await), "InvalidTimeStamp.Expired");
    let answer = describe(&cloud, "cn-hangzhou").await;
    assert_eq!(answer.status(), 200);
    let date = jiff::fmt::rfc2822::parse(header(&answer, "date")).unwrap().timestamp();
    let ahead = date.duration_since(Timestamp::now()).as_secs();
    assert!((3590..=3600).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn any_documented_refusal_can_be_asked_for_by_its_code() {
    let cloud = cloud().await;
    for (fault, expected) in [
        (Fault::TokenExpired, "InvalidSecurityToken.Expired"),
        (Fault::named("TaskConflict", Duration::ZERO).unwrap(), "TaskConflict"),
        (Fault::Code("ProjectOrLogstoreNotExist"), "ProjectOrLogstoreNotExist"),
    ] {
        cloud.fail("*", fault, 1);
        assert_eq!(code(cloud.create_vpc(&[]).await), expected);
    }
    assert!(cloud.vpcs().is_empty());
}

#[tokio::test]
async fn an_event_can_come_after_the_one_that_follows_it() {
    let cloud = cloud().await;
    cloud.fail("CreateVpc", Fault::EventReordered, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    assert!(cloud.events().is_empty());
    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    let events = cloud.events();
    let names: Vec<&str> = events.iter().map(|event| event["data"]["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["DeleteVpc", "CreateVpc"]);
}
