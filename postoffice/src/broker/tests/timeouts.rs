//! What consumers don't acknowledge in time, by a clock that the test sets.

use super::*;
use crate::ledger::Account;
use amq_protocol::protocol::tx;

fn votes(office: &mut Office, client: u64, name: &str) {
    office.declare(client, name, &[("x-queue-type", AMQPValue::LongString("quorum".into()))]);
}

#[test]
fn each_message_has_its_time_and_the_consumer_is_told_each_time() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    votes(&mut office, anna, "votes");
    office.consume(ben, "votes", 0);
    office.publish(anna, "votes", "a");
    office.wait(10_000);
    office.publish(anna, "votes", "b");
    office.wait(19_999);
    assert_eq!(office.hears(ben), ["1: a", "2: b"]);
    office.wait(1);
    assert_eq!((office.hears(ben), office.counts("votes")), (vec!["cancelled".to_owned()], (1, 1)));
    office.wait(10_000);
    assert_eq!((office.hears(ben), office.counts("votes")), (vec!["cancelled".to_owned()], (2, 0)));
    office.ack(ben, 1, false);
    assert_eq!(office.hears(ben), [""; 0], "it still owes the second");
    office.ack(ben, 2, false);
    assert_eq!(office.hears(ben), ["3: a again", "4: b again"]);
    assert_eq!(office.counts("votes"), (0, 2), "what came late settled nothing");
}

#[test]
fn a_classic_queue_waits_for_ever_and_so_does_nobody_for_what_is_settled() {
    let mut office = Office::open();
    let (anna, ben, carl) = (office.client(), office.client(), office.client());
    office.declare(anna, "letters", &[]);
    votes(&mut office, anna, "votes");
    office.consume(ben, "letters", 0);
    office.consume(carl, "votes", 0);
    ["letters", "votes"].iter().for_each(|queue| office.publish(anna, queue, "a"));
    office.ack(carl, 1, false);
    assert_eq!(office.broker.next_timer(), None);
    office.wait(100 * 365 * 24 * 3_600_000);
    assert_eq!((office.hears(ben), office.hears(carl)), (vec!["1: a".to_owned()], vec!["1: a".to_owned()]));
}

#[test]
fn an_acknowledgement_counts_when_its_transaction_does() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    votes(&mut office, anna, "votes");
    office.run(ben, (90, 10), AMQPClass::Tx(tx::AMQPMethod::Select(tx::Select {})));
    office.consume(ben, "votes", 0);
    ["a", "b"].iter().for_each(|body| office.publish(anna, "votes", body));
    office.ack(ben, 2, true);
    office.wait(30_000);
    assert_eq!(office.hears(ben), ["1: a", "2: b", "cancelled"]);
    office.run(ben, (90, 20), AMQPClass::Tx(tx::AMQPMethod::Commit(tx::Commit {})));
    assert_eq!(office.hears(ben), ["ok", "3: a again", "4: b again"]);
    assert_eq!(office.counts("votes"), (0, 2));
}

#[test]
fn who_can_not_be_told_loses_the_channel_and_all_comes_back() {
    let mut office = Office::open();
    let anna = office.client();
    let ben = office.broker.connect(Client { channel_max: 10, ..Client::default() }, office.now);
    office.run(ben, (20, 10), AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    office.hears(ben);
    votes(&mut office, anna, "votes");
    office.consume(ben, "votes", 0);
    office.publish(anna, "votes", "a");
    office.wait(10_000);
    office.publish(anna, "votes", "b");
    office.wait(20_000);
    assert_eq!(office.hears(ben), ["1: a", "2: b", "closed 406"]);
    assert_eq!(office.counts("votes"), (2, 0));
    assert!(office.broker.deadlines.is_empty());
}

#[test]
fn a_queue_that_is_gone_waits_for_nothing() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    votes(&mut office, anna, "votes");
    office.consume(ben, "votes", 0);
    office.publish(anna, "votes", "a");
    office.broker.remove_queue("votes", office.now).unwrap();
    office.wait(30_000);
    assert_eq!(office.hears(ben), ["1: a", "cancelled"], "because the queue was deleted");
    office.ack(ben, 1, false);
    assert_eq!((office.broker.ledger().held_for(Account::Messages), office.hears(ben)), (0, Vec::new()));
}
