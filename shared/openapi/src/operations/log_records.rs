//! What is in a Logstore: how many records of a flow log arrived, and when the last one did.
//!
//! A record names no flow log. It names the VPC, the vSwitch and the network interface, so that is what records are
//! counted by. **Counts are evidence only if Log Service says that they are complete**: it is asked again a few times, and
//! then the counts are [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
//!
//! Nothing here takes a query from outside, so nothing but counting can be asked for.

use std::{fmt::Write as _, time::Duration};

use flow_log::ResourceType;
use jiff::Timestamp;
use reqwest::Method;

use crate::{
    CallError, Cause, Destination, Product, Session,
    call::{
        request::{Request, Rest},
        response::Answer,
        response_object::ResponseObject,
    },
};

/// How many rows one answer holds at most. Log Service returns 100 unless it is told otherwise.
const MAX_ROWS: usize = 5000;
/// How many answers are read at most for one count.
const MAX_PAGES: usize = 20;
/// How often counts that are not complete are asked for.
const MAX_TRIES: u32 = 4;
/// How long to wait before they are asked for again; twice as long each time.
const WAIT_FOR_COMPLETE: Duration = Duration::from_secs(1);
/// How many buckets of a histogram are read at most. Log Service gives 60 or so.
const MAX_BUCKETS: usize = 10_000;

/// The time in which records were received: from the first moment, and until before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    from: Timestamp,
    to: Timestamp,
}

impl TimeSpan {
    /// Returns the span between two moments, in whole seconds; `None` unless the second is at least a second later.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Self> {
        (from.as_second() < to.as_second()).then_some(Self { from, to })
    }

    /// The first moment.
    #[must_use]
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// The first moment after it.
    #[must_use]
    pub const fn to(self) -> Timestamp {
        self.to
    }

    /// How long it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        clock::until(self.from, self.to)
    }
}

/// The field of a record that names what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordField {
    /// `vpc-id`
    Vpc,
    /// `vswitch-id`
    VSwitch,
    /// `eni-id`
    NetworkInterface,
}

impl RecordField {
    /// Every field, from the largest resource to the smallest.
    pub const ALL: [Self; 3] = [Self::Vpc, Self::VSwitch, Self::NetworkInterface];

    /// Returns the name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vpc => "vpc-id",
            Self::VSwitch => "vswitch-id",
            Self::NetworkInterface => "eni-id",
        }
    }

    /// The name of its column: no quotes are needed in it.
    const fn column(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::VSwitch => "vswitch",
            Self::NetworkInterface => "eni",
        }
    }
}

impl From<ResourceType> for RecordField {
    fn from(resource_type: ResourceType) -> Self {
        match resource_type {
            ResourceType::Vpc => Self::Vpc,
            ResourceType::VSwitch => Self::VSwitch,
            ResourceType::NetworkInterface => Self::NetworkInterface,
        }
    }
}

/// The records of one VPC, vSwitch or network interface, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordCount {
    /// What each field holds in these records, in the order in which the fields were asked for. `None` if the records lack
    /// it.
    pub of: Vec<Option<String>>,
    /// How many records there are.
    pub records: u64,
    /// How many of them say that records were lost (`SKIPDATA`).
    pub skipped: u64,
    /// How many of them say that nothing flowed (`NODATA`).
    pub empty: u64,
    /// When the last of them ends; `None` if none says so.
    pub last: Option<Timestamp>,
}

/// Which records a histogram counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordFilter<'a> {
    /// Those whose field has this value.
    pub of: Option<(RecordField, &'a str)>,
    /// Those with this `log-status`.
    pub log_status: Option<&'a str>,
}

/// A part of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Its first second.
    pub from: Timestamp,
    /// The first second after it.
    pub to: Timestamp,
    /// How many records it has.
    pub records: u64,
}

