//! Files that are refused, and the text of each error.

use credentials_grant_vendor_file::VendorFile;

use crate::changed_file::{assert_accepted, assert_refused, file, refused};

#[test]
fn settings_are_declared_completely_and_used() {
    let more = |text: &str| file(&[("# settings", text)]);
    let says = |text: &str, words: &str| {
        let error = refused(&more(text)).to_string();
        assert!(error.contains(words), "{error}");
    };
    says(
        "[settings.idle]\nhelp = \"x\"",
        "the setting `idle` is not used; write {idle} where its value goes, or remove",
    );
    says("[settings.Api_Host]\nhelp = \"x\"", "`Api_Host` is not a valid name of a setting; use lower-case letters");
    says("[settings.\"a\\nb\"]\nhelp = \"x\"", "`a\\nb` is not a valid name of a setting");
    says("[settings.client-id]\nhelp = \"x\"", "`client-id` is a built-in variable");
    says(
        "[settings.token-url]\nhelp = \"x\"\ndefault = \"x\"",
        "every provider has the setting `token-url`; give it a help and nothing else",
    );
    says("[settings.token-url]\nhelp = \"x\"", "the setting `token-url` is not used");
    says("[settings.app-secret]\nhelp = \"x\"", "`app-secret` looks like a secret and is not declared as one; add");
    says(
        "[settings.x]\nhelp = \"x\"\nsecret = true\ndefault = \"y\"",
        "`x` is a secret, and a file must not hold secrets; remove its",
    );
    says(
        "[settings.x]\nhelp = \"x\"\nsecret = true\nvalues = [\"y\"]",
        "`x` is a secret, and a file must not hold secrets",
    );
    says("[settings.x]\nhelp = \"x\"\noptional = true\ndefault = \"y\"", "`x` is optional and has a default; remove");
    says(
        "[settings.x]\nhelp = \"x\"\nvalues = [\"a\"]\ndefault = \"b\"",
        "the default of `x` is not one of its values; use",
    );
    says(
        "[settings.x]\nhelp = \"x\"\nvalues = [\"a\", \" b\"]",
        "a value is empty, or has line breaks, control characters or spaces around it",
    );
    says("[settings.x]\nhelp = \"x\"\ndefault = \"\"", "a value is empty");
}

#[test]
fn a_variable_is_a_setting_and_allowed_where_it_is() {
    let all = "shop, server, tenant, gateway-key";
    assert_refused(&[("{tenant}", "{tenent}")], &format!("{{tenent}} is not a setting; use {all}"));
    assert_refused(
        &[("{tenant}", "{tenant?}")],
        "{tenant} has a ?, which is for URLs; remove the ?: a text without a value for its setting is left out",
    );
    assert_refused(&[("{tenant}", "{sha256({tenant})}")], "unknown function `sha256`; the only one is base64");
    assert_refused(&[("{tenant}", "{tenant")], "an opening brace is not closed; write {{ for a literal brace");
    assert_refused(&[("{tenant}", "{token-host}")], "{token-host} is allowed only in `hosts`, alone; use it there");
    assert_refused(
        &[("{shop}", "{client-secret}")],
        "{client-secret} is not allowed here; use it in parameters and headers",
    );
    assert_refused(
        &[("{shop}", "{gateway-key}")],
        "{gateway-key} is a secret and would be visible here; put it into a parameter or a header",
    );
    assert_refused(
        &[("{shop}", "{base64({shop})}")],
        "functions are not allowed here; use them in parameters and headers",
    );
    assert_refused(
        &[("{shop}", "{shop?}")],
        "{shop} is always set; remove the ?, or add `optional = true` to the setting",
    );
    let guard =
        "{tenant} may not be set; write { when = { tenant = \"*\" }, use = … }, or {tenant?} for a path segment";
    assert_refused(&[("/token\"", "/{tenant}/token\"")], guard);
    assert_accepted(&[("/token\"", "/{tenant?}/token\"")]);
    assert_refused(
        &[("# policy", "hosts = [\"{gateway-key}.acme.example\"]")],
        "{gateway-key} is a secret and would be visible here; put it into a parameter or a header",
    );
    let extra_header = |value: &str| format!("presentation.extra-headers.X-Key = \"{value}\"");
    let beside = extra_header("Key {gateway-key}");
    assert_refused(
        &[("# policy", &beside)],
        "{gateway-key} is a secret with text beside it; write \"{gateway-key}\" alone",
    );
    let id = extra_header("id {client-id}");
    assert_refused(&[("# policy", &id)], "{client-id} is not allowed here; use it in parameters and headers");
    assert_accepted(&[("# policy", &extra_header("{client-id}"))]);
    assert_accepted(&[("# policy", &extra_header("{gateway-key}"))]);
}

