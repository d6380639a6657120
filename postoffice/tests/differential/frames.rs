//! Frames and methods that come in the wrong order, in the wrong place or in the wrong shape.

use crate::support::{
    brokers::same_on_both,
    client::encode,
    methods::*,
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

/// A frame with this payload.
fn raw(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(payload);
    bytes.push(0xce);
    bytes
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
                    "a header after a method without content",
                    [method(1, is_there_an_exchange("amq.direct")), header(1, 60, 0)].concat(),
                ),
            ],
        );
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
    });
}
