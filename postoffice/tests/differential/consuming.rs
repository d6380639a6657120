//! Getting messages: consumers, acknowledgements, requeueing, prefetch, priorities, and who is next.

use crate::support::{brokers::same_on_both, client::Hello, methods::*, script::At};
use amq_protocol::protocol::{basic, channel, queue, tx};

const A: At = ("a", 1);
const B: At = ("b", 1);
const C: At = ("c", 1);

#[test]
fn get_takes_one_message_and_says_how_many_are_left() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, one_from("letters"));
        for body in ["one", "two", "three", "four"] {
            s.publish(A, to("", "letters"), body);
        }
        s.call(A, one_from("letters"));
        s.call(A, basic::Get { no_ack: true, ..one_from("letters") });
        s.call(A, one_from("letters"));
        s.tell(A, all_up_to(3));
        s.call(A, one_from("letters"));
        s.close_channel(A);
        s.reopen(A);
        s.call(A, one_from("letters"));
        s.tell(A, ack(1));
        s.call(A, one_from("letters"));
    });
}

#[test]
fn consumers_get_what_is_there_and_what_comes() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("", "letters"), "two");
        s.call(B, a_listener("letters", "me"));
        s.publish(A, to("", "letters"), "three");
        s.call(B, cancel("me"));
        s.publish(A, to("", "letters"), "four");
        s.call(B, a_consumer("letters", ""));
        s.call(B, a_consumer("letters", ""));
        s.publish(A, to("", "letters"), "five");
        s.publish(A, to("", "letters"), "six");
        let tags = s.consumers(B);
        s.call(B, cancel(tags.first().map_or("", |tag| tag)));
        s.tell(B, all_up_to(0));
        s.close("b");
    });
}

#[test]
fn acknowledging_what_was_never_delivered_closes_the_channel() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("", "letters"), "two");
        s.tell(A, ack(1));
        s.reopen(A);
        s.tell(A, basic::Nack { delivery_tag: 7, multiple: false, requeue: true });
        s.reopen(A);
        s.tell(A, reject(7));
        s.reopen(A);
        s.tell(A, ack(0));
        s.reopen(A);
        s.tell(A, all_up_to(0));
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.tell(A, all_up_to(7));
        s.reopen(A);
        s.call(A, one_from("letters"));
        s.tell(A, ack(1));
        s.tell(A, ack(1));
        s.reopen(A);
        s.call(A, basic::Get { no_ack: true, ..one_from("letters") });
        s.tell(A, ack(1));
        s.reopen(A);
        s.call(A, one_from("letters"));
        s.tell(("a", 2), ack(1));
        s.tell(A, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
    });
}

#[test]
fn acknowledging_several_at_once() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, a_queue("parcels"));
        for body in ["one", "two", "three", "four", "five", "six"] {
            s.publish(A, to("", "letters"), body);
            s.call(B, one_from("letters"));
        }
        s.publish(A, to("", "parcels"), "a");
        s.call(B, one_from("parcels"));
        s.tell(B, ack(2));
        s.tell(B, all_up_to(3));
        s.tell(B, basic::Nack { delivery_tag: 4, multiple: true, requeue: true });
        s.tell(B, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        for _ in 0..3 {
            s.call(B, one_from("letters"));
        }
        s.call(B, one_from("parcels"));
        s.tell(B, basic::Nack { delivery_tag: 0, multiple: true, requeue: false });
        s.call(B, one_from("letters"));
        s.tell(B, all_up_to(2)); // nothing up to there is left
    });
}

#[test]
fn a_requeued_message_takes_its_old_place_and_is_marked() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for body in ["one", "two", "three", "four", "five"] {
            s.publish(A, to("", "letters"), body);
        }
        for _ in 0..4 {
            s.call(A, one_from("letters"));
        }
        s.tell(A, nack(3));
        s.tell(A, nack(1));
        s.tell(A, basic::Reject { delivery_tag: 4, requeue: true });
        s.tell(A, nack(2));
        for _ in 0..6 {
            s.call(A, one_from("letters"));
        }
        s.tell(A, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.call(B, a_listener("letters", "me"));
    });
}

