//! `cgrant introspect` and `cgrant revoke`: ask the server about a token, and revoke one.

use credentials_grant::Value;
use jiff::Timestamp;
use serde_json::json;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::OperationInvocation;
use crate::output::{self, OutputFormat};
use crate::runtime::block_on;
use crate::text::one_line;

/// The members that are points in time (RFC 7662 section 2.2).
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];

pub(super) fn introspect(invocation: &OperationInvocation) -> Result<Exit, CommandError> {
    let OperationInvocation { client, token, format } = invocation;
    let source = client.token_source(client.transport()?)?;
    let answer = block_on(source.introspect(token))?.map_err(|error| client.explain(error))?;
    match format {
        OutputFormat::Json => output::print_json(answer.members())?,
        _ => output::print(&text(answer.members()))?,
    }
    Ok(if answer.is_active() { Exit::Done } else { Exit::Inactive })
}

pub(super) fn revoke(invocation: &OperationInvocation) -> Result<Exit, CommandError> {
    let OperationInvocation { client, token, format } = invocation;
    let source = client.token_source(client.transport()?)?;
    block_on(source.revoke(token))?.map_err(|error| client.explain(error))?;
    match format {
        OutputFormat::Json => output::print_json(&json!({"provider": client.provider.name, "revoked": true}))?,
        _ => output::print(&"Revoked. The server answers the same for a token that it does not know.\n")?,
    }
    Ok(Exit::Done)
}

/// Returns the server's answer with one member per line, `active` first.
fn text(members: &serde_json::Map<String, Value>) -> String {
    let others = members.iter().filter(|(name, _)| *name != "active");
    let members = members.get_key_value("active").into_iter().chain(others);
    let mut table = output::table();
    for (name, value) in members {
        table.add_row([one_line(name), one_line(&value_text(name, value))]);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Returns a member's value, with the time if it is one.
fn value_text(name: &str, value: &Value) -> String {
    let time = value.as_i64().filter(|_| TIMES.contains(&name)).and_then(|time| Timestamp::from_second(time).ok());
    match (value, time) {
        (_, Some(time)) => format!("{value} ({time})"),
        (Value::String(text), _) => text.clone(),
        _ => value.to_string(),
    }
}
