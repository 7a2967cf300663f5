//! Function Compute's API: invocations by path, tasks, delays and concurrency.

use std::time::Duration;

use http::Response;
use jiff::Timestamp;
use local_cloud::{Client, Clock, Credentials, Fault, LocalCloud, Options, RestRequest, SECOND_ACCOUNT};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{FUNCTION, TEMPLATE, cloud_with_template, function_client};

const INVOCATIONS: &str = "/2023-03-30/functions/demo-stand-in/invocations";
const TASKS: &str = "/2023-03-30/functions/demo-stand-in/async-tasks";

/// The support template in task mode, with one instance at most.
fn with_tasks() -> String {
    let bound = "\n  Concurrency:\n    Type: ALIYUN::FC3::ConcurrencyConfig\n    \
                 Properties: {FunctionName: demo-stand-in, ReservedConcurrency: 1}\n";
    let tasks = "MaxAsyncRetryAttempts: 2\n      AsyncTask: true";
    TEMPLATE.replace("MaxAsyncRetryAttempts: 2", tasks) + bound
}

async fn start(task: &str, options: Options) -> (LocalCloud, TempDir) {
    cloud_with_template(&with_tasks(), task, options).await.unwrap()
}

/// Starts a cloud with a clock that stands still.
async fn start_at_rest(task: &str) -> (LocalCloud, TempDir, Clock) {
    let clock = Clock::manual(Timestamp::now());
    let (cloud, folder) = start(task, Options { clock: clock.clone(), ..Options::default() }).await;
    (cloud, folder, clock)
}

fn status(answer: &Response<String>) -> u16 {
    answer.status().as_u16()
}

/// Returns the code of a refusal; empty if the call was not refused.
fn code(answer: &Response<String>) -> String {
    let body: Value = serde_json::from_str(answer.body()).unwrap_or_default();
    body["Code"].as_str().unwrap_or_default().to_owned()
}

fn header<'a>(answer: &'a Response<String>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn invoke(client: &Client, headers: &[(&str, &str)], body: &str) -> Response<String> {
    let request = RestRequest { method: "POST", path: INVOCATIONS, query: &[], headers, body };
    client.function_compute("InvokeFunction", &request).await.unwrap()
}

async fn submit(client: &Client, task_id: &str) -> Response<String> {
    invoke(client, &[("x-fc-invocation-type", "Async"), ("x-fc-async-task-id", task_id)], task_id).await
}

async fn get(client: &Client, action: &str, path: &str, query: &[(&str, &str)]) -> Response<String> {
    let request = RestRequest { method: "GET", path, query, headers: &[], body: "" };
    client.function_compute(action, &request).await.unwrap()
}

async fn list(client: &Client, query: &[(&str, &str)]) -> Value {
    let answer = get(client, "ListAsyncTasks", TASKS, query).await;
    assert_eq!(status(&answer), 200, "{}", answer.body());
    serde_json::from_str(answer.body()).unwrap()
}

/// Returns the id and status of each task on a page.
fn statuses(page: &Value) -> Vec<String> {
    let text = |task: &Value, name: &str| task[name].as_str().unwrap_or_default().to_owned();
    let tasks = page["tasks"].as_array().unwrap();
    tasks.iter().map(|task| format!("{} {}", text(task, "taskId"), text(task, "status"))).collect()
}

/// Waits until the stand-in has received this many events.
async fn received(cloud: &LocalCloud, count: usize) {
    let lines = |it: &LocalCloud| {
        let journal = serde_json::to_string(&it.journal()).unwrap();
        journal.matches(r#""kind":"line""#).count()
    };
    cloud.wait_until("the function got its events", |it| lines(it) >= count).await.unwrap();
}

#[tokio::test]
async fn a_synchronous_invocation_is_answered_with_what_the_function_answers() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let answer = invoke(&cloud.client(), &[("x-fc-log-type", "Tail")], "an event").await;
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!((status(&answer), &body["event"]), (200, &json!("an event")));
    assert_eq!(body["headers"]["x-fc-request-id"], header(&answer, "x-fc-request-id"));
    assert_eq!((header(&answer, "x-fc-error-type"), header(&answer, "x-fc-log-result").is_empty()), ("", false));
    let [call] = cloud.calls_of("InvokeFunction").try_into().unwrap();
    assert_eq!((call.version.as_str(), call.signed_with.as_deref()), ("2023-03-30", Some("ACS3-HMAC-SHA256")));

    let (failing, _other_folder) = start("fail", Options::default()).await;
    let failed = invoke(&failing.client(), &[], "an event").await;
    assert_eq!((status(&failed), header(&failed, "x-fc-error-type")), (200, "InvocationError"));
    assert_eq!(failing.invocations().len(), 1, "nobody retries a synchronous invocation");
}

