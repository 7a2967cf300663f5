//! Policies, good and bad.

use std::collections::BTreeMap;

use flow_log::{
    Policy, ResourceType,
    names::{AggregationInterval, TrafficType},
    policy::{Foreign, Limits, Origin, ScheduleName},
};

use crate::support::vpc;

const SMALLEST: &str = "flow_log: {project: flowlog-{account}-{region}, log_store: vpc}";

const WHOLE: &str = r#"
flow_log:
  project: flowlog-{account}-{region}
  log_store: vpc
  traffic_type: Drop
  aggregation_interval: 5
  traffic_path: [all]
  ip_version: IPv4
  name: flowkeeper-{resource_id}
  description: Kept by Flowkeeper
  resource_group_id: rg-example
  tags: {team: network}
coverage: vswitch
regions: [cn-hangzhou, cn-shanghai]
accounts:
  - {id: "1000000000000002", role: "acs:ram::1000000000000002:role/flowkeeper", external_id: optional}
own_account: false
exclude: {ids: [vpc-example], tags: {flowkeeper: ignore}}
schedule: office-hours
schedules:
  office-hours:
    time_zone: Asia/Shanghai
    on: ["Mon-Fri 07:00-21:00"]
    off_dates: ["2026-10-01..2026-10-07"]
overrides:
  - match: {tags: {env: dev}, vpc_ids: [vpc-example], accounts: ["1000000000000001"], regions: [cn-hangzhou]}
    traffic_type: Allow
    coverage: network-interface
    schedule: never
limits: {max_changes: 7, max_changes_percent: 8}
foreign: manage
replace: true
"#;

/// The mistakes in a policy, a line each.
fn mistakes(text: &str) -> Vec<String> {
    Policy::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_smallest_policy_has_the_documented_defaults() {
    // The value must be quoted within braces, where `{` and `,` mean something.
    let policy = Policy::parse("flow_log:\n  project: flowlog-{account}-{region}\n  log_store: vpc\n").unwrap();
    assert_eq!(policy.coverage, ResourceType::Vpc);
    assert_eq!(policy.schedule, ScheduleName::Always);
    assert_eq!(policy.limits, Limits { max_changes: 50, max_changes_percent: 30 });
    assert_eq!(policy.foreign, Foreign::Leave);
    assert!(policy.own_account && !policy.replace);

    let spec = policy.flow_log.fill(&vpc("vpc-1")).unwrap();
    assert_eq!(spec.project.as_str(), "flowlog-1000000000000001-cn-hangzhou");
    assert_eq!(spec.name.as_str(), "flowkeeper-vpc-1");
    assert_eq!(spec.description.as_str(), "Kept by Flowkeeper");
    assert_eq!(spec.traffic_type, TrafficType::All);
    assert_eq!(spec.aggregation_interval, AggregationInterval::Ten);
    assert!(spec.traffic_path.is_empty() && spec.ip_version.is_none() && spec.resource_group_id.is_none());
    let tags: Vec<_> = spec.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("managed-by", "flowkeeper")]);
}

#[test]
fn every_key_of_a_whole_policy_is_read() {
    let policy = Policy::parse(WHOLE).unwrap();
    assert_eq!(policy.flow_log.traffic_type, TrafficType::Drop);
    assert_eq!(policy.flow_log.aggregation_interval, AggregationInterval::Five);
    assert_eq!(policy.coverage, ResourceType::VSwitch);
    assert_eq!(policy.regions.len(), 2);
    assert_eq!(policy.accounts[0].external_id.as_deref(), Some("optional"));
    assert!(!policy.own_account);
    assert_eq!(policy.exclude.ids.len() + policy.exclude.tags.len(), 2);
    assert_eq!(policy.schedule, ScheduleName::Named("office-hours".to_owned()));
    assert_eq!(policy.schedules["office-hours"].on.len(), 1);
    assert_eq!(policy.overrides[0].coverage, Some(ResourceType::NetworkInterface));
    assert_eq!(policy.overrides[0].schedule, Some(ScheduleName::Never));
    assert_eq!(policy.limits, Limits { max_changes: 7, max_changes_percent: 8 });
    assert_eq!(policy.foreign, Foreign::Manage);
    assert!(policy.replace);
}

