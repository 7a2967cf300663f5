//! The operations of `CloudMonitor`, version 2019-01-01: how many bytes a Logstore takes in.

use std::collections::HashSet;

use flow_log::names::{LogStoreName, ProjectName};
use jiff::Timestamp;
use json::Json;

use crate::{
    CallError, Cause, Destination, Product, Session, TimeSpan,
    call::{request::Request, response_object::ResponseObject},
};

/// The maximum page size.
const MAX_PAGE_SIZE: u32 = 1000;
/// How many pages are read at most: a month of minutes has 45.
const MAX_PAGES: usize = 60;
/// How far apart the points are, in seconds. They are kept for 31 days.
const PERIOD_SECONDS: u32 = 60;

/// A metric that `CloudMonitor` keeps of a Logstore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// `LogInflow` of `acs_sls_dashboard`: bytes that were written to it, uncompressed, in each minute.
    LogInflow,
}

/// A point of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataPoint {
    /// When its minute begins or ends: the documents do not say.
    pub time: Timestamp,
    /// The bytes of the minute.
    pub bytes: u64,
}

impl Session<'_> {
    /// `DescribeMetricList`: returns the points of a metric of a Logstore. A minute in which nothing was written has none.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn metric_of_log_store(
        &self,
        metric: Metric,
        of: Destination<'_>,
        span: TimeSpan,
    ) -> Result<Vec<DataPoint>, CallError> {
        let request = request(metric, of, span);
        let mut points = Vec::new();
        let mut tokens = HashSet::new();
        let mut next: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = request.clone().with_some("NextToken", next);
            let (found, token) = self.call_and_read(page, read).await?;
            points.extend(found);
            match token {
                None => return Ok(points),
                Some(token) if tokens.insert(token.clone()) => next = Some(token),
                Some(_) => return Err(broken(&request, "its NextToken leads back to where it was")),
            }
        }
        Err(broken(&request, "its NextToken leads on and on"))
    }
}

fn broken(request: &Request, reason: &str) -> CallError {
    request.failed(Cause::Unreadable { status: 200, reason: reason.to_owned() })
}

fn request(metric: Metric, of: Destination<'_>, span: TimeSpan) -> Request {
    let Destination { project, log_store } = of;
    let (namespace, name) = match metric {
        Metric::LogInflow => ("acs_sls_dashboard", "LogInflow"),
    };
    Request::read(Product::Cms, "DescribeMetricList")
        .about(of.name())
        .with("Namespace", namespace)
        .with("MetricName", name)
        .with("Period", PERIOD_SECONDS.to_string())
        .with("Dimensions", dimensions(project, log_store))
        .with("StartTime", span.from().as_millisecond().to_string())
        .with("EndTime", span.to().as_millisecond().to_string())
        .with("Length", MAX_PAGE_SIZE.to_string())
}

/// Names hold nothing that JSON would have to escape.
fn dimensions(project: &ProjectName, log_store: &LogStoreName) -> String {
    format!(r#"[{{"project":"{project}","logstore":"{log_store}"}}]"#)
}

type Page = (Vec<DataPoint>, Option<String>);

/// Reads a page. The points are JSON within a text.
fn read(response: &ResponseObject<'_>) -> Result<Page, String> {
    let next = response.optional_text("NextToken")?;
    // Without any point the text is empty, or an empty list.
    let Some(text) = response.optional_text("Datapoints")? else { return Ok((Vec::new(), next)) };
    let read = Json::read(text.as_bytes()).map_err(|error| format!("its Datapoints is no JSON: {error}"))?;
    let Json::Array(values) = &read else { return Err("its Datapoints is no list".to_owned()) };
    let points = values.iter().map(|value| {
        let point = ResponseObject::whole(value);
        let millisecond: i64 = point.parsed("timestamp")?;
        let time = Timestamp::from_millisecond(millisecond).map_err(|_| format!("{millisecond} is no time"))?;
        let bytes = ["Sum", "Value", "Average"].into_iter().find_map(|name| point.text(name));
        let bytes = bytes.ok_or("a point has neither Sum nor Value nor Average")?;
        Ok(DataPoint { time, bytes: whole(&bytes).ok_or_else(|| format!("{bytes:?} is no number of bytes"))? })
    });
    Ok((points.collect::<Result<_, String>>()?, next))
}

/// Reads a number that may be written with a fraction or an exponent, as in `1024.0` or `1.5E7`.
fn whole(text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok()?;
    // Up to 2^53, every whole number is exact.
    let is_good = number.is_finite() && (0.0..=9_007_199_254_740_992.0).contains(&number);
    is_good.then(|| format!("{number:.0}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_bytes_may_have_a_fraction_or_an_exponent() {
        for (text, expected) in
            [("1024", Some(1024)), ("1024.0", Some(1024)), ("1.5E7", Some(15_000_000)), ("0", Some(0))]
        {
            assert_eq!(whole(text), expected, "{text}");
        }
        for text in ["", "-1", "NaN", "inf", "1e300", "many"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
