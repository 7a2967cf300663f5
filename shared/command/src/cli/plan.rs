//! `flowkeeper plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::{
    cli::{help, moment, scope::ScopeOptions},
    context::Context,
    failure::{CHANGES, FAILED, Failure},
    identity::identify,
    plan::{
        Plan, PolicyUsed, Totals, csv, file,
        table::{self, Drawing},
    },
    planning::{EVERYTHING, Planning, Reads},
    policy_file::PolicyFile,
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper plan policy.yml --region cn-hangzhou --out plan.json
Exit codes: 0 done; 1 failed or unknown; 2 changes (--detailed-exitcode)";

/// Show what would be changed, and why. Writes nothing.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_ARGUMENTS)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    scope: ScopeOptions,
    /// Form of the output: table, json or csv
    #[arg(long, value_enum, default_value_t, value_name = "FORM", hide_possible_values = true)]
    #[arg(hide_default_value = true)]
    output: Output,
    /// Save the plan, for `apply`
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    out: Option<PathBuf>,
    /// Leave out what it costs: no network interface is read
    #[arg(long)]
    no_cost: bool,
    /// Exit with 2 if there is something to change
    #[arg(long)]
    detailed_exitcode: bool,
    /// Moment to decide for, as in 2026-03-01T09:00+08:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
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

impl PlanOptions {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let file = PolicyFile::read(&self.scope.policy)?;
        let policy = file.policy(&context.terminal)?;
        context.terminal.tell(format_args!("policy {}, SHA-256 {}", file.name, file::digest(file.text.as_bytes())));
        let narrowed = self.scope.narrowed()?;
        let plan = context.read(async {
            let identity = identify(&self.scope.cloud, context).await?;
            context.terminal.tell(identity.text());
            if policy.ecr_flow_log.is_some() && !narrowed.regions.is_empty() {
                context.terminal.note("Express Connect Routers belong to no region: --region leaves them out");
            }
            let planning = Planning {
                context,
                identity: &identity,
                capabilities: EVERYTHING,
                policy_file: &file.name,
                policy_text: &file.text,
                policy: &policy,
                narrowed: &narrowed,
                at: self.at,
                reads: if self.no_cost { Reads::Plan } else { Reads::PlanAndCosts },
            };
            planning.plan().await
        })?;
        // What cannot be saved is shown all the same.
        let saved = self.out.as_ref().map_or(Ok(()), |out| {
            let policy_used = PolicyUsed { text: Some(file.text.clone()), ..plan.policy.clone() };
            file::save(&Plan { policy: policy_used, ..plan.clone() }, out)
        });
        match self.output {
            Output::Table => context.terminal.print(&table::text(&plan, drawing(context))),
            Output::Json => context.terminal.print_data(&file::json(&plan)?),
            Output::Csv => context.terminal.print_data(&csv::csv(&plan)?),
        }?;
        saved?;
        if let Some(caution) = narrowed.caution(&policy).filter(|_| plan.summary.changes() > 0) {
            context.terminal.note(caution);
        }
        self.say_next_step(&plan.summary, context);
        match exit_code(&plan.summary, self.detailed_exitcode) {
            0 => Ok(()),
            code => Err(Failure::told(code)),
        }
    }
}

impl PlanOptions {
    /// Says how the changes are made.
    fn say_next_step(&self, totals: &Totals, context: &Context) {
        let terminal = &context.terminal;
        match &self.out {
            Some(out) if totals.changes() == 0 => {
                terminal.note(format_args!("the plan is in {}, and has no change to apply", out.display()));
            }
            Some(out) => {
                let options = [("--profile", &self.scope.cloud.profile), ("--endpoint", &self.scope.cloud.endpoint)];
                let options: String = options
                    .into_iter()
                    .filter_map(|(option, value)| Some(format!(" {option} {}", value.as_ref()?)))
                    .collect();
                terminal.note(format_args!("flowkeeper apply {}{options} makes these changes", out.display()));
            }
            None if totals.changes() > 0 && self.at.is_none() && terminal.shows_progress => {
                terminal
                    .note("nothing was changed; with --out plan.json, flowkeeper apply plan.json makes these changes");
            }
            None => {}
        }
    }
}

/// Returns how to draw tables here.
pub(crate) const fn drawing(context: &Context) -> Drawing {
    Drawing { columns: context.terminal.cut_at(), is_verbose: context.verbosity > 0 }
}

/// What could not be read is worse than a change: it may need one, too.
const fn exit_code(totals: &Totals, is_detailed: bool) -> u8 {
    match (totals.unread, totals.changes()) {
        (1.., _) => FAILED,
        (0, 1..) if is_detailed => CHANGES,
        _ => 0,
    }
}
