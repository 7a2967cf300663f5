//! Timers: when they fire, and what event they send.

use std::{error::Error, time::Duration};

use http::Method;
use local_cloud::{Clock, LocalCloud, Options, Timers, send};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{FUNCTION, TEMPLATE, cloud_of, cloud_with_template};

const MINUTE: Duration = Duration::from_secs(60);

/// The stand-in with three timers: every morning in Shanghai, every 40 minutes, and a disabled one.
fn template() -> String {
    let timer = |name: &str, schedule: &str, enabled: bool| {
        format!(
            "  Timer{name}:\n    Type: ALIYUN::FC3::Trigger\n    Properties:\n      FunctionName: {FUNCTION}\n      \
             TriggerName: {name}\n      TriggerType: timer\n      \
             TriggerConfig: {{cronExpression: '{schedule}', enable: {enabled}, payload: 'of {name}'}}\n"
        )
    };
    format!(
        "{TEMPLATE}{}{}{}",
        timer("morning", "CRON_TZ=Asia/Shanghai 0 0 7 * * MON-FRI", true),
        timer("often", "@every 40m", true),
        timer("off", "@every 1s", false)
    )
}

/// Starts a cloud whose clock stands on a Sunday evening in UTC. In Shanghai it is Monday, half an hour before seven.
async fn cloud(options: Options) -> (LocalCloud, Clock, TempDir) {
    let clock = Clock::manual("2026-03-01T22:30:00Z".parse().unwrap());
    let options = Options { clock: clock.clone(), ..options };
    let (cloud, folder) = cloud_with_template(&template(), "succeed", options).await.unwrap();
    (cloud, clock, folder)
}

/// Returns the events that the functions received.
fn given(cloud: &LocalCloud) -> Vec<Value> {
    cloud.invocations().into_iter().map(|invocation| invocation.event).collect()
}

fn morning(time: &str) -> Value {
    json!({"triggerTime": time, "triggerName": "morning", "payload": "of morning"})
}

fn often(time: &str) -> Value {
    json!({"triggerTime": time, "triggerName": "often", "payload": "of often"})
}

#[tokio::test]
async fn a_timer_fires_once_when_the_clock_reaches_its_moment() {
    let (cloud, clock, _folder) = cloud(Options::default()).await;
    clock.advance(29 * MINUTE);
    cloud.settled().await.unwrap();
    assert_eq!(given(&cloud), [] as [Value; 0]);
    clock.advance(MINUTE);
    cloud.settled().await.unwrap();
    assert_eq!(given(&cloud), [morning("2026-03-01T23:00:00Z")]);
    clock.advance(9 * MINUTE);
    cloud.settled().await.unwrap();
    assert_eq!(given(&cloud).len(), 1);
}

#[tokio::test]
async fn a_leap_of_the_clock_fires_each_moment_that_it_leaps_over_in_order() {
    let (cloud, clock, _folder) = cloud(Options::default()).await;
    clock.advance(100 * MINUTE);
    cloud.settled().await.unwrap();
    let expected = [morning("2026-03-01T23:00:00Z"), often("2026-03-01T23:10:00Z"), often("2026-03-01T23:50:00Z")];
    let fired: Vec<Value> = cloud
        .journal()
        .into_iter()
        .filter_map(
            |entry| if let local_cloud::EntryKind::Timer { event, .. } = entry.what { Some(event) } else { None },
        )
        .collect();
    assert_eq!(fired, expected);
    assert_eq!(given(&cloud).len(), 3);
}

