//! The scripts that run in the server. Each is one atomic step.
//!
//! A record is a string that ends by itself: sixteen bytes of its version, then its value. A claim is a string that
//! ends by itself: its claimant. Anything else under these names (another type, too short, too long, without an end)
//! counts as absent and is overwritten: it is none of ours.

use redis::{Cmd, Script as Hashed, cmd};

/// The length of a version.
pub(crate) const VERSION: usize = 16;

/// Defines `record(key)`, which returns a record and the milliseconds that are left of it, and `holder(key)`, which
/// returns a claimant and the same.
///
/// `GETRANGE` reads no more than the longest record: whatever else is there does not come over the network. Errors
/// other than that of a wrong type are passed on, such as those of permissions.
macro_rules! script {
    ($body:literal) => {
        concat!(
            "local function string_of(key, most)
                local value = redis.pcall('GETRANGE', key, 0, most)
                if type(value) == 'table' then
                    if string.find(value['err'], 'WRONGTYPE', 1, true) then return nil end
                    error(value['err'])
                end
                local left = redis.call('PTTL', key)
                if #value > most or left <= 0 then return nil end
                return value, left
            end
            local function record(key)
                local value, left = string_of(key, 262160)
                if value and #value >= 16 then return value, left end
            end
            local function holder(key)
                return string_of(key, 16)
            end
            ",
            $body
        )
    };
}

/// KEYS: record. Returns `{record, left}`, or nil.
const READ: &str = script! {"
    local value, left = record(KEYS[1])
    if value then return {value, left} end
    return false
"};

/// KEYS: record, claim. ARGV: the version seen or nothing, claimant, window. Returns `{record, left}` if it is another
/// one, how long somebody else has the claim, or 0 if it was granted.
const CLAIM: &str = script! {"
    local value, left = record(KEYS[1])
    if value and string.sub(value, 1, 16) ~= ARGV[1] then return {value, left} end
    local claimant, held = holder(KEYS[2])
    if claimant and claimant ~= ARGV[2] then return held end
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
    return 0
"};

/// KEYS: record. ARGV: the version seen or nothing, new record, lifetime. Returns 1 if it was written. A record that is
/// there already is written again: the answer to the first writing may have been lost.
const WRITE: &str = script! {"
    local value = record(KEYS[1])
    if value then
        local version = string.sub(value, 1, 16)
        if version ~= ARGV[1] and version ~= string.sub(ARGV[2], 1, 16) then return 0 end
    end
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
"};

/// KEYS: claim. ARGV: claimant. Returns 1 if it was given back.
const RELEASE: &str = script! {"
    if holder(KEYS[1]) ~= ARGV[1] then return 0 end
    return redis.call('DEL', KEYS[1])
"};

/// KEYS: record. ARGV: version. Returns 1 if it was removed.
const REMOVE: &str = script! {"
    local value = record(KEYS[1])
    if not value or string.sub(value, 1, 16) ~= ARGV[1] then return 0 end
    return redis.call('DEL', KEYS[1])
"};

/// The scripts of a store.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) read: Script,
    pub(crate) claim: Script,
    pub(crate) write: Script,
    pub(crate) release: Script,
    pub(crate) remove: Script,
}

/// A script and its hash, by which the server knows it.
#[derive(Debug)]
pub(crate) struct Script {
    code: &'static str,
    hash: String,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        let script = |code| Script { code, hash: Hashed::new(code).get_hash().to_owned() };
        Self {
            read: script(READ),
            claim: script(CLAIM),
            write: script(WRITE),
            release: script(RELEASE),
            remove: script(REMOVE),
        }
    }
}

impl Script {
    /// Returns the command that runs the script if the server knows it.
    pub(crate) fn by_hash(&self, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        command("EVALSHA", &self.hash, keys, arguments)
    }

    /// Returns the command that runs the script, and tells it to the server.
    pub(crate) fn by_code(&self, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
        command("EVAL", self.code, keys, arguments)
    }
}

fn command(name: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
    let mut command = cmd(name);
    command.arg(script).arg(keys.len()).arg(keys);
    for argument in arguments {
        command.arg(*argument);
    }
    command
}
