//! A plan as text, for people.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use clap::builder::styling::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::{
    Change, Kind, Maker, Note, Plan, Resource, Totals,
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

/// What a plan says about one place.
#[derive(Debug, Default)]
struct Said<'p> {
    changes: Vec<&'p Change>,
    resources: Vec<&'p Resource>,
    notes: Vec<&'p Note>,
    is_unread: bool,
}

/// Draws a plan.
pub(crate) fn text(plan: &Plan, drawing: Drawing) -> String {
    let mut text = String::new();
    let mut quiet = 0;
    for (place, said) in by_place(plan) {
        if said.changes.is_empty() && said.resources.is_empty() && said.notes.is_empty() {
            quiet += usize::from(!said.is_unread);
        } else {
            text.push_str(&of_region(plan, place, &said, drawing));
        }
    }
    match quiet {
        0 => {}
        1 => text.push_str("1 region has no resource at a level of the policy.\n\n"),
        count => _ = writeln!(text, "{count} regions have no resource at a level of the policy.\n"),
    }
    text.push_str(&limits(plan));
    text.push_str(&unread(plan));
    _ = writeln!(text, "{BOLD}{}{BOLD:#}", last_line(&plan.summary));
    text
}

/// Sorts what a plan says by its places.
fn by_place(plan: &Plan) -> BTreeMap<Place<'_>, Said<'_>> {
    let mut places: BTreeMap<Place<'_>, Said<'_>> = BTreeMap::new();
    for change in &plan.changes {
        places.entry((&change.account, &change.region)).or_default().changes.push(change);
    }
    for resource in &plan.resources {
        places.entry((&resource.account, &resource.region)).or_default().resources.push(resource);
    }
    for note in &plan.notes {
        places.entry((of(&note.account), of(&note.region))).or_default().notes.push(note);
    }
    // The regions of an account belong to none of them.
    for read in plan.read.iter().filter(|it| it.action != "DescribeRegions") {
        places.entry((&read.account, &read.region)).or_default();
    }
    for unread in &plan.unread {
        if let Some(said) = places.get_mut(&(of(&unread.account), of(&unread.region))) {
            said.is_unread = true;
        }
    }
    places
}

/// Draws some changes of a plan, with the findings that are about no resource, and what could not be read.
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
    let found = plan.notes.iter().filter(|note| note.finding);
    let found =
        found.map(|note| [of(&note.resource_id).to_owned(), of(&note.flow_log_id).to_owned(), note.reason.clone()]);
    text.push_str(&headed("findings", YELLOW, found.collect(), drawing));
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

fn of(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// Draws the changes and findings about a region.
fn of_region(plan: &Plan, (account, region): Place<'_>, said: &Said<'_>, drawing: Drawing) -> String {
    let Said { changes, resources, notes, .. } = said;
    let changed: BTreeSet<_> = changes.iter().map(|change| change.resource_id.as_str()).collect();
    let findings: Vec<_> = resources.iter().copied().filter(|it| it.finding).collect();
    let exceptions: Vec<_> =
        resources.iter().copied().filter(|it| it.exception && !changed.contains(it.resource_id.as_str())).collect();
    let mut text = match (account, region) {
        ("", _) => String::new(),
        (_, "") => format!("{BOLD}{account}{BOLD:#}\n"),
        _ => format!("{BOLD}{account}  {region}{BOLD:#}\n"),
    };
    if !resources.is_empty() {
        text.push_str(&wrapped(&coverage(resources), 2, drawing));
    }
    if !changes.is_empty() {
        text.push_str(&changes_table(plan, changes, drawing));
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
    text
}

fn about(resource: &Resource) -> [String; 3] {
    [resource.resource_id.clone(), resource.verdict.clone(), resource.reason.clone()]
}

/// Says by what the resources of a region are covered, and why the others are not.
fn coverage(resources: &[&Resource]) -> String {
    let (mut covered, mut others, mut exceptions) = (BTreeMap::new(), BTreeMap::new(), 0);
    for resource in resources {
        match &resource.flow_log {
            _ if resource.exception => exceptions += 1,
            Some(flow_log) if resource.covered => {
                let by = match flow_log.made_by {
                    Maker::Flowkeeper if flow_log.resource_id == resource.resource_id => "own",
                    Maker::Flowkeeper => "by what contains them",
                    Maker::Sls => "by Log Service",
                    Maker::Others | Maker::Unknown => "by others",
                };
                *covered.entry(by).or_insert(0) += 1;
            }
            // What others record is not all that the policy wants.
            _ if resource.verdict == "foreign" => *others.entry("in part").or_insert(0) += 1,
            _ => *others.entry(resource.verdict.as_str()).or_insert(0) += 1,
        }
    }
    let mut parts = vec![counted(resources.len(), "resource")];
    let listed = |head: &str, counts: BTreeMap<&str, usize>| {
        let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        (!counts.is_empty()).then(|| format!("{head}: {}", counts.join(", ")))
    };
    parts.extend(listed("covered", covered));
    parts.extend(listed("not covered", others));
    parts.extend((exceptions > 0).then(|| counted(exceptions, "exception")));
    parts.join("; ")
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
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
            text.push_str(&wrapped(&line, 6, drawing));
        }
        _ = writeln!(text, "      {DIM}change {}{DIM:#}", change.id);
    }
    text
}

/// Breaks a line to the width of the terminal.
fn wrapped(line: &str, indent: u16, drawing: Drawing) -> String {
    let mut table = table(drawing);
    table.add_row([line]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((indent, 0));
    }
    lines(&table).map(|part| part + "\n").collect()
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
