//! The `impl` blocks of a library, grouped by type.

use std::collections::BTreeMap;

use syn::{GenericArgument, ImplItem, Item, ItemImpl, Path, PathArguments, Type};

use super::exports::{Exports, is_public, of_module};
use super::line::{Conditions, Line, PublicItem};
use super::print;
use crate::modules::{ModuleId, Resolved, Tree, attributes, conditions, is_hidden};

/// The `impl` blocks of each type. A block for another crate's type is kept with its trait.
pub(super) struct Impls<'a> {
    tree: &'a Tree,
    blocks: BTreeMap<(ModuleId, String), Vec<Entry<'a>>>,
}

/// A block, and the module that contains it.
struct Entry<'a> {
    block: &'a ItemImpl,
    module: ModuleId,
    /// Whether it is listed with its trait, because the type belongs to another crate.
    is_listed_with_trait: bool,
}

impl<'a> Impls<'a> {
    pub(super) fn of(tree: &'a Tree, exports: &Exports) -> Self {
        let mut impls = Self { tree, blocks: BTreeMap::new() };
        for (id, module) in tree.modules() {
            for item in &module.items {
                if let Item::Impl(block) = item
                    && !is_hidden(attributes(item))
                {
                    impls.add(id, block, exports);
                }
            }
        }
        impls
    }

    fn add(&mut self, module: ModuleId, block: &'a ItemImpl, exports: &Exports) {
        let of_trait = block.trait_.as_ref().map(|(path, _)| self.item(module, path));
        // Users cannot name the trait, so the block is not part of the API.
        if let Some(Some((of, name))) = &of_trait
            && !exports.has_item(*of, name)
        {
            return;
        }
        let of_type = type_path(&block.self_ty).and_then(|path| self.item(module, path));
        let (key, is_listed_with_trait) = match (of_type, of_trait.flatten()) {
            (Some(of_type), _) => (of_type, false),
            (None, Some(of_trait)) => (of_trait, true),
            (None, None) => return,
        };
        self.blocks.entry(key).or_default().push(Entry { block, module, is_listed_with_trait });
    }

    /// Returns the item of this crate that the path resolves to.
    fn item(&self, module: ModuleId, path: &Path) -> Option<(ModuleId, String)> {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.tree.resolve(module, &names).into_iter().find_map(|found| match found {
            Resolved::Item(module, name) => Some((module, name)),
            _ => None,
        })
    }

    /// Returns the lines for the `impl` blocks of an item. `path` is its public path.
    pub(super) fn lines(&self, module: ModuleId, name: &str, path: &str, outer: &Conditions) -> Vec<PublicItem> {
        let blocks = self.blocks.get(&(module, name.to_owned())).into_iter().flatten();
        blocks.flat_map(|entry| self.block_lines(entry, path, outer)).collect()
    }

    fn block_lines(&self, entry: &Entry<'_>, path: &str, outer: &Conditions) -> Vec<PublicItem> {
        let Entry { block, module, is_listed_with_trait } = entry;
        let file = &self.tree.module(*module).file;
        let outer = outer.iter().cloned().chain(of_module(self.tree, *module));
        let outer = outer.chain(conditions(&block.attrs)).collect();
        if block.trait_.is_none() {
            return inherent_lines(block, path, file, &outer);
        }
        let mut header = print::header(block);
        if !is_listed_with_trait && arguments(block).is_none() {
            // The line already starts with the type's path.
            header = header.replacen(&format!(" for {}", print::ty(&block.self_ty)), "", 1);
        }
        let line = Line::new(path, &[], file, &outer).signature(format!(": {header}")).documented();
        vec![line.finish()]
    }
}

fn inherent_lines(block: &ItemImpl, path: &str, file: &str, outer: &Conditions) -> Vec<PublicItem> {
    let path = format!("{path}{}", arguments(block).unwrap_or_default());
    let lines = block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
            let line = Line::new(&format!("{path}::{}", item.sig.ident), &item.attrs, file, outer);
            Some(line.function(&item.sig))
        }
        ImplItem::Const(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
            let line = Line::new(&format!("{path}::{}", item.ident), &item.attrs, file, outer);
            Some(line.signature(format!(": {}", print::ty(&item.ty))).note("const"))
        }
        // What a macro generates is not seen here, so it could change unnoticed.
        ImplItem::Macro(item) => {
            let name = item.mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            Some(Line::new(&format!("{path}::{name}!"), &[], file, outer))
        }
        _ => None,
    });
    lines.map(Line::finish).collect()
}

/// Returns the arguments of the type that a block is for: `<ForSource>` of `impl Builder<ForSource>`.
///
/// Returns `None` if they are only the block's own parameters, so that the block applies to every argument.
fn arguments(block: &ItemImpl) -> Option<String> {
    let arguments = &type_path(&block.self_ty)?.segments.last()?.arguments;
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    let parameters: Vec<_> = block.generics.type_params().map(|parameter| parameter.ident.to_string()).collect();
    let is_parameter = |argument: &GenericArgument| match argument {
        GenericArgument::Lifetime(_) => true,
        GenericArgument::Type(ty) => parameters.contains(&print::ty(ty)),
        _ => false,
    };
    let ty = print::ty(&block.self_ty);
    let start = ty.find('<')?;
    (!arguments.args.iter().all(is_parameter)).then(|| ty[start..].to_owned())
}

fn type_path(ty: &Type) -> Option<&Path> {
    match ty {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        _ => None,
    }
}
