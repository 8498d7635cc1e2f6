//! `cgrant doctor`: takes the way to a token step by step, and explains the first step that fails.

mod certificate;
mod clock;
mod connection;
mod credentials;
mod examination;
mod report;
mod tls;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use credentials_grant::{AccessToken, ErrorKind, LifetimeSource};
use jiff::SignedDuration;
use serde_json::json;

use self::connection::Connections;
use self::examination::{Ended, Examination};
use self::report::{Report, Step};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::invocation::DoctorInvocation;
use crate::output::OutputFormat;
use crate::runtime::block_on;

/// How long each step of a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the steps to two hosts may take beside the token request.
const CONNECTIONS_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(invocation: &DoctorInvocation) -> Result<Exit, CommandError> {
    let DoctorInvocation { client, requests_token, format } = invocation;
    let name = client.provider.name;
    let report = Arc::new(if *format == OutputFormat::Text { Report::printing(name) } else { Report::new(name) });
    let timeout = client.timeout.limit;
    let pem = client.root_certificates.as_ref().map(|certificates| certificates.pem.clone());
    let connections = Connections::new(Arc::clone(&report), pem, timeout.min(CONNECT_TIMEOUT))
        .with_advice(client.connection_advice());
    let transport = client.transport()?;
    let credentials = credentials::examine(client);
    let before = vec![settings(&client.sources), credentials::step(&credentials)];
    let examination = Examination::new(Arc::clone(&report), before, connections, transport, *requests_token);
    let examination = Arc::new(examination);
    let source = client.token_source_within(timeout + CONNECTIONS_TIMEOUT, Arc::clone(&examination))?;
    block_on(async {
        match source.token().await {
            Ok(token) => report.add(issued(&token)),
            Err(error) => match examination.ended() {
                Ended::BeforeStart => return Err(client.explain(error)),
                Ended::Reported => {}
                Ended::In(step) => {
                    let is_refusal = error.kind() == ErrorKind::CredentialsRefused;
                    let odd = if is_refusal { credentials::advice(&credentials) } else { Vec::new() };
                    let advice = odd.into_iter().chain(examination.clock_advice());
                    let error = client.explain(error);
                    let error = advice.fold(error, |error, advice| error.with_further_remedy(&advice));
                    report.fail(Step::new(step), error);
                }
                Ended::BeforeToken => {
                    examination.check_clock(&client.credentials).await;
                    report.skip("token", "skipped because of --no-token");
                    report.doubt(credentials::advice(&credentials));
                }
            },
        }
        Ok(())
    })??;
    report.end(examination.token_requests())
}

/// Says which flag or variable each setting and secret comes from, without their values.
fn settings(sources: &BTreeMap<&str, String>) -> Step {
    let words: Vec<_> = sources.iter().map(|(name, written)| format!("{name} from {written}")).collect();
    Step::new("settings").with_detail(words.join(", ")).with("sources", json!(sources))
}

/// Describes the token without showing it.
fn issued(token: &AccessToken) -> Step {
    let kind = token.token_type().unwrap_or("Bearer");
    let life = token.expires_at().duration_since(token.requested_at()).unwrap_or_default();
    let mut detail = format!("{kind}, for {:#}", SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX));
    if token.lifetime_source() == LifetimeSource::Assumed {
        let warning = token.lifetime_warning().unwrap_or("no lifetime in the response");
        let _ = write!(detail, " (assumed: {warning})");
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
