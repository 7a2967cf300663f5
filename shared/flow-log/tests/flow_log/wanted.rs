//! What should hold for a resource at a moment.

use flow_log::{GovernedBy, Kept, Policy, Resource, Wanted, next_change, wanted};
use jiff::Timestamp;

use crate::support::{policy, resource, tagged, vpc};

/// A Monday, 12:00 in Shanghai.
const NOON: &str = "2026-03-02T04:00:00Z";
/// The same day, 22:00 in Shanghai.
const NIGHT: &str = "2026-03-02T14:00:00Z";

const OFFICE: &str = "schedules: {office: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 07:00-21:00\"]}}\n";

fn at(time: &str, resource: &Resource, policy: &Policy) -> Wanted {
    wanted(resource, policy, time.parse::<Timestamp>().unwrap())
}

fn kept(wanted: Wanted) -> Kept {
    match wanted {
        Wanted::Kept(kept) => *kept,
        other => panic!("wanted a flow log, not {other:?}"),
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
        assert!(matches!(at(NOON, &left_alone, &policy), Wanted::LeftAlone { .. }), "{left_alone:?}");
    }
    assert!(matches!(at(NOON, &resource("eni-1", &["vsw-1", "vpc-2"]), &policy), Wanted::Kept(_)));
}

#[test]
fn flow_logs_are_kept_at_the_level_of_the_policy_or_of_an_override() {
    let policy = policy("overrides: [{match: {vpc_ids: [vpc-1]}, coverage: vswitch}]\n");
    let level = |resource: &Resource| flow_log::level(resource, &policy).as_str();
    assert_eq!(level(&vpc("vpc-2")), "VPC");
    assert_eq!(level(&vpc("vpc-1")), "VSwitch");
    assert_eq!(level(&resource("eni-1", &["vsw-1", "vpc-1"])), "VSwitch");
    assert!(matches!(at(NOON, &vpc("vpc-1"), &policy), Wanted::KeptAt(_)));
    assert!(matches!(at(NOON, &resource("vsw-1", &["vpc-1"]), &policy), Wanted::Kept(_)));
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
            let kept = kept(at(time, &vpc("vpc-1"), &policy(text)));
            assert_eq!((kept.is_on, kept.governed_by), (is_on, governed_by.clone()), "{text}");
        }
    }
}

#[test]
fn what_is_next_switched_is_told_by_the_first_moment_at_which_it_is_wanted_otherwise() {
    let policy = policy(&format!("{OFFICE}schedule: office\n"));
    let next = |tag: Option<&str>, until: &str| {
        let vpc = tagged(vpc("vpc-1"), &tag.map(|tag| ("flowkeeper", tag)).into_iter().collect::<Vec<_>>());
        let (at, kept) = next_change(&vpc, &policy, NOON.parse().unwrap(), until.parse().unwrap())?;
        Some((at.to_string(), kept.is_on))
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
fn what_cannot_be_understood_is_left_as_it_is_and_said() {
    let policy = policy("");
    for tag in ["ingore", "schedule=office", "on-until=tomorrow"] {
        let Wanted::Unclear { reason } = at(NOON, &tagged(vpc("vpc-1"), &[("flowkeeper", tag)]), &policy) else {
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
    let Wanted::Unclear { reason } = at(NOON, &far, &policy) else { panic!("it cannot be filled in") };
    assert!(reason.contains("3 to 63"), "{reason}");
}
