//! Processor time and medians.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns the median, or zero if there are no values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Returns the CPU time of this thread in seconds.
pub(crate) fn time_on_core() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}
