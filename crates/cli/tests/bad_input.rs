//! Bad input: one line that names the setting as it was written, the remedy, exit 2, and nothing is sent.

mod common;

use std::fs;

use common::{Run, cgrant, emulator, token};
use credentials_grant_emulator::{EmulatedVendor, Emulator};

/// Arguments, environment, and what must be said.
type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], &'static [&'static str]);

const CASES: &[Case] = &[
    (&["cognito"], &[], &["--prefix or COGNITO_PREFIX is missing"]),
    (&["cognito", "--prefix", "pool"], &[], &["--region or COGNITO_REGION is missing"]),
    (&["cognito", "--prefix", "evil.example/", "--region", "eu-south-2"], &[], &["--prefix (evil.example/)"]),
    (&["cognito", "--region", "eu"], &[("COGNITO_PREFIX", "a.b")], &["COGNITO_PREFIX (a.b)"]),
    (
        &["cognito", "--domain", "auth.example.com", "--prefix", "pool"],
        &[],
        &["--domain and --prefix contradict", "set one of them"],
    ),
    (
        &["cognito"],
        &[("COGNITO_DOMAIN", "auth.example.com"), ("COGNITO_PREFIX", "pool")],
        &["COGNITO_DOMAIN and COGNITO_PREFIX contradict", "set one of them"],
    ),
    (&["cognito", "--domain", "https://auth.example.com"], &[], &["--domain", "is not a host name"]),
    (
        &["cognito", "--domain", "auth.example.com", "--auth", "x"],
        &[],
        &["--auth", "client_secret_basic, client_secret_basic_raw, client_secret_post"],
    ),
    (&["cognito"], &[("COGNITO_DOMAIN", "a.example"), ("COGNITO_AUTH", "x")], &["COGNITO_AUTH"]),
    (&["octorate", "--base-url", "https://api.example.com/?x"], &[], &["--base-url"]),
    (&["octorate", "--expiry-unit", "fortnights"], &[], &["--expiry-unit", "seconds"]),
    (&["ptv"], &[], &["--token-url or PTV_TOKEN_URL is missing", "the page of your PTV API"]),
    (&["resamania"], &[], &["--base-url or RESAMANIA_BASE_URL is missing"]),
    (&["resamania", "--base-url", "https://x.example", "--client-token", "a/b"], &[], &["--client-token"]),
    (
        &["resamania", "--base-url", "https://x.example", "--club", "/1", "--contact", "a@b"],
        &[],
        &["--club and --contact contradict"],
    ),
    (&["apaleo", "--token-url", "nonsense"], &[], &["--token-url", "not a valid URL"]),
    (&["apaleo"], &[("APALEO_TOKEN_URL", "nonsense")], &["APALEO_TOKEN_URL", "not a valid URL"]),
    (&["apaleo", "--token-url", "http://example.com/token"], &[], &["--token-url", "use https"]),
    (&["apaleo", "--token-url", "https://user:canary@example.com/"], &[], &["--token-url", "holds credentials"]),
    (&["apaleo", "--token-url", "https://example.com/#x"], &[], &["--token-url", "fragment"]),
    (&["apaleo", "--token-url", "file:///etc/passwd"], &[], &["--token-url", "https"]),
    (&["apaleo", "--token-url", ""], &[], &["--token-url is empty"]),
];

#[test]
fn a_bad_setting_is_named_as_it_was_written() {
    for (args, variables, words) in CASES {
        println!("{args:?} {variables:?}");
        let mut command = cgrant(&[&["token"], *args].concat());
        command.envs(variables.iter().copied());
        let prefix = args[0].to_uppercase();
        command.env(format!("{prefix}_CLIENT_ID"), "client").env(format!("{prefix}_CLIENT_SECRET"), "canary-secret");
        let run = Run::of(&mut command).failed(2).says(&format!("error: {}: ", args[0])).says("help: ");
        words.iter().fold(run, |run, words| run.says(words));
    }
}