#[tokio::test]
async fn an_asynchronous_invocation_is_taken_before_the_function_sees_it_and_then_retried() {
    let (cloud, _folder) = start("fail-2", Options::default()).await;
    let answer = submit(&cloud.client(), "run_1").await;
    assert_eq!((status(&answer), answer.body().as_str()), (202, ""));
    cloud.settled().await.unwrap();
    let tries = cloud.invocations();
    assert_eq!(tries.iter().map(|one| one.success).collect::<Vec<_>>(), [false, false, true]);
    assert!(tries.iter().all(|one| one.request_id == header(&answer, "x-fc-request-id")));
    let task = get(&cloud.client(), "GetAsyncTask", &format!("{TASKS}/run_1"), &[]).await;
    let task: Value = serde_json::from_str(task.body()).unwrap();
    assert_eq!((&task["status"], &task["alreadyRetriedTimes"]), (&json!("Succeeded"), &json!(2)));
    assert_eq!((&task["requestId"], &task["taskPayload"]), (&json!(tries[0].request_id), &json!("run_1")));
    let history: Vec<&str> =
        task["events"].as_array().unwrap().iter().filter_map(|event| event["status"].as_str()).collect();
    assert_eq!(history, ["Enqueued", "Running", "Retrying", "Running", "Retrying", "Running", "Succeeded"]);
}

#[tokio::test]
async fn what_fails_for_good_is_a_failed_task_and_a_dead_letter() {
    let (cloud, _folder) = start("fail", Options::default()).await;
    submit(&cloud.client(), "run_1").await;
    cloud.settled().await.unwrap();
    assert_eq!(statuses(&list(&cloud.client(), &[]).await), ["run_1 Failed"]);
    let [letter] = cloud.dead_letters().try_into().unwrap();
    assert_eq!(letter.payload["requestPayload"], "run_1");
    assert_eq!(letter.payload["requestContext"]["approximateInvokeCount"], 3);
}

#[tokio::test]
async fn a_task_id_is_taken_once() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let client = cloud.client();
    assert_eq!(status(&submit(&client, "run_1").await), 202);
    let repeated = submit(&client, "run_1").await;
    assert_eq!((status(&repeated), code(&repeated)), (409, "AsyncTaskAlreadyExists".to_owned()));
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 1);

    let (without_tasks, _other_folder) = cloud_with_template(TEMPLATE, "succeed", Options::default()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(status(&submit(&without_tasks.client(), "run_1").await), 202, "it has no task mode");
    }
    without_tasks.settled().await.unwrap();
    assert_eq!(without_tasks.invocations().len(), 2);
}

#[tokio::test]
async fn a_delay_is_counted_on_the_clouds_clock() {
    let (cloud, _folder, clock) = start_at_rest("succeed").await;
    let client = cloud.client().with_clock(clock.clone());
    let headers = [("x-fc-invocation-type", "Async"), ("x-fc-async-delay", "600"), ("x-fc-async-task-id", "later")];
    assert_eq!(status(&invoke(&client, &headers, "{}").await), 202);
    cloud.settled().await.unwrap();
    assert_eq!((cloud.invocations().len(), statuses(&list(&client, &[]).await)), (0, vec!["later Enqueued".into()]));
    clock.advance(Duration::from_secs(599));
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 0);
    clock.advance(Duration::from_secs(1));
    cloud.settled().await.unwrap();
    assert_eq!((cloud.invocations().len(), statuses(&list(&client, &[]).await)), (1, vec!["later Succeeded".into()]));
}

