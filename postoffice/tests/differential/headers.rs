//! Headers exchanges: which values are the same, which names count, and which of several headers.

use crate::support::{
    brokers::same_on_both,
    methods::{a_queue, an_exchange, to},
    raw::{array, entries, fixed, headers, method, short, sized, table as nested, text},
    script::{At, Script},
};

const A: At = ("a", 1);

/// Binds a queue of that name to the exchange with these arguments, in any order and with any names.
fn bind(s: &mut Script, queue: &str, arguments: &[(&[u8], Vec<u8>)]) {
    s.call(A, a_queue(queue));
    send_binding(s, 20, queue, arguments);
}

fn send_binding(s: &mut Script, id: u16, queue: &str, arguments: &[(&[u8], Vec<u8>)]) {
    let mut fields = [&[0, 0][..], &short(queue), &short("desk"), &short("")].concat();
    if id == 20 {
        fields.push(0);
    }
    fields.extend(&sized(0, &entries(arguments))[1..]);
    let shown = crate::support::show::bytes(&entries(arguments));
    s.send_raw(A, &format!("a binding of {queue}: {shown}"), &method(1, 50, id, &fields));
}

/// One value of each type for each of these numbers, as far as it has it, and what else could be taken for them.
fn values() -> Vec<(String, Vec<u8>)> {
    let mut values: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, value: Vec<u8>| values.push((name.to_owned(), value));
    add("b 1", fixed(b'b', [1]));
    add("b -1", fixed(b'b', [255]));
    add("B 1", fixed(b'B', [1]));
    add("B 255", fixed(b'B', [255]));
    add("s 1", fixed(b's', 1_i16.to_be_bytes()));
    add("s -1", fixed(b's', (-1_i16).to_be_bytes()));
    add("s 255", fixed(b's', 255_i16.to_be_bytes()));
    add("u 1", fixed(b'u', 1_u16.to_be_bytes()));
    add("I 1", fixed(b'I', 1_i32.to_be_bytes()));
    add("i 1", fixed(b'i', 1_u32.to_be_bytes()));
    add("i 4294967295", fixed(b'i', u32::MAX.to_be_bytes()));
    add("l 1", fixed(b'l', 1_i64.to_be_bytes()));
    add("L 1", fixed(b'L', 1_i64.to_be_bytes()));
    add("l 4294967295", fixed(b'l', 4_294_967_295_i64.to_be_bytes()));
    add("L -1", fixed(b'L', (-1_i64).to_be_bytes()));
    add("l 1000", fixed(b'l', 1000_i64.to_be_bytes()));
    add("T 1", fixed(b'T', 1_u64.to_be_bytes()));
    add("T 0", fixed(b'T', 0_u64.to_be_bytes()));
    add("T 1000", fixed(b'T', 1000_u64.to_be_bytes()));
    add("b 0", fixed(b'b', [0]));
    add("f 1", fixed(b'f', 1_f32.to_be_bytes()));
    add("d 1", fixed(b'd', 1_f64.to_be_bytes()));
    add("f 0.1", fixed(b'f', 0.1_f32.to_be_bytes()));
    add("d 0.1", fixed(b'd', 0.1_f64.to_be_bytes()));
    add("d 0.1f", fixed(b'd', f64::from(0.1_f32).to_be_bytes()));
    add("d 0", fixed(b'd', 0_f64.to_be_bytes()));
    add("d -0", fixed(b'd', (-0.0_f64).to_be_bytes()));
    add("f -0", fixed(b'f', (-0.0_f32).to_be_bytes()));
    add("D 0:1", fixed(b'D', [0, 0, 0, 0, 1]));
    add("D 1:10", fixed(b'D', [1, 0, 0, 0, 10]));
    add("t 1", fixed(b't', [1]));
    add("t 7", fixed(b't', [7]));
    add("t 0", fixed(b't', [0]));
    add("S 1", text("1"));
    add("x 1", sized(b'x', b"1"));
    add("S empty", text(""));
    add("S ff", text([0xff]));
    add("x ff", sized(b'x', &[0xff]));
    add("V", vec![b'V']);
    add("A empty", array(&[]));
    add("F empty", nested(&[]));
    add("A [b 1]", array(&[fixed(b'b', [1])]));
    add("A [I 1]", array(&[fixed(b'I', 1_i32.to_be_bytes())]));
    add("A [l 1]", array(&[fixed(b'l', 1_i64.to_be_bytes())]));
    add("A [L 1]", array(&[fixed(b'L', 1_i64.to_be_bytes())]));
    add("A [T 1]", array(&[fixed(b'T', 1_u64.to_be_bytes())]));
    add("A [t 7]", array(&[fixed(b't', [7])]));
    add("A [t 1]", array(&[fixed(b't', [1])]));
    add("F {a: t 1}", nested(&[(b"a", fixed(b't', [1]))]));
    add("F {a: V, b: V}", nested(&[(b"a", vec![b'V']), (b"b", vec![b'V'])]));
    add("F {b: V, a: V}", nested(&[(b"b", vec![b'V']), (b"a", vec![b'V'])]));
    values
}