#[tokio::test]
async fn a_timer_fires_at_once_when_it_is_asked_to() {
    let (cloud, _clock, _folder) = cloud(Options { timers: Timers::ByHand, ..Options::default() }).await;
    cloud.fire_timer(FUNCTION, "morning").unwrap();
    cloud.settled().await.unwrap();
    cloud.fire_timer("stand-in", "often").unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(given(&cloud), [morning("2026-03-01T22:30:00Z"), often("2026-03-01T22:30:00Z")]);
    let error = cloud.fire_timer(FUNCTION, "evening").unwrap_err().to_string();
    assert_eq!(
        error,
        "the template has no timer \"demo-stand-in/evening\"; it has demo-stand-in/morning, demo-stand-in/off, \
         demo-stand-in/often"
    );
    let typo = cloud.fire_timer(FUNCTION, "mornign").unwrap_err().to_string();
    assert!(typo.contains("\"demo-stand-in/mornign\" (did you mean demo-stand-in/morning?); it has "), "{typo}");
}

#[tokio::test]
async fn timers_are_there_over_http() {
    let (cloud, clock, _folder) = cloud(Options { timers: Timers::ByHand, ..Options::default() }).await;
    clock.advance(1000 * MINUTE);
    let http = async |method, path: &str| send(&cloud.endpoint(), method, path, String::new()).await.unwrap();
    let (status, list) = http(Method::GET, "/_local/timers").await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((status, list.as_array().unwrap().len()), (200, 3));
    assert_eq!(
        list[0],
        json!({
            "function": FUNCTION, "trigger": "morning", "schedule": "CRON_TZ=Asia/Shanghai 0 0 7 * * MON-FRI",
            "enabled": true, "payload": "of morning", "next": "2026-03-02T23:00:00Z",
        })
    );
    assert_eq!(http(Method::POST, &format!("/_local/timers/{FUNCTION}/often")).await.0, 204);
    let (unknown, said) = http(Method::POST, "/_local/timers/nobody/often").await;
    assert_eq!(unknown, 404);
    assert!(said.contains("demo-stand-in/morning"), "{said}");
    cloud.settled().await.unwrap();
    assert_eq!(given(&cloud).len(), 1, "what was asked for, and nothing by the clock");
}

#[tokio::test]
async fn a_failed_timer_is_tried_again_as_every_asynchronous_invocation() {
    let clock = Clock::manual("2026-03-01T22:30:00Z".parse().unwrap());
    let options = Options { timers: Timers::ByHand, ..Options::default() };
    let (cloud, _folder) =
        cloud_with_template(&template(), "fail", Options { clock: clock.clone(), ..options }).await.unwrap();
    cloud.fire_timer(FUNCTION, "often").unwrap();
    for tries in 1..=3 {
        cloud.wait_until("it is tried", |cloud| cloud.invocations().len() == tries).await.unwrap();
        clock.advance(MINUTE);
    }
    cloud.settled().await.unwrap();
    assert!(cloud.invocations().iter().all(|one| one.request_id == cloud.invocations()[0].request_id));
    assert_eq!(cloud.dead_letters().len(), 1);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_is_refused_with_its_place() {
    let error = cloud_of(&template().replace("@every 40m", "0 0 25 * * *")).await.unwrap_err();
    let error = error.source().unwrap().to_string();
    assert!(
        error.starts_with("Resources.Timeroften.Properties.TriggerConfig.cronExpression: \"0 0 25 * * *\""),
        "{error}"
    );
}

#[tokio::test]
async fn an_event_trigger_that_is_switched_off_wakes_nobody() {
    let off = TEMPLATE.replace("asyncInvocationType:", "triggerEnable: false\n        asyncInvocationType:");
    let (cloud, _folder) = cloud_of(&off).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 0);
}

#[tokio::test]
async fn timers_fire_by_the_machines_clock_if_they_are_to() {
    let each_second = template().replace("@every 40m", "@every 1s");
    let options = Options { timers: Timers::ByAnyClock, ..Options::default() };
    let (cloud, _folder) = cloud_with_template(&each_second, "succeed", options).await.unwrap();
    cloud.wait_until("it fires", |cloud| cloud.invocations().len() == 1).await.unwrap();
    assert_eq!(given(&cloud)[0]["triggerName"], "often");
}
