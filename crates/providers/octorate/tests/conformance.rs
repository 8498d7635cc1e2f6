//! The checks that every provider must pass.

#![cfg(test)]

use std::time::Duration;

use credentials_grant_conformance::{Expected, Subject};
use credentials_grant_octorate::{ClientCredentials, ErrorKind, Octorate};

fn octorate() -> Subject {
    let expected = Expected::new("YOUR_ACCESS_TOKEN", Duration::from_secs(1440)).with_token_type("Bearer");
    Subject::new(Octorate::new(), Octorate::at)
        .with_credentials(ClientCredentials::new("<your_client_id>", "<your_client_secret>"), &[])
        .with_request(include_str!("../fixtures/request.http"))
        .with_variant("base-url", Octorate::at_base_url("https://api.octotable.com/api/v2").unwrap())
        .with_token(include_str!("../fixtures/token.http"), expected)
        .with_refusal(include_str!("../fixtures/refusal.http"), ErrorKind::CredentialsRefused)
        .with_url_setting("base-url", Octorate::at_base_url)
}

credentials_grant_conformance::tests!(octorate);
