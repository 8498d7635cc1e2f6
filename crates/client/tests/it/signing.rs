//! Keys in memory: what they sign equals what the RFCs sign, and nothing shows them.
//!
//! The keys are those of RFC 7515 appendix A and RFC 8037 appendix A, as JSON Web Keys and as OpenSSL writes them; the
//! one over P-384 and the one that is too short are of no RFC.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use credentials_grant::{ClientCredentials, Error, ErrorKind, ExposeSecret as _, ProofKey, Signer};
use credentials_grant_client::{KeySigner, SigningAlgorithm};
use futures_util::FutureExt as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};

const RSA_JWK: &str = include_str!("keys/rsa.jwk.json");
const P256_JWK: &str = include_str!("keys/p256.jwk.json");
const P521_JWK: &str = include_str!("keys/p521.jwk.json");
/// RFC 8037 appendix A.1.
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 7515 appendix A.1.1.
const HMAC_JWK: &str =
    r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;

const RSA_PKCS8: &str = include_str!("keys/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa-pkcs1.pem");
const P256_PKCS8: &str = include_str!("keys/p256-pkcs8.pem");
const P256_SEC1: &str = include_str!("keys/p256-sec1.pem");
const P384_SEC1: &str = include_str!("keys/p384-sec1.pem");
const P521_PKCS8: &str = include_str!("keys/p521-pkcs8.pem");
const ED25519_PKCS8: &str = include_str!("keys/ed25519-pkcs8.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa-public.pem");
const CERTIFICATE: &str = include_str!("keys/certificate.pem");

/// The payload of RFC 7515 appendix A.1 to A.3, behind a header.
fn input(header: &str) -> String {
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    format!("{header}.{payload}")
}

fn signature(signer: &KeySigner, message: &str) -> Vec<u8> {
    signer.sign(message.as_bytes()).now_or_never().unwrap().unwrap()
}

fn base64url(signature: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(signature)
}

