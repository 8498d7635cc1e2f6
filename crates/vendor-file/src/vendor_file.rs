//! A file that describes a vendor.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use credentials_grant::settings::{Setting, Settings};
use credentials_grant::{ClientAuthentication, ClientCredentials, CredentialsGrant, Error, ErrorKind, RequestContext};
use toml::Spanned;

use crate::format::Document;
use crate::given::Given;
use crate::names::{Declared, Names, is_name, words};
use crate::problem::{Problem, shown};
use crate::vendor::{Settled, Vendor};
use crate::{policy, request, response};

/// The largest file that is read.
const LARGEST: usize = 64 * 1024;

/// A vendor, described in TOML.
///
/// It is read whole and refused where anything is wrong, so that what can go wrong later are settings and servers alone.
/// A file decides which server gets the client secret: take it from where you would take code.
///
/// ```
/// use credentials_grant_vendor_file::{CredentialsGrant, Settings, VendorFile};
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
///     authentication = "body"
///     "#,
/// )?;
/// let provider = acme.provider(&Settings::new().with("shop", "north"))?;
/// assert_eq!(provider.name(), "acme");
/// # Ok::<(), credentials_grant_vendor_file::Error>(())
/// ```
#[derive(Clone)]
pub struct VendorFile(Arc<Plan>);

struct Plan {
    name: String,
    title: String,
    source: String,
    read: String,
    settings: Vec<Setting>,
    declared: Vec<Declared>,
    exclusive: Vec<Vec<String>>,
    request: request::Plan,
    response: response::Plan,
    policy: policy::Plan,
}

