//! Declaring, binding, purging and deleting queues, and every way to be refused.

use crate::support::{brokers::same_on_both, methods::*, script::At};
use amq_protocol::{
    protocol::{basic, queue},
    types::AMQPValue,
};

const A: At = ("a", 1);
const B: At = ("b", 1);

#[test]
fn a_queue_can_be_declared_again_in_the_same_way_only() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, a_queue("letters"));
        s.call(A, is_there_a_queue("letters"));
        s.publish(A, to("", "letters"), "one");
        s.call(A, a_queue("letters"));
        for other in [
            queue::Declare { durable: false, ..a_queue("letters") },
            queue::Declare { auto_delete: true, ..a_queue("letters") },
            queue::Declare { exclusive: true, ..a_queue("letters") },
            queue::Declare { durable: false, auto_delete: true, ..a_queue("letters") },
            a_queue_with("letters", [("x-message-ttl", int(1000))]),
            a_queue_with("letters", [("x-expires", int(1_000_000))]),
            a_queue_with("letters", [("x-max-length", int(7))]),
            a_queue_with("letters", [("x-max-priority", int(7))]),
            a_queue_with("letters", [("x-dead-letter-exchange", text("dead"))]),
            a_queue_with("letters", [("x-queue-type", text("classic"))]),
            a_queue_with("letters", [("x-queue-type", text("quorum"))]),
            a_queue_with("letters", [("x-of-my-own", text("anything"))]),
        ] {
            s.call(A, other);
            if !s.is_open(A) {
                s.reopen(A);
            }
        }
        s.call(A, is_there_a_queue("letters"));
    });
}

#[test]
fn arguments_have_to_be_the_same_in_a_second_declaration() {
    same_on_both(|s| {
        for (index, (first, second)) in [
            (("x-message-ttl", int(60_000)), ("x-message-ttl", AMQPValue::LongLongInt(60_000))),
            (("x-message-ttl", int(60_000)), ("x-message-ttl", AMQPValue::ShortInt(6_000))),
            (("x-message-ttl", int(60_000)), ("x-message-ttl", text("60000"))),
            (("x-max-length", int(5)), ("x-max-length", AMQPValue::ShortShortUInt(5))),
            (("x-max-length", int(5)), ("x-max-length", int(6))),
            (("x-overflow", text("drop-head")), ("x-overflow", text("reject-publish"))),
            (("x-dead-letter-exchange", text("one")), ("x-dead-letter-exchange", text("two"))),
            (("x-single-active-consumer", flag(true)), ("x-single-active-consumer", flag(false))),
            (("x-of-my-own", int(1)), ("x-of-my-own", int(2))),
            (("x-of-my-own", int(1)), ("y-of-my-own", int(1))),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("letters-{index}");
            s.call(A, a_queue_with(&name, [first.clone()]));
            s.call(A, a_queue_with(&name, [first]));
            s.call(A, a_queue_with(&name, [second]));
            if !s.is_open(A) {
                s.reopen(A);
            }
            s.call(A, a_queue(&name));
            if !s.is_open(A) {
                s.reopen(A);
            }
        }
    });
}

#[test]
fn asking_for_a_queue_that_is_missing_closes_the_channel() {
    same_on_both(|s| {
        s.call(A, is_there_a_queue("nowhere"));
        s.call(A, is_there_a_queue("nowhere"));
        s.reopen(A);
        s.call(A, is_there_a_queue("amq.nowhere"));
        s.reopen(A);
        s.call(A, is_there_a_queue(""));
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, one_from("nowhere"));
        s.reopen(A);
        s.call(A, a_consumer("nowhere", "me"));
        s.reopen(A);
        s.call(A, queue::Purge { queue: "nowhere".into(), nowait: false });
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, queue::Delete { queue: "nowhere".into(), ..Default::default() });
        s.call(A, binding("nowhere", "amq.direct", "key"));
        s.reopen(A);
        s.call(A, binding("nowhere", "no-exchange", "key"));
        s.reopen(A);
        s.call(A, queue::Unbind { queue: "nowhere".into(), exchange: "amq.direct".into(), ..Default::default() });
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, queue::Unbind { queue: "nowhere".into(), exchange: "no-exchange".into(), ..Default::default() });
    });
}

