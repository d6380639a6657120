//! The way in and the way out: protocol header, credentials, tuning, virtual hosts, heartbeats, closing.

use crate::support::{
    brokers::same_talk_on_both,
    client::{Hello, encode},
    methods::*,
    raw,
    talk::Talk,
};
use amq_protocol::{
    frame::AMQPFrame,
    protocol::{basic, channel, connection, queue},
    types::LongString,
};

const HEADER: &[u8] = b"AMQP\0\0\x09\x01";

fn close() -> connection::Close {
    connection::Close { reply_code: 200, reply_text: "bye".into(), class_id: 0, method_id: 0 }
}

#[test]
fn a_wrong_protocol_header_is_answered_with_one_that_is_right() {
    same_talk_on_both(|t| {
        // AMQP 1.0 with its security layer, AMQP 3 1 0 0, is missing here: RabbitMQ speaks it.
        let headers = [
            b"AMQP\0\0\x09\x02".as_slice(),
            b"AMQP\0\0\x09\0",
            b"AMQP\0\0\x0a\0",
            b"AMQP\0\0\xff\xff",
            b"AMQP\0\0\x08\0",
            b"AMQP\0\0\0\0",
            b"AMQP\0\x09\x01\0",
            b"AMQP\x01\x01\0\x08",
            b"AMQP\x01\x01\0\x0a",
            b"AMQP\x01\x01\x08\0",
            b"AMQP\x01\x01\x09\x01",
            b"AMQP\0\x01\0\0",
            b"AMQP\x02\x01\0\0",
            b"AMQP\x03\x01\0\x01",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01", // TLS
            b"amqp\0\0\x09\x01",
            b"\0\0\0\0\0\0\0\0",
        ];
        t.each(&headers, |t, header| {
            t.say_raw(&format!("{:?}", String::from_utf8_lossy(header)), header);
            t.hear_the_end();
        });
    });
}

#[test]
fn the_header_of_0_9_is_answered_with_the_start() {
    same_talk_on_both(|t| {
        t.say_raw("the header", b"AMQP\x01\x01\0\x09");
        t.hear(1);
        t.say(0, Hello::default().start_ok());
        t.hear(1);
    });
}

#[test]
fn the_right_protocol_header_is_answered_with_the_start() {
    same_talk_on_both(|t| {
        t.say_raw("the header", HEADER);
        t.hear(1);
        t.say(0, Hello::default().start_ok());
        t.hear(1);
        t.say(0, Hello::default().tune_ok());
        t.say(0, Hello::default().open());
        t.hear(1);
        t.say(1, channel::Open {});
        t.hear(1);
        t.say(0, close());
        t.hear(1);
    });
}

#[test]
fn a_header_that_comes_in_pieces_will_do() {
    same_talk_on_both(|t| {
        for piece in [b"A".as_slice(), b"MQP", b"\0\0", b"\x09\x01"] {
            t.say_raw(&format!("{piece:?}"), piece);
        }
        t.hear(1);
    });
}

#[test]
fn everything_may_be_said_before_an_answer_is_read() {
    same_talk_on_both(|t| {
        t.say_raw("the header", HEADER);
        t.say(0, Hello::default().start_ok());
        t.say(0, Hello::default().tune_ok());
        t.say(0, Hello::default().open());
        t.say(1, channel::Open {});
        t.say(1, queue::Declare { queue: "at-once".into(), exclusive: true, ..Default::default() });
        t.say(0, close());
        t.hear(6);
    });
}

