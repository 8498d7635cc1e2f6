//! Why an emulator did not start.

use std::io;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is taken, or not this user's to take.
    #[error("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for a free one")]
    Port {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread or no event loop.
    #[error("cannot start the server's thread: see whether the system is out of resources")]
    Server(#[source] io::Error),
    /// No key to sign tokens with.
    #[error("cannot generate a key to sign tokens with: see whether the system has randomness")]
    SigningKey,
}
