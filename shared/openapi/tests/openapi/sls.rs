//! What flow logs are delivered to.

use flow_log::names::{LogStoreName, ProjectName};
use openapi::{CallError, Destination, ErrorKind, LogIndex, LogStore, Project, Remedy, Session, SignatureMethod};
use serde_json::{Value, json};

use crate::support::{Reply, SECRET, Seen, Server, TOKEN, TestMachine, credentials, ok, session};

/// The host of the project, which every request names, whatever it is connected to.
const HOST: &str = "flowlog-1.cn-hangzhou.log.aliyuncs.com";

fn project() -> ProjectName {
    "flowlog-1".parse().unwrap()
}

fn log_store() -> LogStoreName {
    "vpc_logs".parse().unwrap()
}

/// A response without a body, as Simple Log Service gives it.
fn nothing(status: u16) -> Reply {
    Reply::Answer(status, vec![("x-log-requestid", "5F-sls".to_owned())], String::new())
}

fn refused(status: u16, code: &str) -> Reply {
    let body = json!({"errorCode": code, "errorMessage": "Because."}).to_string();
    Reply::Answer(status, vec![("x-log-requestid", "5F-sls".to_owned())], body)
}

/// Signs the received request again, from what was received alone.
fn signature_of(seen: &Seen) -> String {
    let request = signing::sls::Request {
        method: &seen.method,
        host: &seen.headers["host"],
        region: "cn-hangzhou",
        path: &seen.path,
        query: &[],
        body: seen.body.as_bytes(),
    };
    let date = &seen.headers["x-log-date"];
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    let signed = signing::sls::signed(&request, &credentials(), time);
    signed.headers.into_iter().find(|(name, _)| *name == "authorization").unwrap().1
}

/// Makes every write, in the order in which a missing destination is made.
async fn make(session: &Session<'_>) -> Result<(), CallError> {
    let (project, log_store) = (project(), log_store());
    let to = Destination { project: &project, log_store: &log_store };
    session.writes().create_project(&project).await?;
    session.writes().create_log_store(to, 180).await?;
    session.writes().create_index(to).await
}

#[tokio::test]
async fn a_destination_is_made_at_the_host_of_its_project_whatever_the_signature() {
    for signature in [SignatureMethod::HmacSha1, SignatureMethod::Acs3HmacSha256] {
        let server = Server::answering(|_| nothing(200)).await;
        let client = server.client_with(&TestMachine::new(), signature);
        make(&session(&client)).await.unwrap();
        let seen = server.seen();
        let sent: Vec<_> = seen.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
        assert_eq!(sent, ["POST /", "POST /logstores", "POST /logstores/vpc_logs/index"]);
        for call in &seen {
            for (name, value) in [
                ("host", HOST),
                ("content-type", "application/json"),
                ("x-log-apiversion", "0.6.0"),
                ("x-log-bodyrawsize", &call.body.len().to_string()),
                ("x-acs-security-token", TOKEN),
            ] {
                assert_eq!(call.headers.get(name).map(String::as_str), Some(value), "{name}");
            }
            assert!(call.query.is_empty() && !call.headers.contains_key("x-acs-action"));
            assert_eq!(call.headers["authorization"], signature_of(call));
        }
        let bodies: Vec<Value> = seen.iter().map(|call| serde_json::from_str(&call.body).unwrap()).collect();
        assert_eq!(bodies[0], json!({"projectName": "flowlog-1", "description": "Flow logs, written by VPC"}));
        assert_eq!(
            bodies[1],
            json!({"logstoreName": "vpc_logs", "ttl": 180, "shardCount": 2, "autoSplit": true, "maxSplitShard": 64})
        );
        assert_eq!(bodies[2]["line"]["token"].as_array().unwrap().len(), 22);
    }
}

