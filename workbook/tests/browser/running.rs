//! Programs that run in the page: where their output stands, how many there may be, and what they say.

use crate::{enter, reader::Reader, served::Served};
use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;

const CHECKS: &str = include_str!("../pages.js");
const AXE: &str = include_str!("../axe/axe.min.js");

/// Nobody is shut out of the page as it is now.
#[track_caller]
fn axe_has_no_complaint(reader: &Reader, place: &str) {
    reader.run(CHECKS);
    reader.run(AXE);
    let problems = reader.run("(async () => JSON.stringify(await pageChecks.axeProblems()))()");
    assert_eq!(problems, "[]", "{place}");
}

fn resize(reader: &Reader, width: u32) {
    reader.ask(SetDeviceMetricsOverrideParams::new(width, 900, 1.0, false));
}

#[test]
fn a_listing_that_is_run_ten_times_has_one_pane_under_its_bar() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/en/basic/send.html"));
    for run in 1..=10 {
        reader.click(".listing-bar[data-ready] .run");
        reader.wait_for(&format!("document.querySelector('.pane .state')?.textContent.startsWith('run {run} · ')"));
        reader.wait_for(
            "/^run \\d+ · \\d+(\\.\\d)? s · status 0$/.test(document.querySelector('.pane .state').textContent)",
        );
    }
    assert_eq!(reader.eval("document.querySelectorAll('.pane').length"), "1");
    assert_eq!(
        reader.eval("document.querySelector('.pane').parentElement.previousElementSibling.localName"),
        "run-bar"
    );
    let in_sight = "(({ top, bottom }) => top >= 0 && bottom <= innerHeight)(document.querySelector('.pane').getBoundingClientRect())";
    reader.wait_for(in_sight);
    reader.wait_for("document.querySelector('.cell .strip .flow[data-queue=hello]')"); // the strip stands there, too
    reader.nothing_went_wrong();
}

#[test]
fn the_limit_counts_programs_that_run_and_is_said_in_the_readers_language() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/zh-CN/basic/receive.html"));
    let running = |count: u32| {
        reader.wait_for(&format!(
            "document.querySelectorAll('.pane:is([data-state=running], [data-state=building])').length === {count}"
        ));
    };
    for pane in 1..=8 {
        reader.click(".listing-bar[data-ready] .run");
        running(pane);
    }
    reader.click(".listing-bar .run");
    reader.wait_for("document.querySelector('.run-hint').textContent === '已经有 8 个程序在运行：请先停掉一个'");
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.consumers === '8'");
    assert_eq!(reader.eval("document.querySelector('.flow-c b').textContent"), "C×8");
    for left in (2..8).rev() {
        reader.click(".pane[data-state=running] .stop");
        running(left);
    }
    reader.wait_for("document.querySelectorAll('.strip .flow-c b').length === 2"); // two consumers are two
    reader.click(".listing-bar .run");
    running(3);
    reader.wait_for("document.querySelector('.run-hint').hidden");
}

#[test]
fn without_the_server_run_says_so() {
    for (language, words) in [("en", "The server is gone"), ("zh-CN", "与服务器的连接断了")] {
        let Some(reader) = Reader::open(language) else { return };
        let mut served = Served::start(None);
        let book = enter(&reader, &served);
        reader.go(&format!("{book}/{language}/basic/send.html"));
        reader.wait_for("document.querySelector('.listing-bar[data-ready]')");
        served.process.kill().unwrap();
        served.process.wait().unwrap();
        reader.wait_for(&format!("document.querySelector('.dock-notice').textContent.startsWith({words:?})"));
        reader.click(".listing-bar .run");
        reader.wait_for(&format!("document.querySelector('.run-hint').textContent.startsWith({words:?})"));
    }
}

