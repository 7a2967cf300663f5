//! `explain` and the lists of `schedule`.

use crate::support::Home;

/// Schedules in zones whose clocks skip an hour. Each was once off for the whole of that day.
const IN_THE_GAP: &str = "\
flow_log: {project: \"flowlog-{account}-{region}\", log_store: vpc}
schedules:
  paris: {time_zone: Europe/Paris, on: [Sun 02:30-03:30]}
  new-york: {time_zone: America/New_York, on: [Sun 02:30-03:15]}
  new-york-inside: {time_zone: America/New_York, on: [Sun 02:15-02:45]}
schedule: paris
";

/// A home with a policy and a resource, to run the command on.
struct Tried(Home);

impl Tried {
    fn on(policy: &str, resource: &str) -> Self {
        Self(Home::with(&[("policy.yml", policy), ("resource.json", resource)]))
    }

    /// Returns its stdout, its stderr and whether it succeeds.
    fn run(&self, arguments: &str) -> (String, String, bool) {
        let ran = self.0.run(&arguments.split(' ').collect::<Vec<_>>(), &[]);
        (ran.stdout, ran.stderr, ran.code == 0)
    }

    fn explained(&self, at: &str) -> String {
        let (told, wrong, is_good) = self.run(&format!("explain resource.json --at {at}"));
        assert!(is_good, "{wrong}");
        told
    }

    /// Returns the errors, without the remedy.
    fn refused(&self, arguments: &str) -> Vec<String> {
        let lines = self.0.run(&arguments.split(' ').collect::<Vec<_>>(), &[]).refused(64);
        lines.iter().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect()
    }
}

