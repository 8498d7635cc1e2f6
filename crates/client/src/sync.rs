//! What the flight and the slot of the current token are built on; the model checker puts its own in their place.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
