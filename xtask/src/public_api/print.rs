//! Signatures and types as text, each on one line.

use syn::punctuated::Punctuated;
use syn::token::Plus;
use syn::{File, FnArg, Generics, Item, ItemImpl, Pat, Signature, Type, TypeParamBound, parse_quote};

/// What comes behind the name of a function: `(&self) -> SystemTime`.
pub(super) fn function(signature: &Signature) -> String {
    let mut signature = signature.clone();
    signature.constness = None;
    signature.asyncness = None;
    for input in &mut signature.inputs {
        // What the body may change is nobody else's concern.
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
    behind(parse_quote!(#signature {}), &name)
}

/// What comes behind the name of a generic item: `<'a, T: Debug>`.
pub(super) fn generics(generics: &Generics) -> String {
    let (parameters, _, conditions) = generics.split_for_impl();
    behind(parse_quote!(struct Name #parameters #conditions {}), "struct Name")
}

/// A type.
pub(super) fn ty(ty: &Type) -> String {
    behind(parse_quote!(type Name = #ty;), "type Name = ")
}

/// All of an `impl` block but its body: `impl<T> From<T> for Name`.
pub(super) fn header(block: &ItemImpl) -> String {
    let mut block = block.clone();
    block.attrs.clear();
    block.items.clear();
    if let Some((path, _)) = &mut block.trait_ {
        // A trait is known by its own name, however it was imported.
        path.segments = path.segments.iter().next_back().cloned().into_iter().collect();
    }
    format!("impl{}", behind(Item::Impl(block), "impl"))
}

/// The bounds of a trait or an associated type, behind a colon if there are any: `: Debug + Send`.
pub(super) fn bounds(bounds: &Punctuated<TypeParamBound, Plus>) -> String {
    if bounds.is_empty() {
        return String::new();
    }
    behind(parse_quote!(trait Name: #bounds {}), "trait Name")
}

/// What comes between the name and the body of an item.
fn behind(item: Item, name: &str) -> String {
    let text = prettyplease::unparse(&File { shebang: None, frontmatter: None, attrs: Vec::new(), items: vec![item] });
    let line = on_one_line(&text);
    let line = line.split_once(name).map_or("", |(_, behind)| behind);
    let line = line.trim_end().trim_end_matches([';', '}', '{']).trim_end();
    line.strip_suffix(',').unwrap_or(line).to_owned()
}

/// Undoes the wrapping of long lines.
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
