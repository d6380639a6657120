//! A disk that is full, and one that can't be written to: both made for this test, in a mount namespace of its own.
//!
//! The test runs itself again in that namespace, where `RUNS_ON` names the disk. Whoever can't have one (only root can) skips
//! it, unless `CI=true`.

#![cfg(target_os = "linux")]

mod support;

use amq_protocol::{
    frame::AMQPFrame,
    protocol::{
        AMQPClass,
        basic::{self, AMQPProperties},
        channel, confirm,
        connection::AMQPMethod as Connection,
        queue,
    },
};
use postoffice::PostOffice;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use support::{
    brokers::RUNTIME,
    client::{Client, Hello, Incoming},
    methods::{Method, a_queue},
};

const RUNS_ON: &str = "RUNS_ON";
/// How long an answer may take before the next message is sent.
const A_MOMENT: Duration = Duration::from_millis(200);

/// The disk of this test: none in the first run, which does no more than start the second.
fn disk(test: &str, mount: &str) -> Option<PathBuf> {
    if let Some(disk) = env::var_os(RUNS_ON) {
        return Some(disk.into());
    }
    let folder = tempfile::Builder::new().prefix("disk-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let script = format!("{mount} && exec \"$1\" --exact \"$2\" --nocapture");
    let mut namespace = Command::new("unshare");
    namespace.args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh"]);
    namespace.arg(env::current_exe().unwrap()).arg(test).env(RUNS_ON, folder.path());
    let can_mount =
        Command::new("unshare").args(["--mount", "true"]).output().is_ok_and(|output| output.status.success());
    if !can_mount {
        rabbitmq_node::skip("a mount namespace can't be made");
        return None;
    }
    let output = namespace.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    None
}

fn publish(client: &mut Client, body: &[u8]) {
    client.send_method(1, basic::Publish { routing_key: "hello".into(), ..Default::default() }.class());
    client.send_content(1, &AMQPProperties::default().with_delivery_mode(2), body);
}

/// Publishes until the broker says that it is blocked; gives how many messages were confirmed by then. What a full disk doesn't
/// take isn't confirmed, so the next message comes whether or not the last one was.
fn publish_until_blocked(client: &mut Client, body: &[u8]) -> (usize, String) {
    let mut confirmed = 0;
    for _ in 0..10_000 {
        publish(client, body);
        match client.next_before(Instant::now() + A_MOMENT) {
            None => {}
            Some(Incoming::Frame(AMQPFrame::Method(_, AMQPClass::Basic(basic::AMQPMethod::Ack(ack))))) => {
                confirmed = ack.delivery_tag as usize;
            }
            Some(Incoming::Frame(AMQPFrame::Method(_, AMQPClass::Connection(Connection::Blocked(blocked))))) => {
                return (confirmed, blocked.reason.to_string());
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    panic!("the disk takes more than it has");
}

fn a_full_disk(data: &Path, ballast: &Path, free_limit: u64) {
    let open = || RUNTIME.block_on(PostOffice::builder().data(data).disk_free_limit(free_limit).open()).unwrap();
    let office = open();
    let hello = Hello { capabilities: &["connection.blocked"], ..Hello::default() };
    let mut client = Client::open_as(office.address(), &hello);
    client.send_method(1, channel::Open {}.class());
    client.expect_method();
    for method in
        [confirm::Select { nowait: false }.class(), queue::Declare { durable: true, ..a_queue("hello") }.class()]
    {
        client.send_method(1, method);
        client.expect_method();
    }
    let (mut confirmed, reason) = publish_until_blocked(&mut client, &[1; 100_000]);
    assert!(confirmed > 0 && reason == "low on disk", "{confirmed} confirmed, then {reason}");
    // There is room again.
    fs::remove_file(ballast).unwrap();
    let mut is_unblocked = false;
    while !is_unblocked || confirmed < office.queue("hello").unwrap().ready {
        match client.expect_method() {
            AMQPClass::Connection(Connection::Unblocked(_)) => is_unblocked = true,
            AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => confirmed = ack.delivery_tag as usize,
            other => panic!("unexpected: {other:?}"),
        }
    }
    publish(&mut client, b"after");
    let answer = client.expect_method();
    assert!(matches!(answer, AMQPClass::Basic(basic::AMQPMethod::Ack(_))), "{answer:?}");
    let ready = office.queue("hello").unwrap().ready;
    drop((client, office));
    let again = open();
    assert_eq!(again.queue("hello").unwrap().ready, ready, "everything that was confirmed is there");
}

#[test]
fn publishers_wait_while_the_disk_has_too_little_room_and_go_on_when_there_is_more() {
    let mount = format!("mount -t tmpfs -o size=40m tmpfs \"${RUNS_ON}\"");
    let Some(disk) = disk("publishers_wait_while_the_disk_has_too_little_room_and_go_on_when_there_is_more", &mount)
    else {
        return;
    };
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 20 << 20]).unwrap();
    a_full_disk(&disk.join("data"), &ballast, 10 << 20);
}

#[test]
fn publishers_wait_while_the_disk_takes_nothing_and_go_on_when_it_does() {
    let mount = format!("mount -t tmpfs -o size=40m tmpfs \"${RUNS_ON}\"");
    let Some(disk) = disk("publishers_wait_while_the_disk_takes_nothing_and_go_on_when_it_does", &mount) else {
        return;
    };
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 30 << 20]).unwrap();
    a_full_disk(&disk.join("data"), &ballast, 0);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused_in_one_sentence() {
    let test = "a_folder_that_cannot_be_written_to_is_refused_in_one_sentence";
    let Some(disk) = disk(test, &format!("mount -t tmpfs -o size=40m tmpfs \"${RUNS_ON}\"")) else { return };
    drop(RUNTIME.block_on(PostOffice::builder().data(disk.join("data")).open()).unwrap());
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(&disk).status().unwrap().success());
    for name in ["data", "new"] {
        let error = RUNTIME.block_on(PostOffice::builder().data(disk.join(name)).open()).unwrap_err().to_string();
        assert!(error.starts_with("can't use the data folder") && !error.contains('\n'), "{error}");
    }
}
