//! No circle of files inside a crate: what a file takes from another, followed through re-exports
//! to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use egress25_cli::commands::policy::scan::rust_files;
use syn::visit::Visit;

use crate::program::repository;

type Module = Vec<String>;

/// What a file defines and names.
#[derive(Default)]
struct Names {
    defined: BTreeSet<String>,
    /// What a name that was imported stands for, as an absolute path of the crate.
    imported: BTreeMap<String, Module>,
    /// Of these, those that are only handed on unless the file's code names them.
    handed_on: BTreeSet<String>,
    globs: Vec<Module>,
    /// The paths of the file's code, as they are written.
    paths: Vec<Module>,
}

struct Reader<'a> {
    module: &'a Module,
    names: Names,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// A path from the crate's root. One that begins with a name is taken for one from the module on: a
/// crate's name leads nowhere from there.
fn absolute(module: &Module, path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let base = match first.as_str() {
        "crate" => vec![],
        "self" => module.clone(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => return Some([module.clone(), path.to_vec()].concat()),
    };
    if rest.first().is_some_and(|next| next == "super") {
        return absolute(&base, rest);
    }
    Some([base, rest.to_vec()].concat())
}

impl Reader<'_> {
    fn import(&mut self, tree: &syn::UseTree, before: &mut Module, public: bool) {
        let mut insert = |name: String, path: Module| {
            let Some(path) = absolute(self.module, &path) else { return };
            if public {
                self.names.handed_on.insert(name.clone());
            }
            self.names.imported.insert(name, path);
        };
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before, public);
                before.pop();
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                insert(before.last().cloned().unwrap_or_default(), before.clone());
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                insert(name.clone(), [before.clone(), vec![name]].concat());
            }
            syn::UseTree::Rename(rename) => {
                let path = [before.clone(), vec![rename.ident.to_string()]].concat();
                insert(rename.rename.to_string(), path);
            }
            syn::UseTree::Glob(_) => self.names.globs.extend(absolute(self.module, before)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, before, public));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Const(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            syn::Item::Static(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Type(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            syn::Item::Impl(item) => (&item.attrs, None),
            syn::Item::Mod(item) => (&item.attrs, None),
            syn::Item::Use(item) => {
                if !is_test(&item.attrs) {
                    let public = !matches!(item.vis, syn::Visibility::Inherited);
                    self.import(&item.tree, &mut vec![], public);
                }
                return;
            }
            _ => return,
        };
        if !is_test(attributes) {
            self.names.defined.extend(name.map(ToString::to_string));
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.names.paths.push(path.segments.iter().map(|part| part.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

fn module_of(file: &Path, folder: &Path) -> Module {
    let path = file.strip_prefix(folder).expect("a file of the folder").with_extension("");
    let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if ["mod", "lib", "main"].contains(&module.last().map_or("", String::as_str)) {
        module.pop();
    }
    module
}

fn read(folder: &Path) -> BTreeMap<Module, Names> {
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let syntax = syn::parse_file(&text).expect("Rust");
        let module = module_of(&file, folder);
        let mut reader = Reader { module: &module, names: Names::default() };
        reader.visit_file(&syntax);
        let names = reader.names;
        (module, names)
    };
    let files = rust_files(folder).expect("sources").into_iter();
    // The program's own file only calls the library.
    files.filter(|file| !file.ends_with("main.rs")).map(read).collect()
}

/// The module that defines what an absolute path names; `None` where it is a module itself.
fn definer(all: &BTreeMap<Module, Names>, path: &[String], depth: usize) -> Option<Module> {
    if depth > 16 {
        return None;
    }
    let length = (0..=path.len()).rev().find(|length| all.contains_key(&path[..*length]))?;
    let (module, rest) = (path[..length].to_vec(), &path[length..]);
    let name = rest.first()?;
    let names = &all[&module];
    if names.defined.contains(name) {
        return Some(module);
    }
    let through = names.imported.get(name).cloned();
    let through = through.map(|found| [found, rest[1..].to_vec()].concat());
    let by_glob = names.globs.iter().map(|glob| [glob.clone(), rest.to_vec()].concat());
    through
        .into_iter()
        .chain(by_glob.filter(|path| path != &[module.clone(), rest.to_vec()].concat()))
        .find_map(|path| definer(all, &path, depth + 1))
}

/// The modules that a module takes something from.
fn taken_from(all: &BTreeMap<Module, Names>, module: &Module) -> BTreeSet<Module> {
    let names = &all[module];
    let named: BTreeSet<&String> = names.paths.iter().filter_map(|path| path.first()).collect();
    let imports = names
        .imported
        .iter()
        .filter(|(name, _)| !names.handed_on.contains(*name) || named.contains(name))
        .map(|(_, path)| path.clone());
    let written = names.paths.iter().filter(|path| path.len() > 1).filter_map(|path| {
        match names.imported.get(&path[0]) {
            Some(found) => Some([found.clone(), path[1..].to_vec()].concat()),
            None => absolute(module, path),
        }
    });
    let mut from: BTreeSet<Module> =
        imports.chain(written).filter_map(|path| definer(all, &path, 0)).collect();
    from.remove(module);
    from
}

/// The circles of a folder's files, sets of modules each of which leads to all of the others, as
/// text: what ties them.
fn circles(folder: &Path) -> Vec<String> {
    let all = read(folder);
    let arrows: BTreeMap<_, _> =
        all.keys().map(|module| (module.clone(), taken_from(&all, module))).collect();
    let reach = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Module> = arrows[from].iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(&arrows[next]);
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = all.keys().map(|from| (from, reach(from))).collect();
    let circle = |module: &Module| -> BTreeSet<Module> {
        let reached_by = |to: &&Module| reached[*to].contains(module);
        reached[module].iter().filter(reached_by).cloned().collect()
    };
    let found: BTreeSet<_> = all.keys().map(circle).filter(|circle| circle.len() > 1).collect();
    let text = |circle: &BTreeSet<Module>| {
        let ties = circle.iter().map(|module| {
            let inside = arrows[module].intersection(circle).map(|to| to.join("::"));
            format!("  {} -> {}\n", module.join("::"), inside.collect::<Vec<_>>().join(", "))
        });
        format!("{} files of {}:\n{}", circle.len(), folder.display(), ties.collect::<String>())
    };
    found.iter().map(text).collect()
}

#[test]
fn no_circle_of_files() {
    let folders = ["policy", "packet-filter", "azure", "exemption-store", "lab", "cli"];
    let found = folders.map(|name| circles(&repository().join("crates").join(name).join("src")));
    let ties: Vec<_> = found.iter().flatten().collect();
    assert!(ties.is_empty(), "{}", ties.into_iter().cloned().collect::<String>());
}
