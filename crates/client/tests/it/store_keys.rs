//! Under which key a store keeps a token: another one for whatever differs, and the same wherever it comes from.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use credentials_grant::{
    ClientAuthentication, ClientCertificate, ClientCredentials, CredentialsGrant, CredentialsSource, Endpoint, Error,
    IssuanceLimit, Policy, RequestContext, Signer, TokenParameters, UnsignedRequest,
};
use credentials_grant_client::{
    Claim, Claimant, FunctionCredentials, Keyring, Record, StoreError, StoreKey, TokenSource, TokenStore, Version,
};
use credentials_grant_test_kit::{Answer, TestServer};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use tokio::runtime::Builder;

/// A store that keeps nothing but the key of the first claim. All clients share its keyring, so their secrets must tell
/// them apart by themselves.
#[derive(Clone, Debug)]
struct FirstKey(Keyring, Arc<Mutex<Option<StoreKey>>>);

impl FirstKey {
    fn new() -> Self {
        let text =
            "name KCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkc=\nseal jI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqs=";
        Self(Keyring::parse(&text.into()).unwrap(), Arc::default())
    }
}

#[async_trait]
impl TokenStore for FirstKey {
    fn keyring(&self) -> Option<&Keyring> {
        Some(&self.0)
    }

    async fn read(&self, _: &StoreKey) -> Result<Option<Record>, StoreError> {
        Ok(None)
    }

    async fn claim(&self, key: &StoreKey, _: Option<Version>, _: Claimant, _: Duration) -> Result<Claim, StoreError> {
        self.1.lock().unwrap().get_or_insert_with(|| key.clone());
        Ok(Claim::Granted)
    }

    async fn write(&self, _: &StoreKey, _: Option<Version>, _: &Record) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn release(&self, _: &StoreKey, _: Claimant) -> Result<(), StoreError> {
        Ok(())
    }

    async fn remove(&self, _: &StoreKey, _: Version) -> Result<bool, StoreError> {
        Ok(true)
    }
}

/// A provider that sends every parameter, with settings as providers have them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Vendor {
    name: String,
    tenant: String,
    region: Option<String>,
    method: ClientAuthentication,
    limit: u32,
}

impl CredentialsGrant for Vendor {
    fn name(&self) -> &str {
        &self.name
    }

    fn token_request(&self, context: &RequestContext<'_>) -> Result<UnsignedRequest, Error> {
        let endpoint = Endpoint::parse(&format!("https://{}.example/token", self.tenant))?;
        let request = context.post(&endpoint).client_authentication(self.method).client_credentials();
        request.scope().audience().resources().authorization_details().build()
    }

    fn policy(&self) -> Policy {
        Policy::new().with_limit(IssuanceLimit::new(self.limit, Duration::from_secs(1)))
    }

    fn identify(&self, mut state: &mut dyn Hasher) -> bool {
        self.hash(&mut state);
        true
    }
}

/// A signer that leaves it to the trait to tell it from others.
#[derive(Clone, Debug, Eq, PartialEq)]
struct NamedSigner {
    id: Option<String>,
    thumbprint: Option<String>,
    jwk: Option<String>,
}

#[async_trait]
impl Signer for NamedSigner {
    fn algorithm(&self) -> &'static str {
        "ES256"
    }

    fn key_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn certificate_thumbprint(&self) -> Option<&str> {
        self.thumbprint.as_deref()
    }

    fn public_key(&self) -> Option<&str> {
        self.jwk.as_deref()
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![0; 64])
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Client {
    id: String,
    secret: Option<String>,
    assertion: Option<String>,
    certificate: Option<String>,
    secrets: BTreeMap<String, String>,
    signer: Option<NamedSigner>,
}