#[tokio::test]
async fn a_delay_can_be_ended_before_its_time() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let headers = [("x-fc-invocation-type", "Async"), ("x-fc-async-delay", "3600")];
    for _ in 0..2 {
        invoke(&cloud.client(), &headers, "{}").await;
    }
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 0);
    cloud.end_delays();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 2);
    invoke(&cloud.client(), &headers, "{}").await;
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 2, "a later delay is a delay again");
}

#[tokio::test]
async fn the_instances_of_a_function_are_known_by_their_processes() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    assert!(cloud.processes("demo-stand-in").is_empty());
    for _ in 0..2 {
        invoke(&cloud.client(), &[], "{}").await;
    }
    let [process] = cloud.processes("demo-stand-in").try_into().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{process}/exe")).exists());
    let invocations = cloud.invocations();
    assert!(invocations.iter().all(|it| it.instance.is_some() && it.instance == invocations[0].instance));
}

#[tokio::test]
async fn reserved_instances_bound_what_runs_and_the_rest_waits_in_order() {
    let (cloud, _folder, clock) = start_at_rest("hang").await;
    let client = cloud.client().with_clock(clock.clone());
    for id in ["one", "two", "three"] {
        assert_eq!(status(&submit(&client, id).await), 202);
    }
    received(&cloud, 1).await;
    let exhausted = invoke(&client, &[], "{}").await;
    assert_eq!((status(&exhausted), code(&exhausted)), (429, "ResourceExhausted".to_owned()));
    assert_eq!(statuses(&list(&client, &[]).await), ["three Enqueued", "two Enqueued", "one Running"]);
    let running = list(&client, &[("status", "Running"), ("prefix", "t")]).await;
    assert_eq!(statuses(&running), [] as [&str; 0]);
    clock.advance(Duration::from_secs(30));
    received(&cloud, 2).await;
    assert_eq!(statuses(&list(&client, &[("status", "Running")]).await), ["two Running"]);
}

#[tokio::test]
async fn an_event_that_waited_too_long_in_the_queue_is_given_up() {
    let clock = Clock::manual(Timestamp::now());
    let options = Options { clock: clock.clone(), ..Options::default() };
    let aged = with_tasks()
        .replace("MaxAsyncRetryAttempts: 2", "MaxAsyncRetryAttempts: 0\n      MaxAsyncEventAgeInSeconds: 10");
    let (cloud, _folder) = cloud_with_template(&aged, "hang", options).await.unwrap();
    let client = cloud.client().with_clock(clock.clone());
    for id in ["one", "two"] {
        submit(&client, id).await;
    }
    received(&cloud, 1).await;
    clock.advance(Duration::from_secs(30));
    cloud.settled().await.unwrap();
    assert_eq!(statuses(&list(&client, &[]).await), ["two Expired", "one Failed"]);
    let conditions: Vec<Value> =
        cloud.dead_letters().iter().map(|letter| letter.payload["requestContext"]["condition"].clone()).collect();
    assert_eq!(conditions, ["RetriesExhausted", "EventAgeExceeded"]);
}

#[tokio::test]
async fn a_task_can_be_stopped_while_it_waits_and_while_it_runs() {
    let (cloud, _folder) = start("hang", Options::default()).await;
    let client = cloud.client();
    for id in ["one", "two"] {
        submit(&client, id).await;
    }
    received(&cloud, 1).await;
    for id in ["two", "one"] {
        let path = format!("{TASKS}/{id}/stop");
        let request = RestRequest { method: "PUT", path: &path, query: &[], headers: &[], body: "" };
        assert_eq!(status(&client.function_compute("StopAsyncTask", &request).await.unwrap()), 200);
    }
    cloud.settled().await.unwrap();
    assert_eq!(statuses(&list(&client, &[]).await), ["two Stopped", "one Stopped"]);
    assert_eq!((cloud.invocations().len(), cloud.dead_letters().len()), (1, 0));
}

