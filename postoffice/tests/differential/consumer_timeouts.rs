//! What becomes of a consumer of a quorum queue that doesn't acknowledge in time.

use crate::support::{
    brokers::same_on_both,
    client::Hello,
    glass::Glass,
    methods::*,
    script::{At, Script},
};
use amq_protocol::protocol::{basic, queue};

const A: At = ("a", 1);
const B: At = ("b", 1);

/// A quorum queue that takes back what isn't acknowledged within so many milliseconds.
fn an_impatient_queue(name: &str, timeout: i32) -> queue::Declare {
    a_queue_with(name, [("x-queue-type", text("quorum")), ("x-consumer-timeout", int(timeout))])
}

fn publish(s: &mut Script, queue: &str, bodies: &[&str]) {
    for (index, body) in bodies.iter().enumerate() {
        s.publish(("p", 1), to("", queue), body);
        s.until_ready(queue, index as u32 + 1);
    }
}

#[test]
fn a_consumer_that_takes_too_long_is_cancelled_and_another_gets_its_message() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 300));
        publish(s, "votes", &["one"]);
        s.call(A, a_consumer("votes", "slow"));
        s.until_observed(A, 3);
        s.call(B, a_consumer("votes", "fast"));
        s.until_observed(B, 2);
        s.tell(B, ack(1));
        s.call(B, basic::Cancel { consumer_tag: "fast".into(), nowait: false });
        s.call(B, is_there_a_queue("votes"));
        s.publish(B, to("", "votes"), "two");
        s.until_ready("votes", 1);
        s.tell(A, ack(1));
        s.until_observed(A, 1);
        s.tell(A, ack(2));
        s.call(A, a_consumer("votes", "slow"));
    });
}

#[test]
fn a_client_that_cannot_be_told_loses_its_channel() {
    same_on_both(|s| {
        s.connect("a", &Hello { capabilities: &[], ..Hello::default() });
        s.call(A, an_impatient_queue("votes", 300));
        publish(s, "votes", &["one"]);
        s.call(A, a_consumer("votes", "slow"));
        s.until_observed(A, 3);
        s.until_ready("votes", 1);
    });
}

#[test]
fn what_was_got_has_to_be_acknowledged_in_time_too() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 300));
        publish(s, "votes", &["one"]);
        s.call(A, one_from("votes"));
        s.until_observed(A, 2);
        s.until_ready("votes", 1);
    });
}

#[test]
fn a_consumer_may_ask_for_a_time_of_its_own() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 60_000));
        publish(s, "votes", &["one", "two", "three"]);
        s.call(A, qos(2));
        let asked = table([("x-consumer-timeout", int(300))]);
        s.call(A, basic::Consume { arguments: asked, ..a_consumer("votes", "slow") });
        s.until_observed(A, 4);
        s.call(B, qos(1));
        s.call(B, a_consumer("votes", "patient"));
        s.until_observed(B, 2);
        s.tell(A, nack(1));
        s.tell(A, nack(1));
    });
}

#[test]
fn only_what_is_late_is_taken_back_and_settling_that_brings_the_consumer_back() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 1500));
        s.call(A, a_consumer("votes", "slow"));
        s.publish(B, to("", "votes"), "one");
        s.until_observed(A, 1);
        let mut glass = Glass::new(s);
        glass.pass(s, 700);
        s.publish(B, to("", "votes"), "two");
        s.until_observed(A, 2); // it, and that the time for the first is over
        s.until_ready("votes", 1);
        s.tell(A, nack(1)); // makes the consumer one that could be served, but nobody thinks of it
        s.publish(A, to("", "votes"), "three");
        s.until_ready("votes", 2);
        s.tell(A, ack(2));
        s.until_observed(A, 2);
    });
}

#[test]
fn one_that_has_cancelled_itself_loses_its_channel_with_what_it_owes() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 400));
        s.call(A, an_impatient_queue("others", 60_000));
        publish(s, "others", &["mine"]);
        s.call(A, a_consumer("others", "in time"));
        s.until_observed(A, 2);
        publish(s, "votes", &["one"]);
        s.call(A, a_consumer("votes", "slow"));
        s.until_observed(A, 2);
        s.call(A, basic::Cancel { consumer_tag: "slow".into(), nowait: false });
        s.until_observed(A, 2);
        s.until_ready("votes", 1);
        s.until_ready("others", 1);
    });
}

#[test]
fn another_consumer_of_the_channel_gets_it_after_the_first_was_told() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 60_000));
        publish(s, "votes", &["one"]);
        let asked = table([("x-consumer-timeout", int(300))]);
        s.call(A, qos(1));
        s.call(A, basic::Consume { arguments: asked, ..a_consumer("votes", "slow") });
        s.call(A, a_consumer("votes", "other"));
        s.until_observed(A, 3);
        s.tell(A, reject(1)); // late, so it counts for nothing
        s.tell(A, ack(2));
    });
}

#[test]
fn a_single_active_consumer_that_is_late_is_followed_by_the_next() {
    same_on_both(|s| {
        let mut declare = an_impatient_queue("votes", 300);
        declare.arguments.insert("x-single-active-consumer".into(), flag(true));
        s.call(A, declare);
        s.call(A, a_consumer("votes", "first"));
        s.call(
            B,
            basic::Consume { arguments: table([("x-consumer-timeout", int(60_000))]), ..a_consumer("votes", "second") },
        );
        s.publish(("p", 1), to("", "votes"), "one");
        s.until_observed(A, 2);
        s.until_observed(B, 1);
        s.tell(B, ack(1));
        s.publish(("p", 1), to("", "votes"), "two");
        s.until_observed(B, 1);
        s.tell(A, ack(1));
        s.publish(("p", 1), to("", "votes"), "three");
        s.until_observed(B, 1);
        s.call(B, basic::Cancel { consumer_tag: "second".into(), nowait: false });
        s.tell(B, basic::Ack { delivery_tag: 0, multiple: true });
        s.publish(("p", 1), to("", "votes"), "four");
        s.until_observed(A, 1);
    });
}

#[test]
fn no_time_at_all_is_over_at_once() {
    same_on_both(|s| {
        s.call(A, an_impatient_queue("votes", 0));
        publish(s, "votes", &["one"]);
        s.call(A, a_consumer("votes", "slow"));
        s.until_observed(A, 3);
        s.call(A, is_there_a_queue("votes"));
    });
}
