//! The flag `--output`.

use clap::Arg;
use clap::builder::PossibleValuesParser;

use crate::output::OutputFormat;

/// Makes the flag for these formats, the first of which is the default.
pub(super) fn arg(formats: &[OutputFormat]) -> Arg {
    let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
    Arg::new("output")
        .long("output")
        .value_name("FORMAT")
        .default_value(names[0])
        .value_parser(PossibleValuesParser::new(names))
        .help("The output format: text for people, JSON for programs")
}
