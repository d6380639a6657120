//! The order of a queue, its limits and its expiry, without a broker.

use super::*;
use crate::{
    ledger::Account,
    message::{Content, Source},
};
use amq_protocol::types::AMQPValue;
use proptest::prelude::*;

fn queue(arguments: &[(&str, AMQPValue)]) -> Queue {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        table.insert((*name).into(), value.clone());
    }
    let charge = Charge::new(&Arc::default(), Account::Definitions, 0);
    Queue::new("q".into(), Settings::from_arguments("q", &table).unwrap(), table, charge, 0)
}

fn message(body: &str) -> Arc<Message> {
    let source = Arc::new(Source::new("".into(), &Arc::default()));
    Message::new(source, 1, Content::new(b"q", &[0, 0], body.as_bytes()), None)
}

fn push(queue: &mut Queue, body: &str, lifetime: Option<u64>) {
    queue.push(message(body), false, lifetime, 0);
}

fn bodies(entries: impl IntoIterator<Item = Entry>) -> String {
    entries.into_iter().map(|entry| String::from_utf8_lossy(entry.message.content.body()).into_owned()).collect()
}

fn drain(queue: &mut Queue) -> String {
    bodies(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>())
}

#[test]
fn a_message_that_comes_back_lies_where_it_lay() {
    let mut queue = queue(&[]);
    "abcde".chars().for_each(|c| push(&mut queue, &c.to_string(), None));
    let mut taken: Vec<Entry> = (0..4).filter_map(|_| queue.pop()).collect();
    let c = taken.remove(2);
    queue.put_back(vec![c], false, 0, |_, _| {});
    queue.put_back(taken, false, 0, |_, _| {});
    assert_eq!(queue.len(), 5);
    assert_eq!(drain(&mut queue), "abcde");
    assert!(queue.is_empty());
}

#[test]
fn only_the_head_expires_and_the_shorter_life_counts() {
    let mut queue = queue(&[("x-message-ttl", AMQPValue::LongInt(100))]);
    push(&mut queue, "a", Some(200));
    push(&mut queue, "b", Some(10));
    assert_eq!(queue.next_expiry(), 100);
    assert_eq!(bodies(queue.take_expired(50)), "");
    assert_eq!(bodies(queue.take_expired(100)), "ab");
}

#[test]
fn a_full_queue_drops_from_the_head() {
    let mut queue = queue(&[("x-max-length", AMQPValue::LongInt(2))]);
    "abc".chars().for_each(|c| push(&mut queue, &c.to_string(), None));
    assert_eq!(bodies(queue.take_overflow()), "a");
    assert!(!queue.refuses(&message("d")));
}

#[test]
fn a_full_queue_that_refuses_keeps_what_it_has() {
    let reject = AMQPValue::LongString("reject-publish".into());
    let mut queue = queue(&[("x-max-length-bytes", AMQPValue::LongInt(3)), ("x-overflow", reject)]);
    push(&mut queue, "ab", None);
    assert!(!queue.refuses(&message("c")));
    assert!(queue.refuses(&message("cd")));
    assert_eq!(bodies(queue.take_overflow()), "");
}

proptest! {
    #[test]
    fn whatever_comes_back_in_whatever_order_the_queue_is_in_order(
        count in 1usize..40,
        returned in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 1..8), 0..8),
    ) {
        let mut queue = queue(&[]);
        (0..count).for_each(|_| push(&mut queue, "x", None));
        let mut out: Vec<Entry> = (0..count / 2).filter_map(|_| queue.pop()).collect();
        for batch in returned {
            let mut back = Vec::new();
            for index in batch {
                if !out.is_empty() {
                    back.push(out.remove(index.index(out.len())));
                }
            }
            queue.put_back(back, false, 0, |_, _| {});
        }
        let left = count - out.len();
        prop_assert_eq!(queue.len(), left);
        let numbers: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|entry| entry.number).collect();
        prop_assert!(numbers.is_sorted());
        prop_assert_eq!(numbers.len(), left);
    }
}
