//! Confirms: what the broker answers for, and in which order with a return.

use crate::support::{brokers::same_on_both, client::encode, methods::*, script::At};
use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame},
    protocol::{basic, confirm, queue},
};

const A: At = ("a", 1);
const B: At = ("b", 1);

fn select() -> confirm::Select {
    confirm::Select { nowait: false }
}

#[test]
fn every_message_is_confirmed_whether_routed_or_not() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.publish(A, to("", "letters"), "before");
        s.call(A, select());
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("", "nobody"), "two");
        s.publish(A, mandatory("", "nobody"), "three");
        s.publish_with(A, to("", "letters"), properties().with_delivery_mode(2), b"stored");
        s.publish_all(A, to("", "letters"), properties(), &[b"x".as_slice(); 50]);
        s.publish_all(A, to("", "letters"), properties().with_delivery_mode(2), &[b"x".as_slice(); 50]);
        s.call(A, select());
        s.publish(A, to("", "letters"), "after");
        s.publish(A, to("nowhere", "letters"), "lost");
        s.reopen(A);
        s.publish(A, to("", "letters"), "without confirmation");
        s.tell(A, confirm::Select { nowait: true });
        s.publish(A, to("", "letters"), "without confirmation as the script sees it");
    });
}

#[test]
fn a_message_to_several_queues_is_confirmed_once() {
    same_on_both(|s| {
        for name in ["one", "two", "three"] {
            s.call(A, a_queue(name));
            s.call(A, binding(name, "amq.fanout", ""));
        }
        s.call(A, a_queue_with("quorum", [("x-queue-type", text("quorum"))]));
        s.call(A, binding("quorum", "amq.fanout", ""));
        s.call(A, select());
        s.publish(A, to("amq.fanout", ""), "one");
        s.call(B, a_listener("one", "me"));
        s.publish_with(A, to("amq.fanout", ""), properties().with_delivery_mode(2), b"two");
    });
}

#[test]
fn a_full_queue_that_refuses_says_so_to_who_asked_for_confirms() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-max-length", int(2)), ("x-overflow", text("reject-publish"))]));
        s.call(A, select());
        for body in ["one", "two", "three"] {
            s.publish(A, to("", "letters"), body);
        }
        s.publish(B, to("", "letters"), "silently dropped");
        s.call(A, one_from("letters"));
        s.publish(A, to("", "letters"), "fits, since the first isn't ready any more");
        s.tell(A, nack(1));
        s.publish(A, to("", "letters"), "refused");
        s.call(A, a_queue("open"));
        s.call(A, binding("letters", "amq.fanout", ""));
        s.call(A, binding("open", "amq.fanout", ""));
        s.publish(A, to("amq.fanout", ""), "one takes it, one refuses");
        s.publish(A, mandatory("amq.fanout", ""), "routed all the same");
        s.call(A, queue::Purge { queue: "letters".into(), nowait: false });
        s.publish(A, to("", "letters"), "fits again");
    });
}

#[test]
fn a_full_queue_that_refuses_to_a_dead_letter_exchange() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(
            A,
            a_queue_with(
                "letters",
                [
                    ("x-max-length", int(1)),
                    ("x-overflow", text("reject-publish-dlx")),
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text("dead")),
                ],
            ),
        );
        s.call(A, select());
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("", "letters"), "two");
        s.publish(B, to("", "letters"), "three");
        s.call(A, one_from("dead"));
        s.call(A, one_from("dead"));
        s.call(A, one_from("dead"));
    });
}

#[test]
fn a_message_that_a_consumer_takes_at_once_is_confirmed_too() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(B, a_consumer("letters", "me"));
        s.call(A, select());
        s.publish(A, to("", "letters"), "one");
        s.publish_with(A, to("", "letters"), properties().with_delivery_mode(2), b"two");
        s.tell(B, ack(1));
        s.tell(B, reject(2));
        s.call(A, a_queue_with("short", [("x-max-length", int(0))]));
        s.publish(A, to("", "short"), "dropped at once");
        s.call(A, a_queue_with("now", [("x-message-ttl", int(0))]));
        s.publish(A, to("", "now"), "expired at once");
    });
}

#[test]
fn what_no_queue_takes_is_confirmed_message_by_message() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, select());
        let four = [b"1".as_slice(), b"2", b"3", b"4"];
        s.publish_all_one_by_one(A, to("", "nobody"), properties(), &four);
        s.publish_all_one_by_one(A, mandatory("", "nobody"), properties().with_delivery_mode(2), &four);
        s.publish_all_one_by_one(A, mandatory("amq.fanout", ""), properties(), &[]);
        s.publish(A, to("", "letters"), "routed");
        s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        s.publish_all_one_by_one(A, to("", "letters"), properties(), &four);
    });
}

#[test]
fn a_refusal_answers_once_for_all_queues() {
    same_on_both(|s| {
        let full = [("x-max-length", int(0)), ("x-overflow", text("reject-publish"))];
        s.call(A, a_queue_with("full", full.clone()));
        s.call(A, a_queue_with("full too", full));
        s.call(A, a_queue("open"));
        s.call(A, binding("full", "amq.fanout", ""));
        s.call(A, binding("full too", "amq.fanout", ""));
        s.call(A, select());
        s.publish(A, to("amq.fanout", ""), "nobody takes it");
        s.publish(A, to("", "open"), "taken");
        s.call(A, binding("open", "amq.fanout", ""));
        s.publish(A, to("amq.fanout", ""), "one takes it");
        s.publish_with(A, to("amq.fanout", ""), properties().with_delivery_mode(2), b"one takes it");
        s.publish(A, mandatory("", "nobody"), "unroutable");
        s.publish_all(A, to("", "full"), properties(), &[b"1".as_slice(), b"2", b"3"]);
        s.publish(A, to("", "full"), "refused");
    });
}

#[test]
fn what_came_before_a_mistake_is_confirmed() {
    same_on_both(|s| {
        s.call(A, select());
        let publish = |exchange: &str, key: &str| {
            let header = AMQPContentHeader { class_id: 60, body_size: 0, properties: properties() };
            [
                encode(&AMQPFrame::Method(1, basic::Publish { mandatory: true, ..to(exchange, key) }.class())),
                encode(&AMQPFrame::Header(1, header)),
            ]
            .concat()
        };
        let bytes = [publish("", "nobody"), publish("", "nobody"), publish("missing", ""), publish("", "nobody")];
        s.send_raw(A, "two messages, a mistake, and one more", &bytes.concat());
        s.reopen(A);
        s.publish(A, to("", "nobody"), "without confirmation");
    });
}
