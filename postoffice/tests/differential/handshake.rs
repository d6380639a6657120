//! The way in and the way out: protocol header, credentials, tuning, virtual hosts, heartbeats, closing.

use crate::support::{
    brokers::same_talk_on_both,
    client::{Hello, encode},
    methods::*,
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
fn a_wrong_protocol_header_is_answered_with_the_right_one() {
    same_talk_on_both(|t| {
        let headers = [
            b"AMQP\0\0\x09\x02".as_slice(),
            b"AMQP\0\0\x08\x00",
            b"AMQP\0\x01\0\0",
            b"AMQP\x01\x01\0\x0a",
            b"AMQP\x03\x01\0\0",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
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
        for vhost in ["", "nowhere", "/nowhere", "//", "邮局"] {
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
            (2047, 4096, true),
            (1, 4096, true),
            (0, 131_072, false),
            (2047, 0, false),
            (2048, 131_072, false),
            (65_535, 131_072, false),
            (2047, 131_073, false),
            (2047, u32::MAX, false),
            (2047, 4095, false),
            (2047, 1, false),
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
                t.hear_a_refusal();
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
