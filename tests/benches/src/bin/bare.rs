//! The floor: the least that a function can do which makes the same calls.
//!
//! A current-thread hyper server. For an event that says `CreateVpc` it makes three HTTP calls over one connection that is
//! kept, and answers 200; any other event is answered at once. It signs nothing, reads neither the event nor the answers,
//! logs nothing, tries nothing again and knows no deadline.
//!
//! Settings: `BARE_PORT`, `BARE_CLOUD` (`127.0.0.1:port`), and for TLS `BARE_ROOT`, the path of a root certificate in DER.

use std::convert::Infallible;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

type Failure = Box<dyn Error + Send + Sync>;

/// The forms that `create-flow-log` sends for a new VPC, of about their size, with made-up signatures.
const FORMS: [&str; 3] = [
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let port: u16 = setting("BARE_PORT")?.parse()?;
    let cloud = setting("BARE_CLOUD")?;
    let host = HeaderValue::from_str(&cloud)?;
    let tls = setting("BARE_ROOT").ok().map(|root| trusting(&root)).transpose()?;
    let function = Arc::new(Bare { cloud: cloud.parse()?, host, tls, connection: Mutex::new(None) });

    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let function = Arc::clone(&function);
        let answer = service_fn(move |request| {
            let function = Arc::clone(&function);
            async move { Ok::<_, Infallible>(function.answer(request).await) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the process's edge")]
fn setting(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// TLS with whom the root certificate at this path vouches for, and nobody else.
fn trusting(root: &str) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(std::fs::read(root)?))?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

struct Bare {
    cloud: SocketAddr,
    host: HeaderValue,
    tls: Option<TlsConnector>,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Bare {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from("{}"));
        if self.handle(request).await.is_err() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<(), Failure> {
        let event = request.into_body().collect().await?.to_bytes();
        if is_for_us(&event) { self.work().await } else { Ok(()) }
    }

    async fn work(&self) -> Result<(), Failure> {
        let mut kept = self.connection.lock().await;
        let connection = match &mut *kept {
            Some(connection) => connection,
            none => none.insert(self.connect().await?),
        };
        for form in FORMS {
            connection.ready().await?;
            let mut request = Request::new(Full::from(form));
            *request.method_mut() = Method::POST;
            request.headers_mut().insert(HOST, self.host.clone());
            let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(CONTENT_TYPE, content_type);
            connection.send_request(request).await?.into_body().collect().await?;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let stream = TcpStream::connect(self.cloud).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => open(stream).await,
            Some(tls) => open(tls.connect(ServerName::from(self.cloud.ip()), stream).await?).await,
        }
    }
}

async fn open(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn is_for_us(event: &[u8]) -> bool {
    const NAME: &[u8] = b"\"CreateVpc\"";
    event.windows(NAME.len()).any(|bytes| bytes == NAME)
}
