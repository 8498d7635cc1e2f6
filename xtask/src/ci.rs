//! Every check that a change must pass, the fastest ones first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, iter};

use anyhow::{Context, Result, anyhow, ensure};

use crate::checkout::Checkout;
use crate::tidy;

/// Runs the tests of the parsers of external input under Miri. Skips tests that take minutes there: those of long
/// responses, and those of errors from which secrets are redacted.
const MIRI: &str = "cargo +nightly miri test -p credentials-grant --lib --test it -- tests:: answers:: lifetimes:: \
    --skip a_token_that_no_header_can_carry --skip what_is_no_token --skip what_is_no_number";

/// A vendor file is a provider too, so its crate must be as lean as the provider crates.
const VENDOR_FILE: &str = "vendor-file";

const NO_MIRI: &str = "undefined behaviour was NOT checked, because Miri is not installed";

/// Installs the certified server. Its `.npmrc` disables install scripts.
const NPM_CI: &str = "npm ci --prefix crates/certified/server";

const NO_SERVER: &str = "credentials-grant-oauth2 was NOT tested against a certified server, because the server could \
    not be installed; it needs Node and npm";

const NO_ADVISORIES: &str =
    "known vulnerabilities were NOT checked, because the advisory database could not be fetched from GitHub";

/// Runs the checks, and stops at the first failure.
pub(crate) fn run(root: &Path) -> Result<()> {
    let started = Instant::now();
    for step in steps(&Checkout::read(root)?) {
        println!("\n==> {}", step.command);
        step.run(root)?;
    }
    println!("\nall checks passed in {} s", started.elapsed().as_secs());
    Ok(())
}

fn steps(checkout: &Checkout) -> Vec<Step> {
    let crates = checkout.providers().into_iter().chain([VENDOR_FILE]);
    let providers: Vec<_> = crates.map(|name| format!("-p credentials-grant-{name}")).collect();
    let lean_trees = providers.iter().map(|provider| {
        let command = format!("cargo tree {provider} --no-default-features -e normal");
        Step::new(command, Check::TreeWithout(&["reqwest", "tokio"]))
    });
    let lean_build = format!(
        "cargo clippy -p credentials-grant-client {} --no-default-features -- -D warnings",
        providers.join(" ")
    );
    // Nothing is uploaded. A package that needs a file from outside its folder fails to build.
    let unpublished: Vec<_> = checkout.unpublished().map(|package| format!("--exclude {package}")).collect();
    // `cargo package` ignores the workspace's profiles. The same debug level lets it reuse earlier builds.
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
        Step::new("cargo tree -p credentials-grant", Check::TreeWithout(&["hyper", "reqwest", "tokio"])),
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
        Step::new("cargo test -p certified -- --ignored", Check::SucceedsAfter(NPM_CI, NO_SERVER)),
        Step::new(MIRI, Check::SucceedsAfter("cargo +nightly miri --version", NO_MIRI)),
        Step::new("cargo deny check advisories", Check::SucceedsAfter("cargo deny fetch db", NO_ADVISORIES)),
    ]);
    // Cargo compiles no package again whose version it knows, so packages would be verified against each other's
    // sources of an earlier run. Last, because what the other steps have compiled is removed.
    let published: Vec<_> =
        checkout.published().map(|folder| format!("-p {}", checkout.package_name(&folder))).collect();
    let clean = format!("cargo clean --quiet {}", published.join(" "));
    steps.extend([Step::new(clean, Check::Succeeds), Step::new(packages, Check::Packages)]);
    steps
}

/// One command, as a maintainer would type it, and the check to make.
struct Step {
    command: String,
    check: Check,
}

enum Check {
    /// The command succeeds.
    Succeeds,
    /// The command succeeds if the first command here does. Otherwise it is skipped, and the message is printed.
    SucceedsAfter(&'static str, &'static str),
    /// The command succeeds without what cargo unpacked of our packages before.
    Packages,
    /// Runs `tidy` in this process instead of the command.
    Tidy,
    /// The command prints a dependency tree that contains none of these packages.
    TreeWithout(&'static [&'static str]),
}

impl Step {
    fn new(command: impl Into<String>, check: Check) -> Self {
        Self { command: command.into(), check }
    }

    fn run(&self, root: &Path) -> Result<()> {
        let outcome = match self.check {
            Check::Succeeds => succeeds(root, &self.command),
            Check::SucceedsAfter(first, skipped) => succeeds_after(root, first, skipped, &self.command),
            Check::Packages => forget_packages().and_then(|()| succeeds(root, &self.command)),
            Check::Tidy => tidy::run(root),
            Check::TreeWithout(unwanted) => tree_without(root, &self.command, unwanted),
        };
        outcome.map_err(|error| anyhow!("{error:#}\n\nto repeat the failed step:\n\n    {}", self.command))
    }
}

