//! Resources in JSON: as the API lists them, or in a short form made by hand.
//!
//! The lists are those of `DescribeVpcs`, `DescribeVSwitches` and `DescribeNetworkInterfaces`, as the aliyun CLI prints
//! them.
//! The short form is `{"account", "region", "id", "parents", "tags", "vpc_tags", "status"}`.

use flow_log::{AccountId, InvalidId, ObservedTags, RegionId, Resource, ResourceId, ResourceType, Status};
use serde::Deserialize;
use serde_json::Value;

/// A resource, with what is known around it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) resource: Resource,
    /// The VPC that it is in, if its tags are known.
    pub(crate) vpc: Option<Resource>,
    /// The status of Flowkeeper's flow log on it.
    pub(crate) status: Option<Status>,
}

/// What the lists of the API may leave out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    pub(crate) account: Option<AccountId>,
    pub(crate) region: Option<RegionId>,
}

/// Where the lists of the API are in the answer, and what they list.
const LISTS: [([&str; 2], ResourceType); 3] = [
    (["Vpcs", "Vpc"], ResourceType::Vpc),
    (["VSwitches", "VSwitch"], ResourceType::VSwitch),
    (["NetworkInterfaceSets", "NetworkInterfaceSet"], ResourceType::NetworkInterface),
];

/// The member with the id of a resource of this type.
const fn id_member(of: ResourceType) -> &'static str {
    match of {
        ResourceType::Vpc => "VpcId",
        ResourceType::VSwitch => "VSwitchId",
        ResourceType::NetworkInterface => "NetworkInterfaceId",
    }
}

const FORM: &str = "want a list as DescribeVpcs prints it, or {\"account\": \"…\", \"region\": \"…\", \"id\": \"vpc-…\", \
    \"parents\": […], \"tags\": {…}}";

/// Reads the resources in a text. Mistakes are returned all at once, without the name of the file.
pub(crate) fn parse(text: &str, defaults: &Defaults) -> Result<Vec<Listed>, Vec<String>> {
    let value: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| vec![format!("{error}; {FORM}")])?;
    let lists: Vec<_> =
        LISTS.iter().filter_map(|([outer, inner], of)| Some((list(&value, outer, inner)?, *of))).collect();
    if lists.is_empty() {
        return short_form(text, defaults).map(|listed| vec![listed]);
    }
    let mut found = Vec::new();
    let mut mistakes = Vec::new();
    for (items, of) in lists {
        for (nth, item) in items.iter().enumerate() {
            match listed(item, of, defaults) {
                Ok(resource) => found.push(Listed { resource, vpc: None, status: None }),
                Err(problem) => mistakes.push(format!("item {nth}: {problem}")),
            }
        }
    }
    if mistakes.is_empty() { Ok(found) } else { Err(mistakes) }
}

/// A list that is wrapped, as `{"Vpcs": {"Vpc": […]}}`, or not.
fn list<'a>(value: &'a Value, outer: &str, inner: &str) -> Option<&'a Vec<Value>> {
    let found = value.get(outer)?;
    found.as_array().or_else(|| found.get(inner)?.as_array())
}

/// Reads an item of a list.
fn listed(item: &Value, of: ResourceType, defaults: &Defaults) -> Result<Resource, String> {
    let text = |name: &str| item.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |name: &str| item.get(name).and_then(Value::as_u64).map(|number| number.to_string());
    let exact = |what: ResourceType| {
        let name = id_member(what);
        let id = text(name).ok_or_else(|| format!("it has no {name}"))?;
        ResourceId::exact_of(what, id).map_err(|error| format!("{name}: {error}"))
    };
    let owner = number("OwnerId").or_else(|| text("OwnerId").map(str::to_owned));
    let account = match owner {
        Some(owner) => AccountId::exact(&owner).map_err(|error| format!("OwnerId: {error}"))?,
        None => defaults.account.clone().ok_or("it has no OwnerId; give the account with --account")?,
    };
    let region = match text("RegionId") {
        Some(region) => RegionId::exact(region).map_err(|error| format!("RegionId: {error}"))?,
        None => defaults.region.clone().ok_or("it has no RegionId; give the region with --region")?,
    };
    let id = exact(of)?;
    let parents = match of {
        ResourceType::Vpc => Vec::new(),
        ResourceType::VSwitch => vec![exact(ResourceType::Vpc)?],
        ResourceType::NetworkInterface => vec![exact(ResourceType::VSwitch)?, exact(ResourceType::Vpc)?],
    };
    Ok(Resource {
        account,
        region,
        id,
        parents,
        tags: Some(tags(item)?),
        name: None,
        is_service_managed: false,
        creation_time: None,
        has_ipv6: None,
    })
}

