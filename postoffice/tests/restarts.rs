//! What is there after the broker has ended in good order and started again: the same as in RabbitMQ, which has to start a few
//! times for that, and so is one of its own.

mod support;

use amq_protocol::protocol::{
    basic::{self, AMQPProperties},
    exchange, queue, tx,
};
use rabbitmq_node::Node;
use std::{sync::LazyLock, thread, time::Duration};
use support::{
    brokers::same_over_restarts,
    methods::*,
    script::{At, Script},
};

const A: At = ("a", 1);
const B: At = ("b", 1);

/// Longer than the post office takes to start again, shorter than RabbitMQ does.
const EXPIRY: i32 = 1500; // ms

static NODE: LazyLock<Option<Node>> = LazyLock::new(|| Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]));

fn same(script: impl Fn(&mut Script, &dyn Fn())) {
    if let Some(node) = &*NODE {
        same_over_restarts(node, script);
    }
}

fn durable(name: &str) -> queue::Declare {
    queue::Declare { durable: true, ..a_queue(name) }
}

fn quorum(name: &str) -> queue::Declare {
    queue::Declare { durable: true, ..a_queue_with(name, [("x-queue-type", text("quorum"))]) }
}

fn persistent() -> AMQPProperties {
    AMQPProperties::default().with_delivery_mode(2)
}

/// Sends both kinds, one after the other.
fn send(s: &mut Script, queue: &str, bodies: &[&str]) {
    for body in bodies {
        s.publish_with(A, to("", queue), persistent(), body.as_bytes());
        s.publish_with(A, to("", queue), AMQPProperties::default().with_delivery_mode(1), b"transient");
    }
}

fn take_all(s: &mut Script, queue: &str, count: usize) {
    (0..=count).for_each(|_| s.call(A, basic::Get { queue: queue.into(), no_ack: true }));
}

#[test]
fn classic_and_quorum_queues_keep_what_they_keep_and_mark_what_they_mark() {
    same(|s, restart| {
        s.confirm(A);
        for queue in [durable("letters"), quorum("votes")] {
            s.call(A, queue);
        }
        for queue in ["letters", "votes"] {
            send(s, queue, &["never delivered", "given back", "rejected", "unacknowledged"]);
            for _ in 0..4 {
                s.call(B, one_from(queue));
            }
        }
        s.tell(B, nack(2));
        s.tell(B, basic::Reject { delivery_tag: 3, requeue: true });
        s.restart(restart);
        take_all(s, "letters", 4);
        take_all(s, "votes", 8);
    });
}

#[test]
fn durable_queues_and_all_exchanges_survive_with_their_bindings() {
    same(|s, restart| {
        s.confirm(A);
        s.call(A, durable("kept"));
        s.call(A, queue::Declare { exclusive: true, durable: true, ..a_queue("mine") });
        s.call(A, queue::Declare { auto_delete: true, durable: true, ..a_queue("unused") });
        for (name, durable) in [("durable", true), ("passing", false)] {
            let declare =
                exchange::Declare { exchange: name.into(), kind: "direct".into(), durable, ..Default::default() };
            s.call(A, declare);
            s.call(
                A,
                queue::Bind {
                    queue: "kept".into(),
                    exchange: name.into(),
                    routing_key: "k".into(),
                    ..Default::default()
                },
            );
        }
        s.restart(restart);
        s.confirm(A);
        for name in ["kept", "mine", "unused"] {
            s.call(A, is_there_a_queue(name));
            s.confirm_again(A);
        }
        for name in ["durable", "passing"] {
            s.call(A, is_there_an_exchange(name));
            s.confirm_again(A);
        }
        s.publish_with(A, to("durable", "k"), persistent(), b"routed");
        take_all(s, "kept", 1);
    });
}

#[test]
fn deaths_priorities_and_transactions_survive() {
    same(|s, restart| {
        s.confirm(A);
        s.call(A, durable("dead"));
        let short = a_queue_with(
            "short",
            [
                ("x-dead-letter-exchange", text("")),
                ("x-dead-letter-routing-key", text("dead")),
                ("x-max-length", int(1)),
            ],
        );
        s.call(A, queue::Declare { durable: true, ..short });
        s.call(A, queue::Declare { durable: true, ..a_queue_with("urgent", [("x-max-priority", int(5))]) });
        for body in ["first", "second"] {
            s.publish_with(A, to("", "short"), persistent(), body.as_bytes());
        }
        for priority in [1, 5, 3, 1] {
            s.publish_with(A, to("", "urgent"), persistent().with_priority(priority), &[b'0' + priority]);
        }
        s.call(A, durable("whole"));
        s.call(B, tx::Select {});
        s.publish_with(B, to("", "whole"), persistent(), b"committed");
        s.call(B, tx::Commit {});
        s.publish_with(B, to("", "whole"), persistent(), b"not committed");
        s.restart(restart);
        for (queue, count) in [("short", 1), ("dead", 1), ("urgent", 4), ("whole", 1)] {
            take_all(s, queue, count);
        }
    });
}

#[test]
fn what_expires_around_a_restart_is_gone_or_a_dead_letter() {
    same(|s, restart| {
        s.confirm(A);
        s.call(A, durable("dead"));
        for (name, argument) in [
            ("letters", ("x-queue-type", text("classic"))),
            ("votes", ("x-queue-type", text("quorum"))),
            ("short-lived", ("x-message-ttl", int(EXPIRY))),
        ] {
            let to_dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead")), argument];
            s.call(A, queue::Declare { durable: true, ..a_queue_with(name, to_dead) });
        }
        for queue in ["letters", "votes"] {
            let expiring = |after: &str| persistent().with_expiration(after.into());
            s.publish_with(A, to("", queue), expiring(&EXPIRY.to_string()), b"short");
            s.publish_with(A, to("", queue), expiring("600000"), b"long");
            s.publish_with(A, to("", queue), persistent(), b"for ever");
        }
        s.publish_with(A, to("", "short-lived"), persistent(), b"short too");
        s.restart(|| {
            restart();
            thread::sleep(Duration::from_millis(EXPIRY as u64)); // which RabbitMQ takes anyway
        });
        s.until_ready("dead", 3);
        for (queue, count) in [("letters", 2), ("votes", 2), ("short-lived", 0)] {
            take_all(s, queue, count);
        }
    });
}

#[test]
fn what_is_kept_back_for_a_while_comes_back_after_a_restart() {
    same(|s, restart| {
        s.confirm(A);
        let delays = [
            ("x-queue-type", text("quorum")),
            ("x-delayed-retry-type", text("all")),
            ("x-delayed-retry-min", int(EXPIRY)),
            ("x-delayed-retry-max", int(EXPIRY)),
        ];
        s.call(A, queue::Declare { durable: true, ..a_queue_with("votes", delays) });
        for body in ["kept back", "at once"] {
            s.publish_with(A, to("", "votes"), persistent(), body.as_bytes());
        }
        s.call(B, one_from("votes"));
        s.look_away_from("votes"); // when the delay is over is a matter of the moment
        s.tell(B, nack(1));
        s.restart(|| {
            restart();
            thread::sleep(Duration::from_millis(EXPIRY as u64));
        });
        s.until_ready("votes", 2);
        take_all(s, "votes", 2);
    });
}
