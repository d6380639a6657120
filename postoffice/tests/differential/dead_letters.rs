//! How messages end: expiry, length limits, rejection; and where dead letters go.

use crate::support::{brokers::same_on_both, methods::*, script::At};
use amq_protocol::{
    protocol::{basic, confirm, exchange, queue},
    types::{AMQPValue, FieldArray},
};

const A: At = ("a", 1);
const B: At = ("b", 1);
const C: At = ("c", 1);

fn to_dead() -> [(&'static str, AMQPValue); 2] {
    [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))]
}

#[test]
fn a_rejected_message_goes_to_the_dead_letter_exchange_with_its_story() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, an_exchange("morgue", "direct"));
        s.call(A, binding("dead", "morgue", "letters"));
        s.call(A, binding("dead", "morgue", "key"));
        s.call(A, a_queue_with("letters", [("x-dead-letter-exchange", text("morgue"))]));
        s.call(A, binding("letters", "amq.direct", "key"));
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("amq.direct", "key"), "two");
        let full = properties()
            .with_headers(table([("mine", int(1))]))
            .with_expiration("60000".into())
            .with_delivery_mode(2)
            .with_message_id("3".into());
        s.publish_with(A, to("", "letters"), full, b"three");
        for tag in 1..=3 {
            s.call(A, one_from("letters"));
            s.tell(A, reject(tag));
        }
        for _ in 0..3 {
            s.call(B, one_from("dead"));
        }
        s.call(A, a_queue("letters-without"));
        s.publish(A, to("", "letters-without"), "gone for good");
        s.call(A, one_from("letters-without"));
        s.tell(A, reject(4));
    });
}

#[test]
fn a_dead_letter_counts_how_often_it_died_where_and_why() {
    same_on_both(|s| {
        let other = |key: &str| [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(key))];
        s.call(A, a_queue_with("ping", other("pong")));
        s.call(A, a_queue_with("pong", other("ping")));
        s.publish(A, to("", "ping"), "ball");
        for tag in 1..=5 {
            s.call(A, one_from(if tag % 2 == 1 { "ping" } else { "pong" }));
            s.tell(A, reject(tag));
        }
        s.call(A, one_from("pong"));
        s.tell(A, basic::Nack { delivery_tag: 6, multiple: true, requeue: false });
        s.call(A, one_from("ping"));
    });
}

#[test]
fn messages_of_a_queue_with_a_time_to_live_expire() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let [exchange, key] = to_dead();
        s.call(A, a_queue_with("letters", [("x-message-ttl", int(500)), exchange, key]));
        s.publish(A, to("", "letters"), "one");
        s.publish_with(A, to("", "letters"), properties().with_expiration("20".into()), b"two");
        s.publish_with(A, to("", "letters"), properties().with_expiration("60000".into()), b"three");
        s.until_ready("dead", 3);
        for _ in 0..3 {
            s.call(A, one_from("dead"));
        }
        s.call(A, is_there_a_queue("letters"));
    });
}

#[test]
fn a_message_can_bring_its_own_time_to_live() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_queue_with("letters", to_dead()));
        s.look_away_from("letters"); // what it counts in between is a matter of the moment
        s.publish_with(A, to("", "letters"), properties().with_expiration("50".into()), b"short");
        s.publish_with(A, to("", "letters"), properties().with_expiration("0".into()), b"none");
        s.publish(A, to("", "letters"), "for ever");
        s.publish_with(A, to("", "letters"), properties().with_expiration("1000".into()), b"behind one that stays");
        s.until_ready("dead", 2);
        s.call(A, one_from("dead"));
        s.call(A, one_from("dead"));
        s.call(A, one_from("letters"));
        s.tell(A, ack(3));
        s.until_ready("dead", 1);
        s.call(A, one_from("dead"));
    });
}

#[test]
fn a_time_to_live_of_zero_serves_only_who_waits() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let [exchange, key] = to_dead();
        s.call(A, a_queue_with("now", [("x-message-ttl", int(0)), exchange, key]));
        s.publish(A, to("", "now"), "nobody is here");
        s.until_ready("dead", 1);
        s.call(B, qos(1));
        s.call(B, a_consumer("now", "me"));
        s.publish(A, to("", "now"), "for me");
        s.publish(A, to("", "now"), "I am busy");
        s.until_ready("dead", 2);
        s.tell(B, nack(1));
        s.until_ready("dead", 3);
    });
}

#[test]
fn a_full_queue_drops_the_oldest() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let [exchange, key] = to_dead();
        s.call(A, a_queue_with("letters", [("x-max-length", int(2)), exchange, key]));
        for body in ["one", "two", "three", "four"] {
            s.publish(A, to("", "letters"), body);
        }
        s.call(A, one_from("dead"));
        s.call(A, one_from("letters"));
        s.publish(A, to("", "letters"), "five");
        s.tell(A, nack(2)); // one too many again: who goes?
        s.call(A, one_from("letters"));
        s.call(A, one_from("letters"));
        for _ in 0..3 {
            s.call(A, one_from("dead"));
        }
    });
}

