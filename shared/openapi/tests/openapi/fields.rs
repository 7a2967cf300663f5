//! Every documented field of a response is in what the client returns.

use std::fmt::Debug;

use futures_util::TryStreamExt as _;
use openapi::{
    AssumeRole, CallError, EcrFilter, EcrFlowLogFilter, EcrInstanceFilter, FlowLogExtras, FlowLogFilter, Movable,
    NetworkInterfaceFilter, Session, TagFilter, TaggedType, VSwitchFilter, VpcFilter,
};
use serde_json::{Value, json};

use crate::{
    retry::spec,
    support::{Server, TestMachine, fixture, ok, session},
};

/// Fields about the response itself, which the client uses and does not return.
const OF_THE_ANSWER: [&str; 13] = [
    // Paging.
    "PageNumber",
    "PageSize",
    "MaxResults",
    "TotalCount",
    "NextToken",
    // Whether the call failed, and why. If it did, all of it is in the error.
    "Success",
    "Code",
    "Message",
    "HttpStatusCode",
    "DynamicCode",
    "DynamicMessage",
    "AccessDeniedDetail",
    // Part of every error.
    "RequestId",
];

/// Pairs of fields with the same content: the first is read if the second is absent.
const STANDS_IN: [(&str, &str); 2] = [("RegionId", "ChildInstanceRegionId"), ("OwnerId", "ChildInstanceOwnerId")];

/// Returns what the client returns, as text.
async fn returned(session: &Session<'_>, product: &str, action: &str) -> Result<String, CallError> {
    fn text(value: impl Debug) -> String {
        format!("{value:?}")
    }
    let (ecr, id) = ("ecr-1".parse().unwrap(), "fl-1".parse().unwrap());
    Ok(match (product, action) {
        ("vpc", "DescribeVpcs") => text(session.vpcs_in_full(&VpcFilter::default()).try_collect::<Vec<_>>().await?),
        ("vpc", "DescribeVSwitches") => {
            text(session.vswitches_in_full(&VSwitchFilter::default()).try_collect::<Vec<_>>().await?)
        }
        ("ecs", "DescribeNetworkInterfaces") => {
            let filter = NetworkInterfaceFilter::default();
            text(session.network_interfaces_in_full(&filter).try_collect::<Vec<_>>().await?)
        }
        ("vpc", "DescribeFlowLogs") => text(session.describe_flow_logs(&FlowLogFilter::default()).await?),
        ("vpc", "CreateFlowLog") => {
            let vpc = "vpc-1".parse().unwrap();
            text(session.writes().create_flow_log_with(&vpc, &spec(), FlowLogExtras::default()).await?)
        }
        ("vpc", "DeleteFlowLog") => text(session.writes().delete_flow_log(&id).await?),
        ("vpc", "ActiveFlowLog") => text(session.writes().activate_flow_log(&id).await?),
        ("vpc", "DeactiveFlowLog") => text(session.writes().deactivate_flow_log(&id).await?),
        ("vpc", "ModifyFlowLogAttribute") => text(session.writes().modify_flow_log(&id, &Default::default()).await?),
        ("vpc", "DescribeRegions") => text(session.describe_regions().await?),
        ("vpc", "GetFlowLogServiceStatus") => text(session.get_flow_log_service_status().await?),
        ("vpc", "OpenFlowLogService") => text(session.writes().open_flow_log_service().await?),
        ("vpc", "MoveResourceGroup") => {
            let group = "rg-1".parse().unwrap();
            text(session.writes().move_to_resource_group(Movable::FlowLog(&id), &group).await?)
        }
        (_, "ListTagResources") => {
            let filter = TagFilter { ids: &[], tags: Some(&spec().tags) };
            text(session.list_tag_resources(tagged(product), &filter).await?)
        }
        (_, "TagResources") => text(session.writes().tag_resources(tagged(product), &["id-1"], &spec().tags).await?),
        (_, "UnTagResources") => text(session.writes().untag_resources_of_all(tagged(product), &["id-1"]).await?),
        ("sts", "GetCallerIdentity") => text(session.get_caller_identity().await?),
        ("sts", "AssumeRole") => {
            let role = "acs:ram::1000000000000002:role/flowkeeper".parse().unwrap();
            let assumed = session.assume_role(&AssumeRole::new(&role, "test")).await?;
            // `Debug` hides the secrets, so they are added.
            let key = &assumed.credentials;
            text((&assumed, key.access_key_secret(), key.security_token()))
        }
        (_, "DescribeExpressConnectRouter") => text(session.describe_ecrs(&EcrFilter::default()).await?),
        (_, "DescribeExpressConnectRouterChildInstance") => {
            text(session.describe_ecr_instances(&ecr, &EcrInstanceFilter::default()).await?)
        }
        (_, "DescribeFlowLogs") => text(session.describe_ecr_flow_logs(&ecr, &EcrFlowLogFilter::default()).await?),
        (_, "CreateFlowLog") => {
            let vbr = "vbr-1".parse().unwrap();
            text(session.writes().create_ecr_flow_log(&ecr, &vbr, &ecr_spec(), false).await?)
        }
        (_, "ModifyFlowLogAttribute") => {
            text(session.writes().modify_ecr_flow_log(&ecr, &id, &Default::default()).await?)
        }
        (_, "ActivateFlowLog") => text(session.writes().activate_ecr_flow_log(&ecr, &id).await?),
        (_, "DeactivateFlowLog") => text(session.writes().deactivate_ecr_flow_log(&ecr, &id).await?),
        (_, "DeleteFlowlog") => text(session.writes().delete_ecr_flow_log(&ecr, &id).await?),
        _ => panic!("{product} {action} is not called here"),
    })
}

