//! Packages this workspace's functions and its command for real.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod command;
mod image;
mod names;
mod policy;
mod trained;

use std::{
    fs::{File, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::{Command, Output},
    sync::LazyLock,
};

use packaging::{
    Package,
    build::{FLAGS, LAYOUT, Workspace},
    package_all,
};
use tempfile::TempDir;
use zip::ZipArchive;

/// The packages of all functions, built once.
static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| package_all(&workspace()).unwrap());

/// Where programs that are started without a path are searched for.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

fn workspace() -> Workspace {
    Workspace::at(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))).unwrap()
}

/// Unpacks a package into an empty directory, as Function Compute does.
fn unpacked(package: &Package) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut archive = ZipArchive::new(File::open(&package.path).unwrap()).unwrap();
    let mut entry = archive.by_name("bootstrap").unwrap();
    let mode = entry.unix_mode().unwrap();
    let bootstrap = root.path().join("bootstrap");
    std::io::copy(&mut entry, &mut File::create(&bootstrap).unwrap()).unwrap();
    std::fs::set_permissions(&bootstrap, Permissions::from_mode(mode)).unwrap();
    root
}

/// Returns whether the user is root, judging by the owner of a new directory.
fn is_root(folder: &Path) -> bool {
    folder.metadata().unwrap().uid() == 0
}

/// Returns the command that starts a function with this directory as its root. Only root may run it.
fn in_root(folder: &Path) -> Command {
    let mut command = Command::new("chroot");
    command.arg(folder).arg("/bootstrap");
    command
}

/// Starts a function in an empty root, without libraries or files, and with one invalid setting. Without root rights it
/// keeps the machine's file system.
fn start_in_an_empty_root(folder: &Path) -> Output {
    let mut command = if is_root(folder) { in_root(folder) } else { Command::new(folder.join("bootstrap")) };
    command.env_clear().env("PATH", PATH).env("FLOWKEEPER_NETWORK", "nowhere").output().unwrap()
}

#[test]
#[ignore = "slow: builds every function with all optimizations, and one of them twice; .ci/run calls it"]
fn a_package_made_twice_is_the_same_and_each_starts_where_there_is_nothing_else() {
    let packages = &*PACKAGES;
    assert_eq!(packages.iter().map(|package| package.function.as_str()).collect::<Vec<_>>(), workspace().functions());

    let one = &packages[0];
    let elsewhere = tempfile::tempdir().unwrap();
    let again = package_all(&workspace().with_target(elsewhere.path()).with_only(&one.function)).unwrap();
    let [again] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!(one.sha256, again.sha256, "{one:?} is not {again:?}");
    assert!(std::fs::read(&one.path).unwrap() == std::fs::read(&again.path).unwrap());

    for package in packages {
        let function = &package.function;
        let root = unpacked(package);
        let output = start_in_an_empty_root(root.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{function}: {said}");
        assert!(said.contains("FLOWKEEPER_NETWORK"), "{function} says of its settings: {said}");
        let home = std::env::home_dir().unwrap_or_default();
        let home = home.to_str().filter(|home| home.len() > 1).unwrap_or("/home");
        let binary = std::fs::read(root.path().join("bootstrap")).unwrap();
        let has = |text: &str| binary.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!has(home), "{function} tells where it was built, in {home}");
        assert!(!has(".symtab"), "{function} is not stripped: it has a symbol table");
        for group in [".text_generic", ".text_tls", ".text_rare"] {
            assert!(has(group), "no function of {function} fits the patterns of {group} in layout.ld");
        }
    }
}

/// The script has the flags once more, since it is no program of this workspace.
#[test]
fn instructions_are_counted_in_binaries_that_are_built_as_packages_are() {
    let script = include_str!("../../../../tests/instructions/run");
    for flag in FLAGS.iter().chain(&LAYOUT) {
        assert!(script.contains(flag), "tests/instructions/run lacks {flag}");
    }
}

#[test]
fn every_crate_under_functions_is_packaged() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
    let mut expected: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    expected.sort();
    assert_eq!(workspace().functions(), expected);
}

#[test]
fn a_wrong_argument_or_a_call_for_help_builds_nothing() {
    // There is no workspace here, so looking for one would fail with 1.
    let nowhere = tempfile::tempdir().unwrap();
    for (argument, expected, said) in [
        ("--help", 0, "Builds every function under functions/"),
        ("--help", 0, "\n  command  Builds the command `flowkeeper`"),
        ("--version", 0, "packaging "),
        ("--functions", 2, "unexpected argument '--functions' found"),
        ("--out=layer.zip", 2, "--policy <FILE>"),
        ("--trained=yes", 2, "unexpected value 'yes' for '--trained'"),
        ("create-flow-log", 2, "unrecognized subcommand 'create-flow-log'"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_packaging")).arg(argument).current_dir(nowhere.path()).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(expected), "{argument}: {text}");
        assert!(text.contains(said), "{argument}: {text}");
    }
}
