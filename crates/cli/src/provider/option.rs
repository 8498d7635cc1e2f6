//! What a user can set for a provider, wherever the value comes from.

use credentials_grant::settings::Setting;

/// One value that a user can set: by a flag, and most also by an environment variable.
#[derive(Clone, Copy)]
pub(crate) struct ProviderOption {
    /// The name, in lower case with hyphens.
    pub(crate) name: &'static str,
    /// What it is, in a few lower-case words.
    pub(crate) help: &'static str,
    pub(crate) kind: ValueKind,
    pub(crate) group: OptionGroup,
    /// Whether it may also come from an environment variable.
    pub(crate) has_variable: bool,
    /// The value if none is set.
    pub(crate) default: Option<&'static str>,
    metavar: Option<&'static str>,
    /// The provider's setting, if it is one.
    setting: Option<&'static Setting>,
}

/// What a value looks like on the command line.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum ValueKind {
    /// A word.
    Text,
    /// Words: the flag may be repeated.
    List,
    /// Nothing: the flag alone.
    Switch,
    /// The path of a file that holds the value.
    File(FileContent),
    /// The path of a file, as the name of the option says.
    Path(FileContent),
}

/// What is in a file.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum FileContent {
    Certificates,
    /// A client id on one line.
    ClientId,
    /// Headers of an API request.
    Headers,
    /// The keys of a store.
    Keyring,
    PrivateKey,
    /// A secret on one line.
    Secret,
}

/// The heading under which help lists an option.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum OptionGroup {
    Credentials,
    /// The provider's own settings.
    Settings,
    Connection,
    Request,
}

impl ProviderOption {
    pub(crate) const fn new(name: &'static str, help: &'static str, kind: ValueKind, group: OptionGroup) -> Self {
        Self { name, help, kind, group, has_variable: true, default: None, metavar: None, setting: None }
    }

    pub(crate) const fn with_metavar(mut self, metavar: &'static str) -> Self {
        self.metavar = Some(metavar);
        self
    }

    pub(crate) const fn with_default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(crate) const fn without_variable(mut self) -> Self {
        self.has_variable = false;
        self
    }

    /// Returns `true` if the flag takes a file. No flag takes a secret itself, because every user of a machine can read
    /// its command lines.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.kind, ValueKind::File(_))
    }

    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.kind, ValueKind::File(FileContent::Secret | FileContent::PrivateKey))
    }

    /// Returns the values to choose from. Empty if any text will do.
    pub(crate) fn values(&self) -> Vec<&'static str> {
        self.setting.map(|setting| setting.values().collect()).unwrap_or_default()
    }

    /// Returns the name of the value in help: `PATH`, `URL`, or the last word of the option's name.
    pub(crate) fn metavar(&self) -> String {
        let last_word = self.name.rsplit('-').next().unwrap_or_default();
        match (self.metavar, self.kind) {
            (Some(metavar), _) => metavar.to_owned(),
            (None, ValueKind::File(_) | ValueKind::Path(_)) => "PATH".to_owned(),
            (None, _) if self.name == "auth" => "METHOD".to_owned(),
            (None, _) if self.name == "issuer" => "URL".to_owned(),
            (None, _) => last_word.to_ascii_uppercase(),
        }
    }

    /// Returns the option's name in a sentence.
    pub(crate) fn noun(&self) -> String {
        if self.name == "cert" { "certificate".to_owned() } else { self.name.replace('-', " ") }
    }

    /// Returns the flag: `--client-id`, `--client-secret-file`.
    pub(crate) fn flag(&self) -> String {
        format!("--{}{}", self.name, if self.is_file() { "-file" } else { "" })
    }

    /// Returns the id of the hidden flag that catches a file's content on the command line.
    pub(crate) fn exposed_id(&self) -> String {
        format!("{} itself", self.name)
    }
}

impl From<&'static Setting> for ProviderOption {
    fn from(setting: &'static Setting) -> Self {
        let (kind, group) = if setting.is_secret() {
            (ValueKind::File(FileContent::Secret), OptionGroup::Credentials)
        } else {
            (ValueKind::Text, OptionGroup::Settings)
        };
        Self { setting: Some(setting), ..Self::new(setting.name(), setting.help(), kind, group) }
    }
}

impl OptionGroup {
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Credentials => "Credentials",
            Self::Settings => "Settings",
            Self::Connection => "Connection",
            Self::Request => "Request",
        }
    }
}