#[test]
fn alternatives_depend_on_settings_and_the_last_one_always_applies() {
    let url = |alternatives: &str| {
        let url = format!("url = [{alternatives}]");
        file(&[("url = \"https://{shop}.{server}.acme.example/token\"", &url)])
    };
    let says = |alternatives: &str, words: &str| {
        let error = refused(&url(alternatives)).to_string();
        assert!(error.contains(words), "{error}");
    };
    let usual = "\"https://{shop}.{server}.acme.example/\"";
    says("", "for some settings no alternative applies; end the list with a text that has no `when`");
    says(&format!("{{ when = {{ server = \"test\" }}, use = {usual} }}"), "for some settings no alternative applies");
    says(&format!("{usual}, {usual}"), "this alternative is never used: the one before it always applies");
    says(
        &format!("{{ when = {{ sever = \"test\" }}, use = {usual} }}, {usual}"),
        "`sever` is not a setting; use shop, server",
    );
    says(
        &format!("{{ when = {{ server = \"tset\" }}, use = {usual} }}, {usual}"),
        "`server` never has this value; use one of live, test",
    );
    says(
        &format!("{{ when = {{ gateway-key = \"*\" }}, use = {usual} }}, {usual}"),
        "`gateway-key` is a secret, which a condition must not depend on",
    );
    let good = format!(
        "{{ when = {{ server = \"t*\", tenant = \"*\" }}, use = \"https://{{shop}}.a.example/{{tenant}}\" }}, {usual}"
    );
    assert!(VendorFile::parse(&url(&good)).is_ok());
    assert_accepted(&[(
        "parameters.tenant = \"{tenant}\"",
        "parameters.tenant = [{ when = { server = \"test\" }, use = \"{tenant}\" }]",
    )]);
}

