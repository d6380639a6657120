//! The two brokers: one RabbitMQ for the whole test program, and a fresh post office for each script.

use super::{
    script::{self, Expected, Script, Step},
    talk::Talk,
};
use postoffice::PostOffice;
use rabbitmq_node::{Node, RabbitMq};
use std::{
    cell::RefCell,
    env,
    net::{Ipv4Addr, SocketAddr},
    panic,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};
use tokio::runtime::Runtime;

/// Lives as long as the test program: a private node ends with it.
static RABBITMQ: LazyLock<Option<RabbitMq>> =
    LazyLock::new(|| RabbitMq::find_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]));

/// The post offices of a test program share one runtime.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));

/// Scripts use plain names for their queues, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// RabbitMQ, for a test that also needs its tools.
pub fn node() -> Option<&'static Node> {
    RABBITMQ.as_ref()?.node_or_skip()
}

pub fn rabbitmq() -> Option<SocketAddr> {
    Some(RABBITMQ.as_ref()?.socket_addr())
}

/// Nobody else uses RabbitMQ's queues while this is held.
pub fn my_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn open_office() -> PostOffice {
    RUNTIME.block_on(PostOffice::open()).expect("a post office opens")
}

/// Runs a script on RabbitMQ and on a post office: a client must observe the same.
///
/// In the environment, `TRANSCRIPT=1` prints what RabbitMQ says, and `SELF_CHECK=1` runs the script on RabbitMQ twice,
/// which shows whether the script itself leaves anything to chance.
#[track_caller]
pub fn same_on_both(script: impl Fn(&mut Script) + Sync) {
    if let Some(report) = difference(script) {
        panic!("the post office differs from RabbitMQ\n{report}");
    }
}

/// What differs when a script runs, if anything does.
pub fn difference(script: impl Fn(&mut Script) + Sync) -> Option<String> {
    let _turn = my_turn();
    compare(|addr, role| {
        let mut running = match role {
            Role::First(report) => Script::new(addr).reporting(report),
            Role::Second(expected) => Script::new(addr).expecting(expected),
            Role::Alone => Script::new(addr),
        };
        script(&mut running);
        running.end()
    })
}

/// Runs a script that has the broker restart, on a RabbitMQ of its own and on a post office that keeps its data.
#[track_caller]
pub fn same_over_restarts(node: &Node, script: impl Fn(&mut Script, &dyn Fn())) {
    let _turn = my_turn();
    let address = (Ipv4Addr::LOCALHOST, node.amqp_port()).into();
    let restart_node = || {
        for command in ["stop_app", "start_app"] {
            let output = node.rabbitmqctl().arg(command).output().expect("rabbitmqctl runs");
            assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        }
    };
    let mut there = Script::new(address);
    script(&mut there, &restart_node);
    let there = there.end();
    if env::var_os("TRANSCRIPT").is_some() {
        println!("{}", script::transcript(&there));
    }

    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is room for a folder");
    let open = |address| RUNTIME.block_on(PostOffice::builder().listen(address).data(data.path()).open());
    let office = RefCell::new(open((Ipv4Addr::LOCALHOST, 0).into()).expect("a post office opens"));
    let address = office.borrow().address();
    let restart_office = || {
        RUNTIME.block_on(office.borrow().close());
        office.replace_with(|closed| {
            // The folder is free once the old one is gone.
            let nothing = RUNTIME.block_on(PostOffice::open()).expect("a post office opens");
            drop(std::mem::replace(closed, nothing));
            open(address).expect("it opens again")
        });
    };
    let mut here = Script::new(address);
    script(&mut here, &restart_office);
    if let Some(report) = script::differences(&there, &here.end()) {
        panic!("the post office differs from RabbitMQ\n{report}");
    }
}

/// The same for a client that speaks for itself and touches nothing that others use.
#[track_caller]
pub fn same_talk_on_both(talk: impl Fn(&mut Talk) + Sync) {
    let report = compare(|addr, _| {
        let mut talking = Talk::new(addr);
        talk(&mut talking);
        talking.end()
    });
    if let Some(report) = report {
        panic!("the post office differs from RabbitMQ\n{report}");
    }
}

/// Whether a run tells the other what it observes, or waits for as much.
enum Role {
    First(mpsc::Sender<Vec<String>>),
    Second(Expected),
    Alone,
}

fn compare(run: impl Fn(SocketAddr, Role) -> Vec<Step> + Sync) -> Option<String> {
    let rabbitmq = rabbitmq()?;
    let (there, here) = if env::var_os("SELF_CHECK").is_some() {
        (run(rabbitmq, Role::Alone), run(rabbitmq, Role::Alone))
    } else {
        let office = open_office();
        let address = office.address();
        let (send, receive) = mpsc::channel();
        let run = &run;
        let both = thread::scope(|scope| {
            let there = scope.spawn(move || run(rabbitmq, Role::Second(Expected::from(receive))));
            let here = scope.spawn(move || run(address, Role::First(send)));
            (there.join(), here.join())
        });
        RUNTIME.block_on(office.close());
        let finished = |run: thread::Result<_>| run.unwrap_or_else(|panic| panic::resume_unwind(panic));
        (finished(both.0), finished(both.1))
    };
    if env::var_os("TRANSCRIPT").is_some() {
        println!("{}", script::transcript(&there));
    }
    for step in &there {
        assert!(!step.operation.contains("in vain"), "a script waits for what RabbitMQ doesn't do: {}", step.operation);
    }
    script::differences(&there, &here)
}
