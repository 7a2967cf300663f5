//! The removal of everything that Flowkeeper made in one region, or on the Express Connect Routers of an account, for a
//! person who asks for it. No function does this.

use flow_log::{Action, EcrFlowLog, EcrId, FlowLog, Status, Verdict};
use futures_util::FutureExt as _;
use openapi::{CallError, EcrFlowLogFilter, Session};

use super::{
    own::is_deletable,
    routers,
    run::{self, Sweep, Work},
};
use crate::{
    Item, Outcome,
    converge::Converger,
    deletion::Deletion,
    items,
    limits::Withheld,
    read,
    report::ReportBuilder,
    write::Write,
    writer::{Confirmation, WriteOutcome},
};

/// Deletes Flowkeeper's own flow logs in the region of the session. The tag on each says that it is one; the policy and
/// its limits do not matter.
pub(crate) async fn sweep(converger: &Converger<'_>) -> ReportBuilder {
    run::run(RemovalSweep { converger }).await
}

struct RemovalSweep<'a> {
    converger: &'a Converger<'a>,
}

/// The deletion of one flow log.
struct Removal(Deletion);

impl Sweep for RemovalSweep<'_> {
    type Work = Removal;

    fn converger(&self) -> &Converger<'_> {
        self.converger
    }

    async fn assess(&mut self, report: &mut ReportBuilder) -> Vec<Removal> {
        let session = self.converger.session;
        match read::own_flow_logs(session).await {
            Ok(found) => {
                report.items.extend(found.unreadable.iter().map(|it| items::item_unread(session, "flow logs", it)));
                let own: Vec<_> = found.items.into_iter().filter(is_deletable).collect();
                own.iter().for_each(|_| report.count_checked());
                own.into_iter().map(|flow_log| Removal(Deletion::of_own(flow_log))).collect()
            }
            Err(error) => {
                report.items.push(items::region_unread(session, "flow logs", &error));
                Vec::new()
            }
        }
    }

    async fn apply(&self, work: Removal, _: Withheld) -> Vec<Item> {
        vec![work.0.make(self.converger).await]
    }

    async fn finish(self, _: Vec<Removal>, _: &mut ReportBuilder) {}
}

impl Work for Removal {
    fn resource_id(&self) -> &str {
        &self.0.flow_log.resource_id
    }

    /// The person has seen the list, so no limit counts it.
    fn is_risky(&self) -> bool {
        false
    }

    fn withhold(self, _: Withheld, _: &Session<'_>, _: &mut Vec<Item>) -> Option<Self> {
        Some(self)
    }
}

/// The API's name for a virtual border router.
const VBR: &str = "VBR";

/// Deletes Flowkeeper's own flow logs on the Express Connect Routers of the account.
pub(crate) async fn sweep_routers(converger: &Converger<'_>) -> ReportBuilder {
    run::run(RouterRemovalSweep { converger }).await
}

struct RouterRemovalSweep<'a> {
    converger: &'a Converger<'a>,
}

/// The deletion of one flow log of a router.
struct RouterRemoval {
    ecr: EcrId,
    flow_log: EcrFlowLog,
}

impl Sweep for RouterRemovalSweep<'_> {
    type Work = RouterRemoval;

    fn converger(&self) -> &Converger<'_> {
        self.converger
    }

    async fn assess(&mut self, report: &mut ReportBuilder) -> Vec<RouterRemoval> {
        let session = self.converger.session;
        let mut work = Vec::new();
        for router in routers::read(session, report).await {
            let what = format!("flow logs on {}", router.id);
            match session.describe_ecr_flow_logs(&router.id, &EcrFlowLogFilter::default()).await {
                Ok(found) => {
                    report.items.extend(found.unreadable.iter().map(|it| items::item_unread(session, &what, it)));
                    let own = found.items.into_iter().filter(|it| it.is_own() && it.status != Status::Deleting);
                    work.extend(own.map(|flow_log| RouterRemoval { ecr: router.id.clone(), flow_log }));
                }
                Err(error) => report.items.push(items::region_unread(session, &what, &error)),
            }
        }
        work.iter().for_each(|_| report.count_checked());
        work
    }

    async fn apply(&self, work: RouterRemoval, _: Withheld) -> Vec<Item> {
        vec![work.make(self.converger).await]
    }

    async fn finish(self, _: Vec<RouterRemoval>, _: &mut ReportBuilder) {}
}

impl Work for RouterRemoval {
    fn resource_id(&self) -> &str {
        self.flow_log.instance_id.as_str()
    }

    fn is_risky(&self) -> bool {
        false
    }

    fn withhold(self, _: Withheld, _: &Session<'_>, _: &mut Vec<Item>) -> Option<Self> {
        Some(self)
    }
}

impl RouterRemoval {
    async fn make(&self, converger: &Converger<'_>) -> Item {
        let (session, flow_log) = (converger.session, &self.flow_log);
        let (key, value) = FlowLog::OWN_TAG;
        let reason = format!("{} on {} carries the tag {key}={value}", flow_log.id, flow_log.instance_id);
        let about = Item {
            verdict: Some(Verdict::Excluded),
            resource_type: Some(VBR),
            resource_id: Some(flow_log.instance_id.clone()),
            flow_log_id: Some(flow_log.id.clone()),
            observed: converger.observed_router(Some(flow_log)),
            ..Item::new(Outcome::Done, reason.clone()).in_session(session)
        };
        // The session is in any region.
        let about = Item { region: flow_log.region.clone().or(about.region), ..about };
        let left = |outcome, why: &str| Item { outcome, reason: format!("{reason}; {why}"), ..about.clone() };
        let confirm = || self.confirm(session).boxed();
        match converger.writer.write(Write::DeleteEcr(&self.ecr, flow_log), about.clone(), &confirm).await {
            WriteOutcome::Planned(item)
            | WriteOutcome::NotApproved(item)
            | WriteOutcome::Done(item)
            | WriteOutcome::Confirmed(item, ())
            | WriteOutcome::Failed(item)
            | WriteOutcome::NotVisible(item)
            | WriteOutcome::NoDestination(item) => item,
            WriteOutcome::Superseded(()) => left(Outcome::Unchanged, "somebody else has deleted it"),
            WriteOutcome::NotPermitted => {
                left(Outcome::Skipped, &items::may_not_call(Action::EcrDeleteFlowlog)).finding()
            }
        }
    }

    /// Reads whether the flow log is gone or being deleted.
    async fn confirm(&self, session: &Session<'_>) -> Result<Confirmation<()>, CallError> {
        let by_id = EcrFlowLogFilter { id: Some(&self.flow_log.id), ..EcrFlowLogFilter::default() };
        let found = session.describe_ecr_flow_logs(&self.ecr, &by_id).await?;
        let is_gone = found.is_complete() && found.items.iter().all(|found| found.status == Status::Deleting);
        Ok(if is_gone {
            Confirmation::Settled { observed: (), may_be_ours: true, flow_log: None }
        } else {
            Confirmation::Outstanding
        })
    }
}
