//! The file in the page and the crate give the same answers, and the file is made from the sources as they are.

use playground::Playground;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};
use serde_json::{Value, json};
use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

/// Something to say, in batches.
type Script = Vec<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The written scripts: each line of a file is a batch, each file a script.
fn written() -> Vec<(String, Script)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let mut scripts: Vec<(String, Script)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match line.strip_prefix("# ") {
                Some(title) => scripts.push((title.to_owned(), Vec::new())),
                None => scripts.last_mut().expect("a script starts with its title").1.push(line.to_owned()),
            }
        }
        scripts
    };
    files.iter().flat_map(read).collect()
}

/// A command that may make sense: of few names, so that they meet.
fn command() -> impl Strategy<Value = Value> {
    let client = prop::sample::select(vec!["anna", "ben"]);
    let queue = prop::sample::select(vec!["one", "two", "dead"]);
    let exchange = prop::sample::select(vec!["", "amq.direct", "amq.fanout", "amq.topic", "x"]);
    let key = prop::sample::select(vec!["one", "two", "a.b", "#", "a.*"]);
    let names = (client, queue, exchange, key, 0u64..6, any::<bool>(), any::<bool>());
    (0usize..34, names).prop_map(|(kind, (client, queue, exchange, key, number, yes, no))| {
        let dead = json!({ "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead", "x-message-ttl": number * 100 });
        let short = json!({ "x-max-length": number, "x-overflow": if yes { "reject-publish" } else { "drop-head" } });
        match kind {
            0 => json!({ "do": "connect", "client": client }),
            1 => json!({ "do": "cut", "client": client }),
            2 => json!({ "do": "close", "client": client }),
            3..=5 => json!({ "do": "reopen", "client": client }),
            6 => json!({ "do": "queue.declare", "client": client, "queue": queue, "durable": true, "arguments": dead }),
            7 => json!({ "do": "queue.declare", "client": client, "queue": queue, "durable": true, "arguments": short }),
            8 => json!({ "do": "queue.declare", "client": client, "queue": queue, "durable": true }),
            9 => json!({ "do": "queue.declare", "client": client, "exclusive": true, "auto_delete": yes }),
            10 => json!({ "do": "queue.declare", "client": client, "queue": queue, "durable": true,
                "arguments": { "x-queue-type": "quorum", "x-delivery-limit": number } }),
            11 => json!({ "do": "queue.delete", "client": client, "queue": queue, "if_unused": yes, "if_empty": no }),
            12 => json!({ "do": "exchange.declare", "client": client, "exchange": "x", "type": if yes { "topic" } else { "headers" } }),
            13 => json!({ "do": "queue.bind", "client": client, "queue": queue, "exchange": exchange, "key": key }),
            14 => json!({ "do": "queue.unbind", "client": client, "queue": queue, "exchange": exchange, "key": key }),
            15 => json!({ "do": "exchange.bind", "client": client, "source": "amq.topic", "destination": "x", "key": key }),
            16 => json!({ "do": "exchange.delete", "client": client, "exchange": "x", "if_unused": yes }),
            17..=22 => json!({ "do": "publish", "client": client, "exchange": exchange, "key": key, "body": queue,
                "persistent": yes, "mandatory": no, "properties": { "headers": { "n": number }, "priority": number } }),
            23 => json!({ "do": "consume", "client": client, "queue": queue, "tag": format!("c{number}"), "no_ack": yes }),
            24 => json!({ "do": "cancel", "client": client, "tag": format!("c{number}") }),
            25 => json!({ "do": "get", "client": client, "queue": queue, "no_ack": yes }),
            26 => json!({ "do": "ack", "client": client, "delivery_tag": number, "multiple": yes }),
            27 => json!({ "do": "nack", "client": client, "delivery_tag": number, "multiple": yes, "requeue": no }),
            28 => json!({ "do": "reject", "client": client, "delivery_tag": number, "requeue": no }),
            29 => json!({ "do": "qos", "client": client, "prefetch": number }),
            30 => json!({ "do": if yes { "confirm.select" } else { "tx.select" }, "client": client }),
            31 => json!({ "do": if yes { "tx.commit" } else { "tx.rollback" }, "client": client }),
            32 => json!({ "do": "advance", "ms": number * 50 }),
            _ => json!({ "do": if yes { "crash" } else { "start" } }),
        }
    })
}

