//! Routing: the exchange types, bindings, alternates, returns, and the exchanges that are the broker's own.

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::{
    protocol::{
        basic::{self, AMQPProperties},
        exchange, queue,
    },
    types::{AMQPValue, FieldArray, FieldTable},
};

const A: At = ("a", 1);

fn between(source: &str, destination: &str, routing_key: &str) -> exchange::Bind {
    exchange::Bind {
        source: source.into(),
        destination: destination.into(),
        routing_key: routing_key.into(),
        ..Default::default()
    }
}

fn not_bound(queue: &str, exchange: &str, routing_key: &str) -> queue::Unbind {
    queue::Unbind {
        queue: queue.into(),
        exchange: exchange.into(),
        routing_key: routing_key.into(),
        ..Default::default()
    }
}

fn reopen_if_closed(s: &mut Script) {
    if !s.is_open(A) {
        s.reopen(A);
    }
}

#[test]
fn direct_and_fanout_route_by_key_and_to_all() {
    same_on_both(|s| {
        for kind in ["direct", "fanout"] {
            s.call(A, an_exchange("post", kind));
            for (queue, key) in [("red", "red"), ("blue", "blue"), ("both", "red"), ("both", "blue"), ("none", "")] {
                s.call(A, a_queue(queue));
                s.call(A, binding(queue, "post", key));
            }
            for key in ["red", "blue", "green", "", "Red", "red "] {
                s.publish(A, to("post", key), key);
            }
            s.call(A, binding("red", "post", "red")); // once more changes nothing
            s.publish(A, to("post", "red"), "again");
            s.call(A, not_bound("red", "post", "red"));
            s.call(A, not_bound("red", "post", "red"));
            s.publish(A, to("post", "red"), "gone");
            s.call(A, exchange::Delete { exchange: "post".into(), ..Default::default() });
        }
    });
}

#[test]
fn topics_match_words() {
    same_on_both(|s| {
        s.call(A, an_exchange("news", "topic"));
        let patterns = [
            "#", "*", "*.*", "a.*", "*.b", "a.#", "#.b", "a.#.b", "a.*.b", "#.#", "*.#", "#.*", "a", "", "a.b",
            "#.a.#", "a.b.*", "*.*.*", ".", "*.", ".*", "a..b", "#.*.#.b",
        ];
        for pattern in patterns {
            s.call(A, a_queue(&format!("q{pattern}")));
            s.call(A, binding(&format!("q{pattern}"), "news", pattern));
        }
        for key in [
            "", "a", "b", "a.b", "a.c", "b.a", "a.x.b", "a.x.y.b", "a.b.c", "a..b", ".", "a.", ".a", "..", "*", "#",
            "a.*", "邮.局",
        ] {
            s.publish(A, to("news", key), key);
        }
        s.call(A, not_bound("q#", "news", "#"));
        s.call(A, not_bound("qa.#", "news", "a.#"));
        s.publish(A, to("news", "a.b"), "after");
    });
}

#[test]
fn a_queue_with_several_matching_bindings_gets_one_copy() {
    same_on_both(|s| {
        s.call(A, an_exchange("news", "topic"));
        s.call(A, a_queue("letters"));
        for pattern in ["#", "a.#", "a.b"] {
            s.call(A, binding("letters", "news", pattern));
        }
        s.publish(A, to("news", "a.b"), "once");
        s.call(A, an_exchange("all", "fanout"));
        s.call(A, binding("letters", "all", "x"));
        s.call(A, binding("letters", "all", "y"));
        s.call(A, between("news", "all", "#"));
        s.publish(A, to("news", "a.b"), "once more");
    });
}

fn headers(entries: &[(&str, AMQPValue)]) -> AMQPProperties {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert((*key).into(), value.clone());
    }
    properties().with_headers(table)
}

