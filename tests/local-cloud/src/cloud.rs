//! `LocalCloud`: starts a local cloud, and lets tests and demos use and inspect it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};

use crate::{
    api::{
        authorize::Roles,
        faults::{Fault, Pending, Storm},
        rewrite::Rewrite,
        server,
    },
    client::{
        operator::Operator,
        signed::{ApiError, Client},
    },
    directory::Directory,
    error::{Error, MAX_WAIT},
    eventbridge::{
        bus::EventBus,
        delivery,
        routing::Routing,
        timers::{self, Timetable},
    },
    function_compute::{asynchronous, buckets::Buckets, host::Host, layer},
    options::{Functions, Options, Timers},
    ram::{
        accounts::{Accounts, Caller, Credentials, OWN_ACCOUNT, SECOND_ACCOUNT, TOKEN_LIFE},
        members::{MemberRole, Members},
    },
    ros::{
        function::Function,
        member::MemberTemplate,
        queue,
        template::{self, Template, TemplateError, TemplateFile},
        trigger::Source,
    },
    sls::{
        records::LogRecord,
        state::{LogProject, LogStore},
    },
    world::{
        clock::{Clock, after},
        constraints::Constraints,
        journal::{Call, DeadLetter, Entry, EntryKind, Invocation, Undelivered},
        sample, seed,
        shared::Shared,
        state::{ExpressConnectRouter, FlowLog, NetworkInterface, Place, RouterFlowLog, VSwitch, Vpc},
        timeline,
    },
};

