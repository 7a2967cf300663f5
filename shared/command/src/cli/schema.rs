//! `flowkeeper schema`.

use clap::Args;

use crate::{context::Context, failure::Failure};

const EXAMPLES: &str = "\
Examples:
  flowkeeper schema > policy.schema.json

The first line of a policy tells an editor:
  # yaml-language-server: $schema=./policy.schema.json";

/// Print the JSON Schema of a policy, for editors.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let schema = serde_json::to_string_pretty(&flow_log::policy::schema());
        context.terminal.print_data(&(schema.map_err(|error| Failure::failed(format!("{error}"), "report it"))? + "\n"))
    }
}
