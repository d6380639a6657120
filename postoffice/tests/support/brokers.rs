//! The two brokers: one private RabbitMQ for the whole test program, and a fresh post office for each script.

use super::script::{self, Script, Step};
use postoffice::PostOffice;
use rabbitmq_node::Node;
use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    panic, process,
    sync::{LazyLock, Mutex, PoisonError},
    thread,
};
use tokio::runtime::Runtime;

/// Lives as long as the test program: the node ends with it.
static NODE: LazyLock<Option<Node>> = LazyLock::new(|| Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]));

/// The post offices of a test program share one runtime.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));

/// Scripts use plain names for their queues, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

pub fn rabbitmq() -> Option<SocketAddr> {
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, NODE.as_ref()?.amqp_port())))
}

/// Where a post office listens.
pub fn address(office: &PostOffice) -> SocketAddr {
    let uri = office.uri();
    let address = uri.trim_start_matches("amqp://").rsplit('@').next().unwrap_or_default();
    address.split('/').next().unwrap_or_default().parse().expect("the uri holds an address")
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

/// What differs, if anything does.
pub fn difference(script: impl Fn(&mut Script) + Sync) -> Option<String> {
    let rabbitmq = rabbitmq()?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (there, here) = if env::var_os("SELF_CHECK").is_some() {
        (run(rabbitmq, &script), run(rabbitmq, &script))
    } else {
        run_on_both(rabbitmq, &script)
    };
    if env::var_os("TRANSCRIPT").is_some() {
        println!("{}", script::transcript(&there));
    }
    script::differences(&there, &here)
}

fn run_on_both(rabbitmq: SocketAddr, script: &(impl Fn(&mut Script) + Sync)) -> (Vec<Step>, Vec<Step>) {
    let office = open_office();
    let address = address(&office);
    let (there, here) = thread::scope(|scope| {
        let there = scope.spawn(|| run(rabbitmq, script));
        let here = scope.spawn(|| run(address, script));
        (there.join(), here.join())
    });
    RUNTIME.block_on(office.close());
    let there = there.unwrap_or_else(|panic| panic::resume_unwind(panic));
    let here = here.unwrap_or_else(|panic| panic::resume_unwind(panic));
    (there, here)
}

fn run(addr: SocketAddr, script: impl Fn(&mut Script)) -> Vec<Step> {
    let mut running = Script::new(addr);
    script(&mut running);
    running.end()
}

/// How much memory this process holds, in bytes.
pub fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process::id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}
