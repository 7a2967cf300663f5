//! What flow logs cost as text, for people.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::NOTHING};
use cost::{Amount, FlowLogCost, HOURS, RegionCost, Volume};

use crate::{
    costing::{Costing, is_estimated},
    plan::table::Drawing,
    terminal::{BOLD, DIM, width},
};

/// How many flow logs of a region are listed, unless all are asked for: the dearest.
const MAX_FLOW_LOGS: usize = 20;
/// The least number of columns for everything about a flow log in one row.
const WIDE: usize = 116;
/// The least and the most number of columns that a sentence is broken at.
const SENTENCE: [usize; 2] = [40, 120];

/// Draws what flow logs cost: each region with its flow logs, the dearest first, and then the sums.
pub(crate) fn text(costing: &Costing, drawing: Drawing) -> String {
    let mut text = String::new();
    for region in &costing.statement.regions {
        text.push_str(&of_region(costing, region, drawing));
    }
    if costing.statement.regions.is_empty() {
        text.push_str("no flow logs\n\n");
    }
    text.push_str(&sums(costing));
    let prices = format!("list prices of {}, {}", costing.statement.prices_of, costing.statement.source);
    for line in [&prices].into_iter().chain(&costing.notes) {
        text.push_str(&wrapped(line, drawing));
    }
    text
}

