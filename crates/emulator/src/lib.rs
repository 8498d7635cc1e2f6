#![doc = include_str!("../README.md")]

mod active_misbehaviour;
mod admin;
mod api_call;
mod authorization_server;
mod caller;
mod clock;
mod delivery;
mod emulator;
mod http_response;
mod issued_tokens;
mod limits;
mod lock;
mod misbehave;
mod misbehaviour;
mod request;
mod running;
mod server;
mod service;
mod settings;
mod signing;
mod start_error;
mod vendor;
mod vendor_definition;
mod vendors;

pub use api_call::ApiCall;
pub use clock::EmulatorClock;
pub use emulator::Emulator;
pub use misbehaviour::Misbehaviour;
pub use running::{Misbehaving, RunningEmulator};
pub use start_error::StartError;
pub use vendor::{EmulatedVendor, UnknownVendor};
