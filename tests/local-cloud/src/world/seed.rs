//! Creates the resources that a sample event names, so that a function finds them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::parameters::Tags,
    options::Options,
    ram::accounts::{Accounts, OWN_ACCOUNT},
    world::state::{ExpressConnectRouter, FlowLog, NetworkInterface, Place, RouterChild, State, VSwitch, Vpc},
};

/// Creates the resources that an event names, and the resources that contain them.
///
/// A resource that the event reports as deleted is not created, but the flow log that it leaves behind is. For an event
/// that names no resource, such as a timer's, one VPC is created.
pub(crate) fn from_event(state: &mut State, event: &Value, options: &Options, now: Timestamp) {
    let items = match event {
        Value::Array(items) => items.iter().map(parse_nested).collect(),
        one => vec![parse_nested(one)],
    };
    for item in &items {
        Seeder { state, place: place(item, options), now }.make(item);
    }
}

/// Creates a flow log of Flowkeeper's own on a VPC and returns its id.
pub(crate) fn flow_log(state: &mut State, place: Place, vpc_id: &str, now: Timestamp) -> String {
    Seeder { state, place, now }.flow_log(None, "VPC", vpc_id)
}

/// Creates an Express Connect Router with one virtual border router and returns its id.
pub(crate) fn router(state: &mut State, place: Place, now: Timestamp) -> String {
    let child = RouterChild {
        id: state.new_id("vbr"),
        region: place.region.clone(),
        owner: place.account.clone(),
        association_id: state.new_id("ecr-assoc"),
        created: now,
    };
    let router = ExpressConnectRouter {
        id: state.new_id("ecr"),
        place,
        name: String::new(),
        description: String::new(),
        alibaba_side_asn: 45104,
        resource_group_id: "rg-default".into(),
        tags: Tags::new(),
        status: "ACTIVE".into(),
        children: vec![child],
        created: now,
    };
    let id = router.id.clone();
    state.routers.insert(id.clone(), router);
    id
}

/// Creates resources in one place.
pub(super) struct Seeder<'a> {
    pub(super) state: &'a mut State,
    pub(super) place: Place,
    pub(super) now: Timestamp,
}

