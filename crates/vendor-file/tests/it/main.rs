//! Vendor files as their users see them, in one test program.

#![cfg(test)]

mod equality;
mod reading;
mod refusals;
mod settings;
mod spoiled;
mod vendors;
