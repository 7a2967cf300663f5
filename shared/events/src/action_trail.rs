//! API calls recorded by ActionTrail.

use std::borrow::Cow;

use flow_log::{AccountId, ResourceId, ResourceType};
use json::Json;

use crate::{
    Caller, Event, EventKind, FlowLogCall, MAX_RESOURCES, Unreadable,
    lenient::{account, object, region, short, text, time},
};

/// What an operation does.
#[derive(Clone, Copy)]
enum Meaning {
    /// It creates a resource.
    Creates(ResourceType),
    /// It launches instances.
    Launches,
    /// An order in the console, possibly for instances. ActionTrail records little more than their ids.
    Orders,
    /// It deletes a resource.
    Deletes(ResourceType),
    /// It changes a flow log.
    Changes(FlowLogCall),
}

/// The operations that matter: the product as ActionTrail names it, the operation, and its meaning.
const CALLS: [(&str, &str, Meaning); 16] = {
    use FlowLogCall::{Activate, Create, Deactivate, Delete, Modify};
    use Meaning::{Changes, Creates, Deletes, Launches, Orders};
    use ResourceType::{NetworkInterface, VSwitch, Vpc};
    [
        ("Vpc", "CreateVpc", Creates(Vpc)),
        ("Vpc", "CreateDefaultVpc", Creates(Vpc)),
        ("Vpc", "CreateVSwitch", Creates(VSwitch)),
        ("Vpc", "CreateDefaultVSwitch", Creates(VSwitch)),
        ("Ecs", "CreateNetworkInterface", Creates(NetworkInterface)),
        ("Ecs", "RunInstances", Launches),
        ("Ecs", "CreateInstance", Launches),
        ("Ecs", "Create", Orders),
        ("Vpc", "DeleteVpc", Deletes(Vpc)),
        ("Vpc", "DeleteVSwitch", Deletes(VSwitch)),
        ("Ecs", "DeleteNetworkInterface", Deletes(NetworkInterface)),
        ("Vpc", "CreateFlowLog", Changes(Create)),
        ("Vpc", "DeleteFlowLog", Changes(Delete)),
        ("Vpc", "ActiveFlowLog", Changes(Activate)),
        ("Vpc", "DeactiveFlowLog", Changes(Deactivate)),
        ("Vpc", "ModifyFlowLogAttribute", Changes(Modify)),
    ]
};

/// Where a recorded call holds the ids of one kind of resource.
#[derive(Clone, Copy)]
struct Naming {
    /// Key paths in response and parameters, the most specific first.
    keys: &'static [&'static [&'static str]],
    /// Product and name of the resource type, which is written `ACS::VPC::VSwitch`, or just `VSwitch`.
    resource_type: (&'static str, &'static str),
}

const INSTANCES: Naming = Naming {
    keys: &[&["InstanceIdSets", "InstanceIdSet"], &["InstanceIdSets"], &["InstanceIdSet"], &["InstanceId"]],
    resource_type: ("ECS", "Instance"),
};
const FLOW_LOGS: Naming = Naming { keys: &[&["FlowLogId"]], resource_type: ("VPC", "FlowLog") };

const fn naming(resource_type: ResourceType) -> Naming {
    match resource_type {
        ResourceType::Vpc => Naming { keys: &[&["VpcId"]], resource_type: ("VPC", "VPC") },
        ResourceType::VSwitch => Naming { keys: &[&["VSwitchId"]], resource_type: ("VPC", "VSwitch") },
        ResourceType::NetworkInterface => {
            Naming { keys: &[&["NetworkInterfaceId"]], resource_type: ("ECS", "NetworkInterface") }
        }
    }
}

/// A recorded call. Its objects may come as strings that hold JSON.
struct Call<'a> {
    body: &'a Json<'a>,
    parameters: Cow<'a, Json<'a>>,
    parameter_json: Cow<'a, Json<'a>>,
    response: Cow<'a, Json<'a>>,
    identity: Cow<'a, Json<'a>>,
}

