//! A role that is assumed with the token of an identity provider: RRSA on ACK, and CI without a key.

use std::{fs, path::PathBuf};

use openapi::AssumeRoleWithOidc;
use settings::Settings;

use crate::{
    call_remedy::remedy,
    credentials::{
        environment::is_on,
        error::SourceError,
        exchange::Exchange,
        key::Key,
        role::{RoleToAssume, any_region},
        sts,
    },
};

/// The prefixes of the trio's variables.
const PREFIXES: [&str; 2] = ["ALIBABA_CLOUD_", "ALIBABACLOUD_"];
/// The maximum size of a token file, in bytes.
const MAX_TOKEN_BYTES: u64 = 64 << 10;

/// A role that is assumed with a token from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcRole {
    pub(crate) role: RoleToAssume,
    pub(crate) provider: String,
    pub(crate) token_file: PathBuf,
}

/// Returns the role that the environment describes, if it does. `ROLE_ARN` alone is not enough to mean this.
pub(crate) fn of_environment(env: &Settings) -> Result<Option<OidcRole>, SourceError> {
    let get = |name: &str| PREFIXES.iter().find_map(|prefix| env.get(&format!("{prefix}{name}")));
    let names = ["ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE"];
    let [arn, provider, token_file] = names.map(get);
    if provider.is_none() && token_file.is_none() {
        return Ok(None);
    }
    let place = "the environment";
    let (Some(arn), Some(provider), Some(token_file)) = (arn, provider, token_file) else {
        let (set, unset): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| get(name).is_some());
        let listed = |some: Vec<&str>| some.iter().map(|name| format!("ALIBABA_CLOUD_{name}")).collect::<Vec<_>>();
        let (set, unset) = (listed(set).join(" and "), listed(unset).join(" and "));
        let problem = format!("{set} without {unset}: an OIDC role needs all three");
        return Err(SourceError::new(place, problem, format!("export {unset} as well, or unset {set}")));
    };
    let url = sts::url(None, None, is_on(env, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"), env, place)?;
    let role = RoleToAssume::new(arn, get("ROLE_SESSION_NAME"), url, place)?;
    Ok(Some(OidcRole { role, provider: provider.to_owned(), token_file: token_file.into() }))
}

impl OidcRole {
    /// Reads the token and calls `AssumeRoleWithOIDC`.
    pub(crate) async fn assume(&self, exchange: &Exchange, place: &str) -> Result<Key, SourceError> {
        let token = self.token(place)?;
        let asked = AssumeRoleWithOidc {
            role: &self.role.arn,
            provider: &self.provider,
            token: &token,
            session_name: &self.role.session_name,
            duration: self.role.duration,
            policy: self.role.policy.as_deref(),
        };
        let client = exchange.sts_client(self.role.sts.clone());
        let assumed = client
            .assume_role_with_oidc(&asked, &any_region(), None)
            .await
            .map_err(|error| SourceError::new(place, format!("{error} {}", error.cause), remedy(&error)))?;
        Ok(Key { credentials: assumed.credentials, expiration: Some(assumed.expiration) })
    }

    /// Reads the token. The file is rewritten all the time, so it is read when it is needed.
    fn token(&self, place: &str) -> Result<String, SourceError> {
        let file = self.token_file.display();
        let failed = |problem: String| {
            SourceError::new(place, problem, "check the variable or oidc_token_file, and who may read the file")
        };
        let size = fs::metadata(&self.token_file).map(|found| found.len());
        let text = match size {
            Ok(size) if size > MAX_TOKEN_BYTES => {
                return Err(failed(format!("{file} is larger than {MAX_TOKEN_BYTES} bytes, and no token")));
            }
            Ok(_) => fs::read_to_string(&self.token_file),
            Err(error) => Err(error),
        };
        let text = text.map_err(|error| failed(format!("the token file {file} cannot be read: {error}")))?;
        let token = text.trim();
        if token.is_empty() { Err(failed(format!("the token file {file} is empty"))) } else { Ok(token.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_describes_a_role_with_all_three_or_is_wrong() {
        let trio = [
            ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::2:role/audit"),
            ("ALIBABACLOUD_OIDC_PROVIDER_ARN", "acs:ram::2:oidc-provider/ack"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/run/token"),
        ];
        let found = of_environment(&Settings::from_pairs(trio)).unwrap().unwrap();
        assert_eq!(found.role.arn.as_str(), "acs:ram::2:role/audit");
        assert_eq!((found.role.session_name.as_str(), found.provider.as_str()), ("flowkeeper", trio[1].1));
        let named = trio.into_iter().chain([("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ci")]);
        assert_eq!(of_environment(&Settings::from_pairs(named)).unwrap().unwrap().role.session_name, "ci");

        let error = of_environment(&Settings::from_pairs([trio[0], trio[2]])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment: ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE without \
             ALIBABA_CLOUD_OIDC_PROVIDER_ARN: an OIDC role needs all three"
        );
        assert_eq!(of_environment(&Settings::from_pairs([trio[0]])), Ok(None), "a role may be for another purpose");
        let odd = [("ALIBABA_CLOUD_ROLE_ARN", "audit"), trio[1], trio[2]];
        assert!(of_environment(&Settings::from_pairs(odd)).is_err());
    }
}
