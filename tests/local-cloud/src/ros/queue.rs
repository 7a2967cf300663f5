//! Queues of a template: for events that were given up, and between a bus and a function.

use super::{
    resolve::{Resolver, Resource},
    template::TemplateError,
};

/// Returns the ARNs of the queues that a template creates.
pub(super) fn queues(resolver: &Resolver) -> Result<Vec<String>, TemplateError> {
    resolver.resources("ALIYUN::MNS::Queue")?.iter().map(|queue| queue.attribute("ARN.WithSlash")).collect()
}

/// Returns the ARN of the queue with this name in an account and region.
pub(crate) fn arn(account: &str, region: &str, name: &str) -> String {
    format!("acs:mns:{region}:{account}:/queues/{name}")
}

/// Returns the ARN of a queue, or of its messages. It must be in the template, or the dead letters would be lost.
pub(super) fn queue_of(
    resource: &Resource<'_>,
    place: &str,
    queues: &[String],
) -> Result<Option<String>, TemplateError> {
    resource.optional_text(place)?.map(|arn| known(resource, place, &arn, queues)).transpose()
}

/// Checks that a queue is in the template.
pub(super) fn known(
    resource: &Resource<'_>,
    place: &str,
    arn: &str,
    queues: &[String],
) -> Result<String, TemplateError> {
    if queues.iter().any(|queue| queue == arn.strip_suffix("/messages").unwrap_or(arn)) {
        Ok(arn.to_owned())
    } else {
        Err(resource.error(place, &format!("{arn} is not a queue of the template")))
    }
}
