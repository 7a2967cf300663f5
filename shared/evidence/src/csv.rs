//! Evidence as CSV: one row for each resource, and one for everything else that was found or could not be read.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
};

use csv::Writer;

use crate::{
    assessment::Class,
    evidence::Evidence,
    facts::{Cost, CostRow, Facts, Failure, NoteState, ResourceResult},
};

/// How many columns there are.
const COLUMNS: usize = 28;
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
    "cost",
    "currency",
    "cost_is_estimated",
];

/// Makes sure that a spreadsheet takes a field as text, and not as a formula: names come from strangers.
///
/// A field that begins with `'` gets another one, so that taking one away always gives the original. A negative number stays
/// a number.
#[must_use]
pub fn as_text(field: &str) -> Cow<'_, str> {
    // The last four are how the first four are typed in Chinese and Japanese, and some spreadsheets take them as such.
    let is_risky = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    if is_risky && !is_negative_number(field) { Cow::Owned(format!("'{field}")) } else { Cow::Borrowed(field) }
}

/// Whether a field is a negative number in decimals, which no spreadsheet can take for anything else.
fn is_negative_number(field: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(amount) = field.strip_prefix('-') else { return false };
    amount.split_once('.').map_or_else(|| digits(amount), |(whole, part)| digits(whole) && digits(part))
}

impl Evidence {
    /// Writes one row for each resource, one for each kind of resources that are only counted, one for each finding about
    /// something else, one for everything that could not be read, and one for each count that disagrees. RFC 4180 with a header, in UTF-8. A field that a
    /// spreadsheet would run as a formula begins with `'`.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_csv(&self, to: impl Write) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
        writer.write_record(HEADER)?;
        let costs = costs(self.facts());
        for result in &self.facts().results {
            let id = result.flow_log.as_ref().map_or("", |flow_log| &flow_log.id);
            let cost = costs.get(&(result.account.as_str(), result.region.as_str(), id)).copied();
            write_result(&mut writer, result, cost)?;
        }
        for omitted in &self.facts().omitted {
            let mut row = [""; COLUMNS];
            let (verdict, reason) = (omitted.verdict.to_string(), omitted.sentence());
            row[..8].copy_from_slice(&[
                omitted.class().word(),
                &verdict,
                &omitted.account,
                &omitted.region,
                omitted.kind.as_str(),
                "",
                "",
                &reason,
            ]);
            write_row(&mut writer, row)?;
        }
        for unknown in self.assessment().unknown.iter().filter(|unknown| !unknown.has_result) {
            let place = [&unknown.account, &unknown.region, &unknown.subject];
            write_other(&mut writer, Class::Unknown, "unknown", place, &unknown.why, unknown.error.as_ref())?;
        }
        for note in self.facts().notes.iter().filter(|note| note.state == NoteState::Finding) {
            let place = [&note.account, &note.region, &note.subject];
            write_other(&mut writer, Class::Finding, "", place, &note.reason, note.error.as_ref())?;
        }
        for why in &self.assessment().discrepancies {
            write_other(&mut writer, Class::Unknown, "discrepancy", [&None; 3], why, None)?;
        }
        writer.flush()
    }
}

/// What a flow log costs, with the currency.
type OfFlowLog<'f> = (&'f Cost, &'f CostRow);

/// What each flow log costs, by its account, region and id. Of several currencies, the first.
fn costs(facts: &Facts) -> BTreeMap<(&str, &str, &str), OfFlowLog<'_>> {
    let mut costs = BTreeMap::new();
    for (cost, row) in facts.costs.iter().flat_map(|cost| cost.rows.iter().map(move |row| (cost, row))) {
        costs.entry((row.account.as_str(), row.region.as_str(), row.flow_log_id.as_str())).or_insert((cost, row));
    }
    costs
}

/// An amount with all its decimals, from millionths.
fn amount(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

fn write_result(
    writer: &mut Writer<impl Write>,
    result: &ResourceResult,
    cost: Option<OfFlowLog<'_>>,
) -> io::Result<()> {
    let flow_log = result.flow_log.as_ref();
    let error = result.error.as_ref();
    let text = |field: Option<&String>| field.map_or(String::new(), Clone::clone);
    let paths = flow_log.and_then(|it| it.traffic_path.as_ref());
    let row: [&str; COLUMNS] = [
        result.class().word(),
        &result.verdict.to_string(),
        &result.account,
        &result.region,
        result.kind.as_str(),
        &result.id,
        result.name.as_deref().unwrap_or_default(),
        &result.reason,
        flow_log.map_or("", |it| &it.id),
        flow_log.and_then(|it| it.status.as_deref()).unwrap_or_default(),
        flow_log.and_then(|it| it.traffic_type.as_deref()).unwrap_or_default(),
        &paths.map_or(String::new(), |paths| paths.join(" ")),
        flow_log.and_then(|it| it.ip_version.as_deref()).unwrap_or_default(),
        result.has_ipv6.map_or("", |has_ipv6| if has_ipv6 { "true" } else { "false" }),
        &flow_log.and_then(|it| it.interval_minutes).map_or(String::new(), |minutes| minutes.to_string()),
        &text(flow_log.and_then(|it| it.project.as_ref())),
        &text(flow_log.and_then(|it| it.log_store.as_ref())),
        &text(flow_log.and_then(|it| it.impairment.as_ref())),
        &text(result.schedule.as_ref()),
        &result.next_change.as_ref().map_or(String::new(), |next| next.at.to_string()),
        result.next_change.as_ref().map_or("", |next| if next.is_on { "true" } else { "false" }),
        error.map_or("", |error| &error.operation),
        error.map_or("", |error| &error.code),
        error.and_then(|error| error.request_id.as_deref()).unwrap_or_default(),
        error.map_or("", |error| &error.advice),
        &cost.and_then(|(_, row)| row.micros).map_or(String::new(), amount),
        cost.map_or("", |(cost, _)| cost.currency.as_str()),
        cost.map_or("", |(_, row)| if row.is_estimated { "true" } else { "false" }),
    ];
    write_row(writer, row)
}

/// Writes what is about no resource.
fn write_other(
    writer: &mut Writer<impl Write>,
    class: Class,
    verdict: &str,
    [account, region, subject]: [&Option<String>; 3],
    reason: &str,
    error: Option<&Failure>,
) -> io::Result<()> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let mut row = [""; COLUMNS];
    let [account, region, subject] = [account, region, subject].map(text);
    row[..8].copy_from_slice(&[class.word(), verdict, &account, &region, "", &subject, "", reason]);
    if let Some(error) = error {
        let request = error.request_id.as_deref().unwrap_or_default();
        row[21..25].copy_from_slice(&[&error.operation, &error.code, request, &error.advice]);
    }
    write_row(writer, row)
}

fn write_row(writer: &mut Writer<impl Write>, row: [&str; COLUMNS]) -> io::Result<()> {
    for field in row {
        writer.write_field(as_text(field).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
