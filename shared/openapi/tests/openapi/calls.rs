//! What is sent for each call.

use std::collections::BTreeMap;

use flow_log::{
    EcrFlowLogSpec, FlowLogId, Status,
    names::{EcrInterval, SamplingRate, Tags},
};
use openapi::{
    EcrFilter, EcrFlowLogAttributes, EcrFlowLogChange, EcrFlowLogFilter, EcrInstanceFilter, FlowLogAttributes,
    FlowLogFilter, Movable, Remedy, ServiceOpening, SignatureMethod, TagFilter, TaggedType, VpcFilter,
};
use serde_json::json;

use crate::{
    retry::spec,
    support::{NOTHING, Reply, SECRET, Seen, Server, TOKEN, TestMachine, ok, refused, session},
};

/// Returns the parameters of the operation, without those that every call has.
fn parameters(seen: &Seen) -> Vec<String> {
    const COMMON: [&str; 9] = [
        "AccessKeyId",
        "Format",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureVersion",
        "Timestamp",
        "Action",
    ];
    let own = seen.form.iter().filter(|(key, _)| !COMMON.contains(&key.as_str()));
    own.map(|(key, value)| format!("{key}={value}")).collect()
}

fn tags(count: usize) -> Tags {
    (1..=count).map(|nth| (format!("key-{nth:02}").parse().unwrap(), "v".parse().unwrap())).collect()
}

#[tokio::test]
async fn each_change_of_a_flow_log_is_sent_as_the_documents_say() {
    let server = Server::answering(|_| ok(json!({"Success": "true", "FlowLogId": "fl-1"}))).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let id: FlowLogId = "fl-1".parse().unwrap();
    let name = "new-name".parse().unwrap();
    session.writes().create_flow_log(&"vpc-1".parse().unwrap(), &spec()).await.unwrap();
    session.writes().delete_flow_log(&id).await.unwrap();
    session.writes().activate_flow_log(&id).await.unwrap();
    session.writes().deactivate_flow_log(&id).await.unwrap();
    session
        .writes()
        .modify_flow_log(&id, &FlowLogAttributes { name: Some(&name), ..Default::default() })
        .await
        .unwrap();
    session.writes().tag_resources(TaggedType::FlowLog, &["fl-1"], &tags(1)).await.unwrap();
    session.writes().untag_resources(TaggedType::FlowLog, &["fl-1"], &["key-01".parse().unwrap()]).await.unwrap();
    let seen = server.seen();
    let actions = [
        "CreateFlowLog",
        "DeleteFlowLog",
        "ActiveFlowLog",
        "DeactiveFlowLog",
        "ModifyFlowLogAttribute",
        "TagResources",
        "UnTagResources",
    ];
    assert_eq!(server.actions(), actions);
    assert!(seen.iter().all(|call| call.method == "POST" && call.path == "/" && call.query.is_empty()));
    let change = ["FlowLogId=fl-1", "RegionId=cn-hangzhou", "Version=2016-04-28"];
    for call in &seen[1..4] {
        assert_eq!(parameters(call), change);
    }
    assert_eq!(seen[0].get("Tag.1.Key"), Some("managed-by"));
    assert_eq!(seen[4].get("FlowLogName"), Some("new-name"));
    assert_eq!((seen[5].get("ResourceType"), seen[5].get("Tag.1.Value")), (Some("FLOWLOG"), Some("v")));
    assert_eq!((seen[6].get("ResourceId.1"), seen[6].get("TagKey.1")), (Some("fl-1"), Some("key-01")));
}

#[tokio::test]
async fn tags_are_changed_and_listed_at_the_product_that_has_what_carries_them() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let key = "key-01".parse().unwrap();
    for of in [TaggedType::VSwitch, TaggedType::NetworkInterface, TaggedType::Ecr] {
        session.writes().tag_resources(of, &["id-1"], &tags(1)).await.unwrap();
        session.writes().untag_resources(of, &["id-1"], std::slice::from_ref(&key)).await.unwrap();
        session.list_tag_resources(of, &TagFilter { ids: &["id-1"], tags: None }).await.unwrap();
    }
    let seen = server.seen();
    let of_call = |call: &Seen| ["Version", "ResourceType"].map(|name| call.get(name).unwrap().to_owned()).join(" ");
    let kinds = ["2016-04-28 VSWITCH", "2014-05-26 eni", "2023-09-01 EXPRESSCONNECTROUTER"];
    for (calls, kind) in seen.chunks(3).zip(kinds) {
        assert!(calls.iter().all(|call| of_call(call) == kind), "{kind}: {calls:?}");
        let untag = if kind.ends_with("VSWITCH") { "UnTagResources" } else { "UntagResources" };
        assert_eq!(calls.iter().map(Seen::action).collect::<Vec<_>>(), ["TagResources", untag, "ListTagResources"]);
        // Routers take a client token; ECS takes no page size.
        assert_eq!(calls[0].get("ClientToken").is_some(), kind.ends_with("ROUTER"));
        assert_eq!(calls[2].get("MaxResults").is_none(), kind.ends_with("eni"));
    }
}

