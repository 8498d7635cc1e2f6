//! Reads the files of a crate into the tree of its modules.

use anyhow::Result;
use syn::{Attribute, Item};

use super::attributes::{attributes, is_for_tests};
use super::uses::{Leaf, leaves};
use crate::checkout::Checkout;

/// The modules of a crate, without what is compiled for tests only.
pub(crate) struct Tree {
    modules: Vec<Module>,
}

/// Where a module stands in its [`Tree`].
pub(crate) type ModuleId = usize;

/// A module: a file, or a part of one.
pub(crate) struct Module {
    pub(crate) name: String,
    /// The file that it is written in, from the repository's root.
    pub(crate) file: String,
    /// The module around it; `None` for the crate itself.
    pub(crate) parent: Option<ModuleId>,
    /// What is written before its `mod`, and at the head of its file.
    pub(crate) attributes: Vec<Attribute>,
    /// Its items, without the bodies of modules.
    pub(crate) items: Vec<Item>,
    /// The names of its `use` declarations.
    pub(crate) imports: Vec<Leaf>,
    pub(crate) children: Vec<ModuleId>,
    /// The folder of the files that its `mod name;` stand for.
    folder: String,
}

impl Tree {
    /// The crate itself.
    pub(crate) const ROOT: ModuleId = 0;

    /// Reads a crate from its first file, such as `crates/core/src/lib.rs`.
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

    /// The child of that name. There are several where each is compiled under another condition.
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
            let around = &self.modules[id];
            let folder = format!("{}/{name}", around.folder);
            let mut child = Module::empty(&name, &around.file, &folder, Some(id));
            child.attributes.clone_from(&declaration.attrs);
            let content = declaration.content.take();
            self.modules[id].items.push(item);
            if let Some((_, items)) = content {
                self.add(checkout, child, items)?;
                continue;
            }
            let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            // A file that cargo finds and we do not, such as one behind `#[path]`, is left out.
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
