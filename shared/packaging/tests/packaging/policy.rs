//! A policy becomes a layer, if the functions would accept it.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;
use zip::ZipArchive;

const POLICY: &str = "# 保留\r\nflow_log: {project: flowlog, log_store: vpc}\nregions: [ap-southeast-9]\n";

/// Runs the program in a folder without a workspace.
fn packaging(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_packaging")).args(arguments).current_dir(folder).output().unwrap()
}

fn folder(policy: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ours.yml"), policy).unwrap();
    folder
}

#[test]
fn a_policy_is_the_only_file_of_its_layer_byte_for_byte_and_packed_twice_it_is_the_same() {
    let folder = folder(POLICY.as_bytes());
    let made = ["new/layer.zip", "again.zip"].map(|out| {
        let output = packaging(folder.path(), &["--policy", "ours.yml", "--out", out]);
        let [said, warned] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success() && warned.starts_with("packaging: warning: ours.yml:3:11: "), "{warned}");
        assert!(said.starts_with(&format!("{out}: ")) && said.contains(" bytes, SHA-256 "), "{said}");
        fs::read(folder.path().join(out)).unwrap()
    });
    assert!(made[0] == made[1], "the same policy gives the same bytes");
    let mut archive = ZipArchive::new(std::io::Cursor::new(&made[0])).unwrap();
    assert_eq!(archive.len(), 1);
    let mut entry = archive.by_index(0).unwrap();
    assert_eq!((entry.name().unwrap().as_ref(), entry.unix_mode()), ("policy.yml", Some(0o100_644)));
    assert_eq!(entry.last_modified().map(|date| date.to_string()).as_deref(), Some("1980-01-01 00:00:00"));
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    assert_eq!(text, POLICY);
}

#[test]
fn a_policy_that_no_function_would_start_with_is_refused_with_every_mistake_and_leaves_no_layer() {
    for (policy, expected) in [
        (
            &b"flow_log: {project: Flow Log, log_store: vpc}\nregions: all\nschedule: office\n"[..],
            &["ours.yml:1:21: ", "ours.yml:3:11: ", "ours.yml is not packed: no function would start with it"][..],
        ),
        (b"", &["ours.yml is not packed"]),
        (b"flow_log: \xff", &["ours.yml is no text in UTF-8"]),
    ] {
        let folder = folder(policy);
        fs::write(folder.path().join("layer.zip"), "of an earlier policy").unwrap();
        let output = packaging(folder.path(), &["--policy", "ours.yml", "--out", "layer.zip"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        for part in expected {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(output.stdout.is_empty() && !folder.path().join("layer.zip").exists());
    }
    let kept = folder(POLICY.as_bytes());
    let onto_itself = packaging(kept.path(), &["--policy", "ours.yml", "--out", "./ours.yml"]);
    assert_eq!(onto_itself.status.code(), Some(64));
    assert_eq!(fs::read_to_string(kept.path().join("ours.yml")).unwrap(), POLICY);

    let nowhere = tempfile::tempdir().unwrap();
    let output = packaging(nowhere.path(), &["--policy", "none.yml", "--out", "layer.zip"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(64) && said.contains("none.yml cannot be read"), "{said}");
}

#[test]
fn without_a_path_the_layer_is_below_the_target_directory() {
    let folder = folder(POLICY.as_bytes());
    fs::create_dir_all(folder.path().join("functions/one/src")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), "[workspace]\nmembers = ['functions/one']\n").unwrap();
    let manifest = "[package]\nname = 'one'\nversion = '1.0.0'\nedition = '2024'\n";
    fs::write(folder.path().join("functions/one/Cargo.toml"), manifest).unwrap();
    fs::write(folder.path().join("functions/one/src/main.rs"), "fn main() {}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_packaging"));
    command.args(["--policy", "ours.yml"]).current_dir(folder.path()).env("CARGO_TARGET_DIR", "built");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(folder.path().join("built/layer/policy.zip").is_file());
}