fn tagged(product: &str) -> TaggedType {
    match product {
        "vpc" => TaggedType::FlowLog,
        "ecs" => TaggedType::NetworkInterface,
        _ => TaggedType::Ecr,
    }
}

fn ecr_spec() -> flow_log::EcrFlowLogSpec {
    flow_log::EcrFlowLogSpec {
        name: "name".parse().unwrap(),
        description: "description".parse().unwrap(),
        project: "project".parse().unwrap(),
        log_store: "store".parse().unwrap(),
        interval: "60".parse().unwrap(),
        sampling_rate: "1:4096".parse().unwrap(),
        target_sls_region: None,
        resource_group_id: None,
        tags: Default::default(),
    }
}

/// Fills the documented shape with distinct values, and returns the paths of these values.
fn answer(shape: &Value) -> (Value, Vec<Vec<String>>) {
    let (mut whole, mut places) = (shape.clone(), Vec::new());
    fill(&mut whole, &mut Vec::new(), &mut places);
    (whole, places)
}

fn fill(value: &mut Value, place: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                place.push(name.clone());
                fill(member, place, places);
                place.pop();
            }
        }
        Value::Array(items) => {
            place.push("0".to_owned());
            fill(&mut items[0], place, places);
            place.pop();
        }
        kind => {
            places.push(place.clone());
            *kind = example(kind.as_str().unwrap(), place, places.len());
        }
    }
}

/// Returns the `nth` value of this kind, valid for the field at `place`.
fn example(kind: &str, place: &[String], nth: usize) -> Value {
    let name = place.last().unwrap().as_str();
    let prefix = match name {
        _ if place.len() == 1 && OF_THE_ANSWER.contains(&name) => {
            return match name {
                "Success" if kind == "string" => json!("true"),
                "Success" => json!(true),
                "Code" => json!("200"),
                "HttpStatusCode" => json!(200),
                "NextToken" => json!(""),
                _ if kind == "integer" => json!(1),
                _ => json!("of the answer"),
            };
        }
        "FlowLogDeliverStatus" => return json!("FAILED"),
        "CreationTime" | "Expiration" => return json!(format!("2026-11-20T10:00:00.{nth:03}Z")),
        "AccountId" => return json!(format!("1000000000000{nth:03}")),
        "VpcId" => "vpc-",
        "VSwitchId" => "vsw-",
        "NetworkInterfaceId" => "eni-",
        "FlowLogId" => "fl-",
        "EcrId" => return json!("ecr-1"),
        "RegionId" => "cn-",
        _ => "",
    };
    match kind {
        "integer" => json!(70_000 + nth),
        "boolean" => json!(true),
        _ => json!(format!("{prefix}v{nth:03}e")),
    }
}

/// Changes the value at one place: flips a boolean, alters a text, or removes a number.
fn with_other(answer: &Value, place: &[String]) -> Value {
    let mut answer = answer.clone();
    let value = at(&mut answer, place);
    *value = match value {
        Value::Bool(flag) => json!(!*flag),
        Value::String(text) if text == "FAILED" => json!("SUCCESS"),
        // An account id consists of digits, and so must the changed one.
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => json!(text.replacen('0', "9", 1)),
        Value::String(text) => json!(format!("{text}x").replace("Zx", "9Z")),
        Value::Number(_) => Value::Null,
        other => panic!("{other} is no value"),
    };
    answer
}

