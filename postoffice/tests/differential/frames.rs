//! Frames and methods that come in the wrong order, in the wrong place or in the wrong shape.

use crate::support::{
    brokers::same_on_both,
    client::encode,
    methods::*,
    raw::{self, entries, fixed, frame as raw, short},
    script::{At, Script},
};
use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame},
    protocol::{AMQPClass, basic, channel, connection, queue},
};

const A: At = ("a", 1);

fn method(channel: u16, method: impl Method) -> Vec<u8> {
    encode(&AMQPFrame::Method(channel, method.class()))
}

fn header(channel: u16, class_id: u16, body_size: u64) -> Vec<u8> {
    encode(&AMQPFrame::Header(channel, AMQPContentHeader { class_id, body_size, properties: properties() }))
}

fn body(channel: u16, body: &str) -> Vec<u8> {
    encode(&AMQPFrame::Body(channel, body.into()))
}

/// Sends each of these on a connection of its own.
fn each(s: &mut Script, names: &[&'static str], cases: &[(&str, Vec<u8>)]) {
    let cases = cases.iter().zip(names).map(|((what, bytes), name)| ((*name, 1), *what, bytes.clone()));
    s.send_raw_on_each(&cases.collect::<Vec<_>>());
}

const NAMES: &[&str] = &[
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w",
];

#[test]
fn content_out_of_order_closes_the_connection() {
    same_on_both(|s| {
        let publish = || method(1, to("", "letters"));
        each(
            s,
            NAMES,
            &[
                ("a header without a method", header(1, 60, 3)),
                ("a body without a method", body(1, "abc")),
                ("a body without a header", [publish(), body(1, "abc")].concat()),
                ("two headers", [publish(), header(1, 60, 3), header(1, 60, 3)].concat()),
                ("a method after a method with content", [publish(), method(1, one_from("letters"))].concat()),
                ("a method instead of a body", [publish(), header(1, 60, 3), method(1, one_from("letters"))].concat()),
                ("a header of another class", [publish(), header(1, 50, 3)].concat()),
                ("more body than announced", [publish(), header(1, 60, 2), body(1, "abc")].concat()),
                ("a body after an empty one", [publish(), header(1, 60, 0), body(1, "abc")].concat()),
                ("a body after a complete one", [publish(), header(1, 60, 3), body(1, "abc"), body(1, "d")].concat()),
                (
                    "a body of two frames that is one too long",
                    [publish(), header(1, 60, 4), body(1, "abc"), body(1, "de")].concat(),
                ),
                ("a larger body than there may be", [publish(), header(1, 60, 536_870_913)].concat()),
                ("the largest that can be announced", [publish(), header(1, 60, u64::MAX)].concat()),
                ("one of another class", [publish(), header(1, 10, u64::MAX)].concat()),
                (
                    "a header with a weight",
                    [publish(), raw(2, 1, &[0, 60, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])].concat(),
                ),
                (
                    "a header after a method without content",
                    [method(1, is_there_an_exchange("amq.direct")), header(1, 60, 0)].concat(),
                ),
            ],
        );
    });
}

#[test]
fn content_after_a_servers_method_is_judged_before_the_method() {
    same_on_both(|s| {
        let deliver = |tag: &[u8]| raw::method(1, 60, 60, &[&short(tag)[..], &[0; 9], &short(""), &short("")].concat());
        each(
            s,
            NAMES,
            &[
                ("a delivery, complete", [deliver(b"me"), header(1, 60, 1), body(1, "x")].concat()),
                ("a delivery to a name that is not text", [deliver(b"\xff"), header(1, 60, 0)].concat()),
                ("a delivery with too much body", [deliver(b"me"), header(1, 60, 1), body(1, "xy")].concat()),
                ("a delivery of absurd length", [deliver(b"me"), header(1, 60, 1 << 40)].concat()),
                ("a delivery and another method", [deliver(b"me"), method(1, one_from("letters"))].concat()),
            ],
        );
    });
}

#[test]
fn a_message_over_sixteen_mebibytes_is_refused_once_it_is_there() {
    same_on_both(|s| {
        const LIMIT: usize = 16 << 20;
        s.call(A, a_queue("letters"));
        s.confirm(A);
        s.publish_with(A, to("", "letters"), properties(), &vec![b'x'; LIMIT]);
        s.call(A, basic::Get { no_ack: true, ..one_from("letters") });
        let large = vec![b'x'; LIMIT + 1];
        s.publish_with(A, to("nowhere", "letters"), properties(), &large); // its size is looked at before its exchange
        s.reopen(A);
        s.publish_with(A, basic::Publish { immediate: true, ..to("", "letters") }, properties(), &large);
    });
}

#[test]
fn what_follows_a_refused_message_is_not_heard() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(("a", 2), a_queue("others"));
        let refused = [method(1, to("nowhere", "letters")), header(1, 60, 1), body(1, "x")].concat();
        let next = [method(1, to("", "letters")), header(1, 60, 1), body(1, "y")].concat();
        let other = [method(2, to("", "others")), header(2, 60, 1), body(2, "z")].concat();
        s.send_raw(
            A,
            "a refused message, one that is not, and one on another channel",
            &[refused, next, other].concat(),
        );
        s.reopen(A);
        s.call(A, one_from("letters"));
        s.call(A, one_from("others"));
    });
}