impl Client {
    fn credentials(&self) -> ClientCredentials {
        let mut credentials = match &self.secret {
            Some(secret) => ClientCredentials::new(&*self.id, &**secret),
            None => ClientCredentials::without_secret(&*self.id),
        };
        if let Some(assertion) = &self.assertion {
            credentials = credentials.with_assertion(&**assertion);
        }
        if let Some(certificate) = &self.certificate {
            credentials = credentials.with_certificate(ClientCertificate::from_pem(&**certificate));
        }
        if let Some(signer) = &self.signer {
            credentials = credentials.with_signer(signer.clone());
        }
        self.secrets
            .iter()
            .fold(credentials, |credentials, (name, secret)| credentials.with_secret(name.clone(), &**secret))
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Asked {
    scopes: Vec<String>,
    audience: Option<String>,
    resources: Vec<String>,
    details: Option<String>,
    extra: BTreeMap<String, String>,
}

impl Asked {
    fn parameters(&self) -> TokenParameters {
        let mut parameters = TokenParameters::new().with_scopes(self.scopes.clone());
        if let Some(audience) = &self.audience {
            parameters = parameters.with_audience(audience);
        }
        if let Some(details) = &self.details {
            parameters = parameters.with_authorization_details(format!(r#"[{{"type":"{details}"}}]"#));
        }
        for resource in &self.resources {
            parameters = parameters.with_resource(format!("https://{resource}.example"));
        }
        self.extra.iter().fold(parameters, |parameters, (name, value)| parameters.with_extra_parameter(name, value))
    }
}

type Case = (Vendor, Client, Asked);

/// Returns the key under which a store keeps the token, if it does.
fn key(vendor: &Vendor, credentials: impl CredentialsSource, parameters: TokenParameters) -> Option<StoreKey> {
    let store = FirstKey::new();
    let source = TokenSource::builder(vendor.clone(), credentials)
        .with_parameters(parameters)
        .with_transport(TestServer::new(|_, _| Answer::Token(3600)))
        .with_store(store.clone())
        .build()
        .unwrap();
    // Many of these credentials do not fit the method. The store is asked before that is found.
    let _ = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(source.token());
    store.1.lock().unwrap().take()
}

fn key_of((vendor, client, asked): &Case) -> Option<StoreKey> {
    key(vendor, client.credentials(), asked.parameters())
}

/// So few letters that two fields often agree, or one field and the next have the same letters in another place.
fn text() -> impl Strategy<Value = String> {
    "[ab]{1,3}"
}

fn vendors() -> impl Strategy<Value = Vendor> {
    let methods = select(vec![
        ClientAuthentication::ClientSecretBasic,
        ClientAuthentication::ClientSecretPost,
        ClientAuthentication::ClientSecretJwt,
        ClientAuthentication::PrivateKeyJwt,
        ClientAuthentication::None,
    ]);
    (text(), text(), option::of(text()), methods, 1..3_u32).prop_map(|(name, tenant, region, method, limit)| Vendor {
        name,
        tenant,
        region,
        method,
        limit,
    })
}

fn clients() -> impl Strategy<Value = Client> {
    let signer = (option::of(text()), option::of(text()), text()).prop_map(|(id, thumbprint, jwk)| NamedSigner {
        id,
        thumbprint,
        jwk: Some(jwk),
    });
    let secrets = btree_map(text(), text(), 0..3);
    (text(), option::of(text()), option::of(text()), option::of(text()), secrets, option::of(signer)).prop_map(
        |(id, secret, assertion, certificate, secrets, signer)| Client {
            id,
            secret,
            assertion,
            certificate,
            secrets,
            signer,
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    let extra = btree_map("x[ab]{1,2}", text(), 0..3);
    (vec(text(), 0..3), option::of(text()), vec(text(), 0..3), option::of(text()), extra)
        .prop_map(|(scopes, audience, resources, details, extra)| Asked { scopes, audience, resources, details, extra })
}

/// Two cases that have parts in common.
fn pairs() -> impl Strategy<Value = (Case, Case)> {
    let cases = || (vendors(), clients(), asked());
    (cases(), cases(), 0..8_u8).prop_map(|(one, other, common)| {
        let mut other = other;
        if common & 1 > 0 {
            other.0 = one.0.clone();
        }
        if common & 2 > 0 {
            other.1 = one.1.clone();
        }
        if common & 4 > 0 {
            other.2 = one.2.clone();
        }
        (one, other)
    })
}

/// One case, and the same with one field in the place of another one of its kind.
fn moved() -> impl Strategy<Value = (Case, Case)> {
    ((vendors(), clients(), asked()), 0..10_usize).prop_map(|(one, which)| {
        let mut other = one.clone();
        let (vendor, client, asked) = (&mut other.0, &mut other.1, &mut other.2);
        match which {
            0 => vendor.tenant.push_str(&vendor.region.take().unwrap_or_default()),
            1 => std::mem::swap(&mut vendor.name, &mut vendor.tenant),
            2 => client.id.push_str(&client.secret.take().unwrap_or_default()),
            3 => std::mem::swap(&mut client.secret, &mut client.assertion),
            4 => std::mem::swap(&mut client.certificate, &mut client.assertion),
            5 => asked.scopes = vec![asked.scopes.concat()].into_iter().filter(|scope| !scope.is_empty()).collect(),
            6 => std::mem::swap(&mut asked.scopes, &mut asked.resources),
            7 => std::mem::swap(&mut asked.audience, &mut asked.details),
            8 => asked.scopes.extend(asked.audience.take()),
            _ => asked.resources.extend(asked.scopes.pop()),
        }
        (one, other)
    })
}

proptest! {
    // The same cases in each run.
    #![proptest_config(ProptestConfig {
        cases: 150, failure_persistence: None, rng_seed: RngSeed::Fixed(6749), ..ProptestConfig::default()
    })]

    #[test]
    fn two_tokens_have_one_key_if_nothing_differs_and_only_then((one, other) in prop_oneof![pairs(), moved()]) {
        let (key, other_key) = (key_of(&one), key_of(&other));
        prop_assert!(key.is_some());
        prop_assert_eq!(key == other_key, one == other, "{:?} and {:?}", one, other);
    }

    #[test]
    fn the_same_credentials_have_one_key_wherever_they_come_from((vendor, client, asked) in (vendors(), clients(), asked())) {
        let (direct, loaded) = (client.credentials(), client.credentials());
        let from_function = FunctionCredentials::new("vault", move || {
            let loaded = loaded.clone();
            async move { Ok(loaded) }
        });
        let from_function = key(&vendor, from_function, asked.parameters());
        prop_assert_eq!(from_function, key(&vendor, direct, asked.parameters()));
    }
}

#[test]
fn a_signer_that_has_no_more_than_the_name_of_its_key_shares_nothing() {
    let vendor = Vendor {
        name: "vendor".to_owned(),
        tenant: "tenant".to_owned(),
        region: None,
        method: ClientAuthentication::PrivateKeyJwt,
        limit: 1,
    };
    let key = |signer: NamedSigner| {
        key(&vendor, ClientCredentials::without_secret("id").with_signer(signer), TokenParameters::new())
    };
    let nameless = NamedSigner { id: None, thumbprint: None, jwk: None };
    assert_eq!(key(nameless.clone()), None);
    assert_eq!(key(NamedSigner { id: Some("1".to_owned()), ..nameless.clone() }), None, "two keys may have one name");
    assert!(key(NamedSigner { thumbprint: Some("a".to_owned()), ..nameless.clone() }).is_some());
    assert!(key(NamedSigner { jwk: Some("a".to_owned()), ..nameless }).is_some());
}
