//! Which vendor an emulator stands in for.

use std::fmt;
use std::str::FromStr;

/// A vendor that can be emulated.
///
/// ```
/// use credentials_grant_emulator::EmulatedVendor;
///
/// let vendor: EmulatedVendor = "apaleo".parse()?;
/// assert_eq!(vendor, EmulatedVendor::Apaleo);
/// # Ok::<(), credentials_grant_emulator::UnknownVendor>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EmulatedVendor {
    /// apaleo, a hotel's property management system.
    Apaleo,
    /// Amazon Cognito in front of a hotel's property management system.
    Cognito,
    /// Octotable by Octorate, restaurant reservations.
    Octorate,
    /// PTV Logistics, formerly Conundra, route planning.
    Ptv,
    /// Resamania, the software of fitness chains.
    Resamania,
}

impl EmulatedVendor {
    /// Every vendor there is, by name.
    pub const ALL: &'static [Self] = &[Self::Apaleo, Self::Cognito, Self::Octorate, Self::Ptv, Self::Resamania];

    /// The vendor's name: what [`FromStr`] reads and [`Display`](fmt::Display) writes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apaleo => "apaleo",
            Self::Cognito => "cognito",
            Self::Octorate => "octorate",
            Self::Ptv => "ptv",
            Self::Resamania => "resamania",
        }
    }
}

impl fmt::Display for EmulatedVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EmulatedVendor {
    type Err = UnknownVendor;

    fn from_str(name: &str) -> Result<Self, UnknownVendor> {
        Self::ALL.iter().copied().find(|vendor| vendor.name() == name).ok_or_else(|| UnknownVendor(name.to_owned()))
    }
}

/// A name that is no vendor's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no vendor is called {0:?}: use one of {names}", names = names())]
pub struct UnknownVendor(String);

fn names() -> String {
    let names: Vec<_> = EmulatedVendor::ALL.iter().map(|vendor| vendor.name()).collect();
    names.join(", ")
}
