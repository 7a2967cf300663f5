//! `flowkeeper cost`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use cost::{Amount, Currency, FlowLogCost, HOURS, PriceTable, Volume};
use serde_json::{Value, json};

use crate::{
    cli::{CloudOptions, help},
    context::Context,
    costing::{Asked, Costing, compute, is_estimated},
    failure::{FAILED, Failure},
    identity::identify,
    policy_file::{DEFAULT, PolicyFile},
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper cost
  flowkeeper cost policy.yml --region cn-hangzhou --output csv

Estimates are marked with *. It exits with 0 whatever it costs.";

/// The version of the JSON.
const JSON_VERSION: u8 = 1;

/// Show what flow logs cost, and what schedules save.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_ARGUMENTS)]
pub(crate) struct CostOptions {
    /// Policy, for its schedules [default: policy.yml, if it is there]
    policy: Option<PathBuf>,
    #[command(flatten)]
    cloud: CloudOptions,
    /// Days to count, and to compute
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=31))]
    days: u16,
    /// CNY or USD; the bill's by default
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true)]
    currency: Option<CurrencyName>,
    /// Form of the output: table, json or csv
    #[arg(long, value_enum, default_value_t, value_name = "FORM", hide_possible_values = true)]
    #[arg(hide_default_value = true)]
    output: Output,
    /// Other prices than the list prices, as JSON
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
}

/// A currency, as people type it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CurrencyName {
    /// Of the site for China.
    #[value(name = "CNY", alias = "cny")]
    Cny,
    /// Of the international site.
    #[value(name = "USD", alias = "usd")]
    Usd,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

impl CostOptions {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let policy = match &self.policy {
            Some(path) => Some(PolicyFile::read(path)?.policy(&context.terminal)?),
            None if Path::new(DEFAULT).is_file() => {
                Some(PolicyFile::read(Path::new(DEFAULT))?.policy(&context.terminal)?)
            }
            None => None,
        };
        let prices = self.prices.as_deref().map(price_table).transpose()?;
        let costing = context.block_on(async {
            let identity = identify(&self.cloud, context).await?;
            let currency = self.currency.map(|name| match name {
                CurrencyName::Cny => Currency::Cny,
                CurrencyName::Usd => Currency::Usd,
            });
            let asked = Asked {
                identity: &identity,
                policy: policy.as_ref(),
                days: self.days,
                currency,
                prices,
                now: context.now(),
            };
            compute(&asked).await
        })?;
        context.terminal.print(&match self.output {
            Output::Table => table(&costing, self.days),
            Output::Json => format!("{:#}\n", json(&costing, self.days)),
            Output::Csv => csv(&costing)?,
        })?;
        if self.output != Output::Table {
            costing.notes.iter().for_each(|note| context.terminal.note(note));
        }
        if costing.unread.is_empty() {
            return Ok(());
        }
        let remedy = Some("the amounts lack what could not be read; ask again".to_owned());
        Err(Failure { exit_code: FAILED, messages: costing.unread, remedy })
    }
}

fn price_table(path: &Path) -> Result<PriceTable, Failure> {
    let name = path.display();
    let remedy = "the files in shared/cost/prices have the form";
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{name}: {error}"), remedy))?;
    PriceTable::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}"), remedy))
}

fn marked(amount: Option<Amount>, is_estimated: bool) -> String {
    let mark = if is_estimated { " *" } else { "" };
    amount.map_or_else(|| "unknown".to_owned(), |amount| format!("{amount}{mark}"))
}

fn volume(flow_log: &FlowLogCost) -> String {
    match (&flow_log.volume, flow_log.volume.bytes()) {
        (Volume::Estimated { .. }, Some(bytes)) => format!("{bytes} *"),
        (_, Some(bytes)) => bytes.to_string(),
        (_, None) => "unknown".to_owned(),
    }
}

