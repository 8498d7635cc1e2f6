//! `cgrant doctor`: walks the way to a token step by step, and says what is wrong with the first step that fails.

mod certificate;
mod clock;
mod connection;
mod examination;
mod report;
mod tls;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use credentials_grant::{AccessToken, LifetimeSource};
use jiff::SignedDuration;
use serde_json::json;

use self::connection::Connections;
use self::examination::{Ended, Examination};
use self::report::{Report, Step};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::provider::Provider;
use crate::source::{self, Call, Purpose};

/// What each step of a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a token may take beyond its own time: the walk to two hosts.
const WALK: Duration = Duration::from_secs(60);

pub(crate) fn command() -> Command {
    source::command("doctor", Purpose::Token, of_provider)
        .about("Find out why there is no token: network, TLS, clock, credentials")
}

fn of_provider(provider: &'static Provider, command: Command) -> Command {
    let Provider { name, title, example, .. } = provider;
    command
        .about(format!("Find out why there is no token for {title}: network, TLS, clock, credentials"))
        .after_help(source::example(provider, &format!("cgrant doctor {name} {example}")))
        .mut_arg("timeout", |arg| {
            arg.help(
                "How long each step may take, such as 500ms, 10s or 1m; unless set, 10s to connect and 30s to answer",
            )
        })
        .arg(
            Arg::new("no-token")
                .long("no-token")
                .action(ArgAction::SetTrue)
                .help("Ask for no token, where each is billed or few may be had; otherwise it is one request"),
        )
        .arg(output::arg(&["text", "json"]))
}

pub(crate) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let call = Call::new(matches, Purpose::Token)?;
    let authorities = call.authorities()?;
    let is_text = output::form(call.matches) == "text";
    let report = Arc::new(if is_text { Report::printing(call.provider.name) } else { Report::new(call.provider.name) });
    let transport = call.transport(authorities.as_ref())?;
    let connections = Connections::new(Arc::clone(&report), authorities, call.timeout().min(CONNECT_TIMEOUT))
        .with_advice(call.advice());
    let asks = !call.matches.get_flag("no-token");
    let examination = Arc::new(Examination::new(Arc::clone(&report), connections, transport, asks));
    let credentials = call.credentials()?;
    let source = call.source_within(call.timeout() + WALK, credentials.clone(), Arc::clone(&examination))?;
    output::block_on(async {
        match source.token().await {
            Ok(token) => report.add(issued(&token)),
            Err(error) => match examination.ended() {
                Ended::Nowhere => return Err(call.explain(error)),
                Ended::OnTheWay => {}
                Ended::In(step) => report.fail(Step::new(step), call.explain(error)),
                Ended::BeforeToken => {
                    examination.look_at_clock(&credentials).await;
                    report.skip("token", "left out, as --no-token says");
                }
            },
        }
        Ok(())
    })??;
    report.end(examination.token_requests(), !is_text)
}

/// What was had, and not the token itself.
fn issued(token: &AccessToken) -> Step {
    let kind = token.token_type().unwrap_or("Bearer");
    let life = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
    let mut detail = format!("{kind}, for {:#}", SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX));
    if token.lifetime_source() == LifetimeSource::Assumed {
        detail += ", which is assumed: nobody says how long it lives";
    }
    if !token.scopes().is_empty() {
        let _ = write!(detail, "; scopes {}", token.scopes().join(" "));
    }
    Step::new("token")
        .with_detail(detail)
        .with("token_type", json!(kind))
        .with("expires_in", json!(life.as_secs()))
        .with("scopes", json!(token.scopes()))
}
