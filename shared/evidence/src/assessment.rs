//! What follows from the facts. Nothing is read here, and nothing is taken for granted: what was not read is unknown.

mod arrival;
mod class;
mod controls;
mod scope;
mod sentence;
mod sums;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    arrival::{Arrival, arrival, due, settle, settle_result, unnamed},
    class::Judgment,
    controls::{VpcStatus, vpc_status},
    scope::closed_services,
};
pub use self::{
    class::Class,
    controls::{Control, ControlStatus, Relation, Retention},
    scope::{ScopeRead, Unknown},
    sums::{Sums, VerdictCount},
};

use crate::facts::Facts;

/// What follows from the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assessment {
    /// The result in one sentence.
    pub verdict: String,
    /// How much of the scope was read.
    pub scope: ScopeRead,
    /// The number of resources of each kind. They add up to the number that the run judged, or `discrepancies` says
    /// that they do not.
    pub sums: Sums,
    /// Where counts disagree: one sentence each. Empty if the sums close.
    pub discrepancies: Vec<String>,
    /// Everything that could not be read.
    pub unknown: Vec<Unknown>,
    /// The controls of standards, and how the facts answer them.
    pub controls: Vec<Control>,
    /// Whether each Logstore keeps records long enough.
    pub retention: Vec<Retention>,
}

impl Assessment {
    /// Draws the conclusions from facts whose lists are sorted.
    pub(crate) fn of(facts: &Facts) -> Self {
        let (scope, mut unknown) = scope::read(facts);
        let sums = sums::count(facts);
        let discrepancies = sums::discrepancies(facts, &sums);
        let retention = controls::retention(facts);
        unknown.extend(scope::unread_services(facts, &unknown));
        unknown.extend(controls::unread_retention(facts, &retention));
        unknown.extend(controls::unread_traffic(facts));
        unknown.extend(arrival::unknown(facts));
        unknown.sort_unstable();
        let controls = controls::assess(facts, &scope, &sums, &retention);
        Self {
            verdict: sentence::verdict(facts, &scope, &sums),
            scope,
            sums,
            discrepancies,
            unknown,
            controls,
            retention,
        }
    }
}
