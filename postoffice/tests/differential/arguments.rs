//! Every argument of a queue and of a consumer, in every type that a table's value can have.

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::{
    protocol::{basic, queue},
    types::{AMQPValue, DecimalValue, FieldArray},
};

const A: At = ("a", 1);

/// The same small number in every type, and what looks like one.
fn tens() -> Vec<AMQPValue> {
    use AMQPValue::*;
    vec![
        ShortShortInt(10),
        ShortShortUInt(10),
        ShortInt(10),
        ShortUInt(10),
        LongInt(10),
        LongUInt(10),
        LongLongInt(10),
        Float(10.0),
        Double(10.0),
        DecimalValue(decimal(0, 10)),
        Timestamp(10),
        text("10"),
        ByteArray(b"10"[..].into()),
        Boolean(true),
        Void,
        array([int(10)]),
        FieldTable(table([("10", int(10))])),
    ]
}

/// Values that are nearly the same.
fn oddities() -> Vec<AMQPValue> {
    use AMQPValue::*;
    vec![
        int(11),
        int(-10),
        LongLongInt(i64::MAX),
        LongLongInt(i64::MIN),
        Timestamp(u64::MAX),
        Float(0.1),
        Float(10.5),
        Double(10.5),
        Double(0.0),
        Double(-0.0),
        Double(1e15),
        Double(1e22),
        Double(1e-7),
        Double(123_456_789.125),
        DecimalValue(decimal(1, 100)),
        text(""),
        text("zehn \u{e9} 十"),
        ByteArray(b""[..].into()),
        ByteArray(b"\xff\x00"[..].into()),
        Boolean(false),
        array([]),
        array([Double(10.0)]),
        array([text("a"), text("é"), text("十")]),
        array([flag(true), Void, ByteArray(b"\x01"[..].into())]),
        FieldTable(table([])),
        FieldTable(table([("10", Double(10.0))])),
    ]
}

fn decimal(scale: u8, value: u32) -> DecimalValue {
    DecimalValue { scale, value }
}

fn array<const N: usize>(values: [AMQPValue; N]) -> AMQPValue {
    AMQPValue::FieldArray(FieldArray::from(values.to_vec()))
}

const NUMBERS: [&str; 14] = [
    "x-expires",
    "x-message-ttl",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-max-priority",
    "x-queue-version",
    "x-consumer-timeout",
    "x-consumer-disconnected-timeout",
    "x-quorum-initial-group-size",
    "x-delivery-limit",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
];

fn try_to(s: &mut Script, method: impl Method) {
    s.call(A, method);
    s.recover(A);
}

#[test]
fn a_number_may_have_any_width_and_no_other_type() {
    same_on_both(|s| {
        // A type that is left undefined is classic; but the script doesn't look at it, whose looks may come too late.
        for kind in ["undefined", "quorum"] {
            for name in NUMBERS {
                for value in tens() {
                    let declare = a_queue_with("letters", [("x-queue-type", text(kind)), (name, value)]);
                    try_to(s, declare);
                    s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
                }
            }
        }
    });
}

#[test]
fn a_number_is_the_same_number_within_its_class_of_types() {
    same_on_both(|s| {
        for first in tens().into_iter().take(7) {
            s.call(A, a_queue_with("letters", [("x-message-ttl", first)]));
            s.look_away_from("letters");
            for second in tens().into_iter().chain(oddities()) {
                try_to(s, a_queue_with("letters", [("x-message-ttl", second)]));
            }
            s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        }
    });
}

#[test]
fn what_is_not_checked_is_compared_all_the_same() {
    same_on_both(|s| {
        // of the whole numbers one is enough here
        let of_each_type = tens().into_iter().skip(6).chain([text(""), array([]), AMQPValue::Double(0.0)]);
        for first in of_each_type {
            s.call(A, a_queue_with("letters", [("x-queue-mode", first)]));
            s.look_away_from("letters");
            for second in tens().into_iter().chain(oddities()) {
                try_to(s, a_queue_with("letters", [("x-queue-mode", second)]));
            }
            try_to(s, a_queue("letters"));
            s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        }
    });
}

