//! A plan as CSV: one line for each change, resource, note and failed read.

use evidence::as_text;

use super::{Change, Field, Plan, Resource, Source, Unread};
use crate::failure::Failure;

const HEAD: [&str; 14] = [
    "what",
    "account",
    "region",
    "resource_type",
    "resource_id",
    "verdict",
    "covered",
    "exception",
    "action",
    "flow_log_id",
    "change_id",
    "field",
    "before_after",
    "reason",
];

/// Writes a plan as CSV.
pub(crate) fn csv(plan: &Plan) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("the plan cannot be written as CSV: {error}"), "report it")
    };
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut add = |row: [String; 14]| writer.write_record(row.iter().map(|cell| as_text(cell).into_owned()));
    let head = add(HEAD.map(str::to_owned));
    let rows = plan.changes.iter().flat_map(of_change);
    let rows = rows.chain(plan.resources.iter().map(of_resource)).chain(plan.unread.iter().map(of_unread));
    let mut rows = rows.chain(plan.notes.iter().map(|note| {
        let what = if note.finding { "finding" } else { "left-out" };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        row(
            what,
            [text(&note.account), text(&note.region), text(&note.resource_type), text(&note.resource_id)],
            &note.reason,
        )
    }));
    head.and_then(|()| rows.try_for_each(add)).map_err(|error| failed(&error))?;
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

fn row(what: &str, place: [String; 4], reason: &str) -> [String; 14] {
    let mut row: [String; 14] = Default::default();
    what.clone_into(&mut row[0]);
    for (cell, text) in row[1..5].iter_mut().zip(place) {
        *cell = text;
    }
    reason.clone_into(&mut row[13]);
    row
}

fn of_change(change: &Change) -> impl Iterator<Item = [String; 14]> + '_ {
    let place = [&change.account, &change.region, &change.resource_type, &change.resource_id].map(Clone::clone);
    change.fields.iter().map(move |field| {
        let mut row = row("change", place.clone(), &change.reason);
        row[5] = change.verdict.clone().unwrap_or_default();
        row[8].clone_from(&change.action);
        row[9] = change.flow_log_id.clone().unwrap_or_default();
        row[10].clone_from(&change.id);
        row[11].clone_from(&field.field);
        row[12] = values(field);
        row
    })
}

/// What a field is and will be.
pub(crate) fn values(field: &Field) -> String {
    match (&field.before, &field.after) {
        (None, Some(after)) => after.clone(),
        (Some(before), None) => before.clone(),
        (Some(before), Some(after)) if before == after => after.clone(),
        (Some(before), Some(after)) => format!("{} -> {}", visible(before), visible(after)),
        (None, None) => String::new(),
    }
}

/// An empty text can be seen beside another one.
fn visible(text: &str) -> &str {
    if text.is_empty() { "\"\"" } else { text }
}

/// What asks for a field, in a few words. `file` is the policy's.
pub(crate) fn asked_by(source: &Source, file: &str) -> Option<String> {
    match source {
        Source::Policy { in_override: Some(number), line, column, .. } => {
            Some(format!("override {number}, {file}:{line}:{column}"))
        }
        Source::Policy { in_override: None, line, column, .. } => Some(format!("{file}:{line}:{column}")),
        Source::Tag { value } => Some(format!("tag flowkeeper={value}")),
        Source::Default | Source::Nothing => None,
    }
}

fn of_resource(resource: &Resource) -> [String; 14] {
    let place = [&resource.account, &resource.region, &resource.resource_type, &resource.resource_id].map(Clone::clone);
    let mut row = row("resource", place, &resource.reason);
    row[5].clone_from(&resource.verdict);
    row[6] = resource.covered.to_string();
    row[7] = resource.exception.to_string();
    row[9] = resource.flow_log.as_ref().map(|flow_log| flow_log.id.clone()).unwrap_or_default();
    row
}

fn of_unread(unread: &Unread) -> [String; 14] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let place = [text(&unread.account), text(&unread.region), text(&unread.resource_type), text(&unread.resource_id)];
    let error = unread.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
    let mut row = row("unread", place, &format!("{}{error}", unread.reason));
    row[5] = "unknown".to_owned();
    row
}