#[test]
fn empty_body_frames_and_other_channels_in_between_are_fine() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, a_queue("parcels"));
        s.call(("a", 2), qos(1));
        let bytes = [
            method(1, to("", "letters")),
            method(2, to("", "parcels")),
            header(1, 60, 6),
            body(1, "abc"),
            header(2, 60, 2),
            body(1, ""),
            body(2, "xy"),
            body(1, "def"),
            method(1, is_there_an_exchange("amq.direct")),
        ];
        s.send_raw(A, "two messages, interleaved", &bytes.concat());
        s.call(A, one_from("letters"));
        s.call(A, one_from("parcels"));
    });
}

#[test]
fn frames_of_the_wrong_shape_close_the_connection() {
    same_on_both(|s| {
        let mut bad_end = method(1, one_from("letters"));
        *bad_end.last_mut().unwrap() = 0;
        let mut large = vec![3, 0, 1];
        large.extend(131_073_u32.to_be_bytes());
        large.extend(vec![b'x'; 131_073]);
        let mut largest = vec![3, 0, 1];
        largest.extend(131_065_u32.to_be_bytes());
        largest.extend(vec![b'x'; 131_065]);
        each(
            s,
            NAMES,
            &[
                ("a frame with a bad end", bad_end),
                ("a frame that is too large", large),
                ("a frame that is too large by one", largest),
                ("a frame of an unknown type", raw(7, 1, b"abc")),
                ("a frame of type zero", raw(0, 1, b"abc")),
                ("a protocol header", b"AMQP\0\0\x09\x01\0\0\0\0\0\0".to_vec()),
                ("a heartbeat on a channel", raw(8, 1, b"")),
                ("a heartbeat with a payload", raw(8, 0, b"abc")),
                ("an empty method frame", raw(1, 1, b"")),
                ("half a method id", raw(1, 1, &[0, 60, 0])),
                ("content on channel zero", raw(2, 0, &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])),
                ("a body on channel zero", raw(3, 0, b"abc")),
            ],
        );
    });
}