#[test]
fn names_that_begin_with_amq_are_the_brokers_own() {
    same_on_both(|s| {
        s.call(A, a_queue("amq.mine"));
        s.reopen(A);
        s.call(A, a_queue("amq.gen-mine"));
        s.reopen(A);
        s.call(A, a_queue("amq."));
        s.reopen(A);
        s.call(A, a_queue("amq"));
        s.call(A, queue::Declare { queue: "amq.rabbitmq.reply-to".into(), ..Default::default() });
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, is_there_a_queue("amq.rabbitmq.reply-to"));
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, queue::Delete { queue: "amq.mine".into(), ..Default::default() });
    });
}

#[test]
fn a_name_loses_its_line_breaks_where_rabbitmq_takes_them_out() {
    same_on_both(|s| {
        for name in ["a\rmq.mine", "amq.\nmine", "my\r\nletters\n"] {
            s.call(A, a_queue(name));
            s.recover(A);
            s.call(A, is_there_a_queue(name));
            s.recover(A);
            s.call(A, one_from(name));
            s.recover(A);
            s.call(A, a_consumer(name, "me"));
            s.recover(A);
            s.call(A, queue::Purge { queue: name.into(), nowait: false });
            s.recover(A);
            s.call(A, queue::Delete { queue: name.into(), ..Default::default() });
            s.look_away_from(name);
        }
    });
}

#[test]
fn names_may_hold_anything_up_to_255_bytes() {
    same_on_both(|s| {
        let long = "x".repeat(255);
        for name in [long.as_str(), "邮局", "two words", "a/b'c\"d", " "] {
            s.call(A, a_queue(name));
            s.publish(A, to("", name), "one");
            s.call(A, basic::Get { no_ack: true, ..one_from(name) });
            s.call(A, queue::Declare { durable: false, ..a_queue(name) });
            s.reopen(A);
        }
        s.call(A, is_there_a_queue(&"y".repeat(255)));
        s.reopen(A);
        s.call(A, is_there_a_queue("没有"));
    });
}

#[test]
fn a_queue_without_a_name_gets_one_and_the_channel_remembers_the_last() {
    same_on_both(|s| {
        s.call(A, one_from(""));
        s.reopen(A);
        s.call(A, a_consumer("", "me"));
        s.reopen(A);
        s.call(A, queue::Declare { exclusive: true, ..Default::default() });
        let name = s.last_queue(A);
        s.call(A, binding("", "amq.direct", "key"));
        s.publish(A, to("amq.direct", "key"), "one");
        s.publish(A, to("", &name), "two");
        s.publish(A, to("", ""), "to nobody");
        s.call(A, one_from(""));
        s.call(A, a_consumer("", "me"));
        s.call(A, binding("", "amq.direct", ""));
        s.publish(A, to("amq.direct", &name), "three");
        s.publish(A, to("amq.direct", ""), "four");
        s.call(
            A,
            queue::Unbind {
                queue: "".into(),
                exchange: "amq.direct".into(),
                routing_key: "key".into(),
                ..Default::default()
            },
        );
        s.publish(A, to("amq.direct", "key"), "to nobody");
        s.call(A, a_queue("letters"));
        s.publish(A, to("", "letters"), "five");
        s.call(A, one_from(""));
        s.call(A, queue::Purge { queue: "".into(), nowait: false });
        s.call(A, queue::Delete { queue: "".into(), ..Default::default() });
        s.call(A, one_from(""));
        s.reopen(A);
        // an empty name with an empty key means the last queue and its name as the key
        s.call(A, queue::Declare { exclusive: true, ..Default::default() });
        s.call(A, queue::Declare { exclusive: true, ..Default::default() });
    });
}

