//! Quorum queues: how they count, in which order they give back, and what they refuse
//! (<https://www.rabbitmq.com/docs/quorum-queues>).

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::{
    protocol::{basic, confirm, queue},
    types::AMQPValue,
};

const A: At = ("a", 1);
const B: At = ("b", 1);
const C: At = ("c", 1);

fn quorum<const N: usize>(name: &str, arguments: [(&str, AMQPValue); N]) -> queue::Declare {
    let mut declare = a_queue_with(name, arguments);
    declare.arguments.insert("x-queue-type".into(), text("quorum"));
    declare
}

/// A channel whose messages are confirmed, so that the next step finds them in the queue.
fn confirming(s: &mut Script, at: At) {
    s.call(at, confirm::Select { nowait: false });
}

fn give_back(delivery_tag: u64) -> basic::Reject {
    basic::Reject { delivery_tag, requeue: true }
}

#[test]
fn a_message_says_how_often_it_was_taken_and_how_often_it_failed() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        s.publish(A, to("", "votes"), "one");
        s.call(A, one_from("votes"));
        s.tell(A, nack(1));
        s.call(A, one_from("votes"));
        s.tell(A, give_back(2));
        s.call(A, one_from("votes"));
        s.call(A, basic::Recover { requeue: true });
        s.call(A, one_from("votes"));
        s.close_channel(A);
        s.reopen(A);
        s.call(A, basic::Get { no_ack: true, ..one_from("votes") });
        s.publish(A, to("", "votes"), "two");
        s.call(B, a_consumer("votes", "me"));
        s.tell(B, nack(1));
        s.tell(B, give_back(2));
        s.call(B, cancel("me"));
        s.kill("b");
        s.call(C, a_listener("votes", "last"));
    });
}

#[test]
fn only_failed_deliveries_count_towards_the_limit() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
        let [exchange, key] = dead;
        s.call(A, quorum("votes", [("x-delivery-limit", int(2)), exchange, key]));
        confirming(s, A);
        s.publish(A, to("", "votes"), "one");
        s.call(A, a_consumer("votes", "me"));
        for tag in 1..=5 {
            s.tell(A, nack(tag));
        }
        for tag in 6..=8 {
            s.tell(A, give_back(tag));
        }
        s.call(A, cancel("me"));
        s.call(A, one_from("dead"));
    });
}

#[test]
fn what_comes_back_is_delivered_again_before_the_queue_is_too_long() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
        let [exchange, key] = dead;
        s.call(A, quorum("votes", [("x-max-length", int(2)), exchange, key]));
        confirming(s, A);
        s.call(B, a_consumer("votes", "all"));
        for body in ["one", "two", "three", "four", "five"] {
            s.publish(A, to("", "votes"), body);
        }
        s.call(B, basic::Recover { requeue: true });
        s.tell(B, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.tell(B, give_back(12));
        s.call(C, qos(3));
        s.call(C, a_consumer("votes", "three"));
        s.call(B, cancel("all"));
        s.kill("b");
        s.tell(C, nack(2));
        s.kill("c");
        for _ in 0..5 {
            s.call(A, one_from("dead"));
        }
    });
}

#[test]
fn without_a_word_the_limit_is_twenty() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        s.publish(A, to("", "votes"), "one");
        s.call(A, a_consumer("votes", "me"));
        for tag in 1..=21 {
            s.tell(A, give_back(tag));
        }
        s.call(A, cancel("me"));
        s.call(A, one_from("votes"));
    });
}

