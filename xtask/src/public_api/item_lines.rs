//! The lines of one export: the item, its fields or variants, and its `impl` blocks.

use std::fmt::Display;

use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, FieldsNamed, Item, ItemEnum, ItemStruct, ItemTrait, Path, Token, TraitItem};

use super::exports::{Export, Target, is_public};
use super::impls::Impls;
use super::line::{Conditions, Line, PublicItem};
use super::print;
use crate::modules::{ModuleId, Tree, is_hidden, name_of};

/// Returns the lines of an export.
pub(super) fn of(tree: &Tree, export: &Export, impls: &Impls<'_>) -> Vec<PublicItem> {
    let Export { path, target, conditions } = export;
    match target {
        Target::Module(module) => {
            let module = tree.module(*module);
            vec![Line::new(path, &module.attributes, &module.file, conditions).note("mod").finish()]
        }
        Target::Foreign(origin) => {
            let file = &tree.module(Tree::ROOT).file;
            let line = Line::new(path, &[], file, conditions).documented();
            vec![line.signature(format!(" = {origin}")).note("re-export").finish()]
        }
        Target::Item(module, name) => {
            let parts = Parts { path, file: &tree.module(*module).file, conditions };
            let mut lines = parts.items(tree, *module, name);
            lines.extend(impls.lines(*module, name, path, conditions));
            lines
        }
    }
}

/// The data that all lines of an item share.
struct Parts<'a> {
    path: &'a str,
    file: &'a str,
    conditions: &'a Conditions,
}

impl<'a> Parts<'a> {
    fn items(&self, tree: &Tree, module: ModuleId, name: &str) -> Vec<PublicItem> {
        let items = tree.module(module).items.iter();
        let named = items.filter(|item| name_of(item).is_some_and(|found| found == name));
        named.flat_map(|item| self.item(item)).map(Line::finish).collect()
    }

    fn item(&self, item: &Item) -> Vec<Line<'a>> {
        match item {
            Item::Const(item) => {
                vec![self.whole(&item.attrs).signature(format!(": {}", print::ty(&item.ty))).note("const")]
            }
            Item::Enum(item) => self.enum_lines(item),
            Item::Fn(item) => vec![self.whole(&item.attrs).function(&item.sig)],
            Item::Macro(item) => vec![self.whole(&item.attrs).signature("!").note("macro")],
            Item::Static(item) => {
                vec![self.whole(&item.attrs).signature(format!(": {}", print::ty(&item.ty))).note("static")]
            }
            Item::Struct(item) => self.struct_lines(item),
            Item::Trait(item) => self.trait_lines(item),
            Item::Type(item) => {
                let signature = format!("{} = {}", print::generics(&item.generics), print::ty(&item.ty));
                vec![self.whole(&item.attrs).signature(signature).note("type")]
            }
            Item::Union(item) => {
                let mut lines = vec![self.whole(&item.attrs).signature(print::generics(&item.generics)).note("union")];
                lines.extend(self.fields(&item.fields));
                lines
            }
            _ => Vec::new(),
        }
    }

    /// Starts the line of the item itself.
    fn whole(&self, attributes: &[Attribute]) -> Line<'a> {
        Line::new(self.path, attributes, self.file, self.conditions)
    }

    /// Starts the line of a part of the item, such as a field.
    fn part(&self, separator: &str, name: impl Display, attributes: &[Attribute]) -> Line<'a> {
        Line::new(&format!("{}{separator}{name}", self.path), attributes, self.file, self.conditions)
    }

    fn struct_lines(&self, item: &ItemStruct) -> Vec<Line<'a>> {
        let kind = if matches!(item.fields, Fields::Unit) { "unit struct" } else { "struct" };
        let mut lines = vec![self.whole(&item.attrs).signature(print::generics(&item.generics)).note(kind)];
        match &item.fields {
            Fields::Named(fields) => lines.extend(self.fields(fields)),
            Fields::Unnamed(fields) => {
                let public = fields.unnamed.iter().enumerate().filter(|(_, field)| is_public(&field.vis));
                lines.extend(public.map(|(place, field)| {
                    self.part(".", place, &field.attrs).signature(format!(": {}", print::ty(&field.ty))).documented()
                }));
            }
            Fields::Unit => {}
        }
        lines.extend(self.derived(&item.attrs));
        lines
    }

    fn fields(&self, fields: &FieldsNamed) -> impl Iterator<Item = Line<'a>> {
        let public = fields.named.iter().filter(|field| is_public(&field.vis) && !is_hidden(&field.attrs));
        public.filter_map(|field| {
            let line = self.part(".", field.ident.as_ref()?, &field.attrs);
            Some(line.signature(format!(": {}", print::ty(&field.ty))))
        })
    }

    fn enum_lines(&self, item: &ItemEnum) -> Vec<Line<'a>> {
        let mut lines = vec![self.whole(&item.attrs).signature(print::generics(&item.generics)).note("enum")];
        for variant in item.variants.iter().filter(|variant| !is_hidden(&variant.attrs)) {
            let line = self.part("::", &variant.ident, &variant.attrs);
            match &variant.fields {
                Fields::Unit => lines.push(line),
                Fields::Unnamed(fields) => {
                    let types: Vec<_> = fields.unnamed.iter().map(|field| print::ty(&field.ty)).collect();
                    lines.push(line.signature(format!("({})", types.join(", "))));
                }
                Fields::Named(fields) => {
                    lines.push(line);
                    lines.extend(fields.named.iter().filter_map(|field| {
                        let name = format!("{}.{}", variant.ident, field.ident.as_ref()?);
                        let line = self.part("::", name, &field.attrs);
                        Some(line.signature(format!(": {}", print::ty(&field.ty))))
                    }));
                }
            }
        }
        lines.extend(self.derived(&item.attrs));
        lines
    }

    fn derived(&self, attributes: &[Attribute]) -> Vec<Line<'a>> {
        let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
        let lists =
            derives.filter_map(|derive| derive.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).ok());
        let names = lists.flatten().filter_map(|path| path.segments.last().map(|last| last.ident.to_string()));
        names.map(|name| self.whole(&[]).signature(format!(": impl {name}")).documented()).collect()
    }

    fn trait_lines(&self, item: &ItemTrait) -> Vec<Line<'a>> {
        let signature = print::generics(&item.generics) + &print::bounds(&item.supertraits);
        let mut lines = vec![self.whole(&item.attrs).signature(signature).note("trait")];
        for item in &item.items {
            match item {
                TraitItem::Const(item) if !is_hidden(&item.attrs) => {
                    let line = self.part("::", &item.ident, &item.attrs);
                    let line = line.signature(format!(": {}", print::ty(&item.ty))).note("const");
                    lines.push(if item.default.is_some() { line.note("provided") } else { line });
                }
                TraitItem::Fn(item) if !is_hidden(&item.attrs) => {
                    let line = self.part("::", &item.sig.ident, &item.attrs).function(&item.sig);
                    lines.push(if item.default.is_some() { line.note("provided") } else { line });
                }
                TraitItem::Type(item) if !is_hidden(&item.attrs) => {
                    let line = self.part("::", &item.ident, &item.attrs);
                    lines.push(line.signature(print::bounds(&item.bounds)).note("associated type"));
                }
                _ => {}
            }
        }
        lines
    }
}
