//! Functions: how they are invoked, and what happens when they fail.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use local_cloud::{Clock, CredentialsIn, EntryKind, Fault, LocalCloud, Options};
use serde_json::{Value, json};

use crate::support::{FUNCTION, TEMPLATE, cloud_with, cloud_with_template};

fn header(body: &Value, name: &str) -> String {
    body["headers"][name].as_str().unwrap_or("absent").to_owned()
}

#[tokio::test]
async fn an_event_reaches_the_function_as_fc_would_bring_it() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success);
    assert_eq!(invocation.event, cloud.events()[0]);
    assert_eq!(invocation.lines, [format!("stand-in got {}", invocation.request_id)]);
    let body = &invocation.body;
    assert_eq!(body["target"], "POST /invoke HTTP/1.1");
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("x-fc-request-id", invocation.request_id.as_str()),
        ("x-fc-control-path", "/invoke"),
        ("x-fc-function-name", FUNCTION),
        ("x-fc-function-handler", "bootstrap"),
        ("x-fc-function-memory", "128"),
        ("x-fc-function-timeout", "30"),
        ("x-fc-region", "cn-hangzhou"),
        ("x-fc-account-id", "1000000000000001"),
        ("x-fc-qualifier", "LATEST"),
        ("x-fc-retry-count", "0"),
        ("x-fc-access-key-id", ""),
        ("x-fc-access-key-secret", ""),
        ("x-fc-security-token", ""),
    ] {
        assert_eq!(header(body, name), value, "{name}");
    }
    let names: BTreeSet<&str> = body["environment"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
        "FC_ACCOUNT_ID",
        "FC_CUSTOM_LISTEN_PORT",
        "FC_FUNCTION_HANDLER",
        "FC_FUNCTION_MEMORY_SIZE",
        "FC_FUNCTION_NAME",
        "FC_FUNC_CODE_PATH",
        "FC_INSTANCE_ID",
        "FC_REGION",
        "FC_SERVER_PORT",
        "FLOWKEEPER_ENDPOINT",
        "FLOWKEEPER_LISTEN_ADDRESS",
        "FLOWKEEPER_POLICY",
        "FROM_TEMPLATE",
        "STAND_IN",
    ];
    assert_eq!(names, expected.into());
    assert_eq!(body["environment"]["FLOWKEEPER_ENDPOINT"], cloud.endpoint());
}

#[tokio::test]
async fn the_key_comes_in_headers_if_it_is_to_and_the_policy_is_replaced() {
    let options = Options { credentials: CredentialsIn::Headers, policy: Some("mine".into()), ..Options::default() };
    let (cloud, _folder) = cloud_with("succeed", &[], options).await;
    let body = cloud.invoke(FUNCTION, b"{}").await.unwrap().body;
    assert!(header(&body, "x-fc-access-key-id").starts_with("STS."));
    assert!(!header(&body, "x-fc-security-token").is_empty());
    assert_eq!(body["environment"].get("ALIBABA_CLOUD_ACCESS_KEY_ID"), None);
    assert_eq!(body["environment"]["FLOWKEEPER_POLICY"], "mine");
}

#[tokio::test]
async fn only_events_that_match_the_pattern_wake_a_function() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.create_vswitch(&vpc).await.unwrap();
    cloud.publish(&json!({"type": "vpc:ActionTrail:ConsoleOperation", "data": {"eventName": "CreateVpc"}}));
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 1);
}

