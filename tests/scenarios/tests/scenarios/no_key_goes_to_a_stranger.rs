use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use local_cloud::{Invocation, LocalCloud, Options};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use scenarios::{CREATE_FLOW_LOG, cloud, result, vpc_created};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// A certificate authority.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(parameters, key) }
    }

    /// Issues a certificate for `host`, modified by `change`.
    fn vouches_for(&self, host: &str, change: fn(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut parameters);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity { certificate, key: key.into() }
    }
}

struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// A TLS proxy on loopback that forwards to a server without TLS.
struct Front {
    port: u16,
    behind: Arc<OnceLock<SocketAddr>>,
    /// The number of connections that sent data after the handshake.
    trusted: Arc<AtomicUsize>,
}

impl Front {
    async fn start(Identity { certificate, key }: Identity) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (behind, trusted) = (Arc::new(OnceLock::<SocketAddr>::new()), Arc::new(AtomicUsize::new(0)));
        let (to, counted) = (Arc::clone(&behind), Arc::clone(&trusted));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, to, counted) = (acceptor.clone(), Arc::clone(&to), Arc::clone(&counted));
                tokio::spawn(async move {
                    let mut client = acceptor.accept(stream).await?;
                    let mut server = TcpStream::connect(to.get().unwrap()).await?;
                    let first = client.read_u8().await?;
                    counted.fetch_add(1, Ordering::SeqCst);
                    server.write_u8(first).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Self { port, behind, trusted }
    }
}

/// Runs `create-flow-log` for a new VPC against `https://<host>`, where a server presents `identity`; `root` is trusted
/// in addition. Returns the first invocation, which may be followed by retries.
async fn told_by(host: &str, identity: Identity, root: Option<&Authority>) -> (LocalCloud, Invocation, usize) {
    let front = Front::start(identity).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("root.der");
    let endpoint = format!("https://{host}:{}", front.port);
    let mut environment = [("FLOWKEEPER_ENDPOINT".to_owned(), endpoint)].into_iter().collect::<Vec<_>>();
    if let Some(root) = root {
        std::fs::write(&file, &root.certificate).unwrap();
        environment.push(("FLOWKEEPER_EXTRA_ROOT_FILE".to_owned(), file.display().to_string()));
    }
    let options = Options { environment: environment.into_iter().collect(), ..Options::default() };
    let cloud = cloud(options).await.unwrap();
    let address = cloud.endpoint().strip_prefix("http://").unwrap().parse().unwrap();
    front.behind.set(address).unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let first = cloud.invocations()[0].clone();
    (cloud, first, front.trusted.load(Ordering::SeqCst))
}

#[tokio::test]
async fn an_endpoint_with_a_trusted_certificate_is_called_over_tls() {
    let authority = Authority::new();
    for host in ["localhost", "127.0.0.1"] {
        let (cloud, _, trusted) = told_by(host, authority.vouches_for(host, |_| ()), Some(&authority)).await;
        assert_eq!(cloud.flow_logs().len(), 1, "{host}");
        assert!(trusted > 0, "{host}");
    }
}

#[tokio::test]
async fn an_endpoint_without_a_trusted_certificate_is_sent_nothing() {
    let (authority, another) = (Authority::new(), Authority::new());
    let past = |parameters: &mut CertificateParams| {
        (parameters.not_before, parameters.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
    };
    let future = |parameters: &mut CertificateParams| parameters.not_before = date_time_ymd(2999, 1, 1);
    for (problem, identity, root) in [
        ("UnknownIssuer", authority.vouches_for("localhost", |_| ()), None),
        ("BadSignature", another.vouches_for("localhost", |_| ()), Some(&authority)),
        ("expired", authority.vouches_for("localhost", past), Some(&authority)),
        ("not valid yet", authority.vouches_for("localhost", future), Some(&authority)),
        ("not valid for name", authority.vouches_for("vpc.cn-hangzhou.aliyuncs.com", |_| ()), Some(&authority)),
    ] {
        let (cloud, invocation, trusted) = told_by("localhost", identity, root).await;
        assert!(!invocation.success, "{problem}");
        let said = format!("{}{}", invocation.body, invocation.lines.join("\n"));
        assert!(cloud.function_secrets().iter().all(|secret| !said.contains(secret)), "{said}");
        assert_eq!((trusted, cloud.calls_of("DescribeVpcs").len(), cloud.flow_logs().len()), (0, 0, 0), "{problem}");
        let result = result(&invocation);
        assert_eq!(
            (&result["verdict"], &result["error"]["code"]),
            (&"unknown".into(), &"Untrusted".into()),
            "{result}"
        );
        let message = result["error"]["message"].as_str().unwrap();
        assert!(message.contains("no connection to localhost:") && message.contains(problem), "{message}");
        let advice = result["error"]["advice"].as_str().unwrap();
        assert!(advice.contains("FLOWKEEPER_EXTRA_ROOT_FILE") && advice.contains("clock"), "{advice}");
    }
}

/// An endpoint on loopback, without TLS, that redirects every request.
async fn redirecting(status: u16, to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = format!("HTTP/1.1 {status} x\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n");
            tokio::spawn(async move {
                let mut some = vec![0; 16_384];
                while stream.read(&mut some).await? > 0 {
                    stream.write_all(head.as_bytes()).await?;
                }
                std::io::Result::Ok(())
            });
        }
    });
    address
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stranger = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let endpoint = redirecting(status, stranger.local_addr().unwrap()).await;
        let environment = [("FLOWKEEPER_ENDPOINT".to_owned(), format!("http://{endpoint}"))].into();
        let cloud = cloud(Options { environment, ..Options::default() }).await.unwrap();
        let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created("vpc-1").to_string().as_bytes()).await.unwrap();
        let result = result(&invocation);
        assert_eq!(result["error"]["code"], "Unreadable", "{result}");
        let message = result["error"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("the answer (HTTP {status}) cannot be read")), "{message}");
        assert!(result["error"]["advice"].as_str().unwrap().contains("no proxy answers in its place"), "{result}");
    }
    // There is not even a connection to accept.
    let call = futures_util::FutureExt::now_or_never(stranger.accept());
    assert!(call.is_none(), "somebody called: {call:?}");
}
