//! Uploads whose connection the API closes while the body is on its way, as some do to reject a token.

use std::io;
use std::sync::{Arc, Mutex};

use credentials_grant_client::Authorizer;
use http::{Request, Response};
use reqwest::Client;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::acme::SECOND;
use crate::shop::{Rig, policy, rig};

const UPLOAD: usize = 8 * 1024 * 1024;

/// An API that closes the connection at the first bytes of an upload, unless it has this token.
struct Api {
    address: String,
    /// The method and the token of each request.
    calls: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Api {
    async fn that_takes(token: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls = Arc::<Mutex<Vec<String>>>::default();
        let (seen, mut serving) = (Arc::clone(&calls), JoinSet::new());
        serving.spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                serve(socket, token, &seen).await;
            }
        });
        Self { address, calls, _serving: serving }
    }

    async fn rig(&self) -> Rig {
        rig(policy().with_host(self.address.clone())).warm().await
    }

    async fn uploads(&self, client: &ClientWithMiddleware) -> bool {
        let answer = client.post(format!("http://{}/", self.address)).body(vec![7; UPLOAD]).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    async fn gets(&self, client: &ClientWithMiddleware) -> bool {
        client.get(format!("http://{}/", self.address)).send().await.is_ok_and(|answer| answer.status() == 200)
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

async fn serve(mut socket: TcpStream, accepted: &str, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    let method = head.split(' ').next().unwrap();
    seen.lock().unwrap().push(format!("{method} {token}"));
    if method == "POST" {
        if token != accepted {
            return socket.set_zero_linger().unwrap();
        }
        socket.read_exact(&mut vec![0; UPLOAD]).await.unwrap();
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
}

fn client(authorizer: &Authorizer) -> ClientWithMiddleware {
    ClientBuilder::new(Client::builder().no_proxy().build().unwrap()).with(authorizer.clone()).build()
}

#[tokio::test]
async fn after_an_upload_that_broke_off_the_next_one_has_a_new_token() {
    let api = Api::that_takes("token-2").await;
    let rig = api.rig().await;
    let client = client(&rig.authorizer);
    assert!(!api.uploads(&client).await, "an upload may have taken effect, so it is not repeated");
    assert_eq!(rig.server.request_count(), 1, "no token that nobody needs yet");
    assert!(api.uploads(&client).await);
    assert!(api.uploads(&client).await);
    assert_eq!(api.calls(), ["POST token-1", "POST token-2", "POST token-2"]);
    assert_eq!(rig.server.request_count(), 2);
}

#[tokio::test]
async fn a_call_that_is_answered_clears_the_token_of_an_upload_that_broke_off() {
    let api = Api::that_takes("none").await;
    let rig = api.rig().await;
    let client = client(&rig.authorizer);
    assert!(!api.uploads(&client).await);
    assert!(api.gets(&client).await);
    assert!(!api.uploads(&client).await);
    assert_eq!(api.calls(), ["POST token-1", "GET token-1", "POST token-1"]);
    assert_eq!(rig.server.request_count(), 1);
}

#[tokio::test]
async fn an_api_that_breaks_off_every_upload_costs_one_token_for_each_pause() {
    let api = Api::that_takes("none").await;
    let rig = api.rig().await;
    let client = client(&rig.authorizer);
    for (tokens, pause) in [(2, 1), (3, 2), (4, 4)] {
        for _ in 0..4 {
            assert!(!api.uploads(&client).await);
        }
        assert_eq!(rig.server.request_count(), tokens);
        rig.clock.advance(SECOND * pause);
    }
}

#[tokio::test]
async fn a_token_that_was_fetched_for_the_upload_stays() {
    let api = Api::that_takes("none").await;
    let rig = rig(policy().with_host(api.address.clone()));
    let client = client(&rig.authorizer);
    assert!(!api.uploads(&client).await);
    assert!(api.gets(&client).await);
    assert_eq!(api.calls(), ["POST token-1", "GET token-1"]);
}

#[tokio::test]
async fn the_layer_gives_the_next_upload_a_new_token_too() {
    let rig = rig(policy()).warm().await;
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&seen);
    let service = service_fn(move |request: Request<String>| {
        let token = request.headers()["authorization"].to_str().unwrap().to_owned();
        noted.lock().unwrap().push(token.clone());
        let is_broken = token == "Bearer token-1" && !request.body().is_empty();
        async move {
            // As hyper's errors do, it has the reason as its source.
            let broken = || Box::new(io::Error::from(io::ErrorKind::BrokenPipe));
            if is_broken {
                Err::<Response<String>, Box<dyn std::error::Error + Send + Sync>>(broken())
            } else {
                Ok(Response::new(String::new()))
            }
        }
    });
    let mut service = ServiceBuilder::new().layer(rig.authorizer.layer()).service(service);
    for (body, succeeds) in [("", true), ("upload", false), ("upload", true)] {
        let request = Request::post("https://api.example.com/v1").body(body.to_owned()).unwrap();
        assert_eq!(service.ready().await.unwrap().call(request).await.is_ok(), succeeds);
    }
    assert_eq!(*seen.lock().unwrap(), ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
}