#[test]
fn headers_exchanges_match_all_or_any() {
    same_on_both(|s| {
        s.call(A, an_exchange("desk", "headers"));
        let rules: &[(&str, &[(&str, AMQPValue)])] = &[
            ("default", &[("kind", text("letter")), ("size", int(1))]),
            ("all", &[("x-match", text("all")), ("kind", text("letter")), ("size", int(1))]),
            ("any", &[("x-match", text("any")), ("kind", text("letter")), ("size", int(1))]),
            ("all-with-x", &[("x-match", text("all-with-x")), ("kind", text("letter")), ("x-size", int(1))]),
            ("any-with-x", &[("x-match", text("any-with-x")), ("kind", text("other")), ("x-size", int(1))]),
            ("all-x", &[("x-match", text("all")), ("kind", text("letter")), ("x-size", int(7))]),
            ("any-x", &[("x-match", text("any")), ("kind", text("other")), ("x-size", int(1))]),
            ("present", &[("kind", AMQPValue::Void)]),
            ("empty-all", &[("x-match", text("all"))]),
            ("empty-any", &[("x-match", text("any"))]),
            ("none", &[]),
            ("long", &[("size", AMQPValue::LongLongInt(1))]),
            ("short", &[("size", AMQPValue::ShortInt(1))]),
            ("double", &[("size", AMQPValue::Double(1.0))]),
            ("flag", &[("urgent", flag(true))]),
            ("text", &[("size", text("1"))]),
        ];
        for (name, rule) in rules {
            s.call(A, a_queue(name));
            let arguments = headers(rule).headers().clone().unwrap_or_default();
            s.call(A, queue::Bind { arguments, ..binding(name, "desk", "ignored") });
        }
        let letter = ("kind", text("letter"));
        let messages: &[&[(&str, AMQPValue)]] = &[
            &[],
            std::slice::from_ref(&letter),
            &[letter.clone(), ("size", int(1))],
            &[letter.clone(), ("size", int(2))],
            &[letter.clone(), ("size", int(1)), ("more", int(1))],
            &[letter.clone(), ("x-size", int(1))],
            &[("x-size", int(1))],
            &[("kind", int(1))],
            &[("kind", AMQPValue::Void)],
            &[("size", AMQPValue::LongLongInt(1))],
            &[("size", AMQPValue::Double(1.0))],
            &[("size", text("1"))],
            &[("urgent", flag(true))],
            &[("urgent", flag(false))],
            &[("x-match", text("any"))],
        ];
        for message in messages {
            s.publish_with(A, to("desk", "any key"), headers(message), b"x");
        }
        s.publish(A, to("desk", ""), "without headers");
        for wrong in [text("some"), int(1)] {
            let arguments = table([("x-match", wrong)]);
            s.call(A, queue::Bind { arguments, ..binding("none", "desk", "") });
            reopen_if_closed(s);
        }
    });
}

#[test]
fn bindings_with_other_arguments_are_other_bindings() {
    same_on_both(|s| {
        s.call(A, an_exchange("post", "direct"));
        s.call(A, a_queue("letters"));
        s.call(A, binding("letters", "post", "key"));
        s.call(A, queue::Bind { arguments: table([("a", int(1))]), ..binding("letters", "post", "key") });
        s.publish(A, to("post", "key"), "one copy");
        s.call(A, not_bound("letters", "post", "key"));
        s.publish(A, to("post", "key"), "still bound");
        s.call(A, queue::Unbind { arguments: table([("a", int(1))]), ..not_bound("letters", "post", "key") });
        s.publish(A, mandatory("post", "key"), "not any more");
    });
}

