//! When a heartbeat is due, and when a peer has been silent for too long (AMQP 0-9-1, section 4.2.7), as RabbitMQ counts
//! it: some clients wait no longer than it lets them wait.

use std::{mem, time::Duration};
use tokio::time::{Instant, Interval, interval_at};

/// A heartbeat that was agreed on.
pub(super) struct Heartbeat {
    half: Interval,
    beats: u64,
    has_written: bool,
    has_read: bool,
    silent_intervals: u32,
}

/// What is to be done when half an interval has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    Send,
    /// The peer is dead.
    GiveUp,
}

impl Heartbeat {
    /// Begins to count; `None` if there shall be no heartbeat.
    pub(super) fn every(seconds: u16) -> Option<Self> {
        let half = Duration::from_secs(seconds.into()) / 2;
        (seconds > 0).then(|| Self {
            half: interval_at(Instant::now() + half, half),
            beats: 0,
            has_written: false,
            has_read: true, // this was agreed on just now
            silent_intervals: 0,
        })
    }

    /// Something else than a heartbeat is written.
    pub(super) fn wrote(&mut self) {
        self.has_written = true;
    }

    /// The peer said something, or couldn't be heard.
    pub(super) fn read(&mut self) {
        self.has_read = true;
    }

    /// Half an interval has passed: if nothing was written in it, a heartbeat is due, and the first one always is. A
    /// whole interval without a word from the peer is forgiven; the second is not. So a peer is given up two to three
    /// intervals after it was last heard.
    pub(super) fn beat(&mut self) -> Beat {
        self.beats += 1;
        if self.beats.is_multiple_of(2) {
            self.silent_intervals = if mem::take(&mut self.has_read) { 0 } else { self.silent_intervals + 1 };
        }
        let was_idle = !mem::take(&mut self.has_written);
        match () {
            () if self.silent_intervals == 2 => Beat::GiveUp,
            () if was_idle || self.beats == 1 => Beat::Send,
            () => Beat::Nothing,
        }
    }
}

/// Waits until the next half of an interval has passed; for ever if there is no heartbeat.
pub(super) async fn next_half(heartbeat: &mut Option<Heartbeat>) {
    match heartbeat {
        Some(heartbeat) => drop(heartbeat.half.tick().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_an_interval_without_a_word_is_filled_with_a_heartbeat() {
        let mut heartbeat = Heartbeat::every(1).unwrap();
        heartbeat.wrote();
        assert_eq!(heartbeat.beat(), Beat::Send, "the first, whatever was said");
        heartbeat.wrote();
        assert_eq!(heartbeat.beat(), Beat::Nothing);
        assert_eq!(heartbeat.beat(), Beat::Send);
        assert_eq!(heartbeat.beat(), Beat::Send, "a heartbeat is no reason to leave out the next");
    }

    #[tokio::test]
    async fn a_peer_is_given_up_two_to_three_intervals_after_it_was_heard() {
        // In halves of an interval since the heartbeat was agreed on.
        for (heard_after, given_up_after) in [(0, 6), (1, 6), (2, 8), (3, 8), (5, 10)] {
            let mut heartbeat = Heartbeat::every(1).unwrap();
            for _ in 0..heard_after {
                assert_ne!(heartbeat.beat(), Beat::GiveUp);
            }
            heartbeat.read();
            let halves = (heard_after + 1..).find(|_| heartbeat.beat() == Beat::GiveUp);
            assert_eq!(halves, Some(given_up_after), "heard after {heard_after} halves");
        }
    }
}
