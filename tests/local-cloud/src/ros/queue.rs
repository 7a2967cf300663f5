//! Queues of a template, for events that were given up.

use super::{
    resolve::{Resolver, Resource},
    template::TemplateError,
};

/// Returns the ARNs of the queues that a template creates.
pub(super) fn queues(resolver: &Resolver) -> Result<Vec<String>, TemplateError> {
    resolver.resources("ALIYUN::MNS::Queue")?.iter().map(|queue| queue.attribute("ARN.WithSlash")).collect()
}

/// Returns the ARN of a queue, or of its messages. It must be in the template, or the dead letters would be lost.
pub(super) fn queue_of(
    resource: &Resource<'_>,
    place: &str,
    queues: &[String],
) -> Result<Option<String>, TemplateError> {
    let Some(arn) = resource.optional_text(place)? else { return Ok(None) };
    if queues.iter().any(|queue| queue == arn.strip_suffix("/messages").unwrap_or(&arn)) {
        Ok(Some(arn))
    } else {
        Err(resource.error(place, &format!("{arn} is not a queue of the template")))
    }
}
