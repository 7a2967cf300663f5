//! What is in a Logstore: how many records of a flow log arrived, and when the last one did.
//!
//! A record names no flow log. It names the VPC, the vSwitch and the network interface, so that is what records are
//! counted by. **Counts are evidence only if Log Service says that they are complete**: it is asked again a few times, and
//! then the counts are [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
//!
//! Nothing here takes a query from outside, so nothing but counting can be asked for.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

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

/// How many rows an answer holds at most. Log Service returns 100 unless it is told otherwise. An answer with as many
/// may lack some, and is no evidence.
const MAX_ROWS: usize = 50_000;
/// How often counts that are not complete are asked for.
const MAX_TRIES: u32 = 4;
/// How long to wait before they are asked for again; twice as long each time.
const WAIT_FOR_COMPLETE: Duration = Duration::from_secs(1);
/// An hour, in seconds.
const HOUR: u32 = 3600;
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

    /// The halves of the span, parted at a full hour; `None` unless one is inside.
    fn halves(self) -> Option<[Self; 2]> {
        let middle = i64::midpoint(self.from.as_second(), self.to.as_second());
        let hour = i64::from(HOUR);
        let full = [middle.div_euclid(hour) * hour, (middle.div_euclid(hour) + 1) * hour];
        let mut parted = full.into_iter().filter_map(|at| Timestamp::from_second(at).ok());
        parted.find_map(|at| Some([Self::new(self.from, at)?, Self::new(at, self.to)?]))
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

/// The `log-status` of a record of traffic.
const TRAFFIC: &str = "OK";
/// The `log-status` of a record that says that others were lost.
const SKIPPED: &str = "SKIPDATA";
/// The `log-status` of a record that says that nothing flowed.
const EMPTY: &str = "NODATA";

/// The records of one VPC, vSwitch or network interface, counted. Records that are no flow log's do not count.
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
    /// The bytes of the traffic in them; `None` if they were not asked for, or Log Service has no number for some of them.
    pub bytes: Option<u64>,
}

