//! What a maintainer does more than once, as `cargo xtask <task>`.
//!
//! Rust and not shell, so that nothing but Rust is needed to work on this repository.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to whoever started it")]

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

  ci                  every check that a change must pass, stopping at the first failure
  new-provider NAME   a new folder under crates/providers, ready to be filled in
  public-api          the lists of public items in docs/public-api, written from the source
  tidy                the conventions that no compiler checks";

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
        _ => bail!("no such task\n\n{USAGE}"),
    }
}

/// Cargo names this package's folder at run time; one compiled in would be wrong in a moved or copied checkout.
fn workspace_root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").context("start this through cargo: cargo xtask")?;
    Ok(Path::new(&package).parent().context("xtask stands in no workspace")?.to_path_buf())
}
