//! Logstores of a template, with their projects and indexes.

use serde_json::{Map, Value, json};

use super::{
    resolve::{Resolver, Resource},
    template::TemplateError,
};

/// A Logstore that the template creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStore {
    /// The name of its project.
    pub project: String,
    /// `LogstoreName`.
    pub name: String,
    /// `TTL`: how many days it keeps records.
    pub retention_days: u64,
    /// `ShardCount`.
    pub shards: u64,
    /// Its index, in the form that the API of Log Service has; `None` if it has none.
    pub index: Option<Value>,
}

impl LogStore {
    /// Returns the ARN of the Logstore.
    pub(super) fn arn(&self, account: &str, region: &str) -> String {
        arn(account, region, &self.project, &self.name)
    }
}

/// Returns the ARN of a Logstore.
pub(super) fn arn(account: &str, region: &str, project: &str, log_store: &str) -> String {
    format!("acs:log:{region}:{account}:project/{project}/logstore/{log_store}")
}

/// Returns the Logstores that a template creates.
pub(super) fn log_stores(resolver: &Resolver) -> Result<Vec<LogStore>, TemplateError> {
    let log_store = |resource: &Resource<'_>| {
        Ok(LogStore {
            project: resource.text("ProjectName")?,
            name: resource.text("LogstoreName")?,
            retention_days: resource.number("TTL", 30)?,
            shards: resource.number("ShardCount", 2)?,
            index: None,
        })
    };
    let log_stores = resolver.resources("ALIYUN::SLS::Logstore")?;
    let mut log_stores = log_stores.iter().map(log_store).collect::<Result<Vec<_>, TemplateError>>()?;
    for resource in resolver.resources("ALIYUN::SLS::Index")? {
        let (project, name) = (resource.text("ProjectName")?, resource.text("LogstoreName")?);
        let found = log_stores.iter_mut().find(|known| known.project == project && known.name == name);
        let found = found.ok_or_else(|| resource.error("LogstoreName", "is not a Logstore of the template"))?;
        found.index = Some(index(&resource.value("KeyIndices")?.unwrap_or_default()));
    }
    Ok(log_stores)
}

/// Returns the index of these fields, as the API describes it.
fn index(fields: &Value) -> Value {
    let field = |field: &Value| {
        let name = field["Name"].as_str()?.to_owned();
        let mut key = json!({"type": field["Type"], "doc_value": field["EnableAnalytics"]});
        if let Some(inner) = field.get("JsonKeyIndices") {
            key["json_keys"] = index(inner)["keys"].take();
        }
        Some((name, key))
    };
    let keys: Map<String, Value> = fields.as_array().into_iter().flatten().filter_map(field).collect();
    json!({"keys": keys})
}