impl VendorFile {
    /// Reads a description.
    ///
    /// ```
    /// use credentials_grant_vendor_file::VendorFile;
    ///
    /// let error = VendorFile::parse("name = \"acme\"\ntitel = \"Acme Rockets\"\n").unwrap_err();
    /// assert!(error.to_string().starts_with("the vendor file, line 2, column 1: there is no `titel` here; use one of"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), with line, column and what to do: for what is no TOML, an unknown key,
    /// a setting that nothing uses, a variable that is no setting, a secret, a URL or a host that is none, a contradiction.
    /// It repeats names and no values.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::of_file("the vendor file", text)
    }

    /// Reads a file, of 64 KiB at the most.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let file = format!("the vendor file {}", path.as_ref().display().to_string().escape_debug());
        let text = text(path.as_ref()).map_err(|source| {
            Error::new(ErrorKind::Configuration, format!("{file} cannot be read ({source})"))
                .with_remedy("give the path of a TOML file")
        })?;
        Self::of_file(&file, &text)
    }

    /// The provider of this vendor, with these settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming the setting that there is not, that is missing, malformed or
    /// contradicts another. It repeats no value but those that stand in the URL.
    pub fn provider(&self, settings: &Settings) -> Result<Vendor, Error> {
        self.settle(settings).map_err(|error| error.with_provider(self.0.name.clone()))
    }

    /// The vendor's name in errors, commands and environment variables: `acme`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The vendor's name as people write it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The page that the file was written from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The day on which that was read: `2026-11-26`.
    #[must_use]
    pub fn read_on(&self) -> &str {
        &self.0.read
    }

    /// The settings that there are, in the order of the file, for the flags and the help of a command. Secret ones are part
    /// of the credentials. Every vendor has `token-url` besides; one without a usual place lists it.
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

    /// How clients may prove who they are, depending on the settings; none where parameters or headers hold the credentials
    /// by hand. [`Vendor::client_authentication`] says which it is.
    pub fn client_authentications(&self) -> impl Iterator<Item = ClientAuthentication> {
        self.0.request.ways.iter().copied().flatten()
    }

    fn of_file(file: &str, text: &str) -> Result<Self, Error> {
        if text.len() > LARGEST {
            return Err(Error::new(ErrorKind::Configuration, format!("{file} is larger than 64 KiB"))
                .with_remedy("describe one vendor in it, and no more"));
        }
        Plan::read(text).map(|plan| Self(Arc::new(plan))).map_err(|problem| problem.into_error(file, text))
    }

    fn settle(&self, settings: &Settings) -> Result<Vendor, Error> {
        let plan = &*self.0;
        settings.check(&plan.settings)?;
        for group in &plan.exclusive {
            settings.at_most_one_of(&group.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        let given = Given::new(&plan.declared, settings);
        let endpoint = match settings.token_url()? {
            Some(endpoint) => endpoint,
            None => plan.request.endpoint(&given)?,
        };
        let settled = Settled {
            name: plan.name.clone(),
            method: plan.request.method,
            encoding: plan.request.encoding,
            parts: plan.request.parts(&given)?,
            reader: plan.response.reader(&given)?,
            policy: plan.policy.policy(&given, &endpoint)?,
            required_secrets: plan.policy.required_secrets(&given),
            endpoint,
        };
        given.check_all_used()?;
        let vendor = Vendor::new(settled);
        // A setting may hold what no header can carry.
        let parameters = plan.request.least_ask();
        vendor.token_request(&RequestContext::dry_run(&ClientCredentials::placeholder(), &parameters))?.dry_run()?;
        Ok(vendor)
    }
}

impl Plan {
    fn read(text: &str) -> Result<Self, Problem> {
        let document: Document = toml::from_str(text).map_err(|error| Problem::of_toml(&error))?;
        if !is_name(document.name.get_ref()) {
            let remedy = "take lower-case letters, digits and single hyphens, 40 at the most: acme-hotels";
            return Err(Problem::new(&document.name.span(), "this cannot name a vendor", remedy));
        }
        if document.read.get_ref().date.is_none() || document.read.get_ref().time.is_some() {
            let remedy = "write the day on which you read the source: read = 2026-11-26";
            return Err(Problem::new(&document.read.span(), "this is no day", remedy));
        }
        let names = Names::read(document.settings)?;
        let exclusive = document.exclusive.into_iter().map(|group| read_exclusive(group, &names));
        let exclusive = exclusive.collect::<Result<_, _>>()?;
        let plan = Self {
            name: document.name.into_inner(),
            title: words(document.title, "title")?,
            source: words(document.source, "source")?,
            read: document.read.get_ref().to_string(),
            settings: Vec::new(),
            declared: Vec::new(),
            exclusive,
            request: request::Plan::read(document.request, &names)?,
            response: response::Plan::read(document.response, &names)?,
            policy: policy::Plan::read(document.policy, &names)?,
        };
        let declared = names.into_settings()?;
        Ok(Self { settings: declared.iter().map(setting).collect(), declared, ..plan })
    }
}

/// Settings of which one may be set.
fn read_exclusive(group: Spanned<Vec<String>>, names: &Names) -> Result<Vec<String>, Problem> {
    let at = group.span();
    let group = group.into_inner();
    if let Some(unknown) = group.iter().find(|name| !names.declares(name)) {
        let message = format!("`{}` is no setting that could be set beside another", shown(unknown));
        return Err(Problem::new(&at, message, format!("use {}", names.list())));
    }
    if group.len() < 2 {
        return Err(Problem::new(&at, "one setting excludes no other", "name two or more"));
    }
    Ok(group)
}

/// A setting as commands see it. What it is unless set stands in its help, as it does with other providers.
fn setting(declared: &Declared) -> Setting {
    let Declared { name, help, values, default, optional, secret, .. } = declared;
    let help = match default {
        Some(default) => format!("{help}: {default} unless set"),
        None if *optional => format!("{help}; optional"),
        None => help.clone(),
    };
    let setting = Setting::dynamic(name, help).with_values(values);
    if *secret { setting.into_secret() } else { setting }
}

/// The text of a file, and of one that is too large no more than tells that it is.
fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LARGEST {
        // Cut off within a character, it would be no text.
        return Ok(" ".repeat(bytes.len()));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

impl fmt::Debug for VendorFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { name, title, source, read, .. } = &*self.0;
        f.debug_struct("VendorFile")
            .field("name", name)
            .field("title", title)
            .field("source", source)
            .field("read", read)
            .finish_non_exhaustive()
    }
}
