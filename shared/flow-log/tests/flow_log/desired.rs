//! The desired state of a resource at a moment.

use flow_log::{Desired, DesiredFlowLog, GovernedBy, Policy, Resource, ResourceType, desired, level, next_change};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;

use crate::support::{policy, resource, tagged, vpc};

/// A Monday, 12:00 in Shanghai.
const NOON: &str = "2026-03-02T04:00:00Z";
/// The same day, 22:00 in Shanghai.
const NIGHT: &str = "2026-03-02T14:00:00Z";

const OFFICE: &str = "schedules: {office: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 07:00-21:00\"]}}\n";

fn at(time: &str, resource: &Resource, policy: &Policy) -> Desired {
    desired(resource, None, policy, time.parse::<Timestamp>().unwrap())
}

fn kept(found: Desired) -> DesiredFlowLog {
    match found {
        Desired::FlowLog(desired) => *desired,
        other => panic!("a flow log is desired, not {other:?}"),
    }
}

#[test]
fn what_is_excluded_by_id_by_tag_or_by_its_owner_is_left_alone() {
    let policy = policy("exclude: {ids: [vpc-1], tags: {team: lab}}\ncoverage: network-interface\n");
    for left_alone in [
        vpc("vpc-1"),
        resource("eni-1", &["vsw-1", "vpc-1"]),
        tagged(resource("eni-1", &["vsw-1", "vpc-2"]), &[("team", "lab"), ("flowkeeper", "on")]),
        tagged(resource("eni-1", &["vsw-1", "vpc-2"]), &[("flowkeeper", "ignore")]),
    ] {
        assert!(matches!(at(NOON, &left_alone, &policy), Desired::Excluded { .. }), "{left_alone:?}");
    }
    assert!(matches!(at(NOON, &resource("eni-1", &["vsw-1", "vpc-2"]), &policy), Desired::FlowLog(_)));
}

#[test]
fn flow_logs_are_kept_at_the_level_of_the_policy_or_of_an_override() {
    let policy = policy("overrides: [{match: {vpc_ids: [vpc-1]}, coverage: vswitch}]\n");
    let level = |resource: &Resource| flow_log::level(resource, None, &policy).unwrap().as_str();
    assert_eq!(level(&vpc("vpc-2")), "VPC");
    assert_eq!(level(&vpc("vpc-1")), "VSwitch");
    assert_eq!(level(&resource("eni-1", &["vsw-1", "vpc-1"])), "VSwitch");
    assert!(matches!(at(NOON, &vpc("vpc-1"), &policy), Desired::OtherLevel(_)));
    assert!(matches!(at(NOON, &resource("vsw-1", &["vpc-1"]), &policy), Desired::FlowLog(_)));
}

#[test]
fn the_tags_of_a_vpc_decide_the_level_for_everything_in_it() {
    let policy = policy(
        "overrides:\n\
         - {match: {vpc_ids: [vpc-9]}, coverage: vpc}\n\
         - {match: {tags: {level: fine}}, coverage: network-interface}\n",
    );
    assert!(policy.coverage_needs_vpc_tags());
    let fine = tagged(vpc("vpc-1"), &[("level", "fine")]);
    let eni = resource("eni-1", &["vsw-1", "vpc-1"]);
    assert_eq!(level(&fine, None, &policy), Some(ResourceType::NetworkInterface), "a VPC is known to itself");
    assert_eq!(level(&eni, Some(&fine), &policy), Some(ResourceType::NetworkInterface), "it has no tag, its VPC has");
    assert_eq!(level(&eni, Some(&vpc("vpc-1")), &policy), Some(ResourceType::Vpc));
    let tagged_itself = tagged(eni.clone(), &[("level", "fine")]);
    assert_eq!(
        level(&tagged_itself, Some(&vpc("vpc-1")), &policy),
        Some(ResourceType::Vpc),
        "its own tags say nothing"
    );
    assert_eq!(
        level(&resource("eni-1", &["vsw-1", "vpc-9"]), None, &policy),
        Some(ResourceType::Vpc),
        "known by its id"
    );
    assert_eq!(level(&eni, Some(&vpc("vpc-2")), &policy), None, "that is another VPC");
}

