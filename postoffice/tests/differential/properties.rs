//! What becomes of a message's properties on their way, byte for byte, and which of them are refused.

use crate::support::{
    brokers::same_on_both,
    methods::*,
    raw::{
        array, entries, fixed, headers, properties as raw_properties, short, short_property, sized, table as nested,
        text,
    },
    script::{At, Script},
};
use amq_protocol::protocol::{basic, queue, tx};

const A: At = ("a", 1);

// The flags of some properties.
const HEADERS: u16 = 0x2000;
const DELIVERY_MODE: u16 = 0x1000;
const PRIORITY: u16 = 0x0800;
const REPLY_TO: u16 = 0x0200;
const EXPIRATION: u16 = 0x0100;
const TIMESTAMP: u16 = 0x0040;
const USER_ID: u16 = 0x0010;

/// Publishes a message and takes it again.
fn there_and_back(s: &mut Script, properties: &[u8]) {
    s.publish_raw(A, to("", "letters"), properties, "x");
    if s.is_open(A) {
        s.call(A, basic::Get { no_ack: true, ..one_from("letters") });
    }
    s.confirm_again(A);
}

fn with_a_queue(s: &mut Script) {
    s.look_at_bytes();
    s.call(A, a_queue("letters"));
    s.confirm(A);
}

#[test]
fn headers_come_sorted_by_name_and_each_name_once() {
    same_on_both(|s| {
        with_a_queue(s);
        let (a, b, c) = (text("1"), text("2"), text("3"));
        for unsorted in [
            headers(&[(b"a", a.clone()), (b"b", b.clone())]),
            headers(&[(b"b", b.clone()), (b"a", a.clone())]),
            headers(&[(b"b", b.clone()), (b"a", a.clone()), (b"b", c.clone())]),
            headers(&[(b"a", a.clone()), (b"a", b.clone()), (b"a", c.clone())]),
            headers(&[(b"ab", a.clone()), (b"a", b.clone()), (b"", c.clone()), (b"B", c.clone())]),
            headers(&[(b"\xff", a.clone()), (b"\xc3\xa9", b.clone()), (b"z", c.clone())]),
            headers(&[("邮".as_bytes(), a.clone()), (b"x", b.clone())]),
            headers(&[(b"outer", nested(&[(b"z", a.clone()), (b"y", b.clone()), (b"z", c.clone())]))]),
            headers(&[(b"list", array(&[nested(&[(b"z", a.clone()), (b"y", b.clone()), (b"z", c.clone())])]))]),
            headers(&[]),
        ] {
            there_and_back(s, &unsorted);
        }
    });
}

#[test]
fn headers_are_sorted_in_whatever_a_message_comes_back_with() {
    same_on_both(|s| {
        with_a_queue(s);
        let unsorted = headers(&[(b"b", text("1")), (b"a", text("2")), (b"b", text("3"))]);
        s.publish_raw(A, mandatory("", "nobody"), &unsorted, "returned");
        s.call(A, a_listener("letters", "me"));
        s.publish_raw(A, to("", "letters"), &unsorted, "consumed");
        let other = ("a", 2);
        s.call(other, tx::Select {});
        s.publish_raw(other, to("", "letters"), &unsorted, "in a transaction");
        s.call(other, tx::Commit {});
    });
}

#[test]
fn values_come_as_rabbitmq_writes_them() {
    same_on_both(|s| {
        with_a_queue(s);
        for value in [
            fixed(b'L', [255; 8]),
            fixed(b'l', [255; 8]),
            fixed(b't', [5]),
            fixed(b't', [0]),
            array(&[fixed(b't', [5]), fixed(b'L', [0; 8])]),
            nested(&[(b"n", fixed(b't', [255])), (b"m", array(&[fixed(b'L', [1; 8])]))]),
            fixed(b'f', [0x80, 0, 0, 0]),                            // -0.0
            fixed(b'f', [0, 0, 0, 1]),                               // the smallest there is
            fixed(b'd', [0x80, 0, 0, 0, 0, 0, 0, 0]),                // -0.0
            fixed(b'd', [0x7f, 0xef, 255, 255, 255, 255, 255, 255]), // the largest
            fixed(b'T', [255; 8]),
            fixed(b'D', [255; 5]),
            sized(b'x', &[0, 255]),
            sized(b'x', b""),
            text([0xff, 0, 0xfe]),
            array(&[]),
            nested(&[]),
            nested(&[(b"\xff", vec![b'V']), (b"", vec![b'V'])]),
            vec![b'V'],
        ] {
            there_and_back(s, &headers(&[(b"name", value)]));
        }
        there_and_back(s, &raw_properties(3, b"")); // flags that stand for nothing
        there_and_back(s, &raw_properties(HEADERS | 1, &[0; 4]));
        there_and_back(s, &raw_properties(TIMESTAMP, &[255; 8]));
        there_and_back(s, &raw_properties(TIMESTAMP, &[0; 8]));
        for octet in [0, 1, 2, 3, 9, 255] {
            there_and_back(s, &raw_properties(DELIVERY_MODE, &[octet]));
            there_and_back(s, &raw_properties(PRIORITY, &[octet]));
        }
    });
}

