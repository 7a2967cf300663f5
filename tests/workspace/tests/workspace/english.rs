//! A rule for maintainers: documents, comments and messages are written in plain English.

use std::{fs, path::Path};

use workspace::{ROOT, files};

/// Phrases that a native engineer would stumble over. Punctuation ends a phrase.
const PHRASES: &[&str] = &[
    "all that there is",
    "as it should be",
    "be it",
    "centre",
    "misspelt",
    "optimisation",
    "optimisations",
    "organisation",
    "by the latest look",
    "comes into being",
    "face to face with",
    "in vain",
    "lies in the queue",
    "made anew",
    "nobody knows",
    "of ours",
    "one too many",
    "so many",
    "such as they are",
    "the way it is",
    "throw the dice",
    "told from",
    "what became of",
    "what else there is",
    "what is to be",
    "what there is to",
    "whoever",
];

/// Phrases that read badly only at the beginning of a sentence: "anyone who has no schedule" is plain English.
const FIRST_WORDS: &[&str] = &["what no", "who comes", "who has", "who makes", "who wants"];

/// Files of these kinds are checked as a whole: documents, comments, and strings, which are messages.
const KINDS: [&str; 8] = ["cjs", "js", "md", "py", "rs", "sh", "toml", "yml"];

/// This file, which quotes the phrases.
const THIS_FILE: &str = "english.rs";

fn is_checked(path: &Path) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(kind) => KINDS.contains(&kind) && !path.ends_with(THIS_FILE),
        // Scripts such as `.ci/run`.
        None => fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!")),
    }
}

/// The words of a text, each with its line number. An empty word stands for the end of a sentence, or of a part of one.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = vec![(0, String::new())];
    for (nth, line) in text.lines().enumerate() {
        // Comment, list and quotation markers are not words.
        let line = line.trim().trim_start_matches([' ', '/', '!', '#', '*', '>', '-', '"']);
        if line.is_empty() {
            words.push((nth + 1, String::new()));
        }
        for word in line.split_whitespace() {
            words.push((nth + 1, word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()));
            if word.ends_with(['.', ',', ';', ':', '?', '!', ')', '"', '`']) {
                words.push((nth + 1, String::new()));
            }
        }
    }
    words
}

/// Finds each phrase in a text, with the line of its last word. A phrase may span lines, but not sentences.
fn found_in(text: &str) -> Vec<(usize, &'static str)> {
    let anywhere = PHRASES.iter().map(|phrase| (*phrase, phrase.split(' ').collect::<Vec<_>>()));
    let first = FIRST_WORDS.iter().map(|phrase| (*phrase, [""].into_iter().chain(phrase.split(' ')).collect()));
    let words = words(text);
    let mut found = Vec::new();
    for (phrase, pattern) in anywhere.chain(first) {
        for window in words.windows(pattern.len()) {
            if window.iter().map(|(_, word)| word.as_str()).eq(pattern.iter().copied()) {
                found.extend(window.last().map(|(line, _)| (*line, phrase)));
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn nothing_written_has_a_phrase_that_a_native_engineer_would_stop_at() {
    let mut checked = 0;
    let mut wrong = String::new();
    for path in files(Path::new(ROOT)).iter().filter(|path| is_checked(path)) {
        checked += 1;
        for (line, phrase) in found_in(&fs::read_to_string(path).unwrap()) {
            wrong.push_str(&format!("{}:{line}: {phrase:?}\n", path.strip_prefix(ROOT).unwrap().display()));
        }
    }
    assert!(checked > 300, "{checked} files: they were not found");
    assert!(wrong.is_empty(), "say it in other words:\n{wrong}");
}

#[test]
fn a_phrase_is_found_across_the_end_of_a_line_and_in_comments_and_never_inside_a_word() {
    let text = "/// It is what is\n/// to be done.\nMaking it, in vain.\nRewhoever\n- So many!\n";
    assert_eq!(found_in(text), [(2, "what is to be"), (3, "in vain"), (5, "so many")]);
}

#[test]
fn a_phrase_ends_with_its_sentence_and_some_are_found_only_at_its_beginning() {
    assert_eq!(found_in("If so. Many do. If it can be, it is.\n\nOne who has none.\n"), []);
    assert_eq!(found_in("# It is so. Who has none?\n"), [(1, "who has")]);
}