#[test]
fn the_default_exchange_and_the_predeclared_ones_are_protected() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for name in ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"] {
            s.call(A, is_there_an_exchange(name));
        }
        for (name, kind) in [
            ("amq.direct", "direct"),
            ("amq.match", "headers"),
            ("amq.direct", "fanout"),
            ("amq.mine", "direct"),
            ("amq.", "direct"),
            ("", "direct"),
            ("post", "pigeon"),
            ("post", ""),
            ("post", "x-pigeon"),
        ] {
            s.call(A, an_exchange(name, kind));
            reopen_if_closed(s);
        }
        s.call(A, is_there_an_exchange(""));
        reopen_if_closed(s);
        s.call(A, is_there_an_exchange("amq.nowhere"));
        reopen_if_closed(s);
        s.call(A, is_there_an_exchange("nowhere"));
        reopen_if_closed(s);
        s.call(A, exchange::Declare { durable: false, ..an_exchange("amq.direct", "direct") });
        reopen_if_closed(s);
        for name in ["amq.direct", "", "nowhere", "amq.nowhere"] {
            s.call(A, exchange::Delete { exchange: name.into(), ..Default::default() });
            reopen_if_closed(s);
        }
        s.call(A, binding("letters", "", "key"));
        reopen_if_closed(s);
        s.call(A, not_bound("letters", "", "letters"));
        reopen_if_closed(s);
        s.call(A, between("", "amq.direct", "key"));
        reopen_if_closed(s);
        s.call(A, between("amq.direct", "", "key"));
        reopen_if_closed(s);
        s.publish(A, to("nowhere", "letters"), "lost");
        reopen_if_closed(s);
        s.publish(A, to("amq.nowhere", "letters"), "lost");
        reopen_if_closed(s);
        for name in ["amq.rabbitmq.log", "amq.rabbitmq.trace"] {
            s.call(A, is_there_an_exchange(name));
            reopen_if_closed(s);
        }
        s.publish(A, to("", "letters"), "still served");
    });
}

#[test]
fn an_exchange_can_be_declared_again_in_the_same_way_only() {
    same_on_both(|s| {
        s.call(A, an_exchange("post", "direct"));
        s.call(A, an_exchange("post", "direct"));
        for other in [
            an_exchange("post", "fanout"),
            exchange::Declare { durable: false, ..an_exchange("post", "direct") },
            exchange::Declare { auto_delete: true, ..an_exchange("post", "direct") },
            exchange::Declare { internal: true, ..an_exchange("post", "direct") },
            exchange::Declare {
                arguments: table([("alternate-exchange", text("x"))]),
                ..an_exchange("post", "direct")
            },
            exchange::Declare { arguments: table([("my-own", text("x"))]), ..an_exchange("post", "direct") },
            exchange::Declare { arguments: table([("alternate-exchange", int(1))]), ..an_exchange("post2", "direct") },
            exchange::Declare { arguments: table([("my-own", int(1))]), ..an_exchange("post3", "direct") },
        ] {
            s.call(A, other);
            reopen_if_closed(s);
        }
        s.tell(A, exchange::Declare { nowait: true, ..an_exchange("post4", "topic") });
        s.call(A, is_there_an_exchange("post4"));
        s.tell(A, exchange::Delete { exchange: "post4".into(), nowait: true, ..Default::default() });
        s.call(A, is_there_an_exchange("post4"));
    });
}

#[test]
fn nobody_publishes_to_an_internal_exchange_but_other_exchanges() {
    same_on_both(|s| {
        s.call(A, exchange::Declare { internal: true, ..an_exchange("inside", "fanout") });
        s.call(A, an_exchange("outside", "fanout"));
        s.call(A, a_queue("letters"));
        s.call(A, binding("letters", "inside", ""));
        s.call(A, between("outside", "inside", ""));
        s.publish(A, to("outside", "key"), "through");
        s.publish(A, to("inside", "key"), "refused");
    });
}

#[test]
fn exchanges_bind_to_exchanges_even_in_a_circle() {
    same_on_both(|s| {
        for name in ["one", "two", "three"] {
            s.call(A, an_exchange(name, "topic"));
            s.call(A, a_queue(&format!("at-{name}")));
            s.call(A, binding(&format!("at-{name}"), name, "#"));
        }
        s.call(A, between("one", "two", "a.#"));
        s.call(A, between("two", "three", "#.b"));
        s.call(A, between("three", "one", "#"));
        for key in ["a", "a.b", "b", "c"] {
            s.publish(A, to("one", key), key);
        }
        s.publish(A, to("three", "x"), "x");
        s.call(
            A,
            exchange::Unbind {
                source: "one".into(),
                destination: "two".into(),
                routing_key: "a.#".into(),
                ..Default::default()
            },
        );
        s.publish(A, to("one", "a.b"), "no further");
        for (source, destination) in [("nowhere", "one"), ("one", "nowhere"), ("nowhere", "nobody")] {
            s.call(A, between(source, destination, ""));
            reopen_if_closed(s);
        }
        s.call(A, exchange::Unbind { source: "one".into(), destination: "two".into(), ..Default::default() });
        reopen_if_closed(s);
        s.call(A, exchange::Unbind { source: "nowhere".into(), destination: "two".into(), ..Default::default() });
        reopen_if_closed(s);
        s.call(A, exchange::Delete { exchange: "two".into(), if_unused: true, ..Default::default() });
        reopen_if_closed(s);
        s.call(A, exchange::Delete { exchange: "two".into(), ..Default::default() });
        s.publish(A, to("one", "a.b"), "after");
    });
}