#[test]
fn a_limit_below_zero_is_none() {
    same_on_both(|s| {
        s.call(A, quorum("votes", [("x-delivery-limit", int(-1))]));
        confirming(s, A);
        for number in 0..6 {
            s.publish_with(A, to("", "votes"), properties().with_priority(number), number.to_string().as_bytes());
        }
        for _ in 0..4 {
            s.call(A, one_from("votes"));
        }
        s.tell(A, nack(3));
        s.tell(A, nack(1));
        s.tell(A, give_back(2));
        for _ in 0..6 {
            s.call(A, one_from("votes"));
        }
        s.tell(A, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.call(B, qos(2));
        s.call(B, a_consumer("votes", "me"));
        s.tell(B, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.kill("b");
        s.call(A, a_listener("votes", "rest"));
    });
}

#[test]
fn what_comes_back_stands_in_front_in_the_order_in_which_it_came_back() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        for number in 1..=6 {
            s.publish(A, to("", "votes"), &number.to_string());
        }
        for _ in 0..4 {
            s.call(A, one_from("votes"));
        }
        for tag in [3, 1, 2] {
            s.tell(A, nack(tag));
        }
        for _ in 0..6 {
            s.call(A, one_from("votes"));
        }
    });
}

#[test]
fn what_a_channel_held_comes_back_consumer_by_consumer() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        s.call(B, qos(3));
        s.call(B, a_consumer("votes", "z"));
        s.call(B, a_consumer("votes", "a"));
        for number in 0..8 {
            s.publish(A, to("", "votes"), &number.to_string());
        }
        for _ in 0..2 {
            s.call(B, one_from("votes"));
        }
        s.close_channel(B);
        s.call(A, a_consumer("votes", "all"));
        s.tell(A, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.call(C, qos(3));
        s.call(C, a_consumer("votes", "first"));
        s.call(C, a_consumer("votes", "second"));
        s.tell(A, basic::Nack { delivery_tag: 12, multiple: true, requeue: true });
        s.tell(C, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
    });
}

#[test]
fn a_consumer_without_a_limit_gets_two_thousand_and_then_as_many_as_it_acknowledges() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        let bodies: Vec<String> = (0..2010).map(|number| number.to_string()).collect();
        let bodies: Vec<&[u8]> = bodies.iter().map(|body| body.as_bytes()).collect();
        s.publish_all(A, to("", "votes"), properties(), &bodies);
        s.call(B, a_consumer("votes", "me"));
        s.tell(B, ack(7));
        s.tell(B, all_up_to(5));
        s.call(C, a_listener("votes", "everything"));
    });
}

#[test]
fn consumers_of_a_quorum_queue_take_turns_and_the_busy_leave_the_circle_at_once() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        for at in [B, C] {
            s.call(at, qos(1));
            s.call(at, a_consumer("votes", at.0));
        }
        s.call(("d", 1), qos(2));
        s.call(("d", 1), a_consumer("votes", "d"));
        for number in 0..4 {
            s.publish(A, to("", "votes"), &number.to_string());
        }
        s.tell(B, ack(1));
        s.tell(("d", 1), ack(1));
        s.tell(C, ack(1));
        for number in 4..10 {
            s.publish(A, to("", "votes"), &number.to_string());
        }
        s.tell(C, ack(2));
        s.tell(B, nack(2));
        s.tell(("d", 1), all_up_to(0));
        s.tell(C, all_up_to(0));
    });
}

#[test]
fn a_quorum_queue_has_thirty_two_priorities() {
    same_on_both(|s| {
        s.call(A, quorum("votes", []));
        confirming(s, A);
        for priority in [0, 4, 5, 31, 30, 255, 3] {
            let properties = properties().with_priority(priority);
            s.publish_with(A, to("", "votes"), properties, priority.to_string().as_bytes());
        }
        s.publish(A, to("", "votes"), "none");
        for _ in 0..3 {
            s.call(A, one_from("votes"));
        }
        s.tell(A, nack(3));
        s.tell(A, nack(1));
        for _ in 0..7 {
            s.call(A, one_from("votes"));
        }
    });
}

