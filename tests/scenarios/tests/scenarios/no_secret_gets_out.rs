use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::join_all;
use local_cloud::{
    CredentialsIn, EntryKind, Fault, LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE,
};
use scenarios::{
    ACTIVATE, CREATE_ECR, CREATE_FLOW_LOG, DEACTIVATE, DELETE_ORPHANED, OPEN_SERVICE, REMEDIATE, TIMER, cloud,
    forwarded, process, results, variable, vpc_created, whole_cloud,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// The cloud's temporary keys carry marks, which must never be seen.
#[tokio::test]
async fn no_secret_is_in_a_log_line_or_an_answer_under_any_fault() {
    for credentials in [CredentialsIn::Headers, CredentialsIn::Environment] {
        let environment = [("FLOWKEEPER_LOG".to_owned(), "trace".to_owned())].into();
        let cloud = cloud(Options { credentials, environment, ..Options::default() }).await.unwrap();
        for fault in [Fault::Refused, Fault::Throttled, Fault::InternalError, Fault::Reset, Fault::AnswerLost] {
            cloud.fail("DescribeFlowLogs", fault, 1);
            cloud.create_vpc(&[]).await.unwrap();
            cloud.settled().await.unwrap();
        }
        cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
        cloud.invoke(CREATE_FLOW_LOG, vpc_created("vpc-0").to_string().replace("vpc-0", "x").as_bytes()).await.unwrap();

        assert_no_secret_is_seen(&cloud);
    }
}

/// Covers the keys of the functions' own roles, and those that they get by `AssumeRole` in the second account.
#[tokio::test]
async fn no_function_shows_its_credentials_or_those_of_an_assumed_role() {
    let policy = format!(
        "flow_log: {{project: flowlog, log_store: vpc}}\n\
         regions: [cn-hangzhou, cn-shanghai]\n\
         accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n\
         ecr_flow_log: {{project: ecr-flowlog, log_store: ecr}}\n"
    );
    for (credentials, signature) in
        [(CredentialsIn::Headers, "acs3-hmac-sha256"), (CredentialsIn::Environment, "hmac-sha1")]
    {
        let settings = [("FLOWKEEPER_LOG", "trace"), ("FLOWKEEPER_SIGNATURE", signature)];
        let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let forwarded = forwarded(&[(SECOND_ACCOUNT, "cn-hangzhou")]);
        let policy = Some(policy.clone());
        let options = Options { credentials, environment, policy, forwarded, ..Options::default() };
        let cloud = whole_cloud(options).await.unwrap();
        for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
            let there = cloud.operator(account, "cn-hangzhou");
            there.create_vpc(&[("flowkeeper", "off")]).await.unwrap();
            there.create_router(&[&format!("vbr-{account}")]).await.unwrap();
        }
        let faults = [
            ("*", Fault::Refused),
            ("*", Fault::TokenExpired),
            ("*", Fault::Code("SignatureDoesNotMatch")),
            ("*", Fault::FailureIn200),
            ("AssumeRole", Fault::Refused),
            ("DescribeVpcs", Fault::AnswerLost),
            ("DescribeFlowLogs", Fault::Throttled),
        ];
        for function in [ACTIVATE, DEACTIVATE, REMEDIATE, DELETE_ORPHANED, CREATE_ECR, CREATE_FLOW_LOG, OPEN_SERVICE] {
            cloud.invoke(function, b"no event").await.unwrap();
            for (action, fault) in faults {
                cloud.fail(action, fault, 2);
                let event: &[u8] = match function {
                    OPEN_SERVICE => br#"{"accept_terms": true}"#,
                    _ => TIMER,
                };
                cloud.invoke(function, event).await.unwrap();
                cloud.heal();
            }
            // With a skewed clock, not even the signature is accepted.
            cloud.set_clock_ahead(Duration::from_secs(3600));
            cloud.fail("*", Fault::Code("InvalidTimeStamp.Expired"), 3);
            cloud.invoke(function, TIMER).await.unwrap();
            cloud.heal();
        }
        cloud.settled().await.unwrap();
        assert!(!cloud.calls_of("AssumeRole").is_empty());
        assert_no_secret_is_seen(&cloud);
    }
}

/// An endpoint that echoes secrets, and everything it was sent, in every place of an answer.
#[derive(Clone, Default)]
struct Parrot(Arc<Mutex<(String, Vec<String>)>>);

