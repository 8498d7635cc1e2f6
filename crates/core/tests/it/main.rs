//! The core as its users see it, in one test program.

#![cfg(test)]

mod acme;
mod answers;
mod assertions;
mod basic_encodings;
mod claims;
mod errors;
mod lifetimes;
mod operations;
mod parts;
mod proofs;
mod requests;
