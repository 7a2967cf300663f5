//! A rule for maintainers: within a crate of `shared`, no file depends on itself through others.

use std::{collections::BTreeSet, fs, path::Path};

use tempfile::TempDir;
use workspace::{FileGraph, ROOT};

/// A library of these files, with `lib.rs` among them.
fn library(files: &[(&str, &str)]) -> (TempDir, FileGraph) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let graph = FileGraph::read(folder.path());
    (folder, graph)
}

#[test]
fn no_file_in_shared_depends_on_itself_through_others() {
    let mut edges = 0;
    let mut wrong = Vec::new();
    for entry in Path::new(ROOT).join("shared").read_dir().unwrap() {
        let folder = entry.unwrap().path();
        let graph = FileGraph::read(&folder.join("src"));
        edges += graph.edges();
        for cycle in graph.cycles() {
            let files: Vec<_> = cycle.iter().map(|file| file.display().to_string()).collect();
            let crate_name = folder.file_name().unwrap().display();
            wrong.push(format!("{crate_name}: {} -> {}", files.join(" -> "), files[0]));
        }
    }
    assert!(edges > 200, "{edges} edges: the files were not read");
    assert!(wrong.is_empty(), "move what both need into a file below them:\n{}", wrong.join("\n"));
}

#[test]
fn a_cycle_is_found_through_any_number_of_files_and_reported_once() {
    let (_folder, graph) = library(&[
        ("lib.rs", "mod above; mod one; mod two; mod three;"),
        ("above.rs", "use crate::one::A;"),
        ("one.rs", "use crate::two::B; pub struct A(B);"),
        ("two.rs", "pub struct B; fn b() { crate::three::c() }"),
        ("three.rs", "use super::one::A; pub fn c() {} pub struct C(A);"),
    ]);
    let cycle = ["one.rs", "two.rs", "three.rs"].map(Into::into).to_vec();
    assert_eq!(graph.cycles(), BTreeSet::from([cycle]));
}

#[test]
fn groups_renames_self_and_super_lead_to_the_file_that_they_name() {
    let (_folder, graph) = library(&[
        ("lib.rs", "mod user; mod a; mod b; mod c { pub mod d; }"),
        ("user.rs", "mod below; use super::{a::{A as Renamed, self}, b::B}; use self::below::E; use crate::c;"),
        ("user/below.rs", "pub struct E; pub fn f() { super::super::c::d::g() }"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "pub struct B;"),
        ("c/d.rs", "pub fn g() {}"),
    ]);
    for (from, to) in
        [("user.rs", "a.rs"), ("user.rs", "b.rs"), ("user.rs", "user/below.rs"), ("user/below.rs", "c/d.rs")]
    {
        assert!(graph.has_edge(from, to), "{from} -> {to}: {graph:?}");
    }
    assert_eq!(graph.edges(), 4, "{graph:?}");
}

#[test]
fn an_edge_leads_through_re_exports_to_the_file_that_defines_the_item() {
    let (_folder, graph) = library(&[
        ("lib.rs", "mod front; mod user; pub use front::Item;"),
        ("front.rs", "mod back; mod glob; pub use self::back::Inner as Item; pub(crate) use self::glob::*;"),
        ("front/back.rs", "use crate::front; pub struct Inner; fn f() { front::helper() }"),
        ("front/glob.rs", "pub fn helper() {}"),
        ("user.rs", "use crate::Item; fn f(_: Item) { vec![crate::front::helper()]; }"),
    ]);
    for (from, to) in [("user.rs", "front/back.rs"), ("user.rs", "front/glob.rs"), ("front/back.rs", "front/glob.rs")] {
        assert!(graph.has_edge(from, to), "{from} -> {to}: {graph:?}");
    }
    assert_eq!(graph.edges(), 3, "neither `mod` nor a re-export is an edge: {graph:?}");
    assert_eq!(graph.cycles(), BTreeSet::new());
}

#[test]
fn a_re_export_that_the_file_uses_itself_is_an_edge_and_calls_of_submodules_and_tests_are_none() {
    let (_folder, graph) = library(&[
        ("lib.rs", "mod a; mod b; pub use a::A; pub const LIMIT: u8 = 1; pub fn f(_: A) { b::g() }"),
        ("b.rs", "pub fn g() {}"),
        ("a.rs", "pub struct A; #[cfg(test)] use crate::b::g; #[cfg(test)] mod tests { use crate::LIMIT; }"),
    ]);
    assert!(graph.has_edge("lib.rs", "a.rs"), "{graph:?}");
    assert_eq!(graph.edges(), 1, "{graph:?}");
}
