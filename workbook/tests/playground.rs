//! The playground: a topology that is built by hand and by keyboard, faults, time, links, puzzles; on the broker in the page.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod served;
#[allow(dead_code)] // each test file uses its part
mod stage;

use chromiumoxide::cdp::browser_protocol::{
    emulation::{SetDeviceMetricsOverrideParams, SetTouchEmulationEnabledParams},
    input::{DispatchMouseEventParams, DispatchMouseEventType, MouseButton},
};
use chromiumoxide::types::{Command, Method, MethodId};
use reader::{Reader, files};
use serde::Serialize;
use std::{fmt::Write as _, io::Write as _};

const AXE: &str = include_str!("axe/axe.min.js");
const CHECKS: &str = include_str!("pages.js");
const PLAYGROUND: &str = "document.querySelector('message-playground')";

/// Opens the playground of an edition, as a file.
fn open(reader: &Reader, edition: &str, hash: &str) {
    reader.go(&format!("{}/{edition}/play.html{hash}", files()));
    reader.wait_for(&format!("{PLAYGROUND}?.dataset.ready === ''"));
}

fn resize(reader: &Reader, width: i64) {
    reader.ask(SetDeviceMetricsOverrideParams::new(width, 900, 1.0, width < 600));
}

/// Where an element's middle is in the window.
fn middle(reader: &Reader, selector: &str) -> (f64, f64) {
    let found = reader.run(&format!(
        "(() => {{ const one = document.querySelector({selector:?}); const {{ x, y, width, height }} = one.getBoundingClientRect(); return [x + width / 2, y + height / 2]; }})()"
    ));
    let at = |i: usize| found[i].as_f64().unwrap();
    (at(0), at(1))
}

/// Drags from the middle of an element to the middle of another one.
fn drag(reader: &Reader, from: &str, to: &str) {
    let mouse = |kind, (x, y): (f64, f64)| {
        let mut event = DispatchMouseEventParams::new(kind, x, y);
        event.button = Some(MouseButton::Left);
        event.click_count = Some(1);
        reader.ask(event);
    };
    reader.run("document.querySelector('.play-stage').scrollIntoView({ block: 'center', behavior: 'instant' })");
    let (start, end) = (middle(reader, from), middle(reader, to));
    mouse(DispatchMouseEventType::MouseMoved, start);
    mouse(DispatchMouseEventType::MousePressed, start);
    for step in 1..=8 {
        let part = f64::from(step) / 8.0;
        mouse(
            DispatchMouseEventType::MouseMoved,
            (start.0 + (end.0 - start.0) * part, start.1 + (end.1 - start.1) * part),
        );
    }
    mouse(DispatchMouseEventType::MouseReleased, end);
}

/// `Input.dispatchTouchEvent`. The library's own leaves out an empty list of points, which the end of a touch has to have.
#[derive(Clone, Debug, Serialize)]
struct Touch {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "touchPoints")]
    points: Vec<serde_json::Value>,
}

impl Touch {
    fn new(kind: &'static str, points: &[(f64, f64)]) -> Self {
        Self { kind, points: points.iter().map(|(x, y)| serde_json::json!({ "x": x, "y": y })).collect() }
    }
}

impl Method for Touch {
    fn identifier(&self) -> MethodId {
        "Input.dispatchTouchEvent".into()
    }
}

impl Command for Touch {
    type Response = serde_json::Value;
}

/// What a screen reader says of a part.
fn said(reader: &Reader, part: &str) -> String {
    reader.eval(&format!("document.querySelector('[data-id={part}]').ariaLabel ?? document.querySelector('[data-id={part}]').getAttribute('aria-label')"))
}

/// Gives the setting with this name a value, as somebody who types it.
fn set(reader: &Reader, name: &str, value: &str) {
    reader.run(&format!(
        "(() => {{ const field = document.querySelector('.play-inspector').elements[{name:?}];
            if (field.type === 'checkbox') field.checked = {value:?} === 'true';
            else if (field.tagName === 'SELECT') field.value = [...field.options].find(option => option.textContent === {value:?}).value;
            else field.value = {value:?};
            field.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
    ));
}

fn select(reader: &Reader, part: &str) {
    reader.run(&format!("document.querySelector('[data-id={part}]').focus()"));
    reader.press("Enter");
    reader.wait_for(&format!("document.querySelector('[data-id={part}]').classList.contains('is-selected')"));
}

