//! Which misbehaviour the token endpoint is under.

use std::sync::Mutex;

use crate::lock::lock;
use crate::misbehaviour::Misbehaviour;

/// The misbehaviour of the token endpoint, if there is one, and for how many more requests.
#[derive(Default)]
pub(crate) struct ActiveMisbehaviour(Mutex<Option<(Misbehaviour, Option<u32>)>>);

impl ActiveMisbehaviour {
    /// Replaces the misbehaviour: for this many requests, or until the next call of [`end`](Self::end).
    pub(crate) fn begin(&self, misbehaviour: Misbehaviour, times: Option<u32>) {
        *lock(&self.0) = Some((misbehaviour, times)).filter(|_| times != Some(0));
    }

    /// Ends the misbehaviour.
    pub(crate) fn end(&self) {
        *lock(&self.0) = None;
    }

    /// Returns the misbehaviour and the number of requests that are left to it, without counting one.
    pub(crate) fn current(&self) -> Option<(Misbehaviour, Option<u32>)> {
        lock(&self.0).clone()
    }

    /// Returns the misbehaviour for the next request, and counts that request.
    pub(crate) fn next(&self) -> Option<Misbehaviour> {
        let mut active = lock(&self.0);
        let (misbehaviour, times) = active.take()?;
        let left = times.map(|times| times - 1);
        *active = Some((misbehaviour.clone(), left)).filter(|_| left != Some(0));
        Some(misbehaviour)
    }
}
