//! Sources of client credentials: the environment, files, a function, and several in order.

mod assertion_file;
mod environment;
mod fallback;
mod files;
mod function;
mod secret_file;

pub use assertion_file::AssertionFileCredentials;
pub use environment::EnvironmentCredentials;
pub use fallback::FallbackCredentials;
pub use files::FileCredentials;
pub use function::FunctionCredentials;
