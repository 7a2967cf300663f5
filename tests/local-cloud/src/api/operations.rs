//! The operations that the gateway supports: their names, parameters and effects.

mod bills;
mod cidr;
mod directory;
mod fields;
mod flow_logs;
mod metrics;
mod network_interfaces;
mod routers;
mod sts;
mod tags;
#[cfg(test)]
mod tests;
mod vpcs;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::fields::{Field, Kind, optional};
use crate::{
    api::{authorize::Roles, parameters::Parameters, refusal::Refusal},
    options::Options,
    ram::accounts::{Caller, Keys},
    world::{
        regions::local_name,
        state::{Answered, Place, Resource, State},
    },
};

/// An Alibaba Cloud product, as identified in events and by API versions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// The abbreviation in event types and host names.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// ActionTrail's `serviceName`.
    pub(crate) service: &'static str,
}

pub(crate) const VPC: Product = Product { name: "vpc", version: "2016-04-28", service: "Vpc" };
pub(crate) const ECS: Product = Product { name: "ecs", version: "2014-05-26", service: "Ecs" };
pub(crate) const ECR: Product =
    Product { name: "expressconnectrouter", version: "2023-09-01", service: "ExpressConnectRouter" };
pub(crate) const STS: Product = Product { name: "sts", version: "2015-04-01", service: "Sts" };
/// Its actions have the prefix of Resource Management in RAM.
pub(crate) const RESOURCE_DIRECTORY: Product =
    Product { name: "resourcemanager", version: "2022-04-19", service: "ResourceDirectoryMaster" };

/// Billing.
pub(crate) const BSS: Product = Product { name: "bss", version: "2017-12-14", service: "BssOpenApi" };
/// `CloudMonitor`.
pub(crate) const CMS: Product = Product { name: "cms", version: "2019-01-01", service: "Cms" };

/// One operation of a product.
pub(crate) struct Operation {
    pub(crate) product: &'static Product,
    pub(crate) action: &'static str,
    /// Only writes become events.
    pub(crate) is_write: bool,
    fields: &'static [Field],
    run: fn(&mut Scope<'_>) -> Answer,
}

/// The answer of an operation, without the request id.
type Answer = Result<Value, Refusal>;

/// What an operation can read and change while it runs.
pub(crate) struct Scope<'a> {
    pub(crate) product: &'static Product,
    /// Whether the operation can change something.
    pub(crate) is_write: bool,
    pub(crate) options: &'a Options,
    pub(crate) roles: &'a Roles,
    pub(crate) state: &'a mut State,
    pub(crate) keys: &'a mut Keys,
    pub(crate) caller: &'a Caller,
    pub(crate) parameters: &'a Parameters,
    pub(crate) place: Place,
    pub(crate) now: Timestamp,
    /// Whether reads omit the newest resource.
    pub(crate) hide_newest: bool,
    /// The maximum number of items on a page of a list, whatever size is requested.
    pub(crate) max_page_size: usize,
    /// The flow logs whose transition this call started.
    pub(crate) changing: Vec<String>,
}

