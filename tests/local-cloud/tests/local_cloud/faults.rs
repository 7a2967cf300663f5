//! Faults, as a client meets them.

use local_cloud::{Clock, Fault, LocalCloud, Options};
use std::time::Duration;

use jiff::Timestamp;

use crate::support::cloud;

#[tokio::test]
async fn refusals_come_as_often_as_asked_for_and_nothing_happens() {
    let cloud = cloud().await;
    for (fault, status, code) in [
        (Fault::Throttled, 400, "Throttling.User"),
        (Fault::Unavailable, 503, "ServiceUnavailable"),
        (Fault::Refused, 403, "Forbidden.RAM"),
        (Fault::InternalError, 500, "InternalError"),
    ] {
        cloud.fail("CreateVpc", fault, 1);
        assert_eq!(cloud.create_vpc(&[]).await.unwrap_err().code(), Some(code));
        assert_eq!(cloud.calls().last().unwrap().status, status);
    }
    assert_eq!(cloud.vpcs().len(), 0);
    cloud.create_vpc(&[]).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "there is no action \"CreateVPC\"; there is *, ")]
async fn a_fault_for_an_action_that_does_not_exist_fails_the_test_that_asks_for_it() {
    cloud().await.fail("CreateVPC", Fault::Throttled, 1);
}

#[tokio::test]
async fn a_lost_answer_has_its_effect_and_a_reset_has_none() {
    let cloud = cloud().await;
    cloud.fail("CreateVpc", Fault::Reset, 1);
    assert_eq!(cloud.create_vpc(&[]).await.unwrap_err().code(), None);
    assert_eq!((cloud.vpcs().len(), cloud.events().len()), (0, 0));
    cloud.fail("*", Fault::AnswerLost, 1);
    assert_eq!(cloud.create_vpc(&[]).await.unwrap_err().code(), None);
    assert_eq!((cloud.vpcs().len(), cloud.events().len()), (1, 1));
    assert!(cloud.calls().last().unwrap().succeeded());
}

#[tokio::test]
async fn what_is_not_visible_yet_is_only_the_newest() {
    let cloud = cloud().await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.fail("DescribeVpcs", Fault::NotVisibleYet, 1);
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap()["TotalCount"], 1);
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap()["TotalCount"], 2);
}

#[tokio::test]
async fn a_slow_answer_waits_for_the_clock() {
    let clock = Clock::manual(Timestamp::now());
    let cloud = LocalCloud::start(Options { clock: clock.clone(), ..Options::default() }).await.unwrap();
    cloud.fail("CreateVpc", Fault::Slow(Duration::from_secs(60)), 1);
    let call = cloud.create_vpc(&[]);
    tokio::pin!(call);
    let effect = cloud.wait_until("the VPC exists", |cloud| !cloud.vpcs().is_empty());
    tokio::select! {
        biased;
        _ = &mut call => panic!("answered too early"),
        effect = effect => effect.unwrap(),
    }
    clock.advance(Duration::from_secs(60));
    call.await.unwrap();
}

#[tokio::test]
async fn an_event_can_come_twice_with_the_same_id() {
    let cloud = cloud().await;
    cloud.fail("CreateVpc", Fault::EventDuplicated, 1);
    cloud.create_vpc(&[]).await.unwrap();
    let events = cloud.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], events[1]);
}
