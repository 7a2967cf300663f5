//! Resources and flow logs for tests.

use flow_log::{Delivery, FlowLog, ObservedTags, Policy, Resource, Status};

/// A VPC in cn-hangzhou, in the function's own account.
pub(crate) fn vpc(id: &str) -> Resource {
    resource(id, &[])
}

/// A resource in cn-hangzhou, in the function's own account, with the resources that contain it.
pub(crate) fn resource(id: &str, parents: &[&str]) -> Resource {
    Resource {
        account: "1000000000000001".parse().unwrap(),
        region: "cn-hangzhou".parse().unwrap(),
        id: id.parse().unwrap(),
        parents: parents.iter().map(|parent| parent.parse().unwrap()).collect(),
        tags: Some(ObservedTags::new()),
        name: None,
        is_service_managed: false,
        creation_time: None,
        has_ipv6: None,
    }
}

/// The same resource with tags.
pub(crate) fn tagged(resource: Resource, tags: &[(&str, &str)]) -> Resource {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Resource { tags: Some(tags), ..resource }
}

/// The smallest policy, with `more` added.
pub(crate) fn policy(more: &str) -> Policy {
    Policy::parse(&format!("flow_log: {{project: flowlog, log_store: vpc}}\n{more}")).unwrap()
}

/// An active own flow log on `resource`, as the policy of [`policy`] wants it.
pub(crate) fn own(id: &str, resource: &str) -> FlowLog {
    FlowLog {
        id: id.parse().unwrap(),
        resource_id: resource.to_owned(),
        name: Some(format!("flowkeeper-{resource}")),
        description: Some("Kept by Flowkeeper".to_owned()),
        traffic_type: Some("All".to_owned()),
        traffic_path: Some(Vec::new()),
        project: Some("flowlog".to_owned()),
        log_store: Some("vpc".to_owned()),
        aggregation_interval: Some(10),
        ip_version: Some("IPv4".to_owned()),
        resource_group_id: None,
        tags: Some([("managed-by".to_owned(), "flowkeeper".to_owned())].into_iter().collect()),
        status: Status::Active,
        service_type: None,
        delivery: Delivery::Working,
        resource_type: Some("VPC".to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        creation_time: None,
        business_status: Some("Normal".to_owned()),
        log_format: None,
    }
}

/// A foreign flow log.
pub(crate) fn foreign(id: &str, resource: &str) -> FlowLog {
    FlowLog { tags: Some(ObservedTags::new()), name: Some("theirs".to_owned()), ..own(id, resource) }
}
