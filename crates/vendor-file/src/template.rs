//! Texts with variables in them: `Basic {base64({client-id}:{client-secret})}`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use credentials_grant::{Error, ErrorKind, ExposeSecret, RequestContext, SecretString};

use crate::given::Given;
use crate::names::{CLIENT_ID, CLIENT_SECRET, REQUEST_ID, is_name};
use crate::problem::shown;

/// How deep functions may stand in each other: Sabre needs two.
const DEEPEST: usize = 4;

/// A text as it is written in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Variable(Used),
    Base64(Template),
}

/// A variable as a template has it.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) name: String,
    /// Whether it is written `{name?}`.
    pub(crate) question: bool,
}

impl Template {
    /// Reads a template, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        pieces(&mut rest, 0).map(Self)
    }

    /// Every variable, those within functions included.
    pub(crate) fn variables(&self) -> Vec<&Used> {
        let of = |piece| match piece {
            &Piece::Text(_) => Vec::new(),
            Piece::Variable(used) => vec![used],
            Piece::Base64(inner) => inner.variables(),
        };
        self.0.iter().flat_map(of).collect()
    }

    /// Whether it says the same to everybody.
    pub(crate) fn is_constant(&self) -> bool {
        self.variables().is_empty()
    }

    pub(crate) fn has_functions(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Base64(_)))
    }

    /// The variable that it consists of, if it is one and nothing else.
    pub(crate) fn lone_variable(&self) -> Option<&str> {
        match &self.0[..] {
            [Piece::Variable(used)] => Some(&used.name),
            _ => None,
        }
    }

    /// The template with the settings filled in; nothing where an optional one is not set.
    pub(crate) fn fill(&self, given: &Given<'_>) -> Result<Option<Filled>, Error> {
        let mut filled = Vec::new();
        for piece in &self.0 {
            let piece = match piece {
                Piece::Text(text) => Some(Part::Text(text.clone())),
                Piece::Variable(used) => variable(&used.name, given)?,
                Piece::Base64(inner) => inner.fill(given)?.map(Part::Base64),
            };
            match piece {
                Some(piece) => filled.push(piece),
                None => return Ok(None),
            }
        }
        Ok(Some(Filled(filled)))
    }
}

fn variable(name: &str, given: &Given<'_>) -> Result<Option<Part>, Error> {
    match name {
        CLIENT_ID => Ok(Some(Part::ClientId)),
        CLIENT_SECRET => Ok(Some(Part::ClientSecret)),
        REQUEST_ID => Ok(Some(Part::RequestId)),
        _ if given.is_secret(name) => {
            Ok(Some(Part::Secret { name: name.to_owned(), optional: given.is_optional(name) }))
        }
        _ => Ok(given.require(name)?.map(|value| Part::Text(value.to_owned()))),
    }
}

/// A template that waits for nothing but an attempt. It holds no secret, and is not printed: a setting may be somebody's
/// e-mail address.
#[derive(Clone)]
pub(crate) struct Filled(Vec<Part>);

#[derive(Clone)]
enum Part {
    Text(String),
    ClientId,
    ClientSecret,
    RequestId,
    Secret { name: String, optional: bool },
    Base64(Filled),
}

/// What a template comes to in one attempt.
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) is_secret: bool,
    /// What was made of secrets on the way.
    pub(crate) made: Vec<SecretString>,
}

impl Filled {
    /// A text without variables.
    pub(crate) fn constant(text: impl Into<String>) -> Self {
        Self(vec![Part::Text(text.into())])
    }

    /// The text, if there is nothing to wait for.
    pub(crate) fn plain(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.0.iter().map(text).collect()
    }

    pub(crate) fn uses_client_secret(&self) -> bool {
        self.0.iter().any(|part| match part {
            Part::ClientSecret => true,
            Part::Base64(inner) => inner.uses_client_secret(),
            _ => false,
        })
    }

    /// The text for this attempt; nothing where an optional secret is not among the credentials.
    pub(crate) fn write(&self, context: &RequestContext<'_>) -> Result<Option<Written>, Error> {
        let mut written = Written { text: String::new(), is_secret: false, made: Vec::new() };
        let credentials = context.credentials();
        for part in &self.0 {
            match part {
                Part::Text(text) => written.text += text,
                Part::ClientId => written.text += credentials.client_id()?,
                Part::RequestId => written.text += &context.request_id(),
                Part::ClientSecret => written.push_secret(credentials.client_secret()?),
                Part::Secret { name, optional } => match credentials.secret(name) {
                    Some(secret) => written.push_secret(secret),
                    None if *optional => return Ok(None),
                    None => return Err(missing(name)),
                },
                Part::Base64(inner) => match inner.write(context)? {
                    Some(inner) => written.push_base64(inner),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(written))
    }
}

impl Written {
    fn push_secret(&mut self, secret: &SecretString) {
        self.text += secret.expose_secret();
        self.is_secret = true;
    }

    fn push_base64(&mut self, inner: Self) {
        let encoded = BASE64_STANDARD.encode(inner.text);
        self.text += &encoded;
        if inner.is_secret {
            self.is_secret = true;
            self.made.extend(inner.made);
            self.made.push(encoded.into());
        }
    }
}

/// What is said of a secret that is not among the credentials.
pub(crate) fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("the credentials hold no `{name}`"))
        .with_remedy(format!("add the secret `{name}` to them, as by `ClientCredentials::with_secret`"))
}