impl Seeder<'_> {
    fn make(&mut self, item: &Value) {
        let ids = ids(item);
        let of = |prefix: &str| ids.iter().filter(|id| id.starts_with(prefix)).cloned().collect::<Vec<_>>();
        let vpcs = of("vpc-");
        if text_named(item, "eventName").starts_with("DeleteV") || text_named(item, "resourceEventType") == "REMOVE" {
            for id in ids {
                let resource_type = if id.starts_with("vpc-") { "VPC" } else { "VSwitch" };
                self.flow_log(None, resource_type, &id);
            }
            return;
        }
        let vpc = vpcs.first().cloned().unwrap_or_else(|| self.state.new_id("vpc"));
        for id in vpcs.iter().chain([&vpc]) {
            self.vpc(id);
        }
        let (vswitches, interfaces, instances) = (of("vsw-"), of("eni-"), of("i-"));
        let vswitch = vswitches.first().cloned().unwrap_or_else(|| self.state.new_id("vsw"));
        if !(vswitches.is_empty() && interfaces.is_empty() && instances.is_empty()) {
            for id in vswitches.iter().chain([&vswitch]) {
                self.vswitch(id, &vpc);
            }
        }
        for id in interfaces {
            self.network_interface(id, "", &vswitch, &vpc);
        }
        for instance in instances {
            let id = self.state.new_id("eni");
            self.network_interface(id, &instance, &vswitch, &vpc);
        }
        if text_named(item, "eventName") != "DeleteFlowLog" {
            for id in of("fl-") {
                let id = self.flow_log(Some(id), "VPC", &vpc);
                let flow_log = self.state.flow_logs.get_mut(&id);
                match (text_named(item, "eventName").as_str(), flow_log) {
                    ("DeactiveFlowLog", Some(flow_log)) => flow_log.status = "Inactive".into(),
                    ("ModifyFlowLogAttribute", Some(flow_log)) => flow_log.aggregation_interval = 1,
                    _ => {}
                }
            }
        }
    }

    pub(super) fn vpc(&mut self, id: &str) {
        let vpc = Vpc {
            id: id.to_owned(),
            place: self.place.clone(),
            name: String::new(),
            description: String::new(),
            cidr_block: "10.0.0.0/8".into(),
            ipv6_cidr_block: String::new(),
            ipv6_isp: String::new(),
            user_cidrs: Vec::new(),
            is_default: false,
            resource_group_id: "rg-default".into(),
            owner_id: Some(self.place.account.clone()),
            has_old_instances: false,
            tags: Tags::new(),
            created: self.now,
        };
        self.state.vpcs.insert(vpc.id.clone(), vpc);
    }

    pub(super) fn vswitch(&mut self, id: &str, vpc_id: &str) {
        let vswitch = VSwitch {
            id: id.to_owned(),
            place: self.place.clone(),
            vpc_id: vpc_id.to_owned(),
            zone_id: format!("{}-h", self.place.region),
            name: String::new(),
            description: String::new(),
            cidr_block: "10.0.0.0/24".into(),
            ipv6_cidr_block: String::new(),
            is_default: false,
            owner_id: Some(self.place.account.clone()),
            tags: Tags::new(),
            created: self.now,
        };
        self.state.vswitches.insert(vswitch.id.clone(), vswitch);
    }

    pub(super) fn network_interface(&mut self, id: String, instance_id: &str, vswitch_id: &str, vpc_id: &str) {
        let interface = NetworkInterface {
            id,
            place: self.place.clone(),
            vpc_id: vpc_id.to_owned(),
            vswitch_id: vswitch_id.to_owned(),
            zone_id: format!("{}-h", self.place.region),
            name: String::new(),
            description: String::new(),
            security_group_id: "sg-bp1local0000000000000".into(),
            private_ip_address: "10.0.0.10".into(),
            ipv6_addresses: Vec::new(),
            ipv4_prefixes: Vec::new(),
            ipv6_prefixes: Vec::new(),
            instance_id: instance_id.to_owned(),
            owner_id: Some(self.place.account.clone()),
            service_managed: false,
            tags: Tags::new(),
            created: self.now,
        };
        self.state.network_interfaces.insert(interface.id.clone(), interface);
    }

    /// Creates one of Flowkeeper's own flow logs, as the template's policy wants it.
    pub(super) fn flow_log(&mut self, id: Option<String>, resource_type: &str, resource_id: &str) -> String {
        let Place { account, region } = &self.place;
        let flow_log = FlowLog {
            id: id.unwrap_or_else(|| self.state.new_id("fl")),
            place: self.place.clone(),
            name: format!("flowkeeper-{resource_id}"),
            description: "Kept by Flowkeeper".into(),
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
            traffic_type: "All".into(),
            traffic_path: vec!["all".into()],
            project: format!("flowlog-{account}-{region}"),
            log_store: "vpc".into(),
            aggregation_interval: 10,
            ip_version: "IPv4".into(),
            log_format: String::new(),
            resource_group_id: "rg-default".into(),
            tags: [("managed-by".to_owned(), "flowkeeper".to_owned())].into(),
            status: "Active".into(),
            business_status: "Normal".into(),
            service_type: String::new(),
            deliver_status: "SUCCESS".into(),
            deliver_error_message: String::new(),
            created: self.now,
            next: None,
        };
        let created = flow_log.id.clone();
        self.state.flow_logs.insert(created.clone(), flow_log);
        created
    }
}

/// Returns the value with JSON inside strings parsed, at any depth.
fn parse_nested(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).map_or_else(|_| value.clone(), |inner| parse_nested(&inner))
        }
        Value::Array(items) => items.iter().map(parse_nested).collect(),
        Value::Object(members) => members.iter().map(|(name, inner)| (name.clone(), parse_nested(inner))).collect(),
        other => other.clone(),
    }
}

/// Collects every string and number in a value, with the name of its member.
fn texts<'v>(value: &'v Value, name: &'v str, found: &mut Vec<(&'v str, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, name, found)),
        Value::Object(members) => members.iter().for_each(|(member, inner)| texts(inner, member, found)),
        Value::String(text) => found.push((name, text.clone())),
        Value::Number(number) => found.push((name, number.to_string())),
        _ => {}
    }
}

