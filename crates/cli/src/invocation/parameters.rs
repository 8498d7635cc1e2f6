//! The parameters of the token request.

use credentials_grant::{ProofKey, TokenParameters};
use credentials_grant_client::KeySigner;

use super::secret_names::is_secret_name;
use crate::error::CommandError;
use crate::provider::options::{AUDIENCE, CLIENT_SECRET, DPOP, DPOP_KEY, PARAMETER, RESOURCE, SCOPE};
use crate::settings::resolved_options::ResolvedOptions;

/// Returns the parameters, except for the key that the token is bound to.
pub(super) fn parameters(options: &ResolvedOptions) -> Result<TokenParameters, CommandError> {
    let mut parameters = TokenParameters::new().with_scopes(options.list(&SCOPE));
    if let Some(audience) = options.text(&AUDIENCE)? {
        parameters = parameters.with_audience(audience);
    }
    parameters = options.list(&RESOURCE).iter().fold(parameters, TokenParameters::with_resource);
    options.list(&PARAMETER).iter().try_fold(parameters, |parameters, pair| match pair.split_once('=') {
        Some((name, _)) if is_secret_name(name) => Err(options.usage(
            format!("--param: {name} holds a secret, and every user of this machine can read command lines"),
            format!(
                "for the client's secret use {}; for another, describe the vendor in a file, with a setting that has \
                 `secret = true`",
                CLIENT_SECRET.flag()
            ),
        )),
        Some((name, value)) if !name.is_empty() => Ok(parameters.with_extra_parameter(name, value)),
        // The text is not shown: it may be a value that belongs elsewhere.
        _ => Err(options.usage("--param is not of the form KEY=VALUE", "write --param KEY=VALUE")),
    })
}

/// Returns the key that the token is bound to, if it is bound to one: a new one, or one from a file.
pub(super) fn proof_key(options: &ResolvedOptions) -> Result<Option<ProofKey>, CommandError> {
    let refused = |error| options.names().explain(error).with_provider(options.provider.name);
    if options.has(&DPOP) {
        return KeySigner::generate().and_then(ProofKey::new).map(Some).map_err(refused);
    }
    let Some(key) = options.content(&DPOP_KEY)? else { return Ok(None) };
    let key = KeySigner::from_text(key).and_then(ProofKey::new);
    key.map(Some).map_err(|error| refused(error).about(&options.written(&DPOP_KEY)))
}
