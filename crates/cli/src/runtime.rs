//! The async runtime of a command.

use tokio::runtime::Builder;

use crate::error::CommandError;
use crate::exit::Exit;

/// Runs the async part of a command. Does not wait for tasks that it leaves behind, such as a slow DNS lookup.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        CommandError::new(Exit::Failed, "cannot start the async runtime")
            .with_remedy("check whether the system is out of file descriptors")
            .with_cause(&error)
    })?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}
