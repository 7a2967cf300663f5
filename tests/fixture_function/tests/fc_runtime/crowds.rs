//! Many callers at once, including hostile ones: well-behaved callers are served as usual.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::support::{Connection, Gate, Host, Request, in_time};

/// More connections than may be open. Both ends are file descriptors of this process, which may have only 1,024.
const CROWD: usize = 280;

/// Stalled requests: nothing, half a head, half an event, and half a chunked event.
const BEGINNINGS: [&str; 4] = [
    "",
    "POST /invoke HTTP/1.1\r\nhost: a\r\nx-long: ",
    "POST /invoke HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nbegun",
    "POST /invoke HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n",
];

async fn crowd(host: &Host) -> Vec<Connection> {
    let mut crowd = Vec::new();
    for beginning in BEGINNINGS.iter().cycle().take(CROWD) {
        let mut connection = host.connect().await;
        // Fails if the connection has already been closed.
        let _ = connection.stream.write_all(beginning.as_bytes()).await;
        crowd.push(connection);
    }
    crowd
}

#[tokio::test]
async fn a_crowd_that_stalls_is_thinned_out_and_others_are_served() {
    let host = Host::start().await;
    let gate = Gate::new().await;
    let (mut kept, mut busy) = (host.connect().await, host.connect().await);
    assert_eq!(kept.send(Request::invoke("1-a", "{}")).await.status, 200);
    busy.write(&Request::invoke("1-b", &format!(r#"{{"wait_for": "{}"}}"#, gate.address())).bytes()).await;
    let waiting = gate.arrival().await;
    let mut lost = host.connect().await;
    let nowhere = || Request::new("GET", "/").header("x-fc-control-path", "/nowhere");
    assert_eq!(lost.send(nowhere()).await.status, 404);

    let mut crowd = crowd(&host).await;
    assert_eq!(in_time(host.send(Request::invoke("1-c", "{}"))).await.status, 200);
    assert_eq!(in_time(kept.send(Request::invoke("1-d", "{}"))).await.status, 200, "one that was there before");
    assert_eq!(in_time(lost.send(nowhere())).await.status, 404, "one that was refused before");
    drop(waiting);
    assert_eq!(in_time(busy.reply()).await.status, 200, "one that was at work");

    // Three of the 256 slots were taken, and the last connection of the crowd replaced another one.
    for connection in crowd.drain(..CROWD - 253) {
        let mut connection = connection;
        let end = in_time(connection.stream.read(&mut [0; 16])).await;
        assert!(!matches!(end, Ok(1..)), "{end:?}");
    }
    // The remaining ones are waited for.
    let mut last = crowd.pop().unwrap();
    last.write(b"0\r\n\r\n").await;
    assert_eq!(in_time(last.reply()).await.json()["bytes"], 5);
}

#[tokio::test]
async fn a_crowd_that_was_answered_and_stays_makes_room_for_another_one() {
    let host = Host::start().await;
    let mut used = host.connect().await;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut connection = host.connect().await;
        assert_eq!(in_time(connection.send(Request::invoke("1-a", "{}"))).await.status, 200);
        crowd.push(connection);
        assert_eq!(in_time(used.send(Request::invoke("1-b", "{}"))).await.status, 200, "one that is used all the time");
    }
    assert!(crowd[0].is_closed().await, "the oldest of the others");
    let oldest = &mut crowd[CROWD - 255];
    assert_eq!(in_time(oldest.send(Request::invoke("1-c", "{}"))).await.status, 200, "the oldest that stays");

    // A connection that has begun another request is not closed either, if another one has been idle longer.
    let begun = &mut crowd[CROWD - 254];
    let request = Request::invoke("1-d", "{}").bytes();
    let (begins, ends) = request.split_at(request.len() - 1);
    begun.write(begins).await;
    let mut others = Vec::new();
    for _ in 0..9 {
        let mut connection = host.connect().await;
        assert_eq!(in_time(connection.send(Request::invoke("1-e", "{}"))).await.status, 200);
        others.push(connection);
    }
    begun.write(ends).await;
    assert_eq!(in_time(begun.reply()).await.status, 200, "one that has begun to ask");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    connection.write(b"GET /health HTTP/1.1\r\nx-long: ").await;
    let (mut from, mut to) = tokio::io::split(&mut connection.stream);
    let endless = async {
        let mut sent = 0;
        while to.write_all(&[b'x'; 1024]).await.is_ok() {
            sent += 1;
            assert!(sent < 100_000, "100 MB were taken");
        }
    };
    let answered = async {
        let mut line = Vec::new();
        // If a connection is closed while the caller is still writing, the response may be lost.
        let _ = from.read_to_end(&mut line).await;
        assert!(line.is_empty() || line.starts_with(b"HTTP/1.1 431 "), "{}", line.escape_ascii());
    };
    in_time(async { tokio::join!(endless, answered) }).await;
    assert_eq!(host.send(Request::invoke("1-a", "{}")).await.status, 200);
}

#[tokio::test]
async fn a_caller_that_does_not_read_its_answers_holds_up_nobody_and_finds_them_later() {
    const COUNT: usize = 200;
    let host = Host::start().await;
    let deaf = host.connect().await.stream.into_inner();
    let (from, mut to) = deaf.into_split();
    // More than the system's buffers hold, in both directions.
    let request = Request::invoke("1-deaf", &format!(r#"{{"fail": "{}"}}"#, "x".repeat(100_000))).bytes();
    let writing = tokio::spawn(async move { to.write_all(&request.repeat(COUNT)).await.map(|()| to) });
    for _ in 0..20 {
        assert_eq!(in_time(host.send(Request::invoke("1-a", "{}"))).await.status, 200);
    }
    let mut answers = 0;
    let mut from = BufReader::new(from);
    while answers < COUNT {
        let mut line = String::new();
        assert_ne!(in_time(from.read_line(&mut line)).await.unwrap(), 0, "closed after {answers} answers");
        answers += line.matches("HTTP/1.1 404 ").count();
    }
    in_time(writing).await.unwrap().unwrap();
}

/// The maximum total size of larger events, in bytes.
const MAX_LARGE_TOTAL: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn large_events_share_what_memory_there_is_and_common_ones_are_always_taken() {
    let host = Host::start().await;
    let largest = Request::invoke("1-largest", "").body(vec![b'x'; MAX_LARGE_TOTAL]).bytes();
    let large = Request::invoke("1-large", "").body(vec![b'x'; 256 * 1024]).bytes();
    let all_but_some = largest.len() - 128 * 1024;
    let mut stalled = host.connect().await;
    stalled.write(&largest[..all_but_some]).await;
    let mut other = host.connect().await;
    // Retried until the server has read what was sent.
    for nth in 0.. {
        assert!(nth < 10_000, "it is never refused");
        other.write(&large).await;
        let reply = in_time(other.reply()).await;
        if reply.status == 404 {
            assert_eq!((reply.statuses(), &reply.json()["errorType"]), ((404, "404"), &"TooManyLargeEvents".into()));
            break;
        }
    }
    for common in [1, 128 * 1024] {
        let reply = in_time(host.send(Request::invoke("1-a", "").body(vec![b'x'; common]))).await;
        assert_eq!(reply.json()["bytes"], common);
    }
    stalled.write(&largest[all_but_some..]).await;
    assert_eq!(in_time(stalled.reply()).await.json()["bytes"], MAX_LARGE_TOTAL);
    other.write(&large).await;
    assert_eq!(in_time(other.reply()).await.status, 200, "there is room again");
}

#[tokio::test]
async fn a_caller_that_stalls_keeps_others_out_by_no_more_than_it_has_sent() {
    let host = Host::start().await;
    let largest = Request::invoke("1-largest", "").body(vec![b'x'; MAX_LARGE_TOTAL]).bytes();
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut caller = host.connect().await;
        caller.write(&largest[..256 * 1024]).await;
        stalled.push(caller);
    }
    let reply = in_time(host.send(Request::invoke("1-a", "").body(vec![b'x'; MAX_LARGE_TOTAL / 2]))).await;
    assert_eq!(reply.json()["bytes"], MAX_LARGE_TOTAL / 2);
}

#[tokio::test]
async fn a_large_event_keeps_its_room_while_it_is_worked_on_and_one_in_chunks_needs_some_too() {
    let host = Host::start().await;
    let gate = Gate::new().await;
    let wait = format!(r#"{{"wait_for": "{}"}}"#, gate.address());
    let event = format!("{wait}{}", " ".repeat(MAX_LARGE_TOTAL - wait.len()));
    let mut busy = host.connect().await;
    busy.write(&Request::invoke("1-large", &event).bytes()).await;
    let at_work = in_time(gate.arrival()).await;
    let mut other = host.connect().await;
    let chunk = [&b"20001\r\n"[..], &[b'x'; 128 * 1024 + 1], b"\r\n0\r\n\r\n"].concat();
    let chunked = [&Request::invoke("1-chunks", "").head("transfer-encoding: chunked")[..], &chunk].concat();
    other.write(&chunked).await;
    assert_eq!(in_time(other.reply()).await.json()["errorType"], "TooManyLargeEvents");
    drop(at_work);
    assert_eq!(in_time(busy.reply()).await.status, 200);
    other.write(&chunked).await;
    assert_eq!(in_time(other.reply()).await.json()["bytes"], 128 * 1024 + 1, "there is room again");
}
