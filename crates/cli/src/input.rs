//! What a user can say of a provider.

use credentials_grant::settings::Setting;

/// One thing that a user can say, by a flag or by an environment variable.
#[derive(Clone, Copy)]
pub(crate) struct Input {
    /// The name, in lower case with hyphens.
    pub(crate) name: &'static str,
    /// What it is, in a few words, lower-case.
    pub(crate) help: &'static str,
    /// The provider's setting, if it is one.
    setting: Option<&'static Setting>,
    pub(crate) form: Form,
    pub(crate) topic: Topic,
}

/// In which form it comes.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Form {
    /// As a word on the command line.
    Word,
    /// In a file: a secret on one line.
    Secret,
    /// In a file: a private key.
    Key,
    /// In a file: certificates.
    Certificates,
    /// In a file: headers of a request.
    Headers,
}

/// What it is about: who asks, what the provider is like, the way there, or what for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Topic {
    Credentials,
    Settings,
    Connection,
    Request,
}

pub(crate) const CLIENT_ID: Input = Input::new("client-id", "the client id", Form::Word, Topic::Credentials);
pub(crate) const CLIENT_SECRET: Input =
    Input::new("client-secret", "the client secret", Form::Secret, Topic::Credentials);

pub(crate) const KEY: Input = Input::new(
    "key",
    "the private key that signs assertions, as PEM or a JSON Web Key, or that of the certificate, as PEM",
    Form::Key,
    Topic::Credentials,
);
pub(crate) const CERTIFICATE: Input = Input::new(
    "cert",
    "a certificate, as PEM: to name the key by (x5t#S256), or to show in TLS, with --auth mtls or beside a secret",
    Form::Certificates,
    Topic::Credentials,
);
pub(crate) const KEY_ID: Input =
    Input::new("kid", "the id by which the server knows the key", Form::Word, Topic::Credentials);
pub(crate) const ALGORITHM: Input = Input::new(
    "alg",
    "how the key signs, such as PS256; unless set, as its JSON Web Key says, or else RS256 or that of its curve",
    Form::Word,
    Topic::Credentials,
);
pub(crate) const ASSERTION: Input = Input::new(
    "assertion",
    "the JWT that a platform gives its workloads, instead of a secret or key",
    Form::Secret,
    Topic::Credentials,
);

pub(crate) const PROOF_KEY: Input = Input::new(
    "dpop-key",
    "bind the token to this private key (DPoP), as PEM or a JSON Web Key",
    Form::Key,
    Topic::Request,
);

pub(crate) const ACCESS_TOKEN: Input =
    Input::new("access-token", "the token in question", Form::Secret, Topic::Request);

pub(crate) const TOKEN_URL: Input = Input::new(
    "token-url",
    "the token URL, if not the vendor's own; plain HTTP for loopback only",
    Form::Word,
    Topic::Settings,
);

pub(crate) const AUTHORITIES: Input = Input::new(
    "ca",
    "whom to trust instead of the machine's authorities: their certificates, as PEM",
    Form::Certificates,
    Topic::Connection,
);

/// What every provider needs to know.
pub(crate) const COMMON: [Input; 4] = [CLIENT_ID, CLIENT_SECRET, TOKEN_URL, AUTHORITIES];

/// What those also take who let clients prove who they are by a key.
pub(crate) const KEYS: [Input; 5] = [KEY, CERTIFICATE, KEY_ID, ALGORITHM, ASSERTION];

impl Input {
    const fn new(name: &'static str, help: &'static str, form: Form, topic: Topic) -> Self {
        Self { name, help, setting: None, form, topic }
    }

    /// Whether it comes in a file. No flag takes a secret itself: command lines are seen by everyone on the machine.
    pub(crate) fn is_file(&self) -> bool {
        self.form != Form::Word
    }

    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.form, Form::Secret | Form::Key)
    }

    /// The values there are, if they can be listed.
    pub(crate) fn values(&self) -> Vec<&'static str> {
        self.setting.map(|setting| setting.values().collect()).unwrap_or_default()
    }

    /// What a sentence calls it.
    pub(crate) fn what(&self) -> String {
        if self.name == CERTIFICATE.name { "certificate".to_owned() } else { self.name.replace('-', " ") }
    }

    /// The flag: `--client-id`, `--client-secret-file`.
    pub(crate) fn flag(&self) -> String {
        format!("--{}{}", self.name, if self.is_file() { "-file" } else { "" })
    }

    /// The name under which clap keeps the content of a file that was given on the command line.
    pub(crate) fn on_command_line(&self) -> String {
        format!("{} itself", self.name)
    }
}

impl From<&'static Setting> for Input {
    fn from(setting: &'static Setting) -> Self {
        let (form, topic) =
            if setting.is_secret() { (Form::Secret, Topic::Credentials) } else { (Form::Word, Topic::Settings) };
        Self { setting: Some(setting), ..Self::new(setting.name(), setting.help(), form, topic) }
    }
}

impl Topic {
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Credentials => "Credentials",
            Self::Settings => "Settings",
            Self::Connection => "Connection",
            Self::Request => "Request",
        }
    }
}
