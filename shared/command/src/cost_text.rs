//! What flow logs cost as text, for people.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::NOTHING};
use cost::{Amount, FlowLogCost, HOURS, RegionCost, Volume};

use crate::{
    columns::hanging,
    costing::{Costing, MONTH_DAYS, is_estimated},
    plan::table::Drawing,
    style::{BOLD, DIM, counted, width},
};

/// How many flow logs of a region are listed, unless all are asked for: the dearest.
const MAX_FLOW_LOGS: usize = 20;
/// The least number of columns for everything about a flow log in one row.
const WIDE: usize = 116;
/// The least number of columns for the amounts of a flow log in one row. With fewer, they stand below it.
const NARROW: usize = 76;
/// What stands where there is no figure.
const UNKNOWN: &str = "unknown";
/// The most number of columns that a sentence is broken at.
const MAX_SENTENCE: usize = 120;

/// Draws what flow logs cost: each region with its flow logs, the dearest first, and then the sums.
pub(crate) fn text(costing: &Costing, drawing: Drawing) -> String {
    let mut text = regions(costing, drawing);
    text.push_str(&sums(costing, drawing));
    let prices = format!("list prices of {}, {}", costing.statement.prices_of, costing.statement.source);
    for line in [&prices].into_iter().chain(&costing.notes) {
        _ = write!(text, "{DIM}{}{DIM:#}", wrapped(line, 0, drawing));
    }
    text
}

/// Breaks a sentence into lines. The first is indented by this number of columns, the others by more.
fn wrapped(line: &str, indent: usize, drawing: Drawing) -> String {
    hanging(line, indent, drawing.columns.map(|columns| columns.min(MAX_SENTENCE)))
}