#[test]
fn a_bad_request_is_not_sent() {
    let octorate = emulator(EmulatedVendor::Octorate);
    let cases: [(&[&str], &str); 12] = [
        (&["--scope", "a"], "scope"),
        (&["--audience", "a"], "this provider does not support the parameter --audience"),
        (&["--resource", "a"], "this provider does not support the parameter --resource"),
        (&["--param", "canary"], "--param KEY=VALUE"),
        (&["--param", "=canary"], "--param KEY=VALUE"),
        (&["--param", "client_secret=canary"], "client_secret"),
        (&["--timeout", "0s"], "--timeout"),
        (&["--timeout", "-5s"], "--timeout"),
        (&["--timeout", "soon"], "--timeout"),
        (&["--client-id", " "], "--client-id is empty"),
        (
            &["--base-url", "https://api.example.com", "--token-url", "https://auth.example.com/"],
            "--base-url and --token-url contradict",
        ),
        (&["--no-such-flag"], "--no-such-flag"),
    ];
    for (args, words) in cases {
        println!("{args:?}");
        Run::of(&mut token(&octorate, args)).failed(2).says(words);
    }
    assert_eq!(octorate.token_requests(), 0);
}

#[test]
fn a_bad_url_is_named_by_its_flag_or_variable() {
    let urls = [
        ("token", "oauth2", "issuer"),
        ("token", "oauth2", "token-url"),
        ("introspect", "oauth2", "introspection-url"),
        ("revoke", "oauth2", "revocation-url"),
        ("token", "apaleo", "token-url"),
        ("token", "octorate", "base-url"),
        ("token", "resamania", "base-url"),
    ];
    for (command, provider, setting) in urls {
        let other =
            if setting.ends_with("ion-url") { &["--token-url", "https://auth.example.com/token"][..] } else { &[] };
        let (flag, prefix) = (format!("--{setting}"), provider.to_uppercase());
        let variable = format!("{prefix}_{}", setting.to_uppercase().replace('-', "_"));
        let run = |mut command: std::process::Command, name: &str| {
            command
                .env(format!("{prefix}_CLIENT_ID"), "client")
                .env(format!("{prefix}_CLIENT_SECRET"), "canary-secret");
            let run = Run::of(command.env("OAUTH2_ACCESS_TOKEN", "canary-token")).failed(2);
            let error = run.stderr.lines().find(|line| line.starts_with("error: ")).unwrap().to_owned();
            assert!(error.contains(name) && !error.contains("token URL"), "{name}: {error}");
        };
        run(cgrant(&[&[command, provider, &flag, "foo"], other].concat()), &flag);
        let mut by_variable = cgrant(&[&[command, provider], other].concat());
        by_variable.env(&variable, "foo");
        run(by_variable, &variable);
    }
}

#[test]
fn missing_credentials_are_named_with_both_ways_to_give_them() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    for (variable, flag) in [("APALEO_CLIENT_ID", "--client-id"), ("APALEO_CLIENT_SECRET", "--client-secret-file")] {
        Run::of(token(&apaleo, &[]).env_remove(variable)).failed(2).says(flag).says(variable);
        Run::of(token(&apaleo, &[]).env(variable, "")).failed(2).says(flag).says(variable);
    }
    assert_eq!(apaleo.token_requests(), 0);
}

#[test]
fn a_secret_file_that_holds_no_secret_is_refused() {
    let apaleo = emulator(EmulatedVendor::Apaleo);
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name).to_str().unwrap().to_owned();
    let contents: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "is empty"),
        ("blank", b"\r\n\n", "is empty"),
        ("binary", b"canary\xff", "is not UTF-8"),
        ("lines", b"canary\ncanary\n", "more than one line"),
        ("large", &vec![b'c'; 64 * 1024 + 1], "larger than 64 KiB"),
    ];
    for (name, content, words) in contents {
        fs::write(path(name), content).unwrap();
        let args = ["--client-secret-file", &path(name)];
        Run::of(&mut token(&apaleo, &args)).failed(2).says("--client-secret-file").says(words);
        let stdin = ["--client-secret-file", "-"];
        Run::of_fed(&mut token(&apaleo, &stdin), content).failed(2).says("standard input").says(words);
    }
    for unreadable in [path("missing"), path("")] {
        let args = ["--client-secret-file", &unreadable];
        Run::of(&mut token(&apaleo, &args)).failed(2).says("cannot be read").says("cause: ");
    }
    assert_eq!(apaleo.token_requests(), 0);
}

#[test]
fn standard_input_is_for_one_secret() {
    let resamania = emulator(EmulatedVendor::Resamania);
    let args = ["--client-secret-file", "-", "--api-key-file", "-"];
    Run::of(&mut token(&resamania, &args)).failed(2).says("--client-secret-file and --api-key-file");
    assert_eq!(resamania.token_requests(), 0);
}