type Run = fn(&mut Scope<'_>) -> Answer;

const fn read(product: &'static Product, action: &'static str, fields: &'static [Field], run: Run) -> Operation {
    Operation { product, action, is_write: false, fields, run }
}

const fn write(product: &'static Product, action: &'static str, fields: &'static [Field], run: Run) -> Operation {
    Operation { product, action, is_write: true, fields, run }
}

/// An operation that its path names. Its product runs it, and the RPC gateway does not know it.
pub(crate) const fn by_path(product: &'static Product, action: &'static str, is_write: bool) -> Operation {
    Operation { product, action, is_write, fields: &[], run: |_| Err(Refusal::documented("InvalidApi.NotFound")) }
}

static OPERATIONS: &[Operation] = &[
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
    read(&VPC, "GetFlowLogServiceStatus", flow_logs::SERVICE, flow_logs::service_status),
    write(&VPC, "OpenFlowLogService", flow_logs::SERVICE, flow_logs::open_service),
    write(&VPC, "TagResources", tags::TAG, tags::tag),
    write(&VPC, "UnTagResources", tags::UNTAG, tags::untag),
    read(&VPC, "ListTagResources", tags::LIST, tags::list),
    write(&VPC, "MoveResourceGroup", tags::MOVE, tags::move_group),
    read(&VPC, "DescribeRegions", REGIONS_OF_VPC, regions),
    read(&ECS, "DescribeRegions", &[], regions),
    write(&ECS, "CreateNetworkInterface", network_interfaces::CREATE, network_interfaces::create),
    write(&ECS, "DeleteNetworkInterface", network_interfaces::DELETE, network_interfaces::delete),
    read(&ECS, "DescribeNetworkInterfaces", network_interfaces::DESCRIBE, network_interfaces::describe),
    write(&ECS, "RunInstances", network_interfaces::RUN_INSTANCES, network_interfaces::run_instances),
    write(&ECS, "TagResources", tags::TAG_OF_ECS, tags::tag),
    write(&ECS, "UntagResources", tags::UNTAG_OF_ECS, tags::untag),
    read(&ECS, "ListTagResources", tags::LIST_OF_ECS, tags::list),
    read(&STS, "GetCallerIdentity", &[], sts::caller_identity),
    read(&STS, "AssumeRole", sts::ASSUME, sts::assume_role),
    read(&RESOURCE_DIRECTORY, "ListAccounts", directory::LIST_ACCOUNTS, directory::list_accounts),
    read(&RESOURCE_DIRECTORY, "GetAccount", directory::GET_ACCOUNT, directory::get_account),
    read(&RESOURCE_DIRECTORY, "ListFoldersForParent", directory::LIST_FOLDERS, directory::list_folders),
    read(&BSS, "DescribeInstanceBill", bills::DESCRIBE, bills::describe),
    read(&CMS, "DescribeMetricList", metrics::DESCRIBE, metrics::describe),
    write(&ECR, "CreateExpressConnectRouter", routers::CREATE_ROUTER, routers::create_router),
    write(&ECR, "AttachExpressConnectRouterChildInstance", routers::ATTACH, routers::attach),
    read(&ECR, "DescribeExpressConnectRouter", routers::DESCRIBE_ROUTERS, routers::describe_routers),
    read(&ECR, "DescribeExpressConnectRouterChildInstance", routers::DESCRIBE_CHILDREN, routers::describe_children),
    write(&ECR, "CreateFlowLog", routers::CREATE, routers::create),
    write(&ECR, "DeleteFlowlog", routers::ONE, routers::delete),
    write(&ECR, "ActivateFlowLog", routers::ONE, routers::activate),
    write(&ECR, "DeactivateFlowLog", routers::ONE, routers::deactivate),
    write(&ECR, "ModifyFlowLogAttribute", routers::MODIFY, routers::modify),
    read(&ECR, "DescribeFlowLogs", routers::DESCRIBE, routers::describe),
    write(&ECR, "TagResources", tags::TAG_ROUTER, tags::tag),
    write(&ECR, "UntagResources", tags::UNTAG_ROUTER, tags::untag),
    read(&ECR, "ListTagResources", tags::LIST_OF_ROUTER, tags::list),
];

const REGIONS_OF_VPC: &[Field] =
    &[optional("AcceptLanguage", Kind::OneOf(&["zh-CN", "en-US"])), optional("ProductType", Kind::Text)];

/// Returns the operation with this name and version, or the refusal if there is none.
pub(crate) fn find(action: &str, version: &str) -> Result<&'static Operation, Refusal> {
    if !OPERATIONS.iter().any(|known| known.product.version == version) {
        return Err(Refusal::documented("NoSuchVersion"));
    }
    let found = OPERATIONS.iter().find(|known| known.action == action && known.product.version == version);
    found.ok_or_else(|| Refusal::documented("InvalidApi.NotFound"))
}

/// Returns the names of all operations as in RAM, such as `vpc:CreateFlowLog`.
pub(crate) fn names() -> impl Iterator<Item = String> {
    OPERATIONS.iter().map(Operation::name)
}

/// Returns the actions of RAM that allow operations.
pub(crate) fn permissions() -> impl Iterator<Item = String> {
    OPERATIONS.iter().map(Operation::permission)
}

/// Returns the API version of the first product that has an operation of this name.
pub(crate) fn version_of(action: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|known| known.action == action).map(|known| known.product.version)
}