/// Returns the first text with this name, at any depth.
fn text_named(item: &Value, member: &str) -> String {
    let mut found = Vec::new();
    texts(item, "", &mut found);
    found.into_iter().find(|(name, _)| *name == member).map(|(_, text)| text).unwrap_or_default()
}

/// Returns the ids of all resources that are named, including masked ones.
fn ids(item: &Value) -> BTreeSet<String> {
    let mut found = Vec::new();
    texts(item, "", &mut found);
    let is_id = |text: &String| {
        ["vpc-", "vsw-", "eni-", "i-", "fl-"].iter().filter_map(|prefix| text.strip_prefix(prefix)).any(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '*')
        })
    };
    found.into_iter().map(|(_, text)| text).filter(is_id).collect()
}

/// Returns the place of the event, with the own account and region in place of unknown ones.
fn place(item: &Value, options: &Options) -> Place {
    let of = |names: &[&str], is_here: &dyn Fn(&str) -> bool| {
        names.iter().map(|name| text_named(item, name)).find(|text| is_here(text))
    };
    let (accounts, regions) = (Accounts::new(options.accounts), options.known_regions());
    let account =
        of(&["recipientAccountId", "resourceOwnerId", "accountId", "aliyunaccountid"], &|text| accounts.has(text));
    let region = of(&["acsRegion", "regionId", "RegionId", "aliyunregionid"], &|text| regions.contains(&text));
    Place {
        account: account.unwrap_or_else(|| OWN_ACCOUNT.to_owned()),
        region: region.unwrap_or_else(|| options.region.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sls::state::LogService, world::constraints::Constraints};

    /// Returns what exists after a sample: VPCs, vSwitches, network interfaces, and the flow logs with their state.
    fn made(sample: &str) -> (Vec<String>, usize, Vec<String>, Vec<String>) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/events");
        let event = std::fs::read_to_string(format!("{folder}/{sample}.json")).unwrap();
        let mut state = State::new(true, Constraints::default(), LogService::default());
        from_event(&mut state, &serde_json::from_str(&event).unwrap(), &Options::default(), Timestamp::UNIX_EPOCH);
        let flow_log = |one: &FlowLog| format!("{} on {}, {}", one.id, one.resource_id, one.status);
        (
            state.vpcs.values().map(|vpc| format!("{} in {}", vpc.id, vpc.place.account)).collect(),
            state.vswitches.len(),
            state.network_interfaces.values().map(|one| format!("{} {}", one.id, one.instance_id)).collect(),
            state.flow_logs.values().map(flow_log).collect(),
        )
    }

    #[test]
    fn what_an_event_names_is_there_afterwards() {
        let vpc = || vec!["vpc-bp1example00000000001 in 1000000000000001".to_owned()];
        let some = || vec!["vpc-bp1local0000000000001 in 1000000000000001".to_owned()];
        assert_eq!(made("actiontrail-create-vpc"), (vpc(), 0, vec![], vec![]));
        assert_eq!(made("actiontrail-create-vpc-cross-account").0, ["vpc-uf6example00000000007 in 1000000000000002"]);
        assert_eq!(made("actiontrail-create-vswitch"), (vpc(), 1, vec![], vec![]));
        assert_eq!(made("actiontrail-run-instances-console").2, ["eni-bp1local0000000000002 i-bp1example0000000001"]);
        assert_eq!(made("config-item-change"), (vpc(), 0, vec![], vec![]));
        assert_eq!(made("config-fc-remediation").0, vpc());
        assert_eq!(made("fc-timer"), (some(), 0, vec![], vec![]));
        assert_eq!(
            made("actiontrail-delete-vpc"),
            (vec![], 0, vec![], vec!["fl-bp1local0000000000001 on vpc-bp1example00000000001, Active".to_owned()])
        );
        assert_eq!(
            made("config-item-change-removed"),
            (vec![], 0, vec![], vec!["fl-bp1local0000000000001 on vpc-bp1example00000000001, Active".to_owned()])
        );
        assert_eq!(made("actiontrail-delete-flow-log"), (some(), 0, vec![], vec![]));
        assert_eq!(
            made("actiontrail-deactive-flow-log").3,
            ["fl-bp1example00000000001 on vpc-bp1local0000000000001, Inactive"]
        );
    }
}
