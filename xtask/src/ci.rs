//! Every check that a change must pass, those that fail fast first.

use std::collections::BTreeSet;
use std::iter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use crate::checkout::Checkout;
use crate::tidy;

/// The parsing of what comes from outside, under Miri. Left out are tests that Miri takes minutes for: those of long
/// answers, and those of errors from which secrets are redacted.
const MIRI: &str = "cargo +nightly miri test -p credentials-grant --lib --test it -- tests:: answers:: lifetimes:: \
    --skip a_token_that_no_header_can_carry --skip what_is_no_token --skip what_is_no_number";

/// What a file describes is a provider, and no heavier than others.
const VENDOR_FILE: &str = "vendor-file";

const NO_MIRI: &str = "undefined behaviour was NOT looked for, because there is no Miri";

/// Installs the certified server, as its `.npmrc` has it: nothing of it is executed meanwhile.
const NPM_CI: &str = "npm ci --prefix crates/certified/server";

const NO_SERVER: &str = "credentials-grant-oauth2 was NOT tried against a certified server, because none could be installed: it \
    takes Node, and npm";

const NO_ADVISORIES: &str =
    "known vulnerabilities were NOT looked for, because their database, which is on GitHub, cannot be fetched";

/// Runs the checks, and stops at the first that fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let started = Instant::now();
    for step in steps(&Checkout::read(root)?) {
        println!("\n==> {}", step.command);
        step.run(root)?;
    }
    println!("\nevery check passed, in {} s", started.elapsed().as_secs());
    Ok(())
}

fn steps(checkout: &Checkout) -> Vec<Step> {
    let crates = checkout.providers().into_iter().chain([VENDOR_FILE]);
    let providers: Vec<_> = crates.map(|name| format!("-p credentials-grant-{name}")).collect();
    let lean_trees = providers.iter().map(|provider| {
        let command = format!("cargo tree {provider} --no-default-features -e normal");
        Step::new(command, Check::Lacks(&["reqwest", "tokio"]))
    });
    let lean_build = format!(
        "cargo clippy -p credentials-grant-client {} --no-default-features -- -D warnings",
        providers.join(" ")
    );
    // Nothing is uploaded. What a package lacks, such as a file that stands outside of its folder, fails its build.
    let unpublished: Vec<_> = checkout.unpublished().map(|package| format!("--exclude {package}")).collect();
    // A package is built without the workspace's profile.
    // With the same debug information, it shares what was built before.
    let packages = format!(
        "CARGO_PROFILE_DEV_DEBUG=line-tables-only cargo package --workspace {} --allow-dirty --offline",
        unpublished.join(" ")
    );
    let examples = checkout.examples().map(|name| {
        let command = format!("cargo run -p book-examples --example {name}");
        Step::new(command, Check::Succeeds)
    });

    let mut steps = vec![
        Step::new("cargo fmt --all --check", Check::Succeeds),
        Step::new("cargo xtask tidy", Check::Tidy),
        Step::new("cargo deny check --hide-inclusion-graph bans licenses sources", Check::Succeeds),
        Step::new("cargo tree -p credentials-grant", Check::Lacks(&["hyper", "reqwest", "tokio"])),
    ];
    steps.extend(lean_trees);
    steps.extend([
        Step::new(lean_build, Check::Succeeds),
        Step::new("cargo clippy --workspace --all-targets --all-features -- -D warnings", Check::Succeeds),
        Step::new("cargo test --workspace", Check::Succeeds),
        Step::new("cargo run -- demo --output json", Check::Succeeds),
    ]);
    steps.extend(examples);
    steps.extend([
        Step::new("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps", Check::Succeeds),
        Step::new(packages, Check::Succeeds),
        Step::new("cargo test -p certified -- --ignored", Check::SucceedsAfter(NPM_CI, NO_SERVER)),
        Step::new(MIRI, Check::SucceedsAfter("cargo +nightly miri --version", NO_MIRI)),
        Step::new("cargo deny check advisories", Check::SucceedsAfter("cargo deny fetch db", NO_ADVISORIES)),
    ]);
    steps
}

/// One command, as a maintainer would type it, and what is asked of it.
struct Step {
    command: String,
    check: Check,
}

enum Check {
    /// It succeeds.
    Succeeds,
    /// It succeeds, and prints no package of these names.
    Lacks(&'static [&'static str]),
    /// It succeeds; but where this command fails, it is skipped, and this is said instead.
    SucceedsAfter(&'static str, &'static str),
    /// It is a task of ours.
    Tidy,
}

impl Step {
    fn new(command: impl Into<String>, check: Check) -> Self {
        Self { command: command.into(), check }
    }

    fn run(&self, root: &Path) -> Result<()> {
        let outcome = match self.check {
            Check::Succeeds => succeeds(root, &self.command),
            Check::Lacks(unwanted) => lacks(root, &self.command, unwanted),
            Check::SucceedsAfter(first, skipped) => succeeds_after(root, first, skipped, &self.command),
            Check::Tidy => tidy::run(root),
        };
        outcome.map_err(|error| anyhow!("{error:#}\n\nto repeat the step that failed:\n\n    {}", self.command))
    }
}

fn succeeds(root: &Path, line: &str) -> Result<()> {
    let status = command(root, line)?.status().context("it cannot be started")?;
    ensure!(status.success(), "{status}");
    Ok(())
}

