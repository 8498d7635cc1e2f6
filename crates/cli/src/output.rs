//! Standard output for the answer; notes and events on standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::text::{is_control, one_line};

/// What `--output` selects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OutputFormat {
    /// For people.
    Text,
    /// One line of JSON.
    Json,
    /// The headers of an API call, one per line.
    Header,
    /// Assignments that a shell can evaluate.
    Env,
}

impl OutputFormat {
    const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Header, Self::Env];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Header => "header",
            Self::Env => "env",
        }
    }

    /// Returns the format of this name. Text is the default.
    pub(crate) fn named(name: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|format| name == Some(format.name())).unwrap_or(Self::Text)
    }
}

/// Prints the answer and flushes it. Colours appear on terminals only.
pub(crate) fn print(text: &impl Display) -> Result<(), CommandError> {
    let mut stdout = anstream::stdout().lock();
    has_reader(write!(stdout, "{text}").and_then(|()| stdout.flush())).map(|_| ())
}

/// Writes a part of the answer unchanged and flushes it. Returns `false` if the reader has closed the pipe.
pub(crate) fn write_part(bytes: &[u8]) -> Result<bool, CommandError> {
    let mut stdout = io::stdout().lock();
    has_reader(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

fn has_reader(outcome: io::Result<()>) -> Result<bool, CommandError> {
    match outcome {
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Ok(()) => Ok(true),
        Err(error) => Err(CommandError::new(Exit::Failed, "standard output cannot be written")
            .with_remedy("check where it is redirected to")
            .with_cause(&error)),
    }
}

/// Prints the answer as one line of JSON, with every control character escaped.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    // Not through `anstream`, which takes U+007F for a part of an escape sequence and drops it.
    let mut stdout = BufWriter::new(io::stdout().lock());
    let written = value.serialize(&mut Serializer::with_formatter(&mut stdout, HarmlessJson));
    let written = written.map_err(io::Error::from).and_then(|()| stdout.write_all(b"\n"));
    has_reader(written.and_then(|()| stdout.flush())).map(|_| ())
}

/// JSON without the characters that RFC 8259 lets stand although a terminal obeys them: DEL, C1, and those that change
/// the direction of text.
struct HarmlessJson;

impl Formatter for HarmlessJson {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_control(*c)) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            // All of them are in the plane that four digits can name.
            write!(writer, "\\u{:04x}", u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

/// Makes a table without lines. On a terminal it is at most as wide as the terminal.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some((width, _)) = terminal_size::terminal_size_of(io::stdout()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.0);
    }
    table
}

/// Colours the mark at the start of a table's line: ok, FAILED, skipped.
pub(crate) fn with_coloured_mark(line: &str) -> String {
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

/// Prints on standard error what is worth knowing but not an error.
pub(crate) fn note(text: &str) {
    let style = Style::new().bold();
    // If standard error is closed, there is nowhere left to print it.
    let _ = writeln!(anstream::stderr(), "{style}note:{style:#} {}", one_line(text));
}

/// Prints events on standard error: debug for `-v`, trace for `-vv`. Other crates' events are left out, because only
/// ours are known to hold no secret.
pub(crate) fn show_events(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("cgrant", level).with_target("credentials_grant", level);
    let lines = layer().without_time().with_ansi(false).with_writer(|| EventWriter);
    tracing_subscriber::registry().with(lines).with(ours).init();
}

/// Writes events on standard error, each on one line: a part of it may come from a server.
struct EventWriter;

impl Write for EventWriter {
    /// Is called once for each event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = one_line(text.strip_suffix('\n').unwrap_or(&text)) + "\n";
        io::stderr().write_all(line.as_bytes()).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