#[test]
fn a_queue_can_be_limited_in_bytes() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-max-length-bytes", int(10))]));
        for body in ["12345", "67890", "x", "", "1234567890", "12345678901", "12"] {
            s.publish(A, to("", "letters"), body);
        }
        s.call(A, a_queue_with("both", [("x-max-length-bytes", int(10)), ("x-max-length", int(3))]));
        for body in ["1", "2", "3", "4", "123456789", "0"] {
            s.publish(A, to("", "both"), body);
        }
        s.call(A, one_from("both"));
        s.call(A, a_queue_with("none", [("x-max-length", int(0))]));
        s.publish(A, to("", "none"), "no room");
        s.call(B, qos(1));
        s.call(B, a_consumer("none", "me"));
        s.publish(A, to("", "none"), "for me");
        s.publish(A, to("", "none"), "I am busy");
        s.tell(B, nack(1));
    });
}

#[test]
fn a_full_queue_drops_the_least_urgent() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-max-length", int(2)), ("x-max-priority", int(5))]));
        for (body, priority) in [("low", 1), ("high", 5), ("middle", 3), ("lowest", 0), ("highest", 5)] {
            s.publish_with(A, to("", "letters"), properties().with_priority(priority), body.as_bytes());
        }
        s.call(A, a_listener("letters", "me"));
    });
}

#[test]
fn urgent_messages_come_first() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-max-priority", int(5))]));
        for (body, priority) in [("a", 1), ("b", 5), ("c", 9), ("d", 0), ("e", 1), ("f", 255)] {
            s.publish_with(A, to("", "letters"), properties().with_priority(priority), body.as_bytes());
        }
        s.publish(A, to("", "letters"), "g");
        for _ in 0..4 {
            s.call(A, one_from("letters"));
        }
        s.tell(A, nack(2));
        s.tell(A, nack(4));
        s.call(B, a_listener("letters", "me"));
        s.call(A, a_queue("plain"));
        for (body, priority) in [("a", 1), ("b", 5)] {
            s.publish_with(A, to("", "plain"), properties().with_priority(priority), body.as_bytes());
        }
        s.call(B, a_listener("plain", "plain"));
    });
}

#[test]
fn a_dead_letter_that_cannot_be_routed_is_gone() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", [("x-dead-letter-exchange", text("missing"))]));
        s.publish(A, to("", "letters"), "one");
        s.call(A, one_from("letters"));
        s.tell(A, reject(1));
        s.call(A, a_queue_with("loop", [("x-dead-letter-exchange", text("")), ("x-message-ttl", int(30))]));
        s.look_away_from("loop");
        s.publish(A, to("", "loop"), "round and round");
        s.until_ready("loop", 0); // a circle without a rejection ends
        s.call(A, a_queue_with("own", [("x-dead-letter-exchange", text(""))]));
        s.publish(A, to("", "own"), "back to where it was");
        s.call(A, one_from("own"));
        s.tell(A, reject(2));
        s.call(A, one_from("own"));
    });
}

#[test]
fn dead_letters_take_the_copies_headers_along() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, an_exchange("morgue", "topic"));
        s.call(A, binding("dead", "morgue", "#"));
        s.call(A, a_queue_with("letters", [("x-dead-letter-exchange", text("morgue"))]));
        s.call(
            A,
            a_queue_with(
                "copies",
                [("x-dead-letter-exchange", text("morgue")), ("x-dead-letter-routing-key", text("with.a.key"))],
            ),
        );
        let list = AMQPValue::FieldArray(FieldArray::from(vec![text("copies")]));
        s.publish_with(A, to("", "letters"), properties().with_headers(table([("CC", list.clone())])), b"one");
        s.publish_with(A, to("", "letters"), properties().with_headers(table([("BCC", list)])), b"two");
        for (queue, tag) in [("letters", 1), ("copies", 2), ("letters", 3), ("copies", 4)] {
            s.call(A, one_from(queue));
            s.tell(A, reject(tag));
            s.call(B, one_from("dead"));
        }
    });
}

#[test]
fn purging_and_deleting_make_no_dead_letters() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_queue_with("letters", to_dead()));
        s.publish(A, to("", "letters"), "one");
        s.publish(A, to("", "letters"), "two");
        s.call(A, one_from("letters"));
        s.call(A, queue::Purge { queue: "letters".into(), nowait: false });
        s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        s.tell(A, reject(1));
        s.call(A, is_there_a_queue("dead"));
    });
}

