//! A rule for maintainers: every promise of docs/guarantees.md has its scenarios, and every scenario belongs to one
//! promise.

use std::{collections::BTreeSet, fs, path::Path};

use workspace::ROOT;

/// The folder of the scenarios.
const FOLDER: &str = "tests/scenarios/tests/scenarios";

/// The page with the promises.
const PAGE: &str = "docs/guarantees.md";

/// The rows of the table of promises.
fn promises() -> Vec<String> {
    let page = fs::read_to_string(Path::new(ROOT).join(PAGE)).unwrap();
    let (_, section) = page.split_once("\n## What it promises\n").unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    // The first two lines are the table's header.
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(str::to_owned).collect()
}

/// The scenarios that a line links to: the text and the target of each link.
fn scenarios(line: &str) -> Vec<(String, String)> {
    let links = line.split("[`").skip(1);
    links
        .map(|link| {
            let (name, rest) = link.split_once("`](").unwrap();
            (name.to_owned(), rest.split_once(')').unwrap().0.to_owned())
        })
        .collect()
}

fn files() -> BTreeSet<String> {
    let files = Path::new(ROOT).join(FOLDER).read_dir().unwrap();
    let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| name != "main").collect()
}

#[test]
fn every_promise_names_a_scenario_and_every_scenario_belongs_to_one_promise() {
    let mut named = BTreeSet::new();
    let promises = promises();
    assert!(promises.len() > 20, "the table was not found: {promises:#?}");
    for promise in promises {
        let scenarios = scenarios(&promise);
        assert!(!scenarios.is_empty(), "no scenario is named: {promise}");
        for (name, leads_to) in scenarios {
            assert_eq!(leads_to, format!("../{FOLDER}/{name}.rs"), "{promise}");
            assert!(Path::new(ROOT).join("docs").join(&leads_to).is_file(), "{leads_to} is not there");
            assert!(named.insert(name), "two promises name {leads_to}");
        }
    }
    assert_eq!(named, files(), "left: the scenarios that {PAGE} names; right: the files");
}

#[test]
fn every_scenario_file_is_run_and_has_a_test() {
    let folder = Path::new(ROOT).join(FOLDER);
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for name in files() {
        assert!(main.contains(&format!("\nmod {name};\n")), "main.rs does not know {name}");
        let text = fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        let has_test = text.lines().any(|line| ["#[test]", "#[tokio::test]"].contains(&line.trim()));
        assert!(has_test, "{name} has no test");
        assert!(!text.contains("\n#[ignore"), "{name} has a test that is not run");
    }
}
