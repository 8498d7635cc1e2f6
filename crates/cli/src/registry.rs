//! The providers that the command knows. A new one is a dependency in `Cargo.toml` and an entry here.

use credentials_grant_apaleo::Apaleo;
use credentials_grant_cognito::Cognito;
use credentials_grant_emulator::EmulatedVendor;
use credentials_grant_oauth2::OAuth2;
use credentials_grant_octorate::Octorate;
use credentials_grant_ptv::Ptv;
use credentials_grant_resamania::Resamania;

use crate::provider::{Proof, Provider};
use crate::provider_file;

/// Every provider that the command brings along, in the order of their names.
pub(crate) static PROVIDERS: &[Provider] = &[
    Provider::new::<Apaleo>().with_emulator(EmulatedVendor::Apaleo).with_example("--scope reservations.read"),
    Provider::new::<Cognito>()
        .with_emulator(EmulatedVendor::Cognito)
        .with_example("--prefix my-pool --region eu-south-2"),
    Provider::new::<OAuth2>()
        .with_example("--issuer https://login.example.com")
        .with_proofs(|settings| match settings.find("auth")? {
            "mtls" => Some(Proof::Certificate),
            "none" => Some(Proof::Nothing),
            "private-key-jwt" => Some(Proof::Key),
            _ => Some(Proof::Secret),
        })
        .with_bound_tokens()
        .with_operations(),
    Provider::new::<Octorate>().with_emulator(EmulatedVendor::Octorate),
    Provider::new::<Ptv>()
        .with_emulator(EmulatedVendor::Ptv)
        .with_example("--token-url https://auth.example.com/oauth2/token"),
    Provider::new::<Resamania>()
        .with_emulator(EmulatedVendor::Resamania)
        .with_example("--base-url https://gateway.example.com/resa2-staging --client-token demoapi")
        .with_gateway_key("api-key"),
];

/// The one that a file describes, if one was named, and every other.
pub(crate) fn all() -> impl Iterator<Item = &'static Provider> {
    let described = provider_file::provider();
    let is_other = move |provider: &&Provider| described.is_none_or(|described| described.name != provider.name);
    described.into_iter().chain(PROVIDERS.iter().filter(is_other))
}

/// Every provider that has a stand-in, and whose that is.
pub(crate) fn emulated() -> impl Iterator<Item = (&'static Provider, EmulatedVendor)> {
    PROVIDERS.iter().filter_map(|provider| Some((provider, provider.emulator?)))
}

/// The provider of this name.
pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.name == name)
}