#[test]
fn a_queue_type_is_looked_up_for_a_name_before_it_is_checked() {
    same_on_both(|s| {
        let mut types: Vec<_> = ["", "undefined", "classic", "quorum", "rabbit_classic_queue", "rabbit_quorum_queue"]
            .into_iter()
            .chain(["heap", "Classic", "邮局", "\u{e9}\"\\\n"])
            .map(text)
            .collect();
        types.extend([AMQPValue::ByteArray(b"quorum"[..].into()), AMQPValue::ByteArray(b"heap\xff"[..].into())]);
        types.extend(tens());
        for kind in types {
            try_to(s, a_queue_with("", [("x-queue-type", kind.clone())]));
            try_to(s, a_queue_with("letters", [("x-queue-type", kind.clone())]));
            try_to(s, a_queue("letters"));
            try_to(s, a_queue_with("letters", [("x-queue-type", kind)]));
            s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
        }
        try_to(s, a_queue_with("", [("x-queue-type", text("stream"))]));
        s.call(A, a_queue("letters"));
        try_to(s, a_queue_with("letters", [("x-queue-type", text("stream"))]));
    });
}

#[test]
fn each_type_of_queue_knows_its_own_arguments() {
    same_on_both(|s| {
        for kind in ["classic", "quorum"] {
            for (name, value) in [
                ("x-dead-letter-exchange", text("dead")),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-dead-letter-strategy", text("at-some-time")),
                ("x-dead-letter-strategy", int(1)),
                ("x-overflow", text("drop-head")),
                ("x-overflow", text("reject-publish")),
                ("x-overflow", text("reject-publish-dlx")),
                ("x-overflow", text("drop-tail")),
                ("x-single-active-consumer", flag(true)),
                ("x-single-active-consumer", text("true")),
                ("x-queue-mode", text("lazy")),
                ("x-queue-mode", text("busy")),
                ("x-queue-version", int(1)),
                ("x-queue-version", int(2)),
                ("x-queue-version", int(3)),
                ("x-queue-leader-locator", text("client-local")),
                ("x-queue-leader-locator", text("balanced")),
                ("x-queue-leader-locator", text("random")),
                ("x-queue-leader-locator", text("least-leaders")),
                ("x-queue-leader-locator", text("min-masters")),
                ("x-queue-leader-locator", text("nearest")),
                ("x-queue-leader-locator", int(1)),
                ("x-queue-master-locator", text("min-masters")),
                ("x-max-priority", int(5)),
                ("x-max-priority", int(256)),
                ("x-quorum-initial-group-size", int(1)),
                ("x-quorum-initial-group-size", int(0)),
                ("x-quorum-initial-group-size", int(-1)),
                ("x-delivery-limit", int(-1)),
                ("x-delivery-limit", text("many")),
                ("x-consumer-timeout", int(0)),
                ("x-consumer-timeout", int(-1)),
                ("x-consumer-disconnected-timeout", int(-1)),
                ("x-delayed-retry-type", text("failed")),
                ("x-delayed-retry-type", text("never heard of")),
                ("x-delayed-retry-type", int(1)),
                ("x-delayed-retry-min", int(-1)),
                ("x-delayed-retry-max", text("long")),
                ("x-max-age", text("1D")),
                ("x-max-age", int(1)),
                ("x-stream-max-segment-size-bytes", int(3)),
                ("x-stream-filter-size-bytes", int(3)),
                ("x-initial-cluster-size", int(1)),
                ("x-cancel-on-ha-failover", flag(true)),
                ("x-internal-owner", text("me")),
                ("x-of-my-own", int(1)),
            ] {
                try_to(s, a_queue_with("letters", [("x-queue-type", text(kind)), (name, value)]));
                s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
            }
            // of two mistakes the one that RabbitMQ checks first, and of two foreign arguments the first by name
            let type_of = ("x-queue-type", text(kind));
            let both = [("x-max-age", text("1D")), ("x-initial-cluster-size", int(1)), type_of.clone()];
            try_to(s, a_queue_with("letters", both));
            let both = [("x-max-length", int(-1)), ("x-max-age", text("1D")), type_of.clone()];
            try_to(s, a_queue_with("letters", both));
            let both = [("x-consumer-timeout", int(-1)), ("x-max-length", int(-1)), type_of];
            try_to(s, a_queue_with("letters", both));
        }
    });
}