/// A small Alibaba Cloud on one port. Dropping it ends the server and all function processes.
pub struct LocalCloud {
    pub(crate) shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

/// Reads the functions' template as the options modify it, and the template of the other accounts.
fn templates(options: &Options) -> Result<(Template, MemberTemplate), Error> {
    let path = options.template.clone().unwrap_or_else(template::default_path);
    let template = Template::read(&path, &options.parameters, OWN_ACCOUNT, &options.region);
    let mut template = template.map_err(|error| of_parameter(error, &options.parameters))?;
    for (role, action) in &options.denied {
        template.revoke(role, action).map_err(|source| Error::Option {
            option: format!("--deny {role}"),
            value: action.clone(),
            source,
        })?;
    }
    // Member accounts have a template of their own, next to that of the functions.
    let beside = path.with_file_name("template-member.yml");
    let path = if beside.is_file() { beside } else { path };
    let member = MemberTemplate::read(&path, &options.parameters, &options.region, Members::role_name())?;
    Ok((template, member))
}

fn place(account: &str, region: &str) -> Place {
    Place { account: account.to_owned(), region: region.to_owned() }
}

/// Returns the stacks that run functions in place, given that of the first region.
fn in_place(options: &Options, first: &Template) -> Result<Vec<(Place, Template)>, Error> {
    if options.in_place.is_empty() {
        return Ok(Vec::new());
    }
    let path = options.template.clone().unwrap_or_else(template::default_path);
    let (file, parameters) = (TemplateFile::read(&path)?, options.for_in_place());
    let roles = first.roles.iter().map(|role| role.name.clone()).collect();
    let stack = |region: &String| {
        let place = place(OWN_ACCOUNT, region);
        check_place(options, &place)?;
        let template = file.resolve(&parameters, &place, &roles);
        Ok((place, template.map_err(|error| of_parameter(error, &options.parameters))?))
    };
    options.in_place.iter().map(stack).collect()
}

/// Returns functions as hosts, which have not started yet.
fn hosts(options: &Options, functions: Vec<Function>) -> Result<Vec<Host>, Error> {
    let Functions::Built(folder) = &options.functions else { return Ok(Vec::new()) };
    let of_region = options.requests_in_region.map(|requests| Arc::new(Semaphore::new(requests)));
    let host = |function: Function| {
        let path = folder.join(&function.binary);
        if path.is_file() {
            Ok(Host::new(function, path, of_region.clone()))
        } else {
            Err(Error::NoProgram { function: function.name, path })
        }
    };
    functions.into_iter().map(host).collect()
}

/// Deploys a further stack.
fn add_stack(shared: &Shared, place: &Place, stack: Template) -> Result<(), Error> {
    check_stack(shared, place, &stack)?;
    layer::check(shared.layer.as_ref(), &stack.functions)?;
    let hosts = hosts(&shared.options, stack.functions)?;
    let now = shared.clock.now();
    shared.write(|world| {
        world.routing.deploy(stack.rules, stack.queues, shared.options.cross_region)?;
        world.state.log_service.seed_stack(place, &stack.log_stores, now);
        Ok::<_, TemplateError>(())
    })?;
    shared.roles.add(&place.account, stack.roles);
    shared.deploy(hosts, stack.triggers);
    Ok(())
}

/// Checks that a further stack makes nothing that is there already, and no function that this cloud would not run.
fn check_stack(shared: &Shared, place: &Place, stack: &Template) -> Result<(), TemplateError> {
    let error = |problem: String| Err(TemplateError { place: "Resources".to_owned(), problem });
    let Place { account, region } = place;
    let (roles, deployed): (BTreeSet<String>, _) = (shared.roles.names(account), shared.deployed.now());
    if let Some(role) = stack.roles.iter().find(|role| roles.contains(&role.name)) {
        return error(format!("the account {account} has a role {} already", role.name));
    }
    if let Some(function) = stack.functions.iter().find(|made| deployed.function(place, &made.name).is_some()) {
        return error(format!("there is a function {} in {region} already", function.name));
    }
    let is_timer = |source: &Source| matches!(source, Source::Timer { .. });
    if let Some(timer) = stack.triggers.iter().find(|trigger| is_timer(&trigger.source)) {
        let name = format!("{}/{}", timer.function, timer.name);
        return error(format!(
            "{name} would be a timer of a further stack, and local-cloud fires those of the first alone"
        ));
    }
    match stack.functions.first() {
        Some(Function { name, .. }) if account != OWN_ACCOUNT => error(format!(
            "{name} would be a function of another account, and local-cloud runs those of {OWN_ACCOUNT} alone"
        )),
        Some(Function { name, .. }) if shared.options.functions == Functions::None => {
            error(format!("{name} would be a function, and this cloud was started without functions"))
        }
        _ => Ok(()),
    }
}

/// Returns the roles of the other accounts, as the options modify them.
fn members(options: &Options, template: Option<MemberTemplate>) -> Result<Members, Error> {
    let members = Members::new(template, options.external_id.as_deref());
    members.check(SECOND_ACCOUNT)?;
    for (account, role) in &options.member_roles {
        members.set(account, role)?;
    }
    Ok(members)
}

/// Returns the buses, rules and queues of the functions' template, and of the stacks that forward events to it.
fn routing(options: &Options, template: &Template) -> Result<Routing, Error> {
    let mut routing = Routing::default();
    for bus in &options.event_buses {
        routing.add_bus(bus.clone());
    }
    routing.deploy(template.rules.clone(), template.queues.clone(), options.cross_region)?;
    if !options.forwarded.is_empty() {
        let path = options.template.clone().unwrap_or_else(template::default_path);
        let (file, parameters) = (TemplateFile::read(&path.with_file_name("template-forward.yml"))?, options.to_hub());
        for place in &options.forwarded {
            check_place(options, place)?;
            let stack = file.resolve(&parameters, place, &BTreeSet::new())?;
            routing.deploy(stack.rules, stack.queues, options.cross_region)?;
        }
    }
    Ok(routing)
}

/// Checks that an account and a region exist.
fn check_place(options: &Options, place: &Place) -> Result<(), Error> {
    let Place { account, region } = place;
    if Accounts::new(options.accounts).has(account) && options.known_regions().contains(&region.as_str()) {
        return Ok(());
    }
    Err(Error::NoPlace { account: account.clone(), region: region.clone() })
}

/// Converts a template error. An error in a given parameter becomes an error of that option.
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
    /// Checks that a cloud would start with these options, and that the template has `function` if one is given. Covers
    /// everything that can be known before the functions are built.
    pub fn check(options: &Options, function: Option<&str>) -> Result<(), Error> {
        let options = options.clone().with_hub();
        let (template, member) = templates(&options)?;
        members(&options, Some(member))?;
        in_place(&options, &template)?;
        routing(&options, &template)?;
        function.map_or(Ok(()), |function| template.has(function))
    }

