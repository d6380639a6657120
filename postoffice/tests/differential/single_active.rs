//! Single active consumers: who is it, who follows, and when (<https://www.rabbitmq.com/docs/consumers#single-active-consumer>).

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::protocol::{basic, confirm, queue};

const A: At = ("a", 1);
const B: At = ("b", 1);
const C: At = ("c", 1);
const P: At = ("p", 1);

/// Runs a script with a classic and with a quorum queue.
fn with_each_queue(script: impl Fn(&mut Script, queue::Declare) + Sync) {
    for kind in ["classic", "quorum"] {
        let declare =
            || a_queue_with("letters", [("x-queue-type", text(kind)), ("x-single-active-consumer", flag(true))]);
        same_on_both(|s| {
            s.call(P, confirm::Select { nowait: false });
            script(s, declare());
        });
    }
}

fn consume(s: &mut Script, at: At, prefetch: u16) {
    s.call(at, qos(prefetch));
    s.call(at, a_consumer("letters", at.0));
}

fn consume_with_priority(s: &mut Script, at: At, prefetch: u16, priority: i32) {
    s.call(at, qos(prefetch));
    let arguments = table([("x-priority", int(priority))]);
    s.call(at, basic::Consume { arguments, ..a_consumer("letters", at.0) });
}

fn publish(s: &mut Script, bodies: std::ops::Range<u32>) {
    for number in bodies {
        s.publish(P, to("", "letters"), &number.to_string());
    }
}

#[test]
fn the_one_that_came_next_follows_however_many_messages_there_were() {
    for before in 0..4 {
        with_each_queue(|s, declare| {
            s.call(P, declare);
            [A, B, C].into_iter().for_each(|at| consume(s, at, 10));
            publish(s, 0..before);
            s.tell(A, all_up_to(0));
            s.call(A, cancel("a"));
            publish(s, 10..11);
            s.call(B, cancel("b"));
            publish(s, 11..12);
        });
    }
}

#[test]
fn the_follower_is_served_at_once() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        [A, B, C].into_iter().for_each(|at| consume(s, at, 2));
        publish(s, 0..5);
        s.call(A, cancel("a"));
        s.tell(A, nack(1));
        s.close_channel(B);
        s.tell(A, ack(2));
        s.kill("c");
        s.call(A, a_consumer("letters", "again"));
    });
}

#[test]
fn consumers_of_one_channel_follow_one_another_as_well() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        s.call(A, qos(1));
        s.call(A, a_consumer("letters", "z"));
        s.call(A, a_consumer("letters", "y"));
        s.call(A, a_consumer("letters", "x"));
        publish(s, 0..3);
        s.call(A, cancel("z"));
        s.tell(A, all_up_to(0));
        s.call(B, a_consumer("letters", "other"));
        s.close_channel(A);
    });
}

#[test]
fn one_that_was_busy_and_goes_on_is_still_the_one() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        [A, B, C].into_iter().for_each(|at| consume(s, at, 1));
        publish(s, 0..3);
        s.tell(A, ack(1));
        s.tell(A, ack(2));
        s.call(A, a_consumer("letters", "last"));
        s.call(A, cancel("a"));
        s.tell(B, ack(1));
        publish(s, 3..5);
        s.close("b");
        s.tell(C, all_up_to(0));
        s.close("c");
    });
}

#[test]
fn priorities_decide_who_follows_and_in_a_quorum_queue_who_takes_over() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        consume_with_priority(s, A, 1, 1);
        consume_with_priority(s, B, 1, 0);
        publish(s, 0..2);
        consume_with_priority(s, C, 1, 5);
        publish(s, 2..3);
        s.tell(A, ack(1));
        publish(s, 3..5);
        s.tell(C, ack(1));
        s.call(C, cancel("c"));
        s.tell(C, all_up_to(0));
        s.tell(A, all_up_to(0));
    });
}

#[test]
fn a_higher_priority_takes_over_from_one_that_holds_nothing() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        consume(s, A, 3);
        publish(s, 0..1);
        s.tell(A, ack(1));
        consume_with_priority(s, B, 3, 1);
        publish(s, 1..2);
        consume_with_priority(s, C, 3, 2);
        publish(s, 2..3);
        s.tell(B, nack(1));
        s.close("c");
        s.tell(B, all_up_to(0));
        s.tell(A, all_up_to(0));
    });
}

#[test]
fn of_equals_a_quorum_queue_takes_the_one_with_more_room() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        consume(s, A, 1);
        consume(s, B, 2);
        consume(s, C, 3);
        publish(s, 0..4);
        s.close("a");
        s.close("c");
        s.tell(B, all_up_to(0));
    });
}

#[test]
fn a_single_active_consumer_is_not_exclusive_and_leaves_nothing_to_get_in_a_quorum_queue() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        publish(s, 0..2);
        s.call(B, one_from("letters"));
        consume(s, A, 1);
        s.call(C, basic::Consume { exclusive: true, ..a_consumer("letters", "only") });
    });
}

#[test]
fn a_listener_can_be_the_single_active_consumer() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        s.call(A, a_listener("letters", "a"));
        s.call(B, a_listener("letters", "b"));
        publish(s, 0..3);
        s.call(A, cancel("a"));
        publish(s, 3..4);
    });
}

#[test]
fn what_an_unlimited_consumer_holds_is_given_to_the_next_in_order() {
    with_each_queue(|s, declare| {
        s.call(P, declare);
        publish(s, 0..4);
        consume(s, A, 0);
        consume(s, B, 0);
        s.kill("a");
        s.tell(B, basic::Reject { delivery_tag: 2, requeue: true });
        s.tell(B, all_up_to(0));
    });
}
