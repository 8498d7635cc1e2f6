//! Tests of vendor files through the public API.

#![cfg(test)]

mod changed_file;
mod equality;
mod pool;
mod reading;
mod refusals;
mod settings;
mod vendors;
