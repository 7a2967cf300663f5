//! `schedule`: a list, a month, a picture.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::Home;

const POLICY: &str = "\
flow_log: {project: flowlog, log_store: vpc}
schedules:
  office:
    time_zone: Asia/Shanghai
    on: [\"Mon-Fri 07:00-21:00\"]
    off_dates: [\"2026-10-01..2026-10-07\"]
    on_dates: [\"2026-10-10 as Fri\"]
  nights: {time_zone: America/New_York, on: [\"Sat 22:15-02:30\", \"Sun 01:30-03:30\"]}
  办公时间: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 09:00-18:00\"]}
";

fn home() -> Home {
    Home::with(&[("policy.yml", POLICY)])
}

#[test]
fn a_month_is_drawn_with_holidays_and_clock_changes() {
    let home = home();
    assert_snapshot!("holidays", home.run(&["schedule", "office", "--month", "2026-10"], &[]).good());
    assert_snapshot!("clock_changes", home.run(&["schedule", "nights", "--month", "2026-03"], &[]).good());
}

#[test]
fn a_month_fits_the_terminal() {
    let home = home();
    for (columns, cells) in [("24", 12), ("40", 24), ("80", 48), ("120", 96), ("200", 96)] {
        let month = home.run(&["schedule", "办公时间", "--month", "2026-11"], &[("COLUMNS", columns)]).good();
        let days: Vec<_> = month.lines().filter(|line| line.contains('·')).collect();
        assert_eq!(days.len(), 30);
        assert!(days.iter().all(|day| day.chars().filter(|c| "█▄·".contains(*c)).count() == cells), "{month}");
        let room: usize = columns.parse().unwrap();
        assert!(days.iter().all(|day| day.chars().count() <= room.max(28)), "{columns}:\n{month}");
    }
    let narrow = home.run(&["schedule", "office", "--month", "2026-10"], &[("COLUMNS", "40")]).good();
    assert!(narrow.contains("Thu  1: off date\n") && narrow.contains("Sat 10: counts as Fri\n"), "{narrow}");
}

#[test]
fn a_dumb_terminal_gets_plain_characters() {
    let month = home().run(&["schedule", "nights", "--month", "2026-03"], &[("TERM", "dumb")]).good();
    assert!(month.is_ascii() && month.contains("####"), "{month}");
}

#[test]
fn a_month_is_drawn_into_a_file_or_to_stdout() {
    let home = home();
    let ran = home.run(&["schedule", "nights", "--month", "2026-03", "--svg", "march.svg"], &[]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "note: March 2026 of nights is in march.svg\n"));
    let svg = std::fs::read_to_string(home.path().join("march.svg")).unwrap();
    assert_snapshot!("svg", svg);
    let to_stdout = home.run(&["schedule", "nights", "--month", "2026-03", "--svg", "-"], &[]).good();
    assert_eq!(to_stdout, svg);
    let said = home.run(&["schedule", "nights", "--svg", "/nowhere/march.svg"], &[]).refused(1);
    assert!(said[0].starts_with("error: /nowhere/march.svg cannot be written"), "{said:#?}");
}

#[test]
fn programs_get_the_list_with_the_changes_of_clocks() {
    let home = home();
    let list = ["schedule", "nights", "--from", "2026-03-07", "--days", "2"];
    let value: Value =
        serde_json::from_str(&home.run(&[&list[..], &["--output", "json"]].concat(), &[]).good()).unwrap();
    assert_eq!((&value["version"], &value["time_zone"]), (&1.into(), &"America/New_York".into()));
    assert_eq!(value["clock_changes"][0]["what"], "02:00 to 03:00 does not exist");
    assert_eq!(value["spans"][1]["local"], "2026-03-07T22:15:00-05:00");
    let seconds: i64 = value["spans"].as_array().unwrap().iter().map(|span| span["seconds"].as_i64().unwrap()).sum();
    assert_eq!(seconds, 47 * 3600, "two days; one has 23 hours");
    let csv = home.run(&[&list[..], &["--output", "csv"]].concat(), &[]).good();
    assert!(
        csv.starts_with("state,at,local,seconds\noff,2026-03-07T05:00:00Z,Sat 2026-03-07 00:00 -05:00,80100\n"),
        "{csv}"
    );
}
