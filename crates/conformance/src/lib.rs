#![doc = include_str!("../README.md")]
// A check fails by panicking, and says on standard output where it does not apply: that is what a test does.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::print_stdout)]

mod canary;
pub mod check;
mod fixture;
mod subject;
mod wire;

pub use subject::{Expected, Subject};

/// Turns every check into a named test.
///
/// It takes a function that describes the provider:
///
/// ```
/// # use credentials_grant::{RequestContext, ClientAuthentication, CredentialsGrant, Error, Endpoint, UnsignedRequest};
/// # #[derive(Debug)]
/// # struct Acme(Endpoint);
/// # impl CredentialsGrant for Acme {
/// #     fn name(&self) -> &str { "acme" }
/// #     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
/// #         context.post(&self.0).client_authentication(ClientAuthentication::ClientSecretBasic).client_credentials().build()
/// #     }
/// # }
/// use credentials_grant_conformance::Subject;
///
/// fn acme() -> Subject {
///     Subject::new(Acme(Endpoint::from_static("https://auth.example.com/token")), Acme)
/// }
///
/// credentials_grant_conformance::tests!(acme);
/// ```
#[macro_export]
macro_rules! tests {
    ($subject:path) => {
        $crate::tests! { @each $subject =>
            a_hostile_answer_is_a_bad_answer_and_no_token: hostile_answers,
            a_hostile_value_stays_in_its_place_in_the_url: hostile_url_values,
            a_thousand_callers_make_one_request: one_request_for_a_thousand_callers,
            every_answer_with_a_token_is_read_as_its_fixture_says: token_fixtures,
            every_answer_without_a_token_is_the_failure_its_fixture_says: refusal_fixtures,
            every_setting_changes_the_request: settings_change_the_request,
            no_secret_shows: secrets_stay_secret,
            the_request_equals_its_fixture: request_fixture,
            the_request_on_the_wire_equals_its_fixture: request_on_the_wire_fixture,
            what_is_asked_for_is_honoured_or_refused: asks_are_honoured_or_refused,
        }
    };
    (@each $subject:path => $($name:ident: $check:ident,)+) => {
        $(
            #[test]
            fn $name() {
                $crate::check::$check(&$subject());
            }
        )+
    };
}
