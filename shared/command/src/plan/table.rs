//! A plan as text, for people.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use clap::builder::styling::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::{
    Change, Kind, Maker, Plan, Resource, Totals,
    csv::{asked_by, values},
};
use crate::terminal::{BOLD, DIM, GREEN, RED, YELLOW};

/// How many exceptions of a region are listed, unless all are asked for.
const MAX_EXCEPTIONS: usize = 20;

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawing {
    /// The columns of the terminal; `None` where nothing is broken into lines.
    pub(crate) columns: Option<usize>,
    /// Whether everything is listed.
    pub(crate) is_verbose: bool,
}

/// An account and a region; the region is missing for what is about a whole account.
type Place<'p> = (&'p str, &'p str);

/// Draws a plan.
pub(crate) fn text(plan: &Plan, drawing: Drawing) -> String {
    let mut text = String::new();
    let mut quiet = Vec::new();
    for place in places(plan) {
        match of_region(plan, place, drawing) {
            Some(region) => text.push_str(&region),
            None => quiet.push(place),
        }
    }
    text.push_str(&of_quiet(plan, &quiet));
    text.push_str(&limits(plan));
    text.push_str(&unread(plan));
    _ = writeln!(text, "{BOLD}{}{BOLD:#}", last_line(&plan.summary));
    text
}

/// Draws some changes of a plan, and what could not be read.
pub(crate) fn chosen(plan: &Plan, changes: &[&Change], drawing: Drawing) -> String {
    let mut text = String::new();
    let places: BTreeSet<_> = changes.iter().map(|change| (change.account.as_str(), change.region.as_str())).collect();
    for place in places {
        let (account, region) = place;
        _ = writeln!(text, "{BOLD}{account}  {region}{BOLD:#}");
        let here: Vec<_> =
            changes.iter().copied().filter(|it| (it.account.as_str(), it.region.as_str()) == place).collect();
        text.push_str(&changes_table(plan, &here, drawing));
        text.push('\n');
    }
    text + &limits(plan) + &unread(plan)
}

/// Returns the line with the counts.
pub(crate) fn last_line(totals: &Totals) -> String {
    let Totals {
        create,
        modify,
        activate,
        deactivate,
        replace,
        delete,
        resources,
        covered,
        exceptions,
        findings,
        unread,
    } = totals;
    let mut line = format!(
        "Plan: {create} to create, {modify} to modify, {activate} to switch on, {deactivate} to switch off, \
         {replace} to replace, {delete} to delete; {covered} of {resources} resources covered"
    );
    for (count, one, many) in [
        (exceptions, "exception", "exceptions"),
        (findings, "finding", "findings"),
        (unread, "could not be read", "could not be read"),
    ] {
        match count {
            0 => {}
            1 => _ = write!(line, "; 1 {one}"),
            count => _ = write!(line, "; {count} {many}"),
        }
    }
    line + "."
}

/// Returns the places that the plan is about, in order.
fn places(plan: &Plan) -> BTreeSet<Place<'_>> {
    let changes = plan.changes.iter().map(|it| (it.account.as_str(), it.region.as_str()));
    let resources = plan.resources.iter().map(|it| (it.account.as_str(), it.region.as_str()));
    let read = plan.read.iter().filter(|it| it.action != "DescribeRegions");
    let read = read.map(|it| (it.account.as_str(), it.region.as_str()));
    let notes = plan.notes.iter().map(|it| (of(&it.account), of(&it.region)));
    changes.chain(resources).chain(read).chain(notes).collect()
}

