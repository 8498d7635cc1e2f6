//! TLS: whom the transport trusts, and what a caller is told where it does not.

#![cfg(test)]

mod client_certificates;
mod refusals;
mod roots;
mod server;
