//! `cgrant request`: calls an API with the token attached, and prints what it answers.

mod answer;
mod outgoing;

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use credentials_grant::{ClientCertificate, Error, ExposeSecret, SecretString};
use credentials_grant_client::{Authorizer, AuthorizerBuilder, HttpTransport, TokenSource};
use jiff::SignedDuration;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, Url, retry};
use reqwest_middleware::ClientBuilder;
use tokio::time::timeout;

use self::outgoing::{Outgoing, authority};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::provider::Provider;
use crate::source::{self, Call, Purpose, TIMEOUT};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn command() -> Command {
    source::command("request", Purpose::Token, of_provider)
        .about("Call an API with the token attached, and print what it answers")
}

fn of_provider(provider: &'static Provider, command: Command) -> Command {
    let Provider { name, title, example, .. } = provider;
    let call = match provider.api_host() {
        Some(host) => format!("GET https://{host}/…"),
        None => "GET https://api.example.com/… --host api.example.com".to_owned(),
    };
    let example = [*example, &call].join(" ");
    command
        .about(format!("Call an API of {title} with the token attached"))
        .after_help(source::example(provider, &format!("cgrant request {name} {}", example.trim_start())))
        .mut_arg("timeout", |arg| {
            arg.help(
                "How long the whole call may take, such as 500ms, 10s or 1m; unless set, as long as the API is never \
                 silent for 30s",
            )
        })
        .args(outgoing::args())
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("HOST")
                .value_parser(NonEmptyStringValueParser::new())
                .action(ArgAction::Append)
                .help(
                    "A host that may have the token, beside the vendor's own: api.example.com, *.example.com, \
                     localhost:8080; may be repeated",
                ),
        )
        .arg(
            Arg::new("include")
                .short('i')
                .long("include")
                .action(ArgAction::SetTrue)
                .conflicts_with("output")
                .help("Print the status and the headers before the body"),
        )
        .arg(output::arg(&["text", "json"]).help("The body as it comes, or status, headers and body as JSON"))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let call = Call::new(matches, Purpose::Token)?;
    let outgoing = Outgoing::new(&call)?;
    let authorities = call.authorities()?;
    let credentials = call.credentials()?;
    let source = call.source(credentials.clone(), call.transport(authorities.as_ref())?)?;
    let authorizer = authorizer(&call, &outgoing.url, source)?;
    let client = client(&call, &outgoing.url, &authorizer, authorities.as_ref(), credentials.certificate())?;
    let client = ClientBuilder::new(client).with(authorizer).build();
    let url = outgoing.url.clone();
    let request = outgoing.request(&call)?;
    output::block_on(async {
        let exchange = async {
            let response = client.execute(request).await.map_err(|error| failed(&call, error, &url))?;
            tracing::debug!(status = response.status().as_u16(), "the API answered");
            answer::print(&call, response).await
        };
        match call.matches.get_one::<Duration>("timeout") {
            Some(&limit) => timeout(limit, exchange).await.unwrap_or_else(|_| Err(too_slow(&call, limit))),
            None => exchange.await,
        }
    })?
}

/// What puts the token on the request, if it may go there.
fn authorizer(call: &Call<'_>, url: &Url, source: TokenSource) -> Result<Authorizer, Failure> {
    let hosts: Vec<_> = call.matches.get_many::<String>("host").into_iter().flatten().collect();
    if hosts.is_empty() && call.grant.policy().hosts().is_empty() {
        let host = authority(url);
        return Err(call.usage(
            format!("nobody has said that the token is for {host}, so nothing was sent"),
            format!("if it is the API's host, name it: --host {host}"),
        ));
    }
    let named = |builder: AuthorizerBuilder, host: &String| builder.with_host(host.clone());
    let authorizer = hosts.into_iter().fold(Authorizer::builder(source), named).build();
    authorizer.map_err(|error| call.explain(error).about("--host"))
}

/// What carries the request to the API. Bodies come as they are sent, compressed too, and no redirect takes the token
/// elsewhere.
fn client(
    call: &Call<'_>,
    url: &Url,
    authorizer: &Authorizer,
    authorities: Option<&SecretString>,
    certificate: Option<&ClientCertificate>,
) -> Result<Client, Failure> {
    let to_named_hosts = authorizer.redirect_policy();
    let scheme = url.scheme().to_owned();
    // Between https and plain http, what was set up for one would hold for the other.
    let redirects = Policy::custom(move |context| {
        if context.url().scheme() == scheme { to_named_hosts.redirect(context) } else { context.stop() }
    });
    let client = Client::builder()
        .user_agent(concat!("cgrant/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects)
        .retry(retry::never())
        .tls_backend_rustls()
        .http1_only()
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .connect_timeout(CONNECT_TIMEOUT);
    let client = match call.matches.get_one::<Duration>("timeout") {
        Some(_) => client,
        None => client.read_timeout(TIMEOUT),
    };
    let refused = |error: reqwest::Error| {
        let remedy = "check the machine's certificates (the package ca-certificates) and its proxy variables";
        call.usage("the HTTPS client cannot be set up", remedy).with_cause(&error)
    };
    let client = match authorities {
        // A machine without certificates still reaches its own loopback, and no proxy stands before that.
        _ if url.scheme() == "http" => client.no_proxy().tls_certs_only([]),
        Some(pem) => {
            let pem = pem.expose_secret().as_bytes();
            client.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(refused)?)
        }
        None => client,
    };
    let client = match certificate {
        // Tokens may be bound to it.
        Some(certificate) if url.scheme() == "https" => {
            client.identity(Identity::from_pem(certificate.pem().expose_secret().as_bytes()).map_err(refused)?)
        }
        _ => client,
    };
    client.build().map_err(refused)
}

/// Why there is no answer: the way to the token, or that to the API.
fn failed(call: &Call<'_>, error: reqwest_middleware::Error, url: &Url) -> Failure {
    match error {
        reqwest_middleware::Error::Middleware(error) => match error.downcast::<Error>() {
            Ok(error) => call.explain(error),
            Err(error) => Failure::new(Exit::Failed, error.to_string()),
        },
        reqwest_middleware::Error::Reqwest(error) => broken(call, error, url),
    }
}

/// Why there is no answer of the API, or not all of it.
fn broken(call: &Call<'_>, error: reqwest::Error, url: &Url) -> Failure {
    let host = authority(error.url().unwrap_or(url));
    if error.is_redirect() {
        let message = format!("{host} leads from one redirect to the next, more than ten in a row");
        return Failure::new(Exit::Unusable, message).with_remedy("check the URL").with_provider(call.provider.name);
    }
    let is_timeout = error.is_timeout() && !error.is_connect();
    let failure = call.explain(HttpTransport::explain(error, &host)).in_words(|text| text.replace("token URL", "URL"));
    let failure = failure.with_provider(call.provider.name);
    if is_timeout { failure.with_further_remedy("or give it more time, by --timeout") } else { failure }
}

fn too_slow(call: &Call<'_>, limit: Duration) -> Failure {
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    Failure::new(Exit::Unavailable, format!("the call was not done within {limit:#}"))
        .with_remedy("give it more time, by --timeout, or see by -v how far it comes")
        .with_provider(call.provider.name)
}
