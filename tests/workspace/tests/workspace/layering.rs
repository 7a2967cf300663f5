//! A rule for maintainers: a crate uses only what lies below it, and only the writer writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use workspace::ROOT;

/// Whether a crate of this workspace may depend on another. What is not listed is forbidden. `is_function` says that
/// `from` is in `functions/`, and `is_for_tests` that only its tests use the other crate.
fn is_allowed(from: &str, is_function: bool, to: &str, is_for_tests: bool) -> bool {
    let is_shared = [
        "audit",
        "clock",
        "cost",
        "events",
        "evidence",
        "fc-runtime",
        "flow-log",
        "json",
        "handler",
        "openapi",
        "packaging",
        "reconcile",
        "settings",
        "signing",
        "visible",
    ]
    .contains(&to);
    if to == "support" {
        return is_for_tests && (is_function || from == "packaging");
    }
    match from {
        "clock" | "flow-log" | "json" | "signing" | "settings" | "visible" | "baselines" | "local-cloud"
        | "support" | "workspace" => false,
        // Only to refuse a policy that the functions would refuse.
        "packaging" => to == "flow-log",
        "cost" => to == "flow-log",
        "events" => matches!(to, "flow-log" | "json"),
        "openapi" => matches!(to, "clock" | "flow-log" | "json" | "settings" | "signing" | "visible"),
        "fc-runtime" => matches!(to, "clock" | "settings" | "signing"),
        "reconcile" => matches!(to, "flow-log" | "openapi" | "settings"),
        "evidence" => matches!(to, "flow-log" | "reconcile" | "visible"),
        "audit" => matches!(to, "evidence" | "flow-log" | "reconcile"),
        // Its tests run against the local cloud.
        "flowkeeper" => {
            matches!(
                to,
                "audit"
                    | "cost"
                    | "evidence"
                    | "flow-log"
                    | "json"
                    | "local-cloud"
                    | "openapi"
                    | "reconcile"
                    | "settings"
                    | "signing"
                    | "visible"
            )
        }
        "handler" => matches!(to, "events" | "fc-runtime" | "flow-log" | "reconcile"),
        "fixture-function" => to == "fc-runtime",
        "interop-client" => matches!(to, "flow-log" | "openapi" | "settings"),
        "scenarios" | "benches" | "fuzz" => true,
        // A function may use any shared crate, and no other function.
        _ => is_function && is_shared,
    }
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(Path::new(ROOT).join("Cargo.toml")).no_deps().exec().unwrap()
}

#[test]
fn every_crate_uses_only_what_lies_below_it() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let mut edges = 0;
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|dependency| ours.contains(&dependency.name)) {
            edges += 1;
            let is_function = package.manifest_path.components().any(|part| part.as_str() == "functions");
            let is_for_tests = dependency.kind == DependencyKind::Development;
            let is_allowed = is_allowed(&package.name, is_function, &dependency.name, is_for_tests);
            assert!(is_allowed, "{} uses {}", package.name, dependency.name);
        }
    }
    assert!(edges > 8, "{edges} edges: the metadata is not that of this workspace");
}

#[test]
fn pure_crates_have_no_dependency_that_does_io() {
    let metadata = metadata();
    for package in metadata.packages.iter().filter(|package| {
        ["cost", "flow-log", "json", "signing", "events", "evidence"].contains(&package.name.as_str())
    }) {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
            let does_io = ["tokio", "hyper", "reqwest", "openapi", "fc-runtime", "tracing-subscriber"];
            assert!(!does_io.contains(&dependency.name.as_str()), "{} uses {}", package.name, dependency.name);
        }
    }
}

#[test]
fn every_crate_has_one_row_in_the_table_of_allowed_dependencies() {
    let metadata = metadata();
    let root = &metadata.workspace_root;
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, table) = text.split_once("| crate | what it is | uses |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap().strip_prefix(root).unwrap();
        let name = if folder.starts_with("functions") { "`functions/*`".to_owned() } else { format!("`{folder}`") };
        let rows = table.lines().filter(|row| row.split('|').nth(1).is_some_and(|crates| crates.contains(&name)));
        assert_eq!(rows.count(), 1, "{name}");
    }
}

/// Collects the product's Rust files: those in `shared` and `functions`, without tests and examples.
fn sources(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "examples", "target"].contains(&name) {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // Unit tests are at the end of a file.
            let product = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            found.insert(path, product);
        }
    }
}

/// The names of the methods in the `impl Writes` blocks of a file.
fn write_operations(source: &str) -> Vec<String> {
    let blocks = source.split("\nimpl Writes<'_> {\n").skip(1).map(|rest| rest.split("\n}\n").next().unwrap());
    let methods = blocks.flat_map(|block| block.split("\n    pub async fn ").skip(1));
    methods.map(|rest| rest.split('(').next().unwrap().split('<').next().unwrap().to_owned()).collect()
}

/// The root of the workspace, and the product's Rust files.
fn product() -> (PathBuf, BTreeMap<PathBuf, String>) {
    let root = Path::new(ROOT).canonicalize().unwrap();
    let mut product = BTreeMap::new();
    for folder in ["shared", "functions"] {
        sources(&root.join(folder), &mut product);
    }
    (root, product)
}

#[test]
fn only_a_coordinator_and_its_last_step_submit_invocations_and_in_one_place() {
    let (root, product) = product();
    for (call, allowed) in [
        // The client's call: no write to flow logs, so not one of `Writes`.
        (".invoke_async(", "shared/reconcile/src/invocations.rs"),
        // Its one user,
        ("invocations::submit(", "shared/reconcile/src/reconciler.rs"),
        // and the one user of that.
        ("reconciler.submit(", "shared/handler/src/fan_out.rs"),
    ] {
        let allowed = root.join(allowed);
        assert_eq!(product[&allowed].matches(call).count(), 1, "{call}");
        let others = product.iter().filter(|(path, text)| **path != allowed && text.contains(call));
        let others: Vec<_> = others.map(|(path, _)| path.display()).collect();
        assert!(others.is_empty(), "{call} in {others:?}");
    }
}

#[test]
fn only_the_writer_reaches_the_write_operations_and_in_one_place() {
    let (root, product) = product();
    let client = root.join("shared/openapi");
    let operations: BTreeSet<_> = product
        .iter()
        .filter(|(path, _)| path.starts_with(&client))
        .flat_map(|(_, text)| write_operations(text))
        .collect();
    assert!(operations.len() > 15 && operations.contains("delete_flow_log"), "{operations:?}");

    let writer = root.join("shared/reconcile/src/writer.rs");
    assert_eq!(product[&writer].matches(".writes()").count(), 1, "there is one way to a write operation");
    for (path, text) in product.iter().filter(|(path, _)| **path != writer && !path.starts_with(&client)) {
        let words = ["writes()".to_owned(), "openapi::Writes".to_owned(), "Writes<".to_owned()];
        let calls = operations.iter().flat_map(|name| [format!(".{name}("), format!("::{name}")]);
        for forbidden in words.into_iter().chain(calls) {
            assert!(!text.contains(&forbidden), "{} has {forbidden}", path.display());
        }
    }
}
