//! `cgrant store`: lists and removes what runs leave for each other.

use std::time::Duration;

use comfy_table::Table;
use credentials_grant::ExposeSecret;
use credentials_grant_client::{FileStore, Keyring, StoredFile};
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
        StoreInvocation::Show { store, name, format } => show(store, name, *format)?,
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

/// One record. The members are a contract.
#[derive(Serialize)]
struct Row {
    name: String,
    kind: &'static str,
    path: String,
    /// How long ago it was written.
    age_seconds: u64,
    /// How much longer it is kept.
    seconds_left: u64,
    bytes: u64,
    /// Which `seal` key of the keyring sealed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealing_key: Option<usize>,
}

impl From<StoredFile> for Row {
    fn from(file: StoredFile) -> Self {
        Self {
            kind: kind(&file.key),
            path: file.path.display().to_string(),
            age_seconds: file.age.as_secs(),
            seconds_left: file.lifetime.as_secs(),
            bytes: file.size,
            sealing_key: file.sealing_key,
            name: file.key,
        }
    }
}

fn show(store: &FileStore, name: &str, format: OutputFormat) -> Result<(), CommandError> {
    let files = store.list().map_err(|error| unusable(store, &error))?;
    let mut found = files.into_iter().filter(|file| file.key.starts_with(name));
    let row = match (found.next(), found.next()) {
        (Some(file), None) => Row::from(file),
        (first, _) => {
            let what = if first.is_none() { "no record has" } else { "several records have" };
            return Err(CommandError::usage(format!("{what} a name that begins like this"))
                .with_remedy("see `cgrant store list`"));
        }
    };
    if format == OutputFormat::Json {
        return output::print_json(&row);
    }
    let sealed_by = match row.sealing_key {
        Some(number) => format!("`seal` key {number} of the keyring"),
        None if row.kind == HOST || row.kind == LIMIT => "a key that every process has: it holds no secret".to_owned(),
        None => "the client's own secret, or a key that is not in the keyring".to_owned(),
    };
    let mut table = output::table();
    table.add_row(["name", &row.name]);
    table.add_row(["what it is", row.kind]);
    table.add_row(["written", &format!("{} ago", words(row.age_seconds))]);
    table.add_row(["kept for", &words(row.seconds_left)]);
    table.add_row(["size", &format!("{} bytes", row.bytes)]);
    table.add_row(["sealed by", &sealed_by]);
    table.add_row(["file", &row.path]);
    print_table(&table)
}

fn list(store: &FileStore, format: OutputFormat) -> Result<(), CommandError> {
    let files = store.list().map_err(|error| unusable(store, &error))?;
    let list = List {
        directory: store.directory().display().to_string(),
        records: files.into_iter().map(Row::from).collect(),
    };
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
        table.add_row([name, *kind, &words(*seconds_left)]);
    }
    print_table(&table)
}

fn print_table(table: &Table) -> Result<(), CommandError> {
    output::print(&table.lines().map(|line| line.trim().to_owned() + "\n").collect::<String>())
}

/// Returns a length of time in words, such as `58m 3s`.
fn words(seconds: u64) -> String {
    let time = SignedDuration::try_from(Duration::from_secs(seconds)).unwrap_or(SignedDuration::MAX);
    format!("{time:#}")
}

/// What the records are whose seal everybody can open.
const HOST: &str = "a pause of a host";
const LIMIT: &str = "requests that count under a limit";

/// Says what a record is for, by its name.
fn kind(name: &str) -> &'static str {
    match name.split('-').next() {
        Some("token") => "a token",
        Some("client") => "a refusal, or a pause that the server asked for",
        Some("host") => HOST,
        Some("revoked") => "a token that was revoked",
        Some("limit") => LIMIT,
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
