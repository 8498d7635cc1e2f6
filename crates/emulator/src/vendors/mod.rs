//! The vendors: each file is a [`Script`] and what it says, written from the vendor's documents.

pub(crate) mod apaleo;
pub(crate) mod cognito;
pub(crate) mod octorate;
pub(crate) mod ptv;
pub(crate) mod resamania;

use crate::authorization_server::Script;
use crate::clock::EmulatorClock;
use crate::emulator::{Emulator, owned};
use crate::vendor::EmulatedVendor;

impl Emulator {
    /// An emulator of `vendor`, on a free port, by the system's clock.
    pub fn new(vendor: EmulatedVendor) -> Self {
        let script = vendor.script();
        Self {
            vendor,
            port: 0,
            client_id: script.client_id.to_owned(),
            client_secret: script.client_secret.to_owned(),
            gateway_key: script.gateway_key.map(str::to_owned),
            grant_types: owned(script.grant_types.iter().copied()),
            scopes: owned(script.scopes.iter().copied()),
            deleted_scopes: Vec::new(),
            lifetime: script.lifetime,
            expires_in: None,
            refresh_tokens: true,
            multipart: true,
            requests_per_second: script.requests_per_second,
            address_block: script.address_block,
            clock: EmulatorClock::system(),
        }
    }
}

impl EmulatedVendor {
    pub(crate) fn script(self) -> &'static Script {
        match self {
            Self::Apaleo => &apaleo::SCRIPT,
            Self::Cognito => &cognito::SCRIPT,
            Self::Octorate => &octorate::SCRIPT,
            Self::Ptv => &ptv::SCRIPT,
            Self::Resamania => &resamania::SCRIPT,
        }
    }
}
