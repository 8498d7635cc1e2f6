//! What a library exports: the names under which users reach its modules and items.

use std::collections::BTreeSet;

use syn::{Attribute, Item, ItemUse, Visibility};

use super::line::Conditions;
use crate::modules::{Binds, Found, ModuleId, Tree, attributes, conditions, is_hidden, leaves, name_of};

/// A name that users can write.
pub(super) struct Export {
    /// Where users find it: `credentials_grant::AccessToken`.
    pub(super) path: String,
    pub(super) what: What,
    pub(super) conditions: Conditions,
}

/// What stands behind a name that users can write.
pub(super) enum What {
    Module(ModuleId),
    /// An item, by the module that defines it and its name there.
    Item(ModuleId, String),
    /// What another crate defines, or a macro makes: its path, as the `pub use` has it.
    Elsewhere(String),
}

/// Every name that users can write.
pub(super) struct Exports {
    exports: Vec<Export>,
}

impl Exports {
    /// The exports of a library of that name.
    pub(super) fn of(tree: &Tree, name: &str) -> Self {
        let mut walk = Walk { tree, exports: Vec::new(), seen: BTreeSet::new() };
        let root = Conditions::new();
        walk.module(Tree::ROOT, name, &root);
        walk.exports.push(Export { path: name.to_owned(), what: What::Module(Tree::ROOT), conditions: root });
        walk.macros(name);
        Self { exports: walk.exports }
    }

    pub(super) fn all(&self) -> &[Export] {
        &self.exports
    }

    /// Whether users can name the item.
    pub(super) fn has_item(&self, module: ModuleId, name: &str) -> bool {
        let mut items = self.exports.iter();
        items.any(|export| matches!(&export.what, What::Item(of, named) if *of == module && named == name))
    }
}

/// A walk through the modules that users can name.
struct Walk<'a> {
    tree: &'a Tree,
    exports: Vec<Export>,
    /// The modules that were walked through, and under what path.
    seen: BTreeSet<(ModuleId, String)>,
}

impl Walk<'_> {
    fn module(&mut self, module: ModuleId, path: &str, around: &Conditions) {
        if !self.seen.insert((module, path.to_owned())) {
            return;
        }
        let tree = self.tree;
        for item in &tree.module(module).items {
            if is_hidden(attributes(item)) {
                continue;
            }
            match item {
                Item::Use(item) if is_public(&item.vis) => self.uses(module, item, path, around),
                Item::Mod(item) if is_public(&item.vis) => {
                    let name = item.ident.to_string();
                    for child in tree.children(module, &name) {
                        self.export_module(child, format!("{path}::{name}"), around);
                    }
                }
                _ => {
                    if let Some(name) = visibility(item).filter(|seen| is_public(seen)).and_then(|_| name_of(item)) {
                        self.export_item(module, &name, format!("{path}::{name}"), around);
                    }
                }
            }
        }
    }

    fn uses(&mut self, module: ModuleId, item: &ItemUse, path: &str, around: &Conditions) {
        let around = with(around, &item.attrs);
        for leaf in leaves(item) {
            let name = match &leaf.binds {
                Binds::Name(name) => Some(name),
                Binds::Everything => None,
                Binds::Nothing => continue,
            };
            for found in self.tree.find(module, &leaf.path) {
                match (found, name) {
                    (Found::Module(module), None) => self.module(module, path, &around),
                    (Found::Module(module), Some(name)) => {
                        self.export_module(module, format!("{path}::{name}"), &around);
                    }
                    (Found::Item(module, item), Some(name)) => {
                        self.export_item(module, &item, format!("{path}::{name}"), &around);
                    }
                    (_, name) => {
                        let name = name.map_or("*", String::as_str);
                        let star = if name == "*" { "::*" } else { "" };
                        let what = What::Elsewhere(leaf.path.join("::") + star);
                        let path = format!("{path}::{name}");
                        self.exports.push(Export { path, what, conditions: around.clone() });
                    }
                }
            }
        }
    }

    fn export_module(&mut self, module: ModuleId, path: String, around: &Conditions) {
        let conditions = with(around, &self.tree.module(module).attributes);
        if !is_hidden(&self.tree.module(module).attributes) {
            self.module(module, &path, &conditions);
            self.exports.push(Export { path, what: What::Module(module), conditions });
        }
    }

    fn export_item(&mut self, module: ModuleId, name: &str, path: String, around: &Conditions) {
        let mut conditions = around.clone();
        conditions.extend(of_module(self.tree, module));
        self.exports.push(Export { path, what: What::Item(module, name.to_owned()), conditions });
    }

    /// Exported macros are in the crate itself, wherever they are written.
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

/// The conditions of a module, and of all that it stands in.
pub(super) fn of_module(tree: &Tree, module: ModuleId) -> Conditions {
    let mut all = Conditions::new();
    let mut next = Some(module);
    while let Some(module) = next {
        all.extend(conditions(&tree.module(module).attributes));
        next = tree.module(module).parent;
    }
    all
}

/// The conditions, and those of an item in them.
fn with(around: &Conditions, attributes: &[Attribute]) -> Conditions {
    around.iter().cloned().chain(conditions(attributes)).collect()
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
