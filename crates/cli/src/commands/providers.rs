//! `cgrant providers`: lists the providers and the settings that each takes.

use std::fmt::Write as _;

use anstyle::Style;
use comfy_table::{ColumnConstraint, Table, Width};
use credentials_grant::Policy;
use credentials_grant::settings::Settings;
use serde::Serialize;

use crate::command_kind::CommandKind;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{self, OutputFormat};
use crate::provider::Provider;
use crate::provider::option::ProviderOption;
use crate::provider::options::{COMMON, TOKEN_URL};
use crate::registry::PROVIDERS;

pub(super) fn run(format: OutputFormat) -> Result<Exit, CommandError> {
    let list = List { providers: PROVIDERS.iter().map(Entry::new).collect() };
    match format {
        OutputFormat::Json => output::print_json(&list)?,
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
    /// The hosts of its API, if they do not depend on the settings.
    hosts: Vec<String>,
    limits: Vec<Limit>,
    blocks_addresses: bool,
}

#[derive(Serialize)]
struct SettingEntry {
    name: &'static str,
    flag: String,
    variable: String,
    /// The variable for the path of a file, if the flag takes a file.
    path_variable: Option<String>,
    help: &'static str,
    values: Vec<&'static str>,
    secret: bool,
    /// Whether every provider has this setting.
    common: bool,
}

#[derive(Serialize)]
struct Limit {
    requests: u32,
    seconds: u64,
}

impl Entry {
    fn new(provider: &'static Provider) -> Self {
        let options = CommandKind::FetchesToken.options(provider).into_iter().filter(|option| option.has_variable);
        let settings = options.map(|option| SettingEntry {
            name: option.name,
            flag: option.flag(),
            variable: provider.variable(option.name),
            path_variable: option.is_file().then(|| provider.path_variable(option.name)),
            help: option.help,
            values: option.values(),
            secret: option.is_secret(),
            common: !provider.is_own(option.name) && COMMON.iter().any(|common| common.name == option.name),
        });
        let default = provider.build(&Settings::new()).map(|grant| grant.policy());
        let hosts = default.as_ref().map(|policy| policy.hosts().iter().map(ToString::to_string).collect());
        let policy = default.as_ref().ok().cloned().unwrap_or_else(|| policy_anywhere(provider));
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

/// Returns what holds at any token URL, for a provider that has no default one.
fn policy_anywhere(provider: &Provider) -> Policy {
    let settings = Settings::new().with(TOKEN_URL.name, "https://example.invalid/token");
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
        let flags: Vec<_> = COMMON.iter().map(ProviderOption::flag).collect();
        let _ = writeln!(text, "Every provider also takes {}.", flags.join(", "));
        let _ = writeln!(text, "Details: cgrant token PROVIDER --help");
        text
    }

    /// Returns the provider's own settings, aligned with those of the other providers.
    fn table(&self, entry: &Entry) -> Table {
        let mut table = output::table();
        for setting in entry.own() {
            let values = match &setting.values[..] {
                [] => String::new(),
                values => format!(" ({})", values.join(", ")),
            };
            table.add_row([&setting.flag, setting.counterpart(), &format!("{}{values}", setting.help)]);
        }
        let own = || self.providers.iter().flat_map(Entry::own);
        let widths =
            [own().map(|setting| setting.flag.len()).max(), own().map(|setting| setting.counterpart().len()).max()];
        for (column, width) in table.column_iter_mut().zip(widths) {
            // One space on either side.
            let width = u16::try_from(width.unwrap_or_default() + 2).unwrap_or_default();
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        table
    }
}

impl SettingEntry {
    /// Returns the variable that takes what the flag takes: the path, if the flag takes a file.
    fn counterpart(&self) -> &String {
        self.path_variable.as_ref().unwrap_or(&self.variable)
    }
}

impl Entry {
    fn own(&self) -> impl Iterator<Item = &SettingEntry> {
        self.settings.iter().filter(|setting| !setting.common)
    }

    /// Returns what is known about the vendor, one line each.
    fn facts(&self) -> Vec<String> {
        let mut facts: Vec<_> = self.hosts.iter().map(|host| format!("API at {host}")).collect();
        facts.extend(self.limits.iter().map(|Limit { requests, seconds }| match seconds {
            1 => format!("at most {requests} token requests per second"),
            _ => format!("at most {requests} token requests per {seconds} seconds"),
        }));
        if self.blocks_addresses {
            facts.push("blocks IP addresses that keep sending wrong secrets".to_owned());
        }
        if self.own().next().is_none() {
            facts.push("no settings of its own".to_owned());
        }
        facts
    }
}
