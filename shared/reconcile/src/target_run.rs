//! The work on one target.

use flow_log::{FlowLogId, ResourceId};
use futures_util::{FutureExt as _, future::BoxFuture};
use openapi::FlowLogFilter;

use crate::{
    Item, Job, Outcome, Selection, Target, TargetKind,
    claims::{AccountRegion, Claims},
    converge::Converger,
    items,
    limits::Withheld,
    orphan,
    report::ReportBuilder,
    resolve::{Lookup, resolve},
    sweep::{
        Joined, SweepQueue, sweep_ecr, sweep_orphans, sweep_orphans_among, sweep_removals, sweep_resources,
        sweep_router_removals,
    },
};

/// The work on one target.
pub(crate) struct TargetRun<'a> {
    pub(crate) converger: Converger<'a>,
    pub(crate) queue: &'a SweepQueue,
    pub(crate) job: &'a Job,
    pub(crate) target: &'a Target,
    pub(crate) claims: &'a Claims,
    /// How a region is swept, in a function that sweeps.
    pub(crate) sweep: Option<RegionSweep>,
}

/// Sweeps the region or the routers of a target.
pub(crate) type RegionSweep = for<'r, 'a> fn(&'r TargetRun<'a>) -> BoxFuture<'r, ReportBuilder>;

/// Why a sweep fails in a function that makes none.
pub(crate) const NO_SWEEPS: &str = "this function sweeps nothing: a timer's event belongs to another one";

/// Sweeps the region or the routers of a target.
pub(crate) fn sweep_region<'r>(run: &'r TargetRun<'_>) -> BoxFuture<'r, ReportBuilder> {
    async move {
        match run.target.kind {
            TargetKind::Routers => run.routers().await,
            TargetKind::Sweep => run.region(true).await,
            _ => run.region(false).await,
        }
    }
    .boxed()
}

impl TargetRun<'_> {
    pub(crate) async fn run(&self) -> ReportBuilder {
        match (self.converger.capabilities.selects, &self.target.kind) {
            (Selection::Orphans, TargetKind::Resource(id)) => self.orphan(id).await,
            (_, TargetKind::Resource(id)) => self.resources(Lookup::Resource(id.clone())).await,
            (_, TargetKind::Instance(id)) => self.resources(Lookup::Instance(id.clone())).await,
            (_, TargetKind::FlowLog(id)) => self.flow_log(id).await,
            (_, TargetKind::Region | TargetKind::Sweep | TargetKind::Routers) => self.swept().await,
        }
    }

    async fn swept(&self) -> ReportBuilder {
        match self.sweep {
            Some(sweep) => sweep(self).await,
            None => Item::of_target(self.target, Outcome::Failed, NO_SWEEPS).into(),
        }
    }

    fn place(&self) -> AccountRegion<'_> {
        (self.converger.session.account(), self.converger.session.region())
    }

    async fn resources(&self, lookup: Lookup) -> ReportBuilder {
        let Converger { session, policy, .. } = self.converger;
        let (subjects, mut items) = resolve(session, policy, self.target, &lookup).await;
        for subject in subjects {
            if let Some(item) = items::shared_by_other(session, &subject.resource) {
                items.push(item);
            } else if self.claims.claim(self.place(), subject.resource.id.as_str()) {
                let found = self.converger.converge(&subject, None, Withheld::default()).await;
                // The first results, which are often the only ones, are moved as a whole.
                if items.is_empty() { items = found } else { items.extend(found) }
            }
        }
        items.into()
    }

    async fn orphan(&self, id: &ResourceId) -> ReportBuilder {
        if self.claims.claim(self.place(), id.as_str()) {
            orphan::delete_for_resource(&self.converger, self.target, id).await.into()
        } else {
            ReportBuilder::default()
        }
    }

    /// Handles the resource of a flow log. If the flow log is gone, nothing says what it recorded, so the whole region
    /// is swept.
    async fn flow_log(&self, id: &FlowLogId) -> ReportBuilder {
        let session = self.converger.session;
        let by_id = FlowLogFilter { id: Some(id), ..FlowLogFilter::default() };
        let listing = match session.describe_flow_logs(&by_id).await {
            Ok(listing) => listing,
            Err(error) => return items::target_unread(self.target, &error).into(),
        };
        if let Some(unreadable) = listing.unreadable.first() {
            return items::item_unread(session, "flow logs", unreadable).into();
        }
        let Some(found) = listing.items.into_iter().next() else { return self.swept().await };
        match found.resource_id.parse() {
            Ok(resource) => self.resources(Lookup::Resource(resource)).await,
            Err(_) => {
                let reason = format!("{id} records {}, whose type Flowkeeper does not know", found.resource_id);
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
        }
    }

    async fn region(&self, by_timer: bool) -> ReportBuilder {
        if !self.claims.claim_region(self.place()) {
            return ReportBuilder::default();
        }
        match self.converger.capabilities.selects {
            Selection::Resources => self.queued_sweep(by_timer).await,
            Selection::Scheduled => sweep_resources(&self.converger, self.claims, false, &mut None).await,
            Selection::Orphans => sweep_orphans(&self.converger).await,
            Selection::Routers => self.routers().await,
            Selection::Own => sweep_removals(&self.converger).await,
            // What records comes first.
            Selection::Everything => {
                let mut own = None;
                let mut report = sweep_resources(&self.converger, self.claims, by_timer, &mut own).await;
                // Without a list of flow logs, nothing is known to be an orphan. The report says so already.
                if let Some(own) = own {
                    report.follow_up(sweep_orphans_among(&self.converger, own).await);
                }
                report
            }
        }
    }

    async fn routers(&self) -> ReportBuilder {
        if self.converger.capabilities.selects == Selection::Own {
            return sweep_router_removals(&self.converger).await;
        }
        match &self.converger.policy.ecr_flow_log {
            Some(pattern) => sweep_ecr(&self.converger, pattern).await,
            None => {
                let reason = "the policy has no ecr_flow_log, so no flow log is desired on an Express Connect Router";
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
        }
    }

    /// Sweeps the region, or joins a sweep of it that has not started.
    async fn queued_sweep(&self, by_timer: bool) -> ReportBuilder {
        let sweep = async || sweep_resources(&self.converger, self.claims, by_timer, &mut None).await;
        let swept =
            self.queue.sweep(self.place(), &self.job.request_id, by_timer, sweep, ReportBuilder::is_complete).await;
        match swept {
            Joined::Swept(report) => report,
            Joined::ByOther { request_id, is_complete: true } => {
                let reason = format!("the sweep of invocation {request_id}, which started after this event, covers it");
                Item::of_target(self.target, Outcome::Skipped, reason).into()
            }
            Joined::ByOther { request_id, is_complete: false } => {
                let reason = format!("the sweep of invocation {request_id}, which would cover it, was not complete");
                Item::of_target(self.target, Outcome::Failed, reason).into()
            }
        }
    }
}