/// Scripts by chance, the same ones each time.
fn by_chance(count: usize) -> Vec<(String, Script)> {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(config.rng_algorithm));
    let script = prop::collection::vec(command(), 40..120);
    let one = |number: usize, runner: &mut TestRunner| {
        let commands = script.new_tree(runner).unwrap().current();
        let opening = ["anna", "ben"].map(|client| json!({ "do": "connect", "client": client }));
        let view = json!({ "do": "view" });
        let all = opening.into_iter().chain(commands).chain([view]);
        (format!("by chance {number}"), all.map(|command| command.to_string()).collect())
    };
    (0..count).map(|number| one(number, &mut runner)).collect()
}

fn play(script: &Script) -> Vec<String> {
    let mut playground = Playground::default();
    script.iter().map(|batch| playground.tell(batch)).collect()
}

/// What the module answers, played by Node.js; nothing where that isn't installed.
fn play_in_wasm(file: &Path, scripts: &[(String, Script)]) -> Option<Vec<Vec<String>>> {
    let player = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/play.mjs");
    let started = Command::new("node").arg(player).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut node) = started else {
        assert!(env::var("CI").is_err(), "node is not installed");
        eprintln!("skipped: node is not installed");
        return None;
    };
    let mut input = node.stdin.take().unwrap();
    let lines: Vec<String> = scripts.iter().map(|(_, script)| serde_json::to_string(script).unwrap()).collect();
    let writer = thread::spawn(move || lines.iter().for_each(|line| writeln!(input, "{line}").unwrap()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "node has failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    Some(answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn the_file_in_the_page_gives_the_same_answers_as_the_crate() {
    // CI gives the file that it has just built.
    let file =
        env::var_os("PLAYGROUND_WASM").map_or_else(|| root().join("assets/playground/broker.wasm"), PathBuf::from);
    let mut scripts = written();
    scripts.extend(by_chance(200));
    let Some(answers) = play_in_wasm(&file, &scripts) else { return };
    assert_eq!(answers.len(), scripts.len());
    for ((title, script), answers) in scripts.iter().zip(answers) {
        for ((batch, native), wasm) in script.iter().zip(play(script)).zip(answers) {
            assert_eq!(native, wasm, "{title}: {batch}");
        }
    }
}

#[test]
fn the_same_commands_give_the_same_answers() {
    let mut scripts = written();
    scripts.extend(by_chance(100));
    scripts.iter().for_each(|(title, script)| assert_eq!(play(script), play(script), "{title}"));
}

#[test]
fn the_written_scripts_do_what_their_authors_meant() {
    for (title, script) in written() {
        let means_mistake = title.starts_with("mistake");
        let answers = play(&script);
        for (batch, answer) in script.iter().zip(&answers) {
            let answer: Value = serde_json::from_str(answer).unwrap();
            assert!(means_mistake || answer["error"].is_null(), "{title}: {batch}: {}", answer["error"]);
        }
    }
}

#[test]
fn the_file_in_the_page_is_made_from_the_sources_as_they_are() {
    let told = Command::new(root().join("playground/lock")).output().expect("bash runs playground/lock");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let (now, locked) =
        (String::from_utf8(told.stdout).unwrap(), fs::read_to_string(root().join("playground/broker.lock")).unwrap());
    let changed: Vec<&str> = now.lines().filter(|line| !locked.lines().any(|known| known == *line)).collect();
    let is_same = now == locked;
    assert!(
        is_same,
        "assets/playground/broker.wasm is older than what it is made from: run playground/build\n{changed:#?}"
    );
}

#[test]
fn the_core_has_no_network_no_disk_and_no_runtime() {
    let tree = |features: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "tree",
            "--quiet",
            "--offline",
            "--package",
            "postoffice",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ]);
        let told = cargo.args(features).current_dir(root()).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap()
    };
    let has = |tree: &str, name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    let (server, core) = (tree(&[]), tree(&["--no-default-features"]));
    for name in ["tokio", "fjall", "fs4", "clap"] {
        assert!(has(&server, name), "the server has {name}: else this test would notice nothing");
        assert!(!has(&core, name), "the core has {name}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn a_wrong_command_gets_a_sentence_and_never_a_panic(
        command in command(), field in 0usize..6, value in any_json(), text in ".{0,80}",
    ) {
        let mut playground = Playground::default();
        playground.tell(r#"[{"do": "connect", "client": "anna"}, {"do": "connect", "client": "ben"}]"#);
        let mut wrong = command;
        if let Some((_, place)) = wrong.as_object_mut().and_then(|fields| fields.iter_mut().nth(field)) {
            *place = value;
        }
        for said in [wrong.to_string(), text] {
            let answer: Value = serde_json::from_str(&playground.tell(&said)).unwrap();
            prop_assert!(answer["error"].is_null() || answer["error"].as_str().is_some_and(|text| text.len() > 10));
        }
    }
}