/// Lets time pass until an expression holds.
fn step_until(reader: &Reader, expression: &str) {
    for _ in 0..50 {
        if reader.eval(expression) == "true" {
            return;
        }
        reader.click(".play-step");
    }
    panic!("50 steps, and still not: {expression}");
}

#[test]
fn a_work_queue_is_built_by_hand() {
    for (edition, width) in [("en", 1280), ("zh-CN", 400)] {
        let Some(reader) = Reader::open("en") else { return };
        resize(&reader, width);
        open(&reader, edition, "");
        reader.click(".play-add.is-consumer");
        assert_eq!(reader.eval("document.querySelectorAll('.play-part').length"), "4");
        // From the dot at the queue's side to the new consumer.
        drag(&reader, "[data-id=q1] .play-handle", "[data-id=c2] .play-shape");
        assert_eq!(reader.eval("document.querySelectorAll('.play-line').length"), "3", "{edition}");
        select(&reader, "p1");
        for _ in 0..4 {
            reader.click(".play-publish");
        }
        // Two are worked on, two wait.
        let (waits, busy, done) = if edition == "en" {
            ("2 ready, 2 unacked", "1 in hand", "2 done")
        } else {
            ("2 就绪, 2 未确认", "1 在手里", "2 完成")
        };
        assert!(said(&reader, "q1").ends_with(waits), "{}", said(&reader, "q1"));
        assert!(said(&reader, "c2").contains(busy), "{}", said(&reader, "c2"));
        step_until(
            &reader,
            &format!("document.querySelector('[data-id=c2]').getAttribute('aria-label').includes({done:?})"),
        );
        assert!(said(&reader, "c1").contains(done), "{}", said(&reader, "c1"));
        // Undone, and the new consumer is gone with its line.
        reader.click(".play-undo");
        reader.click(".play-undo");
        assert_eq!(reader.eval("document.querySelectorAll('.play-part').length"), "3");
        reader.nothing_went_wrong();
    }
}

#[test]
fn a_finger_on_a_telephone_solves_the_first_puzzle() {
    let Some(reader) = Reader::open("en") else { return };
    resize(&reader, 360);
    reader.ask(SetTouchEmulationEnabledParams::new(true));
    open(&reader, "en", "#puzzle-arrive");
    reader.run("document.querySelector('.play-stage').scrollIntoView({ block: 'center', behavior: 'instant' })");
    for (from, to) in [("shop", "orders"), ("orders", "packer")] {
        let start = middle(&reader, &format!("[data-id={from}] .play-handle"));
        let end = middle(&reader, &format!("[data-id={to}] .play-shape"));
        reader.ask(Touch::new("touchStart", &[start]));
        for step in 1..=6 {
            let part = f64::from(step) / 6.0;
            reader.ask(Touch::new(
                "touchMove",
                &[(start.0 + (end.0 - start.0) * part, start.1 + (end.1 - start.1) * part)],
            ));
        }
        reader.ask(Touch::new("touchEnd", &[]));
    }
    assert_eq!(reader.eval("document.querySelectorAll('.play-line').length"), "2");
    // What a finger hits is 44 pixels wide.
    let grip = reader.eval("document.querySelector('.play-grip').getBoundingClientRect().width");
    assert!(grip.parse::<f64>().unwrap() >= 43.0, "{grip}");
    reader.run("document.querySelector('.play-check').click()");
    reader.wait_for("document.querySelector('.play-verdict').textContent.startsWith('Solved. ')");
    reader.nothing_went_wrong();
}

