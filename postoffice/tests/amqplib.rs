//! What the test suite of amqplib, a client for Node.js, says of RabbitMQ and of the post office: the outcome of each of
//! its tests has to be the same. Needs `node`, `npm` and, the first time, the package registry.

use postoffice::{DeprecatedFeature, PostOffice};
use rabbitmq_node::Node;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    thread,
};
use tokio::runtime::Runtime;

/// Tells which amqplib and which runner, with their hashes; and has what makes amqplib's default port the broker's.
const PINNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/amqplib");

/// The files of the suite with tests that talk to a broker. The others test its codec.
const FILES: [&str; 3] = ["connect.js", "channel_api.js", "callback_api.js"];

/// Tests for which a certain port of the machine has to be free, and which talk to no broker.
const LEFT_OUT: &str = "^Connect API (Connection refused|with a given connection timeout)$";

/// What fails on both, and why; exactly this.
const FAILS_ON_BOTH: [(&str, &str); 1] = [("connect.js: Connect API ipv6", "both listen on 127.0.0.1 only")];

/// What differs, and why it is meant to; exactly this.
const DIFFERS: [(&str, &str); 1] =
    [("connect.js: Connect API serverProperties", "passes where the product's name is RabbitMQ")];

/// A quarter of the tests declare queues that are neither durable nor exclusive, which RabbitMQ permits on request only.
const PERMITTED: &str = "deprecated_features.permit.transient_nonexcl_queues = true";

/// Of 74 that run. Fewer, and the suite is no longer what it was or didn't run.
const PASS_AT_LEAST: usize = 70;

/// For each test, by its file and full title, what it complains of, if it fails.
type Outcomes = BTreeMap<String, Option<String>>;

#[test]
fn the_suite_of_amqplib_has_the_same_outcome_on_both_brokers() {
    let Some(suite) = suite() else { return };
    let Some(node) = Node::start_with_or_skip(env!("CARGO_TARGET_TMPDIR"), &[], PERMITTED) else { return };
    let runtime = Runtime::new().expect("a runtime starts");
    let office = PostOffice::builder().permit_deprecated(DeprecatedFeature::TransientNonexclQueues);
    let office = runtime.block_on(office.open()).expect("a post office opens");

    let rabbitmq = SocketAddr::from((Ipv4Addr::LOCALHOST, node.amqp_port()));
    let (there, here) = thread::scope(|scope| {
        let there = scope.spawn(|| run(&suite, rabbitmq));
        let here = run(&suite, office.address());
        (there.join().expect("the suite runs on RabbitMQ"), here)
    });
    let passed = |outcomes: &Outcomes| outcomes.values().filter(|complaint| complaint.is_none()).count();
    // Not eprintln: the test runner shows what that prints for failed tests only.
    let _ = writeln!(
        io::stderr(),
        "amqplib's tests: of {} pass {} on RabbitMQ {}, of {} pass {} on the post office",
        there.len(),
        passed(&there),
        node.version(),
        here.len(),
        passed(&here),
    );

    let passes = |outcomes: &Outcomes, test: &str| outcomes.get(test).map(Option::is_none);
    let tests: BTreeSet<&str> = there.keys().chain(here.keys()).map(String::as_str).collect();
    let (same, differ): (BTreeSet<&str>, BTreeSet<&str>) =
        tests.into_iter().partition(|test| passes(&there, test) == passes(&here, test));
    let fail: BTreeSet<&str> = same.into_iter().filter(|test| passes(&there, test) == Some(false)).collect();
    let report = differ.iter().chain(&fail).fold(String::new(), |mut text, test| {
        let _ = writeln!(text, "{test}\n  RabbitMQ: {:?}\n  the post office: {:?}", there.get(*test), here.get(*test));
        text
    });
    let names = |list: &[(&'static str, &str)]| -> BTreeSet<_> { list.iter().map(|(test, _)| *test).collect() };
    assert_eq!(differ, names(&DIFFERS), "what differs isn't what is known to\n{report}");
    assert_eq!(fail, names(&FAILS_ON_BOTH), "what fails on both isn't what is known to\n{report}");
    assert!(passed(&there) >= PASS_AT_LEAST, "only {} tests passed", passed(&there));
}

/// A folder under `target/` with amqplib and its runner; `None` where they can't be had.
fn suite() -> Option<PathBuf> {
    let why = match install() {
        Ok(folder) => return Some(folder),
        Err(why) => format!("node with amqplib can't be had: {why}"),
    };
    rabbitmq_node::skip(why);
    None
}

/// Installs what is pinned, unless that has been done.
fn install() -> Result<PathBuf, String> {
    finish(Command::new("node").arg("--version"))?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("amqplib");
    let lock = |folder: &Path| fs::read(folder.join("package-lock.json")).ok();
    // npm writes the file in `node_modules` when everything else is there.
    let done = folder.join("node_modules/.package-lock.json").exists() && lock(&folder) == lock(Path::new(PINNED));
    if !done {
        fs::create_dir_all(&folder).expect("a folder under target");
        for file in ["package.json", "package-lock.json", ".npmrc"] {
            fs::copy(Path::new(PINNED).join(file), folder.join(file)).expect("a copy under target");
        }
        let flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        finish(Command::new("npm").args(flags).current_dir(&folder))?;
    }
    Ok(folder)
}

fn finish(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let said = || format!("{program}: {}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(said()) }
}

/// Runs the suite on the broker that listens there.
fn run(suite: &Path, broker: SocketAddr) -> Outcomes {
    let told = suite.join(format!("outcomes-{}.json", broker.port()));
    let output = Command::new("node")
        .arg(suite.join("node_modules/mocha/bin/mocha.js"))
        .arg("--require")
        .arg(Path::new(PINNED).join("default_port.js"))
        .args(["--ui", "tdd", "--check-leaks", "--exit"]) // as amqplib's own Makefile has it
        .args(["--timeout", "60000"]) // two seconds are short on a busy machine
        .args(["--grep", LEFT_OUT, "--invert"])
        .args(["--reporter", "json", "--reporter-option"])
        .arg(format!("output={}", told.display()))
        .args(FILES.map(|file| suite.join("node_modules/amqplib/test").join(file)))
        .env("URL", format!("amqp://{broker}"))
        .current_dir(suite)
        .output()
        .expect("node starts");
    let printed = || String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
    let json = fs::read(&told).unwrap_or_else(|_| panic!("the suite has no outcome:\n{}", printed()));
    let _ = fs::remove_file(&told); // only litter

    let report: Value = serde_json::from_slice(&json).expect("mocha's report is JSON");
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let mut outcomes: Outcomes = list("tests").iter().map(|test| (title(test), None)).collect();
    for failure in list("failures") {
        outcomes.insert(title(&failure), Some(failure["err"]["message"].to_string()));
    }
    assert_eq!(list("pending").len(), 0, "nothing is left out but by us");
    outcomes
}

fn title(test: &Value) -> String {
    let text = |name: &str| test[name].as_str().unwrap_or_default();
    let file = Path::new(text("file")).file_name().unwrap_or_default();
    format!("{}: {}", file.display(), text("fullTitle"))
}
