//! Those who read the journal while it is written.

use super::Event;
use tokio::sync::mpsc;

/// How many events a reader may be behind.
const BACKLOG: usize = 65_536;

/// The events of one office from the moment it was asked for, in order. See [`PostOffice::journal`].
///
/// [`PostOffice::journal`]: crate::PostOffice::journal
#[derive(Debug)]
pub struct Journal {
    pub(crate) events: mpsc::Receiver<Event>,
}

impl Journal {
    /// Waits for the next event. `None` once the office is closed and all its events were read.
    ///
    /// A reader that falls more than 65,536 events behind misses those that don't fit.
    ///
    /// ```
    #[doc = include_str!("../a_letter_waits.txt")]
    /// // A client is connected.
    /// let mut journal = office.journal();
    /// office.close().await;
    /// let mut last = None;
    /// while let Some(event) = journal.next().await {
    ///     last = Some(event);
    /// }
    /// assert!(matches!(last, Some(Event::Disconnected { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The next event if it has happened already.
    ///
    /// ```
    #[doc = include_str!("../a_letter_waits.txt")]
    /// // A client has declared the queue `hello` and sent "Hi!" to it.
    /// let mut journal = office.journal();
    /// assert_eq!(journal.try_next(), None, "that was before");
    /// office.purge("hello")?;
    /// println!("{:?}", journal.try_next());
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

/// Hands events to those who read.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    senders: Vec<mpsc::Sender<Event>>,
    is_closed: bool,
}

impl Readers {
    /// A journal of what comes from now on, which is nothing once they are closed.
    pub(crate) fn join(&mut self) -> Journal {
        let (sender, events) = mpsc::channel(BACKLOG);
        if !self.is_closed {
            self.senders.push(sender);
        }
        Journal { events }
    }

    /// Whether anybody still reads.
    pub(crate) fn any(&mut self) -> bool {
        self.senders.retain(|reader| !reader.is_closed());
        !self.senders.is_empty()
    }

    pub(crate) fn tell(&self, events: Vec<Event>) {
        for event in events {
            for reader in &self.senders {
                let _ = reader.try_send(event.clone()); // a reader that is too far behind misses it, as documented
            }
        }
    }

    /// Ends all journals, those to come too.
    pub(crate) fn close(&mut self) {
        self.senders.clear();
        self.is_closed = true;
    }
}
