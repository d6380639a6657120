//! A node comes up, answers, and leaves nothing behind; and what isn't the RabbitMQ that is needed is refused.
#![cfg(target_os = "linux")] // what a node leaves behind is looked up in /proc

use rabbitmq_node::{NEEDED_VERSION, Node, RabbitMq};
use std::{
    env, fs,
    io::Read,
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Set for a test that runs once more, in a process of its own.
const AGAIN: &str = "NODE_TEST_AGAIN";

fn again(test: &str, value: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test]).env(AGAIN, value).env_remove("CI");
    command
}

fn home() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The processes of nodes with this home: those that have it in their environment, or mounted.
fn processes(home: &Path) -> Vec<String> {
    let home = home.to_str().unwrap();
    let ids = fs::read_dir("/proc").unwrap().flatten().filter(|entry| entry.path().join("environ").exists());
    let belongs = |process: &Path| {
        let has = |file| fs::read(process.join(file)).is_ok_and(|text| String::from_utf8_lossy(&text).contains(home));
        has("environ") || has("mountinfo")
    };
    let of_home = ids.map(|entry| entry.path()).filter(|process| belongs(process));
    of_home.map(|process| fs::read_to_string(process.join("cmdline")).unwrap_or_default()).collect()
}

fn is_mounted(home: &Path) -> bool {
    fs::read_to_string("/proc/self/mountinfo").unwrap().contains(home.to_str().unwrap())
}

#[test]
fn two_nodes_run_beside_each_other_and_leave_nothing_behind() {
    let home = home();
    let Some(first) = Node::start_or_skip(home.path(), &[]) else { return };
    let second = Node::start(home.path(), &["rabbitmq_management"]).unwrap();
    let ports = [first.amqp_port(), second.amqp_port(), second.management_port()];
    for port in ports {
        TcpStream::connect(("127.0.0.1", port)).unwrap();
    }
    let queues = second.rabbitmqctl().args(["-q", "list_queues"]).output().unwrap();
    assert!(queues.status.success(), "{queues:?}");
    assert!(second.log().contains("started TCP listener"), "{}", second.log());
    assert!(!processes(home.path()).is_empty());
    assert!(!is_mounted(home.path()), "others see what a node mounts");

    drop((first, second));
    for port in ports {
        TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "data stayed behind");
    assert_eq!(processes(home.path()), [""; 0], "a process of a node still runs");
}

#[test]
fn a_node_that_crashes_starts_again_with_what_it_keeps() {
    let home = home();
    let Some(node) = Node::start_or_skip(home.path(), &[]) else { return };
    let users = || node.rabbitmqctl().args(["-q", "list_users", "--no-table-headers"]).output().unwrap().stdout;
    let added = node.rabbitmqctl().args(["-q", "add_user", "anna", "secret"]).output().unwrap();
    assert!(added.status.success(), "{added:?}");
    for _ in 0..2 {
        let client = TcpStream::connect(("127.0.0.1", node.amqp_port())).unwrap();
        node.crash_and_start().unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert!((&client).read_exact(&mut [0]).is_err(), "the old node still runs");
        assert!(String::from_utf8_lossy(&users()).contains("anna"));
    }
    drop(node);
    assert_eq!(processes(home.path()), [""; 0], "a process of a node still runs");
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    if let Some(home) = env::var_os(AGAIN) {
        let home = Path::new(&home);
        let Some(_node) = Node::start_or_skip(home.join("data"), &[]) else { return };
        fs::write(home.join("started"), "").unwrap();
        thread::sleep(Duration::from_secs(600)); // until it is killed
    }
    let home = home();
    let mut test = again("a_killed_test_leaves_nothing_behind", home.path()).stdout(Stdio::null()).spawn().unwrap();
    wait_until("the node starts", || {
        let ended = test.try_wait().unwrap();
        ended.is_some_and(|status| status.success()) || home.path().join("started").exists()
    });
    test.kill().unwrap();
    test.wait().unwrap();
    wait_until("the processes end", || processes(home.path()).is_empty());
    let left = fs::read_dir(home.path().join("data")).map_or(0, |files| files.count());
    assert_eq!(left, 0, "data stayed behind");
}

#[test]
fn a_test_program_names_what_it_compared_with_once_though_it_passes() {
    if env::var_os(AGAIN).is_some() {
        for _ in 0..2 {
            let _ = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]);
        }
        return;
    }
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let run = again("a_test_program_names_what_it_compared_with_once_though_it_passes", "1").output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let told = String::from_utf8(run.stderr).unwrap();
    assert_eq!(told.matches(&format!("compared with RabbitMQ {}", node.version())).count(), 1, "{told}");
}

#[test]
fn a_node_refuses_what_upstream_refuses_though_the_package_permits_it() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let question = "rabbit_deprecated_features:is_permitted(transient_nonexcl_queues).";
    let answer = node.rabbitmqctl().args(["-q", "eval", question]).output().unwrap();
    assert!(answer.stdout.ends_with(b"\nfalse\n"), "{answer:?}"); // the reasons stand before it
}

#[test]
fn a_running_broker_is_used_by_its_address_and_is_left_alone() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let running = RabbitMq::at(&node.amqp_addr()).unwrap();
    assert_eq!(running.version(), node.version());
    assert_eq!(running.socket_addr().port(), node.amqp_port());
    assert!(running.node().is_none());
    drop(running);
    TcpStream::connect(("127.0.0.1", node.amqp_port())).unwrap();
}

#[test]
fn an_older_rabbitmq_in_a_root_is_refused_and_not_just_skipped() {
    if env::var_os(AGAIN).is_some() {
        RabbitMq::find_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]);
        return;
    }
    let root = home();
    let lib = root.path().join("usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8");
    fs::create_dir_all(lib.join("plugins/rabbit-3.10.8")).unwrap();
    fs::create_dir_all(lib.join("sbin")).unwrap();
    fs::create_dir(root.path().join("usr/lib/rabbitmq/bin")).unwrap();
    fs::write(lib.join("sbin/rabbitmq-server"), "").unwrap();
    let script = "../lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server";
    symlink(script, root.path().join("usr/lib/rabbitmq/bin/rabbitmq-server")).unwrap();

    let mut run = again("an_older_rabbitmq_in_a_root_is_refused_and_not_just_skipped", "1");
    let run = run.env("RABBITMQ_ROOT", root.path()).output().unwrap();
    assert!(!run.status.success());
    let told = String::from_utf8_lossy(&run.stdout);
    for part in ["RABBITMQ_ROOT=", "3.10.8", NEEDED_VERSION, "make-root"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    let make_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("make-root");
    let made = Command::new("bash").arg(make_root).arg(root.path()).output().unwrap();
    assert!(!made.status.success());
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(told.contains(&format!("RabbitMQ 3.10.8, and {NEEDED_VERSION} or newer is needed")), "{told}");
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "{what}: not within two minutes");
        thread::sleep(Duration::from_millis(20));
    }
}
