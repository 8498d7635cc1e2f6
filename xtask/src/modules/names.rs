//! Resolves paths, through imports and re-exports.

use syn::Item;

use super::tree::{ModuleId, Tree};
use super::uses::Leaf;

/// What a path resolves to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resolved {
    Module(ModuleId),
    /// An item: the module that defines it, and its name in that module.
    Item(ModuleId, String),
    /// An item of this module that a macro generates, so that the source does not show it.
    Generated(ModuleId),
    /// An item of another crate.
    Foreign,
}

/// The names that are being looked up. A name that is already here is not looked up again, so cyclic imports end.
type Pending = Vec<(ModuleId, String)>;

impl Tree {
    /// Resolves `path` in `module`. A path into an item, such as to an enum's variant, resolves to the item.
    ///
    /// Returns several results if the name has several definitions, such as one for each platform.
    pub(crate) fn resolve(&self, module: ModuleId, path: &[String]) -> Vec<Resolved> {
        self.resolve_pending(module, path, &mut Pending::new())
    }

    fn resolve_pending(&self, module: ModuleId, path: &[String], pending: &mut Pending) -> Vec<Resolved> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut found = match first.as_str() {
            "crate" => vec![Resolved::Module(Self::ROOT)],
            "self" => vec![Resolved::Module(module)],
            "super" => self.parent(module),
            name => match self.named(module, name, pending) {
                named if named.is_empty() => vec![Resolved::Foreign],
                named => named,
            },
        };
        for name in rest {
            found = found.into_iter().flat_map(|found| self.resolve_in(found, name, pending)).collect();
        }
        found.sort();
        found.dedup();
        found
    }

    fn resolve_in(&self, outer: Resolved, name: &str, pending: &mut Pending) -> Vec<Resolved> {
        let Resolved::Module(module) = outer else { return vec![outer] };
        match name {
            "self" => vec![outer],
            "super" => self.parent(module),
            _ => match self.named(module, name, pending) {
                named if named.is_empty() => vec![Resolved::Generated(module)],
                named => named,
            },
        }
    }

    fn parent(&self, module: ModuleId) -> Vec<Resolved> {
        self.module(module).parent.map(Resolved::Module).into_iter().collect()
    }

    /// Returns what has this name in the module: a child module, an item, or an import.
    fn named(&self, module: ModuleId, name: &str, pending: &mut Pending) -> Vec<Resolved> {
        let question = (module, name.to_owned());
        if pending.contains(&question) {
            return Vec::new();
        }
        pending.push(question);
        let mut found: Vec<_> = self.children(module, name).map(Resolved::Module).collect();
        if self.module(module).items.iter().any(|item| name_of(item).is_some_and(|found| found == name)) {
            found.push(Resolved::Item(module, name.to_owned()));
        }
        let imports = &self.module(module).imports;
        for import in imports.iter().filter(|import| import.binds(name)) {
            found.extend(self.resolve_pending(module, &import.path, pending));
        }
        // Every other definition shadows a glob import.
        if found.is_empty() {
            let globs = imports.iter().filter(|import| import.is_glob());
            found = globs.flat_map(|import| self.named_by_glob(module, name, import, pending)).collect();
        }
        if found.iter().any(|found| *found != Resolved::Foreign) {
            found.retain(|found| *found != Resolved::Foreign);
        }
        pending.pop();
        found
    }

    fn named_by_glob(&self, module: ModuleId, name: &str, import: &Leaf, pending: &mut Pending) -> Vec<Resolved> {
        let mut found = Vec::new();
        for origin in self.resolve_pending(module, &import.path, pending) {
            match origin {
                Resolved::Module(origin) => found.extend(self.named(origin, name, pending)),
                Resolved::Foreign => found.push(Resolved::Foreign),
                // `use Kind::*` imports variants, and we do not track their names.
                Resolved::Item(..) | Resolved::Generated(_) => {}
            }
        }
        found
    }
}

/// Returns the name that an item adds to its module.
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
