//! `cgrant demo`: takes every vendor from the first token to renewal and refusal, against local emulators.

mod emulated_provider;
mod http_clients;
mod trip;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use anstyle::Style;
use comfy_table::CellAlignment;
use serde::Serialize;

use self::http_clients::HttpClients;
use self::trip::Trip;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{self, OutputFormat};
use crate::registry::emulated;
use crate::runtime::block_on;

pub(super) fn run(format: OutputFormat) -> Result<Exit, CommandError> {
    let clients = HttpClients::new()?;
    let vendors = block_on(async {
        let mut vendors = Vec::new();
        for (provider, vendor) in emulated() {
            let trip = Trip::take(&clients, provider, vendor).await;
            progress(&trip);
            vendors.push(trip);
        }
        vendors
    })?;
    let report = Report { ok: vendors.iter().all(|trip| trip.ok), vendors };
    match format {
        OutputFormat::Json => output::print_json(&report)?,
        _ => output::print(&report.table())?,
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}

/// The outcome of all trips. The members are a contract.
#[derive(Serialize)]
struct Report {
    ok: bool,
    vendors: Vec<Trip>,
}

impl Report {
    /// Returns a table of all steps, with the vendors' titles between them.
    fn table(&self) -> String {
        let mut table = output::table();
        table.set_header(["", "step", "requests", "what happened"]);
        for trip in &self.vendors {
            table.add_row([""]);
            for step in &trip.steps {
                table.add_row([mark(step.ok), step.name, &step.token_requests.to_string(), &step.detail]);
            }
        }
        if let Some(requests) = table.column_mut(2) {
            requests.set_cell_alignment(CellAlignment::Right);
        }
        let mut titles = self.vendors.iter().map(Trip::heading);
        let lines = table.lines().map(|line| match line.trim_end() {
            "" => titles.next().unwrap_or_default(),
            line => output::with_coloured_mark(line) + "\n",
        });
        let mut text: String = lines.collect();
        text += "\nrequests: the token requests that the vendor's emulator has counted so far\n";
        let (failed, vendors) = (self.vendors.iter().filter(|trip| !trip.ok).count(), self.vendors.len());
        let _ = match failed {
            0 => writeln!(text, "\n{vendors} vendors, every step passed."),
            _ => writeln!(text, "\n{failed} of {vendors} vendors failed: see the steps above."),
        };
        text
    }
}

impl Trip {
    fn heading(&self) -> String {
        let bold = Style::new().bold();
        format!("\n{bold}{}{bold:#}  {}\n", self.provider, self.title)
    }
}

fn mark(ok: bool) -> &'static str {
    if ok { "ok" } else { "FAILED" }
}

/// Prints a line for a user at a terminal when the table goes elsewhere.
fn progress(trip: &Trip) {
    if io::stderr().is_terminal() && !io::stdout().is_terminal() {
        // If standard error is closed, there is nowhere left to print it.
        let _ = writeln!(anstream::stderr(), "{}: {}", trip.provider, mark(trip.ok));
    }
}
