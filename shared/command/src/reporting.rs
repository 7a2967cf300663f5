//! Makes a report of evidence: a plan that is told as evidence, with what only an auditor asks for.

use std::sync::Arc;

use audit::{About, Audited, Gathering, TooMuch, audit, callers, scope_left_out};
use evidence::{ExceptionsCountAs, LeftOut, PolicyName};

use crate::{failure::Failure, plan::file::digest, planning::Planning, watcher::Watcher};

/// How many resources and flow logs a report takes. Each takes about 2 KB of memory until the report is written.
const MAX_FOUND: usize = 500_000;

/// A report is a plan that is told as evidence.
pub(crate) struct Reporting<'a> {
    pub(crate) planning: Planning<'a>,
    pub(crate) exceptions_count_as: ExceptionsCountAs,
}

impl From<TooMuch> for Failure {
    fn from(error: TooMuch) -> Self {
        Self::failed(error.to_string(), "make a report for each account or region, with --account and --region")
    }
}

impl Reporting<'_> {
    /// Reads everything, and draws the conclusions.
    ///
    /// # Errors
    /// The options name what the policy is not about, or there is more than a report takes.
    pub(crate) async fn evidence(&self) -> Result<Audited, Failure> {
        let Planning { context, identity, policy_file, policy_text, policy, narrowed, .. } = self.planning;
        let watcher = Arc::new(Watcher::new(&context.terminal, 0));
        let gathering = Arc::new(Gathering::new(MAX_FOUND).telling(Arc::<Watcher>::clone(&watcher)));
        let started = context.now();
        let policy = narrowed.policy(policy);
        let mut left_out = Vec::new();
        if !narrowed.accounts.is_empty() {
            let why = "--account names others".to_owned();
            left_out.push(LeftOut { what: "every other account of the policy".to_owned(), why });
        }
        if !narrowed.regions.is_empty() {
            let why = "--region names others".to_owned();
            left_out.push(LeftOut { what: "every other region of the policy".to_owned(), why });
        }
        let routers = scope_left_out(&policy, !narrowed.regions.is_empty());
        let has_routers = routers.is_none();
        left_out.extend(routers);
        let about = About {
            tool: "flowkeeper".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: started.to_string(),
            started,
            policy: PolicyName { name: policy_file.to_owned(), sha256: digest(policy_text.as_bytes()) },
            exceptions_count_as: self.exceptions_count_as,
            left_out,
            has_routers,
        };
        let sweep = async {
            let swept = self.planning.sweep(Arc::<Gathering>::clone(&gathering)).await;
            watcher.clear();
            swept
        };
        let (own, arn) = (&identity.caller.account, identity.caller.arn.as_deref());
        let origin = &identity.found.origin.text;
        let audited = audit(about, &gathering, sweep, |accounts| callers(&policy, own, arn, origin, accounts)).await;
        watcher.clear();
        audited
    }
}