#[test]
fn a_quorum_queue_that_refuses_takes_one_message_more_than_it_may() {
    same_on_both(|s| {
        s.call(A, quorum("votes", [("x-max-length", int(10)), ("x-overflow", text("reject-publish"))]));
        for at in [A, B] {
            confirming(s, at);
        }
        s.publish(B, to("", "votes"), "b");
        for number in 0..12 {
            s.publish(A, to("", "votes"), &number.to_string());
        }
        s.publish(B, to("", "votes"), "refused");
        confirming(s, C);
        s.publish(C, to("", "votes"), "refused as well");
        for _ in 0..2 {
            s.call(A, basic::Get { no_ack: true, ..one_from("votes") });
        }
        s.publish(A, to("", "votes"), "still refused");
        confirming(s, ("d", 1));
        s.publish(("d", 1), to("", "votes"), "a newcomer may");
        s.publish(("d", 1), to("", "votes"), "and once more");
        s.publish(("d", 1), to("", "votes"), "and is refused");
        for _ in 0..3 {
            s.call(A, basic::Get { no_ack: true, ..one_from("votes") });
        }
        s.publish(A, to("", "votes"), "not yet");
        s.call(A, one_from("votes"));
        s.publish(A, to("", "votes"), "there is room");
        s.tell(A, nack(6));
        s.publish(A, to("", "votes"), "and again");
        s.call(A, queue::Purge { queue: "votes".into(), nowait: false });
        s.publish(A, to("", "votes"), "all is room");
    });
}

#[test]
fn a_quorum_queue_drops_from_its_head_and_counts_the_properties_too() {
    same_on_both(|s| {
        s.call(A, quorum("votes", [("x-max-length", int(3))]));
        confirming(s, A);
        for number in 0..5 {
            s.publish(A, to("", "votes"), &number.to_string());
        }
        s.call(A, one_from("votes"));
        s.publish(A, to("", "votes"), "5");
        s.tell(A, nack(1));
        s.call(A, one_from("votes"));
        s.call(A, quorum("bytes", [("x-max-length-bytes", int(30))]));
        for body in ["12345678", "12345678", "12345678", "1234567"] {
            s.publish(A, to("", "bytes"), body);
        }
        s.publish_with(A, to("", "bytes"), properties().with_app_id("0123456789".into()), b"1");
    });
}

#[test]
fn messages_of_a_quorum_queue_expire_at_the_head_of_each_priority() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
        let [exchange, key] = dead;
        s.call(A, quorum("votes", [exchange, key]));
        s.look_away_from("votes"); // how fast its messages expire is a matter of the moment
        confirming(s, A);
        let urgent = |priority| properties().with_priority(priority);
        s.publish_with(A, to("", "votes"), urgent(9), b"urgent and patient");
        s.publish_with(A, to("", "votes"), urgent(1).with_expiration("50".into()), b"hidden by what is urgent");
        s.until_ready("dead", 1);
        s.publish_with(A, to("", "votes"), urgent(9).with_expiration("1".into()), b"behind another of its priority");
        s.publish_with(A, to("", "votes"), urgent(3).with_expiration("0".into()), b"at once");
        s.until_ready("dead", 2);
        s.call(A, one_from("votes"));
        s.until_ready("dead", 3);
        for _ in 0..4 {
            s.call(A, one_from("dead"));
        }
    });
}

#[test]
fn what_comes_back_can_be_kept_back_for_a_while() {
    for (kind, max) in [("failed", 120), ("returned", 120), ("all", 60), ("disabled", 60), ("never heard of", 60)] {
        same_on_both(|s| {
            s.call(
                A,
                quorum(
                    "votes",
                    [
                        ("x-delayed-retry-type", text(kind)),
                        ("x-delayed-retry-min", int(60)),
                        ("x-delayed-retry-max", int(max)),
                    ],
                ),
            );
            s.look_away_from("votes"); // when a delay is over is a matter of the moment
            confirming(s, A);
            s.call(B, qos(1));
            s.call(B, a_consumer("votes", "me"));
            s.publish(A, to("", "votes"), "one");
            s.publish(A, to("", "votes"), "two");
            s.tell(B, give_back(1));
            s.tell(B, ack(2));
            s.until_observed(B, 1);
            s.tell(B, nack(3));
            s.until_observed(B, 1);
            s.tell(B, ack(4));
        });
    }
}
