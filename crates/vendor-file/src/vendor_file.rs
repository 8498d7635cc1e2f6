//! A vendor described in a TOML file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use credentials_grant::settings::{Setting, Settings};
use credentials_grant::{ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, RequestContext};
use toml::Spanned;

use crate::declared_settings::{DeclaredSetting, DeclaredSettings, is_name, one_line};
use crate::file_provider::{FileProvider, ResolvedFile};
use crate::format::Document;
use crate::policy::PolicyDescription;
use crate::problem::{Problem, printable};
use crate::request::RequestDescription;
use crate::reserved_names::reserved_prefix;
use crate::response::ResponseDescription;
use crate::setting_values::SettingValues;

/// The largest file that is read, in bytes.
const MAX_SIZE: usize = 64 * 1024;

/// A vendor described in TOML.
///
/// The whole file is checked when it is parsed, so that later only settings and servers can cause errors.
/// The file decides which server gets the client secret: trust it as you trust code.
///
/// ```
/// use credentials_grant_vendor_file::settings::Settings;
/// use credentials_grant_vendor_file::{CredentialsGrant, VendorFile};
///
/// let acme = VendorFile::parse(
///     r#"
///     name = "acme"
///     title = "Acme Rockets"
///     source = "https://docs.acme.example/authentication"
///     read = 2026-11-26
///
///     [settings.shop]
///     help = "the name of your shop, as in north.acme.example"
///
///     [request]
///     url = "https://{shop}.acme.example/oauth/token"
///     authentication = "client_secret_post"
///     "#,
/// )?;
/// let provider = acme.provider(&Settings::new().with("shop", "north"))?;
/// assert_eq!(provider.name(), "acme");
/// # Ok::<(), credentials_grant_vendor_file::Error>(())
/// ```
#[derive(Clone)]
pub struct VendorFile(Arc<FileContent>);

/// The content of a file after all checks.
struct FileContent {
    name: String,
    title: String,
    source: String,
    read: String,
    settings: Vec<Setting>,
    declared: Vec<DeclaredSetting>,
    exclusive: Vec<Vec<String>>,
    request: RequestDescription,
    response: ResponseDescription,
    policy: PolicyDescription,
}

impl VendorFile {
    /// Parses the text of a vendor file.
    ///
    /// ```
    /// use credentials_grant_vendor_file::VendorFile;
    ///
    /// let error = VendorFile::parse("name = \"acme\"\ntitel = \"Acme Rockets\"\n").unwrap_err();
    /// assert!(error.to_string().starts_with("the vendor file, line 2, column 1: unknown key `titel`; use one of"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), with line, column and a remedy, if the text is not TOML, has an
    /// unknown key, a setting that is not used, a variable that is not a setting, a secret, an invalid URL or host, or
    /// contradicts itself; or if its variables would be those of a well-known program. The error repeats names but no
    /// values.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_named("the vendor file", text)
    }

    /// Reads a vendor file of at most 64 KiB.
    ///
    /// ```no_run
    /// use credentials_grant_vendor_file::VendorFile;
    ///
    /// let guesty = VendorFile::read("docs/vendors/guesty.toml")?;
    /// # Ok::<(), credentials_grant_vendor_file::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = format!("the vendor file {}", path.as_ref().display().to_string().escape_debug());
        let text = read_text(path.as_ref()).map_err(|source| {
            Error::new(ErrorKind::Configuration, format!("{file} cannot be read ({source})"))
                .with_remedy("give the path of a TOML file")
        })?;
        Self::parse_named(&file, &text)
    }

    /// Builds the provider with these settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming the setting that is unknown, missing, malformed or
    /// contradicts another. The error repeats no value unless it is part of the URL.
    pub fn provider(&self, settings: &Settings) -> Result<FileProvider, Error> {
        self.0.provider(settings).map_err(|error| error.with_provider(self.0.name.clone()))
    }

    /// Returns the provider's name in errors, commands and environment variables: `acme`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the vendor's name as people write it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// Returns the page that the file was written from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Returns the day on which the author read that page: `2026-11-26`.
    #[must_use]
    pub fn read_on(&self) -> &str {
        &self.0.read
    }

    /// Returns the settings in the order of the file, for the flags and the help of a command.
    ///
    /// Secret settings are part of the credentials. Every provider also has `token-url`, which is listed only if the
    /// file declares it.
    ///
    /// ```
    /// # let acme = credentials_grant_vendor_file::VendorFile::parse(include_str!("../acme.toml"))?;
    /// for setting in acme.settings() {
    ///     println!("--{}: {}", setting.name(), setting.help());
    /// }
    /// # let names: Vec<_> = acme.settings().iter().map(|setting| setting.name()).collect();
    /// # assert_eq!(names, ["shop", "environment", "gateway-key"]);
    /// # Ok::<(), credentials_grant_vendor_file::Error>(())
    /// ```
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.0.settings
    }

    /// Returns the client authentication methods that the settings can select. Empty for a file with
    /// `authentication = "custom"`.
    ///
    /// [`FileProvider::client_authentication`] returns the one that was selected.
    ///
    /// ```
    /// use credentials_grant_vendor_file::{ClientAuthentication, VendorFile};
    ///
    /// let acme = VendorFile::parse(include_str!("../acme.toml"))?;
    /// assert!(acme.client_authentications().eq([ClientAuthentication::ClientSecretPost]));
    /// # Ok::<(), credentials_grant_vendor_file::Error>(())
    /// ```
    pub fn client_authentications(&self) -> impl Iterator<Item = ClientAuthentication> {
        self.0.request.methods.iter().copied().flatten()
    }

    fn parse_named(file: &str, text: &str) -> Result<Self, Error> {
        if text.len() > MAX_SIZE {
            return Err(Error::new(ErrorKind::Configuration, format!("{file} is larger than 64 KiB"))
                .with_remedy("describe one vendor per file"));
        }
        FileContent::parse(text)
            .map(|content| Self(Arc::new(content)))
            .map_err(|problem| problem.into_error(file, text))
    }
}

