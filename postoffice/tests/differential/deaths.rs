//! What is told of a message's deaths: headers, counts, keys, marks; and what ends a circle.

use crate::support::{brokers::same_on_both, methods::*, script::At};
use amq_protocol::{
    protocol::{basic, queue},
    types::{AMQPValue, FieldArray},
};

const A: At = ("a", 1);
const B: At = ("b", 1);

#[test]
fn a_dead_letter_is_marked_as_redelivered_when_its_delivery_failed() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        let [exchange, key] = send_to("", "dead");
        s.call(A, a_queue_with("letters", [exchange, key, ("x-max-length", int(1))]));
        let from_dead = || basic::Get { no_ack: true, ..one_from("dead") };
        let endings = [
            ("rejected for good", reject(1).class()),
            ("nacked for good", basic::Nack { delivery_tag: 3, multiple: false, requeue: false }.class()),
            ("nacked, then pushed out", nack(5).class()),
            ("rejected, then pushed out", basic::Reject { delivery_tag: 7, requeue: true }.class()),
            ("recovered, then pushed out", basic::RecoverAsync { requeue: true }.class()),
        ];
        for (body, ending) in endings {
            s.publish(A, to("", "letters"), body);
            s.call(A, one_from("letters"));
            s.tell(A, ending);
            s.publish(A, to("", "letters"), "in its place");
            s.call(A, from_dead());
            s.call(A, queue::Purge { queue: "letters".into(), nowait: false });
        }
    });
}

#[test]
fn a_dead_letter_that_need_not_wait_counts_as_new() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_queue_with("letters", send_to("", "dead")));
        s.call(B, qos(1));
        s.call(B, a_consumer("dead", "undertaker"));
        for tag in 1..4 {
            s.publish(A, to("", "letters"), "one");
            s.call(A, one_from("letters"));
            s.tell(A, reject(tag));
        }
        s.tell(B, ack(1));
        s.tell(B, nack(2));
        s.tell(B, ack(3));
    });
}

#[test]
fn a_failed_delivery_is_remembered_over_several_deaths() {
    same_on_both(|s| {
        s.call(A, a_queue("last"));
        s.call(A, a_queue_with("third", send_to("", "last")));
        s.call(A, a_queue_with("second", send_to("", "third")));
        s.call(A, a_queue_with("first", send_to("", "second")));
        let dropped = |delivery_tag| basic::Nack { delivery_tag, multiple: false, requeue: false };
        s.publish(A, to("", "first"), "one");
        s.call(A, one_from("first"));
        s.tell(A, dropped(1));
        s.call(A, one_from("second"));
        s.tell(A, reject(2));
        s.call(A, one_from("third"));
        s.tell(A, dropped(3));
        s.call(A, one_from("last"));
    });
}

#[test]
fn first_and_last_death_have_headers_of_their_own() {
    same_on_both(|s| {
        s.call(A, a_queue("end"));
        s.call(A, an_exchange("post", "topic"));
        s.call(A, a_queue_with("third", send_to("", "end")));
        s.call(
            A,
            a_queue_with(
                "second",
                [
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text("third")),
                    ("x-max-length", int(0)),
                ],
            ),
        );
        s.call(A, binding("second", "post", "a.#"));
        s.call(A, a_queue_with("first", to_exchange("post")));
        s.call(A, binding("first", "amq.topic", "*.b"));
        s.publish(A, to("amq.topic", "a.b"), "one");
        s.call(A, one_from("first"));
        s.tell(A, reject(1));
        s.call(A, one_from("third"));
        s.tell(A, reject(2));
        s.call(A, one_from("end"));
    });
}

#[test]
fn a_client_cannot_invent_a_death() {
    same_on_both(|s| {
        s.call(A, a_queue("dead"));
        s.call(A, a_queue_with("letters", send_to("", "dead")));
        let invented = || {
            let mut death =
                table([("queue", text("letters")), ("reason", text("rejected")), ("count", AMQPValue::LongLongInt(7))]);
            death.insert("exchange".into(), text("mine"));
            properties_with_headers([
                ("x-death", AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)]))),
                ("x-first-death-queue", text("mine")),
                ("x-last-death-reason", int(3)),
                ("x-first-death-exchange", AMQPValue::Void),
                ("a", int(1)),
                ("z", int(1)),
            ])
        };
        s.publish_with(A, to("", "letters"), invented(), b"alive");
        s.call(A, one_from("letters"));
        s.tell(A, reject(1));
        s.call(A, one_from("dead"));
        s.publish_with(A, to("", "letters"), properties_with_headers([("x-death", text("not a list"))]), b"alive");
        s.call(A, one_from("letters"));
        s.tell(A, reject(3));
        s.call(A, one_from("dead"));
    });
}

#[test]
fn publishing_a_dead_letter_again_starts_a_new_life() {
    same_on_both(|s| {
        s.call(
            A,
            a_queue_with(
                "ping",
                [
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text("pong")),
                    ("x-message-ttl", int(20)),
                ],
            ),
        );
        s.call(A, a_queue_with("pong", send_to("", "ping")));
        s.look_away_from("ping");
        s.publish(A, to("", "ping"), "one");
        s.until_ready("pong", 1);
        s.call(A, one_from("pong"));
        s.tell(A, ack(1));
        let mut death =
            table([("queue", text("ping")), ("reason", text("expired")), ("count", AMQPValue::LongLongInt(1))]);
        death.insert("routing-keys".into(), list(&["ping"]));
        let again = || {
            properties_with_headers([
                ("x-death", AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death.clone())]))),
                ("x-first-death-queue", text("ping")),
                ("x-first-death-reason", text("expired")),
                ("x-first-death-exchange", text("")),
            ])
        };
        s.publish_with(A, to("", "ping"), again(), b"two");
        s.until_ready("pong", 1);
        s.call(A, one_from("pong"));
        s.tell(A, reject(2));
        s.until_ready("pong", 1);
        s.call(A, one_from("pong"));
    });
}