#[test]
fn values_match_when_they_are_the_same_to_erlang() {
    same_on_both(|s| {
        s.look_at_bytes();
        s.confirm(A);
        s.call(A, an_exchange("desk", "headers"));
        for (name, value) in values() {
            bind(s, &name, &[(b"it", value)]);
        }
        for (name, value) in values() {
            s.publish_raw(A, to("desk", ""), &headers(&[(b"it", value)]), &name);
        }
    });
}

#[test]
fn names_count_by_x_match_and_may_be_any_bytes() {
    same_on_both(|s| {
        s.confirm(A);
        s.call(A, an_exchange("desk", "headers"));
        let mode = |mode: &str| (&b"x-match"[..], text(mode));
        let (one, two) = (text("1"), text("2"));
        bind(s, "strange", &[(b"\xff", one.clone())]);
        bind(s, "strange, any", &[mode("any"), (b"\xff", one.clone()), (b"\xfe", two.clone())]);
        bind(s, "x-", &[mode("all"), (b"x-", one.clone())]);
        bind(s, "x- counts", &[mode("all-with-x"), (b"x-", one.clone())]);
        bind(s, "x- counts for any", &[mode("any-with-x"), (b"x-a", one.clone()), (b"b", one.clone())]);
        bind(s, "x is no x-", &[mode("all"), (b"x", one.clone())]);
        bind(s, "X- is no x-", &[mode("all"), (b"X-a", one.clone())]);
        bind(s, "twice the same", &[(b"a", one.clone()), (b"a", one.clone())]);
        bind(s, "twice another", &[(b"a", one.clone()), (b"a", two.clone())]);
        bind(s, "either", &[mode("any"), (b"a", one.clone()), (b"a", two.clone())]);
        bind(s, "two modes", &[mode("any"), mode("all"), (b"a", one.clone()), (b"b", two.clone())]);
        bind(s, "mode in the end", &[(b"a", one.clone()), (b"b", two.clone()), mode("any")]);
        bind(s, "BCC", &[(b"BCC", vec![b'V'])]);
        bind(s, "CC", &[(b"CC", vec![b'V'])]);
        for message in [
            &[(&b"\xff"[..], one.clone())][..],
            &[(b"\xfe", two.clone())],
            &[(b"x-", one.clone())],
            &[(b"x-a", one.clone())],
            &[(b"x", one.clone()), (b"X-a", one.clone())],
            &[(b"a", one.clone())],
            &[(b"a", two.clone())],
            &[(b"b", two.clone())],
            &[(b"a", one.clone()), (b"a", two.clone())],
            &[(b"a", two.clone()), (b"a", one.clone())],
            &[(b"CC", array(&[])), (b"BCC", array(&[]))],
            &[(b"BCC", array(&[])), (b"BCC", array(&[]))],
        ] {
            s.publish_raw(A, to("desk", ""), &headers(message), "x");
        }
    });
}

#[test]
fn arguments_in_another_order_are_the_same_binding() {
    same_on_both(|s| {
        s.confirm(A);
        s.call(A, an_exchange("desk", "headers"));
        let (one, two) = (fixed(b'b', [1]), fixed(b's', [0, 1]));
        let message = headers(&[(b"a", one.clone()), (b"b", one.clone())]);
        bind(s, "letters", &[(b"a", one.clone()), (b"b", one.clone())]);
        for other in [
            &[(&b"a"[..], one.clone()), (&b"b"[..], two.clone())][..],
            &[(b"b", one.clone()), (b"a", one.clone()), (b"b", one.clone())],
            &[(b"b", one.clone()), (b"a", one.clone())],
        ] {
            send_binding(s, 50, "letters", other);
            s.publish_raw(A, to("desk", ""), &message, "still bound?");
        }
    });
}

#[test]
fn a_mode_that_there_is_not_is_refused() {
    same_on_both(|s| {
        s.call(A, an_exchange("desk", "headers"));
        s.call(A, a_queue("letters"));
        for mode in [
            text("some"),
            text(""),
            text("All"),
            text([0xff]),
            text([1, 2]),
            sized(b'x', b"all"),
            fixed(b'b', [255]),
            fixed(b't', [1]),
            fixed(b'T', [0; 8]),
            fixed(b'd', 1.5_f64.to_be_bytes()),
            fixed(b'D', [2, 0, 0, 0, 5]),
            vec![b'V'],
            array(&[text("all")]),
            nested(&[(b"all", vec![b'V'])]),
        ] {
            send_binding(s, 20, "letters", &[(b"x-match", mode)]);
            if !s.is_open(A) {
                s.reopen(A);
            }
        }
    });
}
