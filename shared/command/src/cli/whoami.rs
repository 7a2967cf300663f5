//! `flowkeeper whoami`.

use clap::{Args, ValueEnum};
use flow_log::RegionId;
use serde_json::json;

use crate::{
    cli::CloudOptions,
    columns::labelled,
    context::Context,
    failure::Failure,
    identity::{Identity, identify},
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper whoami
  flowkeeper whoami --profile audit --output json

Credentials: --profile, keys in the environment, OIDC, aliyun CLI profile,
~/.alibabacloud/credentials, ECS role, URI. The first that is there decides.";

/// The columns of names, and of the space after them.
const NAME: usize = 10;
/// The version of the JSON.
const JSON_VERSION: u8 = 1;

/// Show whose credentials are used, and where they were found.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Whoami {
    #[command(flatten)]
    cloud: CloudOptions,
    /// Form of the output: table or json
    #[arg(long, value_enum, default_value_t, value_name = "FORM", hide_possible_values = true)]
    #[arg(hide_default_value = true)]
    output: Output,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

impl Whoami {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let identity = context.read(identify(&self.cloud, context))?;
        let terminal = &context.terminal;
        match self.output {
            Output::Table => terminal.print(&table(&identity, terminal.cut_at())),
            Output::Json => terminal.print_data(&json(&identity)),
        }
    }
}

fn table(identity: &Identity, columns: Option<usize>) -> String {
    let Identity { found, key, caller, regions, region_by, endpoint, .. } = identity;
    let regions: Vec<_> = regions.iter().map(ToString::to_string).collect();
    let regions = match region_by {
        Some(by) => format!("{} ({by})", regions.join(", ")),
        None => "none is set".to_owned(),
    };
    let rows = [
        ("account", Some(caller.account.to_string())),
        ("arn", caller.arn.clone()),
        ("identity", caller.identity_type.clone()),
        ("key", Some(key.credentials.access_key_id().to_owned())),
        ("source", Some(found.origin.text.clone())),
        ("expires", key.expiration.map(|at| at.to_string())),
        ("region", Some(regions)),
        ("endpoint", endpoint.clone()),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    rows.map(|(name, value)| labelled(name, &value, NAME, columns)).collect()
}

fn json(identity: &Identity) -> String {
    let Identity { found, key, caller, regions, region_by, endpoint, .. } = identity;
    let value = json!({
        "version": JSON_VERSION,
        "account": caller.account.as_str(),
        "arn": caller.arn,
        "identity_type": caller.identity_type,
        "access_key_id": key.credentials.access_key_id(),
        "source": {"kind": found.origin.kind, "text": found.origin.text},
        "expires": key.expiration.map(|at| at.to_string()),
        "regions": regions.iter().map(RegionId::as_str).collect::<Vec<_>>(),
        "region_source": region_by,
        "endpoint": endpoint,
    });
    format!("{value:#}\n")
}
