//! The client's settings, read by name.

use std::{fs::File, io::Read as _};

use rustls::{RootCertStore, pki_types::TrustAnchor};

use crate::{
    Quotas,
    endpoints::{self, Endpoints, Network},
};

/// A setting that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct InvalidSetting {
    /// The name of the setting.
    pub name: &'static str,
    /// What is wrong with it, as the rest of a sentence.
    pub problem: String,
}

impl InvalidSetting {
    /// Says of the setting `name`, whose value is `value`, what is wrong with it.
    #[must_use]
    pub fn new(name: &'static str, value: &str, problem: &str) -> Self {
        Self { name, problem: format!("is {value:?}: {problem}") }
    }
}

/// How the client reaches the cloud.
#[derive(Debug, Clone, Default)]
pub struct ClientSettings {
    /// Where each product answers.
    pub endpoints: Endpoints,
    /// What calls are signed with.
    pub signature: SignatureMethod,
    /// How many calls are made, at most.
    pub quotas: Quotas,
    /// Who may vouch for an endpoint besides the public roots.
    pub extra_roots: Vec<TrustAnchor<'static>>,
}

/// What calls are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureMethod {
    /// HMAC-SHA1, as the RPC-style products have always taken it.
    #[default]
    HmacSha1,
    /// ACS3-HMAC-SHA256, which the documents prefer.
    Acs3HmacSha256,
}

impl ClientSettings {
    /// Reads `FLOWKEEPER_ENDPOINT`, `FLOWKEEPER_{VPC,ECS,ECR,STS}_ENDPOINT`, `FLOWKEEPER_NETWORK`,
    /// `FLOWKEEPER_SIGNATURE`, and the file that `FLOWKEEPER_EXTRA_ROOT_FILE` names. The quotas are the documented ones.
    ///
    /// # Errors
    /// Every one that cannot be used.
    pub fn read(setting: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<InvalidSetting>> {
        let mut problems = Vec::new();

        let mut url = |name: &'static str| {
            let text = setting(name)?;
            let refused = |problem: String| match text.contains('@') {
                // There may be a password in it.
                true => InvalidSetting { name, problem: format!("is an address that {problem}") },
                false => InvalidSetting::new(name, &text, &problem),
            };
            endpoints::parse(&text).map_err(|problem| problems.push(refused(problem))).ok()
        };
        let all = url("FLOWKEEPER_ENDPOINT");
        let vpc = url("FLOWKEEPER_VPC_ENDPOINT").or_else(|| all.clone());
        let ecs = url("FLOWKEEPER_ECS_ENDPOINT").or_else(|| all.clone());
        let ecr = url("FLOWKEEPER_ECR_ENDPOINT").or_else(|| all.clone());
        let sts = url("FLOWKEEPER_STS_ENDPOINT").or_else(|| all.clone());

        let network = match setting("FLOWKEEPER_NETWORK").as_deref() {
            None | Some("public") => Network::Public,
            Some("vpc") => Network::Vpc,
            Some(other) => {
                problems.push(InvalidSetting::new("FLOWKEEPER_NETWORK", other, "must be public or vpc"));
                Network::Public
            }
        };
        let signature = match setting("FLOWKEEPER_SIGNATURE").as_deref() {
            None | Some("hmac-sha1") => SignatureMethod::HmacSha1,
            Some("acs3-hmac-sha256") => SignatureMethod::Acs3HmacSha256,
            Some(other) => {
                let problem = "must be hmac-sha1 or acs3-hmac-sha256";
                problems.push(InvalidSetting::new("FLOWKEEPER_SIGNATURE", other, problem));
                SignatureMethod::default()
            }
        };

        let name = "FLOWKEEPER_EXTRA_ROOT_FILE";
        let extra_roots = setting(name).map_or(Ok(Vec::new()), |file| extra_root(&file)).unwrap_or_else(|problem| {
            problems.push(InvalidSetting { name, problem });
            Vec::new()
        });

        if problems.is_empty() {
            let endpoints = Endpoints { network, vpc, ecs, ecr, sts };
            Ok(Self { endpoints, signature, quotas: Quotas::default(), extra_roots })
        } else {
            Err(problems)
        }
    }
}

/// The largest certificate that is read, in bytes. Most have two KB.
const LARGEST_CERTIFICATE: u64 = 64 << 10;

/// The certificate in a file, as one that vouches for others. In DER, as reading PEM would double what this adds to every
/// binary.
fn extra_root(file: &str) -> Result<Vec<TrustAnchor<'static>>, String> {
    let mut certificate = Vec::new();
    // No more than is needed to see that it is none: a file without end would take all the memory there is.
    File::open(file)
        .and_then(|file| file.take(LARGEST_CERTIFICATE).read_to_end(&mut certificate))
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
    use crate::Product;

    fn read(pairs: &[(&str, &str)]) -> Result<ClientSettings, Vec<InvalidSetting>> {
        ClientSettings::read(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_endpoint_of_one_product_wins_over_the_one_of_all() {
        let settings =
            read(&[("FLOWKEEPER_ENDPOINT", "http://127.0.0.1:1"), ("FLOWKEEPER_ECS_ENDPOINT", "http://127.0.0.1:2")])
                .unwrap();
        let region = "cn-hangzhou".parse().unwrap();
        assert_eq!(settings.endpoints.url(Product::Vpc, &region).port(), Some(1));
        assert_eq!(settings.endpoints.url(Product::Ecs, &region).port(), Some(2));
        assert_eq!(settings.endpoints.url(Product::Ecr, &region).port(), Some(1));
        assert_eq!(settings.endpoints.url(Product::Sts, &region).port(), Some(1));
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
            let found = problems[0].to_string();
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
        let names: Vec<_> = problems.iter().map(|problem| problem.name).collect();
        assert_eq!(names, ["FLOWKEEPER_ENDPOINT", "FLOWKEEPER_NETWORK", "FLOWKEEPER_SIGNATURE"]);
        assert_eq!(problems[1].to_string(), "FLOWKEEPER_NETWORK is \"internal\": must be public or vpc");
    }
}
