use credentials_grant_emulator::{EmulatedVendor, Emulator, RunningEmulator};
use serde_json::{Value, json};

use crate::{Response, call_api, http, send, standing_clock, start, token_request};

async fn post(emulator: &RunningEmulator, path: &str, body: &Value) -> Response {
    let url = emulator.token_url().join(path).unwrap();
    let request = http().post(url).header("content-type", "application/json; charset=utf-8");
    send(request.body(body.to_string())).await
}

#[tokio::test]
async fn the_state_can_be_read() {
    let apaleo = start(EmulatedVendor::Apaleo);
    send(token_request(&apaleo)).await;
    send(http().get(apaleo.token_url().clone())).await;

    let response = send(http().get(apaleo.token_url().join("/_emulator").unwrap())).await;

    assert_eq!(response.status, 200);
    assert_eq!(
        response.json(),
        json!({
            "vendor": "apaleo",
            "token_url": apaleo.token_url().as_str(),
            "token_requests": 2,
            "tokens_issued": 1,
            "misbehaviour": null,
        })
    );
}

#[tokio::test]
async fn a_misbehaviour_can_be_started_and_ended() {
    let apaleo = start(EmulatedVendor::Apaleo);

    let order = json!({"kind": "throttle", "retry_after": "7", "times": 2});
    let ordered = post(&apaleo, "/_emulator/misbehave", &order).await.json();
    assert_eq!(ordered["misbehaviour"], json!({"kind": "throttle", "retry_after": "7", "times_left": 2}));
    assert_eq!(send(token_request(&apaleo)).await.header("retry-after"), Some("7"));

    let forever = json!({"kind": "html", "status": 502});
    let ordered = post(&apaleo, "/_emulator/misbehave", &forever).await.json();
    assert_eq!(ordered["misbehaviour"], json!({"kind": "html", "status": 502, "times_left": null}));
    assert_eq!(send(token_request(&apaleo)).await.status, 502);

    let ended = post(&apaleo, "/_emulator/misbehave", &json!({"kind": "none"})).await.json();
    assert_eq!(ended["misbehaviour"], Value::Null);
    assert_eq!(send(token_request(&apaleo)).await.status, 200);
}

#[tokio::test]
async fn an_invalid_misbehaviour_is_refused_with_an_example() {
    let apaleo = start(EmulatedVendor::Apaleo);

    for (order, hints) in [
        (json!({"kind": "sulk"}), &["`sulk`", "`drop-after-headers`", "`unavailable`"][..]),
        (json!({"times": 2}), &["missing field `kind`"]),
        (json!({"kind": "html"}), &["missing field `status`"]),
        (json!({"kind": "drop", "time": 2}), &["\"time\""]),
        (json!({"kind": "none", "x": 1}), &["\"x\""]),
        (json!({"kind": "throttle", "retry_after": "a\nb"}), &["retry_after"]),
        (json!({"kind": "status", "status": 42}), &["42 is not a status code: use 200 to 999"]),
        (json!({"kind": "redirect", "to": "nowhere"}), &["relative URL"]),
        (json!({"kind": "throttle", "retryafter": "7"}), &["`retryafter`", "`retry_after`"]),
        (json!({"kind": "hang", "times": -1}), &["-1", "u32"]),
        (json!("hang"), &["expected a map"]),
    ] {
        let response = post(&apaleo, "/_emulator/misbehave", &order).await;
        let error = response.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(response.status, 400);
        for hint in [hints, &[r#"{"kind": "throttle", "times": 2}, or {"kind": "none"}"#]].concat() {
            assert!(error.contains(hint), "{order}: {error}");
        }
    }
    assert_eq!(send(token_request(&apaleo)).await.status, 200);
}

#[tokio::test]
async fn one_token_or_all_can_be_revoked() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let first = send(token_request(&apaleo)).await.token();
    let second = send(token_request(&apaleo)).await.token();

    assert_eq!(post(&apaleo, "/_emulator/revoke", &json!({"token": first})).await.status, 200);
    assert_eq!(call_api(&apaleo, Some(&first)).await.status, 401);
    assert_eq!(call_api(&apaleo, Some(&second)).await.status, 200);

    assert_eq!(post(&apaleo, "/_emulator/revoke", &json!({})).await.status, 200);
    assert_eq!(call_api(&apaleo, Some(&second)).await.status, 401);

    let stranger = post(&apaleo, "/_emulator/revoke", &json!({"token": "stranger"})).await;
    assert_eq!(stranger.status, 404);
    let misspelt = post(&apaleo, "/_emulator/revoke", &json!({"tokne": "stranger"})).await;
    assert_eq!(misspelt.status, 400);
}

