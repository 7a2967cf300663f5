//! The JSON Schema of a policy, and the parser: each refuses what the other refuses.

mod breaks;
mod policies;

use std::{collections::BTreeSet, sync::LazyLock};

use flow_log::{Policy, policy::schema};
use jsonschema::Validator;
use proptest::{prelude::*, sample::select};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

use self::{
    breaks::{breaks, places},
    policies::any_policy,
};
use crate::policy::{WHOLE, keys_by_section, page};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(schema()).unwrap());
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).unwrap());

/// A rule that only the parser knows.
struct Rule {
    /// What breaks it, as docs/policy.md says.
    says: &'static str,
    /// Policies that break it.
    broken_by: &'static [&'static str],
    /// Whether a mistake in a policy is about this rule.
    is_broken: fn(&str) -> bool,
}

/// The rules that JSON Schema cannot state.
const RULES: [Rule; 16] = [
    Rule {
        says: "a schedule that the policy does not have",
        broken_by: &["schedule: nights", "overrides: [{match: {ids: [vpc-1]}, schedule: nights}]"],
        is_broken: |mistake| mistake.contains("there is no schedule "),
    },
    Rule {
        says: "a time zone that does not exist",
        broken_by: &["schedules: {x: {time_zone: Mars/Base, on: [\"Mon 07:00-08:00\"]}}"],
        is_broken: |mistake| mistake.contains("is not an IANA time zone"),
    },
    Rule {
        says: "a date that does not exist, and dates that end before they begin",
        broken_by: &[
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], off_dates: [\"2026-02-30\"]}}",
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], off_dates: [\"2026-10-07..2026-10-01\"]}}",
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], on_dates: [\"2026-09-31 as Fri\"]}}",
        ],
        is_broken: |mistake| {
            mistake.contains("is not a date") && quoted(mistake).is_some_and(|text| has_shape_of_dates(&text))
        },
    },
    Rule {
        says: "a date that is in both `off_dates` and `on_dates`, or twice in `on_dates`",
        broken_by: &[
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], off_dates: [\"2026-10-01\"], on_dates: [\"2026-10-01\"]}}",
            "schedules: {x: {time_zone: UTC, on: [\"Mon 07:00-08:00\"], on_dates: [\"2026-10-01\", \"2026-10-01 as Fri\"]}}",
        ],
        is_broken: |mistake| mistake.contains("is in off_dates, too") || mistake.contains("a date follows one weekday"),
    },
    Rule {
        says: "a region that looks like a misspelling of a known one",
        broken_by: &["regions: [cn-shanghia]", "overrides: [{match: {regions: [cn-shanghia]}, schedule: never}]"],
        is_broken: |mistake| mistake.contains("is not a region (want "),
    },
    Rule {
        says: "a region in both `regions` and `exclude_regions`",
        broken_by: &["regions: [cn-hangzhou]\nexclude_regions: [cn-hangzhou]"],
        is_broken: |mistake| mistake.contains("is named by regions, too"),
    },
    Rule {
        says: "an account that is listed twice",
        broken_by: &["accounts: [{id: 1, role: \"acs:ram::1:role/a\"}, {id: 1, role: \"acs:ram::1:role/b\"}]"],
        is_broken: |mistake| mistake.contains(": the account ") && mistake.contains("is repeated"),
    },
    Rule {
        says: "a role in another account than `id`",
        broken_by: &["accounts: [{id: 1, role: \"acs:ram::2:role/a\"}]"],
        is_broken: |mistake| mistake.contains("is a role in the account "),
    },
    Rule {
        says: "an account in both `accounts` and `exclude` of `resource_directory`",
        broken_by: &[
            "accounts: [{id: 1, role: \"acs:ram::1:role/a\"}]\nresource_directory: {role: a, exclude: {accounts: [1]}}",
        ],
        is_broken: |mistake| mistake.contains("is named by accounts, too"),
    },
    Rule {
        says: "a folder in both `folders` and `exclude` of `resource_directory`",
        broken_by: &["resource_directory: {role: a, folders: [fd-a], exclude: {folders: [fd-a]}}"],
        is_broken: |mistake| mistake.contains("is named by folders, too"),
    },
    Rule {
        says: "`create_destination` for an override whose project begins with a placeholder",
        broken_by: &[
            "overrides: [{match: {ids: [vpc-1]}, project: \"{account}-a\", create_destination: {retention_days: 7}}]",
        ],
        is_broken: |mistake| mistake.contains("create_destination needs a project whose name begins with a text"),
    },
    Rule {
        says: "`create_destination` for projects whose names begin in more than four different ways",
        broken_by: &["overrides: [{match: {ids: [vpc-1]}, project: aaa, create_destination: {retention_days: 7}}, \
             {match: {ids: [vpc-2]}, project: bbb, create_destination: {retention_days: 7}}, \
             {match: {ids: [vpc-3]}, project: ccc, create_destination: {retention_days: 7}}, \
             {match: {ids: [vpc-4]}, project: ddd, create_destination: {retention_days: 7}}, \
             {match: {ids: [vpc-5]}, project: eee, create_destination: {retention_days: 7}}]"],
        is_broken: |mistake| mistake.contains("different ways: at most 4"),
    },
    Rule {
        says: "an override with `coverage` that can select no VPC",
        broken_by: &[
            "regions: [cn-hangzhou]\noverrides: [{match: {regions: [cn-shanghai]}, coverage: vswitch}]",
            "overrides: [{match: {ids: [vpc-1], vpc_ids: [vpc-2]}, coverage: vswitch}]",
        ],
        is_broken: |mistake| mistake.contains("match can select no VPC"),
    },
    Rule {
        says: "a text that is too long once its placeholders are filled in",
        broken_by: &["overrides: [{match: {ids: [vpc-1]}, project: \"{resource_id}-{resource_id}-{resource_id}\"}]"],
        is_broken: |mistake| {
            ["-bp1example00000000001", "1000000000000001", "cn-hangzhou"].iter().any(|sample| mistake.contains(sample))
                && is_too_long(mistake)
        },
    },
    Rule {
        says: "a number or a boolean whose text, as it is written, is not allowed, such as `project: 12` or `replace: True`",
        broken_by: &[
            "overrides: [{match: {ids: [vpc-1]}, project: 12}]",
            "overrides: [{match: {ids: [vpc-1]}, log_store: -12.5}]",
            "replace: True",
            "limits: {max_changes: 0x0a}",
            "limits: {max_changes: 1.0}",
        ],
        is_broken: |mistake| {
            let names = ["is not an SLS project name", "is not a Logstore name", "is not the name of a role"];
            let is_name = names.iter().any(|name| mistake.contains(name));
            let is_account = mistake.contains("is not an account id");
            quoted(mistake).is_some_and(|text| {
                is_number_or_boolean(&text) && (is_name || is_account && text.contains(['e', 'E', '.']))
            })
        },
    },
    Rule {
        says: "a key that is given twice, an anchor, an alias, a YAML tag and a second document",
        broken_by: &["schedule: &name always", "coverage: !Ref vpc", "coverage: vpc\n---\ncoverage: vpc"],
        is_broken: |_| false,
    },
];

