//! Authorization: whether a caller's role allows a call, and who can assume which role.

use std::collections::BTreeMap;

use crate::{
    api::{
        operations::{ECR, ECS, Operation, STS, VPC},
        parameters::{Parameters, Tags},
        refusal::{Denied, PolicyKind, Refusal},
    },
    ram::{
        accounts::{Caller, OWN_ACCOUNT, REFUSED_ROLE, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE},
        policy::{Denial, Request, Role, SessionPolicy},
        trust::{Applicant, FUNCTION_COMPUTE, Trust},
    },
    world::state::{Place, State},
};

/// The roles that templates describe, and two that exist without a template.
pub(crate) struct Roles {
    /// By account and name.
    described: BTreeMap<(&'static str, String), Role>,
    /// The trust of each role, by ARN.
    trusts: BTreeMap<String, Trust>,
}

/// The permissions of a caller.
enum Permissions<'a> {
    Everything,
    OfRole(&'a Role),
    Nothing,
}

impl Roles {
    /// Collects the roles of the functions and the one in the second account.
    ///
    /// If no template describes the latter, it trusts the own account, given this `ExternalId` if there is one.
    pub(crate) fn new(own: Vec<Role>, member: Option<Role>, external_id: Option<&str>) -> Self {
        let own = own.into_iter().map(|role| (OWN_ACCOUNT, role));
        let roles: Vec<_> = own.chain(member.map(|role| (SECOND_ACCOUNT, role))).collect();
        let mut trusts = BTreeMap::from([
            (SECOND_ACCOUNT_ROLE.to_owned(), Trust::in_account(OWN_ACCOUNT, external_id)),
            (REFUSED_ROLE.to_owned(), Trust::default()),
        ]);
        trusts.extend(roles.iter().map(|(account, role)| (arn(account, &role.name), role.trust.clone())));
        let described = roles.into_iter().map(|(account, role)| ((account, role.name.clone()), role)).collect();
        Self { described, trusts }
    }

    /// Lets an applicant assume a role that trusts it. Returns the role's account and name.
    pub(crate) fn assume(&self, role: &str, applicant: Applicant<'_>) -> Result<(String, String), Refusal> {
        let not_there = || Refusal::not_found("EntityNotExist.Role", "The specified Role not exists.");
        let trust = self.trusts.get(role).ok_or_else(not_there)?;
        trust.evaluate(applicant).map_err(|why| {
            let denied = Denied { action: "sts:AssumeRole".to_owned(), why, by: PolicyKind::Trust };
            Refusal { denied: Some(denied), ..Refusal::documented("NoPermission") }
        })?;
        let parts = role.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"));
        parts.map(|(account, name)| (account.to_owned(), name.to_owned())).ok_or_else(not_there)
    }

    /// Checks that Function Compute can assume a function's role.
    pub(crate) fn assume_role(&self, role: &str) -> Result<(), Refusal> {
        self.assume(&arn(OWN_ACCOUNT, role), Applicant::Service(FUNCTION_COMPUTE)).map(|_| ())
    }

    /// Returns the permissions of a caller. An account may do everything; so may the role in the second account, if no
    /// template describes it.
    fn of(&self, caller: &Caller) -> Permissions<'_> {
        let Some(name) = &caller.role else { return Permissions::Everything };
        let account = if caller.account == OWN_ACCOUNT { OWN_ACCOUNT } else { SECOND_ACCOUNT };
        match self.described.get(&(account, name.to_lowercase())) {
            Some(role) => Permissions::OfRole(role),
            None if account == SECOND_ACCOUNT => Permissions::Everything,
            None => Permissions::Nothing,
        }
    }

    /// Returns whether a function's role allows Function Compute an action that is not an operation of this cloud.
    pub(crate) fn allows(&self, role: Option<&str>, action: &str, resource: &str) -> bool {
        let role = role.filter(|name| self.assume_role(name).is_ok());
        let role = role.and_then(|name| self.described.get(&(OWN_ACCOUNT, name.to_lowercase())));
        let none = Tags::new();
        let request = Request { action, resource, resource_tags: &none, request_tags: &none };
        role.is_some_and(|role| role.evaluate(&request).is_ok())
    }

    /// Checks that the caller is allowed an action on one resource, which has no tags.
    pub(crate) fn authorize_on(
        &self,
        caller: &Caller,
        session_policy: Option<&SessionPolicy>,
        action: &str,
        resource: &str,
    ) -> Result<(), Denied> {
        let denied = |why: Denial, by: PolicyKind| Denied { action: action.to_owned(), why, by };
        let none = Tags::new();
        let request = Request { action, resource, resource_tags: &none, request_tags: &none };
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
        let action = operation.name();
        let refuse = |why: Denial, by: PolicyKind| {
            // STS uses its own error code.
            let code = if *operation.product == STS { "NoPermission" } else { "Forbidden.RAM" };
            let denied = Denied { action: action.clone(), why, by };
            Refusal { denied: Some(denied), ..Refusal::documented(code) }
        };
        let role = match self.of(caller) {
            Permissions::Everything if session_policy.is_none() => return Ok(()),
            Permissions::Everything => None,
            Permissions::Nothing => return Err(refuse(Denial::Implicit, PolicyKind::Identity)),
            Permissions::OfRole(role) => Some(role),
        };
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
                resource: &resource,
                resource_tags: &resource_tags,
                request_tags: &request_tags,
            };
            role.map_or(Ok(()), |role| role.evaluate(&request)).map_err(|why| refuse(why, PolicyKind::Identity))?;
            session_policy
                .map_or(Ok(()), |policy| policy.evaluate(&request))
                .map_err(|why| refuse(why, PolicyKind::Session))?;
        }
        Ok(())
    }
}

fn arn(account: &str, role: &str) -> String {
    format!("acs:ram::{account}:role/{role}")
}

/// Returns the ARNs of the resources that a call affects, with the id of each that already exists. The documentation
/// gives no ARN format for flow logs, so that of VPC's other resources is used.
fn resources(operation: &Operation, parameters: &Parameters, place: &Place) -> Vec<(String, Option<String>)> {
    let product = operation.product;
    if *product == STS {
        return vec![(parameters.text("RoleArn"), None)];
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