fn lacks(root: &Path, line: &str, unwanted: &[&str]) -> Result<()> {
    let mut tree = command(root, line)?;
    let output = tree.args(["--prefix", "none"]).stderr(Stdio::inherit()).output().context("it cannot be started")?;
    ensure!(output.status.success(), "{}", output.status);
    let tree = String::from_utf8_lossy(&output.stdout);
    let found = found_in(&tree, unwanted);
    ensure!(found.is_empty(), "these must not be in the tree: {found:?}");
    Ok(())
}

/// Those of the names that are packages of the tree, whose lines read `name v1.2.3 …`.
fn found_in<'a>(tree: &'a str, names: &[&str]) -> BTreeSet<&'a str> {
    let packages = tree.lines().filter_map(|line| line.split(' ').next());
    packages.filter(|package| names.contains(package)).collect()
}

/// What not every machine has or can reach is no failure, but never passed over in silence.
fn succeeds_after(root: &Path, first: &str, skipped: &str, line: &str) -> Result<()> {
    if let Err(error) = succeeds(root, first) {
        println!("\n!!! SKIPPED: {skipped} (`{first}`: {error:#})");
        println!("!!! Where that succeeds: {line}");
        return Ok(());
    }
    succeeds(root, line)
}

/// The command of a line: `NAME=value … program argument …`, where nothing holds a space.
fn command(root: &Path, line: &str) -> Result<Command> {
    let mut words = line.split_whitespace().peekable();
    let variables: Vec<_> = iter::from_fn(|| words.next_if(|word| word.contains('='))?.split_once('=')).collect();
    let mut command = Command::new(words.next().context("it names no program")?);
    command.args(words).envs(variables).current_dir(root).stdin(Stdio::null());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_says_how_to_repeat_it() {
        let error = Step::new("no-such-program --at-all", Check::Succeeds).run(Path::new(".")).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("it cannot be started: "), "{message}");
        assert!(message.ends_with("to repeat the step that failed:\n\n    no-such-program --at-all"), "{message}");
    }

    #[test]
    fn a_step_is_skipped_only_where_it_cannot_be_tried() {
        let step = |first| Step::new("no-such-program", Check::SucceedsAfter(first, "nothing was looked for"));
        assert!(step("no-such-program").run(Path::new(".")).is_ok());
        assert!(step("cargo --version").run(Path::new(".")).is_err());
    }

    #[test]
    fn variables_stand_before_the_program() {
        let command = command(Path::new("."), "A=1 B=-x=2 cargo doc --jobs=1").unwrap();
        let variables: Vec<_> = command.get_envs().collect();
        assert_eq!(variables, [("A".as_ref(), Some("1".as_ref())), ("B".as_ref(), Some("-x=2".as_ref()))]);
        assert_eq!(command.get_program(), "cargo");
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["doc", "--jobs=1"]);
    }

    #[test]
    fn a_package_is_found_by_its_whole_name() {
        let tree = "core v0.1.0 (/src/core)\ntokio-util v0.7.1\nhyper v1.7.0\nhyper v1.7.0 (*)\n";
        assert_eq!(found_in(tree, &["hyper", "reqwest", "tokio"]), BTreeSet::from(["hyper"]));
    }

    #[test]
    fn every_provider_is_built_and_looked_at_without_the_client() {
        let checkout = [("crates/providers/acme/Cargo.toml", ""), ("crates/providers/zeta/Cargo.toml", "")];
        let commands: Vec<_> = steps(&checkout.into_iter().collect()).into_iter().map(|step| step.command).collect();
        for expected in [
            "cargo tree -p credentials-grant-acme --no-default-features -e normal",
            "cargo tree -p credentials-grant-zeta --no-default-features -e normal",
            "cargo tree -p credentials-grant-vendor-file --no-default-features -e normal",
            "cargo clippy -p credentials-grant-client -p credentials-grant-acme -p credentials-grant-zeta \
             -p credentials-grant-vendor-file --no-default-features -- -D warnings",
        ] {
            assert!(commands.iter().any(|command| command == expected), "{expected}: {commands:#?}");
        }
    }

    #[test]
    fn what_is_published_is_packaged() {
        let checkout = [
            ("Cargo.toml", "workspace.members = ['crates/core', 'docs/examples', 'xtask']\n"),
            ("crates/core/Cargo.toml", "package.name = 'core'\n"),
            ("docs/examples/Cargo.toml", "package = { name = 'book', publish = false }\n"),
            ("xtask/Cargo.toml", "package = { name = 'xtask', publish = false }\n"),
        ];
        let mut commands = steps(&checkout.into_iter().collect()).into_iter().map(|step| step.command);
        let expected = "CARGO_PROFILE_DEV_DEBUG=line-tables-only cargo package --workspace --exclude book --exclude xtask --allow-dirty --offline";
        assert!(commands.any(|command| command == expected));
    }

    #[test]
    fn every_example_of_the_book_is_run() {
        let checkout = [("docs/examples/examples/tower.rs", ""), ("docs/examples/examples/fixtures/a.json", "")];
        let commands = steps(&checkout.into_iter().collect()).into_iter().map(|step| step.command);
        let run: Vec<_> = commands.filter(|command| command.contains("--example")).collect();
        assert_eq!(run, ["cargo run -p book-examples --example tower"]);
    }
}
