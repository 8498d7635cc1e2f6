//! Checks that the files of a crate do not import each other, so that they can be read one after another.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, ItemMod, ItemUse, Path, VisRestricted};

use super::cycles::{Cycle, Graph, cycles};
use super::finding::finding;
use crate::checkout::Checkout;
use crate::modules::{ModuleId, Resolved, Tree, is_for_tests, leaves};

/// No two files of a crate import each other, directly or through other files.
///
/// An import through a re-export counts as an import from the file that defines the item. `mod` declarations and tests
/// do not count.
pub(super) fn have_no_cycles(checkout: &Checkout) -> Vec<String> {
    checkout.members().iter().flat_map(|folder| crate_findings(checkout, folder)).collect()
}

fn crate_findings(checkout: &Checkout, folder: &str) -> Vec<String> {
    let source = format!("{folder}/src");
    let roots = ["lib.rs", "main.rs"].map(|file| format!("{source}/{file}"));
    let roots = roots.iter().filter(|root| checkout.has(root));
    let findings = roots.flat_map(|root| match Tree::read(checkout, root) {
        Ok(tree) => cycles(&imports(&tree, &source)).iter().map(|cycle| cycle_finding(&source, cycle)).collect(),
        Err(error) => vec![finding(root, format!("{error:#}"), "fix the syntax error")],
    });
    findings.collect()
}

fn cycle_finding(source: &str, cycle: &Cycle) -> String {
    let path = cycle.path.join(" -> ");
    // The path ends with the name that it starts with.
    let files_on_path = cycle.path.len() - 1;
    let others = match cycle.names - files_on_path {
        0 => String::new(),
        others => format!(" (and {others} more files)"),
    };
    finding(source, format!("import cycle: {path}{others}"), "move what they share into a file of its own")
}

/// Returns the files of a crate, each with the files that it imports from.
fn imports(tree: &Tree, source: &str) -> Graph {
    let mut graph = Graph::new();
    let name = |module: ModuleId| {
        let file = tree.module(module).file.as_str();
        file.strip_prefix(source).map_or(file, |file| file.trim_start_matches('/')).to_owned()
    };
    for (id, module) in tree.modules() {
        let mut imports = Imports { tree, module: id, depth: 0, found: Vec::new() };
        module.items.iter().for_each(|item| imports.visit_item(item));
        let file = name(id);
        let imported = imports.found.into_iter().map(name).filter(|imported| *imported != file).collect::<Vec<_>>();
        graph.entry(file).or_default().extend(imported);
    }
    graph
}

/// Collects the modules from which a module uses items.
struct Imports<'a> {
    tree: &'a Tree,
    module: ModuleId,
    /// The number of blocks around the current position.
    depth: usize,
    found: Vec<ModuleId>,
}

impl Imports<'_> {
    fn path(&mut self, path: &[String]) {
        // A single name is defined in this module, or imported by a `use` that is counted already.
        if path.len() > 1 {
            self.add(path);
        }
    }

    fn add(&mut self, path: &[String]) {
        for resolved in self.tree.resolve(self.module, path) {
            match resolved {
                Resolved::Item(module, _) | Resolved::Generated(module) => self.found.push(module),
                // A module is only a prefix here. The paths that start with it are counted.
                Resolved::Module(_) | Resolved::Foreign => {}
            }
        }
    }

    /// Adds a module whose items can all be named without a path.
    fn add_module(&mut self, path: &[String]) {
        for resolved in self.tree.resolve(self.module, path) {
            if let Resolved::Module(module) = resolved {
                self.found.push(module);
            }
        }
    }

    /// Adds the paths in the arguments of a macro, which are not necessarily valid Rust.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 || path.is_empty() => path.push(name.unraw().to_string()),
                TokenTree::Ident(name) => {
                    self.path(&path);
                    path = vec![name.unraw().to_string()];
                }
                TokenTree::Punct(colon) if colon.as_char() == ':' && colons < 2 => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.path(&path);
                    path.clear();
                    self.tokens(group.stream());
                }
                _ => {
                    self.path(&path);
                    path.clear();
                }
            }
            colons = 0;
        }
        self.path(&path);
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for leaf in leaves(item) {
            self.add(&leaf.path);
            // Inside a block, we do not track what a module's short name is used for.
            if leaf.is_glob() || self.depth > 0 {
                self.add_module(&leaf.path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
            self.path(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.tokens(tokens.clone());
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.depth += 1;
        visit::visit_block(self, block);
        self.depth -= 1;
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    /// Skips attributes: a path in a doc comment is not an import.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// Skips child modules: each module is visited separately.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    /// Skips `pub(in crate::a)`, which restricts the visibility and imports nothing.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}
