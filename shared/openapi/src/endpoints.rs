//! The endpoints of each product.

use std::{fmt, net::IpAddr};

use flow_log::{AccountId, RegionId};
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
    /// Resource Directory: the accounts of an organization.
    ResourceDirectory,
    /// Function Compute: asynchronous invocations.
    Fc,
    /// Simple Log Service: the destinations of flow logs.
    Sls,
    /// Billing (BSS OpenAPI): what an account has paid.
    Bss,
    /// `CloudMonitor`: how much a Logstore takes in.
    Cms,
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
            Self::ResourceDirectory => "2022-04-19",
            Self::Fc => "2023-03-30",
            Self::Sls => "0.6.0",
            Self::Bss => "2017-12-14",
            Self::Cms => "2019-01-01",
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
            Self::ResourceDirectory => "Resource Directory",
            Self::Fc => "Function Compute",
            Self::Sls => "Simple Log Service",
            Self::Bss => "Billing",
            Self::Cms => "CloudMonitor",
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
    /// URL for Resource Directory.
    pub resource_directory: Option<Url>,
    /// URL for Function Compute, for every account and region.
    pub fc: Option<Url>,
    /// URL to connect to for Simple Log Service. Requests still name the host of their project.
    pub sls: Option<Url>,
    /// URL for Billing.
    pub bss: Option<Url>,
    /// URL for `CloudMonitor` in every region.
    pub cms: Option<Url>,
}

/// What decides which host a call goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) product: Product,
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a RegionId,
    /// The project, for Simple Log Service.
    pub(crate) project: &'a str,
    /// For Resource Directory and Billing: ask the site that the region does not suggest.
    pub(crate) at_other_site: bool,
}

impl Endpoints {
    /// Returns the URL that is connected to.
    pub(crate) fn url(&self, to: Target<'_>) -> Url {
        let given = match to.product {
            Product::Vpc => &self.vpc,
            Product::Ecs => &self.ecs,
            Product::Ecr => &self.ecr,
            Product::Sts => &self.sts,
            Product::ResourceDirectory => &self.resource_directory,
            Product::Fc => &self.fc,
            Product::Sls => &self.sls,
            Product::Bss => &self.bss,
            Product::Cms => &self.cms,
        };
        given.clone().unwrap_or_else(|| {
            let host = self.host(to);
            #[expect(clippy::expect_used, reason = "none of the parts holds anything that a host name may not")]
            format!("https://{host}/").parse().expect("a host name")
        })
    }

    /// Returns the URL of STS in a region, which also tells whose key it is: no account is needed.
    #[must_use]
    pub fn sts_url(&self, region: &RegionId) -> Url {
        self.sts.clone().unwrap_or_else(|| {
            #[expect(clippy::expect_used, reason = "a RegionId holds nothing that a host name may not")]
            format!("https://{}.aliyuncs.com/", self.sts_name(region)).parse().expect("a host name")
        })
    }

    fn sts_name(&self, region: &RegionId) -> String {
        match self.network {
            Network::Public => format!("sts.{region}"),
            Network::Vpc => format!("sts-vpc.{region}"),
        }
    }

    /// Returns Alibaba Cloud's own host for the call.
    ///
    /// Source: the endpoint tables of each product; the `vpc` endpoints exist in every region. Express Connect Router
    /// has one host for all regions, whatever the SDKs' rule would give. Resource Directory and Billing have one for each
    /// of the two sites, Function Compute one for each account, and Simple Log Service one for each project. No host
    /// within a VPC is documented for Billing and `CloudMonitor`.
    pub(crate) fn host(&self, to: Target<'_>) -> String {
        let Target { account, region, project, .. } = to;
        let name = match (to.product, self.network) {
            (Product::Vpc, Network::Public) => format!("vpc.{region}"),
            (Product::Vpc, Network::Vpc) => format!("vpc-vpc.{region}"),
            (Product::Ecs, Network::Public) => format!("ecs.{region}"),
            (Product::Ecs, Network::Vpc) => format!("ecs-vpc.{region}"),
            (Product::Sts, _) => self.sts_name(region),
            (Product::Ecr, Network::Public) => "expressconnectrouter.cn-shanghai".to_owned(),
            (Product::Ecr, Network::Vpc) => "expressconnectrouter.vpc-proxy".to_owned(),
            (Product::ResourceDirectory, Network::Public) if is_china_site(region) != to.at_other_site => {
                "resourcedirectory".to_owned()
            }
            (Product::ResourceDirectory, Network::Public) => "resourcedirectory-intl".to_owned(),
            (Product::ResourceDirectory, Network::Vpc) => "resourcedirectory.vpc-proxy".to_owned(),
            (Product::Fc, Network::Public) => format!("{account}.{region}.fc"),
            (Product::Fc, Network::Vpc) => format!("{account}.{region}-internal.fc"),
            // A project keeps its public name where another server stands in for it.
            (Product::Sls, Network::Vpc) if self.sls.is_none() => format!("{project}.{region}-intranet.log"),
            (Product::Sls, _) => format!("{project}.{region}.log"),
            (Product::Bss, _) if is_china_site(region) != to.at_other_site => "business".to_owned(),
            (Product::Bss, _) => "business.ap-southeast-1".to_owned(),
            (Product::Cms, _) => format!("metrics.{region}"),
        };
        name + ".aliyuncs.com"
    }