#[test]
fn a_topology_is_built_with_the_keyboard_alone() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let press_on = |selector: &str, key: &str| {
        reader.run(&format!("document.querySelector({selector:?}).focus()"));
        reader.press(key);
    };
    press_on(".play-add.is-exchange", "Enter");
    reader.wait_for("document.querySelector('[data-id=x1]')");
    press_on("[data-id=x1]", "Enter");
    set(&reader, "type", "fanout");
    set(&reader, "connect", "hello");
    select(&reader, "p1");
    set(&reader, "connect", "exchange-1");
    let before = reader.eval("document.querySelector('[data-id=x1]').getAttribute('transform')");
    press_on("[data-id=x1]", "ArrowUp");
    assert_ne!(reader.eval("document.querySelector('[data-id=x1]').getAttribute('transform')"), before);
    // The direct line to the queue goes.
    press_on("[aria-label='shop → hello']", "Delete");
    assert_eq!(reader.eval("document.querySelector(\"[aria-label='shop → hello']\")"), "null");
    select(&reader, "p1");
    press_on(".play-publish", "Enter");
    assert!(said(&reader, "q1").ends_with("0 ready, 1 unacked"), "{}", said(&reader, "q1"));
    // A list says the same as the drawing.
    reader.run("document.querySelector('.play-list').parentElement.open = true");
    reader.wait_for(
        "document.querySelector('.play-list').innerText.includes('queue hello: 0 ready, 1 unacked → packer')",
    );
    // And the wire, with the pages that explain its methods.
    reader.run("document.querySelector('.play-wire').parentElement.open = true");
    reader.wait_for("document.querySelector('.play-wire').innerText.includes('exchange=exchange-1')");
    assert_eq!(
        reader.eval("document.querySelector('.play-wire a[href*=\"basic/send.html#publish\"]').textContent"),
        "basic.publish"
    );
    reader.nothing_went_wrong();
}

#[test]
fn whatever_breaks_does_what_it_does_on_a_broker() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let publish = |count: usize| {
        select(&reader, "p1");
        (0..count).for_each(|_| reader.click(".play-publish"));
    };
    let queue = |wanted: &str| assert_eq!(said(&reader, "q1"), format!("queue hello: {wanted}"));

    // A killed consumer gives back what it has not acknowledged; started again it gets it, marked as redelivered.
    publish(2);
    queue("1 ready, 1 unacked");
    select(&reader, "c1");
    reader.click(".play-kill");
    queue("2 ready, 0 unacked");
    select(&reader, "q1");
    reader.wait_for("document.querySelector('.play-messages pre').textContent.includes('\"redelivered\": true')");
    // Frozen it keeps what it holds, however long that takes.
    select(&reader, "c1");
    reader.click(".play-start");
    reader.click(".play-freeze");
    reader.click(".play-next");
    queue("1 ready, 1 unacked");
    reader.click(".play-thaw");
    step_until(&reader, "document.querySelector('[data-id=c1]').getAttribute('aria-label').includes('2 done')");
    // Poison that is put back comes again at once; that is the reader's setting.
    set(&reader, "poison", "dies of it");
    select(&reader, "p1");
    reader.click(".play-poison");
    step_until(&reader, "document.querySelector('[data-id=c1]').getAttribute('aria-label').includes('not running')");
    queue("1 ready, 0 unacked");
    // A crash of the broker: what is persistent is there again, what isn't is gone.
    set(&reader, "persistent", "false");
    publish(1);
    queue("2 ready, 0 unacked");
    reader.click(".play-crash");
    reader.wait_for("document.querySelector('.play-power').innerText.includes('down')");
    reader.click(".play-up");
    reader.wait_for("document.querySelector('[data-id=q1]').getAttribute('aria-label').includes('1 ready, 0 unacked')");
    // A consumer whose network is cut keeps what it holds until the broker has missed its heartbeats.
    select(&reader, "c1");
    set(&reader, "poison", "acknowledges it all the same");
    set(&reader, "seconds", "5");
    reader.click(".play-step"); // it connects again, now that the broker is back
    queue("0 ready, 1 unacked");
    reader.click(".play-cut");
    reader.click(".play-step");
    queue("1 ready, 0 unacked");
    // Full memory blocks whoever publishes, and lets go again.
    reader.click(".play-full");
    publish(1);
    reader.wait_for("document.querySelector('[data-id=p1]').classList.contains('is-blocked')");
    reader.click(".play-empty");
    reader.wait_for("!document.querySelector('[data-id=p1]').classList.contains('is-blocked')");
    reader.nothing_went_wrong();
}