impl Session<'_> {
    /// `GetLogsV2`: counts the records of flow logs in a Logstore, by the fields `by`, in one query for all of them.
    ///
    /// The Logstore needs an index on these fields and on `log-status` and `end`, and the mode `standard`.
    ///
    /// # Errors
    /// The call failed, its response cannot be read, or the counts stay partial.
    pub async fn count_records(
        &self,
        of: Destination<'_>,
        span: TimeSpan,
        by: &[RecordField],
    ) -> Result<Vec<RecordCount>, CallError> {
        let mut counts = Vec::new();
        for page in 0..MAX_PAGES {
            let request = records_request(of, span, &query(by, page * MAX_ROWS));
            let rows = self.until_complete(&request, |response| records_read(response, by)).await?;
            let is_last = rows.len() < MAX_ROWS;
            counts.extend(rows);
            if is_last {
                return Ok(counts);
            }
        }
        let reason = format!("it goes on after {} rows", MAX_PAGES * MAX_ROWS);
        Err(records_request(of, span, "").failed(Cause::Unreadable { status: 200, reason }))
    }

    /// `GetHistograms`: counts the records over time. It needs an index on the fields of the filter, and no SQL.
    ///
    /// # Errors
    /// The call failed, its response cannot be read, or the counts stay partial.
    pub async fn histogram(
        &self,
        of: Destination<'_>,
        span: TimeSpan,
        filter: RecordFilter<'_>,
    ) -> Result<Vec<Bucket>, CallError> {
        let rest = Rest { answers_list: true, ..Rest::default() };
        let request = of
            .request(Request::read(Product::Sls, "GetHistograms"), "", rest)
            .with("type", "histogram")
            .with("from", span.from.as_second().to_string())
            .with("to", span.to.as_second().to_string())
            .with("topic", "")
            .with("query", filter.query())
            .ensure(filter.is_plain(), || "a filter holds a quote or a backslash".to_owned());
        self.until_complete(&request, histogram_read).await
    }

    /// Makes the call until its counts are complete. `read` returns `None` if they are not.
    async fn until_complete<T: Send>(
        &self,
        request: &Request,
        read: impl Fn(&ResponseObject<'_>) -> Result<Option<T>, String> + Send + Sync,
    ) -> Result<T, CallError> {
        let mut wait = WAIT_FOR_COMPLETE;
        for tries in 1..=MAX_TRIES {
            if let Some(complete) = self.call_and_read(request.clone(), &read).await? {
                return Ok(complete);
            }
            if tries < MAX_TRIES && self.wait(wait).await.is_err() {
                return Err(request.failed(Cause::Incomplete { tries }));
            }
            wait *= 2;
        }
        Err(request.failed(Cause::Incomplete { tries: MAX_TRIES }))
    }
}

fn records_request(of: Destination<'_>, span: TimeSpan, query: &str) -> Request {
    // No part of the query needs an escape but its quotes.
    let query = query.replace('"', "\\\"");
    let (from, to) = (span.from.as_second(), span.to.as_second());
    let body = format!(r#"{{"from":{from},"to":{to},"query":"{query}"}}"#);
    // The only read that is a POST: the query is too long for a path.
    let rest = Rest { method: Method::POST, body: body.into_bytes(), ..Rest::default() };
    of.request(Request::read(Product::Sls, "GetLogsV2"), "/logs", rest)
}

/// Returns the query that counts records by these fields, beginning with the row `offset`. Rows have an order, so that
/// none is lost between two pages.
fn query(by: &[RecordField], offset: usize) -> String {
    let mut text = "* | select ".to_owned();
    for field in by {
        _ = write!(text, "\"{}\" as {}, ", field.name(), field.column());
    }
    let columns: Vec<_> = by.iter().map(|field| field.column()).collect();
    let columns = columns.join(", ");
    _ = write!(
        text,
        "count(*) as records, max(\"end\") as last, \
         sum(case when \"log-status\" = 'SKIPDATA' then 1 else 0 end) as skipped, \
         sum(case when \"log-status\" = 'NODATA' then 1 else 0 end) as empty \
         group by {columns} order by {columns} limit {offset},{MAX_ROWS}"
    );
    text
}

/// Reads the rows, or `None` if they are partial.
fn records_read(response: &ResponseObject<'_>, by: &[RecordField]) -> Result<Option<Vec<RecordCount>>, String> {
    if !is_complete(&response.object("meta")?)? {
        return Ok(None);
    }
    let row = |row: ResponseObject<'_>| {
        // Log Service writes null where there is nothing.
        let text = |name: &str| row.text(name).filter(|text| text != "null" && text != "-");
        let count = RecordCount {
            of: by.iter().map(|field| text(field.column())).collect(),
            records: row.parsed("records")?,
            skipped: row.parsed("skipped")?,
            empty: row.parsed("empty")?,
            last: text("last").map(|seconds| seconds_of(&seconds)).transpose()?,
        };
        let is_sum = count.skipped.checked_add(count.empty).is_some_and(|sum| sum <= count.records);
        if is_sum { Ok(count) } else { Err(format!("{} counts more than all records", row.place())) }
    };
    response.items("data", "", false)?.map(row).collect::<Result<_, _>>().map(Some)
}