    /// Returns whether the call may be made at the product's other site if this one refuses it. Which site an account
    /// belongs to is not in any answer; a configured endpoint is the only one.
    pub(crate) fn has_other_site(&self, product: Product) -> bool {
        match product {
            Product::ResourceDirectory => self.resource_directory.is_none() && self.network == Network::Public,
            Product::Bss => self.bss.is_none(),
            _ => false,
        }
    }
}

/// Returns whether an account that works in this region probably belongs to the site for China.
fn is_china_site(region: &RegionId) -> bool {
    region.as_str().starts_with("cn-")
}

/// Parses the base URL of an endpoint. Plain http is allowed only for loopback: a key must not cross a network in the
/// clear.
///
/// # Errors
/// Describes what is wrong, in a sentence.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let url: Url =
        text.parse().map_err(|error| format!("must be a URL, as in https://vpc.cn-hangzhou.aliyuncs.com: {error}"))?;
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

    fn hosts(endpoints: &Endpoints, product: Product, region: &str) -> String {
        let (account, region) = ("1000000000000001".parse().unwrap(), region.parse().unwrap());
        let to = Target { product, account: &account, region: &region, project: "flowlog", at_other_site: false };
        endpoints.url(to).to_string()
    }

    #[test]
    fn each_product_answers_at_its_host() {
        let public = Endpoints::default();
        let inside = Endpoints { network: Network::Vpc, ..Endpoints::default() };
        for (product, host, host_inside) in [
            (Product::Vpc, "vpc.cn-hangzhou", "vpc-vpc.cn-hangzhou"),
            (Product::Ecs, "ecs.cn-hangzhou", "ecs-vpc.cn-hangzhou"),
            (Product::Sts, "sts.cn-hangzhou", "sts-vpc.cn-hangzhou"),
            (Product::Ecr, "expressconnectrouter.cn-shanghai", "expressconnectrouter.vpc-proxy"),
            (Product::ResourceDirectory, "resourcedirectory", "resourcedirectory.vpc-proxy"),
            (Product::Fc, "1000000000000001.cn-hangzhou.fc", "1000000000000001.cn-hangzhou-internal.fc"),
            (Product::Sls, "flowlog.cn-hangzhou.log", "flowlog.cn-hangzhou-intranet.log"),
            (Product::Bss, "business", "business"),
            (Product::Cms, "metrics.cn-hangzhou", "metrics.cn-hangzhou"),
        ] {
            assert_eq!(hosts(&public, product, "cn-hangzhou"), format!("https://{host}.aliyuncs.com/"));
            assert_eq!(hosts(&inside, product, "cn-hangzhou"), format!("https://{host_inside}.aliyuncs.com/"));
        }
    }

    #[test]
    fn the_directory_and_the_bill_are_at_the_site_that_the_region_suggests_or_at_the_other_one() {
        let account = "1000000000000001".parse().unwrap();
        let endpoints = Endpoints::default();
        for (product, region, host, other) in [
            (Product::ResourceDirectory, "cn-hangzhou", "resourcedirectory", "resourcedirectory-intl"),
            (Product::ResourceDirectory, "cn-hongkong", "resourcedirectory", "resourcedirectory-intl"),
            (Product::ResourceDirectory, "ap-southeast-1", "resourcedirectory-intl", "resourcedirectory"),
            (Product::Bss, "cn-hangzhou", "business", "business.ap-southeast-1"),
            (Product::Bss, "eu-central-1", "business.ap-southeast-1", "business"),
        ] {
            let region = region.parse().unwrap();
            let here = Target { product, account: &account, region: &region, project: "", at_other_site: false };
            let there = Target { at_other_site: true, ..here };
            assert_eq!(
                [here, there].map(|to| endpoints.host(to)),
                [host, other].map(|name| name.to_owned() + ".aliyuncs.com")
            );
        }
        let url = Some("https://directory.example".parse().unwrap());
        for only in [
            Endpoints { resource_directory: url, ..Endpoints::default() },
            Endpoints { network: Network::Vpc, ..Endpoints::default() },
        ] {
            assert!(!only.has_other_site(Product::ResourceDirectory));
        }
        let configured = Endpoints { bss: Some("https://bills.example".parse().unwrap()), ..Endpoints::default() };
        assert!(!configured.has_other_site(Product::Bss) && endpoints.has_other_site(Product::Bss));
        assert!(endpoints.has_other_site(Product::ResourceDirectory) && !endpoints.has_other_site(Product::Vpc));
    }

    #[test]
    fn a_project_keeps_its_name_where_another_server_stands_in_for_it() {
        let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let sls = Some("http://127.0.0.1:9900".parse().unwrap());
        for network in [Network::Public, Network::Vpc] {
            let endpoints = Endpoints { network, sls: sls.clone(), ..Endpoints::default() };
            let to = Target {
                product: Product::Sls,
                account: &account,
                region: &region,
                project: "flowlog",
                at_other_site: false,
            };
            assert_eq!(endpoints.url(to).as_str(), "http://127.0.0.1:9900/");
            assert_eq!(endpoints.host(to), "flowlog.cn-hangzhou.log.aliyuncs.com");
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
