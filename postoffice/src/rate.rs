//! How fast a host may talk: a bucket of tokens that fills steadily, is emptied by what is read, and can owe.

use crate::limits::HostLimits;
use std::time::Duration;
use tokio::time::Instant;

/// How many seconds' worth may come at once.
const AT_ONCE: u32 = 2;

/// What a host may send by now.
#[derive(Debug)]
pub(crate) struct Rate {
    requests: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Rate {
    /// `None` if the host may send as fast as it can.
    pub(crate) fn new(limits: &HostLimits, now: Instant) -> Option<Self> {
        let bucket = |per_second: Option<u32>| per_second.map(|rate| Bucket::new(rate, now));
        let (requests, bytes) = (bucket(limits.requests_per_second), bucket(limits.bytes_per_second));
        (requests.is_some() || bytes.is_some()).then_some(Self { requests, bytes })
    }

    /// Takes tokens for so many requests in so many bytes, and says how long the host must not be read then.
    pub(crate) fn take(&mut self, requests: u32, bytes: u32, now: Instant) -> Duration {
        let take = |bucket: &mut Option<Bucket>, amount| {
            bucket.as_mut().map(|bucket| bucket.take(amount, now)).unwrap_or_default()
        };
        take(&mut self.requests, requests).max(take(&mut self.bytes, bytes))
    }

    /// Whether a host that is met for the first time would have as much.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        [&self.requests, &self.bytes].into_iter().flatten().all(|bucket| bucket.is_full(now))
    }
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, level: per_second * f64::from(AT_ONCE), filled: now }
    }

    fn level(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        (self.level + since * self.per_second).min(self.per_second * f64::from(AT_ONCE))
    }

    fn is_full(&self, now: Instant) -> bool {
        self.level(now) >= self.per_second * f64::from(AT_ONCE)
    }

    /// How long until what it owes is there again.
    fn take(&mut self, amount: u32, now: Instant) -> Duration {
        self.level = self.level(now) - f64::from(amount);
        self.filled = self.filled.max(now);
        Duration::from_secs_f64((-self.level / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(now: Instant) -> Rate {
        let limits =
            HostLimits { requests_per_second: Some(50), bytes_per_second: Some(1000), ..HostLimits::default() };
        Rate::new(&limits, now).unwrap()
    }

    #[test]
    fn who_is_too_fast_waits_until_the_rate_is_kept() {
        let start = Instant::now();
        let mut rate = rate(start);
        assert_eq!(rate.take(50 * AT_ONCE, 0, start), Duration::ZERO);
        assert_eq!(rate.take(50, 0, start), Duration::from_secs(1));
        let later = start + Duration::from_secs(1);
        assert_eq!(rate.take(0, 0, later), Duration::ZERO);
        assert_eq!(rate.take(0, 1000 * 5, later), Duration::from_secs(3));
        assert!(!rate.is_full(later) && rate.is_full(later + Duration::from_secs(5)));
    }

    #[test]
    fn waiting_saves_nothing_up_beyond_what_may_come_at_once() {
        let start = Instant::now();
        let later = start + Duration::from_secs(3600);
        assert!(rate(start).take(50 * (AT_ONCE + 1), 0, later) > Duration::ZERO);
    }
}