/// Breaks a sentence into lines.
fn wrapped(line: &str, drawing: Drawing) -> String {
    let Some(columns) = drawing.columns else { return format!("{DIM}{line}{DIM:#}\n") };
    let columns = columns.clamp(SENTENCE[0], SENTENCE[1]);
    let (mut lines, mut last) = (String::new(), String::new());
    for word in line.split(' ') {
        if !last.is_empty() && width(&last) + 1 + width(word) > columns {
            _ = writeln!(lines, "{DIM}{last}{DIM:#}");
            last = "   ".to_owned();
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    _ = writeln!(lines, "{DIM}{last}{DIM:#}");
    lines
}

fn of_region(costing: &Costing, region: &RegionCost, drawing: Drawing) -> String {
    let is_wide = drawing.columns.is_none_or(|columns| columns >= WIDE);
    let mut dearest: Vec<_> = region.flow_logs.iter().collect();
    // Whose cost is unknown comes first: it may be the dearest of all.
    dearest.sort_by_key(|flow_log| std::cmp::Reverse(flow_log.total().unwrap_or(Amount::from_millionths(i64::MAX))));
    let shown = if drawing.is_verbose { dearest.len() } else { MAX_FLOW_LOGS };
    let mut rows = Table::new();
    rows.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let (first, parts): (&[&str], &[&str]) =
        if is_wide { (&["resource", "flow log"], &["VPC", "Log Service"]) } else { (&["resource"], &[]) };
    let head = [first, &["hours on", "GB"], parts, &["a month", "saves"]].concat();
    rows.set_header(head);
    for flow_log in dearest.iter().take(shown) {
        rows.add_row(row(costing, flow_log, is_wide));
    }
    for column in rows.column_iter_mut().skip(first.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{BOLD}{}{BOLD:#}  account {}\n", region.region, region.account);
    rows.lines().map(|line| line.trim_end().to_owned()).for_each(|line| _ = writeln!(text, " {line}"));
    if let Some(more) = dearest.len().checked_sub(shown).filter(|more| *more > 0) {
        let cost: Amount = dearest.iter().skip(shown).filter_map(|flow_log| flow_log.total()).sum();
        _ = writeln!(text, "  and {more} more, {cost} together: -v shows them");
    }
    for flow_log in dearest.iter().filter(|flow_log| flow_log.duplicates.is_some()).take(shown) {
        let Some(other) = &flow_log.duplicates else { continue };
        let less = match flow_log.avoidable() {
            Some(amount) => format!("{} less", marked(Some(amount), is_estimated(flow_log)).trim_end()),
            None => "an unknown amount less".to_owned(),
        };
        let line = format!("  {} records what {other} records already: {less} without it", flow_log.resource_id);
        _ = writeln!(text, "{line}");
    }
    text.push('\n');
    text
}

fn row(costing: &Costing, flow_log: &FlowLogCost, is_wide: bool) -> Vec<String> {
    let is_estimated = is_estimated(flow_log);
    let saving = costing.savings.get(&flow_log.id);
    let hours = match saving {
        Some((on, _)) => format!("{on} of {HOURS}"),
        None if costing.off.contains(&flow_log.id) => "off".to_owned(),
        None => "all".to_owned(),
    };
    let saves = saving.map(|(_, saving)| {
        let is_assumed = saving.measured_hours < saving.off_hours;
        marked(costing.saving(&flow_log.id), is_estimated || is_assumed)
    });
    let volume = match (&flow_log.volume, flow_log.volume.bytes()) {
        (Volume::Estimated { .. }, Some(bytes)) => format!("{bytes}*"),
        (_, Some(bytes)) => format!("{bytes} "),
        (_, None) => "unknown ".to_owned(),
    };
    let mut row = vec![flow_log.resource_id.clone()];
    row.extend(is_wide.then(|| flow_log.id.to_string()));
    row.extend([hours, volume]);
    let parts = [flow_log.share, flow_log.log_service].map(|amount| marked(amount, is_estimated));
    row.extend(parts.into_iter().filter(|_| is_wide));
    row.extend([marked(flow_log.total(), is_estimated), saves.unwrap_or_default()]);
    row
}

/// An amount with `*` if it is estimated. Without, a blank keeps the digits below each other.
fn marked(amount: Option<Amount>, is_estimated: bool) -> String {
    amount.map_or_else(|| "unknown ".to_owned(), |amount| format!("{amount}{}", if is_estimated { "*" } else { " " }))
}

/// What all of it costs together, and what of that need not be.
fn sums(costing: &Costing) -> String {
    let statement = &costing.statement;
    let regions = &statement.regions;
    let estimated = regions.iter().any(RegionCost::has_estimates);
    let mut rows = Table::new();
    rows.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut add = |what: String, amount: String, note: String| {
        rows.add_row([what, amount, note]);
    };
    let sum = |part: fn(&RegionCost) -> Option<Amount>| regions.iter().filter_map(part).sum::<Amount>();
    if !regions.is_empty() {
        let gigabytes: cost::Bytes = regions.iter().map(|region| region.volume).sum();
        add(
            "VPC".to_owned(),
            marked(Some(sum(|region| region.generation)), estimated),
            format!("{gigabytes} GB recorded"),
        );
        add("Log Service".to_owned(), marked(Some(sum(|region| region.log_service)), estimated), String::new());
        add("shards of Logstores".to_owned(), marked(Some(sum(|region| region.shards)), estimated), String::new());
    }
    if let Some((functions, amount)) = costing.flowkeeper() {
        let count = functions.iter().fold(0_u64, |sum, function| sum.saturating_add(function.invocations));
        add("Flowkeeper itself".to_owned(), marked(Some(amount), true), format!("{count} invocations"));
    }
    let unknown = regions.iter().flat_map(|region| &region.flow_logs).filter(|it| it.total().is_none()).count();
    let lacks = if unknown > 0 { format!("{unknown} flow logs are not in it: unknown") } else { String::new() };
    add("total".to_owned(), marked(Some(statement.total()), estimated || costing.flowkeeper().is_some()), lacks);
    if costing.saved() > Amount::ZERO {
        let assumed = costing.savings.values().any(|(_, saving)| saving.measured_hours < saving.off_hours);
        add("schedules save".to_owned(), marked(Some(costing.saved()), estimated || assumed), "by traffic".to_owned());
    }
    if costing.duplicates() > Amount::ZERO {
        let count = regions.iter().flat_map(|region| &region.flow_logs).filter(|it| it.duplicates.is_some()).count();
        let which = if count == 1 { "1 flow log".to_owned() } else { format!("{count} flow logs") };
        let note = format!("{which} without which nothing is lost");
        add("duplicates cost".to_owned(), marked(Some(costing.duplicates()), estimated), note);
    }
    for ((cycle, currency), amount) in costing.billed() {
        let note = format!("{currency}, of lines that name a flow log");
        add(format!("the bill of {cycle}"), marked(Some(amount), false), note);
    }
    if let Some(column) = rows.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{BOLD}{} days, in {}{BOLD:#}\n", costing.days, statement.currency);
    for line in rows.lines() {
        let line = line.trim_end();
        let is_total = line.trim_start().starts_with("total");
        _ = if is_total { writeln!(text, "{BOLD} {line}{BOLD:#}") } else { writeln!(text, " {line}") };
    }
    text.push('\n');
    text
}
