//! Paged lists, and the shapes in which lists come.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use flow_log::{AccountId, Delivery, RegionId, Status};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use openapi::{EcrFlowLogFilter, FlowLogFilter, Listing, NetworkInterfaceFilter, PageObserver, PageRead, VpcFilter};
use serde_json::{Value, json};

use crate::support::{NOTHING, Reply, Seen, Server, TestMachine, fixture, ok, refused, session};

/// The response of a cloud with these VPCs to a request for one page.
fn page(vpcs: &[u32], seen: &Seen) -> Reply {
    let number = |key| seen.get(key).unwrap().parse::<usize>().unwrap();
    let (page, size) = (number("PageNumber"), number("PageSize"));
    assert!((1..=50).contains(&size));
    let found: Vec<Value> =
        vpcs.iter().skip((page - 1) * size).take(size).map(|vpc| json!({"VpcId": format!("vpc-{vpc}")})).collect();
    ok(json!({"RequestId": "R-1", "TotalCount": vpcs.len(), "Vpcs": {"Vpc": found}}))
}

#[tokio::test]
async fn what_stays_is_found_though_the_list_shrinks_between_its_pages() {
    let mut vpcs: Vec<u32> = (0..180).collect();
    let server = Server::answering(move |seen| {
        let reply = page(&vpcs, seen);
        // After each page, thirty items that have been read vanish and as many appear at the end, so the total stays
        // the same.
        if vpcs.first().is_some_and(|first| *first < 90) {
            vpcs.drain(..30);
            let last = vpcs.last().copied().unwrap_or_default();
            vpcs.extend(last + 1..=last + 30);
        }
        reply
    })
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let found: Listing<_> = session.vpcs(&VpcFilter::default()).try_collect().await.unwrap();
    for nth in 90..180 {
        let id = format!("vpc-{nth}");
        assert_eq!(found.items.iter().filter(|vpc| vpc.id.as_str() == id).count(), 1, "{id}");
    }
}