#[test]
fn texts_in_properties_may_be_any_bytes() {
    same_on_both(|s| {
        with_a_queue(s);
        // content-type, content-encoding, correlation-id, reply-to, message-id, type, app-id, cluster-id
        for flag in [0x8000, 0x4000, 0x0400, REPLY_TO, 0x0080, 0x0020, 0x0008, 0x0004] {
            for value in [&b"\xff\xfe"[..], b"", b"a\0b", b"\xed\xa0\x80", "邮局".as_bytes()] {
                there_and_back(s, &short_property(flag, value));
            }
        }
    });
}

#[test]
fn an_expiration_comes_as_the_number_that_it_is() {
    same_on_both(|s| {
        with_a_queue(s);
        for expiration in ["5000", "+5000", "005000", "+005000", "315360000000", "00000000000000000000000000005000"] {
            there_and_back(s, &short_property(EXPIRATION, expiration));
        }
        // at once, unless it goes to a consumer: it is back before it can be taken
        for expiration in ["0", "+0", "-0", "00"] {
            s.publish_raw(A, to("", "letters"), &short_property(EXPIRATION, expiration), "x");
        }
        s.call(A, a_listener("letters", "me"));
        for expiration in ["0", "+0", "-0", "00"] {
            s.publish_raw(A, to("", "letters"), &short_property(EXPIRATION, expiration), "x");
        }
    });
}

#[test]
fn an_expiration_that_is_no_time_is_refused() {
    same_on_both(|s| {
        with_a_queue(s);
        let nines = |count| "9".repeat(count);
        for expiration in [
            "+".to_owned(),
            "-".into(),
            "--5".into(),
            "+-5".into(),
            " 5".into(),
            "5 ".into(),
            "5.5".into(),
            "0x5".into(),
            "1_000".into(),
            "-5".into(),
            "-0005".into(),
            "315360000001".into(),
            nines(18),
            nines(19), // from here on in two lines
            nines(25),
            format!("-{}", nines(18)),
            format!("-{}", nines(19)),
            format!("000{}", nines(25)),
            "５".into(), // another five
            "5é".into(),
            "5\"\\\n\t".into(),
            "5\u{1}".into(),
            format!("5{}", "b".repeat(17)),
            format!("5{}", "b".repeat(18)),
            "a".repeat(255),
            nines(255),
        ] {
            there_and_back(s, &short_property(EXPIRATION, expiration));
        }
        for expiration in [&b"5\xff"[..], b"\xff", b"\xe9\x82\xae\xff"] {
            there_and_back(s, &short_property(EXPIRATION, expiration));
        }
    });
}

#[test]
fn a_user_id_has_to_be_the_senders_own() {
    same_on_both(|s| {
        with_a_queue(s);
        for user in [&b"guest"[..], b"", b"Guest", b"\xff", "邮".as_bytes(), &[b'a'; 255]] {
            there_and_back(s, &short_property(USER_ID, user));
        }
    });
}

#[test]
fn of_several_mistakes_the_first_is_told() {
    same_on_both(|s| {
        with_a_queue(s);
        let bad_copies = sized(0, &entries(&[(b"CC", text("x"))]))[1..].to_vec();
        let mistakes = [
            (HEADERS, bad_copies),
            (REPLY_TO, short("amq.rabbitmq.reply-to")),
            (EXPIRATION, short("soon")),
            (USER_ID, short("me")),
        ];
        for chosen in 1..16_u16 {
            let chosen: Vec<_> = mistakes.iter().enumerate().filter(|(n, _)| chosen & (1 << n) != 0).collect();
            let flags = chosen.iter().fold(0, |flags, (_, (flag, _))| flags | flag);
            let fields: Vec<u8> = chosen.iter().flat_map(|(_, (_, field))| field.clone()).collect();
            there_and_back(s, &raw_properties(flags, &fields));
        }
        s.publish_raw(A, to("nowhere", ""), &raw_properties(USER_ID, b""), "no exchange, and properties that are none");
    });
}

#[test]
fn a_header_whose_name_is_not_text_is_lost_nowhere() {
    same_on_both(|s| {
        with_a_queue(s);
        s.call(A, a_queue("copies"));
        let strange: &[(&[u8], Vec<u8>)] = &[
            (b"\xff\xfe", text("strange")),
            (b"plain", text("plain")),
            (b"table", nested(&[(b"\xff", text("deep"))])),
            (b"zz", text("last")),
        ];
        let copied =
            [strange, &[(b"CC", array(&[text("copies")])), (b"BCC", array(&[text("copies"), text([255])]))]].concat();
        s.publish_raw(A, to("", "letters"), &headers(&copied), "with copies");
        for queue in ["letters", "copies"] {
            s.call(A, basic::Get { no_ack: true, ..one_from(queue) });
        }
        s.publish_raw(A, mandatory("", "nobody"), &headers(strange), "returned");
        s.call(A, an_exchange("desk", "headers"));
        let arguments = table([
            ("x-match", crate::support::methods::text("all")),
            ("plain", crate::support::methods::text("plain")),
        ]);
        s.call(A, queue::Bind { arguments, ..binding("letters", "desk", "") });
        s.publish_raw(A, to("desk", ""), &headers(strange), "to a headers exchange");
    });
}

