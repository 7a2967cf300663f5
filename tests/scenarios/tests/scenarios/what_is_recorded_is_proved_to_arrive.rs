//! Active is what the API says of a flow log. What arrives is what its Logstore says, and what cannot be read is unknown.

use std::{future, pin::Pin, sync::Arc, time::Duration};

use flow_log::{
    FlowLog,
    proof::{Missing, Proof, Unproven},
};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use local_cloud::{Client as CloudClient, Clock, Fault, LocalCloud, LogRecord, Options, RestRequest};
use openapi::{Client, ClientSettings, Credentials, FlowLogFilter, OsRng};
use reconcile::delivery::{LogStoreProof, Look, prove};
use settings::Settings;

const PROJECT: &str = "flowlog-a";
const HOST: &str = "flowlog-a.cn-hangzhou.log.aliyuncs.com";
const INDEX: &str = r#"{"keys": {"vpc-id": {"type": "text", "token": [","]}, "vswitch-id": {"type": "text", "token": [","]},
    "eni-id": {"type": "text", "token": [","]}, "log-status": {"type": "text", "token": [","]},
    "end": {"type": "long", "doc_value": true}}}"#;

/// A clock that stands still, so that no wait takes time.
#[derive(Debug)]
struct Stopped(Timestamp);

impl openapi::Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(future::ready(()))
    }
}

/// A cloud with a VPC, a network interface in it, and a flow log that is a day old.
struct Place {
    cloud: LocalCloud,
    vpc: String,
    vswitch: String,
    interface: String,
    now: Timestamp,
}

async fn send(client: &CloudClient, method: &str, path: &str, body: &str) {
    let request = RestRequest { method, path, query: &[], headers: &[], body };
    assert_eq!(client.log_service(HOST, &request).await.unwrap().status(), 200, "{method} {path}");
}

