//! A rule for maintainers: documents agree with the code, with each other, and with the files that they link to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use workspace::ROOT;

/// The maximum length of the README: people do not read a longer one.
const MAX_README_LINES: usize = 120;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The project's documents: those at the root, those in docs, and the READMEs of crates.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "docs", "shared/fc-runtime", "shared/signing", "tests/local-cloud"] {
        for entry in Path::new(ROOT).join(folder).read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Splits a document into its prose and its code blocks.
fn parts(text: &str) -> (String, Vec<String>) {
    let mut prose = String::new();
    let mut blocks = Vec::new();
    for (nth, part) in text.split("```").enumerate() {
        if nth % 2 == 0 {
            prose.push_str(part);
        } else {
            blocks.push(part.to_owned());
        }
    }
    (prose, blocks)
}

/// The depth of each heading, in order.
fn headings(prose: &str) -> Vec<usize> {
    let depth = |line: &str| line.len() - line.trim_start_matches('#').len();
    prose.lines().filter(|line| line.starts_with('#')).map(depth).collect()
}

/// The anchor of each heading, as links use it.
fn anchors(prose: &str) -> Vec<String> {
    let of = |title: &str| {
        let kept = title.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    prose.lines().filter(|line| line.starts_with('#')).map(|line| of(line.trim_start_matches('#'))).collect()
}

/// The targets of a document's links, in order.
fn links(prose: &str) -> Vec<String> {
    let targets = prose.split("](").skip(1);
    targets.map(|rest| rest.split_once(')').unwrap().0.to_owned()).collect()
}

/// A code block without its comments, which may be translated.
fn code(block: &str) -> String {
    let lines = block.lines().map(|line| line.split(" #").next().unwrap().trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readme_is_short() {
    for name in ["README.md", "README.zh-CN.md"] {
        let lines = read(name).lines().count();
        assert!(lines <= MAX_README_LINES, "{name} has {lines} lines");
    }
}

#[test]
fn the_chinese_readme_is_in_step_with_the_english_one() {
    let [english, chinese] = ["README.md", "README.zh-CN.md"].map(|name| parts(&read(name)));
    assert_eq!(headings(&chinese.0), headings(&english.0), "the headings, by depth");
    assert_eq!(links(&chinese.0), links(&english.0), "where the links lead");
    assert_eq!(chinese.1.len(), english.1.len(), "the number of code blocks");
    for (translated, original) in chinese.1.iter().zip(&english.1) {
        // The diagram contains prose, which is translated.
        if !original.starts_with("text\n") {
            assert_eq!(code(translated), code(original));
        }
    }
    let rows = |prose: &str| prose.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(rows(&chinese.0), rows(&english.0), "the rows of the tables");
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let documents = documents();
    assert!(documents.len() > 15, "{documents:?}");
    let mut wrong = Vec::new();
    for name in &documents {
        let folder = Path::new(name).parent().unwrap();
        for link in links(&parts(&read(name)).0) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let target: PathBuf = if file.is_empty() { name.into() } else { folder.join(file) };
            let is_there = Path::new(ROOT).join(&target).exists();
            let is_good = is_there
                && anchor.is_none_or(|anchor| {
                    let page = read(target.to_str().unwrap());
                    anchors(&parts(&page).0).iter().any(|found| found == anchor)
                });
            if !is_good {
                wrong.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The paths that a document names in backticks: any that begin with a folder of the project.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path = |quote: &&str| {
        let begins = ["shared/", "tests/", "functions/", "docs/"].iter().any(|folder| quote.starts_with(folder));
        begins && !quote.contains([' ', '<', '{', '*', '…'])
    };
    quoted.filter(is_path).collect()
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let mut checked = 0;
    for name in documents() {
        let text = parts(&read(&name)).0;
        for path in paths(&text) {
            checked += 1;
            assert!(Path::new(ROOT).join(path).exists(), "{name}: {path}");
        }
    }
    assert!(checked > 30, "{checked} paths");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let linked = links(&parts(&read("README.md")).0);
    for name in documents().iter().filter(|name| name.starts_with("docs/")) {
        assert!(linked.contains(name), "{name} is linked from nowhere in the README");
    }
}
