//! A root certificate and a server certificate signed by it, created for each run.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring};

/// The TLS configuration of a server on this machine, and the root certificate that its clients must trust.
pub(crate) struct Certificate {
    pub(crate) server: Arc<ServerConfig>,
    /// The root, as DER.
    pub(crate) root: PathBuf,
}

/// Creates both certificates, and writes the root certificate to `folder`.
pub(crate) fn make(folder: &Path) -> io::Result<Certificate> {
    let (server, root_as_der) = pair().map_err(io::Error::other)?;
    let root = folder.join("root.der");
    fs::write(&root, root_as_der)?;
    Ok(Certificate { server: Arc::new(server), root })
}

fn pair() -> Result<(ServerConfig, Vec<u8>), Box<dyn Error + Send + Sync>> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?;

    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new(["127.0.0.1".to_owned()])?.signed_by(&key, &Issuer::new(authority, authority_key))?;
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())?;
    Ok((server, root.der().to_vec()))
}
