//! Authorization: whether a caller's role allows a call, and who can assume which role.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    api::{
        operations::{BSS, CMS, ECR, ECS, Operation, RESOURCE_DIRECTORY, STS, VPC},
        parameters::{Parameters, Tags},
        refusal::{Denied, PolicyKind, Refusal},
    },
    eventbridge::bus::EventBus,
    ram::{
        accounts::{Accounts, Caller, OWN_ACCOUNT, REFUSED_ROLE, arn},
        members::{Known, Members},
        policy::{Denial, Request, Role, SessionPolicy},
        trust::{Applicant, EVENT_BRIDGE, FUNCTION_COMPUTE, Trust},
    },
    world::state::{Place, State},
};

/// The roles of all accounts.
pub(crate) struct Roles {
    accounts: Accounts,
    /// The roles of stacks, by account and name.
    described: Mutex<BTreeMap<(String, String), Arc<Role>>>,
    /// The role that each of the other accounts has for the functions.
    members: Members,
}

/// The permissions of a caller.
enum Permissions {
    Everything,
    OfRole(Arc<Role>),
    Nothing,
}

impl Roles {
    /// Collects the roles of the functions and of the other accounts.
    pub(crate) fn new(accounts: Accounts, own: Vec<Role>, members: Members) -> Self {
        let roles = Self { accounts, described: Mutex::default(), members };
        roles.add(OWN_ACCOUNT, own);
        roles
    }

    /// Adds the roles of a stack in an account.
    pub(crate) fn add(&self, account: &str, roles: Vec<Role>) {
        let named = roles.into_iter().map(|role| ((account.to_owned(), role.name.clone()), Arc::new(role)));
        self.described().extend(named);
    }

    /// Returns the names of the roles that the stacks in an account have made, in lower case.
    pub(crate) fn names(&self, account: &str) -> BTreeSet<String> {
        self.described().keys().filter(|(owner, _)| owner == account).map(|(_, name)| name.clone()).collect()
    }

    fn described(&self) -> MutexGuard<'_, BTreeMap<(String, String), Arc<Role>>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the roles that the other accounts have for the functions.
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// Returns a role that exists, given its account and its name in lower case.
    fn find(&self, account: &str, name: &str) -> Option<Known> {
        let described = self.described().get(&(account.to_owned(), name.to_owned())).cloned();
        if let Some(role) = described {
            return Some(Known::Described(role));
        }
        if arn(account, name) == REFUSED_ROLE {
            return Some(Known::Undescribed(Trust::default()));
        }
        let is_member = account != OWN_ACCOUNT && self.accounts.has(account) && name == Members::role_name();
        is_member.then(|| self.members.role_in(account)).flatten()
    }

    /// Lets an applicant assume a role that trusts it. Returns the role's account and name.
    pub(crate) fn assume(&self, role: &str, applicant: Applicant<'_>) -> Result<(String, String), Refusal> {
        let not_there = || Refusal::not_found("EntityNotExist.Role", "The specified Role not exists.");
        let parts = role.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"));
        let (account, name) = parts.ok_or_else(not_there)?;
        let known = self.find(account, name).ok_or_else(not_there)?;
        known.trust().evaluate(applicant).map_err(|why| {
            let denied = Denied { action: "sts:AssumeRole".to_owned(), why, by: PolicyKind::Trust };
            Refusal { denied: Some(denied), ..Refusal::documented("NoPermission") }
        })?;
        Ok((account.to_owned(), name.to_owned()))
    }

    /// Checks that Function Compute can assume a function's role.
    pub(crate) fn assume_role(&self, role: &str) -> Result<(), Refusal> {
        self.assume(&arn(OWN_ACCOUNT, role), Applicant::Service(FUNCTION_COMPUTE)).map(|_| ())
    }

    /// Returns the permissions of a caller. An account may do everything; so may a role in another account, if no
    /// template describes it.
    fn of(&self, caller: &Caller) -> Permissions {
        let Some(name) = &caller.role else { return Permissions::Everything };
        match self.find(&caller.account, &name.to_lowercase()) {
            Some(Known::Described(role)) => Permissions::OfRole(role),
            _ if caller.account == OWN_ACCOUNT => Permissions::Nothing,
            _ => Permissions::Everything,
        }
    }

    /// Returns whether a function's role allows Function Compute an action that is not an operation of this cloud.
    pub(crate) fn allows(&self, role: Option<&str>, action: &str, resource: &str) -> bool {
        let role = role.filter(|name| self.assume_role(name).is_ok());
        role.is_some_and(|name| self.permits(OWN_ACCOUNT, name, action, resource))
    }

    /// Checks that a role lets EventBridge of another account send events to a bus of the role's account.
    pub(crate) fn let_events_in(&self, sender: &str, role: &str, bus: &EventBus) -> Result<(), String> {
        let arn = arn(&bus.account, role);
        let service = format!("{sender}@{EVENT_BRIDGE}");
        self.assume(&arn, Applicant::Service(&service)).map_err(|refusal| {
            let why = if refusal.denied.is_some() { "does not trust" } else { "is not there for" };
            format!("{arn} {why} {service}")
        })?;
        let action = "eventbridge:PutEvents";
        if self.permits(&bus.account, role, action, &bus.arn()) {
            Ok(())
        } else {
            Err(format!("{arn} does not allow {action} on {}", bus.arn()))
        }
    }