#[tokio::test]
async fn one_process_and_one_connection_serve_call_after_call() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let first = cloud.invoke(FUNCTION, b"1").await.unwrap().body;
    let second = cloud.invoke(FUNCTION, b"2").await.unwrap().body;
    assert_eq!((&first["process"], &first["connection"]), (&second["process"], &second["connection"]));
    assert_eq!((&first["count"], &second["count"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn an_instance_takes_as_many_requests_at_a_time_as_the_template_says() {
    for (concurrency, expected) in [("1", 2), ("2", 1)] {
        let (cloud, _folder) = cloud_with("succeed", &[("Concurrency", concurrency)], Options::default()).await;
        let (one, two) = tokio::join!(cloud.invoke(FUNCTION, b"1"), cloud.invoke(FUNCTION, b"2"));
        let processes: BTreeSet<u64> =
            [one.unwrap(), two.unwrap()].iter().map(|answer| answer.body["process"].as_u64().unwrap()).collect();
        assert_eq!(processes.len(), expected, "concurrency {concurrency}");
    }
}

#[tokio::test]
async fn fc_tries_again_with_the_same_request_id_and_a_growing_count() {
    let (cloud, _folder) = cloud_with("fail-2", &[], Options::default()).await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let tries = cloud.invocations();
    assert_eq!(tries.iter().map(|one| one.success).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(tries.iter().map(|one| &one.request_id).collect::<BTreeSet<_>>().len(), 1);
    let counts: Vec<_> = tries.iter().map(|one| header(&one.body, "x-fc-retry-count")).collect();
    assert_eq!(counts, ["0", "1", "2"]);
    assert_eq!(cloud.dead_letters().len(), 0);
}

#[tokio::test]
async fn what_fc_cannot_help_goes_to_the_failure_destination() {
    let (cloud, _folder) = cloud_with("fail", &[], Options::default()).await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 3);
    let [letter] = cloud.dead_letters().try_into().unwrap();
    assert_eq!(letter.destination.as_deref(), Some("acs:mns:cn-hangzhou:1000000000000001:/queues/dead/messages"));
    assert_eq!(letter.payload["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(
        letter.payload["requestContext"]["functionArn"],
        "acs:fc:cn-hangzhou:1000000000000001:functions/demo-stand-in"
    );
    let event: Value = serde_json::from_str(letter.payload["requestPayload"].as_str().unwrap()).unwrap();
    assert_eq!(event, cloud.events()[0]);
}

#[tokio::test]
async fn eventbridge_tries_again_with_new_request_ids() {
    let (cloud, _folder) = cloud_with("fail", &[("Asynchronous", "false")], Options::default()).await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let tries = cloud.invocations();
    assert_eq!(tries.iter().map(|one| &one.request_id).collect::<BTreeSet<_>>().len(), 4);
    assert!(tries.iter().all(|one| header(&one.body, "x-fc-retry-count") == "0"));
    assert_eq!(
        cloud.dead_letters()[0].destination.as_deref(),
        Some("acs:mns:cn-hangzhou:1000000000000001:/queues/bridge")
    );
}

#[tokio::test]
async fn retries_wait_for_the_clock() {
    let clock = Clock::manual(Timestamp::now());
    let retry_delay = Duration::from_secs(60);
    let (cloud, _folder) =
        cloud_with("fail", &[], Options { clock: clock.clone(), retry_delay, ..Options::default() }).await;
    cloud.create_vpc(&[]).await.unwrap();
    for (tries, pause) in [(1, 60), (2, 120), (3, 0)] {
        let tried = |it: &LocalCloud| it.invocations().len() == tries;
        cloud.wait_until("it is tried", tried).await.unwrap();
        clock.advance(Duration::from_secs(pause));
    }
    cloud.settled().await.unwrap();
    assert_eq!(cloud.dead_letters().len(), 1);
}

#[tokio::test]
async fn an_answer_without_the_header_counts_as_success() {
    let (cloud, _folder) = cloud_with("no-header", &[], Options::default()).await;
    let invocation = cloud.invoke(FUNCTION, b"{}").await.unwrap();
    assert_eq!((invocation.success, invocation.status), (true, Some(500)));
}

#[tokio::test]
async fn a_crash_is_a_failure_and_the_next_try_gets_a_new_process() {
    let (cloud, _folder) = cloud_with("crash-1", &[], Options::default()).await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [crashed, answered] = cloud.invocations().try_into().unwrap();
    let message = crashed.body["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("Process exited unexpectedly before completing request"), "{message}");
    assert_eq!((crashed.success, answered.success), (false, true));
    assert_eq!(answered.body["count"], 0);
}

#[tokio::test]
async fn a_process_that_does_not_start_is_a_failure() {
    let (cloud, _folder) = cloud_with("die", &[], Options::default()).await;
    let invocation = cloud.invoke(FUNCTION, b"{}").await.unwrap();
    assert!(!invocation.success);
    assert!(invocation.body["errorMessage"].as_str().unwrap().starts_with("FunctionNotStarted"));
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_killed() {
    let clock = Clock::manual(Timestamp::now());
    let (cloud, _folder) = cloud_with("hang", &[], Options { clock: clock.clone(), ..Options::default() }).await;
    let invocation = cloud.invoke(FUNCTION, b"{}");
    tokio::pin!(invocation);
    let arrived = cloud.wait_until("the event arrived", |cloud| {
        serde_json::to_string(&cloud.journal()).is_ok_and(|journal| journal.contains("stand-in got"))
    });
    tokio::select! {
        biased;
        _ = &mut invocation => panic!("answered"),
        waited = arrived => waited.unwrap(),
    }
    clock.advance(Duration::from_secs(30));
    let timed_out = invocation.await.unwrap();
    assert_eq!(timed_out.body["errorMessage"], "Function timed out after 30 seconds");
    assert!(!timed_out.success);
}

#[tokio::test]
async fn an_event_that_comes_twice_is_delivered_twice() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    cloud.fail("CreateVpc", Fault::EventDuplicated, 1);
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [one, two] = cloud.invocations().try_into().unwrap();
    assert_eq!(one.event, two.event);
    assert_ne!(one.request_id, two.request_id);
}

#[tokio::test]
async fn functions_end_with_the_cloud() {
    for stopped in [true, false] {
        let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
        let body = cloud.invoke(FUNCTION, b"{}").await.unwrap().body;
        let process = std::path::PathBuf::from(format!("/proc/{}/cmdline", body["process"]));
        assert!(process.exists());
        if stopped {
            cloud.stop().await;
        } else {
            drop(cloud);
        }
        let gone = async {
            let mut look = tokio::time::interval(Duration::from_millis(5));
            // A killed process that has not been waited for has an empty command line.
            while std::fs::read(&process).is_ok_and(|line| !line.is_empty()) {
                look.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
    }
}

#[tokio::test]
async fn what_never_comes_true_is_said_with_the_journal() {
    tokio::time::pause();
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let error = cloud.wait_until("pigs fly", |_| false).await.unwrap_err();
    assert!(error.to_string().starts_with("timed out after 10 s waiting until pigs fly; the journal:"), "{error}");
}

#[tokio::test]
async fn an_event_that_has_grown_too_old_is_not_tried_again() {
    let clock = Clock::manual(Timestamp::now());
    let options = Options { clock: clock.clone(), retry_delay: Duration::from_secs(1), ..Options::default() };
    let aged =
        TEMPLATE.replace("MaxAsyncRetryAttempts: 2", "MaxAsyncRetryAttempts: 8\n      MaxAsyncEventAgeInSeconds: 3");
    let (cloud, _folder) = cloud_with_template(&aged, "fail", options).await.unwrap();
    let others = clock.waiting();
    cloud.create_vpc(&[]).await.unwrap();
    for (tries, pause) in [(1, 1), (2, 2), (3, 4)] {
        cloud.wait_until("it is tried", |cloud| cloud.invocations().len() == tries).await.unwrap();
        // Advance the clock only once the retry waits for it.
        while clock.waiting() == others {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(pause));
    }
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 3, "it was 3 seconds old at the third time, and 7 at the fourth");
    let [letter] = cloud.dead_letters().try_into().unwrap();
    assert_eq!(letter.payload["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(letter.destination.as_deref(), Some("acs:mns:cn-hangzhou:1000000000000001:/queues/dead/messages"));
}

#[tokio::test]
async fn eventbridge_tries_as_often_as_its_strategy_says() {
    let decay = "runOptions: {retryStrategy: {PushRetryStrategy: EXPONENTIAL_DECAY_RETRY}, ";
    let decaying = TEMPLATE.replace("runOptions: {", decay).replace("Default: 'true'", "Default: 'false'");
    let synchronous = TEMPLATE.replace("Default: 'true'", "Default: 'false'");
    for (template, tries, letters) in [(decaying, 6, 0), (synchronous, 4, 1)] {
        let options = Options { retry_delay: Duration::ZERO, ..Options::default() };
        let (cloud, _folder) = cloud_with_template(&template, "fail-5", options).await.unwrap();
        cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        assert_eq!((cloud.invocations().len(), cloud.dead_letters().len()), (tries, letters));
    }
}

#[tokio::test]
async fn dead_letters_are_there_over_http() {
    let (cloud, _folder) = cloud_with("fail", &[], Options::default()).await;
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let (status, letters) =
        local_cloud::send(&cloud.endpoint(), http::Method::GET, "/_local/dead-letters", String::new()).await.unwrap();
    let letters: Value = serde_json::from_str(&letters).unwrap();
    assert_eq!((status, letters.as_array().unwrap().len()), (200, 1));
    assert_eq!(letters[0]["function"], FUNCTION);
    assert!(letters[0]["payload"]["requestPayload"].as_str().unwrap().contains("CreateVpc"));
}

/// The template's function with both hooks.
fn with_hooks() -> String {
    let hooks = "Handler: bootstrap\n      \
                 InstanceLifecycleConfig: {Initializer: {Handler: i, Timeout: 5}, PreStop: {Handler: p, Timeout: 5}}";
    TEMPLATE.replace("Handler: bootstrap", hooks)
}

/// Returns the hooks that were called.
fn hooks(cloud: &LocalCloud) -> Vec<String> {
    let lines = cloud.journal().into_iter().filter_map(|entry| match entry.what {
        EntryKind::Line { text, .. } => Some(text),
        _ => None,
    });
    lines.filter_map(|line| Some(line.strip_prefix("stand-in got /")?.split_once(' ')?.0.to_owned())).collect()
}

#[tokio::test]
async fn a_process_is_initialized_once_and_told_of_its_end_if_the_template_says_so() {
    for (template, expected) in [(with_hooks(), ["initialize", "pre-stop"].as_slice()), (TEMPLATE.to_owned(), &[])] {
        let (cloud, _folder) = cloud_with_template(&template, "succeed", Options::default()).await.unwrap();
        for _ in 0..2 {
            assert!(cloud.invoke(FUNCTION, b"{}").await.unwrap().success);
        }
        cloud.restart_functions().await;
        let called = |it: &LocalCloud| hooks(it) == expected;
        cloud.wait_until("the hooks are called", called).await.unwrap();
    }
}

#[tokio::test]
async fn a_process_that_cannot_be_initialized_takes_no_event() {
    let (refusing, _folder) = cloud_with_template(&with_hooks(), "refuse-hooks", Options::default()).await.unwrap();
    let refused = refusing.invoke(FUNCTION, b"{}").await.unwrap();
    assert_eq!(refused.body["errorMessage"], "InitializationError: /initialize answered 500");
    assert!(!refused.success);
    let clock = Clock::manual(Timestamp::now());
    let options = Options { clock: clock.clone(), ..Options::default() };
    let (hanging, _other_folder) = cloud_with_template(&with_hooks(), "hang-hooks", options).await.unwrap();
    let invocation = hanging.invoke(FUNCTION, b"{}");
    tokio::pin!(invocation);
    let arrived = hanging.wait_until("it is asked", |cloud| hooks(cloud) == ["initialize"]);
    tokio::select! {
        biased;
        _ = &mut invocation => panic!("answered"),
        waited = arrived => waited.unwrap(),
    }
    clock.advance(Duration::from_secs(5));
    let said = invocation.await.unwrap().body["errorMessage"].clone();
    assert_eq!(said, "InitializationError: /initialize timed out after 5 seconds");
}

#[tokio::test]
async fn a_function_is_reached_by_this_machine_alone() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let environment = cloud.invoke(FUNCTION, b"{}").await.unwrap().body["environment"].clone();
    let port: u16 = environment["FC_CUSTOM_LISTEN_PORT"].as_str().unwrap().parse().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    // A server that listens on all addresses would accept this one too.
    let elsewhere = std::net::TcpStream::connect(("127.0.0.2", port)).unwrap_err();
    assert_eq!(elsewhere.kind(), std::io::ErrorKind::ConnectionRefused);
}