fn histogram_read(response: &ResponseObject<'_>) -> Result<Option<Vec<Bucket>>, String> {
    let mut buckets = Vec::new();
    for found in response.items(Answer::LIST, "", false)? {
        if !is_complete(&found)? {
            return Ok(None);
        }
        let bucket = Bucket {
            from: seconds_of(&found.required("from")?)?,
            to: seconds_of(&found.required("to")?)?,
            records: found.parsed("count")?,
        };
        if bucket.from >= bucket.to {
            return Err(format!("{} ends before it begins", found.place()));
        }
        buckets.push(bucket);
        if buckets.len() > MAX_BUCKETS {
            return Err(format!("it has more than {MAX_BUCKETS} buckets"));
        }
    }
    Ok(Some(buckets))
}

/// Returns whether counts are complete. Counts that do not say so are not.
fn is_complete(counted: &ResponseObject<'_>) -> Result<bool, String> {
    Ok(counted.required("progress")?.eq_ignore_ascii_case("Complete"))
}

fn seconds_of(text: &str) -> Result<Timestamp, String> {
    let seconds: i64 = text.parse().map_err(|_| format!("{text:?} is no time in seconds"))?;
    Timestamp::from_second(seconds).map_err(|_| format!("{seconds} is no time in seconds"))
}

impl RecordFilter<'_> {
    /// Returns the query: `"vpc-id": "vpc-…" and "log-status": "NODATA"`, or `*` for every record.
    fn query(&self) -> String {
        let field = self.of.map(|(field, value)| (field.name(), value));
        let status = self.log_status.map(|status| ("log-status", status));
        let parts: Vec<_> =
            field.into_iter().chain(status).map(|(name, value)| format!("\"{name}\": \"{value}\"")).collect();
        if parts.is_empty() { "*".to_owned() } else { parts.join(" and ") }
    }

    /// Returns whether its values hold nothing that would end them early.
    fn is_plain(&self) -> bool {
        let values = [self.of.map(|(_, value)| value), self.log_status];
        values.into_iter().flatten().all(|value| !value.contains(['"', '\\']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_counts_what_every_flow_log_of_a_logstore_has_delivered() {
        assert_eq!(
            query(&[RecordField::Vpc, RecordField::VSwitch], 5000),
            "* | select \"vpc-id\" as vpc, \"vswitch-id\" as vswitch, count(*) as records, max(\"end\") as last, \
             sum(case when \"log-status\" = 'SKIPDATA' then 1 else 0 end) as skipped, \
             sum(case when \"log-status\" = 'NODATA' then 1 else 0 end) as empty \
             group by vpc, vswitch order by vpc, vswitch limit 5000,5000"
        );
    }

    #[test]
    fn a_filter_is_a_query_and_nothing_that_ends_its_text_gets_in() {
        let of = Some((RecordField::NetworkInterface, "eni-1"));
        assert_eq!(RecordFilter::default().query(), "*");
        assert_eq!(
            RecordFilter { of, log_status: Some("NODATA") }.query(),
            r#""eni-id": "eni-1" and "log-status": "NODATA""#
        );
        for value in ["eni-1\" or \"a", "eni-1\\"] {
            assert!(!RecordFilter { of: Some((RecordField::Vpc, value)), log_status: None }.is_plain(), "{value}");
        }
    }

    #[test]
    fn a_span_has_at_least_a_second() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (a, b) = (at("2026-11-20T10:00:00Z"), at("2026-11-20T10:00:00.9Z"));
        assert_eq!([TimeSpan::new(a, a), TimeSpan::new(a, b), TimeSpan::new(b, a)], [None; 3]);
        let span = TimeSpan::new(a, at("2026-11-20T11:00:00Z")).unwrap();
        assert_eq!(span.duration(), Duration::from_secs(3600));
    }
}
