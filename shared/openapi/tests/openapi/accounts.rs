//! Work in other accounts, with assumed roles.

use std::time::Duration;

use futures_util::future::join_all;
use openapi::{Client, FlowLogFilter, Role, Session};
use serde_json::json;

use crate::support::{NOTHING, Reply, SECRET, Seen, Server, TestMachine, ok, refused, session};

fn role(account: u32, external_id: Option<&str>) -> Role {
    Role {
        arn: format!("acs:ram::{account}:role/flowkeeper").parse().unwrap(),
        external_id: external_id.map(str::to_owned),
        session_policy: None,
    }
}

/// The response with the `nth` token, `token-<nth>`. Each is valid for another hour, starting at 10 o'clock.
fn assumed(nth: u32) -> Reply {
    let hour = 10 + nth;
    ok(json!({"Credentials": {
        "AccessKeyId": format!("STS.{nth}"), "AccessKeySecret": "s", "SecurityToken": format!("token-{nth}"),
        "Expiration": format!("2026-11-20T{hour}:00:00Z"),
    }}))
}

fn cloud() -> impl FnMut(&Seen) -> Reply + Send + 'static {
    let mut bought = 0;
    move |seen| match seen.action() {
        "AssumeRole" => {
            bought += 1;
            assumed(bought)
        }
        _ => ok(NOTHING),
    }
}

async fn read(session: &Session<'_>) -> Result<(), openapi::CallError> {
    session.describe_flow_logs(&FlowLogFilter::default()).await.map(drop)
}

fn member(client: &Client, account: u32) -> Session<'_> {
    session(client).in_role(role(account, None))
}

#[tokio::test]
async fn calls_in_another_account_are_made_with_the_token_of_its_role() {
    let server = Server::answering(cloud()).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client).in_role(role(2, Some("the-external-id")));
    assert_eq!(session.account().as_str(), "2");
    read(&session).await.unwrap();
    read(&session).await.unwrap();
    let seen = server.seen();
    assert_eq!(server.actions(), ["AssumeRole", "DescribeFlowLogs", "DescribeFlowLogs"]);
    assert_eq!(seen[0].get("RoleArn"), Some("acs:ram::2:role/flowkeeper"));
    assert_eq!(seen[0].get("ExternalId"), Some("the-external-id"));
    assert_eq!(seen[0].get("RoleSessionName"), Some("flowkeeper"));
    assert_eq!((seen[0].get("AccessKeyId"), seen[0].get("RegionId")), (Some("STS.example"), None));
    assert_eq!((seen[1].get("AccessKeyId"), seen[1].get("SecurityToken")), (Some("STS.1"), Some("token-1")));
}

#[tokio::test]
async fn concurrent_first_calls_buy_one_token_and_accounts_do_not_share_it() {
    let server = Server::answering(cloud()).await;
    let client = server.client(&TestMachine::new());
    let reads = (0..12).map(|nth| {
        let session = member(&client, 2 + nth % 2);
        async move { read(&session).await }
    });
    join_all(reads).await.into_iter().collect::<Result<(), _>>().unwrap();
    assert_eq!(server.actions().iter().filter(|action| *action == "AssumeRole").count(), 2);

    // Another external id or another key does not get the tokens obtained above.
    read(&session(&client).in_role(role(2, Some("other")))).await.unwrap();
    let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
    let other = client.session(signing::Credentials::new("other", "key"), account, region, None);
    read(&other.in_role(role(2, None))).await.unwrap();
    assert_eq!(server.actions().iter().filter(|action| *action == "AssumeRole").count(), 4);
}

