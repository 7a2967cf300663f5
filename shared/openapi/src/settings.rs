//! The client's settings, read by name.

use std::{fs::File, io::Read as _};

use rustls::{RootCertStore, pki_types::TrustAnchor};
use settings::{InvalidSettings, Settings};

use crate::{
    Quotas,
    endpoints::{self, Endpoints, Network},
};

/// How the client reaches the cloud.
#[derive(Debug, Clone, Default)]
pub struct ClientSettings {
    /// The endpoints of each product.
    pub endpoints: Endpoints,
    /// How RPC calls are signed.
    pub signature: SignatureMethod,
    /// The maximum call rates.
    pub quotas: Quotas,
    /// CA certificates to trust in addition to the public roots.
    pub extra_roots: Vec<TrustAnchor<'static>>,
}

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureMethod {
    /// HMAC-SHA1, the traditional method of the RPC-style products.
    #[default]
    HmacSha1,
    /// ACS3-HMAC-SHA256, which the documentation recommends.
    Acs3HmacSha256,
}

impl ClientSettings {
    /// The names of the settings that [`ClientSettings::read`] reads.
    pub const NAMES: [&str; 13] = [
        "FLOWKEEPER_ENDPOINT",
        "FLOWKEEPER_VPC_ENDPOINT",
        "FLOWKEEPER_ECS_ENDPOINT",
        "FLOWKEEPER_ECR_ENDPOINT",
        "FLOWKEEPER_STS_ENDPOINT",
        "FLOWKEEPER_RESOURCE_DIRECTORY_ENDPOINT",
        "FLOWKEEPER_FC_ENDPOINT",
        "FLOWKEEPER_SLS_ENDPOINT",
        "FLOWKEEPER_BSS_ENDPOINT",
        "FLOWKEEPER_CMS_ENDPOINT",
        "FLOWKEEPER_NETWORK",
        "FLOWKEEPER_SIGNATURE",
        "FLOWKEEPER_EXTRA_ROOT_FILE",
    ];

    /// Reads the settings in [`ClientSettings::NAMES`]. Quotas are the documented ones.
    ///
    /// # Errors
    /// Lists every invalid setting.
    pub fn read(settings: &Settings) -> Result<Self, InvalidSettings> {
        let [all, vpc, ecs, ecr, sts, directory, fc, sls, bss, cms, network, signature, extra_root_file] = Self::NAMES;
        let mut invalid = InvalidSettings::default();
        let mut url = |name: &str| {
            let text = settings.get(name)?;
            let refused = |problem: String| {
                if text.contains('@') {
                    // The URL may contain a password, so it is not shown.
                    InvalidSettings::new(format_args!("{name} is an address that {problem}"))
                } else {
                    InvalidSettings::of(name, text, problem)
                }
            };
            invalid.collect(endpoints::parse(text).map_err(refused))
        };
        let all = url(all);
        let [vpc, ecs, ecr, sts, resource_directory, fc, sls, bss, cms] =
            [vpc, ecs, ecr, sts, directory, fc, sls, bss, cms].map(|name| url(name).or_else(|| all.clone()));
        let network = invalid.collect(settings.parse(network, |text| match text {
            "public" => Ok(Network::Public),
            "vpc" => Ok(Network::Vpc),
            _ => Err("must be public or vpc"),
        }));
        let signature = invalid.collect(settings.parse(signature, |text| match text {
            "hmac-sha1" => Ok(SignatureMethod::HmacSha1),
            "acs3-hmac-sha256" => Ok(SignatureMethod::Acs3HmacSha256),
            _ => Err("must be hmac-sha1 or acs3-hmac-sha256"),
        }));
        let extra_roots = settings.get(extra_root_file).map_or(Ok(Vec::new()), extra_root);
        let extra_roots = invalid
            .collect(extra_roots.map_err(|problem| InvalidSettings::new(format_args!("{extra_root_file} {problem}"))));
        invalid.into_result()?;
        let network = network.flatten().unwrap_or(Network::Public);
        let endpoints = Endpoints { network, vpc, ecs, ecr, sts, resource_directory, fc, sls, bss, cms };
        Ok(Self {
            endpoints,
            signature: signature.flatten().unwrap_or_default(),
            quotas: Quotas::default(),
            extra_roots: extra_roots.unwrap_or_default(),
        })
    }
}