#[test]
fn each_field_is_known_to_come_from_the_defaults_the_policy_or_the_override() {
    for (field, value) in [
        ("project", "other"),
        ("log_store", "other"),
        ("traffic_type", "Drop"),
        ("aggregation_interval", "1"),
        ("traffic_path", "[vbr]"),
        ("ip_version", "IPv4"),
        ("name", "other"),
        ("description", "other"),
        ("resource_group_id", "rg-1"),
        ("tags", "{a: b}"),
    ] {
        let is_required = ["project", "log_store"].contains(&field);
        let mut given = BTreeMap::from([("project", "flowlog"), ("log_store", "vpc")]);
        let text = |given: &BTreeMap<&str, &str>, more: &str| {
            let given: Vec<_> = given.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            let matches = ["vpc-9", "vpc-1"].map(|id| format!("{{match: {{ids: [{id}]}}{more}}}"));
            format!("flow_log: {{{}}}\noverrides: [{}]\n", given.join(", "), matches.join(", "))
        };
        let origin = |text: &str| {
            let origins = Policy::parse(text).unwrap().origins(&vpc("vpc-1"));
            let others = origins.iter().filter(|(name, _)| *name != field && !["project", "log_store"].contains(name));
            assert!(others.clone().count() >= 7 && others.clone().all(|(_, origin)| *origin == Origin::Default));
            origins.iter().find(|(name, _)| *name == field).unwrap().1
        };
        let by_default = if is_required { Origin::FlowLog } else { Origin::Default };
        assert_eq!(origin(&text(&given, "")), by_default, "{field}");
        assert_eq!(origin(&text(&given, &format!(", {field}: {value}"))), Origin::Override(2), "{field}");
        given.insert(field, value);
        assert_eq!(origin(&text(&given, "")), Origin::FlowLog, "{field}");
    }
}

#[test]
fn a_policy_may_be_json() {
    let yaml = Policy::parse("flow_log:\n  project: p-{account}\n  log_store: vpc\n").unwrap();
    let json = Policy::parse("{\"flow_log\": {\"project\": \"p-{account}\",\n\t\"log_store\": \"vpc\"}}").unwrap();
    assert_eq!(yaml, json);
}

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let text = "\
flow_log:
  project: flowlog-{acount}
  log_store: vpc
  traffic_type: all
  aggregation_interval: 7
  colour: blue
coverage: vcp
regions: cn-hangzhou
schedule: office
overrides:
  - match: {}
  - traffic_type: Drop
limits: {max_changes_percent: 101}
shedule: always
";
    assert_eq!(
        mistakes(text),
        [
            "line 2, column 12: \"flowlog-{acount}\" holds an unknown placeholder: one of {account}, {region}, {resource_id}",
            "line 4, column 17: \"all\" is not a traffic type: one of All, Allow, Drop",
            "line 5, column 25: \"7\" is not an aggregation interval in minutes: one of 1, 5, 10",
            "line 6, column 3: flow_log has no key \"colour\": it may have project, log_store, traffic_type, aggregation_interval, traffic_path, ip_version, name, description, resource_group_id, tags",
            "line 7, column 11: \"vcp\" is not one of vpc, vswitch, network-interface",
            "line 8, column 10: regions must be a list",
            "line 9, column 11: there is no schedule \"office\": one of always, never",
            "line 11, column 12: match says nothing, and so would match everything: change the defaults instead",
            "line 12, column 5: an override has no match",
            "line 13, column 31: \"101\" is not a number from 0 to 100",
            "line 14, column 1: the policy has no key \"shedule\": it may have flow_log, schedules, coverage, regions, accounts, own_account, exclude, schedule, overrides, limits, foreign, replace, ecr_flow_log",
        ]
    );
}

#[test]
fn bad_schedules_zones_roles_tags_and_names_are_refused() {
    for (line, problem) in [
        ("schedules: {x: {time_zone: Mars/Base, on: []}}", "\"Mars/Base\" is not an IANA time zone"),
        ("schedules: {x: {time_zone: UTC, on: [\"Mon 7-9\"]}}", "\"Mon 7-9\" is not a window"),
        ("schedules: {x: {time_zone: UTC}}", "a schedule has no on"),
        ("schedules: {always: {time_zone: UTC, on: []}}", "always is there already"),
        ("accounts: [{id: \"1\", role: admin}]", "\"admin\" is not the ARN of a role"),
        (
            "accounts: [{id: \"1\", role: \"acs:ram::2:role/a\"}]",
            "acs:ram::2:role/a is a role in the account 2, not in 1",
        ),
        ("exclude: {ids: [subnet-1]}", "\"subnet-1\" is not the id of a VPC"),
        ("regions: [\"evil.example/\"]", "is not a region id"),
        ("overrides: [{match: {vpc_ids: [vsw-1]}}]", "\"vsw-1\" is not a VPC id"),
        ("overrides: [{match: {regions: [r1]}, tags: {managed-by: me}}]", "is set by Flowkeeper itself"),
        ("overrides: [{match: {regions: [r1]}, tags: {\"acs:x\": y}}]", "\"acs:x\" is not a tag key"),
        ("overrides: [{match: {regions: [r1]}, project: Flow_Logs}]", "\"Flow_Logs\" is not an SLS project name"),
        ("overrides: [{match: {regions: [r1]}, name: \"http://x\"}]", "\"http://x\" is not a flow log name"),
        ("overrides: [{match: {tags: {}, ids: []}}]", "match says nothing"),
        ("schedules: {x: {time_zone: UTC, on: [], off_dates: [\"2026-10-01T12:00\"]}}", "is not a date or dates"),
        ("replace: maybe", "\"maybe\" is not one of true, false"),
        ("coverage: vpc\ncoverage: vpc", "coverage stands here again: it is in line 2 already"),
    ] {
        let found = mistakes(&format!("flow_log: {{project: abc, log_store: vpc}}\n{line}\n"));
        assert!(found.len() == 1 && found[0].contains(problem), "{line}: {found:?}");
    }
}

