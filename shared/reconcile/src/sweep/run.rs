//! The steps that all sweeps have in common: assess, apply the limits, change, report.

use futures_util::{StreamExt as _, stream};
use openapi::Session;

use crate::{
    Item,
    converge::Converger,
    limits::{self, Counts, Withheld},
    report::ReportBuilder,
};

/// How many targets, and how many resources of each, are processed concurrently.
pub(crate) const MAX_CONCURRENT: usize = 8;

/// The sweep of one region.
pub(super) trait Sweep: Sized + Sync {
    /// The work on one resource.
    type Work: Work;

    /// What changes the resources.
    fn converger(&self) -> &Converger<'_>;

    /// Reads and judges everything, and returns the work. Reports the resources that need none and what could not be
    /// read.
    fn assess(&mut self, report: &mut ReportBuilder) -> impl Future<Output = Vec<Self::Work>> + Send;

    /// Claims the resource of the work. Returns false if this invocation handles it already.
    fn claim(&self, _: &Self::Work) -> bool {
        true
    }

    /// Makes the changes to one resource. The limits refuse those that are `withheld`.
    fn apply(&self, work: Self::Work, withheld: Withheld) -> impl Future<Output = Vec<Item>> + Send;

    /// Does the rest: the work that waited for all other work, and second looks.
    fn finish(self, waiting: Vec<Self::Work>, report: &mut ReportBuilder) -> impl Future<Output = ()> + Send;
}

/// The work on one resource.
pub(super) trait Work: Sized + Send {
    /// The id of the resource.
    fn resource_id(&self) -> &str;

    /// Whether it has a change that can take recording away.
    fn is_risky(&self) -> bool;

    /// Whether it creates a flow log.
    fn is_creation(&self) -> bool {
        false
    }

    /// Whether it waits until all other work is done.
    fn waits(&self) -> bool {
        false
    }

    /// Removes and reports the changes that the limits refuse. Returns the work that is left, if any is.
    fn withhold(self, withheld: Withheld, session: &Session<'_>, items: &mut Vec<Item>) -> Option<Self>;
}

/// Sweeps a region.
pub(super) async fn run<S: Sweep>(mut sweep: S) -> ReportBuilder {
    let mut report = ReportBuilder::listing(sweep.converger().listing);
    let assessed = sweep.assess(&mut report).await;
    let (mut work, withheld) = within_limits(sweep.converger(), assessed, &mut report);
    work.retain(|one| sweep.claim(one));
    let (waiting, now): (Vec<_>, Vec<_>) = work.into_iter().partition(Work::waits);
    // Collected, because the compiler does not accept a lazy map over references as `Send`.
    let changes: Vec<_> = now.into_iter().map(|one| Box::pin(sweep.apply(one, withheld))).collect();
    let mut changes = stream::iter(changes).buffer_unordered(MAX_CONCURRENT);
    while let Some(items) = changes.next().await {
        report.items.extend(items);
    }
    drop(changes);
    sweep.finish(waiting, &mut report).await;
    report.sort();
    report
}

/// Reports the changes that the limits refuse, and removes them from the work. A dry run shows them all.
fn within_limits<W: Work>(converger: &Converger<'_>, work: Vec<W>, report: &mut ReportBuilder) -> (Vec<W>, Withheld) {
    let session = converger.session;
    // Of a plan from which somebody has chosen, the rest is not about to be changed.
    let chosen = || work.iter().filter(|one| converger.writer.may_change(one.resource_id()));
    let counts = Counts {
        risky: chosen().filter(|one| one.is_risky()).count(),
        creations: chosen().filter(|one| one.is_creation()).count(),
        checked: report.checked(),
    };
    let (withheld, exceeded) = limits::check(converger.policy.limits, counts);
    for why in exceeded {
        report.refuse((session.account(), session.region()), &why);
    }
    if converger.writer.is_dry_run() {
        return (work, Withheld::default());
    }
    let left = work.into_iter().filter_map(|one| one.withhold(withheld, session, &mut report.items));
    (left.collect(), withheld)
}