fn table(costing: &Costing, days: u16) -> String {
    let Costing { statement, savings, off, bill, notes, .. } = costing;
    let currency = statement.currency;
    let mut rows = Table::new();
    rows.load_style(NOTHING);
    rows.set_header(["resource", "flow log", "region", "on h/week", "GB", "VPC", "SLS", "total", "schedule saves"]);
    let mut saved = Amount::ZERO;
    let mut footnotes: Vec<String> = Vec::new();
    for region in &statement.regions {
        for flow_log in &region.flow_logs {
            let is_estimated = is_estimated(flow_log);
            let saving = savings.get(&flow_log.id);
            saved += saving.map(|(_, saving)| saving.by_traffic).unwrap_or_default();
            let saves = saving.map(|(_, saving)| {
                let is_assumed = saving.measured_hours < saving.off_hours;
                if saving.unknown_hours > 0 {
                    footnotes.push(format!(
                        "{}: in {} of {} hours off nothing was ever recorded, and nobody can tell what it saves there",
                        flow_log.id, saving.unknown_hours, saving.off_hours
                    ));
                }
                marked(Some(saving.by_traffic), is_assumed || is_estimated)
            });
            if let Some(basis) = flow_log.volume.basis() {
                footnotes.push(format!("{}: {basis}", flow_log.id));
            }
            if let Volume::Unknown { reason } = &flow_log.volume {
                footnotes.push(format!("{}: {reason}", flow_log.id));
            }
            rows.add_row([
                flow_log.resource_id.clone(),
                flow_log.id.to_string(),
                region.region.to_string(),
                match saving {
                    Some((on, _)) => format!("{on} of {HOURS}"),
                    None if off.contains(&flow_log.id) => "off".to_owned(),
                    None => HOURS.to_string(),
                },
                volume(flow_log),
                marked(flow_log.share, is_estimated),
                marked(flow_log.log_service, is_estimated),
                marked(flow_log.total(), is_estimated),
                saves.unwrap_or_default(),
            ]);
        }
    }
    for column in rows.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text =
        if statement.regions.is_empty() { "no flow logs\n".to_owned() } else { format!("{}\n\n", rows.trim_fmt()) };
    for region in &statement.regions {
        let total = marked(region.total(), region.has_estimates());
        let shards = region.shards.filter(|shards| *shards > Amount::ZERO);
        let shards = shards.map(|shards| format!(", {shards} of it for shards")).unwrap_or_default();
        _ = writeln!(text, "{}  {} GB  {total} {currency} in {days} days{shards}", region.region, region.volume);
    }
    _ = writeln!(text, "total  {} {currency} in {days} days", statement.total());
    if saved > Amount::ZERO {
        _ = writeln!(text, "schedules save  {saved} {currency}");
    }
    if let Some(bill) = bill {
        _ = writeln!(
            text,
            "the bill of {}  {} {}, of lines that name a flow log",
            bill.cycle, bill.amount, bill.currency
        );
    }
    _ = writeln!(text, "\nlist prices of {}", statement.prices_of);
    for footnote in footnotes.iter().map(|note| format!("* {note}")).chain(notes.iter().cloned()) {
        _ = writeln!(text, "{footnote}");
    }
    text
}

fn json(costing: &Costing, days: u16) -> Value {
    let Costing { statement, savings, off, bill, notes, unread } = costing;
    let flow_log = |flow_log: &FlowLogCost| {
        json!({
            "id": flow_log.id.as_str(),
            "resource_id": flow_log.resource_id,
            "is_off": off.contains(&flow_log.id),
            "volume": flow_log.volume,
            "share": flow_log.share,
            "marginal": flow_log.marginal,
            "log_service": flow_log.log_service,
            "total": flow_log.total(),
            "schedule": savings.get(&flow_log.id).map(|(on, saving)| json!({
                "on_hours": on,
                "saves_by_traffic": saving.by_traffic,
                "saves_by_clock": saving.by_clock,
                "off_hours_measured": saving.measured_hours,
                "off_hours_assumed": saving.assumed_hours,
                "off_hours_unknown": saving.unknown_hours,
            })),
        })
    };
    let regions: Vec<_> = statement
        .regions
        .iter()
        .map(|region| {
            json!({
                "account": region.account.as_str(),
                "region": region.region.as_str(),
                "bytes": region.volume,
                "generation": region.generation,
                "log_service": region.log_service,
                "shards": region.shards,
                "total": region.total(),
                "flow_logs": region.flow_logs.iter().map(flow_log).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "version": JSON_VERSION,
        "currency": statement.currency,
        "prices_of": statement.prices_of.to_string(),
        "source": statement.source,
        "days": days,
        "regions": regions,
        "total": statement.total(),
        "bill": bill.as_ref().map(|bill| json!({
            "cycle": bill.cycle.to_string(), "currency": bill.currency, "amount": bill.amount,
        })),
        "notes": notes,
        "unread": unread,
    })
}

fn csv(costing: &Costing) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("no CSV: {error}"), "report it");
    let amount = |amount: Option<Amount>| amount.map(|amount| format!("{amount:.6}")).unwrap_or_default();
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let head = [
        "account",
        "region",
        "resource_id",
        "flow_log_id",
        "bytes",
        "volume",
        "currency",
        "share",
        "marginal",
        "log_service",
        "total",
        "schedule_saves",
    ];
    writer.write_record(head).map_err(|error| failed(&error))?;
    for region in &costing.statement.regions {
        for flow_log in &region.flow_logs {
            let is = match &flow_log.volume {
                Volume::Measured { .. } => "measured",
                Volume::Estimated { .. } => "estimated",
                Volume::Unknown { .. } => "unknown",
            };
            let saving = costing.savings.get(&flow_log.id).map(|(_, saving)| saving.by_traffic);
            let row = [
                region.account.to_string(),
                region.region.to_string(),
                flow_log.resource_id.clone(),
                flow_log.id.to_string(),
                flow_log.volume.bytes().map(|bytes| bytes.0.to_string()).unwrap_or_default(),
                is.to_owned(),
                costing.statement.currency.to_string(),
                amount(flow_log.share),
                amount(flow_log.marginal),
                amount(flow_log.log_service),
                amount(flow_log.total()),
                amount(saving),
            ];
            writer.write_record(row).map_err(|error| failed(&error))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}
