//! The flags of `cgrant emulate`.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};

use super::output;
use crate::output::OutputFormat::{Json, Text};
use crate::registry::emulated;

pub(super) fn command() -> Command {
    let names = PossibleValuesParser::new(emulated().map(|(provider, _)| provider.name));
    Command::new("emulate")
        .about("Run local emulators of the vendors until Ctrl-C")
        .arg(
            Arg::new("provider")
                .value_name("PROVIDER")
                .num_args(0..)
                .action(ArgAction::Append)
                .value_parser(names)
                .help("The vendors to emulate; all by default"),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .value_parser(value_parser!(u16))
                .help("The port of the first emulator, the others use the next ones; free ports by default"),
        )
        .arg(output::arg(&[Text, Json]))
}