#[test]
fn methods_of_the_wrong_shape_close_the_connection() {
    same_on_both(|s| {
        let mut truncated = vec![0, 50, 0, 10, 0, 0, 5];
        truncated.extend(b"ab");
        let declare = |table: &[u8]| {
            let mut payload = vec![0, 50, 0, 10, 0, 0, 1, b'q', 0];
            payload.extend(table);
            raw(1, 1, &payload)
        };
        each(
            s,
            NAMES,
            &[
                ("an unknown class", raw(1, 1, &[0, 99, 0, 1])),
                ("an unknown method", raw(1, 1, &[0, 60, 0, 99])),
                ("a truncated method", raw(1, 1, &truncated)),
                ("a method with more after it", raw(1, 1, &[0, 20, 0, 20, 1, 7, 7])),
                ("a table longer than the method", declare(&[0, 0, 0, 9, 1, b'x'])),
                ("a table of negative length", declare(&[255, 255, 255, 255, 1, b'x'])),
                ("a value of an unknown type", declare(&[0, 0, 0, 4, 1, b'x', b'?', 0])),
                ("a truncated value", declare(&[0, 0, 0, 4, 1, b'x', b'I', 0])),
                ("a string longer than its table", declare(&[0, 0, 0, 8, 1, b'x', b'S', 0, 0, 0, 9, b'a'])),
                ("an array of negative length", declare(&[0, 0, 0, 7, 1, b'x', b'A', 255, 255, 255, 255])),
                ("a method without arguments that has some", raw(1, 1, &[0, 90, 0, 10, 1])),
            ],
        );
    });
}

#[test]
fn a_name_that_is_not_utf8_closes_the_connection_where_a_method_has_one() {
    same_on_both(|s| {
        s.call(("z", 1), a_queue("letters"));
        let name = short(b"\xff");
        let (none, table, good) = (short(""), [0; 4], short("letters"));
        let ticket = [0, 0];
        let method = |class, id, fields: &[&[u8]]| raw::method(1, class, id, &fields.concat());
        let on_0 = |id, fields: &[&[u8]]| raw::method(0, 10, id, &fields.concat());
        let cases = [
            ("in access.request", method(30, 10, &[&name, &[0]])),
            ("in channel.open", raw::method(2, 20, 10, &name)),
            ("in channel.close", method(20, 40, &[&[0, 200], &name, &[0; 4]])),
            ("in exchange.declare, the name", method(40, 10, &[&ticket, &name, &short("direct"), &[2], &table])),
            ("in exchange.declare, the type", method(40, 10, &[&ticket, &good, &name, &[2], &table])),
            ("in exchange.delete", method(40, 20, &[&ticket, &name, &[0]])),
            ("in exchange.bind", method(40, 30, &[&ticket, &name, &short("amq.topic"), &none, &[0], &table])),
            (
                "in exchange.bind, the key",
                method(40, 30, &[&ticket, &short("amq.topic"), &short("amq.topic"), &name, &[0], &table]),
            ),
            ("in exchange.unbind", method(40, 40, &[&ticket, &short("amq.topic"), &name, &none, &[0], &table])),
            ("in queue.declare", method(50, 10, &[&ticket, &name, &[2], &table])),
            ("in queue.bind", method(50, 20, &[&ticket, &good, &name, &none, &[0], &table])),
            ("in queue.unbind", method(50, 50, &[&ticket, &good, &short("amq.topic"), &name, &table])),
            ("in queue.purge", method(50, 30, &[&ticket, &name, &[0]])),
            ("in queue.delete", method(50, 40, &[&ticket, &name, &[0]])),
            ("in basic.consume", method(60, 20, &[&ticket, &name, &none, &[0], &table])),
            ("in basic.consume, the tag", method(60, 20, &[&ticket, &good, &name, &[0], &table])),
            ("in basic.cancel", method(60, 30, &[&name, &[0]])),
            ("in basic.get", method(60, 70, &[&ticket, &name, &[0]])),
            ("in a server's method", method(60, 31, &[&name])),
            ("in connection.close", on_0(50, &[&[0, 200], &name, &[0; 4]])),
            ("in connection.update-secret", on_0(70, &[&[0, 0, 0, 1, b'x'], &name])),
            ("in connection.blocked", on_0(60, &[&name])),
            ("on a channel that is not open", raw::method(7, 60, 70, &[&ticket[..], &name, &[0]].concat())),
        ];
        each(s, NAMES, &cases);
    });
}

