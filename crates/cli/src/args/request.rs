//! The flags of `cgrant request`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command, value_parser};
use credentials_grant::Method;

use super::{output, provider_command, store};
use crate::command_kind::CommandKind;
use crate::output::OutputFormat::{Json, Text};
use crate::provider::Provider;
use crate::provider::options::{HOST, TIMEOUT, TOKEN_AT_HAND};

pub(super) fn command() -> Command {
    provider_command::command("request", CommandKind::CallsApi, with_flags)
        .about("Call an API with the token attached, and print the response")
}

fn with_flags(provider: &'static Provider, command: Command) -> Command {
    let Provider { name, title, example, .. } = provider;
    let call = match provider.api_host() {
        Some(host) => format!("GET https://{host}/…"),
        None => "GET https://api.example.com/… --host api.example.com".to_owned(),
    };
    let example = [*example, &call].join(" ");
    command
        .about(format!("Call an API with a token from {title} attached, and print the response"))
        .after_help(provider_command::example(provider, &format!("cgrant request {name} {}", example.trim_start())))
        .mut_arg(TIMEOUT.name, |arg| {
            arg.help(
                "How long the whole call may take, such as 500ms, 10s or 1m; by default there is no limit, but the API \
                 may not pause for 30s",
            )
        })
        .mut_arg(HOST.name, |arg| arg.value_parser(NonEmptyStringValueParser::new()))
        .args(request_args())
        .args(store::args())
        .mut_arg(TOKEN_AT_HAND.name, |arg| arg.conflicts_with_all(["fresh", "minimum-life", "store", "no-store"]))
        .arg(
            Arg::new("include")
                .short('i')
                .long("include")
                .action(ArgAction::SetTrue)
                .conflicts_with("output")
                .help("Print status and headers before the body"),
        )
        .arg(output::arg(&[Text, Json]).help(
            "The output format: the body as it arrives, however long it is, or status, headers and body as \
                     JSON, if the body has at most 8 MiB",
        ))
}

fn request_args() -> [Arg; 5] {
    let (data, file) = (Arg::new("data").long("data"), Arg::new("data-file").long("data-file"));
    let header = Arg::new("header").short('H').long("header").action(ArgAction::Append);
    [
        Arg::new("method").value_name("METHOD").required(true).value_parser(method).help("GET, POST, PUT, …"),
        Arg::new("url").value_name("URL").required(true).help("The full URL, such as https://api.example.com/v1/things"),
        data.value_name("TEXT").help("The body, sent as JSON unless a header sets another type; do not put secrets here"),
        file.value_name("PATH")
            .value_parser(value_parser!(PathBuf))
            .conflicts_with("data")
            .help("The file that holds the body, or - for standard input"),
        header.value_name("HEADER").help(
            "A header, as 'Name: value'; may be repeated. For secret ones use @PATH, a file with one header per line, or \
             @- for standard input",
        ),
    ]
}

fn method(text: &str) -> Result<Method, &'static str> {
    let method = Method::from_str(&text.to_ascii_uppercase())
        .map_err(|_| "the method comes before the URL, such as `cgrant request apaleo GET URL`")?;
    match method {
        // CONNECT is for proxies, and the answer to TRACE would hold the token.
        Method::CONNECT | Method::TRACE => Err("not a method for APIs; use GET, POST, PUT, PATCH or DELETE"),
        method => Ok(method),
    }
}
