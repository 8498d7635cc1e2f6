//! Each check catches the flaw it is for, and passes for a correct provider.

#![cfg(test)]

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use credentials_grant::{
    ClientAuthentication, CredentialsGrant, Endpoint, Error, ErrorKind, ExposeSecret, HttpResponse, RequestContext,
    RequestSeed, TokenParameters, TokenResponse, UnsignedRequest,
};
use credentials_grant_conformance::{Expected, Subject, check};

const REQUEST: &str = "# source: this file\n# read: 2026-11-21\nPOST https://auth.example.com/token\n\
    accept: application/json\nauthorization: Basic eW91ckNsaWVudElkOllvdXJDbGllbnRTZWNyZXQ=\n\
    content-type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials\n";
const TOKEN: &str =
    "# source: this file\n# read: 2026-11-21\nHTTP/1.1 200 OK\n\n{\"access_token\":\"abc\",\"expires_in\":60}\n";
const REFUSAL: &str = "# source: this file\n# read: 2026-11-21\nHTTP/1.1 401 Unauthorized\n\n\n";

/// What is wrong with a provider.
#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum Flaw {
    None,
    AnotherParameter,
    IdentifiesByEndpointOnly,
    IdentifiesBySettingsOnly,
    IdentifiesByWhatItHasRead,
    IgnoresTokenParameters,
    NeedsAScope,
    PanicsOnHtml,
    PlainSecretHeader,
    SecretInQuery,
    AcceptsAnyBodyAsAToken,
    ShowsTheBody,
}

#[derive(Debug)]
struct Acme {
    flaw: Flaw,
    endpoint: Endpoint,
    responses: AtomicUsize,
}

impl CredentialsGrant for Acme {
    fn name(&self) -> &'static str {
        "acme"
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let secret = context.credentials().client_secret()?;
        let request = match self.flaw {
            Flaw::SecretInQuery => {
                context.get(&self.endpoint).client_authentication(ClientAuthentication::ClientSecretPost)
            }
            _ => context.post(&self.endpoint).client_authentication(ClientAuthentication::ClientSecretBasic),
        };
        let request = request.client_credentials();
        match self.flaw {
            Flaw::AnotherParameter => request.parameter("another", "one").build(),
            Flaw::IgnoresTokenParameters => {
                let none = TokenParameters::new();
                let seed = RequestSeed::new(context.now(), [0; 16]);
                acme(Flaw::None).token_request(&RequestContext::new(context.credentials(), &none, seed))
            }
            Flaw::NeedsAScope if context.parameters().scopes().is_empty() => {
                Err(Error::new(ErrorKind::Configuration, "this vendor requires a scope"))
            }
            Flaw::NeedsAScope => request.scope().build(),
            Flaw::PlainSecretHeader => request.header("x-secret", &secret.expose_secret().replace('é', "")).build(),
            _ => request.build(),
        }
    }

    fn read_response(&self, response: &HttpResponse) -> Result<TokenResponse, Error> {
        self.responses.fetch_add(1, Ordering::Relaxed);
        let body = String::from_utf8_lossy(response.body()).into_owned();
        match self.flaw {
            Flaw::PanicsOnHtml if body.starts_with('<') => panic!("HTML"),
            Flaw::AcceptsAnyBodyAsAToken if !body.is_empty() => Ok(TokenResponse::new("abc")),
            Flaw::ShowsTheBody => Err(Error::new(ErrorKind::Configuration, body)),
            _ => credentials_grant::ResponseReader::rfc6749().read(response),
        }
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        let Self { flaw, endpoint, responses } = self;
        match flaw {
            Flaw::IdentifiesByEndpointOnly => endpoint.hash(&mut state),
            Flaw::IdentifiesBySettingsOnly => flaw.hash(&mut state),
            Flaw::IdentifiesByWhatItHasRead => (endpoint, flaw, responses.load(Ordering::Relaxed)).hash(&mut state),
            _ => (endpoint, flaw).hash(&mut state),
        }
        true
    }
}

fn acme(flaw: Flaw) -> Acme {
    at(flaw, Endpoint::from_static("https://auth.example.com/token"))
}

fn at(flaw: Flaw, endpoint: Endpoint) -> Acme {
    Acme { flaw, endpoint, responses: AtomicUsize::new(0) }
}

fn subject(flaw: Flaw) -> Subject {
    Subject::new(acme(flaw), move |endpoint| at(flaw, endpoint))
        .with_request(REQUEST)
        .with_token(TOKEN, Expected::new("abc", Duration::from_secs(60)))
        .with_refusal(REFUSAL, ErrorKind::CredentialsRefused)
}

const EVERY_CHECK: [fn(&Subject); 11] = [
    check::token_parameters_are_sent_or_refused,
    check::hostile_responses,
    check::hostile_url_values,
    check::one_request_for_a_thousand_callers,
    check::refusal_fixtures,
    check::request_fixture,
    check::request_on_the_wire_fixture,
    check::secrets_stay_secret,
    check::settings_change_the_identity,
    check::settings_change_the_request,
    check::token_fixtures,
];

/// Returns the message of the check, if it fails.
fn failure(check: fn(&Subject), subject: &Subject) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| check(subject))).err()?;
    Some(
        panic.downcast_ref::<String>().cloned().or(panic.downcast_ref().map(|text: &&str| (*text).to_owned())).unwrap(),
    )
}

#[track_caller]
fn assert_caught(check: fn(&Subject), subject: &Subject, words: &str) {
    let failure = failure(check, subject).expect("the check passes");
    assert!(failure.contains(words), "{failure}");
}