#[test]
fn wrong_credentials_are_refused() {
    const SILENT: &[&str] = &["basic.nack"];
    same_talk_on_both(|t| {
        let cases = [
            ("PLAIN", LongString::from("\0guest\0wrong")),
            ("PLAIN", "\0nobody\0guest".into()),
            ("PLAIN", "\0\0".into()),
            ("PLAIN", "guest".into()),
            ("PLAIN", "".into()),
            ("PLAIN", "authorize\0guest\0guest".into()),
            ("AMQPLAIN", amqplain(&[("LOGIN", "guest"), ("PASSWORD", "wrong")])),
            ("AMQPLAIN", amqplain(&[("LOGIN", "guest")])),
            ("AMQPLAIN", amqplain(&[])),
            ("AMQPLAIN", amqplain(&[("LOGIN", "guest"), ("PASSWORD", "guest"), ("MORE", "x")])),
            ("AMQPLAIN", "nonsense".into()),
            ("CRAM-MD5", "".into()),
            ("EXTERNAL", "".into()),
            ("plain", "\0guest\0guest".into()),
            ("PLAIN", "\0guest\0guest\0".into()),
            ("PLAIN", "\0guest".into()),
            ("PLAIN", (&b"\0gu\xffest\0guest"[..]).into()),
            ("ANONYMOUS", "".into()),
            ("ANONYMOUS", "whoever".into()),
            ("anonymous", "".into()),
            ("AMQPLAIN", amqplain(&[("PASSWORD", "guest"), ("LOGIN", "guest")])),
            ("AMQPLAIN", amqplain(&[("LOGIN", "nobody"), ("LOGIN", "guest"), ("PASSWORD", "guest")])),
            ("AMQPLAIN", amqplain(&[("LOGIN", "guest"), ("LOGIN", "nobody"), ("PASSWORD", "guest")])),
            (
                "AMQPLAIN",
                [&b"\x05LOGINx\0\0\0\x05guest"[..], amqplain(&[("PASSWORD", "guest")]).as_bytes()].concat().into(),
            ),
            ("AMQPLAIN", [&b"\x05LOGINI\0\0\0\x05"[..], amqplain(&[("PASSWORD", "guest")]).as_bytes()].concat().into()),
            (
                "AMQPLAIN",
                [&b"\x01\xffV"[..], amqplain(&[("LOGIN", "guest"), ("PASSWORD", "guest")]).as_bytes()].concat().into(),
            ),
        ];
        t.each(&cases, |t, (mechanism, response)| {
            t.greet();
            t.say(0, Hello { mechanism, response: response.clone(), ..Hello::default() }.start_ok());
            t.hear(1);
        });
        t.again();
        t.greet();
        t.say(0, Hello { response: "\0guest\0wrong".into(), capabilities: SILENT, ..Hello::default() }.start_ok());
        t.hear_the_end();
    });
}

/// A table without its length, as AMQPLAIN wants it.
fn amqplain(entries: &[(&str, &str)]) -> LongString {
    let mut bytes = Vec::new();
    for (key, value) in entries {
        bytes.push(key.len() as u8);
        bytes.extend(key.as_bytes());
        bytes.push(b'S');
        bytes.extend((value.len() as u32).to_be_bytes());
        bytes.extend(value.as_bytes());
    }
    bytes.into()
}

#[test]
fn a_virtual_host_that_is_missing_is_refused() {
    same_talk_on_both(|t| {
        for vhost in ["", "nowhere", "/nowhere", "//", "/\n", "邮局"] {
            t.again();
            t.greet();
            let hello = Hello { vhost, ..Hello::default() };
            t.say(0, hello.start_ok());
            t.hear(1);
            t.say(0, hello.tune_ok());
            t.say(0, hello.open());
            t.hear(1);
            t.say(0, connection::CloseOk {});
            t.hear_the_end();
        }
    });
}

#[test]
fn limits_are_negotiated_and_never_raised() {
    same_talk_on_both(|t| {
        let limits = [
            (2047, 131_072, true),
            (2047, 8192, true),
            (1, 8192, true),
            (0, 131_072, false),
            (2047, 0, false),
            (2048, 131_072, false),
            (65_535, 131_072, false),
            (2047, 131_073, false),
            (2047, u32::MAX, false),
            (2047, 8191, false),
            (2047, 4096, false), // what the specification allows
            (2047, 1, false),
            (0, 0, false),
        ];
        t.each(&limits, |t, &(channel_max, frame_max, good)| {
            t.greet();
            let hello = Hello { channel_max, frame_max, ..Hello::default() };
            t.say(0, hello.start_ok());
            t.hear(1);
            t.say(0, hello.tune_ok());
            if good {
                t.say(0, hello.open());
                t.hear(1);
            } else {
                t.hear(1);
            }
        });
    });
}

