//! Which file of a crate uses which other one, as its `use` lines and paths say.
//!
//! An edge leads to the file that defines an item, whichever re-exports the path goes through. So `mod` lines, re-exports
//! and imports of modules are no edges: they only lead somewhere. Neither is a call of a file's own submodule by its bare
//! name, such as `parse::policy(…)` beside `mod parse;`. Items under `#[cfg(test)]` are left out.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemUse, Macro, UseTree, Visibility,
    visit::{Visit, visit_impl_item_fn, visit_item_fn, visit_item_impl, visit_macro, visit_path},
};

/// The re-exports that one path may go through. More means that they lead in a circle.
const MAX_REEXPORTS: usize = 16;

/// Files that depend on each other: each uses the next, and the last uses the first.
pub type Cycle = Vec<PathBuf>;

/// A path, without `self`, `super` or `crate`: relative to the root of the crate.
type ModulePath = Vec<String>;

/// A module of a crate, whether in a file of its own or inline.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    items: BTreeSet<String>,
    /// What `use` lines bring into scope, by local name: the path as written.
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

/// The files of a crate, with an edge from each to those whose items it uses.
#[derive(Debug, Default)]
pub struct FileGraph {
    edges: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

impl FileGraph {
    /// Reads the library in this folder, from `lib.rs` on. Files are named relative to the folder.
    ///
    /// # Panics
    /// A file cannot be read, or is not Rust.
    #[must_use]
    pub fn read(src: &Path) -> Self {
        let mut modules = Modules::default();
        modules.read(src, Path::new("lib.rs"), &[]);
        let mut edges: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for module in modules.by_path.values() {
            edges.entry(module.file.clone()).or_default();
        }
        for Use { module, path, is_import } in &modules.uses {
            let user = &modules.by_path[module].file;
            if (*is_import || !modules.is_submodule(module, &path[0]))
                && let Some(used) = modules.defining_file(module, path, 0)
                && used != user
            {
                edges.entry(user.clone()).or_default().insert(used.clone());
            }
        }
        Self { edges }
    }

    /// The number of edges.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.edges.values().map(BTreeSet::len).sum()
    }

    /// Returns whether one file uses an item of the other.
    #[must_use]
    pub fn has_edge(&self, from: &str, to: &str) -> bool {
        self.edges.get(Path::new(from)).is_some_and(|used| used.contains(Path::new(to)))
    }

    /// Returns the shortest cycle through each file that is in one, without repetitions.
    #[must_use]
    pub fn cycles(&self) -> BTreeSet<Cycle> {
        let cycles = self.edges.keys().filter_map(|file| self.way_back(file));
        cycles
            .map(|mut cycle| {
                let first = (0..cycle.len()).min_by_key(|&nth| &cycle[nth]).unwrap_or(0);
                cycle.rotate_left(first);
                cycle
            })
            .collect()
    }