fn at<'v>(answer: &'v mut Value, place: &[String]) -> &'v mut Value {
    answer.pointer_mut(&format!("/{}", place.join("/"))).unwrap()
}

/// Returns the documented operations with their responses.
fn operations() -> Vec<(String, String, Value)> {
    let documented: Value = serde_json::from_str(&fixture("documented.json")).unwrap();
    let operations = documented["operations"].as_array().unwrap().iter();
    let named = operations.map(|one| {
        let name = |key: &str| one[key].as_str().unwrap().to_owned();
        (name("product"), name("action"), one["answer"].clone())
    });
    let all: Vec<_> = named.collect();
    assert_eq!(all.len(), 30);
    all
}

async fn of_answer(product: &str, action: &str, answer: Value) -> Result<String, CallError> {
    let server = Server::answering(move |_| ok(&answer)).await;
    let client = server.client(&TestMachine::new());
    returned(&session(&client), product, action).await
}

#[tokio::test]
async fn every_documented_field_of_an_answer_is_in_what_the_client_returns() {
    let mut looked_at = 0;
    for (product, action, shape) in operations() {
        let (whole, places) = answer(&shape);
        for place in places {
            let name = place.last().unwrap().as_str();
            if place.len() == 1 && OF_THE_ANSWER.contains(&name) {
                continue;
            }
            let mut answer = whole.clone();
            let (_, better) = STANDS_IN.into_iter().find(|(field, _)| *field == name).unwrap_or_default();
            let parent = [&place[..place.len() - 1], &[better.to_owned()]].concat();
            if !better.is_empty() && answer.pointer(&format!("/{}", parent.join("/"))).is_some() {
                *at(&mut answer, &parent) = Value::Null;
            }
            let found = of_answer(&product, &action, answer.clone()).await.unwrap();
            let other = of_answer(&product, &action, with_other(&answer, &place)).await.unwrap();
            let place = format!("{product} {action} {}", place.join("."));
            assert_ne!(found, other, "{place} is not read");
            match answer.pointer(&format!("/{}", place.rsplit(' ').next().unwrap().replace('.', "/"))).unwrap() {
                Value::String(text) if text != "FAILED" => assert!(found.contains(text), "{place}: {text}\n{found}"),
                Value::Number(number) => assert!(found.contains(&number.to_string()), "{place}: {number}\n{found}"),
                _ => {}
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 150, "only {looked_at} fields were looked at");
}

#[tokio::test]
async fn a_field_that_is_missing_or_odd_breaks_no_read_of_a_whole_resource() {
    for (wanted, id) in [
        ("DescribeVpcs", "VpcId"),
        ("DescribeVSwitches", "VSwitchId"),
        ("DescribeNetworkInterfaces", "NetworkInterfaceId"),
    ] {
        let (product, action, shape) = operations().into_iter().find(|(_, action, _)| action == wanted).unwrap();
        let (whole, places) = answer(&shape);
        // Only fields of list items: their paths begin like `Vpcs`, `Vpc`, `0`.
        for place in places.into_iter().filter(|place| place.len() > 3) {
            for depth in 4..=place.len() {
                let place = &place[..depth];
                if place[3..] == [id] {
                    continue;
                }
                for odd in [json!(null), json!({}), json!([]), json!([null, 1]), json!("odd"), json!(-1), json!(1e300)]
                {
                    let mut answer = whole.clone();
                    *at(&mut answer, place) = odd.clone();
                    let read = of_answer(&product, &action, answer).await;
                    let read = read.unwrap_or_else(|error| panic!("{place:?} = {odd}: {error}: {}", error.cause));
                    assert!(read.starts_with("[Read(") && read.len() > 100, "{place:?} = {odd}: {read}");
                }
            }
        }
    }
}

#[tokio::test]
async fn numbers_and_switches_that_come_as_texts_are_read_all_the_same() {
    fn as_texts(value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(as_texts),
            Value::Array(items) => items.iter_mut().for_each(as_texts),
            Value::Number(_) | Value::Bool(_) => *value = json!(value.to_string()),
            _ => {}
        }
    }
    for (product, action, shape) in operations() {
        let (whole, _) = answer(&shape);
        let mut texts = whole.clone();
        as_texts(&mut texts);
        let [one, other] = [of_answer(&product, &action, whole).await, of_answer(&product, &action, texts).await];
        assert_eq!(one.unwrap(), other.unwrap(), "{product} {action}");
    }
}