#[test]
fn a_header_whose_name_is_not_text_survives_a_quorum_queue() {
    same_on_both(|s| {
        s.look_at_bytes();
        s.call(A, a_queue_with("quorum", [("x-queue-type", crate::support::methods::text("quorum"))]));
        let strange = headers(&[(b"y", text("3")), (b"\xff", text("1")), (b"a", nested(&[(b"\xff", vec![b'V'])]))]);
        s.publish_raw(A, to("", "quorum"), &strange, "x");
        s.until_ready("quorum", 1);
        for _ in 0..2 {
            s.call(A, one_from("quorum"));
            let tag = s.unacknowledged(A)[0];
            s.tell(A, nack(tag));
            s.until_ready("quorum", 1);
        }
        s.call(A, a_listener("quorum", "me"));
        s.until_observed(A, 2);
    });
}

#[test]
fn of_several_bcc_headers_the_first_is_taken_out() {
    same_on_both(|s| {
        with_a_queue(s);
        for name in ["one", "two"] {
            s.call(A, a_queue(name));
        }
        let list = |name: &str| array(&[text(name)]);
        for (first, second) in [("CC", "CC"), ("BCC", "BCC"), ("CC", "BCC"), ("BCC", "CC")] {
            let both =
                headers(&[(first.as_bytes(), list("one")), (b"a", vec![b'V']), (second.as_bytes(), list("two"))]);
            s.publish_raw(A, to("", "letters"), &both, "copied");
            for queue in ["letters", "one", "two"] {
                s.call(A, basic::Get { no_ack: true, ..one_from(queue) });
            }
        }
        for value in [
            array(&[]),
            array(&[fixed(b't', [1]), text("one")]),
            vec![b'V'],
            nested(&[]),
            text("one"),
            fixed(b'L', [0; 8]),
        ] {
            there_and_back(s, &headers(&[(b"BCC", value.clone())]));
            there_and_back(s, &headers(&[(b"CC", value)]));
        }
    });
}

#[test]
fn a_float_that_is_no_number_ends_the_connection() {
    same_on_both(|s| {
        s.call(("z", 1), a_queue("letters"));
        let floats: [(&str, Vec<u8>); 6] = [
            ("a double that is no number", fixed(b'd', [0x7f, 0xf8, 0, 0, 0, 0, 0, 0])),
            ("an infinite double", fixed(b'd', [0xff, 0xf0, 0, 0, 0, 0, 0, 0])),
            ("a float that is no number", fixed(b'f', [0x7f, 0xc0, 0, 0])),
            ("an infinite float", fixed(b'f', [0x7f, 0x80, 0, 0])),
            ("one in an array", array(&[fixed(b'f', [0x7f, 0x80, 0, 0])])),
            ("one in a table", nested(&[(b"f", fixed(b'f', [0x7f, 0x80, 0, 0]))])),
        ];
        for ((what, value), name) in floats.iter().zip(["a", "b", "c", "d", "e", "f"]) {
            let content = raw_content(&headers(&[(b"name", value.clone())]));
            s.send_raw((name, 1), what, &content);
        }
    });
}

/// A publish with an empty body.
fn raw_content(properties: &[u8]) -> Vec<u8> {
    use crate::support::raw::{frame, method};
    let fields = [&[0, 0][..], &short(""), &short("letters"), &[0]].concat();
    let header = [&[0, 60, 0, 0][..], &[0; 8], properties].concat();
    [method(1, 60, 40, &fields), frame(2, 1, &header)].concat()
}

#[test]
fn every_type_of_value_that_rabbitmq_knows_is_taken_and_no_other() {
    same_on_both(|s| {
        s.call(("z", 1), a_queue("letters"));
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for kinds in (b'!'..=b'~').collect::<Vec<_>>().chunks(NAMES.len()) {
            let cases = kinds.iter().zip(NAMES).map(|(&kind, name)| {
                let size = match kind {
                    b'V' => 0,
                    b't' | b'b' | b'B' => 1,
                    b's' | b'u' | b'U' => 2,
                    b'D' => 5,
                    b'l' | b'L' | b'd' | b'T' => 8,
                    _ => 4,
                };
                let bytes = raw_content(&headers(&[(b"name", [&[kind][..], &vec![0; size]].concat())]));
                ((name, 1), char::from(kind).to_string(), [bytes, crate::support::client::encode(&probe())].concat())
            });
            let cases: Vec<_> = cases.collect();
            let cases: Vec<_> = cases.iter().map(|(at, what, bytes)| (*at, what.as_str(), bytes.clone())).collect();
            s.send_raw_on_each(&cases);
            NAMES.iter().for_each(|name| s.close(name));
        }
    });
}

fn probe() -> amq_protocol::frame::AMQPFrame {
    amq_protocol::frame::AMQPFrame::Method(1, is_there_an_exchange("amq.direct").class())
}
