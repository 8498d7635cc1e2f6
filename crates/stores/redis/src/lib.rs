#![doc = include_str!("../README.md")]

mod builder;
mod connector;
mod link;
mod lookups;
mod nodes;
mod redis_store;
mod scripts;
mod target;
mod tls;

pub use builder::RedisStoreBuilder;
pub use redis_store::RedisStore;