/// The pieces up to the end, or up to the end of the function that they stand in.
fn pieces(rest: &mut &str, depth: usize) -> Result<Vec<Piece>, String> {
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
            pieces.push(in_braces(rest, depth)?);
        } else if let Some(c) = next {
            if c == '}' {
                return Err("a closing brace belongs to no variable; write }} for one brace".to_owned());
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

/// A variable or a function, behind its opening brace.
fn in_braces(rest: &mut &str, depth: usize) -> Result<Piece, String> {
    let end = rest.find(['}', '(']).ok_or("a brace is not closed; write {{ for one brace")?;
    let (word, after) = rest.split_at(end);
    *rest = &after[1..];
    if after.starts_with('}') {
        let (name, question) = word.strip_suffix('?').map_or((word, false), |name| (name, true));
        if !is_name(name) {
            return Err(format!("{{{}}} is no variable; write the name of a setting between the braces", shown(word)));
        }
        return Ok(Piece::Variable(Used { name: name.to_owned(), question }));
    }
    if word != "base64" {
        return Err(format!("there is no function `{}`; the one there is is base64", shown(word)));
    }
    if depth == DEEPEST {
        return Err(format!("functions stand in each other more than {DEEPEST} deep; take some out"));
    }
    let inner = pieces(rest, depth + 1)?;
    *rest = rest.strip_prefix(")}").ok_or("a function is not closed; write )} behind it")?;
    Ok(Piece::Base64(Template(inner)))
}

#[cfg(test)]
mod tests {
    use credentials_grant::settings::Settings;
    use credentials_grant::{ClientCredentials, TokenParameters};

    use super::*;

    fn written(template: &str, credentials: &ClientCredentials) -> Written {
        let (settings, parameters) = (Settings::new(), TokenParameters::new());
        let filled = Template::parse(template).unwrap().fill(&Given::new(&[], &settings)).unwrap().unwrap();
        filled.write(&RequestContext::dry_run(credentials, &parameters)).unwrap().unwrap()
    }

    #[test]
    fn text_variables_and_functions_are_written_in_their_order() {
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
            assert_eq!(written(template, &credentials).text, expected, "{template}");
        }
    }

    #[test]
    fn base64_stands_in_base64_as_sabre_wants_it() {
        // https://developer.sabre.com/guides/airline-carrier/how-to/rest-apis-token-credentials, read 2026-11-26
        let credentials = ClientCredentials::new("V1:userid:group:domain", "12345");
        let sabre = written("Basic {base64({base64({client-id})}:{base64({client-secret})})}", &credentials);
        let expected = BASE64_STANDARD.encode("VjE6dXNlcmlkOmdyb3VwOmRvbWFpbg==:MTIzNDU=");
        assert_eq!(sabre.text, format!("Basic {expected}"));
        let made: Vec<_> = sabre.made.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(made, ["MTIzNDU=", expected.as_str()], "the id is no secret, and what is made of the secret is");
    }

    #[test]
    fn what_has_a_secret_in_it_is_one() {
        let credentials = ClientCredentials::new("id", "secret");
        assert!(!written("{client-id} {base64({client-id})}", &credentials).is_secret);
        assert!(written("{client-secret}", &credentials).is_secret);
        assert!(written("{base64({client-secret})}", &credentials).is_secret);
    }

    #[test]
    fn what_is_no_template_is_refused_with_a_reason() {
        let deep = format!("{}x{}", "{base64(".repeat(5), ")}".repeat(5));
        for (template, words) in [
            ("{", "not closed"),
            ("}", "belongs to no variable"),
            ("a}b", "belongs to no variable"),
            ("{}", "no variable"),
            ("{A}", "no variable"),
            ("{a b}", "no variable"),
            ("{shop", "not closed"),
            ("{sha256({a})}", "no function `sha256`"),
            ("{base64({a}", "function is not closed"),
            ("{base64({a})", "function is not closed"),
            ("{a\nb}", "{a\\nb} is no variable"),
            (&deep, "more than 4 deep"),
        ] {
            let why = Template::parse(template).expect_err(template);
            assert!(why.contains(words) && !why.contains('\n'), "{template}: {why}");
        }
        let four = format!("{}x{}", "{base64(".repeat(4), ")}".repeat(4));
        assert!(Template::parse(&four).is_ok());
    }
}
