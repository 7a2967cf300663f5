//! `flowkeeper remove`.

use std::path::PathBuf;

use clap::Args;
use flow_log::{AccountId, Policy, RoleName};

use crate::{
    applying::{Applying, Consent, confirm},
    cli::{CloudOptions, help, plan::drawing},
    context::Context,
    failure::{FAILED, Failure},
    identity::identify,
    plan::table,
    planning::{Narrowed, Planning, REMOVAL, Reads},
    policy_file::PolicyFile,
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper remove --region cn-hangzhou
  flowkeeper remove --policy policy.yml
  flowkeeper remove --yes --account 1000000000000001
Exit codes: 0 all removed; 1 not all; 64 wrong usage; 130 interrupted";

/// Where flow logs are removed without a policy. What they should look like does not matter.
const ANY_POLICY: &str =
    "flow_log: {project: flowlog, log_store: vpc}\necr_flow_log: {project: flowlog, log_store: vpc}\n";

/// Delete the flow logs that Flowkeeper made, and no others.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_OPTIONS)]
pub(crate) struct Remove {
    /// Policy that says in which accounts and regions
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    cloud: CloudOptions,
    /// Account; may be repeated
    #[arg(long, value_name = "ID", value_parser = AccountId::exact)]
    account: Vec<AccountId>,
    /// Role in other accounts, instead of the policy's
    #[arg(long, value_name = "NAME")]
    role: Option<RoleName>,
    /// Do not ask; needs each --account
    #[arg(long, requires = "account")]
    yes: bool,
}

impl Remove {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let file = match &self.policy {
            Some(path) => PolicyFile::read(path)?,
            None => PolicyFile { name: "no policy".to_owned(), text: ANY_POLICY.to_owned() },
        };
        let policy: Policy = file.policy(&context.terminal)?;
        context.block_on(async {
            let identity = identify(&self.cloud, context).await?;
            context.terminal.tell(identity.text());
            let narrowed =
                Narrowed { accounts: self.account.clone(), regions: self.cloud.regions()?, role: self.role.clone() };
            let planning = Planning {
                context,
                identity: &identity,
                capabilities: REMOVAL,
                policy_file: &file.name,
                policy_text: &file.text,
                policy: &policy,
                narrowed: &narrowed,
                at: None,
                reads: Reads::Plan,
            };
            let plan = planning.plan().await?;
            let changes: Vec<_> = plan.changes.iter().collect();
            context.terminal.print(&table::chosen(&plan, &changes, drawing(context)))?;
            if changes.is_empty() {
                context.terminal.note("Flowkeeper has no flow log there");
                return if plan.unread.is_empty() { Ok(()) } else { Err(Failure::told(FAILED)) };
            }
            context.terminal.note("functions that are deployed create them again: remove their stack first");
            let count = changes.len();
            let what = if count == 1 { "this deletion".to_owned() } else { format!("these {count} deletions") };
            confirm(context, &identity.caller.account, Consent { is_given: self.yes }, &what)?;
            let policy = narrowed.policy(&policy);
            let applying = Applying { context, identity: &identity, capabilities: REMOVAL, policy, changes: &changes };
            let unread = plan.unread.len();
            applying.apply().await?;
            if unread > 0 { Err(Failure::told(FAILED)) } else { Ok(()) }
        })
    }
}
