//! Responses that deviate from the documentation: what can be read is read, and nothing else is assumed.

use flow_log::{Delivery, FlowLog, Resource, ResourceId};
use futures_util::TryStreamExt as _;
use openapi::{
    CallError, EcrFilter, EcrFlowLogFilter, EcrInstanceFilter, Entry, ErrorKind, FlowLogFilter, Listing,
    NetworkInterfaceFilter, Remedy, Session, VSwitchFilter, VpcFilter,
};
use serde_json::{Value, json};

use crate::support::{Server, TestMachine, fixture, ok, session};

/// Returns what `read` makes of a server that always responds with `body`, and the number of calls.
async fn of<T>(
    body: impl ToString + Send,
    read: impl AsyncFnOnce(&Session<'_>) -> Result<T, CallError>,
) -> (Result<T, CallError>, usize) {
    let body = body.to_string();
    let server = Server::answering(move |_| ok(&body)).await;
    let client = server.client(&TestMachine::new());
    let read = read(&session(&client)).await;
    (read, server.seen().len())
}

fn odd(name: &str) -> String {
    fixture(&format!("odd.{name}.json"))
}

async fn flow_logs(session: &Session<'_>) -> Result<Listing<FlowLog>, CallError> {
    session.describe_flow_logs(&FlowLogFilter::default()).await
}

async fn flow_log(body: String) -> FlowLog {
    let found = of(body, flow_logs).await.0.unwrap();
    let [flow_log] = &found.items[..] else { panic!("{found:?}") };
    flow_log.clone()
}

fn vpc() -> ResourceId {
    "vpc-bp1example00000000001".parse().unwrap()
}

fn assert_unreadable<T: std::fmt::Debug>((read, calls): (Result<T, CallError>, usize), said: &str) {
    let error = read.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Unreadable, Remedy::GiveUp), "{}", error.cause);
    assert!(error.cause.to_string().contains(said), "{}", error.cause);
    assert!(calls <= 3, "{calls} calls");
}

#[tokio::test]
async fn an_object_in_the_place_of_a_list_is_no_list_and_above_all_no_empty_one() {
    let by_id = async |session: &Session<'_>| session.describe_vpcs(&[vpc()]).await;
    assert_unreadable(of(odd("vpcs_as_one_object"), by_id).await, "Vpcs is no list");
    assert_unreadable(of(odd("flow_logs_as_one_object"), flow_logs).await, "FlowLogs is no list");
    let of_router = async |session: &Session<'_>| {
        session.describe_ecr_flow_logs(&"ecr-example0000000001".parse().unwrap(), &EcrFlowLogFilter::default()).await
    };
    assert_unreadable(of(odd("ecr_flow_logs_as_one_object"), of_router).await, "FlowLogs is no list");
}

