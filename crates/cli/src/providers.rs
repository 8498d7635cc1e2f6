//! `cgrant providers`: what there is, and the settings that each takes.

use std::fmt::Write as _;

use anstyle::Style;
use clap::{ArgMatches, Command};
use comfy_table::{ColumnConstraint, Table, Width};
use credentials_grant::Policy;
use credentials_grant::settings::Settings;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::input::{COMMON, Input, TOKEN_URL};
use crate::output;
use crate::provider::Provider;
use crate::registry::PROVIDERS;
use crate::source::Purpose;

pub(crate) fn command() -> Command {
    Command::new("providers").about("List the providers and their settings").arg(output::arg(&["text", "json"]))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let list = List { providers: PROVIDERS.iter().map(Entry::new).collect() };
    match output::form(matches) {
        "json" => output::print_json(&list)?,
        _ => output::print(&list.text())?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct List {
    providers: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    title: &'static str,
    settings: Vec<SettingEntry>,
    /// Hosts whose API takes the token, where they do not depend on the settings.
    hosts: Vec<String>,
    limits: Vec<Limit>,
    blocks_addresses: bool,
}

#[derive(Serialize)]
struct SettingEntry {
    name: &'static str,
    flag: String,
    variable: String,
    /// The variable for the path of a file, if it is something that comes in files.
    path_variable: Option<String>,
    help: &'static str,
    values: Vec<&'static str>,
    secret: bool,
    /// Whether every provider has it.
    common: bool,
}

#[derive(Serialize)]
struct Limit {
    requests: u32,
    seconds: u64,
}

impl Entry {
    fn new(provider: &'static Provider) -> Self {
        let settings = Purpose::Token.inputs(provider).into_iter().map(|input| SettingEntry {
            name: input.name,
            flag: input.flag(),
            variable: provider.variable(input.name),
            path_variable: input.is_file().then(|| provider.path_variable(input.name)),
            help: input.help,
            values: input.values(),
            secret: input.is_secret(),
            common: !provider.is_own(input.name) && COMMON.iter().any(|common| common.name == input.name),
        });
        let usual = provider.build(&Settings::new()).map(|grant| grant.policy());
        let hosts = usual.as_ref().map(|policy| policy.hosts().iter().map(ToString::to_string).collect());
        let policy = usual.as_ref().ok().cloned().unwrap_or_else(|| elsewhere(provider));
        let limit = |limit: &credentials_grant::IssuanceLimit| Limit {
            requests: limit.requests(),
            seconds: limit.period().as_secs(),
        };
        Self {
            name: provider.name,
            title: provider.title,
            settings: settings.collect(),
            hosts: hosts.unwrap_or_default(),
            limits: policy.limits().iter().map(limit).collect(),
            blocks_addresses: policy.blocks_addresses(),
        }
    }
}

/// What holds wherever the token endpoint is, for a provider that has no usual place.
fn elsewhere(provider: &Provider) -> Policy {
    let settings = Settings::new().with(TOKEN_URL.name, "https://elsewhere.invalid/token");
    provider.build(&settings).map(|grant| grant.policy()).unwrap_or_default()
}

impl List {
    fn text(&self) -> String {
        let bold = Style::new().bold();
        let mut text = String::new();
        for entry in &self.providers {
            let _ = writeln!(text, "{bold}{}{bold:#}  {}", entry.name, entry.title);
            for fact in entry.facts() {
                let _ = writeln!(text, "  {fact}");
            }
            for line in self.table(entry).lines() {
                let _ = writeln!(text, " {}", line.trim_end());
            }
            text.push('\n');
        }
        let flags: Vec<_> = COMMON.iter().map(Input::flag).collect();
        let _ = writeln!(text, "Each also takes {}.", flags.join(", "));
        let _ = writeln!(text, "More on one: cgrant token PROVIDER --help");
        text
    }

    /// The settings that are this provider's own, aligned with those of the others.
    fn table(&self, entry: &Entry) -> Table {
        let mut table = output::table();
        for setting in entry.own() {
            let values = match &setting.values[..] {
                [] => String::new(),
                values => format!(" ({})", values.join(", ")),
            };
            table.add_row([&setting.flag, &setting.variable, &format!("{}{values}", setting.help)]);
        }
        let own = || self.providers.iter().flat_map(Entry::own);
        let widths = [own().map(|setting| setting.flag.len()).max(), own().map(|setting| setting.variable.len()).max()];
        for (column, width) in table.column_iter_mut().zip(widths) {
            // With the space on either side.
            let width = u16::try_from(width.unwrap_or_default() + 2).unwrap_or_default();
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        table
    }
}

impl Entry {
    fn own(&self) -> impl Iterator<Item = &SettingEntry> {
        self.settings.iter().filter(|setting| !setting.common)
    }

    /// What is known of the vendor, a line each.
    fn facts(&self) -> Vec<String> {
        let mut facts: Vec<_> = self.hosts.iter().map(|host| format!("API at {host}")).collect();
        facts.extend(self.limits.iter().map(|Limit { requests, seconds }| match seconds {
            1 => format!("at most {requests} token requests a second"),
            _ => format!("at most {requests} token requests in {seconds} seconds"),
        }));
        if self.blocks_addresses {
            facts.push("blocks addresses that keep sending wrong secrets".to_owned());
        }
        if self.own().next().is_none() {
            facts.push("nothing of its own to set".to_owned());
        }
        facts
    }
}
