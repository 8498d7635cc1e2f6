//! The values of a provider's options: where each comes from, and what it is.

pub(crate) mod content;
pub(crate) mod option_names;
pub(crate) mod resolve;
pub(crate) mod resolved_options;
