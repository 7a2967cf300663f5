//! HTTP requests, each on a connection of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::api::rpc_signature::encode;

/// Encodes parameters as a query string or form.
pub fn form(parameters: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// Sends one form on a new connection. Returns the status and the body.
pub async fn send(
    endpoint: &str,
    method: Method,
    path: &str,
    body: String,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, endpoint.trim_start_matches("http://"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)?;
    let answer = exchange(endpoint, request).await?;
    Ok((answer.status().as_u16(), answer.into_body()))
}

/// Sends one request unchanged on a new connection.
pub async fn exchange(
    endpoint: &str,
    request: Request<String>,
) -> Result<Response<String>, Box<dyn std::error::Error + Send + Sync>> {
    let authority = endpoint.trim_start_matches("http://");
    let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(authority).await?)).await?;
    let exchange = async {
        let response = sender.send_request(request.map(Full::<Bytes>::from)).await?;
        let (parts, body) = response.into_parts();
        let bytes: Bytes = body.collect().await?.to_bytes();
        drop(sender);
        Ok(Response::from_parts(parts, String::from_utf8(bytes.into())?))
    };
    // Nothing is sent unless the connection future runs. The exchange reports its errors too.
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}