/// The text that a mistake quotes first.
fn quoted(mistake: &str) -> Option<String> {
    let from = mistake.find(": \"")? + 2;
    serde_json::Deserializer::from_str(&mistake[from..]).into_iter().next()?.ok()
}

fn has_shape_of_dates(text: &str) -> bool {
    let dates = text.split_once(" as ").map_or(text, |(date, _)| date);
    dates.splitn(2, "..").all(|date| {
        let parts: Vec<_> = date.trim().split('-').collect();
        let number = |nth: usize, digits: usize| {
            parts.get(nth).filter(|part| part.len() == digits).and_then(|part| part.parse::<u16>().ok())
        };
        parts.len() == 3
            && number(0, 4).is_some()
            && number(1, 2).is_some_and(|month| (1..=12).contains(&month))
            && number(2, 2).is_some_and(|day| (1..=31).contains(&day))
    })
}

/// Whether a mistake is about the length of the text that it quotes, or begins to quote.
fn is_too_long(mistake: &str) -> bool {
    let limits =
        [("an SLS project name", 63), ("a Logstore name", 63), ("a flow log name", 128), ("a description", 256)];
    let limit = limits.iter().find(|(what, _)| mistake.contains(&format!("is not {what}")));
    limit.is_some_and(|(_, max)| {
        mistake.contains(" … ") || quoted(mistake).is_some_and(|text| text.chars().count() > *max)
    })
}

fn is_number_or_boolean(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Value::Number(_) | Value::Bool(_)))
}

