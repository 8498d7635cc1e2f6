//! Reads the attributes of an item.

use syn::{Attribute, Item, Meta};

/// Returns `true` if the item is compiled for tests only: `#[cfg(test)]` or `#[cfg(all(test, …))]`.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    conditions(attributes).any(|condition| condition == "test" || condition.starts_with("all(test"))
}

/// Returns `true` if the item is hidden from the documentation: `#[doc(hidden)]`.
pub(crate) fn is_hidden(attributes: &[Attribute]) -> bool {
    let mut lists = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("doc") => Some(list.tokens.to_string()),
        _ => None,
    });
    lists.any(|tokens| tokens == "hidden")
}

/// Returns `true` if the item has a doc comment.
pub(crate) fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| matches!(&attribute.meta, Meta::NameValue(doc) if doc.path.is_ident("doc")))
}

/// Returns `true` if the item is `#[non_exhaustive]`.
pub(crate) fn is_non_exhaustive(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"))
}

/// Returns the content of each `#[cfg(…)]`.
pub(crate) fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            // `TokenStream` prints a space between all tokens.
            Some(list.tokens.to_string().replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ","))
        }
        _ => None,
    })
}

/// Returns the attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