#[test]
fn a_lone_consumer_gets_back_at_once_what_it_requeues() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(B, qos(2));
        s.call(B, a_consumer("letters", "me"));
        for body in ["one", "two", "three", "four"] {
            s.publish(A, to("", "letters"), body);
        }
        s.tell(B, nack(1));
        s.tell(B, ack(2));
        s.tell(B, basic::Nack { delivery_tag: 4, multiple: true, requeue: true });
        s.tell(B, reject(5));
        let left = s.unacknowledged(B);
        for tag in left {
            s.tell(B, ack(tag));
        }
    });
}

#[test]
fn recover_requeues_everything_and_never_redelivers_in_place() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for body in ["one", "two", "three"] {
            s.publish(A, to("", "letters"), body);
        }
        s.call(A, one_from("letters"));
        s.call(A, one_from("letters"));
        s.call(A, basic::Recover { requeue: true });
        s.call(A, one_from("letters"));
        s.call(B, a_consumer("letters", "me"));
        s.call(B, basic::Recover { requeue: true });
        s.tell(B, basic::RecoverAsync { requeue: true });
        s.call(B, basic::Recover { requeue: false });
        if !s.is_open(B) {
            s.reopen(B);
        }
        s.tell(B, basic::RecoverAsync { requeue: false });
    });
}

#[test]
fn what_several_consumers_of_a_channel_give_back_goes_back_by_consumer_tag() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(B, a_consumer("letters", "b-3"));
        s.publish(A, to("", "letters"), "one");
        s.call(B, basic::Consume { arguments: table([("x-priority", int(1))]), ..a_consumer("letters", "b-10") });
        s.publish(A, to("", "letters"), "two");
        s.call(B, basic::Recover { requeue: true });
        s.tell(B, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.call(B, cancel("b-10"));
        s.call(B, cancel("b-3"));
        s.call(A, qos(1));
        s.call(A, a_consumer("letters", "a"));
        s.tell(B, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
    });
}

#[test]
fn prefetch_counts_per_consumer() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for number in 0..10 {
            s.publish(A, to("", "letters"), &number.to_string());
        }
        s.call(B, qos(2));
        s.call(B, a_consumer("letters", "two"));
        s.call(B, qos(1));
        s.call(B, a_consumer("letters", "one"));
        s.call(B, qos(0));
        s.tell(B, ack(1));
        s.tell(B, ack(3));
        s.tell(B, nack(2));
        s.tell(B, all_up_to(0));
        s.call(B, a_listener("letters", "any"));
        s.tell(B, all_up_to(0));
        s.publish(A, to("", "letters"), "more");
        s.publish(A, to("", "letters"), "and more");
        s.publish(A, to("", "letters"), "and some more");
        s.call(B, one_from("letters")); // getting isn't limited
    });
}

#[test]
fn a_global_prefetch_counts_for_each_consumer_like_any_other() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for number in 0..10 {
            s.publish(A, to("", "letters"), &number.to_string());
        }
        s.call(B, basic::Qos { prefetch_count: 3, global: true });
        s.call(B, a_consumer("letters", "first"));
        s.call(B, a_consumer("letters", "second"));
        s.tell(B, ack(1));
        s.tell(B, all_up_to(0));
        s.call(B, basic::Qos { prefetch_count: 4, global: true });
        s.call(B, basic::Qos { prefetch_count: 1, global: true });
        s.tell(B, all_up_to(0));
        s.call(B, one_from("letters"));
        s.call(B, basic::Qos { prefetch_count: 0, global: true });
        s.tell(B, all_up_to(0));
    });
}

#[test]
fn consumers_take_turns_and_the_busy_are_skipped() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for at in [B, C] {
            s.call(at, qos(1));
            s.call(at, a_consumer("letters", at.0));
        }
        s.call(("d", 1), qos(2));
        s.call(("d", 1), a_consumer("letters", "d"));
        for number in 0..8 {
            s.publish(A, to("", "letters"), &number.to_string());
        }
        s.tell(C, ack(1));
        s.tell(B, ack(1));
        s.tell(("d", 1), all_up_to(2));
        s.tell(C, ack(2));
        s.tell(C, ack(3));
        s.close_channel(B);
        s.publish(A, to("", "letters"), "last");
        s.tell(C, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.kill("d");
        s.tell(C, all_up_to(0));
        s.tell(C, all_up_to(0));
    });
}