#[test]
fn an_auto_delete_exchange_goes_with_its_last_binding() {
    same_on_both(|s| {
        s.call(A, exchange::Declare { auto_delete: true, ..an_exchange("fleeting", "direct") });
        s.call(A, is_there_an_exchange("fleeting"));
        s.call(A, a_queue("letters"));
        s.call(A, binding("letters", "fleeting", "a"));
        s.call(A, binding("letters", "fleeting", "b"));
        s.call(A, not_bound("letters", "fleeting", "a"));
        s.call(A, is_there_an_exchange("fleeting"));
        s.call(A, not_bound("letters", "fleeting", "b"));
        s.call(A, is_there_an_exchange("fleeting"));
        s.reopen(A);
        s.call(A, exchange::Declare { auto_delete: true, ..an_exchange("fleeting", "direct") });
        s.call(A, exchange::Declare { auto_delete: true, ..an_exchange("further", "direct") });
        s.call(A, between("further", "fleeting", ""));
        s.call(A, binding("letters", "fleeting", "a"));
        s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        s.call(A, is_there_an_exchange("fleeting"));
        s.reopen(A);
        s.call(A, is_there_an_exchange("further"));
        reopen_if_closed(s);
        s.call(A, an_exchange("used", "fanout"));
        s.call(A, a_queue("letters"));
        s.call(A, binding("letters", "used", ""));
        s.call(A, exchange::Delete { exchange: "used".into(), if_unused: true, ..Default::default() });
        s.reopen(A);
        s.call(A, exchange::Delete { exchange: "used".into(), ..Default::default() });
        s.call(A, exchange::Delete { exchange: "used".into(), if_unused: true, ..Default::default() });
    });
}

#[test]
fn what_cannot_be_routed_comes_back_or_takes_the_alternate_way() {
    same_on_both(|s| {
        s.call(A, an_exchange("lost", "fanout"));
        s.call(A, a_queue("found"));
        s.call(
            A,
            exchange::Declare {
                arguments: table([("alternate-exchange", text("lost"))]),
                ..an_exchange("post", "direct")
            },
        );
        s.call(A, an_exchange("plain", "direct"));
        let full = properties()
            .with_content_type("text/plain".into())
            .with_headers(table([
                ("a", int(1)),
                ("b", AMQPValue::FieldArray(FieldArray::from(vec![int(1), text("x")]))),
            ]))
            .with_delivery_mode(2)
            .with_message_id("7".into());
        s.publish_with(A, mandatory("plain", "nobody"), full.clone(), b"back");
        s.publish_with(A, mandatory("", "nobody"), full, b"");
        s.publish(A, to("plain", "nobody"), "dropped");
        s.publish(A, mandatory("post", "nobody"), "the alternate has no queue");
        s.call(A, binding("found", "lost", ""));
        s.publish(A, mandatory("post", "nobody"), "found");
        s.call(A, a_queue("letters"));
        s.call(A, binding("letters", "post", "letters"));
        s.publish(A, mandatory("post", "letters"), "routed");
        s.call(A, one_from("found"));
        s.call(A, exchange::Delete { exchange: "lost".into(), ..Default::default() });
        s.publish(A, mandatory("post", "nobody"), "the alternate is missing");
        s.publish_with(A, mandatory("plain", "nobody"), properties(), &[b'x'; 300_000]);
        // a circle of alternates ends
        for (name, other) in [("ping", "pong"), ("pong", "ping")] {
            s.call(
                A,
                exchange::Declare {
                    arguments: table([("alternate-exchange", text(other))]),
                    ..an_exchange(name, "direct")
                },
            );
        }
        s.publish(A, mandatory("ping", "nobody"), "round");
        s.publish(A, basic::Publish { immediate: true, ..to("", "letters") }, "at once");
    });
}

