//! What the figures were measured on, and with.

use std::{fs, io, path::Path, process::Command, thread};

use crate::{go, python::run, table::Table};

/// The dependencies that matter for the figures.
const DEPENDENCIES: [&str; 8] = ["hyper", "jiff", "reqwest", "ring", "rustls", "serde_json", "sha1", "tokio"];
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");

/// The table of the machine and the versions.
pub(crate) fn table() -> io::Result<Table> {
    let mut table = Table::new("machine", &["", "measured on, and with"]);
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let cpu = model(&cpu).unwrap_or("unknown").to_owned();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned();
    let cores = thread::available_parallelism()?.get();
    table.row(["processor".to_owned(), format!("{cpu}, {cores} cores; Linux {kernel}")]);
    let rustc = run(Command::new("rustc").arg("--version").current_dir(env!("CARGO_MANIFEST_DIR")))?;
    let lock = fs::read_to_string(Path::new(LOCK))?;
    table.row(["Rust".to_owned(), format!("{rustc}; {}", locked(&lock).join(", "))]);
    let go = go::version()?.unwrap_or_else(|_| "Go not compared".to_owned());
    table
        .row(["peers".to_owned(), format!("{}; {go}{}", run(Command::new("python3").arg("--version"))?, terraform()?)]);
    Ok(table)
}

/// The version of Terraform, if there is one.
fn terraform() -> io::Result<String> {
    match run(Command::new("terraform").arg("version")) {
        Ok(said) => Ok(said.lines().next().map(|line| format!("; {line}")).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("; no Terraform".to_owned()),
        Err(error) => Err(error),
    }
}

/// The name of the processor.
fn model(cpuinfo: &str) -> Option<&str> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map(|(_, it)| it.trim())
}

/// Each of [`DEPENDENCIES`] with the version in Cargo.lock.
fn locked(lock: &str) -> Vec<String> {
    let version = |name: &&str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", rest.split_once('"')?.0))
    };
    DEPENDENCIES.iter().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dependency_that_matters_is_in_the_lock() {
        let lock = fs::read_to_string(LOCK).unwrap();
        assert_eq!(locked(&lock).len(), DEPENDENCIES.len());
        assert_eq!(locked("name = \"ring\"\nversion = \"0.17.1\"\n"), ["ring 0.17.1"]);
    }

    #[test]
    fn the_processor_is_named() {
        assert_eq!(model("processor\t: 0\nmodel name\t: Example 9000 @ 3 GHz\n"), Some("Example 9000 @ 3 GHz"));
        assert_eq!(model(""), None);
    }
}
