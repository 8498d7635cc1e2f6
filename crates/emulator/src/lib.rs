#![doc = include_str!("../README.md")]

mod admin;
mod authorization_server;
mod clock;
mod delivery;
mod emulator;
mod http_response;
mod issued_tokens;
mod limits;
mod misbehave;
mod misbehaviour;
mod request;
mod running;
mod server;
mod signing;
mod start_error;
mod vendor;
mod vendors;

pub use clock::EmulatorClock;
pub use emulator::Emulator;
pub use misbehaviour::Misbehaviour;
pub use running::{ApiCall, Misbehaving, RunningEmulator};
pub use start_error::StartError;
pub use vendor::{EmulatedVendor, UnknownVendor};

/// Locks, and goes on after a panic elsewhere: what the emulator keeps is whole at every moment.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
