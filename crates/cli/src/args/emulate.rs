//! The flags of `cgrant emulate`.

use std::path::PathBuf;

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
        .args(settings())
        .arg(output::arg(&[Text, Json]))
}

/// Makes the flags that change what an emulator knows and checks.
fn settings() -> [Arg; 7] {
    let file = |id: &'static str, flag: &'static str| {
        Arg::new(id).long(flag).value_name("PATH").value_parser(value_parser!(PathBuf))
    };
    let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    [
        Arg::new("client-id")
            .long("client-id")
            .value_name("ID")
            .requires("client-secret")
            .help("The id of the client that the vendor knows, in place of the built-in one"),
        file("client-secret", "client-secret-file")
            .requires("client-id")
            .help("The client's secret; a file, or - for standard input"),
        Arg::new("scope")
            .long("scope")
            .value_name("SCOPE")
            .action(ArgAction::Append)
            .help("A scope that the client may have, in place of the built-in ones; may be repeated"),
        switch("no-scopes")
            .conflicts_with("scope")
            .help("Let the client have no scopes: Resamania answers `scope: null`"),
        file("gateway-key", "gateway-key-file")
            .help("The key that Resamania's gateway requires; a file, or - for standard input"),
        switch("no-gateway-key").conflicts_with("gateway-key").help("Run Resamania without its gateway"),
        switch("client-secret-post").help(
            "Let apaleo take credentials in the body too, as the software behind it does, and not as its page says",
        ),
    ]
}
