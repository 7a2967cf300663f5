//! Evidence as CSV: one row for each resource, and one for everything else that was found, costs or could not be read.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    io::{self, Write},
};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use visible::visible;

use crate::{
    assessment::Class,
    evidence::Evidence,
    facts::{Cost, CostRow, Facts, Failure, NoteState, OtherCost, ResourceResult},
};

/// How many columns there are.
const COLUMNS: usize = 32;
/// The columns that begin a row: what it is about.
const SUBJECT: usize = 8;
/// The first of the columns about a flow log. More stand behind [`HAS_IPV6`].
const FLOW_LOG: usize = 8;
/// The column that says whether the resource has IPv6, beside what its flow log records of it.
const HAS_IPV6: usize = 13;
/// The first of the columns about when it records.
const SCHEDULE: usize = 18;
/// The first of the columns about a call that failed.
const ERROR: usize = 21;
/// The first of the columns about a cost.
const COST: usize = 25;
/// The first of the columns that say which report a row is from.
const REPORT: usize = 28;
/// The columns.
const HEADER: [&str; COLUMNS] = [
    "class",
    "verdict",
    "account",
    "region",
    "type",
    "id",
    "name",
    "reason",
    "flow_log_id",
    "status",
    "traffic_type",
    "traffic_path",
    "ip_version",
    "has_ipv6",
    "interval_minutes",
    "project",
    "log_store",
    "impairment",
    "schedule",
    "next_change",
    "next_is_on",
    "error_operation",
    "error_code",
    "error_request_id",
    "advice",
    "cost_per_month",
    "currency",
    "cost_is_estimated",
    "run",
    "read_at",
    "policy_sha256",
    "seal",
];
/// The class of a row that is only about a cost.
const COST_CLASS: &str = "cost";

/// Makes sure that a spreadsheet takes a field as text, and not as a formula: names come from strangers.
///
/// What cannot be seen is written out, as in `\u{0009}`. Where the field begins, and behind each `;`, at which spreadsheets of
/// many countries begin another cell, a `'` stands before what begins like a formula. So does one before a `'`: taking one away
/// at each of these places gives the original. A negative number stays a number.
#[must_use]
pub fn as_text(field: &str) -> Cow<'_, str> {
    if is_negative_number(field) {
        return Cow::Borrowed(field);
    }
    let field = visible(field);
    if !field.split(';').any(is_risky) {
        return field;
    }
    let mut text = String::with_capacity(field.len() + 4);
    for (nth, cell) in field.split(';').enumerate() {
        text.push_str(if nth == 0 { "" } else { ";" });
        text.push_str(if is_risky(cell) { "'" } else { "" });
        text.push_str(cell);
    }
    Cow::Owned(text)
}

/// Whether a cell begins like a formula, behind spaces and quotation marks that a spreadsheet may take away.
fn is_risky(cell: &str) -> bool {
    // The last four are how the first four are typed in Chinese and Japanese, and some spreadsheets take them as such.
    cell.starts_with('\'')
        || cell.trim_start_matches([' ', '"']).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Whether a field is a negative number in decimals, which no spreadsheet can take for anything else.
fn is_negative_number(field: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(amount) = field.strip_prefix('-') else { return false };
    amount.split_once('.').map_or_else(|| digits(amount), |(whole, part)| digits(whole) && digits(part))
}

impl Evidence {
    /// Writes one row for each resource, one for each kind of resources that are only counted, one for each finding about
    /// something else, one for everything that could not be read, one for each count that disagrees, and one for each cost
    /// that no row before has. RFC 4180 with a header, in UTF-8, all fields in quotation marks. What a spreadsheet would run
    /// as a formula has a `'` before it.
    ///
    /// The sum of `cost_per_month` in a currency is the total of the report in that currency.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_csv(&self, to: impl Write) -> io::Result<()> {
        let facts = self.facts();
        let (read_at, seal) = (facts.head.ended.to_string(), self.seal());
        // Always with quotation marks: a reader that splits at another character than a comma finds the end of a field, too.
        let mut rows = Rows {
            writer: WriterBuilder::new().quote_style(QuoteStyle::Always).terminator(Terminator::CRLF).from_writer(to),
            report: [&facts.head.run, &read_at, &facts.policy.sha256, &seal].map(|field| as_text(field).into_owned()),
        };
        rows.writer.write_record(HEADER).map_err(of_writer)?;
        let mut costs = Costs::of(facts);
        for result in &facts.results {
            rows.write(&of_result(result, costs.take(result)))?;
        }
        for omitted in &facts.omitted {
            let (verdict, kind, reason) = (omitted.verdict.to_string(), omitted.kind.as_str(), omitted.sentence());
            let place = [&omitted.account, &omitted.region].map(String::as_str);
            rows.write(&row(omitted.class().word(), &verdict, place, [kind, "", "", &reason]))?;
        }
        for unknown in self.assessment().unknown.iter().filter(|unknown| !unknown.has_result) {
            let place = [&unknown.account, &unknown.region, &unknown.subject];
            rows.write(&of_other(Class::Unknown, "unknown", place, &unknown.why, unknown.error.as_ref()))?;
        }
        for note in facts.notes.iter().filter(|note| note.state == NoteState::Finding) {
            let place = [&note.account, &note.region, &note.subject];
            rows.write(&of_other(Class::Finding, "", place, &note.reason, note.error.as_ref()))?;
        }
        for why in &self.assessment().discrepancies {
            rows.write(&of_other(Class::Unknown, "discrepancy", [&None; 3], why, None))?;
        }
        for (cost, flow_log) in costs.left() {
            rows.write(&of_flow_log(cost, flow_log))?;
        }
        for cost in &facts.costs {
            for other in &cost.others {
                rows.write(&of_cost(cost, other))?;
            }
        }
        rows.writer.flush()
    }
}

