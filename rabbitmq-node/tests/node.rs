//! The node comes up, answers, and leaves nothing behind.

use rabbitmq_node::Node;
use std::{fs, net::TcpStream, process::Command};

#[test]
fn two_nodes_run_beside_each_other_and_leave_nothing_behind() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(first) = Node::start_or_skip(home.path(), &[]) else { return };
    let second = Node::start(home.path(), &["rabbitmq_management"]).unwrap();
    let ports = [first.amqp_port(), second.amqp_port(), second.management_port()];
    for port in ports {
        TcpStream::connect(("127.0.0.1", port)).unwrap();
    }
    let queues = second.rabbitmqctl().args(["-q", "list_queues"]).output().unwrap();
    assert!(queues.status.success(), "{queues:?}");

    drop((first, second));
    for port in ports {
        TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "data stayed behind");
    let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let processes = String::from_utf8_lossy(&processes.stdout);
    let home = home.path().to_string_lossy();
    assert!(!processes.contains(&*home), "a process of the node still runs:\n{processes}");
}