#[test]
fn a_message_that_is_put_back_for_ever_neither_stops_the_page_nor_runs_for_ever() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    select(&reader, "c1");
    set(&reader, "seconds", "0");
    set(&reader, "poison", "puts it back (requeue)");
    select(&reader, "p1");
    set(&reader, "rate", "200");
    reader.click(".play-poison");
    reader.run("document.querySelector('.play-speed').value = 16");
    reader.click(".play-go");
    reader.wait_for(
        "document.querySelector('.play-status').textContent.startsWith('This run is as long as one may be.')",
    );
    assert_eq!(reader.eval("document.querySelector('.play-go').textContent"), "Play");
    let commands = reader.eval(&format!("{PLAYGROUND}.simulation.commands"));
    assert!((50_000..51_000).contains(&commands.parse::<u32>().unwrap()), "{commands}");
    reader.click(".play-restart");
    assert!(said(&reader, "q1").ends_with("0 ready, 0 unacked"), "{}", said(&reader, "q1"));
    reader.nothing_went_wrong();
}

#[test]
fn time_goes_back_and_forth_and_a_link_carries_it_all() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let state = |reader: &Reader| {
        reader.eval(
            "JSON.stringify([...document.querySelectorAll('.play-part')].map(part => part.getAttribute('aria-label')))",
        )
    };
    let go_to = |reader: &Reader, time: &str| {
        reader.run(&format!("(() => {{ const slider = document.querySelector('.play-time'); slider.value = {time}; slider.dispatchEvent(new Event('input')); }})()"));
    };
    select(&reader, "p1");
    let mut states = Vec::new();
    for _ in 0..3 {
        (0..3).for_each(|_| reader.click(".play-publish"));
        states.push((reader.eval("document.querySelector('.play-time').value"), state(&reader)));
        reader.click(".play-step");
    }
    states.push((reader.eval("document.querySelector('.play-time').value"), state(&reader)));
    let end = states.last().unwrap().clone();
    for (time, was) in states.iter().rev().chain(&states) {
        go_to(&reader, time);
        assert_eq!(&state(&reader), was, "at {time} ms");
    }
    reader.click(".play-share");
    reader.wait_for("location.hash.startsWith('#play=')");
    let hash = reader.eval("location.hash");
    drop(reader);

    let Some(other) = Reader::open("en") else { return };
    open(&other, "en", &hash);
    go_to(&other, &end.0);
    assert_eq!(state(&other), end.1);
    // A link that was cut says so, and the playground is there all the same.
    open(&other, "zh-CN", &hash[..hash.len() / 2]);
    other.wait_for("document.querySelector('.play-status').textContent.includes('没有复制完整')");
    assert_eq!(other.eval("document.querySelectorAll('.play-part').length"), "3");
    other.nothing_went_wrong();
}