#[test]
fn a_dead_letter_goes_by_bindings_alternates_and_headers() {
    same_on_both(|s| {
        s.call(
            A,
            exchange::Declare {
                internal: true,
                arguments: table([("alternate-exchange", text("lost"))]),
                ..an_exchange("morgue", "headers")
            },
        );
        s.call(A, an_exchange("lost", "fanout"));
        s.call(A, an_exchange("next", "topic"));
        s.call(A, a_queue("rejected"));
        s.call(A, a_queue("by-queue"));
        s.call(A, a_queue("void"));
        s.call(A, a_queue("found"));
        let by = |queue: &str, mode: &str, name: &str, value| queue::Bind {
            arguments: table([("x-match", text(mode)), (name, value)]),
            ..binding(queue, "morgue", "")
        };
        s.call(A, by("rejected", "all-with-x", "x-first-death-reason", text("rejected")));
        s.call(A, by("by-queue", "any-with-x", "x-last-death-queue", text("letters")));
        s.call(A, by("void", "all-with-x", "x-death", AMQPValue::Void));
        s.call(A, a_queue_with("letters", [("x-dead-letter-exchange", text("morgue")), ("x-max-length", int(1))]));
        s.call(A, a_queue_with("parcels", [("x-dead-letter-exchange", text("morgue")), ("x-max-length", int(1))]));
        for queue in ["letters", "parcels"] {
            s.publish(A, to("", queue), "one");
            s.publish(A, to("", queue), "two");
            s.call(A, basic::Get { no_ack: false, ..one_from(queue) });
        }
        s.call(A, binding("found", "lost", ""));
        s.tell(A, reject(1));
        s.tell(A, reject(2));
        s.publish(A, to("", "parcels"), "three");
        s.publish(A, to("", "parcels"), "four");
        s.call(
            A,
            exchange::Bind {
                destination: "next".into(),
                source: "morgue".into(),
                arguments: table([("x-match", text("all-with-x")), ("x-last-death-reason", text("maxlen"))]),
                ..Default::default()
            },
        );
        s.call(A, binding("void", "next", "parcels"));
        s.publish(A, to("", "parcels"), "five");
        for queue in ["rejected", "rejected", "by-queue", "by-queue", "void", "found", "found"] {
            s.call(A, one_from(queue));
        }
    });
}

#[test]
fn a_dead_letter_keeps_its_properties_but_its_time_to_live() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_queue_with("urgent", [("x-max-priority", int(5))]));
        s.call(A, an_exchange("morgue", "fanout"));
        s.call(A, binding("dead", "morgue", ""));
        s.call(A, binding("urgent", "morgue", ""));
        s.call(A, a_queue_with("letters", to_exchange("morgue")));
        let all = |priority| {
            properties()
                .with_content_type("text/plain".into())
                .with_content_encoding("gzip".into())
                .with_delivery_mode(1)
                .with_priority(priority)
                .with_correlation_id("c".into())
                .with_reply_to("r".into())
                .with_expiration("60000".into())
                .with_message_id("m".into())
                .with_timestamp(1_700_000_000)
                .with_type("t".into())
                .with_user_id("guest".into())
                .with_app_id("app".into())
        };
        for priority in [1, 5, 3] {
            s.publish_with(A, to("", "letters"), all(priority), b"full");
        }
        for tag in 1..4 {
            s.call(A, basic::Get { no_ack: false, ..one_from("letters") });
            s.tell(A, reject(tag));
        }
        s.call(A, one_from("dead"));
        for _ in 0..3 {
            s.call(A, one_from("urgent"));
        }
    });
}

#[test]
fn dead_letters_meet_full_queues() {
    same_on_both(|s| {
        s.call(A, a_queue("end"));
        s.call(A, a_queue_with("refuses", [("x-max-length", int(1)), ("x-overflow", text("reject-publish"))]));
        let [exchange, key] = send_to("", "end");
        s.call(
            A,
            a_queue_with(
                "sends-on",
                [("x-max-length", int(1)), ("x-overflow", text("reject-publish-dlx")), exchange, key],
            ),
        );
        s.call(A, an_exchange("morgue", "fanout"));
        s.call(A, binding("refuses", "morgue", ""));
        s.call(A, binding("sends-on", "morgue", ""));
        s.call(A, a_queue_with("letters", to_exchange("morgue")));
        s.call(A, confirm::Select { nowait: false });
        for tag in 1..4 {
            s.publish(A, to("", "letters"), "one");
            s.call(A, one_from("letters"));
            s.tell(A, reject(tag));
        }
        s.call(A, one_from("end"));
    });
}

