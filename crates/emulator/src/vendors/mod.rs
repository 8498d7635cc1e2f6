//! The vendors: each file defines one, from the vendor's documents.

mod apaleo;
mod cognito;
mod octorate;
mod ptv;
mod resamania;

use crate::vendor::EmulatedVendor;
use crate::vendor_definition::VendorDefinition;

/// Returns the definition of `vendor`.
pub(crate) fn definition(vendor: EmulatedVendor) -> &'static VendorDefinition {
    match vendor {
        EmulatedVendor::Apaleo => &apaleo::DEFINITION,
        EmulatedVendor::Cognito => &cognito::DEFINITION,
        EmulatedVendor::Octorate => &octorate::DEFINITION,
        EmulatedVendor::Ptv => &ptv::DEFINITION,
        EmulatedVendor::Resamania => &resamania::DEFINITION,
    }
}
