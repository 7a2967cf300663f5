//! Policies, which anyone who may set an environment variable can supply.

use flow_log::{Policy, Resource, desired, next_change};
use jiff::{Timestamp, ToSpan as _};

/// The maximum length of the text that describes all mistakes in a policy.
const MAX_LENGTH: usize = 40_000;

/// A policy is rejected in a text of limited length, with positions that exist, or it gives a desired state for any
/// resource.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = Policy::parse(text);
    assert_eq!(read, Policy::parse(text), "read again it is another one");
    match read {
        Err(mistakes) => {
            let lines = text.split(['\n', '\r']).count();
            let said = mistakes.to_string();
            assert!(mistakes.iter().count() > 0, "refused for nothing");
            assert!(said.len() < MAX_LENGTH, "{} bytes are said of {}: {said}", said.len(), text.len());
            assert!(!said.contains(['\n', '\r']), "{said}");
            for mistake in mistakes.iter() {
                assert!(mistake.position.line <= lines + 1, "{mistake} is not in {text:?}");
            }
        }
        Ok(policy) => {
            assert!(!policy.levels().is_empty());
            assert!(policy.warnings.iter().all(|warning| warning.to_string().len() < MAX_LENGTH));
            let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
            let until = now.checked_add(100.hours()).unwrap();
            for id in ["vpc-1", "vsw-1", "eni-1"] {
                let resource = resource(id);
                let desired = || desired(&resource, vpc(&resource).as_ref(), &policy, now);
                assert_eq!(desired(), desired());
                if let Some((at, _)) = next_change(&resource, None, &policy, now, until) {
                    assert!(now < at && at < until, "{at}");
                }
                let level = flow_log::level(&resource, vpc(&resource).as_ref(), &policy);
                assert!(level.is_some_and(|level| policy.levels().contains(&level)), "{id}: {level:?}");
                let without = flow_log::level(&resource, None, &policy);
                assert!(without.is_none() || without == level, "the VPC changes what was known without it");
            }
        }
    }
}

/// The VPC that `resource` is in.
fn vpc(resource: &Resource) -> Option<Resource> {
    let id = resource.vpc()?.clone();
    Some(Resource { id, parents: Vec::new(), ..resource.clone() })
}

fn resource(id: &str) -> Resource {
    Resource {
        account: "1000000000000001".parse().unwrap(),
        region: "cn-hangzhou".parse().unwrap(),
        id: id.parse().unwrap(),
        parents: ["vpc-2", "vsw-2"].map(|parent| parent.parse().unwrap()).into(),
        tags: Some([("env".to_owned(), "dev".to_owned())].into_iter().collect()),
        name: None,
        is_service_managed: false,
        creation_time: None,
        has_ipv6: None,
    }
}
