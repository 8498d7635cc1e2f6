//! The client as its users see it, in one test program.

#![cfg(test)]

mod acme;
mod blocking;
mod credentials;
mod failures;
mod flight;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod need;
mod pool;
mod renewal;
mod rotation;
mod secrets;
mod source;
mod status;
mod transport;
mod warm;
