//! The packages of the command, made for real and installed as people install them.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use packaging::command::{Artifact, package_command};
use tempfile::TempDir;

use crate::{PATH, workspace};

/// The version of the workspace, and so of the command.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The packages of the command, made once.
static ARTIFACTS: LazyLock<Vec<Artifact>> = LazyLock::new(|| package_command(&workspace()).unwrap());

/// A virtual environment with the tools in requirements.txt, and what it is made from.
static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = workspace().target.join("tools/packages");
    let wanted = include_str!("requirements.txt");
    // The stamp is written last, so an interrupted installation is repeated.
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packaging/requirements.txt");
    let mut venv = Command::new("python3");
    ran(venv.args(["-m", "venv", "--clear"]).arg(&folder));
    let mut pip = Command::new(folder.join("bin/pip"));
    ran(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]));
    fs::write(stamp, wanted).unwrap();
    folder
});

/// The package whose name ends like this.
pub(crate) fn artifact(ending: &str) -> &'static Artifact {
    ARTIFACTS.iter().find(|artifact| artifact.path.display().to_string().ends_with(ending)).unwrap()
}

/// Runs a command that has to succeed, and returns what it prints.
pub(crate) fn ran(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../command/examples").join(name)
}

/// Checks that an installed command says its version, and that it judges policies.
fn works(flowkeeper: &Path) {
    assert_eq!(ran(Command::new(flowkeeper).arg("--version")), format!("flowkeeper {VERSION}\n"));
    ran(Command::new(flowkeeper).arg("check").arg(example("policy.yml")));
    let refused = Command::new(flowkeeper).arg("check").arg(example("mistakes.yml")).output().unwrap();
    assert_eq!(refused.status.code(), Some(64), "{refused:?}");
}

/// A folder with the packages and a policy, in which people install. It is their home, too.
fn downloads() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let names = |artifact: &Artifact| [artifact.path.clone(), format!("{}.sha256", artifact.path.display()).into()];
    for path in ARTIFACTS.iter().flat_map(names) {
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::copy(example("policy.yml"), folder.path().join("policy.yml")).unwrap();
    folder
}

/// The commands on docs/installing.md, without comments.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/installing.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let lines = blocks.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.map(|line| line.split("  #").next().unwrap().trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
#[ignore = "slow: builds the command with all optimizations, twice; .ci/run calls it"]
fn packages_of_the_command_made_twice_are_the_same_and_tell_nothing_of_the_machine() {
    let elsewhere = tempfile::tempdir().unwrap();
    let second = package_command(&workspace().with_target(elsewhere.path())).unwrap();
    for (one, again) in ARTIFACTS.iter().zip(&second) {
        assert_eq!(one.path.file_name(), again.path.file_name());
        assert_eq!(one.sha256, again.sha256, "{one:?} is not {again:?}");
        assert!(fs::read(&one.path).unwrap() == fs::read(&again.path).unwrap(), "{one:?} is not {again:?}");
    }
    assert_eq!((ARTIFACTS.len(), second.len()), (4, 4));

    let mut archive = Vec::new();
    let compressed = fs::File::open(&artifact(".tar.gz").path).unwrap();
    flate2::read::GzDecoder::new(compressed).read_to_end(&mut archive).unwrap();
    let home = std::env::home_dir().unwrap_or_default();
    let home = home.to_str().filter(|home| home.len() > 1).unwrap_or("/home");
    // Completions may name a home folder in general.
    let tells = archive.windows(home.len() + 1).any(|window| window == format!("{home}/").as_bytes());
    assert!(!tells, "the archive tells where it was made, in {home}");
}

#[test]
#[ignore = "slow: builds the command with all optimizations; .ci/run calls it"]
fn the_archive_has_the_program_its_manual_completions_and_licenses_all_of_root_and_of_1980() {
    let folder = downloads();
    let archive = artifact(".tar.gz").path.file_name().unwrap();
    let stem = format!("flowkeeper-{VERSION}-x86_64-unknown-linux-gnu");
    let listed =
        ran(Command::new("tar").args(["--utc", "-tvzf"]).arg(archive).env("TZ", "UTC").current_dir(folder.path()));
    for line in listed.lines() {
        assert!(line.contains(" 0/0 ") && line.contains(" 1980-01-01 00:00 "), "{line}");
        assert!(line.contains(&format!(" {stem}/")), "{line}");
    }
    ran(Command::new("tar").arg("-xzf").arg(archive).current_dir(folder.path()));
    let unpacked = folder.path().join(&stem);
    works(&unpacked.join("flowkeeper"));

    let read = |name: &str| fs::read_to_string(unpacked.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read("README.md").contains("flowkeeper --help"));
    assert!(read("LICENSE").contains("Apache License"));
    let others = read("THIRD-PARTY.txt");
    for part in [
        "  rustls 0.",
        "  webpki-roots ",
        "the GNU C Library",
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "Permission is hereby granted, free of charge",
    ] {
        assert!(others.contains(part), "THIRD-PARTY.txt does not have {part:?}");
    }
    for subcommand in ["", "-check", "-whoami"] {
        assert!(read(&format!("man/man1/flowkeeper{subcommand}.1")).contains(".SH SYNOPSIS"), "{subcommand}");
    }
    for (completions, part) in [
        ("flowkeeper.bash", "complete -F _flowkeeper"),
        ("_flowkeeper", "#compdef flowkeeper"),
        ("flowkeeper.fish", "complete -c flowkeeper"),
        ("flowkeeper.elv", "edit:completion:arg-completer[flowkeeper]"),
        ("_flowkeeper.ps1", "Register-ArgumentCompleter"),
    ] {
        assert!(read(&format!("completions/{completions}")).contains(part), "{completions}");
    }
    ran(Command::new("bash").arg("-n").arg(unpacked.join("completions/flowkeeper.bash")));
}

