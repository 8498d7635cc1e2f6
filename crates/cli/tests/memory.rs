//! What a server sends does not fill the machine's memory.

#![cfg(all(test, target_os = "linux"))]

mod common;

use std::process::Command;

use common::{Run, emulator, token};
use credentials_grant_emulator::{Misbehaviour, Vendor};

/// The memory that a run may write to, in KiB.
const MOST: u32 = 64 * 1024;

#[test]
fn a_token_is_had_or_refused_within_64_mib() {
    let apaleo = emulator(Vendor::Apaleo);
    let limited = || {
        let within = token(&apaleo, &[]);
        let mut command = Command::new("sh");
        command.env_clear().arg("-c").arg(format!("ulimit -d {MOST}; exec \"$0\" \"$@\""));
        command.arg(within.get_program()).args(within.get_args());
        command.envs(within.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    Run::of(&mut limited()).succeeded();
    for misbehaviour in [Misbehaviour::EndlessBody, Misbehaviour::GzipBomb, Misbehaviour::HugeBody] {
        apaleo.misbehave(misbehaviour);
        Run::of(&mut limited()).failed(6).says("answered with more than 1 MiB");
    }
}
