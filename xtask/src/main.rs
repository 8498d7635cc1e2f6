//! Maintenance tasks, run as `cargo xtask <task>`.
//!
//! They are written in Rust rather than shell, so that working on this repository needs only Rust.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task reports to the terminal")]

mod checkout;
mod ci;
mod markdown;
mod modules;
mod new_provider;
mod public_api;
mod tidy;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask <task>

  ci                  runs every check that a change must pass, and stops at the first failure
  new-provider NAME   creates crates/providers/NAME from the template, and its page in the book
  public-api          writes the lists of public items in docs/public-api from the source
  tidy                checks the conventions that no compiler checks";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = workspace_root()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ci"] => ci::run(&root),
        ["new-provider", name] => new_provider::run(&root, name),
        ["public-api"] => public_api::run(&root),
        ["tidy"] => tidy::run(&root),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("unknown task or wrong arguments\n\n{USAGE}"),
    }
}

/// Returns the folder of the root manifest.
///
/// Reads the variable at run time: a path compiled in would be wrong after the checkout was moved or copied.
fn workspace_root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").context("CARGO_MANIFEST_DIR is not set; run cargo xtask")?;
    Ok(Path::new(&package).parent().context("the xtask package is not inside a workspace")?.to_path_buf())
}