#[test]
fn a_consumer_with_priority_comes_first() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for (at, priority) in [(A, 0), (B, 5), (C, -5), (("d", 1), 5)] {
            s.call(at, qos(1));
            s.call(
                at,
                basic::Consume { arguments: table([("x-priority", int(priority))]), ..a_consumer("letters", at.0) },
            );
        }
        for number in 0..6 {
            s.publish(("p", 1), to("", "letters"), &number.to_string());
        }
        s.tell(C, ack(1));
        s.tell(B, ack(1));
        s.call(
            ("e", 1),
            basic::Consume { arguments: table([("x-priority", text("high"))]), ..a_consumer("letters", "e") },
        );
        s.call(("f", 1), basic::Consume { arguments: table([("x-of-my-own", int(1))]), ..a_consumer("letters", "f") });
    });
}

#[test]
fn an_exclusive_consumer_is_alone() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, basic::Consume { exclusive: true, ..a_consumer("letters", "only") });
        s.call(B, a_consumer("letters", "other"));
        s.reopen(B);
        s.call(B, basic::Consume { exclusive: true, ..a_consumer("letters", "other") });
        s.reopen(B);
        s.call(B, one_from("letters"));
        s.publish(B, to("", "letters"), "one");
        s.call(A, cancel("only"));
        s.call(B, a_consumer("letters", "other"));
        s.call(C, basic::Consume { exclusive: true, ..a_consumer("letters", "only") });
    });
}

#[test]
fn a_single_active_consumer_is_followed_by_the_next() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-single-active-consumer", flag(true))]));
        for at in [A, B, C] {
            s.call(at, qos(2));
            s.call(at, a_consumer("letters", at.0));
        }
        for number in 0..5 {
            s.publish(("p", 1), to("", "letters"), &number.to_string());
        }
        s.tell(A, ack(1));
        s.tell(A, ack(2));
        s.tell(A, ack(3));
        // With messages ready, 3.10 leaves them until something else happens; 4.x serves the next consumer at once.
        s.call(A, cancel("a"));
        s.publish(("p", 1), to("", "letters"), "5");
        s.call(A, a_consumer("letters", "again"));
        s.tell(A, all_up_to(0));
        s.close("b");
        s.tell(C, all_up_to(0));
        s.kill("c");
        s.tell(A, all_up_to(0));
        s.call(A, basic::Consume { exclusive: true, ..a_consumer("letters", "only") });
    });
}

#[test]
fn consumers_hear_when_their_queue_goes() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, a_queue("parcels"));
        for tag in ["one", "zwei", "drei", "beta", "alpha"] {
            s.call(B, a_consumer("letters", tag));
        }
        s.call(B, a_consumer("parcels", "third"));
        s.publish(A, to("", "letters"), "one");
        s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        s.tell(B, ack(1));
        s.publish(A, to("", "parcels"), "two");
        s.call(B, cancel("one"));
        let silent = Hello { capabilities: &[], ..Hello::default() };
        s.connect("silent", &silent);
        s.call(("silent", 1), a_consumer("parcels", "me"));
        s.call(A, queue::Delete { queue: "parcels".into(), ..Default::default() });
        s.call(("silent", 1), a_queue("letters"));
    });
}

#[test]
fn a_consumer_of_its_own_messages_gets_them_even_with_no_local() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, basic::Consume { no_local: true, ..a_listener("letters", "me") });
        s.publish(A, to("", "letters"), "to myself");
    });
}

