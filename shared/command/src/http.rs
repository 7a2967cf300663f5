//! HTTP on a person's machine: through the office's proxy, and with the certificates that the machine trusts.

use std::{
    fs::File,
    io::Read as _,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use reqwest::{RequestBuilder, Url};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

/// The maximum size of a certificate file, in bytes.
const MAX_CERTIFICATE_BYTES: u64 = 1 << 20;
/// The maximum size of an answer, in bytes. Answers with credentials have about two KB.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The HTTP clients of the command.
#[derive(Debug, Clone)]
pub struct Http {
    /// Goes through the proxies that the environment names.
    proxied: reqwest::Client,
    /// Goes straight to its host.
    direct: reqwest::Client,
}

impl Http {
    /// Creates the clients. They trust what the machine trusts, and the certificates in `extra_root_file`.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn new(extra_root_file: Option<&Path>) -> Result<Self, String> {
        let extra = extra_root_file.map_or_else(|| Ok(Vec::new()), certificates)?;
        let tls = trusting(extra)?;
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(|error| format!("no HTTP: {error}"));
        Ok(Self {
            proxied: build(openapi::http_client(tls.clone()))?,
            direct: build(openapi::http_client(tls).no_proxy())?,
        })
    }

    /// Returns the client for the cloud, or for another one at `endpoint`.
    #[must_use]
    pub fn for_cloud(&self, endpoint: Option<&Url>) -> &reqwest::Client {
        endpoint.map_or(&self.proxied, |endpoint| self.for_url(endpoint))
    }

    /// Returns the client for `url`. A proxy knows nothing of this machine or of its metadata service, and credentials
    /// that come from there in the clear must not pass through one.
    #[must_use]
    pub fn for_url(&self, url: &Url) -> &reqwest::Client {
        if is_local(url) { &self.direct } else { &self.proxied }
    }
}

/// Returns the host of a URL, and its port if that is another one than usual. A user and a password in it are not for
/// messages.
pub(crate) fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// Returns whether the URL is of this machine, or of a network that belongs to its host: loopback, link-local, and
/// 100.64.0.0/10, in which Alibaba Cloud's metadata service is.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local() || is_of_the_host(address),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

const fn is_of_the_host(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0b1100_0000 == 64
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, 200..300)
    }
}

/// Why nothing came back. It names no URL, since a path may be a secret.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    pub(crate) reason: String,
}

/// Sends a request and reads the answer within `timeout`.
pub(crate) async fn send(request: RequestBuilder, timeout: Duration) -> Result<Answer, NoAnswer> {
    let failed = |error: reqwest::Error| {
        let reason = if error.is_timeout() {
            format!("no answer within {} s", timeout.as_secs())
        } else {
            let mut innermost: &(dyn std::error::Error + 'static) = &error;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            // The outer errors repeat the URL.
            if innermost.is::<reqwest::Error>() { "the request failed".to_owned() } else { innermost.to_string() }
        };
        NoAnswer { reason }
    };
    let mut response = request.timeout(timeout).send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            let reason = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes");
            return Err(NoAnswer { reason });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

/// Reads the certificates in a file, in PEM or DER.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut bytes = Vec::new();
    // Bounded: an endless file such as a device would exhaust the memory.
    File::open(file)
        .and_then(|file| file.take(MAX_CERTIFICATE_BYTES).read_to_end(&mut bytes))
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let is_pem = bytes.windows(5).any(|window| window == b"-----");
    let found = if is_pem {
        CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("{} is no certificate in PEM: {error}", file.display()))?
    } else {
        vec![CertificateDer::from(bytes)]
    };
    let mut roots = RootCertStore::empty();
    for certificate in &found {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("{} is no certificate in PEM or DER: {error}", file.display()))?;
    }
    if roots.is_empty() { Err(format!("{} has no certificate", file.display())) } else { Ok(found) }
}

fn trusting(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no TLS: {error}"))?;
    // The verifier takes extra roots for enough: a container without a certificate store, such as one made from scratch,
    // would trust them and nothing else. So the store is asked for first.
    if Verifier::new(Arc::clone(&provider)).is_err() {
        return Ok(builder.with_root_certificates(public_roots(extra)).with_no_client_auth());
    }
    let verifier =
        Verifier::new_with_extra_roots(extra, provider).map_err(|error| format!("no certificates: {error}"))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// The public roots that are compiled in, and more.
fn public_roots(extra: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(extra);
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_reached_without_a_proxy() {
        for (url, expected) in [
            ("http://127.0.0.1:9900/", true),
            ("http://localhost:80/", true),
            ("http://[::1]/", true),
            ("http://[fe80::1]/", true),
            ("http://100.100.100.200/latest", true),
            ("http://169.254.1.1/", true),
            ("http://100.63.0.1/", false),
            ("http://100.128.0.1/", false),
            ("https://sts.aliyuncs.com/", false),
            ("http://localhost.evil.example/", false),
            ("http://127.0.0.1.evil.example/", false),
        ] {
            assert_eq!(is_local(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn without_a_store_a_certificate_of_the_office_adds_to_the_public_ones() {
        let key = rcgen::KeyPair::generate().unwrap();
        let office = rcgen::CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
        let public = public_roots(Vec::new()).len();
        assert!(public > 100, "{public} public roots");
        assert_eq!(public_roots(vec![office.der().clone()]).len(), public + 1);
    }

    #[test]
    fn a_file_that_is_no_certificate_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("root.pem");
        for (text, says) in [
            ("", "root.pem is no certificate in PEM or DER"),
            ("hello", "root.pem is no certificate in PEM or DER"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "root.pem is no certificate"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "root.pem has no certificate"),
        ] {
            std::fs::write(&file, text).unwrap();
            let problem = Http::new(Some(&file)).unwrap_err();
            assert!(problem.contains(says), "{text}: {problem}");
        }
        let problem = Http::new(Some(&folder.path().join("none.pem"))).unwrap_err();
        assert!(problem.contains("none.pem cannot be read"), "{problem}");
    }
}