/// The mistakes that the parser finds.
fn mistakes(policy: &str) -> Vec<String> {
    match Policy::parse(policy) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

/// The mistakes that the schema finds.
fn violations(policy: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(policy).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Compares the verdicts on a policy, and returns whether it is good.
fn is_good(policy: &Value) -> Result<bool, String> {
    let (mistakes, violations) = (mistakes(&policy.to_string()), violations(policy));
    match (mistakes.is_empty(), violations.is_empty()) {
        (true, true) => Ok(true),
        (false, false) => Ok(false),
        (true, false) => Err(format!("the parser accepts it, and the schema does not: {violations:?}\n{policy}")),
        (false, true) => {
            let is_stated = |mistake: &&String| !RULES.iter().any(|rule| (rule.is_broken)(mistake));
            let unexplained: Vec<_> = mistakes.iter().filter(is_stated).collect();
            if unexplained.is_empty() {
                return Ok(false);
            }
            Err(format!("the schema accepts it, and the parser does not: {unexplained:?}\n{policy}"))
        }
    }
}

/// What another YAML reader makes of a text: the value that an editor judges.
fn read(text: &str) -> Value {
    value(&Yaml::load_from_str(text).unwrap()[0])
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(entries) => {
            entries.iter().map(|(key, item)| (key.as_str().unwrap().to_owned(), value(item))).collect()
        }
        Yaml::Tagged(_, node) => value(node),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_published_schema_is_that_of_the_parser() {
    let published = include_str!("../../../../docs/policy.schema.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    assert!(published == current, "run: cargo run -q -p flowkeeper -- schema > docs/policy.schema.json");
    jsonschema::meta::validate(&SCHEMA).unwrap();
}

/// The keys of each part of a policy in the schema, by the name that the parser gives the part.
fn keys(name: &str) -> Vec<String> {
    let path = match name {
        "the policy" => "",
        "a schedule" => "/properties/schedules/additionalProperties",
        "an override" => "/properties/overrides/items",
        "match" => "/properties/overrides/items/properties/match",
        "an account" => "/properties/accounts/items",
        "create_destination" => "/properties/flow_log/properties/create_destination",
        "resource_directory.exclude" => "/properties/resource_directory/properties/exclude",
        section => &format!("/properties/{section}"),
    };
    let part = SCHEMA.pointer(path).unwrap_or_else(|| panic!("the schema has no {name}"));
    assert_eq!(part["additionalProperties"], false, "{name}");
    for (key, property) in part["properties"].as_object().unwrap() {
        assert!(property["description"].as_str().is_some_and(|text| text.ends_with('.')), "{name} {key} is explained");
    }
    part["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_has_every_key_that_the_parser_knows_and_no_other() {
    let sections = keys_by_section();
    assert_eq!(sections.len(), 12, "{sections:?}");
    for (name, known) in sections {
        let known: BTreeSet<_> = known.into_iter().collect();
        assert_eq!(keys(&name).into_iter().collect::<BTreeSet<_>>(), known, "{name}");
    }
}

#[test]
fn the_policies_of_the_documents_and_the_template_are_good_by_the_schema() {
    let [smallest, whole, calendar] = page();
    let organization = include_str!("../../../../docs/organization.md");
    let template = include_str!("../../../../template.yml");
    let (_, default) = template.split_once("Default: |\n").unwrap();
    let (default, _) = default.split_once("    #").unwrap();
    let calendar = format!("{smallest}{calendar}");
    let mut policies =
        vec![smallest, whole, &calendar, WHOLE, default, include_str!("../../../command/examples/policy.yml")];
    for page in [organization, include_str!("../../../../README.md"), include_str!("../../../../README.zh-CN.md")] {
        let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
        policies.extend(blocks.filter(|block| block.starts_with("flow_log:")));
    }
    assert!(policies.len() >= 10, "{}", policies.len());
    for text in policies {
        assert_eq!(mistakes(text), [""; 0], "{text}");
        assert_eq!(violations(&read(text)), [""; 0], "{text}");
    }
}

#[test]
fn the_rules_that_the_schema_cannot_state_are_documented_and_held_by_the_parser_alone() {
    let page = include_str!("../../../../docs/policy.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rules) = page.split_once("The schema accepts everything that the parser accepts").unwrap();
    let (rules, _) = rules.split_once(" ## ").unwrap();
    assert_eq!(rules.matches(" - ").count(), RULES.len(), "each rule has an item");
    for Rule { says, broken_by, .. } in &RULES {
        assert!(rules.contains(&format!("- {says}")), "{says} is not documented");
        for policy in *broken_by {
            let text = format!("flow_log: {{project: abc, log_store: vpc}}\n{policy}\n");
            assert!(!mistakes(&text).is_empty(), "the parser accepts {policy}");
            assert_eq!(violations(&read(&text)), [""; 0], "{policy}");
        }
    }
}

#[test]
fn the_rules_of_the_schema_alone_are_none_but_that_of_blocks() {
    for block in ["|", ">"] {
        let text = format!("flow_log: {{project: abc, log_store: vpc}}\ncoverage: {block}\n  vpc\n");
        assert_eq!(mistakes(&text), [""; 0]);
        assert_eq!(violations(&read(&text)).len(), 1);
        let stripped = text.replace(block, &format!("{block}-"));
        assert_eq!(violations(&read(&stripped)), [""; 0]);
    }
}

#[test]
fn an_empty_value_is_as_good_as_an_absent_key_for_a_list_or_a_map_and_for_nothing_else() {
    for (policy, is_accepted) in [
        (
            "regions:\nexclude_regions: ~\naccounts: null\nresource_directory:\nexclude:\noverrides:\nlimits:\nschedules:\necr_flow_log:\n",
            true,
        ),
        ("exclude: {ids: , tags: }", true),
        ("resource_directory: {role: a, folders: , exclude: {accounts: , folders: ~, tags: }}", true),
        ("overrides: [{match: {ids: [vpc-1]}, create_destination: ~}]", true),
        ("resource_directory: {role: }", false),
        ("overrides: [{match: {ids: [vpc-1]}, create_destination: {retention_days: ~}}]", false),
        ("overrides: [{match: {ids: [vpc-1], tags: ~, regions: ~}, traffic_path: , tags: }]", true),
        ("overrides: [{match: {ids: ~, tags: ~}, schedule: never}]", false),
        ("overrides: [{match: ~, schedule: never}]", false),
        ("overrides: [~]", false),
        ("resource_tag:", false),
        ("remediate: ~", false),
        ("coverage: ~", false),
        ("limits: {max_creations: ~}", false),
    ] {
        let text = format!("flow_log: {{project: abc, log_store: vpc}}\n{policy}\n");
        assert_eq!(mistakes(&text).is_empty(), is_accepted, "the parser, of {policy}");
        assert_eq!(violations(&read(&text)).is_empty(), is_accepted, "the schema, of {policy}");
    }
}

#[test]
fn numbers_and_booleans_may_be_quoted_or_not() {
    for policy in [
        "limits: {max_changes: \"+7\", max_changes_percent: \"007\", max_creations: \"0\"}",
        "limits: {max_changes: 0, max_changes_percent: 100, max_creations: 1000000}",
        "own_account: \"true\"\nreplace: \"false\"",
        "accounts: [{id: 1000000000000002, role: \"acs:ram::1000000000000002:role/a\", external_id: 5}]",
        "overrides: [{match: {tags: {team: 5, prod: true}}, aggregation_interval: \"5\", tags: {level: 1.5}}]",
        "ecr_flow_log: {project: abc, log_store: ecr, interval: \"60\"}",
        "schedules: {5: {time_zone: UTC, on: [\"Mon 07:00-08:00\"]}}\nschedule: 5",
    ] {
        let text = format!("flow_log: {{project: 12345, log_store: vpc}}\n{policy}\n");
        assert_eq!(mistakes(&text), [""; 0], "{policy}");
        let keys_are_text = text.replace("{5:", "{\"5\":");
        assert_eq!(violations(&read(&keys_are_text)), [""; 0], "{policy}");
    }
}

#[test]
fn the_schema_and_the_parser_agree_on_a_policy_that_is_broken_in_any_one_place() {
    let whole = read(WHOLE);
    assert_eq!(is_good(&whole), Ok(true));
    let breaks = breaks();
    let (mut good, mut bad, mut wrong) = (0, 0, Vec::new());
    for key in whole.as_object().unwrap().keys() {
        // Only this section and what it refers to: a small policy is judged sooner.
        let mut part = json!({"flow_log": {"project": "abc", "log_store": "vpc"}});
        let needs: &[&str] = match key.as_str() {
            "schedule" | "overrides" => &["schedules"],
            "own_account" => &["accounts", "resource_directory"],
            "resource_directory" => &["accounts"],
            _ => &[],
        };
        for section in needs.iter().copied().chain([key.as_str()]) {
            part[section] = whole[section].clone();
        }
        let mut found = Vec::new();
        places(&whole[key], &format!("/{key}"), &mut found);
        for place in &found {
            for way in &breaks {
                match way.apply(&part, place).as_ref().map(is_good) {
                    Some(Ok(true)) => good += 1,
                    Some(Ok(false)) => bad += 1,
                    Some(Err(difference)) => wrong.push(format!("at {place} {way:?}: {difference}")),
                    None => {}
                }
            }
        }
    }
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(good > 500 && bad > 10_000, "{good} good, {bad} bad");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_good_policy_is_good_by_the_schema_and_the_parser(policy in any_policy()) {
        prop_assert_eq!(is_good(&policy), Ok(true), "{:?}", mistakes(&policy.to_string()));
    }

    #[test]
    fn the_schema_and_the_parser_agree_on_any_policy_that_is_broken_in_one_place(
        policy in any_policy(),
        place in any::<prop::sample::Index>(),
        ways in prop::collection::vec(select(breaks()), 8),
    ) {
        let mut found = Vec::new();
        places(&policy, "", &mut found);
        for broken in ways.iter().filter_map(|way| way.apply(&policy, place.get(&found).as_str())) {
            prop_assert!(is_good(&broken).is_ok(), "{}", is_good(&broken).unwrap_err());
        }
    }
}
