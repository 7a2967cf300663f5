//! Express Connect Router: its flow logs, and how it differs from VPC.

use local_cloud::{Fault, LocalCloud, Options};
use serde_json::Value;

use crate::support::{cloud, code, operator};

#[tokio::test]
async fn a_routers_flow_log_has_a_life_of_its_own() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    let more = [("Interval", "60"), ("SamplingRate", "1:1024"), ("TargetSlsRegionId", "cn-beijing")];
    let id = operator.create_router_flow_log(&router, "vbr-1", &more).await.unwrap();
    let seen = || cloud.router_flow_logs().into_iter().next();
    let made = seen().unwrap();
    assert_eq!((made.interval, made.sampling_rate.as_str(), made.sls_region.as_str()), (60, "1:1024", "cn-beijing"));
    assert_eq!((made.status.as_str(), made.region.as_str()), ("Active", "cn-hangzhou"));
    let of_it = [("EcrId", router.as_str()), ("FlowLogId", id.as_str())];
    for (action, change, status, interval) in [
        ("DeactivateFlowLog", None, "Inactive", 60),
        ("ModifyFlowLogAttribute", Some(("Interval", "600")), "Inactive", 600),
        ("ActivateFlowLog", None, "Active", 600),
    ] {
        let parameters: Vec<_> = of_it.into_iter().chain(change).collect();
        let answer = operator.call_router(action, &parameters).await.unwrap();
        assert_eq!((&answer["Success"], &answer["Code"]), (&true.into(), &"200".into()), "{answer}");
        for empty in ["DynamicCode", "DynamicMessage", "AccessDeniedDetail"] {
            assert_eq!(answer[empty], "", "{action} {empty}");
        }
        let now = seen().unwrap();
        assert_eq!((now.status.as_str(), now.interval), (status, interval), "{action}");
    }
    assert_eq!(code(operator.call_router("ActivateFlowLog", &of_it).await), "InvalidStatus");
    operator.call_router("DeleteFlowlog", &of_it).await.unwrap();
    assert!(seen().is_none());
    assert_eq!(code(operator.call_router("DeleteFlowlog", &of_it).await), "ResourceNotFound.FlowLogId");
}

#[tokio::test]
async fn the_two_products_share_names_and_nothing_else() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let vpc = operator.create_vpc(&[]).await.unwrap();
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    operator.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    operator.create_router_flow_log(&router, "vbr-1", &[]).await.unwrap();
    let listed = operator.call_router("DescribeFlowLogs", &[("EcrId", &router)]).await.unwrap();
    assert_eq!((&listed["TotalCount"], &listed["FlowLogs"][0]["InstanceId"]), (&1.into(), &"vbr-1".into()));
    assert_eq!(operator.call("DescribeFlowLogs", &[]).await.unwrap()["TotalCount"], "1");
    assert_eq!(code(operator.call_router("DescribeVpcs", &[]).await), "InvalidApi.NotFound");
    assert_eq!(code(operator.call("DeleteFlowlog", &[]).await), "MissingParameter");
}

#[tokio::test]
async fn what_the_router_does_not_accept_has_its_code() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&["vbr-1", "vbr-2"]).await.unwrap();
    operator.create_router_flow_log(&router, "vbr-2", &[]).await.unwrap();
    let good = [
        ("EcrId", router.as_str()),
        ("InstanceType", "VBR"),
        ("InstanceId", "vbr-1"),
        ("ProjectName", "project"),
        ("LogStoreName", "store"),
    ];
    for (name, value, expected) in [
        ("EcrId", "ecr-nowhere", "ResourceNotFound.EcrId"),
        ("EcrId", "", "MissingParameter"),
        ("InstanceId", "vbr-3", "ResourceNotFound.ChildInstanceId"),
        ("InstanceId", "vbr-2", "ResourceAlreadyExist.FlowLogId"),
        ("InstanceType", "VPC", "IllegalParam.InstanceType"),
        ("Interval", "10", "IllegalParam.Interval"),
        ("SamplingRate", "1:1", "IllegalParam.SamplingRate"),
        ("TargetSlsRegionId", "cn-nowhere", "UnsupportedRegion"),
        ("ProjectName", "No", "InvalidParameter"),
        ("DryRun", "maybe", "InvalidParameter"),
        ("DryRun", "true", "DryRunOperation"),
    ] {
        let parameters = good.into_iter().filter(|(known, _)| *known != name).chain([(name, value)]);
        let parameters: Vec<_> = parameters.collect();
        assert_eq!(code(operator.call_router("CreateFlowLog", &parameters).await), expected, "{name}={value}");
    }
    assert_eq!(cloud.router_flow_logs().len(), 1);
    cloud.edit_router(&router, |router| router.status = "LOCKED_ATTACHING".into());
    assert_eq!(code(operator.call_router("CreateFlowLog", &good).await), "IncorrectStatus.Ecr");
    operator.call_router("DescribeFlowLogs", &[("EcrId", &router)]).await.unwrap();
    cloud.edit_router(&router, |router| router.status = "DELETING".into());
    assert_eq!(code(operator.call_router("CreateFlowLog", &good).await), "OperationDenied.ForceDeleting");
    cloud.lock_account(local_cloud::OWN_ACCOUNT);
    let listed = operator.call_router("DescribeExpressConnectRouter", &[]).await.unwrap();
    assert_eq!(listed["EcrList"][0]["BizStatus"], "FinancialLocked");
}

