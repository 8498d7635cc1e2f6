//! `cgrant store`: lists and removes what runs leave for each other.

use std::fmt::Write as _;
use std::time::Duration;

use credentials_grant::ExposeSecret;
use credentials_grant_client::{FileStore, Keyring};
use jiff::SignedDuration;
use serde::Serialize;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::StoreInvocation;
use crate::output::{self, OutputFormat, note};

pub(super) fn run(invocation: &StoreInvocation) -> Result<Exit, CommandError> {
    match invocation {
        StoreInvocation::Clear(store) => clear(store)?,
        StoreInvocation::Key { keyring } => key(*keyring)?,
        StoreInvocation::List(store, format) => list(store, *format)?,
        StoreInvocation::Path(store) => output::print(&format!("{}\n", store.directory().display()))?,
    }
    Ok(Exit::Done)
}

/// The records as JSON. The members are a contract.
#[derive(Serialize)]
struct List {
    directory: String,
    records: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    kind: &'static str,
    /// How much longer it is kept.
    seconds_left: u64,
    bytes: u64,
}

fn list(store: &FileStore, format: OutputFormat) -> Result<(), CommandError> {
    let files = store.list().map_err(|error| unusable(store, &error))?;
    let records = files.into_iter().map(|file| Row {
        kind: kind(&file.key),
        seconds_left: file.lifetime.as_secs(),
        bytes: file.size,
        name: file.key,
    });
    let list = List { directory: store.directory().display().to_string(), records: records.collect() };
    if format == OutputFormat::Json {
        return output::print_json(&list);
    }
    if list.records.is_empty() {
        note(&format!("{} holds no records", list.directory));
        return Ok(());
    }
    let mut table = output::table();
    table.set_header(["name", "what it is", "kept for"]);
    for Row { name, kind, seconds_left, .. } in &list.records {
        let left = SignedDuration::try_from(Duration::from_secs(*seconds_left)).unwrap_or(SignedDuration::MAX);
        table.add_row([name, *kind, &format!("{left:#}")]);
    }
    let lines = table.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.trim());
        text
    });
    output::print(&lines)
}

/// Says what a record is for, by its name.
fn kind(name: &str) -> &'static str {
    match name.split('-').next() {
        Some("token") => "a token",
        Some("client") => "a refusal, or a pause that the server asked for",
        Some("host") => "a pause of a host",
        Some("revoked") => "a token that was revoked",
        Some("limit") => "requests that count under a limit",
        _ => "unknown",
    }
}

fn clear(store: &FileStore) -> Result<(), CommandError> {
    let removed = store.clear().map_err(|error| unusable(store, &error))?;
    let records = if removed == 1 { "record" } else { "records" };
    output::print(&format!("removed {removed} {records}\n"))
}

fn key(keyring: bool) -> Result<(), CommandError> {
    let key = if keyring { Keyring::generate() } else { Keyring::generate_sealing_key() };
    let key = key.map_err(|error| CommandError::new(Exit::Failed, error.message()))?;
    output::write_part(key.expose_secret().as_bytes()).map(|_| ())
}

fn unusable(store: &FileStore, error: &std::io::Error) -> CommandError {
    CommandError::usage(format!("the store {} cannot be used", store.directory().display()))
        .with_remedy("correct that, or name another directory by CGRANT_STORE")
        .with_cause(error)
}