#[test]
fn a_url_is_one_that_a_secret_may_be_sent_to() {
    let url = |text: &str| file(&[("https://{shop}.{server}.acme.example/token", text)]);
    let says = |text: &str, words: &str| {
        let error = refused(&url(text)).to_string();
        assert!(error.contains(words) && !error.contains("canary"), "{error}");
    };
    let scheme = "a secret cannot be sent to this URL";
    says("http://{shop}.{server}.example/", scheme);
    says("ftp://{shop}.{server}.example/", scheme);
    says("{shop}{server}", "a base URL must be followed by a slash");
    says("{shop}.evil.example/{server}", "a base URL must be followed by a slash");
    says("https://user:canary@{shop}.{server}.example/", scheme);
    says("https://{shop}.{server}.example/#canary", scheme);
    says("https://{shop} {server}/", scheme);
    says("https://{shop}{server}-/", scheme);
    says("https://{shop}.{server},.example/", scheme);
    says("https://{shop}.{server}.example/?client_secret=canary", "this URL looks like it has a secret");
    says("https://{shop}.{server}.example/?a=b&X-Api-Key=canary", "this URL looks like it has a secret");
    says("https://{shop}.{server}.example/{{x}}", "a URL cannot have literal braces");
    says("{shop}/{token-url}/{server}", "{token-url} is not a setting");
    assert!(VendorFile::parse(&url("https://{shop}.{server}.example/?grant_type=client_credentials")).is_ok());
    let bad_default = [("values = [\"live\", \"test\"]\n", ""), ("\"live\"", "\"not a host\"")];
    assert!(refused(&file(&bad_default)).to_string().contains(scheme), "a default is tried out");
    assert!(VendorFile::parse(&url("{shop}/v2/{server}/token")).is_ok(), "a base URL");
    assert!(VendorFile::parse(&url("https://{shop}/{server}/token")).is_ok(), "a whole host");
    assert!(VendorFile::parse(&url("http://localhost:8080/{shop}/{server}")).is_ok(), "loopback");

    let declared = [
        ("# settings", "[settings.token-url]\nhelp = \"the token URL\""),
        ("acme.example/token", "acme.example/{token-url}"),
    ];
    assert_refused(&declared, "{token-url} is a whole URL; write url = \"{token-url}\" and nothing else");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let secret = |at: &str, line: &str| {
        let error = refused(&file(&[(at, line)])).to_string();
        assert!(error.contains("a file must not hold secrets") && !error.contains("canary"), "{error}");
        assert!(error.contains("line "), "{error}");
    };
    secret("# request", "parameters.client_secret = \"canary\"");
    secret("# request", "parameters.apiKey = \"canary\"");
    secret("# request", "headers.Authorization = \"Basic canary\"");
    secret("# request", "headers.Ocp-Apim-Subscription-Key = [{ when = { server = \"test\" }, use = \"canary\" }]");
    secret("# request", "parameters.x = \"-----BEGIN PRIVATE KEY----- canary {client-id}\"");
    secret("# request", "headers.x = \"eyJhbGciOiJub25lIn0.canary.canary\"");
    secret("# policy", "presentation.extra-headers.x-api-key = \"canary\"");
    assert_accepted(&[("# request", "parameters.token_format = \"jwt\"")]);
}

#[test]
fn a_duplicate_is_refused() {
    let duplicate = |name: &str| {
        format!(
            "another key of [request] writes `{name}` as well; remove one of them, or set the other to \"none\" or \"custom\""
        )
    };
    let cases = [
        ("client_id", "parameters.client_id = \"{client-id}\""),
        ("grant_type", "parameters.grant_type = \"x\""),
        ("grant_type", "grant-type = \"x\"\nparameters.grant_type = \"x\""),
        ("scope", "parameters.scope = \"open-api\""),
        ("scopes", "scope-parameter = \"scopes\"\nparameters.scopes = \"open-api\""),
        ("audience", "audience = \"optional\"\nparameters.audience = \"x\""),
        ("resource", "resource = \"required\"\nparameters.resource = \"x\""),
        ("authorization_details", "authorization-details = \"optional\"\nparameters.authorization_details = \"x\""),
    ];
    for (name, lines) in cases {
        assert_refused(&[("# request", lines)], &duplicate(name));
    }
    assert_accepted(&[("# request", "scope = \"none\"\nparameters.scope = \"open-api\"")]);
    assert_accepted(&[("# request", "grant-type = \"none\"\nparameters.grant_type = \"x\"")]);
    for method in ["none", "mtls", "private-key-jwt"] {
        let changes = [
            ("\"client_secret_post\"", &*format!("{method:?}")),
            ("# request", "parameters.client_id = \"{client-id}\""),
        ];
        assert_refused(&changes, &duplicate("client_id"));
    }
    let basic = [("\"client_secret_post\"", "\"basic-raw\""), ("# request", "headers.authorization = \"{client-id}\"")];
    assert_refused(&basic, &duplicate("authorization"));
    let header = "the header `x-gateway-key` is written twice; write it once: header names ignore case";
    assert_refused(&[("# request", "headers.x-gateway-key = \"{client-id}\"")], header);
    assert_refused(
        &[("# policy", "presentation.extra-headers.AUTHORIZATION = \"{client-id}\"")],
        "the header `AUTHORIZATION` is written twice; write it once: header names ignore case",
    );
}

