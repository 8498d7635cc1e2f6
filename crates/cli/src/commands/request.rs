//! `cgrant request`: calls an API with the token attached, and prints the response.

mod answer;
mod secret_headers;
mod url_authority;

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use credentials_grant::{Error, ExposeSecret};
use credentials_grant_client::{
    Authorizer, AuthorizerBuilder, EnvironmentProxy, HttpTransport, ProvideToken, TokenOptions,
};
use jiff::SignedDuration;
use reqwest::redirect::Policy;
use reqwest::{Client, Url, retry};
use reqwest_middleware::ClientBuilder;
use tokio::time::timeout;

use self::answer::PrintedParts;
use self::secret_headers::SecretHeaders;
use self::url_authority::authority;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::{RequestInvocation, Timeout, TokenClient};
use crate::output::OutputFormat;
use crate::runtime::block_on;
use crate::tls::client_config;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the API may pause, unless there is a limit for the whole call.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// What to do after an upload that broke off, once there is a new token.
const RENEWED: &str = "the API may have rejected the token while the body was on its way, so a new one was fetched: if \
                       the call may be made twice, try again";

pub(super) fn run(invocation: RequestInvocation) -> Result<Exit, CommandError> {
    let RequestInvocation { client, request, hosts, prints_head, format } = invocation;
    let parts = match format {
        OutputFormat::Json => PrintedParts::Json,
        _ if prints_head => PrintedParts::HeadAndBody,
        _ => PrintedParts::Body,
    };
    let url = request.url.clone();
    let tokens = client.tokens()?;
    let authorizer = authorizer(&client, &url, &hosts, Arc::clone(&tokens))?;
    let secret_headers = if request.has_secret_headers() { SecretHeaders::Some } else { SecretHeaders::None };
    let http = http_client(&client, &url, &authorizer, secret_headers)?;
    let http = ClientBuilder::new(http).with(authorizer).build();
    let request = request.into_request()?;
    let (began, has_body) = (tokens.clock().now(), request.body().is_some());
    block_on(async {
        let exchange = async {
            let response = match http.execute(request).await {
                Ok(response) => response,
                Err(error) => {
                    let renewed = has_body && is_broken(&error) && renew(&*tokens, began).await;
                    let error = failed(&client, error, &url);
                    return Err(if renewed { error.with_further_remedy(RENEWED) } else { error });
                }
            };
            tracing::debug!(status = response.status().as_u16(), "the API answered");
            answer::print(&client, response, parts, secret_headers).await
        };
        match client.timeout {
            Timeout { is_default: true, .. } => exchange.await,
            Timeout { limit, .. } => timeout(limit, exchange).await.unwrap_or_else(|_| Err(too_slow(&client, limit))),
        }
    })?
}

/// Returns `true` if the API closed the connection before it answered.
fn is_broken(error: &reqwest_middleware::Error) -> bool {
    matches!(error, reqwest_middleware::Error::Reqwest(error)
        if error.is_request() && !error.is_connect() && !error.is_timeout())
}

/// Gives up the token of an earlier run, and leaves a new one for the next run. Some APIs reject a token while the body
/// is still on its way, and close the connection, so that their answer is lost. Returns `true` if there is a new one.
async fn renew(tokens: &dyn ProvideToken, began: SystemTime) -> bool {
    let Some(token) = tokens.cached(TokenOptions::new()).filter(|token| token.requested_at() < began) else {
        return false;
    };
    tokens.invalidate(&token);
    !tokens.is_current(&token) && tokens.token(TokenOptions::new()).await.is_ok()
}

/// Makes what attaches the token, to requests for hosts that may receive it.
fn authorizer(
    client: &TokenClient,
    url: &Url,
    hosts: &[String],
    tokens: Arc<dyn ProvideToken>,
) -> Result<Authorizer, CommandError> {
    if hosts.is_empty() && client.grant.policy().hosts().is_empty() {
        let host = authority(url);
        return Err(client.usage(
            format!("no --host allows sending the token to {host}, so nothing was sent"),
            format!("if it is the API's host, add --host {host}"),
        ));
    }
    let with_host = |builder: AuthorizerBuilder, host: &String| builder.with_host(host.clone());
    let authorizer = hosts.iter().fold(Authorizer::builder(tokens), with_host).build();
    authorizer.map_err(|error| client.explain(error).about("--host"))
}

/// Makes the HTTP client for the API. It does not decompress bodies, and follows redirects to allowed hosts only.
fn http_client(
    client: &TokenClient,
    url: &Url,
    authorizer: &Authorizer,
    secret_headers: SecretHeaders,
) -> Result<Client, CommandError> {
    let to_allowed_hosts = authorizer.redirect_policy();
    let first = url.clone();
    // The client is set up for https or for plain http, and must not carry that over to the other.
    let redirects = Policy::custom(move |attempt| {
        let url = attempt.url();
        if url.scheme() == first.scheme() && secret_headers.may_go_to(url, &first) {
            to_allowed_hosts.redirect(attempt)
        } else {
            attempt.stop()
        }
    });
    let http = Client::builder()
        .user_agent(concat!("cgrant/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects)
        // It would tell another host the path and the query of this one.
        .referer(false)
        .retry(retry::never())
        .http1_only()
        // As the transport to the token server does.
        .http1_title_case_headers()
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .connect_timeout(CONNECT_TIMEOUT);
    let http = if client.timeout.is_default { http.read_timeout(READ_TIMEOUT) } else { http };
    let refused = |error: &(dyn StdError + 'static)| {
        let remedy = "check the system's CA certificates (the package ca-certificates) and the proxy variables";
        client.usage("cannot set up the HTTPS client", remedy).with_cause(error)
    };
    let http = if url.scheme() == "http" {
        // Loopback needs no certificates, and no proxy reaches it.
        http.tls_backend_rustls().no_proxy().tls_certs_only([])
    } else {
        let pem = client.root_certificates.as_ref().map(|certificates| certificates.pem.expose_secret().as_bytes());
        let trust = HttpTransport::certificate_verifier(pem).map_err(|error| client.explain(error))?;
        // The token may be bound to the certificate.
        let tls = client_config(trust, client.credentials.certificate()).map_err(|error| refused(&error))?;
        let http = http.tls_backend_preconfigured(tls);
        match EnvironmentProxy::read().map_err(|error| client.explain(error))? {
            // reqwest would ignore a variable that it does not understand, and connect directly.
            Some(proxy) => http.no_proxy().proxy(proxy.to_reqwest()),
            None => http,
        }
    };
    http.build().map_err(|error| refused(&error))
}

/// Converts an error from the way to the token, or to the API.
fn failed(client: &TokenClient, error: reqwest_middleware::Error, url: &Url) -> CommandError {
    match error {
        reqwest_middleware::Error::Middleware(error) => match error.downcast::<Error>() {
            Ok(error) => client.explain(error),
            Err(error) => CommandError::new(Exit::Failed, error.to_string()),
        },
        reqwest_middleware::Error::Reqwest(error) => answer::broken(client, error, url),
    }
}

fn too_slow(client: &TokenClient, limit: Duration) -> CommandError {
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    CommandError::new(Exit::Unavailable, format!("the call took longer than {limit:#}"))
        .with_remedy("set a longer --timeout, or use -v to see how far it gets")
        .with_provider(client.provider.name)
}