#[test]
fn more_channels_than_negotiated_are_refused() {
    same_talk_on_both(|t| {
        for (channel_max, opened) in [(2, [1, 2, 3]), (2, [1, 3, 2]), (3, [5, 6, 7])] {
            t.again();
            t.greet();
            let hello = Hello { channel_max, ..Hello::default() };
            t.say(0, hello.start_ok());
            t.hear(1);
            t.say(0, hello.tune_ok());
            t.say(0, hello.open());
            t.hear(1);
            for number in opened {
                t.say(number, channel::Open {});
                t.hear(1);
            }
        }
    });
}

#[test]
fn methods_out_of_turn_in_the_handshake_are_refused() {
    let hello = Hello::default();
    let first = [
        encode(&AMQPFrame::Method(0, hello.tune_ok())),
        encode(&AMQPFrame::Method(0, hello.open())),
        encode(&AMQPFrame::Method(1, hello.start_ok())),
        encode(&AMQPFrame::Method(1, channel::Open {}.class())),
        encode(&AMQPFrame::Method(0, close().class())),
        vec![1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 11, 0], // a bad end
        vec![1, 0, 0, 0, 255, 255, 255],            // far too large
    ];
    same_talk_on_both(|t| {
        t.each(&first, |t, bytes| {
            t.greet();
            t.say_raw(&format!("{bytes:?}"), bytes);
            t.hear_the_end();
        });
    });
    same_talk_on_both(|t| {
        t.greet();
        t.say(0, hello.start_ok());
        t.hear(1);
        t.say(0, hello.open());
        t.hear_the_end();
    });
    same_talk_on_both(|t| {
        t.greet();
        t.say(0, hello.start_ok());
        t.hear(1);
        t.say(0, hello.tune_ok());
        t.say(1, channel::Open {});
        t.hear(1);
        t.say(0, connection::CloseOk {});
        t.hear_the_end();
    });
    same_talk_on_both(|t| {
        t.greet();
        t.say_raw("a heartbeat", &[8, 0, 0, 0, 0, 0, 0, 0xce]);
        t.say(0, hello.start_ok());
        t.hear(1);
    });
}

#[test]
fn locale_and_client_properties_are_the_clients_own_business() {
    same_talk_on_both(|t| {
        t.greet();
        t.say(
            0,
            connection::StartOk {
                mechanism: "PLAIN".into(),
                response: "\0guest\0guest".into(),
                locale: "xx_YY".into(),
                client_properties: table([("capabilities", int(1)), ("connection_name", text("mine"))]),
            },
        );
        t.hear(1);
        t.say(0, Hello::default().tune_ok());
        t.say(0, Hello::default().open());
        t.hear(1);
    });
}

#[test]
fn the_handshake_cannot_be_repeated() {
    same_talk_on_both(|t| {
        for method in [Hello::default().start_ok(), Hello::default().tune_ok(), Hello::default().open()] {
            t.again();
            t.greet();
            t.say(0, Hello::default().start_ok());
            t.hear(1);
            t.say(0, Hello::default().tune_ok());
            t.say(0, Hello::default().open());
            t.hear(1);
            t.say(0, method);
            t.hear(1);
            t.say(0, connection::CloseOk {});
            t.hear_the_end();
        }
    });
}

#[test]
fn after_a_close_nothing_is_answered_but_the_close() {
    same_talk_on_both(|t| {
        t.greet();
        t.say(0, Hello::default().start_ok());
        t.hear(1);
        t.say(0, Hello::default().tune_ok());
        t.say(0, Hello::default().open());
        t.hear(1);
        t.say(1, channel::Open {});
        t.hear(1);
        t.say(1, is_there_a_queue("nowhere-at-all"));
        t.say(1, is_there_an_exchange("amq.direct")); // on its way when the channel was closed
        t.hear(1);
        t.say(1, is_there_an_exchange("amq.direct")); // and before the close-ok
        t.say(1, channel::CloseOk {});
        t.say(1, channel::Open {});
        t.hear(1);
        t.say(1, channel::Close { reply_code: 200, reply_text: "".into(), class_id: 0, method_id: 0 });
        t.hear(1);
        t.say(1, channel::Open {});
        t.hear(1);
        t.say(0, close());
        t.say(2, channel::Open {});
        t.hear(1);
    });
}