#[test]
fn a_contradiction_in_the_request_is_refused() {
    assert_refused(
        &[("# request", "method = \"GET\"\nencoding = \"json\"")],
        "a GET has no body; remove `encoding`: the parameters go into the query",
    );
    assert_refused(
        &[("# request", "encoding = \"json\"\nauthorization-details = \"required\"")],
        "authorization details cannot be sent as JSON; remove `authorization-details`",
    );
    assert_refused(
        &[("# request", "scope = \"none\"\nscope-separator = \",\"")],
        "this contradicts `scope = \"none\"`; remove one of the two",
    );
    assert_refused(&[("# request", "scope-separator = \"\"")], "this value is empty; write a value, or remove the key");
    assert_refused(
        &[("# request", "assertion-audience = \"x\"")],
        "no assertion is sent that could have an audience; remove it",
    );
    assert_refused(
        &[("\"client_secret_post\"", "\"custom\"")],
        "the request does not identify the client; write {client-id} and {client-secret} where the vendor wants them",
    );
    assert_refused(
        &[("\"client_secret_post\"", "\"digest\"")],
        "this is not a client authentication method; use one of client_secret_basic, client_secret_basic_raw, \
         client_secret_basic_strict, client_secret_post, none, client_secret_jwt, private_key_jwt, tls_client_auth, custom",
    );
    assert_refused(
        &[("\"client_secret_post\"", "\"{shop}\"")],
        "the values that this can have are not listed; write one of them, or a single setting with `values`",
    );
    assert!(
        refused(&file(&[("\"client_secret_post\"", "\"{server}\"")]))
            .to_string()
            .contains("this is not a client authentication method")
    );
    assert_refused(
        &[("# request", "parameters.\"\" = \"x\"")],
        "the name of a parameter is empty; write the name that the vendor uses",
    );
    assert_refused(
        &[("# request", "headers.\"a b\" = \"x\"")],
        "`a b` is not a valid header name; use letters, digits and hyphens",
    );
    assert_refused(&[("# request", "headers.Content-Length = \"0\"")], "the HTTP client writes this header; remove it");
    assert_refused(
        &[("# request", "headers.X-A = \"a\\nb\"")],
        "this is not a valid header value; remove line breaks and control characters",
    );
}

#[test]
fn a_contradiction_in_the_response_is_refused() {
    assert_refused(
        &[("# response", "expires-in = \"a\"\nexpires-at = \"b\"")],
        "`expires-in` and `expires-at` contradict each other; keep the one that the vendor sends",
    );
    assert_refused(
        &[("# response", "expiry-unit = \"hours\"")],
        "this is not a unit of time; use seconds, milliseconds or minutes",
    );
    assert_refused(
        &[("# response", "scope-separator = \", \"")],
        "the separator in a response must be one character; write the character, such as a comma",
    );
    assert_refused(
        &[("# response", "token = \"\"")],
        "this does not name a member of a response; write its name, or a JSON pointer such as /data/token",
    );
    let mapping = |entries: &str| format!("error-mappings = [{{ {entries} }}]");
    for entries in ["kind = \"unavailable\"", "kind = \"unavailable\", status = 409, code = \"x\""] {
        assert_refused(
            &[("# response", &mapping(entries))],
            "an error mapping needs a `status` or a `code`; write one of the two",
        );
    }
    assert_refused(
        &[("# response", &mapping("kind = \"unavailable\", status = 99"))],
        "this is not the status of a response; write one from 200 to 599",
    );
    let kinds = "one of `bad_response`, `credentials_refused`, `rate_limited`, `request_refused`, `unavailable`";
    assert_refused(
        &[("# response", &mapping("kind = \"canary\", status = 409"))],
        &format!("this value has the wrong type; write {kinds}"),
    );
}

