//! What one student's machine may do to the class's post office: so fast, so much.

use super::frames::Method;
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

/// How many connections one machine may have at a time.
pub const CONNECTIONS: usize = 10;
/// How many requests (letters, signatures, questions) a machine may make in a second; who is faster is slowed down.
pub const REQUESTS_PER_SECOND: u32 = 50;
/// How many bytes a machine may send in a second; who is faster is slowed down.
pub const BYTES_PER_SECOND: u32 = 256 << 10;
/// How many queues a machine may name in its declarations until the next reset.
pub const QUEUES: usize = 20;
/// How many exchanges and bindings a machine may make until the next reset.
pub const RULES: usize = 100;
/// How many seconds' worth may come at once.
const AT_ONCE: u32 = 2;

/// What a machine has left.
#[derive(Debug)]
pub(super) struct Allowance {
    /// How many connections it has open.
    pub(super) connections: usize,
    requests: Bucket,
    bytes: Bucket,
    queues: HashSet<Vec<u8>>,
    rules: usize,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            connections: 0,
            requests: Bucket::new(REQUESTS_PER_SECOND, now),
            bytes: Bucket::new(BYTES_PER_SECOND, now),
            queues: HashSet::new(),
            rules: 0,
        }
    }

    /// Notes a request; says why it goes too far, if it does.
    pub(super) fn note(&mut self, method: Method<'_>) -> Result<(), String> {
        match method.ids() {
            (50, 10) => drop(self.queues.insert(method.name())), // queue.declare
            // exchange.declare, exchange.bind, queue.bind
            (40, 10 | 30) | (50, 20) => self.rules += 1,
            _ => {}
        }
        if self.queues.len() > QUEUES {
            return Err(format!("in this class a machine may declare {QUEUES} queues"));
        }
        if self.rules > RULES {
            return Err(format!("in this class a machine may make {RULES} exchanges and bindings"));
        }
        Ok(())
    }

    /// Pays for so many requests in so many bytes, and says how long the sender has to rest.
    pub(super) fn pay(&mut self, requests: u32, bytes: u32, now: Instant) -> Duration {
        self.requests.take(requests, now).max(self.bytes.take(bytes, now))
    }

    /// Queues, exchanges and bindings are all gone.
    pub(super) fn reset(&mut self) {
        self.queues.clear();
        self.rules = 0;
    }
}

/// Fills steadily, is emptied by what is taken, and can owe.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second: per_second.into(), level: f64::from(per_second * AT_ONCE), filled: now }
    }

    /// How long until what it owes is there again.
    fn take(&mut self, amount: u32, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        let full = self.per_second * f64::from(AT_ONCE);
        self.level = (self.level + since * self.per_second).min(full) - f64::from(amount);
        Duration::from_secs_f64((-self.level / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::frames::Frames, *};

    #[test]
    fn who_is_too_fast_rests_until_the_rate_is_kept() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        assert_eq!(allowance.pay(REQUESTS_PER_SECOND * AT_ONCE, 0, start), Duration::ZERO);
        assert_eq!(allowance.pay(REQUESTS_PER_SECOND, 0, start), Duration::from_secs(1));
        assert_eq!(allowance.pay(0, 0, start + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(allowance.pay(0, BYTES_PER_SECOND * 5, start + Duration::from_secs(1)), Duration::from_secs(3));
    }

    #[test]
    fn waiting_saves_nothing_up_beyond_what_may_come_at_once() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let later = start + Duration::from_secs(3600);
        assert!(allowance.pay(REQUESTS_PER_SECOND * (AT_ONCE + 1), 0, later) > Duration::ZERO);
    }

    fn declare(allowance: &mut Allowance, class: u8, method: u8, name: &str) -> Result<(), String> {
        let mut payload = vec![0, class, 0, method, 0, 0, u8::try_from(name.len()).unwrap()];
        payload.extend(name.as_bytes());
        let mut frame = vec![1, 0, 1, 0, 0, 0, u8::try_from(payload.len()).unwrap()];
        frame.extend(payload);
        frame.push(0xce);
        let mut outcome = Ok(());
        Frames::of_broker().take(&frame, |method| outcome = allowance.note(method));
        outcome
    }

    #[test]
    fn the_same_queue_counts_once_and_a_reset_forgets_it() {
        let mut allowance = Allowance::new(Instant::now());
        for number in 0..QUEUES {
            for _ in 0..3 {
                declare(&mut allowance, 50, 10, &format!("queue-{number}")).unwrap();
            }
        }
        let refused = declare(&mut allowance, 50, 10, "one more").unwrap_err();
        assert!(refused.contains("20 queues"), "{refused}");
        allowance.reset();
        declare(&mut allowance, 50, 10, "one more").unwrap();
    }

    #[test]
    fn exchanges_and_bindings_are_counted() {
        let mut allowance = Allowance::new(Instant::now());
        for number in 0..RULES {
            let (class, method) = [(40, 10), (40, 30), (50, 20)][number % 3];
            declare(&mut allowance, class, method, "logs").unwrap();
        }
        assert!(declare(&mut allowance, 50, 20, "logs").is_err());
    }
}
