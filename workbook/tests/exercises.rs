//! Proof that the exercises check what they claim: each untouched starter fails, each solution passes on the post office and
//! on RabbitMQ, and each wrong answer that has a name fails with the sentence that is meant for it.
//!
//! All of them are compiled as modules of one generated test, with one call of cargo and one link.

use postoffice::PostOffice;
use rabbitmq_node::Node;
use reader::Reader;
use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex},
    thread,
};
use workbook::twins;

#[path = "../../exercises/build.rs"]
#[allow(dead_code)] // its `main` is cargo's
mod build;
#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)]
mod served;

/// How many programs run at the same time. They mostly wait.
const AT_ONCE: usize = 4;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n\n"));
}

/// An exercise as `info.toml` lists it.
struct Exercise {
    name: String,
    page: String,
    minutes: u32,
    hint: String,
}

static EXERCISES: LazyLock<Vec<Exercise>> = LazyLock::new(|| {
    let info: toml::Table = read("exercises/info.toml").parse().unwrap();
    let exercises = info["exercises"].as_array().unwrap().iter().map(|exercise| {
        let text = |key: &str| exercise[key].as_str().unwrap().to_owned();
        let minutes = exercise["minutes"].as_integer().unwrap().try_into().unwrap();
        Exercise { name: text("name"), page: text("page"), minutes, hint: text("hint") }
    });
    exercises.collect()
});

/// What somebody wrote above the tests, and the tests.
fn parts(file: &str) -> (&str, &str) {
    let at = file.find("#[cfg(test)]\nmod tests {").expect("an exercise ends with its tests");
    file.split_at(at)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Attempt {
    Starter,
    Solution,
    Wrong { name: String, says: String },
}

impl Attempt {
    fn module(&self, exercise: &str) -> String {
        match self {
            Self::Starter => format!("{exercise}__starter"),
            Self::Solution => format!("{exercise}__solution"),
            Self::Wrong { name, .. } => format!("{exercise}__wrong_{name}"),
        }
    }
}

/// Every attempt at every exercise, by the exercise.
static ATTEMPTS: LazyLock<BTreeMap<&'static str, Vec<Attempt>>> = LazyLock::new(|| {
    let mut attempts = BTreeMap::new();
    for exercise in EXERCISES.iter() {
        let mut all = vec![Attempt::Starter, Attempt::Solution];
        let folder = root().join("workbook/tests/wrong_answers").join(&exercise.name);
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let says = text.lines().find_map(|line| line.strip_prefix("// says: "));
            let says = says.unwrap_or_else(|| panic!("{}: no line `// says: …`", path.display())).to_owned();
            all.push(Attempt::Wrong { name: path.file_stem().unwrap().to_str().unwrap().to_owned(), says });
        }
        all.sort();
        attempts.insert(exercise.name.as_str(), all);
    }
    attempts
});

/// The program that holds the tests of all attempts, each in its module.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attempts");
    fs::create_dir_all(package.join("src")).unwrap();
    let mut modules = "#![allow(dead_code, unused)]\n".to_owned();
    for (exercise, attempts) in ATTEMPTS.iter() {
        let starter = read(format!("exercises/exercises/{exercise}.rs"));
        let (_, tests) = parts(&starter);
        for attempt in attempts {
            let text = match attempt {
                Attempt::Starter => starter.clone(),
                Attempt::Solution => read(format!("exercises/solutions/{exercise}.rs")),
                Attempt::Wrong { name, .. } => {
                    read(format!("workbook/tests/wrong_answers/{exercise}/{name}.rs")) + "\n" + tests
                }
            };
            let module = attempt.module(exercise);
            write_if_new(&package.join(format!("src/{module}.rs")), &text);
            writeln!(modules, "mod {module};").unwrap();
        }
    }
    write_if_new(&package.join("src/attempts.rs"), &modules);

    // The exercises' own package with one large test in the place of its programs: so its lock file is good here too.
    let mut manifest: toml::Table = read("exercises/Cargo.toml").parse().unwrap();
    manifest.remove("bin");
    manifest.remove("lints");
    manifest["lib"]["path"] = root().join("exercises/window/lib.rs").to_str().unwrap().into();
    manifest["dependencies"]["postoffice"]["path"] = root().join("postoffice").to_str().unwrap().into();
    manifest.insert(
        "test".into(),
        vec![toml::toml! {
            name = "attempts"
            path = "src/attempts.rs"
        }]
        .into(),
    );
    write_if_new(&package.join("Cargo.toml"), &manifest.to_string());
    write_if_new(&package.join("Cargo.lock"), &read("exercises/Cargo.lock"));

    let build = Command::new(env!("CARGO"))
        .args([
            "test",
            "--no-run",
            "--locked",
            "--quiet",
            "--test",
            "attempts",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", target_dir())
        .output()
        .unwrap();
    assert!(build.status.success(), "the attempts don't compile:\n{}", String::from_utf8_lossy(&build.stderr));
    let artifacts = String::from_utf8(build.stdout).unwrap();
    let program = artifacts.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once(r#""executable":""#)?;
        rest.split('"').next()
    });
    PathBuf::from(program.expect("cargo names what it has built"))
});