#[tokio::test]
async fn a_session_policy_goes_with_the_role_and_its_token_is_for_that_policy_alone() {
    let server = Server::answering(cloud()).await;
    let client = server.client(&TestMachine::new());
    let policies = [None, Some("{\"Version\":\"1\",\"Statement\":[]}"), Some("{}")];
    for policy in policies.into_iter().chain(policies) {
        let role = Role { session_policy: policy.map(Into::into), ..role(2, None) };
        read(&session(&client).in_role(role)).await.unwrap();
    }
    let seen = server.seen();
    let bought: Vec<_> =
        seen.iter().filter(|seen| seen.action() == "AssumeRole").map(|seen| seen.get("Policy")).collect();
    assert_eq!(bought, policies);
    let tokens: Vec<_> =
        seen.iter().filter_map(|seen| seen.get("SecurityToken")).filter(|it| it.starts_with("token-")).collect();
    assert_eq!(tokens, ["token-1", "token-2", "token-3", "token-1", "token-2", "token-3"]);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let server = Server::answering(cloud()).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    // No deadline, because the clock runs past it.
    let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
    let session = client.session(crate::support::credentials(), account, region, None).in_role(role(2, None));
    read(&session).await.unwrap();
    machine.let_pass(Duration::from_secs(54 * 60));
    read(&session).await.unwrap();
    assert_eq!(server.actions(), ["AssumeRole", "DescribeFlowLogs", "DescribeFlowLogs"]);
    machine.let_pass(Duration::from_secs(2 * 60));
    read(&session).await.unwrap();
    assert_eq!(server.actions()[3..], ["AssumeRole", "DescribeFlowLogs"]);
    assert_eq!(server.seen()[4].get("SecurityToken"), Some("token-2"));
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_is_renewed_once() {
    let expired = || refused(400, "InvalidSecurityToken.Expired");
    let server =
        Server::scripted([assumed(1), expired(), assumed(2), ok(NOTHING), expired(), assumed(3), expired()]).await;
    let client = server.client(&TestMachine::new());
    let session = member(&client, 2);
    read(&session).await.unwrap();
    assert_eq!(server.seen()[3].get("SecurityToken"), Some("token-2"));
    assert_eq!(read(&session).await.unwrap_err().code(), Some("InvalidSecurityToken.Expired"));
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn while_sts_is_away_the_token_at_hand_is_used_until_it_expires() {
    let server = Server::answering(move |seen| match seen.action() {
        "AssumeRole" if seen.get("Timestamp") < Some("2026-11-20T10:30") => assumed(1),
        "AssumeRole" => refused(403, "NoPermission"),
        _ => ok(NOTHING),
    })
    .await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    let session = member(&client, 2);
    read(&session).await.unwrap();
    machine.let_pass(Duration::from_secs(57 * 60));
    read(&session).await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_said_to_be_so() {
    let server = Server::answering(|_| refused(403, "NoPermission")).await;
    let client = server.client(&TestMachine::new());
    let error = read(&member(&client, 2)).await.unwrap_err();
    assert_eq!((error.action, error.resource.as_str()), ("AssumeRole", "acs:ram::2:role/flowkeeper"));
    assert!(error.advice().contains("trust policy"), "{}", error.advice());
    assert!(!format!("{error:?}").contains(SECRET));
}

#[tokio::test]
async fn a_role_can_be_tried_before_the_first_call_and_is_assumed_once() {
    let server = Server::answering(cloud()).await;
    let client = server.client(&TestMachine::new());
    session(&client).obtain_credentials().await.unwrap();
    let session = member(&client, 2);
    session.obtain_credentials().await.unwrap();
    read(&session).await.unwrap();
    assert_eq!(server.actions(), ["AssumeRole", "DescribeFlowLogs"]);
}

#[tokio::test]
async fn the_tokens_of_the_last_accounts_are_kept_and_those_of_thousands_are_not() {
    let answer = |seen: &Seen| if seen.action() == "AssumeRole" { assumed(1) } else { ok(NOTHING) };
    let server = Server::answering(answer).await;
    let client = server.client(&TestMachine::new());
    for account in (100..140).chain([139, 130, 110]) {
        read(&member(&client, account)).await.unwrap();
    }
    let bought = |seen: &[Seen]| seen.iter().filter(|seen| seen.action() == "AssumeRole").count();
    assert_eq!(bought(&server.seen()), 40, "a token that is kept is used again");
    read(&member(&client, 100)).await.unwrap();
    assert_eq!(bought(&server.seen()), 41, "the first account's token made room");
    read(&member(&client, 110)).await.unwrap();
    assert_eq!(bought(&server.seen()), 41, "the one that was used last did not");
}
