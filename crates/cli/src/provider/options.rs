//! The options that providers share.

use super::option::FileContent::{Certificates, ClientId, PrivateKey, Secret};
use super::option::OptionGroup::{Connection, Credentials, Request, Settings};
use super::option::ValueKind::{File, List, Path, Switch, Text};
use super::option::{OptionGroup, ProviderOption, ValueKind};

pub(crate) const CLIENT_ID: ProviderOption = option("client-id", "the client id", Text, Credentials);
pub(crate) const CLIENT_ID_FILE: ProviderOption = option(
    "client-id-file",
    "a file that holds the client id, which is rotated with the secret",
    Path(ClientId),
    Credentials,
);
pub(crate) const CLIENT_SECRET: ProviderOption =
    option("client-secret", "the client secret", File(Secret), Credentials);

pub(crate) const KEY: ProviderOption = option(
    "key",
    "the private key (PEM or JSON Web Key) that signs assertions, or the certificate's private key (PEM)",
    File(PrivateKey),
    Credentials,
);
pub(crate) const CERTIFICATE: ProviderOption = option(
    "cert",
    "the certificate (PEM): names the key in assertions (x5t#S256), or authenticates TLS with --auth tls_client_auth or \
     beside a secret",
    File(Certificates),
    Credentials,
);
pub(crate) const KEY_ID: ProviderOption =
    option("kid", "the id by which the server knows the key", Text, Credentials).with_metavar("KEY_ID");
pub(crate) const ALGORITHM: ProviderOption = option(
    "alg",
    "the signature algorithm, such as PS256; by default the JSON Web Key's own, else RS256 or the curve's",
    Text,
    Credentials,
)
.with_metavar("ALGORITHM");
pub(crate) const ASSERTION: ProviderOption = option(
    "assertion",
    "a JWT that the platform issues to its workloads, in place of a secret or key",
    File(Secret),
    Credentials,
);

pub(crate) const TOKEN_URL: ProviderOption = option(
    "token-url",
    "the token URL, if it is not the vendor's usual one; plain HTTP works for loopback only",
    Text,
    Settings,
);
/// The setting of providers that discover their endpoints.
pub(crate) const ISSUER: &str = "issuer";
/// The setting of providers whose client authentication can be chosen.
pub(crate) const AUTH: &str = "auth";

pub(crate) const CA_CERTIFICATES: ProviderOption =
    option("ca", "CA certificates (PEM) to trust instead of the system's", File(Certificates), Connection);

pub(crate) const ACCESS_TOKEN: ProviderOption = option("access-token", "the token", File(Secret), Request);
/// The same, for the command that does not need it.
pub(crate) const TOKEN_AT_HAND: ProviderOption = option(
    ACCESS_TOKEN.name,
    "a token that you have already: no other is requested, and no credentials are needed",
    File(Secret),
    Request,
);
pub(crate) const SCOPE: ProviderOption =
    option("scope", "a scope to request; may be repeated", List, Request).without_variable();
pub(crate) const AUDIENCE: ProviderOption =
    option("audience", "the API that the token is for, where the server wants that (Auth0)", Text, Request)
        .without_variable();
pub(crate) const RESOURCE: ProviderOption =
    option("resource", "the URL of an API that the token is for (RFC 8707); may be repeated", List, Request)
        .with_metavar("URL")
        .without_variable();
pub(crate) const PARAMETER: ProviderOption =
    option("param", "an extra parameter of the token request; may be repeated; do not put secrets here", List, Request)
        .with_metavar("KEY=VALUE")
        .without_variable();
pub(crate) const DPOP: ProviderOption =
    option("dpop", "bind the token to a new key (DPoP, RFC 9449), which is lost when cgrant exits", Switch, Request)
        .without_variable();
pub(crate) const DPOP_KEY: ProviderOption =
    option("dpop-key", "bind the token to this private key (DPoP), PEM or JSON Web Key", File(PrivateKey), Request);
pub(crate) const TIMEOUT: ProviderOption =
    option("timeout", "how long the whole call may take, such as 500ms, 10s or 1m; 30s by default", Text, Request)
        .with_metavar("DURATION")
        .with_default("30s")
        .without_variable();
pub(crate) const HOST: ProviderOption = option(
    "host",
    "a host that may receive the token, beside the vendor's own: api.example.com, *.example.com, localhost:8080; may be \
     repeated",
    List,
    Request,
)
.without_variable();

/// The options of every provider.
pub(crate) const COMMON: [ProviderOption; 5] = [CLIENT_ID, CLIENT_ID_FILE, CLIENT_SECRET, TOKEN_URL, CA_CERTIFICATES];

/// The options of providers where a client can authenticate with a key or a certificate.
pub(crate) const KEY_OPTIONS: [ProviderOption; 5] = [KEY, CERTIFICATE, KEY_ID, ALGORITHM, ASSERTION];

/// The options of commands that request a token.
pub(crate) const TOKEN_PARAMETERS: [ProviderOption; 4] = [SCOPE, AUDIENCE, RESOURCE, PARAMETER];

/// The options of commands that request a token which can be bound to a key.
pub(crate) const PROOF_KEYS: [ProviderOption; 2] = [DPOP, DPOP_KEY];

const fn option(name: &'static str, help: &'static str, kind: ValueKind, group: OptionGroup) -> ProviderOption {
    ProviderOption::new(name, help, kind, group)
}