/// The folder that holds what cargo has compiled already.
fn target_dir() -> PathBuf {
    let test = env::current_exe().unwrap(); // target/debug/deps/exercises-…
    test.ancestors().nth(3).unwrap().to_owned()
}

/// Leaves a file alone that says this already, so that cargo sees no change.
fn write_if_new(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).unwrap();
    }
}

/// Runs the tests of one attempt: whether they pass, and what they print.
fn verdict(exercise: &str, attempt: &Attempt, broker: Option<&str>) -> (bool, String) {
    let mut run = Command::new(&*PROGRAM);
    run.arg(format!("{}::", attempt.module(exercise))).env_remove("AMQP_ADDR").env("RUST_BACKTRACE", "0");
    if let Some(addr) = broker {
        run.env("AMQP_ADDR", addr);
    }
    let output = run.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!printed.contains("running 0 tests"), "{exercise}: no tests found in {attempt:?}");
    (output.status.success(), printed)
}

/// The attempts that failed, with what their tests printed.
static FAILED: Mutex<Vec<(&'static str, &'static Attempt, String)>> = Mutex::new(Vec::new());

/// What is wrong with the verdict on an attempt: it has to be the one that its author expects.
fn misjudged(exercise: &'static str, attempt: &'static Attempt, broker: Option<&str>) -> Option<String> {
    let (passed, printed) = verdict(exercise, attempt, broker);
    if !passed {
        FAILED.lock().unwrap().push((exercise, attempt, printed.clone()));
    }
    match attempt {
        Attempt::Starter => passed.then(|| format!("{exercise}: the starter passes; what is there to learn?")),
        Attempt::Solution => (!passed).then(|| format!("{exercise}: the solution fails:\n{printed}")),
        Attempt::Wrong { name, .. } if passed => Some(format!("{exercise}: the wrong answer {name} passes")),
        Attempt::Wrong { name, says } => (!printed.contains(says.as_str()))
            .then(|| format!("{exercise}: the wrong answer {name} fails, and nothing says “{says}”:\n{printed}")),
    }
}

/// Judges the chosen attempts, as many at a time as there are brokers; `None` lets the tests open post offices.
fn judge(brokers: &[Option<String>], chosen: impl Fn(&Attempt) -> bool) -> Vec<String> {
    let _compiled = &*PROGRAM;
    let all = ATTEMPTS.iter().flat_map(|(name, all)| all.iter().map(move |attempt| (*name, attempt)));
    let todo = Mutex::new(all.filter(|(_, attempt)| chosen(attempt)).collect::<Vec<_>>());
    let next = || todo.lock().unwrap().pop();
    let problems = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for broker in brokers {
            scope.spawn(|| {
                while let Some((exercise, attempt)) = next() {
                    problems.lock().unwrap().extend(misjudged(exercise, attempt, broker.as_deref()));
                }
            });
        }
    });
    problems.into_inner().unwrap()
}

#[test]
fn every_untouched_starter_fails() {
    assert_none(&judge(&[const { None }; AT_ONCE], |attempt| *attempt == Attempt::Starter));
}

#[test]
fn every_solution_passes() {
    assert_none(&judge(&[const { None }; AT_ONCE], |attempt| *attempt == Attempt::Solution));
}

