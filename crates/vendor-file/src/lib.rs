#![doc = include_str!("../README.md")]

mod checks;
mod conditional_text;
mod declared_settings;
mod file_provider;
mod format;
mod policy;
mod problem;
mod request;
mod reserved_names;
mod response;
mod secrets;
mod setting_values;
mod template;
mod url;
mod vendor_file;

pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
pub use file_provider::FileProvider;
pub use vendor_file::VendorFile;
