//! What the process uses.

use peak_alloc::PeakAlloc;
use rustix::param::page_size;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The memory of the process in bytes, with that of the server and the callers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// What is allocated: without what the allocator keeps for later.
    pub(crate) allocated: u64,
    /// What is resident, on Linux.
    pub(crate) resident: Option<u64>,
}

impl Memory {
    pub(crate) fn now() -> Self {
        let allocated = u64::try_from(ALLOCATOR.current_usage()).unwrap_or(u64::MAX);
        Self { allocated, resident: resident() }
    }
}

fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(page_size().try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn memory_grows_with_what_is_written() {
        let before = Memory::now();
        let written = black_box(vec![1_u8; 64 << 20]);
        let now = Memory::now();
        drop(written);
        assert!(now.allocated >= before.allocated + (32 << 20));
        assert!(now.resident.zip(before.resident).is_none_or(|(now, before)| now >= before + (32 << 20)));
        assert_eq!(now.resident.is_some(), cfg!(target_os = "linux"));
    }
}
