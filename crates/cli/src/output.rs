//! What goes to standard output, and what to standard error beside errors.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use clap::{Arg, ArgMatches};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use tokio::runtime::Builder;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::exit::{Exit, Failure};

/// The flag `--output`, for people unless said otherwise.
pub(crate) fn arg(forms: &'static [&'static str]) -> Arg {
    Arg::new("output")
        .long("output")
        .value_name("FORM")
        .value_parser(forms.to_vec())
        .default_value(forms[0])
        .help("What to print")
}

/// What `--output` says.
pub(crate) fn form(matches: &ArgMatches) -> &str {
    matches.get_one::<String>("output").map_or("text", String::as_str)
}

/// Writes the answer, at once. Colours reach terminals only.
pub(crate) fn print(text: &impl Display) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    written(write!(stdout, "{text}").and_then(|()| stdout.flush())).map(|_| ())
}

/// Writes a part of the answer as it is, at once. Says whether anybody reads on.
pub(crate) fn pass_on(bytes: &[u8]) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Whether anybody still reads what was written.
fn written(outcome: io::Result<()>) -> Result<bool, Failure> {
    match outcome {
        // Whoever was reading has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Ok(()) => Ok(true),
        Err(error) => Err(Failure::new(Exit::Failed, "standard output cannot be written")
            .with_remedy("see where it is redirected to")
            .with_cause(&error)),
    }
}

/// Writes the answer for a program: JSON on one line.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(value)
        .map_err(|error| Failure::new(Exit::Failed, "the answer cannot be written as JSON").with_cause(&error))?;
    print(&format_args!("{json}\n"))
}

/// A table without lines, as wide as the terminal at the most; on something else than a terminal, as wide as it is.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some((width, _)) = terminal_size::terminal_size_of(io::stdout()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.0);
    }
    table
}

/// A line of a table, with the mark at its start in its colour.
pub(crate) fn marked(line: &str) -> String {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let marks = [
        (" ok", bold.fg_color(Some(AnsiColor::Green.into()))),
        (" FAILED", bold.fg_color(Some(AnsiColor::Red.into()))),
        (" skipped", dim),
    ];
    for (mark, style) in marks {
        if let Some(rest) = line.strip_prefix(mark) {
            return format!("{style}{mark}{style:#}{rest}");
        }
    }
    line.to_owned()
}

/// Shows events on standard error: none, `-v`, `-vv`. Only our own, since ours hold no secret.
pub(crate) fn show_events(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("cgrant", level).with_target("credentials_grant", level);
    let lines = layer().without_time().with_ansi(false).with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(ours).init();
}

/// A word for a shell, whatever is in it.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Runs the async part of a command, and waits for nothing that it leaves behind, such as a name that does not resolve.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Failed, "the system gives no event loop")
            .with_remedy("see whether it is out of file descriptors")
            .with_cause(&error)
    })?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}