#[test]
fn an_exclusive_queue_is_locked_for_other_connections_and_goes_with_its_own() {
    same_on_both(|s| {
        s.call(A, queue::Declare { exclusive: true, ..a_queue("mine") });
        s.call(("a", 2), is_there_a_queue("mine"));
        s.publish(B, to("", "mine"), "anyone can write");
        s.call(B, is_there_a_queue("mine"));
        s.reopen(B);
        s.call(B, queue::Declare { exclusive: true, ..a_queue("mine") });
        s.reopen(B);
        s.call(B, a_queue("mine"));
        s.reopen(B);
        s.call(B, one_from("mine"));
        s.reopen(B);
        s.call(B, a_consumer("mine", "me"));
        s.reopen(B);
        s.call(B, queue::Purge { queue: "mine".into(), nowait: false });
        s.reopen(B);
        s.call(B, queue::Delete { queue: "mine".into(), ..Default::default() });
        s.reopen(B);
        s.call(B, binding("mine", "amq.direct", "key"));
        s.reopen(B);
        s.call(B, queue::Unbind { queue: "mine".into(), exchange: "amq.direct".into(), ..Default::default() });
        s.reopen(B);
        s.call(A, queue::Declare { exclusive: false, ..a_queue("mine") });
        s.reopen(A);
        s.call(A, basic::Get { no_ack: true, ..one_from("mine") });
        s.close_channel(A);
        s.call(("a", 2), is_there_a_queue("mine"));
        s.close("a");
        s.call(B, is_there_a_queue("mine"));
        s.reopen(B);
        // RabbitMQ remembers for a moment whose the other was
        s.call(A, queue::Declare { exclusive: true, ..a_queue("mine-too") });
        s.kill("a");
        s.call(B, is_there_a_queue("mine-too"));
    });
}

#[test]
fn an_auto_delete_queue_goes_with_its_last_consumer() {
    same_on_both(|s| {
        s.call(A, queue::Declare { auto_delete: true, ..a_queue("letters") });
        s.publish(A, to("", "letters"), "one");
        s.call(A, one_from("letters"));
        s.call(A, a_consumer("letters", "first"));
        s.call(B, a_consumer("letters", "second"));
        s.call(A, basic::Cancel { consumer_tag: "first".into(), nowait: false });
        s.publish(A, to("", "letters"), "two");
        s.call(B, basic::Cancel { consumer_tag: "second".into(), nowait: false });
        s.call(A, is_there_a_queue("letters"));
        s.reopen(A);
        s.call(A, queue::Declare { auto_delete: true, ..a_queue("letters") });
        s.call(B, a_consumer("letters", "second"));
        s.kill("b");
        s.call(A, is_there_a_queue("letters"));
        s.reopen(A);
        s.call(A, queue::Declare { auto_delete: true, ..a_queue("letters") });
        s.call(B, a_consumer("letters", "third"));
        s.close_channel(B);
        s.call(A, is_there_a_queue("letters"));
    });
}