#[test]
fn every_wrong_answer_fails_with_its_sentence_which_a_page_says_in_its_language() {
    assert_none(&judge(&[const { None }; AT_ONCE], |attempt| matches!(attempt, Attempt::Wrong { .. })));

    let Some(reader) = Reader::open("en") else { return };
    let script = include_str!("../src/page/verdict.js").replace("export const", "var");
    reader.run(&script);
    let refused = "thread 'x' panicked at x.rs:99:1:\na screen couldn't subscribe · 有一块屏幕没能订阅: 405 RESOURCE-LOCKED\nnote: run with";
    for (language, expected) in [
        ("en", "a screen couldn't subscribe: 405 RESOURCE-LOCKED"),
        ("zh-CN", "有一块屏幕没能订阅：405 RESOURCE-LOCKED"),
    ] {
        assert_eq!(reader.eval(&format!("failures({refused:?}, {language:?}, 9)[0].text")), expected);
    }
    let mut problems = Vec::new();
    for (exercise, attempt, printed) in &*FAILED.lock().unwrap() {
        let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attempts/src");
        let file = fs::read_to_string(package.join(format!("{}.rs", attempt.module(exercise)))).unwrap();
        let lines = parts(&file).0.lines().count();
        for (language, is_chinese) in [("en", false), ("zh-CN", true)] {
            // The tests' texts, unless there are some and all are in the language; what a program says itself may be in any.
            let wrong = reader.eval(&format!(
                "(texts => texts.length > 0 && texts.every(text => text && isChinese(text) === {is_chinese}) ? '' : JSON.stringify(texts))\
                 (failures({printed:?}, {language:?}, {lines}).filter(({{ line }}) => line === null).map(({{ text }}) => text))"
            ));
            if !wrong.is_empty() {
                problems.push(format!("{exercise}: {attempt:?}: in {language} a page says {wrong}\n{printed}"));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn rabbitmq_comes_to_the_same_verdicts() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let ctl = |args: &[&str]| {
        let output = node.rabbitmqctl().args(args).output().unwrap();
        assert!(output.status.success(), "rabbitmqctl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // A virtual host for each that runs: the exercises use the same names for their mailboxes.
    let hosts = ["one", "two", "three", "four"].map(|host| {
        ctl(&["add_vhost", host]);
        ctl(&["set_permissions", "-p", host, "guest", ".*", ".*", ".*"]);
        Some(format!("{}/{host}", node.amqp_addr()))
    });
    assert_none(&judge(&hosts, |_| true));
}

/// Also by the programs that go to it by way of the testkit's road.
#[test]
fn a_broker_that_an_ipv6_address_names_is_the_one_that_is_used() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let office = match runtime.block_on(PostOffice::builder().listen("[::1]:0".parse().unwrap()).open()) {
        Ok(office) => office,
        Err(error) => return rabbitmq_node::skip(error),
    };
    let addr = format!("amqp://[::1]:{}", office.address().port());
    let mut journal = office.journal();
    assert_none(&judge(&[Some(addr)], |attempt| *attempt == Attempt::Solution));
    assert!(journal.try_next().is_some(), "nobody has come to the post office");
}

#[test]
fn there_are_enough_exercises_and_enough_wrong_answers() {
    assert!(EXERCISES.len() >= 40, "only {}", EXERCISES.len());
    let wrong = ATTEMPTS.values().flatten().filter(|attempt| matches!(attempt, Attempt::Wrong { .. })).count();
    assert!(wrong >= 130, "only {wrong} wrong answers");
    let too_few = ATTEMPTS.iter().filter(|(_, attempts)| attempts.len() < 4);
    assert_none(&too_few.map(|(name, _)| format!("{name}: fewer than two wrong answers")).collect::<Vec<_>>());
    let folders = fs::read_dir(root().join("workbook/tests/wrong_answers")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let strays = names.filter(|name| !ATTEMPTS.contains_key(name.as_str()));
    assert_none(&strays.map(|name| format!("wrong answers to {name}, which is no exercise")).collect::<Vec<_>>());
}

#[test]
fn starter_and_solution_have_the_same_tests() {
    let differing = EXERCISES.iter().filter(|Exercise { name, .. }| {
        let (starter, solution) =
            (read(format!("exercises/exercises/{name}.rs")), read(format!("exercises/solutions/{name}.rs")));
        parts(&starter).1 != parts(&solution).1
    });
    assert_none(
        &differing.map(|e| format!("{}: starter and solution are judged differently", e.name)).collect::<Vec<_>>(),
    );
}

#[test]
fn where_tests_were_changed_or_deleted_the_build_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let tests = "#[cfg(test)]\nmod tests {\n    assert!(true);\n}\n";
    for (name, exercise, solution) in [
        ("untouched.rs", format!("fn main() {{}}\n{tests}"), tests.to_owned()),
        ("windows.rs", tests.replace('\n', "\r\n"), tests.to_owned()),
        ("examination.rs", tests.replace("true", "1 == 1"), String::new()),
        ("changed.rs", tests.replace("true", "1 == 1"), tests.to_owned()),
        ("deleted.rs", "fn main() {}\n".to_owned(), tests.to_owned()),
        ("twice.rs", format!("{tests}{}", tests.replace("assert!(true);", "")), tests.to_owned()),
    ] {
        for (part, text) in [("exercises", exercise), ("solutions", solution)] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
            fs::write(folder.path().join(part).join(name), text).unwrap();
        }
    }
    assert_eq!(build::altered(folder.path()).unwrap(), ["changed.rs", "deleted.rs", "twice.rs"]);
    assert_eq!(build::altered(&root().join("exercises")).unwrap(), Vec::<String>::new());
}

#[test]
fn starters_and_hints_speak_both_languages_and_name_their_page() {
    let is_chinese = |text: &str| text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let mut problems = Vec::new();
    for Exercise { name, page, minutes, hint } in EXERCISES.iter() {
        let starter = read(format!("exercises/exercises/{name}.rs"));
        let (page, anchor) = page.split_once('#').expect("a page and a place on it");
        let twin = page.replace(".md", ".zh-CN.md");
        for wanted in [
            format!("// {minutes} minutes · {minutes} 分钟\n"),
            format!("src/{page}#{anchor}, src/{twin}#{anchor}\n"),
            "// TODO: ".into(),
            "待办：".into(),
        ] {
            if !starter.contains(&wanted) {
                problems.push(format!("{name}: the starter doesn't say {wanted:?}"));
            }
        }
        if hint.lines().next().is_none_or(is_chinese) || !is_chinese(hint) {
            problems.push(format!("{name}: the hint needs both languages, English first"));
        }
        if !read(format!("src/{page}")).contains(&format!("{{#{anchor}}}")) {
            problems.push(format!("{name}: src/{page} has no place #{anchor}"));
        }
    }
    assert_none(&problems);
}

/// What an exercise asks for was shown before: on its page, or on one that stands before it.
#[test]
fn each_call_that_a_solution_makes_is_taught_on_its_page_or_before() {
    const CALLS: [&str; 27] = [
        "create_channel(",
        "queue_declare(",
        "basic_publish(",
        "basic_consume(",
        "basic_get(",
        ".ack(",
        ".nack(",
        "requeue: true",
        "passive: true",
        "with_content_type(",
        "content_type()",
        "no_ack: true",
        ".close(",
        ".basic_qos(",
        ".reject(",
        "requeue: false",
        ".redelivered",
        "spawn_blocking(",
        "x-queue-type",
        "exchange_declare(",
        "queue_bind(",
        "confirm_select(",
        "mandatory: true",
        "with_expiration(",
        "timeout(",
        "with_message_id(",
        "with_delivery_mode(",
    ];
    let summary = read("src/SUMMARY.md");
    let order: Vec<_> = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let taught = |page: &str| {
        let page = read(format!("src/{page}"));
        let included = page.split("{{#").skip(1).filter_map(|rest| rest.split([' ', ':', '}']).nth(1));
        let listings = included.filter_map(|file| file.strip_prefix("../../")).map(read).collect::<String>();
        page + &listings
    };
    let mut problems = Vec::new();
    for Exercise { name, page, .. } in EXERCISES.iter() {
        let solution = read(format!("exercises/solutions/{name}.rs"));
        let page = page.split('#').next().expect("a page");
        let until = order.iter().position(|of| *of == page).expect("the summary has it");
        let pages: String = order[..=until].iter().map(|page| taught(page)).collect();
        for call in CALLS.iter().filter(|call| parts(&solution).0.contains(**call) && !pages.contains(**call)) {
            problems.push(format!("{name}: its solution uses {call}, which no page up to {page} shows"));
        }
    }
    assert_none(&problems);
}

#[test]
fn the_book_lists_every_exercise_with_its_minutes_and_its_page_links_back() {
    let mut problems = Vec::new();
    for pair in twins::pairs(root()).unwrap() {
        let is_list = pair.english == Path::new("exercises.md");
        for (page, minutes) in [(pair.english.clone(), " (MINUTES minutes)"), (pair.chinese, "（MINUTES 分钟）")] {
            let text = read(Path::new("src").join(&page));
            for exercise in EXERCISES.iter() {
                let belongs = exercise.page.split('#').next().is_some_and(|of| Path::new(of) == pair.english);
                let wanted = match (is_list, belongs) {
                    (true, _) => format!("| `{}` ", exercise.name),
                    (_, true) => {
                        format!("`{}`", exercise.name) + &minutes.replace("MINUTES", &exercise.minutes.to_string())
                    }
                    _ => continue,
                };
                let row = text.lines().find(|line| line.contains(&wanted));
                if row.is_none_or(|row| is_list && !row.contains(&format!("| {} |", exercise.minutes))) {
                    problems.push(format!(
                        "src/{}: {wanted:?} is missing, or its {} minutes",
                        page.display(),
                        exercise.minutes
                    ));
                }
            }
        }
    }
    assert_none(&problems);
}