fn of(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// Draws what is to say about a region; `None` if that is nothing.
fn of_region(plan: &Plan, place: Place<'_>, drawing: Drawing) -> Option<String> {
    let (account, region) = place;
    let changes: Vec<_> = plan.changes.iter().filter(|it| (it.account.as_str(), it.region.as_str()) == place).collect();
    let resources: Vec<_> =
        plan.resources.iter().filter(|it| (it.account.as_str(), it.region.as_str()) == place).collect();
    let notes: Vec<_> = plan.notes.iter().filter(|it| (of(&it.account), of(&it.region)) == place).collect();
    let changed: BTreeSet<_> = changes.iter().map(|change| change.resource_id.as_str()).collect();
    let findings: Vec<_> = resources.iter().copied().filter(|it| it.finding).collect();
    let exceptions: Vec<_> =
        resources.iter().copied().filter(|it| it.exception && !changed.contains(it.resource_id.as_str())).collect();
    if changes.is_empty() && notes.is_empty() && resources.is_empty() {
        return None;
    }
    let mut text = match (account, region) {
        ("", _) => String::new(),
        (_, "") => format!("{BOLD}{account}{BOLD:#}\n"),
        _ => format!("{BOLD}{account}  {region}{BOLD:#}\n"),
    };
    if !resources.is_empty() {
        _ = writeln!(text, "  {}", coverage(&resources));
    }
    if !changes.is_empty() {
        text.push_str(&changes_table(plan, &changes, drawing));
    }
    if drawing.is_verbose {
        let quiet: Vec<_> = resources
            .iter()
            .copied()
            .filter(|it| !it.finding && !it.exception && !changed.contains(it.resource_id.as_str()))
            .map(about)
            .collect();
        text.push_str(&rows(quiet, drawing));
    }
    let listed = if drawing.is_verbose { exceptions.len() } else { MAX_EXCEPTIONS };
    text.push_str(&headed("exceptions", DIM, exceptions.iter().copied().take(listed).map(about).collect(), drawing));
    if exceptions.len() > listed {
        _ = writeln!(text, "  and {} more; -v lists them", exceptions.len() - listed);
    }
    let mut found: Vec<_> = findings.iter().copied().map(about).collect();
    found.extend(
        notes
            .iter()
            .filter(|note| note.finding)
            .map(|note| [of(&note.resource_id).to_owned(), of(&note.flow_log_id).to_owned(), note.reason.clone()]),
    );
    text.push_str(&headed("findings", YELLOW, found, drawing));
    let left_out: Vec<_> = notes
        .iter()
        .filter(|note| !note.finding)
        .map(|note| [of(&note.resource_id).to_owned(), of(&note.flow_log_id).to_owned(), note.reason.clone()])
        .collect();
    text.push_str(&headed("left out", DIM, left_out, drawing));
    text.push('\n');
    Some(text)
}

fn about(resource: &Resource) -> [String; 3] {
    [resource.resource_id.clone(), resource.verdict.clone(), resource.reason.clone()]
}

/// Says by what the resources of a region are covered.
fn coverage(resources: &[&Resource]) -> String {
    let mut counts: BTreeMap<(u8, String), usize> = BTreeMap::new();
    for resource in resources {
        let kind = match &resource.flow_log {
            _ if resource.exception => (6, "exception".to_owned()),
            Some(flow_log) if resource.covered => match flow_log.made_by {
                Maker::Flowkeeper if flow_log.resource_id == resource.resource_id => (0, "own flow log".to_owned()),
                Maker::Flowkeeper => (1, "flow log of what contains it".to_owned()),
                Maker::Sls => (3, "flow log of Log Service".to_owned()),
                Maker::Others | Maker::Unknown => (2, "flow log of others".to_owned()),
            },
            _ => (5, resource.verdict.clone()),
        };
        *counts.entry(kind).or_default() += 1;
    }
    let counted: Vec<_> = counts.iter().map(|((_, what), count)| format!("{count} {what}")).collect();
    let count = resources.len();
    let noun = if count == 1 { "resource" } else { "resources" };
    format!("{count} {noun}: {}", counted.join(", "))
}

/// Draws changes: each with a line that says what it does to what, and below it why, field by field.
fn changes_table(plan: &Plan, changes: &[&Change], drawing: Drawing) -> String {
    let mut text = String::new();
    for change in changes {
        let style = match change.kind.sign() {
            '+' => GREEN,
            '-' => RED,
            _ => YELLOW,
        };
        let verb = format!("{} {:<10}", change.kind.sign(), change.kind.words());
        let flow_log = change.flow_log_id.as_ref().map(|id| format!("  {id}")).unwrap_or_default();
        _ = writeln!(text, "  {style}{verb}{style:#}  {BOLD}{}{BOLD:#}{flow_log}", change.resource_id);
        for line in details(plan, change, drawing.is_verbose) {
            text.push_str(&wrapped(&line, drawing));
        }
        _ = writeln!(text, "      {DIM}change {}{DIM:#}", change.id);
    }
    text
}

/// Breaks a line under a change to the width of the terminal.
fn wrapped(line: &str, drawing: Drawing) -> String {
    let mut table = table(drawing);
    table.add_row([line]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((6, 0));
    }
    lines(&table).map(|line| line + "\n").collect()
}

/// Says why, and each field with what asks for it. Of a new flow log, defaults are left out unless they are asked for.
fn details(plan: &Plan, change: &Change, is_verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    // The fields of these say all of it.
    if is_verbose || !matches!(change.kind, Kind::Modify | Kind::Replace) {
        lines.push(change.reason.clone());
    }
    for field in &change.fields {
        let by = asked_by(&field.source, &plan.policy.file);
        let is_shown = match change.kind {
            Kind::Create => by.is_some(),
            Kind::Replace => field.before != field.after,
            Kind::Delete => false,
            Kind::Activate | Kind::Deactivate | Kind::Modify => true,
        };
        if is_shown || is_verbose {
            let by = by.map(|by| format!(" ({by})")).unwrap_or_default();
            lines.push(format!("{}: {}{by}", field.field, values(field)));
        }
    }
    lines
}

fn headed(head: &str, style: Style, found: Vec<[String; 3]>, drawing: Drawing) -> String {
    if found.is_empty() {
        return String::new();
    }
    format!("  {style}{head}{style:#}\n{}", rows(found, drawing))
}

/// Draws rows of an id, a word and a sentence.
fn rows(found: Vec<[String; 3]>, drawing: Drawing) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut table = table(drawing);
    let has_word = found.iter().any(|[_, word, _]| !word.is_empty());
    for [id, word, sentence] in found {
        let id = if id.is_empty() { "-".to_owned() } else { id };
        if has_word {
            table.add_row([id, word, sentence])
        } else {
            table.add_row([id, sentence])
        };
    }
    // Ids are for copying, and stay in one piece.
    for nth in 0..if has_word { 2 } else { 1 } {
        if let Some(column) = table.column_mut(nth) {
            column.set_constraint(ColumnConstraint::ContentWidth);
            column.set_padding((if nth == 0 { 4 } else { 1 }, 1));
        }
    }
    lines(&table).map(|line| line + "\n").collect()
}