#[test]
fn hosts_and_durations_of_a_policy_are_checked() {
    let host = "this is not a valid host; write one such as api.example.com, or *.example.com for every host below it";
    for bad in [
        "",
        "*",
        "*.com",
        "https://api.example.com",
        "api.example.com/v1",
        "a@b.example",
        "a b",
        "{shop}/",
        "-a.example",
        "a?b",
    ] {
        assert_refused(&[("# policy", &format!("hosts = [{bad:?}]"))], host);
    }
    for good in [
        "api.example.com",
        "*.example.com",
        "{shop}.example.com",
        "*.{shop}.example.com",
        "{shop}",
        "{token-host}",
        "localhost:8080",
    ] {
        assert_accepted(&[("# policy", &format!("hosts = [{good:?}]"))]);
    }
    let duration = "this is not a duration above zero; write one such as 900s, 15m, 24h or 1h 30m";
    for bad in ["", "0s", "-1h", "1", "soon", "99999999999999999999h"] {
        assert_refused(&[("# policy", &format!("lifetime = {bad:?}"))], duration);
    }
    assert_accepted(&[(
        "# policy",
        "lifetime = \"1h 30m\"\nlimits = [{ requests = 30, period = \"1h\", per-client = true }]",
    )]);
    assert_refused(
        &[("# policy", "limits = [{ requests = 0, period = \"1s\" }]")],
        "a limit of 0 allows no request; write how many requests are allowed",
    );
    assert_refused(
        &[("# policy", "presentation.scheme = \"Token \"")],
        "a scheme is one word; write it without spaces",
    );
    assert_refused(
        &[("# policy", "expired-bodies = [{ member = \"/code\", values = [] }]")],
        "this needs the values that mean that the token has expired; write them as texts, such as [\"601\", \"602\"]",
    );
    assert_refused(
        &[("# policy", "expired-bodies = [{ member = \"/\", values = [\"1\"] }]")],
        "this does not name a member of a response; write its name, or a JSON pointer such as /data/token",
    );
    assert_refused(
        &[("# policy", "expired-statuses = [1403]")],
        "this is not the status of a response; write one from 200 to 599",
    );
}

#[test]
fn a_group_of_exclusive_settings_has_two_or_more_that_exist() {
    assert_accepted(&[("# top", "exclusive = [[\"shop\", \"tenant\"]]")]);
    assert_refused(&[("# top", "exclusive = [[\"shop\"]]")], "a group needs at least two settings; name two or more");
    for unknown in ["shpo", "gateway-key", "token-url"] {
        let error = refused(&file(&[("# top", &format!("exclusive = [[\"shop\", {unknown:?}]]"))])).to_string();
        assert!(error.contains(&format!("`{unknown}` is not a setting that can exclude another")), "{error}");
    }
}

#[test]
fn a_name_whose_variables_are_another_programs_is_refused() {
    let named = |name: &str| file(&[("name = \"acme\"", &format!("name = {name:?}"))]);
    for (name, variables) in [
        ("aws", "AWS_…"),
        ("aws-web-identity", "AWS_…"),
        ("github", "GITHUB_…"),
        ("google-application", "GOOGLE_…"),
        ("api", "API_…"),
        ("cgrant", "CGRANT_…"),
    ] {
        let error = refused(&named(name)).to_string();
        assert!(error.contains(&format!("line 1, column 8: the name `{name}` is reserved")), "{error}");
        assert!(
            error.contains(variables) && error.contains(&format!("choose another name, such as my-{name}")),
            "{error}"
        );
    }
    for name in ["my-aws", "awsome", "apaleo", "cognito", "oauth2", "octorate", "ptv", "resamania"] {
        VendorFile::parse(&named(name)).unwrap();
    }
}