impl Parrot {
    /// The answers it can give: each `{}` is replaced by a secret. It does not answer until one of them is selected.
    const WAYS: [&str; 13] = [
        r#"400 {"RequestId":"{}","Code":"{}","Message":"{}","HostId":"{}"}"#,
        r#"403 {"RequestId":"1","Code":"NoPermission","Message":"{}","AccessDeniedDetail":{"AuthAction":"{}","AuthPrincipalDisplayName":"{}","AuthPrincipalType":"{}","AuthPrincipalOwnerId":"{}","NoPermissionType":"{}","PolicyType":"{}"}}"#,
        r#"400 {"RequestId":"1","Code":"SignatureDoesNotMatch","Message":"server string to sign is:{}"}"#,
        "400 <Error><RequestId>{}</RequestId><Code>{}</Code><Message>{}</Message></Error>",
        "400 <html>{}</html>",
        "400 {}",
        r#"403 {"RequestId":"{}"}"#,
        "200 {}",
        r#"200 {"RequestId":"{}","Code":"{}","Success":false,"Message":"{}","DynamicCode":"{}","DynamicMessage":"{}"}"#,
        r#"200 {"RequestId":"{}","TotalCount":1,"Vpcs":{"Vpc":[{"VpcId":"{}","OwnerId":"{}"}]},"FlowLogs":{"FlowLog":[{"FlowLogId":"{}","ResourceId":"{}"}]}}"#,
        r#"200 {"RequestId":"{}","Vpcs":"{}","FlowLogs":"{}","Enabled":"{}"}"#,
        r#"503 {"RequestId":"{}","Code":"ServiceUnavailable","Message":"{}"}"#,
        "302 {}",
    ];

    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let parrot = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(parrot.clone().answer(BufReader::new(stream)));
            }
        });
        address
    }

    async fn answer(self, mut stream: BufReader<TcpStream>) -> std::io::Result<()> {
        loop {
            let (mut heard, mut length) = (String::new(), 0);
            while stream.read_line(&mut heard).await? > 2 {
                let line = heard.lines().last().unwrap_or_default().to_ascii_lowercase();
                length = line.strip_prefix("content-length: ").map_or(length, |length| length.parse().unwrap());
            }
            if heard.is_empty() {
                return Ok(());
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            let (way, secrets) = self.0.lock().unwrap().clone();
            let Some((status, said)) = way.split_once(' ') else { std::future::pending().await };
            let mut all = secrets.join(" ");
            all.push_str(&String::from_utf8_lossy(&body));
            all.push_str(&heard.replace(['\r', '\n', '"', '<'], " "));
            // A place holds either one secret, or all of them.
            let mut said = said.to_owned();
            for alone in secrets.iter().chain([&all]).cycle().take(20) {
                said = said.replacen("{}", alone, 1);
            }
            let (size, secret) = (said.len(), &secrets[0]);
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {size}\r\nlocation: /{secret}\r\n\r\n{said}");
            stream.write_all(head.as_bytes()).await?;
        }
    }
}

/// A cloud whose functions call the parrot instead, which knows the keys of `function` and no others.
async fn beside_a_parrot(function: &str, credentials: CredentialsIn, signature: &str) -> (LocalCloud, Parrot, String) {
    let parrot = Parrot::default();
    let endpoint = format!("http://{}", parrot.start().await);
    let settings =
        [("FLOWKEEPER_LOG", "trace"), ("FLOWKEEPER_SIGNATURE", signature), ("FLOWKEEPER_ENDPOINT", &endpoint)];
    let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let cloud = cloud(Options { credentials, environment, ..Options::default() }).await.unwrap();
    // The function gets its keys when it starts.
    cloud.invoke(function, b"no event").await.unwrap();
    parrot.0.lock().unwrap().1 = cloud.function_secrets();
    (cloud, parrot, endpoint)
}

/// Covers each error that an answer can cause.
#[tokio::test]
async fn secrets_in_an_api_answer_are_not_repeated() {
    let creation = vpc_created("vpc-1").to_string();
    let mut all = Vec::new();
    for (function, event) in [(CREATE_FLOW_LOG, creation.as_bytes()), (REMEDIATE, TIMER), (OPEN_SERVICE, b"{}")] {
        for (credentials, signature) in
            [(CredentialsIn::Headers, "hmac-sha1"), (CredentialsIn::Environment, "acs3-hmac-sha256")]
        {
            // Concurrently, because calls to a service that is down are retried for a while.
            all.push(nothing_is_repeated(function, event, credentials, signature));
        }
    }
    join_all(all).await;
}

