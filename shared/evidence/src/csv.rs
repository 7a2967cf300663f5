//! Evidence as CSV: one row for each resource, and one for everything that could not be read.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use csv::Writer;

use crate::{assessment::Class, evidence::Evidence, facts::ResourceResult};

/// The columns.
const HEADER: [&str; 22] = [
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
];

/// Makes sure that a spreadsheet takes a field as text, and not as a formula: names come from strangers. A field that
/// begins with `'` gets another one, so that taking one away always gives the original.
pub(crate) fn as_text(field: &str) -> Cow<'_, str> {
    // The last four are how the first four are typed in Chinese and Japanese, and some spreadsheets take them as such.
    let is_risky = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠']);
    if is_risky { Cow::Owned(format!("'{field}")) } else { Cow::Borrowed(field) }
}

impl Evidence {
    /// Writes one row for each resource, and one for each account, region or list that could not be read. RFC 4180 with
    /// a header, in UTF-8. A field that a spreadsheet would run as a formula begins with `'`.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_csv(&self, to: impl Write) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
        writer.write_record(HEADER)?;
        for result in &self.facts().results {
            write_result(&mut writer, result)?;
        }
        for unknown in self.assessment().unknown.iter().filter(|unknown| !unknown.has_result) {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let error = unknown.error.as_ref();
            let row: [&str; 22] = [
                Class::Unknown.word(),
                "unknown",
                &text(&unknown.account),
                &text(&unknown.region),
                "",
                &text(&unknown.subject),
                "",
                &unknown.why,
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                error.map_or("", |error| &error.operation),
                error.map_or("", |error| &error.code),
                error.and_then(|error| error.request_id.as_deref()).unwrap_or_default(),
                error.map_or("", |error| &error.advice),
            ];
            write_row(&mut writer, row)?;
        }
        writer.flush()
    }
}

fn write_result(writer: &mut Writer<impl Write>, result: &ResourceResult) -> io::Result<()> {
    let flow_log = result.flow_log.as_ref();
    let error = result.error.as_ref();
    let text = |field: Option<&String>| field.map_or(String::new(), Clone::clone);
    let row: [&str; 22] = [
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
    ];
    write_row(writer, row)
}

fn write_row(writer: &mut Writer<impl Write>, row: [&str; 22]) -> io::Result<()> {
    for field in row {
        writer.write_field(as_text(field).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>).map_err(io::Error::from)
}
