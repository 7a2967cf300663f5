//! Log Service: projects, Logstores, indexes and records, and the flow logs that deliver to them.

use std::time::Duration;

use http::Response;
use jiff::Timestamp;
use local_cloud::{
    Client, Clock, Credentials, Fault, LocalCloud, LogRecord, OWN_ACCOUNT, Options, RestRequest, SECOND_ACCOUNT,
};
use serde_json::{Value, json};

use crate::support::{self, TEMPLATE, cloud, cloud_with_template, function_client};

const HOST: &str = "flowlog-a.cn-hangzhou.log.aliyuncs.com";
const LOG_STORE: &str =
    r#"{"logstoreName": "vpc", "ttl": 30, "shardCount": 2, "autoSplit": true, "maxSplitShard": 64}"#;
const INDEX: &str = r#"{"keys": {"bytes": {"type": "long", "doc_value": true}}, "line": {"token": [",", " "]}}"#;

async fn send(client: &Client, host: &str, method: &str, path: &str, body: &str) -> Response<String> {
    let request = RestRequest { method, path, query: &[], headers: &[], body };
    client.log_service(host, &request).await.unwrap()
}

/// Returns the status and the code of an answer; the code is empty if the call was not refused.
fn outcome(answer: &Response<String>) -> (u16, String) {
    let body: Value = serde_json::from_str(answer.body()).unwrap_or_default();
    (answer.status().as_u16(), body["errorCode"].as_str().unwrap_or_default().to_owned())
}

async fn call(client: &Client, method: &str, path: &str, body: &str) -> (u16, String) {
    outcome(&send(client, HOST, method, path, body).await)
}

