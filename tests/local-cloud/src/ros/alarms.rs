//! Alarms of a template: alerts of Log Service, its charts and saved searches, and the metric rules of CloudMonitor.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    log_store,
    resolve::{Resolver, Resource, text_of},
    template::TemplateError,
};

/// Everything in a template that looks at the functions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alarms {
    /// `ALIYUN::SLS::Alert`.
    pub alerts: Vec<Alert>,
    /// `ALIYUN::SLS::Savedsearch`.
    pub searches: Vec<Query>,
    /// The charts of `ALIYUN::SLS::Dashboard`.
    pub charts: Vec<Query>,
    /// `ALIYUN::CMS::ResourceMetricRule`.
    pub rules: Vec<MetricRule>,
}

/// An alert of Log Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// `Detail.Name`.
    pub name: String,
    /// What it asks.
    pub query: Query,
    /// `SeverityConfigurations`, in order.
    pub severities: Vec<Severity>,
    /// `Schedule.Interval`: how often it asks, such as `15m`.
    pub interval: String,
    /// `Threshold`: how many times in a row a severity must be reached.
    pub threshold: u64,
}

/// A query of a Logstore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The name of the alert or saved search, or the title of the chart.
    pub name: String,
    /// The ARN of the Logstore.
    pub log_store: String,
    /// The query.
    pub text: String,
    /// How far it looks back, such as `-15m`; `None` if it does not say.
    pub start: Option<String>,
}

/// When an alert has a severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severity {
    /// `Severity`: 2 for a report to 10 for a critical one.
    pub severity: u64,
    /// `EvalCondition.Condition`: of a row of the answer.
    pub condition: String,
    /// `EvalCondition.CountCondition`: of the number of those rows.
    pub count_condition: String,
}

/// A rule of CloudMonitor.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRule {
    /// `RuleName`.
    pub name: String,
    /// `Namespace`.
    pub namespace: String,
    /// `MetricName`.
    pub metric: String,
    /// `Resources`: the dimensions of each.
    pub resources: Vec<BTreeMap<String, String>>,
    /// `Period`, in seconds.
    pub period: u64,
    /// `Escalations`, by level.
    pub escalations: Vec<Escalation>,
}

/// When a rule reaches a level.
#[derive(Debug, Clone, PartialEq)]
pub struct Escalation {
    /// `Critical`, `Warn` or `Info`.
    pub level: String,
    /// `ComparisonOperator`.
    pub operator: String,
    /// `Statistics`.
    pub statistics: String,
    /// `Threshold`.
    pub threshold: f64,
    /// `Times`: for how many periods in a row.
    pub times: u64,
}

/// Reads the alarms of a template.
struct Reader<'a> {
    account: &'a str,
    region: &'a str,
}

/// Returns the alarms that a template makes.
pub(super) fn alarms(resolver: &Resolver, account: &str, region: &str) -> Result<Alarms, TemplateError> {
    let reader = Reader { account, region };
    let alerts = resolver.resources("ALIYUN::SLS::Alert")?;
    let searches = resolver.resources("ALIYUN::SLS::Savedsearch")?;
    let dashboards = resolver.resources("ALIYUN::SLS::Dashboard")?;
    let rules = resolver.resources("ALIYUN::CMS::ResourceMetricRule")?;
    let charts = dashboards.iter().map(|resource| reader.charts(resource)).collect::<Result<Vec<_>, _>>()?;
    Ok(Alarms {
        alerts: alerts.iter().map(|resource| reader.alert(resource)).collect::<Result<_, _>>()?,
        searches: searches.iter().map(|resource| reader.search(resource)).collect::<Result<_, _>>()?,
        charts: charts.concat(),
        rules: rules.iter().map(rule).collect::<Result<_, _>>()?,
    })
}