#[test]
fn a_message_of_many_frames_arrives_whole() {
    same_on_both(|s| {
        let large: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
        s.connect("small", &Hello { frame_max: 8192, ..Hello::default() });
        s.call(A, a_queue("letters"));
        s.call(A, a_listener("letters", "me"));
        s.publish_with(A, to("", "letters"), properties(), &large);
        s.publish_with(("small", 1), to("", "letters"), properties(), &large[..50_000]);
        s.publish_with(("small", 1), to("", "letters"), properties(), &large[..4088]);
        s.publish_with(("small", 1), to("", "letters"), properties(), &large[..4089]);
        s.call(A, cancel("me"));
        s.publish_with(A, to("", "letters"), properties(), &large[..9000]);
        s.call(("small", 1), one_from("letters"));
    });
}

#[test]
fn direct_reply_to_needs_no_queue() {
    same_on_both(|s| {
        let reply = "amq.rabbitmq.reply-to";
        s.call(A, a_queue("rpc"));
        s.publish_with(A, to("", "rpc"), properties().with_reply_to(reply.into()), b"before there is a consumer");
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, a_consumer(reply, "answers"));
        s.reopen(A);
        s.call(A, a_listener(reply, "answers"));
        s.call(A, a_listener(reply, "more answers"));
        if !s.is_open(A) {
            s.reopen(A);
            s.call(A, a_listener(reply, "answers"));
        }
        let ask = properties().with_reply_to(reply.into()).with_correlation_id("7".into());
        s.publish_with(A, to("", "rpc"), ask, b"how much?");
        s.call(B, basic::Get { no_ack: true, ..one_from("rpc") });
        let address = s.last_reply_to(B);
        s.call(B, is_there_a_queue(&address));
        s.publish_with(B, to("", &address), properties().with_correlation_id("7".into()), b"42");
        s.publish(B, mandatory("", &address), "43");
        s.publish(B, mandatory("", "amq.rabbitmq.reply-to.mine"), "to nobody");
        s.call(A, cancel("answers"));
        s.publish(B, mandatory("", &address), "too late");
        s.call(A, a_listener(reply, "answers"));
        s.close_channel(A);
        s.publish(B, mandatory("", &address), "far too late");
        s.call(B, is_there_a_queue(&address));
    });
}

#[test]
fn a_transaction_takes_effect_when_it_is_committed() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, tx::Commit {});
        s.reopen(A);
        s.call(A, tx::Rollback {});
        s.reopen(A);
        s.call(A, tx::Select {});
        s.call(A, tx::Select {});
        s.publish(A, to("", "letters"), "one");
        s.publish(A, mandatory("", "nobody"), "back");
        s.call(B, one_from("letters"));
        s.call(A, tx::Commit {});
        s.call(A, one_from("letters"));
        s.tell(A, ack(1));
        s.call(A, tx::Rollback {});
        s.tell(A, nack(1));
        s.call(A, is_there_a_queue("letters"));
        s.call(A, tx::Commit {});
        s.publish(A, to("", "letters"), "two");
        s.call(A, tx::Rollback {});
        s.call(A, one_from("letters"));
        s.tell(A, ack(2));
        s.call(A, tx::Commit {});
        s.call(A, amq_protocol::protocol::confirm::Select { nowait: false });
        s.reopen(A);
        s.call(A, amq_protocol::protocol::confirm::Select { nowait: false });
        s.call(A, tx::Select {});
        s.reopen(A);
        s.call(A, tx::Select {});
        s.publish(A, to("nowhere", "letters"), "lost");
        s.call(A, tx::Commit {});
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, tx::Select {});
        s.tell(A, ack(9));
        s.call(A, tx::Commit {});
    });
}

#[test]
fn flow_can_be_asked_for_but_not_stopped() {
    same_on_both(|s| {
        s.call(A, channel::Flow { active: true });
        s.call(A, channel::Flow { active: false });
    });
}

#[test]
fn what_a_dead_connection_held_goes_back_in_order() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for number in 0..6 {
            s.publish(A, to("", "letters"), &number.to_string());
        }
        s.call(B, qos(3));
        s.call(B, a_consumer("letters", "me"));
        s.tell(B, ack(2));
        s.kill("b");
        s.call(A, a_listener("letters", "other"));
    });
}