/// The records of a resource in an hour, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourCount {
    /// What the field holds in these records; `None` if they lack it.
    pub of: Option<String>,
    /// When the hour begins.
    pub hour: Timestamp,
    /// How many records were received in it.
    pub records: u64,
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
        self.count(of, span, by, Sum::Records).await
    }

    /// `GetLogsV2`: the same, with the bytes of the traffic, in the same query. The Logstore needs an index on `bytes` as
    /// well, as a number.
    ///
    /// # Errors
    /// As for [`Session::count_records`].
    pub async fn count_records_and_bytes(
        &self,
        of: Destination<'_>,
        span: TimeSpan,
        by: &[RecordField],
    ) -> Result<Vec<RecordCount>, CallError> {
        self.count(of, span, by, Sum::RecordsAndBytes).await
    }

    async fn count(
        &self,
        of: Destination<'_>,
        span: TimeSpan,
        by: &[RecordField],
        sum: Sum,
    ) -> Result<Vec<RecordCount>, CallError> {
        let request = records_request(of, span, &query(by, None, sum));
        let rows = self.until_complete(&request, |response| rows_read(response, by)).await?;
        if rows.len() >= MAX_ROWS {
            return Err(unreadable(&request, &format!("it has {MAX_ROWS} rows, and may lack some")));
        }
        let mut counts: BTreeMap<Vec<Option<String>>, RecordCount> = BTreeMap::new();
        for Row { of: ids, status, records, last, bytes, .. } in rows {
            let none = RecordCount { of: ids.clone(), records: 0, skipped: 0, empty: 0, last: None, bytes: Some(0) };
            let count = counts.entry(ids).or_insert(none);
            match status.as_deref() {
                Some(TRAFFIC) => {
                    count.bytes = count.bytes.zip(bytes).map(|(one, other)| one.saturating_add(other));
                }
                Some(SKIPPED) => count.skipped = count.skipped.saturating_add(records),
                Some(EMPTY) => count.empty = count.empty.saturating_add(records),
                _ => continue,
            }
            count.records = count.records.saturating_add(records);
            count.last = count.last.max(last);
        }
        let found = counts.into_values().filter(|count| count.records > 0);
        Ok(found.map(|it| RecordCount { bytes: it.bytes.filter(|_| sum == Sum::RecordsAndBytes), ..it }).collect())
    }

    /// `GetLogsV2`: counts the same records in each hour, which begins with a full hour in UTC. A span with more rows than an
    /// answer holds is halved, and each half is asked for by itself.
    ///
    /// # Errors
    /// As for [`Session::count_records`], or a single hour has too many rows.
    pub async fn count_records_by_hour(
        &self,
        of: Destination<'_>,
        span: TimeSpan,
        by: RecordField,
    ) -> Result<Vec<HourCount>, CallError> {
        let mut counts: BTreeMap<(Option<String>, Timestamp), u64> = BTreeMap::new();
        let mut spans = vec![span];
        while let Some(part) = spans.pop() {
            let request = records_request(of, part, &query(&[by], Some(HOUR), Sum::Records));
            let rows = self.until_complete(&request, |response| rows_read(response, &[by])).await?;
            if rows.len() >= MAX_ROWS {
                let halves = part.halves();
                spans.extend(halves.ok_or_else(|| unreadable(&request, "an hour has too many rows for one answer"))?);
                continue;
            }
            for row in rows.into_iter().filter(Row::is_of_flow_log) {
                let hour = row.hour.ok_or_else(|| unreadable(&request, "a row has no hour"))?;
                let count = counts.entry((row.of.into_iter().next().flatten(), hour)).or_default();
                *count = count.saturating_add(row.records);
            }
        }
        Ok(counts.into_iter().map(|((id, hour), records)| HourCount { of: id, hour, records }).collect())
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
        read: impl Fn(&ResponseObject<'_>) -> Result<Option<Vec<T>>, String> + Send + Sync,
    ) -> Result<Vec<T>, CallError> {
        let rows = |found: &Option<Vec<T>>| found.as_ref().map(Vec::len);
        let mut wait = WAIT_FOR_COMPLETE;
        for tries in 1..=MAX_TRIES {
            if let Some(complete) = self.call_and_tell(request, &read, rows).await? {
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

fn unreadable(request: &Request, reason: &str) -> CallError {
    request.failed(Cause::Unreadable { status: 200, reason: reason.to_owned() })
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

/// A row of a count.
#[derive(Debug)]
struct Row {
    of: Vec<Option<String>>,
    status: Option<String>,
    records: u64,
    last: Option<Timestamp>,
    hour: Option<Timestamp>,
    bytes: Option<u64>,
}

/// What a count adds up beside the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// Nothing.
    Records,
    /// The bytes of the traffic.
    RecordsAndBytes,
}

impl Row {
    fn is_of_flow_log(&self) -> bool {
        self.status.as_deref().is_some_and(|status| [TRAFFIC, SKIPPED, EMPTY].contains(&status))
    }
}

/// Returns the query that counts records by these fields, and over time in steps of this many seconds.
fn query(by: &[RecordField], step: Option<u32>, sum: Sum) -> String {
    let mut text = "* | select ".to_owned();
    for field in by {
        _ = write!(text, "\"{}\" as {}, ", field.name(), field.column());
    }
    let mut columns: Vec<_> = by.iter().map(|field| field.column()).collect();
    if let Some(step) = step {
        _ = write!(text, "__time__ - __time__ % {step} as hour, ");
        columns.push("hour");
    }
    let columns = columns.join(", ");
    let bytes = if sum == Sum::RecordsAndBytes { ", sum(\"bytes\") as traffic" } else { "" };
    _ = write!(
        text,
        "\"log-status\" as status, count(*) as records, max(\"end\") as last{bytes} group by {columns}, status limit {MAX_ROWS}"
    );
    text
}

/// Reads the rows, or `None` if they are partial.
fn rows_read(response: &ResponseObject<'_>, by: &[RecordField]) -> Result<Option<Vec<Row>>, String> {
    if !is_complete(&response.object("meta")?)? {
        return Ok(None);
    }
    let row = |row: ResponseObject<'_>| {
        // Log Service writes null where there is nothing, and a flow log a dash.
        let text = |name: &str| row.text(name).filter(|text| text != "null" && text != "-");
        let time = |name: &str| text(name).map(|seconds| seconds_of(&seconds)).transpose();
        Ok(Row {
            of: by.iter().map(|field| text(field.column())).collect(),
            status: text("status"),
            records: row.parsed("records")?,
            last: time("last")?,
            hour: time("hour")?,
            // What is no number proves nothing, and is no reason to lose the count.
            bytes: text("traffic").and_then(|bytes| bytes.parse().ok()),
        })
    };
    response.items("data", "", false)?.map(row).collect::<Result<Vec<_>, String>>().map(Some)
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
            query(&[RecordField::Vpc, RecordField::VSwitch], None, Sum::Records),
            "* | select \"vpc-id\" as vpc, \"vswitch-id\" as vswitch, \"log-status\" as status, count(*) as records, \
             max(\"end\") as last group by vpc, vswitch, status limit 50000"
        );
        assert_eq!(
            query(&[RecordField::NetworkInterface], Some(HOUR), Sum::Records),
            "* | select \"eni-id\" as eni, __time__ - __time__ % 3600 as hour, \"log-status\" as status, count(*) as records, \
             max(\"end\") as last group by eni, hour, status limit 50000"
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