impl FileContent {
    fn parse(text: &str) -> Result<Self, Problem> {
        let document: Document = toml::from_str(text).map_err(|error| Problem::from_toml(&error))?;
        if !is_name(document.name.get_ref()) {
            let remedy = "use at most 40 lower-case letters, digits and single hyphens: acme-hotels";
            return Err(Problem::new(&document.name.span(), "this is not a valid name", remedy));
        }
        if let Some(prefix) = reserved_prefix(document.name.get_ref()) {
            let name = document.name.get_ref();
            let message =
                format!("the name `{name}` is reserved: its variables would be another program's ({prefix}_…)");
            return Err(Problem::new(
                &document.name.span(),
                message,
                format!("choose another name, such as my-{name}"),
            ));
        }
        if document.read.get_ref().date.is_none() || document.read.get_ref().time.is_some() {
            let remedy = "write the day on which you read the source: read = 2026-11-26";
            return Err(Problem::new(&document.read.span(), "this is not a date", remedy));
        }
        let settings = DeclaredSettings::read(document.settings, document.request.authentication.get_ref())?;
        let exclusive = document.exclusive.into_iter().map(|group| read_exclusive(group, &settings));
        let exclusive = exclusive.collect::<Result<_, _>>()?;
        let content = Self {
            name: document.name.into_inner(),
            title: one_line(document.title, "title")?,
            source: one_line(document.source, "source")?,
            read: document.read.get_ref().to_string(),
            settings: Vec::new(),
            declared: Vec::new(),
            exclusive,
            request: RequestDescription::read(document.request, &settings)?,
            response: ResponseDescription::read(document.response, &settings)?,
            policy: PolicyDescription::read(document.policy, &settings)?,
        };
        let declared = settings.into_used()?;
        Ok(Self { settings: declared.iter().map(DeclaredSetting::to_setting).collect(), declared, ..content })
    }

    fn provider(&self, settings: &Settings) -> Result<FileProvider, Error> {
        settings.check(&self.settings)?;
        for group in &self.exclusive {
            settings.at_most_one_of(&group.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        let values = SettingValues::new(&self.declared, settings);
        let endpoint = match settings.token_url()? {
            Some(endpoint) => endpoint,
            None => self.request.endpoint(&values)?,
        };
        let resolved = ResolvedFile {
            name: self.name.clone(),
            method: self.request.method,
            encoding: self.request.encoding,
            parts: self.request.resolve(&values)?,
            reader: self.response.resolve(&values)?,
            policy: self.policy.resolve(&values, &endpoint)?,
            required_secrets: self.policy.required_secrets(&values),
            endpoint,
        };
        values.check_all_read()?;
        let provider = FileProvider::new(resolved);
        // A setting may have characters that no header can carry, so a request is tried out.
        let parameters = self.request.required_parameters();
        provider.token_request(&RequestContext::dry_run(&ClientCredentials::placeholder(), &parameters))?.dry_run()?;
        Ok(provider)
    }
}

/// Reads a group of settings of which at most one may be set.
fn read_exclusive(group: Spanned<Vec<String>>, settings: &DeclaredSettings) -> Result<Vec<String>, Problem> {
    let at = group.span();
    let group = group.into_inner();
    if let Some(unknown) = group.iter().find(|name| !settings.is_settable(name)) {
        let message = format!("`{}` is not a setting that can exclude another", printable(unknown));
        return Err(Problem::new(&at, message, format!("use {}", settings.list())));
    }
    if group.len() < 2 {
        return Err(Problem::new(&at, "a group needs at least two settings", "name two or more"));
    }
    Ok(group)
}

/// Reads at most one byte more than [`MAX_SIZE`], which is enough to tell that a file is too large.
fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SIZE {
        // Cut off inside a character, the text would be reported as invalid UTF-8.
        return Ok(" ".repeat(bytes.len()));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

impl fmt::Debug for VendorFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileContent { name, title, source, read, .. } = &*self.0;
        f.debug_struct("VendorFile")
            .field("name", name)
            .field("title", title)
            .field("source", source)
            .field("read", read)
            .finish_non_exhaustive()
    }
}
