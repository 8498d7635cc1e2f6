//! Private keys as vendors hand them out, and as they look after they went through variables and forms.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{Error, ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::key::refused;

/// A private key in one of the texts that are read.
pub(super) enum KeyText {
    Pem {
        pem: SecretString,
        /// The key's id, if the text around it states one.
        key_id: Option<String>,
    },
    Jwk(SecretString),
}

/// A service account, or another file of a vendor's with a key in it.
#[derive(Deserialize)]
struct KeyFile<'a> {
    #[serde(alias = "privateKey", alias = "key")]
    private_key: Option<String>,
    #[serde(alias = "privateKeyId", alias = "keyId", alias = "key_id")]
    private_key_id: Option<String>,
    /// The keys of a set (RFC 7517 section 5).
    #[serde(borrow)]
    keys: Option<Vec<&'a RawValue>>,
}

/// The members that only a private or a symmetric key has.
#[derive(Deserialize)]
struct PrivateMembers {
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

/// OpenSSH writes Ed25519 in no other format, and OpenSSL does not read this one.
const OPENSSH_REMEDY: &str = "convert a copy of it, if it is RSA or ECDSA: `ssh-keygen -p -N '' -m PKCS8 -f key`; for \
                              Ed25519, make a new one: `openssl genpkey -algorithm ed25519 -out key.pem`";

/// What text begins with that is no key which can be read, what it is called, and what makes a key of it.
const OTHERS: [(&str, &str, &str); 4] = [
    (
        "PuTTY-User-Key-File",
        "this is a key of PuTTY",
        "convert it, unless it is Ed25519: `puttygen key.ppk -O private-openssh -o key`, then `ssh-keygen -p -N '' -m PKCS8 \
         -f key`",
    ),
    (
        "ssh-",
        "this is a public key of OpenSSH, which cannot sign",
        "use the private key: the file of the same name without `.pub`",
    ),
    ("/", "this looks like a path, and not like a key", "pass what is in the file"),
    ("op://", "this is a reference to a secret, and not the key", "have it replaced by the key: `op read`, `op run`"),
];

impl KeyText {
    /// Finds out what a text is.
    pub(super) fn of(text: &SecretString) -> Result<Self, Error> {
        let whole = text.expose_secret().trim_start_matches('\u{feff}').trim();
        // The quotes of a file of variables.
        let bare = whole.trim_matches(['"', '\'']).trim();
        if let Some((_, what, remedy)) = OTHERS.iter().find(|(start, ..)| bare.starts_with(start)) {
            return Err(refused(what).with_remedy(*remedy));
        }
        if whole.starts_with('{') {
            return Self::of_json(whole);
        }
        if bare.contains("-----BEGIN ") {
            return Ok(Self::Pem { pem: lines(bare), key_id: None });
        }
        // The text in base64, as secrets of Kubernetes and variables of CI are.
        let unwrapped: Zeroizing<String> = Zeroizing::new(bare.split_whitespace().collect());
        let decoded = BASE64_STANDARD.decode(&*unwrapped).map(Zeroizing::new);
        match decoded.as_ref().map(|bytes| std::str::from_utf8(bytes)) {
            Ok(Ok(text)) if text.contains("-----BEGIN ") || text.trim_start().starts_with('{') => {
                Self::of(&text.into())
            }
            Ok(Err(_)) => Err(binary(decoded.as_deref().map_or(&[], Vec::as_slice), "this is base64 of a binary key")),
            _ => Err(refused("there is no private key in the text")),
        }
    }

    fn of_json(json: &str) -> Result<Self, Error> {
        let file: KeyFile<'_> = serde_json::from_str(json).map_err(|_| refused("this is not a JSON Web Key"))?;
        if let Some(pem) = file.private_key.map(Zeroizing::new).filter(|key| key.contains("-----BEGIN ")) {
            return Ok(Self::Pem { pem: lines(&pem), key_id: file.private_key_id });
        }
        let Some(keys) = file.keys else { return Ok(Self::Jwk(json.into())) };
        let is_private = |key: &&RawValue| {
            let members = serde_json::from_str(key.get());
            members.is_ok_and(|PrivateMembers { d, k }| d.is_some() || k.is_some())
        };
        let mut keys = keys.into_iter().filter(is_private);
        match (keys.next(), keys.next()) {
            (Some(key), None) => Ok(Self::Jwk(key.get().into())),
            (None, _) => Err(refused("this is a set of public keys, which cannot sign")),
            _ => Err(refused("this is a set of several private keys").with_remedy("use one of them")),
        }
    }
}

/// Refuses keys in PEM that are of no use as they are, and says what makes one of them that is.
pub(super) fn check_format(pem: &str) -> Result<(), Error> {
    // In PKCS#8, and in the traditional format (RFC 1421 section 4.6.1.1).
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("4,ENCRYPTED") {
        return Err(refused("the private key is encrypted")
            .with_remedy("decrypt it first: `openssl pkey -in key.pem -out plain.pem`"));
    }
    if pem.contains("BEGIN OPENSSH PRIVATE KEY") {
        return Err(refused("this is a key of OpenSSH's own format").with_remedy(OPENSSH_REMEDY));
    }
    Ok(())
}

/// Puts a PEM text on lines again: its line breaks may be written out as `\n`, or be spaces.
fn lines(pem: &str) -> SecretString {
    let unescaped = Zeroizing::new(pem.replace("\\r", "").replace("\\n", "\n"));
    let mut text = Zeroizing::new(String::with_capacity(unescaped.len() + 64));
    // The labels may have spaces, and what is between them has none.
    for (place, part) in unescaped.split("-----").enumerate() {
        match place % 4 {
            // A label, such as `BEGIN PRIVATE KEY`.
            1 | 3 => {
                text.push_str("-----");
                text.push_str(part);
                text.push_str("-----\n");
            }
            2 => part.split_whitespace().for_each(|line| {
                text.push_str(line);
                text.push('\n');
            }),
            // What is before, between and after keys and certificates says nothing.
            _ => {}
        }
    }
    text.as_str().into()
}

/// Says what kind of binary file a key is in.
pub(super) fn binary(bytes: &[u8], what: &'static str) -> Error {
    // PKCS #12 begins with a sequence and the version 3 (RFC 7292 section 4); keys begin with the version 0 or 1.
    let is_pkcs12 = bytes.windows(3).take(8).any(|window| window == [2, 1, 3]);
    let remedy = if is_pkcs12 {
        "convert the PKCS #12 file: `openssl pkcs12 -in key.p12 -nodes -nocerts -out key.pem`"
    } else {
        "convert it to PEM: `openssl pkey -inform DER -in key.der -out key.pem`"
    };
    refused(what).with_remedy(remedy)
}