/// Answers to puzzles that look right at first, as changes of what the puzzle gives.
const WRONG: [(&str, &str, &str); 24] = [
    ("arrive", "only_to_the_queue", "{ lines: [{ from: 'shop', to: 'orders' }] }"),
    ("between", "nobody_takes_it", "{ parts: [queue('q1')], lines: [{ from: 'shop', to: 'q1' }] }"),
    ("share", "a_second_queue", "{ parts: [queue('q1')], lines: [{ from: 'shop', to: 'q1' }] }"),
    ("greedy", "only_bert", "{ edits: [['bert', 'prefetch', 1]] }"),
    ("greedy", "too_many", "{ edits: [['anna', 'prefetch', 8], ['bert', 'prefetch', 8]] }"),
    ("killed", "prefetch_alone", "{ edits: [['anna', 'prefetch', 10], ['bert', 'prefetch', 10]] }"),
    ("forgotten", "automatic_and_away", "{}"),
    ("frozen", "two_in_hand", "{ edits: [['anna', 'prefetch', 2]] }"),
    ("power", "transient_queue", "{ edits: [['orders', 'durable', false], ['shop', 'persistent', true]] }"),
    (
        "everybody",
        "one_queue_at_the_exchange",
        "{ parts: [exchange('x1', 'fanout')], without: ['payments notices '], lines: [{ from: 'payments', to: 'x1', key: '' }, { from: 'x1', to: 'notices', key: '' }] }",
    ),
    (
        "errors",
        "everything_for_everybody",
        "{ lines: ['archive', 'alarms'].flatMap(to => ['error', 'info'].map(key => ({ from: 'logs', to, key }))) }",
    ),
    ("shanghai", "too_few_words", "{ lines: [{ from: 'events', to: 'shanghai', key: '*.shanghai' }] }"),
    ("shanghai", "everything", "{ lines: [{ from: 'events', to: 'shanghai', key: '#' }] }"),
    (
        "nobody",
        "binds_what_is_misspelt",
        "{ parts: [exchange('x1', 'fanout'), queue('q1')], lines: [{ from: 'x1', to: 'q1', key: '' }, { from: 'logs', to: 'x1', key: 'error' }] }",
    ),
    ("poison", "rejects_into_nothing", "{ edits: [['packer', 'poison', 'reject']] }"),
    (
        "deadly",
        "no_place_for_the_dead",
        "{ edits: [['orders', 'arguments.x-queue-type', 'quorum'], ['orders', 'arguments.x-delivery-limit', 2]] }",
    ),
    (
        "unpaid",
        "too_soon",
        "{ edits: [['unpaid', 'arguments.x-message-ttl', 1000], ['unpaid', 'arguments.x-dead-letter-exchange', ''], ['unpaid', 'arguments.x-dead-letter-routing-key', 'cancel']] }",
    ),
    ("rush", "drops_the_first", "{ edits: [['shop', 'confirms', true], ['orders', 'arguments.x-max-length', 5]] }"),
    (
        "newest",
        "refuses_the_newest",
        "{ edits: [['prices', 'arguments.x-max-length', 1], ['prices', 'arguments.x-overflow', 'reject-publish']] }",
    ),
    ("urgent", "only_the_message", "{ edits: [['express', 'priority', 5]] }"),
    ("standby", "both_work", "{}"),
    (
        "colours",
        "any_of_them",
        "{ lines: [{ from: 'parts', to: 'workshop', key: '', arguments: { 'x-match': 'any', colour: 'red', size: 'large' } }] }",
    ),
    (
        "later",
        "straight_back",
        "{ edits: [['work', 'arguments.x-dead-letter-exchange', ''], ['work', 'arguments.x-dead-letter-routing-key', 'work']] }",
    ),
    ("storm", "without_acknowledgements", "{ edits: [['shop', 'persistent', true]] }"),
];

#[test]
fn every_puzzle_is_solved_by_its_solution_and_by_no_wrong_answer() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let wrong = WRONG.iter().fold(String::new(), |mut all, (puzzle, name, changes)| {
        let _ = write!(all, "[{puzzle:?}, {name:?}, {changes}],");
        all
    });
    let found = reader.run(&format!(
        "(async () => {{
            const broker = await Playground.Broker.open();
            const queue = name => ({{ id: name, is: 'queue', name, x: 500, y: 400, durable: true }});
            const exchange = (name, type) => ({{ id: name, is: 'exchange', name, type, x: 300, y: 400, durable: true }});
            const judge = (puzzle, changes) => Playground.judge(puzzle, Playground.checked(Playground.changed(structuredClone(puzzle.start), changes)), broker);
            const problems = Playground.puzzles.flatMap(puzzle => {{
                const solved = judge(puzzle, puzzle.solution);
                return [...solved ? [`${{puzzle.name}}: its solution fails: ${{solved}}`] : [], ...judge(puzzle, {{}}) ? [] : [`${{puzzle.name}} is solved already`]];
            }});
            const told = [{wrong}].map(([name, answer, changes]) => [name, answer, judge(Playground.puzzles.find(puzzle => puzzle.name === name), changes)]);
            const untested = Playground.puzzles.filter(({{ name }}) => !told.some(([puzzle]) => puzzle === name)).map(({{ name }}) => `no wrong answer to ${{name}}`);
            return {{ count: Playground.puzzles.length, problems: [...problems, ...untested, ...told.filter(([, , why]) => !why).map(([name, answer]) => `${{name}}: the wrong answer ${{answer}} passes`)], told }};
        }})()"
    ));
    let _ = writeln!(std::io::stderr(), "{}", serde_json::to_string_pretty(&found["told"]).unwrap()); // how each is told
    assert_eq!(found["problems"], serde_json::json!([]));
    assert!(found["count"].as_u64().unwrap() >= 20, "{}", found["count"]);
    reader.nothing_went_wrong();
}

