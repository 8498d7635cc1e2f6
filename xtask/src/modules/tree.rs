//! Reads the files of a crate into the tree of its modules.

use anyhow::Result;
use syn::{Attribute, Item};

use super::attributes::{attributes, is_for_tests};
use super::uses::{Leaf, leaves};
use crate::checkout::Checkout;

/// The modules of a crate, without the items that are compiled for tests only.
pub(crate) struct Tree {
    modules: Vec<Module>,
}

/// The index of a module in its [`Tree`].
pub(crate) type ModuleId = usize;

/// A module: a file, or part of a file.
pub(crate) struct Module {
    pub(crate) name: String,
    /// The file that contains it, as a path from the repository's root.
    pub(crate) file: String,
    /// The module that contains it, or `None` for the crate itself.
    pub(crate) parent: Option<ModuleId>,
    /// The attributes of its `mod` declaration, and those at the top of its file.
    pub(crate) attributes: Vec<Attribute>,
    /// Its items. Child modules have an empty body here.
    pub(crate) items: Vec<Item>,
    /// The names of its `use` declarations.
    pub(crate) imports: Vec<Leaf>,
    pub(crate) children: Vec<ModuleId>,
    /// The folder of its child modules' files.
    folder: String,
}

impl Tree {
    /// The crate itself.
    pub(crate) const ROOT: ModuleId = 0;

    /// Reads a crate from its root file, such as `crates/core/src/lib.rs`.
    pub(crate) fn read(checkout: &Checkout, file: &str) -> Result<Self> {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut tree = Self { modules: Vec::new() };
        let root = Module::empty("crate", file, folder, None);
        tree.add_file(checkout, root)?;
        Ok(tree)
    }

    pub(crate) fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id]
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = (ModuleId, &Module)> {
        self.modules.iter().enumerate()
    }

    /// Returns the child modules with this name. There can be several, each compiled under another condition.
    pub(crate) fn children<'a>(&'a self, module: ModuleId, name: &'a str) -> impl Iterator<Item = ModuleId> + 'a {
        self.modules[module].children.iter().copied().filter(move |&child| self.modules[child].name == name)
    }

    fn add_file(&mut self, checkout: &Checkout, mut module: Module) -> Result<()> {
        let parsed = checkout.rust(&module.file)?;
        module.attributes.extend(parsed.attrs.iter().cloned());
        self.add(checkout, module, parsed.items.clone())
    }

    fn add(&mut self, checkout: &Checkout, module: Module, items: Vec<Item>) -> Result<()> {
        let id = self.modules.len();
        if let Some(parent) = module.parent {
            self.modules[parent].children.push(id);
        }
        self.modules.push(module);
        for mut item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            if let Item::Use(item) = &item {
                self.modules[id].imports.extend(leaves(item));
            }
            let Item::Mod(declaration) = &mut item else {
                self.modules[id].items.push(item);
                continue;
            };
            let name = declaration.ident.to_string();
            let parent = &self.modules[id];
            let folder = format!("{}/{name}", parent.folder);
            let mut child = Module::empty(&name, &parent.file, &folder, Some(id));
            child.attributes.clone_from(&declaration.attrs);
            let content = declaration.content.take();
            self.modules[id].items.push(item);
            if let Some((_, items)) = content {
                self.add(checkout, child, items)?;
                continue;
            }
            let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            // We do not read `#[path]`, so a file that only it names is skipped.
            if let Some(file) = files.into_iter().find(|file| checkout.has(file)) {
                child.file = file;
                self.add_file(checkout, child)?;
            }
        }
        Ok(())
    }
}

impl Module {
    fn empty(name: &str, file: &str, folder: &str, parent: Option<ModuleId>) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            parent,
            attributes: Vec::new(),
            items: Vec::new(),
            imports: Vec::new(),
            children: Vec::new(),
            folder: folder.to_owned(),
        }
    }
}
