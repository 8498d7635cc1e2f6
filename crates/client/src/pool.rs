//! Token sources for many tenants.

mod builder;
mod key;
mod token_pool;

pub use builder::TokenPoolBuilder;
pub use token_pool::TokenPool;
