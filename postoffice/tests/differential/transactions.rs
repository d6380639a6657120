//! Transactions: what happens when between a publish and its commit, and in which order a commit does things.

use crate::support::{
    brokers::same_on_both,
    methods::*,
    script::{At, Script},
};
use amq_protocol::protocol::{basic, confirm, exchange, queue, tx};

const A: At = ("a", 1);
const B: At = ("b", 1);
const C: At = ("c", 1);

fn without(name: &str) -> queue::Delete {
    queue::Delete { queue: name.into(), ..Default::default() }
}

fn reopen_if_closed(s: &mut Script, at: At) {
    if !s.is_open(at) {
        s.reopen(at);
    }
}

#[test]
fn a_commit_fails_when_a_queue_of_its_messages_is_gone() {
    same_on_both(|s| {
        s.call(B, a_queue("first"));
        s.call(B, a_queue("letters"));
        s.publish(B, to("", "first"), "to be acknowledged");
        s.call(A, tx::Select {});
        s.call(A, one_from("first"));
        s.tell(A, ack(1));
        s.publish(A, mandatory("", "first"), "gets through");
        s.publish(A, mandatory("", "letters"), "has no queue any more");
        s.publish(A, mandatory("", "first"), "is not reached");
        s.call(B, without("letters"));
        s.call(A, tx::Commit {});
        s.call(B, one_from("first"));
        s.call(B, one_from("first"));
    });
}

#[test]
fn a_commit_fails_in_the_words_of_the_term_that_says_why() {
    same_on_both(|s| {
        // The term is printed over several lines where one is too narrow.
        let cases = ["one", "two", "three", "four", "five", "six"].into_iter().zip([8, 9, 15, 16, 100, 255]);
        for (client, length) in cases {
            let queue = "q".repeat(length);
            s.call(B, a_queue(&queue));
            s.call((client, 1), tx::Select {});
            s.publish((client, 1), to("", &queue), "lost");
            s.call(B, without(&queue));
            s.call((client, 1), tx::Commit {});
        }
    });
}

#[test]
fn a_commit_names_the_first_queue_that_is_gone() {
    same_on_both(|s| {
        let copies = |names: &[&str]| properties_with_headers([("CC", list(names))]);
        for (client, exchange) in [("default", ""), ("direct", "amq.direct"), ("fanout", "amq.fanout")] {
            for queue in ["a", "b", "c", "d"] {
                s.call(B, a_queue(queue));
                if !exchange.is_empty() {
                    s.call(B, binding(queue, exchange, queue));
                }
            }
            s.call((client, 1), tx::Select {});
            s.publish_with((client, 1), to(exchange, "c"), copies(&["d", "a", "b"]), b"lost");
            s.call(B, without("b"));
            s.call(B, without("c"));
            s.call((client, 1), tx::Commit {});
        }
    });
}

#[test]
fn a_commit_fails_though_its_channel_used_the_queue_before() {
    same_on_both(|s| {
        for what in ["published", "consumed", "got"] {
            s.call(B, a_queue(what));
        }
        for (name, queue) in [("a", "published"), ("c", "consumed"), ("d", "got")] {
            let at = (name, 1);
            s.publish(at, to("", queue), "before");
            match queue {
                "consumed" => s.call(at, a_listener(queue, "me")),
                "got" => s.call(at, one_from(queue)),
                _ => {}
            }
            s.call(at, tx::Select {});
            s.publish(at, to("", queue), "lost");
            s.call(B, without(queue));
            s.call(at, tx::Commit {});
        }
    });
}

#[test]
fn a_classic_queue_that_is_declared_again_does_not_get_what_was_meant_for_the_old_one() {
    same_on_both(|s| {
        let quorum = |name: &str| a_queue_with(name, [("x-queue-type", text("quorum"))]);
        let declared: [(&str, queue::Declare, queue::Declare); 5] = [
            ("classic", a_queue("classic"), a_queue("classic")),
            ("used", a_queue("used"), a_queue("used")),
            ("to-quorum", a_queue("to-quorum"), quorum("to-quorum")),
            ("to-classic", quorum("to-classic"), a_queue("to-classic")),
            ("quorum", quorum("quorum"), quorum("quorum")),
        ];
        for (name, old, new) in declared {
            let at = (name, 1);
            s.call(B, old);
            s.look_away_from(name); // quorum queues count with a delay
            if name == "used" {
                s.publish(at, to("", name), "before");
            }
            s.call(at, tx::Select {});
            s.publish(at, mandatory("", name), "for the old queue");
            s.publish(at, mandatory("", "nobody"), "comes back");
            s.call(B, without(name));
            s.call(B, new);
            s.look_away_from(name);
            s.call(at, tx::Commit {});
            reopen_if_closed(s, at);
            s.publish(B, to("", name), "for the new queue");
            // A quorum queue is known by its name alone.
            let count = if name == "quorum" { 2 } else { 1 };
            s.until_ready(name, count);
            s.call(C, a_listener(name, name));
            s.until_observed(C, 1 + count as usize);
        }
    });
}

