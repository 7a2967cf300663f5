//! Faults, as a client meets them.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use local_cloud::{Clock, Fault, LocalCloud, OWN_ACCOUNT, Options};
use serde_json::Value;

use crate::support::{cloud, operator};

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
async fn every_documented_code_can_be_answered_with_its_status_and_its_message() {
    let errors: Value = serde_json::from_str(include_str!("../../../fixtures/openapi/errors.json")).unwrap();
    // One code is in several rows, where it has several messages.
    let mut rows: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for row in errors["errors"].as_array().unwrap() {
        rows.entry(row["code"].as_str().unwrap()).or_default().push(row);
    }
    // A class of codes is no code.
    rows.remove("any 5xx").unwrap();
    assert_eq!(rows.len(), 67);
    let cloud = cloud().await;
    for (code, rows) in rows {
        cloud.fail("DescribeVpcs", Fault::named(code, Duration::ZERO).unwrap(), 1);
        let refused = cloud.call("DescribeVpcs", &[]).await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
        let call = cloud.calls().pop().unwrap();
        let said = call.answer["Message"].as_str().unwrap();
        // Their words name what is wrong, or what is there already.
        let own_words = ["MissingParameter", "InvalidParameter", "ResourceAlreadyExist.FlowLogId"].contains(&code);
        let is_like = |row: &&Value| {
            let status = row["http_status"].as_u64().is_none_or(|status| status == u64::from(call.status));
            let documented = row["message"].as_str();
            status && (own_words || documented.is_none_or(|text| text.starts_with(said.trim_end_matches('.'))))
        };
        assert!(rows.iter().any(is_like), "{code}: {} {said:?} is none of {rows:?}", call.status);
    }
}

#[tokio::test]
async fn a_permission_that_is_said_to_be_missing_is_named_and_routers_name_it_in_a_text() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    cloud.fail("DescribeVpcs", Fault::Refused, 1);
    cloud.fail("DescribeExpressConnectRouter", Fault::Refused, 1);
    operator.call("DescribeVpcs", &[]).await.unwrap_err();
    operator.call_router("DescribeExpressConnectRouter", &[]).await.unwrap_err();
    let [of_vpc, of_router] = cloud.calls().try_into().unwrap();
    assert_eq!(of_vpc.denied_action().as_deref(), Some("vpc:DescribeVpcs"));
    assert_eq!(of_vpc.answer["AccessDeniedDetail"]["AuthPrincipalOwnerId"], OWN_ACCOUNT);
    assert_eq!(of_router.denied_action().as_deref(), Some("expressconnectrouter:DescribeExpressConnectRouter"));
    assert!(of_router.answer["AccessDeniedDetail"].is_string(), "{}", of_router.answer);
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