#[test]
fn the_alternate_exchange_is_asked_only_when_nothing_matches() {
    same_on_both(|s| {
        s.call(
            A,
            exchange::Declare {
                arguments: table([("alternate-exchange", text("fallback"))]),
                ..an_exchange("post", "topic")
            },
        );
        s.call(
            A,
            exchange::Declare {
                arguments: table([("alternate-exchange", text("amq.fanout"))]),
                ..an_exchange("fallback", "direct")
            },
        );
        for (queue, exchange, key) in
            [("first", "post", "a.*"), ("second", "fallback", "b"), ("third", "amq.fanout", ""), ("third", "post", "c")]
        {
            s.call(A, a_queue(queue));
            s.call(A, binding(queue, exchange, key));
        }
        for key in ["a.x", "b", "c", "d"] {
            s.publish(A, mandatory("post", key), key);
        }
        s.call(A, one_from("third"));
        s.call(A, one_from("third"));
    });
}

#[test]
fn copies_go_to_the_queues_that_the_sender_names() {
    same_on_both(|s| {
        for name in ["to", "cc", "bcc"] {
            s.call(A, a_queue(name));
        }
        let list =
            |names: &[&str]| AMQPValue::FieldArray(FieldArray::from(names.iter().map(|n| text(n)).collect::<Vec<_>>()));
        s.publish_with(A, to("", "to"), headers(&[("CC", list(&["cc"])), ("BCC", list(&["bcc"]))]), b"copies");
        for queue in ["to", "cc", "bcc"] {
            s.call(A, one_from(queue));
        }
        s.publish_with(A, mandatory("", "nobody"), headers(&[("CC", list(&["cc", "to"]))]), b"no first address");
        s.publish_with(A, mandatory("", "nobody"), headers(&[("BCC", list(&["nobody else"]))]), b"nobody");
        s.publish_with(A, to("", "to"), headers(&[("CC", text("cc"))]), b"not a list");
        reopen_if_closed(s);
        s.publish_with(A, to("", "to"), headers(&[("BCC", int(1))]), b"not a list");
    });
}

#[test]
fn a_message_keeps_its_properties() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        let nested = table([("deep", AMQPValue::FieldTable(table([("deeper", text("x"))])))]);
        let all = properties()
            .with_content_type("application/json".into())
            .with_content_encoding("gzip".into())
            .with_headers(table([
                ("t", flag(true)),
                ("b", AMQPValue::ShortShortInt(-1)),
                ("B", AMQPValue::ShortShortUInt(200)),
                ("s", AMQPValue::ShortInt(-300)),
                ("u", AMQPValue::ShortUInt(60_000)),
                ("I", int(-70_000)),
                ("i", AMQPValue::LongUInt(4_000_000_000)),
                ("l", AMQPValue::LongLongInt(-1 << 40)),
                ("f", AMQPValue::Float(1.5)),
                ("d", AMQPValue::Double(-2.25)),
                ("D", AMQPValue::DecimalValue(amq_protocol::types::DecimalValue { scale: 2, value: 314 })),
                ("S", text("string")),
                ("A", AMQPValue::FieldArray(FieldArray::from(vec![int(1), flag(false), AMQPValue::Void]))),
                ("T", AMQPValue::Timestamp(1_700_000_000)),
                ("F", AMQPValue::FieldTable(nested)),
                ("x", AMQPValue::ByteArray(vec![0, 1, 255].into())),
                ("V", AMQPValue::Void),
                ("", text("an empty name")),
            ]))
            .with_delivery_mode(2)
            .with_priority(9)
            .with_correlation_id("c".into())
            .with_reply_to("r".into())
            .with_expiration("60000".into())
            .with_message_id("m".into())
            .with_timestamp(1_700_000_000)
            .with_type("t".into())
            .with_user_id("guest".into())
            .with_app_id("app".into())
            .with_cluster_id("cluster".into());
        s.publish_with(A, to("", "letters"), all, b"everything");
        s.publish_with(A, to("", "letters"), properties().with_headers(table([])), b"an empty table");
        s.publish_with(A, to("", "letters"), properties().with_delivery_mode(1), b"");
        s.publish_with(A, to("", "letters"), properties().with_priority(255), &[0, 159, 146, 150]);
        for _ in 0..4 {
            s.call(A, one_from("letters"));
        }
        s.publish_with(A, to("", "letters"), properties().with_delivery_mode(7), b"neither stored nor not");
        reopen_if_closed(s);
        s.publish_with(A, to("", "letters"), properties().with_delivery_mode(0), b"neither stored nor not");
        reopen_if_closed(s);
        s.publish_with(A, to("", "letters"), properties().with_user_id("somebody".into()), b"in another's name");
        reopen_if_closed(s);
        for expiration in ["soon", "", "-1", "1.5", " 5", "99999999999", "4294967295", "4294967296"] {
            s.publish_with(A, to("", "letters"), properties().with_expiration(expiration.into()), b"when");
            reopen_if_closed(s);
        }
        s.publish_with(A, to("", "letters"), properties().with_reply_to("amq.rabbitmq.reply-to".into()), b"to whom");
    });
}

