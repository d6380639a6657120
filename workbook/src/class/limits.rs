//! What one student's machine may do to the class's post office, and what the class may do together. The post office itself
//! refuses what is more.

use postoffice::{HostLimits, ResourceLimits};

/// How many clients may be connected at a time.
pub const CLIENTS: usize = 200;
/// How many connections one machine may have at a time.
pub const CONNECTIONS: usize = 10;
/// How many methods (letters, acknowledgements, questions) a machine may send in a second; who is faster is slowed down.
pub const REQUESTS_PER_SECOND: u32 = 50;
/// How many bytes a machine may send in a second; who is faster is slowed down.
pub const BYTES_PER_SECOND: u32 = 256 << 10;
/// The largest letter, in bytes.
pub const LETTER: u64 = 8 << 10;
/// How many letters may wait in one queue; with one more the oldest goes.
pub const LETTERS: usize = 200;
/// How many unacked letters a channel may have; it gets no more until it has acknowledged some.
pub const UNACKED: usize = 200;
/// How many queues there may be that one machine has declared.
pub const QUEUES: usize = 20;
/// How many exchanges there may be that one machine has declared.
pub const EXCHANGES: usize = 20;
/// How many bindings there may be that one machine has made.
pub const BINDINGS: usize = 100;
/// How many queues there may be in all.
const ALL_QUEUES: usize = 1000;
/// How many exchanges there may be in all.
const ALL_EXCHANGES: usize = 1000;
/// How many channels a connection may have, and how many consumers each of these.
const CHANNELS: u16 = 20;
const CONSUMERS: usize = 20;

/// The limits of a class's post office, but for those of its memory and of a letter.
pub(super) fn limits() -> ResourceLimits {
    ResourceLimits {
        max_connections: CLIENTS,
        max_channels_per_connection: CHANNELS,
        max_consumers_per_channel: CONSUMERS,
        max_unacknowledged_per_channel: UNACKED,
        max_queues: ALL_QUEUES,
        max_length: Some(LETTERS as u64),
        max_exchanges: ALL_EXCHANGES,
        per_host: HostLimits {
            max_connections: CONNECTIONS,
            max_queues: QUEUES,
            max_exchanges: EXCHANGES,
            max_bindings: BINDINGS,
            requests_per_second: Some(REQUESTS_PER_SECOND),
            bytes_per_second: Some(BYTES_PER_SECOND),
        },
    }
}