async fn nothing_is_repeated(function: &str, event: &[u8], credentials: CredentialsIn, signature: &str) {
    let (cloud, parrot, _) = beside_a_parrot(function, credentials, signature).await;
    let mut codes = BTreeSet::new();
    for way in Parrot::WAYS {
        way.clone_into(&mut parrot.0.lock().unwrap().0);
        let invocation = cloud.invoke(function, event).await.unwrap();
        assert!(!invocation.success, "{way}: {:#}", invocation.body);
        let errors = results(&invocation).into_iter().map(|result| result["error"]["code"].clone());
        codes.extend(errors.filter_map(|code| code.as_str().map(str::to_owned)));
    }
    for code in ["UnreadableCode", "NoPermission", "SignatureDoesNotMatch", "Unreadable", "ServiceUnavailable"] {
        assert!(codes.contains(code), "{code} is not among {codes:?}");
    }
    assert_no_secret_is_seen(&cloud);
}

/// Covers each failure of the runtime, and the errors of a call without an answer.
#[tokio::test]
async fn secrets_in_an_invocation_are_not_repeated() {
    for credentials in [CredentialsIn::Headers, CredentialsIn::Environment] {
        let (cloud, _, endpoint) = beside_a_parrot(CREATE_FLOW_LOG, credentials, "hmac-sha1").await;
        let port = variable(&process("FLOWKEEPER_ENDPOINT", &endpoint), "FC_SERVER_PORT").unwrap();
        let secret = &cloud.function_secrets()[0];
        let keys = ["id", "secret"].map(|part| format!("x-fc-access-key-{part}: {secret}\r\n")).concat();
        let event = vpc_created("vpc-1").to_string();
        let length = event.len();
        let of_event = format!("content-length: {length}\r\n\r\n{event}");
        for (request, failure) in [
            (
                format!(
                    "POST /invoke HTTP/1.1\r\n{keys}x-fc-security-token: {secret}\r\nx-fc-function-timeout: 3\r\n{of_event}"
                ),
                "\"code\":",
            ),
            (format!("GET /invoke?{secret} HTTP/1.1\r\n{keys}\r\n"), "\"version\":"),
            (format!("GET /{secret} HTTP/1.1\r\n{keys}\r\n"), "\"version\":"),
            (format!("PUT /invoke?{secret} HTTP/1.1\r\n{keys}\r\n"), "WrongMethod"),
            (format!("POST /{secret} HTTP/1.1\r\n{keys}\r\n"), "NoHttpInterface"),
            (format!("POST / HTTP/1.1\r\nx-fc-control-path: /{secret}\r\n{keys}\r\n"), "UnknownControlPath"),
            (format!("POST /invoke HTTP/1.1\r\n{keys}content-length: 99999999999\r\n\r\n{secret}"), "EventTooLarge"),
            (format!("POST /invoke HTTP/1.1\r\n{keys}transfer-encoding: chunked\r\n\r\n{secret}\r\n"), ""),
            (format!("POST /invoke HTTP/1.1\r\n{keys}content-length: 9999\r\n\r\n{secret}"), ""),
            (format!("POST /invoke HTTP/1.1\r\n{keys}content-length: 2\r\n\r\n[]{secret}\r\n\r\n"), "UnknownEvent"),
            (
                format!("POST /invoke HTTP/1.1\r\ncontent-length: {}\r\n\r\n{{\"{secret}\"}}", secret.len() + 4),
                "UnknownEvent",
            ),
        ] {
            let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            // If the server closes a connection with unread input, the answer may be lost.
            let _ = stream.read_to_string(&mut answer).await;
            assert!(!answer.contains(secret.as_str()), "{answer}");
            assert!(answer.contains(failure), "{failure}: {answer}");
        }
        assert_no_secret_is_seen(&cloud);
    }
}

/// Asserts that no secret is in a log line, an answer or a dead letter.
fn assert_no_secret_is_seen(cloud: &LocalCloud) {
    let secrets = cloud.function_secrets();
    assert!(!secrets.is_empty());
    for entry in cloud.journal() {
        let seen = match entry.what {
            EntryKind::Line { text, .. } => text,
            EntryKind::Invocation(invocation) => format!("{}{}", invocation.body, invocation.lines.join("\n")),
            EntryKind::DeadLetter(letter) => letter.payload.to_string(),
            _ => continue,
        };
        for secret in &secrets {
            assert!(!seen.contains(secret.as_str()), "a secret is in: {seen}");
        }
    }
}