#[test]
fn arguments_of_the_wrong_type_or_value_are_refused() {
    same_on_both(|s| {
        let long = AMQPValue::LongLongInt;
        for (index, (key, value)) in [
            ("x-message-ttl", text("soon")),
            ("x-message-ttl", int(-1)),
            ("x-message-ttl", int(0)),
            ("x-message-ttl", long(4_294_967_295)),
            ("x-message-ttl", long(4_294_967_296)),
            ("x-message-ttl", long(400_000_000_000)),
            ("x-message-ttl", flag(true)),
            ("x-message-ttl", AMQPValue::Double(1.5)),
            ("x-message-ttl", AMQPValue::ShortShortUInt(200)),
            ("x-message-ttl", AMQPValue::LongUInt(200)),
            ("x-message-ttl", AMQPValue::Void),
            ("x-expires", text("soon")),
            ("x-expires", int(-1)),
            ("x-expires", int(0)),
            ("x-expires", long(4_294_967_296)),
            ("x-expires", flag(true)),
            ("x-max-length", text("ten")),
            ("x-max-length", int(-1)),
            ("x-max-length", int(0)),
            ("x-max-length", flag(false)),
            ("x-max-length-bytes", text("ten")),
            ("x-max-length-bytes", int(-1)),
            ("x-max-length-bytes", long(1 << 40)),
            ("x-overflow", text("drop-tail")),
            ("x-overflow", int(1)),
            ("x-overflow", text("reject-publish")),
            ("x-dead-letter-exchange", int(1)),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-exchange", text("no-such-exchange")),
            ("x-dead-letter-routing-key", text("without-an-exchange")),
            ("x-dead-letter-routing-key", int(1)),
            ("x-max-priority", text("high")),
            ("x-max-priority", int(-1)),
            ("x-max-priority", int(0)),
            ("x-max-priority", int(255)),
            ("x-max-priority", int(256)),
            ("x-single-active-consumer", text("true")),
            ("x-single-active-consumer", int(1)),
            ("x-queue-type", text("heap")),
            ("x-queue-type", int(1)),
            ("x-queue-type", text("classic")),
            ("x-queue-mode", text("lazy")),
            ("x-queue-mode", text("busy")),
            ("x-queue-mode", int(1)),
            ("x-queue-version", int(1)),
            ("x-queue-master-locator", text("min-masters")),
            ("x-max-age", text("1D")),
            ("x-delivery-limit", int(3)),
            ("x-max-in-memory-length", int(3)),
            ("x-quorum-initial-group-size", int(3)),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-stream-max-segment-size-bytes", int(3)),
            ("x-cancel-on-ha-failover", flag(true)),
            ("x-of-my-own", AMQPValue::FieldTable(table([("a", int(1))]))),
            ("of-my-own", AMQPValue::Float(1.0)),
        ]
        .into_iter()
        .enumerate()
        {
            s.call(A, a_queue_with(&format!("letters-{index}"), [(key, value)]));
            if !s.is_open(A) {
                s.reopen(A);
            }
            s.look_away_from(&format!("letters-{index}"));
        }
    });
}

#[test]
fn a_quorum_queue_refuses_what_it_cannot_be() {
    same_on_both(|s| {
        let quorum = ("x-queue-type", text("quorum"));
        let declare = a_queue_with("votes", [quorum.clone()]);
        for declare in [
            queue::Declare { durable: false, ..declare.clone() },
            queue::Declare { exclusive: true, ..declare.clone() },
            queue::Declare { auto_delete: true, ..declare.clone() },
            queue::Declare { queue: "".into(), ..declare.clone() },
        ] {
            s.call(A, declare);
            if !s.is_open(A) {
                s.reopen(A);
            }
        }
        for (index, (key, value)) in [
            ("x-max-priority", int(3)),
            ("x-overflow", text("reject-publish-dlx")),
            ("x-overflow", text("reject-publish")),
            ("x-message-ttl", int(60_000)),
            ("x-expires", int(600_000)),
            ("x-queue-mode", text("lazy")),
            ("x-delivery-limit", int(3)),
            ("x-delivery-limit", int(-1)),
            ("x-delivery-limit", text("three")),
            ("x-single-active-consumer", flag(true)),
            ("x-max-length", int(3)),
            ("x-of-my-own", int(3)),
        ]
        .into_iter()
        .enumerate()
        {
            s.call(A, a_queue_with(&format!("votes-{index}"), [quorum.clone(), (key, value)]));
            if !s.is_open(A) {
                s.reopen(A);
            }
        }
        s.call(A, a_queue_with("votes", [quorum.clone()]));
        s.call(A, a_queue_with("votes", [quorum.clone()]));
        s.call(A, a_queue("votes"));
        if !s.is_open(A) {
            s.reopen(A);
        }
        s.call(A, a_queue_with("votes", [("x-queue-type", text("classic"))]));
    });
}

