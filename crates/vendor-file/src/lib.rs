#![doc = include_str!("../README.md")]

mod choice;
mod format;
mod given;
mod names;
mod policy;
mod problem;
mod request;
mod response;
mod secrets;
mod template;
mod url;
mod vendor;
mod vendor_file;

pub use credentials_grant::*;
#[cfg(feature = "client")]
pub use credentials_grant_client::*;
pub use vendor::Vendor;
pub use vendor_file::VendorFile;