#[test]
fn a_circle_without_a_rejection_ends() {
    same_on_both(|s| {
        let brief = |name: &'static str, next: &str| {
            a_queue_with(
                name,
                [
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text(next)),
                    ("x-message-ttl", int(20)),
                ],
            )
        };
        s.call(A, brief("one", "two"));
        s.call(A, brief("two", "three"));
        s.call(A, a_queue_with("three", send_to("", "one")));
        s.look_away_from("one");
        s.look_away_from("two");
        s.publish(A, to("", "one"), "round");
        s.until_ready("three", 1);
        s.call(A, one_from("three"));
        s.tell(A, reject(1));
        s.until_ready("three", 1);
        s.call(A, one_from("three"));
        s.tell(A, basic::Nack { delivery_tag: 2, multiple: false, requeue: false });
        s.until_ready("three", 1);
        s.call(A, one_from("three"));
        s.call(A, a_queue_with("full", [("x-max-length", int(0)), ("x-dead-letter-exchange", text("amq.fanout"))]));
        s.call(A, binding("full", "amq.fanout", ""));
        s.call(A, a_queue("witness"));
        s.call(A, binding("witness", "amq.fanout", ""));
        s.publish(A, to("", "full"), "into itself");
        s.call(A, one_from("witness"));
    });
}

#[test]
fn keys_of_copies_are_kept_until_a_dead_letter_gets_a_key_of_its_own() {
    same_on_both(|s| {
        for exchange in ["morgue", "archive"] {
            s.call(A, an_exchange(exchange, "direct"));
        }
        s.call(A, a_queue_with("letters", to_exchange("morgue")));
        for (queue, key) in [("by-key", "letters"), ("by-cc", "cc"), ("by-bcc", "bcc")] {
            s.call(A, a_queue_with(queue, to_exchange("archive")));
            s.call(A, binding(queue, "morgue", key));
        }
        s.call(A, a_queue_with("renamed", send_to("archive", "bcc")));
        s.call(A, binding("renamed", "morgue", "cc"));
        for (queue, key) in [("archived", "letters"), ("archived-cc", "cc"), ("archived-bcc", "bcc")] {
            s.call(A, a_queue_with(queue, send_to("", "end")));
            s.call(A, binding(queue, "archive", key));
        }
        s.call(A, a_queue("end"));
        let copies = properties_with_headers([("CC", list(&["cc", "nobody"])), ("BCC", list(&["bcc"]))])
            .with_expiration("60000".into());
        s.publish_with(A, to("", "letters"), copies, b"one");
        s.call(A, one_from("letters"));
        s.tell(A, reject(1));
        for tag in 2..6 {
            s.call(A, one_from(["by-key", "by-cc", "by-bcc", "renamed"][tag - 2]));
        }
        s.tell(A, reject(2));
        for queue in ["archived", "archived-cc", "archived-bcc"] {
            s.call(A, one_from(queue));
        }
        s.tell(A, reject(5));
        for queue in ["archived", "archived-cc", "archived-bcc"] {
            s.call(A, one_from(queue));
        }
        s.tell(A, reject(9));
        s.until_ready("end", 1);
        s.tell(A, reject(7));
        s.until_ready("end", 2);
        s.call(A, one_from("end"));
        s.call(A, one_from("end"));
    });
}

#[test]
fn copies_lead_dead_letters_to_queues_by_name() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", to_exchange("")));
        s.call(A, a_queue("open"));
        s.call(A, a_queue("secret"));
        let copies = || properties_with_headers([("CC", list(&["open"])), ("BCC", list(&["secret"]))]);
        s.publish_with(A, to("", "letters"), copies(), b"one");
        s.call(A, one_from("letters"));
        s.tell(A, reject(1));
        for queue in ["letters", "open", "secret"] {
            s.call(A, one_from(queue));
        }
        s.call(A, a_queue_with("brief", [("x-dead-letter-exchange", text("")), ("x-message-ttl", int(20))]));
        s.look_away_from("brief");
        s.publish_with(A, to("", "brief"), copies(), b"two");
        s.until_ready("open", 3);
        s.until_ready("secret", 3);
        for queue in ["brief", "open", "open", "open", "secret"] {
            s.call(A, one_from(queue));
        }
    });
}

#[test]
fn a_second_death_in_the_same_queue_keeps_what_the_first_was_like() {
    same_on_both(|s| {
        s.call(A, a_queue_with("letters", to_exchange("amq.direct")));
        s.call(A, a_queue_with("other", send_to("", "letters")));
        s.call(A, binding("other", "amq.direct", "letters"));
        s.publish_with(
            A,
            to("", "letters"),
            properties_with_headers([("CC", list(&["nobody"]))]).with_expiration("60000".into()),
            b"one",
        );
        s.call(A, one_from("letters"));
        s.tell(A, reject(1));
        s.call(A, one_from("other"));
        s.tell(A, reject(2));
        s.call(A, one_from("letters"));
        s.tell(A, reject(3));
        s.call(A, one_from("other"));
    });
}