    /// Returns whether a role of a stack allows an action that is not an operation of this cloud.
    fn permits(&self, account: &str, role: &str, action: &str, resource: &str) -> bool {
        let (none, principal) = (Tags::new(), &arn(account, &role.to_lowercase()));
        let request = Request { action, principal, resource, resource_tags: &none, request_tags: &none };
        match self.find(account, &role.to_lowercase()) {
            Some(Known::Described(role)) => role.evaluate(&request).is_ok(),
            _ => false,
        }
    }

    /// Checks that the caller is allowed an action on one resource, which has no tags.
    pub(crate) fn authorize_on(
        &self,
        caller: &Caller,
        session_policy: Option<&SessionPolicy>,
        action: &str,
        resource: &str,
        state: &State,
    ) -> Result<(), Denied> {
        let denied = |why: Denial, by: PolicyKind| Denied { action: action.to_owned(), why, by };
        let (none, principal) = (Tags::new(), &caller.arn());
        let request = Request { action, principal, resource, resource_tags: &none, request_tags: &none };
        if is_out_of_bounds(caller, &request, state) {
            return Err(denied(Denial::Explicit, PolicyKind::Control));
        }
        match self.of(caller) {
            Permissions::Everything => Ok(()),
            Permissions::Nothing => Err(Denial::Implicit),
            Permissions::OfRole(role) => role.evaluate(&request),
        }
        .map_err(|why| denied(why, PolicyKind::Identity))?;
        session_policy
            .map_or(Ok(()), |policy| policy.evaluate(&request))
            .map_err(|why| denied(why, PolicyKind::Session))
    }

    /// Checks that the caller is allowed to make the call, for every resource that it affects.
    ///
    /// A session policy can only restrict.
    pub(crate) fn authorize(
        &self,
        caller: &Caller,
        session_policy: Option<&SessionPolicy>,
        operation: &Operation,
        parameters: &Parameters,
        place: &Place,
        state: &State,
    ) -> Result<(), Refusal> {
        // Every caller may ask for its own identity.
        if operation.action == "GetCallerIdentity" {
            return Ok(());
        }
        let action = operation.permission();
        let refuse = |why: Denial, by: PolicyKind| {
            let has_own_code = [&STS, &RESOURCE_DIRECTORY].contains(&operation.product);
            let code = if has_own_code { "NoPermission" } else { "Forbidden.RAM" };
            let denied = Denied { action: action.clone(), why, by };
            Refusal { denied: Some(denied), ..Refusal::documented(code) }
        };
        let (permissions, principal) = (self.of(caller), &caller.arn());
        // The operation itself refuses invalid tags.
        let request_tags = parameters.tags("Tag").unwrap_or_default();
        for (resource, id) in resources(operation, parameters, place) {
            let resource_tags = match id {
                Some(id) => state.tags_of(&id).cloned().unwrap_or_default(),
                // A list returns only resources with the requested tags.
                None if operation.is_write => Tags::new(),
                None => parameters.tags("Tags").ok().filter(|tags| !tags.is_empty()).unwrap_or(request_tags.clone()),
            };
            let request = Request {
                action: &action,
                principal,
                resource: &resource,
                resource_tags: &resource_tags,
                request_tags: &request_tags,
            };
            if is_out_of_bounds(caller, &request, state) {
                return Err(refuse(Denial::Explicit, PolicyKind::Control));
            }
            match &permissions {
                Permissions::Everything => Ok(()),
                Permissions::Nothing => Err(Denial::Implicit),
                Permissions::OfRole(role) => role.evaluate(&request),
            }
            .map_err(|why| refuse(why, PolicyKind::Identity))?;
            session_policy
                .map_or(Ok(()), |policy| policy.evaluate(&request))
                .map_err(|why| refuse(why, PolicyKind::Session))?;
        }
        Ok(())
    }
}

/// Returns whether a control policy denies the request. Such policies bind the roles of members, and not the members'
/// accounts themselves.
fn is_out_of_bounds(caller: &Caller, request: &Request<'_>, state: &State) -> bool {
    caller.role.is_some() && state.directory.as_ref().is_some_and(|it| it.denies(&caller.account, request))
}

