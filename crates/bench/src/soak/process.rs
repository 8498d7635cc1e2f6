//! What the process uses.

use rustix::param::page_size;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Returns the resident memory in bytes, on Linux.
pub(crate) fn resident_memory() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(page_size().try_into().ok()?)
}

/// Raises the limit of open files to the highest that is allowed: the server and its clients are one process.
pub(crate) fn raise_descriptor_limit() -> rustix::io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_resident_memory_grows_with_what_is_written() {
        let before = resident_memory().unwrap();
        let written = vec![1_u8; 64 << 20];
        assert!(resident_memory().unwrap() >= before + (32 << 20));
        drop(written);
    }
}