/// The maximum size of a certificate file, in bytes. Most are about two KB.
const MAX_CERTIFICATE_BYTES: u64 = 64 << 10;

/// Reads a CA certificate from a file. DER only: PEM support would double what this feature adds to every binary.
fn extra_root(file: &str) -> Result<Vec<TrustAnchor<'static>>, String> {
    let mut certificate = Vec::new();
    // Bounded: an endless file such as a device would exhaust the memory.
    File::open(file)
        .and_then(|file| file.take(MAX_CERTIFICATE_BYTES).read_to_end(&mut certificate))
        .map_err(|error| format!("is {file}, which cannot be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.into()).map_err(|error| {
        format!("is {file}, which is no certificate in DER ({error}); `openssl x509 -outform der` makes one of PEM")
    })?;
    Ok(roots.roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Product, endpoints::Target};

    fn read(pairs: &[(&str, &str)]) -> Result<ClientSettings, InvalidSettings> {
        ClientSettings::read(&Settings::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn an_endpoint_of_one_product_wins_over_the_one_of_all() {
        let settings = read(&[
            ("FLOWKEEPER_ENDPOINT", "http://127.0.0.1:1"),
            ("FLOWKEEPER_ECS_ENDPOINT", "http://127.0.0.1:2"),
            ("FLOWKEEPER_RESOURCE_DIRECTORY_ENDPOINT", "http://127.0.0.1:3"),
            ("FLOWKEEPER_FC_ENDPOINT", "http://127.0.0.1:4"),
            ("FLOWKEEPER_SLS_ENDPOINT", "http://127.0.0.1:5"),
            ("FLOWKEEPER_BSS_ENDPOINT", "http://127.0.0.1:6"),
        ])
        .unwrap();
        let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        for (product, port) in [
            (Product::Vpc, 1),
            (Product::Ecs, 2),
            (Product::Ecr, 1),
            (Product::Sts, 1),
            (Product::ResourceDirectory, 3),
            (Product::Fc, 4),
            (Product::Sls, 5),
            (Product::Bss, 6),
            (Product::Cms, 1),
        ] {
            let to = Target { product, account: &account, region: &region, project: "", at_other_site: false };
            assert_eq!(settings.endpoints.url(to).port(), Some(port), "{product}");
        }
    }

    #[test]
    fn an_extra_root_that_is_no_certificate_in_der_is_refused_with_what_makes_one() {
        let no_certificate = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (file, problem) in [
            ("/nowhere/root.der", "cannot be read"),
            (no_certificate, "`openssl x509 -outform der`"),
            ("/dev/zero", "no certificate"),
        ] {
            let problems = read(&[("FLOWKEEPER_EXTRA_ROOT_FILE", file)]).unwrap_err();
            let found = &problems.messages()[0];
            assert!(found.starts_with("FLOWKEEPER_EXTRA_ROOT_FILE is /") && found.contains(problem), "{found}");
        }
    }

    #[test]
    fn the_signature_is_chosen_by_its_name() {
        assert_eq!(read(&[]).unwrap().signature, SignatureMethod::HmacSha1);
        let settings = read(&[("FLOWKEEPER_SIGNATURE", "acs3-hmac-sha256")]).unwrap();
        assert_eq!(settings.signature, SignatureMethod::Acs3HmacSha256);
    }

    #[test]
    fn every_bad_setting_is_named_at_once() {
        let problems = read(&[
            ("FLOWKEEPER_ENDPOINT", "http://10.0.0.1"),
            ("FLOWKEEPER_NETWORK", "internal"),
            ("FLOWKEEPER_SIGNATURE", "md5"),
        ])
        .unwrap_err();
        let [endpoint, network, signature] = problems.messages() else { panic!("{problems}") };
        assert!(endpoint.starts_with("FLOWKEEPER_ENDPOINT is \"http://10.0.0.1\": "), "{endpoint}");
        assert_eq!(network, "FLOWKEEPER_NETWORK is \"internal\": must be public or vpc");
        assert_eq!(signature, "FLOWKEEPER_SIGNATURE is \"md5\": must be hmac-sha1 or acs3-hmac-sha256");
    }
}