async fn read(client: &Client, path: &str) -> Value {
    serde_json::from_str(send(client, HOST, "GET", path, "").await.body()).unwrap()
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn project(name: &str) -> String {
    json!({"projectName": name, "description": "flow logs"}).to_string()
}

/// Makes the project, the Logstore and the index.
async fn make(client: &Client) {
    assert_eq!(call(client, "POST", "/", &project("flowlog-a")).await, ok());
    assert_eq!(call(client, "POST", "/logstores", LOG_STORE).await, ok());
    assert_eq!(call(client, "POST", "/logstores/vpc/index", INDEX).await, ok());
}

#[tokio::test]
async fn a_project_a_logstore_and_an_index_are_made_read_and_changed() {
    let cloud = cloud().await;
    let client = cloud.client();
    assert_eq!(call(&client, "GET", "/", "").await, refused(404, "ProjectNotExist"));
    assert_eq!(call(&client, "POST", "/logstores", LOG_STORE).await, refused(404, "ProjectNotExist"));
    assert_eq!(call(&client, "POST", "/", &project("flowlog-a")).await, ok());
    assert_eq!(call(&client, "GET", "/logstores/vpc", "").await, refused(404, "LogStoreNotExist"));
    assert_eq!(call(&client, "POST", "/logstores", LOG_STORE).await, ok());
    assert_eq!(call(&client, "GET", "/logstores/vpc/index", "").await, refused(404, "IndexConfigNotExist"));
    assert_eq!(call(&client, "PUT", "/logstores/vpc/index", INDEX).await, refused(404, "IndexConfigNotExist"));
    assert_eq!(call(&client, "POST", "/logstores/vpc/index", INDEX).await, ok());

    let project_read = read(&client, "/").await;
    assert_eq!((&project_read["projectName"], &project_read["owner"]), (&json!("flowlog-a"), &json!(OWN_ACCOUNT)));
    assert_eq!((&project_read["region"], &project_read["description"]), (&json!("cn-hangzhou"), &json!("flow logs")));
    assert_eq!(read(&client, "/logstores/vpc/index").await["keys"]["bytes"]["type"], "long");

    let longer = LOG_STORE.replace("\"ttl\": 30", "\"ttl\": 180");
    assert_eq!(call(&client, "PUT", "/logstores/vpc", &longer).await, ok());
    let log_store = read(&client, "/logstores/vpc").await;
    assert_eq!((&log_store["ttl"], &log_store["autoSplit"]), (&json!(180), &json!(true)));
    assert_eq!(read(&client, "/logstores/vpc/index").await["keys"]["bytes"]["type"], "long", "the index stays");
    let shorter = r#"{"logstoreName": "vpc", "ttl": 180}"#;
    assert_eq!(call(&client, "PUT", "/logstores/vpc", shorter).await, ok());
    assert_eq!(read(&client, "/logstores/vpc").await["autoSplit"], false, "what is left out may be lost");
    let other = INDEX.replace("bytes", "packets");
    assert_eq!(call(&client, "PUT", "/logstores/vpc/index", &other).await, ok());
    assert!(read(&client, "/logstores/vpc/index").await["keys"].get("bytes").is_none());

    for (path, body, code) in [
        ("/", project("flowlog-a"), "ProjectAlreadyExist"),
        ("/logstores", LOG_STORE.to_owned(), "LogStoreAlreadyExist"),
        ("/logstores/vpc/index", INDEX.to_owned(), "IndexAlreadyExist"),
    ] {
        assert_eq!(call(&client, "POST", path, &body).await, refused(400, code));
    }
    let [made] = cloud.log_projects().try_into().unwrap();
    assert_eq!((made.log_stores["vpc"].retention_days, made.log_stores["vpc"].index.is_some()), (180, true));
    let call = cloud.calls_of("UpdateLogStore").remove(0);
    assert_eq!((call.parameters["project"].as_str(), call.parameters["ttl"].as_str()), ("flowlog-a", "180"));
    assert_eq!(call.signed_with.as_deref(), Some("SLS4-HMAC-SHA256"));
}

#[tokio::test]
async fn a_project_can_be_made_at_the_host_of_the_region() {
    let cloud = cloud().await;
    let client = cloud.client();
    let at = async |host, name| outcome(&send(&client, host, "POST", "/", &project(name)).await);
    assert_eq!(at("cn-beijing.log.aliyuncs.com", "flowlog-b").await, ok());
    assert_eq!(cloud.log_projects()[0].place.region, "cn-beijing");
    assert_eq!(at(HOST, "flowlog-c").await, refused(400, "ParameterInvalid"), "the host names another");
}

#[tokio::test]
async fn a_name_is_unique_over_all_accounts_and_regions() {
    let cloud = cloud().await;
    let (own, other) = (cloud.client(), cloud.client_of(SECOND_ACCOUNT));
    make(&other).await;
    let taken = send(&own, HOST, "POST", "/", &project("flowlog-a")).await;
    assert_eq!(outcome(&taken), refused(400, "ProjectAlreadyExist"));
    assert!(taken.body().contains("another account"), "{}", taken.body());
    let beijing = send(&other, "cn-beijing.log.aliyuncs.com", "POST", "/", &project("flowlog-a")).await;
    assert_eq!(outcome(&beijing), refused(400, "ProjectAlreadyExist"));
    assert_eq!(call(&own, "GET", "/", "").await, refused(401, "Unauthorized"), "it is there, and not to be read");
    let elsewhere = send(&other, "flowlog-a.cn-beijing.log.aliyuncs.com", "GET", "/", "").await;
    assert_eq!(outcome(&elsewhere), refused(404, "ProjectNotExist"));
}

#[tokio::test]
async fn an_account_has_a_quota_of_projects_in_a_region() {
    let cloud = LocalCloud::start(Options { project_quota: 1, ..Options::default() }).await.unwrap();
    let make = async |client: &Client, region: &str, name: &str| {
        outcome(&send(client, &format!("{region}.log.aliyuncs.com"), "POST", "/", &project(name)).await)
    };
    assert_eq!(make(&cloud.client(), "cn-hangzhou", "flowlog-a").await, ok());
    assert_eq!(make(&cloud.client(), "cn-hangzhou", "flowlog-b").await, refused(400, "ProjectQuotaExceed"));
    assert_eq!(make(&cloud.client(), "cn-beijing", "flowlog-b").await, ok());
    assert_eq!(make(&cloud.client_of(SECOND_ACCOUNT), "cn-hangzhou", "flowlog-c").await, ok());
}

#[tokio::test]
async fn each_flaw_of_a_request_has_its_own_code() {
    let cloud = cloud().await;
    let client = cloud.client();
    make(&client).await;
    for (method, path, body, status, code) in [
        ("POST", "/", "no JSON", 400, "PostBodyInvalid"),
        ("POST", "/", r#"{"projectName": 1}"#, 400, "ParameterInvalid"),
        ("POST", "/", r#"{"projectName": "Flow_Log"}"#, 400, "ParameterInvalid"),
        ("POST", "/logstores", r#"{"logstoreName": "eni", "ttl": 30}"#, 400, "LogStoreInfoInvalid"),
        ("POST", "/logstores", r#"{"logstoreName": "eni", "ttl": 3651, "shardCount": 2}"#, 400, "ParameterInvalid"),
        ("PUT", "/logstores/vpc", r#"{"ttl": 30, "shardCount": 3}"#, 400, "LogStoreInfoInvalid"),
        ("PUT", "/logstores/vpc", r#"{"logstoreName": "eni", "ttl": 30}"#, 400, "ParameterInvalid"),
        ("PUT", "/logstores/vpc/index", r#"{"keys": {"a": {"type": "text"}}}"#, 400, "IndexInfoInvalid"),
        ("DELETE", "/logstores/vpc", "", 405, "InvalidMethod"),
        ("GET", "/machinegroups", "", 405, "InvalidMethod"),
    ] {
        assert_eq!(call(&client, method, path, body).await, refused(status, code), "{method} {path} {body}");
    }
    let path_style = send(&client, "127.0.0.1", "GET", "/", "").await;
    assert_eq!(outcome(&path_style), refused(400, "InvalidHost"));
}

#[tokio::test]
async fn a_request_is_signed_as_it_is_sent() {
    let cloud = cloud().await;
    let client = cloud.client();
    make(&client).await;
    let request = RestRequest { method: "PUT", path: "/logstores/vpc", query: &[], headers: &[], body: LOG_STORE };
    let sent = async |changed| outcome(&local_cloud::exchange(&cloud.endpoint(), changed).await.unwrap());
    for (name, value, status, code) in [
        ("host", "flowlog-b.cn-hangzhou.log.aliyuncs.com", 401, "SignatureNotMatch"),
        ("host", "flowlog-a.cn-beijing.log.aliyuncs.com", 401, "SignatureNotMatch"),
        ("x-log-content-sha256", "0000", 401, "SignatureNotMatch"),
        ("x-log-date", "20160223T124624Z", 400, "RequestTimeExpired"),
        ("x-log-date", "2016-02-23T12:46:24Z", 400, "InvalidRequestTime"),
        ("x-log-bodyrawsize", "1", 400, "ParameterInvalid"),
        ("x-log-apiversion", "0.5.0", 400, "ParameterInvalid"),
        ("x-acs-security-token", "made-up", 401, "Unauthorized"),
        ("content-type", "text/plain", 400, "InvalidContentType"),
        ("content-type", "application/json; charset=utf-8", 401, "SignatureNotMatch"),
        ("authorization", "LOG test:Rwm6cTKzoti4HWoe+GKcb6Kv07E=", 400, "ParameterInvalid"),
        ("authorization", "SLS4-HMAC-SHA256 Credential=test", 400, "ParameterInvalid"),
        ("user-agent", "not signed", 200, ""),
    ] {
        let mut changed = client.log_service_request(HOST, &request).unwrap();
        changed.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(sent(changed).await, refused(status, code), "{name}: {value}");
    }
    for credentials in [
        Credentials { access_key_id: "nobody".into(), ..Credentials::own() },
        Credentials { security_token: Some("made-up".into()), ..Credentials::own() },
    ] {
        let stranger = Client::new(cloud.endpoint(), credentials);
        assert_eq!(call(&stranger, "GET", "/", "").await, refused(401, "Unauthorized"));
    }
    let guessed = Credentials { access_key_secret: "guessed".into(), ..Credentials::own() };
    let stranger = Client::new(cloud.endpoint(), guessed);
    assert_eq!(call(&stranger, "GET", "/", "").await, refused(401, "SignatureNotMatch"));
}

#[tokio::test]
async fn a_role_may_do_what_its_policies_allow_and_no_more() {
    let rights = "- {Effect: Allow, Action: ['log:CreateProject', 'log:GetProject'], \
                  Resource: 'acs:log:*:1000000000000001:project/flowlog-*'}\n              ";
    let anchor = "- {Effect: Deny, Action: 'vpc:DescribeVSwitches'";
    let template = TEMPLATE.replace(anchor, &format!("{rights}{anchor}"));
    let (cloud, _folder) = cloud_with_template(&template, "succeed", Options::default()).await.unwrap();
    let function = function_client(&cloud).await;
    assert_eq!(call(&function, "POST", "/", &project("flowlog-a")).await, ok());
    assert_eq!(call(&function, "GET", "/", "").await, ok());
    let other = send(&function, "cn-hangzhou.log.aliyuncs.com", "POST", "/", &project("others")).await;
    assert_eq!(outcome(&other), refused(401, "Unauthorized"));
    let denied = send(&function, HOST, "POST", "/logstores", LOG_STORE).await;
    assert_eq!(outcome(&denied), refused(401, "Unauthorized"));
    let resource = "acs:log:cn-hangzhou:1000000000000001:project/flowlog-a/logstore/vpc";
    let expected = format!("denied by sts or ram, action: log:CreateLogStore, resource: {resource}");
    assert!(denied.body().contains(&expected), "{}", denied.body());
}

#[tokio::test]
async fn calls_meet_faults_as_those_of_other_products_do() {
    let cloud = cloud().await;
    let client = cloud.client();
    for (fault, status, code) in [
        (Fault::Throttled, 403, "WriteQuotaExceed"),
        (Fault::Unavailable, 503, "ServerBusy"),
        (Fault::InternalError, 500, "InternalServerError"),
        (Fault::Refused, 401, "Unauthorized"),
        (Fault::Code("ProjectQuotaExceed"), 400, "ProjectQuotaExceed"),
    ] {
        cloud.fail("log:CreateProject", fault, 1);
        assert_eq!(call(&client, "POST", "/", &project("flowlog-a")).await, refused(status, code));
    }
    make(&client).await;
    for fault in [Fault::NotVisibleYet, Fault::Code("LogStoreNotExist")] {
        cloud.fail("GetLogStore", fault, 1);
        assert_eq!(call(&client, "GET", "/logstores/vpc", "").await.0, 404);
        assert_eq!(call(&client, "GET", "/logstores/vpc", "").await, ok());
    }
    cloud.fail("GetLogStore", Fault::StaleRead, 1);
    let longer = LOG_STORE.replace("30", "180");
    assert_eq!(call(&client, "PUT", "/logstores/vpc", &longer).await, ok());
    let read_twice =
        [read(&client, "/logstores/vpc").await["ttl"].clone(), read(&client, "/logstores/vpc").await["ttl"].clone()];
    assert_eq!(read_twice, [30, 180]);

    cloud.fail("CreateProject", Fault::AnswerLost, 1);
    let body = project("flowlog-b");
    let host = "flowlog-b.cn-hangzhou.log.aliyuncs.com";
    let request = RestRequest { method: "POST", path: "/", query: &[], headers: &[], body: &body };
    assert!(client.log_service(host, &request).await.is_err());
    assert_eq!(outcome(&send(&client, host, "POST", "/", &body).await), refused(400, "ProjectAlreadyExist"));
}

/// Starts a cloud in which flow logs deliver only to Logstores that were made.
async fn cloud_that_checks(seen_after: Duration) -> (LocalCloud, Clock) {
    let clock = Clock::manual(Timestamp::now());
    let options = Options {
        check_destinations: true,
        destinations_seen_after: seen_after,
        clock: clock.clone(),
        ..Options::default()
    };
    (LocalCloud::start(options).await.unwrap(), clock)
}

const DESTINATION: [(&str, &str); 3] = [("ProjectName", "flowlog-a"), ("LogStoreName", "vpc"), ("TrafficType", "All")];

#[tokio::test]
async fn a_flow_log_needs_its_destination_where_destinations_are_checked() {
    let (cloud, _clock) = cloud_that_checks(Duration::ZERO).await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let create = async || support::code(cloud.create_flow_log("VPC", &vpc, &DESTINATION).await);
    assert_eq!(create().await, "ProjectOrLogstoreNotExist");
    assert_eq!(call(&cloud.client(), "POST", "/", &project("flowlog-a")).await, ok());
    assert_eq!(create().await, "ProjectOrLogstoreNotExist", "it has no Logstore yet");
    assert_eq!(call(&cloud.client(), "POST", "/logstores", LOG_STORE).await, ok());
    assert_eq!(create().await, "");
    let unchecked = support::cloud().await;
    let other = unchecked.create_vpc(&[]).await.unwrap();
    unchecked.create_flow_log("VPC", &other, &DESTINATION).await.expect("every destination exists");
    unchecked.without_project(OWN_ACCOUNT, "cn-hangzhou", "flowlog-a");
    let third = unchecked.create_vpc(&[]).await.unwrap();
    let create_third = async || support::code(unchecked.create_flow_log("VPC", &third, &DESTINATION).await);
    assert_eq!(create_third().await, "ProjectOrLogstoreNotExist");
    make(&unchecked.client()).await;
    assert_eq!(create_third().await, "", "somebody made what was removed");
}

#[tokio::test]
async fn a_new_logstore_is_seen_after_a_moment_on_the_clouds_clock() {
    let (cloud, clock) = cloud_that_checks(Duration::from_secs(5)).await;
    let client = cloud.client().with_clock(clock.clone());
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(call(&client, "POST", "/", &project("flowlog-a")).await, ok());
    assert_eq!(call(&client, "GET", "/", "").await, refused(404, "ProjectNotExist"));
    assert_eq!(call(&client, "POST", "/", &project("flowlog-a")).await, refused(400, "ProjectAlreadyExist"));
    assert_eq!(call(&client, "POST", "/logstores", LOG_STORE).await, refused(404, "ProjectNotExist"));
    clock.advance(Duration::from_secs(5));
    assert_eq!(call(&client, "POST", "/logstores", LOG_STORE).await, ok());
    assert_eq!(call(&client, "POST", "/logstores/vpc/index", INDEX).await, refused(404, "LogStoreNotExist"));
    let create = async || support::code(cloud.create_flow_log("VPC", &vpc, &DESTINATION).await);
    assert_eq!(create().await, "ProjectOrLogstoreNotExist");
    clock.advance(Duration::from_secs(5));
    assert_eq!((create().await.as_str(), call(&client, "POST", "/logstores/vpc/index", INDEX).await), ("", ok()));
}

#[tokio::test]
async fn the_logstores_of_the_template_exist() {
    let log_stores = r#"
  Logs: {Type: 'ALIYUN::SLS::Project', Properties: {Name: flowlog-a}}
  Store: {Type: 'ALIYUN::SLS::Logstore', Properties: {ProjectName: flowlog-a, LogstoreName: vpc, TTL: 90}}
  Index:
    Type: ALIYUN::SLS::Index
    Properties:
      ProjectName: flowlog-a
      LogstoreName: vpc
      KeyIndices: [{Name: bytes, Type: long, EnableAnalytics: true}]
"#;
    let (cloud, _folder) =
        cloud_with_template(&format!("{TEMPLATE}{log_stores}"), "succeed", Options::default()).await.unwrap();
    assert_eq!(read(&cloud.client(), "/logstores/vpc").await["ttl"], 90);
    assert_eq!(read(&cloud.client(), "/logstores/vpc/index").await["keys"]["bytes"]["doc_value"], true);
}

const FULL_INDEX: &str = r#"{"keys": {"vpc-id": {"type": "text", "token": [","]}, "log-status": {"type": "text", "token": [","]},
    "end": {"type": "long", "doc_value": true}}}"#;
const COUNT: &str = "* | select \"vpc-id\" as vpc, \"log-status\" as status, count(*) as n, max(\"end\") as last \
                     group by vpc, status order by vpc limit 10";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + second).unwrap()
}

fn of_vpc(vpc: &str, log_status: &str, second: i64) -> LogRecord {
    LogRecord::of_flow_log(vpc, "vsw-1", "eni-1", log_status, at(second))
}

/// Starts a cloud with a Logstore that has records of two VPCs.
async fn with_records() -> (LocalCloud, Client) {
    let cloud = cloud().await;
    let client = cloud.client();
    assert_eq!(call(&client, "POST", "/", &project("flowlog-a")).await, ok());
    assert_eq!(call(&client, "POST", "/logstores", LOG_STORE).await, ok());
    assert_eq!(call(&client, "POST", "/logstores/vpc/index", FULL_INDEX).await, ok());
    let records = [of_vpc("vpc-1", "OK", 10), of_vpc("vpc-1", "OK", 20), of_vpc("vpc-2", "NODATA", 30)];
    cloud.write_records("flowlog-a", "vpc", records);
    (cloud, client)
}

fn question(query: &str) -> String {
    json!({"from": at(0).as_second(), "to": at(30).as_second(), "query": query}).to_string()
}

async fn rows(client: &Client, query: &str) -> Value {
    let answer = send(client, HOST, "POST", "/logstores/vpc/logs", &question(query)).await;
    serde_json::from_str(answer.body()).unwrap()
}

async fn histogram(client: &Client, query: &str) -> Response<String> {
    let (from, to) = (at(0).as_second().to_string(), at(40).as_second().to_string());
    let query = [("type", "histogram"), ("from", &from), ("to", &to), ("query", query)];
    let request = RestRequest { method: "GET", path: "/logstores/vpc", query: &query, headers: &[], body: "" };
    client.log_service(HOST, &request).await.unwrap()
}

#[tokio::test]
async fn records_are_counted_by_sql_from_the_first_second_to_before_the_last() {
    let (_cloud, client) = with_records().await;
    let found = rows(&client, COUNT).await;
    assert_eq!((&found["meta"]["progress"], &found["meta"]["hasSQL"]), (&json!("Complete"), &json!(true)));
    let last = at(20).as_second().to_string();
    assert_eq!(found["data"], json!([{"vpc": "vpc-1", "status": "OK", "n": "2", "last": last}]));
    let hours = rows(&client, "* | select __time__ - __time__ % 3600 as hour, count(*) as n group by hour").await;
    assert_eq!(hours["data"], json!([{"hour": "1764000000", "n": "2"}]));
    assert_eq!(rows(&client, "log-status: OK").await["data"].as_array().unwrap().len(), 2);
    for query in ["* | select \"eni-id\" as eni", "* | drop table log", "* | select"] {
        let refusal = call(&client, "POST", "/logstores/vpc/logs", &question(query)).await;
        assert_eq!(refusal, refused(400, "ParameterInvalid"), "{query}");
    }
}

#[tokio::test]
async fn a_histogram_counts_without_sql() {
    let (cloud, client) = with_records().await;
    cloud.edit_log_store("flowlog-a", "vpc", |log_store| log_store.mode = "query".to_owned());
    let refusal = call(&client, "POST", "/logstores/vpc/logs", &question(COUNT)).await;
    assert_eq!(refusal, refused(400, "ParameterInvalid"), "the mode query has no SQL");
    let parts: Vec<Value> = serde_json::from_str(histogram(&client, "\"vpc-id\": \"vpc-1\"").await.body()).unwrap();
    assert_eq!(parts.iter().map(|part| part["count"].as_u64().unwrap()).sum::<u64>(), 2);
    assert!(parts.len() <= 60 && parts.iter().all(|part| part["progress"] == "Complete"));
    assert_eq!(outcome(&histogram(&client, COUNT).await), refused(400, "ParameterInvalid"));
}

#[tokio::test]
async fn counts_are_partial_as_often_as_a_test_says() {
    let (cloud, client) = with_records().await;
    cloud.fail("GetLogsV2", Fault::PartialCounts, 2);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(rows(&client, COUNT).await["meta"]["progress"].clone());
    }
    assert_eq!(seen, ["Incomplete", "Incomplete", "Complete"]);
}

#[tokio::test]
async fn records_are_not_counted_without_an_index_or_a_right() {
    let (cloud, client) = with_records().await;
    cloud.edit_log_store("flowlog-a", "vpc", |log_store| log_store.index = None);
    let without_index = call(&client, "POST", "/logstores/vpc/logs", &question(COUNT)).await;
    assert_eq!(without_index, refused(404, "IndexConfigNotExist"));
    let rights = "- {Effect: Allow, Action: ['log:GetLogStoreLogs', 'log:CreateProject', 'log:CreateLogStore', \
                  'log:CreateIndex'], Resource: '*'}\n              ";
    let anchor = "- {Effect: Deny, Action: 'vpc:DescribeVSwitches'";
    let template = TEMPLATE.replace(anchor, &format!("{rights}{anchor}"));
    let (other, _folder) = cloud_with_template(&template, "succeed", Options::default()).await.unwrap();
    let function = function_client(&other).await;
    make(&function).await;
    assert_eq!(call(&function, "POST", "/logstores/vpc/logs", &question("* | select count(*) as n")).await, ok());
    assert_eq!(outcome(&histogram(&function, "*").await), ok());
    let denied = send(&function, HOST, "GET", "/logstores/vpc/meteringmode", "").await;
    assert_eq!(outcome(&denied), refused(401, "Unauthorized"));
    assert!(denied.body().contains("log:GetLogStoreMeteringMode, resource: *"), "{}", denied.body());
}

#[tokio::test]
async fn a_logstore_has_a_metering_mode_and_a_metric_of_its_bytes() {
    let (cloud, client) = with_records().await;
    assert_eq!(read(&client, "/logstores/vpc/meteringmode").await, json!({"meteringMode": "ChargeByFunction"}));
    cloud.edit_log_store("flowlog-a", "vpc", |store| store.metering_mode = "ChargeByDataIngest".to_owned());
    assert_eq!(read(&client, "/logstores/vpc/meteringmode").await["meteringMode"], "ChargeByDataIngest");
    let metric = |of: &'static str| {
        let dimensions = json!([{"project": "flowlog-a", "logstore": of}]).to_string();
        let cloud = &cloud;
        async move {
            let parameters =
                [("Namespace", "acs_sls_dashboard"), ("MetricName", "LogInflow"), ("Dimensions", dimensions.as_str())];
            let answer = cloud.call("DescribeMetricList", &parameters).await.unwrap();
            serde_json::from_str::<Value>(answer["Datapoints"].as_str().unwrap()).unwrap()
        }
    };
    let points = metric("vpc").await;
    assert_eq!((points.as_array().unwrap().len(), &points[0]["timestamp"]), (1, &json!(at(0).as_millisecond())));
    assert!(points[0]["Value"].as_u64().unwrap() > 300);
    assert_eq!(metric("other").await, json!([]));
}

#[tokio::test]
async fn a_bill_has_the_lines_of_its_account_and_month() {
    let cloud = cloud().await;
    let line = json!({"InstanceID": "fl-1", "ProductCode": "vpc", "PretaxAmount": "0.85", "Currency": "USD"});
    cloud.add_to_bill(OWN_ACCOUNT, "2026-10", line.clone());
    let bill = async |cycle: &str| {
        cloud.call("DescribeInstanceBill", &[("BillingCycle", cycle)]).await.unwrap()["Data"].clone()
    };
    assert_eq!(bill("2026-10").await["Items"], json!([line]));
    assert_eq!(
        (bill("2026-11").await["Items"].clone(), bill("2026-11").await["TotalCount"].clone()),
        (json!([]), json!(0))
    );
}
