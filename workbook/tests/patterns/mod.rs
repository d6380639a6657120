//! The scenes of Part II: several consumers at once, and what the broker holds between them.

mod confirms;
mod flash_sale;
mod publish_subscribe;
mod python;
mod request_reply;
mod routing;
mod work_queues;

use crate::stage::{self, End, Stage, Terminal, block_on};
use lapin::{
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use std::{
    ops::Deref,
    time::{Duration, Instant},
};

/// Longer than anything takes here on a busy machine; only a failure waits so long.
const DEADLINE: Duration = Duration::from_secs(120);

/// A stage that has these queues and exchanges neither before the scene nor after it.
struct Shop {
    stage: Stage,
    queues: &'static [&'static str],
    exchanges: &'static [&'static str],
}

impl Shop {
    /// The same shop on each broker that must give the same record.
    fn on_each_broker(
        queues: &'static [&'static str],
        exchanges: &'static [&'static str],
    ) -> impl Iterator<Item = Self> {
        Stage::on_each_broker().map(move |stage| Self::on(stage, queues, exchanges))
    }

    /// The same shop on each broker, which the scene may end and start again.
    fn with_restarts(queues: &'static [&'static str]) -> impl Iterator<Item = Self> {
        Stage::with_restarts().map(move |stage| Self::on(stage, queues, &[]))
    }

    /// Has the broker end and start again.
    fn restart_after(&mut self, end: End) {
        self.stage.restart_after(end);
    }

    fn on(stage: Stage, queues: &'static [&'static str], exchanges: &'static [&'static str]) -> Self {
        for name in queues {
            let passive = QueueDeclareOptions { passive: true, ..Default::default() };
            let found = block_on(stage.channel().queue_declare((*name).into(), passive, FieldTable::default()));
            assert!(found.is_err(), "the broker already has a queue `{name}`, which the scene would delete");
        }
        Self { stage, queues, exchanges }
    }

    /// Whether the broker has this queue.
    fn has_queue(&self, name: &str) -> bool {
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        block_on(self.stage.channel().queue_declare(name.into(), passive, FieldTable::default())).is_ok()
    }

    /// Waits until a durable queue holds so many messages ready and unacknowledged, and has so many consumers.
    #[track_caller]
    fn wait_until(&self, queue: &str, ready: u32, unacknowledged: usize, consumers: u32) {
        let start = Instant::now();
        loop {
            let declare = self.control().queue_declare(
                queue.into(),
                QueueDeclareOptions::durable(), // as the listings do: whoever is first makes it
                FieldTable::default(),
            );
            let state = block_on(declare).unwrap();
            let mut seen = (state.message_count(), unacknowledged, state.consumer_count());
            if seen == (ready, unacknowledged, consumers) {
                seen.1 = self.unacknowledged(queue).unwrap_or(unacknowledged); // this takes long, so it is asked last
            }
            if seen == (ready, unacknowledged, consumers) {
                return;
            }
            let wanted = (ready, unacknowledged, consumers);
            assert!(start.elapsed() < DEADLINE, "`{queue}` has (ready, unacked, consumers) {seen:?}, not {wanted:?}");
        }
    }

    /// Compares what the terminals show with the file that the chapter includes.
    #[track_caller]
    fn compare<const N: usize>(&self, terminals: [&Terminal; N], file: &str) {
        stage::compare_in("patterns", &terminals.map(|terminal| terminal.shown().to_owned()), file);
    }
}

impl Deref for Shop {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // A broker that the scene has stopped has nothing left to tidy up.
        for queue in self.queues {
            let _ = block_on(self.control().queue_delete((*queue).into(), QueueDeleteOptions::default()));
        }
        for exchange in self.exchanges {
            let _ = block_on(self.control().exchange_delete((*exchange).into(), ExchangeDeleteOptions::default()));
        }
    }
}
