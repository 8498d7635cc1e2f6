//! `cgrant emulate`: runs emulators of the vendors until it is interrupted.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use anstyle::Style;
use credentials_grant::HeaderValue;
use credentials_grant_emulator::{ApiCall, EmulatedVendor, Emulator, RunningEmulator, StartError};
use serde::Serialize;
use serde_json::Value;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::EmulateInvocation;
use crate::output::{self, OutputFormat};
use crate::provider::Provider;
use crate::runtime::block_on;
use crate::text::quoted;

/// A POST to the admin interface, up to its body.
const POST_JSON: &str = "curl -H 'content-type: application/json' -d";

pub(super) fn run(invocation: EmulateInvocation) -> Result<Exit, CommandError> {
    let EmulateInvocation { vendors, port, settings, format } = invocation;
    block_on(async {
        // Before anything is printed: a reader may interrupt at once.
        let interrupted = interruption()?;
        let emulators = start(vendors, port, |vendor| settings.emulator(vendor))?;
        let entries: Vec<_> = emulators.iter().map(|(provider, emulator)| Entry::new(provider, emulator)).collect();
        match format {
            OutputFormat::Json => output::print_json(&BTreeMap::from([("emulators", entries)]))?,
            _ => output::print(&text(&entries))?,
        }
        interrupted.await;
        Ok(Exit::Done)
    })?
}

type Started = Vec<(&'static Provider, RunningEmulator)>;

/// Starts each emulator on its own port: this one and those after it, or free ones if it is 0.
fn start(
    providers: Vec<(&'static Provider, EmulatedVendor)>,
    port: u16,
    emulator: impl Fn(EmulatedVendor) -> Emulator,
) -> Result<Started, CommandError> {
    let mut next = Some(port);
    let mut started = Vec::new();
    for (provider, vendor) in providers {
        let port = next.ok_or_else(|| {
            CommandError::usage(format!("no port left for {}: 65535 is the last", provider.name))
                .with_remedy("use a lower --port")
        })?;
        started.push((provider, emulator(vendor).with_port(port).start().map_err(not_started)?));
        next = if port == 0 { Some(0) } else { port.checked_add(1) };
    }
    Ok(started)
}

fn not_started(error: StartError) -> CommandError {
    match error {
        StartError::Port { port, source } => CommandError::usage(format!("cannot listen on port {port}"))
            .with_remedy("use another --port, or leave it out for a free one")
            .with_cause(&source),
        other => CommandError::new(Exit::Failed, other.to_string()).with_cause(&other),
    }
}

/// Waits for Ctrl-C, or for the signal with which containers and service managers stop a process.
#[cfg(unix)]
fn interruption() -> Result<impl Future<Output = ()>, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| {
        signal(kind).map_err(|error| CommandError::new(Exit::Failed, "cannot listen for signals").with_cause(&error))
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
fn interruption() -> Result<impl Future<Output = ()>, CommandError> {
    let interrupted = tokio::signal::ctrl_c();
    Ok(async move { drop(interrupted.await) })
}

/// What a user needs to know about a running emulator. The members are a contract.
#[derive(Serialize)]
struct Entry {
    provider: &'static str,
    title: &'static str,
    token_url: String,
    client_id: String,
    client_secret: String,
    /// The variables that `cgrant token` reads.
    environment: BTreeMap<String, String>,
    api_call: Call,
    /// GET returns the state; POST of JSON to `revoke`, `misbehave` and `advance` below it changes that.
    admin_url: String,
}

#[derive(Serialize)]
struct Call {
    method: String,
    url: String,
    /// The value for `cgrant request --host`.
    host: String,
    /// The headers beside those that `cgrant token --output header` prints.
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

impl Entry {
    fn new(provider: &'static Provider, emulator: &RunningEmulator) -> Self {
        let values = provider.emulator_values(emulator);
        let mut admin_url = emulator.token_url().clone();
        admin_url.set_path("/_emulator");
        Self {
            provider: provider.name,
            title: provider.title,
            token_url: emulator.token_url().to_string(),
            client_id: emulator.client_id().to_owned(),
            client_secret: emulator.client_secret().to_owned(),
            environment: values.into_iter().map(|(name, value)| (provider.variable(name), value)).collect(),
            api_call: Call::new(emulator.api_call()),
            admin_url: admin_url.to_string(),
        }
    }
}

impl Call {
    fn new(call: ApiCall) -> Self {
        // The sensitive header is the gateway's key, which comes with the token.
        let plain = call.headers.iter().filter(|(_, value)| !value.is_sensitive());
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: BTreeMap<_, _> = plain.map(|(name, value)| (name.to_string(), text(value))).collect();
        if call.body.is_some() {
            headers.insert("content-type".to_owned(), "application/json".to_owned());
        }
        let host = call.url.authority().to_owned();
        Self { method: call.method.to_string(), url: call.url.to_string(), host, headers, body: call.body }
    }

    /// Returns the arguments for `cgrant request`.
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

/// Returns commands to paste into another terminal.
fn text(entries: &[Entry]) -> String {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let cgrant = this_command();
    let mut text = String::new();
    for entry in entries {
        let Entry { provider, title, admin_url, .. } = entry;
        let token = format!("{cgrant} token {provider}");
        let _ = writeln!(text, "{bold}{provider}{bold:#}  {title}\n");
        for (name, value) in &entry.environment {
            let _ = writeln!(text, "  export {name}={}", quoted(value));
        }
        for (what, command) in [
            ("a token", token.clone()),
            ("an API call", format!("{cgrant} request {provider} {}", entry.api_call.arguments())),
            ("the same with curl", format!("{token} --output header | {}", entry.api_call.curl())),
            ("revoke all tokens", format!("{POST_JSON} '{{}}' {admin_url}/revoke")),
            ("answer 429 once", format!(r#"{POST_JSON} '{{"kind":"throttle","times":1}}' {admin_url}/misbehave"#)),
        ] {
            let _ = writeln!(text, "\n  {dim}# {what}{dim:#}\n  {command}");
        }
        text.push('\n');
    }
    text + "Press Ctrl-C to stop.\n"
}

/// Returns the command as it was called: it need not be on the PATH.
fn this_command() -> String {
    let called = env::args_os().next().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match called.as_str() {
        "" => "cgrant".to_owned(),
        plain if plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)) => called,
        _ => quoted(&called),
    }
}