#[test]
fn the_dead_letter_exchange_counts_that_is_there_when_a_message_dies() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_queue_with("letters", to_exchange("later")));
        for body in ["one", "two", "three"] {
            s.publish(A, to("", "letters"), body);
        }
        s.call(A, one_from("letters"));
        s.tell(A, reject(1));
        s.call(A, an_exchange("later", "fanout"));
        s.call(A, binding("dead", "later", ""));
        s.call(A, one_from("letters"));
        s.tell(A, reject(2));
        s.call(A, exchange::Delete { exchange: "later".into(), ..Default::default() });
        s.call(A, one_from("letters"));
        s.tell(A, reject(3));
        s.call(A, one_from("dead"));
        s.call(A, one_from("dead"));
    });
}

fn a_quorum_queue<const N: usize>(name: &str, arguments: [(&str, AMQPValue); N]) -> queue::Declare {
    let mut declare = a_queue_with(name, arguments);
    declare.arguments.insert("x-queue-type".into(), text("quorum"));
    declare
}

#[test]
fn a_quorum_queue_gives_up_its_messages_like_any_other() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let [exchange, key] = to_dead();
        s.call(A, a_quorum_queue("rejects", to_dead()));
        s.call(A, a_quorum_queue("short", [("x-max-length", int(1)), exchange.clone(), key.clone()]));
        s.call(A, a_quorum_queue("brief", [("x-message-ttl", int(40)), exchange, key]));
        let full =
            || properties_with_headers([("mine", int(1)), ("CC", list(&["nobody"])), ("BCC", list(&["no one"]))]);
        s.call(B, a_consumer("rejects", "me"));
        s.until_observed(B, 1);
        let endings = [reject(1).class(), basic::Nack { delivery_tag: 2, multiple: false, requeue: false }.class()];
        for ending in endings {
            s.publish_with(A, to("", "rejects"), full().with_expiration("60000".into()), b"rejected");
            s.until_observed(B, 1);
            s.tell(B, ending);
            s.until_ready("dead", 1);
            s.call(A, one_from("dead"));
        }
        s.publish_with(A, to("", "short"), full(), b"pushed out");
        s.publish_with(A, to("", "short"), full(), b"pushes");
        s.until_ready("dead", 1);
        s.call(A, one_from("dead"));
        s.publish_with(A, to("", "brief"), full(), b"expires");
        s.until_ready("dead", 1);
        s.call(A, one_from("dead"));
        s.publish_with(A, to("", "brief"), full().with_expiration("20".into()), b"expires sooner");
        s.until_ready("dead", 1);
        s.call(A, one_from("dead"));
    });
}

#[test]
fn a_dead_letter_keeps_its_story_in_a_quorum_queue() {
    same_on_both(|s| {
        s.call(A, a_queue("end"));
        s.call(A, a_quorum_queue("second", send_to("", "end")));
        s.call(A, a_quorum_queue("first", send_to("", "second")));
        s.call(A, a_queue_with("classic", send_to("", "second")));
        s.call(B, a_consumer("second", "me"));
        s.until_observed(B, 1);
        s.call(C, a_consumer("first", "me"));
        s.until_observed(C, 1);
        s.call(C, a_consumer("classic", "other"));
        for (tag, queue) in [(1, "first"), (2, "classic")] {
            s.publish(A, to("", queue), queue);
            s.until_observed(C, 1);
            s.tell(C, basic::Nack { delivery_tag: tag, multiple: false, requeue: false });
            s.until_observed(B, 1);
            s.tell(B, basic::Nack { delivery_tag: tag, multiple: false, requeue: false });
            s.until_ready("end", 1);
            s.call(A, one_from("end"));
        }
    });
}

#[test]
fn a_quorum_queue_can_dead_letter_at_least_once() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_quorum_queue("dead-votes", []));
        s.call(A, an_exchange("morgue", "fanout"));
        s.call(A, binding("dead", "morgue", ""));
        s.call(A, binding("dead-votes", "morgue", ""));
        s.call(
            A,
            a_quorum_queue(
                "letters",
                [
                    ("x-dead-letter-exchange", text("morgue")),
                    ("x-dead-letter-strategy", text("at-least-once")),
                    ("x-overflow", text("reject-publish")),
                    ("x-max-length", int(10)),
                ],
            ),
        );
        s.call(A, confirm::Select { nowait: false });
        let full =
            properties_with_headers([("mine", int(1)), ("CC", list(&["nobody"]))]).with_expiration("60000".into());
        s.publish_with(A, to("", "letters"), properties().with_expiration("30".into()), b"two");
        s.until_ready("letters", 0);
        s.until_ready("dead", 1);
        s.call(B, a_consumer("letters", "me"));
        s.until_observed(B, 1);
        s.publish_with(A, to("", "letters"), full, b"one");
        s.until_observed(B, 1);
        s.tell(B, reject(1));
        s.until_ready("dead", 2);
        s.until_ready("dead-votes", 2);
        s.call(A, one_from("dead"));
        s.call(A, one_from("dead"));
    });
}
