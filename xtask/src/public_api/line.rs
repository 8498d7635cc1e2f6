//! A line of a list.

use std::collections::BTreeSet;

use syn::{Attribute, Signature};

use super::print;
use crate::modules::{conditions, is_documented, is_non_exhaustive};

/// A public item, as users see it. It is sorted by its path first, so that what belongs together stands together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublicItem {
    /// Its path: `credentials_grant::AccessToken::expires_at`.
    pub(crate) path: String,
    /// Its path and signature, and in brackets what else they should know:
    /// `credentials_grant::AccessToken::expires_at(&self) -> SystemTime`.
    pub(crate) line: String,
    /// The file that defines it.
    pub(crate) file: String,
    /// Whether it has a doc comment, or needs none.
    pub(crate) is_documented: bool,
}

/// What must be true for an item to be compiled: what `#[cfg(…)]` says of it, and of all that it stands in.
pub(super) type Conditions = BTreeSet<String>;

/// A [`PublicItem`] in the making.
pub(super) struct Line<'a> {
    path: String,
    signature: String,
    notes: Vec<String>,
    conditions: Conditions,
    file: &'a str,
    is_documented: bool,
}

impl<'a> Line<'a> {
    /// An item with its attributes: it has to be documented.
    pub(super) fn new(path: &str, attributes: &[Attribute], file: &'a str, around: &Conditions) -> Self {
        let notes = is_non_exhaustive(attributes).then(|| "non_exhaustive".to_owned());
        let conditions = around.iter().cloned().chain(conditions(attributes)).collect();
        Self {
            path: path.to_owned(),
            signature: String::new(),
            notes: notes.into_iter().collect(),
            conditions,
            file,
            is_documented: is_documented(attributes),
        }
    }

    /// What is documented elsewhere, or by its name.
    pub(super) fn documented(mut self) -> Self {
        self.is_documented = true;
        self
    }

    /// What comes right behind the path.
    pub(super) fn signature(mut self, signature: impl Into<String>) -> Self {
        self.signature = signature.into();
        self
    }

    /// What stands in brackets behind the signature.
    pub(super) fn note(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }

    /// A function's signature, with what its body does not show.
    pub(super) fn function(self, signature: &Signature) -> Self {
        let mut line = self.signature(print::function(signature));
        if signature.asyncness.is_some() {
            line = line.note("async");
        }
        if signature.constness.is_some() {
            line = line.note("const");
        }
        line
    }

    pub(super) fn finish(self) -> PublicItem {
        let notes = self.notes.iter().chain(&self.conditions);
        let notes: Vec<_> = notes.map(|note| format!(" [{note}]")).collect();
        PublicItem {
            line: format!("{}{}{}", self.path, self.signature, notes.concat()),
            path: self.path,
            file: self.file.to_owned(),
            is_documented: self.is_documented,
        }
    }
}