#[test]
fn both_may_close_at_the_same_time() {
    same_talk_on_both(|t| {
        t.greet();
        t.say(0, Hello::default().start_ok());
        t.hear(1);
        t.say(0, Hello::default().tune_ok());
        t.say(0, Hello::default().open());
        t.hear(1);
        t.say(3, is_there_an_exchange("amq.direct")); // the channel isn't open: the broker closes the connection
        t.hear(1);
        t.say(0, close());
        t.hear(1);
        t.say(0, connection::CloseOk {});
        t.hear_the_end();
    });
}

#[test]
fn heartbeats_come_twice_an_interval_and_a_silent_peer_is_dropped() {
    same_talk_on_both(|t| {
        let hello = Hello { heartbeat: 1, ..Hello::default() };
        t.greet();
        t.say(0, hello.start_ok());
        t.hear(1);
        t.say(0, hello.tune_ok());
        t.say(0, hello.open());
        t.hear(1);
        t.say_raw("nothing", &[]);
        t.hear_four_heartbeats_until_the_end();
    });
}

#[test]
fn heartbeats_come_from_when_they_are_agreed_on() {
    same_talk_on_both(|t| {
        let hello = Hello { heartbeat: 2, ..Hello::default() };
        t.greet();
        t.say(0, hello.start_ok());
        t.hear(1);
        t.say(0, hello.tune_ok());
        t.hear(1);
        t.say(0, hello.open());
        t.hear(1);
    });
}

#[test]
fn a_secret_can_be_updated() {
    same_talk_on_both(|t| {
        t.greet();
        t.say(0, Hello::default().start_ok());
        t.hear(1);
        t.say(0, Hello::default().tune_ok());
        t.say(0, Hello::default().open());
        t.hear(1);
        t.say(0, connection::UpdateSecret { new_secret: "new".into(), reason: "why not".into() });
        t.hear(1);
        t.say(0, basic::Qos::default());
        t.hear(1);
    });
}

/// Goes on to where the connection is about to be opened.
fn tuned(t: &mut Talk, frame_max: u32) {
    let hello = Hello { frame_max, ..Hello::default() };
    t.greet();
    t.say(0, hello.start_ok());
    t.hear(1);
    t.say(0, hello.tune_ok());
}

#[test]
fn mistakes_before_the_connection_is_opened_are_told() {
    same_talk_on_both(|t| {
        let cases: [(&str, Vec<u8>); 14] = [
            ("an unknown frame", raw::frame(7, 0, b"x")),
            ("half a method id", raw::frame(1, 0, b"\0")),
            ("a heartbeat with a payload", raw::frame(8, 0, b"x")),
            ("a body", raw::frame(3, 0, b"x")),
            ("a header", raw::frame(2, 0, &[0; 12])),
            ("a method on a channel", raw::method(1, 20, 10, b"\0")),
            ("nonsense on a channel", raw::frame(1, 1, b"\0")),
            ("a heartbeat on a channel", raw::frame(8, 1, b"")),
            ("an unknown frame on a channel", raw::frame(7, 1, b"x")),
            ("a close", raw::method(0, 10, 50, b"\0\xc8\0\0\0\0\0")),
            ("a basic.get", raw::method(0, 60, 70, b"\0\0\0\0")),
            ("a basic.deliver", raw::method(0, 60, 60, &[0; 12])),
            ("a basic.qos with a size", raw::method(0, 60, 10, &[0, 0, 0, 1, 0, 0, 0])),
            ("a virtual host that is not UTF-8", raw::method(0, 10, 40, b"\x01\xff\0\0")),
        ];
        t.each(&cases, |t, (what, bytes)| {
            tuned(t, 131_072);
            t.say_raw(what, bytes);
            t.hear(1);
            t.say(0, connection::CloseOk {});
            t.hear_the_end();
        });
    });
}

#[test]
fn mistakes_after_which_nothing_can_be_told_end_the_connection() {
    same_talk_on_both(|t| {
        let cases: [(&str, Vec<u8>); 5] = [
            ("an unknown method", raw::method(0, 10, 99, b"")),
            ("a short connection.open", raw::method(0, 10, 40, b"\x05")),
            ("a start-ok with a broken table", raw::method(0, 10, 11, b"\0\0\0\x03\x01x?\0\0\0\0\0\0")),
            ("a bad end", b"\x01\0\0\0\0\0\x01ab".to_vec()),
            ("a frame that is too large", raw::frame(1, 0, &[0; 9000])),
        ];
        t.each(&cases, |t, (what, bytes)| {
            tuned(t, 8192);
            t.say_raw(what, bytes);
            t.hear_the_end();
        });
    });
}