#[test]
fn what_is_no_utf8_and_what_is() {
    same_on_both(|s| {
        let get = |name: &[u8]| raw::method(1, 60, 70, &[&[0, 0][..], &short(name), &[0]].concat());
        let cases = [
            ("a zero in two bytes", get(b"\xc0\x80")),
            ("half of a pair", get(b"\xed\xa0\x80")),
            ("a letter cut off", get(b"\xe9\x82")),
            ("one beyond the last", get(b"\xf4\x90\x80\x80")),
            ("a letter that is none", get(b"\xef\xbf\xbf")),
            ("a byte order mark", get(b"\xef\xbb\xbf")),
            ("a zero", get(b"a\0b")),
            ("the last letter", get(b"\xf4\x8f\xbf\xbf")),
        ];
        each(s, NAMES, &cases);
    });
}

#[test]
fn of_a_broken_name_and_a_broken_table_the_first_is_told() {
    same_on_both(|s| {
        s.call(("z", 1), a_queue("letters"));
        let broken = [0, 0, 0, 3, 1, b'x', b'?'];
        let float = [&[0, 0, 0, 11][..], &entries(&[(b"x", fixed(b'd', [0x7f, 0xf8, 0, 0, 0, 0, 0, 0]))])].concat();
        let declare =
            |name: &[u8], table: &[u8]| raw::method(1, 50, 10, &[&[0, 0][..], &short(name), &[2], table].concat());
        each(
            s,
            NAMES,
            &[
                ("a broken name before a broken table", declare(b"\xff", &broken)),
                ("a broken table", declare(b"letters", &broken)),
                ("a float that is no number", declare(b"letters", &float)),
                ("a broken name before too little", declare(b"\xff", &[])),
            ],
        );
    });
}

#[test]
fn names_in_the_tables_of_methods_may_be_any_bytes() {
    same_on_both(|s| {
        let strange =
            raw::sized(0, &entries(&[(b"\xff", raw::text("x")), (b"t", raw::table(&[(b"\xff", vec![b'V'])]))]));
        let strange = &strange[1..];
        s.confirm(A);
        for kind in ["direct", "headers"] {
            let declare = [&[0, 0][..], &short("post"), &short(kind), &[0], strange].concat();
            s.send_raw(A, "an exchange", &raw::method(1, 40, 10, &declare));
            let declare = [&[0, 0][..], &short("letters"), &[2], strange].concat();
            s.send_raw(A, "a queue", &raw::method(1, 50, 10, &declare));
            let consume = [&[0, 0][..], &short("letters"), &short("me"), &[0], strange].concat();
            s.send_raw(A, "a consumer", &raw::method(1, 60, 20, &consume));
            let bind = [&[0, 0][..], &short("letters"), &short("post"), &short("key"), &[0], strange].concat();
            s.send_raw(A, "a binding", &raw::method(1, 50, 20, &bind));
            s.send_raw(
                A,
                "a binding between exchanges",
                &raw::method(
                    1,
                    40,
                    30,
                    &[&[0, 0][..], &short("amq.topic"), &short("post"), &short("key"), &[0], strange].concat(),
                ),
            );
            s.publish_raw(A, mandatory("post", "key"), &raw::headers(&[(b"\xff", raw::text("x"))]), "half");
            s.publish_raw(A, mandatory("post", "key"), &[&[0x20, 0][..], strange].concat(), "all");
            s.call(A, basic::Cancel { consumer_tag: "me".into(), nowait: false });
            s.call(A, queue::Delete { queue: "letters".into(), ..Default::default() });
            s.call(A, amq_protocol::protocol::exchange::Delete { exchange: "post".into(), ..Default::default() });
        }
    });
}