#[test]
fn the_dock_covers_nothing_and_is_a_sheet_with_tabs_on_a_telephone() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/en/basic/receive.html"));
    for title in ["receive", "receive (2)"] {
        reader.click(".listing-bar[data-ready] .run");
        reader.wait_for_pane(title, "Waiting for ");
        reader.click(&format!(".pane[aria-label='{title}'] .pin"));
    }
    for (edition, theme) in [("en", "light"), ("zh-CN", "navy")] {
        for width in [1440, 768, 360] {
            resize(&reader, width);
            reader.go(&format!("{book}/{edition}/basic/send.html"));
            reader.wait_for("document.querySelectorAll('run-dock .pane[data-state=running]').length === 2");
            reader.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"));
            let box_of = |selector: &str| -> Vec<f64> {
                let found = reader.eval(&format!(
                    "(({{ left, right, top, bottom }}) => [left, right, top, bottom])(document.querySelector({selector:?}).getBoundingClientRect())"
                ));
                found.split(',').map(|number| number.parse().unwrap()).collect()
            };
            let place = format!("{edition} at {width} px");
            let dock = box_of("run-dock");
            assert!(dock[1] <= f64::from(width) + 0.5 && (dock[3] - 900.0).abs() < 1.0, "{place}: {dock:?}");
            if width == 1440 {
                let contents = box_of("#mdbook-sidebar");
                assert!(
                    dock[0] >= contents[1] - 0.5,
                    "{place}: the dock covers the table of contents: {dock:?}, {contents:?}"
                );
            }
            // What a state says isn't cut.
            let cut = reader.eval("[...document.querySelectorAll('run-dock .pane .state, .dock-count')].filter(state => state.checkVisibility() && state.scrollWidth > state.clientWidth + 1).length");
            assert_eq!(cut, "0", "{place}");
            let seen = "[...document.querySelectorAll('run-dock .pane')].filter(pane => pane.checkVisibility()).map(pane => pane.ariaLabel).join()";
            if width == 360 {
                assert_eq!(reader.eval(seen), "receive", "{place}");
                reader.eval("[...document.querySelectorAll('[role=tab]')].find(tab => tab.textContent === 'receive (2)').click()");
                assert_eq!(reader.eval(seen), "receive (2)", "{place}");
                let small = reader.eval("[...document.querySelectorAll('run-dock button')].filter(button => button.checkVisibility() && (button.offsetHeight < 44 || button.offsetWidth < 44)).map(button => button.className).join()");
                assert_eq!(small, "", "{place}: too small for a finger");
            } else {
                assert_eq!(reader.eval(seen), "receive,receive (2)", "{place}: side by side");
            }
            reader.click(".listing-bar[data-ready] .run");
            reader.wait_for("document.querySelector('.cell .pane[data-state=ended]')");
            axe_has_no_complaint(&reader, &place);
        }
    }
    reader.click("run-dock .pane.is-chosen .stop");
    reader.wait_for("document.querySelector('run-dock .pane[data-state=ended]')");
    reader.click(".dock-clear");
    reader.wait_for("document.querySelectorAll('run-dock .pane').length === 1");
    reader.nothing_went_wrong();
}

#[test]
fn an_address_of_the_readers_own_is_used_and_python_says_what_it_needs() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/en/basic/send.html"));
    reader.click(".listing-bar[data-ready] .environment summary");
    reader.click(".listing-bar .address");
    reader.type_text("amqp://127.0.0.1:1");
    reader.press("Enter");
    reader.wait_for_pane("send", "$ AMQP_ADDR=amqp://127.0.0.1:1 cargo run -p send");
    reader.wait_for("document.querySelector('.pane .state').textContent.endsWith('status 1')");
    reader.go(&format!("{book}/en/basic/python.html"));
    reader.click("[data-listing=python-send][data-ready] .run");
    reader.wait_for("document.querySelector('.pane[aria-label=python-send]')?.dataset.state === 'ended'");
    let said = reader.eval("document.querySelector('.pane[aria-label=python-send]').innerText");
    assert!(said.contains("Sent: ") || said.contains("python3 -m venv target/python"), "{said}");
    reader.nothing_went_wrong();
}