/// Reads a recorded call: one event for each resource that it names, or a single event for all instances of a launch.
/// `source` and `bus_account` come from the envelope, if there is one.
///
/// # Errors
/// The call names more than [`MAX_RESOURCES`].
pub(crate) fn read<'a>(
    body: &'a Json<'a>,
    source: Option<&str>,
    bus_account: impl FnOnce() -> Option<AccountId>,
) -> Result<Vec<Event>, Unreadable> {
    let call = Call {
        body,
        parameters: object(body, "requestParameters"),
        parameter_json: object(body, "requestParameterJson"),
        response: object(body, "responseElements"),
        identity: object(body, "userIdentity"),
    };
    let time = time(body, "eventTime");
    let asked_for = |parameters| region(parameters, &["RegionId", "regionId"]);
    let region = region(body, &["acsRegion"])
        .or_else(|| asked_for(&call.parameters))
        .or_else(|| asked_for(&call.parameter_json));
    // The envelope of a forwarded event may name the account that forwarded it. The caller's account does not tell the
    // owner: a caller may come from another account.
    let account = account(body, &["recipientAccountId"]).or_else(bus_account);
    let events = call.events(source)?;
    let found = |event| Event { time, account: account.clone(), region: region.clone(), ..Event::of(event) };
    Ok(events.into_iter().map(found).collect())
}