#[test]
fn messages_were_routed_when_they_were_published() {
    same_on_both(|s| {
        s.call(B, a_queue("letters"));
        s.call(B, an_exchange("post", "fanout"));
        s.call(B, binding("letters", "post", ""));
        s.call(A, tx::Select {});
        s.publish(A, mandatory("post", ""), "bound");
        s.publish(A, mandatory("", "later"), "no such queue yet");
        s.call(B, a_queue("later"));
        s.call(B, queue::Unbind { queue: "letters".into(), exchange: "post".into(), ..Default::default() });
        s.publish(A, mandatory("post", ""), "not bound any more");
        s.call(B, exchange::Delete { exchange: "post".into(), ..Default::default() });
        s.call(B, queue::Purge { queue: "letters".into(), nowait: false });
        s.call(A, tx::Commit {});
        s.publish(A, to("post", ""), "no exchange");
        reopen_if_closed(s, A);
    });
}

#[test]
fn a_commit_is_partial_when_a_full_queue_refuses() {
    same_on_both(|s| {
        s.call(B, a_queue("dead"));
        s.call(B, a_queue_with("full", [("x-max-length", int(1)), ("x-overflow", text("reject-publish"))]));
        s.call(
            B,
            a_queue_with(
                "sends-on",
                [
                    ("x-max-length", int(1)),
                    ("x-overflow", text("reject-publish-dlx")),
                    ("x-dead-letter-exchange", text("")),
                    ("x-dead-letter-routing-key", text("dead")),
                ],
            ),
        );
        for queue in ["full", "sends-on"] {
            s.call(A, tx::Select {});
            s.publish(A, to("", queue), "fits");
            s.publish(A, mandatory("", "nobody"), "comes back");
            s.publish(A, to("", queue), "is refused");
            s.publish(A, to("", "dead"), "behind the one that is refused");
            s.call(A, one_from("dead"));
            s.tell(A, ack(1));
            s.call(A, tx::Commit {});
            reopen_if_closed(s, A);
        }
    });
}

#[test]
fn what_a_transaction_acknowledged_comes_back_when_it_is_rolled_back_or_its_channel_closes() {
    same_on_both(|s| {
        s.call(B, a_queue("letters"));
        for body in ["one", "two", "three", "four"] {
            s.publish(B, to("", "letters"), body);
        }
        s.call(A, qos(2));
        s.call(A, tx::Select {});
        s.call(A, a_consumer("letters", "me"));
        s.tell(A, ack(1));
        s.tell(A, nack(2));
        s.call(A, tx::Rollback {});
        s.tell(A, ack(2));
        s.tell(A, reject(1));
        s.call(A, tx::Commit {});
        s.tell(A, ack(3));
        s.publish(A, to("", "letters"), "five");
        s.close_channel(A);
        s.call(B, a_listener("letters", "other"));
    });
}

#[test]
fn a_tag_that_is_not_open_closes_a_transactional_channel_at_once() {
    same_on_both(|s| {
        s.call(B, a_queue("letters"));
        s.publish(B, to("", "letters"), "one");
        s.call(A, tx::Select {});
        s.call(A, one_from("letters"));
        s.publish(A, to("", "letters"), "never committed");
        s.tell(A, ack(1));
        s.tell(A, ack(1));
        reopen_if_closed(s, A);
        s.call(A, tx::Select {});
        s.call(A, one_from("letters"));
        s.tell(A, nack(7));
        reopen_if_closed(s, A);
        s.call(A, tx::Commit {});
    });
}

