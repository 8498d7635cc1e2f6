//! The client as its users see it, in one test program.

#![cfg(test)]

mod acme;
mod blocking;
mod credentials;
mod failures;
mod flight;
mod renewal;
mod secrets;
mod source;
mod transport;