#[test]
fn a_puzzle_is_solved_in_the_page_that_leads_to_it() {
    for (edition, width, yet, solved) in [
        ("en", 1280, "Not yet: ", "Solved. "),
        ("zh-CN", 360, "还差一点：", "解开了。"),
        ("en-zh", 768, "Not yet: ", "Solved. "),
    ] {
        let Some(reader) = Reader::open("en") else { return };
        resize(&reader, width);
        reader.go(&format!("{}/{edition}/patterns/prefetch.html", files()));
        reader.click("a[href$='play.html#puzzle-greedy']");
        reader.wait_for("document.querySelector('message-playground')?.dataset.ready === ''");
        reader.wait_for("document.querySelector('.play-goal h3').textContent.startsWith('4. ')");
        // What belongs to the puzzle can't be changed, and stays.
        select(&reader, "anna");
        assert_eq!(reader.eval("document.querySelector('.play-inspector').elements.seconds.disabled"), "true");
        reader.click(".play-remove");
        assert_eq!(reader.eval("document.querySelectorAll('.play-part').length"), "4");
        reader.click(".play-check");
        reader.wait_for(&format!("document.querySelector('.play-verdict').textContent.startsWith({yet:?})"));
        for name in ["anna", "bert"] {
            select(&reader, name);
            set(&reader, "prefetch", "1");
        }
        reader.click(".play-check");
        reader.wait_for(&format!("document.querySelector('.play-verdict').textContent.startsWith({solved:?})"));
        // What was judged is played: it can be stopped, and gone through.
        reader.click(".play-go");
        reader.run("(() => { const slider = document.querySelector('.play-time'); slider.value = slider.max; slider.dispatchEvent(new Event('input')); })()");
        let done = |name: &str| {
            reader
                .eval(&format!("/[0-9]+/.exec(document.querySelector('[data-id={name}] .play-count').textContent)[0]"))
        };
        assert_eq!(done("anna").parse::<u32>().unwrap() + done("bert").parse::<u32>().unwrap(), 8);
        // It is kept, until the reader forgets it all.
        open(&reader, edition, "");
        assert_eq!(reader.eval("document.querySelectorAll('.play-choice.is-solved').length"), "1");
        reader.run(CHECKS);
        reader.run(AXE);
        assert_eq!(
            reader.run("(async () => JSON.stringify(await pageChecks.axeProblems()))()"),
            "[]",
            "{edition} at {width} px"
        );
        assert_eq!(reader.eval("JSON.stringify(pageChecks.layout())"), "[]", "{edition} at {width} px");
        reader.nothing_went_wrong();
    }
}

#[test]
fn the_page_lists_every_puzzle_with_the_page_about_it() {
    let Some(reader) = Reader::open("en") else { return };
    for (edition, language) in [("en", 0), ("zh-CN", 1)] {
        open(&reader, edition, "");
        let problems = reader.run(&format!(
            "Playground.puzzles.filter(({{ name, title, page }}) => {{
                const entry = document.getElementById(`puzzle-${{name}}`);
                return entry?.textContent !== title[{language}] || !entry.parentElement.querySelector(`a[href='${{page}}']`);
            }}).map(({{ name }}) => name)"
        ));
        assert_eq!(problems, serde_json::json!([]), "{edition}");
    }
}

/// Topologies that have everything: what the page begins with, and the solved puzzles, as a JavaScript list.
const ALL: &str =
    "[...Playground.puzzles.map(puzzle => Playground.changed(structuredClone(puzzle.start), puzzle.solution))]";

