//! Tests `credentials-grant-oauth2` against oidc-provider, a certified authorization server, and against an API that
//! checks tokens and proofs as the RFCs require. Both run on Node: see the README.

#![cfg(test)]

mod authentication;
mod certificates;
mod clients;
mod discovery;
mod dpop;
mod parameters;
mod server;
mod tokens;
mod verification;