impl Operation {
    /// Returns the operation's name prefixed with the product's, as in RAM.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.product.name, self.action)
    }

    /// Returns the action of RAM that allows the operation, which is not always named like it.
    pub(crate) fn permission(&self) -> String {
        let action = match self.action {
            "GetLogsV2" | "GetHistograms" => "GetLogStoreLogs",
            "DescribeInstanceBill" => "DescribeBillList",
            "DescribeMetricList" => "QueryMetricList",
            action => action,
        };
        format!("{}:{action}", self.product.name)
    }

    /// Returns whether the operation creates the resource that it affects.
    pub(crate) fn is_creation(&self) -> bool {
        self.action.starts_with("Create")
    }

    /// Returns whether the operation is about one region, so that an account that may not use the region is refused.
    pub(crate) fn is_regional(&self) -> bool {
        [&VPC, &ECS].contains(&self.product) && self.action != "DescribeRegions"
    }

    /// Checks the parameters and runs the operation.
    pub(crate) fn run(&self, scope: &mut Scope<'_>) -> Answer {
        let regions = scope.options.known_regions();
        for field in self.fields {
            field.check(scope.parameters, &regions)?;
        }
        let mut answer = if scope.parameters.is_on("DryRun") { self.try_out(scope)? } else { self.run_once(scope)? };
        if *self.product == ECR {
            answer["Success"] = json!(true);
            answer["Code"] = json!("200");
            answer["Message"] = json!("OK");
            if !self.action.ends_with("TagResources") {
                answer["HttpStatusCode"] = json!(200);
                for nothing in ["DynamicCode", "DynamicMessage", "AccessDeniedDetail"] {
                    answer[nothing] = json!("");
                }
            }
        }
        Ok(answer)
    }

    /// Runs the operation and restores the state.
    fn try_out(&self, scope: &mut Scope<'_>) -> Answer {
        let before = scope.state.clone();
        let tried = (self.run)(scope);
        *scope.state = before;
        scope.changing.clear();
        tried?;
        Err(Refusal::new("DryRunOperation", "Request validation has been passed with DryRun flag set."))
    }

    /// Runs the operation, unless it already ran with the same client token.
    fn run_once(&self, scope: &mut Scope<'_>) -> Answer {
        let token = scope.parameters.get("ClientToken").filter(|_| *self.product == ECR && self.is_write);
        let Some(token) = token else { return (self.run)(scope) };
        let key = (scope.place.account.clone(), self.action, token.to_owned());
        let asked = scope.parameters.own();
        match scope.state.answered.get(&key) {
            Some(before) if before.asked == asked => Ok(before.answer.clone()),
            Some(_) => Err(Refusal::new(
                "IdempotentParameterMismatch",
                "The request uses the same client token as a previous, but non-identical request.",
            )),
            None => {
                let answer = (self.run)(scope)?;
                scope.state.answered.insert(key, Answered { asked, answer: answer.clone() });
                Ok(answer)
            }
        }
    }
}

impl Scope<'_> {
    /// Returns the resources of one kind that the caller sees in its place, oldest first.
    fn visible<'s, R: Resource>(&self, all: impl DoubleEndedIterator<Item = &'s R>) -> Vec<&'s R> {
        let mut seen: Vec<&R> = all.filter(|resource| *resource.place() == self.place).collect();
        if self.hide_newest {
            seen.pop();
        }
        seen
    }

    /// Returns whether each parameter is absent or equal to its value.
    fn filter<const N: usize>(&self, pairs: [(&str, &str); N]) -> bool {
        pairs.iter().all(|(name, value)| self.parameters.get(name).is_none_or(|given| given == *value))
    }

    /// Returns whether a switch is absent or has this value.
    fn is(&self, name: &str, value: bool) -> bool {
        self.parameters.get(name).is_none() || self.parameters.is_on(name) == value
    }

    /// Returns the part of a list that `NextToken` points to, and the next token, which is empty after the last part.
    fn part<T>(&self, all: Vec<T>, size: usize) -> Result<(Vec<T>, String), Refusal> {
        let start = match self.parameters.get("NextToken") {
            None => 0,
            Some(token) => token
                .strip_prefix("next-")
                .and_then(|start| start.parse::<usize>().ok())
                .ok_or_else(|| Refusal::invalid("NextToken"))?,
        };
        let size = size.min(self.max_page_size);
        let end = start.saturating_add(size);
        let next = if end < all.len() { format!("next-{end}") } else { String::new() };
        Ok((all.into_iter().skip(start).take(size).collect(), next))
    }

    /// Returns a part of a list in Express Connect Router's format.
    fn router_page(&self, name: &str, all: Vec<Value>, default_size: usize) -> Answer {
        let size = self.parameters.number("MaxResults")?.unwrap_or(default_size);
        let total = all.len();
        let (items, next) = self.part(all, size)?;
        Ok(json!({name: items, "TotalCount": total, "MaxResults": size, "NextToken": next}))
    }

    /// Returns one page of a list with its number, size and total count. `wire` runs only for the items on the page.
    fn page<T>(&self, all: Vec<T>, default_size: usize, wire: impl FnMut(T) -> Value) -> Result<Page, Refusal> {
        let number = self.parameters.number("PageNumber")?.unwrap_or(1);
        let size = self.parameters.number("PageSize")?.unwrap_or(default_size).min(self.max_page_size);
        let total = all.len();
        let items = all.into_iter().skip(number.saturating_sub(1) * size).take(size).map(wire).collect();
        Ok(Page { number, size, total, items })
    }
}

struct Page {
    number: usize,
    size: usize,
    total: usize,
    items: Vec<Value>,
}

fn regions(scope: &mut Scope<'_>) -> Answer {
    let region = |id: &str| json!({"RegionId": id, "LocalName": local_name(id), "RegionEndpoint": format!("vpc.{id}.aliyuncs.com")});
    let all: Vec<_> = scope.options.known_regions().into_iter().map(region).collect();
    Ok(json!({"Regions": {"Region": all}}))
}
