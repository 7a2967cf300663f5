//! The baseline: a server that makes the same calls as `create-flow-log`, and does as little else as possible.

use std::{net::SocketAddr, sync::Arc};

use baselines::{Calls, FORMS, Failure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
};
use tokio_rustls::TlsConnector;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let cloud = baselines::cloud()?;
    let tls = baselines::root().map(|root| baselines::trusting(Some(&root))).transpose()?;
    let tls = tls.map(|tls| TlsConnector::from(Arc::new(tls)));
    let host = HeaderValue::from_str(&cloud)?;
    baselines::serve(OfHyper { cloud: cloud.parse()?, host, tls, connection: Mutex::new(None) }).await
}

/// One connection, without a pool.
struct OfHyper {
    cloud: SocketAddr,
    host: HeaderValue,
    tls: Option<TlsConnector>,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Calls for OfHyper {
    async fn make(&self) -> Result<(), Failure> {
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
}

impl OfHyper {
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