#[tokio::test]
async fn tasks_are_listed_in_pages_by_prefix() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let client = cloud.client();
    for id in ["r1_a", "r2_a", "r1_b", "r1_c"] {
        submit(&client, id).await;
    }
    cloud.settled().await.unwrap();
    let first = list(&client, &[("prefix", "r1_"), ("limit", "2"), ("sortOrderByTime", "asc")]).await;
    assert_eq!(statuses(&first), ["r1_a Succeeded", "r1_b Succeeded"]);
    let token = first["nextToken"].as_str().unwrap();
    let rest = [("prefix", "r1_"), ("limit", "2"), ("sortOrderByTime", "asc"), ("nextToken", token)];
    let second = list(&client, &rest).await;
    assert_eq!((statuses(&second), second.get("nextToken")), (vec!["r1_c Succeeded".to_owned()], None));
    cloud.fail("ListAsyncTasks", Fault::SmallPages(1), 1);
    assert_eq!(list(&client, &[("limit", "100")]).await["tasks"].as_array().unwrap().len(), 1);
    for query in [("limit", "0"), ("limit", "101"), ("status", "Done"), ("nextToken", "x"), ("sortOrderByTime", "up")] {
        let answer = get(&client, "ListAsyncTasks", TASKS, &[query]).await;
        assert_eq!((status(&answer), code(&answer)), (400, "InvalidArgument".to_owned()), "{query:?}");
    }
}

#[tokio::test]
async fn each_flaw_of_an_invocation_has_its_own_code() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let client = cloud.client();
    let large = "x".repeat(128 * 1024 + 1);
    let asynchronous = ("x-fc-invocation-type", "Async");
    for (headers, body, expected) in [
        (&[asynchronous][..], large.as_str(), "EntityTooLarge"),
        (&[], large.as_str(), ""),
        (&[("x-fc-invocation-type", "async")], "", "InvalidArgument"),
        (&[asynchronous, ("x-fc-async-task-id", "1-starts-with-a-digit")], "", "InvalidArgument"),
        (&[asynchronous, ("x-fc-async-delay", "0")], "", "InvalidArgument"),
        (&[asynchronous, ("x-fc-async-delay", "3601")], "", "InvalidArgument"),
    ] {
        assert_eq!(code(&invoke(&client, headers, body).await), expected, "{headers:?}");
    }
    for (method, path, action, expected) in [
        ("POST", "/2023-03-30/functions/nobody/invocations", "InvokeFunction", (404, "FunctionNotFound")),
        ("GET", "/2023-03-30/functions/demo-stand-in/async-tasks/none", "GetAsyncTask", (404, "AsyncTaskNotFound")),
        ("GET", "/2023-03-30/functions/demo-stand-in/invocations", "InvokeFunction", (400, "PathNotSupported")),
        ("POST", INVOCATIONS, "ListAsyncTasks", (404, "InvalidApi.NotFound")),
    ] {
        let request = RestRequest { method, path, query: &[], headers: &[], body: "" };
        let answer = client.function_compute(action, &request).await.unwrap();
        assert_eq!((status(&answer), code(&answer).as_str()), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn the_signature_covers_the_path_and_the_body() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let client = cloud.client();
    let headers = [("x-fc-invocation-type", "Async")];
    let request = RestRequest { method: "POST", path: INVOCATIONS, query: &[], headers: &headers, body: "{}" };
    let signed = || client.function_compute_request("InvokeFunction", &request).unwrap();
    let sent = async |changed| local_cloud::exchange(&cloud.endpoint(), changed).await.unwrap();
    let mut other_path = signed();
    *other_path.uri_mut() = INVOCATIONS.replace("demo-", "other-").parse().unwrap();
    assert_eq!(code(&sent(other_path).await), "SignatureDoesNotMatch");
    let mut other_body = signed();
    *other_body.body_mut() = "[]".to_owned();
    assert_eq!(code(&sent(other_body).await), "SignatureDoesNotMatch");
    let mut other_type = signed();
    other_type.headers_mut().insert("x-fc-invocation-type", "Sync".parse().unwrap());
    assert_eq!(code(&sent(other_type).await), "SignatureDoesNotMatch");
    let mut unsigned = signed();
    unsigned.headers_mut().remove("authorization");
    assert_eq!(code(&sent(unsigned).await), "IncompleteSignature");
    let good = signed();
    assert_eq!(status(&sent(good.clone()).await), 202);
    assert_eq!(code(&sent(good).await), "SignatureNonceUsed");
    let guessed = Credentials { access_key_secret: "guessed".into(), ..Credentials::own() };
    let stranger = Client::new(cloud.endpoint(), guessed);
    assert_eq!(code(&submit(&stranger, "a").await), "SignatureDoesNotMatch");
    let shown = serde_json::to_string(&cloud.journal()).unwrap();
    assert!(!shown.contains("server string to sign"), "the journal shows what had to be signed");
}

#[tokio::test]
async fn only_a_role_that_may_invoke_a_function_does() {
    let rights = "- {Effect: Allow, Action: ['fc:InvokeFunction'], \
                  Resource: 'acs:fc:*:1000000000000001:functions/demo-stand-in'}\n              ";
    let anchor = "- {Effect: Deny, Action: 'vpc:DescribeVSwitches'";
    for (template, expected) in [(with_tasks(), 403), (with_tasks().replace(anchor, &format!("{rights}{anchor}")), 202)]
    {
        let (cloud, _folder) = cloud_with_template(&template, "succeed", Options::default()).await.unwrap();
        let function = function_client(&cloud).await;
        let answer = submit(&function, "a").await;
        assert_eq!(status(&answer), expected, "{}", answer.body());
        let denied = get(&function, "ListAsyncTasks", TASKS, &[]).await;
        assert_eq!((status(&denied), code(&denied)), (403, "AccessDenied".to_owned()));
        assert!(denied.body().contains("'fc:ListAsyncTasks'"), "{}", denied.body());
    }
}

#[tokio::test]
async fn the_functions_are_those_of_the_own_account_and_region() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let own = cloud.client();
    let request = RestRequest { method: "POST", path: INVOCATIONS, query: &[], headers: &[], body: "{}" };
    let elsewhere = async |client: &Client, host: &str| {
        let headers = [("host", host)];
        let request = RestRequest { headers: &headers, ..request };
        code(&client.function_compute("InvokeFunction", &request).await.unwrap())
    };
    assert_eq!(elsewhere(&own, "1000000000000001.cn-hangzhou.fc.aliyuncs.com").await, "");
    assert_eq!(elsewhere(&own, "1000000000000001.cn-shanghai.fc.aliyuncs.com").await, "FunctionNotFound");
    assert_eq!(elsewhere(&own, "1000000000000002.cn-hangzhou.fc.aliyuncs.com").await, "AccessDenied");
    let other = cloud.client_of(SECOND_ACCOUNT);
    assert_eq!(elsewhere(&other, "1000000000000002.cn-hangzhou.fc.aliyuncs.com").await, "FunctionNotFound");
}

