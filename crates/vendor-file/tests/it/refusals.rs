//! What a file may not say, and in which words that is told.

use credentials_grant_vendor_file::VendorFile;

use crate::spoiled::{assert_refused, assert_taken, file, refused};

#[test]
fn settings_are_declared_whole_and_used() {
    let more = |text: &str| file(&[("# settings", text)]);
    let says = |text: &str, words: &str| {
        let error = refused(&more(text)).to_string();
        assert!(error.contains(words), "{error}");
    };
    says(
        "[settings.idle]\nhelp = \"x\"",
        "nothing uses the setting `idle`; write {idle} where its value goes, or take",
    );
    says("[settings.Api_Host]\nhelp = \"x\"", "`Api_Host` cannot name a setting; take lower-case letters");
    says("[settings.\"a\\nb\"]\nhelp = \"x\"", "`a\\nb` cannot name a setting");
    says("[settings.client-id]\nhelp = \"x\"", "`client-id` is there without a setting");
    says("[settings.token-url]\nhelp = \"x\"\ndefault = \"x\"", "every provider has `token-url`; give it no more than");
    says("[settings.token-url]\nhelp = \"x\"", "nothing uses the setting `token-url`");
    says("[settings.app-secret]\nhelp = \"x\"", "`app-secret` seems to be a secret, and is not declared as one; add");
    says(
        "[settings.x]\nhelp = \"x\"\nsecret = true\ndefault = \"y\"",
        "a file holds no secret, and `x` is one; take its",
    );
    says("[settings.x]\nhelp = \"x\"\nsecret = true\nvalues = [\"y\"]", "a file holds no secret, and `x` is one");
    says("[settings.x]\nhelp = \"x\"\noptional = true\ndefault = \"y\"", "`x` has a default and thus is always set");
    says(
        "[settings.x]\nhelp = \"x\"\nvalues = [\"a\"]\ndefault = \"b\"",
        "the default of `x` is none of its values; use",
    );
    says("[settings.x]\nhelp = \"x\"\nvalues = [\"a\", \" b\"]", "a value is empty, or has spaces around it");
    says("[settings.x]\nhelp = \"x\"\ndefault = \"\"", "a value is empty");
}

