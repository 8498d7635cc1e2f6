//! `cgrant emulate`: vendors on this machine, until interrupted.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use anstyle::Style;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use credentials_grant::HeaderValue;
use credentials_grant_emulator::{ApiCall, EmulatedVendor, Emulator, RunningEmulator, StartError};
use serde::Serialize;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::output::{self, quoted};
use crate::provider::Provider;
use crate::registry::emulated;

pub(crate) fn command() -> Command {
    let names = PossibleValuesParser::new(emulated().map(|(provider, _)| provider.name));
    Command::new("emulate")
        .about("Run stand-ins for the vendors on this machine, until interrupted")
        .arg(
            Arg::new("provider")
                .value_name("PROVIDER")
                .num_args(0..)
                .action(ArgAction::Append)
                .value_parser(names)
                .help("The vendors to stand in for; all of them unless named"),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .value_parser(value_parser!(u16))
                .help("The port of the first, the others follow; free ones unless set"),
        )
        .arg(output::arg(&["text", "json"]))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let port = matches.get_one("port").copied().unwrap_or(0);
    output::block_on(async {
        // Before anything is said: whoever reads it may interrupt at once.
        let interrupted = interruption()?;
        let emulators = start(wanted(matches), port)?;
        let stands: Vec<_> = emulators.iter().map(|(provider, emulator)| Stand::new(provider, emulator)).collect();
        match output::form(matches) {
            "json" => output::print_json(&BTreeMap::from([("emulators", stands)]))?,
            _ => output::print(&text(&stands))?,
        }
        interrupted.await;
        Ok(Exit::Done)
    })?
}

/// The providers in the order in which they were named, each once; all of them if none was.
fn wanted(matches: &ArgMatches) -> Vec<(&'static Provider, EmulatedVendor)> {
    let named = matches.get_many::<String>("provider").into_iter().flatten();
    let mut wanted: Vec<(&Provider, EmulatedVendor)> = Vec::new();
    for (provider, vendor) in named.filter_map(|name| emulated().find(|(provider, _)| provider.name == name)) {
        if wanted.iter().all(|(_, other)| *other != vendor) {
            wanted.push((provider, vendor));
        }
    }
    if wanted.is_empty() { emulated().collect() } else { wanted }
}

type Started = Vec<(&'static Provider, RunningEmulator)>;

/// Starts each on a port of its own: this one and those behind it, or free ones if it is 0.
fn start(providers: Vec<(&'static Provider, EmulatedVendor)>, port: u16) -> Result<Started, Failure> {
    let mut next = Some(port);
    let mut started = Vec::new();
    for (provider, vendor) in providers {
        let port = next.ok_or_else(|| {
            Failure::usage(format!("there is no port behind 65535 for {}", provider.name))
                .with_remedy("choose a lower --port")
        })?;
        started.push((provider, Emulator::new(vendor).with_port(port).start().map_err(not_started)?));
        next = if port == 0 { Some(0) } else { port.checked_add(1) };
    }
    Ok(started)
}

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Port { port, source } => Failure::usage(format!("the port {port} cannot be listened on"))
            .with_remedy("choose another --port, or leave it out for a free one")
            .with_cause(&source),
        other => Failure::new(Exit::Failed, other.to_string()).with_cause(&other),
    }
}

