//! Connections stay open, and none costs another one anything.

use std::{net::Ipv4Addr, time::Duration};

use tokio::io::AsyncWriteExt as _;

use crate::support::{Gate, Host, Request, in_time};

const LONGER_THAN_HYPERS_DEFAULT: Duration = Duration::from_secs(41);

/// The fast test: tokio's clock is paused and advanced, so any timer in hyper would fire.
#[tokio::test]
async fn an_idle_connection_takes_a_post_after_any_time() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    assert_eq!(connection.send(Request::invoke("1-a", "{}")).await.status, 200);
    tokio::time::pause();
    for wait in [LONGER_THAN_HYPERS_DEFAULT, Duration::from_secs(15 * 60), Duration::from_secs(24 * 60 * 60)] {
        tokio::time::advance(wait).await;
        tokio::task::yield_now().await;
        assert_eq!(connection.send(Request::invoke("1-b", "{}")).await.status, 200, "after {wait:?}");
    }
}

/// The slow test, on the machine's clock.
#[tokio::test]
#[ignore = "takes 41 s"]
async fn an_idle_connection_takes_a_post_after_41_seconds() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    assert_eq!(connection.send(Request::invoke("1-a", "{}")).await.status, 200);
    #[expect(clippy::disallowed_methods, reason = "that time passes is what is tested")]
    tokio::time::sleep(LONGER_THAN_HYPERS_DEFAULT).await;
    assert_eq!(connection.send(Request::invoke("1-b", "{}")).await.status, 200);
}

#[tokio::test]
async fn a_head_that_takes_long_is_waited_for() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    let bytes = Request::invoke("1-a", "{}").bytes();
    connection.write(&bytes[..20]).await;
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(LONGER_THAN_HYPERS_DEFAULT).await;
    connection.write(&bytes[20..]).await;
    assert_eq!(connection.reply().await.status, 200);
}

#[tokio::test]
async fn connections_that_stall_do_not_keep_others_waiting() {
    let host = Host::start().await;
    let mut stalled = Vec::new();
    for beginning in ["", "POST /inv", "POST /invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nbegun"] {
        let mut connection = host.connect().await;
        connection.write(beginning.as_bytes()).await;
        stalled.push(connection);
    }
    assert_eq!(in_time(host.send(Request::invoke("1-a", "{}"))).await.status, 200);
}

#[tokio::test]
async fn a_caller_that_only_has_nothing_more_to_send_gets_its_answer() {
    let host = Host::start().await;
    let gate = Gate::new().await;
    let mut connection = host.connect().await;
    let event = format!(r#"{{"wait_for": "{}"}}"#, gate.address());
    connection.write(&Request::invoke("1-a", &event).bytes()).await;
    connection.stream.shutdown().await.unwrap();
    drop(gate.arrival().await);
    assert_eq!(in_time(connection.reply()).await.status, 200);
}

#[tokio::test]
async fn a_shutdown_lets_what_runs_finish_and_closes_the_rest() {
    let mut host = Host::start().await;
    let gate = Gate::new().await;
    let address = host.address;
    let (mut unused, mut idle, mut busy) = (host.connect().await, host.connect().await, host.connect().await);
    assert_eq!(idle.send(Request::invoke("1-a", "{}")).await.status, 200);
    busy.write(&Request::invoke("1-b", &format!(r#"{{"wait_for": "{}"}}"#, gate.address())).bytes()).await;
    let waiting = gate.arrival().await;

    let served = host.shut_down();
    assert!(idle.is_closed().await);
    assert!(unused.is_closed().await);
    assert!(tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).await.is_err());
    assert!(!served.is_finished());

    drop(waiting);
    assert_eq!(busy.reply().await.status, 200);
    assert!(busy.is_closed().await);
    in_time(served).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_does_not_finish_within_10_seconds_of_a_shutdown_is_left() {
    let mut host = Host::start().await;
    let log = host.log.clone();
    let mut connection = host.connect().await;
    connection.write(&Request::invoke("1-a", r#"{"say": "begun", "hang": true}"#).bytes()).await;
    crate::support::seen("the invocation", async || log.text().contains("begun").then_some(())).await;
    let began = tokio::time::Instant::now();
    host.shut_down().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
}