/// What one row has, by column. The last columns are those of all rows.
type Row = [String; REPORT];

/// Where rows go, and what all of them say.
struct Rows<W: Write> {
    writer: Writer<W>,
    /// Which report they are from.
    report: [String; COLUMNS - REPORT],
}

impl<W: Write> Rows<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        for field in row {
            self.writer.write_field(as_text(field).as_bytes()).map_err(of_writer)?;
        }
        for field in &self.report {
            self.writer.write_field(field).map_err(of_writer)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(of_writer)
    }
}

/// Returns the writer's error, which csv wraps.
fn of_writer(error: csv::Error) -> io::Error {
    let said = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::other(said),
    }
}

/// What a flow log costs, with the currency.
type OfFlowLog<'f> = (&'f Cost, &'f CostRow);

/// The costs of flow logs that no row has yet, by account, region and id.
struct Costs<'f>(BTreeMap<(&'f str, &'f str, &'f str), VecDeque<OfFlowLog<'f>>>);

impl<'f> Costs<'f> {
    fn of(facts: &'f Facts) -> Self {
        let mut costs: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for (cost, row) in facts.costs.iter().flat_map(|cost| cost.rows.iter().map(move |row| (cost, row))) {
            let key = (row.account.as_str(), row.region.as_str(), row.flow_log_id.as_str());
            costs.entry(key).or_default().push_back((cost, row));
        }
        Self(costs)
    }

    /// Takes what the flow log of a resource costs. The first resource that it covers has it, and no other: else a sum
    /// would have it several times. Costs in a further currency are left.
    fn take(&mut self, result: &'f ResourceResult) -> Option<OfFlowLog<'f>> {
        let id = &result.flow_log.as_ref()?.id;
        let of = self.0.get_mut(&(result.account.as_str(), result.region.as_str(), id.as_str()))?;
        of.pop_front()
    }

    fn left(self) -> impl Iterator<Item = OfFlowLog<'f>> {
        self.0.into_values().flatten()
    }
}

