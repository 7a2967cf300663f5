//! Rules for maintainers: what the pages tell an operator to type and to set is there.
//!
//! That covers the steps which no scenario runs: upgrade, rollback and removal.

use std::{collections::BTreeSet, fs, path::Path};

use workspace::{ROOT, files};

const TEMPLATES: [&str; 4] = ["template.yml", "template-member.yml", "template-forward.yml", "template-guardrail.yml"];
/// The pages that are about a deployment.
const PAGES: [&str; 4] = ["docs/deploying.md", "docs/organization.md", "docs/operations.md", "docs/evidence.md"];

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The part of a text between two others.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} after {begin:?}")).0
}

/// The words that a `case` of the script `deploy` takes, which begins and ends with these lines.
fn cases(begin: &str, end: &str) -> BTreeSet<String> {
    let script = read("deploy");
    let indent = if begin.starts_with("  ") { "    " } else { "  " };
    let labels = between(&script, &format!("\n{begin}\n"), &format!("\n{end}\n")).lines();
    let labels = labels.filter_map(|line| line.strip_prefix(indent)?.split_once(')'));
    let words = labels.flat_map(|(label, _)| label.split(" | "));
    words.filter(|word| word.bytes().all(|letter| letter.is_ascii_lowercase())).map(str::to_owned).collect()
}

/// The words after each `./deploy` in a page: the command, and what it is about. Without options.
fn calls(page: &str) -> Vec<(String, Option<String>)> {
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_lowercase());
    let of = |rest: &str| {
        let line = rest.split(['`', '\n', '#']).next().unwrap_or_default();
        let mut words = line.split_whitespace().skip_while(|word| word.starts_with('-'));
        let command = words.next().filter(is_word)?;
        Some((command.to_owned(), words.next().filter(is_word).map(str::to_owned)))
    };
    page.split("./deploy ").skip(1).filter_map(of).collect()
}

/// What a page has between backticks, blocks left out.
fn code(page: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect()
}

/// Each name that a file of settings may have.
fn settings() -> BTreeSet<String> {
    let script = read("deploy");
    let mut names: BTreeSet<String> =
        between(&script, "\nDEPLOY_SETTINGS='", "'\n").split_whitespace().map(str::to_owned).collect();
    for template in TEMPLATES {
        let text = read(template);
        let (_, parameters) = text.split_once("\nParameters:\n").unwrap();
        let lines = parameters.lines().take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
        let name = |line: &str| line.strip_prefix("  ")?.strip_suffix(':').map(str::to_owned);
        names.extend(lines.filter_map(name).filter(|name| !name.starts_with(' ')));
    }
    names
}

#[test]
fn every_command_of_deploy_in_the_pages_is_one() {
    let commands = cases("case $command in", "esac");
    let removed = cases("  case ${1-} in", "  esac\n}\n\ndry=");
    let shown = cases("  case ${1:-stack} in", "  esac\n}\n\nremove() {");
    assert_eq!((commands.len(), removed.len(), shown.len()), (10, 6, 6), "{commands:?} {removed:?} {shown:?}");
    let mut counted = 0;
    for path in files(&Path::new(ROOT).join("docs"))
        .into_iter()
        .chain(["README.md", "README.zh-CN.md"].map(|name| Path::new(ROOT).join(name)))
    {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        for (command, about) in calls(&fs::read_to_string(&path).unwrap()) {
            let page = path.display();
            assert!(commands.contains(&command), "{page}: ./deploy {command}");
            let known = match command.as_str() {
                "remove" => &removed,
                "status" => &shown,
                _ => continue,
            };
            let is_known = about.as_ref().map_or(command == "status", |about| known.contains(about));
            assert!(is_known, "{page}: ./deploy {command} {about:?}");
            counted += 1;
        }
    }
    assert!(counted > 5, "{counted}");
    // The list in the comment of a command.
    let list = between(&read("docs/operations.md"), "./deploy remove forward     # if you use them: ", "\n").to_owned();
    for about in list.replace(" or ", ", ").split(", ") {
        assert!(removed.contains(about), "./deploy remove {about}");
    }
}

#[test]
fn every_setting_that_the_pages_give_a_value_is_one() {
    let settings = settings();
    assert!(settings.len() > 50, "{settings:?}");
    let mut given = BTreeSet::new();
    for page in PAGES {
        let text = read(page);
        let blocks = text.split("```").skip(1).step_by(2).flat_map(str::lines).map(str::to_owned);
        for line in code(&text).into_iter().chain(blocks) {
            let Some((name, _)) = line.split_once('=') else { continue };
            // Names of such settings begin with a capital letter. Others are shell or YAML.
            let is_name = |begin: &str| begin.bytes().all(|letter| letter.is_ascii_alphabetic() || letter == b'_');
            if name.starts_with(|first: char| first.is_ascii_uppercase()) && is_name(name) {
                assert!(settings.contains(name), "{page}: {line}");
                given.insert(name.to_owned());
            }
        }
    }
    for name in ["DryRun", "HubBus", "MakeRoles", "MakeFlowLogStore", "DELETE_TRAFFIC", "REGION"] {
        assert!(given.contains(name), "{name}: {given:?}");
    }
}

#[test]
fn every_name_in_the_runbook_is_one_of_the_product() {
    let sources = ["shared", "functions"].iter().flat_map(|folder| files(&Path::new(ROOT).join(folder)));
    let sources = sources.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let scripts = TEMPLATES.into_iter().chain(["deploy", "redrive"]).map(|name| Path::new(ROOT).join(name));
    let known: Vec<String> = sources.chain(scripts).map(|path| fs::read_to_string(path).unwrap()).collect();
    // Words of others: what Function Compute calls its errors, and a call that nobody should make.
    let of_others = ["FunctionOOMError", "FunctionTimeoutError", "GetQueueAttributes"];
    let names: BTreeSet<String> = code(&read("docs/operations.md"))
        .into_iter()
        .filter(|code| code.starts_with(|first: char| first.is_ascii_uppercase()))
        .filter(|code| code.bytes().all(|letter| letter.is_ascii_alphabetic() || letter == b'_'))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let is_whole = |text: &str, name: &str| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        text.match_indices(name)
            .any(|(at, _)| !text[..at].ends_with(is_letter) && !text[at + name.len()..].starts_with(is_letter))
    };
    for name in names.iter().filter(|name| !of_others.contains(&name.as_str())) {
        assert!(known.iter().any(|text| is_whole(text, name)), "docs/operations.md: {name} is not there");
    }
}
