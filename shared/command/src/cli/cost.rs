//! `flowkeeper cost`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use cost::{Amount, Currency, FlowLogCost, FunctionCost, PriceTable, Volume};
use evidence::as_text;
use flow_log::{AccountId, FlowLogId, RoleName, policy::Places};
use serde_json::{Value, json};

use crate::{
    cli::{CloudOptions, help, plan::drawing},
    context::Context,
    cost_text,
    costing::{Asked, Costing, MONTH_DAYS, OfRouter, compute},
    failure::{FAILED, Failure},
    gathering::gather_whole,
    identity::identify,
    plan::{Unread, build::content},
    planning::{EVERYTHING, Narrowed, Planning, Reads},
    policy_file::{DEFAULT, PolicyFile},
    reporting::MAX_FOUND,
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper cost
  flowkeeper cost policy.yml --region cn-hangzhou --output csv
Estimates are marked with *. It exits with 0 whatever it costs.";

/// The version of the JSON.
const JSON_VERSION: u8 = 1;

/// Show what flow logs cost, what schedules save, and what Flowkeeper costs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_ARGUMENTS)]
pub(crate) struct CostOptions {
    /// Policy, YAML or JSON [default: policy.yml, if it is there]
    policy: Option<PathBuf>,
    #[command(flatten)]
    cloud: CloudOptions,
    /// Account; may be repeated
    #[arg(long, value_name = "ID", value_parser = AccountId::exact)]
    account: Vec<AccountId>,
    /// Role in other accounts, such as one that only reads
    #[arg(long, value_name = "NAME")]
    role: Option<RoleName>,
    /// Days of records to count
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

/// Where flow logs are looked for without a policy. What they should look like does not matter.
const ANY_POLICY: &str = "flow_log: {project: flowlog, log_store: vpc}\nregions: all\n";

impl From<CurrencyName> for Currency {
    fn from(name: CurrencyName) -> Self {
        match name {
            CurrencyName::Cny => Self::Cny,
            CurrencyName::Usd => Self::Usd,
        }
    }
}

impl CostOptions {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let path = self.policy.as_deref().or_else(|| Some(Path::new(DEFAULT)).filter(|path| path.is_file()));
        let file = match path {
            Some(path) => PolicyFile::read(path)?,
            None => PolicyFile { name: "no policy".to_owned(), text: ANY_POLICY.to_owned() },
        };
        let policy = file.policy(&context.terminal)?;
        let prices = self.prices.as_deref().map(price_table).transpose()?;
        let costing = context.block_on(async {
            let identity = identify(&self.cloud, context).await?;
            let regions = self.cloud.regions()?;
            let narrowed = Narrowed { accounts: self.account.clone(), regions, role: self.role.clone() };
            let planning = Planning {
                context,
                identity: &identity,
                capabilities: EVERYTHING,
                policy_file: &file.name,
                policy_text: &file.text,
                policy: &policy,
                narrowed: &narrowed,
                at: None,
                reads: Reads::Costs,
            };
            let (swept, gathered) = gather_whole(&planning, MAX_FOUND).await?;
            let asked = Asked {
                swept: &swept,
                gathered: &gathered,
                own: &identity.caller.account,
                any_region: identity.any_region(),
                has_policy: path.is_some(),
                is_narrowed: !narrowed.regions.is_empty(),
                counted_days: self.days,
                currency: self.currency.map(Currency::from),
                prices,
                now: context.now(),
            };
            let mut costing = compute(&asked).await?;
            let read = content(&swept.report, &Places::of(&file.text), Vec::new());
            costing.unread.extend(read.unread.iter().filter(|it| it.resource_id.is_none()).map(unread));
            let left_out = read.notes.iter().filter(|note| note.finding && note.region.is_none());
            costing
                .notes
                .extend(left_out.filter_map(|note| Some(format!("{}: {}", note.account.as_ref()?, note.reason))));
            Ok(costing)
        })?;
        match self.output {
            Output::Table => context.terminal.print(&cost_text::text(&costing, drawing(context))),
            Output::Json => context.terminal.print_json(&format!("{:#}\n", json(&costing))),
            Output::Csv => context.terminal.print_data(&csv(&costing)?),
        }?;
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

/// Says what could not be read, and what the API answered.
fn unread(found: &Unread) -> String {
    let place = [&found.account, &found.region].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ");
    let error = found.error.as_ref().map_or_else(String::new, |error| {
        let request = error.request_id.as_deref().unwrap_or("none");
        format!(": {} answered {} (request {request}); {}", error.action, error.code, error.advice)
    });
    format!("{place}: {}{error}", found.reason)
}

fn price_table(path: &Path) -> Result<PriceTable, Failure> {
    let name = path.display();
    let remedy = "the files in shared/cost/prices have the form";
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{name}: {error}"), remedy))?;
    PriceTable::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}"), remedy))
}

fn json(costing: &Costing) -> Value {
    let Costing { statement, schedules, off, bills, routers, unclear_routers: _, notes, unread } = costing;
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
            "duplicate_of": flow_log.duplicates.as_ref().map(FlowLogId::as_str),
            "avoidable": flow_log.duplicates.as_ref().and_then(|_| flow_log.avoidable()),
            "schedule": schedules.get(&flow_log.id).map(|schedule| json!({
                "on_hours": schedule.on_hours,
                "saves_by_traffic": schedule.saved.map(|saved| saved.by_traffic),
                "saves_by_clock": schedule.saved.map(|saved| saved.by_clock),
                "off_hours_measured": schedule.saving.measured_hours,
                "off_hours_assumed": schedule.saving.assumed_hours,
                "off_hours_unknown": schedule.saving.unknown_hours,
            })),
        })
    };
    let function = |function: &FunctionCost| {
        json!({
            "name": function.name,
            "invocations": function.invocations,
            "of_use": function.of_use,
            "least": function.least,
            "total": function.total(),
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
                "duplicates": region.duplicates,
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
        "days": MONTH_DAYS,
        "regions": regions,
        "routers": routers.iter().map(|router| json!({
            "account": router.account,
            "region": router.region,
            "resource_id": router.resource_id,
            "id": router.id.as_str(),
        })).collect::<Vec<_>>(),
        "flowkeeper": costing.flowkeeper().map(|(functions, total)| json!({
            "functions": functions.iter().map(function).collect::<Vec<_>>(),
            "log_store": statement.log_store,
            "total": total,
            "is_at_least": statement.is_at_least(),
        })),
        "total": costing.total(),
        "schedules_save": costing.all_saved(),
        "duplicates": costing.duplicates(),
        "bills": bills.iter().map(|bill| json!({
            "account": bill.account.as_str(),
            "cycle": bill.cycle.to_string(),
            "currency": bill.currency,
            "amount": bill.amount,
        })).collect::<Vec<_>>(),
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
        "duplicate_of",
        "avoidable",
    ];
    writer.write_record(head).map_err(|error| failed(&error))?;
    for region in &costing.statement.regions {
        for flow_log in &region.flow_logs {
            let is = match &flow_log.volume {
                Volume::Measured { .. } => "measured",
                Volume::Estimated { .. } => "estimated",
                Volume::Unknown { .. } => "unknown",
            };
            let saving = costing.saved(&flow_log.id).map(|saved| saved.by_traffic);
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
                flow_log.duplicates.as_ref().map(ToString::to_string).unwrap_or_default(),
                amount(flow_log.duplicates.as_ref().and_then(|_| flow_log.avoidable())),
            ];
            writer.write_record(row.iter().map(|cell| as_text(cell).into_owned())).map_err(|error| failed(&error))?;
        }
    }
    for OfRouter { account, region, resource_id, id } in &costing.routers {
        let currency = costing.statement.currency.to_string();
        let known = [account, region, resource_id, id.as_str(), "", "unknown", &currency];
        let row = known.into_iter().chain(std::iter::repeat_n("", head.len() - known.len()));
        writer.write_record(row.map(|cell| as_text(cell).into_owned())).map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}
