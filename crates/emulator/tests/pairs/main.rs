//! Each provider with its emulator, over a socket. This is the one place where the two sides meet: they are written
//! from the same pages and share no code.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, wherever in it that is")]

mod credentials;
mod odd;
