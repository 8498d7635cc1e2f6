//! The flags of `cgrant demo`.

use clap::Command;

use super::output;
use crate::output::OutputFormat::{Json, Text};

pub(super) fn command() -> Command {
    Command::new("demo")
        .about("Run every vendor from first token to renewal and refusal, against local emulators")
        .arg(output::arg(&[Text, Json]))
}