#[cfg(unix)]
#[test]
fn text_that_is_not_utf_8_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let no_text = OsStr::from_bytes(b"\xff");
    for args in [&[][..], &["token"], &["token", "apaleo", "--client-id"], &["emulate"], &["demo", "--output"]] {
        Run::of(cgrant(args).arg(no_text)).failed(2);
    }
    let apaleo = emulator(EmulatedVendor::Apaleo);
    for variable in ["APALEO_CLIENT_ID", "APALEO_CLIENT_SECRET", "APALEO_TOKEN_URL"] {
        Run::of(token(&apaleo, &[]).env(variable, no_text)).failed(2).says(variable).says("UTF-8");
    }
    assert_eq!(apaleo.token_requests(), 0);
}

#[test]
fn a_value_may_begin_with_a_dash() {
    let emulator = Emulator::new(EmulatedVendor::Apaleo).with_client("-id-1", "canary-secret").start().unwrap();
    let is_asked_for = |args: &[&str]| {
        let run = Run::of(token(&emulator, args).env_remove("APALEO_CLIENT_ID"));
        assert_eq!(run.code, Some(0), "{args:?}: {run:?}");
    };
    is_asked_for(&["--client-id", "-id-1"]);
    is_asked_for(&["--client-id=-id-1"]);
    is_asked_for(&["--client-id", "-id-1", "-v"]);
    is_asked_for(&["-v", "--client-id", "-id-1", "--timeout", "5s"]);
    // What comes next is a flag, and the value was forgotten.
    for args in
        [&["--client-id", "--scope", "a"][..], &["--client-id", "-v"], &["--client-id", "-vv"], &["--client-id"]]
    {
        let run = Run::of(&mut token(&emulator, args));
        assert_eq!(run.code, Some(2), "{args:?}: {run:?}");
        assert!(run.stderr.contains("--client-id") && run.stderr.contains("value is required"), "{args:?}: {run:?}");
    }
    // The secret is refused, and no letter of it repeated.
    for secret in ["-canary", "-xcanary", "--canary"] {
        let run = Run::of(&mut token(&emulator, &["--client-secret", secret]));
        assert!(run.code == Some(2) && !run.stderr.contains("canary") && !run.stderr.contains("-x"), "{run:?}");
    }
}

#[test]
fn a_line_break_at_the_end_of_a_variable_is_not_part_of_it() {
    let emulator = emulator(EmulatedVendor::Apaleo);
    for end in ["\n", "\r\n", "\r", "\n\n"] {
        let mut command = token(&emulator, &[]);
        for (name, value) in [
            ("APALEO_CLIENT_ID", emulator.client_id()),
            ("APALEO_CLIENT_SECRET", emulator.client_secret()),
            ("APALEO_TOKEN_URL", emulator.token_url().as_str()),
            ("APALEO_SCOPE", "setup.read"),
            ("APALEO_TIMEOUT", "5s"),
        ] {
            command.env(name, format!("{value}{end}"));
        }
        let run = Run::of(&mut command);
        assert_eq!(run.code, Some(0), "{end:?}: {run:?}");
    }
}

/// What a cron job, a container of an unknown user and a shell on a telephone have in common.
#[cfg(unix)]
#[test]
fn a_run_needs_no_home_no_working_directory_and_no_text_in_other_variables() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let emulator = emulator(EmulatedVendor::Apaleo);
    let odd = OsStr::from_bytes(b"\xa3\xff");
    for command in ["token", "doctor"] {
        let gone = tempfile::tempdir().unwrap();
        let mut shell = std::process::Command::new("/bin/sh");
        // The directory is removed once it is the working directory.
        shell.args(["-c", "rmdir \"$PWD\" && exec \"$@\"", "sh"]).arg(env!("CARGO_BIN_EXE_cgrant"));
        shell.args([command, "apaleo"]).current_dir(gone.path()).env_clear();
        shell.envs([("PATH", "/usr/bin:/bin"), ("APALEO_CLIENT_ID", emulator.client_id())]);
        shell.envs([
            ("APALEO_CLIENT_SECRET", emulator.client_secret()),
            ("APALEO_TOKEN_URL", emulator.token_url().as_str()),
        ]);
        shell.env("UNRELATED", odd).env(OsStr::from_bytes(b"N\xc4ME"), "x").env("APALEO_UNKNOWN", odd);
        let run = Run::of(&mut shell);
        assert_eq!(run.code, Some(0), "{command}: {run:?}");
        assert!(!run.stderr.contains("panicked"), "{run:?}");
    }
}
