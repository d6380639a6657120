//! Direct replies: a consumer without a queue, and the names by which it can be reached.

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::protocol::{basic, confirm, queue, tx};

const A: At = ("a", 1);
const B: At = ("b", 1);
const C: At = ("c", 1);
const REPLY: &str = "amq.rabbitmq.reply-to";

fn cancel(tag: &str) -> basic::Cancel {
    basic::Cancel { consumer_tag: tag.into(), nowait: false }
}

fn reopen_if_closed(s: &mut Script, at: At) {
    if !s.is_open(at) {
        s.reopen(at);
    }
}

/// Consumes replies on a channel; gives the name that reaches it.
fn address_of(s: &mut Script, at: At, tag: &str) -> String {
    s.call(at, a_listener(REPLY, tag));
    s.call(("server", 1), a_queue("rpc"));
    s.publish_with(at, to("", "rpc"), properties().with_reply_to(REPLY.into()), b"where are you?");
    s.call(("server", 1), basic::Get { no_ack: true, ..one_from("rpc") });
    s.last_reply_to(("server", 1))
}

#[test]
fn a_reply_counts_as_a_delivery() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        s.call(A, a_queue("letters"));
        s.call(A, a_consumer("letters", "me"));
        s.publish(B, to("", "letters"), "one");
        s.publish_with(B, to("", &address), properties().with_correlation_id("1".into()), b"two");
        s.publish(B, to("", "letters"), "three");
        s.publish_with(B, mandatory("", &address), properties().with_delivery_mode(2).with_priority(3), b"");
        s.call(A, one_from("letters"));
        s.tell(A, basic::Ack { delivery_tag: 3, multiple: true });
        s.publish(A, to("", &address), "to myself");
        s.tell(A, ack(2));
    });
}

#[test]
fn a_reply_is_never_returned_once_its_name_is_well_formed() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        let (start, key) = address.rsplit_once('.').unwrap();
        let others = [
            address.clone(),
            format!("{start}.mine"),
            format!("{start}."),
            start.to_owned(),
            format!("{start}mine.{key}"),
            format!("{REPLY}.{key}"),
            format!("{REPLY}.mine.mine"),
            format!("{REPLY}."),
            REPLY.to_owned(),
            format!("{REPLY}mine"),
            format!("{address}.mine"),
        ];
        for name in &others {
            s.publish(B, mandatory("", name), "is it routed?");
        }
        s.call(A, cancel("replies"));
        s.publish(B, mandatory("", &address), "too late");
        let second = address_of(s, A, "replies");
        s.publish(B, mandatory("", &address), "too late");
        s.publish(B, mandatory("", &second), "in time");
        s.close_channel(A);
        s.publish(B, mandatory("", &second), "the channel is closed");
        s.reopen(A);
        s.publish(B, mandatory("", &second), "another channel");
        s.close("a");
        s.publish(B, mandatory("", &second), "the connection is closed");
    });
}

#[test]
fn a_server_can_ask_whether_its_client_still_waits() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        s.call(B, is_there_a_queue(&address));
        s.call(B, a_queue(&address));
        s.tell(B, queue::Declare { queue: address.as_str().into(), nowait: true, ..Default::default() });
        s.call(B, queue::Purge { queue: "".into(), nowait: false });
        s.call(B, is_there_a_queue(REPLY));
        s.call(B, queue::Declare { exclusive: true, auto_delete: true, ..a_queue(REPLY) });
        s.call(A, is_there_a_queue(&address));
        reopen_if_closed(s, A);
        let address = address_of(s, A, "replies");
        s.call(A, cancel("replies"));
        s.call(B, is_there_a_queue(&address));
        reopen_if_closed(s, B);
        s.close("a");
        s.call(B, is_there_a_queue(&address));
        reopen_if_closed(s, B);
        s.call(("c", 1), is_there_a_queue(&format!("{REPLY}.mine")));
        s.call(("d", 1), is_there_a_queue(&format!("{REPLY}mine")));
        s.call(("e", 1), a_queue(&format!("{REPLY}.mine.mine")));
    });
}