impl Call<'_> {
    fn events(&self, source: Option<&str>) -> Result<Vec<EventKind>, Unreadable> {
        let (name, meaning) = match self.meaning(source) {
            Ok(known) => known,
            Err(event) => return Ok(vec![event]),
        };
        let was_dry_run = || EventKind::Ignored(format!("the call {name} was a dry run"));
        if let Some(code) = self.failure() {
            return Ok(vec![match code.as_str() {
                "DryRunOperation" => was_dry_run(),
                code => EventKind::Ignored(format!("the call {name} failed ({})", short(code))),
            }]);
        }
        let is_dry_run = [&self.parameters, &self.parameter_json].into_iter().any(|parameters| is_dry_run(parameters));
        // A dry run of a deletion names the resource that it would have deleted.
        if is_dry_run && matches!(meaning, Meaning::Deletes(_)) {
            return Ok(vec![was_dry_run()]);
        }
        let ids = self.ids(match meaning {
            Meaning::Creates(resource_type) | Meaning::Deletes(resource_type) => naming(resource_type),
            Meaning::Launches | Meaning::Orders => INSTANCES,
            Meaning::Changes(_) => FLOW_LOGS,
        });
        if ids.len() > MAX_RESOURCES {
            return Err(Unreadable::too_many_resources(ids.len()));
        }
        if ids.is_empty() {
            return Ok(vec![if is_dry_run { was_dry_run() } else { names_nothing(&name, meaning) }]);
        }
        let of_resource = |resource_type, event: fn(ResourceId) -> EventKind| {
            ids.iter().map(|id| resource(resource_type, id, &name).map_or_else(EventKind::Malformed, event)).collect()
        };
        Ok(match meaning {
            Meaning::Creates(resource_type) => of_resource(resource_type, EventKind::Created),
            Meaning::Deletes(resource_type) => of_resource(resource_type, EventKind::Deleted),
            Meaning::Launches | Meaning::Orders => launched(ids, &name),
            Meaning::Changes(call) => {
                let changed = |flow_log| EventKind::FlowLogChanged { call, flow_log, caller: self.caller() };
                let event = |id: &String| match id.parse() {
                    Ok(flow_log) => changed(flow_log),
                    Err(error) => EventKind::Malformed(format!("the call {name}: {error}")),
                };
                ids.iter().map(event).collect()
            }
        })
    }

    /// The name of the call and its meaning, or the event that says why it is ignored or malformed.
    fn meaning(&self, source: Option<&str>) -> Result<(String, Meaning), EventKind> {
        let Some(name) = text(self.body, "eventName") else {
            return Err(EventKind::Malformed("a recorded call has no eventName".to_owned()));
        };
        let service = text(self.body, "serviceName");
        let of_this_name = || CALLS.iter().filter(|(_, operation, _)| *operation == name);
        if let Some((_, _, meaning)) = of_this_name().find(|(product, ..)| is_of(product, service.as_deref(), source)) {
            return Ok((name.into_owned(), *meaning));
        }
        // Orders are called `Create` in every product.
        let is_distinct = |meaning: &Meaning| !matches!(meaning, Meaning::Orders);
        if service.is_none() && source.is_none() && of_this_name().any(|(.., meaning)| is_distinct(meaning)) {
            return Err(EventKind::Malformed(format!(
                "the call {name} does not say which product it is of: it has no serviceName"
            )));
        }
        let of = service.as_deref().or(source).map(|of| format!(" of {}", short(of))).unwrap_or_default();
        Err(EventKind::Ignored(format!("the call {}{of} is none that is looked at", short(&name))))
    }

    /// The error code or message of a failed call. A code that means success wins over any message next to it.
    fn failure(&self) -> Option<String> {
        let failed = |said: &Cow<'_, str>| !says_success(said);
        match text(self.body, "errorCode") {
            Some(code) => Some(code).filter(failed),
            None => text(self.body, "errorMessage").filter(failed),
        }
        .map(Cow::into_owned)
    }

    fn caller(&self) -> Option<Caller> {
        let name = text(&self.identity, "userName")?.into_owned();
        Some(Caller { name, account: account(&self.identity, &["accountId"]) })
    }

    /// Returns the ids from the first place that has any. Where they are depends on the caller: for example, calls by
    /// the system are recorded without parameters and response.
    fn ids(&self, Naming { keys, resource_type }: Naming) -> Vec<String> {
        let objects = [&self.response, &self.parameters, &self.parameter_json];
        let mut of_keys = objects.into_iter().flat_map(|object| {
            let object: &Json<'_> = object;
            keys.iter().filter_map(move |path| path.iter().try_fold(object, |object, key| object.get(key)))
        });
        of_keys
            .find_map(|found| Some(texts_of(found)).filter(|ids| !ids.is_empty()))
            .or_else(|| Some(self.referenced(resource_type)).filter(|ids| !ids.is_empty()))
            .unwrap_or_else(|| self.named(resource_type))
    }

    /// The ids in `referencedResources`, which is a map from types to ids, or a list of pairs.
    fn referenced(&self, resource_type: (&str, &str)) -> Vec<String> {
        let referenced = match self.body.get("referencedResources") {
            Some(Json::Text(text)) => Cow::Owned(Json::read(text.as_bytes()).unwrap_or(Json::Null)),
            Some(value) => Cow::Borrowed(value),
            None => return Vec::new(),
        };
        match &*referenced {
            Json::Object(fields) => {
                let of_type = fields.iter().filter(|(written, _)| is_type(written, resource_type));
                of_type.flat_map(|(_, ids)| texts_of(ids)).collect()
            }
            Json::Array(entries) => entries.iter().flat_map(|entry| pairs(entry, resource_type)).collect(),
            _ => Vec::new(),
        }
    }

    /// The ids in `resourceName`; their types are in `resourceType`.
    fn named(&self, resource_type: (&str, &str)) -> Vec<String> {
        pairs(self.body, resource_type)
    }
}

/// The names of type `resource_type` in two parallel lists, each joined by semicolons. A single type applies to all
/// names.
fn pairs(of: &Json<'_>, resource_type: (&str, &str)) -> Vec<String> {
    let (Some(types), Some(names)) = (text(of, "resourceType"), text(of, "resourceName")) else { return Vec::new() };
    let types: Vec<_> = types.split(';').map(str::trim).collect();
    let type_of = |nth: usize| if let [all] = types[..] { Some(all) } else { types.get(nth).copied() };
    let names = names.split(';').map(str::trim).enumerate();
    let is_meant =
        |nth, name: &str| !name.is_empty() && type_of(nth).is_some_and(|found| is_type(found, resource_type));
    names.filter(|(nth, name)| is_meant(*nth, name)).map(|(_, name)| name.to_owned()).collect()
}