/// Ends with Ctrl-C, or with the signal by which containers and service managers stop what they run.
#[cfg(unix)]
fn interruption() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| {
        signal(kind)
            .map_err(|error| Failure::new(Exit::Failed, "the system does not say when to stop").with_cause(&error))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interruption() -> Result<impl Future<Output = ()>, Failure> {
    let interrupted = tokio::signal::ctrl_c();
    Ok(async move { drop(interrupted.await) })
}

/// What one needs to know of a running emulator to use it.
#[derive(Serialize)]
struct Stand {
    provider: &'static str,
    title: &'static str,
    token_url: String,
    client_id: String,
    client_secret: String,
    /// What `cgrant token` reads.
    environment: BTreeMap<String, String>,
    api_call: Call,
    /// GET says how it is; POST goes to `revoke`, `misbehave` and `advance` below it.
    admin_url: String,
}

#[derive(Serialize)]
struct Call {
    method: String,
    url: String,
    /// As `cgrant request --host` names it.
    host: String,
    /// Beside those that `cgrant token --output header` prints.
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

impl Stand {
    fn new(provider: &'static Provider, emulator: &RunningEmulator) -> Self {
        let told = provider.at_emulator(emulator);
        let mut admin_url = emulator.token_url().clone();
        admin_url.set_path("/_emulator");
        Self {
            provider: provider.name,
            title: provider.title,
            token_url: emulator.token_url().to_string(),
            client_id: emulator.client_id().to_owned(),
            client_secret: emulator.client_secret().to_owned(),
            environment: told.into_iter().map(|(name, value)| (provider.variable(name), value)).collect(),
            api_call: Call::new(emulator.api_call()),
            admin_url: admin_url.to_string(),
        }
    }
}

impl Call {
    fn new(call: ApiCall) -> Self {
        // The sensitive one is the gateway's key, which comes with the token.
        let plain = call.headers.iter().filter(|(_, value)| !value.is_sensitive());
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: BTreeMap<_, _> = plain.map(|(name, value)| (name.to_string(), text(value))).collect();
        if call.body.is_some() {
            headers.insert("content-type".to_owned(), "application/json".to_owned());
        }
        let host = call.url.authority().to_owned();
        Self { method: call.method.to_string(), url: call.url.to_string(), host, headers, body: call.body }
    }

    /// What `cgrant request` is to be told.
    fn arguments(&self) -> String {
        let Self { method, url, host, .. } = self;
        let mut arguments = format!("{method} {url} --host {host}");
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != "content-type") {
            let _ = write!(arguments, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if let Some(body) = &self.body {
            let _ = write!(arguments, " --data {}", quoted(&body.to_string()));
        }
        arguments
    }

    fn curl(&self) -> String {
        let method = if self.method == "GET" { String::new() } else { format!(" -X {}", self.method) };
        let mut curl = format!("curl{method} -H @-");
        for (name, value) in &self.headers {
            let _ = write!(curl, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if let Some(body) = &self.body {
            let _ = write!(curl, " -d {}", quoted(&body.to_string()));
        }
        format!("{curl} {}", self.url)
    }
}

/// All one needs, each command to be pasted into another terminal.
fn text(stands: &[Stand]) -> String {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let cgrant = this_command();
    let mut text = String::new();
    for stand in stands {
        let Stand { provider, title, admin_url, .. } = stand;
        let token = format!("{cgrant} token {provider}");
        let _ = writeln!(text, "{bold}{provider}{bold:#}  {title}\n");
        for (name, value) in &stand.environment {
            let _ = writeln!(text, "  export {name}={}", quoted(value));
        }
        for (what, command) in [
            ("a token", token.clone()),
            ("an API call", format!("{cgrant} request {provider} {}", stand.api_call.arguments())),
            ("the same by curl", format!("{token} --output header | {}", stand.api_call.curl())),
            ("revoke every token", format!("curl -d '{{}}' {admin_url}/revoke")),
            ("be throttled once", format!(r#"curl -d '{{"kind":"throttle","times":1}}' {admin_url}/misbehave"#)),
        ] {
            let _ = writeln!(text, "\n  {dim}# {what}{dim:#}\n  {command}");
        }
        text.push('\n');
    }
    text + "Press Ctrl-C to stop.\n"
}

/// How this very command was called, which need not be where a shell looks for commands.
fn this_command() -> String {
    let called = env::args_os().next().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match called.as_str() {
        "" => "cgrant".to_owned(),
        plain if plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)) => called,
        _ => quoted(&called),
    }
}