    /// Starts an empty cloud.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let options = options.with_hub();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await;
        let failed = |source| Error::Listen { port: options.port, source };
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut template = Template::default();
        let (mut member, mut routes, mut further) = (None, None, Vec::new());
        if options.functions != Functions::None {
            let (own, of_members) = templates(&options)?;
            (template, member) = (own, Some(of_members));
            further = in_place(&options, &template)?;
            routes = Some(routing(&options, &template)?);
        } else if options.template.is_some() {
            member = Some(templates(&options)?.1);
        }
        let layer = layer::unpack(options.layer.as_ref(), &template.functions)?;
        let buckets = Buckets::of(&template.functions, options.buckets.as_deref())?;
        let hosts = hosts(&options, template.functions)?;
        let accounts = Accounts::new(options.accounts);
        let roles = Roles::new(accounts, template.roles, members(&options, member)?);
        let shared = Shared::new(options, address, template.absent, roles, layer, buckets);
        shared.deploy(hosts, template.triggers);
        let now = shared.clock.now();
        shared.write(|world| {
            world.state.log_service.seed_stack(&shared.home(), &template.log_stores, now);
            world.alarms = template.alarms;
            if let Some(routing) = routes {
                world.routing = routing;
            }
        });
        for (place, stack) in further {
            add_stack(&shared, &place, stack)?;
        }
        let by_themselves = match shared.options.timers {
            Timers::ByManualClock => shared.clock.is_manual(),
            Timers::ByAnyClock => true,
            Timers::ByHand => false,
        };
        if by_themselves {
            timers::start(&shared, Timetable::new(&shared.deployed.now().triggers, shared.clock.unshifted()));
        }
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, server })
    }

    /// Returns the endpoint of every product: `http://127.0.0.1:` and the port.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Returns the folder that is a bucket, for one that a function mounts.
    pub fn bucket(&self, name: &str) -> PathBuf {
        self.shared.buckets.bucket(name)
    }

    /// Returns the time on the cloud's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Stops the functions gracefully, then the cloud. On a plain drop the functions are killed.
    pub async fn stop(self) {
        self.restart_functions().await;
    }

    /// Stops the function processes gracefully. The next event starts new processes from the current binaries.
    pub async fn restart_functions(&self) {
        for host in &self.shared.deployed.now().hosts {
            host.stop(&self.shared).await;
        }
    }

    /// Returns the cloud's clock. A test can move it if it is a manual one.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Returns a client with the own account's key.
    pub fn client(&self) -> Client {
        Client::new(self.endpoint(), Credentials::own()).with_clock(self.shared.clock.clone())
    }

    /// Returns an operator for an account and region. In the own account, it is the caller of the methods below.
    pub fn operator(&self, account: &str, region: &str) -> Operator {
        Operator::new(self.client_of(account), region)
    }

    /// Returns a client with a key of an account, which may do everything there.
    pub fn client_of(&self, account: &str) -> Client {
        if account == OWN_ACCOUNT {
            return self.client();
        }
        self.client_as(Caller { account: account.to_owned(), name: "operator".into(), role: None, region: None })
    }

    /// Returns an operator with the rights of a role in an account. A role that no template describes may do everything
    /// in another account than the functions', and nothing in theirs.
    pub fn operator_as(&self, account: &str, role: &str, region: &str) -> Operator {
        let caller =
            Caller { account: account.to_owned(), name: "operator".into(), role: Some(role.to_owned()), region: None };
        Operator::new(self.client_as(caller), region)
    }

    /// Returns a client with temporary keys of a caller.
    fn client_as(&self, caller: Caller) -> Client {
        let clock = &self.shared.clock;
        let credentials = self.shared.write(|world| world.keys.issue(caller, after(clock.now(), TOKEN_LIFE)));
        Client::new(self.endpoint(), credentials).with_clock(clock.clone())
    }

    fn own(&self) -> Operator {
        self.operator(OWN_ACCOUNT, &self.shared.options.region)
    }

    /// Calls an operation through the signed API, as an operator would. `RegionId` is added if it is not given.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, ApiError> {
        self.own().call(action, parameters).await
    }

    /// Creates a VPC through the API and returns its id.
    pub async fn create_vpc(&self, tags: &[(&str, &str)]) -> Result<String, ApiError> {
        self.own().create_vpc(tags).await
    }

    /// Creates a vSwitch through the API and returns its id.
    pub async fn create_vswitch(&self, vpc_id: &str) -> Result<String, ApiError> {
        self.own().create_vswitch(vpc_id).await
    }

    /// Creates a network interface through the API and returns its id.
    pub async fn create_network_interface(&self, vswitch_id: &str) -> Result<String, ApiError> {
        self.own().create_network_interface(vswitch_id).await
    }

    /// Creates a flow log through the API, with the required parameters and `more`. Returns its id.
    pub async fn create_flow_log(
        &self,
        resource_type: &str,
        resource_id: &str,
        more: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        self.own().create_flow_log(resource_type, resource_id, more).await
    }

    /// Returns the VPCs of all accounts and regions, oldest first. The other lists have the same scope and order.
    pub fn vpcs(&self) -> Vec<Vpc> {
        self.shared.read(|world| world.state.vpcs.values().cloned().collect())
    }

    /// Returns the vSwitches.
    pub fn vswitches(&self) -> Vec<VSwitch> {
        self.shared.read(|world| world.state.vswitches.values().cloned().collect())
    }

    /// Returns the network interfaces.
    pub fn network_interfaces(&self) -> Vec<NetworkInterface> {
        self.shared.read(|world| world.state.network_interfaces.values().cloned().collect())
    }

    /// Returns the flow logs.
    pub fn flow_logs(&self) -> Vec<FlowLog> {
        self.shared.read(|world| world.state.flow_logs.values().cloned().collect())
    }

    /// Returns the Express Connect Routers.
    pub fn routers(&self) -> Vec<ExpressConnectRouter> {
        self.shared.read(|world| world.state.routers.values().cloned().collect())
    }

    /// Returns the flow logs of Express Connect Routers.
    pub fn router_flow_logs(&self) -> Vec<RouterFlowLog> {
        self.shared.read(|world| world.state.router_flow_logs.values().cloned().collect())
    }

    /// Returns the flow log of a resource.
    pub fn flow_log_of(&self, resource_id: &str) -> Option<FlowLog> {
        self.flow_logs().into_iter().find(|flow_log| flow_log.resource_id == resource_id)
    }

    /// Changes a flow log without an API call, as SLS or the billing system would.
    pub fn edit_flow_log(&self, id: &str, edit: impl FnOnce(&mut FlowLog)) {
        self.shared.write(|world| world.state.flow_logs.get_mut(id).map(edit));
    }

    /// Changes a VPC without an API call. Lists show the change.
    pub fn edit_vpc(&self, id: &str, edit: impl FnOnce(&mut Vpc)) {
        self.shared.write(|world| world.state.vpcs.get_mut(id).map(edit));
    }

    /// Changes a vSwitch without an API call.
    pub fn edit_vswitch(&self, id: &str, edit: impl FnOnce(&mut VSwitch)) {
        self.shared.write(|world| world.state.vswitches.get_mut(id).map(edit));
    }

    /// Changes a network interface without an API call, for example to mark it as managed by a service.
    pub fn edit_network_interface(&self, id: &str, edit: impl FnOnce(&mut NetworkInterface)) {
        self.shared.write(|world| world.state.network_interfaces.get_mut(id).map(edit));
    }

    /// Changes the flow log of an Express Connect Router without an API call.
    pub fn edit_router_flow_log(&self, id: &str, edit: impl FnOnce(&mut RouterFlowLog)) {
        self.shared.write(|world| world.state.router_flow_logs.get_mut(id).map(edit));
    }

    /// Removes an SLS project and its Logstores, until somebody makes them. By default every project exists; see
    /// [`Options::check_destinations`]. `CreateFlowLog` refuses a missing one with `ProjectOrLogstoreNotExist`, and a
    /// flow log that delivers to it cannot be activated.
    pub fn without_project(&self, account: &str, region: &str, project: &str) {
        self.constraints(|it| it.remove_project(account, region, project));
        let place = place(account, region);
        self.shared.write(|world| world.state.log_service.remove_project(&place, project));
    }

    /// Removes a single Logstore. See [`LocalCloud::without_project`].
    pub fn without_log_store(&self, account: &str, region: &str, project: &str, log_store: &str) {
        self.constraints(|it| it.remove_log_store(account, region, project, log_store));
        let place = place(account, region);
        self.shared.write(|world| world.state.log_service.remove_log_store(&place, project, log_store));
    }

    /// Makes a Logstore and its project, without an index, or restores them.
    pub fn with_log_store(&self, account: &str, region: &str, project: &str, log_store: &str) {
        self.constraints(|it| it.add_log_store(account, region, project, log_store));
        let (place, now) = (place(account, region), self.shared.clock.now());
        self.shared.write(|world| world.state.log_service.seed_log_store(&place, project, log_store, now));
    }

    /// Returns the projects of Log Service that were made, by name, with their Logstores and indexes.
    pub fn log_projects(&self) -> Vec<LogProject> {
        self.shared.read(|world| world.state.log_service.projects.values().cloned().collect())
    }

    /// Changes a Logstore, if it was made.
    pub fn edit_log_store(&self, project: &str, log_store: &str, edit: impl FnOnce(&mut LogStore)) {
        self.shared.write(|world| {
            let project = world.state.log_service.projects.get_mut(project);
            project.and_then(|project| project.log_stores.get_mut(log_store)).map(edit)
        });
    }

    /// Writes records to a Logstore, if it was made.
    pub fn write_records(&self, project: &str, log_store: &str, records: impl IntoIterator<Item = LogRecord>) {
        self.edit_log_store(project, log_store, |log_store| log_store.records.extend(records));
    }

    /// Adds a line to the bill of an account for a month such as `2026-10`, as `DescribeInstanceBill` shows it.
    pub fn add_to_bill(&self, account: &str, cycle: &str, line: Value) {
        let of = (account.to_owned(), cycle.to_owned());
        self.shared.write(|world| world.state.bills.entry(of).or_default().push(line));
    }

    /// Makes a member of the organization pay for itself: it sees its own bill, and the management account an empty one.
    pub fn pays_itself(&self, account: &str) {
        self.constraints(|it| it.set_own_payer(account));
    }

    /// Refuses `TrafficPath` in an account and region, with `UnsupportedFeature.UserDefinedTrafficPath`.
    pub fn without_traffic_paths(&self, account: &str, region: &str) {
        self.constraints(|it| it.set_traffic_paths(account, region, false));
    }

    /// Accepts `TrafficPath` in an account and region again.
    pub fn with_traffic_paths(&self, account: &str, region: &str) {
        self.constraints(|it| it.set_traffic_paths(account, region, true));
    }

    /// Refuses every call about VPC flow logs in a region with `OperationUnsupported.action`, and flow logs of virtual
    /// border routers there with `UnsupportedRegion`.
    pub fn without_flow_logs(&self, region: &str) {
        self.constraints(|it| it.set_flow_logs(region, false));
    }

    /// Supports flow logs in a region again.
    pub fn with_flow_logs(&self, region: &str) {
        self.constraints(|it| it.set_flow_logs(region, true));
    }

    /// Gives another account a different role for the functions, as a stack there would.
    pub fn set_member_role(&self, account: &str, role: &MemberRole) -> Result<(), Error> {
        Ok(self.shared.roles.members().set(account, role)?)
    }

    /// Changes the organization: `cloud.edit_directory(|it| it.without_member(account))`. Does nothing without one.
    pub fn edit_directory(&self, change: impl FnOnce(Directory) -> Directory) {
        self.shared.write(|world| {
            if let Some(directory) = world.state.directory.take() {
                world.state.directory = Some(change(directory));
            }
        });
    }

    /// Returns the organization.
    pub fn directory(&self) -> Option<Directory> {
        self.shared.read(|world| world.state.directory.clone())
    }

    /// Returns the ids of all accounts. The first is the functions' own.
    pub fn accounts(&self) -> Vec<String> {
        Accounts::new(self.shared.options.accounts).ids().collect()
    }

    /// Locks an account for overdue payment: its flow logs are `FinancialLocked`, and writes to them are refused with
    /// `IncorrectBusinessStatus.FlowLog`.
    pub fn lock_account(&self, account: &str) {
        self.shared.write(|world| world.state.set_locked(account, true));
    }

    /// Unlocks an account after payment.
    pub fn unlock_account(&self, account: &str) {
        self.shared.write(|world| world.state.set_locked(account, false));
    }

    /// Sets which resource groups an account has besides `rg-default`. Others are refused with
    /// `IllegalParam.ResourceGroupId`. Until this is called, every group exists.
    pub fn set_resource_groups(&self, account: &str, ids: &[&str]) {
        self.constraints(|it| it.set_resource_groups(account, ids));
    }

    fn constraints(&self, change: impl FnOnce(&mut Constraints)) {
        self.shared.write(|world| change(&mut world.state.constraints));
    }

    /// Copies a VPC `times` times without API calls or events. Returns the ids of the copies.
    pub fn copy_vpc(&self, id: &str, times: usize) -> Vec<String> {
        self.shared.write(|world| {
            let state = &mut world.state;
            let Some(vpc) = state.vpcs.get(id).cloned() else { return Vec::new() };
            (0..times)
                .map(|_| {
                    let copy = Vpc { id: state.new_id("vpc"), ..vpc.clone() };
                    let copy_id = copy.id.clone();
                    state.vpcs.insert(copy_id.clone(), copy);
                    copy_id
                })
                .collect()
        })
    }

    /// Copies a flow log to each of these resources, without API calls or events. Where the name contains the resource
    /// id, the copy's name contains the id of its own resource.
    pub fn copy_flow_log(&self, id: &str, resource_ids: &[String]) {
        self.shared.write(|world| {
            let state = &mut world.state;
            let Some(flow_log) = state.flow_logs.get(id).cloned() else { return };
            for resource_id in resource_ids {
                let name = flow_log.name.replace(&flow_log.resource_id, resource_id);
                let resource_type = match resource_id.split('-').next() {
                    Some("vsw") => "VSwitch",
                    Some("eni") => "NetworkInterface",
                    _ => "VPC",
                };
                let copy = FlowLog {
                    id: state.new_id("fl"),
                    name,
                    resource_type: resource_type.into(),
                    resource_id: resource_id.clone(),
                    ..flow_log.clone()
                };
                state.flow_logs.insert(copy.id.clone(), copy);
            }
        });
    }

    /// Shares a VPC with another account, which can then see it.
    pub fn share_vpc(&self, id: &str, with: &str) {
        self.shared.write(|world| world.state.shared_vpcs.insert((with.to_owned(), id.to_owned())));
    }

    /// Closes the flow log service in every account, as if nobody had opened it.
    pub fn close_flow_log_service(&self) {
        self.shared.write(|world| world.state.close_service());
    }

    /// Returns the secrets and tokens of the functions' keys, so that a test can check that they leak nowhere.
    pub fn function_secrets(&self) -> Vec<String> {
        self.shared.read(|world| world.keys.temporary_secrets())
    }

    /// Gives a network interface another id, so that it matches an event that names that id.
    pub fn rename_network_interface(&self, id: &str, new_id: &str) {
        self.shared.write(|world| world.state.rename_network_interface(id, new_id));
    }

    /// Changes an Express Connect Router without an API call.
    pub fn edit_router(&self, id: &str, edit: impl FnOnce(&mut ExpressConnectRouter)) {
        self.shared.write(|world| world.state.routers.get_mut(id).map(edit));
    }

    /// Creates the resources that a sample event names, without API calls or events, so that a function finds them.
    ///
    /// A resource that the event reports as deleted is not created, but the flow log that it leaves behind is. For an
    /// event that names no resource, such as a timer's, one VPC without a flow log is created.
    pub fn seed(&self, event: &Value) {
        let now = self.shared.clock.now();
        self.shared.write(|world| seed::from_event(&mut world.state, event, &self.shared.options, now));
    }

    /// Creates a few VPCs and flow logs to look at, in several regions, without API calls or events: some as `policy.yml`
    /// of the repository wants them, and some not.
    pub fn seed_sample(&self) {
        let now = self.shared.clock.now();
        self.shared.write(|world| sample::seed(&mut world.state, &self.shared.options, now));
    }

    /// Creates a flow log on a VPC as Flowkeeper would, without an API call or an event. Returns its id. If no VPC has
    /// that id, the flow log is an orphan.
    pub fn seed_flow_log(&self, vpc_id: &str) -> String {
        self.shared.write(|world| {
            let place = world.state.vpcs.get(vpc_id).map(|vpc| vpc.place.clone());
            let place = place.unwrap_or_else(|| self.own_place());
            seed::flow_log(&mut world.state, place, vpc_id, self.shared.clock.now())
        })
    }

    /// Creates an Express Connect Router with one virtual border router, without API calls or events. Returns its id.
    pub fn seed_router(&self) -> String {
        self.shared.write(|world| seed::router(&mut world.state, self.own_place(), self.shared.clock.now()))
    }

    fn own_place(&self) -> Place {
        self.shared.home()
    }

    /// Finishes the transition of every flow log now.
    pub fn finish_transitions(&self) {
        for flow_log in self.flow_logs() {
            self.shared.finish_transition(&flow_log.id);
        }
    }

    /// Puts the cloud's clock, and that of its own clients, ahead of everyone else's by this duration.
    pub fn set_clock_ahead(&self, by: Duration) {
        self.shared.clock.set_ahead(by);
    }

    /// Injects a fault into the next `times` calls of an operation, or of all operations with `*`.
    ///
    /// The operation can be limited to one product, as in `expressconnectrouter:CreateFlowLog`.
    ///
    /// # Panics
    /// Panics if the operation or region does not exist, because the fault would never occur.
    #[track_caller]
    pub fn fail(&self, action: &str, fault: Fault, times: u32) {
        self.add_fault(Pending { action: action.to_owned(), region: None, fault, after: 0, times });
    }

    /// Injects a fault into the next `times` calls of an operation in a region.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn fail_in(&self, region: &str, action: &str, fault: Fault, times: u32) {
        self.add_fault(Pending { action: action.to_owned(), region: Some(region.to_owned()), fault, after: 0, times });
    }

    /// Lets `calls` calls of an operation pass, then injects a fault into one.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn fail_after(&self, calls: u32, action: &str, fault: Fault) {
        self.add_fault(Pending { action: action.to_owned(), region: None, fault, after: calls, times: 1 });
    }

    /// Rewrites the answers of the next `times` successful calls of an operation, or of all operations with `*`.
    ///
    /// Each rewrite counts calls on its own, as faults do. A call can meet a fault and several rewrites, which apply in
    /// order. [`LocalCloud::heal`] ends them.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn rewrite(&self, action: &str, rewrite: Rewrite, times: u32) {
        self.add_rewrite(Pending { action: action.to_owned(), region: None, fault: rewrite, after: 0, times });
    }

    /// Rewrites the answers of the next `times` calls of an operation in a region.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn rewrite_in(&self, region: &str, action: &str, rewrite: Rewrite, times: u32) {
        let region = Some(region.to_owned());
        self.add_rewrite(Pending { action: action.to_owned(), region, fault: rewrite, after: 0, times });
    }

    /// Lets `calls` calls of an operation pass, then rewrites the answer of one.
    ///
    /// # Panics
    /// As [`LocalCloud::fail`] does.
    #[track_caller]
    pub fn rewrite_after(&self, calls: u32, action: &str, rewrite: Rewrite) {
        self.add_rewrite(Pending { action: action.to_owned(), region: None, fault: rewrite, after: calls, times: 1 });
    }

    #[track_caller]
    fn add_rewrite(&self, pending: Pending<Rewrite>) {
        if let Err(problem) = pending.check(&self.shared.options.known_regions()) {
            panic!("{problem}");
        }
        self.shared.write(|world| world.faults.add_rewrite(pending));
    }

    /// Starts a storm of faults, replacing the current one. `None` ends it.
    pub fn storm(&self, storm: Option<Storm>) {
        self.shared.write(|world| world.faults.set_storm(storm));
    }

    /// Lets an account not use a region: every call of VPC and ECS there is refused with `InvalidRegionId.NotFound`.
    /// `DescribeRegions` still names the region.
    pub fn without_region(&self, account: &str, region: &str) {
        self.constraints(|it| it.set_region(account, region, false));
    }

    /// Lets an account use a region again.
    pub fn with_region(&self, account: &str, region: &str) {
        self.constraints(|it| it.set_region(account, region, true));
    }

    /// Closes the connection of every call in a region, without an answer, until [`LocalCloud::heal`]. Nothing can
    /// refuse the connection itself, because all regions share a port.
    ///
    /// # Panics
    /// Panics if the region does not exist.
    #[track_caller]
    pub fn region_unreachable(&self, region: &str) {
        self.fail_in(region, "*", Fault::Reset, u32::MAX);
    }

    /// Answers every call in a region with 503 until [`LocalCloud::heal`]. Express Connect Router has no regions: its
    /// calls count as calls in the cloud's own region.
    ///
    /// # Panics
    /// Panics if the region does not exist.
    #[track_caller]
    pub fn region_down(&self, region: &str) {
        self.fail_in(region, "*", Fault::Unavailable, u32::MAX);
    }

    /// Clears all pending faults and corrects the clock.
    pub fn heal(&self) {
        self.shared.heal();
    }

    #[track_caller]
    fn add_fault(&self, pending: Pending) {
        if let Err(problem) = pending.check(&self.shared.options.known_regions()) {
            panic!("{problem}");
        }
        self.shared.write(|world| world.faults.add(pending));
    }

    /// Returns everything that happened so far.
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.read(|world| world.journal.clone())
    }

    /// Returns the number of journal entries.
    pub fn journal_len(&self) -> usize {
        self.shared.read(|world| world.journal.len())
    }

    /// Returns the journal entries after the first `seen`.
    pub fn journal_after(&self, seen: usize) -> Vec<Entry> {
        self.shared.read(|world| world.journal.get(seen..).unwrap_or_default().to_vec())
    }

    /// Returns all API calls, from any caller.
    pub fn calls(&self) -> Vec<Call> {
        self.pick(|what| if let EntryKind::Call(call) = what { Some(call.clone()) } else { None })
    }

    /// Returns the calls of one operation.
    pub fn calls_of(&self, action: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.action == action).collect()
    }

    /// Returns the events of all accounts and regions, each once, as it reached its first bus.
    pub fn events(&self) -> Vec<Value> {
        self.pick(|what| if let EntryKind::Event { event, .. } = what { Some(event.clone()) } else { None })
    }

    /// Returns the events that reached a bus, forwarded ones too.
    pub fn events_on(&self, on: &EventBus) -> Vec<Value> {
        self.pick(|what| match what {
            EntryKind::Event { bus, event, .. } | EntryKind::Forwarded { to: bus, event, .. } if bus == on => {
                Some(event.clone())
            }
            _ => None,
        })
    }

    /// Returns the messages that rules put into a queue, given its ARN.
    pub fn messages(&self, of: &str) -> Vec<String> {
        self.pick(|what| match what {
            EntryKind::Queued { queue, body, .. } if queue == of => Some(body.clone()),
            _ => None,
        })
    }

    /// Returns the events that rules could not deliver.
    pub fn undelivered(&self) -> Vec<Undelivered> {
        self.pick(|what| if let EntryKind::Undelivered(event) = what { Some(event.clone()) } else { None })
    }

    /// Returns the finished invocations, one for each attempt.
    pub fn invocations(&self) -> Vec<Invocation> {
        self.pick(|what| if let EntryKind::Invocation(invocation) = what { Some(invocation.clone()) } else { None })
    }

    /// Returns the events that were given up.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.pick(|what| if let EntryKind::DeadLetter(letter) = what { Some(letter.clone()) } else { None })
    }

    fn pick<T>(&self, choose: impl Fn(&EntryKind) -> Option<T>) -> Vec<T> {
        self.shared.read(|world| world.journal.iter().filter_map(|entry| choose(&entry.what)).collect())
    }

    /// Publishes an event on the default bus of the functions' account and region.
    pub fn publish(&self, event: &Value) {
        self.publish_on(&self.shared.home_bus(), event);
    }

    /// Publishes an event on a bus.
    pub fn publish_on(&self, bus: &EventBus, event: &Value) {
        self.shared.publish(bus, event);
    }

    /// Puts a message into a queue of the functions' account and region, where no function takes it.
    pub fn leave_in_queue(&self, name: &str, body: &str) {
        let home = self.shared.home();
        let queue = queue::arn(&home.account, &home.region, name);
        self.shared.record(EntryKind::MessageSent { queue, body: body.to_owned() });
    }

    /// Makes a custom event bus.
    pub fn create_event_bus(&self, bus: &EventBus) {
        self.shared.write(|world| world.routing.add_bus(bus.clone()));
    }

    /// Returns the custom event buses.
    pub fn event_buses(&self) -> Vec<EventBus> {
        self.shared.read(|world| world.routing.buses().cloned().collect())
    }

    /// Returns the further regions in which functions run in place from the start.
    pub fn in_place(&self) -> &[String] {
        &self.shared.options.in_place
    }

    /// Returns the places whose events are forwarded to the functions from the start.
    pub fn forwarded(&self) -> &[Place] {
        &self.shared.options.forwarded
    }

    /// Deploys a ROS template in an account and region: its functions with their triggers, rules, queues, roles and
    /// Logstores.
    ///
    /// Functions run in the functions' own account alone, with roles of this stack or of an earlier one there. Timers run
    /// only in the stack that the cloud starts with. A rule by which an event could come back to its bus is refused.
    pub fn deploy(
        &self,
        account: &str,
        region: &str,
        template: &Path,
        parameters: &[(&str, &str)],
    ) -> Result<(), Error> {
        let place = place(account, region);
        check_place(&self.shared.options, &place)?;
        let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let stack = TemplateFile::read(template)?.resolve(&given, &place, &self.shared.roles.names(account))?;
        add_stack(&self.shared, &place, stack)
    }

    /// Invokes a function once, synchronously, with these bytes. Accepts the function's name in the template or that of
    /// its binary.
    pub async fn invoke(&self, function: &str, event: &[u8]) -> Result<Invocation, Error> {
        delivery::invoke(&self.shared, None, function, event).await
    }

    /// Invokes a function of a region once. See [`LocalCloud::invoke`].
    pub async fn invoke_in(&self, region: &str, function: &str, event: &[u8]) -> Result<Invocation, Error> {
        delivery::invoke(&self.shared, Some(region), function, event).await
    }

    /// Fires a timer of the template at once, given its function and the trigger's name.
    ///
    /// The function can be given by its name in the template or by its binary. Starts an asynchronous invocation with
    /// retries; [`LocalCloud::settled`] waits for it.
    pub fn fire_timer(&self, function: &str, trigger: &str) -> Result<(), Error> {
        timers::fire_now(&self.shared, function, trigger)
    }

    /// Ends the delays of all asynchronous invocations that were submitted with one, as if their time had come.
    pub fn end_delays(&self) {
        asynchronous::end_delays(&self.shared);
    }

    /// Returns the ids of the processes of a function that run, one for each instance. The function is given by its name
    /// in the template or that of its binary.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        self.shared.deployed.now().named(None, function).map(|host| host.processes()).unwrap_or_default()
    }

    /// Returns a receiver that is notified of every change.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changes()
    }

    /// Waits up to ten seconds until a condition holds.
    pub async fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), Error> {
        self.wait(what, MAX_WAIT, holds).await
    }

    async fn wait(&self, what: &str, limit: Duration, holds: impl Fn(&Self) -> bool) -> Result<(), Error> {
        let mut changes = self.changes();
        let wait = async {
            while !holds(self) {
                // Cannot fail: `self` holds the sender.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(limit, wait).await.map_err(|_| {
            let started = self.journal().first().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at);
            let lines: Vec<String> =
                self.journal().iter().filter_map(|entry| timeline::line(entry, started, false)).collect();
            Error::Timeout { what: what.to_owned(), limit, journal: lines.join("\n") }
        })
    }

    /// Waits until no timer is due and no event, retry or flow log transition is in progress. Transitions that a test
    /// finishes itself do not count.
    pub async fn settled(&self) -> Result<(), Error> {
        self.settled_within(MAX_WAIT).await
    }

    /// Like [`LocalCloud::settled`], for what takes longer than ten seconds.
    pub async fn settled_within(&self, limit: Duration) -> Result<(), Error> {
        self.wait("nothing is in progress", limit, |cloud| {
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
        self.shared.deployed.now().hosts.iter().for_each(|host| host.kill());
    }
}
