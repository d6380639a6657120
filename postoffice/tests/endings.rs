//! However a connection's task ends, the office forgets the client: its consumers, its exclusive queues, itself.

mod support;

use amq_protocol::protocol::{channel, queue};
use postoffice::{Event, PostOffice};
use std::{
    thread,
    time::{Duration, Instant},
};
use support::{brokers::RUNTIME, client::Client, methods::*};
use tokio::runtime::Runtime;

fn until(reached: impl Fn() -> bool, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(1)); // between two looks
    }
}

/// A client with a consumer, and a queue that goes with it.
fn at_work(office: &PostOffice) -> Client {
    let mut client = Client::open(office.address());
    client.send_method(1, channel::Open {}.class());
    client.expect_method();
    client.send_method(1, queue::Declare { exclusive: true, ..Default::default() }.class());
    client.expect_method();
    client.send_method(1, a_consumer("", "me").class());
    client.expect_method();
    client
}

fn has_forgotten_everybody(office: &PostOffice) -> bool {
    office.connections().is_empty() && office.queues().is_empty()
}

#[test]
fn a_trace_that_panics_ends_its_connection_and_leaves_nothing_of_it() {
    let trace = |line: &str| assert!(!line.contains("queue.purge"), "a mistake of whoever traces");
    let office = RUNTIME.block_on(PostOffice::builder().trace(trace).open()).unwrap();
    let mut journal = office.journal();
    let mut client = at_work(&office);
    client.send_method(1, queue::Purge::default().class());
    client.until_closed();
    until(|| has_forgotten_everybody(&office), "the connection is forgotten");
    let events: Vec<Event> = std::iter::from_fn(|| journal.try_next()).collect();
    assert!(matches!(events.last(), Some(Event::Disconnected { .. })), "{events:?}");
    at_work(&office); // the others are served
    RUNTIME.block_on(office.close()); // and nobody is waited for who isn't there any more
}

#[test]
fn a_runtime_that_ends_takes_its_connections_with_it() {
    let runtime = Runtime::new().unwrap();
    let office = runtime.block_on(PostOffice::open()).unwrap();
    let mut client = at_work(&office);
    drop(runtime); // which drops the tasks where they stand
    client.until_closed();
    assert!(has_forgotten_everybody(&office), "{:?} {:?}", office.connections(), office.queues());
}

#[test]
fn a_journal_of_an_office_that_has_closed_has_ended() {
    let office = RUNTIME.block_on(PostOffice::open()).unwrap();
    RUNTIME.block_on(office.close());
    let mut journal = office.journal();
    let next = RUNTIME.block_on(async { tokio::time::timeout(Duration::from_secs(20), journal.next()).await });
    assert_eq!(next, Ok(None));
}
