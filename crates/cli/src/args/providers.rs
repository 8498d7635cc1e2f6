//! The flags of `cgrant providers`.

use clap::Command;

use super::output;
use crate::output::OutputFormat::{Json, Text};

pub(super) fn command() -> Command {
    Command::new("providers").about("List the providers and their settings").arg(output::arg(&[Text, Json]))
}
