//! Texts with variables: `Basic {base64({client-id}:{client-secret})}`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{Error, ErrorKind, ExposeSecret, RequestContext, SecretString};

use crate::declared_settings::{CLIENT_ID, CLIENT_SECRET, REQUEST_ID, is_name};
use crate::problem::printable;
use crate::setting_values::SettingValues;

/// How deep functions may be nested: Sabre needs two.
const MAX_DEPTH: usize = 4;

/// A text of a file, before settings are filled in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Variable(VariableUse),
    Base64(Template),
}

/// A variable in a template.
#[derive(Clone, Debug)]
pub(crate) struct VariableUse {
    pub(crate) name: String,
    /// Written as `{name?}`, which makes a segment of a URL optional.
    pub(crate) is_optional: bool,
}

impl Template {
    /// Parses a template. The error is a message and a remedy, separated by `; `.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        parse_pieces(&mut rest, 0).map(Self)
    }

    /// Returns every variable, including those inside functions.
    pub(crate) fn variables(&self) -> Vec<&VariableUse> {
        let of = |piece| match piece {
            &Piece::Text(_) => Vec::new(),
            Piece::Variable(variable) => vec![variable],
            Piece::Base64(inner) => inner.variables(),
        };
        self.0.iter().flat_map(of).collect()
    }

    /// Returns `true` if there are no variables.
    pub(crate) fn is_constant(&self) -> bool {
        self.variables().is_empty()
    }

    pub(crate) fn has_functions(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Base64(_)))
    }

    /// Returns the name of the variable, if the template is one variable and nothing else.
    pub(crate) fn single_variable(&self) -> Option<&str> {
        match &self.0[..] {
            [Piece::Variable(variable)] => Some(&variable.name),
            _ => None,
        }
    }

    /// Fills in the settings. Returns `None` if an optional one is not set.
    pub(crate) fn resolve(&self, values: &SettingValues<'_>) -> Result<Option<ResolvedTemplate>, Error> {
        let mut resolved = Vec::new();
        for piece in &self.0 {
            let piece = match piece {
                Piece::Text(text) => Some(ResolvedPiece::Text(text.clone())),
                Piece::Variable(variable) => resolve_variable(&variable.name, values)?,
                Piece::Base64(inner) => inner.resolve(values)?.map(ResolvedPiece::Base64),
            };
            match piece {
                Some(piece) => resolved.push(piece),
                None => return Ok(None),
            }
        }
        Ok(Some(ResolvedTemplate(resolved)))
    }
}

fn resolve_variable(name: &str, values: &SettingValues<'_>) -> Result<Option<ResolvedPiece>, Error> {
    match name {
        CLIENT_ID => Ok(Some(ResolvedPiece::ClientId)),
        CLIENT_SECRET => Ok(Some(ResolvedPiece::ClientSecret)),
        REQUEST_ID => Ok(Some(ResolvedPiece::RequestId)),
        _ if values.is_secret(name) => {
            Ok(Some(ResolvedPiece::Secret { name: name.to_owned(), optional: values.is_optional(name) }))
        }
        _ => Ok(values.require(name)?.map(|value| ResolvedPiece::Text(value.to_owned()))),
    }
}

/// A template with the settings filled in, which lacks only what each request brings: credentials and the request id.
///
/// It holds no secret. It has no `Debug`, because a setting may be personal data such as an e-mail address.
#[derive(Clone, Hash)]
pub(crate) struct ResolvedTemplate(Vec<ResolvedPiece>);

#[derive(Clone, Hash)]
enum ResolvedPiece {
    Text(String),
    ClientId,
    ClientSecret,
    RequestId,
    Secret { name: String, optional: bool },
    Base64(ResolvedTemplate),
}

/// The text that a template makes for one request.
pub(crate) struct RenderedText {
    pub(crate) text: String,
    pub(crate) is_secret: bool,
    /// Every encoded form of a secret inside the text, for redaction.
    pub(crate) encoded_secrets: Vec<SecretString>,
}