async fn place() -> Place {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let cloud = LocalCloud::start(Options { clock: Clock::manual(now), ..Options::default() }).await.unwrap();
    let client = cloud.client();
    send(&client, "POST", "/", r#"{"projectName": "flowlog-a", "description": "flow logs"}"#).await;
    send(&client, "POST", "/logstores", r#"{"logstoreName": "vpc", "ttl": 180, "shardCount": 2}"#).await;
    send(&client, "POST", "/logstores/vpc/index", INDEX).await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    let of = [("ProjectName", PROJECT), ("LogStoreName", "vpc"), ("TrafficType", "All")];
    let id = cloud.create_flow_log("VPC", &vpc, &of).await.unwrap();
    cloud.finish_transitions();
    cloud.edit_flow_log(&id, |flow_log| flow_log.created = now - 24.hours());
    Place { cloud, vpc, vswitch, interface, now }
}

impl Place {
    fn write(&self, log_status: &str, minutes_ago: i64) {
        let end = self.now - minutes_ago.minutes();
        let record = LogRecord::of_flow_log(&self.vpc, &self.vswitch, &self.interface, log_status, end);
        self.cloud.write_records(PROJECT, "vpc", [record]);
    }

    /// Reads the proof with a client that can only read.
    async fn proofs(&self) -> Vec<LogStoreProof> {
        let settings = Settings::from_pairs([("FLOWKEEPER_ENDPOINT", self.cloud.endpoint().as_str())]);
        let settings = ClientSettings::read(&settings).unwrap();
        let client = Client::new(settings, Arc::new(Stopped(self.now)), Arc::new(OsRng)).read_only();
        let credentials = Credentials::new(local_cloud::ACCESS_KEY_ID, local_cloud::ACCESS_KEY_SECRET);
        let account = local_cloud::OWN_ACCOUNT.parse().unwrap();
        let session = client.session(credentials, account, "cn-hangzhou".parse().unwrap(), None);
        let flow_logs: Vec<FlowLog> = session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap().items;
        let look = Look { back: SignedDuration::from_hours(24), ..Look::default() };
        prove(&session, &flow_logs, &look).await
    }

    async fn proof(&self) -> Proof {
        self.proofs().await[0].flow_logs[0].proof.clone()
    }
}

#[tokio::test]
async fn records_in_the_logstore_are_the_proof() {
    let place = place().await;
    place.write("OK", 5);
    place.write("NODATA", 15);
    let [found] = place.proofs().await.try_into().unwrap();
    assert_eq!((found.retention_days, found.log_store.as_str()), (Ok(180), "vpc"));
    assert!(matches!(found.flow_logs[0].proof, Proof::Delivering { records: 1, .. }), "{}", found.flow_logs[0].proof);
    assert_eq!(place.cloud.calls_of("GetLogsV2").len(), 1);
    assert_eq!(place.cloud.calls_of("DescribeNetworkInterfaces").len(), 0);
}

#[tokio::test]
async fn an_idle_network_interface_is_no_failure_and_lost_records_are() {
    let place = place().await;
    place.write("NODATA", 5);
    assert!(matches!(place.proof().await, Proof::NoTraffic { .. }));
    place.write("SKIPDATA", 4);
    let lost = place.proof().await;
    assert_eq!((&lost, lost.is_alarm()), (&Proof::RecordsLost { skipped: 1 }, true));
}

#[tokio::test]
async fn a_flow_log_that_is_active_and_silent_is_an_alarm() {
    let place = place().await;
    assert_eq!(place.cloud.flow_log_of(&place.vpc).unwrap().status, "Active");
    place.cloud.edit_network_interface(&place.interface, |interface| interface.instance_id = "i-1".to_owned());
    place.write("OK", 120);
    let silent = place.proof().await;
    assert!(matches!(silent, Proof::Silent { last: Some(_) }), "{silent}");
    assert!(silent.is_alarm());
    place.cloud.edit_network_interface(&place.interface, |interface| interface.instance_id.clear());
    assert_eq!(place.proof().await, Proof::NothingToRecord, "no network interface is in use");
}

#[tokio::test]
async fn records_that_were_lost_are_an_alarm_although_nothing_is_left_to_record() {
    let place = place().await;
    place.cloud.edit_network_interface(&place.interface, |interface| interface.instance_id.clear());
    place.write("OK", 240);
    assert_eq!(place.proof().await, Proof::NothingToRecord);
    place.write("SKIPDATA", 300);
    let lost = place.proof().await;
    assert_eq!((&lost, lost.is_alarm()), (&Proof::RecordsLost { skipped: 1 }, true));
    place.cloud.fail("DescribeNetworkInterfaces", Fault::Refused, 1);
    assert_eq!(place.proof().await, Proof::RecordsLost { skipped: 1 }, "whether anything is there was not read");
    place.cloud.edit_network_interface(&place.interface, |interface| interface.instance_id = "i-1".to_owned());
    assert_eq!(place.proof().await.name(), "silent", "that nothing arrives says more");
}

#[tokio::test]
async fn partial_counts_are_asked_for_again_and_are_never_proof() {
    let place = place().await;
    place.write("OK", 5);
    place.cloud.fail("GetLogsV2", Fault::PartialCounts, 1);
    assert_eq!(place.proof().await.name(), "delivering");
    place.cloud.fail("GetLogsV2", Fault::PartialCounts, 99);
    assert_eq!(place.proof().await, Proof::Unknown(Unproven::Incomplete));
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown_and_what_is_not_there_is_an_alarm() {
    let place = place().await;
    place.write("OK", 5);
    place.cloud.fail("GetLogsV2", Fault::Refused, 1);
    assert_eq!(place.proof().await, Proof::Unknown(Unproven::NoPermission { action: "GetLogsV2" }));
    place.cloud.edit_log_store(PROJECT, "vpc", |log_store| log_store.mode = "query".to_owned());
    assert!(matches!(place.proof().await, Proof::Delivering { records: 1, .. }), "counted by histograms");
    place.cloud.edit_log_store(PROJECT, "vpc", |log_store| log_store.index = None);
    assert_eq!(place.proof().await, Proof::Unknown(Unproven::NoIndex { field: None }));
    place.cloud.without_log_store(local_cloud::OWN_ACCOUNT, "cn-hangzhou", PROJECT, "vpc");
    let gone = place.proof().await;
    assert_eq!((&gone, gone.is_alarm()), (&Proof::NoDestination(Missing::LogStore), true));
}