#[tokio::test]
async fn a_change_of_a_routers_tags_can_be_tried_out() {
    let server =
        Server::scripted([refused(400, "DryRunOperation"), ok(NOTHING), refused(400, "InvalidParameter")]).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    session.writes().try_out_ecr_tags(&["ecr-1"], &tags(1)).await.unwrap();
    session.writes().try_out_ecr_untagging(&["ecr-1"], &["key-01".parse().unwrap()]).await.unwrap();
    let error = session.writes().try_out_ecr_tags(&["ecr-1"], &tags(1)).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameter"));
    assert!(server.seen().iter().all(|seen| seen.get("DryRun") == Some("true")));
}

#[tokio::test]
async fn a_flow_log_and_a_vpc_are_moved_to_a_resource_group() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client(&TestMachine::new());
    let (id, vpc, group) = ("fl-1".parse().unwrap(), "vpc-1".parse().unwrap(), "rg-1".parse().unwrap());
    for (what, kind, moved) in [(Movable::FlowLog(&id), "FlowLog", "fl-1"), (Movable::Vpc(&vpc), "Vpc", "vpc-1")] {
        session(&client).writes().move_to_resource_group(what, &group).await.unwrap();
        let seen = server.seen().pop().unwrap();
        let sent = ["ResourceType", "ResourceId", "NewResourceGroupId"].map(|key| seen.get(key).unwrap());
        assert_eq!(sent, [kind, moved, "rg-1"]);
    }
}

#[tokio::test]
async fn flow_logs_are_filtered_by_tags_under_a_name_of_its_own() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client(&TestMachine::new());
    let tags = tags(2);
    let status = Status::Active;
    let filter = FlowLogFilter { tags: Some(&tags), status: Some(&status), ..Default::default() };
    session(&client).describe_flow_logs(&filter).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.get("Tags.2.Key"), seen.get("Tag.2.Key"), seen.get("Status")),
        (Some("key-02"), None, Some("Active"))
    );
}

#[tokio::test]
async fn what_breaks_a_documented_limit_is_not_sent() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let many = tags(21);
    let ids: Vec<_> = (0..21).map(|nth| format!("vpc-{nth}").parse().unwrap()).collect();
    let deleting = Status::Deleting;
    let errors = [
        session.writes().tag_resources(TaggedType::Vpc, &["vpc-1"], &many).await.unwrap_err(),
        session.writes().tag_resources(TaggedType::Vpc, &[], &tags(1)).await.unwrap_err(),
        session.writes().tag_resources(TaggedType::Vpc, &["vpc-1"], &tags(0)).await.unwrap_err(),
        session.list_tag_resources(TaggedType::Vpc, &TagFilter::default()).await.unwrap_err(),
        session.describe_flow_logs(&FlowLogFilter { status: Some(&deleting), ..Default::default() }).await.unwrap_err(),
        futures_util::TryStreamExt::try_collect::<Vec<_>>(session.vpcs(&VpcFilter { ids: &ids, ..Default::default() }))
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.short_code(), error.remedy()), ("Invalid", Remedy::GiveUp), "{error}: {}", error.cause);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn many_ids_are_asked_for_in_several_calls() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client(&TestMachine::new());
    let ids: Vec<_> = (0..45).map(|nth| format!("vpc-{nth}").parse().unwrap()).collect();
    session(&client).describe_vpcs(&ids).await.unwrap();
    let counts: Vec<_> = server.seen().iter().map(|seen| seen.get("VpcId").unwrap().split(',').count()).collect();
    assert_eq!(counts, [20, 20, 5]);
}

#[tokio::test]
async fn a_service_that_is_open_is_as_good_as_opened() {
    let server = Server::scripted([
        ok(json!({"Code": "200", "Message": "successful"})),
        refused(400, "OperationFailed.ExceedPurchaseLimit"),
        ok(json!({"Enabled": true})),
        ok(json!({"Enabled": "false"})),
    ])
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    assert_eq!(session.writes().open_flow_log_service().await.unwrap(), ServiceOpening::Opened);
    assert_eq!(session.writes().open_flow_log_service().await.unwrap(), ServiceOpening::WasOpen);
    assert!(session.get_flow_log_service_status().await.unwrap());
    assert!(!session.get_flow_log_service_status().await.unwrap());
}