impl Reader<'_> {
    fn log_store(&self, project: &str, name: &str) -> String {
        log_store::arn(self.account, self.region, project, name)
    }

    fn alert(&self, resource: &Resource<'_>) -> Result<Alert, TemplateError> {
        let name = resource.text("Detail.Name")?;
        let at = "Detail.Configuration.QueryList";
        let queries = resource.value(at)?.unwrap_or_default();
        let [only] = queries.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return Err(resource.error(at, "is not one query, and local-cloud does not join several"));
        };
        let part = |member: &str| text(&only[member], resource, &format!("{at}[0].{member}"));
        if part("End")? != "now" {
            return Err(resource.error(&format!("{at}[0].End"), "is not now, the only one that local-cloud supports"));
        }
        let query = Query {
            name: name.clone(),
            log_store: self.log_store(&part("Project")?, &part("Store")?),
            text: part("Query")?,
            start: Some(part("Start")?),
        };
        let place = "Detail.Configuration.SeverityConfigurations";
        let configurations = resource.value(place)?.unwrap_or_default();
        let severity = |configuration: &Value| {
            let condition = &configuration["EvalCondition"];
            Ok(Severity {
                severity: number(&configuration["Severity"], resource, place)?,
                condition: text(&condition["Condition"], resource, place)?,
                count_condition: text(&condition["CountCondition"], resource, place)?,
            })
        };
        let severities = configurations.as_array().into_iter().flatten().map(severity);
        let at_schedule = "Detail.Schedule.Type";
        if resource.text(at_schedule)? != "FixedRate" {
            return Err(resource.error(at_schedule, "is not FixedRate, the only one that local-cloud supports"));
        }
        Ok(Alert {
            name,
            query,
            severities: severities.collect::<Result<_, TemplateError>>()?,
            interval: resource.text("Detail.Schedule.Interval")?,
            threshold: resource.number("Detail.Configuration.Threshold", 1)?,
        })
    }

    fn search(&self, resource: &Resource<'_>) -> Result<Query, TemplateError> {
        Ok(Query {
            name: resource.text("Detail.SavedsearchName")?,
            log_store: self.log_store(&resource.text("Project")?, &resource.text("Detail.Logstore")?),
            text: resource.text("Detail.SearchQuery")?,
            start: None,
        })
    }

    fn charts(&self, resource: &Resource<'_>) -> Result<Vec<Query>, TemplateError> {
        let project = resource.text("ProjectName")?;
        let charts = resource.value("Charts")?.unwrap_or_default();
        let chart = |chart: &Value| {
            let search = &chart["search"];
            let part = |value: &Value, name: &str| text(&value[name], resource, &format!("Charts.{name}"));
            Ok(Query {
                name: part(chart, "title")?,
                log_store: self.log_store(&project, &part(search, "logstore")?),
                text: part(search, "query")?,
                start: Some(part(search, "start")?),
            })
        };
        charts.as_array().into_iter().flatten().map(chart).collect()
    }
}

fn rule(resource: &Resource<'_>) -> Result<MetricRule, TemplateError> {
    let resources = resource.value("Resources")?.unwrap_or_default();
    let dimensions = |of: &Value| {
        let members = of.as_object()?;
        Some(members.iter().map(|(name, value)| (name.clone(), text_of(value))).collect())
    };
    let escalations = resource.value("Escalations")?.unwrap_or_default();
    let escalation = |(level, of): (&String, &Value)| {
        let part = |name: &str| text(&of[name], resource, &format!("Escalations.{level}.{name}"));
        let threshold = part("Threshold")?;
        Ok(Escalation {
            level: level.clone(),
            operator: part("ComparisonOperator")?,
            statistics: part("Statistics")?,
            threshold: threshold
                .parse()
                .map_err(|_| resource.error("Escalations", "has a threshold that is no number"))?,
            times: number(&of["Times"], resource, "Escalations")?,
        })
    };
    let escalations = escalations.as_object().into_iter().flatten().map(escalation);
    Ok(MetricRule {
        name: resource.text("RuleName")?,
        namespace: resource.text("Namespace")?,
        metric: resource.text("MetricName")?,
        // What `ALIYUN::NoValue` stands for is null.
        resources: resources.as_array().into_iter().flatten().filter_map(dimensions).collect(),
        period: resource.number("Period", 60)?,
        escalations: escalations.collect::<Result<_, TemplateError>>()?,
    })
}

fn text(value: &Value, resource: &Resource<'_>, place: &str) -> Result<String, TemplateError> {
    if value.is_null() { Err(resource.error(place, "is missing")) } else { Ok(text_of(value)) }
}

fn number(value: &Value, resource: &Resource<'_>, place: &str) -> Result<u64, TemplateError> {
    value.as_u64().ok_or_else(|| resource.error(place, "has a number that is none"))
}
