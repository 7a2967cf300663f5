//! Bare servers that functions are compared with, and all that they share: everything except how they make their calls.
//!
//! A baseline is a current-thread hyper server. For an event that contains `CreateVpc` it makes three HTTP calls over
//! one persistent connection and answers 200; it answers any other event at once. It does not sign, parse the event or
//! the answers, log, retry, or know a deadline.
//!
//! Settings: `BASELINE_PORT`, `BASELINE_CLOUD` (`127.0.0.1:port`), and for TLS `BASELINE_ROOT`, the path of a root certificate in
//! DER.

use std::{convert::Infallible, error::Error, net::Ipv4Addr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tokio::net::TcpListener;

/// Whatever goes wrong.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Forms like those that `create-flow-log` sends for a new VPC: about the same size, with made-up signatures.
pub const FORMS: [&str; 3] = [
    "AccessKeyId=STS.example0000000000000001&Action=DescribeVpcs&Format=JSON&PageNumber=1&PageSize=50\
     &RegionId=cn-hangzhou&SecurityToken=CAISexampleexampleexampleexampleexampleexampleexampleexample\
     &SignatureMethod=HMAC-SHA1&SignatureNonce=0123456789abcdef0123456789abcdef&SignatureVersion=1.0\
     &Timestamp=2025-01-02T03%3A04%3A05Z&Version=2016-04-28&VpcId=vpc-bp1example00000000001\
     &Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D",
    "AccessKeyId=STS.example0000000000000001&Action=DescribeFlowLogs&Format=JSON&PageNumber=1&PageSize=50\
     &RegionId=cn-hangzhou&ResourceId=vpc-bp1example00000000001&ResourceType=VPC\
     &SecurityToken=CAISexampleexampleexampleexampleexampleexampleexampleexample\
     &SignatureMethod=HMAC-SHA1&SignatureNonce=0123456789abcdef0123456789abcdef&SignatureVersion=1.0\
     &Timestamp=2025-01-02T03%3A04%3A05Z&Version=2016-04-28&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D",
    "AccessKeyId=STS.example0000000000000001&Action=CreateFlowLog&AggregationInterval=10\
     &Description=Kept%20by%20Flowkeeper&FlowLogName=flowkeeper-vpc-bp1example00000000001&Format=JSON\
     &LogStoreName=vpc&ProjectName=flowlog-1000000000000001-cn-hangzhou&RegionId=cn-hangzhou\
     &ResourceId=vpc-bp1example00000000001&ResourceType=VPC\
     &SecurityToken=CAISexampleexampleexampleexampleexampleexampleexampleexample\
     &SignatureMethod=HMAC-SHA1&SignatureNonce=0123456789abcdef0123456789abcdef&SignatureVersion=1.0\
     &Tag.1.Key=managed-by&Tag.1.Value=flowkeeper&Timestamp=2025-01-02T03%3A04%3A05Z&TrafficType=All\
     &Version=2016-04-28&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D",
];

/// How a baseline makes its calls.
pub trait Calls: Send + Sync + 'static {
    /// Sends each of [`FORMS`], and reads each answer to its end.
    fn make(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The host and port of the stub cloud.
///
/// # Errors
/// `BASELINE_CLOUD` is not set.
pub fn cloud() -> Result<String, Failure> {
    setting("BASELINE_CLOUD")
}

/// The path of the root certificate, if TLS is used.
pub fn root() -> Option<String> {
    setting("BASELINE_ROOT").ok()
}

/// A TLS configuration that trusts only this root certificate.
///
/// # Errors
/// The file cannot be read, or is no certificate.
pub fn trusting(root: Option<&str>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(root) = root {
        roots.add(CertificateDer::from(std::fs::read(root)?))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[expect(clippy::disallowed_methods, reason = "this is the process's edge")]
fn setting(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// Serves until it is told to end.
///
/// # Errors
/// `BASELINE_PORT` is not set or not free.
pub async fn serve(calls: impl Calls) -> Result<(), Failure> {
    let port: u16 = setting("BASELINE_PORT")?.parse()?;
    let calls = Arc::new(calls);
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let calls = Arc::clone(&calls);
        let answer = service_fn(move |request| {
            let calls = Arc::clone(&calls);
            async move { Ok::<_, Infallible>(answer(&*calls, request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

/// Function Compute asks for this before it ends an instance. A server with counters writes them when it ends by itself.
const ENDING: &str = "/pre-stop";

async fn answer(calls: &impl Calls, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() == ENDING {
        std::process::exit(0);
    }
    let mut response = Response::new(Full::from("{}"));
    if handle(calls, request).await.is_err() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

async fn handle(calls: &impl Calls, request: Request<Incoming>) -> Result<(), Failure> {
    let event = request.into_body().collect().await?.to_bytes();
    if is_for_us(&event) { calls.make().await } else { Ok(()) }
}

fn is_for_us(event: &[u8]) -> bool {
    const NAME: &[u8] = b"\"CreateVpc\"";
    event.windows(NAME.len()).any(|bytes| bytes == NAME)
}