/// Whether a resource type as ActionTrail writes it, `ACS::VPC::VSwitch` or `VSwitch`, has this product and name.
fn is_type(written: &str, (product, name): (&str, &str)) -> bool {
    let mut parts = written.rsplit("::");
    parts.next().is_some_and(|last| last.eq_ignore_ascii_case(name))
        && parts.next().is_none_or(|of| of.eq_ignore_ascii_case(product))
}

/// The strings of a list. A single string counts as a list of one, and a list may come as a string that holds JSON.
fn texts_of(value: &Json<'_>) -> Vec<String> {
    match value {
        Json::Text(text) if text.trim_start().starts_with('[') => {
            let list = Json::read(text.as_bytes()).unwrap_or(Json::Null);
            list.texts().map(str::to_owned).collect()
        }
        Json::Text(text) if !text.is_empty() => vec![text.clone().into_owned()],
        list => list.texts().map(str::to_owned).collect(),
    }
}

/// The event for a call that succeeded but names no resource.
fn names_nothing(name: &str, meaning: Meaning) -> EventKind {
    let (place, key) = match meaning {
        Meaning::Creates(resource_type) => ("its responseElements have", naming(resource_type).keys[0][0]),
        Meaning::Deletes(resource_type) => ("its requestParameters have", naming(resource_type).keys[0][0]),
        Meaning::Launches => return EventKind::Malformed(format!("the call {name} succeeded, and names no instance")),
        Meaning::Changes(_) => {
            return EventKind::Malformed(format!("the call {name} succeeded, and names no FlowLogId"));
        }
        Meaning::Orders => return EventKind::Ignored(format!("the call {name} names no instance")),
    };
    EventKind::Malformed(format!("the call {name} succeeded, and {place} no {key}, nor does it name one elsewhere"))
}

/// One launch with the valid ids, and a malformed event for each invalid id.
fn launched(ids: Vec<String>, name: &str) -> Vec<EventKind> {
    let (ids, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| is_instance(id));
    let malformed =
        |id: String| EventKind::Malformed(format!("the call {name}: \"{}\" is not an instance id", short(&id)));
    let launch = Some(ids).filter(|ids| !ids.is_empty()).map(EventKind::Launched);
    others.into_iter().map(malformed).chain(launch).collect()
}

/// Whether a call belongs to `product`, and not to another product with a call of the same name: Smart Access Gateway,
/// CEN and Express Connect Router have flow logs, too.
fn is_of(product: &str, service: Option<&str>, source: Option<&str>) -> bool {
    match (service, source) {
        (Some(service), _) => service.eq_ignore_ascii_case(product),
        (None, Some(source)) => {
            let source = source.strip_prefix("acs.").or_else(|| source.strip_prefix("acs:"));
            source.is_some_and(|source| source.eq_ignore_ascii_case(product))
        }
        // Neither names a product.
        (None, None) => false,
    }
}

/// Whether an error code, or a message in its place, means that the call succeeded.
fn says_success(said: &str) -> bool {
    ["200", "success", "ok"].iter().any(|word| said.trim().eq_ignore_ascii_case(word))
}

fn resource(resource_type: ResourceType, id: &str, name: &str) -> Result<ResourceId, String> {
    ResourceId::of(resource_type, id).map_err(|error| format!("the call {name}: {error}"))
}

/// `*` is accepted because Alibaba Cloud masks published ids with it.
fn is_instance(id: &str) -> bool {
    id.len() <= 64
        && id.strip_prefix("i-").is_some_and(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*'))
        })
}

fn is_dry_run(parameters: &Json<'_>) -> bool {
    text(parameters, "DryRun").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
