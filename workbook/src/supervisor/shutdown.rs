//! How the servers end: at the first signal when they have closed what they opened, at the second at once.

use anyhow::Result;
use postoffice::Signals;
use std::process::exit;
use tokio::{select, sync::oneshot};

/// Runs a server that closes everything and returns when `stopped` comes, at the first signal to end. At the second the
/// process ends there and then.
///
/// # Errors
/// Those of the server.
pub async fn until_signal(
    mut signals: Signals,
    serve: impl AsyncFnOnce(oneshot::Receiver<()>) -> Result<()>,
) -> Result<()> {
    let (stop, stopped) = oneshot::channel();
    let signalled_twice = async {
        signals.next().await;
        drop(stop); // which is what the server waits for
        signals.next().await
    };
    select! {
        ended = serve(stopped) => ended,
        status = signalled_twice => exit(status.into()),
    }
}