#[tokio::test]
async fn time_can_be_advanced() {
    let apaleo = Emulator::new(EmulatedVendor::Apaleo).with_clock(standing_clock()).start().unwrap();
    let token = send(token_request(&apaleo)).await.token();

    assert_eq!(post(&apaleo, "/_emulator/advance", &json!({"seconds": 3600})).await.status, 200);

    assert_eq!(call_api(&apaleo, Some(&token)).await.status, 401);
}

#[tokio::test]
async fn an_unknown_path_lists_the_known_ones() {
    let apaleo = start(EmulatedVendor::Apaleo);

    for path in ["/_emulator/nowhere", "/_emulatorish", "/_emulator"] {
        let response = post(&apaleo, path, &json!({})).await;
        assert_eq!(response.status, 404);
        assert!(response.body.contains("POST /_emulator/misbehave"), "{}", response.body);
    }
}

#[tokio::test]
async fn a_web_page_can_neither_change_nor_read_the_state() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let token = send(token_request(&apaleo)).await.token();
    let url = |path| apaleo.token_url().join(path).unwrap();
    let revoke = || http().post(url("/_emulator/revoke")).body("{}");

    for (headers, status) in [
        (&[("origin", "https://evil.example"), ("content-type", "application/json")][..], 403),
        (&[("origin", "null"), ("content-type", "application/json")], 403),
        (&[("sec-fetch-site", "cross-site"), ("content-type", "application/json")], 403),
        (&[("sec-fetch-site", "same-site"), ("content-type", "application/json")], 403),
        (&[("content-type", "text/plain")], 415),
        (&[("content-type", "application/x-www-form-urlencoded")], 415),
        (&[], 415),
    ] {
        let request = headers.iter().fold(revoke(), |request, (name, value)| request.header(*name, *value));
        let response = send(request).await;
        assert_eq!(response.status, status, "{headers:?}");
        assert!(response.json()["error"].is_string());
    }
    let read = send(http().get(url("/_emulator")).header("origin", "https://evil.example")).await;
    assert_eq!(read.status, 403);
    assert_eq!(call_api(&apaleo, Some(&token)).await.status, 200);

    // What a person types into the browser's address bar.
    assert_eq!(send(http().get(url("/_emulator")).header("sec-fetch-site", "none")).await.status, 200);
}

#[tokio::test]
async fn a_name_that_was_pointed_to_loopback_gets_nothing() {
    let apaleo = start(EmulatedVendor::Apaleo);
    let port = apaleo.token_url().port().unwrap();
    let call = apaleo.api_call();

    for host in [format!("evil.example:{port}"), format!("127.0.0.1.evil.example:{port}"), "127.0.0.1:1".to_owned()] {
        for request in [
            http().get(apaleo.token_url().join("/_emulator").unwrap()),
            token_request(&apaleo),
            http().request(call.method.clone(), call.url.clone()),
        ] {
            let response = send(request.header("host", &host)).await;
            assert_eq!(response.status, 421, "{host}");
            assert!(response.body.contains("use http://127.0.0.1:"), "{}", response.body);
        }
    }
    assert_eq!((apaleo.token_requests(), apaleo.tokens_issued()), (0, 0));

    for host in [format!("localhost:{port}"), format!("[::1]:{port}"), format!("apaleo.localhost:{port}")] {
        assert_eq!(send(token_request(&apaleo).header("host", &host)).await.status, 200, "{host}");
    }
}
