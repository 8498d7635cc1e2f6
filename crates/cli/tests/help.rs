//! What the command says of itself.

mod common;

use common::{Run, cgrant};

#[test]
fn help_is_an_answer() {
    let cases: [(&[&str], &str); 12] = [
        (&["help"], "Usage: cgrant"),
        (&["--help"], "Usage: cgrant"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["help", "token"], "cognito"),
        (&["help", "token", "cognito"], "COGNITO_REGION"),
        (&["token", "cognito", "--help"], "--region"),
        (&["help", "request"], "cognito"),
        (
            &["request", "apaleo", "--help"],
            "cgrant request apaleo --scope reservations.read GET https://api.apaleo.com/",
        ),
        (&["doctor", "cognito", "--help"], "cgrant doctor cognito --prefix my-pool"),
        (&["help", "demo"], "--output"),
        (&["help", "emulate"], "--port"),
        (&["help", "providers"], "--output"),
    ];
    for (args, words) in cases {
        let run = Run::of(&mut cgrant(args)).succeeded();
        assert!(run.stdout.contains(words), "{args:?}: {run:?}");
        assert_eq!(run.stderr, "", "{args:?}");
    }
}

#[test]
fn help_is_wrapped_once() {
    let mut commands = vec![vec![]];
    while let Some(command) = commands.pop() {
        let help = Run::of(&mut cgrant(&[&command[..], &["--help"]].concat())).succeeded().stdout;
        let lines: Vec<_> = help.lines().collect();
        for pair in lines.windows(2) {
            // A line of text that goes on below it is as long as the terminal is wide.
            let (line, next) = (pair[0], pair[1].split(' ').next().unwrap_or_default());
            let goes_on = line.starts_with(char::is_alphabetic) && next.starts_with(char::is_lowercase);
            assert!(!goes_on || line.len() + next.len() >= 80, "{command:?}: {line}\n{next}");
        }
        if command.is_empty() {
            commands.extend(["store", "token", "request", "doctor", "demo", "emulate", "providers"].map(|it| vec![it]));
        }
    }
}

#[test]
fn without_arguments_help_is_printed_as_a_usage_error() {
    let run = Run::of(&mut cgrant(&[]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("Usage: cgrant"), "{run:?}");
}

#[test]
fn a_misspelt_flag_leads_to_one_that_there_is() {
    Run::of(&mut cgrant(&["token", "apaleo", "--clint-secret", "canary"])).failed(2).says("--client-secret-file?");
}

#[test]
fn the_exit_codes_are_a_table() {
    let run = Run::of(&mut cgrant(&["help", "exit-codes"])).succeeded();
    let codes: Vec<_> = run.stdout.lines().map(|line| &line[..1]).filter(|code| *code != " ").collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    for word in ["usage", "refused", "429", "timeout", "redirect"] {
        assert!(run.stdout.contains(word), "{word}");
    }
}

#[test]
fn help_for_a_provider_names_each_setting_its_variable_and_an_example() {
    let providers = Run::of(&mut cgrant(&["providers", "--output", "json"])).succeeded().json();
    for provider in providers["providers"].as_array().unwrap() {
        let name = provider["name"].as_str().unwrap();
        let help = Run::of(&mut cgrant(&["token", name, "--help"])).succeeded().stdout;
        for setting in provider["settings"].as_array().unwrap() {
            for member in ["flag", "variable"] {
                let word = setting[member].as_str().unwrap();
                assert!(help.contains(word), "{name}: {word}: {help}");
            }
        }
        assert!(help.contains(&format!("Example:\n  export {}_CLIENT_ID=", name.to_uppercase())), "{help}");
    }
}

#[test]
fn programs_learn_what_each_provider_takes() {
    let list = Run::of(&mut cgrant(&["providers", "--output", "json"])).succeeded().json();
    let provider = |name: &str| {
        let providers = list["providers"].as_array().unwrap();
        providers.iter().find(|provider| provider["name"] == name).unwrap().clone()
    };
    assert_eq!(provider("apaleo")["hosts"], serde_json::json!(["api.apaleo.com"]));
    assert_eq!(provider("ptv")["limits"], serde_json::json!([{"requests": 50, "seconds": 1}]));
    assert_eq!(provider("ptv")["blocks_addresses"], true);
    let oauth2 = provider("oauth2");
    for name in ["client-id", "client-secret", "key", "issuer", "token-url", "auth", "ca"] {
        let named = oauth2["settings"].as_array().unwrap().iter().filter(|setting| setting["name"] == name);
        assert_eq!(named.count(), 1, "{name}");
    }
    let resamania = provider("resamania");
    let key = resamania["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == "api-key").unwrap();
    assert_eq!(key["flag"], "--api-key-file");
    assert_eq!(key["variable"], "RESAMANIA_API_KEY");
    assert_eq!(key["path_variable"], "RESAMANIA_API_KEY_FILE");
    assert_eq!(key["secret"], true);
}

#[test]
fn people_learn_what_each_provider_takes() {
    let text = Run::of(&mut cgrant(&["providers"])).succeeded().stdout;
    for word in [
        "Amazon Cognito",
        "--prefix",
        "COGNITO_PREFIX",
        "OAUTH2_KEY_FILE",
        "RESAMANIA_API_KEY_FILE",
        "api.apaleo.com",
        "50",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
