//! Options of a local cloud.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use crate::{
    directory::Directory,
    eventbridge::bus::{self, EventBus},
    ram::{accounts::OWN_ACCOUNT, members::MemberRole},
    world::{clock::Clock, regions, state::Place},
};

/// The bus of the hub, unless the template's parameters name another one.
const HUB_BUS: &str = "flowkeeper";

/// Options of a local cloud.
#[derive(Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// How many accounts there are. The first is the functions' own; each of the others has a role for them.
    pub accounts: u32,
    /// The organization that the accounts are in, if there is one.
    pub directory: Option<Directory>,
    /// The region of the functions, and of calls that name none.
    pub region: String,
    /// The regions that exist, besides that of the functions.
    pub regions: Vec<String>,
    /// Maximum number of flow logs in one account and region.
    pub quota: usize,
    /// Whether the flow log service is open from the start.
    pub flow_log_service: bool,
    /// Whether accounts may set which paths' traffic a flow log records. In reality, they request this by ticket.
    pub traffic_paths: bool,
    /// How long `CreateFlowLog` does not find a new resource that lists already show.
    pub flow_logs_see_after: Duration,
    /// Whether flow logs can only deliver to Logstores that were made: by a call, or by the template. By default every
    /// destination exists that no test has removed, although Log Service itself shows only what was made.
    pub check_destinations: bool,
    /// How long a new project or Logstore cannot be seen: not by reads, and not by `CreateFlowLog`.
    pub destinations_seen_after: Duration,
    /// Maximum number of projects in one account and region.
    pub project_quota: usize,
    /// What the template's layers hold: what functions find below `/opt`.
    pub layer: Option<Layer>,
    /// The folder in which each bucket that a function mounts is a folder; `None` for a temporary one.
    pub buckets: Option<PathBuf>,
    /// Whether calls are counted against the documented rate limits, and refused beyond them.
    pub rate_limit: bool,
    /// Whether Express Connect Router refuses with HTTP 200 and `Success: false`, as has been observed.
    pub ecr_failures_in_200: bool,
    /// The `ExternalId` that a caller must give to assume the role in another account.
    pub external_id: Option<String>,
    /// Accounts whose role for the functions differs from that of the others.
    pub member_roles: BTreeMap<String, MemberRole>,
    /// When flow logs finish their transitions.
    pub transitions: Transitions,
    /// Which timers fire automatically.
    pub timers: Timers,
    /// Further regions of the functions' account in which the template is deployed with `MakeRoles=false`: the functions
    /// that react to events run there *in place*, with the roles of the first stack and without timers.
    pub in_place: Vec<String>,
    /// The places whose events are forwarded to the functions.
    ///
    /// Deploys `template-forward.yml`, from the template's folder, in each place, and sets the template's parameters
    /// `HubBus` and `HubSenders` unless they are given. Events go to the hub: the bus `flowkeeper` in the region of the
    /// first stack, which is made. With [`Options::in_place`] or `HubBus=default` they go to the default bus of the
    /// functions' account in their own region.
    pub forwarded: Vec<Place>,
    /// Custom event buses besides that of the hub.
    pub event_buses: Vec<EventBus>,
    /// Whether events can be forwarded to another region. The documentation contradicts itself.
    pub cross_region: CrossRegion,
    /// How many requests the functions of one stack run at a time, as if each took one of the instances that the account
    /// has in the region; `None` for no bound.
    pub requests_in_region: Option<usize>,
    /// Where the functions' binaries are.
    pub functions: Functions,
    /// The only function whose triggers fire; `None` for all. The others can still be invoked.
    pub triggers_of: Option<String>,
    /// The path of the template; `None` for the repository's own.
    pub template: Option<PathBuf>,
    /// Values for the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Actions that are denied to roles of the template: the role's name in the template, and the action.
    pub denied: Vec<(String, String)>,
    /// Actions removed from the session policy when a function assumes a role: the function's name, and the action.
    pub denied_in_sessions: Vec<(String, String)>,
    /// A policy for every function that replaces the template's.
    pub policy: Option<String>,
    /// More environment variables for every function. They override the template's.
    pub environment: BTreeMap<String, String>,
    /// Where functions find their temporary credentials.
    pub credentials: CredentialsIn,
    /// How long one second of a retry pause takes here. A rule may retry for a day, which takes over a minute by default;
    /// [`Duration::ZERO`] ends all retries at once.
    pub retry_delay: Duration,
    /// The cloud's clock.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            accounts: 2,
            directory: None,
            region: "cn-hangzhou".into(),
            regions: regions::DEFAULT.map(|(id, _)| id.to_owned()).into(),
            quota: 200,
            flow_log_service: true,
            traffic_paths: true,
            flow_logs_see_after: Duration::ZERO,
            check_destinations: false,
            destinations_seen_after: Duration::ZERO,
            project_quota: 50,
            layer: None,
            buckets: None,
            rate_limit: false,
            ecr_failures_in_200: false,
            external_id: None,
            member_roles: BTreeMap::new(),
            transitions: Transitions::After(Duration::ZERO),
            timers: Timers::ByManualClock,
            in_place: Vec::new(),
            forwarded: Vec::new(),
            event_buses: Vec::new(),
            cross_region: CrossRegion::Delivered,
            requests_in_region: None,
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
    /// Returns the ids of all regions that exist.
    pub(crate) fn known_regions(&self) -> Vec<&str> {
        let own = self.region.as_str();
        let others = self.regions.iter().map(String::as_str);
        let is_named = self.regions.iter().any(|region| region == own);
        others.chain((!is_named).then_some(own)).collect()
    }

    /// Returns the options with everything that the hub needs in the functions' own account.
    pub(crate) fn with_hub(mut self) -> Self {
        if self.forwarded.is_empty() {
            return self;
        }
        let usual = if self.in_place.is_empty() { HUB_BUS } else { bus::DEFAULT };
        let bus = self.parameters.entry("HubBus".into()).or_insert_with(|| usual.into()).clone();
        if bus != bus::DEFAULT {
            self.event_buses.push(EventBus::new(OWN_ACCOUNT, &self.region, &bus));
        }
        let accounts = self.forwarded.iter().map(|place| place.account.as_str());
        let senders: BTreeSet<&str> = accounts.filter(|account| *account != OWN_ACCOUNT).collect();
        if !senders.is_empty() {
            let senders = senders.into_iter().collect::<Vec<_>>().join(",");
            self.parameters.entry("HubSenders".into()).or_insert(senders);
        }
        self
    }

    /// Returns the parameters of `template-forward.yml` that send events to the hub.
    pub(crate) fn to_hub(&self) -> BTreeMap<String, String> {
        let given = |name: &str, default: &str| self.parameters.get(name).map_or(default, String::as_str).to_owned();
        let bus = given("HubBus", HUB_BUS);
        // Default buses are sent to within a region.
        let region = if bus == bus::DEFAULT { String::new() } else { self.region.clone() };
        let values = [
            ("HubAccountId", OWN_ACCOUNT.to_owned()),
            ("HubRegion", region),
            ("HubBus", bus),
            ("HubRoleName", format!("{}-hub", given("Prefix", "flowkeeper"))),
        ];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Returns the parameters of the functions' template for a stack that runs in place: their bus is the default one.
    pub(crate) fn for_in_place(&self) -> BTreeMap<String, String> {
        let mut values = self.parameters.clone();
        values.remove("HubBus");
        values.insert("MakeRoles".to_owned(), "false".to_owned());
        values
    }

    /// Denies one action that a role of the template allows, to show which function needs it.
    ///
    /// The role is given by its name in the template, such as `CreateFlowLogRole`. The cloud does not start if the
    /// template has no such role, or if the role does not allow the action.
    #[must_use]
    pub fn without_permission(mut self, role: &str, action: &str) -> Self {
        self.denied.push((role.to_owned(), action.to_owned()));
        self
    }

    /// Removes one action from a function's session policies, to show whether it needs the action in other accounts.
    ///
    /// The function is given by its name. Session policies that do not name the action, and sessions without a policy,
    /// stay as they are.
    #[must_use]
    pub fn without_permission_in_sessions(mut self, function: &str, action: &str) -> Self {
        self.denied_in_sessions.push((function.to_owned(), action.to_owned()));
        self
    }
}

