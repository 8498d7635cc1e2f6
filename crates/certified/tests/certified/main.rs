//! `credentials-grant-oauth2` beside oidc-provider, a certified authorization server, and beside an API that looks at
//! tokens and proofs as the RFCs have it. Both run on Node: see the README.

#![cfg(test)]

mod asks;
mod authentication;
mod certificates;
mod clients;
mod discovery;
mod dpop;
mod server;
mod tokens;
mod verification;
