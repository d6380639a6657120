//! The two brokers: one RabbitMQ for the whole test program, and a fresh post office for each script.

use super::{
    script::{self, Expected, Script, Step},
    talk::Talk,
};
use postoffice::PostOffice;
use rabbitmq_node::{Node, RabbitMq};
use std::{
    env,
    net::SocketAddr,
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
    compare(|addr, expected| {
        let mut running = Script::new(addr).expecting(expected);
        script(&mut running);
        running.end()
    })
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

fn compare(run: impl Fn(SocketAddr, Expected) -> Vec<Step> + Sync) -> Option<String> {
    let rabbitmq = rabbitmq()?;
    let (there, here) = if env::var_os("SELF_CHECK").is_some() {
        (run(rabbitmq, Expected::default()), run(rabbitmq, Expected::default()))
    } else {
        let office = open_office();
        let address = office.address();
        let (send, receive) = mpsc::channel();
        let run = &run;
        let both = thread::scope(|scope| {
            let there = scope.spawn(move || run(rabbitmq, Expected::from(receive)));
            let here = scope.spawn(move || {
                let steps = run(address, Expected::default());
                let _ = send.send(steps.iter().map(|step| step.observed.clone()).collect()); // nobody may want it
                steps
            });
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
