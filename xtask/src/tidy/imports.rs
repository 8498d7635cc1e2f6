//! Imports that run one way: the files of a crate can be read in an order, each after those that it builds upon.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, ItemMod, ItemUse, Path, VisRestricted};

use super::circles::{Circle, Graph, circles};
use super::finding::finding;
use crate::checkout::Checkout;
use crate::modules::{Found, ModuleId, Tree, is_for_tests, leaves};

/// No two files of a crate import each other, not even through others.
///
/// What a re-export stands for is imported from the file that defines it. A `mod` imports nothing, and tests do not
/// count.
pub(super) fn run_one_way(checkout: &Checkout) -> Vec<String> {
    checkout.members().iter().flat_map(|folder| crate_findings(checkout, folder)).collect()
}

fn crate_findings(checkout: &Checkout, folder: &str) -> Vec<String> {
    let source = format!("{folder}/src");
    let roots = ["lib.rs", "main.rs"].map(|file| format!("{source}/{file}"));
    let roots = roots.iter().filter(|root| checkout.has(root));
    let findings = roots.flat_map(|root| match Tree::read(checkout, root) {
        Ok(tree) => circles(&imports(&tree, &source)).iter().map(|circle| circle_finding(&source, circle)).collect(),
        Err(error) => vec![finding(root, format!("{error:#}"), "see what cargo says of it")],
    });
    findings.collect()
}

fn circle_finding(source: &str, circle: &Circle) -> String {
    let way = circle.way.join(" -> ");
    let on_the_way = circle.way.len() - 1;
    let others = match circle.names - on_the_way {
        0 => String::new(),
        others => format!(" (and {others} more with them)"),
    };
    let wrong = format!("{way} import each other in a circle{others}");
    finding(source, wrong, "move what they share into a file of its own")
}

/// The files of a crate, each with the files that it imports from.
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

/// Collects the modules whose items a module names.
struct Imports<'a> {
    tree: &'a Tree,
    module: ModuleId,
    /// How many blocks we are in.
    depth: usize,
    found: Vec<ModuleId>,
}

impl Imports<'_> {
    fn path(&mut self, path: &[String]) {
        // A single name is the module's own, or an import that has been counted.
        if path.len() > 1 {
            self.add(path);
        }
    }

    fn add(&mut self, path: &[String]) {
        for found in self.tree.find(self.module, path) {
            match found {
                Found::Item(module, _) | Found::Generated(module) => self.found.push(module),
                // The module alone is a shorter name for what is then named in it.
                Found::Module(_) | Found::Foreign => {}
            }
        }
    }

    /// Adds what is there to be named without a path: everything of a module.
    fn add_module(&mut self, path: &[String]) {
        for found in self.tree.find(self.module, path) {
            if let Found::Module(module) = found {
                self.found.push(module);
            }
        }
    }

    /// The paths in what is handed to a macro, which may be no Rust.
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
            // What a module's short name inside a block is used for, we do not follow.
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

    /// A doc comment imports nothing.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// Each module is visited on its own.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    /// `pub(in crate::a)` says who sees an item.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}
