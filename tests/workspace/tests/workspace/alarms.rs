//! A rule for maintainers: an alert that lists codes of the API has all that mean the same.

use std::{fs, path::Path};

use workspace::ROOT;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The codes that mean that a right is missing, by the table of the client.
fn access_denied() -> Vec<String> {
    let table = read("shared/openapi/src/call/codes.rs");
    let table = table.split("#[cfg(test)]").next().unwrap();
    let lines = table.lines().filter(|line| line.contains("AccessDenied, ") && line.contains('"'));
    lines.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
}

/// The codes that the alert on missing rights asks for. One that ends in `*` stands for all that begin so.
fn asked_for() -> Vec<String> {
    let template = read("template.yml");
    let (_, alert) = template.split_once("\n  AccessDeniedAlert:\n").unwrap();
    let alert: Vec<&str> = alert.split("SeverityConfigurations:").next().unwrap().split_whitespace().collect();
    let code =
        |words: &[&str]| (words[0].ends_with("message.error_code:")).then(|| words[1].trim_end_matches(')').to_owned());
    alert.windows(2).filter_map(code).collect()
}

#[test]
fn the_alert_on_missing_rights_knows_every_code_for_one() {
    let (codes, asked_for) = (access_denied(), asked_for());
    assert!(codes.len() > 4 && asked_for.len() > 2, "{codes:?} {asked_for:?}");
    for code in codes {
        let is_asked_for = |word: &String| match word.strip_suffix('*') {
            Some(prefix) => code.starts_with(prefix),
            None => code == *word,
        };
        assert!(asked_for.iter().any(is_asked_for), "{code} is none of {asked_for:?}");
    }
}
