//! The client as its users see it, in one test program.

#![cfg(test)]

mod acme;
mod assertions;
mod authorizer;
mod blocking;
#[cfg(all(feature = "reqwest-middleware", feature = "tower"))]
mod broken_uploads;
mod credentials;
mod failures;
#[cfg(feature = "store")]
mod faulty_store;
#[cfg(feature = "file-store")]
mod file_faults;
#[cfg(feature = "file-store")]
mod file_store;
mod flight;
mod host_header;
mod limits;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod operations;
mod pool;
#[cfg(all(feature = "signing", feature = "reqwest-middleware", feature = "tower"))]
mod proofs;
mod properties;
mod rejections;
mod renewal;
#[cfg(feature = "reqwest-middleware")]
mod repeated_tokens;
mod reqwest_middleware;
mod rotation;
mod seams;
mod secrets;
mod shared_failures;
mod shop;
#[cfg(feature = "signing")]
mod signing;
mod source;
mod status;
#[cfg(feature = "store")]
mod store;
#[cfg(feature = "store")]
mod store_bounds;
#[cfg(feature = "store")]
mod store_failures;
#[cfg(feature = "store")]
mod store_keys;
#[cfg(feature = "store")]
mod store_replicas;
mod token_options;
#[cfg(feature = "tower")]
mod tower_layer;
mod transport;
mod warm;
