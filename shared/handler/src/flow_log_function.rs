//! What a function that reconciles flow logs implements.

use events::EventKind;
use flow_log::{AccountId, Policy};
use reconcile::{Capabilities, TargetKind};

/// A function that reconciles flow logs.
pub trait FlowLogFunction: Send + Sync + 'static {
    /// What the function handles and may change.
    const CAPABILITIES: Capabilities;

    /// Whether it ever sweeps. The binary of a function that does not is a tenth smaller.
    const SWEEPS: bool = true;

    /// Returns the scope of `event`. Malformed and ignored events are handled before this call.
    fn scope(event: EventKind, context: &Context<'_>) -> Scope;
}

/// Where a function looks because of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// At these, in the account and region of the event.
    Targets(Vec<TargetKind>),
    /// At every region of every account in the policy.
    AllRegions,
    /// Nowhere, for this reason.
    Skip(&'static str),
}

/// The context in which an event is mapped to a scope.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The policy that the function was started with.
    pub policy: &'a Policy,
    /// The name under which the function is deployed.
    pub function_name: Option<&'a str>,
    /// The account that the function runs in, if it is known.
    pub account: Option<&'a AccountId>,
}
