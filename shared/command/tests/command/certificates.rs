//! Networks of offices: a proxy, and TLS that somebody signs anew.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    server::{Server, sts},
    support::{Home, run_in},
};

/// A TLS configuration for a host, and the root certificate in PEM and in DER.
fn certificate(host: &str) -> (TlsAcceptor, String, Vec<u8>) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let signed = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.der().clone()], key.into())
        .unwrap();
    let der = root.der().to_vec();
    (TlsAcceptor::from(Arc::new(server)), pem(&der), der)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

const KEYS: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted"),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", "planted"),
];

async fn run(home: &Home, env: Vec<(&'static str, String)>) -> crate::support::Ran {
    let path: PathBuf = home.path().to_owned();
    tokio::task::spawn_blocking(move || {
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).chain(KEYS).collect();
        run_in(&path, &["whoami"], &env)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_certificate_of_the_office_is_trusted_only_if_a_file_says_so() {
    let (tls, pem, der) = certificate("localhost");
    let server = Server::over_tls(tls, sts).await;
    let home = Home::new();
    std::fs::write(home.path().join("root.pem"), pem).unwrap();
    std::fs::write(home.path().join("root.der"), der).unwrap();
    let endpoint = ("FLOWKEEPER_ENDPOINT", format!("https://localhost:{}", server.port));
    for file in ["root.pem", "root.der"] {
        let ran = run(&home, vec![endpoint.clone(), ("FLOWKEEPER_EXTRA_ROOT_FILE", file.to_owned())]).await;
        assert!(ran.clone().good().contains("user/id"), "{}", ran.whole());
    }
    let before = server.seen().len();
    let said = run(&home, vec![endpoint]).await.refused(1).join("\n");
    assert!(
        said.contains("no connection to localhost:") && said.contains("FLOWKEEPER_EXTRA_ROOT_FILE names"),
        "{said}"
    );
    assert_eq!(server.seen().len(), before, "nothing is sent to a server that is not trusted");
}

/// A proxy that connects every CONNECT to `port`, and returns what it was asked for.
async fn proxy(port: u16) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, asks) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let asked = asked.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                asked.send(head.lines().next().unwrap_or_default().to_owned()).unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address.port(), asks)
}

#[tokio::test]
async fn calls_go_through_the_proxy_of_the_office_and_those_to_this_machine_do_not() {
    // A host that does not exist: only the proxy can lead to it.
    let (tls, pem, _) = certificate("sts.office.invalid");
    let server = Server::over_tls(tls, sts).await;
    let (port, mut asks) = proxy(server.port).await;
    let home = Home::new();
    std::fs::write(home.path().join("root.pem"), pem).unwrap();
    let env = vec![
        ("FLOWKEEPER_STS_ENDPOINT", "https://sts.office.invalid".to_owned()),
        ("FLOWKEEPER_EXTRA_ROOT_FILE", "root.pem".to_owned()),
        ("HTTPS_PROXY", format!("http://127.0.0.1:{port}")),
    ];
    let ran = run(&home, env).await;
    assert!(ran.clone().good().contains("user/id"), "{}", ran.whole());
    assert_eq!(asks.recv().await.unwrap(), "CONNECT sts.office.invalid:443 HTTP/1.1");

    let plain = Server::answering(sts).await;
    let unreachable = vec![
        ("FLOWKEEPER_ENDPOINT", plain.url("")),
        ("HTTP_PROXY", "http://127.0.0.1:1".to_owned()),
        ("HTTPS_PROXY", "http://127.0.0.1:1".to_owned()),
    ];
    run(&home, unreachable).await.good();
}

#[test]
fn a_proxy_that_is_no_address_is_wrong_usage_and_is_not_passed_over() {
    let key = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted")];
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let env = [&key[..], &[(name, "http://planted:planted@bad host:x")]].concat();
        let said = Home::new().run(&["whoami"], &env).refused(64).join("\n");
        assert!(said.contains(&format!("error: {name} is no address of a proxy")), "{said}");
        assert!(!said.contains("planted"), "{said}");
    }
}
