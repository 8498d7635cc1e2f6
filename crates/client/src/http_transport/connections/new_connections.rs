//! Notes whether a request opens a connection, or is sent on a kept one. reqwest does not tell.

use std::cell::Cell;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static CONNECTED: Cell<bool>;
}

/// Runs a request, and returns whether it has opened a connection.
pub(super) async fn connects<T>(request: impl Future<Output = T>) -> (T, bool) {
    let request = async {
        let output = request.await;
        (output, CONNECTED.with(Cell::get))
    };
    CONNECTED.scope(Cell::new(false), request).await
}

/// The layer around what opens connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoteConnections;

/// Notes each connection that is opened.
#[derive(Clone, Debug)]
pub(super) struct NotedConnector<S>(S);

impl<S> Layer<S> for NoteConnections {
    type Service = NotedConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        NotedConnector(connector)
    }
}

impl<S: Service<R>, R> Service<R> for NotedConnector<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> S::Future {
        // Nobody waits for a connection that is opened by another task.
        let _ = CONNECTED.try_with(|connected| connected.set(true));
        self.0.call(destination)
    }
}