fn succeeds(root: &Path, line: &str) -> Result<()> {
    let status = command(root, line)?.status().context("cannot run the command")?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Removes what cargo unpacked of our packages in an earlier run: it has the same version, so it would not unpack
/// them again.
fn forget_packages() -> Result<()> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("there is no home folder")?;
    // A name that begins with `-` is that of a registry in a folder, as `cargo package` makes one.
    let unpacked = cargo_home.join("registry/src");
    let Ok(registries) = fs::read_dir(&unpacked) else { return Ok(()) };
    for registry in registries {
        let registry = registry?;
        if registry.file_name().to_string_lossy().starts_with('-') {
            fs::remove_dir_all(registry.path()).with_context(|| format!("{}", registry.path().display()))?;
        }
    }
    Ok(())
}

fn tree_without(root: &Path, line: &str, unwanted: &[&str]) -> Result<()> {
    let mut tree = command(root, line)?;
    let output = tree.args(["--prefix", "none"]).stderr(Stdio::inherit()).output().context("cannot run the command")?;
    ensure!(output.status.success(), "{}", output.status);
    let tree = String::from_utf8_lossy(&output.stdout);
    let found = found_in(&tree, unwanted);
    ensure!(found.is_empty(), "the tree must not contain {found:?}; remove the dependency, or make it optional");
    Ok(())
}

/// Returns the names that are packages of the tree. Its lines look like `name v1.2.3 …`.
fn found_in<'a>(tree: &'a str, names: &[&str]) -> BTreeSet<&'a str> {
    let packages = tree.lines().filter_map(|line| line.split(' ').next());
    packages.filter(|package| names.contains(package)).collect()
}

/// Skips a step that this machine cannot run, and reports that.
fn succeeds_after(root: &Path, first: &str, skipped: &str, line: &str) -> Result<()> {
    if let Err(error) = succeeds(root, first) {
        println!("\n!!! SKIPPED: {skipped} (`{first}`: {error:#})");
        println!("!!! Once `{first}` succeeds, run: {line}");
        return Ok(());
    }
    succeeds(root, line)
}

/// Parses a command line: `NAME=value … program argument …`, without quoting.
fn command(root: &Path, line: &str) -> Result<Command> {
    let mut words = line.split_whitespace().peekable();
    let variables: Vec<_> = iter::from_fn(|| words.next_if(|word| word.contains('='))?.split_once('=')).collect();
    let mut command = Command::new(words.next().context("the command line is empty")?);
    command.args(words).envs(variables).current_dir(root).stdin(Stdio::null());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_failed_step_contains_the_command_to_repeat_it() {
        let error = Step::new("no-such-program --at-all", Check::Succeeds).run(Path::new(".")).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("cannot run the command: "), "{message}");
        assert!(message.ends_with("to repeat the failed step:\n\n    no-such-program --at-all"), "{message}");
    }

    #[test]
    fn a_step_is_skipped_only_if_its_first_command_fails() {
        let step = |first| Step::new("no-such-program", Check::SucceedsAfter(first, "nothing was checked"));
        assert!(step("no-such-program").run(Path::new(".")).is_ok());
        assert!(step("cargo --version").run(Path::new(".")).is_err());
    }

    #[test]
    fn variables_come_before_the_program() {
        let command = command(Path::new("."), "A=1 B=-x=2 cargo doc --jobs=1").unwrap();
        let variables: Vec<_> = command.get_envs().collect();
        assert_eq!(variables, [("A".as_ref(), Some("1".as_ref())), ("B".as_ref(), Some("-x=2".as_ref()))]);
        assert_eq!(command.get_program(), "cargo");
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["doc", "--jobs=1"]);
    }

    #[test]
    fn a_package_is_found_by_its_full_name() {
        let tree = "core v0.1.0 (/src/core)\ntokio-util v0.7.1\nhyper v1.7.0\nhyper v1.7.0 (*)\n";
        assert_eq!(found_in(tree, &["hyper", "reqwest", "tokio"]), BTreeSet::from(["hyper"]));
    }

    #[test]
    fn every_provider_is_built_and_checked_without_the_client() {
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
    fn only_published_crates_are_packaged() {
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
    fn every_example_of_the_book_runs() {
        let checkout = [("docs/examples/examples/tower.rs", ""), ("docs/examples/examples/fixtures/a.json", "")];
        let commands = steps(&checkout.into_iter().collect()).into_iter().map(|step| step.command);
        let run: Vec<_> = commands.filter(|command| command.contains("--example")).collect();
        assert_eq!(run, ["cargo run -p book-examples --example tower"]);
    }
}
