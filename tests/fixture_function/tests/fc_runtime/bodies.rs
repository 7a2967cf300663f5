//! Events of any size up to the limit, and the handling of larger ones.

use serde_json::json;

use crate::support::{Connection, Host, Request};

const MAX_EVENT_BYTES: usize = 33_554_432;

#[tokio::test]
async fn an_event_of_32_mb_is_taken() {
    let reply = Host::start().await.send(Request::invoke("1-a", "").body(vec![b'x'; MAX_EVENT_BYTES])).await;
    assert_eq!(reply.json(), json!({"bytes": MAX_EVENT_BYTES}));
}

#[tokio::test]
async fn an_event_of_one_byte_more_is_refused_and_the_connection_goes_on() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    let reply = connection.send(Request::invoke("1-a", "").body(vec![b'x'; MAX_EVENT_BYTES + 1])).await;
    assert_eq!(reply.statuses(), (404, "404"));
    assert_eq!(reply.json()["errorType"], "EventTooLarge");
    assert_eq!(reply.json()["errorMessage"].as_str().unwrap().matches("33554432").count(), 1);
    assert_eq!(connection.send(Request::invoke("1-b", "{}")).await.status, 200);
}

#[tokio::test]
async fn a_chunked_event_of_32_mb_is_taken() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    send_chunked(&mut connection, &[MAX_EVENT_BYTES / 2, MAX_EVENT_BYTES / 2]).await;
    assert_eq!(connection.reply().await.json(), json!({"bytes": MAX_EVENT_BYTES}));
}

#[tokio::test]
async fn a_chunked_event_of_one_byte_more_is_refused_and_the_connection_goes_on() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    send_chunked(&mut connection, &[MAX_EVENT_BYTES / 2, MAX_EVENT_BYTES / 2, 1]).await;
    let reply = connection.reply().await;
    assert_eq!(reply.statuses(), (404, "404"));
    assert_eq!(reply.json()["errorType"], "EventTooLarge");
    assert_eq!(connection.send(Request::invoke("1-b", "{}")).await.status, 200);
}

#[tokio::test]
async fn an_event_that_announces_far_too_much_is_refused_unread_and_the_connection_closed() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    connection.write(&Request::invoke("1-a", "").head("content-length: 1000000000000")).await;
    let reply = connection.reply().await;
    assert_eq!(reply.statuses(), (404, "404"));
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(connection.is_closed().await);
    assert_eq!(host.send(Request::invoke("1-b", "{}")).await.status, 200);
}

#[tokio::test]
async fn an_endless_event_is_not_read_to_its_end() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    send_chunked_without_end(&mut connection, &[MAX_EVENT_BYTES; 2]).await;
    connection.write(b"1\r\nx\r\n").await;
    let reply = connection.reply().await;
    assert_eq!(reply.json()["errorType"], "EventTooLarge");
    assert_eq!(reply.header("connection"), Some("close"));
}

#[tokio::test]
async fn an_event_in_pieces_is_put_together() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    connection.write(&Request::invoke("1-a", "").head("transfer-encoding: chunked")).await;
    for piece in ["{\"fail\":", "\"in pie", "ces\"}"] {
        connection.write(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
    }
    connection.write(b"0\r\n\r\n").await;
    assert_eq!(connection.reply().await.json()["errorMessage"], "in pieces");
}

async fn send_chunked(connection: &mut Connection, pieces: &[usize]) {
    send_chunked_without_end(connection, pieces).await;
    connection.write(b"0\r\n\r\n").await;
}

async fn send_chunked_without_end(connection: &mut Connection, pieces: &[usize]) {
    connection.write(&Request::invoke("1-a", "").head("transfer-encoding: chunked")).await;
    for piece in pieces {
        connection.write(format!("{piece:x}\r\n").as_bytes()).await;
        connection.write(&vec![b'x'; *piece]).await;
        connection.write(b"\r\n").await;
    }
}
