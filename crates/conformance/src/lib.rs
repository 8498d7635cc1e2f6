#![doc = include_str!("../README.md")]
// A check fails with a panic and reports on standard output if it does not apply, as tests do.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::print_stdout)]

mod canary;
pub mod check;
mod fixture;
pub mod store;
mod subject;
mod wire;

pub use store::StoreSubject;
pub use subject::{Expected, Subject};

/// Creates a named test of every check.
///
/// The argument is a function that returns the [`Subject`]:
///
/// ```
/// # use credentials_grant::{RequestContext, ClientAuthentication, CredentialsGrant, Error, Endpoint, UnsignedRequest};
/// # #[derive(Debug)]
/// # struct Acme(Endpoint);
/// # impl CredentialsGrant for Acme {
/// #     fn name(&self) -> &str { "acme" }
/// #     fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
/// #         let request = context.post(&self.0).client_credentials();
/// #         request.client_authentication(ClientAuthentication::ClientSecretBasic).build()
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
            a_hostile_response_is_an_error: hostile_responses,
            a_hostile_url_value_is_refused_or_stays_in_its_place: hostile_url_values,
            a_thousand_callers_make_one_request: one_request_for_a_thousand_callers,
            every_refusal_has_the_expected_kind: refusal_fixtures,
            every_setting_changes_the_identity: settings_change_the_identity,
            every_setting_changes_the_request: settings_change_the_request,
            every_token_response_is_read_as_expected: token_fixtures,
            no_secret_is_shown: secrets_stay_secret,
            the_request_equals_its_fixture: request_fixture,
            the_request_on_the_wire_equals_its_fixture: request_on_the_wire_fixture,
            token_parameters_are_sent_or_refused: token_parameters_are_sent_or_refused,
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

/// Creates a named test of every check of a store.
///
/// The argument is a function that returns the [`StoreSubject`], or `None` where the store's server is not installed:
///
/// ```
/// use credentials_grant_client::MemoryStore;
/// use credentials_grant_conformance::StoreSubject;
///
/// fn memory() -> StoreSubject {
///     StoreSubject::new(MemoryStore::new())
/// }
///
/// credentials_grant_conformance::store_tests!(memory);
/// ```
#[macro_export]
macro_rules! store_tests {
    ($subject:path) => {
        $crate::store_tests! { @each $subject =>
            a_claim_is_its_claimants,
            a_claim_returns_what_was_not_seen,
            a_place_that_is_free_is_written_whatever_was_seen,
            an_empty_store_is_empty,
            keys_are_kept_apart,
            one_claimant_wins,
            one_writer_wins,
            only_the_version_named_is_removed,
            only_the_version_seen_is_replaced,
            records_and_claims_end,
            what_is_written_is_read,
        }
    };
    (@each $subject:path => $($check:ident,)+) => {
        $(
            #[test]
            fn $check() {
                if let Some(subject) = Option::<$crate::StoreSubject>::from($subject()) {
                    $crate::store::$check(&subject);
                }
            }
        )+
    };
}
