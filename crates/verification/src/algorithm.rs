//! The signature algorithms that can be verified.

use credentials_grant_client::SigningAlgorithm;
use jsonwebtoken::Algorithm;

/// Returns the algorithm as the verifying library names it. `None` for HMAC, for which an API would need the issuer's
/// secret, and for what the library does not have.
pub(crate) fn verifiable(algorithm: SigningAlgorithm) -> Option<Algorithm> {
    match algorithm {
        SigningAlgorithm::Ed25519 | SigningAlgorithm::EdDsa => Some(Algorithm::EdDSA),
        SigningAlgorithm::Es256 => Some(Algorithm::ES256),
        SigningAlgorithm::Es384 => Some(Algorithm::ES384),
        SigningAlgorithm::Ps256 => Some(Algorithm::PS256),
        SigningAlgorithm::Ps384 => Some(Algorithm::PS384),
        SigningAlgorithm::Ps512 => Some(Algorithm::PS512),
        SigningAlgorithm::Rs256 => Some(Algorithm::RS256),
        SigningAlgorithm::Rs384 => Some(Algorithm::RS384),
        SigningAlgorithm::Rs512 => Some(Algorithm::RS512),
        _ => None,
    }
}

/// Returns every algorithm that can be verified.
pub(crate) fn all() -> Vec<SigningAlgorithm> {
    SigningAlgorithm::ALL.into_iter().filter(|algorithm| verifiable(*algorithm).is_some()).collect()
}