#[test]
fn an_exchange_of_a_type_that_there_is_not_is_refused_before_its_name_is_looked_at() {
    same_on_both(|s| {
        s.confirm(A);
        for (name, kind) in [
            ("post", "pigeon"),
            ("post", ""),
            ("post", "Direct"),
            ("post", "direct "),
            ("post", "x-pigeon"),
            ("", "pigeon"),
            ("amq.direct", "pigeon"),
            ("amq.mine", "pigeon"),
            ("post", &"p".repeat(255)),
        ] {
            s.call(A, an_exchange(name, kind));
            s.confirm_again(A);
        }
        s.call(A, exchange::Declare { passive: true, ..an_exchange("amq.direct", "pigeon") });
    });
}

#[test]
fn an_exchange_may_be_transient() {
    same_on_both(|s| {
        s.confirm(A);
        s.call(A, a_queue("letters"));
        for kind in ["direct", "fanout", "topic", "headers", "x-local-random"] {
            let transient = exchange::Declare { durable: false, ..an_exchange("fleeting", kind) };
            s.call(A, transient.clone());
            s.call(A, transient);
            s.call(A, binding("letters", "fleeting", ""));
            s.publish(A, mandatory("fleeting", ""), kind);
            s.call(A, an_exchange("fleeting", kind));
            s.confirm_again(A);
            s.call(A, exchange::Delete { exchange: "fleeting".into(), ..Default::default() });
        }
    });
}

#[test]
fn a_local_random_exchange_gives_a_message_to_one_queue_whatever_its_key() {
    same_on_both(|s| {
        s.confirm(A);
        s.call(A, an_exchange("work", "x-local-random"));
        s.call(A, an_exchange("other", "fanout"));
        s.call(A, a_queue("letters"));
        s.publish(A, mandatory("work", ""), "nobody");
        s.call(A, binding("letters", "work", ""));
        s.call(A, binding("letters", "work", ""));
        s.call(A, queue::Bind { arguments: table([("a", int(1))]), ..binding("letters", "work", "") });
        for key in ["", "any", "letters"] {
            s.publish(A, mandatory("work", key), key);
        }
        s.call(A, not_bound("letters", "work", ""));
        s.publish(A, mandatory("work", ""), "still bound");
        for (queue, key) in [("letters", "key"), ("letters", "é"), ("nowhere", "key"), ("nowhere", "")] {
            s.call(A, binding(queue, "work", key));
            s.confirm_again(A);
        }
        s.call(A, a_queue_with("quorum", [("x-queue-type", text("quorum"))]));
        s.call(A, binding("quorum", "work", ""));
        s.confirm_again(A);
        for key in ["", "key"] {
            s.call(A, between("work", "other", key));
            s.confirm_again(A);
        }
        s.call(A, between("other", "work", "key"));
        s.publish(A, mandatory("other", ""), "through another");
        let lost = table([("alternate-exchange", text("other"))]);
        s.call(A, exchange::Declare { arguments: lost, ..an_exchange("idle", "x-local-random") });
        s.publish(A, mandatory("idle", ""), "by the alternate");
    });
}

