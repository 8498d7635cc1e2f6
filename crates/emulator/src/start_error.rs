//! Why an emulator did not start.

use std::io;

/// The error of [`Emulator::start`](crate::Emulator::start).
///
/// ```
/// use credentials_grant_emulator::{EmulatedVendor, Emulator, StartError};
///
/// let first = Emulator::new(EmulatedVendor::Apaleo).start()?;
/// let taken = first.token_url().port().ok_or("no port")?;
///
/// let error = Emulator::new(EmulatedVendor::Ptv).with_port(taken).start().err();
/// assert!(matches!(error, Some(StartError::Port { port, .. }) if port == taken));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is taken, or this user may not listen on it.
    #[error("cannot listen on 127.0.0.1:{port}: choose another port, or 0 for a free one")]
    Port {
        /// The port that was requested.
        port: u16,
        /// The system's error.
        source: io::Error,
    },
    /// The system did not provide a thread, an event loop or a socket.
    #[error("cannot start the server's thread: check whether the system is out of resources")]
    Server(#[source] io::Error),
    /// The key that signs tokens could not be generated.
    #[error("cannot generate the key that signs tokens: check whether the system provides random numbers")]
    SigningKey,
}
