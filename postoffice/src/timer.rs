//! The timer task: tells the broker, which has no clock, the time whenever something in it is due, and lets it go on with the
//! work that it has left for later.

use crate::shared::Shared;
use std::{sync::Arc, time::Duration};

/// How often it is looked whether what clients have been sent has made room.
const MEMORY_CHECK: Duration = Duration::from_millis(50);
/// How long those who wait for the broker get before its own work goes on.
const GIVE_WAY: Duration = Duration::from_millis(1);

/// Runs until it is aborted.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let next = shared.next_timer();
        let due = async {
            match next {
                Some(moment) => tokio::time::sleep(Duration::from_millis(moment.saturating_sub(shared.now()))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.timer_reset() => {}
            () = due => shared.with(None, |broker, now| broker.tick(now)),
            // The encoder lets go of messages without the lock, and the last of them may have made room.
            () = tokio::time::sleep(MEMORY_CHECK), if shared.must_ask_before_publishing(0) => {
                shared.with(None, |broker, now| broker.tick(now));
            }
            () = shared.work_left() => {
                shared.with(None, |broker, now| broker.resume_dead_letters(now));
                // The lock goes to whoever comes first, which would be this task again.
                match shared.is_contended() {
                    false => tokio::task::yield_now().await,
                    true => tokio::time::sleep(GIVE_WAY).await,
                }
            }
        }
    }
}
