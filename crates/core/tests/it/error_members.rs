//! What an error keeps of a response beside its code and its description.

use crate::errors::refused;

#[test]
fn further_members_of_an_error_are_kept_as_text_within_bounds() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215","error_codes":[7000215,9],
        "timestamp":"2026-01-01\n00:00:00Z","trace_id":"0001","retry":true,"suberror":null,"inner":{"a":"b"},"n":1.5}"#;
    let error = refused(401, &[], body);
    let extras: Vec<_> = error.oauth().unwrap().extras.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = [
        "error_codes=[7000215,9]",
        r#"inner={"a":"b"}"#,
        "n=1.5",
        "retry=true",
        "timestamp=2026-01-01 00:00:00Z",
        "trace_id=0001",
    ];
    assert_eq!(extras, expected);
    let many: Vec<_> = (0..100).map(|number| format!(r#""m{number}":"{}""#, "x".repeat(3000))).collect();
    let error = refused(401, &[], &format!(r#"{{"error":"invalid_client",{}}}"#, many.join(",")));
    let extras = &error.oauth().unwrap().extras;
    assert_eq!(extras.len(), 16);
    assert!(extras.values().all(|value| value.len() < 1100), "{extras:?}");
}

#[test]
fn a_secret_is_taken_out_of_further_members_and_of_their_names() {
    let body =
        r#"{"error":"x","reason":"CLIENT_SECRET","sent":{"client_secret":"CLIENT\u005fSECRET"},"CLIENT_SECRET":1}"#;
    let error = refused(400, &[], body);
    let shown = format!("{error} {error:?} {:?}", error.oauth());
    assert!(!shown.contains("CLIENT_SECRET") && !shown.contains("CLIENT\\u005fSECRET"), "{shown}");
    assert_eq!(error.oauth().unwrap().extras["reason"], "[redacted]");
    assert_eq!(error.oauth().unwrap().extras["[redacted]"], "1");
}