#[test]
fn a_topology_taken_along_as_rust_compiles_without_a_warning_and_runs() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let strange = r#"[{ parts: [{ id: 'p1', is: 'producer', x: 0, y: 0, name: 'a "b"', body: '{x} "{n}" \\ 消息', rate: 5, mandatory: true, confirms: true, expiration: 60000, priority: 3 }, { id: 'q1', is: 'queue', x: 0, y: 0, name: 'q "1"', durable: true }], lines: [{ from: 'p1', to: 'q1' }] }, { parts: [], lines: [] }]"#;
    let programs = reader.run(&format!("[...{ALL}, ...{strange}].map(Playground.rust)"));
    let programs: Vec<&str> = programs.as_array().unwrap().iter().map(|program| program.as_str().unwrap()).collect();
    let runs = programs[0];
    assert!(runs.contains("order {number}"), "{runs}");

    let package = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("playground/taken");
    std::fs::create_dir_all(package.join("src")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(package.join(file), text).unwrap();
    write(
        "Cargo.toml",
        "[package]\nname = \"taken\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nanyhow = \"1\"\nfutures-lite = \"2\"\nlapin = { version = \"4\", default-features = false, features = [\"tokio\"] }\ntokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\", \"time\"] }\n\n[workspace]\n",
    );
    std::fs::copy(served::root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let mut modules = String::from("#![allow(dead_code)]\n");
    for (i, program) in programs.iter().enumerate() {
        let _ = write!(modules, "mod program_{i} {{\n{}\n}}\n", program.replacen("//!", "//", 10));
    }
    write("src/lib.rs", &modules);
    write("src/main.rs", runs);
    let cargo = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO"));
        command.current_dir(&package).args(arguments).arg("--offline").env("RUSTFLAGS", "-Dwarnings");
        command.env("CARGO_TARGET_DIR", package.join("target"));
        command
    };
    let built = cargo(&["build", "--quiet"]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    assert_eq!(first_lines(&mut std::process::Command::new(package.join("target/debug/taken"))), PRINTED);
}

/// What the program for the first puzzle prints.
const PRINTED: [&str; 2] = ["shop sent order 1", "packer has done order 1"];

/// The first two lines of a program that runs against a broker of its own.
fn first_lines(command: &mut std::process::Command) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let office = runtime.block_on(postoffice::PostOffice::open()).unwrap();
    let mut program = command.env("AMQP_ADDR", office.uri()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let printed = std::io::BufRead::lines(std::io::BufReader::new(program.stdout.take().unwrap()));
    let printed = printed.map(Result::unwrap).take(2).collect();
    program.kill().unwrap();
    program.wait().unwrap();
    printed
}

#[test]
fn a_topology_taken_along_as_python_compiles_and_runs() {
    let Some(()) = stage::python() else { return };
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let programs = reader.run(&format!("[...{ALL}, {{ parts: [], lines: [] }}].map(Playground.python)"));
    drop(reader);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("playground/python");
    std::fs::create_dir_all(&folder).unwrap();
    let python = || std::process::Command::new(served::root().join("target/python/bin/python"));
    let programs = programs.as_array().unwrap().iter().enumerate().map(|(i, program)| {
        let file = folder.join(format!("program_{i}.py"));
        std::fs::write(&file, program.as_str().unwrap()).unwrap();
        file
    });
    let programs: Vec<_> = programs.collect();
    let compiled = python().args(["-W", "error", "-m", "py_compile"]).args(&programs).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    assert_eq!(first_lines(python().arg(&programs[0])), PRINTED);
}

#[test]
fn definitions_are_imported_by_rabbitmq() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    let Some(node) = rabbitmq_node::Node::start_or_skip(
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("playground/node"),
        &[],
    ) else {
        return;
    };
    let _ = writeln!(std::io::stderr(), "imported by RabbitMQ {}", node.version());
    // Names of the puzzles' parts repeat: each puzzle gets a prefix.
    let all = reader.run(&format!(
        "JSON.stringify(Playground.definitions({ALL}.reduce((sum, {{ parts, lines }}, i) => ({{
            parts: [...sum.parts, ...JSON.parse(JSON.stringify(parts).replaceAll(/\"(id|name|alternate-exchange|x-dead-letter-exchange|x-dead-letter-routing-key)\":\"([^\"]+)\"/g, `\"$1\":\"${{i}}-$2\"`))],
            lines: [...sum.lines, ...lines.map(line => ({{ ...line, from: `${{i}}-${{line.from}}`, to: `${{i}}-${{line.to}}` }}))] }}), {{ parts: [], lines: [] }})))"
    ));
    let all: serde_json::Value = serde_json::from_str(all.as_str().unwrap()).unwrap();
    let mut import = node.rabbitmqctl();
    import.arg("import_definitions").stdin(std::process::Stdio::piped());
    import.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut import = import.spawn().unwrap();
    import.stdin.take().unwrap().write_all(all.to_string().as_bytes()).unwrap();
    let imported = import.wait_with_output().unwrap();
    assert!(imported.status.success(), "{imported:?}");
    for (what, columns) in [("queues", ["name", "arguments"]), ("exchanges", ["name", "type"])] {
        let listed = node.rabbitmqctl().args(["-q", &format!("list_{what}")]).args(columns).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        for one in all[what].as_array().unwrap() {
            let name = one["name"].as_str().unwrap();
            let row = listed
                .lines()
                .find(|row| row.split('\t').next() == Some(name))
                .unwrap_or_else(|| panic!("{name} is missing: {listed}"));
            for argument in one["arguments"].as_object().unwrap().keys().filter(|_| what == "queues") {
                assert!(row.contains(argument.as_str()), "{row} lacks {argument}");
            }
        }
    }
    let bindings = node
        .rabbitmqctl()
        .args(["-q", "list_bindings", "source_name", "destination_name", "routing_key"])
        .output()
        .unwrap();
    let bindings = String::from_utf8(bindings.stdout).unwrap();
    for one in all["bindings"].as_array().unwrap() {
        let row = ["source", "destination", "routing_key"].map(|key| one[key].as_str().unwrap()).join("\t");
        assert!(bindings.lines().any(|line| line == row), "{row:?} is missing: {bindings}");
    }
    // What RabbitMQ exports comes back as the same topology.
    let exported = node.rabbitmqctl().args(["-q", "export_definitions", "-"]).output().unwrap();
    let exported: serde_json::Value = serde_json::from_slice(&exported.stdout).unwrap();
    let back = reader.run(&format!("JSON.stringify(Playground.definitions(Playground.imported({exported})))"));
    let back: serde_json::Value = serde_json::from_str(back.as_str().unwrap()).unwrap();
    for what in ["exchanges", "queues", "bindings"] {
        let sorted = |definitions: &serde_json::Value| {
            let mut all: Vec<_> = definitions[what].as_array().unwrap().iter().map(ToString::to_string).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&back), sorted(&all), "{what}");
    }
    let refused = reader
        .eval("(() => { try { Playground.imported({ users: [] }); } catch (error) { return error.message; } })()");
    assert_eq!(refused, "neither exchanges nor queues");
}

