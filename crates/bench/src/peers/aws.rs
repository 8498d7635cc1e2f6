//! `aws-smithy-runtime`: its lazy identity cache, with a resolver that fetches with the bare client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::identity::{
    Identity, IdentityFuture, ResolveCachedIdentity, ResolveIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use http::HeaderValue;

use super::bare::Client;
use crate::contender::{Boxed, Contender, FirstFetch, Peer, Settings, at_once, bearer, repeat};

pub(crate) const PEER: Peer = Peer {
    name: "aws-smithy-runtime",
    checks_expiry: true,
    yields: "header",
    first_fetch: FirstFetch::Later,
    start: |settings| Box::pin(async move { Ok(Arc::new(Aws::new(&settings)?) as Arc<dyn Contender>) }),
};

struct Aws {
    cache: SharedIdentityCache,
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
}

impl Aws {
    fn new(settings: &Settings) -> Result<Self> {
        // Without an explicit timeout, it computes one for every read.
        let cache = IdentityCache::lazy().load_timeout(Duration::from_secs(30));
        let cache = match settings.renewed_ahead {
            Some(ahead) => cache.buffer_time(ahead),
            None => cache,
        };
        // The other components are only for API calls, which we do not make.
        let components = RuntimeComponentsBuilder::for_tests()
            .with_sleep_impl(Some(TokioSleep::new()))
            .with_time_source(Some(SystemTimeSource::new()))
            .build()?;
        Ok(Self {
            cache: cache.build(),
            resolver: SharedIdentityResolver::new(Resolver(Client::new(&settings.url)?)),
            components,
            config: ConfigBag::base(),
        })
    }

    async fn header(&self) -> Result<HeaderValue> {
        let identity = self.cache.resolve_cached_identity(self.resolver.clone(), &self.components, &self.config);
        let identity = identity.await.map_err(|error| anyhow!("{error}"))?;
        identity.data::<HeaderValue>().cloned().ok_or_else(|| anyhow!("an identity of another type"))
    }
}

impl Contender for Aws {
    fn authorization(&self) -> Boxed<'_, Result<HeaderValue>> {
        Box::pin(self.header())
    }

    fn read(&self, times: u32) {
        repeat(times, || at_once(self.header()));
    }
}

/// Resolves an identity whose data is the header value. The cache accepts any type.
#[derive(Debug)]
struct Resolver(Client);

impl ResolveIdentity for Resolver {
    fn resolve_identity<'a>(&'a self, _: &'a RuntimeComponents, _: &'a ConfigBag) -> IdentityFuture<'a> {
        IdentityFuture::new(async {
            let answer = self.0.token().await?;
            let expires_at = SystemTime::now() + Duration::from_secs(answer.expires_in);
            Ok(Identity::new(bearer(&answer.access_token)?, Some(expires_at)))
        })
    }
}
