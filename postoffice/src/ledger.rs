//! The ledger: how many bytes clients make the broker keep. What holds bytes charges for them and releases them when it is
//! dropped, so nothing can be forgotten on some path, and nothing else changes the count:
//!
//! - a [`Message`] for itself, as long as anybody holds it: a queue, a consumer that has not acknowledged it, a transaction, an
//!   outbox, the encoder;
//! - a [`Place`] for each queue that a message is in, also while it is unacknowledged there;
//! - a [`Charge`] for all else: what an outbox holds beside messages, half-sent messages, held publishes, definitions.
//!
//! What follows from the count is the broker's part (`broker/memory.rs`).

use crate::message::Message;
use amq_protocol::types::{AMQPValue, FieldTable};
use std::{
    mem::size_of,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What a `T` counts for: its bytes on a 64-bit machine, on others too, so that a broker fills its memory in the same way
/// wherever it runs. Where the code says another number than the machine, it doesn't compile.
pub(crate) const fn size_on_64_bits<T>(bytes: usize) -> usize {
    assert!(size_of::<T>() == bytes || cfg!(not(target_pointer_width = "64")), "the size of this type has changed");
    bytes
}

/// The bytes of a reference to text or bytes.
pub(crate) const REFERENCE: usize = size_on_64_bits::<Box<[u8]>>(16);

/// The bytes of a value in a table.
const VALUE: usize = size_on_64_bits::<AMQPValue>(32);

/// What bytes are kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Messages and their places in queues.
    Messages,
    /// What is on its way from or to a client: half-sent messages, held publishes, outboxes.
    Transfers,
    /// Queues, exchanges, bindings and consumers with their names and arguments.
    Definitions,
}

/// The bytes held in each account. Connections charge for half-sent messages outside the broker's lock, so it counts
/// atomically.
#[derive(Debug, Default)]
pub(crate) struct Ledger([AtomicUsize; 3]);

impl Ledger {
    /// All bytes that clients make the broker keep.
    pub(crate) fn held(&self) -> usize {
        self.0.iter().map(|account| account.load(Relaxed)).sum()
    }

    /// The bytes of one account.
    pub(crate) fn held_for(&self, account: Account) -> usize {
        self.account(account).load(Relaxed)
    }

    /// For what charges in its constructor and releases the same in its drop, as a [`Charge`] does.
    pub(crate) fn charge(&self, account: Account, bytes: usize) {
        self.account(account).fetch_add(bytes, Relaxed);
    }

    pub(crate) fn release(&self, account: Account, bytes: usize) {
        self.account(account).fetch_sub(bytes, Relaxed);
    }

    fn account(&self, account: Account) -> &AtomicUsize {
        let [messages, transfers, definitions] = &self.0;
        match account {
            Account::Messages => messages,
            Account::Transfers => transfers,
            Account::Definitions => definitions,
        }
    }
}

/// Bytes that are charged until this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    ledger: Arc<Ledger>,
    account: Account,
    bytes: AtomicUsize,
}

impl Charge {
    pub(crate) fn new(ledger: &Arc<Ledger>, account: Account, bytes: usize) -> Self {
        ledger.charge(account, bytes);
        Self { ledger: ledger.clone(), account, bytes: AtomicUsize::new(bytes) }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn grow(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.ledger.charge(self.account, bytes);
    }

    pub(crate) fn resize(&self, bytes: usize) {
        let before = self.bytes.swap(bytes, Relaxed);
        match bytes.checked_sub(before) {
            Some(0) => {}
            Some(more) => self.ledger.charge(self.account, more),
            None => self.ledger.release(self.account, before - bytes),
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// A message's place in a queue, until it is settled. A message is one however many queues it is in; its places add up.
#[derive(Debug)]
pub(crate) struct Place(Arc<Message>);

impl Place {
    /// The bytes of an entry in a list of messages, which has room for more than it holds.
    pub(crate) const BYTES: usize = 48;

    pub(crate) fn new(message: Arc<Message>) -> Self {
        message.ledger().charge(Account::Messages, Self::BYTES);
        Self(message)
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.ledger().release(Account::Messages, Self::BYTES);
    }
}

impl Deref for Place {
    type Target = Arc<Message>;

    fn deref(&self) -> &Arc<Message> {
        &self.0
    }
}

/// The bytes of a table in memory, which may be many times those that it came in.
pub(crate) fn table_bytes(table: &FieldTable) -> usize {
    const ENTRY: usize = 2 * (VALUE + size_on_64_bits::<String>(24)); // a map's nodes are half empty
    table.inner().iter().map(|(name, value)| ENTRY + name.as_str().len() + value_bytes(value)).sum()
}

/// What a value holds beside itself. A table nests no deeper than the parser lets it.
fn value_bytes(value: &AMQPValue) -> usize {
    match value {
        AMQPValue::LongString(text) => text.as_bytes().len(),
        AMQPValue::ByteArray(bytes) => bytes.as_slice().len(),
        AMQPValue::ShortString(text) => text.as_str().len(),
        AMQPValue::FieldTable(table) => table_bytes(table),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(|value| 2 * VALUE + value_bytes(value)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Content, Source};

    #[test]
    fn a_message_counts_once_and_its_places_each_until_the_last_is_gone() {
        let ledger = Arc::new(Ledger::default());
        let source = Arc::new(Source::new("".into(), &ledger));
        let message = Message::new(source, 1, Content::new(b"key", &[0, 0], b"body"), None);
        let alone = ledger.held();
        assert!(alone > 9);
        let place = Place::new(message.clone());
        let other = place.clone();
        assert_eq!(ledger.held(), alone + 2 * Place::BYTES);
        drop((place, message));
        assert_eq!(ledger.held(), alone + Place::BYTES);
        drop(other);
        assert_eq!(ledger.held(), 0);
    }

    #[test]
    fn a_charge_holds_what_it_was_last_set_to() {
        let ledger = Arc::new(Ledger::default());
        let charge = Charge::new(&ledger, Account::Definitions, 10);
        [30, 5].iter().for_each(|&bytes| charge.resize(bytes));
        charge.grow(2);
        assert_eq!((charge.bytes(), ledger.held_for(Account::Definitions), ledger.held()), (7, 7, 7));
        drop(charge);
        assert_eq!(ledger.held(), 0);
    }

    #[test]
    fn a_table_of_many_small_values_counts_for_what_it_takes_in_memory() {
        let mut table = FieldTable::default();
        let values: Vec<AMQPValue> = (0..1000).map(|_| AMQPValue::Void).collect(); // 1,000 bytes on the wire
        table.insert("x".into(), AMQPValue::FieldArray(values.into()));
        assert!(table_bytes(&table) >= 1000 * size_of::<AMQPValue>());
    }
}
