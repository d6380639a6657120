//! What counts as use of a queue that expires when nobody uses it.
//!
//! Time passes by the brokers' own clocks: a message waits for its time to live, which both keep.

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::protocol::{basic, queue};

const A: At = ("a", 1);
const B: At = ("b", 1);

/// An hourglass: what was sent into it comes out into another queue when its time is over.
struct Glass {
    turned: u32,
}

impl Glass {
    fn new(s: &mut Script) -> Self {
        let falls_into = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("below"))];
        s.call(("clock", 1), a_queue_with("above", falls_into));
        s.call(("clock", 1), a_queue("below"));
        Self { turned: 0 }
    }

    fn pass(&mut self, s: &mut Script, milliseconds: u32) {
        let sand = properties().with_expiration(milliseconds.to_string().as_str().into());
        s.publish_with(("clock", 1), to("", "above"), sand, b"");
        self.turned += 1;
        s.until_ready("below", self.turned);
    }
}

/// Gives the queue a lease. A type that is left undefined is classic, but the script doesn't look at it, which is use.
fn leased(name: &str, milliseconds: i32) -> queue::Declare {
    a_queue_with(name, [("x-queue-type", text("undefined")), ("x-expires", int(milliseconds))])
}

fn leased_votes(name: &str, milliseconds: i32) -> queue::Declare {
    a_queue_with(name, [("x-queue-type", text("quorum")), ("x-expires", int(milliseconds))])
}

fn who_is_left(s: &mut Script, names: &[&str]) {
    for name in names {
        s.call(("asks", 1), is_there_a_queue(name));
        s.recover(("asks", 1));
    }
}

#[test]
fn who_asks_or_gets_or_leaves_uses_a_classic_queue() {
    same_on_both(|s| {
        let names = [
            "idle",
            "asked",
            "declared",
            "got",
            "refused",
            "consumed",
            "left",
            "dropped", // used or not
            "published",
            "purged",
            "bound",
            "quietly-asked",
            "quietly-declared",
            "kept",
        ];
        for name in names {
            s.call(A, leased(name, 1500));
        }
        s.call(A, queue::Declare { exclusive: true, ..leased("locked", 1500) });
        s.call(("c", 1), a_consumer("consumed", "stays"));
        s.call(("c", 2), a_consumer("left", "leaves"));
        s.call(("c", 3), a_consumer("dropped", "falls"));
        s.publish(A, to("", "kept"), "one");
        s.call(("d", 1), one_from("kept"));
        let mut glass = Glass::new(s);
        glass.pass(s, 900);
        s.call(A, is_there_a_queue("asked"));
        s.call(A, leased("declared", 1500));
        s.call(A, one_from("got"));
        s.call(A, queue::Declare { auto_delete: true, ..leased("refused", 1500) });
        s.recover(A);
        s.call(("c", 2), basic::Cancel { consumer_tag: "leaves".into(), nowait: false });
        s.close_channel(("c", 3));
        s.close_channel(("d", 1)); // what it had not acknowledged goes back
        s.publish(A, to("", "published"), "one");
        s.call(A, queue::Purge { queue: "purged".into(), nowait: false });
        s.call(A, binding("bound", "amq.direct", "key"));
        s.tell(A, queue::Declare { nowait: true, ..is_there_a_queue("quietly-asked") });
        s.tell(A, queue::Declare { nowait: true, ..leased("quietly-declared", 1500) });
        s.look_away_from("quietly-declared");
        s.call(B, is_there_a_queue("locked")); // refused, and use all the same
        glass.pass(s, 1000);
        who_is_left(s, &names);
        s.call(A, is_there_a_queue("locked"));
    });
}

#[test]
fn who_gets_or_leaves_uses_a_quorum_queue_and_who_asks_does_not() {
    same_on_both(|s| {
        // RabbitMQ looks every five seconds.
        let names = ["idle", "asked", "declared", "got", "consumed", "left", "dropped", "published", "kept", "settled"];
        for name in names {
            s.call(A, leased_votes(name, 4300));
        }
        s.call(("c", 1), a_consumer("consumed", "stays"));
        s.call(("c", 2), a_consumer("left", "leaves"));
        s.call(("c", 3), a_consumer("dropped", "falls"));
        for name in ["kept", "settled"] {
            s.publish(A, to("", name), "one");
            s.until_ready(name, 1);
            s.call(("d", 1), one_from(name));
        }
        let mut glass = Glass::new(s);
        glass.pass(s, 3000);
        s.call(A, is_there_a_queue("asked"));
        s.call(A, leased_votes("declared", 4300));
        s.call(A, one_from("got"));
        s.call(("c", 2), basic::Cancel { consumer_tag: "leaves".into(), nowait: false });
        s.close_channel(("c", 3));
        s.publish(A, to("", "published"), "one");
        s.tell(("d", 1), ack(2));
        glass.pass(s, 3000);
        who_is_left(s, &names);
    });
}

#[test]
fn a_quorum_queue_counts_those_who_owe_it_an_acknowledgement_as_consumers() {
    same_on_both(|s| {
        s.call(A, a_queue_with("votes", [("x-queue-type", text("quorum"))]));
        for (index, body) in ["one", "two", "three", "four", "five"].into_iter().enumerate() {
            s.publish(A, to("", "votes"), body);
            s.until_ready("votes", index as u32 + 1);
        }
        s.call(B, qos(2));
        s.call(B, a_consumer("votes", "leaves"));
        s.until_observed(B, 3);
        s.call(B, basic::Cancel { consumer_tag: "leaves".into(), nowait: false });
        s.call(A, is_there_a_queue("votes"));
        s.call(A, one_from("votes"));
        s.call(A, one_from("votes"));
        s.call(A, basic::Get { no_ack: true, ..one_from("votes") });
        s.call(A, is_there_a_queue("votes"));
        // What the channel sends after its acknowledgement arrives after it, and can be waited for.
        for (ready, at, settlement) in [(1, A, ack(1).class()), (2, B, ack(1).class()), (3, B, reject(2).class())] {
            s.tell(at, settlement);
            s.publish(at, to("", "votes"), "later");
            s.until_ready("votes", ready);
            s.call(A, is_there_a_queue("votes"));
        }
        s.close_channel(A);
        s.until_ready("votes", 4);
        s.call(B, is_there_a_queue("votes"));
    });
}