#[test]
fn a_flow_log_takes_twenty_tags_and_one_of_them_is_ours() {
    let policy = |count: usize| {
        let tags: Vec<_> = (0..count).map(|nth| format!("k{nth}: v")).collect();
        Policy::parse(&format!("flow_log: {{project: abc, log_store: vpc, tags: {{{}}}}}\n", tags.join(", ")))
    };
    assert!(policy(19).is_ok());
    assert!(policy(20).unwrap_err().to_string().contains("20 tags: a flow log takes 20, and Flowkeeper sets one"));
}

#[test]
fn what_is_no_policy_at_all_is_refused_with_the_reason() {
    for (text, problem) in [
        ("", "the policy is empty"),
        ("# nothing but a comment\n", "the policy is empty"),
        ("[]", "line 1, column 1: the policy must be a map of keys and values"),
        ("{}", "line 1, column 1: the policy has no flow_log"),
        ("flow_log: {project: ~, log_store: vpc}", "line 1, column 11: flow_log has no project"),
        ("flow_log: [", "this is no YAML"),
        ("a: b\n---\nc: d\n", "a second document"),
        (SMALLEST, "this is no YAML"),
    ] {
        let found = mistakes(text);
        assert!(found.iter().any(|mistake| mistake.contains(problem)), "{text:?}: {found:?}");
    }
}

#[test]
fn a_policy_that_is_hostile_by_aliases_depth_or_size_is_refused() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";
    let deep = "[".repeat(100_000);
    let deep_block: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 100))).collect();
    let long = "x".repeat(300_000);
    let many: String = (0..30_000).map(|nth| format!("k{nth}: 1\n")).collect();
    for text in [bomb, &deep, &deep_block, &long, &many] {
        assert!(Policy::parse(text).is_err());
    }
}

#[test]
fn what_is_said_of_a_policy_is_lines_of_a_bounded_length_whatever_it_holds() {
    let long = "x".repeat(200_000);
    for (text, beginning, end) in [
        (
            format!("coverage: {long}\n"),
            "line 1, column 11: \"xxx",
            "xxx\" is not one of vpc, vswitch, network-interface",
        ),
        (format!("? {long}\n: 1\n"), "line 1, column 3: the policy has no key \"xxx", "replace, ecr_flow_log"),
        ("{\"a\\nb\": 1, \"a\\nb\": 2}".to_owned(), "line 1, column 13: a b stands", "it is in line 1 already"),
        (format!("flow_log: {{project: 云{}, log_store: vpc}}\n", "云".repeat(50_000)), "line 1, column 21: \"云", ""),
    ] {
        let found = mistakes(&text);
        let is_said = |mistake: &&String| mistake.starts_with(beginning) && mistake.ends_with(end);
        assert!(found.iter().any(|mistake| is_said(&mistake)), "{beginning}: {found:?}");
        assert!(found.iter().all(|mistake| mistake.chars().count() < 450 && !mistake.contains('\n')), "{found:?}");
    }
}

#[test]
fn of_ten_thousand_mistakes_a_thousand_are_kept_and_fifty_printed() {
    let schedules: Vec<_> = (0..4_000).map(|nth| format!("s{nth}: {{}}")).collect();
    let overrides: String = (0..4_000).map(|_| "- {match: {ids: [vpc-1]}, schedule: none}\n").collect();
    let text = format!("schedules: {{{}}}\noverrides:\n{overrides}", schedules.join(", "));
    let mistakes = Policy::parse(&text).unwrap_err();
    let kept: usize = mistakes.iter().map(|mistake| mistake.problem.len()).sum();
    assert_eq!(mistakes.iter().count(), 1_000);
    assert!(kept < 500_000, "{kept} bytes, of a policy of {}", text.len());
    let said = mistakes.to_string();
    assert!(said.ends_with("; and 11951 more"), "{}", &said[said.len() - 100..]);
    assert!(said.contains("there is no schedule \"none\": one of always, never, s0, ") && said.contains("s17, …"));
}

#[test]
fn the_policies_of_the_readme_are_policies() {
    let readme = include_str!("../../../../README.md");
    let blocks: Vec<_> = readme.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert_eq!(blocks.len(), 2, "the smallest, and one with everything");
    for block in blocks {
        assert!(Policy::parse(block).is_ok(), "{:?}\n{block}", Policy::parse(block));
    }
}