fn ecr_spec() -> EcrFlowLogSpec {
    EcrFlowLogSpec {
        name: "n".parse().unwrap(),
        description: "d".parse().unwrap(),
        project: "flowlog".parse().unwrap(),
        log_store: "ecr".parse().unwrap(),
        interval: EcrInterval::TenMinutes,
        sampling_rate: SamplingRate::OneIn4096,
        target_sls_region: Some("cn-hangzhou".parse().unwrap()),
        resource_group_id: None,
        tags: tags(1),
    }
}

#[tokio::test]
async fn calls_of_express_connect_router_have_a_client_token_and_no_region() {
    let spec = ecr_spec();
    let (ecr, vbr, id) = ("ecr-1".parse().unwrap(), "vbr-1".parse().unwrap(), "ecr-flog-1".parse().unwrap());
    // The first response is lost. The client token tells the API that the retry is the same call.
    let mut lost = false;
    let server = Server::answering(move |_| {
        if std::mem::replace(&mut lost, true) {
            ok(json!({"Code": "200", "FlowLogId": "ecr-flog-1", "EcrList": [], "ChildInstanceList": []}))
        } else {
            Reply::Lost
        }
    })
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let made = session.writes().create_ecr_flow_log(&ecr, &vbr, &spec, false).await.unwrap();
    assert_eq!(made.unwrap().as_str(), "ecr-flog-1");
    session.writes().create_ecr_flow_log(&ecr, &vbr, &spec, true).await.unwrap();
    session.writes().modify_ecr_flow_log(&ecr, &id, &EcrFlowLogAttributes::default()).await.unwrap();
    session.writes().activate_ecr_flow_log(&ecr, &id).await.unwrap();
    session.writes().deactivate_ecr_flow_log(&ecr, &id).await.unwrap();
    session.writes().delete_ecr_flow_log(&ecr, &id).await.unwrap();
    session.describe_ecrs(&EcrFilter::default()).await.unwrap();
    session.describe_ecr_instances(&ecr, &EcrInstanceFilter::default()).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        server.actions()[4..],
        [
            "ActivateFlowLog",
            "DeactivateFlowLog",
            "DeleteFlowlog",
            "DescribeExpressConnectRouter",
            "DescribeExpressConnectRouterChildInstance",
        ]
    );
    assert!(seen.iter().all(|seen| seen.get("RegionId").is_none() && seen.get("Version") == Some("2023-09-01")));
    assert_eq!(seen[0].get("ClientToken"), seen[1].get("ClientToken"));
    assert_ne!(seen[1].get("ClientToken"), seen[2].get("ClientToken"));
    assert_eq!((seen[1].get("DryRun"), seen[2].get("DryRun")), (None, Some("true")));
    assert_eq!((seen[1].get("Interval"), seen[1].get("SamplingRate")), (Some("600"), Some("1:4096")));
}

#[tokio::test]
async fn a_dry_run_that_passes_is_a_success_and_one_that_does_not_is_an_error() {
    let server = Server::answering(|seen| match (seen.action(), seen.get("DryRun")) {
        ("DeleteFlowlog", _) => refused(400, "IncorrectStatus.FlowLog"),
        ("ActivateFlowLog", _) => ok(json!({"Success": true, "Code": "200"})),
        (_, Some("true")) => refused(400, "DryRunOperation"),
        (action, _) => panic!("{action} is not tried out"),
    })
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let (ecr, id, name) = ("ecr-1".parse().unwrap(), "ecr-flog-1".parse().unwrap(), "n".parse().unwrap());
    let new = EcrFlowLogAttributes { name: Some(&name), ..Default::default() };
    session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Modify(new)).await.unwrap();
    session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Deactivate).await.unwrap();
    session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Activate).await.unwrap();
    let error = session.writes().try_out_ecr_change(&ecr, &id, EcrFlowLogChange::Delete).await.unwrap_err();
    assert_eq!(error.code(), Some("IncorrectStatus.FlowLog"));
    assert_eq!(
        session.writes().create_ecr_flow_log(&ecr, &"vbr-1".parse().unwrap(), &ecr_spec(), true).await.unwrap(),
        None
    );
    assert!(server.seen().iter().all(|seen| seen.get("DryRun") == Some("true")));
}

#[tokio::test]
async fn a_failure_inside_http_200_is_an_error() {
    let body = json!({"Success": false, "Code": "IncorrectStatus.Ecr", "HttpStatusCode": 400, "RequestId": "R-9"});
    let server = Server::answering(move |_| ok(&body)).await;
    let client = server.client(&TestMachine::new());
    let error = session(&client).describe_ecrs(&EcrFilter::default()).await.unwrap_err();
    assert_eq!((error.code(), error.request_id.as_deref()), (Some("IncorrectStatus.Ecr"), Some("R-9")));
}

