//! Prints signatures and types, each on one line.

use syn::punctuated::Punctuated;
use syn::token::Plus;
use syn::{File, FnArg, Generics, Item, ItemImpl, Pat, Signature, Type, TypeParamBound, parse_quote};

/// Returns what follows the name of a function: `(&self) -> SystemTime`.
pub(super) fn function(signature: &Signature) -> String {
    let mut signature = signature.clone();
    signature.constness = None;
    signature.asyncness = None;
    for input in &mut signature.inputs {
        // `mut` matters only to the body, so it is not part of the API.
        match input {
            FnArg::Receiver(receiver) => receiver.mutability = None,
            FnArg::Typed(argument) => {
                if let Pat::Ident(name) = &mut *argument.pat {
                    name.mutability = None;
                }
            }
        }
    }
    let name = format!("fn {}", signature.ident);
    after_name(parse_quote!(#signature {}), &name)
}

/// Returns what follows the name of a generic item: `<'a, T: Debug>`.
pub(super) fn generics(generics: &Generics) -> String {
    let (parameters, _, conditions) = generics.split_for_impl();
    after_name(parse_quote!(struct Name #parameters #conditions {}), "struct Name")
}

/// Returns a type as text.
pub(super) fn ty(ty: &Type) -> String {
    after_name(parse_quote!(type Name = #ty;), "type Name = ")
}

/// Returns an `impl` block without its body: `impl<T> From<T> for Name`.
pub(super) fn header(block: &ItemImpl) -> String {
    let mut block = block.clone();
    block.attrs.clear();
    block.items.clear();
    if let Some((path, _)) = &mut block.trait_ {
        // Use the trait's name alone, so that the line does not depend on how the trait was imported.
        path.segments = path.segments.iter().next_back().cloned().into_iter().collect();
    }
    format!("impl{}", after_name(Item::Impl(block), "impl"))
}

/// Returns the bounds of a trait or an associated type with a colon, or an empty string: `: Debug + Send`.
pub(super) fn bounds(bounds: &Punctuated<TypeParamBound, Plus>) -> String {
    if bounds.is_empty() {
        return String::new();
    }
    after_name(parse_quote!(trait Name: #bounds {}), "trait Name")
}

/// Returns the text between the name and the body of an item.
fn after_name(item: Item, name: &str) -> String {
    let text = prettyplease::unparse(&File { shebang: None, frontmatter: None, attrs: Vec::new(), items: vec![item] });
    let line = on_one_line(&text);
    let line = line.split_once(name).map_or("", |(_, rest)| rest);
    let line = line.trim_end().trim_end_matches([';', '}', '{']).trim_end();
    line.strip_suffix(',').unwrap_or(line).to_owned()
}

/// Joins wrapped lines.
fn on_one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let mut line = words.join(" ");
    for (wrapped, plain) in
        [("( ", "("), (", )", ")"), (" )", ")"), ("< ", "<"), (", >", ">"), ("[ ", "["), (", ]", "]")]
    {
        line = line.replace(wrapped, plain);
    }
    line
}