#[tokio::test]
async fn a_list_is_read_a_page_at_a_time() {
    let vpcs: Vec<u32> = (0..200).collect();
    let server = Server::answering(move |seen| page(&vpcs, seen)).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let mut stream = session.vpcs(&VpcFilter::default());
    assert!(server.seen().is_empty());
    for _ in 0..50 {
        stream.try_next().await.unwrap().unwrap();
    }
    assert_eq!(server.seen().len(), 1);
    stream.try_next().await.unwrap().unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn pages_after_the_first_are_asked_for_together_and_no_more_than_allowed() {
    let vpcs: Vec<u32> = (0..430).collect();
    let server = Server::answering(move |seen| match seen.get("PageNumber") {
        Some("1") => page(&vpcs, seen),
        _ => Reply::Silent,
    })
    .await;
    let client = server.client(&TestMachine::new()).with_pages_at_once(NonZeroUsize::new(4).unwrap());
    let session = session(&client).best_effort();
    let mut stream = session.vpcs(&VpcFilter::default());
    for _ in 0..50 {
        stream.try_next().await.unwrap().unwrap();
    }
    assert_eq!(server.seen().len(), 1, "nothing is asked for before it is needed");
    let all_asked = async {
        while server.seen().len() < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = all_asked => {}
        next = stream.try_next() => panic!("no page was answered: {next:?}"),
    }
    let seen = server.seen();
    let mut pages: Vec<_> = seen.iter().filter_map(|seen| seen.get("PageNumber")).collect();
    pages.sort_unstable();
    assert_eq!(pages, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_list_whose_pages_are_asked_for_together_takes_one_call_a_page_and_keeps_its_order() {
    let vpcs: Vec<u32> = (0..430).collect();
    let server = Server::answering(move |seen| page(&vpcs, seen)).await;
    let client = server.client(&TestMachine::new()).with_pages_at_once(NonZeroUsize::new(4).unwrap());
    let session = session(&client).best_effort();
    let found: Listing<_> = session.vpcs(&VpcFilter::default()).try_collect().await.unwrap();
    let expected: Vec<_> = (0..430).map(|nth| format!("vpc-{nth}")).collect();
    assert_eq!(found.items.iter().map(|vpc| vpc.id.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!(server.seen().len(), 9);
}

#[tokio::test]
async fn what_stays_is_found_though_the_list_shrinks_while_its_pages_are_asked_for_together() {
    let mut vpcs: Vec<u32> = (0..430).collect();
    let mut answers = 0;
    let server = Server::answering(move |seen| {
        let reply = page(&vpcs, seen);
        answers += 1;
        if answers == 3 {
            vpcs.drain(..30);
        }
        reply
    })
    .await;
    let client = server.client(&TestMachine::new()).with_pages_at_once(NonZeroUsize::new(4).unwrap());
    let session = session(&client).best_effort();
    let found: Listing<_> = session.vpcs(&VpcFilter::default()).try_collect().await.unwrap();
    for nth in 30..430 {
        let id = format!("vpc-{nth}");
        assert_eq!(found.items.iter().filter(|vpc| vpc.id.as_str() == id).count(), 1, "{id}");
    }
}

#[tokio::test]
async fn a_chain_is_followed_to_its_end_and_not_in_a_circle() {
    let interface = |id: &str| json!({"NetworkInterfaceId": id, "VSwitchId": "vsw-1", "VpcId": "vpc-1"});
    let page = move |ids: &[&str], next: &str| {
        let ids: Vec<_> = ids.iter().map(|id| interface(id)).collect();
        ok(json!({"NetworkInterfaceSets": {"NetworkInterfaceSet": ids}, "NextToken": next}))
    };
    let server = Server::scripted([
        page(&["eni-1", "eni-2"], "a"),
        page(&[], "b"),
        page(&["eni-2", "eni-3"], ""),
        page(&["eni-1"], "a"),
        page(&["eni-2"], "a"),
    ])
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let found = session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await.unwrap();
    assert_eq!(found.items.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["eni-1", "eni-2", "eni-3"]);
    let tokens: Vec<_> = server.seen().iter().map(|seen| seen.get("NextToken").map(str::to_owned)).collect();
    assert_eq!(tokens, [None, Some("a".to_owned()), Some("b".to_owned())]);
    let error = session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await.unwrap_err();
    assert!(error.cause.to_string().contains("leads back"), "{}", error.cause);
}

#[tokio::test]
async fn a_flow_log_is_read_wrapped_and_flat_from_numbers_and_from_texts() {
    for name in ["wrapped", "flat_as_in_old_docs", "numbers_and_bool"] {
        let body = fixture(&format!("describe_flow_logs.{name}.json"));
        let server = Server::answering(move |_| ok(&body)).await;
        let client = server.client(&TestMachine::new());
        let found = session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
        let [flow_log] = &found.items[..] else { panic!("{name}: {found:?}") };
        assert_eq!((flow_log.status.clone(), flow_log.aggregation_interval), (Status::Active, Some(10)), "{name}");
        assert_eq!(flow_log.delivery, Delivery::Failed("UnavaliableTarget".to_owned()), "{name}");
        assert_eq!(flow_log.project.as_deref(), Some("FlowLogProject"), "{name}: what is there may break the limits");
        assert_eq!(flow_log.creation_time, Some("2022-01-21T03:08:50Z".parse().unwrap()), "{name}");
    }
}

#[tokio::test]
async fn what_the_documents_do_not_know_is_read_past_or_kept() {
    let body = json!({"New": {"Field": [1]}, "FlowLogs": {"FlowLog": [
        {"FlowLogId": "fl-1", "ResourceId": "vpc-1", "Status": "Hibernating",
         "TrafficPath": {"trafficPathList": ["all", ""]}, "More": null},
    ]}});
    let server = Server::answering(move |_| ok(&body)).await;
    let client = server.client(&TestMachine::new());
    let found = session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
    let found = &found.items[0];
    assert_eq!(found.status, Status::Unknown("Hibernating".to_owned()));
    assert_eq!(found.traffic_path, Some(vec!["all".to_owned()]));
}

#[tokio::test]
async fn the_flow_logs_of_a_router_are_read() {
    let body = fixture("ecr.describe_flow_logs.json");
    let server = Server::answering(move |_| ok(&body)).await;
    let client = server.client(&TestMachine::new());
    let ecr = "ecr-mezk2idmsd0vx2****".parse().unwrap();
    let found = session(&client).describe_ecr_flow_logs(&ecr, &EcrFlowLogFilter::default()).await.unwrap();
    let [found] = &found.items[..] else { panic!("{found:?}") };
    assert_eq!((found.interval, found.instance_id.as_str()), (Some(600), "vbr-xxx"));
    assert_eq!(found.tags.as_ref().unwrap().get("k").map(String::as_str), Some("v"));
}

/// Keeps what it learns.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<(String, PageRead)>>, Mutex<Vec<[String; 3]>>);

impl PageObserver for Kept {
    fn page_read(&self, account: &AccountId, region: &RegionId, page: &PageRead) {
        self.0.lock().unwrap().push((format!("{account} {region}"), page.clone()));
    }

    fn answered(&self, sent: Timestamp, received: Timestamp, date: Timestamp) {
        self.1.lock().unwrap().push([sent, received, date].map(|time| time.to_string()));
    }
}

#[tokio::test]
async fn an_observer_learns_when_each_answer_was_asked_for_and_came_and_its_date() {
    let machine = TestMachine::new();
    let (during, mut nth) = (Arc::clone(&machine), 0);
    let server = Server::answering(move |_| {
        nth += 1;
        during.let_pass(Duration::from_secs(2));
        let reply = if nth == 1 { refused(403, "Forbidden.RAM") } else { ok(NOTHING) };
        reply.with_header("date", format!("Fri, 20 Nov 2026 12:00:0{nth} GMT"))
    })
    .await;
    let kept = Arc::new(Kept::default());
    let client = server.client(&machine).observed_by(Arc::<Kept>::clone(&kept));
    for is_done in [false, true] {
        let read = session(&client).describe_flow_logs(&FlowLogFilter::default()).await;
        assert_eq!(read.is_ok(), is_done, "{read:?}");
    }
    let times = std::mem::take(&mut *kept.1.lock().unwrap());
    let at = |hour: u8, second: u8| format!("2026-11-20T{hour}:00:{second:02}Z");
    assert_eq!(times, [[at(10, 0), at(10, 2), at(12, 1)], [at(10, 2), at(10, 4), at(12, 2)]]);
}

#[tokio::test]
async fn an_observer_learns_of_each_page_with_its_items_and_its_request() {
    let vpcs: Vec<u32> = (0..60).collect();
    let server = Server::answering(move |seen| page(&vpcs, seen)).await;
    let kept = Arc::new(Kept::default());
    let client = server.client(&TestMachine::new()).observed_by(Arc::<Kept>::clone(&kept));
    let session = session(&client);
    let all: Listing<_> = session.vpcs(&VpcFilter::default()).try_collect().await.unwrap();
    assert_eq!(all.items.len(), 60);
    let pages = std::mem::take(&mut *kept.0.lock().unwrap());
    assert!(pages.len() > 1 && pages.iter().all(|(at, _)| at == "1000000000000001 cn-hangzhou"), "{pages:?}");
    assert_eq!(pages.iter().map(|(_, page)| page.items).sum::<usize>(), 60);
    for (_, page) in &pages {
        assert_eq!((page.action, page.is_filtered, page.total), ("DescribeVpcs", false, Some(60)));
        assert!(page.request_id.is_some() && page.about.is_empty(), "{page:?}");
    }
    session.describe_vpcs(&["vpc-7".parse().unwrap()]).await.unwrap();
    let (_, one) = kept.0.lock().unwrap().pop().unwrap();
    assert_eq!((one.is_filtered, one.about.as_str()), (true, "vpc-7"));
}
