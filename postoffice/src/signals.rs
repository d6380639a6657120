//! What asks a program to end: CTRL+C, and what the system sends. What the program does about it does not live here.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll},
};

/// A source of one kind of signal.
type Poller = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<()>> + Send>;

/// The signals that ask this process to end, for programs that keep a [`PostOffice`](crate::PostOffice) open until then.
///
/// On Unix these are SIGINT (CTRL+C), SIGTERM (`kill`, `docker stop`, systemd), and, where standard output is a terminal,
/// SIGHUP (the terminal is closed). On Windows they are CTRL+C, CTRL+BREAK, and the ends of the console and the system.
/// From [`Signals::listen`] on none of them ends the process by itself.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let office = postoffice::PostOffice::open().await?;
/// let mut signals = postoffice::Signals::listen()?;
/// signals.next().await;
/// tokio::select! {
///     () = office.close() => {}
///     status = signals.next() => std::process::exit(status.into()), // a second one: at once
/// }
/// # Ok(())
/// # }
/// ```
pub struct Signals(Vec<(Poller, u8)>);

impl Signals {
    /// Listens from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use std::io::IsTerminal;
        use tokio::signal::unix::{SignalKind, signal};

        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // Without a terminal there is none to lose: `nohup` has us ignore this one, and listening would undo that.
        if io::stdout().is_terminal() {
            kinds.push(SignalKind::hangup());
        }
        let poller = |kind: SignalKind| -> io::Result<(Poller, u8)> {
            let mut signal = signal(kind)?;
            let number = u8::try_from(kind.as_raw_value()).unwrap_or_default();
            Ok((Box::new(move |context| signal.poll_recv(context)), 128 + number))
        };
        Ok(Self(kinds.into_iter().map(poller).collect::<io::Result<_>>()?))
    }

    /// Listens from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

        let (mut c, mut pause) = (ctrl_c()?, ctrl_break()?);
        let (mut close, mut shutdown) = (ctrl_close()?, ctrl_shutdown()?);
        let pollers: [Poller; 4] = [
            Box::new(move |context| c.poll_recv(context)),
            Box::new(move |context| pause.poll_recv(context)),
            Box::new(move |context| close.poll_recv(context)),
            Box::new(move |context| shutdown.poll_recv(context)),
        ];
        Ok(Self(pollers.into_iter().map(|poller| (poller, 1)).collect()))
    }

    /// Waits for the next one, and gives the exit status of a program that it ends at once: 130 for CTRL+C, as shells say.
    pub async fn next(&mut self) -> u8 {
        poll_fn(|context| {
            let mut ready = self.0.iter_mut().filter_map(|(poll, status)| poll(context).is_ready().then_some(*status));
            ready.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