#[test]
fn two_hundred_parts_and_two_thousand_messages_move_smoothly() {
    let Some(reader) = Reader::open("en") else { return };
    open(&reader, "en", "");
    // Fifty work queues with four producers' worth of messages each second.
    let topology = "(() => { const parts = [], lines = [];
        for (let i = 0; i < 50; i++) {
            const y = 60 + 8 * i;
            parts.push({ id: `p${i}`, is: 'producer', x: 120, y, name: `p${i}`, body: '{n}', rate: 4, persistent: true },
                { id: `x${i}`, is: 'exchange', x: 340, y, name: `x${i}`, type: 'fanout', durable: true },
                { id: `q${i}`, is: 'queue', x: 560, y, name: `q${i}`, durable: true },
                { id: `c${i}`, is: 'consumer', x: 830, y, name: `c${i}`, prefetch: 10, acks: 'manual', seconds: 0.2, poison: 'ack' });
            lines.push({ from: `p${i}`, to: `x${i}`, key: '' }, { from: `x${i}`, to: `q${i}`, key: '' }, { from: `q${i}`, to: `c${i}` });
        }
        return { parts, lines }; })()";
    let hash = reader.run(&format!("Playground.toAddress({{ v: 1, topology: {topology}, inputs: [], end: 0 }})"));
    reader.go("about:blank");
    open(&reader, "en", &format!("#play={}", hash.as_str().unwrap()));
    assert_eq!(reader.eval("document.querySelectorAll('.play-part').length"), "200");
    let frames = reader.run(
        "new Promise(done => {
            document.querySelector('.play-go').click();
            const times = [];
            const tick = now => { times.push(now); times.length < 600 && now - times[0] < 10000 ? requestAnimationFrame(tick) : done(times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b)); };
            requestAnimationFrame(tick);
        })",
    );
    let frames: Vec<f64> = frames.as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).collect();
    let at = |share: f64| frames[(frames.len() as f64 * share) as usize];
    let sent = reader.eval("[...document.querySelectorAll('.play-part.is-producer')].reduce((sum, part) => sum + Number(/\\d+(?= sent)/.exec(part.getAttribute('aria-label'))[0]), 0)");
    let _ = writeln!(
        std::io::stderr(),
        "{sent} messages in {} frames: median {:.1} ms, worst 1 % {:.1} ms",
        frames.len(),
        at(0.5),
        at(0.99)
    );
    assert!(sent.parse::<u32>().unwrap() >= 1000, "{sent}");
    reader.nothing_went_wrong();
}
