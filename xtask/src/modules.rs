//! The modules of a crate with their items, and the resolution of paths in them.
//!
//! The files are parsed with syn, so that no compiler has to run. Items that a macro generates are not seen.

mod attributes;
mod names;
mod tree;
mod uses;

pub(crate) use attributes::{attributes, conditions, is_documented, is_for_tests, is_hidden, is_non_exhaustive};
pub(crate) use names::{Resolved, name_of};
pub(crate) use tree::{ModuleId, Tree};
pub(crate) use uses::{Binds, leaves};
