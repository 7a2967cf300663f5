//! What a plan and a report are about, as both take it.

use std::path::PathBuf;

use clap::Args;
use flow_log::{AccountId, RoleName};

use crate::{cli::CloudOptions, failure::Failure, planning::Narrowed, policy_file::DEFAULT};

/// What a plan and a report are about.
#[derive(Debug, Args)]
pub(crate) struct ScopeOptions {
    /// Policy, YAML or JSON; - for stdin
    #[arg(default_value = DEFAULT)]
    pub(crate) policy: PathBuf,
    #[command(flatten)]
    pub(crate) cloud: CloudOptions,
    /// Account; may be repeated
    #[arg(long, value_name = "ID", value_parser = AccountId::exact)]
    account: Vec<AccountId>,
    /// Role in other accounts, such as one that only reads
    #[arg(long, value_name = "NAME")]
    role: Option<RoleName>,
}

impl ScopeOptions {
    /// Reads what the options narrow the policy to.
    pub(crate) fn narrowed(&self) -> Result<Narrowed, Failure> {
        Ok(Narrowed { accounts: self.account.clone(), regions: self.cloud.regions()?, role: self.role.clone() })
    }
}