/// Whether events can be forwarded to another region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrossRegion {
    /// They are delivered.
    Delivered,
    /// Nobody can make a rule with such a target, so its stack fails.
    Refused,
    /// The rule can be made, but every delivery fails and ends in the rule's dead-letter queue.
    Undelivered,
}

/// When flow logs finish their transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transitions {
    /// This long after the call.
    After(Duration),
    /// When [`crate::LocalCloud::finish_transitions`] is called.
    Explicit,
}

/// When timers fire automatically. [`crate::LocalCloud::fire_timer`] fires them at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timers {
    /// When a manual clock reaches or passes the moment. Each such moment fires once, in order. With the system clock
    /// they do not fire, so that no test depends on the time of day.
    ByManualClock,
    /// When they are due, with the system clock too.
    ByAnyClock,
    /// Never.
    ByHand,
}

/// Where the functions' binaries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Functions {
    /// There are no functions; events are journaled and not delivered.
    None,
    /// In this folder, each under the name of its package.
    Built(PathBuf),
}

/// The contents of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// A ZIP file, as it is uploaded.
    Zip(Vec<u8>),
    /// A folder.
    Folder(PathBuf),
}

/// Where functions find their temporary credentials. Function Compute's runtimes differ in this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsIn {
    /// In the `x-fc-*` headers of each invocation.
    Headers,
    /// In the environment. The headers are present but empty.
    Environment,
}
