//! The operations that the gateway knows: what each is called, what it accepts and what it does.

mod fields;
mod flow_logs;
mod network_interfaces;
mod vpcs;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::fields::Field;
use crate::{
    accounts::Caller,
    parameters::Parameters,
    refusal::Refusal,
    state::{Place, Resource, State},
};

/// The regions that exist.
pub(crate) const REGIONS: [(&str, &str); 8] = [
    ("cn-hangzhou", "China (Hangzhou)"),
    ("cn-shanghai", "China (Shanghai)"),
    ("cn-beijing", "China (Beijing)"),
    ("cn-shenzhen", "China (Shenzhen)"),
    ("cn-qingdao", "China (Qingdao)"),
    ("cn-hongkong", "China (Hong Kong)"),
    ("ap-southeast-1", "Singapore"),
    ("eu-central-1", "Germany (Frankfurt)"),
];

/// An Alibaba Cloud product, as far as events and versions name it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// Abbreviation in event types and host names.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// `serviceName` of ActionTrail.
    pub(crate) service: &'static str,
}

pub(crate) const VPC: Product = Product { name: "vpc", version: "2016-04-28", service: "Vpc" };
pub(crate) const ECS: Product = Product { name: "ecs", version: "2014-05-26", service: "Ecs" };
pub(crate) const STS: Product = Product { name: "sts", version: "2015-04-01", service: "Sts" };

/// One operation of a product.
pub(crate) struct Operation {
    pub(crate) product: &'static Product,
    pub(crate) action: &'static str,
    /// Writes become events, reads do not.
    pub(crate) write: bool,
    fields: &'static [Field],
    run: fn(&mut Scope<'_>) -> Answer,
}

/// What an operation answers, without the request id.
type Answer = Result<Value, Refusal>;

/// What an operation sees and may change while it runs.
pub(crate) struct Scope<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) caller: &'a Caller,
    pub(crate) parameters: &'a Parameters,
    pub(crate) place: Place,
    pub(crate) now: Timestamp,
    pub(crate) quota: usize,
    /// Reads leave out what was made last.
    pub(crate) hide_newest: bool,
    /// The flow logs that this call set changing.
    pub(crate) changing: Vec<String>,
}