#[test]
fn mistakes_on_channel_zero_have_their_own_ends() {
    same_on_both(|s| {
        each(
            s,
            NAMES,
            &[
                ("a short connection.close", raw(1, 0, &[0, 10, 0, 50, 0])),
                ("a long connection.close", raw(1, 0, &[0, 10, 0, 50, 0, 200, 0, 0, 0, 0, 0, 0])),
                ("an unknown method", raw(1, 0, &[0, 10, 0, 99])),
                ("an unknown class", raw(1, 0, &[0, 99, 0, 10])),
                (
                    "a start-ok with a broken table",
                    raw(1, 0, &[0, 10, 0, 11, 0, 0, 0, 3, 1, b'x', b'?', 0, 0, 0, 0, 0, 0]),
                ),
                ("half a method id", raw(1, 0, &[0, 10, 0])),
                ("a basic.qos with a size", raw(1, 0, &[0, 60, 0, 10, 0, 0, 0, 1, 0, 0, 0])),
                ("a basic.publish", raw(1, 0, &[0, 60, 0, 40, 0, 0, 0, 0, 0])),
                ("a broken basic.publish", raw(1, 0, &[0, 60, 0, 40, 0, 0, 0])),
                ("a basic.deliver", raw(1, 0, &[&[0, 60, 0, 60][..], &[0; 12]].concat())),
                ("a connection.secure-ok", raw(1, 0, &[0, 10, 0, 21, 0, 0, 0, 0])),
                ("a connection.update-secret-ok", raw(1, 0, &[0, 10, 0, 71])),
            ],
        );
    });
}

#[test]
fn a_long_error_text_is_broken_in_two_or_cut() {
    same_on_both(|s| {
        let mut cases = Vec::new();
        for length in [0, 1, 4, 5, 6, 7, 15, 16, 17] {
            for end in [0, 7, 77] {
                let mut frame = raw(9, 1, &vec![100 + length as u8; length]);
                *frame.last_mut().unwrap() = end;
                cases.push((format!("{length} bytes that end in {end}"), frame));
            }
        }
        for length in [0, 17] {
            cases.push((format!("an unknown frame of {length} bytes"), raw(9, 1, &vec![0; length])));
        }
        let cases: Vec<_> = cases.iter().map(|(what, bytes)| (what.as_str(), bytes.clone())).collect();
        for cases in cases.chunks(NAMES.len()) {
            each(s, NAMES, cases);
            NAMES.iter().for_each(|name| s.close(name));
        }
        for length in [216, 217, 218, 219, 255] {
            s.call(A, one_from(&"e".repeat(length)));
            s.reopen(A);
        }
    });
}

#[test]
fn properties_of_the_wrong_shape_close_the_connection() {
    same_on_both(|s| {
        let content = |rest: &[u8]| {
            let mut payload = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            payload.extend(rest);
            [method(1, to("", "letters")), raw(2, 1, &payload)].concat()
        };
        each(
            s,
            NAMES,
            &[
                ("a header without flags", content(&[])),
                ("a header with half of its flags", content(&[0])),
                ("a header with a truncated property", content(&[0x80, 0, 9, b'x'])),
                ("a header with more after it", content(&[0, 0, 7])),
                ("a header with a table of the wrong length", content(&[0x20, 0, 0, 0, 0, 9, 1])),
                ("a header with an unknown kind of value", content(&[0x20, 0, 0, 0, 0, 3, 1, b'x', b'?'])),
            ],
        );
    });
}

#[test]
fn channels_that_are_not_open_or_open_twice_close_the_connection() {
    same_on_both(|s| {
        each(
            s,
            NAMES,
            &[
                ("a method on a closed channel", method(2, one_from("letters"))),
                ("a close on a closed channel", method(2, channel::Close::default())),
                ("a close-ok on a closed channel", method(2, channel::CloseOk {})),
                ("content on a closed channel", [header(2, 60, 3), body(2, "abc")].concat()),
                ("a second open", method(1, channel::Open {})),
                ("a close-ok without a close", method(1, channel::CloseOk {})),
                ("an open-ok", raw(1, 1, &[0, 20, 0, 11, 0, 0, 0, 0])),
                ("a flow-ok without a flow", method(1, channel::FlowOk { active: true })),
            ],
        );
    });
}

