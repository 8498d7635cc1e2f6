//! A crate as its source lays it out: modules with their items, and what the names in them stand for.
//!
//! Read by syn from the files, so that no compiler has to run. What a macro generates is not seen.

mod attributes;
mod names;
mod tree;
mod uses;

pub(crate) use attributes::is_for_tests;
pub(crate) use names::Found;
pub(crate) use tree::{ModuleId, Tree};
pub(crate) use uses::leaves;
