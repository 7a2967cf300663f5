//! Which STS a source asks.

use openapi::ClientSettings;
use reqwest::Url;
use settings::Settings;

use crate::credentials::{environment::is_on, error::SourceError};

/// Returns the URL of STS for a source that names an endpoint, a region, or neither.
///
/// The endpoint wins, then the region, then `ALIBABA_CLOUD_STS_ENDPOINT` and `ALIBABA_CLOUD_STS_REGION`; otherwise it is
/// the central one. `is_vpc`, or `ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED`, is for machines inside a VPC.
pub(crate) fn url(
    endpoint: Option<&str>,
    region: Option<&str>,
    is_vpc: bool,
    env: &Settings,
    place: &str,
) -> Result<Url, SourceError> {
    let is_vpc = is_vpc || is_on(env, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
    let product = if is_vpc { "sts-vpc" } else { "sts" };
    let of_region = |id: &str| format!("{product}.{id}.aliyuncs.com");
    let by_environment = || match env.get("ALIBABA_CLOUD_STS_ENDPOINT") {
        Some(host) => host.to_owned(),
        None => env.get("ALIBABA_CLOUD_STS_REGION").map_or_else(|| "sts.aliyuncs.com".to_owned(), of_region),
    };
    let host = match endpoint {
        Some(host) => host.to_owned(),
        None => region.map_or_else(by_environment, of_region),
    };
    let text = if host.contains("://") { host.clone() } else { format!("https://{host}/") };
    // The client's own rules: https, unless it is this machine, and neither user nor query.
    let settings = ClientSettings::read(&Settings::from_pairs([("FLOWKEEPER_STS_ENDPOINT", text)]));
    settings.ok().and_then(|settings| settings.endpoints.sts).ok_or_else(|| {
        let problem = "its endpoint of STS is no host name, as in sts.cn-hangzhou.aliyuncs.com";
        SourceError::new(place, problem, "correct sts_endpoint or sts_region, or ALIBABA_CLOUD_STS_ENDPOINT")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_wins_over_the_region_and_both_over_the_environment() {
        let set = [
            ("ALIBABA_CLOUD_STS_ENDPOINT", "sts.example.com"),
            ("ALIBABA_CLOUD_STS_REGION", "cn-beijing"),
            ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true"),
        ];
        for (endpoint, region, is_vpc, variables, expected) in [
            (None, None, false, &set[..0], "https://sts.aliyuncs.com/"),
            (None, Some("cn-hangzhou"), false, &set[..0], "https://sts.cn-hangzhou.aliyuncs.com/"),
            (None, Some("cn-hangzhou"), true, &set[..0], "https://sts-vpc.cn-hangzhou.aliyuncs.com/"),
            (Some("sts-vpc.me-east-1.aliyuncs.com"), Some("x"), false, &set, "https://sts-vpc.me-east-1.aliyuncs.com/"),
            (None, Some("cn-hangzhou"), false, &set, "https://sts-vpc.cn-hangzhou.aliyuncs.com/"),
            (None, None, false, &set, "https://sts.example.com/"),
            (None, None, false, &set[1..2], "https://sts.cn-beijing.aliyuncs.com/"),
            (None, None, false, &set[1..], "https://sts-vpc.cn-beijing.aliyuncs.com/"),
        ] {
            let env = Settings::from_pairs(variables.iter().copied());
            assert_eq!(url(endpoint, region, is_vpc, &env, "x").unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_key_never_goes_to_a_host_in_the_clear_or_to_what_is_no_host() {
        for odd in ["http://sts.aliyuncs.com", "user:planted@sts.aliyuncs.com", "sts.aliyuncs.com/?a=planted", "a b"] {
            let error = url(Some(odd), None, false, &Settings::default(), "profile x").unwrap_err();
            assert!(error.to_string().starts_with("profile x: its endpoint of STS is no host"), "{error}");
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
    }
}