#[test]
fn a_secret_signs_as_rfc_7515_appendix_a1_does() {
    let signer = KeySigner::from_jwk(HMAC_JWK).unwrap();
    let signature = signature(&signer, &input("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"));
    assert_eq!(base64url(&signature), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(signer.algorithm(), "HS256");
}

#[test]
fn an_rsa_key_signs_as_rfc_7515_appendix_a2_does_whatever_it_is_written_in() {
    let signers = [KeySigner::from_jwk(RSA_JWK), KeySigner::from_pem(RSA_PKCS8), KeySigner::from_pem(RSA_PKCS1)];
    for signer in signers.map(Result::unwrap) {
        let signature = signature(&signer, &input("eyJhbGciOiJSUzI1NiJ9"));
        assert_eq!(
            base64url(&signature),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9\
             CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOL\
             n6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtV\
             rBp0igcN_IoypGlUPQGe77Rw"
        );
        assert_eq!(signer.algorithm(), "RS256");
    }
}

#[test]
fn an_ed25519_key_signs_as_rfc_8037_appendix_a4_does() {
    for signer in [KeySigner::from_jwk(ED25519_JWK), KeySigner::from_pem(ED25519_PKCS8)].map(Result::unwrap) {
        let signature = signature(&signer, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
        assert_eq!(
            base64url(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert_eq!(signer.algorithm(), "EdDSA");
    }
}

#[test]
fn every_algorithm_makes_signatures_that_its_public_key_verifies() {
    use SigningAlgorithm::{Ed25519, EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let cases: [(_, _, &dyn VerificationAlgorithm); 14] = [
        (RSA_PKCS8, Rs256, &RSA_PKCS1_2048_8192_SHA256),
        (RSA_PKCS8, Rs384, &RSA_PKCS1_2048_8192_SHA384),
        (RSA_PKCS8, Rs512, &RSA_PKCS1_2048_8192_SHA512),
        (RSA_PKCS8, Ps256, &RSA_PSS_2048_8192_SHA256),
        (RSA_PKCS8, Ps384, &RSA_PSS_2048_8192_SHA384),
        (RSA_PKCS8, Ps512, &RSA_PSS_2048_8192_SHA512),
        (P256_PKCS8, Es256, &ECDSA_P256_SHA256_FIXED),
        (P256_SEC1, Es256, &ECDSA_P256_SHA256_FIXED),
        (P256_JWK, Es256, &ECDSA_P256_SHA256_FIXED),
        (P384_SEC1, Es384, &ECDSA_P384_SHA384_FIXED),
        (P521_PKCS8, Es512, &ECDSA_P521_SHA512_FIXED),
        (P521_JWK, Es512, &ECDSA_P521_SHA512_FIXED),
        (ED25519_PKCS8, EdDsa, &ED25519),
        (ED25519_PKCS8, Ed25519, &ED25519),
    ];
    for (key, algorithm, verification) in cases {
        let signer = if key.starts_with('{') { KeySigner::from_jwk(key) } else { KeySigner::from_pem(key) };
        let signer = signer.unwrap().with_algorithm(algorithm).unwrap();
        assert_eq!(signer.algorithm(), algorithm.name());
        let signature = signature(&signer, "message");
        let public_key = public_key(key);
        let verified = |message: &[u8]| UnparsedPublicKey::new(verification, &public_key).verify(message, &signature);
        assert!(verified(b"message").is_ok() && verified(b"another").is_err(), "{algorithm}");
    }
}

/// The public half, found apart from what is tested.
fn public_key(key: &str) -> Vec<u8> {
    use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    if let Ok(jwk) = serde_json::from_str::<serde_json::Value>(key) {
        let coordinate = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        return [vec![4], coordinate("x"), coordinate("y")].concat();
    }
    if key == RSA_PKCS8 {
        return SubjectPublicKeyInfoDer::from_pem_slice(RSA_PUBLIC.as_bytes()).unwrap().to_vec();
    }
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_der()) {
        return key.public_key().as_ref().to_vec();
    }
    let curves = [
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        &aws_lc_rs::signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    ];
    let pair = curves.into_iter().find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der.secret_der()).ok());
    pair.unwrap().public_key().as_ref().to_vec()
}

#[test]
fn a_secret_signs_by_the_length_that_is_asked_for() {
    use SigningAlgorithm::{Hs256, Hs384, Hs512};
    for (algorithm, length) in [(Hs256, 32), (Hs384, 48), (Hs512, 64)] {
        let signer = KeySigner::from_secret("a secret").unwrap().with_algorithm(algorithm).unwrap();
        assert_eq!((signature(&signer, "message").len(), signer.algorithm()), (length, algorithm.name()));
    }
}

#[test]
fn a_key_names_itself_as_its_jwk_and_its_certificate_do() {
    let jwk = ED25519_JWK.replacen('{', r#"{"kid":"2026-11","alg":"Ed25519","x5t#S256":"thumb","use":"sig","#, 1);
    let signer = KeySigner::from_jwk(jwk).unwrap();
    assert_eq!(signer.algorithm(), "Ed25519");
    assert_eq!((signer.key_id(), signer.certificate_thumbprint()), (Some("2026-11"), Some("thumb")));

    // `openssl x509 -outform der | openssl dgst -sha256 -binary`, in base64url
    let signer = KeySigner::from_pem(RSA_PKCS8).unwrap().with_certificate(CERTIFICATE).unwrap().with_key_id("a");
    assert_eq!(signer.certificate_thumbprint(), Some("n9VlQuecRnJh_aXkfS6BXtnWcOT3pV8mtJkjO50EAtw"));
    assert_eq!(signer.key_id(), Some("a"));
    let error = KeySigner::from_pem(RSA_PKCS8).unwrap().with_certificate(RSA_PUBLIC).unwrap_err();
    assert!(error.message().contains("no certificate"), "{error}");
}

#[test]
fn a_key_that_cannot_sign_is_refused_for_what_it_is() {
    let pem = |text: &str| KeySigner::from_pem(text);
    let jwk = |text: &str| KeySigner::from_jwk(text);
    let without = |json: &str, member: &str| {
        let mut jwk: serde_json::Value = serde_json::from_str(json).unwrap();
        jwk.as_object_mut().unwrap().remove(member);
        jwk.to_string()
    };
    let cases = [
        (pem(RSA_PUBLIC), "public key"),
        (pem(CERTIFICATE), "certificate"),
        (pem(include_str!("keys/rsa-encrypted.pem")), "encrypted"),
        (
            pem(
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,7C\n\nMII=\n-----END RSA PRIVATE KEY-----\n",
            ),
            "encrypted",
        ),
        (
            pem("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n"),
            "OpenSSH's own format",
        ),
        (pem(include_str!("keys/rsa-1024.pem")), "kind of private key is not supported"),
        (pem(""), "no private key"),
        (pem(RSA_JWK), "no private key"),
        (pem(&RSA_PKCS8.replace("-----END", "-----")), "malformed"),
        (pem(&P256_SEC1.replace("EC PRIVATE", "RSA PRIVATE")), "kind of private key is not supported"),
        (jwk(RSA_PKCS8), "is not a JSON Web Key"),
        (jwk(r#"{"kty":"RSA","kid":1}"#), "is not a JSON Web Key"),
        (jwk(&without(RSA_JWK, "d")), "public key"),
        (jwk(&without(RSA_JWK, "qi")), "`qi` is missing"),
        (jwk(&without(P256_JWK, "d")), "public key"),
        (jwk(&without(P256_JWK, "y")), "`y` is missing"),
        (jwk(&P256_JWK.replace("P-256", "secp256k1")), "curve"),
        (jwk(&P256_JWK.replace("f83OJ3D2", "f83OJ3D3")), "do not make a valid key"),
        (jwk(&ED25519_JWK.replace("11qYAYKx", "11qYAYKy")), "do not make a valid key"),
        (jwk(&ED25519_JWK.replace("nWGx", "nW+x")), "`d` is not base64url"),
        (jwk(&ED25519_JWK.replace("Ed25519", "X25519")), "type that is not supported"),
        (jwk(r#"{"kty":"oct","k":""}"#), "empty"),
        (jwk(&HMAC_JWK.replacen('{', r#"{"alg":"RS256","#, 1)), "cannot sign by RS256"),
        (jwk(&HMAC_JWK.replacen('{', r#"{"alg":"A128KW","#, 1)), "\"A128KW\""),
        (KeySigner::from_secret(""), "empty"),
        (pem(P256_SEC1).and_then(|signer| signer.with_algorithm(SigningAlgorithm::Es384)), "cannot sign by ES384"),
        (pem(RSA_PKCS8).and_then(|signer| signer.with_algorithm(SigningAlgorithm::Hs256)), "cannot sign by HS256"),
    ];
    for (outcome, why) in cases {
        let error = outcome.expect_err(why);
        assert!(error.message().contains(why) && error.remedy().is_some(), "{why}: {error}");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert_silent(&error);
    }
}

/// No part of a key stands in what is shown of an error.
fn assert_silent(error: &Error) {
    let shown = format!("{error} {error:?}");
    let parts = ["nWGx", "nW+x", "MII", "MHc", "MC4", "AyM1", "Eq5x", "jpsQ"];
    assert!(!parts.iter().any(|part| shown.contains(part)), "{shown}");
}

#[test]
fn a_signer_shows_its_name_and_not_its_key() {
    for signer in [KeySigner::from_jwk(RSA_JWK), KeySigner::from_pem(ED25519_PKCS8), KeySigner::from_secret("canary")] {
        let shown = format!("{:?}", signer.unwrap().with_key_id("2026-11"));
        let parts = shown.strip_prefix("KeySigner { algorithm: ").unwrap();
        assert!(parts.ends_with(", key_id: Some(\"2026-11\"), certificate_thumbprint: None, .. }"), "{shown}");
        assert!(!parts.contains("canary"), "{shown}");
    }
}

#[test]
fn credentials_with_another_key_are_other_credentials() {
    let with = |key: &str| {
        ClientCredentials::without_secret("id").with_signer(KeySigner::from_pem(key).unwrap().with_key_id("same"))
    };
    assert_eq!(with(RSA_PKCS8), with(RSA_PKCS1), "the same key, read twice");
    assert_ne!(with(P256_SEC1), with(ED25519_PKCS8));
    let secret =
        |secret: &str| ClientCredentials::without_secret("id").with_signer(KeySigner::from_secret(secret).unwrap());
    assert_eq!(secret("a"), secret("a"));
    assert_ne!(secret("a"), secret("b"));
}

#[test]
fn a_key_says_what_its_public_half_is_and_a_secret_has_none() {
    let public =
        |signer: KeySigner| signer.public_key().map(|jwk| serde_json::from_str::<serde_json::Value>(jwk).unwrap());
    let expected = |private: &str, members: &[&str]| {
        let mut jwk: serde_json::Map<_, _> = serde_json::from_str(private).unwrap();
        jwk.retain(|name, _| members.contains(&name.as_str()));
        Some(serde_json::Value::Object(jwk))
    };
    assert_eq!(public(KeySigner::from_pem(RSA_PKCS1).unwrap()), expected(RSA_JWK, &["kty", "n", "e"]));
    assert_eq!(public(KeySigner::from_pem(P256_SEC1).unwrap()), expected(P256_JWK, &["kty", "crv", "x", "y"]));
    assert_eq!(public(KeySigner::from_pem(P521_PKCS8).unwrap()), expected(P521_JWK, &["kty", "crv", "x", "y"]));
    assert_eq!(public(KeySigner::from_pem(ED25519_PKCS8).unwrap()), expected(ED25519_JWK, &["kty", "crv", "x"]));
    assert_eq!(public(KeySigner::from_jwk(HMAC_JWK).unwrap()), None);
}

#[test]
fn tokens_are_bound_to_keys_of_every_kind_but_to_no_secret() {
    for jwk in [RSA_JWK, P256_JWK, P521_JWK, ED25519_JWK] {
        ProofKey::new(KeySigner::from_jwk(jwk).unwrap()).unwrap();
    }
    let error = ProofKey::new(KeySigner::from_jwk(HMAC_JWK).unwrap()).unwrap_err();
    assert!(error.message().contains("has no public key"), "{error}");
}

#[test]
fn a_generated_key_is_a_new_one_that_signs_by_es256() {
    let (one, other) = (KeySigner::generate().unwrap(), KeySigner::generate().unwrap());
    assert_eq!(one.algorithm(), "ES256");
    assert_eq!(signature(&one, "message").len(), 64);
    assert_ne!(one.public_key(), other.public_key());
    assert_ne!(ProofKey::new(one).unwrap(), ProofKey::new(other).unwrap());
}

#[test]
fn every_process_with_a_key_derives_the_same_store_secret_and_no_other_key_does() {
    let secret = |signer: KeySigner| signer.store_secret().unwrap().expose_secret().to_owned();
    let pem = |pem: &str| secret(KeySigner::from_pem(pem).unwrap());
    let jwk = |jwk: &str| secret(KeySigner::from_jwk(jwk).unwrap());
    let kinds = [
        vec![pem(RSA_PKCS8), pem(RSA_PKCS1), jwk(RSA_JWK)],
        vec![pem(P256_PKCS8), pem(P256_SEC1), jwk(P256_JWK)],
        vec![pem(P384_SEC1)],
        vec![jwk(P521_JWK), pem(include_str!("keys/p521-pkcs8.pem"))],
        vec![jwk(ED25519_JWK), pem(include_str!("keys/ed25519-pkcs8.pem"))],
        vec![jwk(HMAC_JWK)],
    ];
    for (place, forms) in kinds.iter().enumerate() {
        assert!(forms.iter().all(|form| *form == forms[0]), "the forms of kind {place}");
        assert!(kinds.iter().skip(place + 1).flatten().all(|other| *other != forms[0]), "kind {place}");
    }
    // It does not depend on how the key is used, and nothing is signed with it.
    let other_algorithm = KeySigner::from_pem(RSA_PKCS8).unwrap().with_algorithm(SigningAlgorithm::Ps256).unwrap();
    assert_eq!(secret(other_algorithm.with_key_id("1")), kinds[0][0]);
}

#[test]
fn keys_are_read_as_vendors_hand_them_out_and_as_variables_and_forms_leave_them() {
    let base64 = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
    let wrapped = |text: &str| {
        let text = base64(text);
        text.as_bytes().chunks(60).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
    };
    let public = |text: &str| {
        let signer = KeySigner::from_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (signer.public_key().unwrap().to_owned(), signer.key_id().map(str::to_owned))
    };
    for pem in [RSA_PKCS8, RSA_PKCS1, P256_PKCS8, P256_SEC1, P384_SEC1] {
        let expected = (KeySigner::from_pem(pem).unwrap().public_key().unwrap().to_owned(), None);
        let crlf = pem.replace('\n', "\r\n");
        for form in [
            pem.to_owned(),
            pem.trim().to_owned(),
            format!("\u{feff}{pem}"),
            crlf.clone(),
            // Line breaks written out, in quotes, or turned into spaces.
            pem.replace('\n', "\\n"),
            crlf.replace('\r', "\\r").replace('\n', "\\n"),
            format!("\"{}\"", pem.trim().replace('\n', "\\n")),
            format!("'{pem}'"),
            pem.replace('\n', " "),
            pem.replace('\n', "   "),
            pem.lines().collect::<String>(),
            // Indented, as in YAML.
            pem.lines().collect::<Vec<_>>().join("\n    "),
            // Beside a certificate, and text of the program that wrote it.
            format!("{CERTIFICATE}\n{pem}"),
            format!("Bag Attributes\n    friendlyName: my key\n{pem}"),
            base64(pem),
            wrapped(pem),
            format!("{}\n", base64(&pem.replace('\n', "\\n"))),
        ] {
            assert_eq!(public(&form), expected, "{form}");
        }
        let account = serde_json::json!({"type": "service_account", "private_key_id": "7f3", "private_key": pem});
        let other = serde_json::json!({"type": "serviceaccount", "keyId": "7f3", "key": pem, "userId": "1"});
        for json in [account.to_string(), other.to_string(), base64(&account.to_string())] {
            assert_eq!(public(&json), (expected.0.clone(), Some("7f3".to_owned())));
        }
    }
    for jwk in [RSA_JWK, P256_JWK, P521_JWK, ED25519_JWK] {
        let signer = KeySigner::from_jwk(jwk).unwrap();
        let public_half = signer.public_key().unwrap();
        let expected = (public_half.to_owned(), signer.key_id().map(str::to_owned));
        let set = format!(r#"{{"keys": [{public_half}, {jwk}]}}"#);
        for form in [jwk.to_owned(), set.clone(), base64(jwk), wrapped(&set)] {
            assert_eq!(public(&form), expected, "{form}");
        }
    }
}

#[test]
fn what_is_no_key_that_can_be_read_is_called_what_it_is_with_the_command_that_makes_a_key_of_it() {
    let encrypted = include_str!("keys/rsa-encrypted.pem");
    let traditional = RSA_PKCS1.replace(
        "-----\nMII",
        "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,7C3D2A1B7C3D2A1B7C3D2A1B7C3D2A1B\n\nMII",
    );
    let public_set = r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#;
    let two = format!(r#"{{"keys":[{P256_JWK},{P521_JWK}]}}"#);
    for (text, what, remedy) in [
        (encrypted, "encrypted", "openssl pkey -in"),
        (&encrypted.replace('\n', "\\n"), "encrypted", "openssl pkey -in"),
        (&traditional, "encrypted", "openssl pkey -in"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n",
            "OpenSSH's own format",
            "if it is RSA or ECDSA: `ssh-keygen -p -N '' -m PKCS8 -f key`; for Ed25519, make a new one",
        ),
        ("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n", "a key of PuTTY", "puttygen"),
        ("ssh-rsa AAAAB3NzaC1yc2E= me@here", "public key of OpenSSH", "without `.pub`"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here", "public key of OpenSSH", "without `.pub`"),
        ("/run/secrets/key.pem", "looks like a path", "what is in the file"),
        ("op://vault/item/key", "a reference to a secret", "op read"),
        (public_set, "a set of public keys", "private key"),
        (&two, "a set of several private keys", "use one of them"),
        (r#"{"type":"service_account"}"#, "not a JSON Web Key", "private key"),
        ("hunter2", "no private key", "private key"),
        ("", "no private key", "private key"),
        (RSA_PUBLIC, "public key", "private key"),
        (CERTIFICATE, "certificate", "private key"),
    ] {
        let error = KeySigner::from_text(text).unwrap_err();
        assert!(error.message().contains(what), "{text}: {error}");
        assert!(error.remedy().is_some_and(|words| words.contains(remedy)), "{text}: {error}");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_silent(&error);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let der = PrivateKeyDer::from_pem_slice(RSA_PKCS8.as_bytes()).unwrap();
    // What a PKCS #12 file begins with (RFC 7292 section 4).
    let pkcs12 = [&[0x30, 0x82, 0x09, 0x5f, 2, 1, 3, 0x30, 0x82, 0x09, 0x25][..], &[0x81; 40]].concat();
    for (bytes, command) in [(der.secret_der(), "openssl pkey -inform DER"), (&pkcs12, "openssl pkcs12 -in")] {
        let as_base64 = base64::prelude::BASE64_STANDARD.encode(bytes);
        for error in [KeySigner::from_bytes(bytes).unwrap_err(), KeySigner::from_text(as_base64).unwrap_err()] {
            assert!(error.message().contains("binary"), "{error}");
            assert!(error.remedy().unwrap().contains(command), "{error}");
            assert_silent(&error);
        }
    }
}