#[test]
fn a_provider_without_flaws_passes_every_check() {
    for check in EVERY_CHECK {
        assert_eq!(failure(check, &subject(Flaw::None)), None);
    }
}

#[test]
fn a_request_that_differs_from_its_fixture_is_caught() {
    let wrong = subject(Flaw::AnotherParameter);
    assert_caught(check::request_fixture, &wrong, "another=one");
    assert_caught(check::request_on_the_wire_fixture, &wrong, "another=one");
}

#[test]
fn a_fixture_without_source_or_date_is_caught() {
    let unsourced = REQUEST.replace("# source: this file", "# source: FILL IN");
    let undated = REQUEST.replace("2026-11-21", "last Tuesday");
    for (fixture, words) in [(unsourced, "by hand from the vendor's page"), (undated, "not a date")] {
        let wrong = subject(Flaw::None).with_request(fixture.leak());
        assert_caught(check::request_fixture, &wrong, words);
    }
}

#[test]
fn missing_fixtures_are_caught() {
    let bare = Subject::new(acme(Flaw::None), |endpoint| at(Flaw::None, endpoint));
    assert_caught(check::request_fixture, &bare, "with_request");
    assert_caught(check::token_fixtures, &bare, "with_token");
    assert_caught(check::refusal_fixtures, &bare, "with_refusal");
}

#[test]
fn a_token_that_differs_from_the_expected_one_is_caught() {
    let wrong = subject(Flaw::None).with_token(TOKEN, Expected::new("abc", Duration::from_secs(61)));
    assert_caught(check::token_fixtures, &wrong, "the lifetime of the token of");
    let wrong = subject(Flaw::None).with_token(TOKEN, Expected::new("abd", Duration::from_secs(60)));
    assert_caught(check::token_fixtures, &wrong, "the token of");
}

#[test]
fn a_refusal_of_another_kind_is_caught() {
    let wrong = subject(Flaw::None).with_refusal(REFUSAL, ErrorKind::RateLimited);
    assert_caught(check::refusal_fixtures, &wrong, "RateLimited");
}

#[test]
fn a_secret_in_a_header_that_is_not_sensitive_is_caught() {
    assert_caught(check::secrets_stay_secret, &subject(Flaw::PlainSecretHeader), "shows a secret");
}

#[test]
fn a_body_in_an_error_is_caught() {
    assert_caught(check::secrets_stay_secret, &subject(Flaw::ShowsTheBody), "shows a secret");
}

#[test]
fn a_secret_in_the_query_is_caught_unless_the_vendor_wants_it_there() {
    assert_caught(check::secrets_stay_secret, &subject(Flaw::SecretInQuery), "the URL shows a secret");
    let request = "# source: this file\n# read: 2026-11-21\nGET https://auth.example.com/token?client_id=yourClientId\
        &client_secret=YourClientSecret&grant_type=client_credentials\naccept: application/json\n\n";
    let marketo = subject(Flaw::SecretInQuery).with_secrets_in_query().with_request(request);
    for check in EVERY_CHECK {
        assert_eq!(failure(check, &marketo), None);
    }
}

#[test]
fn a_token_parameter_that_is_ignored_is_caught() {
    assert_caught(
        check::token_parameters_are_sent_or_refused,
        &subject(Flaw::IgnoresTokenParameters),
        "a token parameter is ignored",
    );
}

#[test]
fn a_vendor_that_requires_a_scope_gets_it() {
    let adobe = subject(Flaw::NeedsAScope).with_parameters(TokenParameters::new().with_scope("a"));
    assert_eq!(failure(check::token_parameters_are_sent_or_refused, &adobe), None);
}

#[test]
fn a_setting_that_does_not_change_the_request_is_caught() {
    let wrong = subject(Flaw::None).with_variant("colour", acme(Flaw::None));
    assert_caught(check::settings_change_the_request, &wrong, "`colour`");
}

#[test]
fn a_setting_that_a_pool_does_not_notice_is_caught() {
    let flaw = Flaw::IdentifiesByEndpointOnly;
    let wrong = subject(flaw).with_variant("colour", acme(flaw));
    assert_caught(check::settings_change_the_identity, &wrong, "`colour`");
    let wrong = subject(Flaw::IdentifiesBySettingsOnly);
    assert_caught(check::settings_change_the_identity, &wrong, "two token endpoints");
}

#[test]
fn a_provider_that_a_pool_does_not_find_again_is_caught() {
    let wrong = subject(Flaw::IdentifiesByWhatItHasRead);
    assert_caught(check::settings_change_the_identity, &wrong, "changes with a response");
}

#[test]
fn a_provider_that_panics_on_html_or_accepts_it_as_a_token_is_caught() {
    assert_caught(check::hostile_responses, &subject(Flaw::PanicsOnHtml), "HTML");
    assert_caught(check::hostile_responses, &subject(Flaw::AcceptsAnyBodyAsAToken), "is accepted as a token");
    assert_caught(check::hostile_responses, &subject(Flaw::ShowsTheBody), "");
}

#[test]
fn a_url_setting_that_changes_the_host_or_is_refused_without_its_name_is_caught() {
    let elsewhere = |value: &str| {
        let endpoint = Endpoint::parse(&format!("https://{value}.example.com/token"))?;
        Ok(at(Flaw::None, endpoint))
    };
    let wrong = subject(Flaw::None).with_url_setting("shop", elsewhere);
    assert!(failure(check::hostile_url_values, &wrong).is_some());
    let nameless = |_: &str| Err::<Acme, _>(Error::new(ErrorKind::Configuration, "no"));
    assert_caught(check::hostile_url_values, &subject(Flaw::None).with_url_setting("shop", nameless), "`shop`");
}