    /// Finds the shortest way from a file back to itself.
    fn way_back(&self, start: &Path) -> Option<Cycle> {
        let mut reached_from: BTreeMap<&Path, &Path> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(file) = queue.pop_front() {
            for used in self.edges.get(file).into_iter().flatten().map(PathBuf::as_path) {
                if used == start {
                    let mut cycle = vec![file.to_owned()];
                    let mut at = file;
                    while at != start {
                        at = reached_from[at];
                        cycle.push(at.to_owned());
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if !reached_from.contains_key(used) {
                    reached_from.insert(used, file);
                    queue.push_back(used);
                }
            }
        }
        None
    }
}

/// A path as it is written in a module: in a `use` line, or elsewhere.
#[derive(Debug)]
struct Use {
    module: ModulePath,
    path: Vec<String>,
    is_import: bool,
}

/// The modules of a crate, and the paths in them.
#[derive(Debug, Default)]
struct Modules {
    by_path: BTreeMap<ModulePath, Module>,
    uses: Vec<Use>,
}

impl Modules {
    /// Reads a file and, through its `mod` lines, the files of its submodules.
    fn read(&mut self, src: &Path, file: &Path, path: &[String]) {
        let text = fs::read_to_string(src.join(file)).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(src, file, path, &parsed.items);
    }

    fn add(&mut self, src: &Path, file: &Path, path: &[String], items: &[Item]) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        let mut visitor = Visitor { module: &mut module, imported: Vec::new(), mentioned: Vec::new() };
        for item in items {
            visitor.visit_item(item);
        }
        for (paths, is_import) in [(visitor.imported, true), (visitor.mentioned, false)] {
            self.uses.extend(paths.into_iter().map(|used| Use { module: path.to_owned(), path: used, is_import }));
        }
        module.items.extend(items.iter().filter_map(name));
        self.by_path.insert(path.to_owned(), module);

        for item in items {
            if let Item::Mod(submodule) = item
                && !is_test(&submodule.attrs)
            {
                let mut below = path.to_owned();
                below.push(submodule.ident.to_string());
                if let Some((_, inner)) = &submodule.content {
                    self.add(src, file, &below, inner);
                } else {
                    let folder: PathBuf = below.iter().collect();
                    let files = [folder.with_extension("rs"), folder.join("mod.rs")];
                    let found = files.iter().find(|candidate| src.join(candidate).is_file());
                    self.read(src, found.unwrap_or(&files[0]), &below);
                }
            }
        }
    }

    fn is_submodule(&self, module: &[String], name: &str) -> bool {
        self.by_path.contains_key(&[module, &[name.to_owned()]].concat())
    }

    /// Makes a path, as written in a module, relative to the root of the crate. `None`: it leads out of the crate, or to
    /// something local.
    fn absolute(&self, module: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        let join = |base: &[String], more: &[String]| Some([base, more].concat());
        match first.as_str() {
            "crate" => join(&[], rest),
            "self" => join(module, rest),
            "super" => {
                let levels = path.iter().take_while(|part| *part == "super").count();
                join(module.get(..module.len().checked_sub(levels)?)?, &path[levels..])
            }
            _ => {
                if self.is_submodule(module, first) || self.by_path[module].items.contains(first) {
                    return join(module, path);
                }
                let imported = self.by_path[module].imports.get(first).filter(|imported| *imported != path)?;
                let base = (depth < MAX_REEXPORTS).then(|| self.absolute(module, imported, depth + 1))??;
                join(&base, rest)
            }
        }
    }

    /// Finds the file that defines the item to which a path in a module leads. `None`: it is not of this crate, or is a
    /// module.
    fn defining_file(&self, module: &[String], path: &[String], depth: usize) -> Option<&PathBuf> {
        if depth > MAX_REEXPORTS {
            return None;
        }
        let absolute = self.absolute(module, path, 0)?;
        let length = (0..=absolute.len()).rev().find(|&length| self.by_path.contains_key(&absolute[..length]))?;
        let (place, rest) = absolute.split_at(length);
        let found = &self.by_path[place];
        let name = rest.first()?;
        if found.items.contains(name) {
            return Some(&found.file);
        }
        if let Some(reexported) = found.imports.get(name) {
            return self.defining_file(place, &[reexported, &rest[1..]].concat(), depth + 1);
        }
        found.globs.iter().find_map(|glob| self.defining_file(place, &[glob, rest].concat(), depth + 1))
    }
}

/// Collects the imports of a module and the paths in it, but not those of its submodules.
struct Visitor<'module> {
    module: &'module mut Module,
    imported: Vec<Vec<String>>,
    mentioned: Vec<Vec<String>>,
}

impl Visitor<'_> {
    fn import(&mut self, tree: &UseTree, prefix: &[String], is_reexport: bool) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), is_reexport),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, prefix, is_reexport)),
            UseTree::Glob(_) => self.module.globs.push(prefix.to_owned()),
            UseTree::Name(name) if name.ident == "self" => {
                let local = prefix.last().cloned().unwrap_or_default();
                self.bind(local, prefix.to_owned(), is_reexport);
            }
            UseTree::Name(name) => self.bind(name.ident.to_string(), with(&name.ident), is_reexport),
            UseTree::Rename(name) => self.bind(name.rename.to_string(), with(&name.ident), is_reexport),
        }
    }

    fn bind(&mut self, local: String, path: Vec<String>, is_reexport: bool) {
        if !is_reexport {
            self.imported.push(path.clone());
        }
        self.module.imports.insert(local, path);
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_test(&item.attrs) {
            self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.mentioned.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit_path(self, path);
    }

    /// The arguments of a macro are no syntax tree, so their paths are found by their text.
    fn visit_macro(&mut self, called: &'ast Macro) {
        let text = called.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).map(|word| word.trim_matches(':'));
        let words = words.filter(|word| !word.is_empty());
        self.mentioned.extend(words.map(|word| word.split("::").map(str::to_owned).collect()));
        visit_macro(self, called);
    }

    /// Submodules are read by themselves.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if !is_test(&item.attrs) {
            visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if !is_test(&item.attrs) {
            visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_test(&item.attrs) {
            visit_impl_item_fn(self, item);
        }
    }
}

/// Returns whether an item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// The name of what an item defines; `None` for modules, which are known by their paths, and for what has no name.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
