//! Replays the corpus: the seeds of libFuzzer, and what it has found since.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use fuzz::TARGETS;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn play(name: &str) {
    play_from(name, &Path::new(FOLDER).join("corpus").join(name));
}

fn play_from(name: &str, folder: &Path) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let files = files(folder);
    assert!(files.len() > 10, "{} files are no corpus", files.len());
    for file in files {
        let input = fs::read(&file).unwrap();
        let holds = catch_unwind(AssertUnwindSafe(|| target(&input))).is_ok();
        assert!(holds, "{} does not hold", file.display());
    }
}

#[test]
fn any_api_answer_is_parsed_or_refused() {
    play("answer");
}

#[test]
fn any_event_body_is_parsed_or_refused() {
    play("event");
    play_from("event", &Path::new(FOLDER).join("../../fixtures/events"));
}

#[test]
fn any_request_is_answered_and_other_clients_are_served() {
    play("http");
}

#[test]
fn any_policy_text_is_parsed_or_refused() {
    play("policy");
}

#[test]
fn every_fuzz_target_has_a_corpus_and_a_program() {
    let names = |folder: &str| -> Vec<_> {
        let stem = |file: PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&Path::new(FOLDER).join(folder)).into_iter().map(stem).collect()
    };
    let targets = TARGETS.map(|(name, _)| name);
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
