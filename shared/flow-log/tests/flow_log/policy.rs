//! Valid and invalid policies.

use std::collections::BTreeMap;

use flow_log::{
    CreateDestination, Policy, ResourceType,
    names::{AggregationInterval, EcrInterval, TagValue, TagWord, TrafficType},
    policy::{AccountScope, Foreign, Limits, Origin, Regions, Remediate, ScheduleName, Superfluous},
};

use crate::support::{policy, vpc};

const SMALLEST: &str = "flow_log: {project: flowlog-{account}-{region}, log_store: vpc}";

/// A policy with every key.
pub(crate) const WHOLE: &str = r#"
flow_log:
  project: flowlog-{account}-{region}
  log_store: vpc
  create_destination: {retention_days: 180}
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
exclude_regions: [me-east-1]
accounts:
  - {id: "1000000000000002", role: "acs:ram::1000000000000002:role/flowkeeper", external_id: optional}
resource_directory:
  role: flowkeeper
  external_id: agreed
  folders: [fd-example, fd-example2]
  exclude: {accounts: ["1000000000000009"], folders: [fd-example3], tags: {env: sandbox}}
own_account: false
exclude: {ids: [vpc-example], tags: {flowkeeper: ignore}}
resource_tag: [on, on-until, schedule]
schedule: office-hours
schedules:
  office-hours:
    time_zone: Asia/Shanghai
    on: ["Mon-Fri 07:00-21:00"]
    off_dates: ["2026-10-01..2026-10-07"]
    on_dates: ["2026-09-20", "2026-10-10 as Fri"]
overrides:
  - match: {tags: {env: dev}, vpc_ids: [vpc-example], accounts: ["1000000000000002"], regions: [cn-hangzhou]}
    traffic_type: Allow
    coverage: network-interface
    schedule: never
limits: {max_changes: 7, max_changes_percent: 8, max_creations: 9}
foreign: manage
replace: true
remediate: [missing, drifted]
superfluous: delete
ecr_flow_log:
  project: ecr-{account}
  log_store: ecr
  interval: 60
  sampling_rate: "1:1024"
  target_sls_region: cn-shanghai
  resource_group_id: rg-ecr
  name: ""
  description: ""
  tags: {source: aliyun-1}
  schedule: never
"#;