/// Computes the signature of a received request, as documented.
fn signature_of(seen: &Seen) -> String {
    let pairs = |map: &BTreeMap<String, String>| map.clone().into_iter().collect::<Vec<_>>();
    let (query, form) = (pairs(&seen.query), pairs(&seen.form));
    let query: Vec<_> = query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let body: Vec<_> =
        form.iter().map(|(key, value)| [key, &signing::percent_encode(value)].map(String::as_str).join("=")).collect();
    let headers: Vec<_> = seen
        .headers
        .iter()
        .filter(|(name, _)| signing::acs3::must_be_signed(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let body = body.join("&");
    let request =
        signing::acs3::Request { method: "POST", path: "/", query: &query, headers: &headers, body: body.as_bytes() };
    signing::acs3::sign(&request, "STS.example", SECRET).authorization
}

#[tokio::test]
async fn with_hmac_sha256_the_signature_is_in_the_headers_and_the_parameters_are_in_the_query() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client_with(&TestMachine::new(), SignatureMethod::Acs3HmacSha256);
    let tags = tags(2);
    session(&client).describe_flow_logs(&FlowLogFilter { tags: Some(&tags), ..Default::default() }).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.action(), "DescribeFlowLogs");
    assert_eq!((seen.get("RegionId"), seen.get("Signature")), (Some("cn-hangzhou"), None));
    assert_eq!(seen.headers["x-acs-security-token"], TOKEN);
    let sent = ["PageNumber", "PageSize", "RegionId", "Tags.1.Key", "Tags.1.Value", "Tags.2.Key", "Tags.2.Value"];
    assert!(seen.query.keys().eq(&sent) && seen.form.is_empty(), "{seen:?}");
    assert_eq!((seen.headers.get("content-type"), &*seen.headers["content-length"]), (None, "0"));
    assert_eq!(seen.headers["authorization"], signature_of(seen));
}

#[tokio::test]
async fn with_hmac_sha256_each_parameter_of_express_connect_router_is_where_its_operation_wants_it() {
    let page = |action: &str| match action {
        "DescribeFlowLogs" => json!({"FlowLogs": [], "NextToken": "more"}),
        _ => json!({"EcrList": [], "ChildInstanceList": [], "NextToken": "more"}),
    };
    let server = Server::answering(move |seen| match seen.get("NextToken") {
        None => ok(page(seen.action())),
        Some(_) => ok(NOTHING),
    })
    .await;
    let client = server.client_with(&TestMachine::new(), SignatureMethod::Acs3HmacSha256);
    let session = session(&client);
    let (ecr, id, name) = ("ecr-1".parse().unwrap(), "ecr-flog-1".parse().unwrap(), "n".parse().unwrap());
    let new = EcrFlowLogAttributes { name: Some(&name), interval: Some(EcrInterval::OneMinute), ..Default::default() };
    session.writes().modify_ecr_flow_log(&ecr, &id, &new).await.unwrap();
    session.writes().activate_ecr_flow_log(&ecr, &id).await.unwrap();
    session.writes().delete_ecr_flow_log(&ecr, &id).await.unwrap();
    session.describe_ecr_flow_logs(&ecr, &EcrFlowLogFilter { id: Some(&id), ..Default::default() }).await.unwrap();
    session.describe_ecrs(&EcrFilter { tags: Some(&tags(1)), ..Default::default() }).await.unwrap();
    session.describe_ecr_instances(&ecr, &EcrInstanceFilter { id: Some("vbr-1"), ..Default::default() }).await.unwrap();
    let seen = server.seen();
    let sent: Vec<_> = seen
        .iter()
        .map(|seen| {
            let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>().join(" ");
            format!("{}?{} form {}", seen.action(), names(&seen.query), names(&seen.form))
        })
        .collect();
    assert_eq!(
        sent,
        [
            "ModifyFlowLogAttribute?FlowLogId Interval form ClientToken EcrId FlowLogName",
            "ActivateFlowLog? form ClientToken EcrId FlowLogId",
            "DeleteFlowlog?FlowLogId form ClientToken EcrId",
            "DescribeFlowLogs?FlowLogId MaxResults form EcrId",
            "DescribeFlowLogs?FlowLogId MaxResults NextToken form EcrId",
            "DescribeExpressConnectRouter? form MaxResults Tag.1.Key Tag.1.Value",
            "DescribeExpressConnectRouter? form MaxResults NextToken Tag.1.Key Tag.1.Value",
            "DescribeExpressConnectRouterChildInstance? form ChildInstanceId EcrId MaxResults",
            "DescribeExpressConnectRouterChildInstance? form ChildInstanceId EcrId MaxResults NextToken",
        ]
    );
    for call in &seen {
        assert_eq!(call.headers["authorization"], signature_of(call), "{}", call.action());
    }
}
