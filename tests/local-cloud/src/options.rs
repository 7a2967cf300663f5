//! How a cloud is to be.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::clock::Clock;

/// How a cloud is to be.
#[derive(Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for any.
    pub port: u16,
    /// The region of functions, and of calls that name none.
    pub region: String,
    /// Flow logs in one account and region.
    pub quota: usize,
    /// Whether the flow log service is open from the start.
    pub flow_log_service: bool,
    /// Whether the accounts may say which paths' traffic a flow log records; in reality they ask for it by ticket.
    pub traffic_paths: bool,
    /// How long `CreateFlowLog` does not know a new resource that lists show already.
    pub flow_logs_see_after: Duration,
    /// Whether calls are counted against the documented rates, and refused beyond them.
    pub rate_limit: bool,
    /// Whether Express Connect Router refuses with HTTP 200 and `Success: false`, as it has been seen to.
    pub ecr_failures_in_200: bool,
    /// What a caller has to give as `ExternalId` to assume the role in the second account.
    pub external_id: Option<String>,
    /// When flow logs finish changing.
    pub transitions: Transitions,
    /// Which timers fire by themselves.
    pub timers: Timers,
    /// Where the functions' programs are.
    pub functions: Functions,
    /// The one function whose triggers fire; none for all. The others are there, for whoever invokes them.
    pub triggers_of: Option<String>,
    /// The template; none for the repository's own.
    pub template: Option<PathBuf>,
    /// Values for the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Actions that roles of the template are not allowed after all: the role's name in the template, and the action.
    pub denied: Vec<(String, String)>,
    /// Actions that are taken out of the session policy with which a function assumes a role: the function's name, and
    /// the action.
    pub denied_in_sessions: Vec<(String, String)>,
    /// A policy for every function, instead of the template's.
    pub policy: Option<String>,
    /// More variables for every function; stronger than the template's.
    pub environment: BTreeMap<String, String>,
    /// Where functions find their temporary key.
    pub credentials: CredentialsIn,
    /// How long a second of a pause between two attempts to deliver an event takes here.
    pub retry_delay: Duration,
    /// The time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            region: "cn-hangzhou".into(),
            quota: 200,
            flow_log_service: true,
            traffic_paths: true,
            flow_logs_see_after: Duration::ZERO,
            rate_limit: false,
            ecr_failures_in_200: false,
            external_id: None,
            transitions: Transitions::After(Duration::ZERO),
            timers: Timers::ByManualClock,
            functions: Functions::None,
            triggers_of: None,
            template: None,
            parameters: BTreeMap::new(),
            denied: Vec::new(),
            denied_in_sessions: Vec::new(),
            policy: None,
            environment: BTreeMap::new(),
            credentials: CredentialsIn::Environment,
            retry_delay: Duration::from_millis(1),
            clock: Clock::real(),
        }
    }
}

impl Options {
    /// The same without one action that a role of the template allows, to see who needs it.
    ///
    /// The role is given by its name in the template, such as `CreateFlowLogRole`. A role that the template does not
    /// have, or an action that the role does not allow, keeps the cloud from starting.
    #[must_use]
    pub fn without_permission(mut self, role: &str, action: &str) -> Self {
        self.denied.push((role.to_owned(), action.to_owned()));
        self
    }

    /// The same with session policies of a function that lack one action, to see whether it needs it in other accounts.
    ///
    /// The function is given by its name. An action that its session policies do not name, or sessions without any
    /// policy, stay as they are.
    #[must_use]
    pub fn without_permission_in_sessions(mut self, function: &str, action: &str) -> Self {
        self.denied_in_sessions.push((function.to_owned(), action.to_owned()));
        self
    }
}

/// When flow logs finish changing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transitions {
    /// So long after the call.
    After(Duration),
    /// When [`crate::LocalCloud::finish_transitions`] says.
    Explicit,
}

/// When timers fire by themselves. [`crate::LocalCloud::fire_timer`] fires them at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timers {
    /// When a manual clock is moved to or over the moment: each such moment fires once, in order. With the machine's
    /// clock they do not fire, so that no test depends on the hour at which it runs.
    ByManualClock,
    /// When they are due, by the machine's clock, too.
    ByAnyClock,
    /// Not at all.
    ByHand,
}

/// Where the functions' programs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Functions {
    /// There are no functions; events are journaled and go nowhere.
    None,
    /// In this folder, each under the name of its package.
    Built(PathBuf),
}

/// Where functions find their temporary key. Function Compute's runtimes differ in this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsIn {
    /// In the `x-fc-*` headers of each invocation.
    Headers,
    /// In the environment; the headers are there, but empty.
    Environment,
}