/// Reads tags, wrapped or not, under either pair of names.
fn tags(item: &Value) -> Result<ObservedTags, String> {
    let Some(found) = item.get("Tags").or_else(|| item.get("TagSet")).filter(|found| !found.is_null()) else {
        return Ok(ObservedTags::new());
    };
    let list = found.as_array().or_else(|| found.get("Tag")?.as_array());
    let Some(list) = list else {
        let is_empty = found.as_object().is_some_and(serde_json::Map::is_empty);
        return if is_empty { Ok(ObservedTags::new()) } else { Err("Tags is no list of tags".to_owned()) };
    };
    let pair = |tag: &Value| {
        let text = |names: [&str; 2]| names.iter().find_map(|name| tag.get(name)?.as_str()).map(str::to_owned);
        let key = text(["Key", "TagKey"]).ok_or_else(|| "a tag has no Key".to_owned())?;
        Ok((key, text(["Value", "TagValue"]).unwrap_or_default()))
    };
    list.iter().map(pair).collect()
}

/// A resource in the short form that people write by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    account: Option<String>,
    region: Option<String>,
    id: String,
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    vpc_tags: Option<std::collections::BTreeMap<String, String>>,
    status: Option<String>,
}

fn short_form(text: &str, defaults: &Defaults) -> Result<Listed, Vec<String>> {
    let written: Written =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| vec![format!("{error}; {FORM}")])?;
    let mut mistakes = Vec::new();
    let account = match &written.account {
        Some(account) => read(&mut mistakes, "account", AccountId::exact(account)),
        None => or_option(&mut mistakes, defaults.account.clone(), "account"),
    };
    let region = match &written.region {
        Some(region) => read(&mut mistakes, "region", RegionId::exact(region)),
        None => or_option(&mut mistakes, defaults.region.clone(), "region"),
    };
    let id = read(&mut mistakes, "id", ResourceId::exact(&written.id));
    let parents = written.parents.iter();
    let mut parents: Vec<_> =
        parents.filter_map(|parent| read(&mut mistakes, "parents", ResourceId::exact(parent))).collect();
    parents.sort_by_key(|parent| std::cmp::Reverse(parent.resource_type()));
    if let Some(id) = id.as_ref().filter(|_| parents.len() == written.parents.len()) {
        let levels =
            ResourceType::ALL.into_iter().rev().filter(|level| *level < id.resource_type()).collect::<Vec<_>>();
        if !parents.iter().map(ResourceId::resource_type).eq(levels.iter().copied()) {
            let ids: Vec<_> = levels.iter().map(|level| format!("the id of its {level}")).collect();
            let ids = if ids.is_empty() { "nothing".to_owned() } else { ids.join(" and ") };
            mistakes.push(format!("parents of a {} hold {ids}", id.resource_type()));
        }
    }
    let status = written.status.as_deref().map(Status::from);
    if let Some(Status::Unknown(given)) = &status {
        let known = "Activating, Active, Deactivating, Inactive, Modifying, Deleting";
        mistakes.push(format!("status: {given:?} is not the status of a flow log: one of {known}"));
    }
    if written.vpc_tags.is_some() && id.as_ref().is_some_and(|id| id.resource_type() == ResourceType::Vpc) {
        mistakes.push("vpc_tags: those of a VPC itself are its tags".to_owned());
    }
    match (account, region, id) {
        (Some(account), Some(region), Some(id)) if mistakes.is_empty() => {
            let tags = Some(written.tags.into_iter().collect());
            let resource = Resource {
                account,
                region,
                id,
                parents,
                tags,
                name: None,
                is_service_managed: false,
                creation_time: None,
                has_ipv6: None,
            };
            let vpc = resource.vpc().cloned().zip(written.vpc_tags).map(|(vpc_id, vpc_tags)| Resource {
                id: vpc_id,
                parents: Vec::new(),
                tags: Some(vpc_tags.into_iter().collect()),
                ..resource.clone()
            });
            Ok(Listed { resource, vpc, status })
        }
        _ => Err(mistakes),
    }
}