#[tokio::test]
async fn a_client_token_makes_a_repeated_call_the_same_call() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&["vbr-1", "vbr-2"]).await.unwrap();
    let token = [("ClientToken", "once")];
    cloud.fail("expressconnectrouter:CreateFlowLog", Fault::AnswerLost, 1);
    operator.create_router_flow_log(&router, "vbr-1", &token).await.unwrap_err();
    let again = operator.create_router_flow_log(&router, "vbr-1", &token).await.unwrap();
    assert_eq!(cloud.router_flow_logs().iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [again.as_str()]);
    let other = operator.create_router_flow_log(&router, "vbr-2", &token).await;
    assert_eq!(code(other), "IdempotentParameterMismatch");
}

#[tokio::test]
async fn a_failure_may_come_with_http_200() {
    let cloud = LocalCloud::start(Options { ecr_failures_in_200: true, ..Options::default() }).await.unwrap();
    let operator = operator(&cloud);
    assert_eq!(
        code(operator.call_router("DescribeFlowLogs", &[("EcrId", "ecr-nowhere")]).await),
        "ResourceNotFound.EcrId"
    );
    let call = cloud.calls().pop().unwrap();
    assert_eq!((call.status, call.succeeded()), (200, false));
    assert_eq!((&call.answer["Success"], &call.answer["HttpStatusCode"]), (&false.into(), &404.into()));
    // VPC still uses HTTP status codes.
    operator.call("DeleteFlowLog", &[("FlowLogId", "fl-nowhere")]).await.unwrap_err();
    assert_eq!(cloud.calls().pop().unwrap().status, 400);

    let faulty = crate::support::cloud().await;
    faulty.fail("expressconnectrouter:*", Fault::FailureIn200, 1);
    let answer = crate::support::operator(&faulty).call_router("DescribeExpressConnectRouter", &[]).await;
    assert_eq!(code(answer), "InternalErrorTemp");
    assert_eq!(faulty.calls().pop().unwrap().status, 200);
}

#[tokio::test]
async fn a_routers_lists_come_by_token() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let vbrs: Vec<String> = (0..12).map(|n| format!("vbr-{n}")).collect();
    let router = operator.create_router(&vbrs.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    for vbr in &vbrs {
        operator.create_router_flow_log(&router, vbr, &[("FlowLogName", vbr)]).await.unwrap();
    }
    let page = async |more: &[(&str, &str)]| {
        let parameters = [&[("EcrId", router.as_str())], more].concat();
        operator.call_router("DescribeFlowLogs", &parameters).await.unwrap()
    };
    let count = |answer: &Value| answer["FlowLogs"].as_array().unwrap().len();
    let first = page(&[]).await;
    assert_eq!((count(&first), &first["TotalCount"], &first["MaxResults"]), (10, &12.into(), &10.into()));
    let rest = page(&[("NextToken", first["NextToken"].as_str().unwrap())]).await;
    assert_eq!((count(&rest), &rest["NextToken"]), (2, &"".into()));
    assert_eq!(page(&[("FlowLogName", "vbr-7")]).await["FlowLogs"][0]["InstanceId"], "vbr-7");
    let children = operator
        .call_router("DescribeExpressConnectRouterChildInstance", &[("EcrId", &router), ("MaxResults", "5")])
        .await
        .unwrap();
    assert_eq!(children["ChildInstanceList"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn what_is_there_already_is_named_in_the_dynamic_message() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    let present = operator.create_router_flow_log(&router, "vbr-1", &[]).await.unwrap();
    operator.create_router_flow_log(&router, "vbr-1", &[]).await.unwrap_err();
    let refused = cloud.calls().pop().unwrap().answer;
    assert_eq!(refused["Message"], "The specified resource of FlowLogId[%s] already exists.");
    assert_eq!((&refused["DynamicMessage"], &refused["DynamicCode"]), (&present.into(), &"".into()));
    operator.call_router("DescribeFlowLogs", &[("EcrId", "ecr-nowhere")]).await.unwrap_err();
    assert_eq!(cloud.calls().pop().unwrap().answer["DynamicMessage"], "");
}

#[tokio::test]
async fn a_routers_flow_log_can_do_without_a_name_and_a_value_may_begin_with_aliyun() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    let tag = [("Tag.1.Key", "owner"), ("Tag.1.Value", "aliyun-team"), ("FlowLogName", ""), ("Description", "")];
    let id = operator.create_router_flow_log(&router, "vbr-1", &tag).await.unwrap();
    let seen = || cloud.router_flow_logs().into_iter().next().unwrap();
    assert_eq!((seen().name.as_str(), seen().tags["owner"].as_str()), ("", "aliyun-team"));
    let of_it = [("EcrId", router.as_str()), ("FlowLogId", id.as_str())];
    for name in ["named", ""] {
        let change = [&of_it[..], &[("FlowLogName", name), ("Description", name)]].concat();
        operator.call_router("ModifyFlowLogAttribute", &change).await.unwrap();
        assert_eq!((seen().name.as_str(), seen().description.as_str()), (name, name));
    }
}

#[tokio::test]
async fn a_virtual_border_router_in_a_region_without_flow_logs_has_none() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    cloud.without_flow_logs("cn-hangzhou");
    assert_eq!(code(operator.create_router_flow_log(&router, "vbr-1", &[]).await), "UnsupportedRegion");
    cloud.with_flow_logs("cn-hangzhou");
    let id = operator.create_router_flow_log(&router, "vbr-1", &[]).await.unwrap();
    cloud.edit_router_flow_log(&id, |flow_log| flow_log.sampling_rate = "1:1024".into());
    assert_eq!(cloud.router_flow_logs()[0].sampling_rate, "1:1024");
}
