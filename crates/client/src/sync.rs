//! What the flight and the current token are built on; the model checker puts its own in their place.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use arc_swap::ArcSwapOption;