const fn read(
    product: &'static Product,
    action: &'static str,
    fields: &'static [Field],
    run: fn(&mut Scope<'_>) -> Answer,
) -> Operation {
    Operation { product, action, write: false, fields, run }
}

const fn write(
    product: &'static Product,
    action: &'static str,
    fields: &'static [Field],
    run: fn(&mut Scope<'_>) -> Answer,
) -> Operation {
    Operation { product, action, write: true, fields, run }
}

static OPERATIONS: [Operation; 24] = [
    write(&VPC, "CreateVpc", vpcs::CREATE, vpcs::create),
    write(&VPC, "CreateDefaultVpc", vpcs::IN_REGION, vpcs::create_default),
    write(&VPC, "DeleteVpc", vpcs::DELETE, vpcs::delete),
    read(&VPC, "DescribeVpcs", vpcs::DESCRIBE, vpcs::describe),
    write(&VPC, "CreateVSwitch", vpcs::CREATE_VSWITCH, vpcs::create_vswitch),
    write(&VPC, "CreateDefaultVSwitch", vpcs::CREATE_DEFAULT_VSWITCH, vpcs::create_default_vswitch),
    write(&VPC, "DeleteVSwitch", vpcs::DELETE_VSWITCH, vpcs::delete_vswitch),
    read(&VPC, "DescribeVSwitches", vpcs::DESCRIBE_VSWITCHES, vpcs::describe_vswitches),
    write(&VPC, "CreateFlowLog", flow_logs::CREATE, flow_logs::create),
    write(&VPC, "DeleteFlowLog", flow_logs::ONE, flow_logs::delete),
    write(&VPC, "ActiveFlowLog", flow_logs::ONE, flow_logs::active),
    write(&VPC, "DeactiveFlowLog", flow_logs::ONE, flow_logs::deactive),
    write(&VPC, "ModifyFlowLogAttribute", flow_logs::MODIFY, flow_logs::modify),
    read(&VPC, "DescribeFlowLogs", flow_logs::DESCRIBE, flow_logs::describe),
    read(&VPC, "GetFlowLogServiceStatus", vpcs::IN_REGION, flow_logs::service_status),
    write(&VPC, "OpenFlowLogService", vpcs::IN_REGION, flow_logs::open_service),
    write(&VPC, "TagResources", vpcs::TAG, vpcs::tag),
    read(&VPC, "DescribeRegions", &[], regions),
    read(&ECS, "DescribeRegions", &[], regions),
    write(&ECS, "CreateNetworkInterface", network_interfaces::CREATE, network_interfaces::create),
    write(&ECS, "DeleteNetworkInterface", network_interfaces::DELETE, network_interfaces::delete),
    read(&ECS, "DescribeNetworkInterfaces", network_interfaces::DESCRIBE, network_interfaces::describe),
    write(&ECS, "RunInstances", network_interfaces::RUN_INSTANCES, network_interfaces::run_instances),
    read(&STS, "GetCallerIdentity", &[], caller_identity),
];

/// The operation of that name and version, or the refusal of a call to what does not exist.
pub(crate) fn find(action: &str, version: &str) -> Result<&'static Operation, Refusal> {
    if ![&VPC, &ECS, &STS].iter().any(|product| product.version == version) {
        return Err(Refusal::new("InvalidVersion", "Specified parameter Version is not valid."));
    }
    OPERATIONS.iter().find(|known| known.action == action && known.product.version == version).ok_or_else(|| {
        Refusal::not_found("InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
    })
}

/// The version of the first product that has an operation of that name.
pub(crate) fn version_of(action: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|known| known.action == action).map(|known| known.product.version)
}

impl Operation {
    /// Checks the parameters, then does what the operation does.
    pub(crate) fn run(&self, scope: &mut Scope<'_>) -> Answer {
        for field in self.fields {
            field.check(scope.parameters)?;
        }
        (self.run)(scope)
    }
}

impl Scope<'_> {
    /// The resources of one kind that the caller sees at its place, oldest first.
    fn visible<'s, R: Resource>(&self, all: impl DoubleEndedIterator<Item = &'s R>) -> Vec<&'s R> {
        let mut seen: Vec<&R> = all.filter(|resource| *resource.place() == self.place).collect();
        if self.hide_newest {
            seen.pop();
        }
        seen
    }

    /// Whether each of these parameters is absent or equal to the value beside it.
    fn filter<const N: usize>(&self, pairs: [(&str, &str); N]) -> bool {
        pairs.iter().all(|(name, value)| self.parameters.get(name).is_none_or(|wanted| wanted == *value))
    }

    /// One page by number, with the number, the size and the count of all.
    fn page<T>(&self, all: Vec<T>, default_size: usize) -> Result<Page<T>, Refusal> {
        let number = self.parameters.number("PageNumber")?.unwrap_or(1);
        let size = self.parameters.number("PageSize")?.unwrap_or(default_size);
        let total = all.len();
        let items = all.into_iter().skip(number.saturating_sub(1) * size).take(size).collect();
        Ok(Page { number, size, total, items })
    }
}

struct Page<T> {
    number: usize,
    size: usize,
    total: usize,
    items: Vec<T>,
}

fn regions(_: &mut Scope<'_>) -> Answer {
    let region = |(id, name): &(&str, &str)| json!({"RegionId": id, "LocalName": name, "RegionEndpoint": format!("vpc.{id}.aliyuncs.com")});
    Ok(json!({"Regions": {"Region": REGIONS.iter().map(region).collect::<Vec<_>>()}}))
}

fn caller_identity(scope: &mut Scope<'_>) -> Answer {
    let Caller { account, name, role } = scope.caller;
    Ok(match role {
        Some(role) => json!({
            "AccountId": account, "IdentityType": "AssumedRoleUser", "RoleId": format!("role-{role}"),
            "PrincipalId": format!("role-{role}:{name}"),
            "Arn": format!("acs:ram::{account}:assumed-role/{role}/{name}"),
        }),
        None => json!({
            "AccountId": account, "IdentityType": "Account", "PrincipalId": account, "UserId": account,
            "Arn": format!("acs:ram::{account}:root"),
        }),
    })
}
