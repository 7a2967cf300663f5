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
    let mut text = regions(costing, drawing);
    text.push_str(&sums(costing));
    let prices = format!("list prices of {}, {}", costing.statement.prices_of, costing.statement.source);
    for line in [&prices].into_iter().chain(&costing.notes) {
        _ = write!(text, "{DIM}{}{DIM:#}", wrapped(line, 0, drawing));
    }
    text
}

/// Breaks a sentence into lines. The first is indented by this number of columns, the others by more.
fn wrapped(line: &str, indent: usize, drawing: Drawing) -> String {
    let columns = drawing.columns.map_or(usize::MAX, |columns| columns.clamp(SENTENCE[0], SENTENCE[1]));
    let mut lines = vec![" ".repeat(indent)];
    for word in line.split(' ') {
        let is_first = lines.last().is_some_and(|last| last.trim().is_empty());
        match lines.last_mut() {
            Some(last) if is_first => last.push_str(word),
            Some(last) if width(last) + 1 + width(word) <= columns => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(format!("{}{word}", " ".repeat(indent + 2))),
        }
    }
    lines.join("\n") + "\n"
}

/// Draws one table of all regions. A region's own row has its sums.
fn regions(costing: &Costing, drawing: Drawing) -> String {
    let regions = &costing.statement.regions;
    if regions.is_empty() {
        return "no flow logs\n\n".to_owned();
    }
    let is_wide = drawing.columns.is_none_or(|columns| columns >= WIDE);
    let mut rows = Table::new();
    rows.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let (first, parts): (&[&str], &[&str]) =
        if is_wide { (&["resource", "flow log"], &["VPC ", "Log Service "]) } else { (&["resource"], &[]) };
    rows.set_header([first, &["hours on", "GB "], parts, &["a month ", "saves "]].concat());
    // Of each line below the head: whether it is of a region, and what follows it.
    let mut lines: Vec<(bool, String)> = Vec::new();
    for region in regions {
        let dearest = dearest(region);
        let shown = if drawing.is_verbose { dearest.len() } else { dearest.len().min(MAX_FLOW_LOGS) };
        rows.add_row(region_row(region, is_wide));
        lines.push((true, String::new()));
        for flow_log in dearest.iter().take(shown) {
            rows.add_row(row(costing, flow_log, is_wide));
            lines.push((false, String::new()));
        }
        if let Some((_, last)) = lines.last_mut() {
            *last = beside(&dearest, shown, drawing);
        }
    }
    for column in rows.column_iter_mut().skip(first.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = String::new();
    for (nth, drawn) in rows.lines().enumerate() {
        let line = drawn.trim_end();
        let line = line.strip_prefix(' ').unwrap_or(line);
        match nth.checked_sub(1).and_then(|nth| lines.get(nth)) {
            None => _ = writeln!(text, "{DIM}{line}{DIM:#}"),
            Some((true, after)) => _ = write!(text, "{BOLD}{line}{BOLD:#}\n{after}"),
            Some((false, after)) => _ = write!(text, "{line}\n{after}"),
        }
    }
    text.push('\n');
    text
}

/// The flow logs of a region, the dearest first. Whose cost is unknown comes before: it may be the dearest of all.
fn dearest(region: &RegionCost) -> Vec<&FlowLogCost> {
    let mut dearest: Vec<_> = region.flow_logs.iter().collect();
    dearest.sort_by_key(|flow_log| std::cmp::Reverse(flow_log.total().unwrap_or(Amount::from_millionths(i64::MAX))));
    dearest
}

/// What is said below the flow logs of a region: how many more there are, and which are duplicates.
fn beside(dearest: &[&FlowLogCost], shown: usize, drawing: Drawing) -> String {
    let mut text = String::new();
    if let Some(more) = dearest.len().checked_sub(shown).filter(|more| *more > 0) {
        let cost: Amount = dearest.iter().skip(shown).filter_map(|flow_log| flow_log.total()).sum();
        _ = writeln!(text, "  and {more} more, {cost} together: -v shows them");
    }
    for flow_log in dearest.iter().take(shown) {
        let Some(other) = &flow_log.duplicates else { continue };
        let less = match flow_log.avoidable() {
            Some(amount) => format!("{} less", marked(Some(amount), is_estimated(flow_log)).trim_end()),
            None => "an unknown amount less".to_owned(),
        };
        let line = format!("{} records what {other} records already: {less} without it", flow_log.resource_id);
        text.push_str(&wrapped(&line, 2, drawing));
    }
    text
}

fn region_row(region: &RegionCost, is_wide: bool) -> Vec<String> {
    let estimated = region.has_estimates();
    let amount = |amount| marked(amount, estimated);
    let mark = if estimated { "*" } else { " " };
    let mut row = if is_wide {
        vec![region.region.to_string(), region.account.to_string()]
    } else {
        vec![format!("{}  {}", region.region, region.account)]
    };
    row.extend([String::new(), format!("{}{mark}", region.volume)]);
    row.extend([region.generation, region.log_service].into_iter().filter(|_| is_wide).map(amount));
    row.extend([amount(region.total()), String::new()]);
    row
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
    let mut row = vec![format!("  {}", flow_log.resource_id)];
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
        let shards = sum(|region| region.shards);
        if shards > Amount::ZERO {
            add("shards of Logstores".to_owned(), marked(Some(shards), estimated), String::new());
        }
    }
    if let Some((functions, amount)) = costing.flowkeeper() {
        let count = functions.iter().fold(0_u64, |all, function| all.saturating_add(function.invocations));
        add("Flowkeeper itself".to_owned(), marked(Some(amount), true), format!("{count} invocations"));
    }
    let unknown = regions.iter().flat_map(|region| &region.flow_logs).filter(|it| it.total().is_none()).count();
    let lacks = match unknown {
        0 => String::new(),
        1 => "without 1 flow log, whose cost is unknown".to_owned(),
        more => format!("without {more} flow logs, whose cost is unknown"),
    };
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cost::{
        Basis, Bytes, Currency, Deployment, FlowLogUsage, LogStoreUsage, Metering, PriceTable, RegionUsage, Saving,
        Statement,
    };

    use super::*;
    use crate::costing::Billed;

    const PAGE: &str = include_str!("../../../docs/command.md");

    fn flow_log(id: &str, resource_id: &str, volume: Volume, duplicates: Option<&str>) -> FlowLogUsage {
        FlowLogUsage {
            id: id.parse().unwrap(),
            resource_id: resource_id.to_owned(),
            log_store: Some(0),
            volume,
            duplicates: duplicates.map(|other| other.parse().unwrap()),
        }
    }

    fn region(name: &str, flow_logs: Vec<FlowLogUsage>) -> RegionUsage {
        let by_ingest = LogStoreUsage::unread("flowlog-1000000000000001/vpc".to_owned());
        RegionUsage {
            account: "1000000000000001".parse().unwrap(),
            region: name.parse().unwrap(),
            days: 30,
            log_stores: vec![LogStoreUsage { metering: Some(Metering::ByIngest), ..by_ingest }],
            flow_logs,
        }
    }

    /// Two regions: a VPC with a schedule, a vSwitch in it with a flow log of its own, one that was off, and an estimate.
    fn example() -> Costing {
        let bytes = Bytes::gigabytes;
        let prod = "fl-bp1kf2pq7vx3n8d0a6ty4";
        let hangzhou = region(
            "cn-hangzhou",
            vec![
                flow_log(prod, "vpc-bp1aevy8sofi8mh1q2c5x", Volume::Measured { bytes: bytes(61) }, None),
                flow_log(
                    "fl-bp1z9mnt45hc0w2e8u1rj",
                    "vsw-bp1s5fnvk4gn2tws03624",
                    Volume::Measured { bytes: bytes(9) },
                    Some(prod),
                ),
                flow_log(
                    "fl-bp1q8ye3ro6i7g5l0b4xd",
                    "vpc-bp1m7v25emi1h5mtc5k0p",
                    Volume::Unknown { reason: "its records could not be counted, and it is off now".to_owned() },
                    None,
                ),
            ],
        );
        let estimated = Volume::Estimated { bytes: bytes(12), basis: Basis::AssumedTraffic };
        let shanghai = region(
            "cn-shanghai",
            vec![flow_log("fl-uf6c1s8hj2o9t4wq7kx05", "vpc-uf6r0dn5jk1c3zvt8m2ya", estimated, None)],
        );
        let deployment =
            Deployment { accounts: 1, regions: 2, has_routers: false, days: 30, created: Vec::new(), switched_off: 0 };
        let table = PriceTable::of(Currency::Cny);
        let saving = Saving {
            off_hours: 98,
            measured_hours: 60,
            assumed_hours: 38,
            bytes: bytes(22),
            by_traffic: Amount::from_millionths(63_800_000),
            by_clock: Amount::from_millionths(91_200_000),
            ..Saving::default()
        };
        Costing {
            statement: Statement::of(&[hangzhou, shanghai], &deployment.functions(), &table),
            days: 30,
            savings: BTreeMap::from([(prod.parse().unwrap(), (70, saving))]),
            off: ["fl-bp1q8ye3ro6i7g5l0b4xd".parse().unwrap()].into(),
            bills: vec![Billed {
                account: "1000000000000001".parse().unwrap(),
                cycle: "2026-10".parse().unwrap(),
                currency: "CNY".to_owned(),
                amount: Amount::from_millionths(201_940_000),
            }],
            notes: vec![
                "fl-bp1q8ye3ro6i7g5l0b4xd: its records could not be counted, and it is off now".to_owned(),
                "* fl-uf6c1s8hj2o9t4wq7kx05: the traffic was assumed, which may be off by a factor of ten".to_owned(),
            ],
            unread: Vec::new(),
        }
    }

    /// Draws the example as it is without colors.
    fn drawn(columns: usize) -> String {
        let text = text(&example(), Drawing { columns: Some(columns), is_verbose: false });
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in [80, 100, 120, 200] {
            for line in drawn(columns).lines() {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn the_example_in_the_documents_is_drawn_from_its_volumes() {
        let drawn = drawn(80);
        assert!(PAGE.contains(&drawn), "docs/command.md should have\n{drawn}");
        insta::assert_snapshot!("cost_120", self::drawn(120));
    }

    #[test]
    fn the_dearest_come_first_and_the_others_are_summed_up() {
        let mut costing = example();
        let volumes = (1..=25).map(|nth| Volume::Measured { bytes: Bytes::gigabytes(nth) }).enumerate();
        let flow_logs =
            volumes.map(|(nth, volume)| flow_log(&format!("fl-{nth}"), &format!("vpc-{nth}"), volume, None));
        let usage = region("cn-hangzhou", flow_logs.collect());
        costing.statement = Statement::of(&[usage], &[], &PriceTable::of(Currency::Usd));
        let short = text(&costing, Drawing { columns: None, is_verbose: false });
        assert!(short.contains("vpc-24 ") && !short.contains("vpc-4 ") && short.contains("and 5 more, "), "{short}");
        assert!(text(&costing, Drawing { columns: None, is_verbose: true }).contains("vpc-4 "));
    }
}
