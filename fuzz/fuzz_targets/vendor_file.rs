//! Parses arbitrary vendor files, builds providers from them with arbitrary settings, builds requests and reads
//! arbitrary responses. The input is the file, a line of `===`, settings as `name=value`, a line of `===`, a status,
//! headers, an empty line, and the body.

#![no_main]

use credentials_grant_fuzz::response;
use credentials_grant_test_kit::TestServer;
use credentials_grant_vendor_file::settings::Settings;
use credentials_grant_vendor_file::{
    ClientCredentials, CredentialsGrant, Error, ErrorKind, FileProvider, HttpRequest, RequestContext, RequestSeed,
    TokenParameters, Url, VendorFile, fetch_token,
};
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;

/// The value of every secret, which no error and no `Debug` may show.
const CANARY: &str = "cAnArY";

fuzz_target!(|input: &str| {
    let mut parts = input.split("\n===\n");
    let (text, lines) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let response_text = parts.next().unwrap_or("200\n\n{\"access_token\":\"abc\"}");
    // Names are shown, so the input must not contain the canary itself.
    if text.contains(CANARY) || lines.contains(CANARY) {
        return;
    }
    let settings = settings(lines);
    let file = match VendorFile::parse(text) {
        Ok(file) => file,
        Err(error) => {
            check_error(&error);
            assert!(error.message().starts_with("the vendor file"), "{error}");
            return;
        }
    };
    assert!(file.settings().iter().all(|setting| !setting.name().contains(char::is_control)));
    // Also with every declared setting filled in, so that files with settings get further.
    for settings in [settings.clone(), filled_in(&file, settings)] {
        match file.provider(&settings) {
            Ok(provider) => check(&file, &provider, response_text),
            Err(error) => check_error(&error),
        }
    }
});

fn settings(lines: &str) -> Settings {
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    pairs.fold(Settings::new(), |settings, (name, value)| settings.with(name, value))
}

fn filled_in(file: &VendorFile, settings: Settings) -> Settings {
    let missing = file
        .settings()
        .iter()
        .filter(|setting| !setting.is_secret())
        .filter(|setting| settings.find(setting.name()).is_none());
    let values: Vec<_> =
        missing.map(|setting| (setting.name().to_owned(), setting.values().next().unwrap_or("a").to_owned())).collect();
    values.into_iter().fold(settings, |settings, (name, value)| settings.with(name, value))
}

fn check(file: &VendorFile, provider: &FileProvider, response_text: &str) {
    let secrets = file.settings().iter().filter(|setting| setting.is_secret());
    let credentials = secrets.fold(ClientCredentials::new("id", CANARY), |credentials, secret| {
        credentials.with_secret(secret.name().to_owned(), CANARY)
    });
    assert!(!format!("{provider:?} {provider:#?}").contains(CANARY));
    for host in provider.policy().hosts() {
        assert!(!host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "*._-:[]".contains(c)), "{host}");
    }
    for parameters in [
        TokenParameters::new(),
        TokenParameters::new().with_scopes(["a", "b"]),
        TokenParameters::new().with_scope("a").with_audience("a").with_resource("a"),
    ] {
        let context = RequestContext::dry_run(&credentials, &parameters);
        match provider.token_request(&context).and_then(|request| request.dry_run()) {
            Ok(request) => check_request(&request),
            Err(error) => check_error(&error),
        }
        let Some(response) = response(response_text.as_bytes()) else { continue };
        let server = TestServer::in_turn([response]);
        match block_on(fetch_token(provider, &credentials, &parameters, &server, RequestSeed::fixed())) {
            Ok(token) => {
                assert!(token.header_pairs().all(|(_, value)| value.is_sensitive()));
                assert!(!format!("{token:?}").contains(CANARY), "{token:?}");
            }
            Err(error) => check_error(&error),
        }
    }
}

fn check_request(request: &HttpRequest) {
    let url: &Url = request.url();
    let is_loopback = matches!(url.host_str(), Some("localhost" | "[::1]"))
        || url.host_str().is_some_and(|host| host.starts_with("127."));
    assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback), "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    assert!(!url.path().contains(CANARY) && !request.shown_url().contains(CANARY), "{url}");
    assert!(!format!("{request:?}").contains(CANARY), "{request:?}");
}

fn check_error(error: &Error) {
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control) && shown.len() < 20_000, "{shown:?}");
    assert!(!shown.contains(CANARY) && !format!("{error:?}").contains(CANARY), "{error:?}");
    assert!(error.remedy().is_some() || error.kind() != ErrorKind::Configuration, "{error}");
}