fn table(drawing: Drawing) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match drawing.columns.and_then(|columns| u16::try_from(columns).ok()) {
        Some(columns) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

fn lines(table: &Table) -> impl Iterator<Item = String> {
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.into_iter()
}

/// Sums up the regions in which there is nothing.
fn of_quiet(plan: &Plan, quiet: &[Place<'_>]) -> String {
    let is_unread = |place: &&Place<'_>| plan.unread.iter().any(|it| (of(&it.account), of(&it.region)) == **place);
    let count = quiet.iter().filter(|place| !is_unread(place)).count();
    match count {
        0 => String::new(),
        1 => "1 region has no resource at a level of the policy.\n\n".to_owned(),
        count => format!("{count} regions have no resource at a level of the policy.\n\n"),
    }
}

fn limits(plan: &Plan) -> String {
    if plan.limits.is_empty() {
        return String::new();
    }
    let mut text = format!("{YELLOW}limits{YELLOW:#} would refuse changes of their kind:\n");
    for limit in &plan.limits {
        _ = writeln!(text, "  {limit}");
    }
    text + "\n"
}

/// Says what could not be read, the same failure once for all that it is about.
fn unread(plan: &Plan) -> String {
    if plan.unread.is_empty() {
        return String::new();
    }
    let count = plan.unread.len();
    let mut text =
        format!("{RED}{count} could not be read{RED:#}, and {} unknown:\n", if count == 1 { "is" } else { "are" });
    for it in &plan.unread {
        let place = [&it.account, &it.region, &it.resource_id].into_iter().flatten();
        let place: Vec<_> = place.map(String::as_str).collect();
        _ = writeln!(text, "  {}: {}", place.join(" "), it.reason);
        if let Some(error) = &it.error {
            _ = writeln!(text, "    {}", error.message);
            _ = writeln!(text, "    {}", error.advice);
        }
    }
    text + "\n"
}
