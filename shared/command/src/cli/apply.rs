//! `flowkeeper apply`.

use std::path::PathBuf;

use clap::Args;
use flow_log::{AccountId, Policy};

use crate::{
    applying::{Applying, Consent, confirm},
    cli::{CloudOptions, help, plan::drawing},
    context::Context,
    failure::Failure,
    identity::{Identity, identify},
    plan::{Change, Plan, file, table},
    planning::{EVERYTHING, Narrowed, Planning, Reads},
    policy_file::{DEFAULT, PolicyFile},
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper apply plan.json
  flowkeeper apply --policy policy.yml --region cn-hangzhou
  flowkeeper apply plan.json --yes --account 1000000000000001
Exit codes: 0 all made; 1 not all; 64 wrong usage; 130 interrupted";

/// Make the changes of a plan, and no others.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_ARGUMENTS)]
pub(crate) struct Apply {
    /// Saved plan; without one, a plan is made and shown
    plan: Option<PathBuf>,
    /// Policy; of a saved plan, it must be the one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    cloud: CloudOptions,
    /// Make this change alone; may be repeated
    #[arg(long, value_name = "CHANGE")]
    only: Vec<String>,
    /// Do not ask; --account says whose credentials these are
    #[arg(long, requires = "account")]
    yes: bool,
    /// Account of the credentials
    #[arg(long, value_name = "ID", value_parser = AccountId::exact)]
    account: Option<AccountId>,
}

impl Apply {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.plan {
            Some(path) => {
                let plan = file::read(path, context.now())?;
                let text = self.text_of_saved(&plan)?;
                context.block_on(async {
                    let identity = self.identify(context).await?;
                    check_saved(&plan, &identity)?;
                    self.apply(context, &identity, &plan, &text).await
                })
            }
            None => {
                let file = PolicyFile::read(self.policy.as_deref().unwrap_or(DEFAULT.as_ref()))?;
                let policy = file.policy(&context.terminal)?;
                context.block_on(async {
                    let identity = self.identify(context).await?;
                    let regions = self.cloud.regions()?;
                    let narrowed = &Narrowed { regions, ..Narrowed::default() };
                    let planning = Planning {
                        context,
                        identity: &identity,
                        capabilities: EVERYTHING,
                        policy_file: &file.name,
                        policy_text: &file.text,
                        policy: &policy,
                        narrowed,
                        at: None,
                        reads: Reads::PlanAndCosts,
                    };
                    let plan = planning.plan().await?;
                    context.terminal.print(&table::text(&plan, drawing(context)))?;
                    self.apply(context, &identity, &plan, &file.text).await
                })
            }
        }
    }

    /// Returns the text of the policy in a saved plan.
    fn text_of_saved(&self, plan: &Plan) -> Result<String, Failure> {
        if !self.cloud.region.is_empty() {
            let remedy = "leave it out, or make a plan of that region alone";
            return Err(Failure::usage("--region: a saved plan has its regions already", remedy));
        }
        if let Some(path) = &self.policy {
            let file = PolicyFile::read(path)?;
            if file::digest(file.text.as_bytes()) != plan.policy.sha256 {
                let problem = format!("{} is not the policy that the plan was made with", file.name);
                return Err(Failure::usage(problem, "make a new plan with flowkeeper plan --out"));
            }
        }
        let text = plan.policy.text.clone().filter(|text| file::digest(text.as_bytes()) == plan.policy.sha256);
        text.ok_or_else(|| Failure::usage("the plan has no policy in it", "save one with flowkeeper plan --out"))
    }

    async fn identify(&self, context: &Context) -> Result<Identity, Failure> {
        let identity = identify(&self.cloud, context).await?;
        context.terminal.tell(identity.text());
        let account = &identity.caller.account;
        match &self.account {
            Some(given) if given != account => Err(Failure::usage(
                format!("--account {given}: the credentials are of the account {account}"),
                "name that account, or use other credentials",
            )),
            _ => Ok(identity),
        }
    }

    /// Shows the changes, asks, and makes them.
    async fn apply(&self, context: &Context, identity: &Identity, plan: &Plan, text: &str) -> Result<(), Failure> {
        let changes = self.chosen(plan)?;
        // A plan that was just made has been shown.
        if self.plan.is_some() || !self.only.is_empty() {
            context.terminal.print(&table::chosen(plan, &changes, drawing(context)))?;
        }
        if changes.is_empty() {
            context.terminal.note("nothing is to change");
            return if plan.unread.is_empty() { Ok(()) } else { Err(Failure::told(crate::failure::FAILED)) };
        }
        let policy = Policy::parse(text).map_err(|mistakes| {
            Failure::usage(format!("the policy in the plan is none: {mistakes}"), "make a new plan")
        })?;
        let narrowed = Narrowed::of(&plan.scope)
            .ok_or_else(|| Failure::usage("the scope of the plan cannot be read", "make a new plan"))?;
        if let Some(caution) = narrowed.caution(&policy) {
            context.terminal.note(caution);
        }
        let count = changes.len();
        let what = if count == 1 { "this change".to_owned() } else { format!("these {count} changes") };
        confirm(context, &identity.caller.account, Consent { is_given: self.yes }, &what)?;
        let policy = narrowed.policy(&policy);
        let applying = Applying { context, identity, capabilities: EVERYTHING, policy, changes: &changes };
        applying.apply().await
    }

    /// Returns the changes that are asked for.
    fn chosen<'p>(&self, plan: &'p Plan) -> Result<Vec<&'p Change>, Failure> {
        if self.only.is_empty() {
            return Ok(plan.changes.iter().collect());
        }
        let mut chosen: Vec<&Change> = Vec::new();
        for id in &self.only {
            let found: Vec<_> =
                plan.changes.iter().filter(|change| id.len() >= MIN_ID && change.id.starts_with(id.as_str())).collect();
            match found.as_slice() {
                [change] => chosen.push(change),
                [] => {
                    let problem = format!("--only {id}: the plan has no such change");
                    return Err(Failure::usage(problem, "give the id of a change, or its first digits: at least four"));
                }
                _ => {
                    let problem = format!("--only {id}: {} changes begin so", found.len());
                    return Err(Failure::usage(problem, "give more digits"));
                }
            }
        }
        chosen.sort_by_key(|change| &change.id);
        chosen.dedup_by_key(|change| &change.id);
        Ok(chosen)
    }
}

/// How many digits of an id are enough if no other begins with them.
const MIN_ID: usize = 4;

/// Makes sure that a saved plan is of this account and this cloud.
fn check_saved(plan: &Plan, identity: &Identity) -> Result<(), Failure> {
    let account = &identity.caller.account;
    if plan.caller.account != account.as_str() {
        let problem =
            format!("the plan is of the account {}, and the credentials are of {account}", plan.caller.account);
        return Err(Failure::usage(problem, "use the credentials of that account, or make a new plan"));
    }
    if plan.endpoint != identity.endpoint {
        let name = |endpoint: &Option<String>| endpoint.clone().unwrap_or_else(|| "Alibaba Cloud".to_owned());
        let problem = format!("the plan is of {}, and calls go to {}", name(&plan.endpoint), name(&identity.endpoint));
        return Err(Failure::usage(problem, "name the same endpoint, or make a new plan"));
    }
    Ok(())
}