#[test]
fn a_secret_in_the_url_needs_a_word_in_the_file() {
    let query = ("# request", "encoding = \"query\"");
    let words = "the request puts a secret into the URL, which servers and proxies write to their logs; send it in the \
                 body or in a header; if the vendor takes it nowhere else, add `secrets-in-url = true`";
    let allowed = |with: &str| format!("{with}\nsecrets-in-url = true");
    for (with, changes) in [
        ("encoding = \"query\"", None),
        ("method = \"GET\"", None),
        ("encoding = \"query\"", Some(("client_secret_post", "client_secret_jwt"))),
        ("encoding = \"query\"", Some(("client_secret_post", "private_key_jwt"))),
        ("encoding = \"query\"\nparameters.key = \"{gateway-key}\"", Some(("client_secret_post", "tls_client_auth"))),
        ("encoding = \"query\"\nparameters.x = \"{base64({client-secret})}\"", Some(("client_secret_post", "none"))),
    ] {
        let changes: Vec<_> = changes.into_iter().collect();
        assert_refused(&[&changes[..], &[("# request", with)]].concat(), words);
        assert_refused(&[&changes[..], &[("# request", &format!("{with}\nsecrets-in-url = false"))]].concat(), words);
        assert_accepted(&[&changes[..], &[("# request", &allowed(with))]].concat());
    }
    let unneeded = "this request puts no secret into the URL; remove `secrets-in-url`";
    assert_refused(&[("# request", "secrets-in-url = true")], unneeded);
    for method in ["client_secret_basic", "tls_client_auth", "none"] {
        assert_accepted(&[("client_secret_post", method), query]);
        assert_refused(&[("client_secret_post", method), (query.0, &allowed(query.1))], unneeded);
    }
}

#[test]
fn a_setting_that_is_sent_as_a_secret_is_declared_as_one() {
    let words =
        |name: &str| format!("`{name}` looks like a secret, and the setting `shop` is not declared as one; add");
    for (place, with, name) in [
        ("# request", "parameters.api_key = \"{shop}\"", "api_key"),
        ("# request", "headers.Authorization = \"Key {base64({shop})}\"", "Authorization"),
        ("# policy", "presentation.extra-headers.X-Api-Key = \"{shop}\"", "X-Api-Key"),
    ] {
        let error = refused(&file(&[("client_secret_post", "none"), (place, with)])).to_string();
        assert!(error.contains(&words(name)), "{error}");
    }
    assert_accepted(&[("# request", "parameters.api_key = \"{gateway-key}\"")]);
    assert_accepted(&[("# request", "parameters.api_key = \"{client-id}\"")]);
}

#[test]
fn one_value_is_listed_once_however_it_is_spelled() {
    let auth = |values: &str| {
        file(&[
            ("\"client_secret_post\"", "\"{auth}\""),
            ("# settings", &format!("[settings.auth]\nhelp = \"x\"\nvalues = {values}")),
        ])
    };
    VendorFile::parse(&auth("[\"basic\", \"post\"]")).unwrap();
    for values in ["[\"basic\", \"client_secret_basic\"]", "[\"post\", \"body\"]", "[\"none\", \"basic\", \"none\"]"] {
        let error = refused(&auth(values)).to_string();
        assert!(error.contains("the setting `auth` lists this value twice; remove one"), "{values}: {error}");
    }
}

#[test]
fn what_is_printed_has_no_control_characters() {
    for c in ['\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200e}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{2069}']
    {
        let escaped = format!("x\\u{:04x}y", u32::from(c));
        for (what, with) in [
            ("Acme Rockets", escaped.clone()),
            ("the name of the shop", escaped.clone()),
            ("\"live\", \"test\"", format!("\"live\", \"{escaped}\"")),
        ] {
            let error = refused(&file(&[(what, &with)])).to_string();
            assert!(error.contains("control characters"), "{error}");
        }
    }
}

#[test]
fn the_page_on_vendor_files_lists_every_reserved_name() {
    let page = include_str!("../../../../docs/vendor-files.md");
    let (_, section) = page.split_once("### Reserved names").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let list = &section[section.find("\n- ").unwrap()..];
    let listed: Vec<_> = list.split('`').skip(1).step_by(2).collect();
    assert!(listed.len() > 100);
    for prefix in &listed {
        refused(&file(&[(
            "name = \"acme\"",
            &format!("name = {:?}", format!("{}-x", prefix.to_lowercase().replace('_', "-"))),
        )]));
    }
    // Both lists are of the same length, so the page has them all.
    let source = include_str!("../../src/reserved_names.rs");
    let (_, array) = source.split_once("&[\n").unwrap();
    let (array, _) = array.split_once("];").unwrap();
    assert_eq!(array.matches("\",").count(), listed.len());
}
