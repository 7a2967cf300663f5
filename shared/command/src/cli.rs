//! The command line: what each subcommand takes, and which exit codes there are.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod explain;
mod help;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod remove;
pub(crate) mod report;
pub(crate) mod schedule;
pub(crate) mod schema;
mod scope;
pub(crate) mod whoami;

use clap::{ArgAction, Args, Parser, Subcommand};
use flow_log::RegionId;
use jiff::Timestamp;

use crate::{context::Context, failure::Failure, terminal::Color};

const EXAMPLES: &str = "\
Also schema, completions and man: for editors, shells and readers
Examples:
  flowkeeper plan policy.yml
Exit codes: 0 done; 1 failed or unknown; 64 wrong usage or policy";

/// VPC flow logs on Alibaba Cloud, as a policy wants them.
#[derive(Debug, Parser)]
#[command(name = "flowkeeper", version, after_help = EXAMPLES, help_template = help::OF_ALL)]
#[command(max_term_width = 80, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Use color: auto, always or never
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    #[arg(hide_default_value = true)]
    pub(crate) color: Color,
    /// Say more on stderr; twice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a policy to begin with
    Init(init::Init),
    /// Show whose credentials are used, and where they were found
    Whoami(whoami::Whoami),
    /// Show every mistake in a policy
    Check(check::Check),
    /// Show what would be changed, and why
    Plan(plan::PlanOptions),
    /// Make the changes of a plan
    Apply(apply::Apply),
    /// Delete what Flowkeeper made
    Remove(remove::Remove),
    /// Show an auditor what records, and what proves it
    Report(report::ReportOptions),
    /// Show what a policy wants of a resource, and why
    Explain(explain::Explain),
    /// Show what flow logs cost, and what schedules save
    Cost(cost::CostOptions),
    /// Show when a schedule is on: a list, a month, a picture
    Schedule(schedule::ScheduleOf),
    /// Print the JSON Schema of a policy, for editors
    #[command(hide = true)]
    Schema(schema::Schema),
    /// Print the completions of a shell
    #[command(hide = true)]
    Completions(completions::Completions),
    /// Print the manual
    #[command(hide = true)]
    Man(man::Man),
}

/// What every subcommand that calls the cloud takes.
#[derive(Debug, Args)]
pub(crate) struct CloudOptions {
    /// Profile of ~/.aliyun/config.json
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Region; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) region: Vec<String>,
    /// Another cloud, such as local-cloud
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
}

/// Reads a moment.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let forms = "a moment has a date, a time and an offset, as in 2026-03-01T09:00+08:00, or Z for UTC, as in 2026-03-01T01:00Z";
    text.parse().map_err(|_| forms.to_owned())
}

impl CloudOptions {
    /// Reads the regions in the options; empty if there are none.
    pub(crate) fn regions(&self) -> Result<Vec<RegionId>, Failure> {
        let exact = |text: &String| {
            RegionId::exact(text)
                .map_err(|error| Failure::usage(format!("--region: {error}"), "name a region, as in cn-hangzhou"))
        };
        self.region.iter().map(exact).collect()
    }
}

impl Command {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Init(asked) => asked.run(context),
            Self::Whoami(asked) => asked.run(context),
            Self::Check(asked) => asked.run(context),
            Self::Plan(asked) => asked.run(context),
            Self::Apply(asked) => asked.run(context),
            Self::Remove(asked) => asked.run(context),
            Self::Report(asked) => asked.run(context),
            Self::Explain(asked) => asked.run(context),
            Self::Cost(asked) => asked.run(context),
            Self::Schedule(asked) => asked.run(context),
            Self::Schema(asked) => asked.run(context),
            Self::Completions(asked) => asked.run(context),
            Self::Man(asked) => asked.run(context),
        }
    }
}
