//! Every number of docs/costs.md is computed here, from the numbers that it begins with.

use cost::{
    Amount, Currency, Deployment, FunctionUsage, HOURS, LogStoreUsage, Metering, PriceTable, Profile, Statement,
    Traffic, hours_on, saved,
};
use flow_log::Policy;
use jiff::{Timestamp, ToSpan as _};

fn page() -> String {
    std::fs::read_to_string(format!("{}/../../docs/costs.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Returns the rows of the table whose head begins with this cell, as cells without emphasis.
fn table(head: &str) -> Vec<Vec<String>> {
    let page = page();
    let (_, rest) = page.split_once(&format!("\n| {head} |")).unwrap_or_else(|| panic!("no table of {head}"));
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| cell.trim().trim_matches('*').to_owned();
    rows.map(|row| row.trim_matches('|').split('|').map(cell).collect()).collect()
}

fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap()
}

/// Writes thousands with commas.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.split_once('.').map_or((text, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &rest
}

fn tables() -> [PriceTable; 2] {
    [Currency::Usd, Currency::Cny].map(PriceTable::of)
}

fn row(name: &str, amounts: [Amount; 2]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(amounts.map(|amount| grouped(&amount.to_string()))).collect()
}

fn log_store(metering: Metering, retention_days: u32) -> LogStoreUsage {
    LogStoreUsage {
        metering: Some(metering),
        retention_days,
        shards: 2,
        ..LogStoreUsage::unread("flowlog/vpc".to_owned())
    }
}

fn assumed() -> Traffic {
    let given: Vec<u64> = table("assumed").iter().map(|row| number(&row[1])).collect();
    let [interfaces, connections, interval_minutes, days, record_bytes] = given.try_into().unwrap();
    Traffic { interfaces, connections, interval_minutes, days, record_bytes }
}

#[test]
fn the_example_is_what_the_prices_make_of_its_assumptions() {
    let traffic = assumed();
    let volume = traffic.volume().bytes().unwrap();
    let vpc = tables().map(|table| table.generation(volume));
    let kept = |metering, days| {
        let store = log_store(metering, days);
        tables().map(|table| store.cost(volume, &table) + store.shards_cost(traffic.days, &table))
    };
    let (ingest, feature) = (kept(Metering::ByIngest, 30), kept(Metering::ByFeature, 30));
    let both = [vpc[0] + ingest[0], vpc[1] + ingest[1]];
    let longer = kept(Metering::ByIngest, 180);
    let minute = Traffic { interval_minutes: 1, ..traffic }.volume().bytes().unwrap();
    let every_minute =
        tables().map(|table| table.generation(minute) + log_store(Metering::ByIngest, 30).cost(minute, &table));
    let records = grouped(&traffic.records().to_string());
    let expected = [
        row(&format!("VPC, {volume} GB of {records} records"), vpc),
        row("Log Service, by ingest", ingest),
        row("Log Service, by feature", feature),
        row("VPC, and by ingest", both),
        row("kept for 180 days, by ingest, more", [longer[0] - ingest[0], longer[1] - ingest[1]]),
        row("interval of 1 minute, VPC and by ingest, at most", every_minute),
    ];
    assert_eq!(table("a month"), expected);
}

#[test]
fn the_requests_that_are_left_out_are_priced_in_the_example() {
    let traffic = assumed();
    let of = |number: u64| {
        tables().map(|table| {
            let a_million: f64 =
                table.log_service.by_feature.per_million_requests.unwrap().to_string().parse().unwrap();
            Amount::from_millionths((a_million * number as f64).round() as i64)
        })
    };
    let writes = traffic.interfaces * traffic.days * 24 * 60 / traffic.interval_minutes;
    let ([usd, cny], [most_usd, most_cny]) = (of(writes), of(traffic.records()));
    let page = page().split_whitespace().collect::<Vec<_>>().join(" ");
    for claim in [
        format!("that is {} requests, USD {usd} or CNY {cny}", grouped(&writes.to_string())),
        format!("At most it writes once for each record, which is USD {most_usd} or CNY {most_cny}"),
    ] {
        assert!(page.contains(&claim), "docs/costs.md should have: {claim}");
    }
}

#[test]
fn the_example_of_a_schedule_is_what_its_traffic_makes_of_it() {
    let traffic = assumed();
    let volume = traffic.volume().bytes().unwrap();
    let policy = Policy::parse(
        "flow_log: {project: flowlog, log_store: vpc}\nschedule: office\n\
         schedules: {office: {time_zone: Asia/Shanghai, on: [Mon-Fri 07:00-21:00]}}",
    )
    .unwrap();
    let (_, schedule) = policy.schedules.iter().next().unwrap();
    let on = hours_on(schedule, "2026-11-19".parse().unwrap());
    // In parts: a day has 14 hours of three parts and 10 of one, so a week has 364.
    let week = volume.scaled(7, traffic.days);
    let monday: Timestamp = "2026-11-16T00:00+08:00".parse().unwrap();
    let hours: Vec<_> = (0..HOURS as i64)
        .map(|nth| (monday + nth.hours(), week.scaled(if (7..21).contains(&(nth % 24)) { 3 } else { 1 }, 364)))
        .collect();
    let span = (monday, monday + (HOURS as i64).hours());
    let zone = flow_log::time_zone("Asia/Shanghai").unwrap();
    let profile = Profile::measured(&zone, span, &hours, |_, _| true);
    let saving = profile.saving(&on, traffic.days);
    let by_traffic = tables().map(|table| {
        let with_schedule = volume - saving.bytes;
        saved(&[(saving, &log_store(Metering::ByIngest, 30))], with_schedule, &table)[0].by_traffic
    });
    let page = page();
    assert!(page.contains(&format!("off in {} of the {HOURS} hours", saving.off_hours)));
    // By the clock, the volume without the schedule would be split evenly.
    let share = volume.scaled(saving.off_hours.into(), HOURS as u64);
    let by_clock = tables().map(|table| {
        let store = log_store(Metering::ByIngest, 30);
        table.generation(volume) - table.generation(volume - share) + store.cost(share, &table)
    });
    let expected = [row("by the clock", by_clock), row("by traffic", by_traffic)];
    assert_eq!(table("the schedule saves"), expected);
}

#[test]
fn the_prices_are_those_of_the_tables() {
    let [usd, cny] = tables();
    let rows = table("GB in the month");
    for (at, row) in rows.iter().skip(1).enumerate() {
        let prices = [&usd, &cny].map(|table| table.flow_log.tiers[at].per_gb.to_string());
        assert_eq!(row[1..], prices, "{}", row[0]);
        let end = usd.flow_log.tiers[at].up_to_gb.map(|end| format!("to {} TB", end / 1024));
        assert_eq!(row[0], end.unwrap_or_else(|| "above".to_owned()));
    }
    assert_eq!((rows.len(), rows[0][0].as_str()), (5, format!("the first {}", usd.flow_log.free_gb).as_str()));
    let items = |table: &PriceTable| {
        let service = &table.log_service;
        let feature = &service.by_feature;
        [
            service.by_ingest.ingest_per_gb,
            feature.write_per_gb,
            feature.index_per_gb,
            feature.query_mode_index_per_gb,
            feature.per_shard_day,
            feature.per_million_requests.unwrap(),
            service.storage_per_gb_day,
        ]
        .map(|rate| rate.to_string())
    };
    let expected: Vec<_> = items(&usd).into_iter().zip(items(&cny)).map(|(usd, cny)| vec![usd, cny]).collect();
    let found: Vec<_> = table("Logstore").into_iter().map(|row| row[2..].to_vec()).collect();
    assert_eq!(found, expected);
    let date = format!("{}", usd.date.strftime("%-d %B %Y"));
    assert!(page().contains(&format!("list prices of {date}")), "{date}");
    for part in [usd.log_service.written_percent, usd.log_service.stored_percent] {
        assert!(page().contains(&format!("{part} %")), "{part}");
    }
}

#[test]
fn what_flowkeeper_itself_costs_is_computed_from_its_invocations() {
    let rows = table("function");
    let (total, functions) = rows.split_last().unwrap();
    let is_report = |row: &[String]| row[0].starts_with("`report-flow-logs`");
    let usages: Vec<_> = functions
        .iter()
        .map(|row| {
            let seconds: String = row[0].chars().skip_while(|c| *c != ',').filter(char::is_ascii_digit).collect();
            FunctionUsage {
                name: row[0].clone(),
                invocations: number(&row[1]),
                milliseconds: number(&seconds) * 1000,
                hours: number(&row[4]),
                vcpu_thousandths: if is_report(row) { 500 } else { 50 },
                memory_mb: if is_report(row) { 512 } else { 128 },
            }
        })
        .collect();
    let statement = Statement::of(&[], &usages, &PriceTable::of(Currency::Cny));
    let tenths = |tenths: u64| grouped(&format!("{}.{}", tenths / 10, tenths % 10));
    for (row, function) in functions.iter().zip(&statement.functions) {
        let expected = [tenths(function.cu_tenths), format!("{:.3}", function.of_use)];
        assert_eq!(row[2..4], expected, "{}", row[0]);
        assert_eq!(row[5], function.total().to_string(), "{}", row[0]);
    }
    let of_use: Amount = statement.functions.iter().map(|function| function.of_use).sum();
    assert_eq!(total[3], format!("{of_use:.3}"));
    assert_eq!(total[2], tenths(statement.functions.iter().map(|function| function.cu_tenths).sum()));
    assert_eq!(total[5], statement.total().to_string());
    let switches: Amount = statement
        .functions
        .iter()
        .filter(|function| function.name.contains("activate"))
        .map(cost::FunctionCost::total)
        .sum();
    let saved = switches - Amount::from_millionths(20_000);
    let page = page().replace('\n', " ");
    assert!(page.contains(&format!("saves CNY {saved}")), "{saved}");
}

fn empty() -> Deployment {
    Deployment {
        accounts: 1,
        regions: 0,
        has_routers: false,
        days: 31,
        created: Vec::new(),
        switched_off: 0,
        resources: Vec::new(),
    }
}

#[test]
fn what_the_lines_of_flowkeeper_cost_is_computed_from_its_invocations_and_the_template() {
    let created = vec!["2026-11-26T03:00:00Z".parse::<Timestamp>().unwrap(); 10_000];
    let resources = vec![500, 100];
    let deployment = Deployment { created, switched_off: 100, resources, ..empty() };
    // The functions of the table are those of this deployment.
    let rows = table("function");
    let (_, functions) = rows.split_last().unwrap();
    let invocations: u64 = functions.iter().map(|row| number(&row[1])).sum();
    assert_eq!(deployment.functions().iter().map(|usage| usage.invocations).sum::<u64>(), invocations);
    let logs = deployment.logs();
    let lines = tables().map(|table| logs.log_store.cost(logs.bytes, &table));
    let shard = tables().map(|table| logs.log_store.shards_cost(logs.days, &table));
    let of = |table: &PriceTable| Statement::of(&[], &[], table).with_logs(&logs, table).flowkeeper();
    let expected = [
        row("a shard", shard),
        row(&format!("{} GB of lines, kept for 30 days", logs.bytes), lines),
        row("total", tables().map(|table| of(&table))),
    ];
    assert_eq!(table("the Logstore `functions`"), expected);
    let template = std::fs::read_to_string(format!("{}/../../template.yml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (_, store) = template.split_once("\n  FunctionLogStore:\n").unwrap();
    let (store, _) = store.split_once("\n\n").unwrap();
    assert!(store.contains(&format!("ShardCount: {}\n", logs.log_store.shards)) && !store.contains("Mode"), "{store}");
    let (_, retention) = template.split_once("\n  LogRetentionDays:\n").unwrap();
    let default = retention.lines().find_map(|line| line.trim().strip_prefix("Default: ")).unwrap();
    assert_eq!(default, logs.log_store.retention_days.to_string());
    let text = page().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("4 KB for each invocation, and 1 KB for each resource"), "{text}");
}

#[test]
fn flowkeeper_is_counted_with_the_timers_the_processors_and_the_memory_of_the_template() {
    let template = std::fs::read_to_string(format!("{}/../../template.yml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let default = |name: &str| {
        let (_, parameter) = template.split_once(&format!("\n  {name}:\n")).unwrap();
        parameter.lines().find_map(|line| line.trim().strip_prefix("Default: ")).unwrap().to_owned()
    };
    let timers = ["SwitchTimer", "SweepTimer", "OrphanTimer", "EvidenceTimer"].map(default);
    let expected = ["0 */15 * * * *", "0 7 * * * *", "0 37 3 * * *", "0 17 6 * * *"];
    assert_eq!(timers, expected, "every quarter, every hour, every night, every morning");
    let deployment = Deployment { regions: 1, days: 1, ..empty() };
    let functions = deployment.functions();
    let a_day: Vec<_> = functions.iter().skip(1).map(|function| function.invocations).collect();
    assert_eq!(a_day, [96, 96, 24, 1, 1]);
    let sizes: Vec<_> = functions.iter().map(|function| (function.vcpu_thousandths, function.memory_mb)).collect();
    assert_eq!(sizes, [(50, 128), (50, 128), (50, 128), (50, 128), (50, 128), (500, 512)]);
    // Every function has the size that is counted, and the one that writes the report another one.
    let resources: Vec<&str> = template.split("\n    Type: ALIYUN::FC3::Function\n").collect();
    assert_eq!(resources.len(), 1 + 8, "functions of the template");
    for pair in resources.windows(2) {
        let name = pair[0].lines().last().unwrap().trim().trim_end_matches("Function:");
        let property = |key: &str| pair[1].lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
        let counted = if name == "ReportFlowLogs" { ("0.5", "512") } else { ("0.05", "128") };
        assert_eq!((property("Cpu: "), property("MemorySize: ")), counted, "{name}");
    }
    let page = page();
    for claim in ["100 ms for each invocation and 52 ms for each region in it", "75 ms more for each region"] {
        assert!(page.split_whitespace().collect::<Vec<_>>().join(" ").contains(claim), "{claim}");
    }
    let of = |regions: u64, created: usize, switched_off: u64| {
        let at = "2026-11-26T03:00:00Z".parse::<Timestamp>().unwrap();
        let created = vec![at; created];
        Deployment { regions, days: 1, created, switched_off, ..empty() }.functions()
    };
    let sweep = |regions, nth: usize| of(regions, 0, 0)[nth].milliseconds;
    assert_eq!((sweep(0, 3), sweep(1, 3), sweep(1, 5)), (100, 100 + 52, 100 + 52 + 75));
    assert!(
        page.contains("An event of 1 s for each resource") && page.contains("An event of 10 ms whenever a schedule")
    );
    assert_eq!((of(0, 1, 0)[0].milliseconds, of(0, 1, 0)[4].invocations), (1_000, 2));
    assert_eq!(of(0, 0, 24)[3].milliseconds, (100 + 10) / 2);
}

#[test]
fn what_a_sweep_of_an_organization_costs_follows_from_what_it_takes() {
    let page = page().split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, said) = page.split_once("it takes ").unwrap();
    let cu: f64 = said.split_once(" CU:").unwrap().0.parse().unwrap();
    let [usd, cny] = tables();
    let use_of = |table: &PriceTable, sweeps: f64| {
        let per_cu: f64 = table.function_compute.per_cu.to_string().parse().unwrap();
        Amount::from_millionths((per_cu * cu * sweeps * 1e6).round() as i64)
    };
    let (in_cny, in_usd) = (use_of(&cny, 1.0), use_of(&usd, 1.0));
    assert!(page.contains(&format!("{cu} CU: CNY {in_cny:.4} or USD {in_usd:.4}.")), "{in_cny:.4} {in_usd:.4}");
    let sweeps = 31 * 24;
    let hours = Amount::from_millionths(10_000 * sweeps);
    assert!(in_cny < Amount::from_millionths(10_000), "the hour costs more anyway");
    assert!(
        page.contains(&format!("so it is CNY {hours} a month for each function that sweeps every hour")),
        "{hours}"
    );
    let month = use_of(&usd, 744.0);
    assert!(page.contains(&format!("a month of 744 sweeps is USD {month}.")), "{month}");
}
