//! The handle of a cloud: how it is started, used and looked at by tests and demos.

use std::{collections::BTreeMap, fmt, net::Ipv4Addr, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    accounts::{Caller, Credentials, OWN_ACCOUNT, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE, TOKEN_LIFE},
    authorise::Roles,
    circumstances::Circumstances,
    client::{ApiError, Client},
    clock::{Clock, after},
    delivery,
    error::{Error, LIMIT},
    faults::{Fault, Storm, Wanted},
    functions::Host,
    journal::{Call, DeadLetter, Entry, EntryKind, Invocation},
    operator::Operator,
    options::{Functions, Options, Timers},
    ram::Role,
    rewrite::Rewrite,
    server, stage,
    state::{ExpressConnectRouter, FlowLog, NetworkInterface, Place, RouterFlowLog, VSwitch, Vpc},
    template::{self, Template, TemplateError},
    timeline,
    timers::{self, Timetable},
    world::Shared,
};

/// A small Alibaba Cloud on one port. It ends when this is dropped, and its functions with it.
pub struct LocalCloud {
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

/// What the template has, as the options want it, and the role in the second account.
fn templates(options: &Options) -> Result<(Template, Option<Role>), Error> {
    let path = options.template.clone().unwrap_or_else(template::default_path);
    let template = Template::read(&path, &options.parameters, OWN_ACCOUNT, &options.region);
    let mut template = template.map_err(|error| of_parameter(error, &options.parameters))?;
    if let Some(function) = &options.triggers_of {
        template.triggers.retain(|trigger| trigger.function == *function);
    }
    for (role, action) in &options.denied {
        template.take_away(role, action).map_err(|source| Error::Option {
            option: format!("--deny {role}"),
            value: action.clone(),
            source,
        })?;
    }
    let role = SECOND_ACCOUNT_ROLE.rsplit('/').next().unwrap_or_default();
    // The other accounts have a template of their own, beside that of the functions.
    let beside = path.with_file_name("template-member.yml");
    let path = if beside.is_file() { beside } else { path };
    let external_id = options.external_id.as_deref();
    let (parameters, region) = (&options.parameters, &options.region);
    let member = Template::role_elsewhere(&path, parameters, external_id, SECOND_ACCOUNT, region, role)?;
    Ok((template, member))
}

/// What is wrong with a template; if that is a parameter that was given, which one.
fn of_parameter(error: TemplateError, given: &BTreeMap<String, String>) -> Error {
    let name = error.place.strip_prefix("Parameters.");
    match name.and_then(|name| given.get_key_value(name)) {
        Some((name, value)) => {
            Error::Option { option: format!("--parameter {name}"), value: value.clone(), source: error }
        }
        None => error.into(),
    }
}

impl LocalCloud {
    /// Whether a cloud would start with these options and the programs of all functions, of which one may be named: what
    /// can be known before they are built.
    pub fn check(options: &Options, function: Option<&str>) -> Result<(), Error> {
        let (template, _) = templates(options)?;
        function.map_or(Ok(()), |function| template.has(function))
    }