impl ResolvedTemplate {
    /// Creates a text without variables.
    pub(crate) fn constant(text: impl Into<String>) -> Self {
        Self(vec![ResolvedPiece::Text(text.into())])
    }

    /// Returns the text, if it does not depend on the request.
    pub(crate) fn plain(&self) -> Option<String> {
        let text = |piece: &ResolvedPiece| match piece {
            ResolvedPiece::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.0.iter().map(text).collect()
    }

    pub(crate) fn uses_client_secret(&self) -> bool {
        self.0.iter().any(|piece| match piece {
            ResolvedPiece::ClientSecret => true,
            ResolvedPiece::Base64(inner) => inner.uses_client_secret(),
            _ => false,
        })
    }

    /// Renders the text for one request. Returns `None` if the credentials lack an optional secret.
    pub(crate) fn render(&self, context: &RequestContext<'_>) -> Result<Option<RenderedText>, Error> {
        let mut rendered = RenderedText { text: String::new(), is_secret: false, encoded_secrets: Vec::new() };
        let credentials = context.credentials();
        for piece in &self.0 {
            match piece {
                ResolvedPiece::Text(text) => rendered.text += text,
                ResolvedPiece::ClientId => rendered.text += credentials.client_id()?,
                ResolvedPiece::RequestId => rendered.text += &context.request_id(),
                ResolvedPiece::ClientSecret => rendered.push_secret(credentials.client_secret()?),
                ResolvedPiece::Secret { name, optional } => match credentials.secret(name) {
                    Some(secret) => rendered.push_secret(secret),
                    None if *optional => return Ok(None),
                    None => return Err(missing_secret(name)),
                },
                ResolvedPiece::Base64(inner) => match inner.render(context)? {
                    Some(inner) => rendered.push_base64(inner),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(rendered))
    }
}

impl RenderedText {
    fn push_secret(&mut self, secret: &SecretString) {
        self.text += secret.expose_secret();
        self.is_secret = true;
    }

    fn push_base64(&mut self, inner: Self) {
        let encoded = BASE64_STANDARD.encode(inner.text);
        self.text += &encoded;
        if inner.is_secret {
            self.is_secret = true;
            self.encoded_secrets.extend(inner.encoded_secrets);
            self.encoded_secrets.push(encoded.into());
        }
    }
}

/// Returns the error for a secret that the credentials lack.
pub(crate) fn missing_secret(name: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("the credentials lack the secret `{name}`"))
        .with_remedy(format!("add the secret `{name}` to the credentials: `ClientCredentials::with_secret`"))
}

/// Parses pieces up to the end of the text, or to the end of the function that contains them.
fn parse_pieces(rest: &mut &str, depth: usize) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    loop {
        let next = rest.chars().next();
        if next.is_none() || depth > 0 && rest.starts_with(")}") {
            break;
        }
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            text.extend(next);
            *rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            *rest = after;
            pieces.push(parse_braces(rest, depth)?);
        } else if let Some(c) = next {
            if c == '}' {
                return Err("a closing brace has no opening brace; write }} for a literal brace".to_owned());
            }
            text.push(c);
            *rest = &rest[c.len_utf8()..];
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// Parses a variable or a function, after its opening brace.
fn parse_braces(rest: &mut &str, depth: usize) -> Result<Piece, String> {
    let end = rest.find(['}', '(']).ok_or("an opening brace is not closed; write {{ for a literal brace")?;
    let (word, after) = rest.split_at(end);
    *rest = &after[1..];
    if after.starts_with('}') {
        let (name, is_optional) = word.strip_suffix('?').map_or((word, false), |name| (name, true));
        if !is_name(name) {
            return Err(format!(
                "{{{}}} is not a variable; write the name of a setting between the braces",
                printable(word)
            ));
        }
        return Ok(Piece::Variable(VariableUse { name: name.to_owned(), is_optional }));
    }
    if word != "base64" {
        return Err(format!("unknown function `{}`; the only one is base64", printable(word)));
    }
    if depth == MAX_DEPTH {
        return Err(format!("functions are nested more than {MAX_DEPTH} deep; remove some"));
    }
    let inner = parse_pieces(rest, depth + 1)?;
    *rest = rest.strip_prefix(")}").ok_or("a function is not closed; end it with )}")?;
    Ok(Piece::Base64(Template(inner)))
}

#[cfg(test)]
mod tests {
    use credentials_grant::settings::Settings;
    use credentials_grant::{ClientCredentials, TokenParameters};

    use super::*;

    fn rendered(template: &str, credentials: &ClientCredentials) -> RenderedText {
        let (settings, parameters) = (Settings::new(), TokenParameters::new());
        let values = SettingValues::new(&[], &settings);
        let resolved = Template::parse(template).unwrap().resolve(&values).unwrap().unwrap();
        resolved.render(&RequestContext::dry_run(credentials, &parameters)).unwrap().unwrap()
    }

    #[test]
    fn text_variables_and_functions_are_rendered_in_order() {
        let credentials = ClientCredentials::new("V1:user:group:domain", "12345");
        let cases = [
            ("", ""),
            ("constant é", "constant é"),
            ("id={client-id}!", "id=V1:user:group:domain!"),
            ("{request-id}", "00000000-0000-4000-8000-000000000000"),
            ("{{\"a\":{{}}}}", "{\"a\":{}}"),
            ("ID {base64({client-id}:{client-secret})}", "ID VjE6dXNlcjpncm91cDpkb21haW46MTIzNDU="),
            ("(a) {base64((b))}", "(a) KGIp"),
        ];
        for (template, expected) in cases {
            assert_eq!(rendered(template, &credentials).text, expected, "{template}");
        }
    }

    #[test]
    fn base64_can_be_nested_as_sabre_wants_it() {
        // https://developer.sabre.com/guides/airline-carrier/how-to/rest-apis-token-credentials, read 2026-11-26
        let credentials = ClientCredentials::new("V1:userid:group:domain", "12345");
        let sabre = rendered("Basic {base64({base64({client-id})}:{base64({client-secret})})}", &credentials);
        let expected = BASE64_STANDARD.encode("VjE6dXNlcmlkOmdyb3VwOmRvbWFpbg==:MTIzNDU=");
        assert_eq!(sabre.text, format!("Basic {expected}"));
        let encoded: Vec<_> = sabre.encoded_secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(
            encoded,
            ["MTIzNDU=", expected.as_str()],
            "the id is not a secret; what the secret is encoded to is"
        );
    }

    #[test]
    fn a_text_with_a_secret_is_a_secret() {
        let credentials = ClientCredentials::new("id", "secret");
        assert!(!rendered("{client-id} {base64({client-id})}", &credentials).is_secret);
        assert!(rendered("{client-secret}", &credentials).is_secret);
        assert!(rendered("{base64({client-secret})}", &credentials).is_secret);
    }

    #[test]
    fn an_invalid_template_is_refused_with_a_reason() {
        let deep = format!("{}x{}", "{base64(".repeat(5), ")}".repeat(5));
        for (template, words) in [
            ("{", "not closed"),
            ("}", "no opening brace"),
            ("a}b", "no opening brace"),
            ("{}", "not a variable"),
            ("{A}", "not a variable"),
            ("{a b}", "not a variable"),
            ("{shop", "not closed"),
            ("{sha256({a})}", "unknown function `sha256`"),
            ("{base64({a}", "function is not closed"),
            ("{base64({a})", "function is not closed"),
            ("{a\nb}", "{a\\nb} is not a variable"),
            (&deep, "more than 4 deep"),
        ] {
            let why = Template::parse(template).expect_err(template);
            assert!(why.contains(words) && !why.contains('\n'), "{template}: {why}");
        }
        let four = format!("{}x{}", "{base64(".repeat(4), ")}".repeat(4));
        assert!(Template::parse(&four).is_ok());
    }
}