/// Draws one table of all regions. A region's own row has its sums.
fn regions(costing: &Costing, drawing: Drawing) -> String {
    let regions = &costing.statement.regions;
    if regions.is_empty() {
        let others = match (costing.routers.is_empty(), costing.unclear_routers) {
            (true, 0) => "",
            (true, _) => " but those of Express Connect Routers, if there are any",
            (false, _) => " but those of Express Connect Routers",
        };
        return wrapped(&format!("no flow logs{others}"), 0, drawing) + "\n";
    }
    if is_narrow(drawing) {
        return stacked(costing, drawing);
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
        let shown = listed(dearest.len(), drawing);
        rows.add_row(region_row(region, is_wide));
        lines.push((true, String::new()));
        for flow_log in dearest.iter().take(shown) {
            rows.add_row(row(costing, flow_log, is_wide));
            lines.push((false, String::new()));
        }
        if let Some((_, last)) = lines.last_mut() {
            *last = beside(region, &dearest, shown, drawing);
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

fn is_narrow(drawing: Drawing) -> bool {
    drawing.columns.is_some_and(|columns| columns < NARROW)
}

/// How many flow logs of a region are listed.
const fn listed(count: usize, drawing: Drawing) -> usize {
    if drawing.is_verbose || count < MAX_FLOW_LOGS { count } else { MAX_FLOW_LOGS }
}

/// Draws each region and each flow log with its amounts below it.
fn stacked(costing: &Costing, drawing: Drawing) -> String {
    let mut text = String::new();
    for region in &costing.statement.regions {
        let dearest = dearest(region);
        let shown = listed(dearest.len(), drawing);
        let [name, amounts] = below(&region_row(region, false), 0, drawing);
        _ = write!(text, "{BOLD}{}{BOLD:#}\n{amounts}", name.trim_end());
        text.extend(dearest.iter().take(shown).flat_map(|it| below(&row(costing, it, false), 2, drawing)));
        text.push_str(&beside(region, &dearest, shown, drawing));
    }
    text + "\n"
}

/// Draws the name in a row, and the rest of it in words.
fn below(row: &[String], indent: usize, drawing: Drawing) -> [String; 2] {
    let mut cells = row.iter().map(|cell| cell.trim());
    let mut next = || cells.next().unwrap_or_default();
    let [name, hours, volume, total, saves] = [next(), next(), next(), next(), next()];
    let hours = match hours {
        "" => String::new(),
        "off" => "off, ".to_owned(),
        hours => format!("{hours} hours on, "),
    };
    let volume = if volume == UNKNOWN { "an unknown volume".to_owned() } else { format!("{volume} GB") };
    let saves = if saves.is_empty() { String::new() } else { format!(", saves {saves}") };
    let total = if total == UNKNOWN { "an unknown amount" } else { total };
    let amounts = format!("{hours}{volume}, {total} a month{saves}");
    [wrapped(name, indent, drawing), wrapped(&amounts, indent + 2, drawing)]
}

/// The flow logs of a region, the dearest first. Whose cost is unknown comes before: it may be the dearest of all.
fn dearest(region: &RegionCost) -> Vec<&FlowLogCost> {
    let mut dearest: Vec<_> = region.flow_logs.iter().collect();
    dearest.sort_by_key(|flow_log| std::cmp::Reverse(flow_log.total().unwrap_or(Amount::from_millionths(i64::MAX))));
    dearest
}

/// What is said below the flow logs of a region: how many more there are, which are duplicates, and what shards cost.
fn beside(region: &RegionCost, dearest: &[&FlowLogCost], shown: usize, drawing: Drawing) -> String {
    let mut text = String::new();
    if let Some(more) = dearest.len().checked_sub(shown).filter(|more| *more > 0) {
        let cost: Amount = dearest.iter().skip(shown).filter_map(|flow_log| flow_log.total()).sum();
        text.push_str(&wrapped(&format!("and {more} more, {cost} together: -v shows them"), 2, drawing));
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
    if let Some(shards) = region.shards.filter(|shards| *shards > Amount::ZERO) {
        let shards = marked(Some(shards), !region.assumed_metering.is_empty());
        _ = writeln!(text, "  and {} for shards of Logstores", shards.trim_end());
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
    let log_service = region.log_service.zip(region.shards).map(|(records, shards)| records + shards);
    row.extend([region.generation, log_service].into_iter().filter(|_| is_wide).map(amount));
    row.extend([amount(region.total()), String::new()]);
    row
}

fn row(costing: &Costing, flow_log: &FlowLogCost, is_wide: bool) -> Vec<String> {
    let is_estimated = is_estimated(flow_log);
    let schedule = costing.schedules.get(&flow_log.id);
    let hours = match schedule {
        Some(schedule) => format!("{} of {HOURS}", schedule.on_hours),
        None if costing.off.contains(&flow_log.id) => "off".to_owned(),
        None => "all".to_owned(),
    };
    let saved = costing.saved(&flow_log.id).map(|saved| saved.by_traffic);
    let saves = schedule.map(|_| marked(saved, costing.is_saving_estimated(flow_log)));
    let volume = match (&flow_log.volume, flow_log.volume.bytes()) {
        (Volume::Estimated { .. }, Some(bytes)) => format!("{bytes}*"),
        (_, Some(bytes)) => format!("{bytes} "),
        (_, None) => format!("{UNKNOWN} "),
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
    amount.map_or_else(|| format!("{UNKNOWN} "), |amount| format!("{amount}{}", if is_estimated { "*" } else { " " }))
}

/// Joins what is said of an amount.
fn joined(first: &str, more: &str) -> String {
    if more.is_empty() { first.to_owned() } else { format!("{first}; {more}") }
}

/// What all of it costs together, and what of that need not be.
fn sums(costing: &Costing, drawing: Drawing) -> String {
    let statement = &costing.statement;
    let regions = &statement.regions;
    let estimated = regions.iter().any(RegionCost::has_estimates);
    let mut rows = Table::new();
    rows.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let mut notes = Vec::new();
    let mut add = |what: String, amount: String, note: String| {
        rows.add_row([what, amount]);
        notes.push(note);
    };
    let without = regions.iter().filter(|region| region.total().is_none()).count();
    let sum = |part: fn(&RegionCost) -> Option<Amount>| {
        (without < regions.len()).then(|| regions.iter().filter_map(part).sum::<Amount>())
    };
    if !regions.is_empty() {
        let gigabytes: cost::Bytes = regions.iter().map(|region| region.volume).sum();
        add("VPC".to_owned(), marked(sum(|region| region.generation), estimated), format!("{gigabytes} GB recorded"));
        for ((cycle, currency), amount) in costing.billed() {
            let note = format!("{currency}, {} days, lines that name a flow log", cycle.days());
            add(format!("  as billed in {cycle}"), marked(Some(amount), false), note);
        }
        add("Log Service".to_owned(), marked(sum(|region| region.log_service), estimated), String::new());
        if let Some(shards) = sum(|region| region.shards).filter(|shards| *shards > Amount::ZERO) {
            add("shards of Logstores".to_owned(), marked(Some(shards), estimated), String::new());
        }
    }
    let is_at_least = statement.is_at_least();
    if let Some((functions, amount)) = costing.flowkeeper() {
        let count = functions.iter().fold(0_u64, |all, function| all.saturating_add(function.invocations));
        let invocations = format!("{count} invocations");
        let note = if is_at_least { joined("at least", &invocations) } else { invocations };
        add("Flowkeeper itself".to_owned(), marked(Some(amount), true), note);
    }
    let unclear = match costing.unclear_routers {
        0 => String::new(),
        more => format!("what is on {}, if anything", counted(more, "excluded or unread router")),
    };
    if costing.may_have_routers() {
        let read = match costing.routers.len() {
            0 => String::new(),
            read => counted(read, "flow log"),
        };
        let note =
            if read.is_empty() || unclear.is_empty() { read + &unclear } else { format!("{read}, and {unclear}") };
        add("Express Connect Routers".to_owned(), "not counted ".to_owned(), note);
    }
    let of_regions = regions.iter().flat_map(|region| &region.flow_logs).filter(|it| it.total().is_none()).count();
    let lacks = match of_regions + costing.routers.len() {
        0 => String::new(),
        unknown => format!("without {}, whose cost is unknown", counted(unknown, "flow log")),
    };
    let lacks = match (lacks.is_empty(), unclear.is_empty()) {
        (_, true) => lacks,
        (true, false) => format!("without {unclear}"),
        (false, false) => format!("{lacks}, and without {unclear}"),
    };
    let lacks = if is_at_least { joined("at least", &lacks) } else { lacks };
    add("total".to_owned(), marked(costing.total(), estimated || costing.flowkeeper().is_some()), lacks);
    if !costing.schedules.is_empty() {
        let all = || regions.iter().flat_map(|region| &region.flow_logs);
        let note = match costing.schedules.values().filter(|schedule| schedule.saved.is_none()).count() {
            0 => "by traffic".to_owned(),
            more => format!("by traffic, without {more} of {} that are unknown", costing.schedules.len()),
        };
        let is_estimated = all().any(|it| costing.saved(&it.id).is_some() && costing.is_saving_estimated(it));
        add("schedules save".to_owned(), marked(costing.all_saved(), is_estimated), note);
    }
    if let Some(duplicates) = costing.duplicates() {
        let count = regions.iter().flat_map(|region| &region.flow_logs).filter(|it| it.duplicates.is_some()).count();
        let which = if count == 1 { "1 flow log".to_owned() } else { format!("{count} flow logs") };
        let note = format!("{which} without which nothing is lost");
        add("duplicates cost".to_owned(), marked(Some(duplicates), estimated), note);
    }
    if let Some(column) = rows.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{BOLD}a month of {MONTH_DAYS} days, in {}{BOLD:#}\n", statement.currency);
    for (line, note) in rows.lines().zip(&notes) {
        // A note that has no room beside its amount stands below.
        let beside = format!("{line} {note}");
        let is_below =
            is_narrow(drawing) || drawing.columns.is_some_and(|columns| width(beside.trim_end()) + 1 > columns);
        let line = if is_below { line.trim_end() } else { beside.trim_end() };
        let is_total = line.trim_start().starts_with("total");
        _ = if is_total { writeln!(text, "{BOLD} {line}{BOLD:#}") } else { writeln!(text, " {line}") };
        if is_below && !note.is_empty() {
            text.push_str(&wrapped(note, 4, drawing));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cost::{
        Basis, Bytes, Currency, Deployment, FlowLogUsage, LogStoreUsage, Metering, PriceTable, RegionUsage, Saved,
        Saving, Statement,
    };

    use super::*;
    use crate::costing::{Billed, OfRouter, OfSchedule};

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

    fn example_deployment() -> Deployment {
        Deployment {
            accounts: 1,
            regions: 2,
            has_routers: false,
            days: 30,
            created: Vec::new(),
            switched_off: 0,
            resources: vec![40, 12],
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
        let deployment = example_deployment();
        let table = PriceTable::of(Currency::Cny);
        let saving = Saving {
            off_hours: 98,
            measured_hours: 60,
            assumed_hours: 38,
            bytes: bytes(22),
            bytes_by_clock: bytes(31),
            unknown_hours: 0,
        };
        let schedule = OfSchedule {
            on_hours: 70,
            saving,
            saved: Some(Saved {
                by_traffic: Amount::from_millionths(63_800_000),
                by_clock: Amount::from_millionths(91_200_000),
            }),
            has_hours: true,
        };
        Costing {
            statement: Statement::of(&[hangzhou, shanghai], &deployment.functions(), &table)
                .with_logs(&deployment.logs(), &table),
            schedules: BTreeMap::from([(prod.parse().unwrap(), schedule)]),
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
            routers: Vec::new(),
            unclear_routers: 0,
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
        let id = "fl-bp1r3c0x9v8k7j6h5g4f3".parse().unwrap();
        let [account, region, resource_id] = ["1000000000000001", "cn-hangzhou", "vbr-1"].map(str::to_owned);
        let routers = vec![OfRouter { account, region, resource_id, id }];
        let dollars = PriceTable::of(Currency::Usd);
        let functions = example_deployment().functions();
        let more = Costing { routers, statement: Statement::of(&[], &functions, &dollars), ..example() };
        for columns in [40, 60, 75, 76, 80, 100, 120, 200] {
            let more = text(&more, Drawing { columns: Some(columns), is_verbose: false });
            assert!(more.contains("not counted") && more.contains("at least; "), "{more}");
            for line in drawn(columns).lines().chain(anstream::adapter::strip_str(&more).to_string().lines()) {
                assert!(width(line) <= columns, "{columns}: {line}");
            }
        }
        insta::assert_snapshot!("cost_40", drawn(40));
    }

    #[test]
    fn the_example_in_the_documents_is_drawn_from_its_volumes() {
        let drawn = drawn(80);
        assert!(PAGE.contains(&drawn), "docs/command.md should have\n{drawn}");
        insta::assert_snapshot!("cost_120", self::drawn(120));
    }

    #[test]
    fn what_shards_cost_stands_below_the_region_and_its_flow_logs_and_in_its_total() {
        let bytes = Bytes::gigabytes;
        let by_feature = |shards| {
            let store = LogStoreUsage::unread("flowlog-1/vpc".to_owned());
            LogStoreUsage { metering: Some(Metering::ByFeature), shards, ..store }
        };
        let mut one =
            region("cn-hangzhou", vec![flow_log("fl-1", "vpc-1", Volume::Measured { bytes: bytes(1) }, None)]);
        one.log_stores = vec![by_feature(2)];
        let mut bare = region("cn-shanghai", Vec::new());
        bare.log_stores = vec![by_feature(4)];
        let other = region("cn-beijing", vec![flow_log("fl-2", "vpc-2", Volume::Measured { bytes: bytes(1) }, None)]);
        let table = PriceTable::of(Currency::Usd);
        let costing = Costing { statement: Statement::of(&[one, bare, other], &[], &table), ..example() };
        for columns in [None, Some(60)] {
            let text = text(&costing, Drawing { columns, is_verbose: false });
            let drawn = anstream::adapter::strip_str(&text).to_string();
            let said: Vec<_> = drawn.lines().map(str::trim).collect();
            let lines: Vec<_> = said.iter().map(|line| line.split("  ").next().unwrap_or_default()).collect();
            let at =
                |what: &str| lines.iter().position(|line| line.starts_with(what)).unwrap_or_else(|| panic!("{drawn}"));
            // Two shards of 30 days at a cent, and four.
            let (two, four) = (at("and 0.60 for shards of Logstores"), at("and 1.20 for shards of Logstores"));
            assert!(at("cn-hangzhou") < at("vpc-1") && at("vpc-1") < two && two < at("cn-shanghai"), "{drawn}");
            assert!(at("cn-shanghai") < four && four < at("cn-beijing"), "{drawn}");
            assert_eq!(
                drawn.matches("for shards of Logstores").count(),
                2,
                "a region without any has no line: {drawn}"
            );
            assert!(said.iter().any(|line| line.contains("shards of Logstores") && line.contains("1.80")), "{drawn}");
        }
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