/// An amount with all its decimals, from millionths.
fn amount(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

/// A row that says what it is about: the class, the verdict, account and region, and type, id, name and reason.
fn row(class: &str, verdict: &str, [account, region]: [&str; 2], [kind, id, name, reason]: [&str; 4]) -> Row {
    let mut row = [const { String::new() }; REPORT];
    let subject: [&str; SUBJECT] = [class, verdict, account, region, kind, id, name, reason];
    fill(&mut row, 0, subject);
    row
}

/// Fills the columns from `at` on.
fn fill<const N: usize>(row: &mut Row, at: usize, fields: [&str; N]) {
    for (cell, field) in row.iter_mut().skip(at).zip(fields) {
        field.clone_into(cell);
    }
}

const fn word(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

fn fill_cost(row: &mut Row, cost: &Cost, micros: Option<i64>, is_estimated: bool) {
    // What is unknown has no amount, and is never zero.
    let shown = micros.map(amount).unwrap_or_default();
    fill(row, COST, [&shown, cost.currency.as_str(), word(is_estimated)]);
}

fn fill_error(row: &mut Row, error: &Failure) {
    let request = error.request_id.as_deref().unwrap_or_default();
    fill(row, ERROR, [&error.operation, &error.code, request, &error.advice]);
}

fn of_result(result: &ResourceResult, cost: Option<OfFlowLog<'_>>) -> Row {
    let name = result.name.as_deref().unwrap_or_default();
    let place = [&result.account, &result.region].map(String::as_str);
    let about = [result.kind.as_str(), &result.id, name, &result.reason];
    let mut row = row(result.class().word(), &result.verdict.to_string(), place, about);
    let has_ipv6 = result.has_ipv6.map_or("", word);
    fill(&mut row, HAS_IPV6, [has_ipv6]);
    if let Some(flow_log) = &result.flow_log {
        let text = |field: &'_ Option<String>| field.clone().unwrap_or_default();
        let minutes = flow_log.interval_minutes.map_or(String::new(), |minutes| minutes.to_string());
        let status = text(&flow_log.status);
        let [traffic_type, ip_version] =
            [&flow_log.traffic_type, &flow_log.ip_version].map(|it| it.as_deref().unwrap_or_default());
        let [project, log_store, impairment] = [&flow_log.project, &flow_log.log_store, &flow_log.impairment].map(text);
        let paths = flow_log.traffic_path.as_ref().map_or(String::new(), |paths| paths.join(" "));
        fill(&mut row, FLOW_LOG, [&flow_log.id, &status, traffic_type, &paths, ip_version]);
        fill(&mut row, HAS_IPV6 + 1, [&minutes, &project, &log_store, &impairment].map(String::as_str));
    }
    let next = result.next_change.as_ref();
    let at = next.map_or(String::new(), |next| next.at.to_string());
    let is_on = next.map_or("", |next| word(next.is_on));
    fill(&mut row, SCHEDULE, [result.schedule.as_deref().unwrap_or_default(), &at, is_on]);
    if let Some(error) = &result.error {
        fill_error(&mut row, error);
    }
    if let Some((cost, of)) = cost {
        fill_cost(&mut row, cost, of.micros, of.is_estimated);
    }
    row
}

/// What is about no resource.
fn of_other(class: Class, verdict: &str, place: [&Option<String>; 3], reason: &str, error: Option<&Failure>) -> Row {
    let [account, region, subject] = place.map(|field| field.as_deref().unwrap_or_default());
    let mut row = row(class.word(), verdict, [account, region], ["", subject, "", reason]);
    if let Some(error) = error {
        fill_error(&mut row, error);
    }
    row
}

/// What a flow log costs whose resource has no row, or has one with the cost in another currency.
fn of_flow_log(cost: &Cost, of: &CostRow) -> Row {
    let about = ["", &*of.resource_id, "", "What the flow log costs"];
    let mut row = row(COST_CLASS, "", [&of.account, &of.region], about);
    fill(&mut row, FLOW_LOG, [&of.flow_log_id]);
    fill_cost(&mut row, cost, of.micros, of.is_estimated);
    row
}

/// What costs besides the flow logs.
fn of_cost(cost: &Cost, other: &OtherCost) -> Row {
    let place = [&other.account, &other.region].map(|field| field.as_deref().unwrap_or_default());
    let at_least = if other.is_at_least { ", at least" } else { "" };
    let mut row = row(COST_CLASS, "", place, ["", "", "", &format!("{}{at_least}", other.kind.words())]);
    fill_cost(&mut row, cost, other.micros, other.is_estimated());
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_of_columns_begins_where_the_header_has_it() {
        let begins = [FLOW_LOG, HAS_IPV6, SCHEDULE, ERROR, COST, REPORT].map(|column| HEADER[column]);
        assert_eq!(begins, ["flow_log_id", "has_ipv6", "schedule", "error_operation", "cost_per_month", "run"]);
        assert_eq!(HEADER[SUBJECT - 1], "reason");
    }

    #[test]
    fn a_negative_number_that_was_written_here_stays_a_number() {
        for (micros, shown) in [(-1, "-0.000001"), (-2_500_000, "-2.500000"), (i64::MIN, "-9223372036854.775808")] {
            let written = amount(micros);
            assert_eq!((written.as_str(), &*as_text(&written)), (shown, shown));
        }
        assert_eq!(as_text("-3"), "-3");
    }

    #[test]
    fn a_name_that_begins_like_a_negative_number_is_text() {
        for name in
            ["-", "-.5", "-5.", "-1.2.3", "--1", "-1+1", "-2+3|cmd", "-1 ", "-1e5", "-1,5", "-０", "-=1", "-@SUM(1)"]
        {
            assert_eq!(as_text(name), format!("'{name}"));
        }
    }

    #[test]
    fn a_spreadsheet_that_splits_at_another_character_finds_no_formula_either() {
        for (name, shown) in [
            ("x;=cmd|' /C calc'!A0;y", "x;'=cmd|' /C calc'!A0;y"),
            ("x\t=1+1\ty", "x\\u{0009}=1+1\\u{0009}y"),
            ("a\n=1", "a\\u{000a}=1"),
            ("x; \"=1", "x;' \"=1"),
            ("x;-1", "x;'-1"),
            ("x;'y", "x;''y"),
            (" =1", "' =1"),
            ("\u{202e}=1", "\\u{202e}=1"),
            ("x; y; z", "x; y; z"),
        ] {
            assert_eq!(as_text(name), shown);
        }
    }
}