#[test]
fn an_alternate_exchange_is_named_by_a_text() {
    same_on_both(|s| {
        s.confirm(A);
        s.call(A, a_queue("letters"));
        for alternate in [
            text("amq.fanout"),
            text(""),
            text("nowhere"),
            int(1),
            flag(true),
            AMQPValue::Double(1.5),
            AMQPValue::Timestamp(1),
            AMQPValue::ShortShortInt(1),
            AMQPValue::ShortShortUInt(1),
            AMQPValue::ShortInt(1),
            AMQPValue::ShortUInt(1),
            AMQPValue::LongUInt(1),
            AMQPValue::LongLongInt(1),
            AMQPValue::Float(1.5),
            AMQPValue::DecimalValue(amq_protocol::types::DecimalValue { scale: 1, value: 2 }),
            AMQPValue::ByteArray(b"amq.fanout".to_vec().into()),
            AMQPValue::FieldArray(FieldArray::from(vec![text("amq.fanout")])),
            AMQPValue::FieldTable(table([("amq.fanout", flag(true))])),
            AMQPValue::Void,
        ] {
            s.call(
                A,
                exchange::Declare {
                    arguments: table([("alternate-exchange", alternate)]),
                    ..an_exchange("post", "direct")
                },
            );
            if s.is_open(A) {
                s.publish(A, mandatory("post", "letters"), "on its way");
                s.call(A, exchange::Delete { exchange: "post".into(), ..Default::default() });
            }
            s.confirm_again(A);
        }
        // To an exchange that is there already it isn't read, but compared.
        s.call(
            A,
            exchange::Declare {
                arguments: table([("alternate-exchange", int(1))]),
                ..an_exchange("amq.topic", "topic")
            },
        );
        s.confirm_again(A);
        s.call(
            A,
            exchange::Declare {
                arguments: table([("alternate-exchange", int(1))]),
                ..an_exchange("amq.mine", "topic")
            },
        );
    });
}

#[test]
fn line_breaks_are_taken_out_of_the_names_of_exchanges() {
    same_on_both(|s| {
        s.confirm(A);
        s.call(A, a_queue("letters"));
        s.call(A, an_exchange("p\r\nost", "fanout"));
        for name in ["post", "p\nost", "\n", "\namq.mine"] {
            s.call(A, an_exchange(name, "fanout"));
            s.confirm_again(A);
        }
        s.call(A, binding("letters", "po\nst", ""));
        s.publish(A, mandatory("post", ""), "bound");
        s.publish(A, mandatory("po\nst", ""), "another exchange");
        s.confirm_again(A);
        s.call(A, exchange::Delete { exchange: "po\rst".into(), ..Default::default() });
        s.call(A, is_there_an_exchange("post"));
    });
}

#[test]
fn the_brokers_own_exchanges_are_what_they_are() {
    same_on_both(|s| {
        s.confirm(A);
        for (name, kind) in [
            ("amq.direct", "direct"),
            ("amq.fanout", "fanout"),
            ("amq.topic", "topic"),
            ("amq.headers", "headers"),
            ("amq.match", "headers"),
            ("amq.rabbitmq.trace", "topic"),
            ("amq.rabbitmq.log", "topic"),
        ] {
            for internal in [false, true] {
                s.call(A, exchange::Declare { internal, ..an_exchange(name, kind) });
                s.confirm_again(A);
            }
            s.publish(A, mandatory(name, "nobody"), "x");
            s.confirm_again(A);
            s.call(A, exchange::Delete { exchange: name.into(), if_unused: true, ..Default::default() });
            s.confirm_again(A);
        }
    });
}
