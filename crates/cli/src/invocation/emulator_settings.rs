//! What `cgrant emulate` changes about the emulators.

use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use credentials_grant::{ExposeSecret, SecretString};
use credentials_grant_emulator::{EmulatedVendor, Emulator};

use crate::error::CommandError;
use crate::provider::option::FileContent;
use crate::settings::content;

/// The settings of the emulators; what is not set is as at the vendor.
pub(crate) struct EmulatorSettings {
    client: Option<(String, SecretString)>,
    gateway: Gateway,
    scopes: Option<Vec<String>>,
    client_secret_post: bool,
}

/// The gateway in front of Resamania.
enum Gateway {
    Default,
    Key(SecretString),
    None,
}

impl EmulatorSettings {
    /// Reads the flags, and the files that they name. A flag that concerns one vendor is refused if others were named.
    pub(super) fn read(matches: &ArgMatches, vendors: &[EmulatedVendor]) -> Result<Self, CommandError> {
        let for_one = [
            ("client-secret-post", EmulatedVendor::Apaleo),
            ("gateway-key", EmulatedVendor::Resamania),
            ("no-gateway-key", EmulatedVendor::Resamania),
        ];
        for (flag, vendor) in for_one {
            let is_given = matches.value_source(flag).is_some_and(|source| source == ValueSource::CommandLine);
            if is_given && !vendors.contains(&vendor) {
                let flag = if flag == "gateway-key" { "gateway-key-file" } else { flag };
                return Err(CommandError::usage(format!("--{flag} is for {vendor}, which is not among the vendors"))
                    .with_remedy(format!("add {vendor}, or remove --{flag}")));
            }
        }
        let files = ["client-secret", "gateway-key"].map(|id| matches.get_one::<PathBuf>(id));
        if files.iter().flatten().filter(|path| content::is_stdin(path)).count() > 1 {
            return Err(CommandError::usage("--client-secret-file and --gateway-key-file cannot share standard input")
                .with_remedy("use - for one of them and a file for the other"));
        }
        let [secret, key] = files;
        let read = |flag, path: &PathBuf| content::read(flag, path, FileContent::Secret);
        let secret = secret.map(|path| read("--client-secret-file", path)).transpose()?;
        let gateway = match key.map(|path| read("--gateway-key-file", path)).transpose()? {
            Some(key) => Gateway::Key(key),
            None if matches.get_flag("no-gateway-key") => Gateway::None,
            None => Gateway::Default,
        };
        let scopes = matches.get_many::<String>("scope").map(|scopes| scopes.cloned().collect());
        Ok(Self {
            client: matches.get_one::<String>("client-id").cloned().zip(secret),
            gateway,
            scopes: scopes.or_else(|| matches.get_flag("no-scopes").then(Vec::new)),
            client_secret_post: matches.get_flag("client-secret-post"),
        })
    }

    /// Returns the emulator of this vendor.
    pub(crate) fn emulator(&self, vendor: EmulatedVendor) -> Emulator {
        let Self { client, gateway, scopes, client_secret_post } = self;
        let mut emulator = Emulator::new(vendor);
        if let Some((id, secret)) = client {
            emulator = emulator.with_client(id, secret.expose_secret());
        }
        if let Some(scopes) = scopes {
            emulator = emulator.with_scopes(scopes);
        }
        match (vendor, gateway) {
            (EmulatedVendor::Resamania, Gateway::Key(key)) => emulator.with_gateway_key(key.expose_secret()),
            (EmulatedVendor::Resamania, Gateway::None) => emulator.without_gateway_key(),
            (EmulatedVendor::Apaleo, _) if *client_secret_post => emulator.with_client_secret_post(),
            _ => emulator,
        }
    }
}
