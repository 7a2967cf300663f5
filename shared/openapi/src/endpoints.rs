//! The endpoints of each product.

use std::{fmt, net::IpAddr};

use flow_log::RegionId;
use reqwest::Url;

/// A product of Alibaba Cloud that Flowkeeper calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// Virtual Private Cloud: VPCs, vSwitches, flow logs.
    Vpc,
    /// Elastic Compute Service: network interfaces.
    Ecs,
    /// Express Connect Router, which has its own flow logs.
    Ecr,
    /// Security Token Service: roles in other accounts.
    Sts,
}

impl Product {
    /// Returns the version of the product's API.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::Vpc => "2016-04-28",
            Self::Ecs => "2014-05-26",
            Self::Ecr => "2023-09-01",
            Self::Sts => "2015-04-01",
        }
    }

    /// Returns whether the product's calls take a `RegionId`.
    pub(crate) const fn takes_region(self) -> bool {
        matches!(self, Self::Vpc | Self::Ecs)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vpc => "VPC",
            Self::Ecs => "ECS",
            Self::Ecr => "Express Connect Router",
            Self::Sts => "STS",
        })
    }
}

/// Which set of Alibaba Cloud's endpoints is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Over the Internet.
    #[default]
    Public,
    /// From within a VPC, without Internet access.
    Vpc,
}

/// The base URL of each product.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Which set of endpoints to use for products without a URL of their own here.
    pub network: Network,
    /// URL for VPC in every region.
    pub vpc: Option<Url>,
    /// URL for ECS in every region.
    pub ecs: Option<Url>,
    /// URL for Express Connect Router.
    pub ecr: Option<Url>,
    /// URL for STS in every region.
    pub sts: Option<Url>,
}

impl Endpoints {
    /// Returns the URL of `product` in `region`.
    ///
    /// Source: the endpoint tables of each product; the `vpc` endpoints exist in every region. Express Connect Router
    /// has one host for all regions, whatever the SDKs' rule would give.
    #[must_use]
    pub fn url(&self, product: Product, region: &RegionId) -> Url {
        let given = match product {
            Product::Vpc => &self.vpc,
            Product::Ecs => &self.ecs,
            Product::Ecr => &self.ecr,
            Product::Sts => &self.sts,
        };
        given.clone().unwrap_or_else(|| {
            let host = match (product, self.network) {
                (Product::Vpc, Network::Public) => format!("vpc.{region}"),
                (Product::Vpc, Network::Vpc) => format!("vpc-vpc.{region}"),
                (Product::Ecs, Network::Public) => format!("ecs.{region}"),
                (Product::Ecs, Network::Vpc) => format!("ecs-vpc.{region}"),
                (Product::Sts, Network::Public) => format!("sts.{region}"),
                (Product::Sts, Network::Vpc) => format!("sts-vpc.{region}"),
                (Product::Ecr, Network::Public) => "expressconnectrouter.cn-shanghai".to_owned(),
                (Product::Ecr, Network::Vpc) => "expressconnectrouter.vpc-proxy".to_owned(),
            };
            #[expect(clippy::expect_used, reason = "a RegionId holds nothing that a host name may not")]
            format!("https://{host}.aliyuncs.com/").parse().expect("a host name")
        })
    }
}

/// Parses the base URL of an endpoint. Plain http is allowed only for loopback: a key must not cross a network in the
/// clear.
///
/// # Errors
/// Describes what is wrong, in a sentence.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let url: Url =
        text.parse().map_err(|error| format!("is no URL, as in https://vpc.cn-hangzhou.aliyuncs.com: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must be a bare URL, without user, query or fragment".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => {
            Err("is plain http, which is allowed for 127.0.0.0/8, [::1] and localhost alone; use https".to_owned())
        }
        _ => Err("must be an https URL".to_owned()),
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_answers_at_its_host() {
        let region = "cn-hangzhou".parse().unwrap();
        let public = Endpoints::default();
        let inside = Endpoints { network: Network::Vpc, ..Endpoints::default() };
        for (product, host, host_inside) in [
            (Product::Vpc, "vpc.cn-hangzhou", "vpc-vpc.cn-hangzhou"),
            (Product::Ecs, "ecs.cn-hangzhou", "ecs-vpc.cn-hangzhou"),
            (Product::Sts, "sts.cn-hangzhou", "sts-vpc.cn-hangzhou"),
            (Product::Ecr, "expressconnectrouter.cn-shanghai", "expressconnectrouter.vpc-proxy"),
        ] {
            assert_eq!(public.url(product, &region).as_str(), format!("https://{host}.aliyuncs.com/"));
            assert_eq!(inside.url(product, &region).as_str(), format!("https://{host_inside}.aliyuncs.com/"));
        }
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for text in ["http://127.0.0.1:9900", "http://127.8.9.1", "http://[::1]:1", "http://localhost:1", "https://a.b"]
        {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "http://vpc.cn-hangzhou.aliyuncs.com",
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "https://user:word@a.b",
            "https://a.b/?x=1",
            "ftp://127.0.0.1",
            "127.0.0.1:9900",
            "",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
