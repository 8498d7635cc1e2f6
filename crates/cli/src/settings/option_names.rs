//! Errors in the user's words: options by the flag or variable that they were set with.

use credentials_grant::Error;

use crate::error::CommandError;

/// What the user calls each option.
pub(crate) struct OptionNames {
    /// Each option's name in backticks, as libraries write it, and the flag or variable.
    names: Vec<(String, String)>,
    /// What the user calls the URL that requests go to.
    url: String,
    /// The flag for the URL of the endpoint that the command asks, if that is not the token endpoint.
    endpoint: Option<String>,
}

impl OptionNames {
    pub(super) fn new(names: Vec<(String, String)>) -> Self {
        Self { names, url: "the token URL".to_owned(), endpoint: None }
    }

    /// Sets what errors call the URL that could not be reached or does not answer as it should.
    pub(crate) fn set_url(&mut self, url: String) {
        self.url = url;
    }

    /// Sets the setting for the URL that a remedy may ask for.
    pub(crate) fn set_endpoint(&mut self, setting: &str) {
        self.endpoint = Some(format!("--{setting}"));
    }

    /// Converts an error of a library.
    pub(crate) fn explain(&self, error: Error) -> CommandError {
        self.explain_at(&self.url, error)
    }

    /// Converts an error of a library about a request to this URL, as the user calls it.
    pub(crate) fn explain_at(&self, url: &str, error: Error) -> CommandError {
        let named =
            |text: &str| self.names.iter().fold(text.to_owned(), |text, (name, written)| text.replace(name, written));
        CommandError::from(error).reworded(|text| in_flags(&self.with_url(url, &named(text))))
    }

    fn with_url(&self, url: &str, text: &str) -> String {
        let phrases = ["check the token URL", "check that the token URL", "check the host in the token URL"];
        let own = |phrase: &str| phrase.replace("the token URL", url);
        let text = phrases.into_iter().fold(text.to_owned(), |text, phrase| text.replace(phrase, &own(phrase)));
        match &self.endpoint {
            Some(flag) => text.replace("set its URL", &format!("set {flag}")),
            None => text,
        }
    }
}

/// Replaces the names of Rust methods with those of flags.
pub(crate) fn in_flags(text: &str) -> String {
    text.replace("(in Rust, `HttpTransport::with_root_certificates`)", "or set it with --ca-file")
        .replace("`TokenParameters::with_proof_key`", "--dpop-key-file")
        .replace("(`with_minimum_lifetime`)", "(--minimum-life)")
        .replace("`with_host(\"", "--host ")
        .replace("\")`", "")
}