    /// Starts a cloud with nothing in it.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await;
        let failed = |source| Error::Listen { port: options.port, source };
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut template = Template::default();
        let mut hosts = BTreeMap::new();
        let mut member = None;
        if let Functions::Built(folder) = &options.functions {
            (template, member) = templates(&options)?;
            for function in template.functions {
                let path = folder.join(&function.binary);
                if !path.is_file() {
                    return Err(Error::NoProgram { function: function.name, path });
                }
                hosts.insert(function.name.clone(), Host::new(function, path));
            }
        }
        let roles = Roles::new(template.roles, member, options.external_id.as_deref());
        let shared = Shared::new(options, address, hosts, template.absent, template.triggers, roles);
        let by_themselves = match shared.options.timers {
            Timers::ByManualClock => shared.clock.is_manual(),
            Timers::ByAnyClock => true,
            Timers::ByHand => false,
        };
        if by_themselves {
            timers::start(&shared, Timetable::new(&shared.triggers, shared.clock.unshifted()));
        }
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, server })
    }

    /// `http://127.0.0.1:` and the port, for every product.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// The time, on the cloud's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Asks the functions to end, and then ends. Without this they are killed.
    pub async fn stop(self) {
        self.restart_functions().await;
    }

    /// Asks the functions' processes to end; the next event starts new ones, of the programs as they are then.
    pub async fn restart_functions(&self) {
        for host in self.shared.hosts.values() {
            host.stop(&self.shared).await;
        }
    }

    /// The cloud's clock, which a test may move if it is a manual one.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// A client with the own account's key.
    pub fn client(&self) -> Client {
        Client::new(self.endpoint(), Credentials::own()).with_clock(self.shared.clock.clone())
    }

    /// One who works in an account and region; in the own account, this is who makes things for the methods below.
    pub fn operator(&self, account: &str, region: &str) -> Operator {
        let client = match account {
            OWN_ACCOUNT => self.client(),
            account => {
                let caller = Caller { account: account.to_owned(), name: "operator".into(), role: None };
                let clock = &self.shared.clock;
                let credentials = self.shared.write(|world| world.keys.issue(caller, after(clock.now(), TOKEN_LIFE)));
                Client::new(self.endpoint(), credentials).with_clock(clock.clone())
            }
        };
        Operator::new(client, region)
    }

    fn own(&self) -> Operator {
        self.operator(OWN_ACCOUNT, &self.shared.options.region)
    }

    /// Calls an operation through the signed API, as an operator would; `RegionId` is added if it is not given.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, ApiError> {
        self.own().call(action, parameters).await
    }

    /// Makes a VPC by the API; answers with its id.
    pub async fn create_vpc(&self, tags: &[(&str, &str)]) -> Result<String, ApiError> {
        self.own().create_vpc(tags).await
    }

    /// Makes a vSwitch by the API; answers with its id.
    pub async fn create_vswitch(&self, vpc_id: &str) -> Result<String, ApiError> {
        self.own().create_vswitch(vpc_id).await
    }

    /// Makes a network interface by the API; answers with its id.
    pub async fn create_network_interface(&self, vswitch_id: &str) -> Result<String, ApiError> {
        self.own().create_network_interface(vswitch_id).await
    }

    /// Makes a flow log by the API, with what the API needs and `more`; answers with its id.
    pub async fn create_flow_log(
        &self,
        resource_type: &str,
        resource_id: &str,
        more: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        self.own().create_flow_log(resource_type, resource_id, more).await
    }

    /// The VPCs of all accounts and regions, oldest first; so are the other lists.
    pub fn vpcs(&self) -> Vec<Vpc> {
        self.shared.read(|world| world.state.vpcs.values().cloned().collect())
    }

    /// The vSwitches.
    pub fn vswitches(&self) -> Vec<VSwitch> {
        self.shared.read(|world| world.state.vswitches.values().cloned().collect())
    }

    /// The network interfaces.
    pub fn network_interfaces(&self) -> Vec<NetworkInterface> {
        self.shared.read(|world| world.state.network_interfaces.values().cloned().collect())
    }

    /// The flow logs.
    pub fn flow_logs(&self) -> Vec<FlowLog> {
        self.shared.read(|world| world.state.flow_logs.values().cloned().collect())
    }

    /// The Express Connect Routers.
    pub fn routers(&self) -> Vec<ExpressConnectRouter> {
        self.shared.read(|world| world.state.routers.values().cloned().collect())
    }

    /// The flow logs of Express Connect Routers.
    pub fn router_flow_logs(&self) -> Vec<RouterFlowLog> {
        self.shared.read(|world| world.state.router_flow_logs.values().cloned().collect())
    }

    /// The flow log of a resource.
    pub fn flow_log_of(&self, resource_id: &str) -> Option<FlowLog> {
        self.flow_logs().into_iter().find(|flow_log| flow_log.resource_id == resource_id)
    }

    /// Changes a flow log behind the API's back, as SLS or the billing system would.
    pub fn edit_flow_log(&self, id: &str, edit: impl FnOnce(&mut FlowLog)) {
        self.shared.write(|world| world.state.flow_logs.get_mut(id).map(edit));
    }

    /// Changes a VPC behind the API's back, and so what lists say of it.
    pub fn edit_vpc(&self, id: &str, edit: impl FnOnce(&mut Vpc)) {
        self.shared.write(|world| world.state.vpcs.get_mut(id).map(edit));
    }

    /// Changes a vSwitch behind the API's back.
    pub fn edit_vswitch(&self, id: &str, edit: impl FnOnce(&mut VSwitch)) {
        self.shared.write(|world| world.state.vswitches.get_mut(id).map(edit));
    }

    /// Changes a network interface behind the API's back: whether a service manages it, for one.
    pub fn edit_network_interface(&self, id: &str, edit: impl FnOnce(&mut NetworkInterface)) {
        self.shared.write(|world| world.state.network_interfaces.get_mut(id).map(edit));
    }

    /// Changes the flow log of an Express Connect Router behind the API's back.
    pub fn edit_router_flow_log(&self, id: &str, edit: impl FnOnce(&mut RouterFlowLog)) {
        self.shared.write(|world| world.state.router_flow_logs.get_mut(id).map(edit));
    }

    /// Removes a project of SLS with its Logstores, all of which exist until it is said otherwise. `CreateFlowLog`
    /// refuses it with `ProjectOrLogstoreNotExist`, and a flow log that delivers there is not activated.
    pub fn without_project(&self, account: &str, region: &str, project: &str) {
        self.circumstances(|it| it.remove_project(account, region, project));
    }

    /// Removes one Logstore, as [`LocalCloud::without_project`] does with all of a project.
    pub fn without_log_store(&self, account: &str, region: &str, project: &str, log_store: &str) {
        self.circumstances(|it| it.remove_log_store(account, region, project, log_store));
    }

    /// Makes a Logstore again, and its project.
    pub fn with_log_store(&self, account: &str, region: &str, project: &str, log_store: &str) {
        self.circumstances(|it| it.add_log_store(account, region, project, log_store));
    }

    /// Refuses `TrafficPath` with `UnsupportedFeature.UserDefinedTrafficPath` in an account and region.
    pub fn without_traffic_paths(&self, account: &str, region: &str) {
        self.circumstances(|it| it.set_traffic_paths(account, region, false));
    }

    /// Takes `TrafficPath` there again.
    pub fn with_traffic_paths(&self, account: &str, region: &str) {
        self.circumstances(|it| it.set_traffic_paths(account, region, true));
    }

    /// Refuses every call about VPC flow logs in a region with `OperationUnsupported.action`, and a flow log of a virtual
    /// border router there with `UnsupportedRegion`.
    pub fn without_flow_logs(&self, region: &str) {
        self.circumstances(|it| it.set_flow_logs(region, false));
    }

    /// Has flow logs in a region again.
    pub fn with_flow_logs(&self, region: &str) {
        self.circumstances(|it| it.set_flow_logs(region, true));
    }

    /// Locks an account for debt: its flow logs are `FinancialLocked`, and writes about them are refused with
    /// `IncorrectBusinessStatus.FlowLog`.
    pub fn lock_account(&self, account: &str) {
        self.shared.write(|world| world.state.set_locked(account, true));
    }

    /// Unlocks an account that has paid.
    pub fn unlock_account(&self, account: &str) {
        self.shared.write(|world| world.state.set_locked(account, false));
    }

    /// Says which resource groups an account has beside `rg-default`; another one is refused with
    /// `IllegalParam.ResourceGroupId`. Until then it has any.
    pub fn set_resource_groups(&self, account: &str, ids: &[&str]) {
        self.circumstances(|it| it.set_resource_groups(account, ids));
    }

    fn circumstances(&self, change: impl FnOnce(&mut Circumstances)) {
        self.shared.write(|world| change(&mut world.state.circumstances));
    }

    /// Makes so many VPCs like this one, behind the API's back and without events; answers with their ids.
    pub fn copy_vpc(&self, id: &str, times: usize) -> Vec<String> {
        self.shared.write(|world| {
            let state = &mut world.state;
            let Some(vpc) = state.vpcs.get(id).cloned() else { return Vec::new() };
            (0..times)
                .map(|_| {
                    let id = state.new_id("vpc");
                    state.vpcs.insert(id.clone(), Vpc { id: id.clone(), ..vpc.clone() });
                    id
                })
                .collect()
        })
    }

    /// Makes a flow log like this one on each of these resources, behind the API's back. What its name says of the
    /// resource is said of the new one.
    pub fn copy_flow_log(&self, id: &str, resource_ids: &[String]) {
        self.shared.write(|world| {
            let state = &mut world.state;
            let Some(flow_log) = state.flow_logs.get(id).cloned() else { return };
            for resource_id in resource_ids {
                let id = state.new_id("fl");
                let name = flow_log.name.replace(&flow_log.resource_id, resource_id);
                let resource_type = match resource_id.split('-').next() {
                    Some("vsw") => "VSwitch",
                    Some("eni") => "NetworkInterface",
                    _ => "VPC",
                };
                let copy = FlowLog {
                    id: id.clone(),
                    name,
                    resource_type: resource_type.into(),
                    resource_id: resource_id.clone(),
                    ..flow_log.clone()
                };
                state.flow_logs.insert(id, copy);
            }
        });
    }

    /// Shares a VPC with another account, which then sees it.
    pub fn share_vpc(&self, id: &str, with: &str) {
        self.shared.write(|world| world.state.shared_vpcs.insert((with.to_owned(), id.to_owned())));
    }

    /// Closes the flow log service of every account, as if nobody had opened it.
    pub fn close_flow_log_service(&self) {
        self.shared.write(|world| world.state.close_service());
    }

    /// The secrets and tokens of the functions' keys, to see that they are nowhere to be seen.
    pub fn function_secrets(&self) -> Vec<String> {
        self.shared.read(|world| world.keys.temporary_secrets())
    }

    /// Gives a network interface another id, so that an event which names that id finds it.
    pub fn rename_network_interface(&self, id: &str, new_id: &str) {
        self.shared.write(|world| world.state.rename_network_interface(id, new_id));
    }

    /// Changes an Express Connect Router behind the API's back.
    pub fn edit_router(&self, id: &str, edit: impl FnOnce(&mut ExpressConnectRouter)) {
        self.shared.write(|world| world.state.routers.get_mut(id).map(edit));
    }

    /// Makes what a sample event speaks of, without a call and so without an event, so that a function finds it.
    ///
    /// A resource whose end the event tells is not made, but the flow log that it leaves behind is. An event that names
    /// nothing, such as a timer's, finds one VPC without a flow log.
    pub fn stage(&self, event: &Value) {
        let (region, now) = (&self.shared.options.region, self.shared.clock.now());
        self.shared.write(|world| stage::make(&mut world.state, event, region, now));
    }

    /// Makes a flow log on a VPC as Flowkeeper would, without a call and so without an event; answers with its id. On an
    /// id that is no VPC's it is one that a VPC left behind.
    pub fn stage_flow_log(&self, vpc_id: &str) -> String {
        self.shared.write(|world| {
            let place = world.state.vpcs.get(vpc_id).map(|vpc| vpc.place.clone());
            let place = place.unwrap_or_else(|| self.own_place());
            stage::flow_log(&mut world.state, place, vpc_id, self.shared.clock.now())
        })
    }

    /// Makes an Express Connect Router with one virtual border router, in the same way.
    pub fn stage_router(&self) -> String {
        self.shared.write(|world| stage::router(&mut world.state, self.own_place(), self.shared.clock.now()))
    }

    fn own_place(&self) -> Place {
        Place { account: OWN_ACCOUNT.to_owned(), region: self.shared.options.region.clone() }
    }

    /// Lets every flow log finish its change now.
    pub fn finish_transitions(&self) {
        for flow_log in self.flow_logs() {
            self.shared.finish_transition(&flow_log.id);
        }
    }

    /// Puts the cloud's clock, and that of its own clients, ahead of everybody else's by this.
    pub fn set_clock_ahead(&self, by: Duration) {
        self.shared.clock.set_ahead(by);
    }

    /// Asks for a fault in the next `times` calls of an operation, or of all with `*`.
    ///
    /// The operation may be one of a product, such as `expressconnectrouter:CreateFlowLog`.
    ///
    /// # Panics
    /// There is no such operation or region, so that the fault would never be met.
    #[track_caller]
    pub fn fail(&self, action: &str, fault: Fault, times: u32) {
        self.add_fault(Wanted { action: action.to_owned(), region: None, fault, after: 0, times });
    }

    /// Asks for a fault in the next `times` calls of an operation in a region.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn fail_in(&self, region: &str, action: &str, fault: Fault, times: u32) {
        self.add_fault(Wanted { action: action.to_owned(), region: Some(region.to_owned()), fault, after: 0, times });
    }

    /// Asks for a fault in the one call of an operation that comes after so many.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn fail_after(&self, calls: u32, action: &str, fault: Fault) {
        self.add_fault(Wanted { action: action.to_owned(), region: None, fault, after: calls, times: 1 });
    }

    /// Rewrites the answers of the next `times` calls of an operation, or of all with `*`, that succeed.
    ///
    /// Rewrites count calls as faults do, each for itself, so a call may meet a fault and several rewrites, which follow
    /// each other. [`LocalCloud::heal`] ends them.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn rewrite(&self, action: &str, rewrite: Rewrite, times: u32) {
        self.add_rewrite(Wanted { action: action.to_owned(), region: None, fault: rewrite, after: 0, times });
    }

    /// Rewrites the answers of the next `times` calls of an operation in a region.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn rewrite_in(&self, region: &str, action: &str, rewrite: Rewrite, times: u32) {
        let region = Some(region.to_owned());
        self.add_rewrite(Wanted { action: action.to_owned(), region, fault: rewrite, after: 0, times });
    }

    /// Rewrites the answer of the one call of an operation that comes after so many.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn rewrite_after(&self, calls: u32, action: &str, rewrite: Rewrite) {
        self.add_rewrite(Wanted { action: action.to_owned(), region: None, fault: rewrite, after: calls, times: 1 });
    }

    #[track_caller]
    fn add_rewrite(&self, wanted: Wanted<Rewrite>) {
        if let Err(problem) = wanted.check() {
            panic!("{problem}");
        }
        self.shared.write(|world| world.faults.add_rewrite(wanted));
    }

    /// Begins a storm of faults, in place of the one that there is, or ends it.
    pub fn storm(&self, storm: Option<Storm>) {
        self.shared.write(|world| world.faults.set_storm(storm));
    }

    /// Answers 503 to every call in a region, until [`LocalCloud::heal`]. Express Connect Router has no regions: its
    /// calls count as those of the cloud's own.
    ///
    /// # Panics
    /// There is no such region.
    #[track_caller]
    pub fn region_down(&self, region: &str) {
        self.fail_in(region, "*", Fault::Unavailable, u32::MAX);
    }

    /// Forgets all faults that are still to come, and sets the clock right.
    pub fn heal(&self) {
        self.shared.heal();
    }

    #[track_caller]
    fn add_fault(&self, wanted: Wanted) {
        if let Err(problem) = wanted.check() {
            panic!("{problem}");
        }
        self.shared.write(|world| world.faults.add(wanted));
    }

    /// Everything that happened so far.
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.read(|world| world.journal.clone())
    }

    /// How many entries that is.
    pub fn journal_len(&self) -> usize {
        self.shared.read(|world| world.journal.len())
    }

    /// What happened after the first `seen` entries.
    pub fn journal_after(&self, seen: usize) -> Vec<Entry> {
        self.shared.read(|world| world.journal.get(seen..).unwrap_or_default().to_vec())
    }

    /// The calls of the API, whoever made them.
    pub fn calls(&self) -> Vec<Call> {
        self.pick(|what| if let EntryKind::Call(call) = what { Some(call.clone()) } else { None })
    }

    /// The calls of one operation.
    pub fn calls_of(&self, action: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.action == action).collect()
    }

    /// The events that reached the default bus.
    pub fn events(&self) -> Vec<Value> {
        self.pick(|what| if let EntryKind::Event { event } = what { Some(event.clone()) } else { None })
    }

    /// The attempts to run a function that are over.
    pub fn invocations(&self) -> Vec<Invocation> {
        self.pick(|what| if let EntryKind::Invocation(invocation) = what { Some(invocation.clone()) } else { None })
    }

    /// The events that were given up.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.pick(|what| if let EntryKind::DeadLetter(letter) = what { Some(letter.clone()) } else { None })
    }

    fn pick<T>(&self, choose: impl Fn(&EntryKind) -> Option<T>) -> Vec<T> {
        self.shared.read(|world| world.journal.iter().filter_map(|entry| choose(&entry.what)).collect())
    }

    /// Puts an event on the default bus.
    pub fn publish(&self, event: &Value) {
        self.shared.publish(event);
    }

    /// Invokes a function once, synchronously, with these bytes; by the name that the template gives it, or by that of
    /// its program.
    pub async fn invoke(&self, function: &str, event: &[u8]) -> Result<Invocation, Error> {
        delivery::invoke(&self.shared, function, event).await
    }

    /// Fires a timer of the template at once: that of a function, by the trigger's name.
    ///
    /// The function may be named as the template names it or by its program. What it does is an asynchronous
    /// invocation with its retries; [`LocalCloud::settled`] waits for them.
    pub fn fire_timer(&self, function: &str, trigger: &str) -> Result<(), Error> {
        timers::fire_now(&self.shared, function, trigger)
    }

    /// Wakes whenever anything has changed.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes()
    }

    /// Waits until something holds, for up to ten seconds.
    pub async fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), Error> {
        let mut changes = self.changes();
        let wait = async {
            while !holds(self) {
                // Cannot fail: the sender lives as long as `self`.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.map_err(|_| {
            let started = self.journal().first().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
            let lines: Vec<String> =
                self.journal().iter().filter_map(|entry| timeline::line(entry, started, false)).collect();
            Error::Timeout { what: what.to_owned(), journal: lines.join("\n") }
        })
    }

    /// Waits until no timer is due, and no event, retry or change of a flow log is under way. Changes that a test finishes do not count.
    pub async fn settled(&self) -> Result<(), Error> {
        self.wait_until("nothing is under way", |cloud| {
            let now = cloud.shared.clock.unshifted();
            cloud.shared.read(|world| world.is_idle(now))
        })
        .await
    }
}

impl fmt::Debug for LocalCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCloud").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        self.server.abort();
        self.shared.abort();
        self.shared.hosts.values().for_each(Host::kill);
    }
}