#[test]
fn purging_and_deleting_say_how_many_messages_went() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for body in ["one", "two", "three"] {
            s.publish(A, to("", "letters"), body);
        }
        s.call(A, one_from("letters"));
        s.call(A, queue::Purge { queue: "letters".into(), nowait: false });
        s.tell(A, nack(1)); // what is with a consumer isn't purged
        s.call(A, queue::Delete { queue: "letters".into(), if_empty: true, ..Default::default() });
        s.reopen(A);
        s.call(B, a_consumer("letters", "me"));
        s.call(A, queue::Delete { queue: "letters".into(), if_unused: true, ..Default::default() });
        s.reopen(A);
        s.call(A, queue::Delete { queue: "letters".into(), if_unused: true, if_empty: true, ..Default::default() });
        s.reopen(A);
        s.publish(B, to("", "letters"), "four");
        s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        s.call(A, queue::Delete { queue: "letters".into(), if_unused: true, if_empty: true, ..Default::default() });
        s.call(A, a_queue("letters"));
        s.tell(B, ack(1));
    });
}

#[test]
fn a_quorum_queue_is_deleted_without_conditions_or_not_at_all() {
    same_on_both(|s| {
        let delete = queue::Delete { queue: "votes".into(), ..Default::default() };
        s.call(A, a_queue_with("votes", [("x-queue-type", text("quorum"))]));
        s.publish(A, to("", "votes"), "one");
        s.publish(A, to("", "votes"), "two");
        s.until_ready("votes", 2);
        for (if_unused, if_empty) in [(true, false), (false, true), (true, true)] {
            s.call(A, queue::Delete { if_unused, if_empty, ..delete.clone() });
            s.recover(A);
        }
        s.call(A, queue::Delete { if_unused: true, nowait: true, ..delete.clone() });
        s.recover(A);
        s.call(A, queue::Purge { queue: "votes".into(), nowait: false });
        s.publish(A, to("", "votes"), "three");
        s.publish(A, to("", "votes"), "four");
        s.until_ready("votes", 2);
        s.call(B, qos(1));
        s.call(B, a_consumer("votes", "me"));
        s.until_observed(B, 2);
        s.call(A, delete.clone());
        s.call(A, delete.clone());
        s.call(A, queue::Delete { if_unused: true, if_empty: true, ..delete });
    });
}

#[test]
fn a_full_queue_in_use_is_first_of_all_not_empty() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(B, qos(1));
        s.call(B, a_consumer("letters", "me"));
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("", "letters"), "two");
        s.call(A, queue::Delete { queue: "letters".into(), if_unused: true, if_empty: true, ..Default::default() });
    });
}

#[test]
fn what_needs_no_answer_gets_none() {
    same_on_both(|s| {
        s.tell(A, queue::Declare { nowait: true, ..a_queue("letters") });
        s.tell(A, queue::Bind { nowait: true, ..binding("letters", "amq.direct", "key") });
        s.publish(A, to("amq.direct", "key"), "one");
        s.tell(A, queue::Purge { queue: "letters".into(), nowait: true });
        s.publish(A, to("amq.direct", "key"), "two");
        s.tell(A, basic::Consume { nowait: true, ..a_listener("letters", "me") });
        s.tell(A, basic::Cancel { consumer_tag: "me".into(), nowait: true });
        s.tell(A, basic::Cancel { consumer_tag: "nobody".into(), nowait: true });
        s.tell(A, queue::Delete { queue: "letters".into(), nowait: true, ..Default::default() });
        s.tell(A, queue::Declare { nowait: true, passive: true, ..a_queue("letters") });
    });
}

#[test]
fn a_queue_that_nobody_uses_expires() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-expires", int(300))]));
        s.look_away_from("letters");
        let fleeting =
            amq_protocol::protocol::exchange::Declare { auto_delete: true, ..an_exchange("fleeting", "fanout") };
        s.call(A, fleeting);
        s.call(A, binding("letters", "fleeting", ""));
        s.publish(A, to("fleeting", ""), "one");
        s.until_exchange_is_gone("fleeting"); // with the last queue that was bound to it
        s.call(A, is_there_a_queue("letters"));
    });
}

#[test]
fn cancelling_unknown_consumers_and_using_a_tag_twice() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, basic::Cancel { consumer_tag: "nobody".into(), nowait: false });
        s.call(A, a_consumer("letters", "me"));
        s.call(("a", 2), a_consumer("letters", "me"));
        s.call(A, a_consumer("letters", "me"));
    });
}