#[test]
fn where_the_tags_of_the_vpc_decide_and_are_not_known_nothing_is_said_to_be_kept_elsewhere() {
    let policy = policy("overrides: [{match: {tags: {level: fine}}, coverage: network-interface}]\n");
    let eni = resource("eni-1", &["vsw-1", "vpc-1"]);
    assert_eq!(level(&eni, None, &policy), None);
    let Desired::Unknown { reason } = at(NOON, &eni, &policy) else { panic!("it is known") };
    assert_eq!(reason, "the tags of vpc-1 decide by override 1 where its flow log is kept, and are not known");
    let plan = flow_log::plan(&eni, &[], &at(NOON, &eni, &policy), flow_log::policy::Foreign::default());
    assert_eq!((plan.verdict, plan.converges, plan.changes.len()), (flow_log::Verdict::Unknown, false, 0));
}

#[test]
fn only_coverage_that_is_matched_by_tags_needs_those_of_the_vpc() {
    for (more, needs) in [
        ("", false),
        ("overrides: [{match: {tags: {a: b}}, schedule: never}]\n", false),
        (
            "overrides: [{match: {vpc_ids: [vpc-1], accounts: [\"1\"], regions: [cn-hangzhou]}, coverage: vswitch}]\n",
            false,
        ),
        ("overrides: [{match: {vpc_ids: [vpc-1], tags: {a: b}}, coverage: vswitch}]\n", true),
    ] {
        assert_eq!(policy(more).coverage_needs_vpc_tags(), needs, "{more}");
    }
}

#[test]
fn a_network_interface_whose_vswitch_is_not_known_is_unknown_where_vswitches_are_the_level() {
    let odd = resource("eni-1", &["vpc-1"]);
    assert!(matches!(at(NOON, &odd, &policy("coverage: vswitch\n")), Desired::Unknown { .. }));
    assert!(matches!(at(NOON, &odd, &policy("")), Desired::OtherLevel(ResourceType::Vpc)));
    assert!(matches!(at(NOON, &odd, &policy("coverage: network-interface\n")), Desired::FlowLog(_)));
}

fn any_level() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["vpc", "vswitch", "network-interface"])
}

/// A YAML map `{…}` with some of these entries.
fn some_of(entries: Vec<&'static str>) -> impl Strategy<Value = String> {
    let most = entries.len();
    prop::sample::subsequence(entries, 1..=most).prop_map(|entries| format!("{{{}}}", entries.join(", ")))
}

