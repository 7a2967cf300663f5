//! `check`: every mistake, in each form.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Home, repository};

const BAD: &str = "\
flow_log:
  project: \"Flow Log\"
  log_stor: vpc
regions: [cn-hangzhou, cn-hangzou]
schedules:
  office: {time_zone: Asia/Shangai, on: [\"Mon-Fri 07:00\"]}
overrides:
- match: {tags: {名称: 生产}, ids: [\"vpc-bp1****\"]}
  schedule: offce
";
const WARNED: &str = "\
flow_log: {project: flowlog, log_store: vpc}
regions: [cn-hangzhou, ap-southeast-9]
";

#[test]
fn every_mistake_is_drawn_with_a_caret_under_it() {
    let home = Home::with(&[("policy.yml", BAD)]);
    assert_snapshot!("mistakes", home.run(&["check"], &[]).whole());
    assert_snapshot!("mistakes_narrow", home.run(&["check"], &[("COLUMNS", "40")]).whole());
    let colored = home.run(&["check", "--color", "always"], &[]).stdout;
    assert!(colored.contains("\u{1b}[") && !home.run(&["check"], &[]).stdout.contains('\u{1b}'), "{colored}");
}

#[test]
fn a_warning_is_no_mistake_and_a_good_policy_is_said_to_be_one() {
    let home = Home::with(&[("policy.yml", WARNED)]);
    assert_snapshot!("warning", home.run(&["check"], &[]).whole());
    home.write("policy.yml", "flow_log: {project: flowlog, log_store: vpc}\n");
    assert_eq!(home.run(&["check"], &[]).good(), "policy.yml: no mistakes; 0 schedules, 0 overrides\n");
    let by_stdin = home.run_with_input(&["check", "-"], &[], BAD);
    assert!(by_stdin.code == 64 && by_stdin.stdout.contains("--> <stdin>:2:12\n"), "{}", by_stdin.whole());
}

#[test]
fn programs_get_each_mistake_with_its_place() {
    let home = Home::with(&[("policy.yml", BAD)]);
    let ran = home.run(&["check", "--output", "json"], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (64, ""));
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&value["version"], &value["valid"], &value["file"]), (&1.into(), &false.into(), &"policy.yml".into()));
    let findings = value["findings"].as_array().unwrap();
    let text = home.run(&["check"], &[]).stdout;
    assert_eq!(findings.len(), text.matches("error: ").count(), "all forms have the same mistakes");
    assert_eq!((&findings[1]["line"], &findings[1]["column"]), (&2.into(), &12.into()));

    let sarif: Value = serde_json::from_str(&home.run(&["check", "--output", "sarif"], &[]).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!((&sarif["version"], results.len()), (&"2.1.0".into(), findings.len()));
    for (result, finding) in results.iter().zip(findings) {
        assert_eq!((&result["level"], &result["message"]["text"]), (&"error".into(), &finding["message"]));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "policy.yml");
        assert_eq!(
            (&place["region"]["startLine"], &place["region"]["startColumn"]),
            (&finding["line"], &finding["column"])
        );
    }
}

#[test]
fn what_a_deployment_does_not_grant_is_a_mistake() {
    let policy = "flow_log: {project: flowlog, log_store: vpc}\nforeign: manage\naccounts:\n\
        - {id: \"1000000000000002\", role: \"acs:ram::1000000000000002:role/flowkeeper\"}\n\
        ecr_flow_log: {project: flowlog, log_store: ecr}\n";
    let template = std::fs::read_to_string(repository().join("template.yml")).unwrap();
    let home = Home::with(&[("policy.yml", policy), ("template.yml", &template)]);
    assert_snapshot!("not_granted", home.run(&["check", "--template", "template.yml"], &[]).whole());
    let all = ["MemberRoleName=flowkeeper", "ManageForeignFlowLogs=true", "KeepEcrFlowLogs=true"];
    let mut granted = vec!["check", "--template", "template.yml"];
    granted.extend(all.iter().flat_map(|parameter| ["--parameter", parameter]));
    home.run(&granted, &[]).good();
    for (arguments, says) in [
        (&["--template", "none.yml"][..], "error: none.yml cannot be read"),
        (&["--template", "policy.yml"], "error: policy.yml: it has no Parameters"),
        (
            &["--template", "template.yml", "--parameter", "X=1"],
            "error: --parameter X=1: template.yml has no parameter X",
        ),
        (&["--parameter", "X=1"], "error: the following required arguments were not provided"),
    ] {
        let said = home.run(&[&["check"], arguments].concat(), &[]).refused(64);
        assert!(said[0].starts_with(says), "{said:#?}");
    }
}

#[test]
fn a_file_that_is_no_policy_is_said_with_its_name() {
    let home = Home::new();
    let said = home.run(&["check"], &[]).refused(64);
    assert_eq!(
        said,
        [
            "error: policy.yml cannot be read: No such file or directory (os error 2)",
            "  try: name the file with the policy"
        ]
    );
    std::fs::write(home.path().join("latin.yml"), b"project: \xe4").unwrap();
    assert!(home.run(&["check", "latin.yml"], &[]).refused(64)[0].contains("latin.yml is no text in UTF-8"));
    home.write("empty.yml", "");
    assert_eq!(home.run(&["check", "empty.yml"], &[]).code, 64);
}