#[tokio::test]
async fn invocations_meet_faults_as_other_calls_do() {
    let (cloud, _folder) = start("succeed", Options::default()).await;
    let client = cloud.client();
    for (fault, expected) in [
        (Fault::Throttled, (429, "ResourceExhausted")),
        (Fault::Unavailable, (503, "ResourceThrottled")),
        (Fault::InternalError, (500, "InternalServerError")),
        (Fault::Refused, (403, "AccessDenied")),
        (Fault::Code("FunctionNotFound"), (404, "FunctionNotFound")),
    ] {
        cloud.fail("InvokeFunction", fault, 1);
        let answer = submit(&client, "a").await;
        assert_eq!((status(&answer), code(&answer).as_str()), expected);
    }
    let headers = [("x-fc-invocation-type", "Async"), ("x-fc-async-task-id", "a")];
    let request = RestRequest { method: "POST", path: INVOCATIONS, query: &[], headers: &headers, body: "{}" };
    for fault in [Fault::Reset, Fault::AnswerLost] {
        cloud.fail("fc:InvokeFunction", fault, 1);
        assert!(client.function_compute("InvokeFunction", &request).await.is_err());
    }
    assert_eq!(code(&submit(&client, "a").await), "AsyncTaskAlreadyExists", "the lost answer was that of a taken task");
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().iter().map(|one| one.function.as_str()).collect::<Vec<_>>(), [FUNCTION]);
}
