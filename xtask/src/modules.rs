//! A crate as its source lays it out: modules with their items, and what the names in them stand for.
//!
//! Read by syn from the files, so that no compiler has to run. What a macro generates is not seen.

mod attributes;
mod names;
mod tree;
mod uses;

pub(crate) use attributes::{attributes, conditions, is_documented, is_for_tests, is_hidden, is_non_exhaustive};
pub(crate) use names::{Found, name_of};
pub(crate) use tree::{ModuleId, Tree};
pub(crate) use uses::{Binds, leaves};