#[test]
fn a_reader_leaves_safeties_out_of_the_flash_sale_and_sees_what_is_lost() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/en/patterns/flash-sale.html"));
    let field = "[data-listing=flash-sale][data-ready] .argument";
    reader.wait_for(&format!("document.querySelector('{field}')?.placeholder === 'options (optional)'"));
    reader.click(field);
    reader.type_text("--without=confirms,idempotent  --requests=1500 ");
    reader.press("Enter");
    let command = "$ cargo run -p flash-sale -- --without=confirms,idempotent --requests=1500";
    reader.wait_for_pane("flash-sale", command);
    reader.wait_for("document.querySelector('.pane .state').textContent.endsWith('status 0')");
    let said = reader.eval("document.querySelector('.pane[aria-label=flash-sale]').innerText");
    let row = |label: &str| said.lines().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("{said}"));
    assert!(row("- LOST").trim_end().rsplit(' ').next() != Some("0"), "{said}");
    assert!(row("DOUBLED").trim_end().ends_with(" 1"), "{said}");
    reader.nothing_went_wrong();
}

#[test]
fn the_queues_stand_in_the_chapter_and_a_stranger_is_told_what_is_the_matter() {
    for (language, words) in [
        ("en", "cargo workbook has printed an address that ends with a token"),
        ("zh-CN", "打印了一个带有 token 的地址"),
    ] {
        let Some(reader) = Reader::open(language) else { return };
        let served = Served::start(None);
        reader.go(&format!("http://127.0.0.1:{}/queues", served.port));
        reader.wait_for(&format!("document.body.innerText.includes({words:?})"));
        let book = enter(&reader, &served);
        reader.go(&format!("{book}/{language}/basic/look.html"));
        assert_eq!(served.post("/workbook/runs", r#"{"listing":"send"}"#).0, 201);
        reader.wait_for("document.querySelector('main queue-board td.body')?.textContent.includes('Rust')");
        reader.wait_for("document.querySelector('main a[href=\"/queues\"] code')");
    }
}

#[test]
fn a_reader_crashes_the_broker_and_sees_which_message_is_still_there_and_why() {
    for (language, crashed, kept) in [
        (
            "en",
            "The broker has crashed, without a word to anybody.",
            "The broker is running. Back after its last start: 2 queues, 1 message. Gone: 0 queues, 1 message. Only persistent \
             messages in durable queues survive.",
        ),
        (
            "zh-CN",
            "消息代理崩溃了，没有跟任何程序打招呼。",
            "消息代理正在运行。上次启动后，2 个队列、1 条消息还在；0 个队列、1 条消息没了。只有持久化队列里的持久化消息能留下来。",
        ),
    ] {
        let Some(reader) = Reader::open(language) else { return };
        let served = Served::start(None);
        let book = enter(&reader, &served);
        reader.go(&format!("{book}/{language}/patterns/durable.html"));
        for listing in ["send", "new-task"] {
            reader.click(&format!("[data-listing={listing}][data-ready] .run"));
            reader
                .wait_for(&format!("document.querySelector('.pane[aria-label={listing}]')?.dataset.state === 'ended'"));
        }
        reader.wait_for("document.querySelectorAll('.strip .flow-queue .flow-message').length === 2");
        let says = |text: &str| {
            reader.wait_for(&format!("document.querySelector('.strip .power-state').textContent === {text:?}"));
        };
        let shown = |width, says: &dyn Fn()| {
            resize(&reader, width);
            reader.go(&format!("{book}/{language}/patterns/durable.html"));
            says();
            axe_has_no_complaint(&reader, &format!("{language} at {width} px"));
            assert_eq!(reader.eval("JSON.stringify(pageChecks.layout())"), "[]", "{language} at {width} px");
        };
        reader.click(".strip .power-crash");
        says(crashed);
        assert_eq!(reader.eval("document.activeElement.className"), "power-start", "the pressed button is gone");
        reader.press("Enter");
        says(kept);
        assert_eq!(reader.eval("document.activeElement.className"), "power-stop");
        reader.wait_for("document.querySelector('.flow[data-queue=packing]')?.dataset.ready === '1'");
        reader.wait_for("document.querySelector('.flow[data-queue=hello]').dataset.ready === '0'");
        shown(1440, &|| says(kept));
        reader.click(".strip .power-crash");
        shown(360, &|| says(crashed));
        reader.click(".strip .power-start");
        let kept = kept.replace("1 message. Only persistent messages in durable queues survive.", "0 messages.");
        let kept = kept.replace("1 条消息没了。只有持久化队列里的持久化消息能留下来。", "0 条消息没了。");
        says(&kept);
        reader.go(&format!("{book}/queues"));
        reader.wait_for(&format!("document.querySelector('.power-state')?.textContent === {kept:?}"));
        assert_eq!(
            reader.eval("[...document.querySelectorAll('td.body')].map(body => body.textContent).join()"),
            "lamp.."
        );
        for button in ["stop", "start", "restart", "crash", "start"] {
            reader.click(&format!(".power-{button}"));
            let is_open = if ["stop", "crash"].contains(&button) { "start" } else { "stop" };
            reader.wait_for(&format!("document.querySelector('.power-{is_open}').checkVisibility()"));
        }
        reader.wait_for("document.querySelector('td.body')?.textContent === 'lamp..'");
        reader.nothing_went_wrong();
    }
}

/// Puts something into the editor of an exercise, in the place of something else.
fn rewrite(reader: &Reader, name: &str, old: &str, new: &str) {
    reader.eval(&format!(
        "(editor => editor.setValue(editor.getValue().replace({old:?}, () => {new:?}), -1))(ace.edit(document.querySelector('[data-name={name}] .editor')))"
    ));
}

#[test]
fn an_exercise_is_solved_in_the_page_with_verdicts_in_the_readers_language() {
    for (language, width, broken, not_yet, asks, solved) in [
        ("en", 1440, "It doesn’t compile yet.", "Not yet:", "Which exchange gets it", "Solved: all tests pass."),
        ("zh-CN", 360, "还没有编译通过。", "还差一点：", "消息交给了哪个交换机", "做对了，测试全部通过。"),
    ] {
        let Some(reader) = Reader::open(language) else { return };
        let served = Served::start(None);
        let book = enter(&reader, &served);
        resize(&reader, width);
        reader.go(&format!("{book}/{language}/basic/send.html"));
        let sheet = "[data-name=first_letter]";
        reader.click(&format!("{sheet} .open"));
        reader.wait_for(&format!("document.querySelector('{sheet} .editor')?.matches('.ace_focus')"));
        let comments = "[...ace.edit(document.querySelector('[data-name=first_letter] .editor')).getValue().matchAll(/\\/\\/.*[\\u4e00-\\u9fff]/g)].length > 0";
        assert_eq!(reader.eval(comments), (language == "zh-CN").to_string(), "comments in the other language");
        let verdict = |text: &str| {
            reader.wait_for(&format!("document.querySelector('{sheet} .verdict').textContent.startsWith({text:?})"));
        };
        let compared = || {
            reader.eval(&format!(
                "[...document.querySelectorAll('{sheet} .compared-queue')].map(queue => queue.textContent).join(' / ')"
            ))
        };

        reader.press_with_ctrl("Enter");
        verdict(not_yet);
        assert!(reader.eval(&format!("document.querySelector('{sheet} .verdict').textContent")).contains(asks));
        let empty = if language == "en" { "empty" } else { "空的" };
        assert_eq!(compared(), format!("{empty} / Life is short, I use Rust!"));
        axe_has_no_complaint(&reader, &format!("{language} at {width} px"));
        assert_eq!(reader.eval("JSON.stringify(pageChecks.layout())"), "[]");

        rewrite(&reader, "first_letter", "    connection.close", "    nonsense;\n    connection.close");
        reader.click(&format!("{sheet} .check"));
        verdict(broken);
        reader.wait_for(&format!("document.querySelector('{sheet} .ace_gutter-cell.ace_error')"));
        assert_eq!(reader.eval(&format!("document.querySelector('{sheet} .solution').checkVisibility()")), "false");

        // However a check ends, the next one can begin; and nothing passes by ending the process.
        let unfinished = if language == "en" { "The check did not come to its end" } else { "检查没有做完" };
        rewrite(&reader, "first_letter", "nonsense;", "std::process::exit(0);");
        reader.click(&format!("{sheet} .check"));
        verdict(unfinished);
        rewrite(&reader, "first_letter", "std::process::exit(0);", "std::future::pending::<()>().await;");
        let pane = format!("document.querySelector('{sheet} + .cell .pane')?.dataset.state === 'running'");
        reader.click(&format!("{sheet} .check"));
        reader.wait_for(&pane);
        reader.click(&format!("{sheet} + .cell .stop"));
        verdict(unfinished);
        reader.click(&format!("{sheet} .check"));
        reader.wait_for(&pane);
        reader.click(&format!("{sheet} + .cell .close"));
        reader.wait_for(&format!("document.querySelector('{sheet} .verdict').textContent === ''"));
        assert_eq!(reader.eval("document.querySelector('.solved-mark')"), "null");
        rewrite(&reader, "first_letter", "std::future::pending::<()>().await;", "nonsense;");
        let publish = "channel.basic_publish(\"\".into(), \"hello\".into(), BasicPublishOptions::default(), b\"Life is short\", BasicProperties::default()).await?;";
        rewrite(&reader, "first_letter", "nonsense;", publish);
        reader.click(&format!("{sheet} .check"));
        verdict(not_yet);
        assert_eq!(compared(), "Life is short / Life is short, I use Rust!");

        let editor = format!("ace.edit(document.querySelector('{sheet} .editor'))"); // which wraps long lines where it shows them
        // What was written is still there on the next visit, in every edition.
        reader.go(&format!("{book}/en-zh/basic/send.html"));
        reader.click(&format!("{sheet} .open"));
        reader.wait_for(&format!(
            "document.querySelector('{sheet} .editor') && {editor}.getValue().includes('Life is short')"
        ));
        // That edition's sheet speaks both languages.
        reader.click(&format!("{sheet} .hint"));
        reader.click(&format!("{sheet} .check"));
        verdict("Not yet: 还差一点：");
        for part in [".verdict", ".sheet-hint"] {
            let said = reader.eval(&format!("document.querySelector('{sheet} {part}').textContent"));
            assert!(said.contains("exchange") && said.contains("交换机"), "{said}");
        }
        reader.go(&format!("{book}/{language}/basic/send.html"));
        reader.click(&format!("{sheet} .open"));
        reader.wait_for(&format!(
            "document.querySelector('{sheet} .editor') && {editor}.getValue().includes('basic_publish')"
        ));
        rewrite(&reader, "first_letter", "short\"", "short, I use Rust!\"");
        reader.click(&format!("{sheet} .check"));
        verdict(solved);
        reader.wait_for("document.querySelector('li > .solved-mark')");
        reader.click(&format!("{sheet} .solution"));
        reader.wait_for(&format!("document.querySelector('{sheet} pre.sheet-fold:not([hidden])')"));
        reader.click(&format!("{sheet} .hint"));
        reader
            .wait_for(&format!("document.querySelector('{sheet} .sheet-hint code')?.textContent === 'basic_publish'"));
        axe_has_no_complaint(&reader, &format!("{language} at {width} px, solved"));
        assert_eq!(reader.eval("JSON.stringify(pageChecks.layout())"), "[]");

        reader.eval("(window.confirm = () => true, 0)");
        reader.click(&format!("{sheet} .reset"));
        reader.wait_for("localStorage.getItem('workbook-exercise-first_letter') === null");
        reader.go(&format!("{book}/{language}/exercises.html"));
        reader.wait_for("document.querySelector('td > .solved-mark + code')?.textContent === 'first_letter'");
        assert_eq!(reader.eval("document.querySelectorAll('.solved-mark').length"), "1");
        reader.nothing_went_wrong();
    }
}
