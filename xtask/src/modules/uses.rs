//! Splits `use` declarations into single names.

use syn::ext::IdentExt;
use syn::{ItemUse, UseTree};

/// One name of a `use` declaration: `use a::{b, c as d, e::*}` has three.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The imported path. If it starts with `::`, its first name is empty, which matches no module.
    pub(crate) path: Vec<String>,
    pub(crate) binds: Binds,
}

/// What a name of a `use` declaration adds to its module.
#[derive(Debug, PartialEq)]
pub(crate) enum Binds {
    /// The last name of the path, or the name after `as`.
    Name(String),
    /// Every name of the module: `*`.
    Everything,
    /// No name, only the methods of a trait: `as _`.
    Nothing,
}

impl Leaf {
    pub(crate) fn binds(&self, name: &str) -> bool {
        matches!(&self.binds, Binds::Name(bound) if bound == name)
    }

    pub(crate) fn is_glob(&self) -> bool {
        self.binds == Binds::Everything
    }
}

/// Returns the names of a `use` declaration.
pub(crate) fn leaves(item: &ItemUse) -> Vec<Leaf> {
    let mut path: Vec<_> = item.leading_colon.iter().map(|_| String::new()).collect();
    let mut leaves = Vec::new();
    collect(&item.tree, &mut path, &mut leaves);
    leaves
}

fn collect(tree: &UseTree, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.unraw().to_string());
            collect(&part.tree, path, leaves);
            path.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| collect(item, path, leaves)),
        UseTree::Glob(_) => leaves.push(Leaf { path: path.clone(), binds: Binds::Everything }),
        UseTree::Name(name) => leaves.push(named(path, &name.ident.unraw().to_string(), None)),
        UseTree::Rename(rename) => {
            leaves.push(named(path, &rename.ident.unraw().to_string(), Some(rename.rename.to_string())));
        }
    }
}

fn named(parents: &[String], name: &str, new_name: Option<String>) -> Leaf {
    let mut path = parents.to_vec();
    // `use a::{self}` imports `a`.
    if name != "self" || path.is_empty() {
        path.push(name.to_owned());
    }
    let bound = new_name.or_else(|| path.last().cloned()).unwrap_or_default();
    let binds = if bound == "_" { Binds::Nothing } else { Binds::Name(bound) };
    Leaf { path, binds }
}