#[test]
fn a_stranger_is_told_nothing() {
    same_talk_on_both(|t| {
        let start_ok = |properties: &[u8], mechanism: &[u8], locale: &[u8]| {
            let properties = &raw::sized(0, properties)[1..];
            raw::method(
                0,
                10,
                11,
                &[properties, &raw::short(mechanism), b"\0\0\0\x0c\0guest\0guest", &raw::short(locale)].concat(),
            )
        };
        let cases = [
            ("properties with a broken value", start_ok(b"\x01x?", b"PLAIN", b"")),
            ("properties with a float that is no number", start_ok(b"\x01xf\x7f\xc0\0\0", b"PLAIN", b"")),
            ("a mechanism that is not UTF-8", start_ok(b"", b"\xff", b"")),
            ("a locale that is not UTF-8", start_ok(b"", b"PLAIN", b"\xff")),
            ("an unknown frame", raw::frame(7, 0, b"x")),
            ("a method on a channel", raw::method(1, 20, 10, b"\0")),
            ("a close", raw::method(0, 10, 50, b"\0\xc8\0\0\0\0\0")),
            ("a bad end", b"\x01\0\0\0\0\0\x01ab".to_vec()),
            ("a frame that is too large", raw::frame(1, 0, &[0; 8193])),
        ];
        t.each(&cases, |t, (what, bytes)| {
            t.greet();
            t.say_raw(what, bytes);
            t.hear_the_end();
        });
    });
}

#[test]
fn a_client_may_say_of_itself_what_a_table_can_hold() {
    same_talk_on_both(|t| {
        let filled = |size: usize| raw::entries(&[(b"x", raw::text(vec![b'y'; size]))]);
        let cases = [
            (
                "a name that is not UTF-8",
                raw::entries(&[(b"\xff", raw::text("x")), (b"connection_name", raw::text([0xff]))]),
            ),
            ("capabilities twice", raw::entries(&[(b"capabilities", raw::table(&[])), (b"capabilities", vec![b'V'])])),
            ("a frame of 8,192 bytes", filled(8192 - 8 - 4 - 4 - 7 - 6 - 16 - 6)),
            ("eight more, which RabbitMQ forgives", filled(8192 - 4 - 4 - 7 - 6 - 16 - 6)),
        ];
        t.each(&cases, |t, (what, properties)| {
            t.greet();
            let properties = &raw::sized(0, properties)[1..];
            let rest = [&raw::short("PLAIN")[..], b"\0\0\0\x0c\0guest\0guest", &raw::short("en_US")].concat();
            t.say_raw(what, &raw::method(0, 10, 11, &[properties, &rest].concat()));
            t.hear(1);
            t.say(0, Hello::default().tune_ok());
            t.say(0, Hello::default().open());
            t.hear(1);
        });
    });
}

#[test]
fn who_asks_not_to_be_told_of_a_refused_login_hears_nothing() {
    same_talk_on_both(|t| {
        let capability = |value: Vec<u8>| {
            raw::entries(&[(b"capabilities", raw::table(&[(b"authentication_failure_close", value)]))])
        };
        let cases = [
            capability(raw::fixed(b't', [1])),
            capability(raw::fixed(b't', [0])),
            capability(raw::fixed(b'b', [1])),
            raw::entries(&[(b"capabilities", raw::array(&[]))]),
            raw::entries(&[]),
        ];
        t.each(&cases, |t, properties| {
            t.greet();
            let shown = format!("{:?}", String::from_utf8_lossy(properties));
            let properties = &raw::sized(0, properties)[1..];
            let rest = [&raw::short("PLAIN")[..], b"\0\0\0\x0c\0guest\0wrong", &raw::short("en_US")].concat();
            t.say_raw(&shown, &raw::method(0, 10, 11, &[properties, &rest].concat()));
            t.hear_the_end();
        });
    });
}