/// The mistakes in a policy, one per line.
fn mistakes(text: &str) -> Vec<String> {
    Policy::parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_smallest_policy_has_the_documented_defaults() {
    // Inside braces, the value would need quotes, as `{` and `,` have a meaning there.
    let policy = Policy::parse("flow_log:\n  project: flowlog-{account}-{region}\n  log_store: vpc\n").unwrap();
    assert_eq!(policy.coverage, ResourceType::Vpc);
    assert_eq!(policy.schedule, ScheduleName::Always);
    assert_eq!(policy.limits, Limits { max_changes: 50, max_changes_percent: 30, max_creations: None });
    assert_eq!(policy.foreign, Foreign::Leave);
    assert!(policy.own_account && !policy.replace);
    assert_eq!(policy.remediate, Remediate { missing: true, inactive: true, drifted: true });
    assert_eq!(policy.superfluous, Superfluous::Report);
    assert!(policy.exclude_regions.is_empty() && policy.warnings.is_empty());
    assert!(policy.regions == Regions::Own && policy.resource_directory.is_none());
    assert!(policy.resource_tag.honored.len() == TagWord::ALL.len() && !policy.resource_tag.is_given);

    let spec = policy.flow_log.fill(&vpc("vpc-1")).unwrap();
    assert_eq!(spec.project.as_str(), "flowlog-1000000000000001-cn-hangzhou");
    assert_eq!(spec.name.as_str(), "flowkeeper-vpc-1");
    assert_eq!(spec.description.as_str(), "Kept by Flowkeeper");
    assert_eq!(spec.traffic_type, TrafficType::All);
    assert_eq!(spec.aggregation_interval, AggregationInterval::Ten);
    assert_eq!(spec.create_destination, None);
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
    assert_eq!(policy.regions, Regions::Named(["cn-hangzhou", "cn-shanghai"].map(|id| id.parse().unwrap()).into()));
    assert_eq!(policy.accounts[0].external_id.as_deref(), Some("optional"));
    let directory = policy.resource_directory.unwrap();
    assert_eq!((directory.role.as_str(), directory.external_id.as_deref()), ("flowkeeper", Some("agreed")));
    assert_eq!(directory.folders, ["fd-example", "fd-example2"].map(|id| id.parse().unwrap()));
    assert_eq!(directory.exclude.accounts, ["1000000000000009".parse().unwrap()].into());
    assert_eq!(directory.exclude.folders, ["fd-example3".parse().unwrap()].into());
    assert_eq!(directory.exclude.tags, [("env".parse().unwrap(), "sandbox".parse().unwrap())].into());
    assert_eq!(policy.flow_log.create_destination, Some(CreateDestination { retention_days: 180 }));
    assert!(!policy.own_account);
    assert_eq!(policy.exclude.ids.len() + policy.exclude.tags.len(), 2);
    assert_eq!(policy.schedule, ScheduleName::Named("office-hours".to_owned()));
    assert_eq!(policy.schedules["office-hours"].on.len(), 1);
    assert_eq!(policy.overrides[0].coverage, Some(ResourceType::NetworkInterface));
    assert_eq!(policy.overrides[0].schedule, Some(ScheduleName::Never));
    assert_eq!(policy.limits, Limits { max_changes: 7, max_changes_percent: 8, max_creations: Some(9) });
    assert_eq!(policy.foreign, Foreign::Manage);
    assert!(policy.replace);
    assert_eq!(policy.exclude_regions, ["me-east-1".parse().unwrap()].into());
    assert_eq!(policy.resource_tag.honored, [TagWord::On, TagWord::OnUntil, TagWord::Schedule].into());
    assert!(policy.resource_tag.is_given);
    assert_eq!(policy.schedules["office-hours"].on_dates.len(), 2);
    assert_eq!(policy.remediate, Remediate { missing: true, inactive: false, drifted: true });
    assert_eq!(policy.superfluous, Superfluous::Delete);
    assert!(policy.warnings.is_empty(), "{:?}", policy.warnings);
    let ecr = policy.ecr_flow_log.unwrap();
    assert_eq!((ecr.project.as_str(), ecr.log_store.as_str()), ("ecr-{account}", "ecr"));
    assert_eq!(ecr.interval, EcrInterval::OneMinute);
    assert_eq!((ecr.sampling_rate.as_str(), ecr.target_sls_region.unwrap().as_str()), ("1:1024", "cn-shanghai"));
    assert_eq!(ecr.resource_group_id.unwrap().as_str(), "rg-ecr");
    assert!(ecr.name.is_empty() && ecr.description.is_empty(), "a router takes that");
    assert_eq!(ecr.tags.values().map(TagValue::as_str).collect::<Vec<_>>(), ["aliyun-1"]);
    assert_eq!(ecr.schedule, Some(ScheduleName::Never));
}

#[test]
fn each_field_is_known_to_come_from_the_defaults_the_policy_or_the_override() {
    for (field, value) in [
        ("project", "other"),
        ("log_store", "other"),
        ("create_destination", "{retention_days: 7}"),
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
        let text = |fields: &BTreeMap<&str, &str>, more: &str| {
            let fields: Vec<_> = fields.iter().map(|(key, setting)| format!("{key}: {setting}")).collect();
            let matches = ["vpc-9", "vpc-1"].map(|id| format!("{{match: {{ids: [{id}]}}{more}}}"));
            format!("flow_log: {{{}}}\noverrides: [{}]\n", fields.join(", "), matches.join(", "))
        };
        let origin = |policy: &str| {
            let origins = Policy::parse(policy).unwrap().origins(&vpc("vpc-1"));
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
fn json_may_write_a_character_as_a_pair_of_surrogates() {
    let text = r#"{"flow_log": {"project": "flowlog-{account}-{region}", "log_store": "vpc", "description": "log \ud83d\ude80"}}"#;
    assert_eq!(Policy::parse(text).unwrap().flow_log.description, "log \u{1f680}");
    let wrong = text.replace("log_store", "\\ud83d\\ude00log_store");
    assert_eq!(
        mistakes(&wrong),
        [
            "line 1, column 14: flow_log has no log_store",
            "line 1, column 56: flow_log has no key \"\u{1f600}log_store\": it may have project, log_store, \
             create_destination, traffic_type, aggregation_interval, traffic_path, ip_version, name, description, resource_group_id, tags",
        ]
    );
    let after = mistakes(&text.replace("}}", "}, \"coverage\": \"vcp\"}"));
    assert_eq!(after, ["line 1, column 124: \"vcp\" is not one of vpc, vswitch, network-interface"]);
    let half = mistakes(&text.replace(r"\ude80", ""));
    assert!(half.len() == 1 && half[0].contains("this is not valid YAML"), "{half:?}");
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
            "line 6, column 3: flow_log has no key \"colour\": it may have project, log_store, create_destination, traffic_type, aggregation_interval, traffic_path, ip_version, name, description, resource_group_id, tags",
            "line 7, column 11: \"vcp\" is not one of vpc, vswitch, network-interface",
            "line 8, column 10: regions must be all or a list",
            "line 9, column 11: there is no schedule \"office\": one of always, never",
            "line 11, column 12: match says nothing, and so would match everything: change the defaults instead",
            "line 12, column 5: an override has no match",
            "line 13, column 31: \"101\" is not a number from 0 to 100",
            "line 14, column 1: the policy has no key \"shedule\": it may have flow_log, schedules, coverage, regions, exclude_regions, accounts, resource_directory, own_account, exclude, resource_tag, schedule, overrides, limits, foreign, replace, remediate, superfluous, ecr_flow_log",
        ]
    );
}

#[test]
fn bad_schedules_zones_roles_tags_and_names_are_refused() {
    for (line, problem) in [
        ("schedules: {x: {time_zone: Mars/Base, on: [\"Mon 07:00-08:00\"]}}", "\"Mars/Base\" is not an IANA time zone"),
        ("schedules: {x: {time_zone: UTC, on: [\"Mon 7-9\"]}}", "\"Mon 7-9\" is not a window"),
        ("schedules: {x: {time_zone: UTC}}", "a schedule has no on"),
        ("schedules: {always: {time_zone: UTC, on: [\"Mon 07:00-08:00\"]}}", "always is built in"),
        ("accounts: [{id: \"1\", role: admin}]", "\"admin\" is not the ARN of a role"),
        (
            "accounts: [{id: \"1\", role: \"acs:ram::2:role/a\"}]",
            "acs:ram::2:role/a is a role in the account 2, not in 1",
        ),
        ("exclude: {ids: [subnet-1]}", "\"subnet-1\" is not the id of a VPC"),
        ("regions: [\"evil.example/\"]", "is not a region id"),
        ("overrides: [{match: {vpc_ids: [vsw-1]}}]", "\"vsw-1\" is not a VPC id"),
        ("overrides: [{match: {regions: [cn-hangzhou]}, tags: {managed-by: me}}]", "is set by Flowkeeper itself"),
        ("overrides: [{match: {regions: [cn-hangzhou]}, tags: {\"acs:x\": y}}]", "\"acs:x\" is not a tag key"),
        (
            "overrides: [{match: {regions: [cn-hangzhou]}, project: Flow_Logs}]",
            "\"Flow_Logs\" is not an SLS project name",
        ),
        ("overrides: [{match: {regions: [cn-hangzhou]}, name: \"http://x\"}]", "\"http://x\" is not a flow log name"),
        ("overrides: [{match: {tags: {}, ids: []}}]", "match says nothing"),
        (
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], off_dates: [\"2026-10-01T12:00\"]}}",
            "is not a date or dates",
        ),
        ("replace: maybe", "\"maybe\" is not one of true, false"),
        ("coverage: vpc\ncoverage: vpc", "coverage is repeated: it is already in line 2"),
    ] {
        let found = mistakes(&format!("flow_log: {{project: abc, log_store: vpc}}\n{line}\n"));
        assert!(found.len() == 1 && found[0].contains(problem), "{line}: {found:?}");
    }
}

/// Asserts that a policy with each of these lines has exactly the given mistake.
fn assert_refused(cases: &[(&str, &str)]) {
    for (line, problem) in cases {
        let found = mistakes(&format!("flow_log: {{project: abc, log_store: vpc}}\n{line}\n"));
        assert!(found.len() == 1 && found[0].contains(problem), "{line}: {found:?}");
    }
}

#[test]
fn ids_name_one_thing_and_wildcards_and_masked_ids_none() {
    assert_refused(&[
        (
            "exclude: {ids: [\"vpc-bp1*\"]}",
            "line 2, column 17: \"vpc-bp1*\" is not an exact id: it holds *, which is no wildcard here (want the whole id, \
             as in \"vpc-bp1example00000000001\")",
        ),
        (
            "overrides: [{match: {vpc_ids: [\"vpc-*\"]}, schedule: never}]",
            "line 2, column 32: \"vpc-*\" is not an exact id",
        ),
        ("exclude: {ids: [\"vpc-bp1****\"]}", "\"vpc-bp1****\" is not an exact id"),
        ("overrides: [{match: {ids: [\"eni-*\"]}, schedule: never}]", "want the whole id, as in \"eni-bp1example"),
        ("overrides: [{match: {ids: [\"vpc-*\"]}, coverage: vpc}]", "\"vpc-*\" is not an exact id"),
        ("overrides: [{match: {accounts: [\"10000000000****\"]}, schedule: never}]", "as in \"1000000000000001\""),
        ("accounts: [{id: \"10****\", role: \"acs:ram::10:role/a\"}]", "\"10****\" is not an exact id"),
        (
            "accounts: [{id: \"1\", role: \"acs:ram::1:role/flow*\"}]",
            "as in \"acs:ram::1000000000000002:role/flowkeeper\"",
        ),
    ]);
}

#[test]
fn a_region_is_known_or_said_to_be_unknown() {
    assert_refused(&[
        ("regions: [shanghai]", "line 2, column 11: \"shanghai\" is not a region (want \"cn-shanghai\")"),
        (
            "regions: [cn-hangzhou, cn-shanghia]",
            "line 2, column 24: \"cn-shanghia\" is not a region (want \"cn-shanghai\")",
        ),
        ("exclude_regions: [me-eats-1]", "want \"me-east-1\""),
        ("overrides: [{match: {regions: [cnhangzhou]}, schedule: never}]", "want \"cn-hangzhou\""),
        ("ecr_flow_log: {project: abc, log_store: ecr, target_sls_region: eu-centrall-1}", "want \"eu-central-1\""),
        ("regions: [all]", "\"all\" is not a region id (want lower-case letters, digits and hyphens"),
    ]);
    let policy = policy(
        "regions: [cn-hangzhou, ap-southeast-9]\noverrides: [{match: {regions: [ap-southeast-9]}, schedule: never}]\n",
    );
    let warnings: Vec<_> = policy.warnings.iter().map(ToString::to_string).collect();
    let unknown = "ap-southeast-9 is not a region that this version knows: if it is not new, check the spelling";
    assert_eq!(warnings, [format!("line 2, column 24: {unknown}"), format!("line 3, column 32: {unknown}")]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let role = |id: &str| format!("{{id: \"{id}\", role: \"acs:ram::{id}:role/a\"}}");
    assert_refused(&[
        (
            "own_account: false",
            "line 2, column 14: own_account: false leaves no account to look after: name others under accounts",
        ),
        ("own_account: false\naccounts: []", "own_account: false leaves no account"),
        (
            &format!("accounts:\n- {}\n- {}\n- {}", role("1"), role("2"), role("1")),
            "line 5, column 8: the account 1 is repeated: it is already in line 3",
        ),
        (
            "regions: [cn-hangzhou]\nexclude_regions: [cn-hangzhou]",
            "line 3, column 19: cn-hangzhou is named by regions, too",
        ),
        (
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], off_dates: [\"2026-10-01..2026-10-07\"], on_dates: [\"2026-10-07 as Fri\"]}}",
            "line 2, column 108: 2026-10-07 is in off_dates, too: take it out of one of them",
        ),
        (
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], on_dates: [\"2026-10-07\", \"2026-10-07 as Fri\"]}}",
            "2026-10-07 is repeated",
        ),
        ("exclude: {tags: {env: dev, env: test}}", "env is repeated: it is already in line 2"),
        ("overrides: [{match: {regions: [cn-hangzhou]}, tags: {a: b, a: c}}]", "a is repeated"),
    ]);
}

#[test]
fn an_empty_list_is_refused_where_it_would_not_mean_none() {
    assert_refused(&[
        (
            "regions: []",
            "line 2, column 10: regions is empty: name the regions to sweep, or leave it out to sweep the function's own",
        ),
        (
            "overrides: [{match: {tags: {env: dev}, ids: []}, schedule: never}]",
            "line 2, column 45: ids is empty, and would match everything: name some, or leave it out",
        ),
        (
            "overrides: [{match: {tags: {}, ids: [vpc-1]}, schedule: never}]",
            "tags is empty, and would match everything",
        ),
        ("overrides: [{match: {ids: [vpc-1], vpc_ids: []}, coverage: vswitch}]", "vpc_ids is empty"),
        ("overrides: [{match: {ids: [vpc-1], accounts: []}, schedule: never}]", "accounts is empty"),
        ("overrides: [{match: {ids: [vpc-1], regions: []}, schedule: never}]", "regions is empty"),
        ("overrides: [{match: {regions: []}, schedule: never}]", "match says nothing"),
    ]);
    let policy = policy(
        "exclude_regions: []\naccounts: []\nexclude: {ids: [], tags: {}}\nresource_tag: []\nremediate: []\noverrides: []\n\
         schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], off_dates: [], on_dates: []}}\n\
         ecr_flow_log: {project: abc, log_store: ecr, tags: {}}\n",
    );
    assert!(policy.exclude_regions.is_empty() && policy.overrides.is_empty(), "where none means none");
}

#[test]
fn a_schedule_that_is_never_on_is_refused_with_what_says_so() {
    assert_refused(&[
        (
            "schedules: {x: {time_zone: UTC, on: []}}",
            "line 2, column 37: on is empty, so it would never be on: give windows, as in \"Mon-Fri 07:00-21:00\", or say \
             schedule: never where that is meant",
        ),
        (
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-07:00\"]}}",
            "it ends at the time at which it begins (a whole day is \"Mon 00:00-24:00\")",
        ),
        (
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], on_dates: [\"2026-10-10 as Friday\"]}}",
            "\"2026-10-10 as Friday\" is not a date, as in \"2026-09-20\" (a Monday) or \"2026-10-10 as Fri\"",
        ),
    ]);
    policy("schedules: {x: {time_zone: UTC, on: [\"Mon 00:00-24:00\"]}}\n");
}

#[test]
fn words_that_are_not_known_are_answered_with_those_that_are() {
    assert_refused(&[
        (
            "resource_tag: [of]",
            "\"of\" is not a word of the tag flowkeeper: one of ignore, on, off, on-until, off-until, schedule",
        ),
        ("resource_tag:", "line 2, column 13: resource_tag must be a list"),
        ("resource_tag: off", "resource_tag must be a list"),
        ("remediate: [deleted]", "\"deleted\" is not one of missing, inactive, drifted"),
        ("remediate: all", "remediate must be a list"),
        ("superfluous: remove", "\"remove\" is not one of report, delete"),
        ("regions: All", "line 2, column 10: regions must be all or a list"),
        ("regions: {all: true}", "regions must be all or a list"),
        ("limits: {max_creations: some}", "\"some\" is neither none nor a number from 0 to 1000000"),
    ]);
    assert_eq!(policy("limits: {max_creations: none}\n").limits.max_creations, None);
    assert_eq!(policy("limits: {max_creations: 0}\n").limits.max_creations, Some(0));
    for word in ["missing", "inactive", "drifted"] {
        let of = |words: &str| policy(&format!("remediate: [{words}]\n")).remediate;
        let expected =
            Remediate { missing: word == "missing", inactive: word == "inactive", drifted: word == "drifted" };
        assert_eq!(of(word), expected);
    }
    let nothing = policy("resource_tag: []\nremediate: []\n");
    assert!(nothing.resource_tag.honored.is_empty() && nothing.resource_tag.is_given);
    assert_eq!(nothing.remediate, Remediate { missing: false, inactive: false, drifted: false });
}

#[test]
fn a_yaml_tag_is_refused_and_not_taken_for_a_part_of_the_text() {
    for (text, problem) in [
        (
            "flow_log: {project: \"flowlog-{account}-{region}\", log_store: !Ref vpc}\n",
            "line 1, column 62: !Ref is a YAML tag, and a policy has none: write the value itself",
        ),
        ("flow_log: !Sub {project: abc, log_store: vpc}\n", "!Sub is a YAML tag"),
        ("flow_log: {project: abc, log_store: vpc, traffic_path: !Split [all]}\n", "!Split is a YAML tag"),
        ("flow_log: {project: abc, log_store: !!binary vpc}\n", "tag:yaml.org,2002:binary is a YAML tag"),
        ("flow_log: {project: abc, !Key log_store: vpc}\n", "!Key is a YAML tag"),
    ] {
        let found = mistakes(text);
        assert!(found.len() == 1 && found[0].contains(problem), "{text}: {found:?}");
    }
    let known = "flow_log: !!map {project: !!str abc, log_store: ! vpc, aggregation_interval: !!int 5, description: !!str null}\n";
    let policy = Policy::parse(known).unwrap();
    assert_eq!(
        (policy.flow_log.aggregation_interval, policy.flow_log.description.as_str()),
        (AggregationInterval::Five, "null")
    );
}

#[test]
fn null_is_no_text() {
    let nothing =
        "there is no value here: give one, in quotes if null, ~ or an empty text is meant, or leave the key out";
    let found =
        mistakes("flow_log: {project: \"flowlog-{account}-{region}\", log_store: vpc, tags: {a: null, b: ~}}\n");
    assert_eq!(found, [format!("line 1, column 77: {nothing}"), format!("line 1, column 86: {nothing}")]);
    assert_refused(&[
        ("exclude: {tags: {env: }}", nothing),
        ("exclude: {ids: [~]}", nothing),
        ("regions: [null]", nothing),
        ("coverage:", nothing),
        ("schedule: Null", nothing),
        ("replace: ~", nothing),
        ("limits: {max_creations: null}", nothing),
        ("overrides: [{match: {tags: {env: dev}}, description: }]", nothing),
        ("accounts: [{id: \"1\", role: \"acs:ram::1:role/a\", external_id: }]", nothing),
        ("overrides: [{match: {tags: {env: dev}}, project: ~}]", nothing),
        ("exclude: {tags: {~: x}}", "a key is a word"),
    ]);
    let quoted = policy("exclude: {tags: {env: \"null\", \"~\": \"\"}}\nregions:\noverrides: ~\n");
    assert_eq!(quoted.exclude.tags["env"], "null");
    assert_eq!(quoted.exclude.tags["~"], "");
}

#[test]
fn a_block_ends_with_its_text_and_control_characters_are_refused() {
    for (block, text) in [("|", "Kept by us"), (">", "Kept by us"), ("|-", "Kept by us")] {
        let policy = Policy::parse(&format!(
            "flow_log:\n  project: abc\n  log_store: vpc\n  description: {block}\n    Kept by us\ncoverage: vpc\n"
        ));
        assert_eq!(policy.unwrap().flow_log.description, text, "{block}");
    }
    for (description, place, code) in [
        ("|\n    DesiredFlowLog\n    by us\n", "line 5, column 5", "U+000A"),
        ("\"a\\tb\"", "line 4, column 16", "U+0009"),
        ("\"a\\x07\"", "line 4, column 16", "U+0007"),
        ("\"a\\N\"", "line 4, column 16", "U+0085"),
    ] {
        let found = mistakes(&format!("flow_log:\n  project: abc\n  log_store: vpc\n  description: {description}\n"));
        let problem = format!("{place}: a control character, {code}: write one line of text without it");
        assert_eq!(found, [problem], "{description}");
    }
    assert_refused(&[("exclude: {tags: {\"a\\nb\": c}}", "line 2, column 18: a control character, U+000A")]);
}

#[test]
fn an_override_with_coverage_has_to_be_able_to_select_a_vpc() {
    assert_refused(&[
        (
            "overrides: [{match: {ids: [vpc-1, vsw-1]}, coverage: vswitch}]",
            "line 2, column 35: vsw-1 is a vSwitch, and coverage is decided for a VPC as a whole: name VPCs (\"vpc-…\") here, \
             or leave coverage out of this override",
        ),
        (
            "overrides: [{coverage: vpc, match: {ids: [eni-1]}}]",
            "eni-1 is a network interface, and coverage is decided for",
        ),
        (
            "overrides: [{match: {ids: [vpc-1], vpc_ids: [vpc-2]}, coverage: vswitch}]",
            "line 2, column 21: match can select no VPC, and so coverage says nothing: no VPC is named by both ids and vpc_ids",
        ),
        (
            "regions: [cn-hangzhou]\noverrides: [{match: {regions: [cn-shanghai]}, coverage: vswitch}]",
            "coverage says nothing: the policy covers none of its regions, by regions and exclude_regions",
        ),
        (
            "exclude_regions: [cn-shanghai]\noverrides: [{match: {regions: [cn-shanghai]}, coverage: vswitch}]",
            "coverage says nothing: the policy covers none of its regions",
        ),
        (
            "own_account: false\naccounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}]\noverrides: [{match: {accounts: [\"2\"]}, coverage: vswitch}]",
            "coverage says nothing: the policy covers none of its accounts, by accounts and own_account",
        ),
    ]);
    for (more, warning) in [
        ("overrides: [{match: {ids: [vsw-1]}, schedule: never}]\n", None),
        ("overrides: [{match: {ids: [vpc-1], vpc_ids: [vpc-1]}, coverage: vswitch}]\n", None),
        ("overrides: [{match: {accounts: [\"2\"]}, coverage: vswitch}]\n", None),
        (
            "regions: [cn-hangzhou]\noverrides: [{match: {regions: [cn-shanghai]}, schedule: never}]\n",
            Some("match can select nothing"),
        ),
        (
            "overrides: [{match: {ids: [vpc-1]}, coverage: vswitch, schedule: never}]\n",
            Some("name the VPCs by vpc_ids instead"),
        ),
        ("overrides: [{match: {vpc_ids: [vpc-1]}, coverage: vswitch, schedule: never}]\n", None),
    ] {
        let warnings = policy(more).warnings;
        assert_eq!(warnings.len(), usize::from(warning.is_some()), "{more}: {warnings:?}");
        assert!(
            warnings.iter().all(|found| warning.is_some_and(|warning| found.problem.contains(warning))),
            "{warnings:?}"
        );
    }
}

#[test]
fn what_is_out_of_scope_is_said_with_the_key_that_says_so() {
    let of = |more: &str, own: Option<&str>, account: &str, region: &str| {
        let policy = policy(more);
        let region = region.parse().unwrap();
        let own = own.map(|own| own.parse().unwrap());
        assert_eq!(policy.covers_region(&region), policy.region_scope(&region).is_none());
        match (policy.account_scope(own.as_ref(), &account.parse().unwrap()), policy.region_scope(&region)) {
            (_, Some(reason)) | (AccountScope::Out(reason), None) => Some(reason),
            (AccountScope::Own | AccountScope::Named(_) | AccountScope::InDirectory(_), None) => None,
        }
    };
    let covers = |more: &str| policy(more).covers_region(&"cn-hangzhou".parse().unwrap());
    assert!(covers("") && covers("regions: [cn-hangzhou]\n") && covers("exclude_regions: [cn-beijing]\n"));
    assert!(!covers("regions: [cn-beijing]\n") && !covers("exclude_regions: [cn-hangzhou]\n"));
    let member = "accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]\n";
    let only_member = format!("{member}own_account: false\n");
    for (more, own, account, region) in [
        ("", Some("1"), "1", "cn-hangzhou"),
        ("", None, "1", "cn-hangzhou"),
        ("regions: [cn-hangzhou]\n", Some("1"), "1", "cn-hangzhou"),
        ("exclude_regions: [cn-shanghai]\n", Some("1"), "1", "cn-hangzhou"),
        (member, Some("1"), "2", "cn-hangzhou"),
        (&only_member, Some("1"), "2", "cn-hangzhou"),
    ] {
        assert_eq!(of(more, own, account, region), None, "{more}");
    }
    for (more, own, account, region, reason) in [
        (
            "regions: [cn-hangzhou]\n",
            Some("1"),
            "1",
            "cn-beijing",
            "the region cn-beijing is out of scope: the policy's regions do not name it",
        ),
        (
            "exclude_regions: [cn-beijing]\n",
            None,
            "1",
            "cn-beijing",
            "the region cn-beijing is out of scope: the policy's exclude_regions names it",
        ),
        (member, Some("1"), "3", "cn-beijing", "the account 3 is out of scope: the policy's accounts do not name it"),
        (
            &only_member,
            Some("1"),
            "1",
            "cn-beijing",
            "the account 1 is out of scope: own_account is false in the policy",
        ),
        (&only_member, None, "1", "cn-beijing", "the account 1 is out of scope: the policy's accounts do not name it"),
    ] {
        assert_eq!(of(more, own, account, region).as_deref(), Some(reason), "{more}");
    }
}

#[test]
fn a_resource_directory_is_refused_with_what_is_wrong_in_it() {
    assert_refused(&[
        ("resource_directory: {}", "line 2, column 21: resource_directory has no role"),
        ("resource_directory: {role: ~}", "resource_directory has no role"),
        ("resource_directory: all", "resource_directory must be a map"),
        (
            "resource_directory: {role: \"acs:ram::1:role/a\"}",
            "line 2, column 28: \"acs:ram::1:role/a\" is not the name of a role (want letters, digits, hyphens and full \
             stops, as in \"flowkeeper\", and not the whole ARN)",
        ),
        ("resource_directory: {role: \"flow*\"}", "\"flow*\" is not the name of a role"),
        ("resource_directory: {role: a, external_id: }", "there is no value here"),
        (
            "resource_directory: {role: a, folders: [team-a]}",
            "line 2, column 41: \"team-a\" is not the id of a folder of a resource directory (want \"fd-\", or \"r-\" for",
        ),
        (
            "resource_directory: {role: a, folders: [\"fd-bVaRIG****\"]}",
            "\"fd-bVaRIG****\" is not an exact id: it holds *, which is no wildcard here",
        ),
        ("resource_directory: {role: a, folders: [\"fd-*\"]}", "\"fd-*\" is not an exact id"),
        ("resource_directory: {role: a, folders: [rd-a]}", "\"rd-a\" is not the id of a folder"),
        (
            "resource_directory: {role: a, folders: []}",
            "line 2, column 40: folders is empty: name the folders to sweep, or leave it out to sweep the whole directory",
        ),
        (
            "resource_directory:\n  role: a\n  folders:\n  - fd-a\n  - fd-b\n  - fd-a",
            "line 7, column 5: the folder fd-a is repeated: it is already in line 5",
        ),
        (
            "resource_directory: {role: a, exclude: {folders: [fd-a, fd-a]}}",
            "line 2, column 57: the folder fd-a is repeated",
        ),
        (
            "resource_directory: {role: a, folders: [fd-a], exclude: {folders: [fd-b, fd-a]}}",
            "line 2, column 74: the folder fd-a is named by folders, too: take it out of one of them",
        ),
        ("resource_directory: {role: a, exclude: {folders: [\"fd-*\"]}}", "\"fd-*\" is not an exact id"),
        ("resource_directory: {role: a, exclude: {accounts: [\"10****\"]}}", "\"10****\" is not an exact id"),
        ("resource_directory: {role: a, exclude: {accounts: [theirs]}}", "\"theirs\" is not an account id"),
        (
            "accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]\nresource_directory: {role: a, exclude: {accounts: [3, 2]}}",
            "line 3, column 55: the account 2 is named by accounts, too: take it out of one of them",
        ),
        ("resource_directory: {role: a, exclude: {tags: {\"acs:rm\": x}}}", "\"acs:rm\" is not a tag key"),
        ("resource_directory: {role: a, exclude: {tags: {\"\": x}}}", "\"\" is not a tag key"),
        ("resource_directory: {role: a, exclude: {tags: {env: \"see http://x\"}}}", "is not a tag value"),
        ("resource_directory: {role: a, exclude: {tags: {env: ~}}}", "there is no value here"),
        (
            "resource_directory: {role: a, exclude: {ids: [vpc-1]}}",
            "resource_directory.exclude has no key \"ids\": it may have accounts, folders, tags",
        ),
        (
            "resource_directory: {role: a, tags: {env: dev}}",
            "resource_directory has no key \"tags\": it may have role, external_id, folders, exclude",
        ),
        // What is wrong in a directory does not make the accounts of an override wrong, too.
        (
            "own_account: false\nresource_directory: {}\noverrides: [{match: {accounts: [\"3\"]}, coverage: vswitch}]",
            "resource_directory has no role",
        ),
    ]);
    let none = policy(
        "resource_directory: {role: a, external_id: \"\", folders: ~, exclude: {accounts: [], folders: [], tags: {}}}\n",
    );
    let directory = none.resource_directory.unwrap();
    assert!(directory.folders.is_empty() && directory.exclude.folders.is_empty(), "where none means none");
    assert!(policy("resource_directory:\n").resource_directory.is_none());
}

#[test]
fn other_accounts_may_be_those_of_a_resource_directory() {
    let directory = "own_account: false\nresource_directory: {role: a, exclude: {accounts: [\"4\"]}}\n";
    assert!(!policy(directory).own_account);
    let overridden =
        |accounts: &str, more: &str| format!("{directory}overrides: [{{match: {{accounts: {accounts}}}, {more}}}]");
    for accounts in ["[\"3\"]", "[\"3\", \"4\"]"] {
        assert!(policy(&overridden(accounts, "coverage: vswitch")).warnings.is_empty(), "the directory may have it");
    }
    assert_refused(&[(
        &overridden("[\"4\"]", "coverage: vswitch"),
        "coverage says nothing: the policy covers none of its accounts, by resource_directory.exclude and own_account",
    )]);
    let warnings = policy(&overridden("[\"4\"]", "schedule: never")).warnings;
    assert!(warnings.len() == 1 && warnings[0].problem.contains("match can select nothing"), "{warnings:?}");
    // The function's own account may be any.
    let own = overridden("[\"4\"]", "schedule: never").replace("own_account: false", "own_account: true");
    assert!(policy(&own).warnings.is_empty());
}

#[test]
fn what_is_most_likely_not_meant_of_an_organization_is_a_warning() {
    for (more, expected) in [
        ("regions: all\nexclude_regions: [me-east-1]\n", None),
        (
            "regions: all\nexclude_regions: [me-eest-9]\n",
            Some(
                "line 3, column 19: me-eest-9 is not a region that this version knows: if it is not new, check the spelling",
            ),
        ),
        ("resource_directory: {role: a, folders: [r-a]}\n", None),
        (
            "resource_directory: {role: a, folders: [fd-a, r-a]}\n",
            Some("line 2, column 40: r-a is the root folder, which has every account: the other folders add nothing"),
        ),
        (
            "resource_directory: {role: a, exclude: {folders: [r-a]}}\n",
            Some("line 2, column 51: r-a is the root folder, which has every account: none is left"),
        ),
        (
            "regions: all\nexclude_regions: [me-east-1]\noverrides: [{match: {regions: [me-east-1]}, schedule: never}]\n",
            Some("match can select nothing: the policy covers none of its regions"),
        ),
        ("regions: all\noverrides: [{match: {regions: [me-east-1]}, coverage: vswitch}]\n", None),
    ] {
        let warnings: Vec<_> = policy(more).warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), usize::from(expected.is_some()), "{more}{warnings:?}");
        assert!(expected.is_none_or(|expected| warnings[0].contains(expected)), "{more}{warnings:?}");
    }
}

#[test]
fn a_destination_is_created_with_a_retention_and_under_a_name_that_begins_with_a_text() {
    let of = |project: &str, more: &str| {
        let project =
            format!("flow_log: {{project: \"{project}\", log_store: vpc, create_destination: {{retention_days: 7}}}}");
        Policy::parse(&format!("{project}\n{more}\n"))
    };
    for days in ["0", "3651", "-1", "forever", "1.5"] {
        assert_refused(&[(
            &format!("overrides: [{{match: {{ids: [vpc-1]}}, create_destination: {{retention_days: {days}}}}}]"),
            &format!("\"{days}\" is not a number from 1 to 3650"),
        )]);
    }
    for days in [1, 3650] {
        let more = format!("overrides: [{{match: {{ids: [vpc-1]}}, create_destination: {{retention_days: {days}}}}}]");
        let policy = of("flowlog-{account}", &more).unwrap();
        let spec = policy.overrides[0].flow_log.apply_to(&policy.flow_log).fill(&vpc("vpc-1")).unwrap();
        assert_eq!(spec.create_destination, Some(CreateDestination { retention_days: days }));
    }
    assert_refused(&[
        (
            "overrides: [{match: {ids: [vpc-1]}, create_destination: {}}]",
            "line 2, column 57: create_destination has no retention_days",
        ),
        (
            "overrides: [{match: {ids: [vpc-1]}, create_destination: {retention_days: 7, ttl: 7}}]",
            "create_destination has no key \"ttl\": it may have retention_days",
        ),
        ("overrides: [{match: {ids: [vpc-1]}, create_destination: true}]", "create_destination must be a map"),
        (
            "overrides: [{match: {ids: [vpc-1]}, project: \"{account}-logs\", create_destination: {retention_days: 7}}]",
            "create_destination needs a project whose name begins with a text, as in \"flowlog-{account}\": \
             \"{account}-logs\" begins with a placeholder, and a role could only allow creating any project",
        ),
        (
            "ecr_flow_log: {project: abc, log_store: ecr, create_destination: {retention_days: 7}}",
            "ecr_flow_log has no key \"create_destination\"",
        ),
    ]);
    let problem = "create_destination needs a project whose name begins with a text";
    // The project of the policy; that of an override, with the creation of the policy; and the other way round.
    let inherited = "flow_log: {project: \"{account}-logs\", log_store: vpc}\n\
                     overrides: [{match: {ids: [vpc-1]}, create_destination: {retention_days: 7}}]";
    let other = "overrides: [{match: {ids: [vpc-1]}, project: \"{region}-logs\"}]";
    for (found, place) in [
        (of("{account}-logs", ""), "line 1, column 75: "),
        (of("flowlog", other), "line 2, column 46: "),
        (Policy::parse(inherited), "line 2, column 57: "),
    ] {
        let found: Vec<_> = found.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(found.len() == 1 && found[0].starts_with(&format!("{place}{problem}")), "{found:?}");
    }
    let ecr = "overrides: [{match: {ids: [vpc-1]}, log_store: other}]";
    assert!(of("flowlog-{account}", ecr).is_ok());
}

#[test]
fn the_names_of_projects_to_create_are_few_and_none_covers_another() {
    let of = |projects: &[&str]| {
        let overrides = projects.iter().zip(1..).map(|(project, nth)| {
            format!(
                "{{match: {{ids: [vpc-{nth}]}}, project: \"{project}\", create_destination: {{retention_days: 7}}}}"
            )
        });
        let overrides = overrides.collect::<Vec<_>>().join(", ");
        Policy::parse(&format!("flow_log: {{project: other-project, log_store: vpc}}\noverrides: [{overrides}]\n"))
    };
    for (projects, expected) in [
        (&[][..], &[][..]),
        (&["flowlog"], &["flowlog"]),
        (&["flowlog-{account}-{region}"], &["flowlog-*"]),
        (&["flowlog-{account}", "flowlog-a{region}", "flowlog-x", "flowlog"], &["flowlog", "flowlog-*"]),
        (&["a-{region}", "b-{region}", "c-{region}", "d-{region}"], &["a-*", "b-*", "c-*", "d-*"]),
        (&["a-{region}", "a-{account}", "a-{region}", "a-1", "a-b-{region}"], &["a-*"]),
    ] {
        assert!(of(projects).unwrap().created_projects().iter().eq(expected.iter()), "{projects:?}");
    }
    let found = of(&["a-{region}", "b-{region}", "c-{region}", "d-{region}", "e-project"]).unwrap_err().to_string();
    assert_eq!(
        found,
        "line 2, column 12: create_destination is given for projects whose names begin in 5 different ways: at most 4, as \
         each is a part of the permissions with which a role is assumed. Let more of them begin alike"
    );
}

#[test]
fn a_flow_log_takes_twenty_tags_and_one_of_them_is_ours() {
    let of = |count: usize| {
        let tags: Vec<_> = (0..count).map(|nth| format!("k{nth}: v")).collect();
        Policy::parse(&format!("flow_log: {{project: abc, log_store: vpc, tags: {{{}}}}}\n", tags.join(", ")))
    };
    assert!(of(19).is_ok());
    assert!(of(20).unwrap_err().to_string().contains("20 tags: a flow log takes 20, and Flowkeeper sets one"));
}

#[test]
fn what_is_no_policy_at_all_is_refused_with_the_reason() {
    for (text, problem) in [
        ("", "the policy is empty"),
        ("# nothing but a comment\n", "the policy is empty"),
        ("[]", "line 1, column 1: the policy must be a map of keys and values"),
        ("{}", "line 1, column 1: the policy has no flow_log"),
        ("flow_log: {project: ~, log_store: vpc}", "line 1, column 11: flow_log has no project"),
        ("flow_log: [", "this is not valid YAML"),
        ("a: b\n---\nc: d\n", "a second document"),
        (SMALLEST, "this is not valid YAML"),
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
        (format!("? {long}\n: 1\n"), "line 1, column 3: the policy has no key \"xxx", "superfluous, ecr_flow_log"),
        ("{\"a\\nb\": 1, \"a\\nb\": 2}".to_owned(), "line 1, column 13: a b is repeated", "it is already in line 1"),
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

/// The policies in docs/policy.md: the smallest, one with every key, and a calendar, which is only a fragment.
pub(crate) fn page() -> [&'static str; 3] {
    let page = include_str!("../../../../docs/policy.md");
    let blocks: Vec<_> = page.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    blocks.try_into().unwrap()
}

#[test]
fn the_policies_of_the_documents_are_policies() {
    let [smallest, whole, calendar] = page();
    for text in [smallest, whole, &format!("{smallest}{calendar}")] {
        let policy = Policy::parse(text);
        assert!(policy.as_ref().is_ok_and(|policy| policy.warnings.is_empty()), "{policy:?}\n{text}");
    }
}

#[test]
fn the_readme_shows_the_smallest_policy() {
    let [smallest, ..] = page();
    assert!(include_str!("../../../../README.md").contains(&format!("```yaml\n{smallest}```\n")));
}

#[test]
fn the_calendar_of_the_documents_has_the_holidays_of_china_and_the_days_worked_for_them() {
    let [smallest, _, calendar] = page();
    let schedule = &Policy::parse(&format!("{smallest}{calendar}")).unwrap().schedules["china-2026"];
    let is_worked = |day: jiff::civil::Date| {
        schedule.is_on(day.at(12, 0, 0, 0).to_zoned(schedule.time_zone.clone()).unwrap().timestamp())
    };
    let is_weekday = |day: &jiff::civil::Date| day.weekday().to_monday_zero_offset() < 5;
    let days = jiff::civil::date(2026, 1, 1).series(jiff::Span::new().days(1)).take(365);
    let (mut holidays, mut moved) = (Vec::new(), Vec::new());
    for day in days {
        match (is_weekday(&day), is_worked(day)) {
            (true, false) => holidays.push(day.strftime("%m-%d").to_string()),
            (false, true) => moved.push(day.strftime("%m-%d").to_string()),
            _ => {}
        }
    }
    assert_eq!(moved, ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]);
    assert_eq!(
        holidays,
        [
            "01-01", "01-02", "02-16", "02-17", "02-18", "02-19", "02-20", "02-23", "04-06", "05-01", "05-04", "05-05",
            "06-19", "09-25", "10-01", "10-02", "10-05", "10-06", "10-07"
        ]
    );
}

/// The keys that the parser knows, by the name of the part of a policy that they belong to.
pub(crate) fn keys_by_section() -> BTreeMap<String, Vec<String>> {
    // The message about an unknown key lists all known ones.
    let text = "flow_log: {x: 1, create_destination: {x: 1}}\nschedules: {s: {x: 1}}\noverrides: [{x: 1}, {match: {x: 1}}]\naccounts: [{x: 1}]\n\
                resource_directory: {x: 1, exclude: {x: 1}}\nexclude: {x: 1}\nlimits: {x: 1}\necr_flow_log: {x: 1}\nx: 1\n";
    let sections = mistakes(text).into_iter().filter_map(|mistake| {
        let (at_section, keys) = mistake.split_once(" has no key \"x\": it may have ")?;
        let (_, section) = at_section.split_once(": ").unwrap();
        Some((section.to_owned(), keys.split(", ").map(str::to_owned).collect()))
    });
    sections.collect()
}

#[test]
fn the_documents_show_every_key_that_a_policy_may_have() {
    let [_, whole, _] = page();
    let mut shown = 0;
    for (name, keys) in keys_by_section() {
        let section = if name == "ecr_flow_log" { whole.split_once("ecr_flow_log:").unwrap().1 } else { whole };
        for key in keys {
            let is_named = section.contains(&format!("{key}:")) || (name == "match" && section.contains(&key));
            assert!(is_named, "{key} is not shown, of {name}");
            shown += 1;
        }
    }
    assert!(shown > 50, "{shown}");
}
