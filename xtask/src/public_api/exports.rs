//! The exports of a library: the paths by which users reach its modules and items.

use std::collections::BTreeSet;

use syn::{Attribute, Item, ItemUse, Visibility};

use super::line::Conditions;
use crate::modules::{Binds, ModuleId, Resolved, Tree, attributes, conditions, is_hidden, leaves, name_of};

/// A public path of a library.
pub(super) struct Export {
    /// The path that users write: `credentials_grant::AccessToken`.
    pub(super) path: String,
    pub(super) target: Target,
    pub(super) conditions: Conditions,
}

/// What a public path refers to.
pub(super) enum Target {
    Module(ModuleId),
    /// An item: the module that defines it, and its name in that module.
    Item(ModuleId, String),
    /// An item of another crate, or one that a macro generates: its path as written in the `pub use`.
    Foreign(String),
}

/// All public paths of a library.
pub(super) struct Exports {
    exports: Vec<Export>,
}

impl Exports {
    /// Collects the exports of the library with this name.
    pub(super) fn of(tree: &Tree, name: &str) -> Self {
        let mut walk = Walk { tree, exports: Vec::new(), seen: BTreeSet::new() };
        let root = Conditions::new();
        walk.module(Tree::ROOT, name, &root);
        walk.exports.push(Export { path: name.to_owned(), target: Target::Module(Tree::ROOT), conditions: root });
        walk.macros(name);
        Self { exports: walk.exports }
    }

    pub(super) fn all(&self) -> &[Export] {
        &self.exports
    }

    /// Returns `true` if users can name the item.
    pub(super) fn has_item(&self, module: ModuleId, name: &str) -> bool {
        let mut items = self.exports.iter();
        items.any(|export| matches!(&export.target, Target::Item(of, named) if *of == module && named == name))
    }
}

/// Walks through the public modules.
struct Walk<'a> {
    tree: &'a Tree,
    exports: Vec<Export>,
    /// The modules visited so far, each with the path used.
    seen: BTreeSet<(ModuleId, String)>,
}

impl Walk<'_> {
    fn module(&mut self, module: ModuleId, path: &str, outer: &Conditions) {
        if !self.seen.insert((module, path.to_owned())) {
            return;
        }
        let tree = self.tree;
        for item in &tree.module(module).items {
            if is_hidden(attributes(item)) {
                continue;
            }
            match item {
                Item::Use(item) if is_public(&item.vis) => self.uses(module, item, path, outer),
                Item::Mod(item) if is_public(&item.vis) => {
                    let name = item.ident.to_string();
                    for child in tree.children(module, &name) {
                        self.export_module(child, format!("{path}::{name}"), outer);
                    }
                }
                _ => {
                    if let Some(name) = visibility(item).filter(|seen| is_public(seen)).and_then(|_| name_of(item)) {
                        self.export_item(module, &name, format!("{path}::{name}"), outer);
                    }
                }
            }
        }
    }

    fn uses(&mut self, module: ModuleId, item: &ItemUse, path: &str, outer: &Conditions) {
        let outer = with(outer, &item.attrs);
        for leaf in leaves(item) {
            let name = match &leaf.binds {
                Binds::Name(name) => Some(name),
                Binds::Everything => None,
                Binds::Nothing => continue,
            };
            for found in self.tree.resolve(module, &leaf.path) {
                match (found, name) {
                    (Resolved::Module(module), None) => self.module(module, path, &outer),
                    (Resolved::Module(module), Some(name)) => {
                        self.export_module(module, format!("{path}::{name}"), &outer);
                    }
                    (Resolved::Item(module, item), Some(name)) => {
                        self.export_item(module, &item, format!("{path}::{name}"), &outer);
                    }
                    (_, name) => {
                        let name = name.map_or("*", String::as_str);
                        let star = if name == "*" { "::*" } else { "" };
                        let target = Target::Foreign(leaf.path.join("::") + star);
                        let path = format!("{path}::{name}");
                        self.exports.push(Export { path, target, conditions: outer.clone() });
                    }
                }
            }
        }
    }

    fn export_module(&mut self, module: ModuleId, path: String, outer: &Conditions) {
        let conditions = with(outer, &self.tree.module(module).attributes);
        if !is_hidden(&self.tree.module(module).attributes) {
            self.module(module, &path, &conditions);
            self.exports.push(Export { path, target: Target::Module(module), conditions });
        }
    }

    fn export_item(&mut self, module: ModuleId, name: &str, path: String, outer: &Conditions) {
        let mut conditions = outer.clone();
        conditions.extend(of_module(self.tree, module));
        self.exports.push(Export { path, target: Target::Item(module, name.to_owned()), conditions });
    }

    /// Adds the exported macros, which belong to the crate's root wherever they are defined.
    fn macros(&mut self, root: &str) {
        let tree = self.tree;
        for (id, module) in tree.modules() {
            let macros =
                module.items.iter().filter(|item| matches!(item, Item::Macro(_)) && !is_hidden(attributes(item)));
            let exported = macros
                .filter(|item| attributes(item).iter().any(|attribute| attribute.path().is_ident("macro_export")));
            for name in exported.filter_map(name_of) {
                self.export_item(id, &name, format!("{root}::{name}"), &Conditions::new());
            }
        }
    }
}

/// Returns the conditions of a module and of all modules that contain it.
pub(super) fn of_module(tree: &Tree, module: ModuleId) -> Conditions {
    let mut all = Conditions::new();
    let mut next = Some(module);
    while let Some(module) = next {
        all.extend(conditions(&tree.module(module).attributes));
        next = tree.module(module).parent;
    }
    all
}

/// Adds the conditions of an item to those of the modules that contain it.
fn with(outer: &Conditions, attributes: &[Attribute]) -> Conditions {
    outer.iter().cloned().chain(conditions(attributes)).collect()
}

pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn visibility(item: &Item) -> Option<&Visibility> {
    Some(match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        _ => return None,
    })
}
