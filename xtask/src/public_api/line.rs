//! One line of a list.

use std::collections::BTreeSet;

use syn::{Attribute, Signature};

use super::print;
use crate::modules::{conditions, is_documented, is_non_exhaustive};

/// A public item. Items are sorted by path first, so that the parts of an item follow it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PublicItem {
    /// Its path: `credentials_grant::AccessToken::expires_at`.
    pub(crate) path: String,
    /// Its path and signature, followed by notes in brackets:
    /// `credentials_grant::AccessToken::expires_at(&self) -> SystemTime`.
    pub(crate) line: String,
    /// The file that defines it.
    pub(crate) file: String,
    /// Whether it has a doc comment, or needs none.
    pub(crate) is_documented: bool,
}

/// The `#[cfg(…)]` conditions of an item and of all modules that contain it.
pub(super) type Conditions = BTreeSet<String>;

/// Builds a [`PublicItem`].
pub(super) struct Line<'a> {
    path: String,
    signature: String,
    notes: Vec<String>,
    conditions: Conditions,
    file: &'a str,
    is_documented: bool,
}

impl<'a> Line<'a> {
    /// Starts the line of an item, which must have a doc comment.
    pub(super) fn new(path: &str, attributes: &[Attribute], file: &'a str, outer: &Conditions) -> Self {
        let notes = is_non_exhaustive(attributes).then(|| "non_exhaustive".to_owned());
        let conditions = outer.iter().cloned().chain(conditions(attributes)).collect();
        Self {
            path: path.to_owned(),
            signature: String::new(),
            notes: notes.into_iter().collect(),
            conditions,
            file,
            is_documented: is_documented(attributes),
        }
    }

    /// Marks an item that needs no doc comment of its own.
    pub(super) fn documented(mut self) -> Self {
        self.is_documented = true;
        self
    }

    /// Sets the text that follows the path.
    pub(super) fn signature(mut self, signature: impl Into<String>) -> Self {
        self.signature = signature.into();
        self
    }

    /// Adds a note, which is printed in brackets after the signature.
    pub(super) fn note(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }

    /// Sets the signature of a function, with notes for `async` and `const`.
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