/// The fields of the index of the template, with their types.
fn fields_of_the_template() -> Vec<(String, String)> {
    let template = std::fs::read_to_string(format!("{}/../../template.yml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (_, index) = template.split_once("  FlowLogIndex:\n").unwrap();
    let (index, _) = index.split_once("\n\n").unwrap();
    let rows = index.lines().filter_map(|line| line.trim().strip_prefix("- {Name: "));
    rows.map(|row| {
        let (name, rest) = row.split_once(", Type: ").unwrap();
        let (is, rest) = rest.split_once(", ").unwrap();
        assert_eq!(rest, "EnableAnalytics: true}", "{name}");
        (name.to_owned(), is.to_owned())
    })
    .collect()
}

#[tokio::test]
async fn the_index_has_the_fields_that_the_template_gives_it() {
    let server = Server::answering(|_| nothing(200)).await;
    let client = server.client(&TestMachine::new());
    make(&session(&client)).await.unwrap();
    let index: Value = serde_json::from_str(&server.seen()[2].body).unwrap();
    let keys = index["keys"].as_object().unwrap();
    let expected = fields_of_the_template();
    assert_eq!((keys.len(), expected.len()), (20, 20));
    for (name, is) in expected {
        let key = &keys[&name];
        assert_eq!((key["type"].as_str(), &key["doc_value"]), (Some(is.as_str()), &json!(true)), "{name}");
        let words = ["token", "caseSensitive", "chn"].map(|part| key.get(part) == index["line"].get(part));
        assert_eq!(words, [is == "text"; 3], "{name}");
    }
    let delimiters: String =
        index["line"]["token"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(delimiters, ", '\";=()[]{}?@&<>/:\n\t\r");
}

#[tokio::test]
async fn a_retention_is_changed_and_the_other_settings_are_sent_as_they_were() {
    let settings = json!({
        "logstoreName": "vpc_logs", "ttl": 30, "shardCount": 4, "autoSplit": false, "maxSplitShard": 8,
        "enable_tracking": true, "appendMeta": true, "hot_ttl": 7, "mode": "standard", "telemetryType": null,
        "encrypt_conf": {"enable": true, "encrypt_type": "de\"fault"}, "createTime": 1, "lastModifyTime": 2,
    });
    let answer = settings.to_string();
    let server = Server::answering(move |seen| if seen.method == "GET" { ok(&answer) } else { nothing(200) }).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let (project, log_store) = (project(), log_store());
    let of = Destination { project: &project, log_store: &log_store };
    let observed = session.get_log_store(of).await.unwrap().unwrap();
    assert_eq!(observed.retention_days, 30);
    session.writes().update_log_store(of, &observed, 180).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].body.as_str()), ("GET", ""));
    assert!(!seen[0].headers.contains_key("content-type") && seen[0].headers["x-log-bodyrawsize"] == "0");
    for call in &seen {
        assert_eq!((call.path.as_str(), call.headers["host"].as_str()), ("/logstores/vpc_logs", HOST));
        assert_eq!(call.headers["authorization"], signature_of(call));
    }
    assert_eq!(seen[1].method, "PUT");
    let mut expected = settings;
    expected["ttl"] = json!(180);
    for name in ["createTime", "lastModifyTime", "telemetryType"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(serde_json::from_str::<Value>(&seen[1].body).unwrap(), expected);
}

type Found = (Option<Project>, Option<LogStore>, Option<LogIndex>);

/// Reads a destination whose parts are answered with these.
async fn read(replies: [Reply; 3]) -> Result<Found, CallError> {
    let server = Server::scripted(replies).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let (project, log_store) = (project(), log_store());
    let of = Destination { project: &project, log_store: &log_store };
    let found = (session.get_project(&project).await?, session.get_log_store(of).await?, session.get_index(of).await?);
    let sent: Vec<_> = server.seen().iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    assert_eq!(sent, ["GET /", "GET /logstores/vpc_logs", "GET /logstores/vpc_logs/index"]);
    Ok(found)
}

#[tokio::test]
async fn what_is_not_there_is_none_and_is_not_an_error() {
    let missing =
        [refused(404, "ProjectNotExist"), refused(404, "LogStoreNotExist"), refused(404, "IndexConfigNotExist")];
    assert_eq!(read(missing).await.unwrap(), (None, None, None));
    let without_project = [(); 3].map(|()| refused(404, "ProjectNotExist"));
    assert_eq!(read(without_project).await.unwrap(), (None, None, None));
}

#[tokio::test]
async fn what_is_there_is_read() {
    let there = [
        ok(json!({"projectName": "flowlog-1", "status": "Normal", "owner": "1000000000000001"})),
        ok(json!({"logstoreName": "vpc_logs", "ttl": 180})),
        ok(json!({"keys": {"vpc-id": {"type": "text"}, "bytes": {"type": "long", "doc_value": true}}, "ttl": 180})),
    ];
    let (project, log_store, index) = read(there).await.unwrap();
    let status = Some("Normal".to_owned());
    assert_eq!(project, Some(Project { name: "flowlog-1".to_owned(), status }));
    assert_eq!(log_store.unwrap().retention_days, 180);
    let fields = ["bytes", "vpc-id"].map(str::to_owned).into();
    assert_eq!(index, Some(LogIndex { fields, sums_bytes: true, has_full_text: false }));
}

#[tokio::test]
async fn bytes_are_added_up_only_by_an_index_that_has_them_as_a_whole_number_for_analysis() {
    for field in [
        json!({"type": "text", "doc_value": true}),
        json!({"type": "double", "doc_value": true}),
        json!({"type": "long", "doc_value": false}),
        json!({"type": "long"}),
        json!({}),
    ] {
        let there =
            [ok(json!({"projectName": "flowlog-1"})), ok(json!({"ttl": 180})), ok(json!({"keys": {"bytes": field}}))];
        let (_, _, index) = read(there).await.unwrap();
        assert!(!index.unwrap().sums_bytes, "{field}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_say_what_was_asked_is_unreadable_and_not_a_missing_destination() {
    let good =
        || [ok(json!({"projectName": "flowlog-1"})), ok(json!({"ttl": "180"})), ok(json!({"line": {"token": [","]}}))];
    let (_, _, index) = read(good()).await.unwrap();
    assert_eq!(index, Some(LogIndex { has_full_text: true, ..LogIndex::default() }));
    for (at, odd) in [
        (0, nothing(200)),
        (0, ok(json!({}))),
        (0, ok(json!([]))),
        (0, ok(json!({"projectName": "flowlog-2"}))),
        (0, nothing(404)),
        (0, Reply::Answer(404, vec![], "<html>".to_owned())),
        (1, ok(json!({"logstoreName": "vpc_logs"}))),
        (1, ok(json!({"logstoreName": "other", "ttl": 30, "encrypt_conf": {"enable": false}}))),
        (1, ok(json!({"ttl": -1}))),
        (1, ok(json!({"ttl": {"days": 1}}))),
        (2, ok(json!({}))),
        (2, ok(json!({"keys": ["vpc-id"]}))),
    ] {
        let mut replies = good();
        replies[at] = odd;
        let error = read(replies).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}: {}", error.cause);
    }
}

#[tokio::test]
async fn a_refusal_says_what_it_was_about_under_which_request_id_and_what_to_do() {
    for (status, code, kind, said) in [
        (403, "Unauthorized", ErrorKind::AccessDenied, "RAM role"),
        (400, "ProjectAlreadyExist", ErrorKind::AlreadyExists, "unique across all accounts and regions"),
        (400, "ProjectQuotaExceed", ErrorKind::QuotaExceeded, "quota"),
        (403, "ProjectForbidden", ErrorKind::Other, "bills"),
        (400, "ParameterInvalid", ErrorKind::Invalid, "message"),
        (401, "SignatureNotMatch", ErrorKind::Credentials, "secret"),
    ] {
        let server = Server::answering(move |_| refused(status, code)).await;
        let client = server.client(&TestMachine::new());
        let error = make(&session(&client)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
        assert_eq!(error.to_string(), "CreateProject of flowlog-1 (request 5F-sls)");
        assert!(error.advice().contains(said), "{code}: {}", error.advice());
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::scripted([nothing(200), refused(404, "ProjectNotExist")]).await;
    let client = server.client(&TestMachine::new());
    let error = make(&session(&client)).await.unwrap_err();
    assert_eq!(error.to_string(), "CreateLogStore of flowlog-1/vpc_logs (request 5F-sls)");
    assert_eq!(error.kind(), ErrorKind::DestinationMissing);
}

#[tokio::test]
async fn a_creation_of_unknown_outcome_is_followed_by_a_read_and_an_update_is_made_again() {
    for lost in [|| Reply::Lost, || refused(500, "InternalServerError"), || nothing(502)] {
        let server = Server::scripted([lost(), ok(json!({"ttl": 30})), lost(), nothing(200)]).await;
        let client = server.client(&TestMachine::new());
        let session = session(&client);
        let error = make(&session).await.unwrap_err();
        assert_eq!((error.remedy(), server.seen().len()), (Remedy::ReadAgain, 1), "{}", error.cause);
        let (project, log_store) = (project(), log_store());
        let of = Destination { project: &project, log_store: &log_store };
        let observed = session.get_log_store(of).await.unwrap().unwrap();
        session.writes().update_log_store(of, &observed, 180).await.unwrap();
        assert_eq!(server.seen().len(), 4);
    }
}

#[tokio::test]
async fn a_busy_service_and_a_wrong_clock_are_no_reason_to_give_up() {
    let late = || refused(400, "RequestTimeExpired").with_header("date", "Fri, 20 Nov 2026 12:00:00 GMT");
    let busy = || refused(403, "WriteQuotaExceed");
    let server = Server::scripted([late(), busy(), nothing(200), nothing(200), nothing(200)]).await;
    let client = server.client(&TestMachine::new());
    make(&session(&client)).await.unwrap();
    let dates: Vec<_> = server.seen().iter().map(|call| call.headers["x-log-date"][..11].to_owned()).collect();
    assert_eq!(dates[..2], ["20261120T10", "20261120T12"]);
}

#[tokio::test]
async fn a_retention_that_a_logstore_cannot_have_is_not_sent() {
    let server = Server::answering(|_| ok(json!({"ttl": 30}))).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let (project, log_store) = (project(), log_store());
    let of = Destination { project: &project, log_store: &log_store };
    let observed = session.get_log_store(of).await.unwrap().unwrap();
    for days in [0, 3651] {
        let created = session.writes().create_log_store(of, days).await.unwrap_err();
        let updated = session.writes().update_log_store(of, &observed, days).await.unwrap_err();
        assert_eq!([created, updated].map(|error| error.short_code().to_owned()), ["Invalid"; 2]);
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn no_error_of_log_service_says_what_was_signed_with() {
    let body = json!({"errorCode": "SignatureNotMatch", "errorMessage": format!("{TOKEN} and {SECRET} are bad")});
    let headers = vec![("x-log-requestid", TOKEN.to_owned())];
    let server = Server::answering(move |_| Reply::Answer(401, headers.clone(), body.to_string())).await;
    let client = server.client(&TestMachine::new());
    let error = make(&session(&client)).await.unwrap_err();
    let text = format!("{error} {error:?} {}", error.cause);
    assert!(![SECRET, TOKEN].iter().any(|secret| text.contains(secret)), "{text}");
}
