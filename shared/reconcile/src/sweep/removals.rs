//! The removal of everything that Flowkeeper made in one region, for a person who asks for it. No function does this.

use openapi::Session;

use super::{
    orphans::is_deletable,
    run::{self, Sweep, Work},
};
use crate::{Item, converge::Converger, deletion::Deletion, items, limits::Withheld, read, report::ReportBuilder};

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
    /// The person has seen the list, so no limit counts it.
    fn is_risky(&self) -> bool {
        false
    }

    fn withhold(self, _: Withheld, _: &Session<'_>, _: &mut Vec<Item>) -> Option<Self> {
        Some(self)
    }
}
