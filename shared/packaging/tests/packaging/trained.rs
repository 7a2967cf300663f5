//! Packages that are built for what the functions do.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use packaging::{
    elf,
    trained::{PROFILE, Tool, build_functions},
};

use crate::{start_in_an_empty_root, workspace};

/// Writes a program that prints `said`, whatever it is asked.
fn program(folder: &Path, name: &str, said: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\nprintf '{said}'\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn without_the_compilers_llvm_profdata_nothing_is_built_and_the_error_says_what_to_install() {
    // There is no workspace here: looking for one, as a build does, would be another error.
    let nowhere = tempfile::tempdir().unwrap();
    program(nowhere.path(), "rustc", r"host: x86_64-unknown-linux-gnu\nLLVM version: 99.1.2\n");
    let says = |texts: &[&str]| {
        let mut packaging = Command::new(env!("CARGO_BIN_EXE_packaging"));
        packaging.arg("--trained").current_dir(nowhere.path()).env_remove("RUSTC").env("PATH", nowhere.path());
        let output = packaging.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        for text in texts {
            assert!(said.contains(text), "{text}: {said}");
        }
    };
    let install = ["package llvm-99", "`rustup component add llvm-tools`"];

    says(&["training needs llvm-profdata of LLVM 99, which rustc has, and there is none.", install[0], install[1]]);

    program(nowhere.path(), "llvm-profdata", r"Debian LLVM version 14.0.6\n");
    says(&["llvm-profdata is of LLVM 14.0.6.", install[0], install[1]]);

    // With the right one, the next step is taken.
    program(nowhere.path(), "llvm-profdata-99", r"LLVM version 99.8.0\n");
    says(&["cargo cannot say which functions there are"]);
}

#[test]
fn the_document_names_the_package_of_the_llvm_that_the_pinned_compiler_has() {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(output.stdout).unwrap();
    let (_, version) = about.split_once("LLVM version: ").unwrap();
    let (major, _) = version.split_once('.').unwrap();
    let document = include_str!("../../../../docs/deploying.md");
    assert!(document.contains(&format!("`apt-get install llvm-{major}`")), "LLVM {major}");
}

#[test]
#[ignore = "slow: builds a function twice with all optimizations; CONTRIBUTING.md says how to run it"]
fn a_trained_function_is_built_for_its_profile_and_starts_where_there_is_nothing_else() {
    let workspace = workspace().with_only("create-flow-log");
    let built = build_functions(&workspace, &Tool::find().unwrap()).unwrap();
    let [(_, path)] = built.as_slice() else { panic!("{built:?}") };
    let trained = fs::read(path).unwrap();
    elf::check(&trained).unwrap();
    let root = tempfile::tempdir().unwrap();
    fs::copy(path, root.path().join("bootstrap")).unwrap();
    let output = start_in_an_empty_root(root.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("FLOWKEEPER_NETWORK"), "{said}");

    let counting = workspace.target.join("fc-counting/x86_64-unknown-linux-gnu/release/create-flow-log");
    let counts = |binary: &[u8]| binary.windows(PROFILE.len()).any(|bytes| bytes == PROFILE.as_bytes());
    assert!(counts(&fs::read(counting).unwrap()) && !counts(&trained), "what is delivered counts nothing");
}
