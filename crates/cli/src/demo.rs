//! `cgrant demo`: the whole trip at every vendor, against emulators on this machine.

mod trip;
mod vendor;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use anstyle::Style;
use clap::{ArgMatches, Command};
use comfy_table::CellAlignment;
use serde::Serialize;

use self::trip::{Means, Trip};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::registry::emulated;

pub(crate) fn command() -> Command {
    Command::new("demo")
        .about("Take every vendor through the whole trip, against emulators on this machine")
        .arg(output::arg(&["text", "json"]))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let means = Means::new()?;
    let vendors = output::block_on(async {
        let mut vendors = Vec::new();
        for (provider, vendor) in emulated() {
            let trip = means.trip(provider, vendor).await;
            progress(&trip);
            vendors.push(trip);
        }
        vendors
    })?;
    let report = Report { ok: vendors.iter().all(|trip| trip.ok), vendors };
    match output::form(matches) {
        "json" => output::print_json(&report)?,
        _ => output::print(&report.table())?,
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}

/// What became of all trips. The members are a contract.
#[derive(Serialize)]
struct Report {
    ok: bool,
    vendors: Vec<Trip>,
}

impl Report {
    /// A table of all steps, with the vendors' titles between them.
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
            line => output::marked(line) + "\n",
        });
        let mut text: String = lines.collect();
        text += "\nrequests: how many token requests the vendor's emulator had counted by then\n";
        let (failed, vendors) = (self.vendors.iter().filter(|trip| !trip.ok).count(), self.vendors.len());
        let _ = match failed {
            0 => writeln!(text, "\n{vendors} vendors, every step did what it should."),
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

/// A line for whoever waits at a terminal, where the table is not there to be seen.
fn progress(trip: &Trip) {
    if io::stderr().is_terminal() && !io::stdout().is_terminal() {
        // Nobody is left to be told if this fails.
        let _ = writeln!(anstream::stderr(), "{}: {}", trip.provider, mark(trip.ok));
    }
}