/// Returns the ARNs of the resources that a call affects, with the id of each that already exists. The documentation
/// gives no ARN format for flow logs, so that of VPC's other resources is used.
fn resources(operation: &Operation, parameters: &Parameters, place: &Place) -> Vec<(String, Option<String>)> {
    let product = operation.product;
    if *product == STS {
        return vec![(parameters.text("RoleArn"), None)];
    }
    if *product == RESOURCE_DIRECTORY {
        let kind = if operation.action.contains("Folder") { "folder" } else { "account" };
        let id = parameters.get("AccountId").unwrap_or("*");
        return vec![(format!("acs:resourcemanager::{}:{kind}/{id}", place.account), None)];
    }
    // Neither bills nor metrics have resources.
    if [&BSS, &CMS].contains(&product) {
        return vec![("*".to_owned(), None)];
    }
    let one = |name: &str| parameters.get(name).map(str::to_owned).into_iter().collect::<Vec<_>>();
    let (kind, ids) = match operation.action {
        // Express Connect Router's operations are documented as affecting all resources.
        _ if *product == ECR => return vec![("*".to_owned(), parameters.get("FlowLogId").map(str::to_owned))],
        "TagResources" | "UnTagResources" | "UntagResources" | "ListTagResources" => {
            let ids = parameters.list("ResourceId").into_iter().map(str::to_owned).collect();
            (parameters.text("ResourceType").to_lowercase(), ids)
        }
        "MoveResourceGroup" => (parameters.text("ResourceType").to_lowercase(), one("ResourceId")),
        action if *product == VPC && action.contains("FlowLogService") => return vec![("*".to_owned(), None)],
        action if *product == VPC && action.contains("FlowLog") => ("flowlog".to_owned(), one("FlowLogId")),
        action if *product == VPC && action.contains("VSwitch") => {
            ("vswitch".to_owned(), if operation.is_creation() { Vec::new() } else { one("VSwitchId") })
        }
        action if *product == VPC && action.contains("Vpc") => {
            let ids = parameters.text("VpcId");
            ("vpc".to_owned(), ids.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect())
        }
        "DeleteNetworkInterface" => ("eni".to_owned(), one("NetworkInterfaceId")),
        action if *product == ECS && action.contains("NetworkInterface") => ("eni".to_owned(), Vec::new()),
        "RunInstances" => ("instance".to_owned(), Vec::new()),
        _ => return vec![("*".to_owned(), None)],
    };
    let arn = |id: &str| format!("acs:{}:{}:{}:{kind}/{id}", product.name, place.region, place.account);
    if ids.is_empty() { vec![(arn("*"), None)] } else { ids.into_iter().map(|id| (arn(&id), Some(id))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations::find;

    #[test]
    fn a_call_is_about_the_resources_that_it_names() {
        let place = Place { account: "1".into(), region: "cn-hangzhou".into() };
        for (action, version, form, expected) in [
            ("CreateFlowLog", VPC.version, "ResourceId=vpc-1", "acs:vpc:cn-hangzhou:1:flowlog/*"),
            ("DeleteFlowLog", VPC.version, "FlowLogId=fl-1", "acs:vpc:cn-hangzhou:1:flowlog/fl-1"),
            ("OpenFlowLogService", VPC.version, "", "*"),
            (
                "DescribeVpcs",
                VPC.version,
                "VpcId=vpc-1,vpc-2",
                "acs:vpc:cn-hangzhou:1:vpc/vpc-1 acs:vpc:cn-hangzhou:1:vpc/vpc-2",
            ),
            ("CreateVSwitch", VPC.version, "VpcId=vpc-1", "acs:vpc:cn-hangzhou:1:vswitch/*"),
            ("DescribeVSwitches", VPC.version, "", "acs:vpc:cn-hangzhou:1:vswitch/*"),
            (
                "TagResources",
                VPC.version,
                "ResourceType=FLOWLOG&ResourceId.1=fl-1&ResourceId.2=fl-2",
                "acs:vpc:cn-hangzhou:1:flowlog/fl-1 acs:vpc:cn-hangzhou:1:flowlog/fl-2",
            ),
            (
                "MoveResourceGroup",
                VPC.version,
                "ResourceType=FlowLog&ResourceId=fl-1&NewResourceGroupId=rg-1",
                "acs:vpc:cn-hangzhou:1:flowlog/fl-1",
            ),
            ("DescribeNetworkInterfaces", ECS.version, "NetworkInterfaceId.1=eni-1", "acs:ecs:cn-hangzhou:1:eni/*"),
            ("UntagResources", ECS.version, "ResourceType=eni&ResourceId.1=eni-1", "acs:ecs:cn-hangzhou:1:eni/eni-1"),
            ("AssumeRole", STS.version, "RoleArn=acs:ram::2:role/x", "acs:ram::2:role/x"),
            ("ListAccounts", RESOURCE_DIRECTORY.version, "", "acs:resourcemanager::1:account/*"),
            ("GetAccount", RESOURCE_DIRECTORY.version, "AccountId=2", "acs:resourcemanager::1:account/2"),
            ("ListFoldersForParent", RESOURCE_DIRECTORY.version, "", "acs:resourcemanager::1:folder/*"),
            ("DeleteFlowlog", ECR.version, "FlowLogId=fl-1", "*"),
        ] {
            let mut parameters = Parameters::default();
            parameters.add_form(form);
            let found = resources(find(action, version).unwrap(), &parameters, &place);
            let arns: Vec<String> = found.into_iter().map(|(arn, _)| arn).collect();
            assert_eq!(arns.join(" "), expected, "{action}");
        }
    }
}
