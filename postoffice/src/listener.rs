//! The listener: takes a port, accepts connections, and gives each a task of its own. What a connection does is not here.

use crate::{
    connection,
    error::Error,
    shared::{Registration, Shared},
};
use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// How long the system gets to find a file descriptor where there is none left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);

/// A port that clients connect to. It is shared with the task that accepts, so that [`Listener::close`] frees the port there
/// and then, whatever that task is doing.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Mutex<Option<TcpListener>>>);

impl Listener {
    /// Takes the port; gives the address with it.
    pub(crate) async fn bind(address: SocketAddr) -> Result<(Self, SocketAddr), Error> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => Error::PortTaken(address),
            _ => Error::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok((Self(Arc::new(Mutex::new(Some(listener)))), address))
    }

    /// Frees the port, and ends [`Listener::accept`].
    pub(crate) fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Accepts connections until the listener is closed.
    pub(crate) async fn accept(self, shared: Arc<Shared>) {
        loop {
            let accepted = poll_fn(|context| match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(listener) => listener.poll_accept(context).map(Some),
                None => Poll::Ready(None),
            });
            match accepted.await {
                None => return,
                Some(Ok((stream, peer))) => admit(&shared, stream, peer),
                // Out of file descriptors, most likely: whoever comes next waits a little longer.
                Some(Err(_)) => tokio::time::sleep(OUT_OF_DESCRIPTORS).await,
            }
        }
    }
}

fn admit(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    if let Some(registration) = Registration::new(shared, peer) {
        tokio::spawn(connection::serve(registration, stream, peer));
    }
}