#[tokio::test]
async fn a_list_that_shows_nothing_of_what_it_counts_is_unreadable() {
    let by_id = async |session: &Session<'_>| session.describe_vpcs(&[vpc()]).await;
    assert_unreadable(of(odd("vpcs_none_of_one"), by_id).await, "shows 0 of the 1 items");
    let null = json!({"Vpcs": null, "TotalCount": 1});
    assert_unreadable(of(null, by_id).await, "Vpcs is no list");
    let none = json!({"Vpcs": {"Vpc": []}, "TotalCount": 0});
    assert!(of(none, by_id).await.0.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_chain_of_router_flow_logs_or_routers_that_shows_less_than_it_counts_is_unreadable() {
    let ecr = || "ecr-1".parse().unwrap();
    let flow_logs =
        async |session: &Session<'_>| session.describe_ecr_flow_logs(&ecr(), &EcrFlowLogFilter::default()).await;
    let none_of_one = |list: &str| json!({list: [], "TotalCount": 1, "NextToken": ""});
    assert_unreadable(of(none_of_one("FlowLogs"), flow_logs).await, "shows 0 of the 1 items");
    let routers = async |session: &Session<'_>| session.describe_ecrs(&EcrFilter::default()).await;
    assert_unreadable(of(none_of_one("EcrList"), routers).await, "shows 0 of the 1 items");
    // Documented as the number of all attached instances, whatever the filter.
    let instances =
        async |session: &Session<'_>| session.describe_ecr_instances(&ecr(), &EcrInstanceFilter::default()).await;
    assert!(of(none_of_one("ChildInstanceList"), instances).await.0.unwrap().items.is_empty());

    let page = |ids: &[&str], total: u32, next: &str| {
        let list: Vec<_> = ids.iter().map(|id| json!({"EcrId": id})).collect();
        ok(json!({"EcrList": list, "TotalCount": total, "NextToken": next}))
    };
    // The list may grow and shrink while it is read. It is enough if it showed as many items as it had at some moment.
    for totals in [[2, 2], [3, 2], [2, 3]] {
        let server = Server::scripted([page(&["ecr-1"], totals[0], "a"), page(&["ecr-2"], totals[1], "")]).await;
        let client = server.client(&TestMachine::new());
        assert_eq!(routers(&session(&client)).await.unwrap().items.len(), 2, "{totals:?}");
    }
}

#[tokio::test]
async fn an_owner_that_is_no_text_is_not_taken_for_the_own_account() {
    let vpcs = |owner: serde_json::Value| {
        let list = [json!({"VpcId": vpc().to_string(), "OwnerId": owner})];
        json!({"Vpcs": {"Vpc": list}, "TotalCount": 1})
    };
    let by_id = async |session: &Session<'_>| session.describe_vpcs(&[vpc()]).await;
    for owner in [json!(["1"]), json!({"Id": "1"}), json!("nobody")] {
        let found = of(vpcs(owner.clone()), by_id).await.0.unwrap();
        assert!(found.items.is_empty() && found.unreadable.len() == 1, "{owner}: {found:?}");
    }
    for owner in [json!(0), json!("0"), json!(""), json!(null)] {
        assert!(of(vpcs(owner.clone()), by_id).await.0.unwrap().is_complete(), "{owner}");
    }
}

/// A list of `count` flow logs in pages of at most `cap`, without the items from `missing` on.
fn pages(
    count: usize,
    cap: usize,
    missing: usize,
) -> impl FnMut(&crate::support::Seen) -> crate::support::Reply + Send {
    move |seen| {
        let number = |key| seen.get(key).unwrap().parse::<usize>().unwrap();
        let (page, size) = (number("PageNumber"), number("PageSize").min(cap));
        let shown = (0..count.min(missing)).skip((page - 1) * size).take(size);
        let shown: Vec<_> = shown.map(|nth| json!({"FlowLogId": format!("fl-{nth}"), "ResourceId": "vpc-1"})).collect();
        ok(json!({"TotalCount": count.to_string(), "PageSize": size.to_string(), "FlowLogs": {"FlowLog": shown}}))
    }
}

#[tokio::test]
async fn pages_that_are_smaller_than_asked_for_are_read_to_the_last() {
    for (count, cap, calls) in [(60, 20, 4), (60, 50, 2), (200, 20, 14), (20, 20, 1), (25, 3, 9)] {
        let server = Server::answering(pages(count, cap, usize::MAX)).await;
        let client = server.client(&TestMachine::new());
        let found = flow_logs(&session(&client)).await.unwrap();
        assert_eq!(found.items.len(), count, "in pages of {cap}");
        assert!(server.seen().len() <= calls, "{count} in pages of {cap}: {} calls", server.seen().len());
        let best_effort = flow_logs(&session(&client).best_effort()).await.unwrap();
        assert_eq!(best_effort.items.len(), count, "in pages of {cap}");
    }
}

#[tokio::test]
async fn a_list_whose_later_pages_are_empty_is_unreadable() {
    for best_effort in [false, true] {
        let server = Server::answering(pages(60, 50, 50)).await;
        let client = server.client(&TestMachine::new());
        let session = if best_effort { session(&client).best_effort() } else { session(&client) };
        let error = flow_logs(&session).await.unwrap_err();
        assert!(error.cause.to_string().contains("shows 50 of the 60 items"), "{}", error.cause);
        assert!(server.seen().len() <= 4, "{} calls", server.seen().len());
    }
}

#[tokio::test]
async fn a_chain_that_shows_fewer_than_it_counts_is_whole_and_one_whose_token_is_odd_is_not() {
    let interfaces =
        async |session: &Session<'_>| session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await;
    let one = json!({"NetworkInterfaceId": "eni-1", "VSwitchId": "vsw-1", "VpcId": "vpc-1"});
    let list = json!({"NetworkInterfaceSet": [one]});
    let short = json!({"NetworkInterfaceSets": list, "TotalCount": 7, "NextToken": ""});
    assert_eq!(of(short, interfaces).await.0.unwrap().items.len(), 1);
    let odd = json!({"NetworkInterfaceSets": list, "NextToken": {"is": "odd"}});
    assert_unreadable(of(odd, interfaces).await, "NextToken");
}

#[tokio::test]
async fn a_chain_that_leads_on_and_on_to_nothing_new_is_an_error() {
    let mut nth = 0;
    let server = Server::answering(move |_| {
        nth += 1;
        ok(json!({"NetworkInterfaceSets": {"NetworkInterfaceSet": []}, "NextToken": format!("token-{nth}")}))
    })
    .await;
    let client = server.client(&TestMachine::new());
    let filter = NetworkInterfaceFilter::default();
    let error = session(&client).describe_network_interfaces(&filter).await.unwrap_err();
    assert!(error.cause.to_string().contains("nothing new"), "{}", error.cause);
    assert!(server.seen().len() < 100);
}

#[tokio::test]
async fn lists_of_a_router_that_are_null_with_a_total_of_0_are_empty() {
    let body = json!({"Success": true, "Code": "200", "FlowLogs": null, "EcrList": null, "ChildInstanceList": null,
        "TotalCount": 0, "NextToken": null});
    let empty = of(&body, async |session| {
        let ecr = "ecr-1".parse().unwrap();
        assert_eq!(session.describe_ecrs(&EcrFilter::default()).await?, Listing::default());
        assert_eq!(session.describe_ecr_instances(&ecr, &EcrInstanceFilter::default()).await?, Listing::default());
        session.describe_ecr_flow_logs(&ecr, &EcrFlowLogFilter::default()).await
    });
    assert_eq!(empty.await.0.unwrap(), Listing::default());
    let mut without_total = body;
    without_total.as_object_mut().unwrap().remove("TotalCount");
    let read = of(without_total, async |session| session.describe_ecrs(&EcrFilter::default()).await);
    assert_unreadable(read.await, "EcrList is no list");
}

#[tokio::test]
async fn tags_that_cannot_be_read_are_unknown_and_no_tags_are_none() {
    let all = async |session: &Session<'_>| session.vpcs(&VpcFilter::default()).try_collect::<Listing<_>>().await;
    let found = of(odd("vpc_with_tags_as_one_object"), all).await.0.unwrap();
    assert_eq!((found.items.len(), &found.items[0].tags), (1, &None));
    let of_id = json!({"TotalCount": 1, "FlowLogs": [{"FlowLogId": "fl-1", "ResourceId": "vpc-1",
        "Tags": {"Tag": {"Key": "managed-by", "Value": "flowkeeper"}}}]});
    let flow_log = flow_log(of_id.to_string()).await;
    assert!(flow_log.has_unknown_tags() && !flow_log.is_own());
}

#[tokio::test]
async fn a_field_that_the_answer_lacks_is_absent_and_not_empty() {
    let found = flow_log(odd("flow_log_without_traffic_path")).await;
    assert_eq!((found.traffic_path, found.traffic_type.as_deref()), (None, Some("All")));
    let undescribed = flow_log(odd("flow_log_without_description")).await;
    assert_eq!(undescribed.description, None);
    assert!(undescribed.name.is_some());
    let bare = json!({"TotalCount": 1, "FlowLogs": [{"FlowLogId": "fl-1", "ResourceId": "vpc-1", "Description": ""}]});
    let bare = flow_log(bare.to_string()).await;
    assert_eq!((bare.name, bare.project, bare.log_store, bare.traffic_type), (None, None, None, None));
    assert_eq!(bare.description.as_deref(), Some(""), "what is given as empty is empty");
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_not_known() {
    for name in ["flow_log_of_a_local_time", "flow_log_without_creation_time"] {
        assert_eq!(flow_log(odd(name)).await.creation_time, None, "{name}");
    }
}

#[tokio::test]
async fn a_delivery_that_does_not_say_that_it_works_does_not() {
    let found = flow_log(odd("flow_log_delivery_unknown")).await;
    assert_eq!(found.delivery, Delivery::Unknown("Abnormal, ProjectNotExist".to_owned()));
    let locked = flow_log(odd("flow_log_financial_locked")).await;
    assert_eq!(locked.business_status.as_deref(), Some("FinancialLocked"));
    assert_eq!(locked.delivery, Delivery::Working);
}

#[tokio::test]
async fn a_network_interface_without_a_vswitch_is_part_of_its_vpc_alone() {
    let interfaces =
        async |session: &Session<'_>| session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await;
    let found = of(odd("network_interface_without_vswitch"), interfaces).await.0.unwrap();
    assert!(found.is_complete());
    let parents: Vec<_> = found.items.iter().map(|found| found.parents.len()).collect();
    assert_eq!(parents, [2, 1]);
    assert_eq!(found.items[1].parents, [vpc()]);
}

#[tokio::test]
async fn one_item_that_cannot_be_read_is_one_of_its_own() {
    let good = |nth: u32| json!({"NetworkInterfaceId": format!("eni-{nth}"), "VSwitchId": "vsw-1", "VpcId": "vpc-1"});
    let body = json!({"NextToken": "", "NetworkInterfaceSets": {"NetworkInterfaceSet": [
        good(1), {"NetworkInterfaceId": "eni-2"}, null, "odd", good(3),
        {"VSwitchId": "vsw-1", "VpcId": "vpc-1"}, {"NetworkInterfaceId": "eni-4", "VSwitchId": "odd", "VpcId": "vpc-1"},
    ]}});
    let interfaces =
        async |session: &Session<'_>| session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await;
    let found = of(body, interfaces).await.0.unwrap();
    assert_eq!(found.items.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["eni-1", "eni-3"]);
    assert!(!found.is_complete());
    let unreadable: Vec<_> = found.unreadable.iter().map(|item| (item.id.as_deref(), item.place.as_str())).collect();
    let at = |nth: usize| {
        [
            "NetworkInterfaceSets[1]",
            "NetworkInterfaceSets[2]",
            "NetworkInterfaceSets[3]",
            "NetworkInterfaceSets[5]",
            "NetworkInterfaceSets[6]",
        ][nth]
    };
    assert_eq!(
        unreadable,
        [(Some("eni-2"), at(0)), (None, at(1)), (None, at(2)), (None, at(3)), (Some("eni-4"), at(4))]
    );
    assert!(found.unreadable[0].reason.contains("VpcId"), "{}", found.unreadable[0]);
}

#[tokio::test]
async fn an_unreadable_item_counts_as_one_of_those_that_a_list_says_it_has() {
    let body = json!({"TotalCount": 3, "Vpcs": {"Vpc": [{"VpcId": "vpc-1"}, {"VpcId": "odd"}, {}]}});
    let all = async |session: &Session<'_>| session.vpcs(&VpcFilter::default()).try_collect::<Vec<_>>().await;
    let (found, calls) = of(body, all).await;
    let found = found.unwrap();
    assert!(matches!(&found[..], [Entry::Read(_), Entry::Unreadable(_), Entry::Unreadable(_)]), "{found:?}");
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn half_of_an_emoji_in_a_text_that_nobody_needs_does_not_matter() {
    let all = async |session: &Session<'_>| session.vpcs(&VpcFilter::default()).try_collect::<Listing<_>>().await;
    let found = of(odd("vpcs_with_half_an_emoji"), all).await.0.unwrap();
    assert_eq!((found.items.len(), found.is_complete()), (2, true));
    let raw = "{\"TotalCount\": 1, \"Vpcs\": [{\"VpcId\": \"vpc-1\", \"VpcName\": \"a\tb\n\"}]}";
    assert_eq!(of(raw, all).await.0.unwrap().items.len(), 1);
}

#[tokio::test]
async fn what_was_not_asked_for_is_passed_over() {
    let ids = |found: &Listing<Resource>| found.items.iter().map(|found| found.id.to_string()).collect::<Vec<_>>();
    let body = json!({"TotalCount": 2, "NextToken": "",
        "Vpcs": [{"VpcId": "vpc-other"}, {"VpcId": vpc()}],
        "VSwitches": [{"VSwitchId": "vsw-1", "VpcId": "vpc-1"}, {"VSwitchId": "vsw-2", "VpcId": "vpc-1"}],
        "NetworkInterfaceSets": [
            {"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "VSwitchId": "vsw-1", "InstanceId": "i-1"},
            {"NetworkInterfaceId": "eni-2", "VpcId": "vpc-1", "VSwitchId": "vsw-1", "InstanceId": "i-2"},
            {"NetworkInterfaceId": "eni-3", "VpcId": "vpc-1", "VSwitchId": "vsw-1", "InstanceId": ""}],
        "FlowLogs": [{"FlowLogId": "fl-1", "ResourceId": "vpc-other"}, {"FlowLogId": "fl-2", "ResourceId": vpc()}],
        "EcrList": [{"EcrId": "ecr-1"}, {"EcrId": "ecr-2"}],
    });
    let server = Server::answering(move |_| ok(&body)).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    assert_eq!(ids(&session.describe_vpcs(&[vpc()]).await.unwrap()), ["vpc-bp1example00000000001"]);
    assert_eq!(ids(&session.describe_vswitches(&["vsw-2".parse().unwrap()]).await.unwrap()), ["vsw-2"]);
    let elsewhere = VSwitchFilter { vpc: Some(&vpc()), ..Default::default() };
    assert_eq!(session.vswitches(&elsewhere).try_collect::<Vec<_>>().await.unwrap(), []);
    let of_instance = NetworkInterfaceFilter { instance: Some("i-1"), ..Default::default() };
    let interfaces = session.describe_network_interfaces(&of_instance).await.unwrap();
    assert_eq!(ids(&interfaces), ["eni-1", "eni-3"], "what does not say whose it is stays");
    let on_vpc = FlowLogFilter { resource: Some(&vpc()), ..Default::default() };
    let flow_logs = session.describe_flow_logs(&on_vpc).await.unwrap();
    assert_eq!(flow_logs.items.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["fl-2"]);
    let by_id = FlowLogFilter { id: Some(&"fl-3".parse().unwrap()), ..Default::default() };
    assert_eq!(session.describe_flow_logs(&by_id).await.unwrap(), Listing::default());
    let ecr = "ecr-2".parse().unwrap();
    let ecrs = session.describe_ecrs(&EcrFilter { id: Some(&ecr), ..Default::default() }).await.unwrap();
    assert_eq!(ecrs.items.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["ecr-2"]);
}

#[tokio::test]
async fn an_owner_of_0_or_none_is_the_account_that_asks_and_an_odd_one_is_unreadable() {
    let all = async |session: &Session<'_>| session.vpcs(&VpcFilter::default()).try_collect::<Listing<_>>().await;
    let vpc = |nth: u32, owner: Value| json!({"VpcId": format!("vpc-{nth}"), "OwnerId": owner});
    let body = json!({"TotalCount": 6, "Vpcs": [
        vpc(1, json!(0)), vpc(2, json!("0")), vpc(3, json!(null)), vpc(4, json!("")), {"VpcId": "vpc-5"},
        vpc(6, json!(1_000_000_000_000_002_u64)),
    ]});
    let found = of(body, all).await.0.unwrap();
    let owners: Vec<_> = found.items.iter().map(|found| found.account.as_str()).collect();
    assert_eq!(owners[..5], ["1000000000000001"; 5]);
    assert_eq!(owners[5..], ["1000000000000002"]);
    let odd = of(json!({"TotalCount": 1, "Vpcs": [vpc(1, json!("somebody"))]}), all).await.0.unwrap();
    assert_eq!((odd.items.len(), odd.unreadable.len()), (0, 1));
}

#[tokio::test]
async fn a_network_interface_that_a_service_manages_says_so() {
    let interfaces =
        async |session: &Session<'_>| session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await;
    let eni = |nth: u32, managed: Value| {
        json!({"NetworkInterfaceId": format!("eni-{nth}"), "VSwitchId": "vsw-1", "VpcId": "vpc-1",
            "ServiceManaged": managed})
    };
    let body = json!({"NextToken": "", "NetworkInterfaceSets": [
        eni(1, json!(true)), eni(2, json!("True")), eni(3, json!(false)), eni(4, json!(null)),
    ]});
    let found = of(body, interfaces).await.0.unwrap();
    let managed: Vec<_> = found.items.iter().map(|found| found.is_service_managed).collect();
    assert_eq!(managed, [true, true, false, false]);
}

#[tokio::test]
async fn a_resource_has_the_creation_time_of_its_list_unless_that_cannot_be_read() {
    let times = [json!("2026-11-26T03:00:00Z"), json!("2026-11-26 03:00"), json!(""), json!(null)];
    let items = |of: fn(u32) -> Value| -> Vec<Value> {
        let with_time = |(nth, time): (u32, &Value)| {
            let mut item = of(nth);
            item["CreationTime"] = time.clone();
            item
        };
        (1..).zip(&times).map(with_time).collect()
    };
    let vpcs = items(|nth| json!({"VpcId": format!("vpc-{nth}")}));
    let vswitches = items(|nth| json!({"VSwitchId": format!("vsw-{nth}"), "VpcId": "vpc-1"}));
    let interfaces = items(|nth| json!({"NetworkInterfaceId": format!("eni-{nth}"), "VpcId": "vpc-1"}));
    let filter = NetworkInterfaceFilter::default();
    let vpcs = of(json!({"TotalCount": 4, "Vpcs": {"Vpc": vpcs}}), async |session: &Session<'_>| {
        session.vpcs(&VpcFilter::default()).try_collect::<Listing<_>>().await
    });
    let vswitches = of(json!({"TotalCount": 4, "VSwitches": {"VSwitch": vswitches}}), async |session: &Session<'_>| {
        session.vswitches(&VSwitchFilter::default()).try_collect::<Listing<_>>().await
    });
    let interfaces = of(
        json!({"NextToken": "", "NetworkInterfaceSets": {"NetworkInterfaceSet": interfaces}}),
        async |session: &Session<'_>| session.describe_network_interfaces(&filter).await,
    );
    let expected = [Some("2026-11-26T03:00:00Z".parse().unwrap()), None, None, None];
    for found in [vpcs.await.0, vswitches.await.0, interfaces.await.0] {
        let found: Vec<_> = found.unwrap().items.into_iter().map(|resource| resource.creation_time).collect();
        assert_eq!(found, expected);
    }
}
