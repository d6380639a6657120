//! A broker that is full, and one that shuts down.

use crate::support::{
    brokers::{RUNTIME, my_turn, node, open_office},
    client::{Client, Hello, Incoming},
    methods::*,
    script::Script,
    show,
};
use amq_protocol::{
    frame::AMQPFrame,
    protocol::{channel, confirm},
};
use postoffice::PostOffice;
use rabbitmq_node::Node;
use std::{net::SocketAddr, process::Command};

fn shown(incoming: Option<Incoming>) -> String {
    match incoming {
        Some(Incoming::Frame(AMQPFrame::Method(channel, method))) => format!("{channel}: {}", show::method(&method)),
        other => format!("{other:?}"),
    }
}

/// What a publisher sees while the broker is full, and afterwards.
fn publisher(addr: SocketAddr, fill: impl FnOnce(), make_room: impl FnOnce()) -> Vec<String> {
    let hello = Hello { capabilities: &["connection.blocked", "publisher_confirms"], ..Hello::default() };
    let mut client = Client::open_as(addr, &hello);
    let mut seen = Vec::new();
    client.send_method(1, channel::Open {}.class());
    client.expect_method();
    client.send_method(1, confirm::Select { nowait: false }.class());
    client.expect_method();
    fill();
    client.send_method(1, to("", "nobody").class());
    client.send_content(1, &properties(), b"please");
    seen.push(shown(client.next()));
    // who only consumes isn't disturbed
    let mut others = Script::new(addr);
    others.call(("other", 1), one_from("letters"));
    seen.extend(others.end().into_iter().flat_map(|step| step.observed));
    make_room();
    // unblocked, and the confirm; which of them comes first is a matter of the moment
    let mut rest = [shown(client.next()), shown(client.next())];
    rest.sort();
    seen.extend(rest);
    seen
}

#[test]
fn a_full_broker_blocks_publishers_and_says_why() {
    let Some(node) = node() else { return };
    let _turn = my_turn();
    let limit = |limit: &str| {
        let run = |command: &mut Command| command.output().expect("rabbitmqctl runs").status.success();
        assert!(run(node.rabbitmqctl().args(["set_vm_memory_high_watermark", limit])));
    };
    let rabbitmq: SocketAddr = ([127, 0, 0, 1], node.amqp_port()).into();
    let mut clerk = Script::new(rabbitmq);
    clerk.call(("clerk", 1), a_queue("letters"));
    clerk.publish(("clerk", 1), to("", "letters"), "one");
    let there = publisher(rabbitmq, || limit("0.000001"), || limit("0.4"));
    clerk.end();

    let office = RUNTIME.block_on(PostOffice::builder().memory_limit(500_000).open()).expect("an office opens");
    let mut clerk = Script::new(office.address());
    let at = ("clerk", 1);
    clerk.call(at, a_queue("letters"));
    clerk.publish(at, to("", "letters"), "one");
    clerk.call(at, a_queue("large"));
    let fill = || clerk.publish_with(at, to("", "large"), properties(), &[b'x'; 600_000]);
    let here = publisher(office.address(), fill, || drop(office.purge("large")));
    assert_eq!(here, there);
}

#[test]
fn a_broker_that_shuts_down_tells_its_clients() {
    if node().is_none() {
        return;
    }
    // The common node holds its ports by now, so the two don't choose the same ones.
    let own = Node::start(env!("CARGO_TARGET_TMPDIR"), &[]).expect("a second node starts");
    let at_work = |addr: SocketAddr| {
        let mut client = Client::open(addr);
        client.send_method(1, channel::Open {}.class());
        client.expect_method();
        client
    };
    let mut there = at_work(([127, 0, 0, 1], own.amqp_port()).into());
    own.shut_down().expect("the node shuts down");
    let office = open_office();
    let mut here = at_work(office.address());
    RUNTIME.block_on(office.close());
    let last_words =
        |client: &mut Client| client.until_closed().into_iter().map(|i| shown(Some(i))).collect::<Vec<_>>();
    let here = last_words(&mut here);
    assert_eq!(here, last_words(&mut there));
}
