//! A rule for maintainers: the documents are written in plain English.

use std::{
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What is checked: the folder, and the extension of its files. Subfolders are included, except at the root.
const CHECKED: [(&str, &str); 5] = [("", "md"), ("docs", "md"), ("shared", "md"), ("tests", "md"), ("functions", "md")];

/// Folders whose files are not part of the project.
const SKIPPED: [&str; 5] = ["target", "node_modules", ".git", ".venv", ".pytest_cache"];

/// Phrases that a native engineer would stumble over.
const PHRASES: [&str; 10] = [
    "what is to be",
    "of ours",
    "so many",
    "in vain",
    "as it should be",
    "told from",
    "made anew",
    "whoever",
    "face to face with",
    "comes into being",
];

/// Returns the files with this extension in a folder and its subfolders, except at the root, whose folders are in
/// [`CHECKED`].
fn files(folder: &Path, extension: &str, is_root: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !is_root && !SKIPPED.contains(&name) {
                found.extend(files(&path, extension, false));
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// Finds each phrase in a text, with its line number. A phrase may span lines.
fn found_in(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    for (nth, line) in text.lines().enumerate() {
        // Comment, list and quotation markers are not words.
        let line = line.trim_start_matches([' ', '/', '!', '#', '*', '>', '-']);
        for word in line.split_whitespace() {
            words.push((nth + 1, word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()));
        }
    }
    for phrase in PHRASES {
        let wanted: Vec<_> = phrase.split(' ').collect();
        for window in words.windows(wanted.len()) {
            if window.iter().map(|(_, word)| word.as_str()).eq(wanted.iter().copied()) {
                found.push((window[0].0, phrase));
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn no_document_has_a_phrase_that_a_native_engineer_would_stop_at() {
    let mut checked = 0;
    let mut wrong = String::new();
    for (folder, extension) in CHECKED {
        for path in files(&Path::new(ROOT).join(folder), extension, folder.is_empty()) {
            checked += 1;
            for (line, phrase) in found_in(&fs::read_to_string(&path).unwrap()) {
                wrong.push_str(&format!("{}:{line}: {phrase:?}\n", path.strip_prefix(ROOT).unwrap().display()));
            }
        }
    }
    assert!(checked > 15, "{checked} files: the documents were not found");
    assert!(wrong.is_empty(), "say it in other words:\n{wrong}");
}

#[test]
fn a_phrase_is_found_across_the_end_of_a_line_and_in_comments_and_never_inside_a_word() {
    let text = "/// It is what is\n/// to be done.\nMaking it, in vain.\nRewhoever\n- So many!\n";
    assert_eq!(found_in(text), [(1, "what is to be"), (3, "in vain"), (5, "so many")]);
}
