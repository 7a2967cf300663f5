//! Rules for maintainers: each setting and each parameter is in the documents, and nothing there is no more.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use workspace::ROOT;

const PREFIX: &str = "FLOWKEEPER_";

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// The sources below a folder, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| match path.file_name().unwrap().to_str().unwrap() {
        "tests" | "examples" => Vec::new(),
        _ if path.is_dir() => sources(&path),
        name if name.ends_with(".rs") => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(inside).collect()
}

/// The names of settings that a text has as such.
fn names(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        let end = rest.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_').unwrap_or(rest.len());
        (end > 0).then(|| format!("{PREFIX}{}", &rest[..end]))
    };
    text.split(PREFIX).skip(1).filter_map(name).collect()
}

#[test]
fn every_setting_is_documented_and_every_documented_setting_is_read() {
    let code: Vec<String> = ["shared", "functions"]
        .iter()
        .flat_map(|folder| sources(&Path::new(ROOT).join(folder)))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let read_by_code: BTreeSet<String> = code.iter().flat_map(|text| names(text)).collect();
    let page = read("docs/settings.md");
    let short = "FLOWKEEPER_{VPC,ECS,ECR,STS}_ENDPOINT";
    assert!(page.contains(short));
    let spelled_out = ["VPC", "ECS", "ECR", "STS"].map(|product| format!("{PREFIX}{product}_ENDPOINT")).join(" ");
    let documented = names(&page.replace(short, &spelled_out).replace("FLOWKEEPER_*", ""));
    assert!(read_by_code.len() > 15, "{read_by_code:?}");
    let missing: Vec<_> = read_by_code.difference(&documented).collect();
    assert_eq!(missing, Vec::<&String>::new(), "docs/settings.md does not have them");
    // The runtime knows its settings without the prefix of this project.
    let is_read = |name: &&String| {
        let own = format!("\"{}\"", name.strip_prefix(PREFIX).unwrap());
        !read_by_code.contains(*name) && !code.iter().any(|text| text.contains(&own))
    };
    let unread: Vec<_> = documented.iter().filter(is_read).collect();
    assert_eq!(unread, Vec::<&String>::new(), "nothing reads them");
}

/// The parameters of the template.
fn parameters() -> Vec<String> {
    let template = read("template.yml");
    let (_, rest) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = rest.split_once("\nConditions:\n").unwrap();
    let name = |line: &str| {
        line.strip_prefix("  ")?.strip_suffix(':').filter(|name| !name.starts_with(' ')).map(str::to_owned)
    };
    parameters.lines().filter_map(name).collect()
}

#[test]
fn every_parameter_of_the_template_is_documented() {
    let page = read("docs/deploying.md");
    let parameters = parameters();
    assert!(parameters.len() > 30, "{parameters:?}");
    let missing: Vec<_> = parameters.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn every_timer_has_a_parameter_for_its_silence_and_a_row_in_the_runbook() {
    let runbook = read("docs/operations.md");
    let timers: Vec<_> = parameters().into_iter().filter(|name| name.ends_with("Timer")).collect();
    assert_eq!(timers.len(), 4);
    for timer in timers {
        let row = runbook
            .lines()
            .find(|line| line.starts_with(&format!("| `{timer}` | `Max")))
            .unwrap_or_else(|| panic!("{timer}"));
        let silence = row.split('`').nth(3).unwrap();
        assert!(parameters().iter().any(|name| name == silence), "{row}");
        let template = read("template.yml");
        let (_, parameter) = template.split_once(&format!("\n  {silence}:\n")).unwrap();
        let default = parameter.lines().find_map(|line| line.trim().strip_prefix("Default: ")).unwrap();
        assert_eq!(row.split('|').nth(3).unwrap().trim(), default.trim_matches('\''), "{row}");
    }
}
