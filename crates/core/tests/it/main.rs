//! The core as its users see it, in one test program.

#![cfg(test)]

mod acme;
mod answers;
mod assertions;
mod basic_encodings;
mod charsets;
mod claims;
mod error_members;
mod errors;
mod lifetimes;
mod operations;
mod parts;
mod proofs;
mod requests;
