//! What the journal tells, and what it doesn't.

use super::*;

fn events(office: &mut Office) -> Vec<String> {
    office.broker.take_journal().iter().map(in_short).collect()
}

fn in_short(event: &Event) -> String {
    match event {
        Event::Unsubscribed { consumer_tag, queue, .. } => format!("{consumer_tag} leaves {queue}"),
        Event::Bound { exchange, destination, .. } => format!("{exchange} to {destination}"),
        Event::Unbound { exchange, destination, .. } => format!("{exchange} no more to {destination}"),
        Event::QueueDeleted { queue } => format!("no queue {queue}"),
        Event::ExchangeDeleted { exchange } => format!("no exchange {exchange}"),
        Event::Published { routing_key, .. } => format!("published {routing_key}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn with_a_queue_go_its_subscriptions_its_bindings_and_the_exchanges_that_end_with_them() {
    let mut office = Office::open();
    let (anna, ben) = (office.client(), office.client());
    office.declare(anna, "hello", &[]);
    declare_brief_exchange(&mut office, anna, "brief");
    bind(&mut office, anna, "hello", "brief", "a");
    let onward = exchange::Bind {
        source: "amq.topic".into(),
        destination: "brief".into(),
        routing_key: "b".into(),
        nowait: true,
        arguments: FieldTable::default(),
    };
    office.run(anna, (40, 30), AMQPClass::Exchange(exchange::AMQPMethod::Bind(onward)));
    office.consume(ben, "hello", 0);
    office.broker.keep_journal(true);
    office.broker.remove_queue("hello", office.now).unwrap();
    let expected = [
        "me leaves hello",
        "brief no more to hello",
        "amq.topic no more to brief",
        "no exchange brief",
        "no queue hello",
    ];
    assert_eq!(events(&mut office), expected);
}

#[test]
fn with_an_exchange_go_its_bindings_and_those_that_lead_to_it() {
    let mut office = Office::open();
    let anna = office.client();
    office.declare(anna, "hello", &[]);
    declare_brief_exchange(&mut office, anna, "brief");
    bind(&mut office, anna, "hello", "brief", "a");
    office.broker.keep_journal(true);
    let delete = exchange::Delete { exchange: "brief".into(), if_unused: false, nowait: true };
    office.run(anna, (40, 20), AMQPClass::Exchange(exchange::AMQPMethod::Delete(delete)));
    assert_eq!(events(&mut office), ["brief no more to hello", "no exchange brief"]);
}

#[test]
fn a_publish_is_told_when_it_is_committed_and_not_when_it_is_rolled_back() {
    let mut office = Office::open();
    let anna = office.client();
    office.declare(anna, "hello", &[]);
    transact(&mut office, anna, 0).unwrap();
    office.broker.keep_journal(true);
    office.publish(anna, "hello", "a");
    assert_eq!(events(&mut office), [""; 0]);
    transact(&mut office, anna, 1).unwrap();
    assert_eq!(events(&mut office), [""; 0]);
    office.publish(anna, "hello", "b");
    transact(&mut office, anna, 2).unwrap();
    assert_eq!(events(&mut office), ["published hello"]);
}
