//! What a token is asked for.

use clap::{Arg, ArgAction, ArgMatches};
use credentials_grant::{Error, ProofKey, TokenParameters};
use credentials_grant_client::KeySigner;

use crate::credentials::signing_key;
use crate::exit::Failure;
use crate::given::Given;
use crate::input::PROOF_KEY;
use crate::provider::Provider;

/// The flags, in the same words at every provider.
pub(crate) fn args(provider: &Provider) -> Vec<Arg> {
    let arg = |name| Arg::new(name).long(name).help_heading("Request");
    let dpop = arg("dpop").action(ArgAction::SetTrue).conflicts_with(PROOF_KEY.name);
    let dpop = dpop.help("Bind the token to a new key, which ends with this run (DPoP, RFC 9449)");
    let every = [
        arg("scope").value_name("SCOPE").action(ArgAction::Append).help("A scope to ask for; may be repeated"),
        arg("audience").value_name("AUDIENCE").help("The API that the token is for, as Auth0 and others have it"),
        arg("resource")
            .value_name("URL")
            .action(ArgAction::Append)
            .help("A resource that the token is for (RFC 8707); may be repeated"),
        arg("param")
            .value_name("KEY=VALUE")
            .action(ArgAction::Append)
            .help("A further parameter of the token request; may be repeated; no place for secrets"),
    ];
    every.into_iter().chain(provider.binds_tokens.then_some(dpop)).collect()
}

/// What is asked for, but for the key that the token is to be bound to.
pub(crate) fn read(matches: &ArgMatches) -> Result<TokenParameters, Failure> {
    let all = |name| matches.get_many::<String>(name).into_iter().flatten();
    let mut parameters = TokenParameters::new().with_scopes(all("scope"));
    if let Some(audience) = matches.get_one::<String>("audience") {
        parameters = parameters.with_audience(audience);
    }
    parameters = all("resource").fold(parameters, TokenParameters::with_resource);
    all("param").try_fold(parameters, |parameters, pair| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(parameters.with_extra_parameter(name, value)),
        // The text is not repeated: it may be a value that was meant for something else.
        _ => Err(Failure::usage("a --param is not of the form KEY=VALUE").with_remedy("write --param KEY=VALUE")),
    })
}

/// Whether the token is to be bound to a key that ends with this run.
pub(crate) fn binds_to_new_key(given: &Given<'_>) -> bool {
    given.provider.binds_tokens && given.matches.get_flag("dpop")
}

/// The key that the token is to be bound to, if it is to one.
pub(crate) fn proof_key(given: &Given<'_>) -> Result<Option<ProofKey>, Failure> {
    let refused = |error: Error| given.of_provider(given.explain(error));
    if binds_to_new_key(given) {
        return KeySigner::generate().and_then(ProofKey::new).map(Some).map_err(refused);
    }
    if !given.provider.binds_tokens {
        return Ok(None);
    }
    let Some(key) = given.content(&PROOF_KEY)? else { return Ok(None) };
    let key = signing_key(key).and_then(ProofKey::new);
    key.map(Some).map_err(|error| refused(error).about(&given.as_written(&PROOF_KEY)))
}