#[test]
#[ignore = "slow: builds the command with all optimizations; .ci/run calls it"]
fn every_package_has_its_checksum_beside_it() {
    let folder = downloads();
    for Artifact { path, .. } in &*ARTIFACTS {
        let name = path.file_name().unwrap().to_str().unwrap();
        let said =
            ran(Command::new("sha256sum").arg("--check").arg(format!("{name}.sha256")).current_dir(folder.path()));
        assert_eq!(said, format!("{name}: OK\n"));
    }
}

#[test]
#[ignore = "slow: builds the command with all optimizations, and installs tools for Python; .ci/run calls it"]
fn the_wheel_is_well_formed_and_runs_in_a_fresh_environment_without_an_index() {
    let wheel = &artifact(".whl").path;
    // It has no module in Python, which is the point: W007.
    let mut judge = Command::new(TOOLS.join("bin/check-wheel-contents"));
    ran(judge.args(["--ignore", "W007"]).arg(wheel));

    // Unlike pip, this compares each file with the digest that the wheel's record has of it.
    let folder = tempfile::tempdir().unwrap();
    let mut unpack = Command::new(TOOLS.join("bin/wheel"));
    ran(unpack.args(["unpack", "--dest"]).arg(folder.path()).arg(wheel));

    let environment = folder.path().join("environment");
    ran(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    let mut pip = Command::new(environment.join("bin/pip"));
    ran(pip.args(["install", "--no-index", "--disable-pip-version-check"]).arg(wheel));
    works(&environment.join("bin/flowkeeper"));
    let shown = ran(Command::new(environment.join("bin/pip")).args(["show", "--files", "flowkeeper"]));
    for line in [format!("Version: {VERSION}").as_str(), "  ../../../bin/flowkeeper"] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    assert!(shown.contains("licenses/THIRD-PARTY.txt"), "{shown}");
}

#[test]
#[ignore = "slow: builds the command with all optimizations; .ci/run calls it"]
fn the_npm_package_runs_where_it_is_installed_without_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--offline", "--no-audit", "--no-fund", "--cache"]).arg(folder.path().join("cache"));
    ran(npm.arg(&artifact(".tgz").path).env("HOME", folder.path()).current_dir(folder.path()));
    works(&folder.path().join("node_modules/.bin/flowkeeper"));
    let mut npx = Command::new("npx");
    npx.args(["--offline", "flowkeeper", "--version"]).env("HOME", folder.path()).current_dir(folder.path());
    assert_eq!(ran(&mut npx), format!("flowkeeper {VERSION}\n"));
}

#[test]
#[ignore = "slow: builds the command with all optimizations, and installs tools for Python; .ci/run calls it"]
fn every_command_on_the_page_about_installing_works() {
    let folder = downloads();
    let home = folder.path();
    let path = format!("{}/bin:{}/.local/bin:{PATH}", TOOLS.display(), home.display());
    let mut tried = 0;
    for line in commands() {
        // The first two have been done. The last three need a container engine; the image has tests of its own.
        if ["cargo run ", "cd ", "docker "].iter().any(|start| line.starts_with(start)) {
            continue;
        }
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &line]).current_dir(home).env_clear().env("PATH", &path).env("HOME", home);
        // Nothing but the packages is needed. Without this, a name could be looked up in a registry.
        shell.envs([("PIP_NO_INDEX", "1"), ("UV_OFFLINE", "1"), ("NPM_CONFIG_OFFLINE", "true")]);
        shell.env("NPM_CONFIG_PREFIX", home.join(".local"));
        if line.contains(" -m pip ") {
            // "An environment of your own".
            ran(Command::new("python3").args(["-m", "venv"]).arg(home.join("own")));
            shell.env("PATH", format!("{}/own/bin:{path}", home.display()));
        }
        // What an earlier line has installed must not be what runs.
        let installed = home.join(".local/bin/flowkeeper");
        _ = fs::remove_file(&installed);
        let said = ran(&mut shell);
        tried += 1;
        if line.ends_with("--version") {
            assert_eq!(said, format!("flowkeeper {VERSION}\n"), "{line}");
        }
        for (part, program) in [
            ("tool install", &installed),
            ("pipx install", &installed),
            ("npm install --global", &installed),
            ("~/.local/bin flowkeeper", &installed),
            (" -m pip install", &home.join("own/bin/flowkeeper")),
        ] {
            if line.contains(part) {
                works(program);
            }
        }
    }
    assert!(tried >= 12, "{tried} commands");
}

#[test]
fn the_page_about_installing_names_the_packages_of_this_version() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/installing.md")).unwrap();
    let contents = packaging::command::contents::Contents { version: VERSION.to_owned(), ..Default::default() };
    for (name, _) in [
        packaging::command::wheel::of(&contents).unwrap(),
        packaging::command::npm::of(&contents).unwrap(),
        packaging::command::image::of(&contents).unwrap(),
        packaging::command::tarball::of(&contents).unwrap(),
    ] {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    let docker: Vec<_> = commands().into_iter().filter(|line| line.starts_with("docker ")).collect();
    let [load, runs @ ..] = docker.as_slice() else { panic!("{docker:?}") };
    assert_eq!(load, &format!("docker load --input flowkeeper-{VERSION}-linux-amd64.oci.tar"));
    assert!(runs.len() == 2 && runs.iter().all(|run| run.contains(&format!(" flowkeeper:{VERSION} "))), "{runs:?}");
}
