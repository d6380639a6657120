//! When to read on from a client that streams.
//!
//! A client that publishes message after message writes each one by itself, and an idle server reads each one by itself:
//! two wake-ups a message, which cost more than all the rest. A moment's patience lets some gather. It is taken only
//! with a client that has been streaming for a while and hears nothing in return, so nobody waits for an answer.

use std::time::Duration;
use tokio::time::Instant;

/// Reads that follow one another faster than this are a stream.
const CLOSE: Duration = Duration::from_micros(250);
/// How many of those in a row it takes.
const RUN: u32 = 16;
/// A read of at least this much isn't small; what comes in such pieces had better be taken as fast as it comes.
const SMALL: usize = 16 * 1024;
/// The moment's patience; the runtime's clock knows none shorter.
const MOMENT: Duration = Duration::from_millis(1);

/// How a client's bytes have been coming.
#[derive(Debug)]
pub(crate) struct Pace {
    last: Instant,
    run: u32,
    rest_until: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { last: now, run: 0, rest_until: None }
    }

    /// So many bytes have been read just now.
    pub(crate) fn read(&mut self, bytes: usize, now: Instant) {
        // After a rest, which the clock may stretch to two moments, the next read can't follow any sooner.
        let rested = if self.run >= RUN { MOMENT * 2 } else { Duration::ZERO };
        let follows = now.duration_since(self.last) < CLOSE + rested;
        self.run = if follows && bytes < SMALL { self.run.saturating_add(1) } else { 0 };
        self.last = now;
        self.rest_until = (self.run >= RUN).then(|| now + MOMENT);
    }

    /// The client was told something: it may have waited for that, so it doesn't stream.
    pub(crate) fn wrote(&mut self) {
        self.run = 0;
        self.rest_until = None;
    }

    /// Whether to leave the client's bytes where they are for now.
    pub(crate) fn is_resting(&self) -> bool {
        self.rest_until.is_some()
    }

    /// Waits until the rest is over; for ever if there is none.
    pub(crate) async fn rest(&mut self) {
        match self.rest_until {
            Some(moment) => tokio::time::sleep_until(moment).await,
            None => std::future::pending().await,
        }
        self.rest_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small reads that follow one another closely.
    fn streaming(pace: &mut Pace, now: &mut Instant, reads: u32) {
        for _ in 0..reads {
            *now += CLOSE / 2;
            pace.read(100, *now);
        }
    }

    #[test]
    fn a_client_that_streams_is_given_a_moment() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        streaming(&mut pace, &mut now, RUN - 1);
        assert!(!pace.is_resting());
        streaming(&mut pace, &mut now, 1);
        assert!(pace.is_resting());
        pace.read(100, now + MOMENT * 2);
        assert!(pace.is_resting(), "it goes on streaming");
    }

    #[test]
    fn a_client_that_waits_for_answers_or_pauses_or_sends_much_is_not() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        streaming(&mut pace, &mut now, RUN);
        pace.wrote();
        assert!(!pace.is_resting());
        streaming(&mut pace, &mut now, RUN - 1);
        now += CLOSE;
        pace.read(100, now);
        streaming(&mut pace, &mut now, RUN - 1);
        assert!(!pace.is_resting());
        pace.read(SMALL, now);
        assert!(!pace.is_resting());
    }
}
