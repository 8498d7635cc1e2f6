//! The providers that the command knows. To add one, add a dependency to `Cargo.toml` and an entry here.

use credentials_grant_apaleo::Apaleo;
use credentials_grant_cognito::Cognito;
use credentials_grant_emulator::EmulatedVendor;
use credentials_grant_oauth2::OAuth2;
use credentials_grant_octorate::Octorate;
use credentials_grant_ptv::Ptv;
use credentials_grant_resamania::Resamania;

use crate::provider::{Provider, file};

/// The providers that are compiled in, in the order of their names.
pub(crate) static PROVIDERS: &[Provider] = &[
    Provider::new::<Apaleo>().with_emulator(EmulatedVendor::Apaleo).with_example("--scope reservations.read"),
    Provider::new::<Cognito>()
        .with_emulator(EmulatedVendor::Cognito)
        .with_example("--prefix my-pool --region eu-south-2"),
    Provider::new::<OAuth2>()
        .with_example("--issuer https://login.example.com")
        .with_keys()
        .with_bound_tokens()
        .with_token_operations(),
    Provider::new::<Octorate>().with_emulator(EmulatedVendor::Octorate),
    Provider::new::<Ptv>()
        .with_emulator(EmulatedVendor::Ptv)
        .with_example("--token-url https://auth.example.com/oauth2/token"),
    Provider::new::<Resamania>()
        .with_emulator(EmulatedVendor::Resamania)
        .with_example("--base-url https://gateway.example.com/resa2-staging --client-token demoapi")
        .with_gateway_key("api-key"),
];

/// Returns every provider. One from a file comes first and replaces a compiled-in one of the same name.
pub(crate) fn all() -> impl Iterator<Item = &'static Provider> {
    let from_file = file::provider();
    let is_other = move |provider: &&Provider| from_file.is_none_or(|from_file| from_file.name != provider.name);
    from_file.into_iter().chain(PROVIDERS.iter().filter(is_other))
}

/// Returns every provider that has an emulator, with that.
pub(crate) fn emulated() -> impl Iterator<Item = (&'static Provider, EmulatedVendor)> {
    PROVIDERS.iter().filter_map(|provider| Some((provider, provider.emulator?)))
}

/// Returns the provider of this name.
pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.name == name)
}