const POLICY: &str = "\
flow_log: {project: flowlog, log_store: vpc, aggregation_interval: 10}
exclude: {ids: [vpc-9]}
schedules: {office: {time_zone: Asia/Kolkata, on: [\"Mon-Fri 09:00-18:00\"]}}
overrides:
- match: {vpc_ids: [vpc-2]}
  coverage: vswitch
  schedule: office
";

fn resource(more: &str) -> String {
    format!("{{\"account\": \"1000000000000001\", \"region\": \"cn-hangzhou\", {more}}}")
}

#[test]
fn a_resource_without_a_flow_log_of_its_own_is_explained_with_the_reason() {
    for (more, says) in [
        (r#""id": "vsw-1", "parents": ["vpc-9"]"#, "left alone, as the policy excludes vpc-9"),
        (r#""id": "vpc-1", "tags": {"flowkeeper": "ignore"}"#, "left alone, as its tag flowkeeper says ignore"),
        (r#""id": "vpc-1", "tags": {"flowkeeper": "of"}"#, "until this is mended: its tag flowkeeper is \"of\""),
        (
            r#""id": "eni-1", "parents": ["vsw-1", "vpc-1"]"#,
            "nothing here: the flow log is kept on vpc-1; VPC is the level, by the policy's coverage",
        ),
        (
            r#""id": "eni-1", "parents": ["vpc-2", "vsw-1"]"#,
            "nothing here: the flow log is kept on vsw-1; vSwitch is the level, by override 1",
        ),
        (r#""id": "vpc-2""#, "nothing here: flow logs are kept on each vSwitch in it"),
        (r#""id": "vpc-2""#, "1 (line 5, column 3) sets coverage, schedule"),
        (r#""id": "vpc-1""#, "none of the 1 matches"),
    ] {
        let told = Tried::on(POLICY, &resource(more)).explained("2026-03-02T12:00Z");
        assert!(told.contains(says), "{more}:\n{told}");
    }
}

#[test]
fn what_is_out_of_scope_is_said_with_the_reason_that_an_event_of_it_is_skipped_with() {
    for (more, says) in [
        (
            "regions: [cn-beijing]\n",
            "nothing: the region cn-hangzhou is out of scope: the policy's regions do not name it",
        ),
        (
            "exclude_regions: [cn-hangzhou]\n",
            "nothing: the region cn-hangzhou is out of scope: the policy's exclude_regions names it",
        ),
        (
            "own_account: false\naccounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]\n",
            "nothing: the account 1000000000000001 is out of scope: the policy's accounts do not name it",
        ),
    ] {
        let told = Tried::on(&format!("{POLICY}{more}"), &resource(r#""id": "vpc-1""#)).explained("2026-03-02T12:00Z");
        assert!(told.contains(says), "{more}:\n{told}");
    }
}

#[test]
fn an_account_that_the_directory_may_have_is_explained_with_its_role() {
    let role = "acs:ram::1000000000000001:role/keeper";
    let in_scope = format!("account                 in scope if the resource directory has it there, through {role}\n");
    for (exclude, says) in [
        ("", in_scope.as_str()),
        ("", "a flow log of its own"),
        (
            ", exclude: {accounts: [\"1000000000000001\"]}",
            "nothing: the account 1000000000000001 is out of scope: the policy's resource_directory.exclude names it",
        ),
    ] {
        let policy = format!("{POLICY}regions: all\nresource_directory: {{role: keeper{exclude}}}\n");
        let told = Tried::on(&policy, &resource(r#""id": "vpc-1""#)).explained("2026-03-02T12:00Z");
        assert!(told.contains(says), "{exclude}:\n{told}");
    }
}

#[test]
fn the_tags_of_the_vpc_are_asked_for_where_they_decide_and_a_tag_that_does_not_count_is_a_finding() {
    let policy = "flow_log: {project: flowlog, log_store: vpc}\nresource_tag: [ignore]\n\
        overrides: [{match: {tags: {level: fine}}, coverage: network-interface}]\n";
    for (more, says) in [
        (
            "",
            "unknown: the tags of vpc-1 decide by override 1 where its flow log is kept, and are not known. Give the file of DescribeVpcs as well",
        ),
        (
            r#", "vpc_tags": {}"#,
            "nothing here: the flow log is kept on vpc-1; VPC is the level, by the policy's coverage",
        ),
        (r#", "vpc_tags": {"level": "fine"}"#, "a flow log of its own: network interface is the level, by override 1"),
        (
            r#", "vpc_tags": {"level": "fine"}, "tags": {"flowkeeper": "off"}"#,
            "finding                 its tag flowkeeper=off is not honored: the policy's resource_tag does not list off",
        ),
    ] {
        let of = resource(&format!(r#""id": "eni-1", "parents": ["vsw-1", "vpc-1"]{more}"#));
        let told = Tried::on(policy, &of).explained("2026-03-02T12:00Z");
        assert!(told.contains(says), "{more}:\n{told}");
    }
}

#[test]
fn a_warning_of_a_policy_is_said_and_what_is_asked_is_told() {
    let tried = Tried::on(&format!("{POLICY}regions: [cn-hangzhou, ap-southeast-9]\n"), &resource(r#""id": "vpc-1""#));
    let (told, warned, is_good) = tried.run("explain resource.json --at 2026-03-02T12:00Z");
    assert!(is_good && told.contains("a flow log of its own"), "{told}{warned}");
    assert!(
        warned.starts_with("warning: policy.yml:8:24: ap-southeast-9 is not a region that this version knows"),
        "{warned}"
    );
}

#[test]
fn what_governs_and_what_comes_next_is_said() {
    let vswitch = |tag: &str| {
        let tags = if tag.is_empty() { String::new() } else { format!(r#", "tags": {{"flowkeeper": "{tag}"}}"#) };
        Tried::on(POLICY, &resource(&format!(r#""id": "vsw-1", "parents": ["vpc-2"]{tags}"#)))
    };
    // A Friday, 17:30 in India.
    for (tag, governed_by, now, next) in [
        ("", "the schedule office, by override 1", "on", "off at Fri 2026-03-06 18:00 +05:30, 2026-03-06T12:30:00Z"),
        ("off", "its tag flowkeeper=off", "off", "none within a year"),
        (
            "off-until=2026-03-07T12:00+05:30",
            "its tag flowkeeper=off-until=",
            "off",
            "on at Mon 2026-03-09 09:00 +05:30",
        ),
        ("on-until=2026-03-06T18:30+05:30", "its tag flowkeeper=on-until=", "on", "off at Fri 2026-03-06 18:30 +05:30"),
        (
            "on-until=2026-03-06T12:00+05:30",
            "by override 1; its tag flowkeeper=on-until=2026-03-06T12:00+05:30 has expired",
            "on",
            "off at Fri 2026-03-06 18:00",
        ),
    ] {
        let told = vswitch(tag).explained("2026-03-06T12:00Z");
        let line = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        assert!(line("governed by").contains(governed_by), "{tag}:\n{told}");
        assert_eq!(line("now"), now, "{tag}");
        assert!(line("next change").starts_with(next), "{tag}:\n{told}");
    }
}

#[test]
fn what_there_is_to_do_depends_on_the_flow_log_that_is_there() {
    let policy = "flow_log: {project: flowlog, log_store: vpc, traffic_path: [vbr], tags: {a: b}}\n\
        schedules: {office: {time_zone: Asia/Kolkata, on: [\"Mon-Fri 09:00-18:00\"]}}\nschedule: office\n";
    // A Monday, and a Sunday.
    for (status, on_monday, on_sunday) in [
        ("", "CreateFlowLog, as it is missing: ", "nothing, as it is paused: "),
        (r#", "status": "Active""#, "nothing, as it is compliant: ", "DeactiveFlowLog, as it is due-to-pause: "),
        (r#", "status": "Inactive""#, "ActiveFlowLog, as it is inactive: ", "nothing, as it is paused: "),
        (r#", "status": "Activating""#, "nothing, as it is pending: ", "DeactiveFlowLog, as it is pending: "),
    ] {
        let tried = Tried::on(policy, &resource(&format!(r#""id": "vpc-1"{status}"#)));
        for (at, desired) in [("2026-03-02T06:00Z", on_monday), ("2026-03-01T06:00Z", on_sunday)] {
            let told = tried.explained(at);
            let to_do = told.lines().find_map(|line| line.strip_prefix("to do")).unwrap().trim();
            assert!(to_do.starts_with(desired), "{status} {at}: {to_do}");
        }
    }
}

#[test]
fn every_mistake_of_a_policy_and_of_a_resource_is_said_with_its_place() {
    let tried = Tried::on(
        "flow_log:\n  project: Flow Log\n  log_stor: vpc\n",
        &resource(r#""id": "subnet-1", "parents": ["vsw 1"]"#),
    );
    let wrong = tried.refused("explain resource.json");
    let starts = [
        "policy.yml:2:3: flow_log has no log_store",
        "policy.yml:2:12: \"Flow Log\" is not an SLS project name",
        "policy.yml:3:3: flow_log has no key \"log_stor\"",
        "resource.json: id: \"subnet-1\" is not the id of a VPC",
        "resource.json: parents: \"vsw 1\" is not the id of a VPC",
    ];
    assert_eq!(wrong.len(), starts.len(), "{wrong:#?}");
    for (line, start) in wrong.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn a_resource_that_is_not_whole_is_refused_with_what_it_lacks() {
    for (text, says) in [
        (
            resource(r#""id": "eni-1", "parents": ["vpc-1"]"#),
            "parents of a network interface hold the id of its vSwitch and the id of its VPC",
        ),
        (resource(r#""id": "vpc-1", "parents": ["vpc-2"]"#), "parents of a VPC hold nothing"),
        (resource(r#""id": "vpc-1", "vpc_tags": {}"#), "vpc_tags: those of a VPC itself are its tags"),
        (resource(r#""id": "vpc-bp1****""#), "id: \"vpc-bp1****\" is not an exact id"),
        (resource(r#""id": "vpc-1", "tag": {}"#), "unknown field `tag`"),
        (
            resource(r#""id": "vpc-1", "status": "On""#),
            "status: \"On\" is not the status of a flow log: one of Activating, Active",
        ),
        (
            "{\"region\": \"cn-hangzhou\"}".to_owned(),
            "missing field `id` at line 1 column 25; want a list as DescribeVpcs prints it, or",
        ),
        ("vpc-1".to_owned(), "expected value at line 1 column 1"),
    ] {
        let wrong = Tried::on(POLICY, &text).refused("explain resource.json");
        assert!(wrong.len() == 1 && wrong[0].starts_with("resource.json: ") && wrong[0].contains(says), "{wrong:#?}");
    }
    let short = Tried::on(POLICY, "{\"id\": \"vpc-1\"}");
    assert_eq!(
        short.refused("explain resource.json"),
        [
            "resource.json: it has no account; give it with --account",
            "resource.json: it has no region; give it with --region"
        ]
    );
    let (told, _, is_good) = short.run("explain resource.json --account 1000000000000001 --region cn-hangzhou");
    assert!(
        is_good && told.starts_with("resource                vpc-1, a VPC of 1000000000000001 in cn-hangzhou"),
        "{told}"
    );
}

#[test]
fn a_file_or_a_schedule_that_is_not_there_is_said_with_those_that_are() {
    let tried = Tried::on(POLICY, "{}");
    for (arguments, says) in [
        ("office --policy none.yml", "none.yml cannot be read: No such file"),
        ("ofice", "policy.yml has no schedule \"ofice\": it has office"),
        ("never", "never is no schedule of policy.yml: it is what it says, at all times"),
        ("office --from 9999-12-30", "14 days from 9999-12-30 are out of range"),
        ("office --from tomorrow", "invalid value 'tomorrow' for '--from <DATE>'"),
    ] {
        let wrong = tried.refused(&format!("schedule {arguments}"));
        assert!(wrong[0].contains(says), "{arguments}: {wrong:#?}");
    }
}

#[test]
fn a_window_in_an_hour_that_is_skipped_is_on_from_the_end_of_that_hour() {
    for (arguments, line) in [
        ("paris --from 2026-03-28 --days 2", "on   Sun 2026-03-29 03:00 +02:00  2026-03-29T01:00:00Z  for 0 h 30 min"),
        (
            "new-york --from 2026-03-07 --days 2",
            "on   Sun 2026-03-08 03:00 -04:00  2026-03-08T07:00:00Z  for 0 h 15 min",
        ),
        (
            "new-york-inside --from 2026-03-07 --days 2",
            "on   Sun 2026-03-08 03:00 -04:00  2026-03-08T07:00:00Z  for 0 h 30 min",
        ),
    ] {
        let (told, wrong, is_good) = Tried::on(IN_THE_GAP, "{}").run(&format!("schedule {arguments}"));
        assert!(is_good && told.contains(line), "{told}{wrong}");
    }
}

#[test]
fn a_schedule_tells_of_the_missing_hour_and_counts_what_is_on() {
    let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
        schedules: {x: {time_zone: Europe/Berlin, on: [\"Sun 01:30-03:30\"]}}\n";
    let (told, wrong, is_good) = Tried::on(policy, "{}").run("schedule x --from 2026-03-29 --days 1");
    assert!(is_good, "{wrong}");
    assert_eq!(
        told,
        "x, a day from Sun 2026-03-29 00:00 +01:00 in Europe/Berlin\n\n\
         off  Sun 2026-03-29 00:00 +01:00  2026-03-28T23:00:00Z  for 1 h 30 min\n\
         on   Sun 2026-03-29 01:30 +01:00  2026-03-29T00:30:00Z  for 1 h\n     \
         Sun 2026-03-29 03:00 +02:00  2026-03-29T01:00:00Z  clocks change: 02:00 to 03:00 does not exist\n\
         off  Sun 2026-03-29 03:30 +02:00  2026-03-29T01:30:00Z  for 20 h 30 min\n\n\
         on for 1 h of 23 h: 96 % of the time nothing is recorded\n"
    );
}

#[test]
fn lists_of_the_api_are_explained_one_resource_after_the_other() {
    let vpcs = r#"{"TotalCount": 2, "Vpcs": {"Vpc": [
        {"VpcId": "vpc-1", "RegionId": "cn-hangzhou", "OwnerId": 1000000000000001, "Tags": {"Tag": [{"Key": "level", "Value": "fine"}]}},
        {"VpcId": "vpc-2", "RegionId": "cn-hangzhou", "OwnerId": 1000000000000001}]}}"#;
    let vswitches =
        r#"{"VSwitches": {"VSwitch": [{"VSwitchId": "vsw-1", "VpcId": "vpc-1", "OwnerId": 1000000000000001}]}}"#;
    let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
        overrides: [{match: {tags: {level: fine}}, coverage: vswitch}]\n";
    let home = Home::with(&[("policy.yml", policy), ("vpcs.json", vpcs), ("vswitches.json", vswitches)]);
    let at = ["--at", "2026-03-02T12:00Z"];
    let told = home.run(&[&["explain", "vpcs.json"][..], &at].concat(), &[]).good();
    let resources: Vec<_> = told.split("\n\n").collect();
    assert_eq!(resources.len(), 2);
    assert!(
        resources[0].starts_with("resource                vpc-1, a VPC of 1000000000000001 in cn-hangzhou\n"),
        "{told}"
    );
    assert!(resources[0].contains("flow logs are kept on each vSwitch in it"), "{told}");
    assert!(resources[1].contains("a flow log of its own: VPC is the level"), "{told}");

    let both = ["explain", "vswitches.json", "vpcs.json", "--region", "cn-hangzhou", "--only", "vsw-1"];
    let joined = home.run(&[&both[..], &at].concat(), &[]).good();
    assert!(joined.contains("a flow log of its own: vSwitch is the level, by override 1"), "{joined}");
    let alone = ["explain", "-", "--region", "cn-hangzhou"];
    let unjoined = home.run_with_input(&[&alone[..], &at].concat(), &[], vswitches).good();
    assert!(unjoined.contains("unknown: the tags of vpc-1 decide"), "{unjoined}");

    let said = home.run(&["explain", "vswitches.json", "none.json"], &[]).refused(64);
    assert_eq!(said[0], "error: vswitches.json: item 0: it has no RegionId; give the region with --region");
    assert!(said[1].starts_with("error: none.json cannot be read: No such file"), "{said:#?}");
    let no_such = home.run(&["explain", "vpcs.json", "--only", "vpc-3"], &[]).refused(64);
    assert_eq!(no_such[0], "error: --only vpc-3: no file has it");
}
