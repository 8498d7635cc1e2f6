//! The store at real servers. See `server.rs` for where they come from.

#![cfg(test)]
#![cfg(unix)]

mod acl;
mod checks;
mod cluster;
mod connection;
mod failures;
mod fleet;
mod keys;
mod machine;
mod relay;
mod secrets;
mod sentinel;
mod server;
mod settings;
mod tls;