fn read<T>(mistakes: &mut Vec<String>, field: &str, read: Result<T, InvalidId>) -> Option<T> {
    read.map_err(|error| mistakes.push(format!("{field}: {error}"))).ok()
}

fn or_option<T>(mistakes: &mut Vec<String>, given: Option<T>, field: &str) -> Option<T> {
    if given.is_none() {
        mistakes.push(format!("it has no {field}; give it with --{field}"));
    }
    given
}

/// Gives each resource its VPC, if that is listed as well.
pub(crate) fn join(mut listed: Vec<Listed>) -> Vec<Listed> {
    let vpcs: Vec<Resource> =
        listed.iter().map(|it| &it.resource).filter(|it| it.id.resource_type() == ResourceType::Vpc).cloned().collect();
    for it in &mut listed {
        if it.vpc.is_none() && it.resource.id.resource_type() != ResourceType::Vpc {
            it.vpc = vpcs.iter().find(|vpc| Some(&vpc.id) == it.resource.vpc()).cloned();
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Defaults {
        Defaults { account: "1000000000000001".parse().ok(), region: "cn-hangzhou".parse().ok() }
    }

    #[test]
    fn lists_of_the_api_are_read_as_they_are_printed() {
        let vpcs = r#"{"Vpcs": {"Vpc": [{"VpcId": "vpc-1", "RegionId": "us-east-1", "OwnerId": 1000000000000002,
            "Tags": {"Tag": [{"Key": "env", "Value": "dev"}]}, "CidrBlock": "10.0.0.0/8"}, {"VpcId": "vpc-2"}]}}"#;
        let found = parse(vpcs, &defaults()).unwrap();
        assert_eq!((found[0].resource.id.as_str(), found[0].resource.account.as_str()), ("vpc-1", "1000000000000002"));
        assert_eq!(found[0].resource.tags.as_ref().unwrap().get("env").map(String::as_str), Some("dev"));
        assert_eq!(
            (found[1].resource.region.as_str(), found[1].resource.account.as_str()),
            ("cn-hangzhou", "1000000000000001")
        );

        let interfaces = r#"{"NetworkInterfaceSets": {"NetworkInterfaceSet": [{"NetworkInterfaceId": "eni-1",
            "VSwitchId": "vsw-1", "VpcId": "vpc-1", "OwnerId": "2", "Tags": {"Tag": [{"TagKey": "a", "TagValue": "b"}]}}]}}"#;
        let both = [parse(vpcs, &defaults()).unwrap(), parse(interfaces, &defaults()).unwrap()].concat();
        let joined = join(both);
        assert_eq!(joined[2].resource.parents.len(), 2);
        assert_eq!(joined[2].vpc.as_ref().map(|vpc| vpc.id.as_str()), Some("vpc-1"));
        assert!(joined[0].vpc.is_none());
    }

    #[test]
    fn every_item_that_cannot_be_read_is_said() {
        let text =
            r#"{"Vpcs": [{"RegionId": "us-east-1", "OwnerId": 1}, {"VpcId": "vsw-1"}, {"VpcId": "vpc-bp1****"}]}"#;
        let without_options = parse(text, &Defaults::default()).unwrap_err();
        assert_eq!(without_options[0], "item 0: it has no VpcId");
        assert_eq!(without_options[1], "item 1: it has no OwnerId; give the account with --account");
        let mistakes = parse(text, &defaults()).unwrap_err();
        assert!(mistakes[2].starts_with("item 2: VpcId: \"vpc-bp1****\" is not an exact id"), "{mistakes:?}");
        let odd = r#"{"Vpcs": [{"VpcId": "vpc-1", "Tags": "a=b"}]}"#;
        assert_eq!(parse(odd, &defaults()).unwrap_err(), ["item 0: Tags is no list of tags"]);
    }
}
