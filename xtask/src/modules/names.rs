//! Finds what a path stands for, through imports and re-exports.

use syn::Item;

use super::tree::{ModuleId, Tree};
use super::uses::Leaf;

/// What a path stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    Module(ModuleId),
    /// An item: the module that defines it, and its name there.
    Item(ModuleId, String),
    /// Something in this module that its source does not show, because a macro makes it.
    Generated(ModuleId),
    /// Something of another crate.
    Foreign,
}

/// The names that are being looked up, so that imports in a circle end.
type Asked = Vec<(ModuleId, String)>;

impl Tree {
    /// Returns what `path` stands for in `module`. A path into an item, such as to a variant, stands for the item.
    ///
    /// There are several answers where one name has several definitions, such as one for each platform.
    pub(crate) fn find(&self, module: ModuleId, path: &[String]) -> Vec<Found> {
        self.follow(module, path, &mut Asked::new())
    }

    fn follow(&self, module: ModuleId, path: &[String], asked: &mut Asked) -> Vec<Found> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut found = match first.as_str() {
            "crate" => vec![Found::Module(Self::ROOT)],
            "self" => vec![Found::Module(module)],
            "super" => self.parent(module),
            name => match self.named(module, name, asked) {
                named if named.is_empty() => vec![Found::Foreign],
                named => named,
            },
        };
        for name in rest {
            found = found.into_iter().flat_map(|found| self.inside(found, name, asked)).collect();
        }
        found.sort();
        found.dedup();
        found
    }

    fn inside(&self, outer: Found, name: &str, asked: &mut Asked) -> Vec<Found> {
        let Found::Module(module) = outer else { return vec![outer] };
        match name {
            "self" => vec![outer],
            "super" => self.parent(module),
            _ => match self.named(module, name, asked) {
                named if named.is_empty() => vec![Found::Generated(module)],
                named => named,
            },
        }
    }

    fn parent(&self, module: ModuleId) -> Vec<Found> {
        self.module(module).parent.map(Found::Module).into_iter().collect()
    }

    /// What has that name in the module: a child, an item, or what an import brings in.
    fn named(&self, module: ModuleId, name: &str, asked: &mut Asked) -> Vec<Found> {
        let question = (module, name.to_owned());
        if asked.contains(&question) {
            return Vec::new();
        }
        asked.push(question);
        let mut found: Vec<_> = self.children(module, name).map(Found::Module).collect();
        if self.module(module).items.iter().any(|item| name_of(item).is_some_and(|found| found == name)) {
            found.push(Found::Item(module, name.to_owned()));
        }
        let imports = &self.module(module).imports;
        for import in imports.iter().filter(|import| import.binds(name)) {
            found.extend(self.follow(module, &import.path, asked));
        }
        // A glob import gives way to every other definition.
        if found.is_empty() {
            let globs = imports.iter().filter(|import| import.is_glob());
            found = globs.flat_map(|import| self.behind_glob(module, name, import, asked)).collect();
        }
        if found.iter().any(|found| *found != Found::Foreign) {
            found.retain(|found| *found != Found::Foreign);
        }
        asked.pop();
        found
    }

    fn behind_glob(&self, module: ModuleId, name: &str, import: &Leaf, asked: &mut Asked) -> Vec<Found> {
        let mut found = Vec::new();
        for origin in self.follow(module, &import.path, asked) {
            match origin {
                Found::Module(origin) => found.extend(self.named(origin, name, asked)),
                Found::Foreign => found.push(Found::Foreign),
                // `use Kind::*` imports variants, whose names we do not list.
                Found::Item(..) | Found::Generated(_) => {}
            }
        }
        found
    }
}

/// The name that an item adds to its module.
pub(crate) fn name_of(item: &Item) -> Option<String> {
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
