//! The timer task: tells the broker, which has no clock, the time whenever something in it is due.

use crate::shared::Shared;
use std::{sync::Arc, time::Duration};

/// Runs until it is aborted.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let next = shared.next_alarm();
        let due = async {
            match next {
                Some(moment) => tokio::time::sleep(Duration::from_millis(moment.saturating_sub(shared.now()))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.timer_reset() => {}
            () = due => shared.with(None, |broker, now| broker.tick(now)),
        }
    }
}
