//! Layers of a template, which functions find below `/opt`.

use serde_json::Value;

use super::{resolve::Resource, template::TemplateError};

/// Returns the names of a function's layers. They must be in the template.
pub(super) fn layers_of(resource: &Resource<'_>) -> Result<Vec<String>, TemplateError> {
    let layers = resource.value("Layers")?.unwrap_or_default();
    let arns = layers.as_array().into_iter().flatten().filter_map(Value::as_str);
    let name = |arn: &str| {
        let name = arn.split_once(":layers/").and_then(|(_, rest)| rest.split('/').next());
        name.map(str::to_owned).ok_or_else(|| resource.error("Layers", &format!("{arn:?} is not the ARN of a layer")))
    };
    arns.map(name).collect()
}
