//! Faults, as a client sees them.

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use jiff::Timestamp;
use local_cloud::{Clock, Fault, LocalCloud, OWN_ACCOUNT, Options, Rewrite, form, send};
use serde_json::{Value, json};

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
    // A code with several messages has several rows.
    let mut rows_by_code: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for row in errors["errors"].as_array().unwrap() {
        rows_by_code.entry(row["code"].as_str().unwrap()).or_default().push(row);
    }
    // This stands for a class of codes.
    rows_by_code.remove("any 5xx").unwrap();
    assert_eq!(rows_by_code.len(), 67);
    let cloud = cloud().await;
    for (code, rows) in rows_by_code {
        cloud.fail("DescribeVpcs", Fault::named(code, Duration::ZERO).unwrap(), 1);
        let refused = cloud.call("DescribeVpcs", &[]).await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
        let call = cloud.calls().pop().unwrap();
        let said = call.answer["Message"].as_str().unwrap();
        // The messages of these codes name the parameter, so they differ.
        let own_words = ["MissingParameter", "InvalidParameter"].contains(&code);
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
#[should_panic(expected = "there is no action \"CreateVPC\" (did you mean CreateVpc?); the actions are *, ")]
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
        waited = effect => waited.unwrap(),
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

/// Returns the raw body of a call's answer.
async fn text_of(cloud: &LocalCloud, action: &str) -> String {
    let client = cloud.client();
    let parameters = client.parameters(action, &[("RegionId", "cn-hangzhou")]);
    let form = form(&client.sign("POST", parameters));
    let (status, text) = send(&cloud.endpoint(), Method::POST, "/", form).await.unwrap();
    assert_eq!(status, 200, "{text}");
    text
}

#[tokio::test]
async fn an_answer_can_be_changed_for_the_call_that_is_meant() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let as_object = |answer: &mut Value| answer["Vpcs"]["Vpc"] = answer["Vpcs"]["Vpc"][0].clone();
    let nothing = |answer: &mut Value| answer["Vpcs"]["Vpc"] = json!([]);
    cloud.rewrite("DescribeVpcs", Rewrite::value(as_object), 1);
    cloud.rewrite_after(2, "DescribeVpcs", Rewrite::value(nothing));
    cloud.rewrite_in("cn-beijing", "DescribeVpcs", Rewrite::body("elsewhere"), 1);
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap()["Vpcs"]["Vpc"]["VpcId"], vpc);
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap()["Vpcs"]["Vpc"][0]["VpcId"], vpc);
    let empty = cloud.call("DescribeVpcs", &[]).await.unwrap();
    assert_eq!((&empty["Vpcs"]["Vpc"], &empty["TotalCount"]), (&json!([]), &json!(1)));
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap()["Vpcs"]["Vpc"][0]["VpcId"], vpc);
    let told: Vec<_> = cloud.calls_of("DescribeVpcs").into_iter().map(|call| call.fault).collect();
    assert_eq!(told, [Some("rewritten".to_owned()), None, Some("rewritten".to_owned()), None]);
}

#[tokio::test]
async fn an_answer_can_hold_half_of_a_surrogate_pair() {
    let cloud = cloud().await;
    cloud.create_vpc(&[("owner", "HALF")]).await.unwrap();
    cloud.rewrite("DescribeVpcs", Rewrite::text(|text| text.replace("HALF", "\\ud83d")), 1);
    let text = text_of(&cloud, "DescribeVpcs").await;
    assert!(text.contains(r#""Value":"\ud83d""#), "{text}");
    assert!(cloud.calls().last().unwrap().succeeded());
}

#[tokio::test]
async fn a_call_whose_answer_is_rewritten_has_its_effect_and_a_refusal_stays_one() {
    let cloud = cloud().await;
    cloud.rewrite("CreateVpc", Rewrite::body("{}"), 1);
    assert_eq!(cloud.create_vpc(&[]).await.unwrap(), "");
    assert_eq!((cloud.vpcs().len(), cloud.events().len()), (1, 1));
    assert_eq!(cloud.events()[0]["data"]["responseElements"]["VpcId"], cloud.vpcs()[0].id);
    cloud.fail("DescribeVpcs", Fault::Throttled, 1);
    cloud.rewrite("DescribeVpcs", Rewrite::body("{}"), u32::MAX);
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap_err().code(), Some("Throttling.User"));
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap(), json!({}));
    cloud.heal();
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap()["TotalCount"], 1);
}

#[tokio::test]
async fn pages_can_be_smaller_than_asked_for() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.copy_vpc(&vpc, 4);
    cloud.fail("DescribeVpcs", Fault::SmallPages(2), 3);
    let mut seen = Vec::new();
    for page in ["1", "2", "3"] {
        let answer = cloud.call("DescribeVpcs", &[("PageNumber", page), ("PageSize", "50")]).await.unwrap();
        assert_eq!((&answer["TotalCount"], &answer["PageSize"]), (&json!(5), &json!(2)));
        seen.push(answer["Vpcs"]["Vpc"].as_array().unwrap().len());
    }
    assert_eq!(seen, [2, 2, 1]);
}
