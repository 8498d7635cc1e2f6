//! A token server that means ill, or is broken, at the other end of a real connection: each answer ends in an error of
//! the right kind, with words that help, in bounded time and memory.
//!
//! The tables are to be read: what the server sends, and what a caller is told.

#![cfg(test)]

mod answers;
mod bombs;
mod connections;
mod hosts;
mod oddities;
mod server;
mod tokens;