#[test]
fn a_variable_is_a_setting_and_stands_where_it_may() {
    let all = "shop, server, tenant, gateway-key";
    assert_refused(&[("{tenant}", "{tenent}")], &format!("{{tenent}} is no setting; use {all}"));
    assert_refused(
        &[("{tenant}", "{tenant?}")],
        "{tenant} has a ?, which is for URLs; take the ? out: a text without its value is left out",
    );
    assert_refused(&[("{tenant}", "{sha256({tenant})}")], "there is no function `sha256`; the one there is is base64");
    assert_refused(&[("{tenant}", "{tenant")], "a brace is not closed; write {{ for one brace");
    assert_refused(&[("{tenant}", "{token-host}")], "{token-host} is for `hosts`, alone; write it there");
    assert_refused(
        &[("{shop}", "{client-secret}")],
        "{client-secret} cannot stand here; use it in parameters and headers",
    );
    assert_refused(
        &[("{shop}", "{gateway-key}")],
        "{gateway-key} is a secret, which is shown where this goes; put it into a parameter or a header",
    );
    assert_refused(&[("{shop}", "{base64({shop})}")], "no function can stand here; use one in parameters and headers");
    assert_refused(
        &[("{shop}", "{shop?}")],
        "{shop} is always set; take the ? out, or add `optional = true` to the setting",
    );
    let guard =
        "{tenant} may not be set; write { when = { tenant = \"*\" }, use = … }, or {tenant?} for a path segment";
    assert_refused(&[("/token\"", "/{tenant}/token\"")], guard);
    assert_taken(&[("/token\"", "/{tenant?}/token\"")]);
    assert_refused(
        &[("# policy", "hosts = [\"{gateway-key}.acme.example\"]")],
        "{gateway-key} is a secret, which is shown where this goes; put it into a parameter or a header",
    );
    let companions = |value: &str| format!("presentation.companions.X-Key = \"{value}\"");
    let beside = companions("Key {gateway-key}");
    assert_refused(
        &[("# policy", &beside)],
        "{gateway-key} is a secret, and has text beside it; write \"{gateway-key}\" alone",
    );
    let id = companions("id {client-id}");
    assert_refused(&[("# policy", &id)], "{client-id} cannot stand here; use it in parameters and headers");
    assert_taken(&[("# policy", &companions("{client-id}"))]);
    assert_taken(&[("# policy", &companions("{gateway-key}"))]);
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
    says("", "there may be no alternative that applies; end the list with a text that has no `when`");
    says(&format!("{{ when = {{ server = \"test\" }}, use = {usual} }}"), "there may be no alternative that applies");
    says(&format!("{usual}, {usual}"), "this alternative is never reached: the one before it always applies");
    says(
        &format!("{{ when = {{ sever = \"test\" }}, use = {usual} }}, {usual}"),
        "`sever` is no setting; use shop, server",
    );
    says(
        &format!("{{ when = {{ server = \"tset\" }}, use = {usual} }}, {usual}"),
        "`server` never has this value; use one of live, test",
    );
    says(
        &format!("{{ when = {{ gateway-key = \"*\" }}, use = {usual} }}, {usual}"),
        "`gateway-key` is a secret, and decides nothing",
    );
    let good = format!(
        "{{ when = {{ server = \"t*\", tenant = \"*\" }}, use = \"https://{{shop}}.a.example/{{tenant}}\" }}, {usual}"
    );
    assert!(VendorFile::parse(&url(&good)).is_ok());
    assert_taken(&[(
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
    let scheme = "this makes no URL that a secret may be sent to";
    says("http://{shop}.{server}.example/", scheme);
    says("ftp://{shop}.{server}.example/", scheme);
    says("{shop}{server}", "a base URL is followed by a slash");
    says("{shop}.evil.example/{server}", "a base URL is followed by a slash");
    says("https://user:canary@{shop}.{server}.example/", scheme);
    says("https://{shop}.{server}.example/#canary", scheme);
    says("https://{shop} {server}/", scheme);
    says("https://{shop}{server}-/", scheme);
    says("https://{shop}.{server},.example/", scheme);
    says("https://{shop}.{server}.example/?client_secret=canary", "here seems to stand a secret in a URL");
    says("https://{shop}.{server}.example/?a=b&X-Api-Key=canary", "here seems to stand a secret in a URL");
    says("https://{shop}.{server}.example/{{x}}", "a URL has no braces");
    says("{shop}/{token-url}/{server}", "{token-url} is no setting");
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
    assert_refused(&declared, "{token-url} is a whole URL; write url = \"{token-url}\", and nothing beside it");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let secret = |at: &str, line: &str| {
        let error = refused(&file(&[(at, line)])).to_string();
        assert!(error.contains("a file holds none") && !error.contains("canary"), "{error}");
        assert!(error.contains("line "), "{error}");
    };
    secret("# request", "parameters.client_secret = \"canary\"");
    secret("# request", "parameters.apiKey = \"canary\"");
    secret("# request", "headers.Authorization = \"Basic canary\"");
    secret("# request", "headers.Ocp-Apim-Subscription-Key = [{ when = { server = \"test\" }, use = \"canary\" }]");
    secret("# request", "parameters.x = \"-----BEGIN PRIVATE KEY----- canary {client-id}\"");
    secret("# request", "headers.x = \"eyJhbGciOiJub25lIn0.canary.canary\"");
    secret("# policy", "presentation.companions.x-api-key = \"canary\"");
    assert_taken(&[("# request", "parameters.token_format = \"jwt\"")]);
}

#[test]
fn nothing_is_written_twice() {
    let twice = |name: &str| {
        format!(
            "`{name}` is written by another key of [request] as well; take one of them out, or let the other be \"none\" or \"by-hand\""
        )
    };
    let cases = [
        ("client_id", "parameters.client_id = \"{client-id}\""),
        ("grant_type", "parameters.grant_type = \"x\""),
        ("grant_type", "grant-type = \"x\"\nparameters.grant_type = \"x\""),
        ("scope", "parameters.scope = \"open-api\""),
        ("scopes", "scope-name = \"scopes\"\nparameters.scopes = \"open-api\""),
        ("audience", "audience = \"optional\"\nparameters.audience = \"x\""),
        ("resource", "resources = \"required\"\nparameters.resource = \"x\""),
        ("authorization_details", "authorization-details = \"optional\"\nparameters.authorization_details = \"x\""),
    ];
    for (name, lines) in cases {
        assert_refused(&[("# request", lines)], &twice(name));
    }
    assert_taken(&[("# request", "scope = \"none\"\nparameters.scope = \"open-api\"")]);
    assert_taken(&[("# request", "grant-type = \"none\"\nparameters.grant_type = \"x\"")]);
    for way in ["none", "mtls", "private-key-jwt"] {
        let changes = [("\"body\"", &*format!("{way:?}")), ("# request", "parameters.client_id = \"{client-id}\"")];
        assert_refused(&changes, &twice("client_id"));
    }
    let basic = [("\"body\"", "\"basic-raw\""), ("# request", "headers.authorization = \"{client-id}\"")];
    assert_refused(&basic, &twice("authorization"));
    let header = "the header `x-gateway-key` is written twice; write it once: capital letters make no difference";
    assert_refused(&[("# request", "headers.x-gateway-key = \"{client-id}\"")], header);
    assert_refused(
        &[("# policy", "presentation.companions.AUTHORIZATION = \"{client-id}\"")],
        "the header `AUTHORIZATION` is written twice; write it once: capital letters make no difference",
    );
}

#[test]
fn the_request_contradicts_itself_nowhere() {
    assert_refused(
        &[("# request", "method = \"GET\"\nencoding = \"json\"")],
        "a GET has no body; take it out: the parameters go into the query",
    );
    assert_refused(
        &[("# request", "encoding = \"json\"\nauthorization-details = \"required\"")],
        "authorization details cannot be sent as JSON; take it out",
    );
    assert_refused(
        &[("# request", "scope = \"none\"\nscope-separator = \",\"")],
        "`scope = \"none\"` says that no scope is taken; take one of the two out",
    );
    assert_refused(
        &[("# request", "scope-separator = \"\"")],
        "what stands here is empty; write it, or take the key out",
    );
    assert_refused(
        &[("# request", "assertion-audience = \"x\"")],
        "no assertion is sent that could have an audience; take it out",
    );
    assert_refused(
        &[("\"body\"", "\"by-hand\"")],
        "nothing in the request says who the client is; write {client-id} and {client-secret} where the vendor wants them",
    );
    assert_refused(
        &[("\"body\"", "\"Basic\"")],
        "this is not a client authentication method; use one of basic, basic-raw, basic-strict, body, none, client-secret-jwt, \
         private-key-jwt, mtls, by-hand",
    );
    assert_refused(
        &[("\"body\"", "\"{shop}\"")],
        "it is not known which word this will be; write a word, or a setting alone whose `values` are listed",
    );
    assert!(refused(&file(&[("\"body\"", "\"{server}\"")])).to_string().contains("this is no way to authenticate"));
    assert_refused(&[("# request", "parameters.\"\" = \"x\"")], "a parameter has no name; give it the vendor's");
    assert_refused(
        &[("# request", "headers.\"a b\" = \"x\"")],
        "`a b` is not a valid header name; take letters, digits and hyphens",
    );
    assert_refused(
        &[("# request", "headers.Content-Length = \"0\"")],
        "this header belongs to the connection; leave it out",
    );
    assert_refused(
        &[("# request", "headers.X-A = \"a\\nb\"")],
        "no header can carry this text; take line breaks and the like out",
    );
}

#[test]
fn answers_are_described_in_one_way() {
    assert_refused(
        &[("# response", "expires-in = \"a\"\nexpires-at = \"b\"")],
        "`expires-in` and `expires-at` contradict each other; keep the one whose member the vendor sends",
    );
    assert_refused(
        &[("# response", "expiry-unit = \"hours\"")],
        "this is not a unit of time; use seconds, milliseconds or minutes",
    );
    assert_refused(
        &[("# response", "scope-separator = \", \"")],
        "a separator is one character; write a comma, or whatever the vendor has",
    );
    assert_refused(
        &[("# response", "token = \"\"")],
        "what stands here names no member of an answer; write its name, or a JSON pointer such as /data/token",
    );
    let meaning = |entries: &str| format!("meanings = [{{ {entries} }}]");
    for entries in ["kind = \"unavailable\"", "kind = \"unavailable\", status = 409, code = \"x\""] {
        assert_refused(
            &[("# response", &meaning(entries))],
            "a meaning is that of a status or that of a code; write one of the two",
        );
    }
    assert_refused(
        &[("# response", &meaning("kind = \"unavailable\", status = 99"))],
        "this is no status of an answer; write one from 200 to 599",
    );
    let kinds = "one of `bad_response`, `credentials_refused`, `rate_limited`, `request_refused`, `unavailable`";
    assert_refused(
        &[("# response", &meaning("kind = \"canary\", status = 409"))],
        &format!("something else must stand here; write {kinds}"),
    );
}

#[test]
fn a_policy_names_hosts_and_lengths_of_time() {
    let host = "this is no host whose API could take the token; write one such as api.example.com, or *.example.com for all below it";
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
        assert_taken(&[("# policy", &format!("hosts = [{good:?}]"))]);
    }
    let length = "this is no length of time above zero; write one such as 900s, 15m, 24h or 1h 30m";
    for bad in ["", "0s", "-1h", "1", "soon", "99999999999999999999h"] {
        assert_refused(&[("# policy", &format!("lifetime = {bad:?}"))], length);
    }
    assert_taken(&[(
        "# policy",
        "lifetime = \"1h 30m\"\nlimits = [{ requests = 30, period = \"1h\", per-client = true }]",
    )]);
    assert_refused(
        &[("# policy", "limits = [{ requests = 0, period = \"1s\" }]")],
        "a limit of none allows nothing; write how many there may be",
    );
    assert_refused(
        &[("# policy", "presentation.scheme = \"Token \"")],
        "a scheme is one word; write it without a space behind it",
    );
    assert_refused(
        &[("# policy", "expired-statuses = [1403]")],
        "this is no status of an answer; write one from 200 to 599",
    );
}

#[test]
fn exclusive_settings_are_two_or_more_that_there_are() {
    assert_taken(&[("# top", "exclusive = [[\"shop\", \"tenant\"]]")]);
    assert_refused(&[("# top", "exclusive = [[\"shop\"]]")], "one setting excludes no other; name two or more");
    for unknown in ["shpo", "gateway-key", "token-url"] {
        let error = refused(&file(&[("# top", &format!("exclusive = [[\"shop\", {unknown:?}]]"))])).to_string();
        assert!(error.contains(&format!("`{unknown}` is no setting that could be set beside another")), "{error}");
    }
}