#[test]
fn a_commit_publishes_then_settles_then_answers() {
    same_on_both(|s| {
        s.call(B, a_queue("letters"));
        s.call(B, a_queue("dead"));
        let to_dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
        s.call(B, a_queue_with("source", to_dead));
        for body in ["1", "2", "3", "4", "5", "6"] {
            s.publish(B, to("", "source"), body);
        }
        s.call(A, a_consumer("source", "me"));
        s.call(A, tx::Select {});
        s.publish(A, to("", "letters"), "one");
        s.tell(A, ack(5));
        s.tell(A, reject(4));
        s.tell(A, reject(2));
        s.publish(A, mandatory("", "nobody"), "back");
        s.tell(A, ack(1));
        s.tell(A, basic::Nack { delivery_tag: 3, multiple: true, requeue: false });
        s.publish(A, to("", "dead"), "before the dead");
        s.call(A, tx::Commit {});
        s.call(B, a_listener("dead", "undertaker"));
        s.call(A, tx::Commit {});
        s.call(A, tx::Rollback {});
        s.tell(A, ack(6));
        s.call(A, tx::Commit {});
    });
}

#[test]
fn what_goes_back_in_a_commit_comes_again() {
    same_on_both(|s| {
        s.call(B, a_queue("letters"));
        s.call(B, a_queue("parcels"));
        for body in ["1", "2", "3", "4"] {
            s.publish(B, to("", "letters"), body);
            s.publish(B, to("", "parcels"), body);
        }
        s.call(A, tx::Select {});
        s.call(A, a_consumer("letters", "me"));
        s.call(A, tx::Commit {});
        s.tell(A, nack(3));
        s.tell(A, nack(1));
        s.call(A, tx::Commit {});
        s.tell(A, nack(5));
        s.tell(A, ack(2));
        s.tell(A, nack(6));
        s.call(A, tx::Commit {});
        s.tell(A, basic::Reject { delivery_tag: 8, requeue: true });
        s.tell(A, basic::Reject { delivery_tag: 7, requeue: true });
        s.tell(A, basic::Nack { delivery_tag: 0, multiple: true, requeue: true });
        s.call(A, tx::Commit {});
        s.call(A, basic::Recover { requeue: true });
        s.call(A, tx::Rollback {});
    });
}

#[test]
fn a_time_to_live_counts_from_the_commit() {
    same_on_both(|s| {
        s.call(B, a_queue("dead"));
        let to_dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
        s.call(B, a_queue_with("brief", to_dead));
        s.look_away_from("brief");
        s.call(A, tx::Select {});
        s.publish_with(A, to("", "brief"), properties().with_expiration("30".into()), b"30");
        s.publish_with(A, to("", "brief"), properties().with_expiration("0".into()), b"0");
        s.publish_with(A, to("", "brief"), properties().with_expiration("soon".into()), b"never");
        reopen_if_closed(s, A);
        s.call(A, tx::Select {});
        s.publish_with(A, to("", "brief"), properties().with_expiration("30".into()), b"30");
        s.publish_with(A, to("", "brief"), properties().with_expiration("0".into()), b"0");
        s.call(A, tx::Commit {});
        s.until_ready("dead", 2);
        s.call(B, one_from("dead"));
        s.call(B, one_from("dead"));
    });
}

#[test]
fn a_transaction_waits_for_a_quorum_queue_too() {
    same_on_both(|s| {
        s.call(B, a_queue_with("votes", [("x-queue-type", text("quorum"))]));
        s.call(A, tx::Select {});
        s.publish(A, to("", "votes"), "one");
        s.publish(A, to("", "votes"), "two");
        s.call(A, tx::Commit {});
        s.until_ready("votes", 2);
        s.call(A, a_consumer("votes", "me"));
        s.until_observed(A, 3);
        s.tell(A, ack(1));
        s.call(A, tx::Rollback {});
        s.tell(A, ack(1));
        s.call(A, tx::Commit {});
        s.publish(B, to("", "votes"), "three");
        s.until_observed(A, 1);
        s.call(C, tx::Select {});
        s.publish(C, to("", "votes"), "lost");
        s.call(B, without("votes"));
        s.call(C, tx::Commit {});
    });
}

#[test]
fn transactions_and_confirms_exclude_each_other() {
    same_on_both(|s| {
        s.call(B, a_queue("letters"));
        s.call(A, tx::Select {});
        s.publish(A, to("", "letters"), "never committed");
        s.call(A, confirm::Select { nowait: true });
        reopen_if_closed(s, A);
        s.call(A, confirm::Select { nowait: false });
        s.publish(A, to("", "letters"), "confirmed");
        s.call(A, tx::Commit {});
        reopen_if_closed(s, A);
        s.publish(A, to("", "letters"), "neither");
    });
}
