//! `CloudMonitor`: how many bytes a Logstore took in, by the minute.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, optional, required},
};
use crate::api::refusal::Refusal;

const MAX_POINTS: usize = 1440;
const DEFAULT_POINTS: usize = 1000;
const MINUTE: i64 = 60;

pub(super) const DESCRIBE: &[Field] = &[
    required("Namespace", Kind::Text),
    required("MetricName", Kind::Text),
    optional("Period", Kind::OneOf(&["60"])),
    optional("Dimensions", Kind::Text),
    optional("StartTime", Kind::Number(0, usize::MAX)),
    optional("EndTime", Kind::Number(0, usize::MAX)),
    optional("Length", Kind::Number(1, MAX_POINTS)),
    optional("NextToken", Kind::Text),
];

pub(super) fn describe(scope: &mut Scope<'_>) -> Answer {
    let parameters = scope.parameters;
    let (namespace, metric) = (parameters.text("Namespace"), parameters.text("MetricName"));
    if (namespace.as_str(), metric.as_str()) != ("acs_sls_dashboard", "LogInflow") {
        return Err(Refusal::not_found("ResourceNotFound", "The specified resource is not found."));
    }
    let dimensions: Value = serde_json::from_str(&parameters.text("Dimensions")).unwrap_or_default();
    let [of] = dimensions.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(Refusal::invalid("Dimensions"));
    };
    let millisecond = |name: &str, default| parameters.number(name).map(|given| given.map_or(default, |at| at as i64));
    let (from, to) = (millisecond("StartTime", 0)?, millisecond("EndTime", i64::MAX)?);
    let (project, log_store) =
        (of["project"].as_str().unwrap_or_default(), of["logstore"].as_str().unwrap_or_default());
    scope.state.record_until(scope.now);
    let projects = &scope.state.log_service.projects;
    let found = projects.get(project).filter(|found| found.place.account == scope.place.account);
    let records = found.and_then(|found| found.log_stores.get(log_store)).into_iter().flat_map(|found| &found.records);
    let mut minutes: BTreeMap<i64, usize> = BTreeMap::new();
    for record in records {
        let minute = record.time.as_second().div_euclid(MINUTE) * MINUTE * 1000;
        // By the documents, the time begins after StartTime.
        if from < minute && minute <= to {
            *minutes.entry(minute).or_default() += record.bytes();
        }
    }
    let account = &scope.place.account;
    let point = |(time, bytes): (i64, usize)| json!({"timestamp": time, "userId": account, "project": project, "logstore": log_store, "Value": bytes});
    let points: Vec<Value> = minutes.into_iter().map(point).collect();
    let (points, next) = scope.part(points, parameters.number("Length")?.unwrap_or(DEFAULT_POINTS))?;
    let mut answer = json!({"Code": "200", "Success": true, "Period": "60", "Datapoints": json!(points).to_string()});
    if !next.is_empty() {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}
