//! What the tests of this crate share.

use flow_log::Resource;

/// The VPC of an account with this number.
pub(crate) fn vpc(number: u32) -> Resource {
    Resource {
        account: "1".parse().unwrap(),
        region: "cn-hangzhou".parse().unwrap(),
        id: format!("vpc-{number}").parse().unwrap(),
        name: None,
        parents: Vec::new(),
        tags: None,
        is_service_managed: false,
        creation_time: None,
        has_ipv6: None,
    }
}