/// An override, with or without `coverage`.
fn any_override() -> impl Strategy<Value = String> {
    let tags = vec!["tags: {env: dev}", "tags: {env: test}", "tags: {}"];
    let with_coverage =
        ["ids: [vpc-1]", "vpc_ids: [vpc-1, vpc-2]", "accounts: [\"1000000000000001\"]", "regions: [cn-hangzhou]"];
    let others = ["ids: [vsw-1, eni-21]", "vpc_ids: [vpc-2]", "regions: [cn-shanghai]", "accounts: [\"1\"]"];
    let matched = move |entries: [&'static str; 4]| {
        prop::sample::select(tags.clone())
            .prop_flat_map(move |tags| some_of([tags].into_iter().chain(entries).collect()))
    };
    prop_oneof![
        (matched.clone()(with_coverage), any_level())
            .prop_map(|(found, level)| format!("{{match: {found}, coverage: {level}}}")),
        matched(others).prop_map(|found| format!("{{match: {found}, traffic_type: Drop}}")),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let overrides = prop::collection::vec(any_override(), 0..5);
    (any_level(), overrides).prop_filter_map("it says nothing", |(coverage, overrides)| {
        let overrides = overrides.join(", ");
        Policy::parse(&format!(
            "flow_log: {{project: flowlog, log_store: vpc}}\ncoverage: {coverage}\noverrides: [{overrides}]\n"
        ))
        .ok()
    })
}

/// One branch of a VPC: the VPC itself, a vSwitch, and a network interface on it, each with its own tags.
fn any_branch() -> impl Strategy<Value = [Resource; 3]> {
    let tags = || prop::sample::select(vec![None, Some("dev"), Some("test")]);
    ((1..4_u8), (1..4_u8), (1..4_u8), [tags(), tags(), tags()]).prop_map(|(vpc, vswitch, eni, tags)| {
        let (vpc, vswitch) = (format!("vpc-{vpc}"), format!("vsw-{vpc}{vswitch}"));
        let eni = resource(&format!("eni-{vpc}{eni}").replace("vpc-", ""), &[&vswitch, &vpc]);
        let tree = [resource(&vpc, &[]), resource(&vswitch, &[&vpc]), eni];
        let mut tags = tags.into_iter().map(|tag| tag.map(|env| ("env", env)).into_iter().collect::<Vec<_>>());
        tree.map(|resource| tagged(resource, &tags.next().unwrap_or_default()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn every_network_interface_is_governed_at_exactly_one_level(policy in any_policy(), branch in any_branch()) {
        let vpc = &branch[0];
        let governed: Vec<_> = branch
            .iter()
            .filter(|resource| match desired(resource, Some(vpc), &policy, Timestamp::UNIX_EPOCH) {
                Desired::FlowLog(_) => true,
                Desired::OtherLevel(_) => false,
                other => panic!("{} is {other:?}", resource.id),
            })
            .collect();
        prop_assert_eq!(governed.len(), 1, "{:?}", governed);
        let all = branch.iter().map(|resource| level(resource, Some(vpc), &policy)).collect::<Vec<_>>();
        prop_assert!(all.iter().all(|level| *level == Some(governed[0].id.resource_type())), "{:?}", all);
    }

    #[test]
    fn without_its_vpc_a_resource_is_unknown_or_what_it_is_with_it(policy in any_policy(), branch in any_branch()) {
        for resource in &branch {
            let [with, without] =
                [Some(&branch[0]), None].map(|vpc| desired(resource, vpc, &policy, Timestamp::UNIX_EPOCH));
            let is_unknown = matches!(without, Desired::Unknown { .. });
            prop_assert_eq!(is_unknown, level(resource, None, &policy).is_none());
            prop_assert!(is_unknown || with == without);
            prop_assert!(!is_unknown || policy.coverage_needs_vpc_tags());
        }
    }

    #[test]
    fn the_next_change_is_the_first_moment_at_which_it_is_wanted_otherwise(
        zone in prop::sample::select(vec!["Asia/Shanghai", "Europe/Paris", "America/New_York", "Africa/Cairo"]),
        days in prop::sample::select(vec!["Mon-Fri", "Sat,Sun", "Sun", "Mon-Sun"]),
        from in 0..24_u8,
        length in 1..24_u8,
        on_date in prop::sample::select(vec!["2026-03-07", "2026-03-28 as Fri", "2026-03-30 as Sun", "2026-04-25"]),
        off_date in prop::sample::select(vec!["2026-03-08", "2026-03-29", "2026-04-24..2026-04-24"]),
        tag in prop::sample::select(vec![None, Some("off-until=2026-03-29T08:00Z"), Some("on-until=2026-03-29T02:30Z")]),
        around in prop::sample::select(vec!["2026-03-07T12:00Z", "2026-03-28T12:00Z", "2026-04-23T12:00Z"]),
        later in 0..288_i64,
    ) {
        let window = format!("{days} {from:02}:30-{:02}:30", (from + length) % 24);
        let policy = policy(&format!(
            "schedule: s\nschedules: {{s: {{time_zone: {zone}, on: [\"{window}\"], on_dates: [\"{on_date}\"], off_dates: [\"{off_date}\"]}}}}\n"
        ));
        let vpc = tagged(vpc("vpc-1"), &tag.map(|tag| ("flowkeeper", tag)).into_iter().collect::<Vec<_>>());
        let now = around.parse::<Timestamp>().unwrap() + (5 * later).minutes();
        let until = now + 72.hours();
        let is_on = |at: Timestamp| kept(desired(&vpc, None, &policy, at)).is_on;
        let steps = (1..).map(|step| now + (5 * step).minutes()).take_while(|at| *at < until);
        let first = steps.into_iter().find(|at| is_on(*at) != is_on(now));
        prop_assert_eq!(next_change(&vpc, None, &policy, now, until).map(|(at, _)| at), first);
    }
}

#[test]
fn the_first_override_that_matches_counts_field_by_field_over_the_defaults() {
    let policy = policy(
        "overrides:\n\
         - {match: {tags: {env: dev, tier: web}}, traffic_type: Allow}\n\
         - {match: {tags: {env: dev}}, traffic_type: Drop, description: Dev}\n\
         - {match: {regions: [cn-hangzhou]}, aggregation_interval: 1}\n",
    );
    let spec = |tags: &[(&str, &str)]| kept(at(NOON, &tagged(vpc("vpc-1"), tags), &policy)).spec;
    let dev = spec(&[("env", "dev")]);
    assert_eq!((dev.traffic_type.as_str(), dev.aggregation_interval.as_str()), ("Drop", "10"));
    assert_eq!((dev.description.as_str(), dev.project.as_str()), ("Dev", "flowlog"));
    assert_eq!(spec(&[("env", "dev"), ("tier", "web")]).traffic_type.as_str(), "Allow");
    assert_eq!(spec(&[]).aggregation_interval.as_str(), "1");
}

#[test]
fn an_override_matches_by_id_by_account_and_by_tags_that_it_sets_itself() {
    let policy = policy(
        "overrides:\n\
         - {match: {ids: [vpc-1]}, traffic_type: Allow, tags: {why: id}}\n\
         - {match: {accounts: [\"1000000000000009\"]}, traffic_type: Drop}\n",
    );
    let spec = |resource: &Resource| kept(at(NOON, resource, &policy)).spec;
    let one = spec(&vpc("vpc-1"));
    assert_eq!(one.traffic_type.as_str(), "Allow");
    assert!(one.tags.iter().any(|(key, value)| (key.as_str(), value.as_str()) == ("why", "id")));
    assert_eq!(spec(&vpc("vpc-2")).traffic_type.as_str(), "All");
    let elsewhere = Resource { account: "1000000000000009".parse().unwrap(), ..vpc("vpc-2") };
    assert_eq!(spec(&elsewhere).traffic_type.as_str(), "Drop");
}

#[test]
fn a_schedule_says_whether_a_flow_log_is_on() {
    let policy = policy(&format!("{OFFICE}schedule: office\n"));
    let [noon, night] = [NOON, NIGHT].map(|time| kept(at(time, &vpc("vpc-1"), &policy)));
    assert!(noon.is_on && !night.is_on);
    assert_eq!(noon.governed_by, GovernedBy::Schedule("office".to_owned()));
}

#[test]
fn always_and_never_are_schedules_of_every_policy() {
    for (text, is_on, governed_by) in [
        ("", true, GovernedBy::Always),
        ("schedule: always\n", true, GovernedBy::Always),
        ("schedule: never\n", false, GovernedBy::Never),
    ] {
        for time in [NOON, NIGHT] {
            let found = kept(at(time, &vpc("vpc-1"), &policy(text)));
            assert_eq!((found.is_on, found.governed_by), (is_on, governed_by.clone()), "{text}");
        }
    }
}

#[test]
fn what_is_next_switched_is_told_by_the_first_moment_at_which_it_is_wanted_otherwise() {
    let policy = policy(&format!("{OFFICE}schedule: office\n"));
    let next = |tag: Option<&str>, until: &str| {
        let vpc = tagged(vpc("vpc-1"), &tag.map(|tag| ("flowkeeper", tag)).into_iter().collect::<Vec<_>>());
        let (at, desired) = next_change(&vpc, None, &policy, NOON.parse().unwrap(), until.parse().unwrap())?;
        Some((at.to_string(), desired.is_on))
    };
    let told = |at: &str, is_on| Some((at.to_owned(), is_on));
    let later = "2026-03-10T00:00Z";
    assert_eq!(next(None, later), told("2026-03-02T13:00:00Z", false));
    assert_eq!(next(None, "2026-03-02T13:00Z"), None, "that is not before");
    assert_eq!(next(Some("on"), later), None);
    assert_eq!(next(Some("ignore"), later), None);
    assert_eq!(next(Some("off-until=2026-03-02T12:00Z"), later), told("2026-03-02T12:00:00Z", true));
    assert_eq!(next(Some("on-until=2026-03-02T12:00Z"), later), told("2026-03-02T13:00:00Z", false), "on all the same");
    assert_eq!(next(Some("on-until=2026-03-02T15:00Z"), later), told("2026-03-02T15:00:00Z", false));
}

#[test]
fn the_tag_of_a_resource_is_stronger_than_the_schedule_until_it_expires() {
    let policy = policy(&format!("{OFFICE}schedule: office\n"));
    for (tag, at_noon, at_night) in [
        ("on", true, true),
        ("off", false, false),
        ("schedule=always", true, true),
        ("schedule=never", false, false),
        ("schedule=office", true, false),
        ("on-until=2026-03-02T23:00+08:00", true, true),
        ("on-until=2026-03-02T21:30+08:00", true, false),
        ("off-until=2026-03-02T13:00+08:00", false, false),
        ("off-until=2026-03-02T11:00+08:00", true, false),
    ] {
        let vpc = tagged(vpc("vpc-1"), &[("flowkeeper", tag)]);
        let is_on = [NOON, NIGHT].map(|time| kept(at(time, &vpc, &policy)).is_on);
        assert_eq!(is_on, [at_noon, at_night], "{tag}");
    }
}

#[test]
fn a_word_that_the_policy_does_not_honor_is_a_finding_and_the_flow_log_is_kept_as_if_it_had_no_tag() {
    for (listed, tag, note) in [
        ("[]", "off", "its tag flowkeeper=off is not honored: the policy's resource_tag does not list off"),
        (
            "[on, off]",
            "ignore",
            "its tag flowkeeper=ignore is not honored: the policy's resource_tag does not list ignore",
        ),
        (
            "[schedule]",
            "schedule=never",
            "its tag flowkeeper=schedule=never is not honored: the policy's resource_tag does not list off",
        ),
        (
            "[off]",
            "ingore",
            "its tag flowkeeper is \"ingore\", which is none of ignore, on, off, on-until=…, off-until=…, schedule=…, and so it is not honored",
        ),
    ] {
        let policy = policy(&format!("{OFFICE}schedule: office\nresource_tag: {listed}\n"));
        let of = |resource: &Resource| [NOON, NIGHT].map(|time| kept(at(time, resource, &policy)));
        let tagged_vpc = tagged(vpc("vpc-1"), &[("flowkeeper", tag)]);
        for (with, without) in of(&tagged_vpc).into_iter().zip(of(&vpc("vpc-1"))) {
            assert_eq!(with.note.as_deref(), Some(note));
            assert_eq!(DesiredFlowLog { note: None, ..with }, without, "{tag}");
        }
    }
    let honored = policy("resource_tag: [off]\n");
    let off = kept(at(NOON, &tagged(vpc("vpc-1"), &[("flowkeeper", "off")]), &honored));
    assert_eq!((off.is_on, off.note), (false, None));
}

#[test]
fn a_router_s_flow_log_is_wanted_as_the_policy_has_it_and_its_tag_counts_as_that_of_any_other_resource() {
    let policy = policy(
        "resource_tag: []\necr_flow_log: {project: ecr, log_store: ecr, name: \"\", description: \"\", \
         resource_group_id: rg-1, tags: {source: aliyun-1}}\n",
    );
    let vbr = flow_log::AttachedVbr {
        account: "1000000000000001".parse().unwrap(),
        region: "cn-hangzhou".parse().unwrap(),
        ecr: "ecr-1".parse().unwrap(),
        id: "vbr-1".parse().unwrap(),
        tags: Some([("flowkeeper".to_owned(), "off".to_owned())].into_iter().collect()),
        is_locked: false,
    };
    let pattern = policy.ecr_flow_log.as_ref().unwrap();
    let Desired::FlowLog(desired) = flow_log::desired_ecr(&vbr, pattern, &policy, Timestamp::UNIX_EPOCH) else {
        panic!("it is kept")
    };
    assert_eq!((desired.spec.name.as_str(), desired.spec.description.as_str()), ("", ""));
    assert_eq!(desired.spec.resource_group_id.unwrap().as_str(), "rg-1");
    assert!(desired.spec.tags.iter().any(|(key, value)| (key.as_str(), value.as_str()) == ("source", "aliyun-1")));
    assert!(desired.is_on && desired.note.is_some_and(|note| note.ends_with("resource_tag does not list off")));
}

#[test]
fn what_is_off_or_left_alone_on_purpose_is_an_exception_with_its_reason() {
    for (more, tag, exception) in [
        ("schedule: office\n", None, Some("the schedule office keeps it off now")),
        ("schedule: never\n", None, Some("the policy (schedule: never) keeps it off")),
        ("", Some("off"), Some("its tag flowkeeper=off keeps it off now")),
        ("", Some("schedule=office"), Some("its tag flowkeeper=schedule=office keeps it off now")),
        ("", Some("ignore"), Some("its tag flowkeeper says ignore")),
        ("exclude: {ids: [vpc-1]}\n", None, Some("the policy excludes vpc-1")),
        (
            "exclude: {tags: {flowkeeper: \"on\"}}\n",
            Some("on"),
            Some("the policy excludes what is tagged flowkeeper=on"),
        ),
        ("", None, None),
        ("schedule: never\n", Some("on"), None),
        ("coverage: vswitch\n", None, None),
        ("", Some("ingore"), None),
        ("resource_tag: []\n", Some("off"), None),
    ] {
        let vpc = tagged(vpc("vpc-1"), &tag.map(|tag| ("flowkeeper", tag)).into_iter().collect::<Vec<_>>());
        let desired = at(NIGHT, &vpc, &policy(&format!("{OFFICE}{more}")));
        assert_eq!(desired.exception().as_deref(), exception, "{more} {tag:?}");
    }
}

#[test]
fn what_schedule_never_keeps_off_is_said_in_plain_words() {
    let policy = policy("schedule: never\n");
    let vpc = vpc("vpc-1");
    let reason = |seen: &[flow_log::FlowLog]| {
        flow_log::plan(&vpc, seen, &at(NOON, &vpc, &policy), flow_log::policy::Foreign::default()).reason
    };
    assert!(reason(&[]).starts_with("the policy (schedule: never) keeps it off"), "{}", reason(&[]));
    let on = crate::support::own("fl-1", "vpc-1");
    assert!(reason(&[on]).starts_with("fl-1 records, and the policy (schedule: never) keeps it off"));
}

#[test]
fn what_cannot_be_understood_is_left_as_it_is_and_said() {
    let policy = policy("");
    for tag in ["ingore", "schedule=office", "on-until=tomorrow"] {
        let Desired::Invalid { reason } = at(NOON, &tagged(vpc("vpc-1"), &[("flowkeeper", tag)]), &policy) else {
            panic!("{tag} is understood");
        };
        assert!(reason.contains("its tag flowkeeper"), "{reason}");
    }
}

#[test]
fn a_name_that_breaks_its_limit_once_filled_in_is_said() {
    let text = format!("flow_log:\n  project: {}-{{region}}\n  log_store: vpc\n", "x".repeat(50));
    let policy = Policy::parse(&text).unwrap();
    let far = Resource { region: "cn-zhangjiakou".parse().unwrap(), ..vpc("vpc-1") };
    let Desired::Invalid { reason } = at(NOON, &far, &policy) else { panic!("it cannot be filled in") };
    assert!(reason.contains("3 to 63"), "{reason}");
}

#[test]
fn the_tags_that_decide_are_those_that_the_policy_asks_for_and_the_resource_carries() {
    let policy = policy(
        "exclude: {tags: {env: sandbox}}\noverrides:\n  - {match: {tags: {team: net}}, coverage: vswitch}\n  - {match: {tags: {env: dev, tier: web}}, traffic_type: Drop}",
    );
    let used = |of: &Resource, vpc: Option<&Resource>| -> Vec<String> {
        let found = flow_log::deciding_tags(of, vpc, &policy).into_iter();
        found.map(|tag| format!("{} {}={} {}", tag.on, tag.key, tag.value, tag.used_by)).collect()
    };
    let plain = tagged(vpc("vpc-1"), &[("owner", "somebody")]);
    assert_eq!(used(&plain, None), [""; 0], "nobody asks for this tag");
    let excluded = tagged(vpc("vpc-1"), &[("env", "sandbox"), ("flowkeeper", "on")]);
    assert_eq!(used(&excluded, None), ["vpc-1 env=sandbox exclude"], "it decides alone");
    let dev = tagged(vpc("vpc-1"), &[("env", "dev"), ("tier", "web"), ("flowkeeper", "off"), ("a", "b")]);
    let expected = ["vpc-1 flowkeeper=off resource_tag", "vpc-1 env=dev override 2", "vpc-1 tier=web override 2"];
    assert_eq!(used(&dev, None), expected);
    let half = tagged(vpc("vpc-1"), &[("env", "dev")]);
    assert_eq!(used(&half, None), [""; 0], "the override asks for another tag, too");
    let net = tagged(vpc("vpc-1"), &[("team", "net")]);
    let vswitch = resource("vsw-1", &["vpc-1"]);
    assert_eq!(used(&vswitch, Some(&net)), ["vpc-1 team=net override 1"], "the VPC decides");
    let unread = Resource { tags: None, ..plain };
    assert_eq!(used(&unread, None), [""; 0]);
}