#[test]
fn the_name_for_replies_is_no_queue() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        let names = [REPLY.to_owned(), address.clone(), format!("{REPLY}.mine")];
        for name in &names {
            let queue = || name.as_str().into();
            s.call(B, queue::Purge { queue: queue(), nowait: false });
            reopen_if_closed(s, B);
            s.call(B, queue::Delete { queue: queue(), ..Default::default() });
            reopen_if_closed(s, B);
            s.call(B, queue::Delete { queue: queue(), if_unused: true, if_empty: true, nowait: false });
            reopen_if_closed(s, B);
            s.call(B, binding(name, "amq.direct", "key"));
            reopen_if_closed(s, B);
            s.call(B, queue::Unbind { queue: queue(), exchange: "amq.direct".into(), ..Default::default() });
            reopen_if_closed(s, B);
            s.call(A, queue::Purge { queue: queue(), nowait: false });
            reopen_if_closed(s, A);
        }
        for (client, name) in ["c", "d", "e"].into_iter().zip(names) {
            s.call((client, 1), one_from(&name));
        }
        s.call(A, one_from(&address));
        s.publish(("server", 1), mandatory("", &address), "nobody waits");
    });
}

#[test]
fn nobody_consumes_by_the_name_of_an_address() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        let cases = [
            ("b", a_listener(&address, "me")),
            ("c", a_consumer(&address, "me")),
            ("d", a_listener("amq.rabbitmq.reply-to.mine", "me")),
        ];
        for (client, consume) in cases {
            s.call((client, 1), consume);
            reopen_if_closed(s, (client, 1));
        }
        s.call(A, a_listener(&address, "me"));
        reopen_if_closed(s, A);
    });
}

#[test]
fn there_is_one_reply_consumer_for_a_channel() {
    same_on_both(|s| {
        s.call(A, a_queue("letters"));
        s.call(A, a_listener(REPLY, ""));
        s.call(A, a_listener(REPLY, ""));
        reopen_if_closed(s, A);
        s.call(A, a_listener("letters", "me"));
        s.call(A, a_listener(REPLY, "me"));
        s.call(B, a_listener(REPLY, "me"));
        s.call(B, a_listener("letters", "me"));
        s.publish(C, to("", "letters"), "one");
        s.call(B, cancel("me"));
        s.publish(C, to("", "letters"), "two");
        s.call(B, cancel("me"));
        s.publish(C, to("", "letters"), "three");
        s.call(B, cancel("me"));
        s.call(B, a_consumer(REPLY, "replies"));
        reopen_if_closed(s, B);
        s.call(
            B,
            basic::Consume {
                exclusive: true,
                arguments: table([("x-priority", text("high"))]),
                ..a_listener(REPLY, "replies")
            },
        );
        s.call(B, a_consumer(REPLY, "replies"));
        reopen_if_closed(s, B);
        s.tell(B, basic::Consume { nowait: true, ..a_listener(REPLY, "replies") });
        s.publish_with(B, to("", "letters"), properties().with_reply_to(REPLY.into()), b"four");
        s.call(C, one_from("letters"));
        let address = s.last_reply_to(C);
        s.publish(C, to("", &address), "five");
        s.tell(B, basic::Cancel { consumer_tag: "replies".into(), nowait: true });
        s.publish(C, to("", &address), "six");
        s.publish_with(B, to("", "letters"), properties().with_reply_to(REPLY.into()), b"nobody waits");
    });
}

#[test]
fn replies_are_confirmed_and_wait_for_a_commit() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        s.call(B, confirm::Select { nowait: false });
        s.publish(B, mandatory("", &address), "confirmed");
        s.publish(B, mandatory("", &format!("{REPLY}.mine")), "unroutable");
        s.call(C, tx::Select {});
        s.publish(C, mandatory("", &address), "committed");
        s.publish(C, mandatory("", "nobody"), "back");
        s.call(C, tx::Commit {});
        s.publish(C, to("", &address), "rolled back");
        s.call(C, tx::Rollback {});
        s.publish(C, to("", &address), "too late");
        s.call(A, cancel("replies"));
        s.call(C, tx::Commit {});
        s.publish(B, mandatory("", &address), "confirmed though nobody waits");
    });
}

#[test]
fn copies_and_dead_letters_can_be_replies() {
    same_on_both(|s| {
        let address = address_of(s, A, "replies");
        let copy = |kind: &str| properties_with_headers([(kind, list(&[&address]))]);
        s.call(B, a_queue("letters"));
        s.publish_with(B, mandatory("", "nobody"), copy("CC"), b"a copy");
        s.publish_with(B, to("", "letters"), copy("BCC"), b"a secret copy");
        s.publish_with(B, to("amq.direct", &address), properties(), b"not by another exchange");
        s.call(
            B,
            a_queue_with("dead", [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(&address))]),
        );
        s.publish(B, to("", "dead"), "a dead letter");
        s.call(B, one_from("dead"));
        s.tell(B, reject(1));
        s.publish_with(
            B,
            to("", &address),
            properties_with_headers([("CC", list(&[&address, "letters", &address]))]),
            b"several times the same",
        );
        s.publish_with(B, to("", &address), properties().with_reply_to(REPLY.into()), b"B has no consumer");
    });
}