#[test]
fn a_queue_that_is_neither_durable_nor_exclusive_ends_the_connection() {
    same_on_both(|s| {
        let transient = |declare: queue::Declare| queue::Declare { durable: false, ..declare };
        try_to(s, transient(a_queue("letters")));
        try_to(s, transient(a_queue("")));
        try_to(s, transient(queue::Declare { auto_delete: true, ..a_queue("letters") }));
        try_to(s, transient(queue::Declare { exclusive: true, ..a_queue("letters") }));
        try_to(s, transient(a_queue_with("votes", [("x-queue-type", text("quorum"))])));
        // other mistakes count first, and what is there is compared
        try_to(s, transient(a_queue_with("more", [("x-message-ttl", int(-1))])));
        try_to(s, transient(a_queue_with("more", [("x-max-age", text("1D"))])));
        try_to(s, transient(a_queue_with("more", [("x-queue-master-locator", text("min-masters"))])));
        try_to(s, transient(a_queue("amq.more")));
        try_to(s, a_queue("there"));
        try_to(s, transient(a_queue("there")));
        s.tell(A, transient(queue::Declare { nowait: true, ..a_queue("letters") }));
        s.recover(A);
        // the old name of the locator is deprecated as well
        try_to(s, a_queue_with("more", [("x-queue-master-locator", int(1))]));
        let exclusive =
            queue::Declare { exclusive: true, ..a_queue_with("more", [("x-queue-master-locator", int(1))]) };
        try_to(s, exclusive);
    });
}

#[test]
fn a_consumer_has_arguments_by_the_type_of_its_queue() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, a_queue_with("votes", [("x-queue-type", text("quorum"))]));
        for queue in ["letters", "votes"] {
            for name in ["x-priority", "x-consumer-timeout"] {
                for value in tens().into_iter().chain([int(-1), int(0), AMQPValue::LongLongInt(1 << 40)]) {
                    let asked = table([(name, value)]);
                    s.call(A, basic::Consume { arguments: asked, ..a_consumer(queue, "me") });
                    if s.is_open(A) {
                        s.call(A, basic::Cancel { consumer_tag: "me".into(), nowait: false });
                    }
                    s.recover(A);
                }
            }
            for (name, value) in [
                ("x-stream-offset", int(1)),
                ("x-stream-filter", text("a")),
                ("x-stream-match-unfiltered", flag(true)),
                ("x-cancel-on-ha-failover", text("of old")),
                ("x-credit", AMQPValue::FieldTable(table([("credit", int(1)), ("drain", flag(true))]))),
                ("x-of-my-own", int(1)),
            ] {
                s.call(A, basic::Consume { arguments: table([(name, value)]), ..a_consumer(queue, "me") });
                if s.is_open(A) {
                    s.call(A, basic::Cancel { consumer_tag: "me".into(), nowait: false });
                }
                s.recover(A);
            }
        }
    });
}

#[test]
fn a_float_that_is_no_number_ends_the_connection() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        for value in [
            AMQPValue::Double(f64::NAN),
            AMQPValue::Float(f32::INFINITY),
            array([AMQPValue::Double(f64::NEG_INFINITY)]),
            AMQPValue::FieldTable(table([("a", AMQPValue::Float(f32::NAN))])),
        ] {
            try_to(s, a_queue_with("letters", [("x-of-my-own", value.clone())]));
            try_to(s, basic::Consume { arguments: table([("a", value.clone())]), ..a_consumer("letters", "me") });
            try_to(s, queue::Bind { arguments: table([("a", value)]), ..binding("letters", "amq.direct", "") });
        }
    });
}
