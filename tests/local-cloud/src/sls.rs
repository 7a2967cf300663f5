//! Log Service: projects, Logstores, indexes and the records in them, and queries of the lines that functions write.

pub(crate) mod alert;
pub(crate) mod api;
mod authenticate;
mod body;
pub(crate) mod lines;
pub(crate) mod query;
pub(crate) mod records;
pub(crate) mod refusals;
pub(crate) mod signature;
pub(crate) mod state;
pub(crate) mod traffic;

use bytes::Bytes;
use http::{Request, header};

use crate::api::authenticate::text;

/// What the host of every project ends with.
const DOMAIN: &str = ".log.aliyuncs.com";

/// Returns whether a request is meant for Log Service: by its host, or by its signature or version.
pub(crate) fn is_for(request: &Request<Bytes>) -> bool {
    let headers = request.headers();
    let signature = text(headers, header::AUTHORIZATION.as_str()).unwrap_or_default();
    host(request).is_some()
        || ["SLS4-", "LOG "].iter().any(|start| signature.starts_with(start))
        || headers.contains_key("x-log-apiversion")
}

/// The project, if there is one, and the region that a host names.
#[derive(Debug, PartialEq, Eq)]
struct Host<'a> {
    project: Option<&'a str>,
    region: &'a str,
}

/// Returns what the host of a request names. There are no paths with a project, so any other host is refused.
fn host(request: &Request<Bytes>) -> Option<Host<'_>> {
    let name = text(request.headers(), header::HOST.as_str())?.strip_suffix(DOMAIN)?;
    let (project, region) = name.split_once('.').map_or((None, name), |(project, region)| (Some(project), region));
    let region = region.strip_suffix("-intranet").unwrap_or(region);
    (!region.is_empty() && !region.contains('.')).then_some(Host { project, region })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_names_a_project_and_a_region() {
        for (name, expected) in [
            ("flowlog.cn-hangzhou.log.aliyuncs.com", Some((Some("flowlog"), "cn-hangzhou"))),
            ("flowlog.cn-hangzhou-intranet.log.aliyuncs.com", Some((Some("flowlog"), "cn-hangzhou"))),
            ("cn-hangzhou.log.aliyuncs.com", Some((None, "cn-hangzhou"))),
            ("a.b.cn-hangzhou.log.aliyuncs.com", None),
            ("log.aliyuncs.com", None),
            ("127.0.0.1:9900", None),
        ] {
            let request = Request::builder().header("host", name).body(Bytes::new()).unwrap();
            assert_eq!(host(&request), expected.map(|(project, region)| Host { project, region }), "{name}");
        }
    }
}