#[test]
fn methods_in_the_wrong_place_close_the_connection() {
    same_on_both(|s| {
        each(
            s,
            NAMES,
            &[
                ("a channel's method on channel zero", method(0, one_from("letters"))),
                ("channel.open on channel zero", method(0, channel::Open {})),
                ("a connection's method on a channel", method(1, connection::Open { virtual_host: "/".into() })),
                ("a server's method", method(1, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(Default::default())))),
                ("a server's method with content", method(1, basic::Deliver::default())),
                ("a connection.close on a channel", method(1, connection::Close::default())),
                ("a connection.close-ok without a close", method(0, connection::CloseOk {})),
                (
                    "a server's method on channel zero",
                    method(0, AMQPClass::Connection(connection::AMQPMethod::Unblocked(Default::default()))),
                ),
                ("a basic.ack from a publisher's view", method(1, basic::Ack { delivery_tag: 1, multiple: false })),
            ],
        );
    });
}

#[test]
fn what_rabbitmq_does_not_implement_is_refused() {
    same_on_both(|s| {
        each(
            s,
            NAMES,
            &[
                ("a prefetch in bytes", raw(1, 1, &[0, 60, 0, 10, 0, 0, 1, 0, 0, 0, 0])),
                ("an access request", raw(1, 1, &[0, 30, 0, 10, 1, b'/', 0x1f])),
                ("a prefetch in bytes on a channel that is not open", raw(1, 9, &[0, 60, 0, 10, 0, 0, 1, 0, 0, 0, 0])),
                ("a pause", raw(1, 1, &[0, 20, 0, 20, 0])),
                ("no pause", raw(1, 1, &[0, 20, 0, 20, 1])),
                ("no pause, and a bit that stands for nothing", raw(1, 1, &[0, 20, 0, 20, 3])),
                ("basic.recover of what was rejected", raw(1, 1, &[0, 60, 0, 110, 0])),
                ("basic.recover", raw(1, 1, &[0, 60, 0, 110, 1])),
                ("basic.recover-async of what was rejected", raw(1, 1, &[0, 60, 0, 100, 0])),
                ("basic.recover-async", [raw(1, 1, &[0, 60, 0, 100, 1]), method(1, qos(1))].concat()),
                ("access.request-ok", raw(1, 1, &[0, 30, 0, 11, 0, 1])),
                ("connection.update-secret on a channel", raw(1, 1, &[0, 10, 0, 70, 0, 0, 0, 0, 0])),
                (
                    "an immediate message",
                    [method(1, basic::Publish { immediate: true, ..to("", "x") }), header(1, 60, 0)].concat(),
                ),
            ],
        );
    });
}

#[test]
fn a_ticket_other_than_zero_is_ignored() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        let mut get = vec![0, 60, 0, 70, 0, 9, 7];
        get.extend(b"letters\0");
        s.send_raw(A, "basic.get with a ticket", &raw(1, 1, &get));
    });
}

#[test]
fn a_routing_key_may_be_any_bytes() {
    same_on_both(|s| {
        s.call(A, an_exchange("post", "topic"));
        s.call(A, a_queue("letters"));
        s.call(A, binding("letters", "post", "#"));
        let publish = raw(1, 1, &[&[0, 60, 0, 40, 0, 0, 4][..], b"post", &[3, 0xff, b'.', 0xfe, 0]].concat());
        let probe = method(1, is_there_an_exchange("amq.direct"));
        s.send_raw(A, "a key that isn't UTF-8", &[publish, header(1, 60, 0), probe].concat());
        s.tell(A, one_from("letters")); // the codec can't read the answer, so it isn't waited for
    });
}

#[test]
fn an_exchange_whose_name_is_not_text_is_missing() {
    same_on_both(|s| {
        s.call(A, an_exchange("ÿ", "fanout"));
        s.call(A, an_exchange("\u{fffd}", "fanout"));
        for name in [&b"\xff"[..], "邮".as_bytes(), b"\xe9\x82\xae\xff", b"\xe9\x82"] {
            let publish = raw::method(1, 60, 40, &[&[0, 0][..], &short(name), &short("key"), &[0]].concat());
            s.send_raw(A, "a message to a strange exchange", &[publish, header(1, 60, 0)].concat());
            s.reopen(A);
        }
    });
}
