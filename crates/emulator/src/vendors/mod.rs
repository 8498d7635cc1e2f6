//! The vendors: each file is a [`VendorDefinition`] and what it says, written from the vendor's documents.

pub(crate) mod apaleo;
pub(crate) mod cognito;
pub(crate) mod octorate;
pub(crate) mod ptv;
pub(crate) mod resamania;

use crate::authorization_server::VendorDefinition;
use crate::clock::EmulatorClock;
use crate::emulator::{Emulator, owned};
use crate::vendor::EmulatedVendor;

impl Emulator {
    /// An emulator of `vendor`, on a free port, by the system's clock.
    pub fn new(vendor: EmulatedVendor) -> Self {
        let definition = vendor.definition();
        Self {
            vendor,
            port: 0,
            client_id: definition.client_id.to_owned(),
            client_secret: definition.client_secret.to_owned(),
            gateway_key: definition.gateway_key.map(str::to_owned),
            grant_types: owned(definition.grant_types.iter().copied()),
            scopes: owned(definition.scopes.iter().copied()),
            deleted_scopes: Vec::new(),
            lifetime: definition.lifetime,
            expires_in: None,
            refresh_tokens: true,
            multipart: true,
            requests_per_second: definition.requests_per_second,
            address_block: definition.address_block,
            clock: EmulatorClock::system(),
        }
    }
}

impl EmulatedVendor {
    pub(crate) fn definition(self) -> &'static VendorDefinition {
        match self {
            Self::Apaleo => &apaleo::DEFINITION,
            Self::Cognito => &cognito::DEFINITION,
            Self::Octorate => &octorate::DEFINITION,
            Self::Ptv => &ptv::DEFINITION,
            Self::Resamania => &resamania::DEFINITION,
        }
    }
}
